"""What importing and loading cost: neither brings in what only a call needs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HEAVY = {
    "PIL",
    "aiohttp",
    "anywidget",
    "httpcore",
    "httpx",
    "ipywidgets",
    "markdown_it",
    "narwhals",
    "nh3",
    "numpy",
    "pandas",
    "polars",
    "pyarrow",
    "pydantic",
    "starlette",
    "uvicorn",
    "xllamacpp",
}
AFTER = "; import json, sys; print(json.dumps(sorted(sys.modules)))"
SHELL = """
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config
shell = InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))
"""
LOAD = f"{SHELL}shell.run_cell('%load_ext gemini_magic').raise_error()"


def run(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run code in a Python of its own, in an empty folder that is its home, too."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(folder), "IPYTHONDIR": str(folder / ".ipython")}
    for name in ("GEMINI_MAGIC_CONFIG", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME"):
        env.pop(name, None)
    command = [sys.executable, "-B", "-W", "error", "-c", code]
    return subprocess.run(command, env=env, cwd=folder, capture_output=True, text=True, check=True, timeout=120)  # noqa: S603 - our own words


def modules_after(code: str, folder: Path) -> set[str]:
    return set(json.loads(run(code + AFTER, folder).stdout))


def roots(modules: set[str]) -> set[str]:
    return {module.partition(".")[0] for module in modules}


def test_the_import_brings_in_nothing_but_the_package(tmp_path):
    extra = modules_after("import gemini_magic", tmp_path) - modules_after("pass", tmp_path)
    assert {module for module in extra if module.startswith("gemini_magic")} == {"gemini_magic"}
    assert not roots(extra) & (HEAVY | {"IPython", "traitlets", "platformdirs"})


def test_an_error_class_needs_no_more_than_the_tree(tmp_path):
    modules = modules_after("import gemini_magic; gemini_magic.RateLimited", tmp_path)
    assert {name for name in modules if name.startswith("gemini_magic")} == {"gemini_magic", "gemini_magic.exceptions"}


def test_a_client_needs_no_notebook(tmp_path):
    code = "import gemini_magic; gemini_magic.Client('http://127.0.0.1:9', auth='none')"
    modules = roots(modules_after(code, tmp_path))
    assert "httpx" in modules
    assert not modules & {
        "IPython",
        "traitlets",
        "ipywidgets",
        "anywidget",
        "markdown_it",
        "pandas",
        "polars",
        "starlette",
    }


def test_loading_brings_in_no_more_than_the_magics(tmp_path):
    extra = modules_after(LOAD, tmp_path) - modules_after(SHELL + "pass", tmp_path)
    assert not roots(extra) & HEAVY
    heavy_rooms = {"chat", "client", "connect", "display", "local", "reply", "wire"}
    ours = {module.split(".")[1] for module in extra if module.startswith("gemini_magic.")}
    assert not ours & heavy_rooms


@pytest.mark.parametrize("code", ["import gemini_magic", LOAD, LOAD.replace("load_ext", "reload_ext")])
def test_importing_and_loading_print_and_write_nothing(tmp_path, code):
    run(SHELL, tmp_path)
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    done = run(code, tmp_path)
    assert (done.stdout, done.stderr) == ("", "")
    assert {path for path in tmp_path.rglob("*") if path.is_file()} == before
