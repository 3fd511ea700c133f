"""What the protocol's reasons mean, in words, and the line under an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gemini_magic.display.calls import calls_words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gemini_magic.reply import Reply
    from gemini_magic.wire import SafetyRating, UsageMetadata

FINISH_REASONS: dict[str, str] = {
    "STOP": "Complete.",
    "MAX_TOKENS": "Cut off: the answer reached its token limit. A higher --max-tokens leaves room for more.",
    "CONTINUATION": "Not finished: the model paused and would go on in another request.",
    "SAFETY": "Blocked: the safety filters stopped this answer.",
    "RECITATION": "Blocked: the answer came too close to a text it was trained on.",
    "LANGUAGE": "Blocked: the model does not serve this language.",
    "BLOCKLIST": "Blocked: the answer contained a forbidden term.",
    "PROHIBITED_CONTENT": "Blocked: the answer may contain prohibited content.",
    "SPII": "Blocked: the answer may contain sensitive personal data.",
    "MODEL_ARMOR": "Blocked: Model Armor stopped this answer.",
    "ESCALATION": "Blocked: the answer was held back for review.",
    "PUP_LIMITED_DISABLED": "Blocked: the provider has limited or disabled this use.",
    "IMAGE_SAFETY": "Blocked: the safety filters stopped the image.",
    "IMAGE_PROHIBITED_CONTENT": "Blocked: the image may contain prohibited content.",
    "IMAGE_RECITATION": "Blocked: the image came too close to one it was trained on.",
    "MALFORMED_FUNCTION_CALL": "Failed: the model wrote a function call that cannot be read. Asking again may help.",
    "UNEXPECTED_TOOL_CALL": "Failed: the model called a tool that was not offered. Asking again may help.",
    "TOO_MANY_TOOL_CALLS": "Failed: the model called tools too many times. Asking again may help.",
    "MALFORMED_RESPONSE": "Failed: the model wrote an answer that cannot be read. Asking again may help.",
    "OTHER": "Failed: the server gives no reason. Asking again may help.",
    "IMAGE_OTHER": "Failed: no image, and the server gives no reason. Asking again may help.",
    "NO_IMAGE": "Failed: the model drew no image. Asking again may help.",
    "MISSING_THOUGHT_SIGNATURE": "Failed: a thought signature was missing from the conversation that was sent.",
    "FINISH_REASON_UNSPECIFIED": "Ended without a reason.",
}
"""Every finish reason of the protocol in one sentence; others are shown as they came."""

BLOCK_REASONS: dict[str, str] = {
    "SAFETY": "Prompt blocked: the safety filters refused it.",
    "OTHER": "Prompt blocked: the server gives no reason.",
    "BLOCKLIST": "Prompt blocked: it contains a forbidden term.",
    "PROHIBITED_CONTENT": "Prompt blocked: it may contain prohibited content.",
    "IMAGE_SAFETY": "Prompt blocked: the image asked for is refused by the safety filters.",
    "MODEL_ARMOR": "Prompt blocked: Model Armor refused it.",
    "JAILBREAK": "Prompt blocked: it was taken for an attempt to get round the rules.",
    "BLOCK_REASON_UNSPECIFIED": "Prompt blocked, without a reason.",
}
"""Every block reason of the protocol in one sentence."""

HARMS: dict[str, str] = {
    "HARASSMENT": "harassment",
    "HATE_SPEECH": "hate speech",
    "SEXUALLY_EXPLICIT": "sexual content",
    "DANGEROUS_CONTENT": "dangerous content",
    "CIVIC_INTEGRITY": "elections and civic life",
    "JAILBREAK": "an attempt to get round the rules",
}
"""What the safety filters look for, in words."""

URL_STATUSES: dict[str, str] = {
    "success": "was read",
    "error": "could not be read",
    "paywall": "could not be read: it is behind a paywall",
    "unsafe": "was held to be unsafe and not read",
    "unspecified": "was named, and the server does not say whether it was read",
    "": "was named, and the server does not say whether it was read",
}
"""What came of fetching a page, in words."""

_CATEGORY = "HARM_CATEGORY_"
_WORTH_SAYING = frozenset({"MEDIUM", "HIGH"})

INTERRUPTED = "Stopped: this is what had arrived when the cell was interrupted."
UNFINISHED = "Incomplete: the server did not say that the answer was finished."
BROKEN_OFF = "Not finished: this is what there was before the answer failed."
NO_ANSWER = "The server sent no answer, and no reason."


def finish_words(reason: str) -> str:
    """A finish reason in one sentence."""
    return FINISH_REASONS.get(reason, f"Ended with the reason {reason}.")


def block_words(reason: str) -> str:
    """A block reason in one sentence."""
    return BLOCK_REASONS.get(reason, f"Prompt blocked with the reason {reason}.")


def url_status_words(status: str) -> str:
    """What came of fetching a page."""
    return URL_STATUSES.get(status, f"was fetched with the outcome {status.upper()}")


def safety_words(ratings: Iterable[SafetyRating]) -> list[str]:
    """The safety ratings that matter, in words: those that blocked, and those of medium or high probability."""
    found = []
    for rating in ratings:
        if rating.blocked or rating.probability in _WORTH_SAYING:
            category = (rating.category or "").removeprefix(_CATEGORY)
            harm = HARMS.get(category, category.replace("_", " ").lower() or "harm of an unnamed kind")
            probability = (rating.probability or "unknown").lower().replace("_", " ")
            found.append(f"{harm}: {probability} probability{', blocked' if rating.blocked else ''}")
    return list(dict.fromkeys(found))


def status_words(reply: Reply) -> str:
    """What the reader must know about how the answer ended, or an empty string when all is well."""
    if reply.status == "interrupted":
        return INTERRUPTED
    sentence = _reason_words(reply)
    message = reply.finish_message if reply.status != "ok" else None
    return f"{sentence} The server says: {message}" if sentence and message else sentence


def _reason_words(reply: Reply) -> str:
    if reply.block_reason:
        return block_words(reply.block_reason)
    if reply.finish_reason and reply.finish_reason != "STOP":
        return finish_words(reply.finish_reason)
    if not reply.candidates:
        return BROKEN_OFF if reply.steps else NO_ANSWER
    return UNFINISHED if reply.finish_reason is None else ""


def footer(reply: Reply, seconds: float) -> str:
    """One line: model, tokens, calls, seconds."""
    tokens = token_words(reply.usage)
    words = [reply.model or "", f"tokens: {tokens}" if tokens else "", calls_words(reply.runs)]
    words += [f"{seconds:.1f} s" if seconds else "", _attempts_words(reply)]
    return " · ".join(word for word in words if word)


def _attempts_words(reply: Reply) -> str:
    """How often was asked, where something had to be asked again."""
    requests = len(reply.steps) + bool(reply.candidates or reply.block_reason) if reply.steps else 1
    return f"{reply.attempts} attempts" if reply.attempts > requests else ""


def token_words(usage: UsageMetadata | None) -> str:
    """Token counts in words, such as ``12 in, 30 out``; empty when the server gave none."""
    if usage is None:
        return ""
    counts = (
        (usage.prompt_token_count, "in"),
        (usage.candidates_token_count, "out"),
        (usage.thoughts_token_count, "for thoughts"),
        (usage.cached_content_token_count, "cached"),
        (usage.tool_use_prompt_token_count, "for tools"),
    )
    return ", ".join(f"{count:,} {what}" for count, what in counts if count)
