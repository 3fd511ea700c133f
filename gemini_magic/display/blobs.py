"""A file of an answer that is the value of a cell: pictures are seen, and sound can be played."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from gemini_magic.display.images import image_type
from gemini_magic.display.sanitize import element, join, player, style
from gemini_magic.display.sounds import LARGEST_SOUND, audio_type
from gemini_magic.display.visible import visible

if TYPE_CHECKING:
    from gemini_magic.reply import InlineData


def blob_bundle(blob: InlineData) -> dict[str, str]:
    """A file of an answer as MIME bundle, for IPython's formatter; its bytes decide what it is shown as."""
    bundle = {"text/plain": visible(repr(blob))}
    mime_type = image_type(blob.data)
    if mime_type is not None:
        bundle[mime_type] = base64.b64encode(blob.data).decode("ascii")
    elif audio_type(blob.data) is not None and len(blob.data) <= LARGEST_SOUND:
        sound = element("section", player(blob.data, f"audio, {len(blob.data):,} bytes"), class_="gm")
        bundle["text/html"] = str(join(style(), sound))
    return bundle
