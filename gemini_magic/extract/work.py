"""One pass over the rows: what is asked, what is there already, and what came of it; told to a store and a progress.

Rows are read once and in order, in the thread that waits, and outcomes come back in that thread.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any

from gemini_magic.exceptions import GeminiMagicError, InputError, InvalidAnswer
from gemini_magic.extract.job import Outcome, Task
from gemini_magic.extract.keys import TextKeys
from gemini_magic.extract.locks import Lock, Locks, content_of
from gemini_magic.extract.outcomes import Outcomes, Stored
from gemini_magic.extract.packing import Packing
from gemini_magic.extract.rows import Guard, is_empty
from gemini_magic.wire import Part

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from gemini_magic.extract.engines import Engine
    from gemini_magic.extract.job import Job
    from gemini_magic.extract.prompts import Template
    from gemini_magic.extract.purse import Purse
    from gemini_magic.extract.store import Store
    from gemini_magic.extract.usage import Progress
    from gemini_magic.ledger import Budget

    EngineMaker = Callable[[Budget | None], Engine]
    Read = list[str | Part]

#: What a resumed run asks again: rows that no model has answered.
UNANSWERED = frozenset({"failed"})
#: Rows that are still looked up after an interrupt; whoever has pressed the button does not wait for a million.
_AFTER_INTERRUPT = 20_000


@dataclass(frozen=True)
class Plan:
    """What is asked of which rows.

    Attributes:
        job: What is asked of all.
        template: What is asked of each.
        selected: Whether a row is to be asked, by its position and values.
        limit: How many rows are asked at most.
        locks: The rows that a person has corrected.
        label: The label of a row, by its position.
        guard: Stops rows that hold a key.
        again: Statuses of stored answers that are asked again.
    """

    job: Job
    template: Template
    selected: Callable[[int, Mapping[str, Any]], bool] | None = None
    limit: int | None = None
    locks: Locks = field(default_factory=Locks)
    label: Callable[[int], object] = int
    guard: Guard = field(default_factory=Guard)
    again: frozenset[str] = UNANSWERED


class Work:
    """The rows on their way; `keys`, `outcomes` and `locked` are what came of it.

    Args:
        plan: What is asked of which rows.
        rows: The values of each row.
        store: Where outcomes are kept before they count.
        progress: Who is told.
        purse: What may be spent.
        length: How many rows there are, where that is known.

    Attributes:
        keys: Of every row's task; None where nothing is asked.
        outcomes: By key.
        locked: The rows that a person has corrected, by position.
        requests: How many were sent.
        rounds: How many of their answers asked for calls of functions.
        reused: How many rows had their answer already.
        paid: What this pass has spent, in outcomes of whole requests.
    """

    def __init__(
        self,
        plan: Plan,
        rows: Iterable[Mapping[str, Any]],
        store: Store,
        progress: Progress,
        purse: Purse,
        *,
        length: int | None = None,
    ) -> None:
        self.keys: list[str | None] = []
        self.outcomes = Outcomes(raw=store.path is None)
        self.locked: dict[int, Lock] = {}
        self.requests = 0
        self.rounds = 0
        self.reused = 0
        self._plan = plan
        self._rows = enumerate(rows)
        self._store = store
        self._progress = progress
        self._purse = purse
        self._prefix = _prefix(plan)
        self._text_keys = TextKeys(plan.job, [part.text or "" for part in self._prefix])
        self._length = length
        self._waiting: dict[str, int] = {}
        self._asked = 0
        self._done = 0
        self._failed = 0
        self._retried = 0

    def run(self, engine: EngineMaker, *, pack: int = 1) -> None:
        """Ask for everything that is not there yet.

        Args:
            engine: Makes what carries the requests, for what may be spent.
            pack: How many rows go into one request.

        Raises:
            BudgetExceeded: What may be spent is spent; everything that came is kept.
            GeminiMagicError: The engine has given up, or the store cannot keep an answer.
            KeyboardInterrupt: The user has stopped it.
        """
        try:
            self.ask(engine, self.tasks(), pack=pack)
        except KeyboardInterrupt:
            self._read_on(_AFTER_INTERRUPT)
            raise
        except GeminiMagicError:
            self._read_on()
            raise
        finally:
            self._tell()

    def ask(self, engine: EngineMaker, tasks: Iterable[Task], *, pack: int = 1) -> None:
        """Ask for these tasks, several in one request or each alone."""
        job = self._plan.job
        if pack <= 1:
            engine(self._purse.left()).run(job, tasks, lambda one: self._emit(one, one))
            return
        packing = Packing(job, pack)
        engine(self._purse.left()).run(packing.job, packing.tasks(tasks), lambda one: self._emit_pack(packing, one))
        if packing.again:
            alone = engine(self._purse.left())
            alone.run(job, packing.again, lambda one: self._emit(one, packing.alone(one)))

    @cached_property
    def _stored(self) -> Stored:
        return Stored(self._store, self._length)

    def tasks(self) -> Iterator[Task]:
        """The tasks that have no answer yet; each is read when it is asked for, and equal ones come once."""
        for position, values in self._rows:
            key, read = self._question(position, values)
            task = None
            if key is not None and not self._is_known(key):
                try:
                    task = self._task(key, read, position)
                except InputError as error:
                    key = self._unsent(position, error)
                    self._count(1, is_good=False)
            self.keys.append(key)
            if task is not None:
                yield task

    def _question(self, position: int, values: Mapping[str, Any]) -> tuple[str | None, Read]:
        """What is asked of a row, and its key; None when nothing is."""
        plan = self._plan
        if is_empty(values, plan.template.names) or (plan.selected is not None and not plan.selected(position, values)):
            return None, []
        if (lock := self._corrected(position, values)) is not None:
            self.locked[position] = lock
            return None, []
        if plan.limit is not None and self._asked >= plan.limit:
            return None, []
        self._asked += 1
        try:
            read = plan.template.read(values, plan.job.pictures)
            match read:
                case [str() as text]:
                    return self._text_keys.of(text), read
            return plan.job.key_of((*self._prefix, *plan.template.parts(read))), read
        except InputError as error:
            return self._unsent(position, error), []

    def _task(self, key: str, read: Read, position: int) -> Task:
        """What has to be sent for a row.

        Raises:
            InputError: It cannot be.
        """
        parts = self._plan.template.parts(read)
        self._plan.guard.check(parts, f"Row {position}")
        self._waiting[key] = 1
        return Task(key, (*self._prefix, *parts), position)

    def _corrected(self, position: int, values: Mapping[str, Any]) -> Lock | None:
        plan = self._plan
        if not plan.locks.rows:
            return None
        content = content_of({name: values[name] for name in plan.template.names})
        return plan.locks.find(plan.label(position), content)

    def _unsent(self, position: int, error: InputError) -> str:
        """A row that cannot be sent has failed; the others go on."""
        key = f"row {position}"
        self.outcomes.add(Outcome(key, "failed", error=str(error), error_kind=type(error).__name__))
        return key

    def _is_known(self, key: str) -> bool:
        """Whether nothing has to be sent for a row: it has an outcome, or another row waits for the same."""
        if key in self._waiting:
            self._waiting[key] += 1
            return True
        if key in self.outcomes:
            self._count(1, is_good=self.outcomes.is_good(key))
            return True
        if not self._stored.has(key) or not self._stands(key):
            return False
        self.outcomes.take(key, self._stored.outcomes)
        self._count(1, is_good=self.outcomes.is_good(key))
        self.reused += 1
        return True

    def _stands(self, key: str) -> bool:
        """Whether a stored outcome is not to be asked for again."""
        stored = self._stored.outcomes
        return self._fits(stored.value(key)) if stored.is_good(key) else stored[key].status not in self._plan.again

    def _fits(self, value: Any) -> bool:  # noqa: ANN401 - plain data
        """Whether a stored value is still of the schema: a validator of a class may have changed."""
        with suppress(InvalidAnswer, ValueError, TypeError, KeyError):
            self._plan.job.schema.revive(value)
            return True
        return False

    def _emit(self, paid: Outcome, outcome: Outcome) -> None:
        """An outcome has come: keep it, then count it."""
        self._store.put(outcome)
        self._pay(paid)
        self._settle(outcome)
        self._tell()

    def _emit_pack(self, packing: Packing, outcome: Outcome) -> None:
        found = packing.take(outcome)
        for one in found:
            self._store.put(one)
        self._pay(outcome)
        for one in found:
            self._settle(one)
        self._tell()

    def _pay(self, outcome: Outcome) -> None:
        self.requests += outcome.attempts
        self.rounds += outcome.steps
        self._retried += max(0, outcome.attempts - outcome.steps - 1)
        self._purse.spend(outcome)

    def _settle(self, outcome: Outcome) -> None:
        self.outcomes.add(outcome)
        self._count(self._waiting.pop(outcome.key, 1), is_good=outcome.ok)

    def _count(self, rows: int, *, is_good: bool) -> None:
        self._done += rows
        self._failed += 0 if is_good else rows

    def _tell(self) -> None:
        self._progress.advance(self._done, self._failed, self._purse.tokens, self._retried)

    def _read_on(self, most: int | None = None) -> None:
        """Read the rest of the rows without sending anything, so that answers which are there are in the frame."""
        with suppress(GeminiMagicError):  # the one that ended the run says more
            for _ in islice(self.tasks(), most):
                pass


def _prefix(plan: Plan) -> tuple[Part, ...]:
    text = plan.locks.text(plan.job.schema)
    return (Part(text=text),) if text else ()
