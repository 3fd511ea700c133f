from __future__ import annotations

import functools
from typing import Any, Literal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gemini_magic.events import FunctionCall, ToolFinished
from gemini_magic.exceptions import ToolLimit
from gemini_magic.tools import Limits, Tool, tool
from gemini_magic.tools.approval import NobodyAnswers
from gemini_magic.tools.runner import Runner, results
from gemini_magic.tools.toolbox import Toolbox
from gemini_magic.tools.tooling import Tooling

RAN: list[tuple[str, tuple[Any, ...]]] = []


def weather(city: str, days: int = 1) -> str:
    RAN.append(("weather", (city, days)))
    return city


def paint(colour: Literal["red", "blue"], *, strength: float) -> list[Any]:
    RAN.append(("paint", (colour, strength)))
    return [colour, strength]


async def count(items: list[int]) -> int:
    RAN.append(("count", (items,)))
    return len(items)


def fail() -> None:
    RAN.append(("fail", ()))
    raise ValueError("as it does")


def forbidden(city: str = "") -> None:
    raise AssertionError(f"never offered, and called with {city}")


ALLOWED = {"weather": weather, "paint": paint, "count": count, "fail": fail}
VALID: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "weather": st.fixed_dictionaries({"city": st.text(max_size=5)}, optional={"days": st.integers(-9, 9)}),
    "paint": st.fixed_dictionaries({"colour": st.sampled_from(["red", "blue"]), "strength": st.floats(0, 1)}),
    "count": st.fixed_dictionaries({"items": st.lists(st.integers(-9, 9), max_size=3)}),
    "fail": st.just({}),
}
JUNK_NAMES = st.sampled_from(
    ["forbidden", "Weather", "weather ", "wеather", "weather.__call__", "os.system", "eval", "paint()", "RAN", ""]  # noqa: RUF001
) | st.text(max_size=12)
HUGE = "x" * 1_100_000
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)
WRONG = st.dictionaries(st.sampled_from(["city", "days", "colour", "strength", "items", "x"]), JUNK, max_size=3)
TOO_MUCH: dict[str, Any] = {"weather": {"city": HUGE}, "count": {"items": [HUGE]}}


@st.composite
def a_call(draw: st.DrawFn) -> FunctionCall:
    kind = draw(st.integers(0, 99))
    name = draw(JUNK_NAMES if kind % 5 == 1 else st.sampled_from([*ALLOWED]))
    args = draw(VALID.get(name, WRONG) if kind < 65 else WRONG)  # 65 in 100 fit
    return FunctionCall(name, TOO_MUCH.get(name, args) if kind == 99 else args, draw(st.none() | st.text(max_size=3)))


class Person:
    def __init__(self, answers: list[str]) -> None:
        self.answers = answers
        self.leave: list[tuple[str, str]] = []

    def ask(self, pending: Any) -> Any:
        answer = self.answers[len(self.leave) % len(self.answers)]
        self.leave.append((pending.name, answer))
        if answer == "nobody":
            raise NobodyAnswers("Nobody.")
        return answer


RULES = st.sampled_from([None, None, None, "ask", "always", "never"])
ANSWERS = st.lists(st.sampled_from(["run", "all", "deny", "nobody", "huh"]), min_size=1, max_size=6)


@settings(max_examples=2_000, suppress_health_check=[HealthCheck.too_slow, HealthCheck.large_base_example])
@given(
    rounds=st.lists(st.lists(a_call(), min_size=1, max_size=4), min_size=1, max_size=4),
    approve=st.sampled_from(["ask", "ask", "ask", "always", "never"]),
    marks=st.fixed_dictionaries({name: st.tuples(st.booleans(), RULES) for name in ALLOWED}),
    left_out=st.sets(st.sampled_from([*ALLOWED]), max_size=2),
    answers=ANSWERS,
)
def test_z16_only_what_was_given_runs_with_checked_arguments_and_leave_and_once(
    rounds, approve, marks, left_out, answers
):
    RAN.clear()
    offered = ALLOWED.keys() - left_out
    person = Person(answers)
    toolbox = Toolbox.of([marked(name, *marks[name]) for name in sorted(offered)])
    runner = Runner(Tooling(toolbox, approve, person, Limits(calls=12)))
    finished: list[ToolFinished] = []
    asked = [made for calls in rounds if (made := play(runner, calls, finished))]

    sent = [call for calls in asked for call in calls]
    runs = runner.runs
    assert [(run.name, run.args, run.id) for run in runs] == [(call.name, call.args, call.id) for call in sent]
    assert [(event.run, event.number) for event in finished] == [(run, place) for place, run in enumerate(runs)]
    assert results(runs).parts is not None
    assert len(results(runs).parts or ()) == len(sent)

    carried = [run for run in runs if run.outcome in {"ok", "error"}]
    assert sorted(map(repr, RAN)) == sorted(repr(expected(run.name, run.args)) for run in carried)
    for run in carried:
        assert run.name in offered
        rule = marks[run.name][1] or approve
        assert "never" not in {rule, approve}
        free = "always" if rule == "always" else "read_only" if marks[run.name][0] else ""
        assert run.decision in ({free} if free else {"run", "all"})
    allowed = [run for run in carried if run.decision == "run"]
    assert len(allowed) == sum(answer == "run" for _, answer in person.leave)
    for run in runs:
        assert (run.outcome == "unknown") == (run.name not in offered and run.outcome != "limit")
        assert ("error" in run.response) == (run.outcome != "ok")


@functools.cache
def marked(name: str, read_only: bool, approve: Any) -> Tool:
    return tool(ALLOWED[name], read_only=read_only, approve=approve)


def play(runner: Runner, calls: list[FunctionCall], finished: list[ToolFinished]) -> list[FunctionCall]:
    """One round; the calls of it are those that are on record, whether or not they were too many."""
    before = len(RAN)
    try:
        finished.extend(event for event in runner.run(calls) if isinstance(event, ToolFinished))
    except ToolLimit:
        finished.extend(ToolFinished(run, place) for place, run in enumerate(runner.runs) if place >= len(finished))
        assert len(RAN) == before
    return calls


def expected(name: str, args: dict[str, Any]) -> tuple[str, tuple[Any, ...]]:
    """The one call of a function that these arguments are."""
    match name:
        case "weather":
            return name, (args["city"], args.get("days", 1))
        case "paint":
            return name, (args["colour"], args["strength"])
        case "count":
            return name, (args["items"],)
        case _:
            return name, ()
