from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from gemini_magic._optional import require
from gemini_magic.exceptions import ConfigError

if TYPE_CHECKING:
    from pathlib import Path


def test_an_installed_module_is_returned() -> None:
    assert require("json", extra="images", why="send images") is sys.modules["json"]


def test_a_missing_module_is_one_sentence_that_names_the_extra() -> None:
    with pytest.raises(ConfigError) as caught:
        require("no_such_library.part", extra="images", why="send images")
    assert str(caught.value) == (
        'no_such_library is not installed, and it is needed to send images: run `pip install "gemini-magic[images]"`.'
    )
    assert "\n" not in str(caught.value)


def test_a_library_that_lacks_one_of_its_own_needs_is_not_called_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "half_a_library.py").write_text("import no_such_dependency\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="no_such_dependency"):
        require("half_a_library", extra="images", why="send images")
