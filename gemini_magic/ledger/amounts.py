"""A budget as it is typed."""

from __future__ import annotations

import re
from decimal import Decimal

from gemini_magic.exceptions import ConfigError, UsageError
from gemini_magic.ledger.budget import Budget

_TYPED = re.compile(r"(\$?)(\d[\d_,.]*)([kKmM]?) ?(tokens|usd|USD|\$|)")
_SCALES = {"": 1, "k": 1_000, "m": 1_000_000}
_HOW = "Write 50000 tokens, or $2.50, or off."


def read_budget(text: str) -> Budget:
    """Read a budget such as ``50000 tokens``, ``50k``, ``$2.50`` or ``2.50 usd``.

    Raises:
        UsageError: It is not understood.
    """
    match = _TYPED.fullmatch(text)
    if match is None or (match[1] and match[4]):
        raise UsageError(f"{text[:40]!r} is not a budget.", hint=_HOW)
    amount = _number(match[2], text) * _SCALES[match[3].lower()]
    try:
        if match[1] or match[4] not in {"", "tokens"}:
            return Budget(money=amount)
        return Budget(tokens=_whole(amount, text))
    except ConfigError as error:
        raise UsageError(error.message, hint=_HOW) from None


def _number(text: str, budget: str) -> Decimal:
    """A number; a comma that may mean either is refused."""
    plain = text.replace("_", "")
    if re.fullmatch(r"\d{1,3}(,\d{3})+(\.\d+)?", plain):
        plain = plain.replace(",", "")
    if not re.fullmatch(r"\d+(\.\d+)?", plain):
        raise UsageError(f"The number in {budget[:40]!r} is not understood.", hint="Write it as 50000 or 2.50.")
    return Decimal(plain)


def _whole(amount: Decimal, text: str) -> int:
    if amount != int(amount):
        raise UsageError(f"{text[:40]!r} is no whole number of tokens.", hint="For money write $2.50.")
    return int(amount)
