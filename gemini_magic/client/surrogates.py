"""Joins halves of characters that a server wrote into two chunks; no I/O.

JSON may spell an emoji as two escapes, and a stream may be cut between them. Each half alone is no character:
it cannot be shown, saved or sent.
"""

from __future__ import annotations

import re
from typing import Any

_ANY = re.compile("[\ud800-\udfff]")
_HIGH_AT_END = re.compile("[\ud800-\udbff]$")
_LOW_AT_START = re.compile("^[\udc00-\udfff]")
_REPLACEMENT = "\ufffd"


class Joiner:
    """Mends one chunk after another; a first half waits for its second, in each candidate on its own."""

    def __init__(self) -> None:
        self._halves: dict[Any, str] = {}

    @property
    def waiting(self) -> bool:
        """Whether a half waits for the next chunk."""
        return bool(self._halves)

    def mend(self, chunk: dict[str, Any]) -> dict[str, Any]:
        """The same chunk without halves; the last one of a text is kept for the next chunk."""
        for candidate in _dicts(chunk.get("candidates")):
            content = candidate.get("content")
            for part in _dicts(content.get("parts")) if isinstance(content, dict) else ():
                if isinstance(part.get("text"), str):
                    part["text"] = self._join(part["text"], candidate.get("index") or 0)
        whole: dict[str, Any] = _replaced(chunk)
        return whole

    def _join(self, text: str, candidate: Any) -> str:  # noqa: ANN401 - any JSON, though it should be a number
        key = candidate if isinstance(candidate, int | str) else 0
        if text and key in self._halves:
            half = self._halves.pop(key)
            text = (half if _LOW_AT_START.match(text) else _REPLACEMENT) + text
        if last := _HIGH_AT_END.search(text):
            self._halves[key] = last[0]
            text = text[: last.start()]
        return text

    def left_over(self) -> list[dict[str, Any]]:
        """A chunk for each half whose other never came; call it at the end."""
        waiting, self._halves = self._halves, {}
        return [{"candidates": [{"index": key, "content": {"parts": [{"text": _REPLACEMENT}]}}]} for key in waiting]


def _dicts(items: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - any JSON
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _replaced(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """The same JSON with halves joined inside every text, and replaced where one stands alone."""
    if isinstance(value, dict):
        return {_replaced(key): _replaced(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_replaced(item) for item in value]
    if isinstance(value, str) and _ANY.search(value):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return value
