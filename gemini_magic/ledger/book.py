"""The ledger itself: who writes to it, and what is read from it."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from contextvars import ContextVar
from sys import intern
from typing import TYPE_CHECKING, Any, NamedTuple

from gemini_magic.ledger.budget import Budget, Spent, check_known, check_spent, has_said, refuse_unpriced
from gemini_magic.ledger.entries import Entry, by_modality, counts
from gemini_magic.ledger.prices import Money, Prices, listed_cost, payable_of
from gemini_magic.ledger.sums import Kind, Old, Summed, Sums

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gemini_magic.reply import Reply
    from gemini_magic.settings.prices import Price
    from gemini_magic.wire import UsageMetadata

_LABELS: ContextVar[dict[str, str]] = ContextVar("gemini_magic_labels", default={})  # noqa: B039 - never mutated


_NEVER = -1
#: Single exchanges that are remembered; older ones are summed up, so that a batch of any length takes no memory.
KEPT = 1_000


class _Line(NamedTuple):
    """An entry, and what its cost is found by; token counts in full only where Google's list may ask for them."""

    entry: Entry
    models: tuple[str, str]
    usage: UsageMetadata | None


class Ledger:
    """The exchanges of one kernel; safe to use from any thread.

    The newest `KEPT` are there one by one, and what was before them as sums, which are as exact. Costs are looked up
    when somebody asks for them, so that a price that is given later counts, too, for sums as well.
    """

    def __init__(self) -> None:
        self._lines: list[_Line] = []
        self._sums = Sums()
        self._unchecked: dict[Kind, _Line] = {}
        self._count = 0
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
        usage, labels = reply.usage, _LABELS.get()
        found = counts(usage)
        model, asked = intern(reply.model), intern(reply.requested_model)
        with self._lock:
            self._count += 1
            entry = Entry(
                number=self._count,
                time=time.time(),
                model=model,
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
                by_modality=by_modality(usage),
                prices=prices,
            )
            self._lines.append(_Line(entry, (model, asked), usage if prices == "google" else None))
            if len(self._lines) > KEPT:
                self._sum_up(self._lines.pop(0))
        return entry

    def _sum_up(self, line: _Line) -> None:
        """Add the oldest exchange to the sums."""
        entry = line.entry
        listed = listed_cost(line.models, line.usage, entry.time) if entry.prices == "google" else None
        kind = self._sums.add(Old(entry, line.models, listed))
        if self._priced:
            del self._priced[0]
        else:
            self._version = _NEVER
        if entry.number > self._known:
            self._known = entry.number
            if self._budget is not None and has_said(entry):  # one of each kind stands for all of them
                self._unchecked.setdefault(kind, line)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The newest exchanges, oldest first, with their costs where those are known; `account` has all."""
        with self._lock:
            self._price()
            return tuple(self._priced)

    @property
    def account(self) -> tuple[Summed | Entry, ...]:
        """All exchanges, in the order of their first: those before `entries` summed up, and then these."""
        with self._lock:
            self._price()
            return (*self._sums.at(self._prices), *self._priced)

    def _price(self) -> None:
        """Bring costs and sums up to date."""
        self._prices.refresh()
        if self._version != self._prices.version:
            self._version, self._priced, self._spent = self._prices.version, [], Spent.on(self._sums.at(self._prices))
        for line in self._lines[len(self._priced) :]:
            entry = self._with_cost(line)
            self._priced.append(entry)
            self._spent.add(entry)

    def _with_cost(self, line: _Line) -> Entry:
        entry, models, usage = line
        money = self._prices.money(
            models, entry.prices, payable_of(entry), lambda: listed_cost(models, usage, entry.time)
        )
        return entry if money is None else entry._replace(cost=money.amount, currency=money.currency)

    def rows(self) -> list[dict[str, Any]]:
        """`entries` as plain rows, ready for a table."""
        return [entry._asdict() for entry in self.entries]

    def clear(self) -> None:
        """Forget every exchange; prices and the budget stay."""
        with self._lock:
            self._lines, self._priced, self._spent = [], [], Spent(0, {})
            self._sums, self._unchecked, self._count, self._known = Sums(), {}, 0, 0

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

    def why_unpriced(self, entry: Entry | Summed) -> str:
        """Why the cost of an exchange of this ledger, or of a sum of some, is not known, as a clause."""
        with self._lock:
            return self._prices.why_not(entry.model, entry.prices)

    def _check(self, budget: Budget, entry: Entry) -> None:
        if entry.cost is not None and entry.currency != budget.currency:
            reason = f"its prices are in {entry.currency}"
        else:
            reason = self.why_unpriced(entry)
        check_known(budget, entry, reason)

    @property
    def spent(self) -> Spent:
        """What all exchanges took."""
        with self._lock:
            self._price()
            return Spent(self._spent.tokens, dict(self._spent.money))

    @property
    def budget(self) -> Budget | None:
        """How much may be spent, what is spent already included; None means without limit."""
        return self._budget

    @budget.setter
    def budget(self, budget: Budget | None) -> None:
        with self._lock:
            self._budget, self._known, self._unchecked = budget, self._count, {}

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
            for kind, line in list(self._unchecked.items()):
                self._check(budget, self._with_cost(line))
                del self._unchecked[kind]
            for entry in self._priced[self._known - self._count :] if self._known < self._count else ():
                self._check(budget, entry)
                self._known = entry.number
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
