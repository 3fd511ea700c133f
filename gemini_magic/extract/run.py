"""What an extraction was: its frame, what failed and why, what it took, and how to go on."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Protocol

from gemini_magic.exceptions import UsageError
from gemini_magic.extract.made import Inspection, Made, cut, details_of
from gemini_magic.extract.usage import NoProgress, Progress, Usage
from gemini_magic.frames import build_frame

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from gemini_magic.extract.job import Job, Outcome
    from gemini_magic.extract.locks import Locks

__all__ = ["Inspection", "Interrupted", "Made", "NoProgress", "Progress", "Run", "Usage", "attach", "run_of"]

#: Frames that take no attribute of ours, with their runs; the latest ones.
_RECENT: deque[tuple[object, Run]] = deque(maxlen=16)
_ATTRIBUTE = "_gemini_run"


class Interrupted(KeyboardInterrupt):
    """The user has stopped an extraction; what was done is kept.

    Args:
        message: How far it came, and how to go on.
        partial: The frame as far as it came; the rest is null.
    """

    def __init__(self, message: str = "", partial: object = None) -> None:
        super().__init__(message)
        self.message = message
        self.partial = partial

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle without the frame."""
        return (type(self), (self.message,))

    def _render_traceback_(self) -> list[str]:
        """One line instead of a traceback; IPython calls this."""
        return [self.message]


class Ways(Protocol):
    """How a run goes on, as the extraction that made it knows."""

    def again(self, statuses: frozenset[str]) -> Run:
        """The same extraction, with rows of these statuses asked again."""
        ...

    def source(self, position: int) -> Mapping[str, object]:
        """The values of a row."""
        ...

    def stored(self, key: str) -> Outcome | None:
        """What came of a task, as the store has it."""
        ...

    def corrections(self, frame: object) -> Locks:
        """What a person changed in a frame."""
        ...


@dataclass(frozen=True, repr=False, eq=False)
class Run:
    """An extraction that has been made, wholly or in part.

    Attributes:
        frame: The result.
        job: What was asked of all rows.
        made: What came of each.
        usage: What it took.
        store_path: Where the answers are kept; None when they are not.
        notes: What the user should know, such as a store that could not be used.
    """

    frame: Any
    job: Job
    made: Made
    usage: Usage
    store_path: Path | None
    ways: Ways
    notes: tuple[str, ...] = ()

    @property
    def outcomes(self) -> Mapping[str, Outcome]:
        """What came of each task, by its key."""
        return self.made.outcomes

    @property
    def errors(self) -> Any:  # noqa: ANN401 - a frame
        """The rows without a value: a frame of label, status, error kind, error and attempts; a list without pandas."""
        found = list(self.made.failed())
        rows = [
            {
                "status": outcome.status,
                "error_kind": outcome.error_kind,
                "error": outcome.error,
                "attempts": outcome.attempts,
            }
            for _, outcome in found
        ]
        labels = [self.made.labels[position] for position, _ in found]
        return _frame(rows, labels, {"status": str, "error_kind": str, "error": str, "attempts": int})

    @property
    def details(self) -> Any:  # noqa: ANN401 - a frame
        """How each row went: a frame of label, status, error kind, error, attempts, tokens and seconds."""
        made = self.made
        rows = [details_of(made.status(place), made.outcome(place)) for place in range(len(made.keys))]
        kinds = {"status": str, "error_kind": str, "error": str, "attempts": int, "tokens": int, "seconds": float}
        return _frame(rows, made.labels, kinds)

    @property
    def locks(self) -> Locks:
        """The cells that a person has changed in the frame since, for ``gm.extract(…, locks=run.locks)``."""
        return self.ways.corrections(self.frame)

    def corrections(self, frame: object) -> Locks:
        """The cells that a person has changed in a copy of the frame.

        Args:
            frame: The copy; rows are matched by their labels where these are unique, else by position.

        Raises:
            InputError: It has none of the run's columns, or other rows.
        """
        return self.ways.corrections(frame)

    def retry_failed(self) -> Run:
        """Ask again for the rows without a value; all others stay as they are.

        Returns:
            A new run; its ``frame`` is whole.
        """
        return self.ways.again(frozenset({"failed", "invalid", "truncated", "blocked"}))

    def resume(self) -> Run:
        """Go on where the run was stopped; rows with a value are not asked again.

        Returns:
            A new run.
        """
        return self.ways.again(frozenset({"failed"}))

    def inspect(self, label: object = None, *, position: int | None = None) -> Inspection:
        """Look at one row.

        Args:
            label: Its label: of a pandas index, or its position elsewhere.
            position: Its position, where labels are not unique.

        Returns:
            The values that went in, the answer as it came, the functions that were called, attempts, tokens and time.

        Raises:
            UsageError: There is no such row, or there are several.
        """
        found = self._position(label) if position is None else position
        if not -len(self.made.keys) <= found < len(self.made.keys):
            raise UsageError(f"There is no row {found}; the run has {len(self.made.keys):,}.")
        found %= len(self.made.keys)
        outcome = self.made.outcome(found)
        status = self.made.status(found)
        source = self.ways.source(found)
        if outcome is None:
            return Inspection(self.made.labels[found], found, status, source)
        kept = outcome if outcome.raw or outcome.calls else (self.ways.stored(outcome.key) or outcome)
        facts = {name: value for name, value in asdict(outcome).items() if name not in {"key", "status"}}
        facts |= {"raw": kept.raw, "calls": kept.calls}
        return Inspection(self.made.labels[found], found, status, source, **facts)

    def _position(self, label: object) -> int:
        found = [position for position, one in enumerate(self.made.labels) if _is(one, label)]
        if len(found) == 1:
            return found[0]
        if found:
            shown = ", ".join(map(str, found[:5]))
            raise UsageError(
                f"The label {label!r} is at {len(found)} rows.", hint=f"Name one by position=…; they are {shown}."
            )
        raise UsageError(f"No row has the label {cut(label)}.", hint="run.details lists the rows.")

    def __repr__(self) -> str:
        """One line: what came of it, what it took, and where it is kept."""
        where = f", kept in {self.store_path}" if self.store_path else ""
        return f"Run({self.job.schema.name or 'schema'}: {self.usage}{where})"


