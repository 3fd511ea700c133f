"""Places in a value or a schema, spelt as a person would: ``items[3].price``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_SHOWN = 80


def field(path: str, name: str) -> str:
    """The place of an object's value; names that are no identifiers stand in brackets and quotes."""
    if name.isidentifier():
        return f"{path}.{name}" if path else name
    return f"{path}[{json.dumps(name, ensure_ascii=False)}]"


def element(path: str, number: int | None = None) -> str:
    """The place of one element of an array, or of any of them."""
    return f"{path}[{'' if number is None else number}]"


def spelt(steps: Iterable[str | int]) -> str:
    """The place that keys and numbers lead to."""
    path = ""
    for step in steps:
        path = element(path, step) if isinstance(step, int) else field(path, step)
    return path


def shown(value: Any) -> str:  # noqa: ANN401 - JSON
    """A value as JSON, cut when it is long."""
    try:
        text = json.dumps(value, ensure_ascii=False, default=str)
    except (ValueError, RecursionError):
        text = f"a value of type {type(value).__name__}"
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"
