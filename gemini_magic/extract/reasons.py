"""Why there is no value, as errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gemini_magic.exceptions import AnswerTruncated, Blocked, InvalidAnswer

if TYPE_CHECKING:
    from gemini_magic.reply import Reply


def blocked(reply: Reply) -> Blocked:
    """The prompt or the answer was blocked."""
    what = "prompt" if reply.block_reason else "answer"
    reason = reply.block_reason or reply.finish_reason or ""
    words = f" {reply.finish_message}" if reply.finish_message else ""
    return Blocked(f"The {what} was blocked ({reason}).{words}", reason=reason)


def truncated(limit: int | None) -> AnswerTruncated:
    """The answer was cut off."""
    words = f" of {limit:,} tokens" if limit else ""
    return AnswerTruncated(f"The answer stopped at the token limit{words}.", hint="Set a higher max_output_tokens.")


def unusable(reply: Reply) -> InvalidAnswer:
    """The server says that the answer is none."""
    words = f" {reply.finish_message}" if reply.finish_message else ""
    return InvalidAnswer(f"There is no usable answer: it ended with {reply.finish_reason or 'no reason'}.{words}")
