"""Functions by which a model looks at variables of the notebook: their names, types and sizes, and short summaries."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from fnmatch import fnmatchcase
from types import ModuleType
from typing import TYPE_CHECKING, Annotated, Any

from gemini_magic.exceptions import GeminiMagicError, InputError
from gemini_magic.frames import frame_kind, is_frame
from gemini_magic.parts import is_media, to_text
from gemini_magic.parts.secrets import find_secret
from gemini_magic.settings import known_keys
from gemini_magic.settings.nearest import did_you_mean
from gemini_magic.tools.function import tool
from gemini_magic.tools.ready.dataframe import described_frame
from gemini_magic.tools.toolbox import Toolbox

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

#: How many variables are listed, and how many characters of one are shown.
MOST_NAMES = 200
MOST_CHARACTERS = 2_000

#: What IPython puts into a notebook itself, where it does not say so.
_IPYTHON = frozenset({"In", "Out", "exit", "quit", "get_ipython", "open"})
_SECRET_NAME = re.compile(
    r"(api|access|private|secret)_?key|secret|passw(or)?d|(^|_)pwd($|_)|credential|(^|_)token($|_)", re.IGNORECASE
)
_BUILTIN = (str, bytes, bytearray, list, tuple, dict, set, frozenset, range)

Json = dict[str, Any]


def variables(pattern: str | Collection[str] = "*", namespace: Mapping[str, Any] | None = None) -> Toolbox:
    """Make functions by which a model can look at variables of the notebook.

    ``list_variables`` gives names, types and sizes; ``show_variable`` a short text of one, or the columns and first
    rows of a dataframe. Both only read, so they run without asking. Modules, names that begin with an underscore and
    whatever looks like a key are not shown.

    Args:
        pattern: Which names may be looked at, as in ``"sales_*"``, or several such patterns.
        namespace: Where the variables are; those of the notebook, or of the module that calls this, when None.

    Returns:
        The functions, for ``tools=``.
    """
    patterns = tuple(pattern) if isinstance(pattern, list | tuple | set | frozenset) else (pattern,)
    if not patterns or not all(isinstance(each, str) and each for each in patterns):
        raise InputError(f"pattern={pattern!r:.60} names no variables.", hint="Use a pattern such as 'sales_*'.")
    home = "" if namespace is not None else str(sys._getframe(1).f_globals.get("__name__", "__main__"))  # noqa: SLF001
    view = _Variables(patterns, namespace, home)
    return Toolbox.of(
        [
            tool(view.list_variables, name="list_variables", read_only=True),
            tool(view.show_variable, name="show_variable", read_only=True),
        ]
    )


@dataclass(frozen=True, eq=False)
class _Variables:
    """Variables that may be looked at; the docstrings are what the model reads."""

    patterns: tuple[str, ...]
    namespace: Mapping[str, Any] | None
    home: str

    def list_variables(self, pattern: Annotated[str, "Which names, as in sales_*; all when left out."] = "*") -> Json:
        """The variables of the notebook: their names, types and sizes."""
        found = sorted(name for name in self._names() if fnmatchcase(name, pattern))
        values = self._values()
        listed: Json = {"variables": [_entry(name, values[name]) for name in found[:MOST_NAMES]]}
        if len(found) > MOST_NAMES:
            listed["note"] = f"{len(found) - MOST_NAMES} more: ask with a pattern."
        return listed

    def show_variable(self, name: Annotated[str, "Its name, as list_variables gives it."]) -> Json:
        """What a variable of the notebook holds, in short: its text, or the columns and first rows of a table."""
        names = set(self._names())
        if name not in names:
            near = did_you_mean(name, names)
            raise InputError(f"There is no variable {name!r:.80} to show. {near}".strip(), hint="See list_variables.")
        return _shown(name, self._values()[name])

    def _names(self) -> Iterator[str]:
        hidden = _hidden()
        for name, value in list(self._values().items()):
            if not isinstance(name, str) or name.startswith("_") or isinstance(value, ModuleType) or name in hidden:
                continue
            if any(fnmatchcase(name, pattern) for pattern in self.patterns):
                yield name

    def _values(self) -> Mapping[str, Any]:
        """The variables as they are now."""
        if self.namespace is not None:
            return self.namespace
        shell = _shell()
        if shell is not None:
            return dict(shell.user_ns)
        return dict(vars(sys.modules.get(self.home, sys.modules["__main__"])))


def _shell() -> Any:  # noqa: ANN401 - IPython's shell, which is not imported here
    """The notebook's shell, or None outside of IPython."""
    module = sys.modules.get("IPython")
    return module.get_ipython() if module is not None else None


def _hidden() -> frozenset[str]:
    return _IPYTHON | frozenset(getattr(_shell(), "user_ns_hidden", ()))


def _entry(name: str, value: object) -> Json:
    """Name, type and size; nothing of what it holds."""
    return {"name": name, "type": _type(value), **_size(value)}


def _type(value: object) -> str:
    kind = type(value)
    return (
        kind.__qualname__
        if kind.__module__ == "builtins"
        else f"{kind.__module__.partition('.')[0]}.{kind.__qualname__}"
    )


def _size(value: object) -> Json:
    """Length or shape, where asking for it runs no code of the user's."""
    known = is_frame(value) or type(value).__module__.partition(".")[0] == "numpy"
    shape = getattr(value, "shape", None) if known else None
    if isinstance(shape, tuple) and shape:
        return {"shape": [int(side) for side in shape]}
    return {"length": len(value)} if type(value) in _BUILTIN else {}  # type: ignore[arg-type]


def _shown(name: str, value: object) -> Json:
    entry = _entry(name, value)
    if _SECRET_NAME.search(name):
        return entry | {"note": "Its name says that it is a key, so it is not shown."}
    try:
        told = _told(name, value)
    except GeminiMagicError as error:
        return entry | {"note": error.message}
    kind = _secret(repr(told))
    return entry | ({"note": f"It holds {kind}, so it is not shown."} if kind else told)


def _secret(text: str) -> str | None:
    """Which kind of key a text holds, one of the configured ones included."""
    return "your API key" if any(key.is_in(text) for key in known_keys()) else find_secret(text)


def _told(name: str, value: object) -> Json:
    if frame_kind(value).endswith("LazyFrame"):
        return {"note": "It is not computed yet."}
    if is_frame(value):
        return described_frame(value)
    if is_media(value):
        return {"note": "It is no text."}
    text = to_text(value, name=name)
    if len(text) <= MOST_CHARACTERS:
        return {"text": text}
    if kind := _secret(text):
        return {"note": f"It holds {kind}, so it is not shown."}
    return {"text": f"{text[:MOST_CHARACTERS]}…", "note": f"The first {MOST_CHARACTERS:,} of {len(text):,} characters."}
