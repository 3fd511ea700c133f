"""Objects that are made to be displayed: those of ``IPython.display``, media and uploads of ipywidgets, and others.

==============================================  ==================================================================
value                                           what is sent
==============================================  ==================================================================
Image, Audio, Video                             the data in them, or the file that they were made from
Image(url=…), Audio(url=…), Video(url=…)        refused: nothing is fetched
YouTubeVideo                                    its address, for the server to fetch
Markdown, HTML, SVG, JSON, Latex, Code …        their source, as text
IFrame and what is made of it                   refused
widgets.Image, Audio, Video                     the data in them
widgets.FileUpload, its value, one of its files  what was uploaded, by its content and name
``_repr_mimebundle_``, ``_repr_png_`` …         a picture if there is one, else text (``bundles.py``)
==============================================  ==================================================================

None of these libraries is imported, and nothing is displayed, to find out.
"""

from __future__ import annotations

import base64
import binascii
import io
import numbers
import types
from collections.abc import Callable, Mapping
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeAlias

from gemini_magic.exceptions import UnsupportedValue
from gemini_magic.frames import is_frame
from gemini_magic.parts.bundles import best_of, has_bundle
from gemini_magic.parts.files import File, content_parts, file_parts
from gemini_magic.parts.files.names import shown_name
from gemini_magic.parts.media import mime_type, wire_mime
from gemini_magic.parts.pictures import picture_parts
from gemini_magic.parts.text import check_text, to_text

if TYPE_CHECKING:
    from gemini_magic import wire
    from gemini_magic.parts.media import Pictures

Make: TypeAlias = "Callable[[Any, str, Pictures], list[wire.Part]]"

_DISPLAY = ("IPython.core.display", "IPython.lib.display")
_WIDGETS = "ipywidgets.widgets."
_UPLOAD_KEYS = frozenset({"name", "type", "size", "content"})
_NEVER = (str, bytes, bytearray, memoryview, numbers.Number, types.ModuleType, types.FunctionType, io.IOBase, Enum)


def is_displayed(value: object) -> bool:
    """Whether a value is made to be displayed, and is nothing that has a text of its own."""
    if isinstance(value, (*_NEVER, type)) or is_frame(value) or hasattr(type(value), "_gemini_text_"):
        return False
    return _maker(value) is not None or has_bundle(value)


def displayed_parts(value: object, name: str, pictures: Pictures) -> list[wire.Part]:
    """Make parts of what an object displays.

    Args:
        value: The object.
        name: What the user calls it, for messages.
        pictures: What was asked for pictures.

    Returns:
        The parts: inlineData for pictures, audio and video, text for everything else.

    Raises:
        InputError: It cannot be sent.
    """
    make = _maker(value) or _bundle_parts
    return make(value, _what(value, name), pictures)


def _what(value: object, name: str) -> str:
    kind = type(value).__name__
    return f"{name} ({kind})" if name else f"This {kind}"


def _maker(value: object) -> Make | None:
    """How a value of a known class becomes parts."""
    if _is_upload(value):
        return _upload
    if isinstance(value, tuple) and value and all(map(_is_upload, value)):
        return _uploads
    if _is_upload_of_v7(value):
        return lambda value, what, pictures: _uploads(_from_v7(value), what, pictures)
    for cls in type(value).__mro__:
        if cls.__module__ in _DISPLAY and cls.__name__ in _OF_DISPLAY:
            return _OF_DISPLAY[cls.__name__]
        if cls.__module__.startswith(_WIDGETS) and cls.__name__ in _OF_WIDGETS:
            return _OF_WIDGETS[cls.__name__]
    return None


def _text_part(text: str) -> list[wire.Part]:
    from gemini_magic import wire  # noqa: PLC0415 - keeps the extension's loading light

    return [wire.Part(text=text)]


def _bundle_parts(value: object, what: str, pictures: Pictures) -> list[wire.Part]:
    found = best_of(value, what)
    return picture_parts(found, what, pictures) if isinstance(found, bytes) else _text_part(check_text(found, what))


def _media(value: Any, what: str, pictures: Pictures, *, picture: bool = False) -> list[wire.Part]:  # noqa: ANN401 - IPython's own
    data = value.data
    if isinstance(data, str):
        data = _decoded(data, what)
    label = value.filename or ""
    if isinstance(data, bytes | bytearray | memoryview):
        kind = "" if picture or mime_type(data) else wire_mime(getattr(value, "mimetype", None) or "")
        return content_parts(bytes(data), label, what, pictures, as_type=kind, picture=picture)
    if label:
        return file_parts(File(path=str(label), picture=picture), what, pictures)
    raise UnsupportedValue(
        f"{what} shows an address, {shown_name(str(value.url))}, and nothing is fetched from addresses.",
        hint="Download it and send the file; or name the address in gm.file(…), for the server to fetch.",
    )


