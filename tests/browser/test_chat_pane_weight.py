"""What a pane costs the page it is in: bytes and messages on their way to it, and what stays in memory."""

from __future__ import annotations

import json
import time

import pytest
from browser.pane_page import IDLE, ask, show
from wire_server import Say, answer, event

pytestmark = pytest.mark.browser

RATE = 500  # chunks a second
LINE = "Some **words** about `x = 1` and the like, in a line of usual length.\n"
#: Asks one question after the other, as somebody does who types very fast.
ASK = """async ([count, idle]) => {
    const pane = document.querySelector('.gm-chat');
    const area = pane.querySelector('.gmc-composer textarea');
    const answers = () => pane.querySelectorAll('article.gmc-answer:not(.gmc-live)').length;
    for (let number = 0; number < count; number += 1) {
        const before = answers();
        area.value = 'And now?';
        area.dispatchEvent(new Event('input', {bubbles: true}));
        area.dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', bubbles: true, cancelable: true}));
        while (answers() === before || !document.querySelector(idle)) await new Promise(done => setTimeout(done, 5));
    }
}"""
RUN = """async cell => {
    const {content} = jupyterapp.shell.currentWidget;
    content.activeCellIndex = cell;
    await jupyterapp.commands.execute('notebook:run-cell');
    const {outputs} = content.widgets[cell].model;
    while (outputs.length === 0) await new Promise(done => setTimeout(done, 10));
    return [outputs.get(0).toJSON().text].flat().join('');
}"""
COUNT = """import gc, json, psutil
from collections import Counter
gc.collect()
kinds = Counter(type(one).__name__ for one in gc.get_objects() if str(type(one).__module__).startswith("gemini_magic."))
print(json.dumps({"rss": psutil.Process().memory_info().rss, **{name: kinds[name] for name in
    ("Turn", "Reply", "Known", "Live")}}))"""
MOST_OF_TEXT = {20_000: 4.5, 200_000: 1.7}
MB = 1_000_000
MOST_OF_TURN = 25_000  # bytes of the page's own heap for a turn of a line


class Frames:
    """What comes over the web sockets of the pages that are opened from now on."""

    def __init__(self, context) -> None:
        self.frames: list[bytes] = []
        context.on("page", lambda page: page.on("websocket", self._watch))

    def _watch(self, socket) -> None:
        socket.on("framereceived", lambda data: self.frames.append(data.encode() if isinstance(data, str) else data))

    def of(self, kind: str) -> list[int]:
        """The sizes of the messages of this kind."""
        named = f'"msg_type": "{kind}"'.encode()
        return [len(frame) for frame in self.frames if named in frame[:1000]]

    def wait_for(self, kind: str, page) -> None:
        """Wait until a message of this kind has come, and whatever comes with it."""
        for _ in range(200):
            if self.of(kind):
                break
            page.wait_for_timeout(50)
        page.wait_for_timeout(200)


def text_of(size: int) -> str:
    return (LINE * (size // len(LINE) + 1))[:size]


def at_its_rate(text: str, chunk: int) -> Say:
    """An answer that comes as fast as models write at most."""
    begun: list[float] = []

    def wait(number: int) -> None:
        begun[:] = begun or [time.monotonic()]
        time.sleep(max(0.0, begun[0] + number / RATE - time.monotonic()))

    pieces = [event(text[at : at + chunk]) for at in range(0, len(text), chunk)]
    return Say([*pieces, event("", "STOP")], framing="chunked", before_piece=wait)


def test_an_answer_weighs_little_more_than_its_text(lab, open_notebook, wire):
    frames = Frames(lab.context)
    page = show(open_notebook, wire.url)
    wire.answers(answer("Yes."))
    ask(page, "And?")
    frames.wait_for("update_display_data", page)
    for size, chunk in ((20_000, 20), (200_000, 100)):
        frames.frames.clear()
        wire.answers(at_its_rate(text_of(size), chunk))
        ask(page, "Go.")
        frames.wait_for("update_display_data", page)
        seconds = size / chunk / RATE
        messages = frames.of("comm_msg")
        assert sum(messages) / size <= MOST_OF_TEXT[size]
        assert len(messages) <= 30 * seconds * 1.5 + 10
        # The transcript, which stays where no kernel is, comes once for an answer: as HTML, and as Markdown.
        transcript = frames.of("update_display_data")
        assert len(transcript) == 1
        assert transcript[0] <= 3 * size + 20_000


def test_two_hundred_turns_leave_nothing_behind_when_they_are_gone(lab, open_notebook, wire):
    page = show(open_notebook, wire.url, cells=(COUNT,))
    cdp = page.context.new_cdp_session(page)
    cdp.send("HeapProfiler.enable")
    wire.answers(answer(LINE))

    def held() -> dict[str, int]:
        """What stays when all that is over has been thrown away; some of it goes a little later."""
        found = []
        while len(found) < 2 or (found[-1] < found[-2] and len(found) < 20):
            lab.settle(page)
            cdp.send("HeapProfiler.collectGarbage")
            counted = cdp.send("Memory.getDOMCounters")
            found.append((counted["nodes"], counted["jsEventListeners"], cdp.send("Runtime.getHeapUsage")["usedSize"]))
        return dict(zip(("nodes", "listeners", "heap"), min(found), strict=True))

    def asked(count: int) -> dict[str, int]:
        page.evaluate(ASK, [count, IDLE])
        return held()

    def clear() -> None:
        page.locator(".gm-chat [aria-haspopup=menu]").click()
        page.locator("[role=menuitem]").last.click()
        page.locator(".gm-chat .gmc-danger").click()
        page.wait_for_selector(".gmc-welcome h3")

    kernel = json.loads(page.evaluate(RUN, 1))
    asked(20)
    clear()
    before, half, whole = held(), asked(100), asked(100)
    assert page.locator("article.gmc-answer").count() == 200
    assert whole["heap"] - before["heap"] <= 200 * MOST_OF_TURN
    assert whole["nodes"] - half["nodes"] <= 1.1 * (half["nodes"] - before["nodes"])
    clear()
    after = held()
    assert after["heap"] - before["heap"] <= 2 * MB
    for name in ("nodes", "listeners"):
        assert after[name] - before[name] < 200  # not one for each turn
    in_the_end = json.loads(page.evaluate(RUN, 1))
    assert in_the_end.pop("rss") - kernel.pop("rss") <= 30 * MB
    assert set(in_the_end.values()) == set(kernel.values()) == {0}
