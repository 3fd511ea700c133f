from __future__ import annotations

import base64

import pytest

from gemini_magic.display.images import image_bundle
from gemini_magic.wire import Blob

HEADS = {
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/jpeg": b"\xff\xd8\xff\xe0",
    "image/gif": b"GIF89a",
    "image/webp": b"RIFF\x10\0\0\0WEBP",
}


def blob(data: bytes, claimed: str = "image/png") -> Blob:
    return Blob(mime_type=claimed, data=base64.b64encode(data).decode())


@pytest.mark.parametrize("mime_type", HEADS)
def test_the_bytes_decide_what_an_image_is(mime_type):
    data = HEADS[mime_type] + b"rest"
    bundle = image_bundle(blob(data, "text/html"))
    assert bundle is not None
    assert base64.b64decode(bundle[mime_type]) == data
    assert bundle["text/plain"] == f"[image: {mime_type}, {len(data)} bytes]"


@pytest.mark.parametrize(
    "data", [b"<svg onload=run()>", b"<?xml version='1.0'?><svg/>", b"%!PS", b"RIFF\0\0\0\0WAVE", b"", b"\x89PNG"]
)
def test_anything_else_is_no_image(data):
    assert image_bundle(blob(data)) is None


def test_urlsafe_base64_is_sent_on_as_front_ends_read_it():
    data = HEADS["image/png"] + bytes(range(240, 256)) * 3
    bundle = image_bundle(Blob(data=base64.urlsafe_b64encode(data).decode()))
    assert bundle is not None
    assert base64.b64decode(bundle["image/png"], validate=True) == data


def test_broken_base64_is_no_image():
    assert image_bundle(Blob(data="%%%")) is None
