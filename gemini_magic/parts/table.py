"""Dataframes and series as text; ``{{df:200}}`` names the number of rows."""

from __future__ import annotations

from gemini_magic.exceptions import InputError, UnsupportedValue
from gemini_magic.frames import frame_kind, frame_text
from gemini_magic.parts.limits import MAX_SECONDS_INSIDE, limited


def table_text(value: object, what: str, rows: int | None = None) -> str:
    """Write a frame as a compact table.

    Args:
        value: A frame or series.
        what: What the user calls it, for messages.
        rows: How many rows to show; few, and as many as fit, when None.

    Returns:
        The table.

    Raises:
        InputError: It is no frame, or so many rows do not fit.
    """
    kind = frame_kind(value)
    if not kind:
        raise InputError(
            f"{what} is not a table, so it has no rows to choose from.",
            hint="Send a slice of it, such as {{items[:5]}}.",
        )
    try:
        if kind.endswith("LazyFrame"):  # computing it is what the user asked for, however long it takes
            return frame_text(value, rows)
        return limited(lambda: frame_text(value, rows), what, MAX_SECONDS_INSIDE)
    except UnsupportedValue:
        raise
    except InputError as error:
        raise type(error)(f"{what}: {error.message}", hint=error.hint) from None
