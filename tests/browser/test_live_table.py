"""Tables that fill row by row, progress, and a row looked at, in a real notebook page, light and dark."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.browser

RIGHT = """() => [...document.querySelectorAll('.gm td.gm-right')].every(
    cell => getComputedStyle(cell).textAlign === 'right')"""
COLOURS = """() => ['.gm td', '.gm td .gm-note', '.gm-footer'].map(
    selector => getComputedStyle(document.querySelector(selector)).color)"""


def photograph(lab, page, folder, name):
    """Both themes, the whole notebook."""
    for theme, word in (("JupyterLab Dark", "dark"), ("JupyterLab Light", "light")):
        lab.change_theme(page, theme)
        page.screenshot(path=folder / f"{name}-{word}.png")


def test_a_live_table_ends_as_one_clean_output(lab, open_notebook, screenshots):
    cells = [f"import shown_data\nshown_data.show_live({count}, finish={finish})" for count, finish in CASES]
    page = open_notebook([*cells, "shown_data.show_record()", "shown_data.show_cut()"])
    live, three, many, record, cut = lab.run_all(page)
    assert len(live) == 2
    for outputs in (three, many, record, cut):
        assert [sorted(output["data"]) for output in outputs] == [["text/html", "text/plain"]]
    assert page.locator(".gm").first.inner_text().startswith("An answer that did not fit")
    assert page.evaluate(RIGHT)
    assert page.locator(".gm table").first.locator("tbody tr").count() == 11
    assert page.locator(".gm b:has-text('x')").count() == 0
    light = page.evaluate(COLOURS)
    photograph(lab, page, screenshots, "table")
    lab.change_theme(page, "JupyterLab Dark")
    assert set(page.evaluate(COLOURS)).isdisjoint(light)
    page.locator(".gm-scroll").last.scroll_into_view_if_needed()
    photograph(lab, page, screenshots, "table-long")
    assert lab.foreign() == []


CASES = [(25, False), (3, True), (40, True)]


def test_progress_is_one_output_with_a_bar_and_ends_as_one_line(lab, open_notebook, screenshots):
    page = open_notebook(
        ["import shown_data\nshown_data.show_progress(finish=False)", "shown_data.show_progress(finish=True)"]
    )
    running, over = lab.run_all(page)
    assert len(running) == len(over) == 1
    bar = page.locator(".gm progress")
    assert bar.count() == 1
    assert bar.get_attribute("value") == "840"
    assert bar.bounding_box()["width"] > 80
    text = page.locator(".gm-caption").first.inner_text()
    assert text == "840 of 2,000 rows · 42 rows/s · 28 s left · 251,330 tokens · 3 failed · 12 retried"
    assert page.locator(".gm-caption").last.inner_text().startswith("1,997 rows done")
    photograph(lab, page, screenshots, "progress")


def test_a_row_is_looked_at_as_a_card(lab, open_notebook, screenshots):
    page = open_notebook(["import shown_data\nshown_data.show_row()"])
    (outputs,) = lab.run_all(page)
    assert [sorted(output["data"]) for output in outputs] == [["text/html", "text/plain"]] * 2
    page.locator(".gm summary").first.click()
    assert page.locator(".gm details[open] .highlight").inner_text().startswith('{"city": "Berlin"')
    photograph(lab, page, screenshots, "row")
    assert lab.foreign() == []
