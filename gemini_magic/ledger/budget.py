"""How much may be spent."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from gemini_magic.exceptions import BudgetExceeded, ConfigError
from gemini_magic.ledger.prices import Money, money_text
from gemini_magic.settings.prices import DOLLAR, read_amount

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gemini_magic.ledger.entries import Entry
    from gemini_magic.ledger.sums import Summed

# An exchange that ended so has said what it used, if the gateway says that at all.
_ENDED = frozenset({"ok", "truncated"})


@dataclass(frozen=True)
class Budget:
    """How much a kernel may spend in all; the first limit that is reached counts.

    Requests that are under way when a limit is reached are not stopped.

    Args:
        tokens: Tokens of all kinds.
        money: What they may cost.
        currency: Of the money.

    Raises:
        ConfigError: It limits nothing, or a limit is not above 0.
    """

    tokens: int | None = None
    money: Decimal | float | str | None = None
    currency: str = DOLLAR

    def __post_init__(self) -> None:
        """Check the limits."""
        if self.tokens is None and self.money is None:
            raise ConfigError("A budget names tokens, or money, or both.")
        if self.tokens is not None and (type(self.tokens) is not int or self.tokens <= 0):
            raise ConfigError("A budget's tokens must be a whole number above 0.")
        if self.money is not None:
            amount = read_amount(str(self.money), "A budget's money")
            if not amount:
                raise ConfigError("A budget's money must be above 0.")
            object.__setattr__(self, "money", amount)
        object.__setattr__(self, "currency", self.currency.upper())

    @property
    def sum(self) -> Money | None:
        """The limit in money, or None."""
        return None if self.money is None else Money(Decimal(self.money), self.currency)

    def __str__(self) -> str:
        """As in ``50,000 tokens``."""
        tokens = [f"{self.tokens:,} tokens"] if self.tokens is not None else []
        return " or ".join([*tokens, *([money_text(self.sum)] if self.sum is not None else [])])


@dataclass
class Spent:
    """The sum of some exchanges.

    Attributes:
        tokens: Tokens of all kinds.
        money: Cost by currency.
    """

    tokens: int
    money: dict[str, Decimal]

    @classmethod
    def on(cls, entries: Iterable[Entry | Summed]) -> Spent:
        """What these exchanges took."""
        spent = cls(0, {})
        for entry in entries:
            spent.add(entry)
        return spent

    def add(self, entry: Entry | Summed) -> None:
        """Count one more exchange, or a sum of some."""
        self.tokens += entry.spent or 0
        if entry.cost is not None:
            self.money[entry.currency] = self.money.get(entry.currency, Decimal(0)) + entry.cost


def is_priced(entry: Entry | Summed, currency: str) -> bool:
    """Whether the cost of an exchange is known in a currency; nothing is nothing in all of them."""
    return entry.cost is not None and (entry.currency == currency or not entry.cost)


def is_used_up(budget: Budget, spent: Spent) -> bool:
    """Whether one of the limits is reached."""
    money = spent.money.get(budget.currency, Decimal(0))
    by_tokens = budget.tokens is not None and spent.tokens >= budget.tokens
    return by_tokens or (budget.sum is not None and money >= budget.sum.amount)


def check_spent(budget: Budget, spent: Spent) -> None:
    """Refuse to go on when a limit is reached.

    Raises:
        BudgetExceeded: It is.
    """
    if not is_used_up(budget, spent):
        return
    used = [f"{spent.tokens:,} tokens"] if budget.tokens is not None else []
    if budget.sum is not None:
        used.append(money_text(Money(spent.money.get(budget.currency, Decimal(0)), budget.currency)))
    raise BudgetExceeded(
        f"The budget of {budget} is used up ({' and '.join(used)} are spent); nothing was sent.",
        hint="Give a higher one with `%gemini budget …`, or lift it with `%gemini budget off`.",
    )


def has_said(entry: Entry) -> bool:
    """Whether an exchange has come to its end, and to a price; what a tape or a cache answers costs nothing."""
    return entry.status in _ENDED and entry.requests > 0


def check_known(budget: Budget, entry: Entry, reason: str) -> None:
    """Refuse to go on when what an exchange took since the budget was set is not known.

    Raises:
        BudgetExceeded: The budget cannot be kept.
    """
    if not has_said(entry):
        return
    no_tokens = budget.tokens is not None and entry.spent is None
    if no_tokens or (budget.sum is not None and not is_priced(entry, budget.currency)):
        raise BudgetExceeded(
            f"The budget of {budget} cannot be kept: what exchange {entry.number} with {entry.model} took is not "
            f"known, because {reason}; nothing was sent.",
            hint="Lift it with `%gemini budget off`.",
        )


def refuse_unpriced(budget: Budget, model: str, currency: str | None, reason: str) -> None:
    """Refuse a model whose cost would not be known in the budget's currency.

    Raises:
        BudgetExceeded: It would not.
    """
    if currency is not None:
        reason = f"its prices are in {currency}"
    raise BudgetExceeded(
        f"The budget of {budget} cannot be kept with {model}: {reason}; nothing was sent.",
        hint=f'Write its price into the config file, under [prices."{model}"], with input and output per million '
        "tokens; or give a budget in tokens; or lift it with `%gemini budget off`.",
    )
