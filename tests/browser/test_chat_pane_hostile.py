"""Whatever a model, a server, a file's name or the person's own words hold, in a pane nothing of it runs."""

from __future__ import annotations

import json

import nbformat
import pytest
from browser.pane_page import IDLE, ask, composer, event_of, in_pieces, library, show, stage
from browser.shown_answers import CORPUS, hostile_candidate, in_contexts, payloads
from wire_server import Say, answer, error

pytestmark = pytest.mark.browser

SIZES = (1, 7, 40)
LONG = 500  # longer ones are about time, and every piece of them is painted
OTHERS = "dompurify-corpus/test/fixtures/expect.js"
READ = "source => { const module = {}; new Function('module', source)(module); return module.exports; }"
#: What the other corpus calls in place of the function that notes a call; the number tells them apart.
ALERT = "() => { window.alert = window.prompt = window.confirm = window.xss = () => __fired(1000); }"
#: Everything in and below an element that may run or fetch, and links that lead anywhere but to the open web.
FOUND = """root => {
    const tags = /^(script|style|iframe|object|embed|form|link|base|meta|template|frame|portal|noscript|marquee)$/;
    const fetching = /^(action|formaction|srcdoc|xlink:href|data|background|poster|ping|srcset)$/;
    const [media, drawn] = [/^(img|audio|video|source|input|select)$/, /^(svg|path)$/];
    const holders = '.gmc-chip, .gmc-composer, .gmc-picture, .gmc-settings';
    const icons = 'button, summary, a, .gmc-chip, .gmc-wait, .gmc-mark, .gmc-error, .gmc-ending, .gmc-notice,'
        + '.gmc-approval-head';
    const leadsAway = ({href, rel}) => /^(https?:\\/\\/|mailto:)/.test(href) && rel === 'noopener noreferrer nofollow';
    const isBad = (element, {name, value}) => name.startsWith('on') || fetching.test(name)
        || (name === 'src' && !value.startsWith('blob:')) || (name === 'href' && !leadsAway(element))
        || (['id', 'name'].includes(name) && !value.startsWith('gmc-'));
    return [...root.querySelectorAll('*')].filter(element => tags.test(element.localName)
        || (media.test(element.localName) && !element.closest(holders))
        || (drawn.test(element.localName) && !element.closest(icons))
        || [...element.attributes].some(attribute => isBad(element, attribute)))
        .map(element => element.outerHTML.slice(0, 200));
}"""
OPEN_ALL = "() => document.querySelectorAll('.gm-chat details').forEach(box => { box.open = true; })"
#: Every payload by itself, painted after every piece, however small.
STREAM = """({texts, size}) => {
    const frames = [];
    const [request, clock] = [window.requestAnimationFrame, performance.now];
    let time = 1e6;
    window.requestAnimationFrame = frame => frames.push(frame);
    performance.now = () => (time += 1e5);
    let paints = 0;
    const paint = () => { while (frames.length) { frames.shift()(time); paints += 1; } };
    const {model, pane, close} = stage();
    const found = [];
    texts.forEach((text, number) => {
        const turn = `a${number}`;
        model.push({type: 'start', turn, number: 1, prompt: [{kind: 'text', text}], model: text, replaces: null});
        const points = [...text];
        for (let at = 0, n = 0; at < points.length; at += size, n += 1) {
            model.push({type: 'delta', turn, n, parts: [{kind: 'text', text: points.slice(at, at + size).join('')}]});
            paint();
        }
        found.push(...inspect(pane));
        model.push({type: 'status', state: 'idle'});
    });
    [window.requestAnimationFrame, performance.now] = [request, clock];
    close();
    return [paints, found];
}"""
#: A payload in every field of every message.
EVERYWHERE = """async texts => {
    const found = [];
    const usage = text => ({prompt: 1, answer: 1, thoughts: 1, cached: 1, total: 4, cost: text, words: text});
    const {model, pane, close} = stage({}, {blob: {error: 'gone'}, complete: {from: 0, names: []}});
    for (const text of texts) {
        const kinds = ['text', 'thought', 'image', 'audio', 'file', 'code', 'output', 'call', 'result', 'other', text];
        const parts = kinds.map(kind => ({kind, text, name: text, mime: text, blob: kind === 'file' ? undefined : text,
            uri: text, language: text, ok: true, bytes: 5, seconds: 2}));
        const turn = turnOf({turn: text, number: text, status: text, stale: true, sent: false, prompt: parts,
            answer: parts, error: {title: text, text, retry: true}, usage: usage(text), seconds: text, model: text,
            from_cell: true, source: text, searches: [text],
            sources: [{title: text, url: text, host: text}, {title: text, url: 'https://ok.example/', host: text}]});
        const run = {kind: 'run', name: text, text, decision: text, result: text, error: text, seconds: 2};
        const [outcomes, media] = [['ok', 'error', 'running', text], parts.filter(part => part.kind !== 'thought')];
        turn.answer = [...parts, ...outcomes.map((outcome, call) => ({...run, outcome, call, media}))];
        const approval = {number: text, name: text, args: text, description: text, behind: text};
        const live = {turn: 'live', number: 3, prompt: parts, parts: [{...run, call: text, outcome: text}], model: text,
            state: 'answering', seconds: 1, n: 0, approval};
        const ended = turnOf({turn: 'b', status: 'truncated', finish: {text, can_continue: true}});
        const settings = {model: text, system: text, thinking: text, tools: [text], temperature: text};
        const state = {settings, totals: usage(text), name: text, models: [{name: text, label: text}],
            notice: {level: text, text}, profile: {name: text, model: text}, height: text, restored: false};
        model.push({type: 'snapshot', state: {...state, turns: [], live: null, starters: [text]}});
        found.push(...inspect(pane));
        model.push({type: 'snapshot', state: {...state, turns: [turn, ended], live: null, starters: []}});
        for (const level of ['info', 'warning', 'error']) model.push({type: 'notice', level, text: text + level});
        pane.querySelectorAll('details').forEach(box => { box.open = true; });
        pane.querySelector('.gmc-settings').hidden = false;
        const chosen = pane.querySelector('.gmc-combobox input');
        chosen.value = '';
        chosen.dispatchEvent(new Event('input'));
        await new Promise(resolve => setTimeout(resolve, 0));
        if (!pane.querySelector('.gmc-combobox [role=option]')) throw new Error('no list of models');
        found.push(...inspect(pane));
        model.push({type: 'snapshot', state: {...state, turns: [], live, starters: []}});
        model.push({type: 'delta', turn: 'live', n: 1, parts: [{...run, call: text, outcome: 'ok', media}]});
        pane.querySelectorAll('details').forEach(box => { box.open = true; });
        await new Promise(resolve => setTimeout(resolve, 0));
        if (pane.querySelector('.gmc-approval pre').textContent !== text) throw new Error('nothing is asked');
        found.push(...inspect(pane));
    }
    const names = new DataTransfer();
    const some = texts.filter((_, number) => number % 8 === 0);
    for (const text of some) names.items.add(new File(['x'], text, {type: 'text/plain'}));
    const area = pane.querySelector('.gmc-composer textarea');
    area.dispatchEvent(new ClipboardEvent('paste', {clipboardData: names, bubbles: true, cancelable: true}));
    const chips = pane.getElementsByClassName('gmc-chip-off');
    while (chips.length < some.length) await new Promise(resolve => setTimeout(resolve, 10));
    found.push(...inspect(pane));
    close();
    return found;
}"""
RAW = """async texts => {
    for (const text of texts) document.body.appendChild(document.createElement('div')).innerHTML = text;
}"""


