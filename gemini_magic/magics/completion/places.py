"""Where in a cell the cursor stands, as far as it stands in something of ours; for completion."""

from __future__ import annotations

import ast
import io
import re
import tokenize
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from gemini_magic.exceptions import UsageError
from gemini_magic.magics.arguments import BY_FLAG, Option
from gemini_magic.magics.line import is_option_like, read_word, skip_space

if TYPE_CHECKING:
    from collections.abc import Mapping

Kind = Literal["option", "value", "word", "expression"]

_CELL = re.compile(r"%%gemini(?=\s|$)")
_LINE = re.compile(r"(?P<target>[^%#]*?)%gemini(?=\s|$)")
#: Cell magics whose body is code like any other cell's.
_CODE_CELLS = frozenset({"%%time", "%%timeit", "%%capture", "%%prun"})
_OPENING = re.compile(r"(?P<slashes>\\*)\{\{(?P<inside>(?:(?!\{\{|\}\}).){0,500})\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the cursor stands.

    Attributes:
        kind: In the name of an option, in its value, in a word behind the options, or inside ``{{``.
        fragment: What is typed of it, up to the cursor.
        option: The option whose value it is.
        words: The words behind the options that are complete.
        given: The options before it, as they were typed, by ``Option.dest``.
        quote: The quote that is open, or an empty string.
        is_cell: Whether it belongs to ``%%gemini``.
    """

    kind: Kind
    fragment: str
    option: Option | None = None
    words: tuple[str, ...] = ()
    given: Mapping[str, str] = field(default_factory=dict)
    quote: str = ""
    is_cell: bool = False


def place_of(cell: str, line_number: int, column: int) -> Place | None:
    """Find out where the cursor stands.

    Args:
        cell: The whole cell.
        line_number: The cursor's line, counted from 0.
        column: Its place in that line.

    Returns:
        The place, or None where nothing is ours to complete.
    """
    lines = cell.split("\n")
    typed = lines[line_number][:column]
    first = next((number for number, line in enumerate(lines) if line.strip()), 0)
    if magic := _CELL.match(lines[first]):
        if line_number == first:
            return _on_line(typed[magic.end() :], is_cell=True) if column > magic.end() else None
        if line_number < first or "--raw" in lines[first].split():
            return None
        return _in_expression("\n".join([*lines[first + 1 : line_number], typed]), is_cell=True)
    if lines[first].startswith("%%") and lines[first].split(maxsplit=1)[0] not in _CODE_CELLS:
        return None
    behind = _line_magic(typed)
    if behind is None or not behind[:1].isspace() or _is_inside(lines[:line_number]):
        return None
    return _on_line(behind, is_cell=False)


def _line_magic(typed: str) -> str | None:
    """What stands behind ``%gemini`` when a line is a line of ours."""
    magic = _LINE.match(typed)
    if magic is None:
        return None
    target = magic["target"].strip()
    return typed[magic.end() :] if not target or _is_target(target) else None


def _is_target(text: str) -> bool:
    """Whether a text is the left side of one assignment, its equals sign included."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            body = ast.parse(f"{text} 0").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    match body:
        case [ast.Assign(targets=[_]) | ast.AnnAssign()]:
            return text.endswith("=")
    return False


def _is_inside(lines: list[str]) -> bool:
    """Whether the lines leave a string or a bracket open."""
    code = "\n".join("pass" if _is_magic(line) else line for line in lines) + "\n"
    try:
        for _ in tokenize.generate_tokens(io.StringIO(code).readline):
            pass
    except (tokenize.TokenError, SyntaxError) as error:
        return any(words in str(error) for words in ("multi-line", "triple-quoted"))
    return False


def _is_magic(line: str) -> bool:
    return bool(re.match(r"\s*[%!?]|[^'\"#]*=\s*[%!]", line))


def _in_expression(typed: str, *, is_cell: bool) -> Place | None:
    opening = _OPENING.search(typed)
    if opening is None or len(opening["slashes"]) % 2:
        return None
    inside = opening["inside"]
    if "\n\n" in inside or inside.count('"') % 2 or inside.count("'") % 2:
        return None
    return Place("expression", inside, is_cell=is_cell)


def _on_line(typed: str, *, is_cell: bool) -> Place | None:
    """The place on the line, behind the name of the magic and at least one space."""
    given: dict[str, str] = {}
    pending: Option | None = None
    place = skip_space(typed, 0)
    while True:
        word, end, quote = _word(typed, place)
        if pending is not None:
            if end is None:
                return Place("value", word, pending, given=given, quote=quote, is_cell=is_cell)
            given[pending.dest], pending = word, None
        elif not is_option_like(typed, place) and word != "-":
            return _behind_options(typed[place:], given, is_cell=is_cell)
        elif end is None:
            return _option(word, quote, given, is_cell=is_cell)
        elif word == "--" or BY_FLAG.get(word.partition("=")[0]) is None:
            return _in_expression(typed[end:], is_cell=False) if word == "--" and not is_cell else None
        else:
            pending = _entered(word, given)
        place = skip_space(typed, end)


def _word(typed: str, place: int) -> tuple[str, int | None, str]:
    """The word at a place, where it ends unless the cursor is in it, and the quote that is open in it."""
    try:
        word, end = read_word(typed, place)
    except UsageError:
        word, end = typed[place:], len(typed)
        found = re.search(r"(?:^|=)(?P<quote>[\"'])", word)
        if found is None:
            return word, None, ""
        return word[: found.start("quote")] + word[found.end() :], None, found["quote"]
    return word, end if end < len(typed) else None, ""


def _option(word: str, quote: str, given: Mapping[str, str], *, is_cell: bool) -> Place | None:
    flag, equals, value = word.partition("=")
    if not equals:
        return Place("option", word, given=given, is_cell=is_cell)
    option = BY_FLAG.get(flag)
    if option is None or option.read is None:
        return None
    return Place("value", value, option, given=given, quote=quote, is_cell=is_cell)


def _entered(word: str, given: dict[str, str]) -> Option | None:
    """Note an option that is complete; returned when its value is still to come."""
    flag, equals, value = word.partition("=")
    option = BY_FLAG[flag]
    if option.read is None or equals:
        given[option.dest] = value
        return None
    return option


def _behind_options(rest: str, given: Mapping[str, str], *, is_cell: bool) -> Place | None:
    if not is_cell and "raw" not in given and (found := _in_expression(rest, is_cell=False)):
        return found
    words: list[str] = []
    place = 0
    while True:
        word, end, quote = _word(rest, place)
        if end is None:
            return Place("word", word, words=tuple(words), given=given, quote=quote, is_cell=is_cell)
        words.append(word)
        place = skip_space(rest, end)
