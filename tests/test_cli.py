from __future__ import annotations

import io
import re
import threading
from dataclasses import replace
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import nbformat
import pytest
from wire_server import FakeClock

from gemini_magic.cli import main
from gemini_magic.cli.demo import kernel_environment, quickstart
from gemini_magic.cli.models import fetch
from gemini_magic.cli.screen import NotebookScreen
from gemini_magic.cli.terminal import Progress, Terminal
from gemini_magic.cli.words import rest_of, settled, words
from gemini_magic.client.capabilities import known
from gemini_magic.display.notebook import NotebookRenderer
from gemini_magic.events import TextDelta
from gemini_magic.local.catalogue import CATALOGUE, DEFAULT, Home, ModelFile
from gemini_magic.reply import Reply
from gemini_magic.settings import LOCAL, PROFILES, choose_profile
from gemini_magic.wire import GenerateContentResponse

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

KEY = "AIzaSyTheKeyOfTheTests0123456789"

ANSWERS = [
    "Hello.",
    "A **bold** word, *another*, some `code` and a [link](https://example.com/a) in **one long** line.",
    "# Title\n\nText.\n\n- one\n- two\n  - inner\n\n1. first\n2. second\n\nEnd.",
    "Before\n\n```python\ndef f(x):\n    return x\n\nprint(f(1))\n```\n\nAfter the code.",
    "| a | b |\n| --- | --- |\n| 1 | 2 |\n\nAfter the table.",
    "> quoted\n\n---\n\n中文没有空格 And 5 < 6 & so on.\n\n```\nunclosed",
    "Escapes \x1b[2J stay visible.",
]


