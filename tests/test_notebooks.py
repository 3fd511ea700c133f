from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
import pytest
from nbclient import NotebookClient

from gemini_magic.local.catalogue import DEFAULT
from gemini_magic.magics.vocabulary import SUBCOMMANDS
from gemini_magic.settings import PROFILES

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER = Path(__file__).parent.parent / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
each = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
KEY_LIKE = re.compile(r"AIza[\w-]{20,}|\b(sk|gsk|key)-[\w-]{16,}|[Bb]earer\s+[\w.-]{16,}|\b[A-Za-z0-9_-]{40,}\b")
ECHO = 'profile = "local"\n\n[profiles.local]\nmodel = "echo"\n'


def read(path: Path) -> Any:
    return nbformat.read(path, as_version=4)


def code_of(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def texts_of(notebook: Any) -> list[str]:
    """What each code cell shows in the end, as plain text."""
    return ["".join(_text(output) for output in cell.outputs) for cell in code_of(notebook)]


def _text(output: Mapping[str, Any]) -> str:
    return str(output.get("text") or output.get("data", {}).get("text/plain", ""))


def run(path: Path, monkeypatch: pytest.MonkeyPatch, folder: Path) -> Any:
    monkeypatch.setenv("IPYTHONDIR", str(folder))
    notebook = read(path)
    NotebookClient(notebook, kernel_name="python3", timeout=300).execute()
    return notebook


@pytest.fixture
def on_echo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is named and no key is set: the config file alone says that `echo` answers."""
    path = tmp_path / "config.toml"
    path.write_text(ECHO, encoding="utf-8")
    monkeypatch.setenv("GEMINI_MAGIC_CONFIG", str(path))


def test_there_are_notebooks() -> None:
    assert [path.stem for path in NOTEBOOKS] == [
        "01_quickstart",
        "02_images_and_files",
        "03_conversations",
        "04_extraction",
        "05_batch",
        "06_chat",
        "07_tools",
    ]


@each
def test_a_notebook_is_committed_without_outputs(path: Path) -> None:
    notebook = read(path)
    nbformat.validate(notebook)
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code_of(notebook))


@each
def test_metadata_name_a_kernel_and_nothing_else(path: Path) -> None:
    notebook = read(path)
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    assert notebook.metadata == {"kernelspec": kernel, "language_info": {"name": "python"}}
    assert all(cell.metadata == {} for cell in notebook.cells)


@each
def test_prose_comes_before_code(path: Path) -> None:
    cells = read(path).cells
    assert cells[0].cell_type == "markdown"
    assert cells[0].source.startswith("# ")
    kinds = [cell.cell_type for cell in cells]
    assert all("markdown" in kinds[max(0, number - 2) : number] for number, kind in enumerate(kinds) if kind == "code")


@each
def test_nothing_in_a_notebook_looks_like_a_key(path: Path) -> None:
    assert not KEY_LIKE.search(path.read_text(encoding="utf-8"))


@each
def test_subcommands_and_key_variables_of_the_prose_exist(path: Path) -> None:
    prose = "\n".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown")
    assert set(re.findall(r"`%gemini (\w+)", prose)) <= set(SUBCOMMANDS)
    assert set(re.findall(r"`(\w+_API_KEY)", prose)) <= {
        name for each in PROFILES.values() for name in each.key_variables
    }


@pytest.mark.kernel
@pytest.mark.usefixtures("on_echo")
def test_the_quickstart_sends_what_it_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    notebook = run(NOTEBOOKS[0], monkeypatch, tmp_path)
    texts = texts_of(notebook)
    asked = next(text for text in texts if "celsius above 20" in text)
    assert "| Madrid | 31 |" in asked
    request = next(text for text in texts if text.startswith("POST "))
    assert request.index("What is the temperature in Madrid?") < request.index("And in Oslo?")
    assert request.count('"role": "user"') == 2
    assert '"temperature": 0' in request
    assert texts[-1].count(" echo ") == 5
    assert all(len(cell.outputs) <= 1 for cell in code_of(notebook))


@pytest.mark.kernel
def test_pictures_and_files_go_round(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    notebook = run(NOTEBOOKS[1], monkeypatch, tmp_path)
    texts = texts_of(notebook)
    compared = next(cell for cell in code_of(notebook) if cell.source.startswith("%%gemini\nCompare"))
    assert [kind for output in compared.outputs for kind in output.data if kind.startswith("image/")] == [
        "image/png"
    ] * 2
    assert "(240, 160)" in texts[4]
    assert texts[5].startswith("Would be sent:")
    assert '"mimeType": "image/jpeg"' in texts[5]
    assert all("application/pdf" in text for text in texts[7:9])
    assert "February was the trade fair." in texts[7]
    assert "audio/wav" in texts[10]
    assert "holds a GitHub token" in texts[11]


@pytest.mark.kernel
def test_conversations_are_gone_on_with(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    notebook = run(NOTEBOOKS[2], monkeypatch, tmp_path)
    texts = texts_of(notebook)
    told = [text for text in texts if text.startswith("user: My name is Ada.")]
    assert len(told) == 2
    assert "Grace" not in told[1]
    assert "Loaded 'main': 1 turn." in texts[9]
    assert any("'before after'" in text for text in texts)
    assert texts[-2].startswith("Name a colour.")
    assert "what-if" in texts[-1]


@pytest.mark.kernel
@pytest.mark.usefixtures("on_echo")
def test_a_pane_has_the_conversation_of_the_cells(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    notebook = run(NOTEBOOKS[5], monkeypatch, tmp_path)
    pane = next(cell for cell in code_of(notebook) if "ui = gm.ChatWidget(" in cell.source)
    assert [sorted(output.data) for output in pane.outputs] == [
        ["application/vnd.jupyter.widget-view+json", "text/plain"],
        ["text/html", "text/plain"],
    ]
    assert pane.outputs[0].data["text/plain"].startswith("Chat with echo: 0 turns")
    assert any(text.startswith("ok · My name is Ada.") for text in texts_of(notebook))


@pytest.mark.kernel
@pytest.mark.model
def test_the_embedded_model_answers_the_quickstart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    texts = texts_of(run(NOTEBOOKS[0], monkeypatch, tmp_path))
    assert "notebook" in texts[1].lower()
    assert any("weather['celsius'] > 20" in text.replace('"', "'") for text in texts)
    assert any("31" in text and "POST" not in text and "Madrid is" in text for text in texts)
    assert any(re.search(r"Oslo.*-3\.5", text) and "POST" not in text for text in texts)
    assert texts[-1].count(f" {DEFAULT} ") == 5


@pytest.mark.kernel
@pytest.mark.model
def test_the_embedded_model_gets_seven_of_eight_cities_right(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    one, each = (texts_of(run(path, monkeypatch, tmp_path)) for path in NOTEBOOKS[3:5])
    right = next(re.search(r"(\d) of 8 are right", text) for text in one if "are right" in text)
    assert right is not None
    assert int(right[1]) >= 7
    rows = next(re.search(r"(\d) of 8 rows wholly", text) for text in each if "rows wholly" in text)
    assert rows is not None
    assert int(rows[1]) >= 7
    assert any("990 rows done, 10 not asked, 990 requests" in text for text in each)
    assert any("reused=990, requests=1" in text for text in each)
    assert any("198 rows done" in text for text in each)


@pytest.mark.kernel
@pytest.mark.model
def test_notebooks_pass_nbval_lax(tmp_path: Path) -> None:
    line = [
        sys.executable,
        "-m",
        "pytest",
        "--nbval-lax",
        "-q",
        "-c",
        os.devnull,
        "-p",
        "no:cacheprovider",
        str(FOLDER),
    ]
    env = os.environ | {"IPYTHONDIR": str(tmp_path)}
    done = subprocess.run(  # noqa: S603 - our own words
        line, env=env, cwd=tmp_path, capture_output=True, text=True, timeout=280, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"\b[1-9]\d* passed", done.stdout)
