"""The line and the cell: what is typed becomes a request, and what comes back is shown."""

from __future__ import annotations

from gemini_magic.magics.gemini import GeminiMagics, load, unload

__all__ = ["GeminiMagics", "load", "unload"]
