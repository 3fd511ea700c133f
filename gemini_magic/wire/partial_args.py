"""How the pieces of a streamed function call's arguments go together.

Each piece names its place by a path such as ``$.days[0].name``. Pieces of one text follow each other with
``willContinue`` set on all but the last.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gemini_magic.wire.content import PartialArg

_LONGEST_LIST = 100_000  # a piece names its own index: one number must not cost memory


def put_piece(args: dict[str, Any], piece: PartialArg, growing: str | None) -> str | None:
    """Put one piece in its place.

    Args:
        args: The arguments so far.
        piece: What came.
        growing: The path of the text that the piece before it left open, or None.

    Returns:
        The path of the text that this piece leaves open, or None.
    """
    path = piece.json_path or "$"
    steps = _path_steps(path)
    if steps:
        value = _value_of(piece)
        if path == growing and isinstance(value, str):
            value = str(_get_at(args, steps) or "") + value
        _set_at(args, steps, value)
    return path if piece.will_continue else None


_STEP = re.compile(r"""\.([^.\[\]]+)|\[(\d+)\]|\['([^']*)'\]|\["([^"]*)"\]""")


def _path_steps(path: str) -> list[str | int]:
    """``$.a.b[0]`` as ``["a", "b", 0]``."""
    return [int(m[2]) if m[2] else next(g for g in (m[1], m[3], m[4]) if g is not None) for m in _STEP.finditer(path)]


def _value_of(piece: PartialArg) -> Any:  # noqa: ANN401 - any JSON scalar
    for value in (piece.string_value, piece.number_value, piece.bool_value):
        if value is not None:
            return value
    return None


def _get_at(root: Any, steps: list[str | int]) -> Any:  # noqa: ANN401 - any JSON value
    for step in steps:
        try:
            root = root[step]
        except (KeyError, IndexError, TypeError):
            return None
    return root


def _set_at(root: Any, steps: list[str | int], value: Any) -> None:  # noqa: ANN401 - any JSON value
    """Put a value where the path leads, making the objects and lists on the way."""
    for step, following in pairwise(steps):
        below = _get_at(root, [step])
        if not isinstance(below, (dict, list)):
            below = [] if isinstance(following, int) else {}
            _put(root, step, below)
        root = below
    _put(root, steps[-1], value)


def _put(root: Any, step: str | int, value: Any) -> None:  # noqa: ANN401 - any JSON value
    if isinstance(root, list) and isinstance(step, int):
        if step < _LONGEST_LIST:
            root.extend([None] * (step + 1 - len(root)))
            root[step] = value
    elif isinstance(root, dict):
        root[str(step)] = value
