"""From rows to typed columns: a schema and a prompt in, a dataframe out, with nothing lost and nothing paid twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gemini_magic._lazy import by_home

if TYPE_CHECKING:
    from gemini_magic.extract.batch import extract
    from gemini_magic.extract.comparison import Comparison, compare
    from gemini_magic.extract.estimate import Estimate
    from gemini_magic.extract.evaluation import Evaluation, evaluate
    from gemini_magic.extract.locks import Locks
    from gemini_magic.extract.run import Interrupted, Run, run_of

_HOMES = {
    "Estimate": "estimate",
    "Comparison": "comparison",
    "Evaluation": "evaluation",
    "Interrupted": "run",
    "Locks": "locks",
    "Run": "run",
    "compare": "comparison",
    "evaluate": "evaluation",
    "extract": "batch",
    "run_of": "run",
}

__all__ = [
    "Comparison",
    "Estimate",
    "Evaluation",
    "Interrupted",
    "Locks",
    "Run",
    "compare",
    "evaluate",
    "extract",
    "run_of",
]


# What one module of this room needs, the others do not.
__getattr__ = by_home(__name__, _HOMES)
