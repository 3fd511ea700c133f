from __future__ import annotations

import asyncio
import contextvars
import functools
import signal
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from gemini_magic._loop import background
from gemini_magic.events import FunctionCall, ToolFinished
from gemini_magic.exceptions import ToolError, ToolLimit
from gemini_magic.tools import Limits, tool
from gemini_magic.tools.runner import Runner
from gemini_magic.tools.tooling import Tooling

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gemini_magic.tools.approval import Leave, Pending

TIMEOUT = 30
WHERE: contextvars.ContextVar[str] = contextvars.ContextVar("WHERE", default="nowhere")


class Person:
    """Somebody who gives these answers, one after the other, and remembers what was asked."""

    def __init__(self, *answers: Leave | BaseException) -> None:
        self.answers = list(answers)
        self.asked: list[Pending] = []

    def ask(self, pending: Pending) -> Leave:
        self.asked.append(pending)
        answer = self.answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Closed until the test ends, so that no function that waits at it outlives the test for long."""
    event = threading.Event()
    yield event
    event.set()


def runner(*tools: Any, approve: Any = "always", approver: Any = None, limits: Limits | None = None) -> Runner:
    tooling = Tooling.of(list(tools), approve=approve, approver=approver)
    return Runner(replace(tooling, limits=limits or Limits()))


def call(name: str, id: str | None = None, **args: Any) -> FunctionCall:  # noqa: A002 - as on the wire
    return FunctionCall(name, args, id)


def stopped(made: Runner, calls: list[FunctionCall], kind: type[BaseException], words: str) -> list[ToolFinished]:
    """The calls that are over when the round ends with an error."""
    finished: list[ToolFinished] = []

    def read() -> None:
        for event in made.run(calls):
            finished.extend([event] if isinstance(event, ToolFinished) else [])

    with pytest.raises(kind, match=words):
        read()
    return finished


def outcomes(made: Runner) -> list[str]:
    return [run.outcome for run in made.runs]


@tool(read_only=True)
def read_only_one() -> int:
    """Reads."""
    return 1


def test_c4_a_function_that_runs_too_long_is_left_behind_and_named(gate):
    ran = threading.Event()

    @tool(seconds=0.02)
    def dawdle() -> str:
        gate.wait(TIMEOUT)
        ran.set()
        return "late"

    made = runner(dawdle, read_only_one)
    list(made.run([call("dawdle"), call("read_only_one")]))
    assert outcomes(made) == ["timeout", "ok"]
    assert "dawdle was still busy after 0.02 seconds" in made.runs[0].error
    assert made.runs[0].response == {"error": made.runs[0].error}
    gate.set()
    assert ran.wait(TIMEOUT)
    assert made.runs[0].outcome == "timeout"


def test_c4_an_async_function_that_runs_too_long_is_cancelled():
    cancelled = threading.Event()

    @tool(seconds=0.02)
    async def dawdle() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    made = runner(dawdle, read_only_one)
    list(made.run([call("dawdle"), call("read_only_one")]))
    assert outcomes(made) == ["timeout", "ok"]
    assert cancelled.wait(TIMEOUT)


def test_an_async_function_that_will_not_be_cancelled_is_late_all_the_same():
    @tool(seconds=0.02)
    async def stubborn() -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "here all the same"
        return ""

    made = runner(stubborn)
    list(made.run([call("stubborn")]))
    assert outcomes(made) == ["timeout"]


def test_c4_when_the_time_of_all_functions_is_up_the_answer_stops(gate):
    def dawdle() -> None:
        gate.wait(TIMEOUT)

    made = runner(dawdle, read_only_one, limits=Limits(seconds=0.02))
    finished = stopped(made, [call("dawdle"), call("read_only_one")], ToolLimit, r"have run for 0\.02 seconds")
    assert outcomes(made) == ["limit", "limit"]
    assert [event.run for event in finished] == made.runs
    stopped(made, [call("read_only_one")], ToolLimit, "have run for")


def test_without_a_limit_it_runs_on_the_thread_that_asks():
    def where() -> str:
        return threading.current_thread().name

    made = runner(tool(where, name="here", seconds=None), tool(where, name="elsewhere"))
    list(made.run([call("here"), call("elsewhere")]))
    assert [run.response["result"] for run in made.runs] == [
        threading.current_thread().name,
        "gemini-magic elsewhere",
    ]


def test_functions_see_the_context_of_the_thread_that_asks():
    def plain() -> str:
        return WHERE.get()

    async def awaited() -> str:
        return WHERE.get()

    token = WHERE.set("in the cell")
    try:
        made = runner(plain, awaited)
        list(made.run([call("plain"), call("awaited")]))
    finally:
        WHERE.reset(token)
    assert [run.response for run in made.runs] == [{"result": "in the cell"}] * 2


def test_async_functions_of_one_answer_run_at_the_same_time_and_end_in_order():
    met: dict[str, asyncio.Event] = {}

    async def meet(me: str, other: str) -> str:
        met.setdefault(me, asyncio.Event()).set()
        await met.setdefault(other, asyncio.Event()).wait()
        return me

    made = runner(meet, read_only_one)
    calls = [call("meet", me="a", other="b"), call("read_only_one"), call("meet", me="b", other="a")]
    finished = [event for event in made.run(calls) if isinstance(event, ToolFinished)]
    assert [event.run.response["result"] for event in finished] == ["a", 1, "b"]
    assert [event.number for event in finished] == [0, 1, 2]
    assert made.runs == [event.run for event in finished]


def test_async_functions_run_on_the_loop_of_the_library():
    async def where() -> str:
        return threading.current_thread().name

    class Caller:
        async def __call__(self) -> str:
            return await where()

    def wrapped() -> Any:
        return where()

    made = runner(where, tool(Caller(), name="caller"), wrapped, tool(functools.partial(where), name="part"))
    list(made.run([call(name) for name in ("where", "caller", "wrapped", "part")]))
    assert [run.response["result"] for run in made.runs] == ["gemini-magic"] * 4


def test_an_async_generator_is_read_up_to_a_limit():
    def numbers() -> Any:
        async def forever() -> Any:
            while True:
                yield 1

        async def begun() -> Any:
            return forever()

        return begun()

    made = runner(numbers)
    list(made.run([call("numbers")]))
    assert len(made.runs[0].response["result"]) == 1001


def test_c5_an_exception_goes_back_without_traceback_folders_and_keys():
    key = "AIza" + "SyD3b7Kq9_Zx2Wv8Lm4Np6Rt1Yc5Gh0Jf-e"

    def fails() -> None:
        raise ValueError(f"no /home/jane/data.csv for {key} " + "z" * 1000)

    made = runner(fails)
    list(made.run([call("fails")]))
    (run,) = made.runs
    said = run.response["error"]
    assert run.outcome == "error"
    assert said.startswith("ValueError: no data.csv for ******** zzz")
    assert len(said) == len("ValueError: ") + 300 + 1
    assert run.error == f"fails failed: {said}"


@pytest.mark.parametrize("kind", [SystemExit, MemoryError])
@pytest.mark.parametrize("way", ["plain", "here", "awaited"])
def test_c5_what_ends_everything_is_no_answer_for_the_model(kind, way):
    def plain() -> None:
        raise kind

    async def awaited() -> None:
        raise kind

    ending = tool(awaited if way == "awaited" else plain, name="ending", seconds=None if way == "here" else 30)
    made = runner(ending, read_only_one)
    calls = [call("read_only_one"), call("ending"), call("ending")]
    finished = stopped(made, calls, ToolError, f"ending ended everything with {kind.__name__}")
    assert outcomes(made)[:2] == ["ok", "error"]
    assert [event.run for event in finished] == made.runs
    assert len(made.runs) == 3
    assert background().alive


@pytest.mark.parametrize("way", ["plain", "here", "awaited"])
def test_c5_an_interrupt_by_a_function_goes_through(way):
    def plain() -> None:
        raise KeyboardInterrupt

    async def awaited() -> None:
        raise KeyboardInterrupt

    ending = tool(awaited if way == "awaited" else plain, name="ending", seconds=None if way == "here" else 30)
    made = runner(ending, read_only_one)
    with pytest.raises(KeyboardInterrupt, match="ending"):
        list(made.run([call("ending")] * 2))
    assert outcomes(made) == ["interrupted", "interrupted"]
    assert background().alive


def test_an_interrupt_while_a_function_runs_goes_out_at_once_and_is_on_record(gate):
    cancelled = threading.Event()

    async def dawdle() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    def busy() -> None:
        interrupt()
        gate.wait(TIMEOUT)

    made = runner(dawdle, busy, read_only_one)
    calls = [call("read_only_one"), call("dawdle"), call("busy"), call("read_only_one")]
    with pytest.raises(KeyboardInterrupt):
        list(made.run(calls))
    assert outcomes(made) == ["ok", "interrupted", "interrupted", "interrupted"]
    assert [run.decision for run in made.runs] == ["always", "always", "always", ""]
    assert cancelled.wait(TIMEOUT)


def interrupt() -> None:
    """What Ctrl-C does to the main thread."""
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)


def test_a_result_that_is_slow_to_write_counts_as_running(gate):
    class Slow:
        def __str__(self) -> str:
            gate.wait(TIMEOUT)
            return "slow"

    def slow() -> Slow:
        return Slow()

    made = runner(tool(slow, seconds=0.02))
    list(made.run([call("slow")]))
    assert outcomes(made) == ["timeout"]


def test_the_time_of_a_person_is_not_that_of_a_function(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    class Slowpoke(Person):
        def ask(self, pending: Pending) -> Leave:
            now[0] += 1_000
            return super().ask(pending)

    def busy() -> None:
        now[0] += 7

    made = runner(tool(busy, seconds=None), approve="ask", approver=Slowpoke("run", "run"))
    list(made.run([call("busy"), call("busy")]))
    assert [(run.outcome, run.seconds) for run in made.runs] == [("ok", 7.0), ("ok", 7.0)]


def test_the_times_of_all_functions_are_summed(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    def busy() -> None:
        now[0] += 60

    made = runner(tool(busy, seconds=None))
    list(made.run([call("busy")]))
    finished = stopped(made, [call("busy"), call("busy")], ToolLimit, "have run for 120 seconds")
    assert [event.run.outcome for event in finished] == ["ok", "limit"]
