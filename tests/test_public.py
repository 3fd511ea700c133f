"""The public face: what the root package offers, and nothing else."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from inspect import isclass
from pathlib import Path

import pytest

import gemini_magic as gm
from gemini_magic import exceptions

ROOT = Path(__file__).parent.parent


def test_the_public_names_are_sorted_and_unique():
    assert gm.__all__ == sorted(set(gm.__all__))


ROOMS = {"tools"}


@pytest.mark.parametrize("name", sorted({*gm.__all__} - ROOMS))
def test_every_public_name_can_be_had(name):
    value = getattr(gm, name)
    assert callable(value)
    assert value.__name__ == name
    assert value.__module__.startswith("gemini_magic.")
    assert (value.__doc__ or "").strip()


@pytest.mark.parametrize("name", sorted(ROOMS))
def test_a_public_room_offers_its_names_in_order(name):
    room = getattr(gm, name)
    assert room.__name__ == f"gemini_magic.{name}"
    assert room.__all__ == sorted(room.__all__)
    assert all(callable(getattr(room, each)) for each in room.__all__)


def test_dir_lists_the_public_names():
    assert set(dir(gm)) == {*gm.__all__, "__version__"}


def test_every_error_is_public_and_every_public_error_is_in_the_tree():
    tree = {
        name
        for name, value in vars(exceptions).items()
        if isclass(value) and issubclass(value, gm.GeminiMagicError) and value.__module__ == exceptions.__name__
    }
    public = {name for name in gm.__all__ if isclass(getattr(gm, name)) and issubclass(getattr(gm, name), Exception)}
    assert public == tree


def test_the_drawing_of_the_tree_has_every_error():
    words = (exceptions.__doc__ or "").replace("│", " ").split()
    errors = [name for name in gm.__all__ if isclass(getattr(gm, name)) and issubclass(getattr(gm, name), Exception)]
    assert set(errors) <= set(words)


def test_the_star_import_gives_the_public_names():
    names: dict[str, object] = {}
    exec("from gemini_magic import *", names)  # noqa: S102 - there is no other way inside a function
    assert set(names) - {"__builtins__"} == set(gm.__all__)


def test_the_version_is_that_of_the_installed_package():
    assert gm.__version__ == version("gemini-magic")


def test_connect_is_the_function_however_it_was_imported():
    code = (
        "import gemini_magic as gm, gemini_magic.connect; from gemini_magic import connect; print(gm.connect, connect)"
    )
    command = [sys.executable, "-c", code]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603 - our own words
    assert shown.stdout.count("<function connect at") == 2


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'Clinet'"):
        _ = gm.Clinet  # type: ignore[attr-defined]
    with pytest.raises(ImportError):
        exec("from gemini_magic import nope")  # noqa: S102 - as above


def test_a_name_is_the_same_object_every_time():
    assert gm.Client is gm.Client
    assert gm.ConfigError is exceptions.ConfigError


def test_the_public_face_type_checks():
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "tests/typing/api.py"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - as above
    assert found.stdout + found.stderr == ""
    assert found.returncode == 0
