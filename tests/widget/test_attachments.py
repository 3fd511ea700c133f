"""Files attached in the pane: byte for byte to the gateway, or named with what is wrong with them."""

from __future__ import annotations

import base64
import io
import struct
import zlib

import pytest
from wire_server import answer

Image = pytest.importorskip("PIL.Image")


def saved(kind, size=(40, 30), **options):
    stream = io.BytesIO()
    Image.effect_noise(size, 60).convert("RGB").save(stream, kind, **options)
    return stream.getvalue()


def chunk(kind, data=b""):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height):
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"x") + chunk(b"IEND")


PNG, JPEG, WEBP, GIF = (saved(kind) for kind in ("PNG", "JPEG", "WEBP", "GIF"))
PDF = b"%PDF-1.7\n" + bytes(range(256))
WAV = b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(40)
MP4 = b"\x00\x00\x00\x18ftypmp42" + bytes(60)


@pytest.fixture(autouse=True)
def yes(wire):
    wire.answers(answer("Yes."))


def blobs(seen):
    parts = seen.json()["contents"][-1]["parts"]
    return [
        (part["inlineData"]["mimeType"], base64.b64decode(part["inlineData"]["data"]))
        for part in parts
        if "inlineData" in part
    ]


@pytest.mark.parametrize(
    "file",
    [
        ("a.png", PNG, "image/png", "image"),
        ("a.jpg", JPEG, "image/jpeg", "image"),
        ("a.webp", WEBP, "image/webp", "image"),
        ("a.gif", GIF, "image/gif", "image"),
        ("a.pdf", PDF, "application/pdf", "file"),
        ("a.wav", WAV, "audio/wav", "audio"),
        ("a.mp4", MP4, "video/mp4", "file"),
        ("wrong-name.txt", PNG, "image/png", "image"),
        ("no ending", JPEG, "image/jpeg", "image"),
        ("", PNG, "image/png", "image"),
    ],
)
def test_a_file_arrives_byte_for_byte_as_what_its_bytes_are(wire, pane, file):
    name, data, mime, kind = file
    view = pane.send("What is this?", (name, data))
    assert blobs(wire.seen[-1]) == [(mime, data)]
    shown = view["prompt"][0]
    assert (shown["kind"], shown["mime"], shown["bytes"]) == (kind, mime, len(data))
    assert shown["name"] == (name or "file")
    begin = len(pane.came)
    reply = pane.ask("blob", blob=shown["blob"])
    assert (reply["binary"], reply["mime"]) == (True, mime)
    assert pane.buffers[pane.came.index(reply, begin)] == [data]


def test_a_large_picture_arrives_byte_for_byte(wire, pane):
    data = saved("PNG", (700, 400))
    assert len(data) > 250_000
    pane.send("What is this?", ("a.png", data), ("b.png", data))
    assert blobs(wire.seen[-1]) == [("image/png", data)] * 2


def test_without_binary_buffers_base64_does_as_well(wire, pane):
    pane.tell("hello", view="v", binary=False, locale="en")
    assert pane.of("snapshot")[0]["state"]["limit"] == 7_500_000
    listed = [{"name": "a.png", "mime": "image/png", "size": len(PNG), "data": base64.b64encode(PNG).decode()}]
    assert pane.ask("send", text="What?", attachments=listed)["ok"]
    pane.idle()
    assert blobs(wire.seen[-1]) == [("image/png", PNG)]
    blob = pane.of("start")[0]["prompt"][0]["blob"]
    reply = pane.ask("blob", blob=blob)
    assert base64.b64decode(reply["data"]) == PNG
    assert "binary" not in reply


def test_a_text_file_goes_as_text_under_its_name(wire, pane):
    view = pane.send("Sum up.", ("notes.md", b"# Title\nWords\n"))
    parts = wire.seen[-1].json()["contents"][0]["parts"]
    assert [part["text"] for part in parts] == ["File notes.md:\n```\n# Title\nWords\n```\n", "Sum up."]
    assert view["prompt"] == [
        {"kind": "file", "mime": "text/plain", "bytes": 14, "name": "notes.md"},
        {"kind": "text", "text": "Sum up."},
    ]


def test_a_file_alone_can_be_sent(wire, pane):
    pane.send("", ("a.pdf", PDF))
    assert blobs(wire.seen[-1]) == [("application/pdf", PDF)]


def test_where_a_picture_was_taken_is_left_out_and_said_so(wire, pane):
    exif = Image.Exif()
    exif.get_ifd(0x8825)[2] = (48.0, 24.0, 0.0)
    pane.send("Where?", ("a.jpg", saved("JPEG", exif=exif)))
    assert b"Exif" not in blobs(wire.seen[-1])[0][1]
    assert "the place in its metadata was left out" in pane.of("notice")[0]["text"]


