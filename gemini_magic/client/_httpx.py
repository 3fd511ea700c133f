"""Loads httpx without its command line, which nobody here uses and which costs half of the import: click and rich."""

from __future__ import annotations

import sys

__all__ = ["httpx"]

_COMMAND_LINE = "httpx._main"

if "httpx" in sys.modules or _COMMAND_LINE in sys.modules:
    import httpx
else:
    # httpx does without it, as where click is not installed; None means that there is no such module.
    sys.modules[_COMMAND_LINE] = None  # type: ignore[assignment]
    try:
        import httpx
    finally:
        del sys.modules[_COMMAND_LINE]
