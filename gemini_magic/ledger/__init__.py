"""What this kernel has spent: the newest exchanges one by one, and sums; prices, and a budget."""

from __future__ import annotations

from gemini_magic.ledger.amounts import read_budget
from gemini_magic.ledger.book import KEPT, KERNEL, Ledger, labelled
from gemini_magic.ledger.budget import Budget, Spent, is_priced, is_used_up
from gemini_magic.ledger.entries import Count, Entry
from gemini_magic.ledger.prices import Money, money_text
from gemini_magic.ledger.sums import Summed
from gemini_magic.settings.prices import Price

__all__ = [
    "KEPT",
    "KERNEL",
    "Budget",
    "Count",
    "Entry",
    "Ledger",
    "Money",
    "Price",
    "Spent",
    "Summed",
    "is_priced",
    "is_used_up",
    "labelled",
    "money_text",
    "read_budget",
]
