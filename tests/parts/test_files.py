from __future__ import annotations

import base64
import io
import pickle
from pathlib import Path, PurePosixPath

import pytest

from gemini_magic import wire
from gemini_magic.exceptions import ImageRejected, InputError
from gemini_magic.parts.files import AsPicture, File, file, file_parts, image, is_file
from gemini_magic.parts.files.kinds import by_suffix, kind_of
from gemini_magic.parts.media import Pictures

Image = pytest.importorskip("PIL.Image")
PICTURES = Pictures()
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n"
WAV = b"RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00" + bytes(24)
MP4 = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom" + bytes(16)
FLAC = b"fLaC\x00\x00\x00\x22" + bytes(40)


def png() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (3, 2), "red").save(out, "PNG")
    return out.getvalue()


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def parts_of(value, name=""):
    return [part.model_dump(by_alias=True, exclude_unset=True) for part in file_parts(value, name, PICTURES)]


@pytest.mark.parametrize(
    ("name", "data", "mime"),
    [
        ("report.pdf", PDF, "application/pdf"),
        ("photo.png", png(), "image/png"),
        ("photo.txt", png(), "image/png"),
        ("no-suffix", PDF, "application/pdf"),
        ("song.wav", WAV, "audio/wav"),
        ("song.flac", FLAC, "audio/flac"),
        ("film.mp4", MP4, "video/mp4"),
        ("voice.m4a", MP4, "audio/mp4"),
        ("film.mov", b"\x00\x00\x00\x08wide" + bytes(40), "video/quicktime"),
    ],
)
@pytest.mark.parametrize("make", [file, Path])
def test_a_file_goes_byte_for_byte_as_what_it_holds(folder, name, data, mime, make):
    (folder / name).write_bytes(data)
    value = make(name)
    assert is_file(value)
    assert parts_of(value) == [{"inlineData": {"mimeType": mime, "data": base64.b64encode(data).decode()}}]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("notes.md", "# Title\n\ntext\n"),
        ("code.py", "print('汉字 😀')\n"),
        ("work.ipynb", '{"cells": []}\n'),
        ("data.csv", "a,b\n1,2\n"),
        ("LICENSE", "as is\n"),
        ("ID3.txt", "ID3 tags are at the start of a file.\n"),
        ("drawing.svg", "<svg xmlns='http://www.w3.org/2000/svg'><script>x</script></svg>\n"),
        ("page.html", "<!doctype html><p>{{x}} {file:/etc/hostname}\n"),
        ("config.toml", "a = 1\r\n"),
    ],
)
def test_a_text_file_goes_as_text_under_its_name(folder, name, text):
    (folder / name).write_bytes(text.encode())
    assert parts_of(file(name)) == [{"text": f"File {name}:\n```\n{text}```\n"}]


def test_a_text_without_a_last_line_break_and_with_a_mark_of_order_is_framed(folder):
    (folder / "a.txt").write_bytes(b"\xef\xbb\xbfone")
    assert parts_of(Path("a.txt")) == [{"text": "File a.txt:\n```\none\n```\n"}]


def test_the_frame_is_longer_than_any_in_the_text(folder):
    (folder / "a.md").write_text("```python\nx\n```\n`````\n")
    (part,) = parts_of(Path("a.md"))
    assert part["text"].startswith("File a.md:\n``````\n")
    assert part["text"].endswith("`````\n``````\n")


def test_the_model_does_not_learn_the_folders_of_this_computer(folder, monkeypatch):
    monkeypatch.setenv("HOME", str(folder))
    (folder / "docs").mkdir()
    (folder / "docs" / "a.txt").write_text("x")
    for path in (str(folder / "docs" / "a.txt"), "~/docs/a.txt", "docs/../docs/a.txt"):
        assert parts_of(file(path))[0]["text"].startswith("File a.txt:")
    assert parts_of(file("docs/a.txt"))[0]["text"].startswith("File docs/a.txt:")


def test_the_home_folder_is_expanded_and_variables_are_not(folder, monkeypatch):
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("WHERE", str(folder))
    (folder / "a.txt").write_text("x")
    assert parts_of(Path("~/a.txt"))
    with pytest.raises(InputError, match=r"\$VARIABLES are not expanded"):
        parts_of(file("$WHERE/a.txt"))


def test_a_file_is_read_when_it_is_sent_and_not_before(folder):
    later = file("later.txt")
    assert repr(later) == "File('later.txt', text/plain, not there)"
    (folder / "later.txt").write_text("one")
    assert "one" in parts_of(later)[0]["text"]
    (folder / "later.txt").write_text("two")
    assert "two" in parts_of(later)[0]["text"]


