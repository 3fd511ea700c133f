"""What a line or cell asks for, as one value; and what its options put into the request."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from gemini_magic.exceptions import InputError, UsageError
from gemini_magic.magics.arguments import BY_FLAG, OPTIONS, parse_options
from gemini_magic.magics.line import read_word, skip_space
from gemini_magic.magics.vocabulary import SUBCOMMANDS
from gemini_magic.parts import MAX_TEXT, to_text
from gemini_magic.parts.files.opening import read_file
from gemini_magic.settings import did_you_mean

_STORE = re.compile(r"(?P<name>[^\W\d]\w*)\s*<<\s*")
_VARIABLE = re.compile(r"\$([^\W\d]\w*)")
_SHOWN = 40
#: Options that switch on a tool of the server, and the field of ``Tool`` that each sets.
_SERVER_TOOLS = {"search": "googleSearch", "url_context": "urlContext", "code_exec": "codeExecution"}


@dataclass(frozen=True, slots=True, repr=False)
class Command:
    """A parsed line or cell.

    Args:
        options: The options the user gave, by ``Option.dest``.
        prompt: The prompt, as it was typed; empty for a subcommand.
        store_only: The variable of ``NAME <<``: the reply goes there and is not shown.
        subcommand: One of ``SUBCOMMANDS``, or None for a prompt.
        args: The words behind the subcommand.
        is_cell: Whether it came from ``%%gemini``.
    """

    options: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    prompt: str = ""
    store_only: str | None = None
    subcommand: str | None = None
    args: tuple[str, ...] = ()
    is_cell: bool = False

    @property
    def out(self) -> str | None:
        """The variable that takes the reply, whether it is shown or not."""
        return self.store_only or self.options.get("out")

    def __repr__(self) -> str:
        """What is asked for, in one short line."""
        magic = "%%gemini" if self.is_cell else "%gemini"
        words = [self.subcommand, *self.args] if self.subcommand else [_short(self.prompt)]
        given = [f"{name}={value!r}" for name, value in self.options.items()]
        store = [f"{self.store_only} <<"] if self.store_only else []
        return f"<Command {' '.join([magic, *given, *store, *words])}>"


def _short(text: str) -> str:
    return repr(text) if len(text) <= _SHOWN else f"{text[:_SHOWN]!r}… ({len(text):,} characters)"


def parse_line(line: str) -> Command:
    """Parse what stands behind ``%gemini``.

    Args:
        line: The line without the magic's name.

    Returns:
        A subcommand when the first word is one and the rest fits it; else a prompt.

    Raises:
        UsageError: The line is empty, or an option is not understood.
    """
    options, rest = parse_options(line)
    forced = _is_forced(line, rest)
    subcommand, args = (None, ()) if forced else _subcommand(rest)
    if subcommand is None and _is_blank(rest) and "use" not in options:
        raise UsageError("There is no prompt on the line.", hint="Write %gemini and a question, or %gemini help.")
    prompt = rest if subcommand is None else ""
    return Command(MappingProxyType(options), prompt, subcommand=subcommand, args=args)


def _is_forced(line: str, rest: str) -> bool:
    """Whether ``--`` stands right before the prompt."""
    before = line[: len(line) - len(rest)].split()
    return bool(before) and before[-1] == "--"


def _subcommand(rest: str) -> tuple[str | None, tuple[str, ...]]:
    name = rest.split(maxsplit=1)[0] if rest.strip() else ""
    row = SUBCOMMANDS.get(name)
    args = _words(rest, len(name)) if row else None
    return (name, args) if row is not None and args is not None and row.fits(args) else (None, ())


def _words(rest: str, place: int) -> tuple[str, ...] | None:
    """The words behind a place; None when they are none, such as for an open quote."""
    words: list[str] = []
    place = skip_space(rest, place)
    while place < len(rest):
        try:
            word, place = read_word(rest, place)
        except UsageError:
            return None
        words.append(word)
        place = skip_space(rest, place)
    return tuple(words)


def parse_cell(line: str, cell: str) -> Command:
    """Parse a ``%%gemini`` cell.

    Args:
        line: What stands behind ``%%gemini``: options, and ``NAME <<`` to store the reply without showing it.
        cell: The body. It is the prompt, without the one line break that IPython puts at its end.

    Returns:
        The prompt and its options.

    Raises:
        UsageError: The body is empty, or the line is not understood.
    """
    options, rest = parse_options(line)
    store = _STORE.fullmatch(rest)
    if rest and store is None:
        raise _unexpected(rest)
    name = store["name"] if store else None
    if name and "out" in options:
        raise UsageError(f"Both {name} << and --out are given.", hint="NAME << stores only; --out stores and shows.")
    if name:
        BY_FLAG["--out"].read(name, "NAME <<")  # type: ignore[misc]
    if _is_blank(cell) and "use" not in options:
        raise UsageError("The cell is empty.", hint="Write the prompt below the %%gemini line.")
    return Command(MappingProxyType(options), cell.removesuffix("\n"), name, is_cell=True)


def _unexpected(rest: str) -> UsageError:
    word = rest.split(maxsplit=1)[0]
    hint = "Write the prompt below the line; only options and NAME << stand behind %%gemini."
    if _subcommand(rest)[0]:
        hint = f"For the subcommand write %gemini {word}, with one %, in a cell of its own."
    elif "gemini-" in word or word.startswith("models/"):
        hint = f"For the model write -m {word[:80]}."
    elif near := did_you_mean(f"--{word}", BY_FLAG):
        hint = f"{hint} {near}"
    return UsageError(f"{rest[:_SHOWN]!r} behind %%gemini is not an option.", hint=hint)


def _is_blank(text: str) -> bool:
    """Whether a text is white space and invisible characters only."""
    return all(character.isspace() or unicodedata.category(character) in {"Cf", "Cc"} for character in text)


def request_fields(options: Mapping[str, Any], namespace: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Build the request fields that options set; nothing that was not given is in them.

    ``--config`` comes first, options overwrite its fields, and ``--set`` overwrites both.

    Args:
        options: ``Command.options``.
        namespace: The notebook's variables, for ``--config``.

    Returns:
        A part of a request body, such as ``{"generationConfig": {"temperature": 0.5}}``.

    Raises:
        UsageError: A path of ``--set`` goes through a value that has no fields.
        InputError: The variable of ``--config`` is not there or is no set of fields.
    """
    fields: dict[str, Any] = {}
    if "config" in options:
        fields["generationConfig"] = config_fields(options["config"], namespace or {})
    for option in OPTIONS:
        if option.path and option.dest in options:
            value = options[option.dest]
            put = {option.path: list(value) if option.repeat else value}
            if isinstance(value, dict):
                put = {(*option.path, name): inner for name, inner in value.items()}
            for path, inner in put.items():
                _put(fields, path, inner)
    for name, tool in _SERVER_TOOLS.items():
        if name in options:
            fields.setdefault("tools", []).append({tool: {}})
    if "tool" in options:
        fields.setdefault("tools", []).extend(deepcopy(options["tool"]))
    for path, value in options.get("set", ()):
        _put(fields, path, deepcopy(value))
    return fields


