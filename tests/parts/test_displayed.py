from __future__ import annotations

import base64
import datetime as dt
import enum
import io
import subprocess
import sys
import types

import pytest
from traitlets import Bunch

from gemini_magic.exceptions import FileRejected, ImageRejected, InputError, UnsupportedValue
from gemini_magic.parts import limits, to_parts
from gemini_magic.parts.displayed import displayed_parts, is_displayed
from gemini_magic.parts.media import Pictures
from gemini_magic.reply import Reply
from gemini_magic.wire import GenerateContentResponse

PIL = pytest.importorskip("PIL.Image")
display = pytest.importorskip("IPython.display")
widgets = pytest.importorskip("ipywidgets")

PICTURES = Pictures()
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n"
MP4 = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom" + bytes(16)
WAV = b"RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00" + bytes(24)
SVG = "<svg xmlns='http://www.w3.org/2000/svg' width='1' height='1'></svg>"


def picture(kind="PNG"):
    out = io.BytesIO()
    PIL.new("RGB", (3, 2), "red").save(out, kind)
    return out.getvalue()


PNG = picture()


def sent(value):
    """What a value becomes, in short."""
    assert is_displayed(value)
    parts = displayed_parts(value, "{{v}}", PICTURES)
    return [part.text or (part.inline_data.mime_type, base64.b64decode(part.inline_data.data)) for part in parts]


def refused(value, kind=UnsupportedValue):
    assert is_displayed(value)
    with pytest.raises(kind, match=r"\{\{v\}\}") as caught:
        displayed_parts(value, "{{v}}", PICTURES)
    assert caught.value.hint
    return str(caught.value)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("kind", "mime"), [("PNG", "image/png"), ("JPEG", "image/jpeg")])
def test_an_image_is_its_data(folder, kind, mime):
    data = picture(kind)
    (folder / "x.png").write_bytes(data)
    assert sent(display.Image(data=data)) == [(mime, data)]
    assert sent(display.Image(filename="x.png")) == [(mime, data)]
    assert sent(display.Image(filename="x.png", embed=False)) == [(mime, data)]


def test_sound_and_film_are_their_data(folder):
    (folder / "x.mp4").write_bytes(MP4)
    (folder / "x.wav").write_bytes(WAV)
    assert sent(display.Video("x.mp4")) == [("video/mp4", MP4)]
    assert sent(display.Video(MP4, embed=True, mimetype="video/mp4")) == [("video/mp4", MP4)]
    assert sent(display.Video(base64.b64encode(MP4).decode(), embed=True)) == [("video/mp4", MP4)]
    assert sent(display.Audio("x.wav")) == [("audio/wav", WAV)]
    tone = sent(display.Audio([0.0, 0.5, -0.5], rate=8000))
    assert tone[0][0] == "audio/wav"


def test_nothing_is_fetched_for_an_address():
    for value in (
        display.Image(url="https://host.example/x.png"),
        display.Audio(url="https://host.example/x.mp3"),
        display.Video("https://host.example/x.mp4"),
    ):
        words = refused(value)
        assert "nothing is fetched" in words
        assert "gm.file" in words
    for value in (display.IFrame("https://host.example", 1, 1), display.FileLink("x.pdf"), display.FileLinks(".")):
        assert "gm.file" in refused(value)


def test_a_video_on_youtube_is_its_address():
    (part,) = displayed_parts(display.YouTubeVideo("9hE5-98ZeCg"), "", PICTURES)
    assert part.file_data.file_uri == "https://www.youtube.com/watch?v=9hE5-98ZeCg"


def test_a_file_of_a_video_is_guarded_as_any_other(folder):
    (folder / ".env").write_text("x")
    assert "never sent" in refused(display.Video(".env"), FileRejected)


