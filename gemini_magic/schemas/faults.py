"""What is wrong with an answer, in few words that name the places."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gemini_magic.exceptions import SchemaMismatch
from gemini_magic.schemas.paths import element, field, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

#: Faults that one message names.
MOST_FAULTS = 3
_LONGEST = 300


def mismatch(name: str, faults: Sequence[str]) -> SchemaMismatch:
    """The error for an answer that does not fit.

    Args:
        name: The schema's name.
        faults: What is wrong; the first few are named.
    """
    unique = list(dict.fromkeys(faults))
    words = [fault if len(fault) <= _LONGEST else fault[: _LONGEST - 1] + "…" for fault in unique[:MOST_FAULTS]]
    more = f"; and {len(unique) - MOST_FAULTS} more" if len(unique) > MOST_FAULTS else ""
    called = f"the schema of {name}" if name and name != "answer" else "the schema"
    return SchemaMismatch(f"The answer does not fit {called}: {'; '.join(words)}{more}.")


def worded(error: ValidationError, value: Any) -> list[str]:  # noqa: ANN401 - JSON
    """What pydantic found wrong, each with its place.

    Args:
        error: What it raised.
        value: The JSON that was validated.
    """
    return [_worded(fault, value) for fault in error.errors(include_url=False)]


def _worded(fault: ErrorDetails, value: Any) -> str:  # noqa: ANN401 - JSON
    is_missing = fault["type"] in {"missing", "missing_argument"}
    path = _path(fault["loc"], value, is_missing=is_missing)
    if is_missing:
        return f"{path} is missing"
    words = (
        fault["msg"].rstrip(".").removeprefix("Input ").removeprefix("Value error, ").removeprefix("Assertion failed, ")
    )
    if fault["type"] == "extra_forbidden":
        return f"{path} is not in the schema"
    if words.startswith("should "):
        return f"{path or 'it'} {words}, not {shown(fault['input'])}"
    return f"{path or 'it'}: {words}"


def _path(steps: tuple[int | str, ...], value: Any, *, is_missing: bool) -> str:  # noqa: ANN401 - JSON
    """The place in the answer; pydantic's list of steps also names the members of unions that it tried."""
    path = ""
    for step, is_last in _marked(steps):
        if isinstance(step, int):
            if isinstance(value, list):
                path = element(path, step)
                value = value[step] if 0 <= step < len(value) else None
        elif isinstance(value, dict) and (step in value or (is_missing and is_last)):
            path, value = field(path, step), value.get(step)
    return path


def _marked(steps: tuple[int | str, ...]) -> Iterator[tuple[int | str, bool]]:
    for number, step in enumerate(steps):
        yield step, number == len(steps) - 1
