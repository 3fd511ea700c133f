"""What the server answers. Every field may be absent or null, in every chunk."""

from __future__ import annotations

from typing import Any

from gemini_magic.wire.base import WireModel
from gemini_magic.wire.content import Content
from gemini_magic.wire.grounding import CitationMetadata, GroundingAttribution, GroundingMetadata, UrlContextMetadata


class SafetyRating(WireModel):
    """How harmful a prompt or an answer was found to be in one respect."""

    category: str | None = None
    """One of `HarmCategory`."""

    probability: str | None = None
    """One of `HarmProbability`."""

    blocked: bool | None = None
    """Whether this rating is why something was blocked."""

    probability_score: float | None = None
    """0 to 1 (Vertex only)."""

    severity: str | None = None
    """`HARM_SEVERITY_NEGLIGIBLE`, `…_LOW`, `…_MEDIUM` or `…_HIGH` (Vertex only)."""

    severity_score: float | None = None
    """0 to 1 (Vertex only)."""

    overwritten_threshold: str | None = None
    """The `HarmBlockThreshold` used instead of the one asked for (Vertex only)."""


class PromptFeedback(WireModel):
    """Whether and why the prompt was refused."""

    block_reason: str | None = None
    """One of `BlockReason`; when present there is no answer."""

    block_reason_message: str | None = None
    """The reason in words (Vertex only)."""

    safety_ratings: list[SafetyRating] | None = None


class ModalityTokenCount(WireModel):
    """Tokens of one kind of content."""

    modality: str | None = None
    """One of `Modality`."""

    token_count: int | None = None


class UsageMetadata(WireModel):
    """Tokens used so far. In a stream, the last value of each field that is not null holds; they are no increments."""

    prompt_token_count: int | None = None
    """Tokens sent, cached ones included."""

    cached_content_token_count: int | None = None
    """Tokens of the prompt that came from a cache."""

    candidates_token_count: int | None = None
    """Tokens of the answer, without thoughts."""

    tool_use_prompt_token_count: int | None = None
    """Tokens that the server's own tools put into the prompt."""

    thoughts_token_count: int | None = None
    """Tokens spent on thinking."""

    total_token_count: int | None = None
    """Prompt, answer, thoughts and tools together."""

    prompt_tokens_details: list[ModalityTokenCount] | None = None
    cache_tokens_details: list[ModalityTokenCount] | None = None
    candidates_tokens_details: list[ModalityTokenCount] | None = None
    tool_use_prompt_tokens_details: list[ModalityTokenCount] | None = None
    traffic_type: str | None = None
    """For example `ON_DEMAND`, `PROVISIONED_THROUGHPUT` (Vertex only)."""

    service_tier: str | None = None
    """The `ServiceTier` that served the request."""

    billable_prompt_usage: Any = None


class LogprobsResultCandidate(WireModel):
    """A token and its probability."""

    token: str | None = None
    token_id: int | None = None
    log_probability: float | None = None
    """Natural logarithm, at most 0."""


class LogprobsResultTopCandidates(WireModel):
    """The likeliest tokens at one place of the answer, likeliest first."""

    candidates: list[LogprobsResultCandidate] | None = None


class LogprobsResult(WireModel):
    """Probabilities of the answer's tokens, when they were asked for."""

    chosen_candidates: list[LogprobsResultCandidate] | None = None
    """The tokens of the answer."""

    top_candidates: list[LogprobsResultTopCandidates] | None = None
    """What else could have stood at each place."""

    log_probability_sum: float | None = None
    """Over all tokens of the answer (Gemini API only)."""


class Candidate(WireModel):
    """One answer, or a piece of it."""

    content: Content | None = None
    finish_reason: str | None = None
    """One of `FinishReason`, or a newer word; absent while the answer goes on."""

    finish_message: str | None = None
    index: int | None = None
    """Which of several answers this is; absent means 0."""

    safety_ratings: list[SafetyRating] | None = None
    citation_metadata: CitationMetadata | None = None
    grounding_metadata: GroundingMetadata | None = None
    url_context_metadata: UrlContextMetadata | None = None
    token_count: int | None = None
    avg_logprobs: float | None = None
    """Mean natural logarithm of the tokens' probabilities."""

    logprobs_result: LogprobsResult | None = None
    grounding_attributions: list[GroundingAttribution] | None = None
    continuation_token: str | None = None
    """Base64; to be sent with the same contents to go on after a finish reason CONTINUATION."""

    score: float | None = None


class ModelStatus(WireModel):
    """Where the model is in its life (Gemini API only)."""

    model_stage: str | None = None
    """For example `PREVIEW`, `STABLE`, `DEPRECATED`."""

    retirement_time: str | None = None
    """RFC 3339."""

    message: str | None = None


class GenerateContentResponse(WireModel):
    """An answer, or one chunk of a streamed answer."""

    candidates: list[Candidate] | None = None
    prompt_feedback: PromptFeedback | None = None
    usage_metadata: UsageMetadata | None = None
    model_version: str | None = None
    """The model that answered."""

    response_id: str | None = None
    create_time: str | None = None
    """RFC 3339 (Vertex only)."""

    model_status: ModelStatus | None = None
    turn_token: str | None = None
    error: Any = None
    """An error that came inside a 200: Google's object, OpenAI's object or plain text, as the server sent it."""


class CountTokensResponse(WireModel):
    """How many tokens a prompt has."""

    total_tokens: int | None = None
    cached_content_token_count: int | None = None
    """Tokens that came from a cache (Gemini API only)."""

    total_billable_characters: int | None = None
    """Vertex only."""

    prompt_tokens_details: list[ModalityTokenCount] | None = None
    cache_tokens_details: list[ModalityTokenCount] | None = None
    """Gemini API only."""
