"""What an exchange cost: by the user's own table, else by Google's list where that applies; never a guess."""

from __future__ import annotations

import os
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from gemini_magic.exceptions import ConfigError
from gemini_magic.ledger import _genai_prices
from gemini_magic.ledger.entries import counts
from gemini_magic.settings.prices import DOLLAR, Price, read_prices

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from gemini_magic.ledger.entries import Entry
    from gemini_magic.wire import UsageMetadata

_MILLION = 1_000_000
_SIGNS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥"}


class Money(NamedTuple):
    """A sum and its currency."""

    amount: Decimal
    currency: str = DOLLAR

    def __str__(self) -> str:
        """As people write it."""
        return money_text(self)


def money_text(money: Money) -> str:
    """A sum as people write it, such as ``$2.50``; what is less than 1 has three digits that count."""
    amount, currency = money
    text = f"{amount:,.2f}"
    if 0 < amount < 1:
        text = f"{amount:.{2 - amount.adjusted()}f}".rstrip("0")
        text += "0" * (4 - len(text))
    sign = _SIGNS.get(currency)
    return f"{sign}{text}" if sign else f"{text} {currency}"


class Payable(NamedTuple):
    """Tokens, by what is asked for them; those of several exchanges add up."""

    input: int
    cached: int
    output: int
    thoughts: int

    def plus(self, other: Payable) -> Payable:
        """Those of both."""
        return Payable(
            self.input + other.input,
            self.cached + other.cached,
            self.output + other.output,
            self.thoughts + other.thoughts,
        )

    def cost(self, price: Price) -> Decimal:
        """What they cost at a price."""
        by_price = (
            (self.input, price.input),
            (self.cached, price.input if price.cached is None else price.cached),
            (self.output, price.output),
            (self.thoughts, price.output if price.thoughts is None else price.thoughts),
        )
        return sum((count * each for count, each in by_price), Decimal(0)) / _MILLION


class Prices:
    """Where prices are looked up: a table given in Python, the config file's, and Google's list."""

    def __init__(self) -> None:
        self._own: Mapping[str, Price] = {}
        self._file: Mapping[str, Price] = {}
        self._seen: tuple[object, ...] = ()
        #: Changes when a price may have changed.
        self.version = 0

    @property
    def own(self) -> Mapping[str, Price]:
        """The table that was given in Python."""
        return self._own

    @own.setter
    def own(self, table: Mapping[str, Any]) -> None:
        self._own = read_prices(table, "prices")
        self.version += 1

    def refresh(self) -> None:
        """Read the config file's table again if the file has changed; one that cannot be read changes nothing."""
        from gemini_magic.settings.config import config_path, load_config  # noqa: PLC0415 - only when money matters

        path = config_path()
        try:
            state = os.stat(path)  # noqa: PTH116 - one call for both
            seen: tuple[object, ...] = (path, state.st_mtime_ns, state.st_size)
        except (OSError, ValueError):
            seen = (path,)
        if seen == self._seen:
            return
        self._seen = seen
        try:
            self._file = load_config().prices
        except ConfigError:
            return  # whoever connects next is told
        self.version += 1

    def listed(self, models: Sequence[str]) -> Price | None:
        """The user's own price of the first of these models that has one."""
        names = [model.removeprefix("models/") for model in models]
        return next((table[name] for name in names for table in (self._own, self._file) if name in table), None)

    def currency_for(self, model: str, source: str) -> str | None:
        """The currency in which a model's cost will be known, or None when it will not be."""
        if price := self.listed([model]):
            return price.currency
        return DOLLAR if source == "free" or (source == "google" and _genai_prices.knows(model)) else None

    def of(
        self, models: Sequence[str], usage: UsageMetadata | None, *, source: str = "none", time: float | None = None
    ) -> Money | None:
        """What an exchange cost.

        Args:
            models: The model that answered, and the one that was asked for.
            usage: Its token counts.
            source: The profile's ``prices``: where to look when the user has no price of their own.
            time: When it was, in seconds since the epoch; now when None.

        Returns:
            The cost, or None where it is not known.
        """
        return self.money(models, source, _payable(counts(usage)), lambda: listed_cost(models, usage, time))

    def money(
        self, models: Sequence[str], source: str, payable: Payable | None, listed: Callable[[], Decimal | None]
    ) -> Money | None:
        """What so many tokens cost.

        Args:
            models: The model that answered, and the one that was asked for.
            source: The profile's ``prices``.
            payable: The tokens, or None where their counts do not say enough.
            listed: Gives the cost by Google's list.
        """
        price = self.listed(models)
        if price is None and source == "free":
            return Money(Decimal(0))
        if payable is None:
            return None
        if price is not None:
            return Money(payable.cost(price), price.currency)
        cost = listed() if source == "google" else None
        return None if cost is None else Money(cost)

    def why_not(self, model: str, source: str) -> str:
        """Why the cost of an exchange is not known, as a clause."""
        if self.currency_for(model, source) is not None:
            return "the gateway did not say how many tokens of which kind it used"
        if source == "google":
            return _genai_prices.missing() or "the price list does not have this model"
        return "what this gateway asks for it is not known"


def listed_cost(models: Sequence[str], usage: UsageMetadata | None, time: float | None) -> Decimal | None:
    """What an exchange cost by Google's list, for the first of these models that it has."""
    if usage is None:
        return None
    found = (_genai_prices.cost(model, usage, time) for model in models if model)
    return next((cost for cost in found if cost is not None), None)


def payable_of(entry: Entry) -> Payable | None:
    """The tokens of an exchange by their prices, or None where its counts do not say enough."""
    return _paid_for(
        entry.prompt_tokens,
        entry.answer_tokens,
        cached=entry.cached_tokens or 0,
        thoughts=entry.thought_tokens or 0,
        tools=entry.tool_tokens or 0,
        total=entry.total_tokens or 0,
    )


def _payable(found: Mapping[str, int | None]) -> Payable | None:
    others = {kind: found[kind] or 0 for kind in ("cached", "thoughts", "tools", "total")}
    return _paid_for(found["prompt"], found["answer"], **others)


def _paid_for(
    prompt: int | None, answer: int | None, *, cached: int, thoughts: int, tools: int, total: int
) -> Payable | None:
    """A prompt always has tokens, and the parts must not fall short of the total."""
    if prompt is None or (answer is None and prompt + thoughts + tools < total):
        return None
    old = min(cached, prompt)
    return Payable(prompt - old + tools, old, answer or 0, thoughts)
