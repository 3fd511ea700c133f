"""Tokens and cost of a turn and of a conversation, in numbers and in words."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from gemini_magic.ledger import Money, money_text
from gemini_magic.ledger.entries import counts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gemini_magic.ledger import Ledger
    from gemini_magic.reply import Reply
    from gemini_magic.widget.messages import UsageView

_WORDS = {"prompt": "in", "answer": "out", "thoughts": "for thoughts", "cached": "cached"}
_KINDS = (*_WORDS, "total")


class Amount(NamedTuple):
    """Tokens by kind, None where nobody counted, and what they cost, None where that is not known."""

    tokens: dict[str, int | None]
    cost: Money | None = None

    @property
    def total(self) -> int | None:
        """All tokens: the server's sum, or ours of what is known."""
        parts = [self.tokens[kind] for kind in ("prompt", "answer", "thoughts")]
        known = [count for count in parts if count is not None]
        return self.tokens["total"] if self.tokens["total"] is not None else sum(known) if known else None

    def view(self) -> UsageView:
        """As the pane shows it."""
        cost = money_text(self.cost) if self.cost is not None else ""
        named = [f"{count:,} {words}" for kind, words in _WORDS.items() if (count := self.tokens[kind])]
        tokens = f"{self.total:,} tokens" if self.total is not None else ""
        detail = f"{tokens} ({', '.join(named)})" if tokens and named else tokens
        return {
            "prompt": self.tokens["prompt"],
            "answer": self.tokens["answer"],
            "thoughts": self.tokens["thoughts"],
            "cached": self.tokens["cached"],
            "total": self.total,
            "cost": cost,
            "words": " · ".join(filter(None, (detail, cost))),
        }


def amount_of(reply: Reply | None, ledger: Ledger | None, prices: str) -> Amount | None:
    """What an answer took; None where the gateway does not say.

    Args:
        reply: The answer.
        ledger: Where prices are looked up.
        prices: The profile's ``prices``.
    """
    if reply is None or reply.usage is None:
        return None
    found = counts(reply.usage)
    cost = ledger.price_of(reply.model, reply.usage, prices=prices) if ledger is not None else None
    return Amount({kind: found[kind] for kind in _KINDS}, cost)


def total(amounts: Iterable[Amount | None]) -> Amount:
    """The sum of amounts; its cost is known only when all are, in one currency."""
    known = [amount for amount in amounts if amount is not None]
    tokens = {kind: _sum(amount.tokens[kind] for amount in known) for kind in _KINDS}
    tokens["total"] = _sum(amount.total for amount in known)
    costs = [amount.cost for amount in known if amount.cost is not None]
    currencies = {cost.currency for cost in costs}
    if len(costs) < len(known) or len(currencies) != 1:
        return Amount(tokens)
    return Amount(tokens, Money(sum((cost.amount for cost in costs), Decimal(0)), currencies.pop()))


def _sum(counts: Iterable[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None
