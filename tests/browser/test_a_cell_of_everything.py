"""A figure, a photo, a table and a PDF named in one cell of a real notebook page, and what comes back."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import nbformat
import pytest
from wire_server import Say, WireServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from wire_server import Seen

pytestmark = pytest.mark.browser

SETUP = """
import os
os.environ["GEMINI_MAGIC_CONFIG"] = {config!r}
%load_ext gemini_magic
"""
VALUES = """
import matplotlib.pyplot as plt, pandas as pd
from pathlib import Path
from PIL import Image
fig, axes = plt.subplots(figsize=(4, 2.5))
axes.plot([1, 3, 2, 5], label="sales"); axes.legend()
plt.close(fig)
Image.effect_mandelbrot((240, 160), (-3, -2.5, 2, 2.5), 60).convert("RGB").save("photo.jpg", quality=90)
photo = Image.open("photo.jpg")
df = pd.DataFrame({"city": ["Oslo", "Madrid"], "celsius": [-3.5, 31.0]})
fig.savefig("report.pdf")
report = Path("report.pdf")
"""
PROMPT = "%%gemini\nCompare {{fig}} with {{photo}}: {{df}} and read {{report}} well."


def echo(seen: Seen) -> Say:
    """Answers with the parts of the last turn, as a stream of one event for each."""
    parts = seen.json()["contents"][-1]["parts"]
    events = [{"candidates": [{"content": {"role": "model", "parts": [part]}, "index": 0}]} for part in parts]
    events[-1]["candidates"][0]["finishReason"] = "STOP"
    return Say([b"data: " + json.dumps(event).encode() + b"\r\n\r\n" for event in events], framing="chunked")


@pytest.fixture
def gateway() -> Iterator[WireServer]:
    server = WireServer()
    server.answers(echo)
    yield server
    server.close()


@pytest.fixture
def setup_cell(gateway: WireServer, tmp_path: Path) -> str:
    config = tmp_path / "config.toml"
    config.write_text(
        f'profile = "here"\n[profiles.here]\nbase_url = "{gateway.url}"\nauth = "none"\nmodel = "gemini-x"\n'
    )
    return SETUP.format(config=str(config))


def data_of(part: dict) -> bytes:
    return base64.b64decode(part["inlineData"]["data"])


def test_values_go_out_where_they_are_named_and_come_back_as_they_are(
    lab, open_notebook, gateway, setup_cell, screenshots
):
    page = open_notebook([setup_cell, VALUES, PROMPT], name="everything.ipynb")
    setup, values, answer = lab.run_all(page)
    assert (setup, values) == ([], [])
    parts = gateway.seen[-1].json()["contents"][-1]["parts"]
    assert [part.get("text") or part["inlineData"]["mimeType"] for part in parts[:4]] == [
        "Compare ",
        "image/png",
        " with ",
        "image/jpeg",
    ]
    assert parts[4]["text"].startswith(": ")
    assert "| Oslo" in parts[4]["text"]
    assert parts[5]["inlineData"]["mimeType"] == "application/pdf"
    assert parts[6]["text"] == " well."
    assert data_of(parts[3]) == (lab.folder / "photo.jpg").read_bytes()
    assert data_of(parts[5]) == (lab.folder / "report.pdf").read_bytes()
    shown = [(kind, value) for output in answer for kind, value in output["data"].items() if kind.startswith("image/")]
    assert [kind for kind, _ in shown] == ["image/png", "image/jpeg"]
    assert [base64.b64decode(value) for _, value in shown] == [data_of(parts[1]), data_of(parts[3])]
    page.wait_for_function("() => [...document.querySelectorAll('.jp-OutputArea img')].every(i => i.naturalWidth > 0)")
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        lab.change_theme(page, theme)
        page.locator("section.gm").last.scroll_into_view_if_needed()
        page.screenshot(path=screenshots / f"everything-{theme.split()[1].lower()}.png")
    assert lab.foreign() == []
    saved = same_content_elsewhere(lab, page)
    assert saved.count("image/png") >= 1


def same_content_elsewhere(lab, page) -> str:
    """The saved notebook says the same as a page of nbconvert and as plain text."""
    lab.save(page)
    page.wait_for_function("() => !jupyterapp.shell.currentWidget.context.model.dirty")
    path = lab.folder / "everything.ipynb"
    notebook = nbformat.read(path, as_version=4)
    plain = "\n".join(output["data"]["text/plain"] for output in notebook.cells[2].outputs)
    html = converted(path)
    for words in ("Compare", "with", "Oslo", "-3.5", "application/pdf", "well."):
        assert words in plain
        assert words in html
    assert len(re.findall(r'<img[^>]+src="data:image/(?:png|jpeg)', html)) == 2
    assert plain.count("[image: image/") >= 2
    return plain


def converted(path: Path) -> str:
    command = [sys.executable, "-m", "nbconvert", "--to", "html", "--stdout", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)  # noqa: S603 - ours
    return done.stdout


def test_a_terminal_says_the_same(gateway, setup_cell, tmp_path):
    script = tmp_path / "cell.ipy"
    script.write_text(f"{setup_cell}\n{VALUES}\nget_ipython().run_cell({PROMPT!r})\n")
    command = [shutil.which("ipython", path=str(sys.prefix + "/bin")) or "ipython", "--no-banner", str(script)]
    done = subprocess.run(  # noqa: S603 - ours
        command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False, stdin=subprocess.DEVNULL
    )
    for words in (
        "Compare",
        "with",
        "Oslo",
        "-3.5",
        "application/pdf",
        "well.",
        "[image: image/png",
        "[image: image/jpeg",
    ):
        assert words in done.stdout, done.stdout + done.stderr
    sent = gateway.seen[-1].json()["contents"][-1]["parts"]
    assert hashlib.sha256(data_of(sent[3])).digest() == hashlib.sha256((tmp_path / "photo.jpg").read_bytes()).digest()
