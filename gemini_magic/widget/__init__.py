"""The chat pane: a conversation of this kernel in an output cell, shared with the notebook's cells."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gemini_magic._lazy import by_home

if TYPE_CHECKING:
    from gemini_magic.widget.chat import ChatWidget
    from gemini_magic.widget.engine import Engine

# The engine does without anywidget, so neither brings in the other.
_HOMES = {"ChatWidget": "chat", "Engine": "engine"}

__all__ = ["ChatWidget", "Engine"]


__getattr__ = by_home(__name__, _HOMES)
