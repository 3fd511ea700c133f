"""The first notebook as a newcomer sees it: a real JupyterLab, a real kernel and the embedded model."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.model]

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "01_quickstart.ipynb"


def test_the_quickstart_runs_in_the_page_and_asks_nobody_outside(lab, screenshots):
    shutil.copy(NOTEBOOK, lab.folder / NOTEBOOK.name)
    lab.forget()
    page = lab.open(NOTEBOOK.name)
    outputs = [output for cell in lab.run_all(page, timeout=120) for output in cell]
    assert [output for output in outputs if output["output_type"] == "error"] == []
    assert page.locator(".gm-footer").count() >= 4
    assert "qwen2.5-coder-0.5b" in page.locator(".gm-footer").first.text_content()
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        lab.change_theme(page, theme)
        for number, footer in enumerate(page.locator(".gm-footer").all()):
            footer.scroll_into_view_if_needed()
            page.screenshot(path=screenshots / f"quickstart-{theme.split()[1].lower()}-{number}.png")
    assert lab.foreign() == []
    lab.close(page)
