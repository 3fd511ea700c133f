"""An extraction that is ready to be run, as often as it takes: the same rows, the same job, one store."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from gemini_magic.exceptions import GeminiMagicError, InputError, UsageError
from gemini_magic.extract.locks import Locks, corrections
from gemini_magic.extract.made import Made
from gemini_magic.extract.purse import Purse
from gemini_magic.extract.results import View, frame_of
from gemini_magic.extract.rows import Guard
from gemini_magic.extract.run import Interrupted, Run, attach, run_of
from gemini_magic.extract.store import Store
from gemini_magic.extract.tables import table_of
from gemini_magic.extract.usage import NoProgress, Progress, Usage
from gemini_magic.extract.work import UNANSWERED, Plan, Work

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from os import PathLike

    from gemini_magic.extract.job import Job, Outcome
    from gemini_magic.extract.locks import Lock
    from gemini_magic.extract.prompts import Template
    from gemini_magic.extract.work import EngineMaker
    from gemini_magic.frames import Source
    from gemini_magic.ledger import Budget


@dataclass(frozen=True)
class Extraction:
    """Everything that `extract` was told, checked.

    Attributes:
        source: The rows.
        job: What is asked of all.
        template: What is asked of each.
        engine: Makes what carries the requests.
        view: How answers become columns.
        store: Where answers are kept; None for the job's own file.
        resume: Whether answers that are there are taken.
        selected: Whether a row is to be asked, by its position and values.
        limit: How many rows are asked at most.
        pack: How many rows go into one request.
        locks: The rows that a person has corrected.
        guard: Stops rows that hold a key.
        budget: What may be spent.
        prices: The profile's ``prices``.
        progress: Who is told.
    """

    source: Source
    job: Job
    template: Template
    engine: EngineMaker
    view: View = field(default_factory=View)
    store: str | PathLike[str] | None = None
    resume: bool = True
    selected: Callable[[int, Mapping[str, Any]], bool] | None = None
    limit: int | None = None
    pack: int = 1
    locks: Locks = field(default_factory=Locks)
    guard: Guard = field(default_factory=Guard)
    budget: Budget | None = None
    prices: str = "none"
    progress: Progress = field(default_factory=NoProgress)

    def run(self, again: frozenset[str] = UNANSWERED, known: Mapping[str, Outcome] | None = None) -> Run:
        """Ask what is not answered, keep what comes, and make the frame.

        Args:
            again: Statuses that are asked again.
            known: Outcomes that are in no file, from a run before this one.

        Raises:
            GeminiMagicError: It cannot go on; ``.partial`` is the frame as far as it came.
            Interrupted: The user has stopped it; likewise.
        """
        started = time.monotonic()
        purse = Purse(self.job.model, self.prices, self.budget)
        with closing(Store.open(self.store, self.job, resume=self.resume)) as store:
            if store.path is None:
                for outcome in (known or {}).values():
                    store.put(outcome)
            source = self.needed
            work = Work(self.plan(again), source.rows(), store, self.progress, purse, length=source.length)
            self.progress.begin(self._total())
            stopped = self._asked(work)
        made = _made(self.source, work)
        usage = _usage(made, work, purse, time.monotonic() - started)
        self.progress.finish(usage)
        run = self._run(made, work, store, usage)
        if stopped is not None:
            raise _with_partial(stopped, run)
        return run

    @property
    def needed(self) -> Source:
        """The rows with the columns that are used: those of the prompt, or all where more may be looked at."""
        return self.source if self.selected is not None else self.source.select(self.template.names)

    def _asked(self, work: Work) -> BaseException | None:
        """Ask, and give back what has ended it too soon."""
        try:
            work.run(self.engine, pack=self.pack)
        except (GeminiMagicError, KeyboardInterrupt) as error:
            return error
        return None

    def plan(self, again: frozenset[str] = UNANSWERED) -> Plan:
        """What is asked of which rows."""
        labels: Sequence[object] = self.needed.labels() if self.locks.rows else ()
        label = labels.__getitem__ if labels else int
        return Plan(self.job, self.template, self.selected, self.limit, self.locks, label, self.guard, again)

    def _total(self) -> int | None:
        length = self.needed.length
        return length if length is None or self.limit is None else min(self.limit, length)

    def _run(self, made: Made, work: Work, store: Store, usage: Usage) -> Run:
        frame = frame_of(self.source, self.job.schema, self.view, made, work.locked)
        # What was given back must not be told again, and a store that was begun anew is gone on with from now on.
        ways = Ways(replace(self, resume=True), made, dict(work.locked))
        run = Run(frame, self.job, made, usage, store.path, ways, store.notes)
        attach(frame, run)
        return run


@dataclass(frozen=True)
class Ways:
    """How a run goes on."""

    extraction: Extraction
    made: Made
    locked: Mapping[int, Lock]

    def again(self, statuses: frozenset[str]) -> Run:
        """The same extraction, with rows of these statuses asked again."""
        return self.extraction.run(statuses, self.made.outcomes)

    def source(self, position: int) -> Mapping[str, object]:
        """The values of a row that the prompt was filled with; none where the rows are gone."""
        source = self.extraction.source
        if source.length is None:
            return {}
        return next(source.select(self.extraction.template.names).take([position]).rows())

    def stored(self, key: str) -> Outcome | None:
        """What came of a task, from the store."""
        extraction = self.extraction
        with closing(Store.open(extraction.store, extraction.job)) as store:
            return store.get(key)

    def corrections(self, frame: object) -> Locks:
        """What a person changed in a frame."""
        extraction = self.extraction
        if extraction.view.explode:
            raise InputError(
                "An exploded frame has several rows for one answer, so no answer can be locked by it.",
                hint="Correct a frame that was made without explode=.",
            )
        own = frame_of(extraction.source, extraction.job.schema, extraction.view, self.made, self.locked)
        before = Locks(tuple(self.locked.values()), extraction.locks.shared)
        return before.joined(
            corrections(table_of(own, "The result"), table_of(frame, "The corrected frame"), self.source, self._answer)
        )

    def _answer(self, position: int) -> Any:  # noqa: ANN401 - plain data
        if position in self.locked:
            return self.locked[position].answer
        outcome = self.made.outcome(position)
        return outcome.value if outcome is not None else None


def locks_of(value: object) -> Locks:
    """The locks that were given: as such, or as a frame of an extraction that a person has corrected.

    Raises:
        UsageError: It is neither.
    """
    if value is None:
        return Locks()
    if isinstance(value, Locks):
        return value
    try:
        return run_of(value).locks
    except UsageError:
        raise UsageError(
            "locks= takes the frame that an extraction returned, corrected in place, and this is none.",
            hint="For a copy: locks=run.corrections(copy), with run = gm.run_of(the frame as it came).",
        ) from None


def _usage(made: Made, work: Work, purse: Purse, seconds: float) -> Usage:
    asked, failed, locked = made.asked, made.failures, len(work.locked)
    return Usage(
        rows=len(made.keys),
        done=asked - failed + locked,
        failed=failed,
        empty=len(made.keys) - asked - locked,
        reused=work.reused,
        requests=work.requests,
        prompt_tokens=purse.prompt_tokens,
        answer_tokens=purse.answer_tokens,
        total_tokens=purse.tokens,
        cost=purse.cost,
        seconds=seconds,
    )


def _made(source: Source, work: Work) -> Made:
    """What came of each row; those that were not reached have no key."""
    length = len(work.keys) if source.length is None else source.length
    keys = [*work.keys[:length], *[None] * (length - len(work.keys))]
    return Made(_labels(source, length), keys, work.outcomes, frozenset(work.locked))


def _labels(source: Source, length: int) -> Sequence[object]:
    """The labels of the rows; numbers in a row take no memory."""
    index: Any = source.index
    if type(index).__name__ == "RangeIndex":
        return range(index.start, index.stop, index.step)
    return range(length) if source.length is None else source.labels()


def _with_partial(error: BaseException, run: Run) -> BaseException:
    """The error that ended a run, with what was done and how to go on."""
    done, left = run.usage.done, run.usage.failed + run.usage.empty
    where = f" in {run.store_path}" if run.store_path else ""
    kept = f"{done:,} of {run.usage.rows:,} rows are done and kept{where}; they are not paid for again."
    how = f"To go on: gm.run_of(sys.last_value.partial).resume(), or the same call again{_named(run)}." if left else ""
    if isinstance(error, GeminiMagicError):
        error.partial = run.frame
        error.hint = " ".join(filter(None, [error.hint, kept, how]))
        return error
    stopped = Interrupted(f"Stopped. {kept} {how}".strip(), run.frame)
    stopped.__cause__ = error
    return stopped


def _named(run: Run) -> str:
    return f" (store={str(run.store_path)!r})" if run.store_path else " in this kernel"
