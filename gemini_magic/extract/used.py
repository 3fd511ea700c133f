"""What the requests of a task took, and what the last answer was."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gemini_magic.ledger.entries import counts

if TYPE_CHECKING:
    from gemini_magic.reply import Reply


class Used:
    """Counts answers.

    Attributes:
        prompt: Tokens of all requests; None where the gateway does not say.
        answer: Tokens of all answers, thoughts included.
        total: All tokens together.
        seconds: How long the answers took.
        model: The model that answered last.
        raw: The text of the last answer.
    """

    def __init__(self) -> None:
        self.prompt: int | None = None
        self.answer: int | None = None
        self.total: int | None = None
        self.seconds = 0.0
        self.model = self.raw = ""

    def add(self, reply: Reply) -> None:
        """Count one more answer."""
        used = counts(reply.usage)
        self.prompt = summed(self.prompt, used["prompt"], used["tools"])
        self.answer = summed(self.answer, used["answer"], used["thoughts"])
        self.total = summed(self.total, used["total"])
        self.seconds += reply.seconds
        self.model, self.raw = reply.model, reply.text


def answered_with(reply: Reply) -> int | None:
    """Tokens of one answer, thoughts included."""
    used = counts(reply.usage)
    return summed(used["answer"], used["thoughts"])


def summed(*counts: int | None) -> int | None:
    """The sum of what is known."""
    known = [count for count in counts if count is not None]
    return sum(known) if known else None