def _put(fields: dict[str, Any], path: tuple[str | int, ...], value: object) -> None:
    """Put a value at a path, making the objects and lists on the way."""
    *steps, last = path
    place: Any = fields
    for step, following in zip(steps, path[1:], strict=True):
        place = _enter(place, step, path, [] if isinstance(following, int) else {})
    _enter(place, last, path, value)
    place[last] = value


def _enter(place: Any, step: str | int, path: tuple[str | int, ...], default: object) -> Any:  # noqa: ANN401 - JSON
    """What is at a step, made if it is not there yet; a list grows by one at most."""
    fits = isinstance(place, list) if isinstance(step, int) else isinstance(place, dict)
    if not fits or (isinstance(step, int) and step > len(place)):
        where = ".".join(map(str, path))
        raise UsageError(f"--set {where}: there is nothing to put at {step!r}.", hint="Set what is around it first.")
    if isinstance(step, int):
        place.extend([default] if step == len(place) else [])
        return place[step]
    return place.setdefault(step, default)


def config_fields(name: str, namespace: Mapping[str, Any]) -> dict[str, Any]:
    """Read generationConfig fields from a variable.

    Args:
        name: The variable: a dict with the wire's names, or a pydantic model such as ``wire.GenerationConfig``.
        namespace: The notebook's variables.

    Returns:
        A dict of its own.

    Raises:
        InputError: It is not defined, or neither of the two.
    """
    if name not in namespace:
        near = did_you_mean(name, [key for key in namespace if isinstance(key, str)])
        raise InputError(f"--config: {name!r} is not defined in this notebook.", hint=near)
    value = namespace[name]
    if callable(getattr(type(value), "model_dump", None)):
        return dict(value.model_dump(mode="json", by_alias=True, exclude_unset=True))
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return deepcopy(dict(value))
    raise InputError(f"--config: {name} is {type(value).__name__}; it takes a dict of generationConfig fields.")


def system_text(given: str, namespace: Mapping[str, Any]) -> str:
    """Find the text of ``--system``.

    Args:
        given: The text itself, or ``$VAR`` for a variable, or ``@FILE`` for a UTF-8 file.
        namespace: The notebook's variables.

    Returns:
        The text.

    Raises:
        InputError: There is no such variable or file, or it is no text.
    """
    if match := _VARIABLE.fullmatch(given):
        name = match[1]
        if name not in namespace:
            near = did_you_mean(name, [key for key in namespace if isinstance(key, str)])
            raise InputError(f"--system: {name!r} is not defined in this notebook.", hint=near)
        return to_text(namespace[name], name=name)
    return _file_text(given[1:]) if given.startswith("@") and len(given) > 1 else given


def _file_text(name: str) -> str:
    what = f"--system: {name}"
    try:
        text = read_file(name, what, MAX_TEXT).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{what} is not UTF-8 text (byte {error.start}).") from None
    return to_text(text, name=name)
