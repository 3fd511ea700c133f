"""The walls between the rooms, as pyproject.toml draws them."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CONTRACTS = {
    "data flows one way",
    "no cycles",
    "the local server shares only the wire",
    "httpx stays in client",
    "notebook libraries stay in magics, display and widget",
    "dataframe libraries stay in frames",
    "servers stay in local",
    "cluster libraries stay in extract",
    "display knows events and replies only",
}


@pytest.fixture(scope="module")
def contracts():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return {contract["name"]: contract for contract in settings["tool"]["importlinter"]["contracts"]}


def lint() -> subprocess.CompletedProcess[str]:
    command = shutil.which("lint-imports", path=str(Path(sys.executable).parent))
    assert command, "import-linter is not installed beside this Python"
    return subprocess.run([command, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=200)  # noqa: S603 - our own words


def test_every_wall_stands(contracts):
    found = lint()
    assert found.returncode == 0, found.stdout
    assert set(contracts) >= CONTRACTS
    assert all(f"{name} KEPT" in found.stdout for name in contracts)


def rooms() -> set[str]:
    """The modules and packages right below the root."""
    package = ROOT / "gemini_magic"
    files = {path.stem for path in package.glob("*.py")} - {"__init__"}
    return files | {path.parent.name for path in package.glob("*/__init__.py")}


@pytest.mark.parametrize(
    ("name", "homes"),
    [
        ("notebook libraries stay in magics, display and widget", {"magics", "display", "widget"}),
        ("dataframe libraries stay in frames", {"frames"}),
        ("servers stay in local", {"local"}),
        ("cluster libraries stay in extract", {"extract"}),
    ],
)
def test_a_wall_goes_round_every_other_room(contracts, name, homes):
    walled = {module.removeprefix("gemini_magic.") for module in contracts[name]["source_modules"]}
    assert walled == rooms() - homes


def test_http_libraries_are_in_the_files_that_adapt_them(contracts):
    walled = {module.removeprefix("gemini_magic.") for module in contracts["httpx stays in client"]["source_modules"]}
    siblings = {f"client.{path.stem}" for path in (ROOT / "gemini_magic" / "client").glob("*.py")}
    homes = {"client.http", "client.sockets", "client.__init__"}
    homes |= {"client._aiohttp", "client._async_http", "client._httpx"}
    assert walled == (rooms() - {"client"}) | (siblings - homes)


def test_no_library_is_named_in_the_wrong_words(contracts):
    forbidden = {module for contract in contracts.values() for module in contract.get("forbidden_modules", [])}
    libraries = {module for module in forbidden if not module.startswith("gemini_magic")}
    assert libraries == {
        "IPython",
        "aiohttp",
        "anywidget",
        "dask",
        "distributed",
        "httpcore",
        "httpx",
        "ipywidgets",
        "narwhals",
        "pandas",
        "polars",
        "pyarrow",
        "starlette",
        "traitlets",
        "uvicorn",
        "xllamacpp",
    }
