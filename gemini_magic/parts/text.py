"""Any Python value as text for a prompt.

========================================  ==========================================================
value                                     text
========================================  ==========================================================
str                                       as it is
None, bool, int, float, complex           repr
date, time, datetime                      ISO 8601
Decimal, Fraction, UUID, Path, timedelta  str
numpy scalar                              str
enum member                               its value, as text
dataframe or series                       a compact table (``table.py``)
dict, list, tuple, set, dataclass,        JSON; NaN and infinities in it become null, keys become text,
pydantic model, ndarray                   sets are sorted
function, class, method                   its source
has ``_gemini_text_()``                   what that returns
module, generator, coroutine, file, bytes UnsupportedValue
anything else                             str(), unless that is no more than ``<… at 0x…>``
========================================  ==========================================================

Whatever runs a value's own code has a limit of time (``limits.py``).
"""

from __future__ import annotations

import io
import re
import types
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import date, time
from enum import Enum
from typing import TypeAlias

from gemini_magic.exceptions import GeminiMagicError, InputError, UnsupportedValue
from gemini_magic.frames import is_frame
from gemini_magic.parts.json_text import is_structure, json_text
from gemini_magic.parts.limits import limited
from gemini_magic.parts.source import has_source, source_text
from gemini_magic.parts.table import table_text

#: The longest text of one value, in characters.
MAX_TEXT = 4_000_000

_ADDRESS_ONLY = re.compile(r"<[^\n]* at 0x[0-9A-Fa-f]+>")
_SCALARS = (type(None), bool, int, float, complex)
_NOT_TEXT = (types.ModuleType, types.CoroutineType, io.IOBase, Iterator, AsyncIterator, bytes, bytearray, memoryview)

Convert: TypeAlias = Callable[[object, str], str]
Row: TypeAlias = tuple[Callable[[object], bool], Convert]


def to_text(value: object, limit: int = MAX_TEXT, *, name: str = "") -> str:
    """Write a value as the text that goes into a prompt.

    Args:
        value: The value.
        limit: The longest text, in characters.
        name: What the user calls the value, for the message when it cannot be sent.

    Returns:
        The text, by the table at the top of this module.

    Raises:
        UnsupportedValue: There is no text that would say what the value is.
        InputError: The text is too long or cannot be encoded, or the value is nested in itself.
    """
    what = _what(value, name)
    return check_text(_guarded(value, what), what, limit)


def check_text(text: str, what: str, limit: int = MAX_TEXT) -> str:
    """Check that a text can be sent.

    Args:
        text: The text.
        what: What it is, for the message.
        limit: The longest text, in characters.

    Returns:
        The same text.

    Raises:
        InputError: It is too long, or holds half of a surrogate pair.
    """
    if len(text) > limit:
        raise InputError(
            f"{what} is {len(text):,} characters of text; the limit is {limit:,}.", hint="Send a part of it."
        )
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InputError(
            f"{what} cannot be sent: its character {error.start} is half of a surrogate pair.",
            hint="Clean it with text.encode('utf-8', 'replace').decode().",
        ) from None
    return text


def _what(value: object, name: str) -> str:
    kind = type(value).__name__
    return f"{name} ({kind})" if name else f"This {kind}"


def _guarded(value: object, what: str) -> str:
    """The conversion, failing with our errors only, whatever the value's own methods do."""
    try:
        text: object = next(convert for takes, convert in _ROWS if takes(value))(value, what)
    except GeminiMagicError:
        raise
    except Exception as error:
        raise UnsupportedValue(f"{what} cannot be written as text: {one_line(error)}.") from error
    if not isinstance(text, str):
        raise UnsupportedValue(f"{what} cannot be written as text: it gave {type(text).__name__} instead.")
    return str.__str__(text)


def one_line(error: BaseException) -> str:
    """Name an error and the first line of its message, kept short."""
    try:
        lines = str(error).strip().splitlines()
    except Exception:  # noqa: BLE001 - somebody else's __str__
        lines = []
    return f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__


def is_address_only(text: str) -> bool:
    """Whether a text is no more than Python's ``<… at 0x…>``."""
    return bool(_ADDRESS_ONLY.fullmatch(text))


def _own_text(value: object, what: str) -> str:
    return limited(value._gemini_text_, what)  # type: ignore[attr-defined, no-any-return]


def _has_own_text(value: object) -> bool:
    return callable(getattr(type(value), "_gemini_text_", None))


def _plain(value: object, what: str) -> str:
    del what
    return str.__str__(value) if isinstance(value, str) else repr(value)


def _iso(value: object, what: str) -> str:
    del what
    return value.isoformat()  # type: ignore[attr-defined, no-any-return]


def _enum_text(value: object, what: str) -> str:
    del what
    inner = value.value  # type: ignore[attr-defined]
    return to_text(inner)


def _is_numpy_scalar(value: object) -> bool:
    return type(value).__module__ == "numpy" and getattr(value, "shape", None) == ()


def _numpy_text(value: object, what: str) -> str:
    del what
    return str(value)


def _refuse(value: object, what: str) -> str:
    hint = "Read, call or convert it first, and send the result."
    if isinstance(value, bytes | bytearray | memoryview):
        hint = "Decode it if it is text; bytes of a picture or a PDF are known by their first bytes."
    raise UnsupportedValue(f"{what} is not something to send to a model.", hint=hint)


def _str_text(value: object, what: str) -> str:
    text = limited(lambda: str(value), what)
    if is_address_only(text):
        raise UnsupportedValue(
            f"{what} has no text of its own, only an address.",
            hint="Send an attribute of it, or give its class a __str__.",
        )
    return text


#: What is written how; the first row that takes a value has it.
_ROWS: tuple[Row, ...] = (
    (_has_own_text, _own_text),
    (lambda value: isinstance(value, Enum), _enum_text),
    (_is_numpy_scalar, _numpy_text),
    (lambda value: isinstance(value, (str, *_SCALARS)), _plain),
    (is_frame, table_text),
    (lambda value: isinstance(value, date | time), _iso),
    (is_structure, json_text),
    (has_source, source_text),
    (lambda value: isinstance(value, _NOT_TEXT), _refuse),
    (lambda _: True, _str_text),
)
