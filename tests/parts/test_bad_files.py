"""Files that are not sent: each is named, with the way out, and nothing that was not meant is read."""

from __future__ import annotations

import os
import re
import socket
import sys

import pytest

from gemini_magic.exceptions import FileRejected, ImageRejected, InputError
from gemini_magic.parts.files import file, file_parts, image, opening
from gemini_magic.parts.files.opening import read_file
from gemini_magic.parts.media import Pictures

posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    inner = tmp_path / "work"
    inner.mkdir()
    monkeypatch.chdir(inner)
    return inner


def rejected(typed, kind=FileRejected):
    """The message with which a file is refused, checked for what every message has."""
    with pytest.raises(kind) as caught:
        file_parts(file(typed), "{{it}}", Pictures())
    error = caught.value
    assert error.message.startswith("{{it}} (the file ")
    assert error.hint
    assert str(error).isprintable()
    return str(error)


def test_a_missing_file(folder):
    assert "is not there. The working folder is" in rejected("nope.pdf")
    assert "is not there. Check the path." in rejected(str(folder / "no" / "nope.pdf"))
    (folder / "a.txt").write_text("x")
    assert "is not there" in rejected("a.txt/b.txt")


def test_a_folder(folder):
    (folder / "docs").mkdir()
    for typed in ("docs", ".", "..", str(folder)):
        assert "is a folder. Name the files in it, such as -f 'folder/*.pdf'" in rejected(typed)


def test_a_file_without_permission(folder, monkeypatch):
    (folder / "a.txt").write_text("x")

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)  # the test may run as root, whom nothing is forbidden
    assert "permission denied" in rejected("a.txt")


def test_an_empty_file(folder):
    (folder / "a.pdf").touch()
    assert "is empty" in rejected("a.pdf")


def test_text_that_is_named_as_a_picture(folder):
    (folder / "photo.png").write_text("not a picture")
    assert "is named as image/png, but holds text" in rejected("photo.png")
    with pytest.raises(InputError, match="holds text"):
        file_parts(image("photo.png"), "", Pictures())


def test_what_is_no_text_although_it_is_named_so(folder):
    (folder / "a.csv").write_bytes("Käse;1\n".encode("latin-1"))
    words = rejected("a.csv")
    assert "its byte 1 is not" in words
    assert "latin-1" in words
    (folder / "b.txt").write_bytes("text".encode("utf-16"))
    assert "is not UTF-8 text" in rejected("b.txt")
    (folder / "c.txt").write_bytes(b"a\x00b")
    assert "NUL" in rejected("c.txt")


@pytest.mark.parametrize(
    ("start", "words"),
    [
        (b"PK\x03\x04", "ZIP archive.*PDF"),
        (b"\xd0\xcf\x11\xe0", "old Word.*PDF"),
        (b"\x1f\x8b\x08", "gzip"),
        (b"PAR1", "Parquet.*dataframe"),
        (b"SQLite format 3\x00", "SQLite"),
        (b"\x80\x04\x95\x00", "pickle"),
        (b"\x7fELF\x02", "program"),
        (b"\x00\xff\xfe\xfd\xfc\x01\x02\x03", "first bytes are 00 ff fe fd fc 01 02 03"),
    ],
)
def test_a_kind_that_is_not_sent(folder, start, words):
    (folder / "thing.bin").write_bytes(start + b"\x00\xff" * 20)
    found = rejected("thing.bin")
    assert "Pictures, PDF, audio, video and UTF-8 text are sent." in found
    assert re.search(words, found)


def test_a_file_above_the_limit_is_not_read(folder, monkeypatch):
    reads = []
    real = os.read
    monkeypatch.setattr(os, "read", lambda *given: reads.append(given) or real(*given))
    with (folder / "large.bin").open("wb") as large:
        large.truncate(100_000_001)
    assert "is 100 MB; the limit is 100 MB" in rejected("large.bin")
    assert reads == []


