"""One exchange, as the ledger has it: a small tuple, for a batch makes many of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from decimal import Decimal

    from gemini_magic.wire import ModalityTokenCount, UsageMetadata

#: Kind of token → field of `UsageMetadata` that counts it, and the one that says of what the tokens are.
_KINDS = {
    "prompt": ("prompt_token_count", "prompt_tokens_details"),
    "cached": ("cached_content_token_count", "cache_tokens_details"),
    "answer": ("candidates_token_count", "candidates_tokens_details"),
    "thoughts": ("thoughts_token_count", ""),
    "tools": ("tool_use_prompt_token_count", "tool_use_prompt_tokens_details"),
    "total": ("total_token_count", ""),
}
_DETAILS = tuple((kind, field) for kind, (_, field) in _KINDS.items() if field)


class Count(NamedTuple):
    """Tokens of one kind and of one sort of content, such as the images of a prompt."""

    kind: str
    modality: str
    tokens: int


class Entry(NamedTuple):
    """One exchange.

    Attributes:
        number: Counts from 1 in this kernel; clocks may jump, numbers do not.
        time: When it ended, in seconds since the epoch.
        model: The model that answered.
        profile: The gateway it went through.
        conversation: The conversation it belongs to, or an empty string.
        cell: The front end's id of the cell it came from, or an empty string.
        prompt_tokens: Tokens of the prompt, cached ones included, or None where the gateway does not say. So for the
            others.
        tool_tokens: Tokens that the server's own tools put into the prompt.
        seconds: How long it took.
        requests: Requests it took, retries and fallback models included.
        status: The reply's status.
        by_modality: The same tokens by text, image, audio and so on, where the gateway says.
        cost: What it cost, or None where that is not known.
        currency: Of the cost.
        prices: Where its price is looked up when the user has none: the profile's ``prices``.
    """

    number: int
    time: float
    model: str
    profile: str
    conversation: str
    cell: str
    prompt_tokens: int | None
    answer_tokens: int | None
    thought_tokens: int | None
    cached_tokens: int | None
    tool_tokens: int | None
    total_tokens: int | None
    seconds: float
    requests: int
    status: str
    by_modality: tuple[Count, ...] = ()
    cost: Decimal | None = None
    currency: str = "USD"
    prices: str = "none"

    @property
    def exchanges(self) -> int:
        """One; what is summed up has more."""
        return 1

    @property
    def first(self) -> int:
        """Its number; what is summed up has that of its first."""
        return self.number

    @property
    def spent(self) -> int | None:
        """All its tokens: the total, or the sum of what is known; None when nothing is."""
        if self.total_tokens is not None:
            return self.total_tokens
        known = [self.prompt_tokens, self.answer_tokens, self.thought_tokens, self.tool_tokens]
        return sum(count or 0 for count in known) if any(count is not None for count in known) else None


def counts(usage: UsageMetadata | None) -> dict[str, int | None]:
    """The tokens of each kind; None for a kind that the gateway does not count."""
    return {kind: _count(getattr(usage, field, None)) for kind, (field, _) in _KINDS.items()}


def by_modality(usage: UsageMetadata | None) -> tuple[Count, ...]:
    """The tokens of each kind by sort of content."""
    details = [(kind, found) for kind, field in _DETAILS if (found := getattr(usage, field, None))]
    return tuple(_counts(details)) if details else ()


def _counts(details: Iterable[tuple[str, Iterable[ModalityTokenCount]]]) -> Iterator[Count]:
    for kind, found in details:
        for one in found:
            tokens = _count(one.token_count)
            if one.modality and tokens is not None:
                yield Count(kind, one.modality.lower(), tokens)


def _count(value: int | None) -> int | None:
    """A count as the server gave it; a negative one is no count."""
    return value if value is not None and value >= 0 else None
