"""What a million tokens of a model cost, in the user's own words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any

from gemini_magic.exceptions import ConfigError
from gemini_magic.settings.nearest import did_you_mean

DOLLAR = "USD"
_CURRENCY = re.compile(r"[A-Za-z]{3,8}")
_AMOUNTS = ("input", "output", "cached", "thoughts")
_FIELDS = (*_AMOUNTS, "currency")


@dataclass(frozen=True, slots=True)
class Price:
    """What a million tokens cost.

    Attributes:
        input: Tokens of the prompt.
        output: Tokens of the answer.
        cached: Tokens of the prompt that came from a cache; as `input` when it is not said.
        thoughts: Tokens spent on thinking; as `output` when it is not said.
        currency: Its code, such as ``USD``.
    """

    input: Decimal
    output: Decimal
    cached: Decimal | None = None
    thoughts: Decimal | None = None
    currency: str = DOLLAR


def read_prices(table: Mapping[str, Any], where: str) -> Mapping[str, Price]:
    """Read a table of prices by model.

    Args:
        table: A mapping with ``input`` and ``output``, and perhaps ``cached``, ``thoughts`` and ``currency``, or a
            `Price`, by the model's name.
        where: What the messages call it.

    Raises:
        ConfigError: Something in it is no price.
    """
    prices = {name.removeprefix("models/"): _price(one, f"{where}[{name!r}]") for name, one in table.items()}
    return MappingProxyType(prices)


def _price(table: object, where: str) -> Price:
    if isinstance(table, Price):
        return table
    if not isinstance(table, Mapping):
        raise ConfigError(f"{where} must be a table with input and output.")
    for name in table:
        if name not in _FIELDS:
            hint = did_you_mean(str(name), _FIELDS) or f"Known are: {', '.join(_FIELDS)}."
            raise ConfigError(f"{name!r} in {where} is not known.", hint=hint)
    for name in ("input", "output"):
        if name not in table:
            raise ConfigError(f"{where} has no {name}.", hint="Both are prices per million tokens.")
    amounts = {name: _amount(table[name], f"{name} in {where}") for name in _AMOUNTS if name in table}
    return Price(**amounts, currency=_currency(table.get("currency", DOLLAR), where))


def _amount(value: object, name: str) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise ConfigError(f"{name} must be a number, not {type(value).__name__}.")
    return read_amount(str(value), name)


def read_amount(text: str, name: str) -> Decimal:
    """A sum of money, exactly as it was written.

    Raises:
        ConfigError: It is no number, or below 0.
    """
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount < 0:
        raise ConfigError(f"{name} must be a number from 0 on; it is {text[:40]!r}.")
    return amount


def _currency(value: object, where: str) -> str:
    if not isinstance(value, str) or not _CURRENCY.fullmatch(value):
        raise ConfigError(f"currency in {where} must be a code such as USD or EUR.")
    return value.upper()