class Wide(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


class Messages:
    """The cell of a notebook, as the messages that its kernel sends."""

    def __init__(self, screen: NotebookScreen) -> None:
        self._screen = screen

    def show(self, bundle: Mapping[str, str], display_id: str | None = None) -> None:
        self._send("display_data", {"data": dict(bundle), "transient": {"display_id": display_id}})

    def update(self, bundle: Mapping[str, str], display_id: str) -> None:
        self._send("update_display_data", {"data": dict(bundle), "transient": {"display_id": display_id}})

    def clear(self) -> None:
        self._send("clear_output", {"wait": True})

    def _send(self, kind: str, content: dict[str, Any]) -> None:
        self._screen.message({"msg_type": kind, "content": content})


def reply(text: str, reason: str = "STOP") -> Reply:
    candidate = {"content": {"parts": [{"text": text}], "role": "model"}, "finishReason": reason}
    return Reply.from_response(GenerateContentResponse.model_validate({"candidates": [candidate]}), model="m")


def shown(answer: str, *, size: int = 1, pause: float = 1.0, reason: str = "STOP") -> tuple[str, str]:
    """What a terminal shows of an answer that comes in pieces: before it was complete, and in the end."""
    stream, clock = io.StringIO(), FakeClock()
    screen = NotebookScreen(Terminal(stream))
    renderer = NotebookRenderer(Messages(screen), clock.monotonic)
    for begin in range(0, len(answer), size):
        renderer.handle(TextDelta(answer[begin : begin + size]))
        clock.sleep(pause)
    live = stream.getvalue()
    renderer.finish(reply(answer, reason), seconds=1.0)
    screen.end()
    return live, stream.getvalue()


def bare(text: str) -> str:
    return re.sub(r"[\W_]", "", text)


def html_of(answer: str) -> str:
    """The HTML that a notebook keeps of an answer."""
    kept: list[Mapping[str, str]] = []
    screen: Any = SimpleNamespace(show=kept.append)
    NotebookRenderer(screen).finish(reply(answer), seconds=1.0)
    return kept[-1]["text/html"]


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_an_answer_is_written_once_however_it_comes(answer: str, size: int) -> None:
    _, whole = shown(answer, size=size)
    expected = bare(words(html_of(answer)))
    assert bare(whole) == expected + bare("m · 1.0 s")


def test_text_is_visible_before_the_answer_is_complete() -> None:
    live, _ = shown("One two three four. " * 20)
    assert "three four. One two" in live


def test_an_answer_that_goes_on_in_another_way_is_written_whole_in_the_end() -> None:
    stream = io.StringIO()
    screen = NotebookScreen(Terminal(stream))
    messages = Messages(screen)
    messages.show({"text/html": '<section class="gm"><p>an early guess, not kept</p></section>'}, "a")
    html = '<section class="gm"><p>the answer</p><p class="gm-footer">m</p></section>'
    messages.show({"text/html": html, "text/plain": "the answer\n\n— m"})
    assert stream.getvalue() == "an early guess, not\n\nthe answer\n\n— m\n"


def test_how_an_answer_ended_is_said() -> None:
    _, whole = shown("cut", reason="MAX_TOKENS")
    assert "token limit" in whole


def test_escape_codes_of_a_model_do_not_reach_the_terminal() -> None:
    stream = io.StringIO()
    NotebookScreen(Terminal(stream)).message(
        {"msg_type": "stream", "content": {"text": "a\x1b]0;title\x07\x1b[31mb\n"}}
    )
    assert "\x1b" not in stream.getvalue()
    assert "\x07" not in stream.getvalue()


def test_cells_are_numbered_and_prose_is_filled() -> None:
    stream = io.StringIO()
    screen = NotebookScreen(Terminal(stream))
    screen.start(nbformat.v4.new_markdown_cell("# Title\n\nA line\nand another."))
    screen.start(nbformat.v4.new_code_cell("a = 1\nb = 2"))
    screen.message(
        {"msg_type": "error", "content": {"ename": "E", "evalue": "v", "traceback": ["\x1b[31mE: v\x1b[0m"]}}
    )
    assert stream.getvalue() == "Title\n\nA line and another.\n\nIn [1]: a = 1\n   ...: b = 2\n\nE: v\n"


def test_rest_of_a_text_does_not_depend_on_white_space() -> None:
    assert rest_of("a b\n\nc d", "ab c") == " d"
    assert rest_of("a b", "a x") is None
    assert rest_of("a", "a b") is None


@pytest.mark.parametrize(
    ("text", "kept"), [("one two", "one"), ("one", ""), ("x\n| a | b", "x"), ("a\nb", "a"), ("", ""), ("a **b", "a")]
)
def test_the_end_of_a_growing_text_waits(text: str, kept: str) -> None:
    assert settled(text) == kept


def test_colours_are_for_terminals_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert Terminal(Wide()).styled("x", "bold") == "\x1b[1mx\x1b[0m"
    assert Terminal(io.StringIO()).styled("x", "bold") == "x"
    monkeypatch.setenv("NO_COLOR", "1")
    assert Terminal(Wide()).styled("x", "bold") == "x"


def test_characters_that_the_encoding_lacks_do_not_stop_anything() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii", newline="\n")
    Terminal(stream).line("a — b")
    stream.seek(0)
    assert stream.read() == "a ? b\n"


def test_progress_is_a_line_for_every_ten_per_cent_without_a_terminal() -> None:
    stream = io.StringIO()
    progress = Progress(Terminal(stream))
    for done in range(0, 100_000_001, 1_000_000):
        progress(done, 100_000_000)
    progress.end()
    assert len(stream.getvalue().splitlines()) == 11
    assert stream.getvalue().splitlines()[-1] == "100 %  100 of 100 MB"


def test_progress_is_one_bar_in_a_terminal() -> None:
    stream = Wide()
    progress = Progress(Terminal(stream))
    progress(50, 100)
    progress(100, 100)
    progress.end()
    assert stream.getvalue().count("\n") == 1
    assert f"[{'#' * 15}{' ' * 15}]  50 %" in stream.getvalue()


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelFile]:
    """A model of the catalogue that a loopback server has, and nobody else."""
    monkeypatch.setenv("GEMINI_MAGIC_MODELS", str(tmp_path / "models"))
    data = b"GGUF" + bytes(range(256)) * 64

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        home = Home(f"http://127.0.0.1:{server.server_port}/model.gguf")
        model = replace(CATALOGUE[DEFAULT], size=len(data), sha256=sha256(data).hexdigest(), sources=(home,))
        monkeypatch.setitem(CATALOGUE, DEFAULT, model)
        yield model
        server.shutdown()
        thread.join()


def test_a_model_is_pulled_found_and_removed(served: ModelFile, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["local", "path"]) == 1
    assert "gemini-magic local pull" in capsys.readouterr().err
    assert main(["local", "pull"]) == 0
    assert "100 %" in capsys.readouterr().out
    assert main(["local", "pull"]) == 0
    assert "%" not in capsys.readouterr().out
    assert main(["local", "path", DEFAULT]) == 0
    assert capsys.readouterr().out == f"{served.path}\n"
    assert main(["local", "remove", DEFAULT]) == 0
    assert not list(served.path.parent.iterdir())


def test_fetching_says_from_where(served: ModelFile) -> None:
    stream = io.StringIO()
    assert fetch(served, Terminal(stream)).read_bytes().startswith(b"GGUF")
    assert stream.getvalue().startswith(f"Fetching {served.title}, 0 MB, from 127.0.0.1.")


