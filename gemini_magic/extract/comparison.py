"""Several prompts or models over the same rows, side by side."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gemini_magic.exceptions import InputError
from gemini_magic.extract.batch import prepare
from gemini_magic.extract.cells import same
from gemini_magic.extract.evaluation import Evaluation, evaluate
from gemini_magic.extract.made import cut
from gemini_magic.extract.run import label_column
from gemini_magic.extract.tables import table_of
from gemini_magic.frames import build_frame, read_rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gemini_magic.extract.run import Run
    from gemini_magic.extract.tables import Table

_NAMES = ("variant", "rows", "done", "failed", "agreement", "accuracy", "requests", "tokens", "cost", "seconds")


@dataclass(frozen=True, repr=False)
class Comparison:
    """Variants over the same rows.

    Attributes:
        runs: The run of each variant.
        agreement: For each variant, the share of cells that say the same as another variant's, on average; NaN where
            there is none.
        evaluations: Against the truth, where that was given.
    """

    runs: Mapping[str, Run]
    agreement: Mapping[str, float]
    evaluations: Mapping[str, Evaluation]

    @property
    def table(self) -> Any:  # noqa: ANN401 - a frame
        """A frame with a row for each variant: agreement, accuracy, requests, tokens, cost; a list without pandas.

        What a variant took is what this call took: answers from a store cost nothing again.
        """
        rows = [self._row(name) for name in self.runs]
        kinds = {"variant": str, **dict.fromkeys(_NAMES[1:], int), "cost": str}
        kinds |= dict.fromkeys(("agreement", "accuracy", "seconds"), float)
        frame = build_frame(rows, kinds)
        return rows if frame is None else frame

    @property
    def differences(self) -> Any:  # noqa: ANN401 - a frame
        """A frame with a row for each cell on which the variants differ: label, field, and what each says."""
        tables = {name: table_of(run.frame, name) for name, run in self.runs.items()}
        first = next(iter(tables.values()))
        found = [
            (place, field)
            for place in range(len(first.rows))
            for field in first.names
            if not field.startswith("_") and _differ([table.rows[place].get(field) for table in tables.values()])
        ]
        labels, kind = label_column([first.labels[place] for place, _ in found])
        rows = [
            {"label": label, "field": field, **{name: _text(table, place, field) for name, table in tables.items()}}
            for label, (place, field) in zip(labels, found, strict=True)
        ]
        frame = build_frame(rows, {"label": kind, "field": str, **dict.fromkeys(tables, str)})
        return rows if frame is None else frame

    def _row(self, name: str) -> dict[str, Any]:
        usage = self.runs[name].usage
        evaluation = self.evaluations.get(name)
        return {
            "variant": name,
            "rows": usage.rows,
            "done": usage.done,
            "failed": usage.failed,
            "agreement": self.agreement[name],
            "accuracy": None if evaluation is None else evaluation.accuracy,
            "requests": usage.requests,
            "tokens": usage.total_tokens,
            "cost": None if usage.cost is None else str(usage.cost),
            "seconds": usage.seconds,
        }

    def __repr__(self) -> str:
        """A line for each variant."""
        width = max(map(len, self.runs))
        lines = []
        for name, run in self.runs.items():
            evaluation = self.evaluations.get(name)
            right = "" if evaluation is None else f"{evaluation.accuracy:.1%} right, "
            agreement = self.agreement[name]
            agreed = "" if math.isnan(agreement) else f"{agreement:.1%} as others, "
            lines.append(f"{name:{width}}  {right}{agreed}{run.usage}")
        return "\n".join(lines)


def compare(
    data: object,
    schema: object,
    variants: Mapping[str, Mapping[str, Any]],
    truth: object = None,
    *,
    tolerance: float = 0.0,
    case: bool = True,
    **options: Any,  # noqa: ANN401 - those of `extract`
) -> Comparison:
    """Extract the same rows in several ways.

    Args:
        data: The rows, as for `extract`; a list of them where they come from an iterator.
        schema: The schema; a variant may have its own ``schema``.
        variants: By name, what each has of its own: ``{"short": {"prompt": "…"}, "pro": {"model": "…"}}``.
        truth: What is known to be true, as for `evaluate`.
        tolerance: How far numbers may be apart and still agree, as a part of the larger one.
        case: Whether capitals matter.
        **options: Whatever `extract` takes, for all variants. ``store=PATH`` is made one file a variant.

    Raises:
        InputError: There is no variant, or one cannot be run; all are checked before anything is sent.
    """
    if not variants:
        raise InputError("There is nothing to compare: variants= is empty.", hint="{'a': {'prompt': …}, 'b': {…}}")
    if read_rows(data).length is None:
        raise InputError("An iterator is read once, and each variant reads all rows.", hint="Hand over a list of it.")
    prepared = {
        name: prepare(data, **{"schema": schema, **options, **_stored(name, options), **own})
        for name, own in variants.items()
    }
    runs = {name: extraction.run() for name, extraction in prepared.items()}
    evaluations = {
        name: evaluate(run, truth, tolerance=tolerance, case=case) for name, run in runs.items() if truth is not None
    }
    return Comparison(runs, _agreement(runs, tolerance, case=case), evaluations)


def _stored(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """A store of its own for each variant: each is another job."""
    if options.get("store") is None:
        return {}
    path = Path(options["store"])
    plain = "".join(letter if letter.isalnum() else "-" for letter in name)
    return {"store": path.with_name(f"{path.stem}-{plain}{path.suffix}")}


def _agreement(runs: Mapping[str, Run], tolerance: float, *, case: bool) -> dict[str, float]:
    tables = {name: table_of(run.frame, name) for name, run in runs.items()}
    shares: dict[str, list[float]] = {name: [] for name in runs}
    for one, other in combinations(tables, 2):
        share = _share(tables[one], tables[other], tolerance, case=case)
        shares[one].append(share)
        shares[other].append(share)
    return {name: sum(found) / len(found) if found else float("nan") for name, found in shares.items()}


def _share(one: Table, other: Table, tolerance: float, *, case: bool) -> float:
    names = [name for name in one.names if name in other.names and not name.startswith("_")]
    cells = [
        same(left.get(name), right.get(name), tolerance=tolerance, case=case)
        for left, right in zip(one.rows, other.rows, strict=False)
        for name in names
    ]
    return sum(cells) / len(cells) if cells else float("nan")


def _differ(cells: list[Any]) -> bool:
    return any(not same(cells[0], cell) for cell in cells[1:])


def _text(table: Table, place: int, field: str) -> str:
    return cut(table.rows[place].get(field))
