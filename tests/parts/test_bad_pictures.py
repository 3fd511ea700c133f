"""Pictures that must not be sent, or not as they are: each is told in one sentence, before a pixel is decoded."""

from __future__ import annotations

import io
import struct
import sys
import zlib

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gemini_magic.exceptions import ImageRejected, InputError, UnsupportedValue
from gemini_magic.parts import Pictures, to_parts
from gemini_magic.parts.cache import KERNEL
from gemini_magic.parts.pictures import picture_parts
from gemini_magic.parts.pictures.guards import MAX_BYTES, MAX_PIXELS

Image = pytest.importorskip("PIL.Image")
ImageFile = pytest.importorskip("PIL.ImageFile")


def saved(image, kind, **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def chunk(kind, data=b""):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, *more, pixels=b"x"):
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(more) + chunk(b"IDAT", pixels) + chunk(b"IEND")


def jpeg(width, height, frame=0xC0):
    size = struct.pack(">BHHB3B", 8, height, width, 1, 1, 0x11, 0)
    return (
        b"\xff\xd8\xff"
        + bytes([frame])
        + struct.pack(">H", len(size) + 2)
        + size
        + b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00 \xff\xd9"
    )


def gif(width, height, frame=(1, 1)):
    return (
        b"GIF89a"
        + struct.pack("<HHBBB", width, height, 0, 0, 0)
        + b","
        + struct.pack("<HHHHB", 0, 0, *frame, 0)
        + (b"\x02\x02\x44\x01\x00;")
    )


def webp(width, height):
    body = b"VP8X" + struct.pack("<II", 10, 0) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def bmp(width, height):
    return b"BM" + bytes(12) + struct.pack("<IiiHH", 40, width, height, 1, 24) + bytes(24)


GRADIENTS = (Image.linear_gradient("L"), Image.radial_gradient("L"), Image.linear_gradient("L").rotate(90))
SMALL = {kind: saved(Image.merge("RGB", GRADIENTS).resize((40, 30)), kind) for kind in ("PNG", "JPEG", "GIF", "WEBP")}


@pytest.fixture
def no_pixels(monkeypatch):
    """Decoding anything fails the test."""

    def load(_self):
        raise AssertionError("pixels were decoded")

    monkeypatch.setattr(ImageFile.ImageFile, "load", load)


def refusal(data, pictures=None, error=ImageRejected):
    with pytest.raises(error) as caught:
        to_parts(data, name="{{photo}}", pictures=pictures)
    text = str(caught.value)
    assert text.startswith("{{photo}} (")
    assert "\n" not in text
    assert caught.value.hint
    return text


# Sizes


@pytest.mark.parametrize(
    ("data", "words"),
    [
        pytest.param(png(12_000, 12_000), "PNG, 12,000×12,000) has 144 megapixels; the limit is 40", id="B42 png"),
        pytest.param(jpeg(12_000, 12_000), "JPEG, 12,000×12,000) has 144 megapixels", id="B42 jpeg"),
        pytest.param(gif(12_000, 12_000), "GIF, 12,000×12,000) has 144 megapixels", id="B42 gif"),
        pytest.param(webp(12_000, 12_000), "WebP, 12,000×12,000) has 144 megapixels", id="B42 webp"),
        pytest.param(bmp(12_000, -12_000), "BMP, 12,000×12,000) has 144 megapixels", id="B42 bmp"),
        pytest.param(png(20_000, 20_000), "400 megapixels", id="B43 20,000"),
        pytest.param(png(60_000, 60_000), "3,600 megapixels", id="B43 60,000"),
        pytest.param(jpeg(60_000, 60_000), "3,600 megapixels", id="B43 60,000 jpeg"),
        pytest.param(png(1, 2**31 - 1), "2,147 megapixels", id="B43 1×2³¹-1"),
        pytest.param(png(0, 0), "has no pixels", id="B43 0×0"),
        pytest.param(jpeg(8, 0), "has no pixels", id="B43 8×0"),
        pytest.param(gif(0, 8), "has no pixels", id="B43 gif"),
        pytest.param(gif(8, 8, (60_000, 60_000)), "3,600 megapixels", id="B43 a frame beyond the canvas"),
    ],
)
@pytest.mark.usefixtures("no_pixels")
def test_a_header_with_too_many_or_no_pixels_is_refused_by_itself(data, words):
    assert words in refusal(data)


