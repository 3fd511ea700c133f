"""From a Python value to the parts of a request.

What is not text has a row in ``_ROWS``; everything else becomes one text part by ``text.py``.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, TypeAlias

from gemini_magic.parts.media import bytes_part, mime_type
from gemini_magic.parts.table import table_text
from gemini_magic.parts.text import MAX_TEXT, check_text, one_line, to_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from gemini_magic import wire

__all__ = ["MAX_TEXT", "check_text", "is_media", "one_line", "table_text", "to_parts", "to_text"]

Row: TypeAlias = "tuple[Callable[[object], bool], Callable[[object, str], list[wire.Part]]]"


def _is_wire(name: str) -> Callable[[object], bool]:
    """A test for a model of the protocol that does not load the protocol."""

    def test(value: object) -> bool:
        module = sys.modules.get("gemini_magic.wire")
        return module is not None and isinstance(value, getattr(module, name))

    return test


def _part(value: object, name: str) -> list[wire.Part]:
    del name
    return [value]  # type: ignore[list-item]


def _blob(value: object, name: str) -> list[wire.Part]:
    from gemini_magic import wire  # noqa: PLC0415 - keeps the extension's loading light

    del name
    return [wire.Part(inline_data=value)]


#: What is not text, and how it becomes parts; the first row that takes a value has it.
_ROWS: tuple[Row, ...] = (
    (_is_wire("Part"), _part),
    (_is_wire("Blob"), _blob),
    (lambda value: bool(mime_type(value)), bytes_part),
)


def is_media(value: object) -> bool:
    """Whether a value becomes parts other than text."""
    return any(takes(value) for takes, _ in _ROWS)


def to_parts(value: object, *, name: str = "") -> list[wire.Part]:
    """Turn a value into parts.

    Args:
        value: The value.
        name: What the user calls it, for the message when it cannot be sent.

    Returns:
        The parts: text for most values, inlineData for bytes of pictures and PDF, wire parts as they are.

    Raises:
        InputError: The value cannot be sent; ``UnsupportedValue`` when there is no way to.
    """
    for takes, make in _ROWS:
        if takes(value):
            return make(value, name)
    from gemini_magic import wire  # noqa: PLC0415 - keeps the extension's loading light

    return [wire.Part(text=to_text(value, name=name))]