def attach(frame: object, run: Run) -> None:
    """Let `run_of` find the run of a frame."""
    try:
        object.__setattr__(frame, _ATTRIBUTE, run)
    except (AttributeError, TypeError):
        _RECENT.append((frame, run))


def run_of(frame: object) -> Run:
    """The run that made a frame: ``run_of(df).errors``, ``run_of(df).retry_failed()``.

    Args:
        frame: What `extract` has returned; a copy of it does not know.

    Raises:
        UsageError: No run made it.
    """
    if isinstance(frame, Run):
        return frame
    found = getattr(frame, "__dict__", {}).get(_ATTRIBUTE)
    if isinstance(found, Run):
        return found
    for known, run in reversed(_RECENT):
        if known is frame:
            return run
    raise UsageError(
        "This is no frame that an extraction returned, or it is a copy of one.",
        hint="Keep the frame as it came, or its run: run = gm.run_of(frame).",
    )


def label_column(labels: Sequence[object]) -> tuple[list[Any], type]:
    """Labels as a column, and what it holds: numbers when all are, else texts."""
    if all(type(label) is int for label in labels):
        return list(labels), int
    return [str(label) for label in labels], str


def _frame(rows: list[dict[str, Any]], labels: Sequence[object], columns: Mapping[str, type]) -> Any:  # noqa: ANN401
    """A frame with the labels in front; the rows themselves where no dataframe library is installed."""
    texts, kind = label_column(labels)
    labelled = [{"label": text, **row} for text, row in zip(texts, rows, strict=True)]
    frame = build_frame(labelled, {"label": kind, **columns})
    return labelled if frame is None else frame


def _is(one: object, label: object) -> bool:
    if one is label:
        return True
    try:
        return bool(one == label) or (_is_nan(one) and _is_nan(label))
    except (TypeError, ValueError):
        return False


def _is_nan(value: object) -> bool:
    return isinstance(value, float) and math.isnan(value)
