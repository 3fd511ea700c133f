"""Images of an answer as outputs of a notebook: by what their bytes are, not by what they are called."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gemini_magic.wire import Blob

_RIFF_KIND = slice(8, 12)


def image_bundle(blob: Blob) -> dict[str, str] | None:
    """A MIME bundle that shows these bytes as an image, or None when they are none of PNG, JPEG, WebP or GIF.

    SVG is never shown: it is a document that can run code and fetch others.
    """
    try:
        data = blob.to_bytes()
    except ValueError:
        return None
    mime_type = image_type(data)
    if mime_type is None:
        return None
    return {mime_type: base64.b64encode(data).decode("ascii"), "text/plain": describe(mime_type, len(data))}


def image_type(data: bytes) -> str | None:
    """The MIME type that the first bytes show, or None."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith(b"RIFF") and data[_RIFF_KIND] == b"WEBP":
        return "image/webp"
    return "image/gif" if data.startswith((b"GIF87a", b"GIF89a")) else None


def describe(mime_type: str, size: int) -> str:
    """An image in words."""
    return f"[image: {mime_type}, {size:,} bytes]"
