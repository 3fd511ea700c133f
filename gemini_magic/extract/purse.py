"""What a run has spent, and what it may spend."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from gemini_magic.exceptions import BudgetExceeded, ConfigError, UsageError
from gemini_magic.ledger import KERNEL, Budget
from gemini_magic.ledger.amounts import read_budget
from gemini_magic.wire import UsageMetadata

if TYPE_CHECKING:
    from gemini_magic.extract.job import Outcome
    from gemini_magic.ledger import Money

_ENDED = frozenset({"ok", "invalid", "truncated"})


class Purse:
    """Counts tokens and money.

    Args:
        model: The model that is asked.
        prices: The profile's ``prices``.
        budget: What may be spent; without limit when None.

    Attributes:
        prompt_tokens: Tokens of all requests.
        answer_tokens: Tokens of all answers.
        tokens: All tokens.

    Raises:
        ConfigError: The budget is in money, and what the model costs is not known.
    """

    def __init__(self, model: str, prices: str = "none", budget: Budget | None = None) -> None:
        self.prompt_tokens = 0
        self.answer_tokens = 0
        self.tokens = 0
        self._model = model
        self._prices = prices
        self._budget = budget
        self._unknown = False
        money = self._price(1, 1)
        self._currency = None if money is None else money.currency
        if budget is not None and budget.sum is not None and self._currency != budget.currency:
            known = f"its prices are in {self._currency}" if self._currency else "what it costs is not known"
            raise ConfigError(
                f"The budget of {budget} cannot be kept with {model}: {known}.",
                hint="Give one in tokens, such as budget='50k', or write the model's price into the config file.",
            )

    @property
    def cost(self) -> Money | None:
        """What it cost, or None where that is not known."""
        return None if self._unknown else self._price(self.prompt_tokens, self.answer_tokens)

    def left(self) -> Budget | None:
        """What may still be spent.

        Raises:
            BudgetExceeded: Nothing.
        """
        budget = self._budget
        if budget is None or not (self.tokens or self.prompt_tokens or self.answer_tokens):
            return budget
        cost, limit = self.cost, budget.sum
        tokens = None if budget.tokens is None else budget.tokens - self.tokens
        money = None if limit is None or cost is None else limit.amount - cost.amount
        if (tokens is not None and tokens <= 0) or (money is not None and money <= 0):
            raise BudgetExceeded(
                f"The budget of {budget} for this run is used up.",
                hint="Run it again with a higher one; rows that have an answer are not asked again.",
            )
        return replace(budget, tokens=tokens, money=money)

    def spend(self, outcome: Outcome) -> None:
        """Count one more."""
        self.prompt_tokens += outcome.prompt_tokens or 0
        self.answer_tokens += outcome.answer_tokens or 0
        self.tokens += outcome.total_tokens or 0
        if outcome.total_tokens is None and outcome.status in _ENDED:
            self._unknown = True

    def price(self, prompt: float, answer: float) -> Money | None:
        """What so many tokens cost, or None where that is not known."""
        return None if self._unknown else self._price(round(prompt), round(answer))

    def _price(self, prompt: int, answer: int) -> Money | None:
        usage = UsageMetadata(
            prompt_token_count=prompt, candidates_token_count=answer, total_token_count=prompt + answer
        )
        return KERNEL.price_of(self._model, usage, prices=self._prices)


def budget_of(value: Budget | float | str | Decimal | None) -> Budget | None:
    """A budget as it was given: tokens as a whole number, or a text such as ``"50k"`` or ``"$2.50"``.

    Raises:
        UsageError: It is not understood.
        ConfigError: It limits nothing.
    """
    if value is None or isinstance(value, Budget):
        return value
    if isinstance(value, str):
        return read_budget(value)
    if type(value) is int:
        return Budget(tokens=value)
    if type(value) in {float, Decimal}:
        return Budget(money=value)
    raise UsageError(f"{value!r} is not a budget.", hint="Write 50_000 for tokens, or '$2.50', or '50k'.")