def _picture(value: Any, what: str, pictures: Pictures) -> list[wire.Part]:  # noqa: ANN401 - IPython's own
    return _media(value, what, pictures, picture=True)


def _decoded(text: str, what: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise UnsupportedValue(f"{what} holds text that is no base64.", hint="Send the file itself.") from None


def _source(value: Any, what: str, pictures: Pictures) -> list[wire.Part]:  # noqa: ANN401 - IPython's own
    del pictures
    data = getattr(value, "data", None)
    if data is None:
        raise UnsupportedValue(
            f"{what} holds no text.", hint="Nothing is fetched from addresses: send the text itself."
        )
    return _text_part(check_text(data, what) if isinstance(data, str) else to_text(data, name=what))


def _youtube(value: Any, what: str, pictures: Pictures) -> list[wire.Part]:  # noqa: ANN401 - IPython's own
    return file_parts(File(uri=f"https://www.youtube.com/watch?v={value.id}"), what, pictures)


def _refuse(value: Any, what: str, pictures: Pictures) -> list[wire.Part]:  # noqa: ANN401 - IPython's own
    del value, pictures
    raise UnsupportedValue(
        f"{what} shows a page or a file of somewhere else, and nothing is fetched for it.",
        hint="Name a file with gm.file(…), or send the text of the page.",
    )


def _widget(value: Any, what: str, pictures: Pictures) -> list[wire.Part]:  # noqa: ANN401 - ipywidgets' own
    data = bytes(value.value)
    if value.format == "url":
        raise UnsupportedValue(
            f"{what} shows an address, and nothing is fetched from addresses.",
            hint="Download it and send the file; or name the address in gm.file(…), for the server to fetch.",
        )
    if not data:
        raise UnsupportedValue(f"{what} is empty.", hint="Give it a value first.")
    return content_parts(data, f"{type(value).__name__.lower()}.{value.format}", what, pictures)


def _upload_widget(value: Any, what: str, pictures: Pictures) -> list[wire.Part]:  # noqa: ANN401 - ipywidgets' own
    files = _from_v7(value.value) if isinstance(value.value, Mapping) else tuple(value.value)
    if not files:
        raise UnsupportedValue(f"{what} has no files yet.", hint="Choose a file in it, then run the cell again.")
    return _uploads(files, what, pictures)


def _is_upload(value: object) -> bool:
    """Whether a value is one file of a ``FileUpload``."""
    return (
        isinstance(value, Mapping)
        and value.keys() >= _UPLOAD_KEYS
        and isinstance(value["name"], str)
        and isinstance(value["content"], bytes | bytearray | memoryview)
    )


def _is_upload_of_v7(value: object) -> bool:
    """Whether a value is what ``FileUpload`` had before ipywidgets 8: files by their names."""
    return (
        isinstance(value, Mapping)
        and bool(value)
        and all(isinstance(one, Mapping) and one.keys() >= {"metadata", "content"} for one in value.values())
        and all(isinstance(one["content"], bytes) for one in value.values())
    )


def _from_v7(value: Mapping[str, Mapping[str, Any]]) -> tuple[dict[str, Any], ...]:
    return tuple({"name": name, "content": one["content"]} for name, one in value.items())


def _upload(value: Any, what: str, pictures: Pictures) -> list[wire.Part]:  # noqa: ANN401 - a dict of ipywidgets
    name, data = value["name"], bytes(value["content"])
    words = f"{what}: the upload {shown_name(name)}"
    if not data:
        raise UnsupportedValue(f"{words} is empty.", hint="Choose another file.")
    return content_parts(data, name, words, pictures)


def _uploads(value: Any, what: str, pictures: Pictures) -> list[wire.Part]:  # noqa: ANN401 - dicts of ipywidgets
    return [part for one in value for part in _upload(one, what, pictures)]


_OF_DISPLAY: Mapping[str, Make] = types.MappingProxyType(
    {
        "Image": _picture,
        "Audio": _media,
        "Video": _media,
        "YouTubeVideo": _youtube,
        "IFrame": _refuse,
        "FileLink": _refuse,
        "Code": _source,
        "DisplayObject": _source,
    }
)
_OF_WIDGETS: Mapping[str, Make] = types.MappingProxyType(
    {"Image": _widget, "Audio": _widget, "Video": _widget, "FileUpload": _upload_widget}
)
