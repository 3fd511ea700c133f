"""The ledger itself: who writes to it, and what is read from it."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from gemini_magic.ledger.budget import Budget, Spent, check_known, check_spent, refuse_unpriced
from gemini_magic.ledger.entries import Entry, by_modality, counts
from gemini_magic.ledger.prices import Money, Prices

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gemini_magic.reply import Reply
    from gemini_magic.settings.prices import Price
    from gemini_magic.wire import UsageMetadata

_LABELS: ContextVar[dict[str, str]] = ContextVar("gemini_magic_labels", default={})  # noqa: B039 - never mutated


class _Line(NamedTuple):
    """An entry, and what its cost is found by."""

    entry: Entry
    models: tuple[str, str]
    usage: UsageMetadata | None
    source: str


class Ledger:
    """The entries of one kernel; safe to use from any thread.

    Costs are looked up when somebody asks for them, so that a price that is given later counts, too.
    """

    def __init__(self) -> None:
        self._lines: list[_Line] = []
        self._priced: list[Entry] = []
        self._spent = Spent(0, {})
        self._version = 0
        self._prices = Prices()
        self._budget: Budget | None = None
        self._known = 0
        self._lock = threading.RLock()

    def record(self, reply: Reply, *, profile: str = "", prices: str = "none") -> Entry:
        """Add one exchange; the labels in force say where it belongs.

        Args:
            reply: What came, also when it is only a part.
            profile: The gateway's name.
            prices: The profile's ``prices``.

        Returns:
            The entry; its cost stands in `entries`.
        """
        found, labels = counts(reply.usage), _LABELS.get()
        with self._lock:
            entry = Entry(
                number=len(self._lines) + 1,
                time=time.time(),
                model=reply.model,
                profile=profile,
                conversation=labels.get("conversation", ""),
                cell=labels.get("cell", ""),
                prompt_tokens=found["prompt"],
                answer_tokens=found["answer"],
                thought_tokens=found["thoughts"],
                cached_tokens=found["cached"],
                tool_tokens=found["tools"],
                total_tokens=found["total"],
                seconds=reply.seconds,
                requests=reply.attempts,
                status=reply.status,
                by_modality=by_modality(reply.usage),
            )
            self._lines.append(_Line(entry, (reply.model, reply.requested_model), reply.usage, prices))
        return entry

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All exchanges, oldest first, with their costs where those are known."""
        with self._lock:
            self._price()
            return tuple(self._priced)

    def _price(self) -> None:
        """Bring costs and sums up to date."""
        self._prices.refresh()
        if self._version != self._prices.version:
            self._version, self._priced, self._spent = self._prices.version, [], Spent(0, {})
        for line in self._lines[len(self._priced) :]:
            money = self._prices.of(line.models, line.usage, source=line.source, time=line.entry.time)
            entry = line.entry if money is None else replace(line.entry, cost=money.amount, currency=money.currency)
            self._priced.append(entry)
            self._spent.add(entry)

    def rows(self) -> list[dict[str, Any]]:
        """All exchanges as plain rows, ready for a table."""
        return [asdict(entry) for entry in self.entries]

    def clear(self) -> None:
        """Forget every exchange; prices and the budget stay."""
        with self._lock:
            self._lines, self._priced, self._spent, self._known = [], [], Spent(0, {}), 0

    @property
    def prices(self) -> Mapping[str, Price]:
        """What models cost by the user's own account: ``{"gemini-x": {"input": 0.3, "output": 2.5}}``.

        Prices are per million tokens; ``cached``, ``thoughts`` and ``currency`` may be given, too. They win over those
        of the config file, which win over Google's list.
        """
        return self._prices.own

    @prices.setter
    def prices(self, table: Mapping[str, Any]) -> None:
        with self._lock:
            self._prices.own = table

    def price_of(self, model: str, usage: UsageMetadata, *, prices: str = "none") -> Money | None:
        """What so many tokens of a model cost, or None where that is not known.

        Args:
            model: The model's name.
            usage: The token counts; some may be estimates.
            prices: The profile's ``prices``.
        """
        with self._lock:
            self._prices.refresh()
            return self._prices.of((model,), usage, source=prices)

    def why_unpriced(self, entry: Entry) -> str:
        """Why the cost of an exchange of this ledger is not known, as a clause."""
        with self._lock:
            return self._prices.why_not(entry.model, self._lines[entry.number - 1].source)

    def _why(self, entry: Entry, budget: Budget) -> str:
        if entry.cost is not None and entry.currency != budget.currency:
            return f"its prices are in {entry.currency}"
        return self.why_unpriced(entry)

    @property
    def spent(self) -> Spent:
        """What all exchanges took."""
        return Spent.on(self.entries)

    @property
    def budget(self) -> Budget | None:
        """How much may be spent, what is spent already included; None means without limit."""
        return self._budget

    @budget.setter
    def budget(self, budget: Budget | None) -> None:
        with self._lock:
            self._budget, self._known = budget, len(self._lines)

    def check_budget(self, *models: str, prices: str = "none") -> None:
        """Refuse to send anything when the budget is used up, or cannot be kept.

        Args:
            *models: The models that may be asked; under a budget in money, each needs a price.
            prices: The profile's ``prices``.

        Raises:
            BudgetExceeded: Nothing may be sent.
        """
        if self._budget is None:
            return
        with self._lock:
            budget = self._budget
            self._price()
            check_spent(budget, self._spent)
            for entry in self._priced[self._known :]:
                check_known(budget, entry, self._why(entry, budget))
                self._known += 1
            for model in models if budget.sum is not None else ():
                currency = self._prices.currency_for(model, prices)
                if currency != budget.currency:
                    refuse_unpriced(budget, model, currency, self._prices.why_not(model, prices))


#: Shared by every client of the kernel.
KERNEL = Ledger()


@contextmanager
def labelled(*, conversation: str = "", cell: str = "") -> Iterator[None]:
    """Mark the exchanges made inside with where they belong; an empty label leaves the outer one in force."""
    given = {name: value for name, value in (("conversation", conversation), ("cell", cell)) if value}
    token = _LABELS.set({**_LABELS.get(), **given})
    try:
        yield
    finally:
        _LABELS.reset(token)
