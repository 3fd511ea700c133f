"""Whatever a model writes, in a real notebook page it runs nothing and fetches nothing."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from browser.hostile_sinks import SINKS, saved_for_reading
from browser.shown_answers import payloads
from nbconvert import HTMLExporter

CORPUS = Path(__file__).parent.parent / "data" / "xss.jsonl"

RENDERED = "() => document.querySelectorAll('.jp-MarkdownCell.jp-mod-rendered').length == COUNT"
LONG = 500  # longer ones are about time, which the other pages take
GROUP = 20  # a cell shows fifty outputs at most

pytestmark = pytest.mark.browser


def test_the_corpus_is_inert_live_saved_reopened_and_exported(lab, listener, open_notebook, tmp_path):
    count = len(CORPUS.read_text().splitlines())
    groups = [(begin, min(begin + GROUP, count)) for begin in range(0, count, GROUP)]
    cells = [f"import shown_answers\nshown_answers.show_corpus_as_one({listener.url!r})"]
    cells += [f"shown_answers.show_corpus({listener.url!r}, {begin}, {end})" for begin, end in groups]
    listener.paths.clear()
    page = open_notebook(cells, name="corpus.ipynb")
    outputs = lab.run_all(page)
    assert [len(cell) for cell in outputs] == [1, *(end - begin for begin, end in groups)]
    assert page.locator("section.gm").count() == 1 + count
    assert page.locator("section.gm mjx-container").count() >= 1
    assert_inert(lab, listener, page)
    lab.save(page)
    lab.close(page)
    reopened = lab.open("corpus.ipynb")
    lab.settle(reopened)
    assert reopened.locator("section.gm").count() == 1 + count
    assert_inert(lab, listener, reopened)
    lab.close(reopened)
    assert_export_is_inert(lab, listener, lab.folder / "corpus.ipynb", tmp_path)


def test_the_corpus_is_inert_in_every_place_beside_the_text(lab, listener, open_notebook, tmp_path):
    count = len(CORPUS.read_text().splitlines())
    shown = "import shown_answers\nshown_answers.show_corpus"
    groups = [f"({listener.url!r}, {begin}, {begin + GROUP})" for begin in range(0, count, GROUP)]
    cells = [f"{shown}_{kind}{group}" for group in groups for kind in ("beside_the_text", "as_pages")]
    listener.paths.clear()
    page = open_notebook(cells, name="beside.ipynb")
    outputs = lab.run_all(page)
    assert [len(cell) for cell in outputs] == [1] * len(cells)
    assert page.locator("iframe.gm-entry").count() > count // 2
    assert page.locator("iframe.gm-page").count() == len(groups)
    page.evaluate("() => document.querySelectorAll('iframe').forEach(frame => frame.loading = 'eager')")
    lab.settle(page)
    assert_inert(lab, listener, page, frames=True)
    lab.save(page)
    lab.close(page)
    stranger = json.loads((lab.folder / "beside.ipynb").read_text())
    for cell in stranger["cells"]:
        cell["outputs"] = [{**output, "metadata": {"from": "elsewhere"}} for output in cell["outputs"]]
    (lab.folder / "stranger.ipynb").write_text(json.dumps(stranger))
    for name in ("beside.ipynb", "stranger.ipynb"):
        reopened = lab.open(name)
        lab.settle(reopened)
        assert_inert(lab, listener, reopened, frames=True)
        lab.close(reopened)
    assert_export_is_inert(lab, listener, lab.folder / "beside.ipynb", tmp_path)


def test_the_corpus_is_inert_in_everything_that_can_be_asked_for(lab, listener, open_notebook, tmp_path):
    names = list(SINKS)
    groups = [names[begin : begin + 4] for begin in range(0, len(names), 4)]
    cells = ["import hostile_sinks, shown_answers\n%load_ext gemini_magic"]
    cells.append(f"payloads = [text for _, text in shown_answers.payloads({listener.url!r}) if len(text) < {LONG}]")
    cells += [f"hostile_sinks.show(payloads, {group})" for group in groups]
    listener.paths.clear()
    page = open_notebook(cells, name="asked.ipynb")
    outputs = lab.run_all(page, timeout=120)
    assert [output for cell in outputs for output in cell if output["output_type"] == "error"] == []
    assert sum(len(cell) for cell in outputs) > len(SINKS)
    short = [text for _, text in payloads(listener.url) if len(text) < LONG]
    assert page.locator("section.gm").count() >= len(short) * (len(SINKS) - 4)
    assert_inert(lab, listener, page)
    lab.save(page)
    lab.close(page)
    reopened = lab.open("asked.ipynb")
    lab.settle(reopened)
    assert_inert(lab, listener, reopened)
    lab.close(reopened)
    assert_export_is_inert(lab, listener, lab.folder / "asked.ipynb", tmp_path)


def test_the_corpus_is_inert_in_conversations_that_were_saved_for_reading(lab, listener, tmp_path):
    lab.forget()
    listener.paths.clear()
    document = saved_for_reading([text for _, text in payloads(listener.url) if len(text) < LONG])
    path = lab.folder / "reading.ipynb"
    path.write_text(json.dumps(document))
    page = lab.open("reading.ipynb")
    page.wait_for_function(RENDERED.replace("COUNT", str(len(document["cells"]))), timeout=60_000)
    lab.settle(page)
    assert_nothing_happened(lab, listener)
    lab.close(page)
    assert_export_is_inert(lab, listener, path, tmp_path)


def test_the_same_corpus_shown_raw_runs_and_fetches(lab, listener, open_notebook):
    listener.paths.clear()
    lines = [json.loads(line) for line in CORPUS.read_text().splitlines()]
    numbers = [number for number, line in enumerate(lines) if line.get("control", True)]
    groups = [numbers[begin : begin + GROUP] for begin in range(0, len(numbers), GROUP)]
    page = open_notebook(
        [f"import shown_answers\nshown_answers.show_raw({listener.url!r}, {group})" for group in groups]
    )
    lab.run_all(page)
    for _ in range(30):
        if len(set(lab.fired)) >= 12 and len(set(listener.paths)) >= 10:
            break
        page.wait_for_timeout(200)
    assert len(set(lab.fired)) >= 12
    assert len(set(listener.paths)) >= 10


def assert_nothing_happened(lab, listener) -> None:
    assert lab.fired == []
    assert listener.paths == []
    assert lab.foreign() == []


def assert_inert(lab, listener, page, *, frames: bool = False) -> None:
    assert_nothing_happened(lab, listener)
    # What a page makes of plain text by itself, such as links, is not ours.
    ours = "[...document.querySelectorAll('.jp-OutputArea-output:not(.jp-RenderedText) *')]"
    allowed = page.evaluate(f"""() => {ours}.filter(element =>
        ['SCRIPT', 'IFRAME', 'OBJECT', 'EMBED', 'FORM', 'IMG', 'LINK', 'BASE', 'META'].includes(element.tagName)
        || [...element.attributes].some(attribute => attribute.name.startsWith('on')
            || /^(javascript|vbscript|data):/i.test(attribute.value.trim()))).map(element => element.outerHTML)""")
    shut = re.compile(
        '<iframe class="gm-(entry|page)" title="[^"]*" sandbox="allow-popups allow-popups-to-escape-sandbox"'
    )
    assert [html[:200] for html in allowed if not (frames and shut.match(html))] == []


def assert_export_is_inert(lab, listener, notebook: Path, folder: Path) -> None:
    empty = lab.write("empty.ipynb", ["1"])
    expected = requests_of_export(lab, empty, folder)
    assert requests_of_export(lab, notebook, folder) - expected == set()
    assert lab.fired == []
    assert listener.paths == []


def requests_of_export(lab, notebook: Path, folder: Path) -> set[str]:
    """What a browser asks for when it opens the notebook's HTML export."""
    html, _ = HTMLExporter().from_filename(str(notebook))
    exported = folder / f"{notebook.stem}.html"
    exported.write_text(html)
    lab.requests.clear()
    page = lab.context.new_page()
    page.route(re.compile(r"https?://(?!127\.0\.0\.1)"), lambda route: route.abort())
    page.goto(exported.as_uri(), wait_until="domcontentloaded")
    page.wait_for_timeout(500)
    page.close()
    return {url for url in lab.requests if not url.startswith(("file:", "data:"))}
