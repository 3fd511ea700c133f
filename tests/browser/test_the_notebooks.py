"""The other notebooks as a newcomer sees them: a real JupyterLab, a real kernel, and `echo`, which needs no key."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

pytestmark = pytest.mark.browser

FOLDER = Path(__file__).parents[2] / "notebooks"


@pytest.mark.parametrize(("name", "footers"), [("02_images_and_files.ipynb", 4), ("03_conversations.ipynb", 7)])
def test_a_notebook_runs_in_the_page_and_asks_nobody_outside(lab, screenshots, name, footers):
    shutil.copy(FOLDER / name, lab.folder / name)
    lab.forget()
    page = lab.open(name)
    outputs = [output for cell in lab.run_all(page, timeout=120) for output in cell]
    assert [output for output in outputs if output["output_type"] == "error"] == []
    assert page.locator(".gm-footer").count() >= footers
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        lab.change_theme(page, theme)
        for number, section in enumerate(page.locator("section.gm").all()):
            section.scroll_into_view_if_needed()
            page.screenshot(path=screenshots / f"{name[:2]}-{theme.split()[1].lower()}-{number}.png")
    assert lab.foreign() == []
    lab.close(page)
