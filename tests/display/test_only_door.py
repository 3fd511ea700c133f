"""HTML is made in `display/sanitize.py` and shown by `display/`, and nowhere else in the package."""

from __future__ import annotations

import ast
from pathlib import Path

PACKAGE = Path(__file__).parent.parent.parent / "gemini_magic"
SHOWING = {
    "HTML",
    "Markdown",
    "Javascript",
    "SVG",
    "HTMLMath",
    "display_html",
    "display_markdown",
    "display_javascript",
}
SHOWING |= {"publish_display_data"}
SOURCES = [path for path in PACKAGE.rglob("*.py") if "static" not in path.parts]


def names_in(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            for name in node.names:
                yield node.module or "", name.name
        elif isinstance(node, ast.Import):
            for name in node.names:
                yield name.name, ""
        elif isinstance(node, ast.Attribute):
            yield "", node.attr


def test_only_display_shows_html():
    guilty = [
        (path.name, name)
        for path in SOURCES
        if PACKAGE / "display" not in path.parents
        for module, name in names_in(path)
        if (module == "IPython.display" and name != "display") or name in {*SHOWING, "innerHTML"}
    ]
    assert guilty == []


def test_only_display_shows_bundles_that_are_not_made_by_the_object_itself():
    guilty = [
        path.name
        for path in SOURCES
        if PACKAGE / "display" not in path.parents
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "display"
        if any(keyword.arg == "raw" for keyword in node.keywords)
    ]
    assert guilty == []


def test_within_display_only_outputs_are_published_and_nothing_renders_by_itself():
    guilty = [
        (path.name, name)
        for path in (PACKAGE / "display").rglob("*.py")
        for _, name in names_in(path)
        if name in SHOWING - {"publish_display_data"}
    ]
    assert guilty == []


def test_only_the_sanitiser_calls_something_safe_that_was_not():
    guilty = [
        path.name
        for path in (PACKAGE / "display").rglob("*.py")
        if path.name != "sanitize.py"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Safe" and node.args
    ]
    assert guilty == []
