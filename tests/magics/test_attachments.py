"""``-i`` and ``-f``: what stands on the line of a cell is read, and nothing else."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import pytest

from gemini_magic.exceptions import FileRejected, ImageRejected, InputError
from gemini_magic.magics.prompts.attachments import attached
from gemini_magic.parts import Medium, Pictures
from gemini_magic.parts.files import file
from gemini_magic.settings import ApiKey

PIL = pytest.importorskip("PIL.Image")
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n"


def png(colour="red") -> bytes:
    out = io.BytesIO()
    PIL.new("RGB", (3, 2), colour).save(out, "PNG")
    return out.getvalue()


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photo.png").write_bytes(png())
    (tmp_path / "report.pdf").write_bytes(PDF)
    return tmp_path


def pieces(image=(), files=(), namespace=None, **options):
    found = attached({"image": image, "file": files}, namespace or {}, Pictures(), **options)
    return [(piece.name, piece.part.inline_data.mime_type) if isinstance(piece, Medium) else piece for piece in found]


def refused(kind=FileRejected, **options):
    with pytest.raises(kind) as caught:
        pieces(**options)
    assert caught.value.hint
    assert str(caught.value).isprintable()
    return str(caught.value)


def test_without_options_nothing_is_attached():
    assert attached({}, {}, Pictures()) == []


def test_a_picture_is_a_variable_first_and_a_path_then():
    image = PIL.new("RGB", (3, 2))
    assert pieces(["photo.png"]) == [("photo.png", "image/png")]
    assert pieces(["photo"], namespace={"photo": image}) == [("photo", "image/png")]
    (piece,) = attached({"image": ["photo.png"]}, {"photo.png": png("blue")}, Pictures())
    assert base64.b64decode(piece.part.inline_data.data) == png("blue")


def test_a_variable_may_name_the_file():
    for value in (Path("photo.png"), file("photo.png"), png()):
        assert pieces(["p"], namespace={"p": value}) == [("p", "image/png")]


def test_a_variable_may_be_made_to_be_displayed():
    display = pytest.importorskip("IPython.display")
    assert pieces(["p"], namespace={"p": display.Image(data=png())}) == [("p", "image/png")]
    assert refused(ImageRejected, image=["p"], namespace={"p": display.Markdown("# x")}).startswith("-i p (Markdown)")


def test_text_in_a_variable_is_not_taken_for_a_path():
    words = refused(ImageRejected, image=["p"], namespace={"p": "photo.png"})
    assert "not taken for a path" in words


@pytest.mark.parametrize(
    ("typed", "namespace"),
    [("report.pdf", {}), ("p", {"p": PDF}), ("p", {"p": Path("report.pdf")}), ("p", {"p": file("report.pdf")})],
)
def test_a_document_is_no_picture(typed, namespace):
    words = refused(ImageRejected, image=[typed], namespace=namespace)
    assert words.startswith(f"-i {typed}")
    assert "picture" in words


def test_a_value_that_is_no_picture_is_named():
    assert refused(InputError, image=["n"], namespace={"n": 5}).startswith("-i n")


def test_a_missing_picture_names_the_nearest_file_or_variable():
    assert "Did you mean 'photo.png'?" in refused(image=["foto.png"])
    assert "Did you mean 'figure'?" in refused(image=["figur"], namespace={"figure": 1, "_figur": 2})
    assert "working folder" in refused(image=["nothing-like-it.xyz"])


def test_the_address_of_a_picture_goes_as_an_address():
    (piece,) = attached({"image": ["https://host.example/x.png"]}, {}, Pictures())
    assert piece.part.file_data.file_uri == "https://host.example/x.png"
    assert "does not say that it is a picture" in refused(ImageRejected, image=["https://host.example/x"])
    assert "not a picture" in refused(ImageRejected, image=["https://host.example/x.pdf"])


def test_files_go_by_what_they_hold(folder):
    (folder / "notes.md").write_text("# x\n")
    assert pieces(files=["report.pdf", "photo.png", "notes.md"]) == [
        ("report.pdf", "application/pdf"),
        ("photo.png", "image/png"),
        "File notes.md:\n```\n# x\n```\n",
    ]


def test_pictures_come_before_files():
    assert pieces(["photo.png"], ["report.pdf"])[0] == ("photo.png", "image/png")


def test_a_pattern_means_its_files_in_the_order_of_people(folder):
    for number in (10, 9, 1):
        (folder / f"page{number}.txt").write_text(str(number))
    (folder / "page5.txt").mkdir()
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "deep" / "er" / "page2.txt").write_text("2")
    assert [text.split(":")[0] for text in pieces(files=["page*.txt"])] == [
        "File page1.txt",
        "File page9.txt",
        "File page10.txt",
    ]
    assert [text.split(":")[0] for text in pieces(files=["**/page2.txt"])] == ["File deep/er/page2.txt"]


def test_a_pattern_in_the_home_folder(folder, monkeypatch):
    monkeypatch.setenv("HOME", str(folder))
    assert pieces(files=["~/*.pdf"])[0][1] == "application/pdf"


def test_a_file_whose_name_looks_like_a_pattern_is_that_file(folder):
    (folder / "a[1].txt").write_text("one")
    (folder / "a1.txt").write_text("two")
    assert "one" in pieces(files=["a[1].txt"])[0]


def test_a_pattern_that_means_nothing_names_what_is_near():
    assert "Did you mean 'report.pdf'?" in refused(files=["reports*.pdf"])
    assert "There is no folder 'nope'" in refused(files=["nope/*.pdf"])
    assert "Did you mean 'report.pdf'?" in refused(files=["reprt.pdf"])


def test_a_pattern_that_means_too_much_is_refused_before_anything_is_read(folder, monkeypatch):
    for number in range(101):
        (folder / f"{number}.txt").write_text("x")
    assert "means 101 files; the limit is 100" in refused(files=["*.txt"])
    (folder / "100.txt").unlink()
    assert len(pieces(files=["*.txt"])) == 100
    with (folder / "1.bin").open("wb") as large, (folder / "2.bin").open("wb") as other:
        large.truncate(60_000_000)
        other.truncate(60_000_000)
    monkeypatch.setattr("os.open", lambda *_: pytest.fail("a file was opened"))
    assert "2 files of 120 MB" in refused(files=["*.bin"])


def test_a_pattern_with_a_file_of_keys_is_refused_as_a_whole(folder):
    (folder / "server.key").write_text("x")
    words = refused(files=["*"])
    assert "'server.key'" in words
    assert "never sent" in words


@pytest.mark.parametrize(
    "typed", ["nope.pdf", ".", "http://host.example/x", "data:text/plain,x", "$HOME/x", "~nobody/x", ""]
)
def test_what_cannot_be_sent_names_the_option(typed):
    assert refused(InputError, files=[typed]).startswith("-f ")


def test_a_variable_is_no_path():
    words = refused(files=["table"], namespace={"table": 1})
    assert "{{table}}" in words


def test_an_address_is_not_looked_for_here():
    (piece,) = attached({"file": ["gs://bucket/*.mp4"]}, {}, Pictures())
    assert piece.part.file_data.file_uri == "gs://bucket/*.mp4"


def test_a_text_file_with_a_key_stops(folder):
    (folder / "a.txt").write_text("login: AIza" + "Sy0123456789abcdefghijABCDEFGHIJ-_x")
    words = refused(InputError, files=["a.txt"])
    assert words.startswith("-f 'a.txt' holds a Google API key")
    assert "Sy0123" not in words
    assert pieces(files=["a.txt"], keys=None)
    (folder / "b.txt").write_text("x my-configured-key y")
    assert "would send your key" in refused(InputError, files=["b.txt"], keys=[ApiKey("my-configured-key")])
