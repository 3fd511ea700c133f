"""What happens while an answer arrives, and how it is made out of the protocol's chunks."""

from __future__ import annotations

from gemini_magic.events.assembler import Assembler, stated
from gemini_magic.events.kinds import (
    Decision,
    Event,
    Finished,
    FunctionCall,
    Outcome,
    PartReceived,
    TextDelta,
    ThoughtDelta,
    ToolFinished,
    ToolRun,
    ToolStarted,
    UsageUpdate,
)

__all__ = [
    "Assembler",
    "Decision",
    "Event",
    "Finished",
    "FunctionCall",
    "Outcome",
    "PartReceived",
    "TextDelta",
    "ThoughtDelta",
    "ToolFinished",
    "ToolRun",
    "ToolStarted",
    "UsageUpdate",
    "stated",
]
