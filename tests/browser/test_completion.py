"""The Tab key in a real notebook page."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.browser

EDIT = """index => {
    const content = jupyterapp.shell.currentWidget.content;
    content.activeCellIndex = index;
    content.mode = 'edit';
    content.activeCell.editor.focus();
}"""


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("%%gemini --mo", "--model"),
        ("%%gemini --format ", "json"),
        ("%gemini his", "history"),
        ("%%gemini\nWhat is in {{weath", "weather"),
    ],
    ids=["option", "value", "subcommand", "variable"],
)
def test_the_popup_offers_what_fits(lab, open_notebook, screenshots, request, *, typed, offered):
    page = open_notebook(["%load_ext gemini_magic\nweather = weathered = 1", ""], name="completion.ipynb")
    lab.run_all(page)
    page.evaluate(EDIT, 1)
    page.keyboard.insert_text(typed)
    page.keyboard.press("Tab")
    item = page.locator(".jp-Completer-item", has_text=offered).first
    try:
        item.wait_for(timeout=10_000)
    finally:
        page.screenshot(path=screenshots / f"completion-{request.node.callspec.id}.png")
    assert lab.foreign() == []
