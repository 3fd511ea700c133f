"""What this kernel has spent: one entry for every exchange, by cell, conversation and model; prices, and a budget."""

from __future__ import annotations

from gemini_magic.ledger.amounts import read_budget
from gemini_magic.ledger.book import KERNEL, Ledger, labelled
from gemini_magic.ledger.budget import Budget, Spent, is_priced, is_used_up
from gemini_magic.ledger.entries import Count, Entry
from gemini_magic.ledger.prices import Money, money_text
from gemini_magic.settings.prices import Price

__all__ = [
    "KERNEL",
    "Budget",
    "Count",
    "Entry",
    "Ledger",
    "Money",
    "Price",
    "Spent",
    "is_priced",
    "is_used_up",
    "labelled",
    "money_text",
    "read_budget",
]
