"""Bytes that came inside an answer: pictures, sound, and whatever else a model draws up."""

from __future__ import annotations

import base64
import io
import warnings
import wave
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gemini_magic._optional import require
from gemini_magic.exceptions import ImageRejected
from gemini_magic.wire import Part

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from os import PathLike

    from PIL.Image import Image

LARGEST_PICTURE = 40_000_000
"""Pixels that a picture of an answer may have, as its header says, before it is opened."""

_FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
_PCM = ("audio/l16", "audio/pcm", "audio/x-pcm")
_USUAL_RATE = 24_000
_HIGHEST_RATE = 384_000
_MOST_CHANNELS = 8
_SAMPLE_BYTES = 2


@dataclass(frozen=True)
class InlineData:
    """A file inside an answer.

    Attributes:
        data: The file's bytes.
        mime_type: Such as ``image/png``, as the model named it.
    """

    data: bytes
    mime_type: str

    def save(self, path: str | PathLike[str]) -> Path:
        """Write the bytes to a file, and return its path."""
        target = Path(path).expanduser()
        target.write_bytes(self.data)
        return target

    def _gemini_part_(self) -> Part:
        """What stands in a prompt where this is named."""
        return Part.from_bytes(self.data, self.mime_type)

    def __repr__(self) -> str:
        """Type and size, not the bytes."""
        return f"<{self.mime_type}, {len(self.data):,} bytes>"

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        bundle: dict[str, Any] = {"text/plain": repr(self)}
        if self.mime_type in {"image/png", "image/jpeg"}:
            bundle[self.mime_type] = base64.b64encode(self.data).decode("ascii")
        return bundle


def blobs_of(parts: Iterable[Part]) -> Iterator[InlineData]:
    """Every part of the answer that carries bytes; what is no base64 is left out."""
    for part in parts:
        blob = part.inline_data
        if blob is not None and blob.data:
            try:
                yield InlineData(blob.to_bytes(), blob.mime_type or "")
            except ValueError:
                continue


def audio_of(parts: Iterable[Part]) -> Iterator[InlineData]:
    """The sound of an answer, ready to be played: bare samples that follow one another become one WAV file."""
    sounds = (blob for blob in blobs_of(parts) if blob.mime_type.lower().startswith("audio/"))
    for mime_type, group in groupby(sounds, key=lambda blob: blob.mime_type):
        if _is_pcm(mime_type):
            yield _as_wav(b"".join(blob.data for blob in group), mime_type)
        else:
            yield from group


def opened(blob: InlineData) -> Image:
    """A picture as PIL opens it, from its header alone; the pixels are read when they are needed.

    Raises:
        ImageRejected: The bytes are no PNG, JPEG, WebP or GIF, or the picture is too large.
        ConfigError: Pillow is not installed.
    """
    pillow = require("PIL.Image", extra="images", why="open the images of an answer (.blobs has their bytes)")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pillow.DecompressionBombWarning)  # the limit below is the lower one
        try:
            picture: Image = pillow.open(io.BytesIO(blob.data), formats=_FORMATS)
        except (OSError, ValueError, SyntaxError, pillow.DecompressionBombError) as error:
            message = f"An image of the answer ({blob.mime_type}, {len(blob.data):,} bytes) cannot be opened"
            hint = "Its bytes are in reply.blobs; .save(path) writes them to a file."
            raise ImageRejected(f"{message} as PNG, JPEG, WebP or GIF.", hint=hint) from error
    if picture.width * picture.height > LARGEST_PICTURE:
        size = f"{picture.width:,} x {picture.height:,} pixels"
        message = f"An image of the answer has {size}, and the limit is {LARGEST_PICTURE:,} in all."
        raise ImageRejected(message, hint="Its bytes are in reply.blobs; .save(path) writes them to a file.")
    return picture


def _is_pcm(mime_type: str) -> bool:
    return mime_type.partition(";")[0].strip().lower() in _PCM


def _as_wav(samples: bytes, mime_type: str) -> InlineData:
    file = io.BytesIO()
    with wave.open(file, "wb") as target:
        target.setnchannels(_parameter(mime_type, "channels", 1, _MOST_CHANNELS))
        target.setsampwidth(_SAMPLE_BYTES)
        target.setframerate(_parameter(mime_type, "rate", _USUAL_RATE, _HIGHEST_RATE))
        target.writeframes(samples)
    return InlineData(file.getvalue(), "audio/wav")


def _parameter(mime_type: str, name: str, usual: int, highest: int) -> int:
    """A number in a MIME type such as ``audio/L16;codec=pcm;rate=24000``."""
    for parameter in mime_type.split(";")[1:]:
        key, _, value = parameter.partition("=")
        if key.strip().lower() == name and value.strip().isdecimal() and 0 < int(value[:9]) <= highest:
            return int(value)
    return usual
