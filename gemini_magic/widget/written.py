"""Values as texts that can be shown: not too long, and with nothing hidden in them."""

from __future__ import annotations

import json

from gemini_magic.display.visible import visible

_LONGEST = 20_000


def json_text(value: object) -> str:
    """A value as JSON over several lines."""
    try:
        return visible(short(json.dumps(value, ensure_ascii=False, indent=2, default=str)))
    except (ValueError, RecursionError):
        return "[nested too deeply to be shown]"


def short(text: str) -> str:
    """A text, or its beginning and how much is left out."""
    rest = len(text) - _LONGEST
    return text if rest <= 0 else f"{text[:_LONGEST]}\n… {rest:,} more characters"