def test_a_repr_says_path_type_and_size(folder):
    (folder / "report.pdf").write_bytes(PDF + bytes(2000))
    assert repr(file("report.pdf")) == "File('report.pdf', application/pdf, 2.0 kB)"
    assert repr(file("gs://b/film.mp4")) == "File('gs://b/film.mp4', video/mp4)"
    assert repr(file("files/abc")) == "File('files/abc')"
    assert repr(file("a\nb\u202e.png")) == r"File('a\nb\u202e.png', image/png, not there)"
    assert repr(image([[0]])) == "AsPicture(list)"


def test_a_reference_is_a_value():
    assert file("a.txt") == file(Path("a.txt")) == file(PurePosixPath("a.txt"))
    assert pickle.loads(pickle.dumps(file("a.txt"))) == file("a.txt")  # noqa: S301 - our own
    assert len({file("a.txt"), file("a.txt"), file("gs://b/a.txt")}) == 2
    assert file("a.txt", mime_type="text/x-odd").kind == "text/x-odd"


def test_a_path_is_never_an_address(folder):
    (folder / "https:").mkdir()
    (folder / "https:" / "x.txt").write_text("here")
    assert "here" in parts_of(Path("https://x.txt"))[0]["text"]
    assert file(Path("gs://b/x")).uri == ""


def test_what_a_file_is_can_be_said(folder):
    (folder / "x.bin").write_bytes(b"\x01\x02\x03\xff")
    assert parts_of(file("x.bin", mime_type="audio/L16;rate=24000"))[0]["inlineData"]["mimeType"] == (
        "audio/L16;rate=24000"
    )


@pytest.mark.parametrize("value", ["a.txt", b"a.txt", "file:/etc/hostname", None, 5, PurePosixPath("a"), ["a.txt"]])
def test_nothing_else_names_a_file(value):
    assert not is_file(value)


def test_a_picture_has_to_be_one(folder):
    (folder / "report.png").write_bytes(PDF)
    (folder / "ok.png").write_bytes(png())
    assert parts_of(image("ok.png"))[0]["inlineData"]["mimeType"] == "image/png"
    with pytest.raises(ImageRejected, match=r"'report.png' is application/pdf, not a picture.*-f"):
        parts_of(image("report.png"))


def test_a_value_can_be_marked_as_a_picture():
    np = pytest.importorskip("numpy")
    value = image(np.zeros((2, 3), dtype="uint8"))
    assert is_file(value)
    assert image(value) is value
    assert parts_of(value)[0]["inlineData"]["mimeType"] == "image/png"
    with pytest.raises(InputError, match=r"\{\{x\}\}"):
        parts_of(AsPicture(PDF), "{{x}}")


@pytest.mark.parametrize("value", [b"x", None, 5, ["a"]])
def test_a_value_is_no_path(value):
    with pytest.raises(InputError, match="takes a path or an address"):
        file(value)
    with pytest.raises(InputError):
        File()


def test_messages_name_the_variable_and_the_file():
    with pytest.raises(InputError, match=r"^\{\{report\}\} \(the file 'nope.pdf'\) is not there"):
        parts_of(file("nope.pdf"), "{{report}}")
    with pytest.raises(InputError, match=r"^The file 'nope.pdf' is not there"):
        parts_of(Path("nope.pdf"))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.md", "text/plain"),
        ("a.PY", "text/plain"),
        ("a.ipynb", "text/plain"),
        ("a.svg", "text/plain"),
        ("a.json", "text/plain"),
        ("a.heic", "image/heic"),
        ("a.webp", "image/webp"),
        ("a.flac", "audio/flac"),
        ("a.m4a", "audio/mp4"),
        ("a.mp3", "audio/mpeg"),
        ("a.tar.gz", ""),
        ("a.unheard-of", ""),
        ("C:\\x\\a.pdf", "application/pdf"),
        ("", ""),
    ],
)
def test_names_speak_of_kinds(name, kind):
    assert by_suffix(name) == kind


def test_sound_and_film_that_begin_alike_are_told_apart_by_their_names():
    assert kind_of(MP4, "x.mp4", "x") == "video/mp4"
    assert kind_of(MP4, "x.m4a", "x") == "audio/mp4"
    assert kind_of(MP4, "x", "x") == "video/mp4"


def descriptors():
    """How many files this process has open, where that can be seen."""
    place = Path("/proc/self/fd")
    return len(list(place.iterdir())) if place.exists() else 0


def test_reading_leaves_no_descriptor_open(folder):
    (folder / "a.txt").write_text("x")
    before = descriptors()
    for _ in range(20):
        file_parts(Path("a.txt"), "", PICTURES)
        with pytest.raises(InputError):
            file_parts(folder, "", PICTURES)
    assert descriptors() == before


def test_wire_parts_are_the_protocols_own(folder):
    (folder / "a.txt").write_text("x")
    assert all(isinstance(part, wire.Part) for part in file_parts(Path("a.txt"), "", PICTURES))