CALLED = """import gemini_magic as gm
def echo(texts: list[str]) -> list[str]:
    return texts
def fail(text: str) -> str:
    raise ValueError(text)
if 'pane' not in globals():
    client = gm.Client({url!r}, "key-of-a-test-0123456789", "gemini-x")
    pane = gm.ChatWidget(client=client, height=700, tools=[echo, fail])
pane"""


class Watch:
    """What a page does beside showing things: calls, dialogs, and everything that it asks anybody for."""

    def __init__(self, lab, listener, page) -> None:
        self.lab, self.listener = lab, listener
        self.asked: list[str] = []
        page.on("request", self._note)
        page.on("dialog", lambda dialog: (lab.fired.append(2000), dialog.dismiss()))
        page.evaluate(ALERT)
        page.evaluate(f"() => {{ window.inspect = {FOUND}; }}")
        lab.forget()
        listener.paths.clear()

    def _note(self, request) -> None:
        # The notebook speaks with its server by itself; pictures, scripts, styles and pages would be ours.
        own = request.url.startswith(("blob:", f"{self.lab.url}/static/favicons/"))
        if request.resource_type not in {"fetch", "xhr"} and not own:
            self.asked.append(request.url)

    def assert_quiet(self) -> None:
        assert self.lab.fired == []
        assert self.listener.paths == []
        assert self.lab.foreign() == []
        assert self.asked == []


