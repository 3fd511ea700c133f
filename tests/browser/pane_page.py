"""A chat pane in a page, as its user has it: shown by a cell, asked with the keyboard, its browser half by itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gemini_magic.widget

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Locator, Page

WIDGET = Path(gemini_magic.widget.__file__).parent
LIBRARIES = WIDGET / "frontend" / "node_modules"
IDLE = ".gm-chat:not(.gmc-busy) .gmc-send[data-mode=send]"
SHOW = """import gemini_magic as gm
client = gm.Client({url!r}, "key-of-a-test-0123456789", "gemini-x")
pane = gm.ChatWidget(client=client, name={name!r}, height=700)
pane"""
#: Runs the browser half of the pane without a kernel, on a model that is told what a kernel would say.
STAGE = """async ({script, style}) => {
    const url = URL.createObjectURL(new Blob([script], {type: 'text/javascript'}));
    const {default: widget} = await import(url);
    document.head.append(Object.assign(document.createElement('style'), {textContent: style}));
    const usage = {prompt: 0, answer: 0, thoughts: 0, cached: 0, total: null, cost: '', words: ''};
    const empty = {turns: [], live: null, settings: {}, models: null, totals: usage, name: 'main', starters: [],
        notice: null, profile: {name: 'p', model: 'm'}, restored: false};
    window.stage = (state = {}, answers = {}) => {
        const heard = {};
        let seq = 0;
        const model = {
            get: () => null,
            on: (name, listener) => (heard[name] ??= []).push(listener),
            off() {},
            push(message, buffers = []) {
                seq += 1;
                for (const listener of heard['msg:custom']) listener({seq, ...message}, buffers);
            },
            lose() {
                for (const listener of heard['comm:close']) listener();
            },
            send(content) {
                if (content.type === 'hello') {
                    model.push({type: 'snapshot', view: content.view, state: {...empty, ...state}});
                } else if (content.id && answers[content.type]) {
                    queueMicrotask(() => model.push({type: 'reply', to: content.id, ...answers[content.type]}));
                }
            },
        };
        const {initialize, render} = widget();
        const element = document.body.appendChild(document.createElement('div'));
        element.style.cssText = 'position: fixed; inset: 0; contain: strict; z-index: 10000';
        const close = initialize({model});
        const remove = render({model, el: element});
        return {model, element, pane: element.firstElementChild, close() { remove(); close(); element.remove(); }};
    };
    window.turnOf = (given = {}) => ({turn: 't1', number: 1, status: 'ok', stale: false, sent: true,
        prompt: [{kind: 'text', text: 'Which?'}], answer: [{kind: 'text', text: 'This.'}], error: null, finish: null,
        sources: [], searches: [], usage: null, seconds: 1.5, model: 'm', from_cell: false, ...given});
}"""


def library(path: str) -> str:
    """The text of a file of the front end's libraries, which only its developers have."""
    file = LIBRARIES / path
    assert file.exists(), f"{file} is missing: `npm ci` in {LIBRARIES.parent} brings it"
    return file.read_text(encoding="utf-8")


def stage(page: Page) -> None:
    """Give a page `stage(state, answers)`, which puts up a pane without a kernel, and `turnOf(fields)`."""
    script, style = (WIDGET / "static" / name for name in ("chat.js", "chat.css"))
    page.evaluate(STAGE, {"script": script.read_text(encoding="utf-8"), "style": style.read_text(encoding="utf-8")})


def show(open_notebook: Callable[..., Page], url: str, *, name: str = "main", cells: tuple[str, ...] = ()) -> Page:
    """Open a notebook whose first cell shows a pane that asks at `url`; returns the page, the pane being ready."""
    page = open_notebook([SHOW.format(url=url, name=name), *cells])
    page.evaluate("() => jupyterapp.commands.execute('notebook:run-all-cells')")
    page.wait_for_selector(IDLE, timeout=60_000)
    page.wait_for_selector(".gmc-welcome h3", timeout=60_000)
    return page


def composer(page: Page) -> Locator:
    """Where the question is written."""
    return page.locator(".gmc-composer textarea")


def ask(page: Page, text: str, *, timeout: float = 60) -> None:
    """Ask a question and wait for the end of its answer."""
    turns = page.locator("article.gmc-answer").count()
    composer(page).fill(text)
    composer(page).press("Enter")
    page.wait_for_function(
        "([count, idle]) => document.querySelectorAll('article.gmc-answer:not(.gmc-live)').length > count"
        " && document.querySelector(idle)",
        arg=[turns, IDLE],
        timeout=timeout * 1000,
    )


def event_of(*parts: dict[str, Any], **rest: Any) -> bytes:
    """A server-sent event with these parts; `rest` is of the candidate, but for `body`, which is beside it."""
    body = rest.pop("body", {})
    candidate = {"content": {"role": "model", "parts": list(parts)}, "index": 0, **rest}
    return b"data: " + json.dumps({"candidates": [candidate], **body}).encode() + b"\r\n\r\n"


def in_pieces(part: dict[str, Any], size: int) -> Iterator[dict[str, Any]]:
    """The parts in which a text arrives when it comes so many characters at a time."""
    text = part["text"]
    for begin in range(0, len(text), size):
        yield {**part, "text": text[begin : begin + size]}
