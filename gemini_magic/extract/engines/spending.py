"""What one run may spend; no I/O."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from gemini_magic.exceptions import BudgetExceeded
from gemini_magic.ledger import Money, Spent, is_used_up, money_text
from gemini_magic.ledger.entries import counts

if TYPE_CHECKING:
    from gemini_magic.ledger import Budget, Ledger
    from gemini_magic.reply import Reply

_AGAIN = "Run it again with a higher one; rows that have an answer are not asked again."


class Spending:
    """Counts what the answers of a run take.

    Args:
        budget: The limit, or None.
        ledger: Knows prices.
        prices: The profile's ``prices``.
    """

    def __init__(self, budget: Budget | None, ledger: Ledger, prices: str) -> None:
        self._budget = budget
        self._ledger = ledger
        self._prices = prices
        self._unknown = ""
        self._spent = Spent(0, {})

    def add(self, reply: Reply) -> None:
        """Count an answer; one whose cost is not known ends a run that has a budget."""
        if self._budget is None:
            return
        tokens = self._tokens(reply)
        if tokens is None:
            self._unknown = self._unknown or "the gateway does not say how many tokens an answer took"
        self._spent.tokens += tokens or 0
        if self._budget.sum is not None:
            self._add_money(reply, self._budget.sum)

    def _tokens(self, reply: Reply) -> int | None:
        found = counts(reply.usage)
        if found["total"] is not None:
            return found["total"]
        known = [found[kind] for kind in ("prompt", "answer", "thoughts", "tools") if found[kind] is not None]
        return sum(count or 0 for count in known) if known else None

    def _add_money(self, reply: Reply, limit: Money) -> None:
        usage = reply.usage
        models = (reply.model, reply.requested_model)
        found = (self._ledger.price_of(model, usage, prices=self._prices) for model in models if model and usage)
        cost = next((money for money in found if money is not None), None)
        if cost is None or (cost.currency != limit.currency and cost.amount):
            self._unknown = self._unknown or f"what {reply.model} costs in {limit.currency} is not known"
            return
        self._spent.money[limit.currency] = self._spent.money.get(limit.currency, Decimal(0)) + cost.amount

    def refusal(self) -> BudgetExceeded | None:
        """Why nothing more may be sent, or None."""
        if self._budget is None:
            return None
        if self._unknown:
            return BudgetExceeded(f"The budget of {self._budget} for this run cannot be kept: {self._unknown}.")
        if not is_used_up(self._budget, self._spent):
            return None
        return BudgetExceeded(
            f"The budget of {self._budget} for this run is used up ({self._words()} are spent).", hint=_AGAIN
        )

    def _words(self) -> str:
        assert self._budget is not None  # noqa: S101 - asked for only when there is one
        tokens = [f"{self._spent.tokens:,} tokens"] if self._budget.tokens is not None else []
        money = [
            money_text(Money(amount, currency))
            for currency, amount in self._spent.money.items()
            if self._budget.sum is not None
        ]
        return " and ".join([*tokens, *money])
