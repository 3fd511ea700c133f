from __future__ import annotations

import base64
import subprocess
import sys

import pytest

from gemini_magic import wire
from gemini_magic.exceptions import UnsupportedValue
from gemini_magic.parts import is_media, to_parts
from gemini_magic.parts.media import mime_type

PNG = b"\x89PNG\r\n\x1a\n" + bytes(8)
KINDS = [
    (PNG, "image/png"),
    (b"\xff\xd8\xff\xe0" + bytes(8), "image/jpeg"),
    (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
    (b"GIF87a" + bytes(8), "image/gif"),
    (b"GIF89a" + bytes(8), "image/gif"),
    (b"%PDF-1.7", "application/pdf"),
]


@pytest.mark.parametrize(("data", "kind"), KINDS)
@pytest.mark.parametrize("make", [bytes, bytearray, memoryview])
def test_known_bytes_become_inline_data(data, kind, make):
    value = make(data)
    assert is_media(value)
    (part,) = to_parts(value)
    assert part.model_dump(by_alias=True, exclude_unset=True) == {
        "inlineData": {"mimeType": kind, "data": base64.b64encode(data).decode()}
    }


@pytest.mark.parametrize("data", [b"", b"\x89PN", b"RIFF1234WAVE", b"hello", memoryview(PNG)[::2]])
def test_unknown_bytes_are_refused(data):
    assert mime_type(data) == ""
    with pytest.raises(UnsupportedValue, match="blob"):
        to_parts(data, name="blob")


def test_wire_parts_go_through_as_they_are():
    part = wire.Part(text="hi", thought_signature="c2ln")
    assert to_parts(part)[0] is part
    blob = wire.Blob(mime_type="audio/wav", data="AAAA")
    assert to_parts(blob)[0].inline_data is blob
    assert is_media(part)
    assert is_media(blob)


def test_everything_else_is_one_text_part():
    assert not is_media({"a": 1})
    assert [part.text for part in to_parts({"a": 1})] == ['{"a": 1}']


def test_looking_at_values_loads_no_protocol():
    code = (
        "import sys; from gemini_magic.parts import is_media, to_text; is_media(1); to_text([1]); print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    assert not {"pydantic", "narwhals", "pandas", "PIL", "httpx"} & set(done.stdout.split())
