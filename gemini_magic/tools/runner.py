"""Carries out what the model asks for: only functions that were given for this question, with leave, within limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from gemini_magic.events import ToolFinished, ToolRun, ToolStarted
from gemini_magic.exceptions import ToolError, ToolLimit
from gemini_magic.tools.approval import NobodyAnswers, Pending
from gemini_magic.tools.carry import Carried, Ended
from gemini_magic.tools.results import failed, results
from gemini_magic.tools.typed import TypedApprover, harmless

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence
    from concurrent.futures import Future
    from typing import Any

    from gemini_magic.events import Decision, FunctionCall, Outcome
    from gemini_magic.tools.approval import Approver
    from gemini_magic.tools.function import Tool
    from gemini_magic.tools.results import Given
    from gemini_magic.tools.tooling import Tooling

__all__ = ["Runner", "results"]

Event: TypeAlias = "ToolStarted | ToolFinished"
_LONGEST_NAME = 80
_MOST_NAMES = 40
_WAY_OUT = (
    'Let it run with approve="always" (--approve always in a cell), or mark it with @gm.tool(read_only=True) if it '
    "changes nothing."
)


@dataclass
class _Turn:
    """A call on its way through the runner."""

    call: FunctionCall
    number: int
    behind: int
    decision: Decision = ""
    carried: Carried | None = None
    future: Future[Any] | None = None
    run: ToolRun | None = None
    stop: BaseException | None = None

    def end(self, outcome: Outcome, words: str, told: str = "") -> None:
        """It gave nothing.

        Args:
            outcome: What came of it.
            words: Why, for the person.
            told: Why, for the model; the same when empty.
        """
        self._record(outcome, failed(told or words), words, self.carried.seconds if self.carried else 0.0)

    def ended(self, ended: Ended, limit: ToolLimit) -> None:
        """It was carried out.

        Args:
            ended: How.
            limit: What is raised when its time was up because that of all functions was.
        """
        name = self.call.name
        if ended.given is not None:
            self._record("ok", ended.given, "", ended.seconds)
        elif ended.stop is not None:
            self._stopped(ended.stop)
        elif ended.late:
            self._late(limit)
        else:
            self.end("error", f"{name} failed: {ended.fault}", ended.fault)

    def _late(self, limit: ToolLimit) -> None:
        tool, busy = self.carried.tool if self.carried else None, "and what it gives later is thrown away"
        if tool and tool.seconds and self.carried and self.carried.limit == tool.seconds:
            self.end("timeout", f"{tool.name} was still busy after {tool.seconds:g} seconds, {busy}.")
        else:
            self.end("limit", f"{self.call.name} was still busy when the time of all functions was up, {busy}.")
            self.stop = limit

    def _stopped(self, error: BaseException) -> None:
        words = f"{self.call.name} ended everything with {type(error).__name__}"
        if isinstance(error, KeyboardInterrupt):
            self.end("interrupted", f"{words}.")
            self.stop = KeyboardInterrupt(f"{words}.")
        else:
            self.end("error", f"{words}.")
            self.stop = ToolError(f"{words}, which no model can do anything about; the answer was stopped.")

    def _record(self, outcome: Outcome, given: Given, error: str, seconds: float) -> None:
        call, (response, media, size) = self.call, given
        self.run = ToolRun(call.name, call.args, call.id, outcome, self.decision, response, media, error, seconds, size)


class Runner:
    """Carries out the calls of one question.

    A function is looked up among those of the toolbox by its exact name, and nowhere else. Python has no way to end
    a thread: a plain function that is still busy when its time is up is left behind, its result is thrown away, and
    the run names it.

    Args:
        tooling: What may be called, who is asked, and how much may be done.
        media: Whether the model takes pictures and documents in the results of functions.
        stopped: Whether somebody has asked for the end, where that comes as no interrupt.

    Attributes:
        runs: All calls so far and what came of each, in the order in which the model asked for them.
    """

    def __init__(self, tooling: Tooling, *, media: bool = False, stopped: Callable[[], bool] = bool) -> None:
        self.runs: list[ToolRun] = []
        self._functions = tooling.toolbox.functions
        self._rule = tooling.approve
        self._approver: Approver = tooling.approver or TypedApprover()
        self._limits = tooling.limits
        self._media = media
        self._stopped = stopped
        self._trusted: set[str] = set()
        self._rounds = 0
        self._spent = 0.0

    def run(self, calls: Sequence[FunctionCall]) -> Iterator[Event]:
        """Carry out the calls of one answer.

        Async functions of one answer run at the same time, all others one after the other; each call gives one
        `ToolFinished`, in the order of the calls.

        Args:
            calls: What the model asks for.

        Yields:
            `ToolStarted` where a person is asked and where a function begins, `ToolFinished` for each call.

        Raises:
            ToolLimit: There were enough rounds or calls before this one, and nothing of it ran; or time is up.
            ToolError: A function raised `SystemExit` or `MemoryError`, which end the answer.
            KeyboardInterrupt: The person has stopped the answer, or a function raised it.
        """
        count, before = len(calls), len(self.runs)
        turns = [_Turn(call, before + place, count - place - 1) for place, call in enumerate(calls)]
        try:
            self._check_round(count)
            for turn in turns:
                yield from self._begin(turn)
                yield from self._finished(turns[len(self.runs) - before :], wait=False)
            yield from self._finished(turns[len(self.runs) - before :], wait=True)
        except ToolError as error:
            outcome: Outcome = "limit" if isinstance(error, ToolLimit) else "interrupted"
            yield from self._left(turns[len(self.runs) - before :], outcome, error.message)
            raise
        finally:  # nothing is left when all went well
            words = "It was stopped before it ended."
            for _ in self._left(turns[len(self.runs) - before :], "interrupted", words):
                pass

    def _check_round(self, count: int) -> None:
        """Refuse a round that would be one too many, before anything in it runs."""
        self._rounds += bool(count)
        if self._rounds > self._limits.rounds:
            raise ToolLimit(
                f"The model asked for functions in more than {self._limits.rounds} rounds, and was stopped.",
                hint=f"Allow more with max_steps={self._limits.rounds * 2} (--max-steps in a cell), "
                "or ask for less at a time.",
            )
        if len(self.runs) + count > self._limits.calls:
            raise ToolLimit(
                f"The model asked for more than {self._limits.calls} calls of functions, and was stopped.",
                hint="Ask for less at a time, or give it a function that does more in one call.",
            )

    def _no_time(self) -> ToolLimit:
        return ToolLimit(
            f"The functions of this answer have run for {self._limits.seconds:g} seconds, which is the limit.",
            hint="Ask for less at a time, or run what takes long beforehand and give the result.",
        )

    def _begin(self, turn: _Turn) -> Iterator[Event]:
        """Check a call, ask for leave, and carry it out; an async function is only started."""
        call = turn.call
        tool = self._functions.get(call.name)
        if tool is None:
            turn.end("unknown", *self._unknown(call.name))
            return
        try:
            bound = tool.bind(call.args)
        except ToolError as error:
            turn.end("invalid", str(error))
            return
        if not (yield from self._has_leave(turn, tool)):
            return
        left = self._limits.seconds - self._spent
        if left <= 0:
            raise self._no_time()
        yield ToolStarted(call, turn.number)
        limit = left if tool.seconds is None else min(tool.seconds, left)
        carried = turn.carried = Carried(tool, bound, self._media, limit, self._stopped)
        if carried.is_async:
            turn.future = carried.begun()
        else:
            turn.ended(carried.here(), self._no_time())
        if turn.stop is not None:
            raise turn.stop

    def _unknown(self, name: str) -> tuple[str, str]:
        """For the person, and for the model."""
        shown = harmless(name[:_LONGEST_NAME])
        names = [*self._functions]
        more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
        there = f"there are: {', '.join(names[:_MOST_NAMES])}{more}" if names else "there are none"
        return f"The model asked for {shown}, which is no function of this question.", (
            f"There is no function {shown}; {there}."
        )

    def _has_leave(self, turn: _Turn, tool: Tool) -> Generator[Event, None, bool]:
        rule = "never" if self._rule == "never" else tool.approve or self._rule
        if rule != "ask":
            turn.decision = "never" if rule == "never" else "always"
        elif tool.read_only:
            turn.decision = "read_only"
        elif tool.name in self._trusted:
            turn.decision = "all"
        else:
            yield ToolStarted(turn.call, turn.number, waits=True)
            self._ask(turn, tool)
        if turn.run is None and turn.decision in {"deny", "never"}:
            why = 'approve="never"' if turn.decision == "never" else "leave was not given"
            told = f"{tool.name} was not allowed to run. Do without it, or say what you need it for."
            turn.end("denied", f"{tool.name} did not run: {why}.", told)
        return turn.run is None

    def _ask(self, turn: _Turn, tool: Tool) -> None:
        number, line = turn.number, next(iter(tool.description.strip().splitlines()), "")
        try:
            leave = self._approver.ask(Pending(tool.name, turn.call.args, line, number, turn.behind))
        except NobodyAnswers as error:
            turn.decision = "nobody"
            told = f"{tool.name} was not allowed to run: nobody could be asked for leave."
            turn.end("denied", f"{error.message} {_WAY_OUT}", told)
            return
        turn.decision = leave if leave in {"run", "all"} else "deny"
        if leave == "all":
            self._trusted.add(tool.name)

    def _finished(self, turns: list[_Turn], *, wait: bool) -> Iterator[Event]:
        """Put on record what has ended, up to the first call that has not, or is not waited for."""
        for turn in turns:
            if turn.run is None and turn.carried and turn.future and (wait or turn.future.done()):
                turn.ended(turn.carried.collected(turn.future), self._no_time())
            if turn.run is None:
                return
            yield self._recorded(turn, turn.run)
            if turn.stop is not None:
                raise turn.stop

    def _recorded(self, turn: _Turn, run: ToolRun) -> ToolFinished:
        self.runs.append(run)
        self._spent += run.seconds
        return ToolFinished(run, turn.number)

    def _left(self, turns: list[_Turn], outcome: Outcome, words: str) -> Iterator[Event]:
        """Put on record what did not come to its end; what is awaited is cancelled."""
        for turn in turns:
            if turn.future is not None:
                turn.future.cancel()
            if turn.run is None:
                turn.end(outcome, words)
        for turn in turns:
            if turn.run is not None:
                yield self._recorded(turn, turn.run)
