"""``gemini-magic local``: the embedded models on this machine."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

from gemini_magic._optional import require
from gemini_magic.cli.terminal import Progress, Terminal
from gemini_magic.exceptions import ConfigError
from gemini_magic.local.catalogue import CATALOGUE, DEFAULT, ModelFile, models_folder
from gemini_magic.local.fetch import describe, pull
from gemini_magic.settings import did_you_mean

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

_MEGABYTE = 1_000_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommands."""
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    listing = commands.add_parser("list", help="the models there are, and which of them are here")
    listing.set_defaults(run=_list)
    for name, run, words in (
        ("pull", _pull, "fetch a model; a transfer that broke off goes on where it stopped"),
        ("path", _path, "where the file of a model is"),
    ):
        command = commands.add_parser(name, help=words)
        command.add_argument("model", nargs="?", default=DEFAULT, help="its name (default: %(default)s)")
        command.set_defaults(run=run)
    removing = commands.add_parser("remove", help="delete the file of a model")
    removing.add_argument("model", help="its name")
    removing.set_defaults(run=_remove)


def need_runtime() -> None:
    """Have the libraries that run the models, or say in one line how to get them.

    Raises:
        ConfigError: One is missing.
    """
    for module in ("starlette", "uvicorn", "xllamacpp"):
        require(module, extra="local", why="run the embedded model")


def fetch(model: ModelFile, terminal: Terminal) -> Path:
    """Fetch a model and show how far it is."""
    sources = ", else ".join(describe(source) for source in model.sources)
    terminal.line(f"Fetching {model.title}, {_size(model)}, from {sources}.")
    progress = Progress(terminal)
    try:
        path = pull(model, progress=progress)
    finally:
        progress.end()
    terminal.line(f"{model.name} is here: {path}")
    return path


def _list(options: argparse.Namespace) -> int:  # noqa: ARG001 - all commands have the same form
    terminal = Terminal()
    rows = (
        (model.name, _size(model), "yes" if model.present else "no", model.licence, model.title)
        for model in CATALOGUE.values()
    )
    terminal.columns([("MODEL", "SIZE", "HERE", "LICENCE", "TITLE"), *rows])
    terminal.line(f"\nKept in {models_folder()}. Besides, `echo` answers with what it is sent; it needs no file.")
    if importlib.util.find_spec("xllamacpp") is None:
        terminal.line('xllamacpp is not installed, and models need it: run `pip install "gemini-magic[local]"`.')
    return 0


def _pull(options: argparse.Namespace) -> int:
    terminal = Terminal()
    model = _known(options.model)
    if model.present:
        terminal.line(f"{model.name} is here: {model.path}")
    else:
        fetch(model, terminal)
    return 0


def _path(options: argparse.Namespace) -> int:
    model = _known(options.model)
    if not model.present:
        raise ConfigError(f"{model.name} is not on this machine.", hint=f"Run `gemini-magic local pull {model.name}`.")
    Terminal().line(str(model.path))
    return 0


def _remove(options: argparse.Namespace) -> int:
    terminal = Terminal()
    model = _known(options.model)
    files = [model.path, *model.path.parent.glob(f"{model.path.name}.*")]
    found = [file for file in files if file.is_file()]
    for file in found:
        file.unlink(missing_ok=True)
    terminal.line(f"{model.name} is removed." if found else f"{model.name} was not on this machine.")
    return 0


def _known(name: str) -> ModelFile:
    if name not in CATALOGUE:
        hint = did_you_mean(name, CATALOGUE) or f"Known are {', '.join(CATALOGUE)}."
        raise ConfigError(f"There is no model {name!r} in the catalogue.", hint=hint)
    return CATALOGUE[name]


def _size(model: ModelFile) -> str:
    return f"{model.size // _MEGABYTE:,} MB"