@pytest.mark.parametrize(
    ("make", "data", "text"),
    [
        ("Markdown", "# Title\n![](file:///etc/hostname)", None),
        ("HTML", "<b>bold</b><script>x</script>", None),
        ("Latex", "$x^2$", None),
        ("Math", "x^2", None),
        ("Pretty", "a", None),
        ("Code", "print(1)", None),
        ("Javascript", "alert(1)", None),
        ("JSON", {"a": [1]}, '{"a": [1]}'),
    ],
)
def test_texts_are_their_source(make, data, text):
    assert sent(getattr(display, make)(data)) == [text or data]


def test_a_drawing_is_its_source():
    (text,) = sent(display.SVG(SVG))
    assert text.startswith("<svg")


def test_a_progress_bar_says_nothing():
    assert "holds no text" in refused(display.ProgressBar(5))


def test_media_of_widgets_are_their_data():
    assert sent(widgets.Image(value=PNG, format="png")) == [("image/png", PNG)]
    assert sent(widgets.Audio(value=WAV, format="wav")) == [("audio/wav", WAV)]
    assert sent(widgets.Video(value=MP4, format="mp4")) == [("video/mp4", MP4)]
    assert "address" in refused(widgets.Image.from_url("https://host.example/x.png"))
    assert "empty" in refused(widgets.Image())


def uploaded(*files):
    upload = widgets.FileUpload(multiple=True)
    upload.set_trait(
        "value",
        tuple(
            Bunch(
                name=name,
                type="application/x-lie",
                size=len(data),
                content=memoryview(data),
                last_modified=dt.datetime.now(dt.UTC),
            )
            for name, data in files
        ),
    )
    return upload


def test_uploads_go_by_what_they_hold():
    upload = uploaded(("a.png", PNG), ("b.pdf", PDF), ("c.txt", b"text"))
    expected = [("image/png", PNG), ("application/pdf", PDF), "File c.txt:\n```\ntext\n```\n"]
    assert sent(upload) == expected
    assert sent(upload.value) == expected
    assert sent(upload.value[0]) == expected[:1]


def test_uploads_of_old_widgets_are_known():
    old = {"a.png": {"metadata": {"name": "a.png", "type": "image/png", "size": 1}, "content": PNG}}
    assert sent(old) == [("image/png", PNG)]


def test_an_upload_that_is_not_there_yet_says_so():
    assert "no files yet" in refused(widgets.FileUpload())
    assert r"'a\nb.png' is empty" in refused(uploaded(("a\nb.png", b"")))
    assert "'x.zip'" in refused(uploaded(("x.zip", b"PK\x03\x04\x00\xff")), FileRejected)


def test_other_widgets_are_their_text():
    (text,) = sent(widgets.IntSlider(value=5))
    assert text.startswith("IntSlider(value=5")


def made(**methods):
    """An object of a class with these methods."""
    return type("Shown", (), {name: lambda _, found=found, **__: found for name, found in methods.items()})()


def test_a_picture_comes_before_everything_else():
    bundle = {"text/plain": "plain", "text/markdown": "# md", "image/png": PNG}
    jpeg = picture("JPEG")
    assert sent(made(_repr_mimebundle_=bundle)) == [("image/png", PNG)]
    assert sent(made(_repr_mimebundle_=(bundle, {"image/png": {"width": 3}}))) == [("image/png", PNG)]
    assert sent(made(_repr_mimebundle_={"image/png": base64.b64encode(PNG).decode()})) == [("image/png", PNG)]
    assert sent(made(_repr_mimebundle_={"image/jpeg": jpeg}, _repr_markdown_="md")) == [("image/jpeg", jpeg)]
    assert sent(made(_repr_png_=PNG)) == [("image/png", PNG)]
    assert sent(made(_repr_png_=(PNG, {"width": 3}))) == [("image/png", PNG)]
    assert sent(made(_repr_png_=None, _repr_jpeg_=jpeg)) == [("image/jpeg", jpeg)]
    webp = picture("WEBP")
    assert sent(made(_repr_mimebundle_={"image/webp": webp})) == [("image/webp", webp)]


