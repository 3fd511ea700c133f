"""``df.gemini`` for frames: made as soon as their library has been imported, before the extension or after it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

_EVENT = "pre_run_cell"
_LIBRARIES = ("pandas", "polars")
_SEEN: set[str] = set()


def _look(info: object = None) -> None:  # noqa: ARG001 - IPython tells about the cell
    """Register for the libraries that are new; most of the time there are none."""
    new = {library for library in _LIBRARIES if library in sys.modules} - _SEEN
    if not new:
        return
    from gemini_magic.extract.accessor import register_accessors  # noqa: PLC0415 - a notebook may have no frames

    register_accessors()
    _SEEN.update(new)


def install(shell: InteractiveShell) -> None:
    """Look now, and before every cell."""
    _look()
    shell.events.register(_EVENT, _look)


def uninstall(shell: InteractiveShell) -> None:
    """Look no more, and take ``.gemini`` away."""
    shell.events.unregister(_EVENT, _look)
    if _SEEN:
        from gemini_magic.frames.accessors import unregister_accessor  # noqa: PLC0415 - as above

        unregister_accessor("gemini")
        _SEEN.clear()
