"""Names of the notebook, for completion: found without evaluating anything."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING, Any

from gemini_magic.frames import DEFAULT_ROWS, is_frame

if TYPE_CHECKING:
    from collections.abc import Callable

_ROWS = (5, 10, DEFAULT_ROWS, 50, 100)
_MISSING = object()
_TOOLS = "gemini_magic.tools."


def variables(shell: Any, fits: Callable[[object], bool] | None = None) -> list[str]:  # noqa: ANN401 - shells differ
    """The notebook's own variables, in the order of their names.

    Args:
        shell: The IPython shell.
        fits: Which values are wanted; all of them when None.
    """
    hidden = getattr(shell, "user_ns_hidden", {})
    return sorted(
        name
        for name, value in dict(shell.user_ns).items()
        if isinstance(name, str) and not name.startswith("_") and name not in hidden and (fits is None or fits(value))
    )


def attributes(shell: Any, path: str) -> list[str]:  # noqa: ANN401
    """The attributes of a variable, or of what is stored in one; none where code would have to run to find it."""
    first, *steps = path.split(".")
    value = shell.user_ns.get(first, _MISSING)
    for step in steps:
        value = _stored(value, step)
    if value is _MISSING:
        return []
    try:
        found = dir(value)
    except Exception:  # noqa: BLE001 - somebody else's __dir__
        return []
    return [name for name in found if isinstance(name, str) and name.isidentifier() and not name.startswith("_")]


def _stored(value: object, name: str) -> object:
    """What an object or a module keeps under a name; properties are not read."""
    try:
        kept = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return _MISSING
    own = isinstance(kept, dict) and (isinstance(value, ModuleType) or not hasattr(type(value), name))
    return kept.get(name, _MISSING) if own else _MISSING


def tools(shell: Any, typed: str) -> list[str]:  # noqa: ANN401
    """What ``--tools`` takes: functions and toolboxes, and, behind a dot, what else an object can do."""
    path, dot, _ = typed.rpartition(".")
    if not dot:
        return variables(shell, _may_be_called)
    return [f"{path}.{name}" for name in attributes(shell, path)]


def _may_be_called(value: object) -> bool:
    """Whether a value is a function or has some; classes and packages are none that a model would call."""
    if isinstance(value, list | tuple):
        return bool(value) and all(_may_be_called(one) for one in value)
    kind = type(value)
    return kind.__module__.startswith(_TOOLS) or (callable(value) and not isinstance(value, type))


def rows(shell: Any, name: str) -> list[str]:  # noqa: ANN401
    """Numbers of rows for ``{{table:N}}``, the whole table's last."""
    value = shell.user_ns.get(name)
    if not is_frame(value):
        return []
    try:
        count = len(value)
    except Exception:  # noqa: BLE001 - a lazy frame does not know
        return [str(number) for number in _ROWS]
    return [str(number) for number in dict.fromkeys([*(number for number in _ROWS if number < count), count])]


def frames(shell: Any, typed: str) -> list[str]:  # noqa: ANN401
    """Dataframes, and, once one is named, its columns: ``df.text``."""
    name, dot, _ = typed.partition(".")
    if not dot:
        return variables(shell, lambda value: is_frame(value) or isinstance(value, list))
    value = shell.user_ns.get(name)
    names = getattr(value, "columns", ()) if is_frame(value) else ()
    return [f"{name}.{column}" for column in names if isinstance(column, str) and column.isidentifier()]
