"""What a function returned, made of what JSON has.

==============================================  ==================================================================
value                                           what becomes of it
==============================================  ==================================================================
None, bool, str, whole and other numbers        themselves; NaN and infinities null, what JSON's readers would round
                                                as text
NaT, NA, masked                                 null
date, time, datetime                            ISO 8601
dict, dataclass, pydantic model, NamedTuple     an object, its keys as text
list, tuple, set, range, array, iterator        a list; an iterator gives a thousand items at most
enum member                                     its value
dataframe, series                               a table as text, with its shape
picture, figure, PDF, recording                 a description, and the thing itself beside it (``held.py``)
Path                                            its text: no file is read because it was named
bytes that are text                             the text
anything else                                   its kind and ``str()``, which is cut
==============================================  ==================================================================

Nothing that a value holds makes this fail: what contains itself, is nested too deeply or cannot be read is described.
Nothing is displayed: ``_repr_html_`` and its kin are not asked.
"""

from __future__ import annotations

import dataclasses
import inspect
import io
import math
from collections import deque
from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, Sized, ValuesView
from contextlib import contextmanager
from datetime import date, time
from enum import Enum
from pathlib import PurePath
from types import ModuleType
from typing import Any

from pydantic import BaseModel

from gemini_magic.exceptions import InputError
from gemini_magic.frames import frame_text, is_frame, is_null
from gemini_magic.parts import one_line
from gemini_magic.parts.pictures.arrays import is_array
from gemini_magic.parts.text import is_address_only
from gemini_magic.tools.results.faults import in_words
from gemini_magic.tools.results.held import Media, is_medium
from gemini_magic.tools.results.shorten import Fields, Items
from gemini_magic.wire import WireModel

MAX_DEPTH = 100
#: How much of an iterator is read.
MAX_ITERATED = 1_000
#: How many fields an object keeps, however long the first of them are.
_FIELDS = 64
#: Characters of a text that nobody made for reading.
_MAX_STR = 2_000
#: Readers of JSON that keep numbers in 64 bits of float round what is larger.
_EXACT = 2**53
_ROWS = (100, 50)
_LISTS = (list, tuple, set, frozenset, deque, range, KeysView, ValuesView, ItemsView)


class Plain:
    """One walk through what a function returned.

    Args:
        media: Whether the model takes pictures and documents.
        most: How many bytes there may be; values that cannot be within are not looked at.
    """

    def __init__(self, *, media: bool, most: int) -> None:
        self.media = Media(taken=media)
        self._takes_media = media
        self._most = most
        self._left = max(most, MAX_ITERATED)
        self._above: list[int] = []

    def of(self, value: Any) -> Any:  # noqa: ANN401 - whatever a function returned
        """The value, made of dicts with texts as keys, lists, texts, numbers, bools and None."""
        self._left -= 1
        try:
            return self._of(value)
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 - somebody else's methods
            return f"[{type(value).__name__}, which cannot be written: {one_line(error)}]"

    def _of(self, value: Any) -> Any:  # noqa: ANN401 - as above
        if isinstance(value, Enum):
            return self.of(value.value)
        if isinstance(value, str):
            return whole(str.__str__(value))
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int | float):
            return number(value)
        return self._other(value)

    def _other(self, value: Any) -> Any:  # noqa: ANN401 - as above
        if is_frame(value):
            return whole(_table(value, self._most))
        if is_medium(value, media=self._takes_media):
            return self.media.add(value)
        own = getattr(type(value), "_gemini_text_", None)
        if callable(own):
            return whole(own(value))
        return self._nested(value) if _is_nested(value) else self._leaf(value)

    def _leaf(self, value: Any) -> Any:  # noqa: ANN401 - as above
        if is_null(value):
            return None
        if _is_scalar_of_numpy(value):
            return str(value) if value.dtype.kind in "mM" else self.of(value.item())
        if isinstance(value, date | time):
            return value.isoformat()
        if isinstance(value, PurePath) or type(value).__module__ in _TEXT_OF:
            return whole(str(value))
        if isinstance(value, bytes | bytearray | memoryview):
            return _bytes_text(bytes(value))
        return whole(described(value))

    def _nested(self, value: Any) -> Any:  # noqa: ANN401 - as above
        if id(value) in self._above:
            return f"[{type(value).__name__} that contains itself]"
        if len(self._above) >= MAX_DEPTH:
            return f"[nested more than {MAX_DEPTH} levels deep]"
        with self._inside(value):
            if is_array(value):
                return self._array(value)
            fields = _fields(value)
            return self._list(value) if fields is None else self._object(fields)

    @contextmanager
    def _inside(self, value: object) -> Iterator[None]:
        self._above.append(id(value))
        try:
            yield
        finally:
            self._above.pop()

    def _object(self, value: Mapping[Any, Any]) -> Fields:
        plain = Fields()
        for count, (key, item) in enumerate(value.items()):
            if self._left <= 0 and (count >= _FIELDS or self._left < -self._most):
                plain.missing = len(value) - count
                break
            plain[_free(_key(key), key, plain)] = self.of(item)
        return plain

    def _list(self, value: Iterable[Any]) -> Items:
        plain, total = Items(), len(value) if isinstance(value, Sized) else None
        most = self._left if total is not None else min(self._left, MAX_ITERATED)
        for item in value:
            if len(plain) >= most or self._left <= 0:
                plain.missing = -1 if total is None else total - len(plain)
                break
            plain.append(self.of(item))
        if isinstance(value, set | frozenset):
            plain.sort(key=repr)
        return plain

    def _array(self, value: Any) -> Any:  # noqa: ANN401 - an array or tensor
        if hasattr(value, "detach"):
            value = value.detach().cpu().numpy()
        size, kind = int(value.size), value.dtype.kind
        shape = " × ".join(f"{side:,}" for side in value.shape)
        if size > self._left:
            value = value.flat[: self._left]
        items = self.of((value.astype(str) if kind in "mM" else value).tolist())
        if size == value.size:
            return items
        return Fields(array=f"{value.dtype}, {shape}", first=_with_missing(items, size - len(items)))


