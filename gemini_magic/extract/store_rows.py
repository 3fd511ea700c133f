"""Outcomes as rows of a store: JSON, sealed, so that a damaged row is noticed and never taken for an answer."""

from __future__ import annotations

import json
import zlib
from dataclasses import MISSING, fields
from typing import TYPE_CHECKING, Any

from gemini_magic.exceptions import StoreError
from gemini_magic.extract.job import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

#: What each field but the value has to be when it comes from a file that anybody may have written.
_TYPES: dict[str, tuple[type, ...]] = {
    "error": (str,),
    "error_kind": (str,),
    "attempts": (int,),
    "prompt_tokens": (int, type(None)),
    "answer_tokens": (int, type(None)),
    "total_tokens": (int, type(None)),
    "seconds": (int, float),
    "model": (str,),
    "raw": (str,),
    "calls": (list,),
}
_parsed = json.JSONDecoder().decode
_DEFAULTS = {field.name: field.default for field in fields(Outcome) if field.default is not MISSING}
_BEFORE = 12
_SHOWN = 48


def row_of(outcome: Outcome, mark: bytes) -> tuple[str, str, str, int]:
    """An outcome as key, status, body and seal.

    Args:
        outcome: What came of a task.
        mark: The store's own mark, so that a page of another store is not taken for one of this.

    Raises:
        StoreError: Its value is no JSON.
    """
    given = {name: getattr(outcome, name) for name in _DEFAULTS}
    body = written({name: value for name, value in given.items() if value != _DEFAULTS[name]})
    pieces = (outcome.key, outcome.status, body)
    return (*pieces, seal(mark, *(piece.encode() for piece in pieces)))


def outcome_of(row: tuple[Any, ...], mark: bytes) -> Outcome | None:
    """The outcome of a row as it was read, in bytes; None when the row is damaged."""
    if not is_whole(row, mark):
        return None
    key, status, body, _ = row
    try:
        return Outcome(key.decode(), status.decode(), **_checked(_parsed(body.decode())))
    except (ValueError, TypeError, RecursionError):
        return None


def is_whole(row: tuple[Any, ...], mark: bytes) -> bool:
    """Whether a row is as it was written; in a damaged one anything may be of any type."""
    key, status, body, stored = row
    try:
        return bool(seal(mark, key, status, body) == stored)
    except TypeError:
        return False


def seal(*pieces: bytes) -> int:
    """A number that no damage leaves right."""
    return zlib.crc32(b"\0".join(pieces))


def written(value: object) -> str:
    """Plain data as JSON in ASCII.

    Raises:
        StoreError: It is no plain data.
    """
    try:
        return _as_json(value)
    except (ValueError, TypeError, RecursionError) as error:
        raise StoreError(f"An answer cannot be stored: as JSON it has an error, {str(error)[:200]}.") from None


def _as_json(value: object) -> str:
    try:
        return json.dumps(value, allow_nan=False, separators=(",", ":"))
    except ValueError:  # paid for is paid for: NaN is written as Python does, and read again as NaN
        return json.dumps(value, separators=(",", ":"))


def _checked(stored: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    """Known fields only; those of later versions do not matter."""
    known = {}
    for name, value in stored.items():
        if name == "value" or (name in _TYPES and type(value) in _TYPES[name]):
            known[name] = value
        elif name in _TYPES:
            raise TypeError(name)
    return {**known, "calls": tuple(map(dict, known["calls"]))} if "calls" in known else known


def changes(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    """What differs between two jobs, each with the place where it does."""
    names = [*new, *(name for name in old if name not in new)]
    return [
        f"{name}: {_apart(old.get(name, ''), new.get(name, ''))}" for name in names if old.get(name) != new.get(name)
    ]


def _apart(old: str, new: str) -> str:
    pairs = zip(old, new, strict=False)
    same = next((number for number, (one, other) in enumerate(pairs) if one != other), min(len(old), len(new)))
    begin = max(0, same - _BEFORE)
    return f"{_cut(old, begin)} → {_cut(new, begin)}"


def _cut(text: str, begin: int) -> str:
    if not text:
        return "nothing"
    if len(text) <= _SHOWN:
        return repr(text)
    piece = text[begin : begin + _SHOWN]
    return f"{'…' * (begin > 0)}{piece!r}{'…' * (begin + _SHOWN < len(text))}"
