"""A real notebook whose gateway repeats the key: what it shows, what it saves, and every file that is left behind."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
import psutil
import pytest
from nbclient import NotebookClient

from gemini_magic.chat.store import json_of, read

if TYPE_CHECKING:
    from collections.abc import Mapping

pytestmark = pytest.mark.kernel

ROOT = Path(__file__).parent.parent.parent
MODES = ("Plain", "Context", "Verbose", "Minimal", "Docs")
_FORGOTTEN = ("KEY", "PROXY", "GEMINI_MAGIC", "XDG_", "JUPYTER", "IPYTHON")
FIRST = """\
import logging, sys
logging.basicConfig(filename="debug.log", level=1, format="%(name)s %(message)s %(args)r %(exc_info)r")
%load_ext gemini_magic
%config GeminiMagics.autosave = True
%config GeminiMagics.cache = True
%config GeminiMagics.record = "tape.jsonl"
%config GeminiMagics.retries = 0
"""
LOOKING = """\
import gemini_magic as gm
client = gm.connect()
client, vars(client), client.profile, vars(client.profile) if hasattr(client.profile, "__dict__") else 0, client._key
[str(client), dir(client), repr(_gemini), vars(_gemini), _gemini.raw]
import gc
from gemini_magic.magics.gemini import GeminiMagics
session = next(one for one in gc.get_objects() if type(one) is GeminiMagics).session
print(session, vars(session), session.last, session.last.plan())
"""
COMPLETING = """\
ip = get_ipython()
for line in ("%gemini -m ", "%gemini --profile ", "client.", "client._key.", "%gemini reset ", "%gemini {{cli"):
    print(ip.complete(line)[1])
    with __import__("IPython").core.completer.provisionalcompleter():
        print([one.text for one in ip.Completer.completions(line, len(line))])
"""
CHILDREN = """\
%gemini --profile local -m echo one
from gemini_magic.connect import local_server
import psutil
child = psutil.Process(local_server().pid)
print(child.cmdline(), child.environ())
"""
LINES = (
    "%gemini models",
    "%gemini doctor",
    "%gemini profile list",
    "%gemini profile test",
    "%gemini history",
    "%gemini chats",
    "%gemini last",
    "%gemini last raw",
    "%gemini last request",
    "%gemini last curl",
    "%gemini last python",
    "%gemini insert",
    "%gemini usage",
    "usage = %gemini usage\nusage",
    "%gemini usage plot",
    "%gemini cost",
    "%gemini count",
    "%gemini jobs",
    "%gemini config",
    "%gemini help keys",
    "%gemini template save mine",
    "%gemini template list",
    "%gemini save chat.json",
    "%gemini save chat.md",
    "%gemini save chat.ipynb",
    "%gemini --dry-run an answer",
    "%gemini --bg an answer",
    "%gemini --format json an answer",
    "%gemini --format code an answer",
    "%gemini --format html an answer",
    "%gemini --logprobs 2 an answer",
    "%gemini --insert an answer",
    "%gemini undo",
    "1 / 0",
    "%gemini fix",
    "%gemini jobs",
    "%history -o -n",
    "%notebook exported.ipynb",
    "In, Out, _ih, _oh",
    "%who_ls",
    "%config GeminiMagics",
    "_gemini",
    "_gemini.code, _gemini.blobs, _gemini.citations, _gemini.function_calls",
    "import pickle; len(pickle.dumps(_gemini))",
    "%store _gemini",
)


def cells_of(repeats: Mapping[str, object]) -> list[str]:
    """Every fault in every way of showing errors, and everything that can be asked about it."""
    cells = [FIRST]
    for number, name in enumerate(repeats):
        mode = MODES[number % len(MODES)]
        cells += [f"%xmode {mode}", f"%%gemini -c c{number}\n{name}", "%tb", f"%gemini --no-stream {name}", "%tb"]
        cells += ["%gemini last raw"]
    for mode in MODES:
        cells += [f"%xmode {mode}", "%gemini a bad request", "%tb", "%gemini half an answer", "%tb"]
    return [*cells, *LINES, LOOKING, COMPLETING, CHILDREN]


def environment(home: Path, key: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not any(word in name.upper() for word in _FORGOTTEN)}
    named = {"HOME": str(home), "IPYTHONDIR": str(home / ".ipython"), "PYTHONPATH": str(ROOT), "KEY_OF_TEST": key}
    return {**kept, **named, "GEMINI_MAGIC_CONFIG": str(home / "config.toml"), "PYTHONDONTWRITEBYTECODE": "1"}


@pytest.fixture(scope="module")
def run() -> dict[str, Any]:
    """What the one notebook of this module came to; filled by the first test that needs it."""
    return {}


@pytest.fixture
def notebook(run, gateway, key, repeats, tmp_path_factory) -> dict[str, Any]:
    """The notebook after all of its cells, saved in the folder that was the kernel's home."""
    if not run:
        home = tmp_path_factory.mktemp("home")
        (home / "config.toml").write_text(
            'profile = "careless"\n[profiles.careless]\nmodel = "gemini-x"\nkey_variable = "KEY_OF_TEST"\n'
            f'base_url = "{gateway.url}"\n'
        )
        cells = [nbformat.v4.new_code_cell(source) for source in cells_of(repeats)]
        document = nbformat.v4.new_notebook(cells=cells)
        client = NotebookClient(
            document,
            kernel_name="python3",
            allow_errors=True,
            timeout=120,
            ipython_hist_file=str(home / "history.sqlite"),
            resources={"metadata": {"path": str(home)}},
        )
        before = {child.pid for child in psutil.Process().children(recursive=True)}
        client.execute(env=environment(home, key))
        nbformat.write(document, home / "notebook.ipynb")
        left = {child.pid for child in psutil.Process().children(recursive=True)} - before
        run |= {"document": document, "home": home, "asked": len(gateway.seen), "left": left}
    return run


def outputs(notebook: dict[str, Any]) -> list[tuple[str, str]]:
    """Each cell's source, and everything it published."""
    return [(cell.source[:60], json.dumps(cell.outputs, ensure_ascii=False)) for cell in notebook["document"].cells]


def test_no_output_shows_the_key(notebook, found):
    assert notebook["asked"] > 60
    assert sum("********" in said for _, said in outputs(notebook)) > 50
    assert [(source, forms) for source, said in outputs(notebook) if (forms := found(said))] == []


def test_nothing_that_was_to_be_looked_at_was_not_there(notebook):
    allowed = ("%gemini", "%%gemini", "%tb", "1 / 0")
    failed = [
        (cell.source[:50], output.ename, output.evalue[:200])
        for cell in notebook["document"].cells
        for output in cell.outputs
        if output.output_type == "error" and not cell.source.startswith(allowed)
    ]
    assert failed == []


def test_no_turn_in_the_saved_notebook_holds_the_key(notebook, found):
    for path in (notebook["home"] / "notebook.ipynb", notebook["home"] / "chat.ipynb"):
        chats = read(path)
        assert chats
        assert [chat.name for chat in chats if found(json_of(chat))] == []


def test_no_file_that_was_left_behind_holds_the_key(notebook, found_in_files):
    home = notebook["home"]
    written = {path.name for path in home.rglob("*") if path.is_file()}
    assert written >= {"debug.log", "tape.jsonl", "history.sqlite", "notebook.ipynb", "exported.ipynb", "chat.json"}
    assert {"answers.sqlite3", "mine.md", "chat.md", "chat.ipynb"} <= written
    assert list(home.rglob("autosave"))
    assert found_in_files(home) == {}


def test_no_child_is_left_behind(notebook):
    assert notebook["left"] == set()
