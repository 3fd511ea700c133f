"""From a Python value to the parts of a request.

What is not text has a row in ``_ROWS``, or is a list of such things; everything else becomes one text part by
``text.py``.
"""

from __future__ import annotations

import sys
from itertools import islice
from typing import TYPE_CHECKING

from gemini_magic.exceptions import InputError
from gemini_magic.frames import is_frame
from gemini_magic.parts.displayed import displayed_parts, is_displayed
from gemini_magic.parts.files import File, file_parts, is_file
from gemini_magic.parts.media import Medium, Pictures
from gemini_magic.parts.pictures import ROWS
from gemini_magic.parts.table import table_text
from gemini_magic.parts.text import MAX_TEXT, check_text, one_line, to_text
from gemini_magic.parts.weight import picture_notes, size_warnings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gemini_magic import wire
    from gemini_magic.parts.pictures import Row

__all__ = [
    "MAX_TEXT",
    "File",
    "Medium",
    "Pictures",
    "check_text",
    "is_media",
    "one_line",
    "picture_notes",
    "size_warnings",
    "table_text",
    "to_parts",
    "to_text",
]

#: Never anything but text, whatever their subclasses display; asking no further keeps long lists quick.
_TEXT = (str, int, float, complex, bool, type(None))
_TEXT_TYPES = frozenset({*_TEXT, dict, set, frozenset, range})
#: Behind so many lists in a list, and so many items in all, no media are looked for: that is data.
_MAX_LISTS = 200
_MAX_ITEMS = 10_000


def _is_wire(name: str) -> Callable[[object], bool]:
    """A test for a model of the protocol that does not load the protocol."""

    def test(value: object) -> bool:
        module = sys.modules.get("gemini_magic.wire")
        return module is not None and isinstance(value, getattr(module, name))

    return test


def _part(value: object, name: str, pictures: Pictures) -> list[wire.Part]:
    del name, pictures
    return [value]  # type: ignore[list-item]


def _blob(value: object, name: str, pictures: Pictures) -> list[wire.Part]:
    from gemini_magic import wire  # noqa: PLC0415 - keeps the extension's loading light

    del name, pictures
    return [wire.Part(inline_data=value)]


def _has_own_part(value: object) -> bool:
    return callable(getattr(type(value), "_gemini_part_", None))


def _own_part(value: object, name: str, pictures: Pictures) -> list[wire.Part]:
    del name, pictures
    return [value._gemini_part_()]  # type: ignore[attr-defined]


#: What is not text, and how it becomes parts; the first row that takes a value has it.
_ROWS: tuple[Row, ...] = (
    (_is_wire("Part"), _part),
    (_is_wire("Blob"), _blob),
    (_has_own_part, _own_part),
    *ROWS,
    (is_file, file_parts),
    (is_displayed, displayed_parts),
)


def is_media(value: object) -> bool:
    """Whether a value becomes parts other than text, or is a list with such a value in it."""
    return _row(value) is not None or _has_media(value)


def to_parts(value: object, *, name: str = "", pictures: Pictures | None = None) -> list[wire.Part]:
    """Turn a value into parts.

    Args:
        value: The value.
        name: What the user calls it, for the message when it cannot be sent.
        pictures: What was asked for pictures; they go as they are when None.

    Returns:
        The parts: text for most values, inlineData for pictures, PDF, audio and video, wire parts as they are. A list
        or tuple with such a value in it becomes the parts of its items, in order; one of plain data is text.

    Raises:
        InputError: The value cannot be sent; ``UnsupportedValue`` when there is no way to.
    """
    return _parts(value, name, pictures or Pictures(), ())


def _parts(value: object, name: str, pictures: Pictures, above: tuple[int, ...]) -> list[wire.Part]:
    row = _row(value)
    if row is not None:
        return row[1](value, name, pictures)
    if isinstance(value, list | tuple) and _has_media(value):
        if id(value) in above:
            raise InputError(f"{name} contains itself, so it has no end.", hint="Send its items.")
        inside = (*above, id(value))
        items = enumerate(value)
        return [part for number, item in items for part in _parts(item, _item(name, number), pictures, inside)]
    from gemini_magic import wire  # noqa: PLC0415 - keeps the extension's loading light

    return [wire.Part(text=to_text(value, name=name))]


def _row(value: object) -> Row | None:
    if type(value) in _TEXT_TYPES or isinstance(value, _TEXT) or is_frame(value):
        return None
    return next((row for row in _ROWS if row[0](value)), None)


def _has_media(value: object) -> bool:
    """Whether a list or tuple has an item that is no text, however deep."""
    return any(_row(item) is not None for item in islice(_items(value, set()), _MAX_ITEMS))


def _items(value: object, seen: set[int]) -> Iterator[object]:
    """The items of a list or tuple and of lists in it, each looked at once; none when all are plain."""
    if not isinstance(value, list | tuple) or hasattr(value, "_asdict") or id(value) in seen:
        return
    seen.add(id(value))
    if len(seen) > _MAX_LISTS or set(map(type, value)) <= _TEXT_TYPES:
        return
    for item in value:
        yield item
        yield from _items(item, seen)


def _item(name: str, number: int) -> str:
    return f"{name}[{number}]" if name else f"item {number}"
