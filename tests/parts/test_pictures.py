"""Pictures on their way out: as they are where that is right, upright, without the place, smaller where asked."""

from __future__ import annotations

import io
import statistics
import subprocess
import sys
import threading
import tracemalloc

import pytest

from gemini_magic import wire
from gemini_magic.exceptions import ConfigError, FileRejected, ImageRejected
from gemini_magic.parts import Pictures, is_media, picture_notes, size_warnings, to_parts
from gemini_magic.parts.cache import KERNEL, Made, MediaCache
from gemini_magic.parts.pictures.guards import MAX_BYTES
from gemini_magic.parts.pictures.structure import pieces

Image = pytest.importorskip("PIL.Image")
ImageCms = pytest.importorskip("PIL.ImageCms")
ImageDraw = pytest.importorskip("PIL.ImageDraw")
ImageOps = pytest.importorskip("PIL.ImageOps")

ORIENTATION, PLACE, MAKER = 0x0112, 0x8825, 0x010F


@pytest.fixture(autouse=True)
def forgotten():
    KERNEL.clear()


def saved(image, kind, **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def sent(value, **wishes):
    (part,) = to_parts(value, name="{{photo}}", pictures=Pictures(**wishes))
    return part.inline_data.to_bytes()


def shown(value, **wishes):
    image = Image.open(io.BytesIO(sent(value, **wishes)))
    image.load()
    return image


def exif(orientation=None, *, place=False):
    block = Image.Exif()
    block[MAKER] = "Camera"
    if orientation:
        block[ORIENTATION] = orientation
    if place:
        block.get_ifd(PLACE).update({1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 18.0)})
    return block


def photo(width=48, height=32):
    down, around = Image.linear_gradient("L"), Image.radial_gradient("L")
    return Image.merge("RGB", (down, around, down.rotate(90))).resize((width, height))


def corners():
    """A picture whose corners all differ."""
    image = Image.new("RGB", (64, 32), "white")
    for place, colour in (((0, 0), "red"), ((48, 0), "lime"), ((0, 16), "blue"), ((48, 16), "black")):
        image.paste(colour, (*place, place[0] + 16, place[1] + 16))
    return image


def near(first, second):
    difference = zip(first.convert("RGB").tobytes(), second.convert("RGB").tobytes(), strict=True)
    return statistics.mean(abs(a - b) for a, b in difference) < 8


# As they are


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "AVIF"])
def test_a_picture_goes_byte_for_byte(kind):
    data = saved(photo(), kind, exif=exif()) if kind != "GIF" else saved(photo(), kind)
    assert sent(data) == data
    assert sent(bytearray(data)) == sent(memoryview(data)) == data
    assert sent(data, max_side=48) == data
    assert picture_notes([("{{photo}}", to_parts(data)[0])]) == []


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "AVIF", "TIFF", "BMP"])
def test_an_image_that_was_opened_and_not_loaded_goes_as_its_file(kind):
    data = saved(photo(), kind)
    image = Image.open(io.BytesIO(data))
    assert to_parts(image)[0] is to_parts(data)[0]
    assert near(image, photo()) or image.size == (48, 32)


def test_cmyk_and_progressive_jpegs_go_byte_for_byte():
    for data in (saved(photo().convert("CMYK"), "JPEG"), saved(photo(), "JPEG", progressive=True)):
        assert sent(data) == data


@pytest.mark.parametrize(
    ("image", "kind"),
    [
        pytest.param(photo(), "BMP", id="B49 BMP"),
        pytest.param(photo().convert("P"), "BMP", id="B49 BMP with a palette"),
        pytest.param(photo(), "TIFF", id="B49 TIFF"),
        pytest.param(photo().convert("CMYK"), "TIFF", id="B49 TIFF of CMYK"),
        pytest.param(Image.new("RGBA", (16, 16), (255, 0, 0, 99)), "ICO", id="B49 ICO"),
    ],
)
def test_what_models_do_not_take_becomes_png(image, kind):
    made = shown(saved(image, kind))
    assert made.format == "PNG"
    assert (
        made.convert("RGBA").tobytes()
        == image.convert("RGB" if image.mode == "CMYK" else "RGBA").convert("RGBA").tobytes()
    )


