"""A streamed answer in a real notebook page: blocks while it arrives, then one output, in light and dark."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.browser

COLOURS = """() => ['.gm .highlight .k', '.gm p', '.gm-footer'].map(
    selector => getComputedStyle(document.querySelector(selector)).color)"""


def test_a_streamed_answer_ends_as_one_clean_output(lab, open_notebook, screenshots):
    page = open_notebook(["import shown_answers\nshown_answers.show_example()"])
    (outputs,) = lab.run_all(page)
    assert [sorted(output["data"]) for output in outputs] == [["text/html", "text/plain"], ["image/png", "text/plain"]]
    page.wait_for_selector(".gm mjx-container", timeout=10_000)
    assert page.locator(".gm").count() == 1
    assert page.locator(".gm .highlight .k").count() >= 3
    assert page.locator(".gm table td").count() == 9
    assert page.locator(".gm mjx-container").count() >= 3
    assert page.locator(".gm details.gm-thoughts[open]").count() == 0
    assert page.locator(".gm-footer").inner_text().startswith("gemini-3-flash")
    light = page.evaluate(COLOURS)
    page.screenshot(path=screenshots / "answer-light.png")
    lab.change_theme(page, "JupyterLab Dark")
    page.locator(".gm summary").click()
    page.screenshot(path=screenshots / "answer-dark.png")
    dark = page.evaluate(COLOURS)
    assert len({*light, *dark}) == 6
    assert lab.foreign() == []


def test_a_half_streamed_answer_shows_blocks_and_tail(lab, open_notebook, screenshots):
    page = open_notebook(
        ["import shown_answers\nshown_answers.show_example(finish=False)", "shown_answers.show_cards()"]
    )
    live, cards = lab.run_all(page)
    page.wait_for_selector(".gm mjx-container", timeout=10_000)
    page.screenshot(path=screenshots / "live-light.png")
    page.locator("section.gm").last.scroll_into_view_if_needed()
    page.screenshot(path=screenshots / "cards-light.png")
    lab.change_theme(page, "JupyterLab Dark")
    page.screenshot(path=screenshots / "cards-dark.png")
    assert len(live) >= 2
    assert len(cards) == 5
    assert page.locator(".gm table td").count() > 9
