from __future__ import annotations

import asyncio
import threading

import pytest
from wire_server import Say, answer, error, event

from gemini_magic import GeminiMagicError, InputError
from gemini_magic.chat import KERNEL as CHATS
from gemini_magic.exceptions import NotFound
from gemini_magic.magics import jobs


@pytest.fixture(autouse=True)
def no_jobs_before():
    yield
    for job in jobs.KERNEL.stop():
        with pytest.raises(GeminiMagicError):
            job.result(10)
    jobs.KERNEL.__init__()


class Gate:
    """An answer that stops after its first word until it is let through."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.open = threading.Event()

    def say(self, _seen=None) -> Say:
        return Say([event("Half. "), event("Whole.", "STOP")], framing="chunked", before_piece=self._before)

    def _before(self, number: int) -> None:
        if number:
            self.reached.set()
            self.open.wait(20)


def test_a_job_answers_while_other_cells_run(notebook):
    gate = Gate()
    notebook.wire.answers(gate.say(), answer("At once."))
    notebook.run("job = %gemini --bg --no-history Take your time.")
    assert gate.reached.wait(10)
    assert notebook["job"].status == "running"
    notebook.run("quick = %gemini --no-history Now?")
    assert notebook["quick"].text == "At once."
    gate.open.set()
    assert notebook["job"].result(10).text == "Half. Whole."
    assert notebook["job"].status == "done"
    assert notebook["job"].reply is notebook["job"].result()


def test_a_job_can_be_awaited(notebook):
    notebook.run("job = %gemini --bg Name a colour.")

    async def wait():
        return await notebook["job"]

    assert asyncio.run(wait()).text == "Yes."


def test_a_job_binds_its_names(notebook):
    notebook.run("%%gemini --bg -o later\nName a colour.")
    assert notebook["later"].result(10).text == "Yes."
    assert notebook["_gemini"].text == "Yes."
    notebook.run("%%gemini --bg only <<\nName a colour.")
    assert notebook["only"].result(10).text == "Yes."


def test_stop_ends_a_job_and_keeps_what_came(notebook, capsys):
    gate = Gate()
    notebook.wire.answers(gate.say())
    notebook.run("job = %gemini --bg Take your time.")
    assert gate.reached.wait(10)
    notebook.run("%gemini stop 1")
    assert "Stopping job 1" in capsys.readouterr().out
    with pytest.raises(GeminiMagicError, match="Job 1 was stopped") as caught:
        notebook["job"].result(10)
    assert caught.value.partial.text == "Half. "
    assert notebook["job"].status == "stopped"
    assert CHATS.find("main").turns[-1].status == "interrupted"
    gate.open.set()
    assert notebook.wire.closed_by_client.wait(5)


def test_what_goes_wrong_is_raised_where_the_result_is_asked_for(notebook):
    notebook.wire.answers(error(404, "no such model", "NOT_FOUND"))
    notebook.run("job = %gemini --bg --retries 0 Hello")
    with pytest.raises(NotFound, match="no such model"):
        notebook["job"].result(10)
    assert notebook["job"].status == "failed"


def test_jobs_of_a_conversation_run_in_their_order(notebook):
    gate = Gate()
    notebook.wire.answers(gate.say(), answer("Two."))
    notebook.run("one = %gemini --bg First\ntwo = %gemini --bg Second")
    assert gate.reached.wait(10)
    assert notebook["two"].status == "waiting"
    gate.open.set()
    assert notebook["two"].result(10).text == "Two."
    assert [turn.prompt for turn in CHATS.find("main").turns] == ["First", "Second"]
    assert len(notebook.body["contents"]) == 3


def test_a_job_that_waits_is_stopped_before_it_begins(notebook):
    gate = Gate()
    notebook.wire.answers(gate.say())
    notebook.run("one = %gemini --bg First\ntwo = %gemini --bg Second")
    assert gate.reached.wait(10)
    assert notebook["two"].cancel()
    gate.open.set()
    assert notebook["one"].result(10).text == "Half. Whole."
    with pytest.raises(GeminiMagicError, match="stopped"):
        notebook["two"].result(10)
    assert len(notebook.wire.seen) == 1


def test_jobs_are_listed(notebook, capsys):
    notebook.run("%gemini jobs")
    assert "Nothing runs in the background" in capsys.readouterr().out
    notebook.run("job = %gemini --bg Name a colour.")
    notebook["job"].result(10)
    notebook.run("%gemini jobs")
    shown = capsys.readouterr().out
    assert "Name a colour." in shown
    assert "done" in shown
    assert repr(notebook["job"]) == "<Job 1, done: 'Name a colour.'>"


def test_a_number_that_no_job_has_is_named(notebook):
    with pytest.raises(InputError, match="There is no job 7"):
        notebook.run("%gemini stop 7")


def test_nothing_to_stop_is_said(notebook, capsys):
    notebook.run("%gemini stop")
    assert "No job is under way" in capsys.readouterr().out


def test_bad_input_stops_the_cell_and_starts_no_job(notebook):
    with pytest.raises(InputError, match="missing"):
        notebook.run("%%gemini --bg\n{{missing}}")
    assert jobs.KERNEL.jobs == ()
    assert notebook.wire.seen == []
