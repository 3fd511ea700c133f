"""A response cut to a size: it stays an object of JSON, and says at each place how much is missing there."""

from __future__ import annotations

import json
from typing import Any

_FEWEST = 8
_ITEM = 4
_NEARLY = 64
ELLIPSIS = "…"


class Items(list[Any]):
    """The first items of a list; ``missing`` of them are left out, -1 when nobody knows how many."""

    missing = 0


class Fields(dict[str, Any]):
    """The first fields of an object; ``missing`` of them are left out."""

    missing = 0


class _TooLong(Exception):
    """There is no room for it."""


def json_size(value: object) -> int:
    """The bytes of a value as JSON."""
    return len(json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode())


def fitted(response: dict[str, Any], most: int) -> tuple[dict[str, Any], int]:
    """Cut a response to a size.

    Long texts and lists lose their ends, all of them by the same measure, which is nearly the largest that fits.

    Args:
        response: An object made of what JSON has.
        most: The size, in bytes.

    Returns:
        The object, and its size.
    """
    found = _within(response, most, most)
    low, high = (most, most) if found else (0, most)
    while high - low > low // _NEARLY:
        middle = (low + high) // 2
        tried = _within(response, middle, most)
        found, low, high = (tried, middle + 1, high) if tried else (found, low, middle)
    if found:
        return found
    words = {"result": f"[more than {most:,} bytes of data, which could not be cut to that size]"}
    return words, json_size(words)


def _within(response: dict[str, Any], room: int, most: int) -> tuple[dict[str, Any], int] | None:
    """The response with each text and list cut to so much room; None when that is too large."""
    try:
        cut = _Shorter(room, most).object(response)
    except _TooLong:
        return None
    size = json_size(cut)
    return (cut, size) if size <= most else None


class _Shorter:
    """One walk; it stops as soon as it is sure that the outcome is too large."""

    def __init__(self, room: int, most: int) -> None:
        self._room = room
        self._left = most

    def _of(self, value: Any) -> Any:  # noqa: ANN401 - any JSON
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, dict):
            return self.object(value)
        if isinstance(value, list):
            return self._list(value)
        self._spend(1)
        return value

    def _spend(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise _TooLong

    def _text(self, text: str) -> str:
        more = len(text) - self._room
        self._spend(min(len(text), self._room) + 2)
        return f"{text[: self._room]}{ELLIPSIS} ({more:,} more characters)" if more > 0 else text

    def object(self, value: dict[str, Any]) -> dict[str, Any]:
        kept = max(self._room // _ITEM, _FEWEST)
        missing = getattr(value, "missing", 0) + max(len(value) - kept, 0)
        cut = {self._text(key): self._of(item) for key, item in list(value.items())[:kept]}
        return {**cut, ELLIPSIS: f"{missing:,} more"} if missing else cut

    def _list(self, value: list[Any]) -> list[Any]:
        kept = max(self._room // _ITEM, 1)
        known = getattr(value, "missing", 0)
        missing = max(known, 0) + max(len(value) - kept, 0)
        cut = [self._of(item) for item in value[:kept]]
        if known < 0:
            cut.append(f"{ELLIPSIS} (more items, which were not read)")
        elif missing:
            cut.append(f"{ELLIPSIS} ({missing:,} more items)")
        return cut
