"""How much goes over the wire, and how much stays in memory: counted, not timed."""

from __future__ import annotations

import gc
import json
import threading
import weakref

import pytest
from wire_server import Say, answer, event

from gemini_magic.widget.answering import Answering, Order
from gemini_magic.widget.batches import LONGEST, SHORTEST, Batches
from gemini_magic.widget.messages import joined
from gemini_magic.widget.shown import Live
from gemini_magic.widget.views import Known

RATE = 500  # chunks a second


def batches_of(chunks, clock, rate=RATE):
    """The batches that chunks at this rate become."""
    batches, sent = Batches(), []
    for chunk in chunks:
        batches.add({"kind": "text", "text": chunk})
        if not batches.due(clock.monotonic()):
            sent.append(batches.take(clock.monotonic()))
        clock.sleep(1 / rate)
    if batches.waiting:
        sent.append(batches.take(clock.monotonic()))
    return sent


def test_the_first_piece_goes_at_once(clock):
    batches = Batches()
    assert not batches.waiting
    batches.add({"kind": "text", "text": "Bl"})
    assert batches.waiting
    assert batches.due(clock.monotonic()) == 0


def test_five_hundred_chunks_in_a_second_are_few_messages(clock):
    chunks = [f"chunk {number:3}, " for number in range(500)]
    sent = batches_of(chunks, clock)
    assert len(sent) <= 31
    whole = []
    for parts in sent:
        joined(whole, parts)
    assert whole == [{"kind": "text", "text": "".join(chunks)}]


def test_a_slow_answer_is_not_held_back(clock):
    assert len(batches_of(["word "] * 20, clock, rate=10)) == 20


def test_long_answers_go_in_larger_batches():
    batches = Batches()
    batches.add({"kind": "text", "text": "x" * 10_000})
    batches.take(0.0)
    assert batches.due(0.0) == pytest.approx(SHORTEST)
    batches.add({"kind": "text", "text": "x" * 500_000})
    batches.take(1.0)
    assert batches.due(1.0) == pytest.approx(LONGEST)


def test_thoughts_and_text_stay_apart_and_in_order():
    batches = Batches()
    for kind, text in (
        ("thought", "a"),
        ("thought", "b"),
        ("text", "c"),
        ("thought", "d"),
        ("text", "e"),
        ("text", "f"),
    ):
        batches.add({"kind": kind, "text": text})
    kinds = [(part["kind"], part["text"]) for part in batches.take(0.0)]
    assert kinds == [("thought", "ab"), ("text", "c"), ("thought", "d"), ("text", "ef")]


