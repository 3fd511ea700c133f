"""Words of a magic line: where they start and end, and what must not be in them.

Quotes open at the start of a value, and behind ``=`` where a double-quoted piece keeps its quotes (it is JSON for
``--set``); elsewhere they are characters like any other, so ``don't`` needs no care. A backslash is a backslash, except
before the quote that would end the text, so paths of Windows are typed as they are.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from gemini_magic.exceptions import UsageError
from gemini_magic.settings import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_LINE = 1_000_000
_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d"
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_KEY_FLAGS = frozenset({"key", "api-key", "apikey", "token", "secret", "password"})
_KEY = re.compile(r"(?<![A-Za-z0-9])(AIza[0-9A-Za-z_-]{20,}|sk-[A-Za-z0-9_-]{16,})")


def check_line(line: str) -> None:
    """Refuse a line that is too long or holds what looks like a key."""
    if len(line) > MAX_LINE:
        raise UsageError(
            f"The line has {len(line):,} characters; the limit is {MAX_LINE:,}.",
            hint="Put the text into the cell, or into a variable.",
        )
    if _KEY.search(line):
        raise _key_error("This line holds what looks like an API key")


def _key_error(what: str) -> UsageError:
    return UsageError(
        f"{what}: keys on a magic line end up in the history.",
        hint="Treat it as known and make a new one; set it as an environment variable (`%gemini help keys`).",
    )


def refuse_key(flag: str) -> None:
    """Say why there is no ``--key``."""
    if flag.lstrip("-").lower().replace("_", "-") in _KEY_FLAGS:
        raise _key_error(f"{flag} is not an option")


def refuse_dash(rest: str, flags: Iterable[str]) -> None:
    """Refuse an option that is written with a dash of typography."""
    word = rest.split(maxsplit=1)[0] if rest.strip() else ""
    bare = word.lstrip(_DASHES + "-").partition("=")[0]
    if not bare or word[:1] not in _DASHES or bare != bare.lower():
        return
    names = {flag.lstrip("-"): flag for flag in flags if flag.startswith("--")}
    near = f"Type {names[bare]}." if bare in names else did_you_mean(f"--{bare}", names.values())
    if near:
        raise UsageError(
            f"{word[:40]!r} starts with {unicodedata.name(word[0])}, not with a hyphen.",
            hint=f"{near} A prompt that starts so goes behind --.",
        )


def skip_space(line: str, place: int) -> int:
    """The next place that is no white space."""
    while place < len(line) and line[place].isspace():
        place += 1
    return place


def is_option_like(line: str, place: int) -> bool:
    """Whether an option starts here: a hyphen, and neither a number nor white space behind it."""
    after = line[place + 1 : place + 2]
    return line[place : place + 1] == "-" and bool(after) and not after.isspace() and after not in "0123456789.>"


def read_word(line: str, place: int) -> tuple[str, int]:
    """Read the word or value that starts at a place.

    Args:
        line: The line.
        place: Where it starts.

    Returns:
        The word without the quotes around it, and the place behind it.

    Raises:
        UsageError: A quote is not closed, or a control character stands in the word.
    """
    start, word, value = place, "", True
    while place < len(line) and not line[place].isspace():
        if value and line[place] in "\"'":
            piece, place = _quoted(line, place)
            word += piece
            continue
        value = word.startswith("-") and line[place] == "=" and "=" not in word
        if line[place] == "=" and not value and line[place + 1 : place + 2] == '"':
            piece, place = _kept(line, place)
        else:
            piece, place = line[place], place + 1
        word += piece
    _check_characters(word, start)
    return word, place


def _quoted(line: str, place: int) -> tuple[str, int]:
    """A quoted piece without its quotes."""
    quote, piece, at = line[place], "", place + 1
    while at < len(line):
        if line[at] == quote:
            return piece, at + 1
        if quote == '"' and line[at : at + 2] == '\\"' and '"' in line[at + 2 :]:
            at += 1
        piece, at = piece + line[at], at + 1
    raise UsageError(f"The quote {quote} at column {place + 1} is not closed.", hint="Close it, or leave it out.")


def _kept(line: str, place: int) -> tuple[str, int]:
    """An equals sign and the quoted piece behind it, quotes kept."""
    match = re.compile(r'="(?:[^"\\]|\\.)*"').match(line, place)
    return (match[0], match.end()) if match else (line[place], place + 1)


def _check_characters(word: str, start: int) -> None:
    for position, character in enumerate(word, start + 1):
        tag = "\U000e0000" <= character <= "\U000e007f"
        if tag or character in _BIDI or unicodedata.category(character) in {"Cc", "Cs"}:
            raise UsageError(
                f"An option holds an invisible character near column {position}: U+{ord(character):04X}.",
                hint="Type it again by hand.",
            )


def format_value(text: str) -> str:
    """Quote a value so that ``read_word`` gives it back."""
    if text and not any(character.isspace() or character in "\"'=" for character in text):
        return text
    return "'" + text.replace("'", "'\"'\"'") + "'"