@pytest.mark.usefixtures("no_pixels")
def test_b44_a_small_file_of_81_megapixels_is_refused_before_it_is_unpacked():
    rows = zlib.compress(bytes((9_000 // 8 + 1) * 9_000), 9)
    data = png(9_000, 9_000, pixels=rows)
    assert len(data) < 230_000
    assert "81 megapixels" in refusal(data)
    assert "--max-side cannot" in refusal(data, Pictures(max_side=1_000))


@pytest.mark.usefixtures("no_pixels")
def test_the_limit_is_forty_megapixels():
    assert to_parts(png(8_000, MAX_PIXELS // 8_000))
    refusal(png(8_000, MAX_PIXELS // 8_000 + 1))


def test_a_large_jpeg_names_the_way_out_and_takes_it():
    data = saved(Image.new("RGB", (8_000, 5_008), "teal"), "JPEG", quality=20)
    assert "--max-side 3000" in refusal(data)
    (part,) = to_parts(data, pictures=Pictures(max_side=1_000))
    shown = Image.open(io.BytesIO(part.inline_data.to_bytes()))
    assert shown.size == (1_000, 626)


@pytest.mark.parametrize(
    ("data", "side"),
    [
        pytest.param(jpeg(20_000, 20_000), 100, id="beyond Pillow's own limit"),
        pytest.param(jpeg(12_000, 12_000, 0xC2), 100, id="progressive ones are held whole"),
        pytest.param(jpeg(12_000, 12_000), 9_000, id="too little smaller"),
    ],
)
@pytest.mark.usefixtures("no_pixels")
def test_a_jpeg_that_cannot_be_decoded_smaller_is_refused(data, side):
    assert "megapixels" in refusal(data, Pictures(max_side=side))


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
@pytest.mark.usefixtures("no_pixels")
def test_an_image_of_pillow_is_refused_by_its_header_alone(kind):
    make = {"PNG": png, "JPEG": jpeg}[kind]
    image = Image.open(io.BytesIO(make(9_000, 9_000)))
    assert "81 megapixels" in refusal(image)


def test_bytes_of_a_picture_have_a_limit():
    data = png(9_000, 9_000, pixels=bytes(MAX_BYTES - len(png(9_000, 9_000, pixels=b""))))
    assert "81 megapixels" in refusal(data)
    assert "is 100 MB; the limit for a picture is 100 MB" in refusal(data + b"x")


# Not what it should be


@pytest.mark.parametrize(
    ("data", "words"),
    [
        pytest.param(b"", "is empty", id="B39 empty"),
        pytest.param(b"hello, I am no picture", "is no picture: it is text", id="B40 text"),
        pytest.param("grüße ".encode() * 200, "it is text", id="B40 text cut in a character"),
        pytest.param(bytes(range(256)), "it is of an unknown kind", id="B40 bytes"),
        pytest.param(b"PK\x03\x04" + bytes(30), "it is of an unknown kind", id="B40 archive"),
        pytest.param(b"%!PS-Adobe-3.0 EPSF-3.0\n", "(PostScript) is a program that draws", id="B47 EPS"),
        pytest.param(b"\xc5\xd0\xd3\xc6" + bytes(30), "(PostScript)", id="B47 EPS with a preview"),
        pytest.param(b"<svg xmlns='x'><script>1</script></svg>", "(SVG) is a drawing", id="B48 SVG"),
        pytest.param(b'<?xml version="1.0"?>\n<svg/>', "(SVG) is a drawing", id="B48 SVG with a head"),
        pytest.param(b"%PDF-1.7\n", "(PDF) is no picture", id="B59 PDF"),
        pytest.param(b"RIFF\x00\x00\x00\x00WAVEfmt ", "(WAV) is no picture", id="B59 audio"),
        pytest.param(b"\x00\x00\x00\x18ftypisom", "(MP4) is no picture", id="B59 video"),
    ],
)
@pytest.mark.usefixtures("no_pixels")
def test_what_is_no_picture_says_what_it_is(data, words):
    with pytest.raises(ImageRejected) as caught:
        picture_parts(data, "{{photo}}", Pictures())
    assert words in str(caught.value)
    assert str(caught.value).startswith("{{photo}} (")
    assert caught.value.hint


def test_svg_and_postscript_name_the_way_out_where_bytes_are_named_in_a_prompt():
    assert "Save it as PNG" in refusal(b"<svg></svg>")
    assert "Save it as PNG" in refusal(b"%!PS-Adobe-3.0")


def test_what_could_never_be_a_picture_names_its_type():
    with pytest.raises(UnsupportedValue, match=r"^\{\{x\}\} \(dict\) is no picture"):
        picture_parts({}, "{{x}}", Pictures())


# Damaged


@pytest.mark.parametrize("kind", SMALL)
@pytest.mark.parametrize("pictures", [Pictures(), Pictures(max_side=16)])
def test_b41_a_picture_that_is_cut_off_anywhere_is_refused(kind, pictures):
    data = SMALL[kind]
    for end in range(16, len(data) - 1, max(1, len(data) // 97)):
        assert "no whole picture" in refusal(data[:end], pictures)


def test_b41_a_jpeg_whose_preview_ends_is_cut_off_all_the_same():
    exif = Image.Exif()
    exif[0x010E] = "a" * 100
    preview = b"\xff\xe1" + struct.pack(">H", len(SMALL["JPEG"]) + 8) + b"Exif\x00\x00" + SMALL["JPEG"]
    data = SMALL["JPEG"][:2] + preview + SMALL["JPEG"][2:]
    assert to_parts(data)
    assert "cut off" in refusal(data[:-10])


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(SMALL["PNG"][:20] + b"\xff" + SMALL["PNG"][21:], id="png: header with another checksum"),
        pytest.param(b"\x89PNG\r\n\x1a\n" + chunk(b"IEND"), id="png: no header"),
        pytest.param(png(8, 8).replace(chunk(b"IDAT", b"x"), b""), id="png: no pixels"),
        pytest.param(b"\xff\xd8\xff\xd9", id="jpeg: nothing but its ends"),
        pytest.param(b"\xff\xd8\xff\xe0\x00\x00", id="jpeg: a segment of no length"),
        pytest.param(b"GIF89a", id="gif: a start"),
        pytest.param(b"GIF89a" + bytes(7) + b"?", id="gif: an unknown block"),
        pytest.param(webp(8, 8)[:12] + b"ABCD" + webp(8, 8)[16:], id="webp: an unknown picture"),
        pytest.param(b"\x00\x00\x00\x18ftypheic" + bytes(12), id="heic: nothing but a head"),
        pytest.param(b"BM" + bytes(12) + b"\x28\x00\x00\x00", id="bmp: a start"),
        pytest.param(b"II*\x00\xff\xff\xff\xff", id="tiff: a directory far away"),
    ],
)
def test_a_damaged_header_is_refused(data):
    assert "no whole picture" in refusal(data) or "no pixels" in refusal(data)


def test_what_the_decoder_stumbles_over_is_one_sentence():
    data = bmp(8, 8)
    assert "cannot be read as a picture" in refusal(data)
    assert "cannot be read as a picture" in refusal(png(8, 8), Pictures(quality=50))


def test_an_image_of_pillow_whose_file_is_closed_names_the_way_out(tmp_path):
    (tmp_path / "x.png").write_bytes(SMALL["PNG"])
    with Image.open(tmp_path / "x.png") as image:
        pass
    assert "image.load()" in refusal(image)


def test_an_image_of_pillow_over_a_cut_file_is_refused():
    image = Image.open(io.BytesIO(SMALL["JPEG"][:-30]))
    assert "no whole picture" in refusal(image)


# What hides in a picture


def test_b45_compressed_text_is_never_unpacked(monkeypatch):
    bomb = chunk(b"zTXt", b"Comment\x00\x00" + zlib.compress(bytes(80_000_000), 9))
    whole = SMALL["PNG"]
    data = whole[:33] + bomb + whole[33:]
    assert len(data) < 100_000
    made = zlib.decompressobj

    def counting(*args):
        opened.append(args)
        return made(*args)

    opened = []
    monkeypatch.setattr(zlib, "decompressobj", counting)
    assert to_parts(data)[0].inline_data.to_bytes() == data
    small = to_parts(data, pictures=Pictures(max_side=20))[0].inline_data.to_bytes()
    assert Image.open(io.BytesIO(small)).size == (20, 15)
    assert opened == []


@pytest.mark.parametrize("kind", SMALL)
@pytest.mark.parametrize("behind", [b"<script>alert(1)</script>", b"PK\x03\x04" + bytes(40), b"\xff\xd9\x00", b"\x00"])
def test_b52_what_stands_behind_a_picture_stays_behind(kind, behind):
    (part,) = to_parts(SMALL[kind] + behind)
    assert part.inline_data.to_bytes() == SMALL[kind]
    assert KERNEL.note(part) == f"{len(behind)} bytes behind its end were left out"


def test_b52_a_web_page_behind_an_heic_stays_behind():
    pillow_heif = pytest.importorskip("pillow_heif")
    stream = io.BytesIO()
    pillow_heif.from_pillow(Image.new("RGB", (64, 64))).save(stream)
    (part,) = to_parts(stream.getvalue() + b"<html></html>")
    assert part.inline_data.to_bytes() == stream.getvalue()


def _moving(kind, frames, **options):
    images = [Image.new("L", (8, 8), number % 200) for number in range(frames)]
    return saved(images[0], kind, save_all=True, append_images=images[1:], duration=20, **options)


MOVING = [
    pytest.param(gif(8, 8)[:13] + gif(8, 8)[13:-1] * 10_000 + b";", 10_000, id="B46 GIF"),
    pytest.param(_moving("PNG", 1_000), 1_000, id="B46 APNG"),
    pytest.param(_moving("WEBP", 50, lossless=True), 50, id="B46 WebP"),
]


@pytest.mark.parametrize(("data", "frames"), MOVING)
def test_what_moves_goes_as_it_is_and_its_first_frame_when_it_is_written_anew(data, frames):
    assert to_parts(data)[0].inline_data.to_bytes() == data
    (part,) = to_parts(data, pictures=Pictures(max_side=4))
    shown = Image.open(io.BytesIO(part.inline_data.to_bytes()))
    assert (shown.format, shown.size, getattr(shown, "n_frames", 1)) == ("PNG", (4, 4), 1)
    assert KERNEL.note(part) == f"made smaller; the first of its {frames:,} frames was sent"
    assert max(shown.convert("L").getextrema()) <= 2


# HEIC


def _heic():
    pillow_heif = pytest.importorskip("pillow_heif")
    stream = io.BytesIO()
    pillow_heif.from_pillow(Image.merge("RGB", GRADIENTS).resize((64, 128))).save(stream)
    return stream.getvalue()


def test_b60_heic_goes_as_it_is_without_a_plug_in(monkeypatch):
    data = _heic()
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    blob = to_parts(data)[0].inline_data
    assert (blob.mime_type, blob.to_bytes()) == ("image/heic", data)
    words = refusal(data, Pictures(quality=80), UnsupportedValue)
    assert "pip install pillow-heif" in words
    assert "HEIC, 64×128" in words


def test_heic_is_written_anew_with_the_plug_in():
    (part,) = to_parts(_heic(), pictures=Pictures(max_side=32))
    shown = Image.open(io.BytesIO(part.inline_data.to_bytes()))
    assert (shown.format, shown.size) == ("JPEG", (16, 32))


@pytest.mark.usefixtures("no_pixels")
def test_an_heic_with_too_many_pixels_is_refused_by_its_header():
    data = _heic().replace(struct.pack(">II", 64, 128), struct.pack(">II", 64_000, 48_000))
    assert "3,072 megapixels" in refusal(data)


# Z11: any bytes at all

EDITS = st.lists(
    st.tuples(st.sampled_from(["set", "cut", "insert"]), st.integers(0, 3_000), st.binary(max_size=6)), max_size=6
)
WISHES = st.sampled_from([Pictures(), Pictures(), Pictures(max_side=8), Pictures(quality=50)])


def mutated(data, edits):
    for action, place, new in edits:
        at = place % (len(data) + 1)
        if action == "set":
            data = data[:at] + new + data[at + len(new) :]
        elif action == "insert":
            data = data[:at] + new + data[at:]
        else:
            data = data[:at]
    return data


@settings(max_examples=2_000)
@given(st.sampled_from(sorted(SMALL)), EDITS, WISHES)
@example("PNG", [("cut", 8, b"")], Pictures())
@example("GIF", [("set", 6, b"\xff\xff\xff\xff")], Pictures(max_side=8))
def test_z11_any_bytes_become_a_picture_or_an_error_of_ours(kind, edits, wishes):
    data = mutated(SMALL[kind], edits)
    try:
        (part,) = picture_parts(data, "{{photo}}", wishes)
    except InputError as error:
        assert "{{photo}}" in str(error)  # noqa: PT017 - many bytes raise nothing
    else:
        assert part.inline_data.mime_type.startswith("image/")


@settings(max_examples=500)
@given(st.sampled_from([b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF89a", b"RIFF\xff\x00\x00\x00WEBP"]), st.binary())
def test_z11_random_bytes_behind_a_start_become_an_error_of_ours(start, rest):
    with pytest.raises(InputError):
        picture_parts(start + rest, "{{photo}}", Pictures(max_side=8))