def number(value: float) -> float | str | None:
    """A number as JSON has it; null when it is none, and text when readers of JSON would round it."""
    if not isinstance(value, int):
        return float(value) if math.isfinite(value) else None
    plain = int(value)
    if -_EXACT <= plain <= _EXACT:
        return plain
    return str(plain) if plain.bit_length() <= _MAX_STR else f"[a number of {plain.bit_length():,} bits]"


def whole(text: str) -> str:
    """A text that can be encoded: halves of surrogate pairs are joined, or replaced."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def described(value: object) -> str:
    """Name the kind of a value and what it says of itself, if that says anything."""
    if isinstance(value, BaseException):
        return in_words(value)
    kind = type(value).__name__
    text = "" if _says_nothing(value) else str(value)
    if not text or is_address_only(text):
        name = getattr(value, "__name__", None) or getattr(value, "name", None)
        return f"[{kind} {name}]" if isinstance(name, str) else f"[{kind}, which has no text of its own]"
    cut = text if len(text) <= _MAX_STR else f"{text[:_MAX_STR]}… ({len(text) - _MAX_STR:,} more characters)"
    return f"{kind}: {cut}"


#: Where the kinds live whose ``str()`` is all there is to say.
_TEXT_OF = frozenset({"datetime", "decimal", "fractions", "uuid", "ipaddress"})


def _says_nothing(value: object) -> bool:
    """Whether a value is a module, function, class, file and so on."""
    return isinstance(value, type | io.IOBase | ModuleType) or inspect.isroutine(value) or inspect.isawaitable(value)


def _table(value: object, most: int) -> str:
    tokens = max(most // 8, 50)  # half of the room: the other half is for what JSON puts before quotes
    for rows in _ROWS:
        try:
            return frame_text(value, rows, tokens)
        except InputError:  # so many do not fit
            continue
    return frame_text(value, None, tokens)


def _is_nested(value: object) -> bool:
    if isinstance(value, type | io.IOBase):
        return False
    return isinstance(value, (Mapping, *_LISTS, BaseModel, Iterator)) or _is_dataclass(value) or _is_data_array(value)


def _is_dataclass(value: object) -> bool:
    return dataclasses.is_dataclass(value) and not isinstance(value, type)


def _is_data_array(value: Any) -> bool:  # noqa: ANN401 - whatever a function returned
    return is_array(value) and not _is_scalar_of_numpy(value) and (hasattr(value, "detach") or hasattr(value, "flat"))


def _is_scalar_of_numpy(value: Any) -> bool:  # noqa: ANN401 - as above
    return type(value).__module__ == "numpy" and getattr(value, "shape", None) == () and hasattr(value, "item")


def _fields(value: Any) -> Mapping[Any, Any] | None:  # noqa: ANN401 - as above
    """The fields of what becomes an object; None for what becomes a list."""
    if isinstance(value, Mapping):
        return value
    if isinstance(value, BaseModel):
        return _dumped(value)
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return dict(value._asdict())
    if _is_dataclass(value):
        return {field.name: getattr(value, field.name, None) for field in dataclasses.fields(value)}
    return None


def _dumped(model: BaseModel) -> Mapping[Any, Any]:
    ours = isinstance(model, WireModel)
    try:
        dumped: Any = model.model_dump(mode="json", by_alias=ours, exclude_unset=ours)
    except (ValueError, TypeError, RecursionError):  # it holds what pydantic cannot write, such as a picture
        return dict(model)
    return dumped if isinstance(dumped, Mapping) else {"root": dumped}


def _key(key: object) -> str:
    if isinstance(key, Enum):
        key = key.value
    if isinstance(key, tuple):
        return "/".join(map(_key, key))
    return whole(str.__str__(key) if isinstance(key, str) else str(key))


def _free(name: str, key: object, taken: Mapping[str, Any]) -> str:
    """A name that no other key has; 1 and "1" are the same as text."""
    while name in taken:
        name = f"{name} ({type(key).__name__})"
    return name


def _bytes_text(data: bytes) -> str:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = "\0"
    return f"[{len(data):,} bytes]" if "\0" in text else text


def _with_missing(items: Items, missing: int) -> Items:
    items.missing = missing
    return items
