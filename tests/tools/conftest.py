"""A module whose functions can be imported, as those of a library can."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import ModuleType

WEATHER = '''
from gemini_magic.tools import tool


@tool(read_only=True, seconds=5)
def near(city: str) -> str:
    """Near."""
    return f"near {city}"


def far(city: str) -> str:
    """Far."""
    return f"far {city}"


class Station:
    def __init__(self, name: str) -> None:
        self.name = name

    @tool
    def ask(self, city: str) -> str:
        return f"{self.name}: {city}"
'''


@pytest.fixture
def weather(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The module, which is gone after the test."""
    (tmp_path / "weather_of_tests.py").write_text(WEATHER)
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("weather_of_tests")
    sys.modules.pop("weather_of_tests", None)
