"""Answers in the background, in a real kernel: each in its own cell, the kernel free meanwhile."""

from __future__ import annotations

import threading

import pytest
from wire_server import Say, event

pytestmark = pytest.mark.kernel


class Gates:
    """Answers that say who asked, and wait at a gate of their own."""

    def __init__(self, names):
        self.reached = {name: threading.Event() for name in names}
        self.open = {name: threading.Event() for name in names}

    def __call__(self, seen):
        name = seen.json()["contents"][-1]["parts"][0]["text"]

        def wait(number):
            if number:
                self.reached[name].set()
                self.open[name].wait(20)

        return Say([event(f"{name} begins, "), event(f"{name} ends.", "STOP")], framing="chunked", before_piece=wait)


@pytest.fixture
def gates(kernel):
    gates = Gates(("one", "two"))
    kernel.gateway.answers(gates)
    yield gates
    for gate in gates.open.values():
        gate.set()


def _shown_later(kernel, message_id, words):
    """The message that shows these words below the cell that had been left long before."""
    messages = []
    kernel._read(message_id, lambda message: words in str(message["content"]), messages)
    return messages[-1]


def test_two_jobs_stream_into_their_own_cells_while_a_third_runs(kernel, gates):
    first = kernel.start("%%gemini --bg --no-history -o one\none", "cell-a")
    assert kernel.finish(first).status == "ok"
    second = kernel.start("%%gemini --bg --no-history -o two\ntwo", "cell-b")
    assert kernel.finish(second).status == "ok"
    assert gates.reached["one"].wait(10)
    assert gates.reached["two"].wait(10)
    assert kernel.value("[one.status, two.status]") == ["running", "running"]
    gates.open["two"].set()
    late = _shown_later(kernel, second, "two begins, two ends.")
    assert late["msg_type"] == "update_display_data"
    gates.open["one"].set()
    late = _shown_later(kernel, first, "one begins, one ends.")
    assert late["parent_header"]["msg_id"] == first
    assert kernel.value("[(await job).text for job in (one, two)]") == [
        "one begins, one ends.",
        "two begins, two ends.",
    ]


def test_a_stopped_job_keeps_what_came_below_its_cell(kernel, gates):
    cell = kernel.start("%%gemini --bg --no-history -o job\none", "cell-c")
    assert kernel.finish(cell).status == "ok"
    assert gates.reached["one"].wait(10)
    assert kernel.run("%gemini stop").status == "ok"
    late = _shown_later(kernel, cell, "Stopped: ")
    assert "one begins," in str(late["content"])
    assert kernel.value("job.status") == "stopped"
