"""Exchanges summed up, so that a kernel remembers what a million of them took in the space of a few.

What is summed up together is alike in all that a price depends on, so that a price which is given later, or taken back,
still counts for each of them, to the last digit.
"""

from __future__ import annotations

from collections import Counter
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from gemini_magic.ledger.entries import Count
from gemini_magic.ledger.prices import payable_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from decimal import Decimal

    from gemini_magic.ledger.entries import Entry
    from gemini_magic.ledger.prices import Money, Payable, Prices

_COUNTS = attrgetter("prompt_tokens", "answer_tokens", "thought_tokens", "cached_tokens", "tool_tokens", "total_tokens")


class Summed(NamedTuple):
    """Exchanges that were alike: of one model, profile, conversation and cell, and of one status.

    Attributes:
        exchanges: How many.
        first: The number of the first.
        number: The number of the last.
        time: When that ended, in seconds since the epoch.
        model: The model that answered.
        profile: The gateway.
        conversation: The conversation, or an empty string.
        cell: The front end's id of the cell, or an empty string.
        prompt_tokens: Sum of what the gateway said, or None where it said nothing. So for the others.
        spent: All tokens, as for an `Entry`.
        seconds: Sum.
        requests: Sum.
        status: Of each.
        by_modality: Sums by text, image, audio and so on, where the gateway said.
        cost: What they cost together, or None where that is not known.
        currency: Of the cost.
        prices: As for an `Entry`.
    """

    exchanges: int
    first: int
    number: int
    time: float
    model: str
    profile: str
    conversation: str
    cell: str
    prompt_tokens: int | None
    answer_tokens: int | None
    thought_tokens: int | None
    cached_tokens: int | None
    tool_tokens: int | None
    total_tokens: int | None
    spent: int | None
    seconds: float
    requests: int
    status: str
    by_modality: tuple[Count, ...] = ()
    cost: Decimal | None = None
    currency: str = "USD"
    prices: str = "none"


class Kind(NamedTuple):
    """What exchanges have in common that are summed up together."""

    models: tuple[str, str]
    profile: str
    conversation: str
    cell: str
    status: str
    prices: str
    is_payable: bool
    is_listed: bool
    is_counted: bool


class Old(NamedTuple):
    """An exchange on its way into a sum.

    Attributes:
        entry: The exchange.
        models: The model that answered, and the one that was asked for.
        listed: What it cost by Google's list, or None.
    """

    entry: Entry
    models: tuple[str, str]
    listed: Decimal | None


class Sums:
    """Sums of exchanges by their kind, in the order of the first of each."""

    def __init__(self) -> None:
        self._sums: dict[Kind, Sum] = {}

    def add(self, old: Old) -> Kind:
        """Add an exchange, and say with which others."""
        entry, models, listed = old
        payable, spent = payable_of(entry), entry.spent
        kind = Kind(
            models,
            entry.profile,
            entry.conversation,
            entry.cell,
            entry.status,
            entry.prices,
            payable is not None,
            listed is not None,
            spent is not None,
        )
        found = self._sums.get(kind)
        if found is None:
            found = self._sums[kind] = Sum(kind, entry.number)
        found.add(entry, payable, spent, listed)
        return kind

    def at(self, prices: Prices) -> Iterator[Summed]:
        """Each of them, with its cost at these prices."""
        return (one.at(prices) for one in self._sums.values())


class Sum:
    """A growing sum of exchanges of one kind.

    Args:
        kind: What they have in common.
        first: The number of the first.
    """

    def __init__(self, kind: Kind, first: int) -> None:
        self._kind = kind
        self._first = first
        self._last: Entry
        self._exchanges = self._requests = 0
        self._seconds = 0.0
        self._counts: list[int | None] = [None] * 6
        self._spent: int | None = None
        self._payable: Payable | None = None
        self._listed: Decimal | None = None
        self._modalities: Counter[tuple[str, str]] = Counter()

    def add(self, entry: Entry, payable: Payable | None, spent: int | None, listed: Decimal | None) -> None:
        """Add one more."""
        self._last = entry
        self._exchanges += 1
        self._requests += entry.requests
        self._seconds += entry.seconds
        sums = self._counts
        for place, count in enumerate(_COUNTS(entry)):
            if count is not None:
                sums[place] = count + (sums[place] or 0)
        for kind, modality, tokens in entry.by_modality:
            self._modalities[kind, modality] += tokens
        if spent is not None:
            self._spent = spent + (self._spent or 0)
        if payable is not None:
            self._payable = payable if self._payable is None else self._payable.plus(payable)
        if listed is not None:
            self._listed = listed + (self._listed or 0)

    def at(self, prices: Prices) -> Summed:
        """The sum, with its cost at these prices."""
        kind = self._kind
        money: Money | None = prices.money(kind.models, kind.prices, self._payable, lambda: self._listed)
        prompt, answer, thoughts, cached, tools, total = self._counts
        summed = Summed(
            exchanges=self._exchanges,
            first=self._first,
            number=self._last.number,
            time=self._last.time,
            model=kind.models[0],
            profile=kind.profile,
            conversation=kind.conversation,
            cell=kind.cell,
            prompt_tokens=prompt,
            answer_tokens=answer,
            thought_tokens=thoughts,
            cached_tokens=cached,
            tool_tokens=tools,
            total_tokens=total,
            spent=self._spent,
            seconds=self._seconds,
            requests=self._requests,
            status=kind.status,
            by_modality=tuple(Count(*names, tokens) for names, tokens in self._modalities.items()),
            prices=kind.prices,
        )
        return summed if money is None else summed._replace(cost=money.amount, currency=money.currency)
