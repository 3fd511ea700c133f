"""What came of each task, in as little memory as it takes: a batch has many, and of most only the value is wanted."""

from __future__ import annotations

import marshal
from collections.abc import Mapping
from dataclasses import fields
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from gemini_magic.extract.job import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gemini_magic.extract.store import Store

    Packed = bytes | tuple[Any, ...]

#: What is packed, in its order; the key is what it is found by, and what only an inspector wants may be left out.
_NAMES = tuple(field.name for field in fields(Outcome) if field.name not in {"key", "raw", "calls"})
_facts = attrgetter(*_NAMES)
_VALUE = _NAMES.index("value")
#: A store is read as a whole unless it has more answers than so many, and more than twice as many as there are rows.
_FEW = 10_000


class Outcomes(Mapping[str, Outcome]):
    """Outcomes by the key of their task; each is made when it is asked for.

    Args:
        raw: Whether to keep the texts of answers and the calls for them; a store that is a file has them.
    """

    def __init__(self, *, raw: bool = True) -> None:
        self._raw = raw
        self._good: dict[str, Packed] = {}
        self._others: dict[str, Packed] = {}

    def add(self, outcome: Outcome) -> None:
        """Put one in, in the place of an earlier one of the same task."""
        facts = (*_facts(outcome), outcome.raw, outcome.calls) if self._raw else _facts(outcome)
        self._put(outcome.key, _packed(facts), is_good=outcome.ok)

    def take(self, key: str, others: Outcomes) -> None:
        """Put one in as others have it."""
        is_good = others.is_good(key)
        self._put(key, (others._good if is_good else others._others)[key], is_good=is_good)

    def _put(self, key: str, packed: Packed, *, is_good: bool) -> None:
        here, there = (self._good, self._others) if is_good else (self._others, self._good)
        there.pop(key, None)
        here[key] = packed

    def is_good(self, key: str) -> bool:
        """Whether a task has a value."""
        return key in self._good

    def value(self, key: str) -> Any:  # noqa: ANN401 - plain data
        """The value of a task, for the caller alone; None when there is none."""
        found = self._good.get(key)
        return None if found is None else _unpacked(found)[_VALUE]

    def __getitem__(self, key: str) -> Outcome:
        """The outcome of a task."""
        found = self._good.get(key) or self._others[key]
        status, *facts = _unpacked(found)
        return Outcome(key, status, *facts)

    def __contains__(self, key: object) -> bool:
        """Whether there is one."""
        return key in self._good or key in self._others

    def __iter__(self) -> Iterator[str]:
        """The keys; those of tasks with a value first."""
        yield from self._good
        yield from self._others

    def __len__(self) -> int:
        """How many."""
        return len(self._good) + len(self._others)


class Stored:
    """The answers that a store has when a run begins.

    They are read at once, but for a store that has far more of them than there are rows.

    Args:
        store: The store.
        rows: How many rows there are, or None.

    Attributes:
        outcomes: What was read.
    """

    def __init__(self, store: Store, rows: int | None) -> None:
        self.outcomes = Outcomes(raw=store.path is None)
        count = len(store)
        self._one_by_one = store if count > _FEW and rows is not None and count > 2 * rows else None
        if count and self._one_by_one is None:
            for outcome in store.outcomes():
                self.outcomes.add(outcome)

    def has(self, key: str) -> bool:
        """Whether a task has an outcome, which then is in `outcomes`."""
        if self._one_by_one is not None and (found := self._one_by_one.get(key)) is not None:
            self.outcomes.add(found)
        return key in self.outcomes


def _packed(facts: tuple[Any, ...]) -> Packed:
    try:
        return marshal.dumps(facts)
    except ValueError:  # no plain data; an engine of somebody's own may give anything
        return facts


def _unpacked(packed: Packed) -> tuple[Any, ...]:
    if isinstance(packed, tuple):
        return packed
    facts: tuple[Any, ...] = marshal.loads(packed)  # noqa: S302 - never left this process
    return facts
