"""Texts that a spreadsheet would take for formulas."""

from __future__ import annotations

#: What spreadsheets begin a formula with, in the width of Latin and of East Asian letters; what cells are split at.
_BEGINNINGS = frozenset("=+-@\t\r\n\0＝＋－＠")  # noqa: RUF001 - these are meant


def csv_safe(text: str) -> str:
    """A text as it can stand in a CSV file that a spreadsheet will open.

    Args:
        text: Any text, such as one that a model has written.

    Returns:
        The same text, with an apostrophe before it where a spreadsheet would take it for a formula; a plain number,
        such as ``-5``, stays as it is.
    """
    beginning = text.lstrip(" \u00a0\ufeff\u200b")[:1]
    if beginning not in _BEGINNINGS or not beginning or _is_number(text):
        return text
    return f"'{text}"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return text.isascii() and "_" not in text and text == text.strip()