def test_the_models_are_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setenv("GEMINI_MAGIC_MODELS", str(tmp_path))
    assert main(["local", "list"]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in CATALOGUE)
    assert str(tmp_path) in out


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (["local", "pull", "smollm2-135"], "Did you mean 'smollm2-135m'?"),
        (["local", "remove", "gpt"], "There is no model 'gpt'"),
        (["demo", "--model", "echo", "--notebook", "nowhere.ipynb"], "nowhere.ipynb cannot be read"),
    ],
)
def test_an_error_is_one_line(line: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(line) == 1
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1
    assert "Traceback" not in err


def test_what_is_no_notebook_is_refused_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.ipynb"
    path.write_text("no JSON")
    assert main(["demo", "--model", "echo", "--notebook", str(path)]) == 1
    assert "is no notebook" in capsys.readouterr().err


@pytest.mark.parametrize(
    "command", [["--help"], ["demo", "--help"], ["serve", "--help"], ["local", "-h"], ["--version"]]
)
def test_help_is_there(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(command)
    assert ended.value.code == 0
    assert "gemini-magic" in capsys.readouterr().out


def test_the_kernel_of_the_demo_asks_the_embedded_model_whatever_is_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GEMINI_API_KEY", "GOOGLE_API_KEY", "UNIGATEWAY_API_KEY"):
        monkeypatch.setenv(name, KEY)
    monkeypatch.setenv("GEMINI_MAGIC_PROFILE", "google")
    monkeypatch.setenv("GEMINI_MAGIC_MODELS", "models")
    env = kernel_environment(tmp_path, "echo")
    assert KEY not in str(env)
    assert env["GEMINI_MAGIC_MODELS"] == "models"
    profile, _ = choose_profile(env=env)
    assert (profile.name, profile.default_model) == ("local", "echo")


@pytest.mark.kernel
def test_demo_prints_every_cell_and_writes_a_page_without_scripts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", KEY)
    page = tmp_path / "demo" / "page.html"
    assert main(["demo", "--model", "echo", "--html", str(page)]) == 0
    out = capsys.readouterr().out
    cells = nbformat.read(quickstart(), as_version=4).cells
    assert all(line in out for cell in cells if cell.cell_type == "code" for line in cell.source.splitlines())
    assert "— echo · tokens:" in out
    assert out.rstrip().endswith(f"To look at: {page}")
    html = page.read_text(encoding="utf-8")
    assert "<script" not in html
    assert "default-src 'none'" in html
    assert "And in Oslo?" in html
    assert KEY not in out + html


@pytest.mark.kernel
def test_demo_stops_at_the_cell_that_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, page = tmp_path / "a.ipynb", tmp_path / "a.html"
    code = ["%load_ext gemini_magic", "%gemini {{nothing_of_that_name}}", "print('never printed')"]
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in code]), path)
    assert main(["demo", "--model", "echo", "--notebook", str(path), "--html", str(page)]) == 1
    out = capsys.readouterr().out
    assert "UnboundName: " in out
    assert "\nnever printed" not in out
    assert "UnboundName" in page.read_text(encoding="utf-8")


@pytest.mark.kernel
@pytest.mark.model
def test_demo_is_answered_by_the_embedded_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "page.html"
    assert main(["demo", "--html", str(page)]) == 0
    out = capsys.readouterr().out
    assert re.search(r"And in Oslo\?\n\n[^\n]*-3\.5[^\n]*\n\n— " + re.escape(DEFAULT), out)
    assert "weather['celsius'] > 20" in out.replace('"', "'")
    assert "-3.5" in page.read_text(encoding="utf-8")


def test_doctor_names_the_source_of_a_key_and_never_the_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GEMINI_MAGIC_MODELS", str(tmp_path))
    monkeypatch.setenv("UNIGATEWAY_API_KEY", KEY)
    assert main(["doctor"]) == 1
    said = capsys.readouterr()
    assert "unigateway (gemini-3-pro-preview, https://api.unigateway.ai), because its key is set" in said.out
    assert "from UNIGATEWAY_API_KEY, sent to https://api.unigateway.ai only" in said.out
    assert "Run `gemini-magic local pull`" in said.out
    assert KEY not in said.out + said.err


def test_doctor_says_why_a_profile_is_taken(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GEMINI_MAGIC_MODELS", "nowhere")
    monkeypatch.setenv("GEMINI_MAGIC_PROFILE", "theturbo")
    assert main(["doctor"]) == 1
    out = capsys.readouterr().out
    assert "because GEMINI_MAGIC_PROFILE says so" in out
    assert "No key for the profile 'theturbo'" in out


@pytest.mark.model
def test_doctor_asks_the_embedded_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GEMINI_MAGIC_STATE", str(tmp_path))
    assert main(["doctor", "--ask"]) == 0
    out = capsys.readouterr().out
    assert "because no key is set" in out
    assert f"{DEFAULT} says " in out
    assert "tokens    counted\n" in out
    assert "pictures  no: 400" in out
    found = known(PROFILES[LOCAL])
    assert found is not None
    assert found.model == DEFAULT
