"""Structures as JSON: dicts, lists, sets, dataclasses, pydantic models and arrays, however they are nested."""

from __future__ import annotations

import dataclasses
import json
import math
import sys
from collections import deque
from collections.abc import ItemsView, KeysView, Mapping, ValuesView
from datetime import date, time
from enum import Enum
from typing import Any

from gemini_magic.exceptions import InputError, UnsupportedValue
from gemini_magic.frames import frame_text, is_frame
from gemini_magic.parts.limits import MAX_SECONDS_INSIDE, limited

MAX_DEPTH = 100
#: More values than this cannot be within the limit of a prompt's text.
MAX_VALUES = 1_000_000
_LISTS = (list, tuple, set, frozenset, deque, range, KeysView, ValuesView, ItemsView)


def is_structure(value: object) -> bool:
    """Whether a value is written as JSON."""
    if isinstance(value, type):
        return False
    return isinstance(value, (Mapping, *_LISTS)) or _is_model(value) or _is_array(value) or _is_dataclass(value)


def json_text(value: object, what: str) -> str:
    """Write a structure as JSON.

    Args:
        value: The structure.
        what: What the user calls it, for messages.

    Returns:
        JSON in one line.

    Raises:
        InputError: It contains itself, or is too deep or too large.
        UnsupportedValue: It contains bytes.
    """
    plain = limited(lambda: _Plain(what).plain(value, ()), what, MAX_SECONDS_INSIDE)
    return json.dumps(plain, ensure_ascii=False, allow_nan=False)


def _is_model(value: object) -> bool:
    return callable(getattr(type(value), "model_dump", None)) and hasattr(type(value), "__pydantic_fields__")


def _is_array(value: object) -> bool:
    return type(value).__module__ == "numpy" and callable(getattr(value, "tolist", None))


def _is_dataclass(value: object) -> bool:
    return dataclasses.is_dataclass(value) and not isinstance(value, type)


def _dump(model: Any) -> object:  # noqa: ANN401 - any pydantic model
    base = sys.modules.get("gemini_magic.wire.base")
    ours = base is not None and isinstance(model, base.WireModel)
    return model.model_dump(mode="json", by_alias=ours, exclude_unset=ours)


class _Plain:
    """One walk through a structure; it counts what it sees and remembers where it is."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._seen = 0

    def plain(self, value: object, above: tuple[int, ...]) -> object:
        """The same structure, made of what JSON has."""
        self._count(1)
        if not is_structure(value):
            return self._leaf(value)
        if id(value) in above:
            raise InputError(f"{self._what} contains itself, so it has no end as text.")
        if len(above) >= MAX_DEPTH:
            raise InputError(f"{self._what} is nested more than {MAX_DEPTH} levels deep.")
        return self._inner(value, (*above, id(value)))

    def _count(self, number: int) -> None:
        self._seen += number
        if self._seen > MAX_VALUES:
            raise InputError(f"{self._what} has more than {MAX_VALUES:,} values.", hint="Send a part of it.")

    def _inner(self, value: Any, above: tuple[int, ...]) -> object:  # noqa: ANN401 - the kinds of is_structure
        if _is_model(value):
            return self.plain(_dump(value), above)
        if _is_array(value):
            self._count(int(value.size) - 1)
            times = value.dtype.kind in "mM"
            return self.plain((value.astype(str) if times else value).tolist(), above)
        if _is_dataclass(value):
            value = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        elif isinstance(value, tuple) and hasattr(value, "_asdict"):
            value = value._asdict()
        if isinstance(value, Mapping):
            return self._object(value, above)
        items = [self.plain(item, above) for item in value]
        return sorted(items, key=repr) if isinstance(value, set | frozenset) else items

    def _object(self, value: Mapping[object, object], above: tuple[int, ...]) -> dict[str, object]:
        plain = {_key(key): self.plain(item, above) for key, item in value.items()}
        if len(plain) != len(value):
            raise InputError(f"{self._what} has keys that differ, but are the same as text.", hint="Rename them.")
        return plain

    def _leaf(self, value: object) -> object:
        if value is None or isinstance(value, bool | str):
            return value.value if isinstance(value, Enum) else value
        if isinstance(value, Enum):
            return self.plain(value.value, ())
        if isinstance(value, int):
            return int(value)
        if isinstance(value, float):
            return float(value) if math.isfinite(value) else None
        return self._other(value)

    def _other(self, value: object) -> object:
        if isinstance(value, bytes | bytearray | memoryview):
            raise UnsupportedValue(f"{self._what} contains bytes, which are not text.", hint="Decode or drop them.")
        if is_frame(value):
            return frame_text(value)
        if isinstance(value, date | time):
            return value.isoformat()
        own = getattr(type(value), "_gemini_text_", None)
        return own(value) if callable(own) else str(value)


def _key(key: object) -> str:
    if isinstance(key, Enum):
        key = key.value
    if isinstance(key, str):
        return str.__str__(key)
    return "/".join(map(str, key)) if isinstance(key, tuple) else str(key)