def corpora(page, host: str) -> list[str]:
    """All payloads: ours, with calls and addresses filled in, and those of the library that cleans the text."""
    others = [entry["payload"] for entry in page.evaluate(READ, library(OTHERS))]
    assert len(others) >= 185
    return [text for _, text in payloads(host)] + others


def test_the_corpora_are_inert_in_every_state_that_a_growing_answer_goes_through(lab, listener, open_notebook):
    page = open_notebook(["1"])
    stage(page)
    watch = Watch(lab, listener, page)
    texts = corpora(page, listener.url)
    for size in SIZES:
        given = [in_contexts(text) for text in texts] if size == max(SIZES) else texts
        paints, found = page.evaluate(STREAM, {"texts": [text[:LONG] for text in given], "size": size})
        assert found == []
        assert paints > len(given)
    page.wait_for_timeout(300)
    watch.assert_quiet()


def test_the_corpora_are_inert_in_every_field_of_what_a_kernel_says(lab, listener, open_notebook):
    page = open_notebook(["1"])
    stage(page)
    watch = Watch(lab, listener, page)
    assert page.evaluate(EVERYWHERE, corpora(page, listener.url)) == []
    page.wait_for_timeout(300)
    watch.assert_quiet()


def test_the_corpora_said_by_a_server_are_inert_in_a_pane_and_fire_when_they_are_shown_raw(
    lab, listener, open_notebook, wire, tmp_path
):
    page = show(open_notebook, wire.url)
    watch = Watch(lab, listener, page)
    texts = corpora(page, listener.url)
    for size in SIZES:
        wire.answers(answer_of(texts, size, everything=size == max(SIZES)))
        ask(page, words_of(texts) if size == max(SIZES) else "And now?")
        page.evaluate(OPEN_ALL)
        assert page.evaluate("() => inspect(document.querySelector('.gm-chat'))") == []
    wire.answers(error(400, words_of(texts), words_of(texts)))
    ask(page, "And now?")
    assert page.locator(".gmc-error-text p").count() == 1
    lab.settle(page)
    watch.assert_quiet()
    assert_inert_as_cell(lab, listener, export(page, tmp_path))
    raw(page, texts)
    for _ in range(50):
        if len(set(lab.fired)) >= 12 and len(set(listener.paths)) >= 10 and watch.asked:
            break
        page.wait_for_timeout(200)
    assert len(set(lab.fired)) >= 12
    assert len(set(listener.paths)) >= 10
    assert watch.asked != []


