"""Pictures and documents that a function returned, as what goes beside a response, or in words."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from gemini_magic.parts import to_parts
from gemini_magic.parts.files import AsPicture, File
from gemini_magic.parts.media import kind_name
from gemini_magic.parts.pictures import ROWS
from gemini_magic.parts.pictures.arrays import is_array
from gemini_magic.parts.pictures.header import size_of
from gemini_magic.parts.pictures.structure import Broken
from gemini_magic.wire import Blob, FunctionResponseBlob, FunctionResponsePart, Part

if TYPE_CHECKING:
    from collections.abc import Iterator

#: What models take in the result of a function.
_TAKEN = frozenset({"image/png", "image/jpeg", "image/webp", "application/pdf"})
_MOST = 16
_SHOWN = ("IPython.core.display", "IPython.lib.display", "ipywidgets.widgets.widget_media")
_KINDS = {"image": ("image", "pictures"), "audio": ("recording", "recordings"), "video": ("video", "videos")}
_DOCUMENT = ("document", "documents")


def is_medium(value: object, *, media: bool) -> bool:
    """Whether a value is a picture, a document, a recording or a video, and not merely the name of one.

    Args:
        value: The value.
        media: Whether the model takes any; if not, arrays that look like pictures are data.
    """
    if isinstance(value, str | PurePath | type) or (not media and is_array(value)):
        return False
    own = isinstance(value, Part | Blob | File | AsPicture) or callable(getattr(type(value), "_gemini_part_", None))
    return own or any(takes(value) for takes, _ in ROWS) or _held_bytes(value) is not None


def _held_bytes(value: Any) -> bytes | None:  # noqa: ANN401 - whatever a function returned
    """The bytes in an Image, Audio or Video of IPython or ipywidgets; nothing is displayed to find them."""
    for cls in type(value).__mro__:
        if cls.__module__.startswith(_SHOWN) and cls.__name__ in {"Image", "Audio", "Video"}:
            data = getattr(value, "value", None) if cls.__module__.startswith("ipywidgets") else value.data
            return bytes(data) if isinstance(data, bytes | bytearray | memoryview) and data else None
    return None


class Media:
    """The media of one result.

    Args:
        taken: Whether the model takes any.

    Attributes:
        parts: What goes beside the response.
    """

    def __init__(self, *, taken: bool) -> None:
        self.parts: list[FunctionResponsePart] = []
        self._taken = taken

    def add(self, value: object) -> str:
        """Take a medium in, and say in words what it is.

        Raises:
            GeminiMagicError: It cannot be sent, and the message says why.
        """
        data = _held_bytes(value)
        parts = to_parts(value if data is None else data)
        return "\n".join(self._words(parts))

    def _words(self, parts: list[Part]) -> Iterator[str]:
        for part in parts:
            if part.inline_data is not None:
                yield self._blob(part.inline_data)
            elif part.file_data is not None:
                yield f"[file at {part.file_data.file_uri}]"
            else:
                yield part.text or ""

    def _blob(self, blob: Blob) -> str:
        mime = blob.mime_type or ""
        kind, kinds = _KINDS.get(mime.partition("/")[0], _DOCUMENT)
        words = f"{kind}: {kind_name(mime)}{_measures(blob.to_bytes(), mime)}"
        if not self._taken:
            return f"[{words}; this model takes no {kinds} from functions]"
        if mime not in _TAKEN:
            return f"[{words}; models take no {kind_name(mime)} from functions]"
        if len(self.parts) >= _MOST:
            return f"[{words}; left out, for there are {_MOST} attachments already]"
        self.parts.append(FunctionResponsePart(inline_data=FunctionResponseBlob(mime_type=mime, data=blob.data)))
        return f"[{words}; attachment {len(self.parts)}]"


def _measures(data: bytes, mime: str) -> str:
    try:
        size = size_of(data, mime)
    except Broken:
        size = None
    pixels = f", {size[0]:,} × {size[1]:,} pixels" if size else ""
    return f"{pixels}, {len(data):,} bytes"
