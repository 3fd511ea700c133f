"""``df.gemini`` and ``series.gemini``; light, so that loading the extension can register it."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from gemini_magic.frames.accessors import register_accessor


class Accessor:
    """What ``.gemini`` of a frame or series is.

    Args:
        data: The frame or series.
    """

    def __init__(self, data: object) -> None:
        self._data = data

    def extract(self, schema: object, prompt: str = "", **options: Any) -> Any:  # noqa: ANN401 - those of `extract`
        """As `gemini_magic.extract` of this frame or series."""
        room = import_module("gemini_magic.extract")  # now: whoever loads the extension may never extract
        return room.extract(self._data, schema, prompt, **options)


def register_accessors() -> tuple[str, ...]:
    """Give frames and series of pandas and polars ``.gemini``, as far as these are imported; returns the libraries."""
    return register_accessor("gemini", Accessor)
