"""Cells that ask for data, in a real kernel: stopped, killed and gone on with, nothing lost and nothing paid twice."""

from __future__ import annotations

import threading

import pytest
from wire_server import Say, event, unary

pytestmark = pytest.mark.kernel

ROWS = 40
TEXTS = f"['row %03d' % n for n in range({ROWS})]"
FRAME = f"import pandas as pd\nframe = pd.DataFrame({{'text': {TEXTS}}}, index=range(100, {100 + ROWS}))"
CELL = "%%gemini --each frame.text --schema 'number int' --df out --workers 4 --store {store}{more}\nWhich number?"


class Answering:
    """Answers each row with its number, and from a certain row on waits at a gate."""

    def __init__(self, upto=ROWS):
        self.upto = upto
        self.asked = []
        self.reached = threading.Event()
        self.open = threading.Event()

    def __call__(self, seen):
        text = " ".join(part["text"] for part in seen.json()["contents"][-1]["parts"])
        number = int(text.partition("row ")[2][:3])
        self.asked.append(number)
        if number >= self.upto:
            self.reached.set()
            self.open.wait(20)
        return unary(f'{{"number": {number}}}')


@pytest.fixture
def gate(kernel):
    gates = []

    def answer_upto(upto=ROWS):
        gates.append(Answering(upto))
        kernel.gateway.answers(gates[-1])
        return gates[-1]

    yield answer_upto
    for gate in gates:
        gate.open.set()


def _numbers(kernel):
    return kernel.value("[None if pd.isna(n) else int(n) for n in out['number']]")


@pytest.mark.parametrize("ending", [[event('[{"city": "Rom"}, {"ci')], []], ids=["in the middle", "before a byte"])
def test_an_interrupt_ends_a_cell_that_asks_for_data(kernel, ending):
    asked = threading.Event()

    def answering(seen):
        del seen
        asked.set()
        return Say(ending, framing="chunked", ending="hang") if ending else Say(status=None, ending="hang")

    kernel.gateway.answers(answering)
    cell = kernel.start("%%gemini --schema 'city str' --list --df cities\nWhich cities?")
    assert asked.wait(60)
    if ending:
        kernel.wait_for(cell, "Rom")
    stopped = kernel.stop(cell)
    assert (stopped.status, stopped.reply["content"]["ename"]) == ("error", "Stopped")
    assert kernel.gateway.closed_by_client.wait(5)
    assert kernel.value("'cities' in globals()") is False


def test_an_interrupted_batch_keeps_its_answers_and_is_gone_on_with(kernel, gate):
    gates = gate(upto=10)
    kernel.run(FRAME)
    cell = kernel.start(CELL.format(store="stopped.db", more=""))
    assert gates.reached.wait(30)
    stopped = kernel.stop(cell)
    assert stopped.reply["content"]["ename"] == "Interrupted"
    assert "\n" not in stopped.error
    kept = [number for number in _numbers(kernel) if number is not None]
    assert kept == list(range(len(kept)))
    assert kernel.value("list(out.index)") == list(range(100, 100 + ROWS))
    gates.open.set()

    again = gate()
    assert kernel.run(CELL.format(store="stopped.db", more="")).status == "ok"
    assert _numbers(kernel) == list(range(ROWS))
    assert sorted(again.asked) == [number for number in range(ROWS) if number not in kept]


def test_a_stopped_job_keeps_the_rows_it_has(kernel, gate):
    gates = gate(upto=12)
    kernel.run(FRAME)
    started = kernel.run(CELL.format(store="job.db", more=" --bg -o job"))
    assert started.status == "ok", started.error
    assert gates.reached.wait(30)
    assert kernel.run("%gemini stop").status == "ok"
    kernel.run("try: job.result(20)\nexcept Exception as error: said = str(error)")
    assert kernel.value("[job.status, said]") == ["stopped", "Job 1 was stopped. What had come stands below its cell."]
    kept = [number for number in _numbers(kernel) if number is not None]
    assert kept == list(range(len(kept)))
    assert kept


def test_a_killed_kernel_loses_no_answer_and_pays_for_none_again(new_kernel, gate, tmp_path):
    gates = gate(upto=15)
    store = tmp_path / "killed.db"
    victim = new_kernel()
    victim.run("%load_ext gemini_magic")
    victim.run(FRAME)
    victim.start(CELL.format(store=store, more=""))
    assert gates.reached.wait(30)
    victim.manager.signal_kernel(9)
    gates.open.set()

    heir = new_kernel()
    heir.run("%load_ext gemini_magic")
    heir.run(FRAME)
    again = gate()
    cell = heir.run(CELL.format(store=store, more=""))
    assert cell.status == "ok", cell.error
    assert _numbers(heir) == list(range(ROWS))
    paid = gates.asked + again.asked
    assert len(paid) - ROWS <= 4  # as many as were under way when it died


def test_without_retries_a_cell_asks_once_for_a_row(kernel):
    kernel.gateway.answers(Say(status=503))
    kernel.run("import pandas as pd\nframe = pd.DataFrame({'text': ['row 000']})")
    kernel.run(CELL.format(store="once.db", more=" --retries 0"))
    assert len(kernel.gateway.seen) == 1
    assert kernel.value("_gemini.errors['attempts'].tolist()") == [1]
