"""What an extraction made, row by row."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from gemini_magic.extract.job import Outcome
    from gemini_magic.extract.outcomes import Outcomes

_SHOWN = 60


@dataclass(frozen=True)
class Made:
    """What an extraction made, row by row.

    Attributes:
        labels: Of every row.
        keys: Of every row's task; None where nothing was asked.
        outcomes: By key.
        locked: Positions of the rows whose values a person gave.
    """

    labels: Sequence[object]
    keys: Sequence[str | None]
    outcomes: Outcomes
    locked: frozenset[int] = frozenset()

    @property
    def asked(self) -> int:
        """How many rows have an outcome."""
        return sum(key is not None and key in self.outcomes for key in self.keys)

    @property
    def failures(self) -> int:
        """How many rows were asked and have no value."""
        return sum(1 for _ in self._failed())

    def value(self, position: int) -> Any:  # noqa: ANN401 - plain data
        """The value of a row, for the caller alone; None when there is none."""
        key = self.keys[position]
        return None if key is None else self.outcomes.value(key)

    def outcome(self, position: int) -> Outcome | None:
        """What came of a row, or None."""
        key = self.keys[position]
        return None if key is None else self.outcomes.get(key)

    def status(self, position: int) -> str:
        """The word for a row."""
        if position in self.locked:
            return "locked"
        outcome = self.outcome(position)
        return "" if outcome is None else outcome.status

    def failed(self) -> Iterator[tuple[int, Outcome]]:
        """Rows that were asked and have no value."""
        return ((position, self.outcomes[key]) for position, key in self._failed())

    def _failed(self) -> Iterator[tuple[int, str]]:
        outcomes = self.outcomes
        for position, key in enumerate(self.keys):
            if key is not None and key in outcomes and not outcomes.is_good(key) and position not in self.locked:
                yield position, key


@dataclass(frozen=True)
class Inspection:
    """One row, looked at: what went in and what came out.

    Attributes:
        label: Its label.
        position: Its position.
        status: ``ok``, ``invalid``, ``truncated``, ``blocked``, ``failed``; ``locked`` when a person's value stands,
            and empty when the row was not asked.
        source: The values that the prompt was filled with.
        value: The validated answer, or None.
        raw: The text of the answer as it came.
        error: What went wrong, in words.
        error_kind: The name of its class.
        attempts: Requests that it took.
        prompt_tokens: Tokens of the requests.
        answer_tokens: Tokens of the answers.
        total_tokens: All tokens.
        seconds: How long it took.
        model: The model that answered.
        calls: The functions that were called for it; see `Outcome`.
    """

    label: object
    position: int
    status: str = ""
    source: Mapping[str, object] = field(default_factory=dict)
    value: Any = None
    raw: str = ""
    error: str = ""
    error_kind: str = ""
    attempts: int = 0
    prompt_tokens: int | None = None
    answer_tokens: int | None = None
    total_tokens: int | None = None
    seconds: float = 0.0
    model: str = ""
    calls: Sequence[Mapping[str, Any]] = ()

    def __str__(self) -> str:
        """A line for each thing that there is."""
        lines = [f"row {self.label!r} · {self.status or 'not asked'}"]
        lines += [f"  {name}: {cut(value)}" for name, value in self.source.items()]
        names = ("value", "raw", "error_kind", "error", "attempts", "total_tokens", "seconds", "model")
        shown = {name: getattr(self, name) for name in names}
        lines += [f"{name}: {cut(value)}" for name, value in shown.items() if value is not None and value != ""]
        lines += [f"called: {called(call)}" for call in self.calls]
        return "\n".join(lines)


def called(call: Mapping[str, Any]) -> str:
    """A call of a function in one line."""
    words = f" ({cut(call['error'])})" if call.get("error") else ""
    return f"{call['name']} {cut(call['args'])} → {call['outcome']}{words}, {call['seconds']:.1f} s"


def details_of(status: str, outcome: Outcome | None) -> dict[str, Any]:
    """How a row went, as plain values."""
    if outcome is None:
        return {"status": status or None}
    return {
        "status": status,
        "error_kind": outcome.error_kind or None,
        "error": outcome.error or None,
        "attempts": outcome.attempts,
        "tokens": outcome.total_tokens,
        "seconds": outcome.seconds,
    }


def cut(value: object) -> str:
    """A value in one short line."""
    text = " ".join(str(value).split())
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