def test_more_pages_of_a_tiff_are_told():
    data = saved(photo(), "TIFF", save_all=True, append_images=[photo(), photo()])
    assert picture_notes([("{{scan}}", to_parts(data)[0])]) == ["{{scan}}: the first of its 3 frames was sent."]


# Which way is up


@pytest.mark.parametrize("turn", range(2, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_b51_a_picture_that_lies_on_its_side_is_turned(kind, turn):
    block = exif(turn, place=True)
    data = saved(corners(), kind, exif=block, **({"quality": 95} if kind == "JPEG" else {}))
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    made = shown(data)
    assert made.size == upright.size
    assert near(made, upright)
    assert not made.getexif()
    assert b"Camera" not in sent(data)
    assert KERNEL.note(to_parts(data)[0]) == "turned upright"


def test_an_image_straight_from_a_file_is_turned_and_one_made_of_it_goes_as_it_is_seen():
    data = saved(corners(), "JPEG", exif=exif(6), quality=95)
    image = Image.open(io.BytesIO(data))
    image.load()
    assert shown(image).size == (32, 64)
    assert shown(ImageOps.exif_transpose(image)).size == (32, 64)
    assert shown(image.resize((20, 10))).size == (20, 10)


def test_the_turn_of_an_avif_or_tiff_is_kept_when_it_is_written_anew():
    for kind in ("AVIF", "TIFF"):
        data = saved(corners(), kind, exif=exif(6), **({"quality": 95} if kind == "AVIF" else {}))
        made = shown(data, max_side=60)
        assert made.size == (30, 60), kind


def test_without_pillow_only_what_must_be_written_anew_fails(monkeypatch):
    turned, plain, placed = (saved(photo(), "JPEG", exif=block) for block in (exif(6), exif(), exif(place=True)))
    for name in [name for name in sys.modules if name.partition(".")[0] == "PIL"]:
        monkeypatch.setitem(sys.modules, name, None)
    assert sent(plain) == plain
    assert len(sent(placed)) < len(placed)
    with pytest.raises(ConfigError, match=r"\{\{photo\}\} \(JPEG, 48×32\).*gemini-magic\[images\]"):
        sent(turned)


# Where it was taken


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_b51_the_place_goes_and_every_other_byte_stays(kind):
    clean = saved(photo(), kind)
    data = saved(photo(), kind, exif=exif(place=True))
    made = sent(data)
    assert b"Camera" in data
    assert b"Camera" not in made
    assert not Image.open(io.BytesIO(made)).getexif()
    assert Image.open(io.BytesIO(made)).tobytes() == Image.open(io.BytesIO(data)).tobytes()
    mime = f"image/{kind.lower()}"
    pixels = [made[piece.start : piece.end] for piece in pieces(made, mime) if piece.kind != b"VP8X"]
    assert pixels == [clean[piece.start : piece.end] for piece in pieces(clean, mime)]
    note = picture_notes([("{{photo}}", to_parts(data)[0])])
    assert note == ["{{photo}}: the place in its metadata was left out."]


def test_metadata_without_a_place_stays():
    for kind in ("JPEG", "PNG", "WEBP"):
        data = saved(photo(), kind, exif=exif(1))
        assert sent(data) == data


def test_colour_profiles_stay_when_the_place_goes():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for kind in ("JPEG", "PNG", "WEBP"):
        made = shown(saved(photo(), kind, exif=exif(place=True), icc_profile=profile))
        assert made.info["icc_profile"] == profile


XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/" exif:GPSLatitude="52,31.2N"></x:xmpmeta>'


def test_a_place_in_xmp_goes_too():
    for kind in ("JPEG", "WEBP"):
        data = saved(photo(), kind, xmp=XMP)
        assert b"GPSLatitude" in data
        assert b"GPSLatitude" not in sent(data)
        assert near(shown(data), Image.open(io.BytesIO(data)))


def test_profiles_of_png_that_may_hold_a_place_packed_go_unread():
    png_info = pytest.importorskip("PIL.PngImagePlugin").PngInfo()
    png_info.add_text("Raw profile type exif", "\nexif\n 10\n4578696600004d4d002a\n", zip=True)
    png_info.add_text("Title", "kept")
    data = saved(photo(), "PNG", pnginfo=png_info)
    assert b"Raw profile" not in sent(data)
    assert b"Title\x00kept" in sent(data)


def test_the_place_of_an_heic_is_blanked_in_place():
    pillow_heif = pytest.importorskip("pillow_heif")
    image = photo(64, 64)
    stream = io.BytesIO()
    pillow_heif.from_pillow(image).save(stream, exif=exif(place=True).tobytes())
    data = stream.getvalue()
    made = sent(data)
    assert len(made) == len(data)
    before, after = (pillow_heif.open_heif(io.BytesIO(one)).to_pillow() for one in (data, made))
    assert before.tobytes() == after.tobytes()
    assert dict(before.getexif().get_ifd(PLACE))
    assert not dict(after.getexif().get_ifd(PLACE))
    assert after.getexif()[MAKER] == "Camera"


# What was asked for


@pytest.mark.parametrize(
    ("kind", "wishes", "format_", "size"),
    [
        ("JPEG", {"max_side": 24}, "JPEG", (24, 16)),
        ("PNG", {"max_side": 24}, "PNG", (24, 16)),
        ("WEBP", {"max_side": 24}, "JPEG", (24, 16)),
        ("GIF", {"max_side": 24}, "PNG", (24, 16)),
        ("PNG", {"max_side": 24, "quality": 60}, "JPEG", (24, 16)),
        ("PNG", {"max_side": 4_000, "quality": 60}, "JPEG", (48, 32)),
        ("JPEG", {"quality": 60}, "JPEG", (48, 32)),
        ("BMP", {"quality": 60}, "JPEG", (48, 32)),
        ("PNG", {"max_side": 1}, "PNG", (1, 1)),
    ],
)
def test_a_picture_becomes_what_was_asked_for(kind, wishes, format_, size):
    data = saved(photo(), kind)
    for value in (data, Image.open(io.BytesIO(data))):
        made = shown(value, **wishes)
        assert (made.format, made.size) == (format_, size)


def test_what_is_written_anew_has_no_metadata():
    info = pytest.importorskip("PIL.PngImagePlugin").PngInfo()
    info.add_text("Author", "somebody")
    for data in (
        saved(photo(), "PNG", exif=exif(place=True), pnginfo=info, dpi=(300, 300)),
        saved(photo(), "JPEG", exif=exif(place=True), comment=b"somebody", xmp=XMP),
    ):
        for wishes in ({"max_side": 20}, {"quality": 50}):
            made = shown(data, **wishes)
            assert not made.getexif()
            assert set(made.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


def test_quality_decides_on_the_size():
    data = saved(photo(200, 200), "PNG")
    assert len(sent(data, quality=10)) < len(sent(data, quality=60)) < len(sent(data, quality=95))


def test_what_shines_through_becomes_white_in_a_jpeg():
    image = Image.new("RGBA", (16, 16), (255, 0, 0, 0))
    for value in (image, saved(image, "PNG"), image.quantize(), saved(image.quantize(), "PNG"), image.convert("LA")):
        assert shown(value, quality=90).getpixel((8, 8)) == (255, 255, 255)


def test_colours_of_another_profile_become_srgb():
    data = saved(Image.new("LAB", (16, 16), (200, 128, 128)), "TIFF")
    assert shown(data).mode == "RGB"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image = Image.new("RGB", (16, 16), (120, 10, 140))
    image.info["icc_profile"] = profile
    assert shown(image).getpixel((0, 0)) == (120, 10, 140)
    for old, new in ((b"rXYZ", b"?XYZ"), (b"gXYZ", b"rXYZ"), (b"?XYZ", b"gXYZ")):
        profile = profile.replace(old, new)
    image.info["icc_profile"] = profile.replace("sRGB".encode("utf-16-be"), "GRBs".encode("utf-16-be"))
    for made in (shown(image), shown(saved(image, "PNG", icc_profile=image.info["icc_profile"]), quality=95)):
        assert "icc_profile" not in made.info
        red, green, _ = made.getpixel((0, 0))
        assert (abs(red - 10) < 8, abs(green - 120) < 8) == (True, True)
    image.info["icc_profile"] = b"no profile"
    assert shown(image).getpixel((0, 0)) == (120, 10, 140)


# Modes


MODES = [
    ("1", 1, (255, 255, 255, 255)),
    ("L", 100, (100, 100, 100, 255)),
    ("LA", (100, 50), (100, 100, 100, 50)),
    ("PA", None, None),
    ("RGB", (1, 2, 3), (1, 2, 3, 255)),
    ("RGBA", (1, 2, 3, 4), (1, 2, 3, 4)),
    ("RGBX", (1, 2, 3, 0), (1, 2, 3, 255)),
    ("CMYK", (255, 0, 0, 0), (0, 255, 255, 255)),
    ("YCbCr", (100, 128, 128), (100, 100, 100, 255)),
    ("HSV", (0, 0, 70), (70, 70, 70, 255)),
    ("I;16", 65_535, (255, 255, 255, 255)),
    ("I;16", 32_768, (128, 128, 128, 255)),
    ("I", 200, (200, 200, 200, 255)),
    ("I", 65_535, (255, 255, 255, 255)),
    ("F", 0.5, (128, 128, 128, 255)),
    ("F", 200.0, (200, 200, 200, 255)),
]


@pytest.mark.parametrize(
    ("mode", "colour", "result"), [pytest.param(*row, id=f"B50 {row[0]} {row[1]}") for row in MODES]
)
def test_images_of_all_modes_show_what_they_are(mode, colour, result):
    image = Image.new(mode, (12, 10)) if colour is None else Image.new(mode, (12, 10), colour)
    made = shown(image)
    assert (made.format, made.size) == ("PNG", (12, 10))
    assert made.mode in {"1", "L", "LA", "P", "RGB", "RGBA"}
    if result:
        assert made.convert("RGBA").getpixel((5, 5)) == result


def test_b50_a_palette_with_a_colour_that_shines_through_keeps_it():
    image = Image.new("P", (8, 8), 1)
    image.putpalette([0, 0, 0, 10, 20, 30])
    assert shown(image).convert("RGBA").getpixel((0, 0)) == (10, 20, 30, 255)
    image.info["transparency"] = 1
    assert shown(image).convert("RGBA").getpixel((0, 0)) == (10, 20, 30, 0)


@pytest.mark.parametrize(("mode", "value"), [("I", -1), ("I", 70_000), ("F", -0.5), ("F", 1e9)])
def test_b50_values_that_are_no_brightness_are_refused(mode, value):
    with pytest.raises(ImageRejected, match=r"\{\{photo\}\} \(image, 4×4, .\) has values from .*0\.\.255"):
        sent(Image.new(mode, (4, 4), value))


def test_a_loaded_jpeg_stays_a_jpeg_of_its_own_quality():
    data = saved(photo(300, 200), "JPEG", quality=70)
    image = Image.open(io.BytesIO(data))
    image.load()
    made = shown(image)
    assert made.format == "JPEG"
    assert made.quantization == image.quantization
    assert len(sent(image)) < 1.1 * len(data)
    assert shown(image.copy()).format == "PNG"


def test_another_frame_than_the_first_goes_by_itself():
    frames = [Image.new("L", (8, 8), grey) for grey in (10, 200)]
    image = Image.open(io.BytesIO(saved(frames[0], "GIF", save_all=True, append_images=frames[1:])))
    image.seek(1)
    made = shown(image)
    assert made.format == "PNG"
    assert made.convert("L").getpixel((4, 4)) == 200


def test_an_image_that_is_to_be_decoded_smaller_is_no_longer_its_file():
    image = Image.open(io.BytesIO(saved(photo(640, 480), "JPEG")))
    image.draft("L", (160, 120))
    assert shown(image).size == (160, 120)


def test_an_image_of_pillow_can_still_be_used_afterwards():
    image = Image.open(io.BytesIO(saved(photo(), "JPEG")))
    to_parts(image)
    image.load()
    assert image.getpixel((0, 0))


# Once


def test_a_picture_is_encoded_once_however_often_it_is_sent():
    data = saved(photo(), "PNG")
    before = KERNEL.encoded
    parts = {id(to_parts(value)[0]) for value in (data, bytes(data), bytearray(data)) for _ in range(500)}
    assert (len(parts), KERNEL.encoded - before) == (1, 1)
    to_parts(data, pictures=Pictures(quality=50))
    to_parts(data, pictures=Pictures(quality=50))
    assert KERNEL.encoded - before == 2


def test_an_image_that_is_drawn_into_is_a_new_one():
    image = photo().copy()
    before = KERNEL.encoded
    first = to_parts(image)[0]
    assert to_parts(image)[0] is first
    assert to_parts(image.copy())[0] is first
    ImageDraw.Draw(image).point((3, 3), fill="red")
    second = to_parts(image)[0]
    assert second is not first
    assert Image.open(io.BytesIO(second.inline_data.to_bytes())).getpixel((3, 3)) == (255, 0, 0)
    assert KERNEL.encoded - before == 2


def test_a_palette_that_changes_makes_a_new_picture():
    image = Image.new("P", (8, 8))
    image.putpalette([1, 2, 3])
    first = to_parts(image)[0]
    image.putpalette([3, 2, 1])
    assert to_parts(image)[0] is not first


def test_other_media_are_encoded_once_too():
    data = b"%PDF-1.7" + bytes(100)
    assert to_parts(data)[0] is to_parts(data)[0]
    with pytest.raises(FileRejected, match=r"\{\{report\}\} \(PDF\) is 100 MB; a request takes 100 MB"):
        to_parts(b"%PDF-" + bytes(MAX_BYTES), name="{{report}}")


def test_what_was_used_longest_ago_is_forgotten_first():
    cache = MediaCache(limit=100)
    make = dict.fromkeys("abc", Made(bytes(30), "image/png"))
    parts = {name: cache.part(name, lambda name=name: make[name]) for name in "ab"}
    assert cache.part("a", lambda: make["a"]) is parts["a"]
    cache.part("c", lambda: make["c"])
    assert cache.part("a", lambda: make["a"]) is parts["a"]
    assert cache.encoded == 3
    assert cache.part("b", lambda: make["b"]) is not parts["b"]
    cache.part("large", lambda: Made(bytes(500), "image/png"))
    assert cache.part("large", lambda: pytest.fail("it is the only one left")).inline_data


def test_threads_with_one_picture_encode_it_once():
    data = saved(photo(), "PNG")
    before = KERNEL.encoded
    found = []
    ready = threading.Barrier(8)

    def send():
        ready.wait()
        found.append(to_parts(data)[0])

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(map(id, found))) == 1
    assert KERNEL.encoded - before == 1


def test_a_picture_that_fails_is_tried_again():
    cache = MediaCache()

    def fail():
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 - any error will do
        cache.part("x", fail)
    assert cache.part("x", lambda: Made(b"x", "image/png")).inline_data.data == "eA=="
    assert cache.encoded == 1


def test_ten_pictures_are_held_as_base64_and_nothing_more():
    end = b"\xff\xd9"
    head = saved(photo(8, 8), "JPEG")[: -len(end)]
    datas = [head + bytes([number]) * (2 << 20) + end for number in range(10)]
    to_parts(datas[0])
    KERNEL.clear()
    raw = sum(map(len, datas))
    tracemalloc.start()
    parts = [to_parts(data)[0] for data in datas]
    held, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(parts) == 10
    assert held < 1.345 * raw
    assert peak < 1.5 * raw


# The weight of a request


def part(size):
    return wire.Part(inline_data=wire.Blob(mime_type="image/png", data="A" * size))


def test_b55_a_request_above_20_mb_names_its_largest_parts():
    parts = [(f"{{{{p{number}}}}}", part(700_000 + number * 1_000)) for number in range(30)]
    (line,) = size_warnings([*parts, ("", wire.Part(text="é" * 10))])
    assert line.startswith("This request is 21.4 MB, and many gateways take 20 MB at most.")
    assert "{{p29}} 0.7 MB, {{p28}} 0.7 MB, {{p27}} 0.7 MB." in line
    assert "{{p26}}" not in line
    assert "--max-side" in line


def test_a_request_of_20_mb_is_fine():
    assert size_warnings([("{{a}}", part(20_000_000))]) == []
    assert size_warnings([("{{a}}", part(20_000_000)), ("", wire.Part(text="x"))]) != []
    assert size_warnings([]) == []


# Light


def test_a_picture_that_goes_as_it_is_needs_no_pillow():
    data = saved(photo(), "JPEG")
    code = (
        f"import sys; from gemini_magic.parts import to_parts; to_parts({data!r});"
        "print({'PIL', 'numpy', 'matplotlib', 'IPython', 'ipywidgets'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stdout.strip() == "set()"
    assert is_media(data)
