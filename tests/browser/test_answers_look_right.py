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


def test_every_other_part_of_an_answer_is_shown_as_what_it_is(lab, open_notebook, screenshots):
    page = open_notebook(["import shown_answers\nshown_answers.show_pieces()"])
    (outputs,) = lab.run_all(page)
    assert [sorted(output["data"]) for output in outputs] == [["text/html", "text/plain"]] * 3
    page.wait_for_selector(".gm mjx-container", timeout=10_000)
    marks = page.locator(".gm-cites").all_inner_texts()
    assert marks == ["[1]", "[4]", "[2][3]", "[2]", "[3]", "[1][2]"]
    assert page.locator(".gm .highlight .gm-cites, .gm mjx-container .gm-cites").count() == 0
    frame = page.locator("iframe.gm-entry").element_handle().content_frame()
    assert frame.locator("a.chip").all_inner_texts() == ["tokyo tower height", "skytree opening year"]
    assert page.locator(".gm-run img").evaluate("image => image.naturalWidth") == 320
    audio = page.locator(".gm audio")
    page.wait_for_function("() => document.querySelector('.gm audio').duration > 0.9")
    assert audio.get_attribute("aria-label").startswith("audio: audio/wav")
    photograph(lab, page, screenshots, "pieces")
    assert lab.foreign() == []


def test_other_views_and_several_candidates(lab, open_notebook, screenshots):
    page = open_notebook(["import shown_answers\nshown_answers.show_views()"])
    (outputs,) = lab.run_all(page)
    assert len(outputs) == 6
    boxes = [section.bounding_box() for section in page.locator(".gm-candidates > section").all()]
    assert len({box["y"] for box in boxes[:2]}) == 1
    frame = page.locator("iframe.gm-page").element_handle().content_frame()
    assert frame.locator("#b").inner_text() == "still bold"
    photograph(lab, page, screenshots, "views")
    assert lab.foreign() == []


def photograph(lab, page, folder, name) -> None:
    """Photograph every output of a page, in light and in dark."""
    for theme in ("light", "dark"):
        lab.change_theme(page, f"JupyterLab {theme.title()}")
        for number, output in enumerate(page.locator("section.gm").all()):
            output.scroll_into_view_if_needed()
            page.wait_for_timeout(200)
            output.screenshot(path=folder / f"{name}-{number}-{theme}.png")
