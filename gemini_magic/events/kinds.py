"""What happens while an answer arrives, one small value at a time: all that renderers and widgets see."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from gemini_magic.wire import FunctionResponsePart, Part, UsageMetadata


@dataclass(frozen=True, slots=True)
class TextDelta:
    """More text of the answer."""

    text: str
    candidate: int = 0


@dataclass(frozen=True, slots=True)
class ThoughtDelta:
    """More of the model's summary of its thoughts."""

    text: str
    candidate: int = 0


@dataclass(frozen=True, slots=True)
class PartReceived:
    """A whole part that is neither text nor a function call: an image, code, a result, or one not known yet."""

    part: Part
    candidate: int = 0


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """The model asks for a function to be called; streamed arguments are already put together.

    Attributes:
        name: The function's name, as declared.
        args: Its arguments by name; empty when the model gave none.
        id: The call's id, to be echoed in the response, or None where the server gives none.
    """

    name: str
    args: dict[str, Any] = field(default_factory=dict)
    id: str | None = None
    candidate: int = 0


@dataclass(frozen=True, slots=True)
class UsageUpdate:
    """The token counts of the answer, for each field the last value that came; sent once, at the end."""

    usage: UsageMetadata


@dataclass(frozen=True, slots=True)
class Finished:
    """The stream has ended, and why, in the server's words.

    Attributes:
        finish_reason: Why this candidate ended, such as ``STOP``; None when the prompt was blocked.
        block_reason: Why the prompt was blocked, or None.
        message: The server's explanation, if it gave one.
    """

    finish_reason: str | None = None
    block_reason: str | None = None
    message: str | None = None
    candidate: int = 0


#: What came of a call: it ran (``ok``, ``error``), ran too long (``timeout``), or did not run.
Outcome: TypeAlias = Literal["ok", "error", "timeout", "unknown", "invalid", "denied", "limit", "interrupted"]
#: Who let it run, or did not: the function needs no leave (``read_only``), a setting (``always``, ``never``), a person
#: (``run``, ``all``, ``deny``), or nobody, because there was nobody to ask; empty where it did not come to that.
Decision: TypeAlias = Literal["", "read_only", "always", "never", "run", "all", "deny", "nobody"]


@dataclass(frozen=True, slots=True)
class ToolRun:
    """A call that the model asked for, and what came of it here.

    Attributes:
        name: The function's name, as the model wrote it.
        args: Its arguments, as the model wrote them.
        id: The call's id, or None where the server gave none.
        outcome: Whether it ran, and how that ended.
        decision: Who let it run, or did not.
        response: What the model gets: ``{"result": …}``, an object of the function's own, or ``{"error": …}``.
        media: What goes along with the response, such as pictures, for models that take it.
        error: What went wrong, in words for the person; empty when nothing did.
        seconds: How long it ran.
        size: Bytes of the response as JSON.
    """

    name: str
    args: dict[str, Any] = field(default_factory=dict)
    id: str | None = None
    outcome: Outcome = "ok"
    decision: Decision = ""
    response: dict[str, Any] = field(default_factory=dict)
    media: tuple[FunctionResponsePart, ...] = ()
    error: str = ""
    seconds: float = 0.0
    size: int = 0


@dataclass(frozen=True, slots=True)
class ToolStarted:
    """A call is being carried out here, or waits for somebody's leave.

    Attributes:
        call: What the model asks for.
        number: The call's place among all calls of this answer, counted from 0.
        waits: Whether a person is asked for leave; when that is given, the same event comes without it.
    """

    call: FunctionCall
    number: int
    waits: bool = False


@dataclass(frozen=True, slots=True)
class ToolFinished:
    """A call is over.

    Attributes:
        run: The call, and what came of it.
        number: As in `ToolStarted`.
    """

    run: ToolRun
    number: int


Event = TextDelta | ThoughtDelta | PartReceived | FunctionCall | ToolStarted | ToolFinished | UsageUpdate | Finished
