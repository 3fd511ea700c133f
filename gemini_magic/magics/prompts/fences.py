"""Text as a block of code in Markdown."""

from __future__ import annotations

import re


def fenced(text: str, language: str = "") -> str:
    """A text as a block of code, whatever fences it has itself."""
    longest = max((len(run) for run in re.findall(r"`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    body = text.strip("\n")
    return f"{fence}{language}\n{body}\n{fence}"