@pytest.mark.parametrize(("size", "taken"), [(9, True), (10, True), (11, False)])
def test_the_limit_is_the_last_size_that_is_read(folder, size, taken):
    (folder / "a.txt").write_bytes(b"x" * size)
    if taken:
        assert len(read_file("a.txt", "x", 10)) == size
    else:
        with pytest.raises(FileRejected, match="11 bytes; the limit is 10 bytes"):
            read_file("a.txt", "x", 10)


@pytest.mark.parametrize("change", [b"", b"0123456789ABC"])
def test_a_file_that_changes_while_it_is_read(folder, monkeypatch, change):
    path = folder / "a.txt"
    path.write_bytes(b"0123456789")
    real = os.fstat

    def then_change(descriptor):
        found = real(descriptor)
        path.write_bytes(change)
        return found

    monkeypatch.setattr(os, "fstat", then_change)
    assert "changed while it was read" in rejected("a.txt")


@posix
@pytest.mark.parametrize("kind", ["pipe", "socket"])
def test_a_pipe_or_socket_is_refused_without_waiting(kind):
    if kind == "pipe":
        os.mkfifo("thing")
        assert "is a named pipe" in rejected("thing")
        return
    server = socket.socket(socket.AF_UNIX)
    with server:
        server.bind("thing")
        assert "is a socket" in rejected("thing")


@posix
@pytest.mark.parametrize(
    "typed",
    ["/dev/zero", "/dev/null", "/dev/random", "/dev/stdin", "/dev/fd/0", "/proc/self/environ", "/proc/self/mem"],
)
def test_devices_and_views_of_the_system(typed):
    if not os.path.lexists(typed):
        pytest.skip(f"there is no {typed} here")
    assert "view of the system" in rejected(typed)


@posix
def test_a_link_to_a_view_of_the_system(folder):
    (folder / "notes.txt").symlink_to("/proc/version")
    assert "view of the system" in rejected("notes.txt")


def test_shares_and_names_of_windows():
    for typed in (r"\\host\share\x.pdf", "//host/share/x.pdf"):
        assert "network share" in rejected(typed)
    assert rejected("C:CON")
    assert "no name" in rejected("a\x00b")


@pytest.mark.parametrize(
    "name",
    [
        "id_rsa",
        "id_rsa.pub",
        "ID_ED25519",
        "server.pem",
        "server.key",
        "cert.P12",
        ".env",
        ".env.local",
        ".envrc",
        ".netrc",
        "_netrc",
        ".npmrc",
        ".git-credentials",
        ".ssh/known_hosts",
        ".ssh/deep/er/x.txt",
        ".aws/credentials",
        ".config/gcloud/x.json",
        ".config/gh/hosts.yml",
        ".gnupg/pubring.kbx",
        "jpserver-1234.json",
        "some-connection.json",
        "kernel-0b6ff1e4-1111-2222-3333-444455556666.json",
        "runtime/kernel-abc.json",
        "jupyter_cookie_secret",
        "gemini_magic/config.toml",
    ],
)
def test_files_of_keys_are_never_sent(folder, name):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("hush")
    for typed in (name, str(path), f"./{name}", f"../work/{name}"):
        words = rejected(typed)
        assert "is never sent" in words
        assert "paste" in words
    link = folder / "innocent.txt"
    link.symlink_to(path)
    assert "is never sent" in rejected("innocent.txt")


def test_our_own_config_file_is_never_sent(folder, monkeypatch):
    (folder / "mine.toml").write_text("[profiles.x]\n")
    monkeypatch.setenv("GEMINI_MAGIC_CONFIG", str(folder / "mine.toml"))
    assert "gemini_magic's own config file" in rejected("mine.toml")


@pytest.mark.parametrize(
    "name", ["monkey.txt", "environment.yml", "kernel-metrics.json", "config.toml", "ssh.md", "keys.csv"]
)
def test_other_names_are_no_keys(folder, name):
    (folder / name).write_text("x")
    assert file_parts(file(name), "", Pictures())


