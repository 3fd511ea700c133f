"""``gemini-magic demo``: the quickstart notebook on the embedded model, in the terminal and as a page."""

from __future__ import annotations

import os
import tempfile
import time
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING

from gemini_magic._optional import require
from gemini_magic.cli.models import fetch, need_runtime
from gemini_magic.cli.screen import NotebookScreen
from gemini_magic.cli.terminal import Terminal
from gemini_magic.exceptions import ConfigError
from gemini_magic.local.catalogue import CATALOGUE, DEFAULT
from gemini_magic.settings import LOCAL, PROFILES

if TYPE_CHECKING:
    import argparse

    from nbformat import NotebookNode

_NOTEBOOK = "01_quickstart.ipynb"
_PAGE = Path("demo", "quickstart.html")
#: What the kernel keeps of our own variables: where the models are.
_KEPT = frozenset({"GEMINI_MAGIC_MODELS"})


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the command."""
    parser.add_argument("--notebook", type=Path, help="another notebook to run")
    parser.add_argument("--html", type=Path, default=_PAGE, help="where to write the page (default: %(default)s)")
    parser.add_argument("--model", default=DEFAULT, help="another embedded model (default: %(default)s)")
    parser.add_argument("--open", action="store_true", help="show the page in the browser")


def run(options: argparse.Namespace) -> int:
    """Run the notebook and write the page; the exit status says whether every cell went well."""
    terminal = Terminal()
    path = options.notebook or quickstart()
    notebook = _read(path)
    _need_model(options.model, terminal)
    begun = time.monotonic()
    terminal.line(f"Running {path.name} in a kernel of its own; {options.model} answers on this machine.\n")
    screen = NotebookScreen(terminal)
    fine = _execute(notebook, screen, path.resolve().parent, options.model)
    if not fine:
        terminal.line("\nThe notebook stopped at this cell.", "red")
    terminal.line(f"That took {time.monotonic() - begun:.0f} s.")
    _write_page(notebook, options.html, path.stem)
    terminal.line(f"To look at: {options.html}")
    if options.open:
        webbrowser.open(options.html.resolve().as_uri())
    return 0 if fine else 1


def quickstart() -> Path:
    """The quickstart notebook: the checkout's when this is one, else the copy that is installed with the package."""
    package = Path(__file__).parents[1]
    places = (package.parent / "notebooks" / _NOTEBOOK, package / "cli" / _NOTEBOOK)
    return next((place for place in places if place.is_file()), places[-1])


def _read(path: Path) -> NotebookNode:
    nbformat = require("nbformat", extra="demo", why="run a notebook")
    try:
        notebook: NotebookNode = nbformat.read(path, as_version=4)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.") from None
    except (ValueError, AttributeError) as error:
        raise ConfigError(f"{path} is no notebook: {str(error).splitlines()[0]}") from None
    return notebook


def _need_model(name: str, terminal: Terminal) -> None:
    """Have everything that the model needs, its file included."""
    need_runtime()
    model = CATALOGUE.get(name)
    if model is not None and not model.present:
        fetch(model, terminal)


def _execute(notebook: NotebookNode, screen: NotebookScreen, folder: Path, model: str) -> bool:
    for module in ("ipykernel", "nbclient", "pandas"):
        require(module, extra="demo", why="run the notebook")
    from gemini_magic.cli._nbclient import execute  # noqa: PLC0415 - needs what was just looked for

    with tempfile.TemporaryDirectory(prefix="gm-", ignore_cleanup_errors=True) as name:
        private = Path(name)
        return execute(notebook, screen, folder=folder, private=private, env=kernel_environment(private, model))


def kernel_environment(private: Path, model: str) -> dict[str, str]:
    """The environment of a kernel that asks the embedded model and nobody else, whatever the user has set.

    Args:
        private: A folder of the demo's own, for a config file and IPython's files.
        model: The model to ask.
    """
    config = private / "config.toml"
    config.write_text(f'profile = "{LOCAL}"\n\n[profiles.{LOCAL}]\nmodel = "{model}"\n', encoding="utf-8")
    keys = {variable for profile in PROFILES.values() for variable in profile.key_variables}
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in keys and (name in _KEPT or not name.startswith("GEMINI_MAGIC_"))
    }
    return kept | {"GEMINI_MAGIC_CONFIG": str(config), "IPYTHONDIR": str(private / "ipython")}


def _write_page(notebook: NotebookNode, path: Path, title: str) -> None:
    require("nbconvert", extra="demo", why="write the page")
    from gemini_magic.cli._nbconvert import write_page  # noqa: PLC0415 - needs what was just looked for

    write_page(notebook, path, title=title)
