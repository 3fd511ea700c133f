"""What a call returns.

A `Reply` is a read-only view of one merged response: it finds things in it, and never hides why
something is missing.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Self

from gemini_magic.events import FunctionCall, stated
from gemini_magic.reply.blobs import InlineData, audio_of, blobs_of, opened
from gemini_magic.reply.places import fences_in
from gemini_magic.reply.sources import Citation, Mark, Source, Sources
from gemini_magic.reply.steps import Step, summed
from gemini_magic.reply.structured import frame_of, json_of
from gemini_magic.wire import Candidate, FinishReason, GenerateContentResponse

if TYPE_CHECKING:
    from PIL.Image import Image

    from gemini_magic.events import ToolRun
    from gemini_magic.wire import LogprobsResultCandidate, Part, SafetyRating, UsageMetadata

__all__ = [
    "Citation",
    "InlineData",
    "Mark",
    "Reply",
    "Source",
    "Sources",
    "Status",
    "Step",
    "TokenProbability",
    "UrlStatus",
    "audio_of",
    "candidate_parts",
    "code_of",
    "logprobs_of",
    "safety_of",
    "searches_of",
    "url_statuses_of",
]

Status = Literal["ok", "truncated", "blocked", "failed", "interrupted"]
_URL_STATUS = "URL_RETRIEVAL_STATUS_"
_COMMANDS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]")


class UrlStatus(NamedTuple):
    """An address that the server fetched for the answer, and what came of it.

    Attributes:
        url: The address.
        status: ``success``, ``error``, ``paywall``, ``unsafe``, or a newer word.
    """

    url: str
    status: str


class TokenProbability(NamedTuple):
    """A token of the answer, and what else could have stood there.

    Attributes:
        token: The token's text.
        probability: From 0 to 1, or None where the server gives none.
        alternatives: Other tokens with their probabilities, likeliest first.
    """

    token: str
    probability: float | None
    alternatives: list[tuple[str, float | None]]


@dataclass(frozen=True, repr=False)
class Reply:
    """One answer of a model.

    Attributes:
        response: The merged response, as protocol model.
        requested_model: The model that was asked for.
        attempts: Requests it took, retries and fallback models included.
        seconds: Time from the first request to the end of the answer.
        warnings: What the reader should know, such as bytes that had to be replaced.
        interrupted: Whether the user stopped the answer before its end.
        broken: Whether it broke off, or ended in an error.
        value: What a schema made of the answer, such as instances of a class; None when none was asked for.
        steps: The answers before this one, when functions were called for it, and what came of the calls.
    """

    response: GenerateContentResponse
    requested_model: str = ""
    attempts: int = 1
    seconds: float = 0.0
    warnings: tuple[str, ...] = ()
    interrupted: bool = False
    broken: bool = False
    value: Any = field(default=None, compare=False)
    steps: tuple[Step, ...] = ()

    @classmethod
    def from_response(
        cls, response: GenerateContentResponse, *, model: str = "", attempts: int = 1, seconds: float = 0.0
    ) -> Self:
        """Wrap a whole response, such as the body of ``generateContent``."""
        return cls(response, model, attempts, seconds)

    @property
    def candidates(self) -> list[Candidate]:
        """All answers; most requests get one."""
        return self.response.candidates or []

    @property
    def parts(self) -> list[Part]:
        """The parts of the first answer, exactly as they go into the next request."""
        return candidate_parts(self._first)

    @cached_property
    def text(self) -> str:
        """The text of the first answer without the thoughts; empty when there is none."""
        return "".join(part.text for part in self.parts if part.text and not part.thought)

    @property
    def thoughts(self) -> str:
        """The model's summary of its thoughts; empty when it was not asked for."""
        return "".join(part.text for part in self.parts if part.text and part.thought)

    @property
    def function_calls(self) -> list[FunctionCall]:
        """The calls the model asks for, in order."""
        calls = (part.function_call for part in self.parts)
        return [FunctionCall(call.name, call.args or {}, call.id) for call in calls if call is not None and call.name]

    @property
    def runs(self) -> list[ToolRun]:
        """The functions that were called for this answer, in order, with what came of each call."""
        return [run for step in self.steps for run in step.runs]

    @property
    def blobs(self) -> list[InlineData]:
        """Every file inside the answer, such as its images, as bytes."""
        return list(blobs_of(self.parts))

    @property
    def images(self) -> list[Image]:
        """The images of the answer, opened by Pillow (the extra ``images``).

        Raises:
            ImageRejected: One is no PNG, JPEG, WebP or GIF, or is too large.
            ConfigError: Pillow is not installed.
        """
        return [opened(blob) for blob in self.blobs if blob.mime_type.lower().startswith("image/")]

    @property
    def audio(self) -> list[InlineData]:
        """The sound of the answer as files that players know; bare samples become WAV."""
        return list(audio_of(self.parts))

    @property
    def code(self) -> list[str]:
        """The code that the model ran, then the fenced blocks of its text."""
        return code_of(self._first)

    def json(self, schema: object = None) -> Any:  # noqa: ANN401 - any JSON, or what the schema makes of it
        """The text as JSON, also from a fence; with a schema or a type, checked and as its value.

        Raises:
            InvalidJSON: It is not JSON.
            SchemaMismatch: It is not of the schema.
            AnswerTruncated: It stopped at the token limit; the reply is in ``.partial``.
        """
        return json_of(self, schema)

    def df(self) -> Any:  # noqa: ANN401 - a frame of pandas or polars
        """The answer's JSON as a dataframe of pandas, or else of polars; an array gives a row for each element.

        Raises:
            InvalidAnswer: It is not JSON.
        """
        return frame_of(self)

    @property
    def sources(self) -> list[Source]:
        """What the answer rests on, each source once, numbered as in `text_with_sources`."""
        return self._sources.all

    @property
    def citations(self) -> list[Citation]:
        """Places in the text with their sources, in order."""
        return list(self._sources.citations)

    @property
    def text_with_sources(self) -> str:
        """The text with marks such as ``[1]`` behind what a source bears out, and the list of sources, in Markdown."""
        listed = self._sources.listed()
        return f"{self._sources.marked()}\n\nSources:\n\n{listed}" if listed else self.text

    @property
    def searches(self) -> list[str]:
        """What the server searched for."""
        return searches_of(self._first)

    @property
    def url_statuses(self) -> list[UrlStatus]:
        """Addresses that the server fetched, and what came of each."""
        return url_statuses_of(self._first)

    @property
    def safety(self) -> list[SafetyRating]:
        """How harmful the answer, or a prompt that was blocked, was found to be."""
        feedback = self.response.prompt_feedback
        return [*((feedback.safety_ratings or []) if feedback is not None else []), *safety_of(self._first)]

    def logprobs(self) -> list[TokenProbability]:
        """The answer token by token with its probabilities; empty when they were not asked for."""
        return logprobs_of(self._first)

    @cached_property
    def usage(self) -> UsageMetadata | None:
        """Token counts, those of the steps included, or None where the gateway gives none."""
        last = self.response.usage_metadata
        return summed([*(step.reply.usage for step in self.steps), last]) if self.steps else last

    @property
    def finish_reason(self) -> str | None:
        """Why the answer ended, in the server's words; None when the prompt was blocked or the stream cut."""
        return stated(self._first.finish_reason) if self._first else None

    @property
    def finish_message(self) -> str | None:
        """The server's explanation of the finish or block reason, if it gave one."""
        feedback = self.response.prompt_feedback
        blocked = feedback.block_reason_message if feedback is not None else None
        return (self._first.finish_message if self._first else None) or blocked

    @property
    def block_reason(self) -> str | None:
        """Why the prompt was blocked, or None."""
        feedback = self.response.prompt_feedback
        return stated(feedback.block_reason) if feedback is not None else None

    @property
    def model(self) -> str:
        """The model that answered, or the one asked for where the server does not say."""
        return self.response.model_version or self.requested_model

    @property
    def status(self) -> Status:
        """``ok``, ``truncated`` (token limit), ``blocked``, ``failed`` or ``interrupted``.

        A finish reason that is not known yet counts as ``ok`` and stands in `finish_reason`.
        """
        reason = self.finish_reason
        if self.interrupted or self.broken:
            return "interrupted" if self.interrupted else "failed"
        if self.block_reason or reason in FinishReason.BLOCKED:
            return "blocked"
        if reason in FinishReason.FAILED:
            return "failed"
        return "truncated" if reason in {FinishReason.MAX_TOKENS, FinishReason.CONTINUATION} else "ok"

    @property
    def raw(self) -> dict[str, Any]:
        """The merged response as it would stand on the wire."""
        return self.response.model_dump(by_alias=True, exclude_unset=True)

    @property
    def _first(self) -> Candidate | None:
        for candidate in self.candidates:
            if not candidate.index:
                return candidate
        return self.candidates[0] if self.candidates else None

    @cached_property
    def _sources(self) -> Sources:
        return Sources(self._first, self.parts)

    def with_note(self, *warnings: str) -> Self:
        """The same reply with further warnings."""
        return self if not warnings else replace(self, warnings=(*self.warnings, *warnings))

    def __str__(self) -> str:
        """The text of the answer."""
        return self.text

    def __repr__(self) -> str:
        """Model, status and the beginning of the text."""
        beginning = self.text if len(self.text) <= 60 else self.text[:57] + "..."  # noqa: PLR2004 - one line
        return f"<Reply {self.status} from {_spelled(self.model) or 'unknown model'}: {beginning!r}>"

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        return {"text/plain": _spelled(self.text) or repr(self)}

    def _gemini_text_(self) -> str:
        """What stands in a prompt where this reply is named."""
        return self.text


