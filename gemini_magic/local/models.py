"""The models this machine can serve now."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from gemini_magic.local.backends import Backend
from gemini_magic.local.backends._echo import NAME as ECHO
from gemini_magic.local.backends._echo import EchoBackend
from gemini_magic.local.backends._llama import LlamaBackend
from gemini_magic.local.catalogue import CATALOGUE

if TYPE_CHECKING:
    from pathlib import Path


class Models(Mapping[str, Backend]):
    """Backends by name: ``echo``, every fetched model of the catalogue, and a GGUF file of the user's.

    Files are looked up anew each time, so a model that is fetched while the server runs is found. A model is
    loaded by its first request and stays.

    Args:
        gguf: A model file beyond the catalogue; it is called by its file name without the ending.
    """

    def __init__(self, gguf: Path | None = None) -> None:
        self._gguf = gguf
        self._echo = EchoBackend()
        self._loaded: dict[Path, LlamaBackend] = {}
        self._can_run = importlib.util.find_spec("xllamacpp") is not None

    def _files(self) -> dict[str, Path]:
        if not self._can_run:
            return {}
        files = {name: model.path for name, model in CATALOGUE.items() if model.present}
        return files | ({self._gguf.stem: self._gguf} if self._gguf is not None else {})

    def __getitem__(self, name: str) -> Backend:
        """The backend of a model."""
        if name == ECHO:
            return self._echo
        path = self._files()[name]
        if path not in self._loaded:
            self._loaded[path] = LlamaBackend(name, path, CATALOGUE.get(name))
        return self._loaded[path]

    def __iter__(self) -> Iterator[str]:
        """The names, models first."""
        yield from self._files()
        yield ECHO

    def __len__(self) -> int:
        """How many there are."""
        return len(self._files()) + 1