def text_of(size):
    """Prose with some Markdown, as models write it, without anything that JSON has to escape at length."""
    line = "Some **words** about `x = 1` and the like, in a line of usual length.\n"
    return (line * (size // len(line) + 1))[:size]


def weight_of(pane, wire, clock, size, *, chunk, keeps):
    """Bytes to the browser for an answer of so many characters, in chunks at `RATE`."""
    text = text_of(size)
    wire.answers(Say([event(text, "STOP")], framing="chunked"))
    pane.tell("hello", view="v", binary=True, locale="en", keeps=keeps)
    begin = len(pane.came)
    pane.send("Go.")
    # Deltas as they are when the chunks come at their rate, by a clock that waits for nobody; the rest as it came.
    pane.came[begin:] = [one for one in pane.came[begin:] if one["type"] != "delta"]
    chunks = [text[at : at + chunk] for at in range(0, size, chunk)]
    for number, parts in enumerate(batches_of(chunks, clock)):
        pane.came.append({"type": "delta", "seq": 1000 + number, "turn": "a1", "n": number, "parts": parts})
    return pane.weight(begin)


@pytest.mark.parametrize(
    "case",
    [(20_000, 20, True, 4.5), (20_000, 20, False, 4.5), (200_000, 20, True, 1.7), (200_000, 100, True, 1.7)],
)
def test_an_answer_weighs_little_more_than_its_text(pane, wire, clock, case):
    size, chunk, keeps, most = case
    assert weight_of(pane, wire, clock, size, chunk=chunk, keeps=keeps) / size <= most


def test_a_view_that_does_not_keep_gets_the_whole_text(wire, pane):
    wire.answers(answer("x" * 1000))
    pane.tell("hello", view="v", binary=True, locale="en")
    assert pane.send("Go.")["answer"] == [{"kind": "text", "text": "x" * 1000}]


def test_what_was_streamed_is_named_and_not_repeated(wire, pane):
    thought = {"candidates": [{"content": {"role": "model", "parts": [{"text": "y" * 300, "thought": True}]}}]}
    wire.answers(
        Say([b"data: " + json.dumps(thought).encode() + b"\r\n\r\n", event("x" * 1000, "STOP")], framing="chunked")
    )
    pane.tell("hello", view="v", binary=True, locale="en", keeps=True)
    view = pane.send("Go.")
    assert [(part["kind"], part["kept"]) for part in view["answer"]] == [("thought", 0), ("text", 1)]
    assert all("text" not in part for part in view["answer"])
    assert [len(part["text"]) for part in pane.state["turns"][0]["answer"]] == [300, 1000]


def test_a_short_answer_is_repeated_in_full(wire, pane):
    wire.answers(answer("Yes."))
    pane.tell("hello", view="v", binary=True, locale="en", keeps=True)
    assert pane.send("Go.")["answer"] == [{"kind": "text", "text": "Yes."}]


def there_are(kind: type) -> int:
    return sum(type(one) is kind for one in gc.get_objects())


def test_two_hundred_answers_leave_nothing_behind_but_the_last(wire, pane, chat):
    wire.answers(answer("Yes."))
    gc.collect()
    before = there_are(Answering)  # of panes of other tests
    turn = pane.send("Go.", ("a.pdf", b"%PDF-1.7 x"))["turn"]
    for _ in range(200):
        begin = len(pane.came)
        pane.tell("retry", turn=turn)
        pane.idle(begin)
        turn = pane.of("done", begin)[0]["turn"]
        del pane.came[:], pane.buffers[:]
    assert (len(chat), len(pane.engine.views), len(pane.engine.blobs)) == (1, 1, 1)
    gc.collect()
    assert max(map(there_are, (Live, Order, Known))) < 50  # threads hold their last ones a while
    assert there_are(Answering) - before <= 1


def test_a_pane_that_is_closed_ends_its_threads_and_says_nothing_more(wire, pane, threads_end):
    wire.answers(Say([event("Bl")], framing="chunked", ending="hang"))
    pane.tell("send", id="x", text="Go.", attachments=[])
    pane.wait_for("delta")
    pane.close()
    assert wire.closed_by_client.wait(10)
    assert threads_end()
    count = len(pane.came)
    pane.tell("hello", view="v")
    pane.tell("send", id="y", text="Go on.", attachments=[])
    assert len(pane.came) == count


def test_a_pane_that_is_forgotten_ends_its_threads(wire, chat, new_pane, threads_end):
    from gemini_magic.widget.engine import Engine  # noqa: PLC0415 - one that no fixture keeps

    wire.answers(Say([event("Bl")], framing="chunked", ending="hang"))
    begun = threading.Event()

    def send(message, _):
        if message["type"] == "delta":
            begun.set()

    engine = Engine(chat, send)
    engine.receive({"type": "send", "id": "x", "text": "Go.", "attachments": []}, [])
    assert begun.wait(10)
    gone = weakref.ref(engine)
    del engine
    gc.collect()
    assert wire.closed_by_client.wait(10)
    assert threads_end()
    assert gone() is None
    assert chat.turns[0].status == "interrupted"
    assert new_pane(chat).state["turns"][0]["status"] == "interrupted"
