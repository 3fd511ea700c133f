from __future__ import annotations

import pytest

from gemini_magic.display.blobs import blob_bundle
from gemini_magic.display.sounds import TYPES, audio_type
from gemini_magic.reply import InlineData

SOUNDS = {
    "audio/wav": b"RIFF\0\0\0\0WAVEfmt ",
    "audio/mpeg": b"ID3\4",
    "audio/ogg": b"OggS\0",
    "audio/flac": b"fLaC\0",
    "audio/aac": b"\xff\xf1\x50",
    "audio/webm": b"\x1a\x45\xdf\xa3\x01",
    "audio/mp4": b"\0\0\0\x20ftypM4A ",
}


def test_there_is_a_sound_for_every_type():
    assert SOUNDS.keys() == TYPES


@pytest.mark.parametrize("mime_type", SOUNDS)
def test_sound_can_be_played_whatever_it_is_called(mime_type, ours):
    bundle = blob_bundle(InlineData(SOUNDS[mime_type], "text/html"))
    assert (
        f'<audio controls preload="metadata" aria-label="audio, {len(SOUNDS[mime_type])} bytes"' in bundle["text/html"]
    )
    assert f'src="data:{mime_type};base64,' in bundle["text/html"]
    ours(bundle["text/html"])


def test_pictures_are_seen():
    assert blob_bundle(InlineData(b"\x89PNG\r\n\x1a\n", "x")).keys() == {"text/plain", "image/png"}


@pytest.mark.parametrize("data", [b"<svg onload=run()>", b"%PDF", b"", b"RIFF\0\0\0\0AVI "])
def test_everything_else_is_named(data):
    assert audio_type(data) is None
    assert blob_bundle(InlineData(data, "audio/wav\x1b[2J")) == {"text/plain": f"<audio/wav␛[2J, {len(data)} bytes>"}
