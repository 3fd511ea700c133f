"""Sound of an answer: by what its bytes are, not by what they are called."""

from __future__ import annotations

_WAVE_KIND = slice(8, 12)
_MP4_KIND = slice(4, 8)
_HEADS = {
    b"ID3": "audio/mpeg",
    b"\xff\xfb": "audio/mpeg",
    b"\xff\xf3": "audio/mpeg",
    b"\xff\xf2": "audio/mpeg",
    b"\xff\xf1": "audio/aac",
    b"\xff\xf9": "audio/aac",
    b"OggS": "audio/ogg",
    b"fLaC": "audio/flac",
    b"\x1a\x45\xdf\xa3": "audio/webm",
}

TYPES = frozenset({*_HEADS.values(), "audio/wav", "audio/mp4"})
"""Every type that `audio_type` gives."""

LARGEST_SOUND = 10_000_000
"""Bytes of sound that an output may hold."""


def audio_type(data: bytes) -> str | None:
    """The MIME type that the first bytes show, or None when they are no sound that browsers play."""
    if data.startswith(b"RIFF") and data[_WAVE_KIND] == b"WAVE":
        return "audio/wav"
    if data[_MP4_KIND] == b"ftyp":
        return "audio/mp4"
    return next((mime_type for head, mime_type in _HEADS.items() if data.startswith(head)), None)