@posix
def test_a_link_that_leaves_the_folder(folder, tmp_path):
    outside = tmp_path / "outside.txt"
    outside.write_text("x")
    (folder / "link.txt").symlink_to(outside)
    (folder / "docs").mkdir()
    (folder / "docs" / "link.txt").symlink_to("../../outside.txt")
    (folder / "away").symlink_to(tmp_path)
    for typed in ("link.txt", "docs/link.txt", "away/outside.txt", str(folder / "link.txt")):
        words = rejected(typed)
        assert f"leads out of its folder, to '{outside.resolve()}'" in words
        assert "give that path itself" in words
    assert file_parts(file(str(outside)), "", Pictures())


@posix
def test_a_link_elsewhere_that_leaves_its_own_folder(tmp_path):
    there, other = tmp_path / "there", tmp_path / "other"
    there.mkdir()
    other.mkdir()
    (other / "x.txt").write_text("x")
    (there / "x.txt").symlink_to(other / "x.txt")
    assert "leads out of its folder" in rejected(str(there / "x.txt"))
    assert "leads out of its folder" in rejected("../there/x.txt")


@posix
def test_links_that_stay_are_followed(folder, tmp_path, monkeypatch):
    (folder / "real").mkdir()
    (folder / "real" / "x.txt").write_text("x")
    (folder / "link.txt").symlink_to("real/x.txt")
    (folder / "again").symlink_to("real")
    for typed in ("link.txt", "again/x.txt"):
        assert file_parts(file(typed), "", Pictures())
    (tmp_path / "alias").symlink_to(folder)
    assert file_parts(file(str(tmp_path / "alias" / "real" / "x.txt")), "", Pictures())
    monkeypatch.chdir(tmp_path / "alias")
    assert file_parts(file("link.txt"), "", Pictures())


@posix
def test_links_that_lead_nowhere(folder):
    (folder / "gone.txt").symlink_to("nope.txt")
    assert "is not there" in rejected("gone.txt")
    (folder / "round.txt").symlink_to("round.txt")
    assert "cannot be read" in rejected("round.txt")


NAMES = [
    "two\nlines.txt",
    'it\'s "so".txt',
    "😀 汉字.txt",
    "a\u202etxt.exe",
    "x" * 251 + ".txt",
    "\x1b[31mred.txt",
    "-f.txt",
]


@posix
@pytest.mark.parametrize("name", [*NAMES, os.fsdecode(b"bad\xff\xfe.txt")], ids=ascii)
def test_odd_names_are_read_and_shown_in_one_line(folder, name):
    assert str(rejected(name)).isprintable()
    (folder / name).write_text("inside")
    (part,) = file_parts(file(name), "", Pictures())
    first, _, rest = part.text.partition("\n")
    assert first.isprintable()
    assert rest == "```\ninside\n```\n"
    part.text.encode()
    assert repr(file(name)).isprintable()
    (folder / name).write_bytes(b"")
    assert rejected(name)


def test_a_name_that_is_too_long():
    assert "cannot be read" in rejected("x" * 300 + ".txt")


def test_a_home_that_nobody_has():
    assert rejected("~nobody-has-this-name/x.txt")


@pytest.mark.parametrize(
    "data", [b"%PDF-1.7\n\xff\x00", b"fLaC\x00\x00\x00\x22" + bytes(40), b"ID3\x04\x00\x00\xff" + bytes(20)]
)
def test_sound_and_documents_are_no_pictures(folder, data):
    (folder / "x.dat").write_bytes(data)
    with pytest.raises(ImageRejected, match=r"'x.dat'.*not a picture.*-f"):
        file_parts(image("x.dat"), "", Pictures())


def test_a_long_text_file_names_its_size(folder):
    (folder / "long.txt").write_bytes(b"x" * 4_000_001)
    with pytest.raises(InputError, match=r"'long.txt'\) is 4,000,001 characters of text; the limit is 4,000,000"):
        file_parts(file("long.txt"), "{{it}}", Pictures())


def test_opening_a_file_waits_for_nobody():
    assert opening._FLAGS & os.O_NONBLOCK or sys.platform == "win32"
    assert opening._FLAGS & os.O_NOFOLLOW or sys.platform == "win32"