def test_the_corpora_as_names_arguments_and_results_of_functions_are_inert(
    lab, listener, open_notebook, wire, tmp_path
):
    page = open_notebook([CALLED.format(url=wire.url), "pane.chat.turns[-1].reply"])
    page.evaluate("() => jupyterapp.commands.execute('notebook:run-all-cells')")
    page.wait_for_selector(IDLE, timeout=60_000)
    watch = Watch(lab, listener, page)
    texts = corpora(page, listener.url)
    calls = [("echo", {"texts": texts}), ("fail", {"text": words_of(texts)}), ("echo", {text: text for text in texts})]
    calls += [(words_of(texts), {}), *((text, {text: text}) for text in texts[::24])]
    parts = [event_of({"functionCall": {"name": name, "args": args}}) for name, args in calls[:14]]
    wire.answers(Say([*parts, event_of({"text": ""}, finishReason="STOP")], framing="chunked"), answer("The end."))
    composer(page).fill("Go.")
    composer(page).press("Enter")
    for number in range(2):
        page.wait_for_selector(f".gmc-approval:not([hidden]) >> text={('echo', 'fail')[number]}")
        assert page.evaluate("() => inspect(document.querySelector('.gm-chat'))") == []
        page.locator(".gmc-approval button", has_text="Run").first.click()
    page.wait_for_selector(f".gmc-run >> nth={len(parts) - 1}")
    page.wait_for_selector(IDLE)
    page.evaluate(OPEN_ALL)
    assert page.locator(".gmc-run").count() == len(parts)
    assert page.evaluate("() => inspect(document.querySelector('.gm-chat'))") == []
    lab.run_all(page)
    lab.settle(page)
    watch.assert_quiet()
    assert_inert_as_cell(lab, listener, export(page, tmp_path))


def words_of(texts: list[str]) -> str:
    """All payloads as one text that a person can write: braces would name a variable."""
    return "\n\n".join(texts).replace("{{", "{")


def answer_of(texts: list[str], size: int, *, everything: bool) -> Say:
    """An answer with every payload as a text of its own, in pieces of this size; also in parts of all other kinds."""
    events = []
    for text in texts:
        events += [event_of(piece) for piece in in_pieces({"text": text}, size)]
        if everything:
            events += [event_of(piece) for piece in in_pieces({"text": text, "thought": True}, size)]
        parts = hostile_candidate(text)["content"]["parts"][1:]
        events += [event_of(part) for part in (parts if everything else parts[:1])]
    events.append(event_of({"text": "The end."}, **grounding(texts), body={"modelVersion": words_of(texts)}))
    return Say(events, framing="chunked")


def grounding(texts: list[str]) -> dict[str, object]:
    """Sources and searches with every payload, and the end of the answer."""
    chunks = [{"web": {"uri": text, "title": text}} for text in texts]
    chunks += [{"web": {"uri": "https://ok.example/", "title": text}} for text in texts]
    return {
        "finishReason": "STOP",
        "groundingMetadata": {"groundingChunks": chunks, "webSearchQueries": texts},
    }


def export(page, folder):
    """Export the conversation as Markdown by the pane's menu; returns the file."""
    page.locator(".gm-chat [aria-haspopup=menu]").click()
    with page.expect_download() as started:
        page.locator("[role=menuitem]", has_text="Markdown").click()
    path = folder / started.value.suggested_filename
    started.value.save_as(path)
    return path


def raw(page, texts: list[str]) -> None:
    controls = [json.loads(line).get("control", True) for line in CORPUS.read_text().splitlines()]
    page.bring_to_front()
    page.evaluate(RAW, [text for text, is_control in zip(texts, controls, strict=False) if is_control])


def assert_inert_as_cell(lab, listener, exported) -> None:
    path = lab.write("exported.ipynb", [])
    notebook = nbformat.read(path, 4)
    notebook.cells.append(nbformat.v4.new_markdown_cell(exported.read_text(encoding="utf-8")))
    nbformat.write(notebook, path)
    lab.forget()
    listener.paths.clear()
    page = lab.open("exported.ipynb")
    page.wait_for_selector(".jp-MarkdownCell.jp-mod-rendered", timeout=60_000)
    lab.settle(page)
    assert lab.fired == []
    assert listener.paths == []
    assert lab.foreign() == []
    lab.close(page)
