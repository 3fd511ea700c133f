"""Functions of the notebook that a model may call, and only those that the user names for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gemini_magic._lazy import by_home

if TYPE_CHECKING:
    from gemini_magic.tools.declare import declaration
    from gemini_magic.tools.function import Tool, tool
    from gemini_magic.tools.ready.dataframe import frame
    from gemini_magic.tools.ready.namespace import variables
    from gemini_magic.tools.toolbox import Toolbox
    from gemini_magic.tools.tooling import Limits

_HOMES = {
    "Limits": "tooling",
    "Tool": "function",
    "Toolbox": "toolbox",
    "declaration": "declare",
    "frame": "ready.dataframe",
    "tool": "function",
    "variables": "ready.namespace",
}

__all__ = ["Limits", "Tool", "Toolbox", "declaration", "frame", "tool", "variables"]


__getattr__ = by_home(__name__, _HOMES)
