from __future__ import annotations

import pytest

from gemini_magic import wire
from gemini_magic.exceptions import FileRejected, ImageRejected
from gemini_magic.parts.files import file, file_parts, image
from gemini_magic.parts.media import Pictures

SENT = [
    ("gs://bucket/folder/film.mp4", "video/mp4"),
    ("gs://bucket/report.pdf", "application/pdf"),
    ("gs://bucket/no-suffix", None),
    ("https://generativelanguage.googleapis.com/v1beta/files/abc-123", None),
    ("files/abc-123", None),
    ("https://www.youtube.com/watch?v=9hE5-98ZeCg", "video/mp4"),
    ("https://youtube.com/shorts/9hE5-98ZeCg", "video/mp4"),
    ("https://youtu.be/9hE5-98ZeCg?t=5", "video/mp4"),
    ("https://m.youtube.com/watch?app=x&v=9hE5-98ZeCg", "video/mp4"),
    ("https://host.example/a/report.PDF?sig=x#p", "application/pdf"),
    ("https://host.example/page.html", "text/html"),
    ("https://host.example/notes.md", "text/plain"),
    ("https://host.example/", None),
    ("  https://host.example/x.png\n", "image/png"),
    ("HTTPS://HOST.example/x.flac", "audio/flac"),
]


@pytest.mark.parametrize(("uri", "mime"), SENT)
def test_an_address_is_sent_for_the_server_to_fetch(uri, mime, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (part,) = file_parts(file(uri), "", Pictures())
    assert part == wire.Part(file_data=wire.FileData(mime_type=mime, file_uri=uri.strip()))


def test_what_an_address_is_can_be_said():
    (part,) = file_parts(file("gs://b/x.bin", mime_type="audio/mpeg"), "", Pictures())
    assert part.file_data.mime_type == "audio/mpeg"
    with pytest.raises(FileRejected, match="MIME type"):
        file("gs://b/x.bin", mime_type="audio\r\nx: y")


def test_a_file_of_that_name_is_the_file_and_no_upload(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "abc").write_text("here")
    (part,) = file_parts(file("files/abc"), "", Pictures())
    assert "here" in part.text


REFUSED = [
    ("http://host.example/x.pdf", "https address"),
    ("http://169.254.169.254/latest/meta-data/", "http:"),
    ("file:///etc/hostname", "path alone"),
    ("file:/etc/hostname", "path alone"),
    ("data:image/png;base64,iVBORw0KGgo=", "bytes into a variable"),
    ("ftp://host.example/x.pdf", "Download it"),
    ("javascript:alert(1)", "not sent on"),
    ("s3://bucket/key", "not sent on"),
    ("gs://bucket", "bucket"),
    ("gs:///x", "bucket"),
    ("https:///x.pdf", "no host"),
    ("https://user:hush@host.example/x.pdf", "password"),
    ("https://host.example/a b.pdf", "space"),
    ("https://host.example\\@evil.example/x", "character"),
    ("https://host.example/x\u202epdf", "character"),
    ("https://[::1", "understood"),
]


@pytest.mark.parametrize(("uri", "words"), REFUSED)
@pytest.mark.parametrize("make", [file, image])
def test_other_addresses_are_refused_with_a_way_out(uri, words, make):
    with pytest.raises(FileRejected, match=words) as caught:
        make(uri)
    assert "hush" not in str(caught.value) or "user" not in words
    assert "\n" not in str(caught.value)


PRIVATE = [
    "127.0.0.1",
    "127.1",
    "localhost",
    "localhost.",
    "LOCALHOST",
    "app.localhost",
    "0",
    "0.0.0.0",  # noqa: S104 - refused here
    "2130706433",
    "0x7f000001",
    "0x7f.0.0.1",
    "0177.0.0.1",
    "017700000001",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:169.254.169.254]",
    "[2002:7f00:1::]",
    "[fe80::1]",
    "[fe80::1%25eth0]",
    "[fd00:ec2::254]",
    "169.254.169.254",
    "169.254.169.254.",
    "2852039166",
    "0xa9fea9fe",
    "0251.0376.0251.0376",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "100.100.100.200",
    "metadata.google.internal",
    "metadata",
    "printer.local",
    "intranet",
]


@pytest.mark.parametrize("host", PRIVATE)
@pytest.mark.parametrize("port", ["", ":8443"])
def test_no_server_is_sent_into_a_private_network(host, port):
    with pytest.raises(FileRejected, match="private network"):
        file(f"https://{host}{port}/latest/meta-data/x.pdf")


def test_public_addresses_in_numbers_are_sent():
    assert file("https://8.8.8.8/x.pdf").uri
    assert file("https://[2001:4860:4860::8888]/x.pdf").uri


def test_the_address_of_a_picture_has_to_be_one():
    assert image("https://host.example/x.png").kind == "image/png"
    with pytest.raises(ImageRejected, match="application/pdf, not a picture"):
        image("https://host.example/x.pdf")
