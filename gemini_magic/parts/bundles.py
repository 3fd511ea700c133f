"""What an object says of itself for display, as the content of a prompt.

Only the methods that return something are called (``_repr_mimebundle_``, ``_repr_png_`` and their kin), never one that
shows something; and they are looked up on the class, so that an object that answers to every name is not asked.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Any

from gemini_magic.exceptions import GeminiMagicError, UnsupportedValue
from gemini_magic.parts.limits import limited
from gemini_magic.parts.text import is_address_only, one_line

#: The kinds that are asked for, the best first, and the method that gives one alone.
_PICTURES = (("image/png", "_repr_png_"), ("image/jpeg", "_repr_jpeg_"), ("image/webp", ""))
_MARKDOWN = ("text/markdown", "_repr_markdown_")
_SOURCES = (("image/svg+xml", "_repr_svg_"), ("text/html", "_repr_html_"))
_BUNDLE = "_repr_mimebundle_"
_METHODS = (_BUNDLE, *(method for _, method in (*_PICTURES, _MARKDOWN, *_SOURCES) if method))


def has_bundle(value: object) -> bool:
    """Whether an object's class says how it is displayed."""
    return not isinstance(value, type) and any(_method(value, name) for name in _METHODS)


def best_of(value: object, what: str) -> bytes | str:
    """What an object says of itself: the bytes of a picture, else text.

    Args:
        value: The object.
        what: What the user calls it, for messages.

    Returns:
        Its PNG, JPEG or WebP; else its Markdown, its plain text, or the source of its SVG or HTML.

    Raises:
        UnsupportedValue: It says nothing of itself, or fails while doing so.
    """
    try:
        return limited(lambda: _best(value, what), what)
    except GeminiMagicError:
        raise
    except Exception as error:
        raise UnsupportedValue(f"{what} cannot be shown: {one_line(error)}.", hint="Send its text.") from error


def _best(value: object, what: str) -> bytes | str:
    bundle = _bundle(value)
    for kind, method in _PICTURES:
        found = bundle.get(kind) or _call(value, method)
        if found:
            return _bytes(found, kind, what)
    text = bundle.get(_MARKDOWN[0]) or _call(value, _MARKDOWN[1]) or bundle.get("text/plain")
    if isinstance(text, str) and text and not is_address_only(text):
        return text
    plain = str(value)
    if not is_address_only(plain):
        return plain
    for kind, method in _SOURCES:
        source = bundle.get(kind) or _call(value, method)
        if isinstance(source, str) and source:
            return source
    raise UnsupportedValue(
        f"{what} has nothing to show, only an address.", hint="Send an attribute of it, or give its class a __str__."
    )


def _bundle(value: object) -> Mapping[str, object]:
    method = _method(value, _BUNDLE)
    found: Any = _data(method(value, include=None, exclude=None)) if method else None
    return found if isinstance(found, Mapping) else {}


def _method(value: object, name: str) -> Callable[..., object] | None:
    found = getattr(type(value), name, None) if name else None
    return found if callable(found) else None


def _call(value: object, name: str) -> object:
    method = _method(value, name)
    return _data(method(value)) if method else None


def _data(found: object) -> object:
    """The data, without the metadata that may come with it."""
    return found[0] if isinstance(found, tuple) and found else found


def _bytes(found: object, kind: str, what: str) -> bytes:
    if isinstance(found, bytes | bytearray | memoryview):
        return bytes(found)
    try:
        if isinstance(found, str):
            return base64.b64decode("".join(found.split()), validate=True)
    except binascii.Error:
        pass
    raise UnsupportedValue(f"{what} gave {type(found).__name__} as {kind}, which is no picture.", hint="Send its text.")