BAD = {
    "empty.png": (b"", "is empty"),
    "words.png": (b"just words", "is named as image/png, but holds text"),
    "cut.png": (PNG[:200], "is no whole picture"),
    "huge.png": (png(12_000, 12_000), "12,000×12,000"),
    "line.png": (png(1, 2**31 - 1), "1×2,147,483,647"),
    "flat.png": (png(0, 0), "0×0"),
    "drawing.eps": (b"%!PS-Adobe-3.0\nshowpage" + bytes(9), "is of no kind that is sent"),
    "archive.zip": (b"PK\x03\x04" + bytes(30), "is a ZIP archive"),
    "table.parquet": (b"PAR1" + bytes(30), "is a Parquet table"),
    "noise.bin": (b"\x00\xff\x17\x99" * 9, "is of no kind that is sent; its first bytes are 00 ff 17 99"),
    "latin.txt": ("café".encode("latin-1"), "is not UTF-8 text"),
    "nul.txt": (b"a\x00b", "is not UTF-8 text: it holds NUL bytes"),
    "id_rsa": (b"words", "is a file of keys, which is never sent"),
    ".env": (b"A=1", "is a file of passwords and tokens, which is never sent"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_named_and_nothing_is_sent(wire, pane, name):
    data, words = BAD[name]
    listed = [{"name": name, "mime": "image/png", "size": len(data), "buffer": 0}]
    reply = pane.ask("send", memoryview(data), text="What?", attachments=listed)
    assert words in reply["error"]
    assert name in reply["error"]
    assert reply["bad"] == [0]
    assert wire.seen == []
    assert pane.state["turns"] == []


def test_every_bad_file_is_told_at_once_and_the_good_ones_are_not(pane):
    files = [("good.png", PNG), ("empty.png", b""), ("a.zip", b"PK\x03\x04" + bytes(30)), ("b.pdf", PDF)]
    listed = [{"name": name, "size": len(data), "buffer": place} for place, (name, data) in enumerate(files)]
    reply = pane.ask("send", *(data for _, data in files), text="What?", attachments=listed)
    assert reply["bad"] == [1, 2]
    assert "empty.png" in reply["error"]
    assert "a.zip" in reply["error"]
    assert "good.png" not in reply["error"]


def test_svg_is_sent_as_text_and_never_shown_as_a_picture(wire, pane):
    view = pane.send("Draw.", ("a.svg", b'<svg xmlns="x"><script>alert(1)</script></svg>'))
    assert blobs(wire.seen[-1]) == []
    assert view["prompt"][0]["kind"] == "file"
    assert "blob" not in view["prompt"][0]


def test_a_file_above_the_limit_is_not_sent(pane, monkeypatch):
    monkeypatch.setattr("gemini_magic.widget.attachments.MAX_FILE", 1_000)
    reply = pane.ask("send", bytes(1_001), text="?", attachments=[{"name": "a.pdf", "size": 1_001, "buffer": 0}])
    assert "is 1.0 kB; the limit is 1.0 kB" in reply["error"]


def test_a_request_above_20_megabytes_says_what_is_large(pane):
    data = PDF + bytes(16_000_000)
    pane.send("?", ("large.pdf", data))
    notice = pane.of("notice")[0]
    assert notice["level"] == "warning"
    assert "large.pdf 21.3 MB" in notice["text"]


@pytest.mark.parametrize(
    "entry",
    [
        {"name": "a.png", "size": 10, "buffer": 0},
        {"name": "a.png", "buffer": 3},
        {"name": "a.png", "buffer": -1},
        {"name": "a.png", "data": "not base64!"},
        {"name": "a.png"},
        "a.png",
        None,
    ],
)
def test_what_did_not_arrive_whole_is_not_sent(wire, pane, entry):
    reply = pane.ask("send", b"1234", text="?", attachments=[entry])
    assert "did not arrive whole" in reply["error"]
    assert wire.seen == []
    assert pane.engine.live is None


def test_too_many_files_are_refused(pane):
    listed = [{"name": f"{n}.txt", "data": "aGk="} for n in range(101)]
    assert "101 files are attached" in pane.ask("send", text="?", attachments=listed)["error"]
    assert "cannot be read" in pane.ask("send", text="?", attachments={"a": 1})["error"]


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "C:\\x\\a.png", "a\nb.png", "a\u202egnp.exe", "x" * 300, "😀.png", '"']
)
def test_odd_names_are_shown_in_one_line_without_folders(wire, pane, name):
    view = pane.send("?", (name, PNG))
    shown = view["prompt"][0]["name"]
    assert "/" not in shown
    assert "\n" not in shown
    assert "\u202e" not in shown
    assert blobs(wire.seen[-1]) == [("image/png", PNG)]


def test_a_blob_that_is_gone_says_so(pane):
    view = pane.send("?", ("a.png", PNG))
    pane.tell("clear")
    pane.wait_for("turns")
    assert (
        pane.ask("blob", blob=view["prompt"][0]["blob"])["error"] == "This file is no longer part of the conversation."
    )
    assert len(pane.engine.blobs) == 0
