"""Stop, pressed while an answer comes: at once, with nothing lost and nothing left open."""

from __future__ import annotations

import threading
from itertools import repeat

import psutil
import pytest
from wire_server import Say, answer, event

pytestmark = pytest.mark.kernel

SOON = 5.0  # seconds
STALLED = Say([event("Half an **answer**")], framing="chunked", ending="hang")
SILENT = Say(status=None, ending="hang")
ENDLESS = Say(repeat(event("again and again ")), framing="chunked")


def stop(kernel, source, said, words):
    """Run a cell, and interrupt it when it has shown these words; without words, when the server has its request."""
    asked = threading.Event()

    def answering(seen):
        del seen
        asked.set()
        return said

    kernel.gateway.closed_by_client.clear()
    kernel.gateway.answers(answering)
    message_id = kernel.start(source)
    if words:
        kernel.wait_for(message_id, words)
    else:
        assert asked.wait(60)
    cell = kernel.stop(message_id)
    assert kernel.gateway.closed_by_client.wait(SOON)
    return cell


def test_an_interrupt_ends_the_cell_and_closes_the_connection(kernel):
    cell = stop(kernel, "%%gemini\nwhy", STALLED, "Half")
    assert (cell.status, cell.reply["content"]["ename"]) == ("error", "Stopped")
    assert cell.error.startswith("Stopped: ")
    assert "\n" not in cell.error
    assert kernel.sockets() == []


def test_what_had_come_is_kept_and_marked(kernel):
    cell = stop(kernel, "%%gemini -o kept\nwhy", STALLED, "Half")
    answers = [one["data"] for one in cell.outputs if "data" in one]
    assert len(answers) == 1
    assert answers[0]["text/plain"].startswith("Half an **answer**")
    assert "Stopped" in answers[0]["text/plain"]
    assert "<strong>answer</strong>" in answers[0]["text/html"]
    assert kernel.value("[_gemini.text, _gemini.status, kept is _gemini]") == [
        "Half an **answer**",
        "interrupted",
        True,
    ]


def test_the_interrupted_turn_is_seen_and_not_sent_again(kernel):
    kernel.run("%gemini --new --chat stop one")
    stop(kernel, "%gemini --chat stop two", STALLED, "Half")
    kernel.gateway.answers(answer("Good."))
    kernel.run("%gemini --chat stop three")
    said = [content["parts"][0]["text"] for content in kernel.gateway.seen[-1].json()["contents"]]
    assert said == ["one", "Yes.", "three"]
    turns = "[turn.status for turn in __import__('gemini_magic').chat.KERNEL.find('stop').turns]"
    assert kernel.value(turns) == ["ok", "interrupted", "ok"]


@pytest.mark.parametrize(
    ("source", "said", "words"),
    [
        ("%%gemini\nwhy", SILENT, ""),
        ("%%gemini\nwhy", ENDLESS, "again"),
        ("%gemini --no-stream why", SILENT, ""),
        ("%gemini --no-stream why", STALLED, ""),
        ("%gemini models", SILENT, ""),
        ("x = %gemini -q why", STALLED, ""),
        ("import gemini_magic as gm\ngm.connect().generate('why')", SILENT, ""),
    ],
)
def test_whatever_the_kernel_waits_for_an_interrupt_ends_it(kernel, source, said, words):
    cell = stop(kernel, source, said, words)
    assert cell.status == "error"
    assert cell.reply["content"]["ename"] in {"Stopped", "KeyboardInterrupt"}
    assert kernel.sockets() == []


def test_an_interrupt_stops_running_all_cells(kernel):
    kernel.gateway.answers(STALLED)
    cells = [kernel.start("%%gemini\nwhy"), kernel.start("%gemini two")]
    kernel.wait_for(cells[0], "Half")
    assert [kernel.stop(cells[0]).status, kernel.finish(cells[1]).status] == ["error", "aborted"]


def test_after_a_hundred_interrupts_all_is_as_before(kernel):
    kernel.run("import threading\n%gemini warm")
    # ZeroMQ has a thread of its own from the first large message on.
    threads = "sorted(t.name for t in threading.enumerate() if not type(t).__module__.startswith('zmq'))"
    before = kernel.value(threads)
    for number in range(100):
        said, words = ((STALLED, "Half"), (SILENT, ""), (ENDLESS, "again"))[number % 3]
        cell = stop(kernel, f"%%gemini --chat {number}\nwhy", said, words)
        assert cell.reply["content"]["ename"] == "Stopped", number
    assert kernel.sockets() == []
    kernel.gateway.answers(answer("Good."))
    cell = kernel.run("%%gemini\nwhy")
    assert (cell.status, cell.text.splitlines()[0]) == ("ok", "Good.")
    assert kernel.sockets() == [psutil.CONN_ESTABLISHED]
    assert kernel.value(threads) == before