def test_markdown_comes_before_plain_text():
    assert sent(made(_repr_mimebundle_={"text/plain": "p", "text/markdown": "# m", "text/html": "<b>"})) == ["# m"]
    assert sent(made(_repr_mimebundle_={"text/plain": "p", "text/html": "<b>"})) == ["p"]
    assert sent(made(_repr_markdown_="# m", __str__="s")) == ["# m"]
    assert sent(made(_repr_html_="<b>", __str__="s")) == ["s"]


def test_an_object_without_a_text_is_the_source_of_its_drawing():
    assert sent(made(_repr_svg_=SVG)) == [SVG]
    assert sent(made(_repr_html_="<b>bold</b>")) == ["<b>bold</b>"]
    assert sent(made(_repr_mimebundle_={"text/plain": "<Shown object at 0x7f00>", "text/html": "<b>"})) == ["<b>"]
    assert "only an address" in refused(made(_repr_html_=None))
    assert "only an address" in refused(made(_repr_mimebundle_=None))


def test_a_picture_of_an_object_is_guarded():
    refused(made(_repr_png_=PNG[:30]), ImageRejected)
    huge = PNG[:16] + (60_000).to_bytes(4, "big") * 2 + PNG[24:]
    refused(made(_repr_png_=huge), ImageRejected)
    refused(made(_repr_png_=PDF), ImageRejected)
    assert "no picture" in refused(made(_repr_png_=5))
    assert "no picture" in refused(made(_repr_png_="not base64!"))


def test_an_object_that_fails_or_loops_is_named(monkeypatch):
    class Fails:
        def _repr_png_(self):
            raise RuntimeError("broken\nsecond line")

    class Loops:
        def _repr_mimebundle_(self, **_):
            while True:
                pass

    assert "RuntimeError: broken." in refused(Fails())
    monkeypatch.setattr(limits, "MAX_SECONDS", 0.05)
    assert "still busy" in refused(Loops())


def test_nothing_is_displayed_to_find_out(capsys):
    class Showy:
        def _ipython_display_(self):
            sys.stdout.write("side effect")

        def _repr_mimebundle_(self, **_):
            return {"text/plain": "quiet"}

    assert sent(Showy()) == ["quiet"]
    assert capsys.readouterr().out == ""


class Anything:
    def __getattr__(self, name):
        return lambda *_, **__: b""


class Drawn:
    def _repr_html_(self):
        return "<b>"


class Shape(Drawn, enum.Enum):
    ROUND = 1


class Styled(str):
    __slots__ = ()

    def _repr_markdown_(self):
        return "md"


REPLY = Reply.from_response(GenerateContentResponse.model_validate({"candidates": []}))


@pytest.mark.parametrize(
    "value",
    [
        *("text", Styled("x"), 5, 1.5, True, None, b"x", [1], {}, (), {"a": 1}, types, len),
        *(Anything(), Anything, Shape.ROUND, io.StringIO(), REPLY, made, type(made(_repr_png_=PNG))),
        {"name": "x", "type": "y", "size": 1, "content": "text"},
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_has_a_text_of_its_own_is_not_displayed(value):
    assert not is_displayed(value)


def test_frames_are_tables_although_they_display_themselves():
    pd = pytest.importorskip("pandas")
    assert not is_displayed(pd.DataFrame({"a": [1]}))
    assert not is_displayed(pd.Series([1]))


def test_a_displayed_value_goes_through_the_table_of_values():
    assert to_parts(display.Markdown("# x"))[0].text == "# x"
    assert to_parts(display.Image(data=PNG))[0].inline_data.mime_type == "image/png"
    with pytest.raises(InputError):
        to_parts(display.IFrame("https://host.example", 1, 1))


def test_no_library_is_imported_to_find_out():
    code = "import sys; from gemini_magic.parts import is_media; is_media(object()); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    assert not {"IPython", "ipywidgets", "PIL", "pydantic"} & set(done.stdout.split())
