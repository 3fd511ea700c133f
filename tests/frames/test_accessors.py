from __future__ import annotations

import subprocess
import sys

import pytest

from gemini_magic.frames import register_accessor, unregister_accessor

pd = pytest.importorskip("pandas")
pl = pytest.importorskip("polars")

NAME = "told"
CLASSES = [pd.DataFrame, pd.Series, pl.DataFrame, pl.Series]


class Told:
    """What the accessor of a test gives."""

    def __init__(self, frame):
        self.frame = frame

    def size(self):
        return len(self.frame)


@pytest.fixture(autouse=True)
def _as_before():
    yield
    unregister_accessor(NAME)
    assert not any(hasattr(cls, NAME) for cls in CLASSES)


@pytest.mark.parametrize("cls", CLASSES)
def test_frames_and_series_get_the_attribute(cls):
    assert register_accessor(NAME, Told) == ("pandas", "polars")
    data = [1, 2, 3] if cls.__name__ == "Series" else {"a": [1, 2, 3]}
    assert cls(data).told.size() == 3
    assert NAME in dir(cls(data))


def test_registering_again_takes_the_new_one_without_a_warning():
    register_accessor(NAME, Told)
    assert register_accessor(NAME, lambda frame: ("new", len(frame))) == ("pandas", "polars")
    assert pd.Series([1]).told == ("new", 1)
    assert pl.DataFrame({"a": [1]}).told == ("new", 1)


def test_what_somebody_else_has_made_stays():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pd.DataFrame, NAME, "theirs", raising=False)
        assert register_accessor(NAME, Told) == ("polars",)
        assert pd.DataFrame().told == "theirs"
        assert pd.Series([1]).told.size() == 1
        unregister_accessor(NAME)
        assert pd.DataFrame().told == "theirs"


def test_taking_it_away_leaves_nothing_and_may_be_done_twice():
    register_accessor(NAME, Told)
    unregister_accessor(NAME)
    unregister_accessor(NAME)
    assert not any(hasattr(cls, NAME) or NAME in dir(cls) for cls in CLASSES)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_only_a_library_that_is_there_gets_it_and_none_is_imported(library):
    other = {"pandas": "polars", "polars": "pandas"}[library]
    code = f"""
import sys
from gemini_magic.frames import register_accessor
print(register_accessor("told", len), "pandas" in sys.modules, "polars" in sys.modules)
import {library}
print(register_accessor("told", len), {library}.Series([1]).told, "{other}" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stdout.splitlines() == ["() False False", f"('{library}',) 1 False"]
