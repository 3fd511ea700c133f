"""Bytes that say by themselves what they are."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gemini_magic import wire

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
)
_LONGEST = 16


def mime_type(value: object) -> str:
    """Name the kind of picture or document that bytes are by their first bytes; empty when they are neither."""
    if not isinstance(value, bytes | bytearray | memoryview):
        return ""
    start = bytes(memoryview(value).cast("B")[:_LONGEST]) if _is_flat(value) else b""
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for magic, kind in _MAGIC if start.startswith(magic)), "")


def _is_flat(value: bytes | bytearray | memoryview) -> bool:
    return not isinstance(value, memoryview) or value.contiguous


def bytes_part(value: object, name: str) -> list[wire.Part]:
    """Put bytes of a known kind into one inlineData part."""
    from gemini_magic import wire  # noqa: PLC0415 - keeps the extension's loading light

    del name
    data = base64.b64encode(bytes(value)).decode("ascii")  # type: ignore[call-overload]
    return [wire.Part(inline_data=wire.Blob(mime_type=mime_type(value), data=data))]
