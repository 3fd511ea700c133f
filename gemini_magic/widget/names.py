"""Names of the notebook for completion behind ``{{``: found without running anybody's code."""

from __future__ import annotations

import re
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from gemini_magic.frames import is_frame

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gemini_magic.widget.notebook import Notebook

#: The last braces that are open, and the path so far in them.
_OPEN = re.compile(r"\{\{\s*((?:[^\W\d]\w*\.)*)([^\W\d]\w*)?$")
_MOST = 200
_LONGEST = 60
_MISSING = object()
_SIMPLE = (bool, int, float, str, bytes)


def completions(notebook: Notebook, text: str, cursor: int) -> dict[str, Any]:
    """What may stand at the cursor.

    Args:
        notebook: The notebook around the pane.
        text: What was typed.
        cursor: Where the cursor stands, in characters.

    Returns:
        ``from``, the place in the text where the names begin, and ``names``: ``name``, ``kind`` and ``shown`` of each.
    """
    match = _OPEN.search(text[:cursor])
    if match is None:
        return {"from": cursor, "names": []}
    path, typed = match[1], (match[2] or "")
    found = _attributes(notebook, path[:-1].split(".")) if path else _variables(notebook)
    fitting = sorted((one for one in found if one[0].lower().startswith(typed.lower())), key=lambda one: one[0])
    names = [{"name": name, "kind": _kind(value), "shown": _shown(value)} for name, value in fitting[:_MOST]]
    return {"from": cursor - len(typed), "names": names}


def _variables(notebook: Notebook) -> Iterator[tuple[str, object]]:
    variables = notebook.variables
    for name in notebook.names:
        value = variables.get(name, _MISSING)
        if not isinstance(value, ModuleType | FunctionType | type):
            yield name, value


def _attributes(notebook: Notebook, steps: list[str]) -> Iterator[tuple[str, object]]:
    """The attributes of a variable, or of what is stored in one."""
    first, *rest = steps
    value: object = notebook.variables.get(first, _MISSING)
    for step in rest:
        value = _stored(value, step)
    if is_frame(value):
        for name in _columns(value):
            yield name, _MISSING
    elif value is not _MISSING:
        for name in _fields(value):
            yield name, _stored(value, name)


def _columns(frame: object) -> list[str]:
    try:
        return [name for name in getattr(frame, "columns", ()) if _is_open(name)]
    except Exception:  # noqa: BLE001 - a lazy frame may have to read its file
        return []


def _fields(value: object) -> Iterable[str]:
    kept = _kept(value)
    slots = (name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ()))
    properties = (name for kind in type(value).__mro__ for name, one in vars(kind).items() if isinstance(one, property))
    return {name for name in (*kept, *slots, *properties) if _is_open(name)}


def _is_open(name: object) -> bool:
    return isinstance(name, str) and name.isidentifier() and not name.startswith("_")


def _kept(value: object) -> dict[str, object]:
    try:
        kept = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return {}
    return dict(kept) if isinstance(kept, dict) and not isinstance(value, ModuleType | type) else {}


def _stored(value: object, name: str) -> object:
    """What an object keeps under a name; properties are not read."""
    return _kept(value).get(name, _MISSING) if not hasattr(type(value), name) else _MISSING


def _kind(value: object) -> str:
    return "" if value is _MISSING else type(value).__name__


def _shown(value: object) -> str:
    """What a value is, in a few characters."""
    if is_frame(value):
        shape = getattr(value, "shape", None)
        return " × ".join(f"{side:,}" for side in shape) if isinstance(shape, tuple) else ""
    if type(value) in _SIMPLE:
        text = " ".join(repr(value if not isinstance(value, str | bytes) else value[:_LONGEST]).split())
        return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
    if type(value) in {list, tuple, dict, set}:
        return f"{len(value):,} items"  # type: ignore[arg-type]  # one of the four
    return ""
