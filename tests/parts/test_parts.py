from __future__ import annotations

import base64
import subprocess
import sys
from typing import NamedTuple

import pytest

from gemini_magic import wire
from gemini_magic.exceptions import ImageRejected, InputError, UnsupportedValue
from gemini_magic.parts import is_media, to_parts
from gemini_magic.parts.media import drawing_kind, mime_type, wire_mime
from gemini_magic.reply import InlineData

PDF = b"%PDF-1.7"
KINDS = [
    (PDF, "application/pdf"),
    (b"RIFF\x00\x00\x00\x00WAVEfmt ", "audio/wav"),
    (b"ID3\x04\x00", "audio/mpeg"),
    (b"\xff\xfb\x90\x64", "audio/mpeg"),
    (b"\xff\xf1\x50\x80", "audio/aac"),
    (b"fLaC\x00\x00\x00\x22", "audio/flac"),
    (b"OggS\x00\x02" + bytes(22) + b"\x01\x13OpusHead", "audio/ogg"),
    (b"OggS\x00\x02" + bytes(22) + b"\x01\x2a\x80theora", "video/ogg"),
    (b"FORM\x00\x00\x00\x00AIFF", "audio/aiff"),
    (b"\x00\x00\x00\x20ftypM4A \x00\x00", "audio/mp4"),
    (b"\x00\x00\x00\x20ftypisom\x00\x00", "video/mp4"),
    (b"\x00\x00\x00\x20ftypmp42\x00\x00", "video/mp4"),
    (b"\x00\x00\x00\x14ftypqt  \x00\x00", "video/quicktime"),
    (b"\x00\x00\x00\x14ftyp3gp4\x00\x00", "video/3gpp"),
    (b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\x82\x84webm", "video/webm"),
    (b"\x1aE\xdf\xa3\xa3B\x86\x81\x01B\x82\x88matroska", "video/x-matroska"),
    (b"FLV\x01\x05", "video/x-flv"),
    (b"\x00\x00\x01\xba\x44", "video/mpeg"),
]
PICTURES = [
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff\xe0", "image/jpeg"),
    (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"\x00\x00\x00\x18ftypheic", "image/heic"),
    (b"\x00\x00\x00\x18ftypmif1", "image/heif"),
    (b"\x00\x00\x00\x18ftypavif", "image/avif"),
    (b"BM" + bytes(12) + b"\x28\x00\x00\x00", "image/bmp"),
    (b"II*\x00\x08\x00", "image/tiff"),
    (b"MM\x00*\x00\x00", "image/tiff"),
    (b"\x00\x00\x01\x00\x01\x00\x10\x10\x00\x00", "image/x-icon"),
]
NOTHING = [
    b"",
    b"\x89PN",
    b"RIFF1234AVI ",
    b"hello",
    b"BM is text",
    b"\xff\xfe\xff\xff",
    bytes(64),
    memoryview(PDF)[::2],
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


@pytest.mark.parametrize(("data", "kind"), PICTURES)
def test_pictures_are_known_by_their_first_bytes(data, kind):
    assert mime_type(data) == kind
    assert is_media(data)


@pytest.mark.parametrize("data", NOTHING, ids=lambda data: type(data).__name__)
def test_unknown_bytes_are_refused(data):
    assert mime_type(data) == ""
    with pytest.raises(UnsupportedValue, match="blob"):
        to_parts(data, name="blob")


def test_what_is_no_bytes_has_no_kind():
    assert mime_type("%PDF-") == drawing_kind("<svg>") == ""
    assert drawing_kind(b"<svg>") == "SVG"


@pytest.mark.parametrize(
    ("name", "wire_name"),
    [
        ("audio/x-m4a", "audio/mp4"),
        ("Audio/X-WAV; rate=1", "audio/wav"),
        ("image/jpg", "image/jpeg"),
        ("audio/mp3", "audio/mpeg"),
        ("image/png", "image/png"),
        ("text/x-unknown", "text/x-unknown"),
    ],
)
def test_media_types_have_one_name(name, wire_name):
    assert wire_mime(name) == wire_name


def test_wire_parts_go_through_as_they_are():
    part = wire.Part(text="hi", thought_signature="c2ln")
    assert to_parts(part)[0] is part
    blob = wire.Blob(mime_type="audio/wav", data="AAAA")
    assert to_parts(blob)[0].inline_data is blob
    assert is_media(part)
    assert is_media(blob)


# Lists


def kinds(value):
    return [part.inline_data.mime_type if part.inline_data else part.text for part in to_parts(value)]


def test_a_list_with_media_in_it_becomes_its_items_in_order():
    part = wire.Part(file_data=wire.FileData(file_uri="gs://x"))
    assert is_media([PDF])
    assert kinds([PDF, PDF]) == ["application/pdf"] * 2
    assert kinds(("first", PDF, "then", 5, {"a": 1})) == ["first", "application/pdf", "then", "5", '{"a": 1}']
    assert kinds([[PDF, "x"], ["y"]]) == ["application/pdf", "x", '["y"]']
    assert to_parts([part, "x"])[0] is part


@pytest.mark.parametrize("value", [[], [1, 2], ["a"], [{"a": PDF}], (1, (2, [3])), {PDF: 1}, [[]]])
def test_lists_of_plain_data_are_no_media(value):
    assert not is_media(value)


def test_a_row_with_names_is_data_and_a_list_in_itself_has_an_end():
    class Row(NamedTuple):
        number: int
        data: bytes

    endless = []
    endless.append(endless)
    assert not is_media(Row(1, PDF))
    assert not is_media(endless)
    endless.append(PDF)
    with pytest.raises(InputError, match=r"^\{\{x\}\}\[0\] contains itself"):
        to_parts(endless, name="{{x}}")
    deep = [PDF]
    for _ in range(5_000):
        deep = [deep]
    with pytest.raises(InputError):
        to_parts(deep)


def test_an_item_that_cannot_be_sent_is_named_by_its_place():
    with pytest.raises(ImageRejected, match=r"^\{\{photos\}\}\[2\] \(PNG\)"):
        to_parts([PDF, "x", b"\x89PNG\r\n\x1a\n"], name="{{photos}}")


def test_a_long_list_of_numbers_is_told_at_a_glance():
    assert not is_media(list(range(1_000_000)))
    assert not is_media([[number] for number in range(1_000_000)])


# Everything else


def test_everything_else_is_one_text_part():
    for value in ({"a": 1}, "text", 5, None, 1.5, True, print, object):
        assert not is_media(value)
    assert [part.text for part in to_parts({"a": 1})] == ['{"a": 1}']


def test_looking_at_values_loads_no_protocol():
    code = (
        "import sys; from gemini_magic.parts import is_media, to_text; is_media(1); to_text([1]); print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    assert not {"pydantic", "narwhals", "pandas", "PIL", "httpx"} & set(done.stdout.split())


def test_data_of_an_answer_goes_back_as_it_came():
    sound = InlineData(b"not really sound", "audio/wav")
    (part,) = to_parts(sound)
    assert part.inline_data.mime_type == "audio/wav"
    assert part.inline_data.to_bytes() == sound.data