def _spelled(text: str) -> str:
    """The text with escapes in the place of characters that command terminals or turn the reading direction."""
    return _COMMANDS.sub(lambda match: ascii(match[0])[1:-1], text)


def candidate_parts(candidate: Candidate | None) -> list[Part]:
    """The parts of a candidate; none when it has no content."""
    content = candidate.content if candidate is not None else None
    return (content.parts or []) if content is not None else []


def code_of(candidate: Candidate | None) -> list[str]:
    """The code of a candidate: what was run, then the fenced blocks of its text."""
    parts = candidate_parts(candidate)
    ran = [part.executable_code.code for part in parts if part.executable_code and part.executable_code.code]
    text = "".join(part.text for part in parts if part.text and not part.thought)
    return [*ran, *(fence.code for fence in fences_in(text) if fence.code.strip())]


def searches_of(candidate: Candidate | None) -> list[str]:
    """What the server searched for on behalf of a candidate, each query once."""
    metadata = candidate.grounding_metadata if candidate is not None else None
    if metadata is None:
        return []
    kinds = (metadata.web_search_queries, metadata.image_search_queries, metadata.retrieval_queries)
    return list(dict.fromkeys(query for queries in kinds for query in queries or [] if query))


def url_statuses_of(candidate: Candidate | None) -> list[UrlStatus]:
    """Addresses fetched for a candidate, and what came of each."""
    metadata = candidate.url_context_metadata if candidate is not None else None
    fetched = (metadata.url_metadata or []) if metadata is not None else []
    return [
        UrlStatus(each.retrieved_url or "", (each.url_retrieval_status or "").removeprefix(_URL_STATUS).lower())
        for each in fetched
        if each.retrieved_url
    ]


def safety_of(candidate: Candidate | None) -> list[SafetyRating]:
    """The safety ratings of a candidate."""
    return (candidate.safety_ratings or []) if candidate is not None else []


def logprobs_of(candidate: Candidate | None) -> list[TokenProbability]:
    """The tokens of a candidate with their probabilities."""
    result = candidate.logprobs_result if candidate is not None else None
    if result is None:
        return []
    likeliest = [(place.candidates or []) for place in result.top_candidates or []]
    chosen = result.chosen_candidates or [each[0] for each in likeliest if each]
    rows = []
    for index, token in enumerate(chosen):
        others = likeliest[index] if index < len(likeliest) else []
        pairs = [_token(other) for other in others]
        rows.append(TokenProbability(*_token(token), [pair for pair in pairs if pair[0] != token.token]))
    return rows


def _token(candidate: LogprobsResultCandidate) -> tuple[str, float | None]:
    logarithm = candidate.log_probability
    known = logarithm is not None and not math.isnan(logarithm)
    return candidate.token or "", math.exp(min(logarithm or 0.0, 0.0)) if known else None
