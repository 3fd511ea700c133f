"""What a call returns.

A `Reply` is a read-only view of one merged response: it finds things in it, and never hides why
something is missing.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Self

from gemini_magic.events import FunctionCall, stated
from gemini_magic.wire import Candidate, FinishReason, GenerateContentResponse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gemini_magic.wire import Part, UsageMetadata

Status = Literal["ok", "truncated", "blocked", "failed", "interrupted"]


@dataclass(frozen=True)
class InlineImage:
    """An image of the answer.

    Attributes:
        data: The file's bytes, as the model sent them.
        mime_type: Such as ``image/png``.
    """

    data: bytes
    mime_type: str

    def __repr__(self) -> str:
        """Type and size, not the bytes."""
        return f"<{self.mime_type}, {len(self.data):,} bytes>"

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        bundle: dict[str, Any] = {"text/plain": repr(self)}
        if self.mime_type in {"image/png", "image/jpeg"}:
            bundle[self.mime_type] = base64.b64encode(self.data).decode("ascii")
        return bundle


@dataclass(frozen=True)
class Citation:
    """A place in the answer, and the source it rests on.

    Attributes:
        start: First character of the place in ``Reply.text``, or None when the server did not say.
        end: One past its last character, or None.
        text: The words themselves.
        uri: The source's address, or None.
        title: The source's title, or None.
    """

    start: int | None
    end: int | None
    text: str
    uri: str | None
    title: str | None


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
    """

    response: GenerateContentResponse
    requested_model: str = ""
    attempts: int = 1
    seconds: float = 0.0
    warnings: tuple[str, ...] = ()
    interrupted: bool = False
    broken: bool = False

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
    def images(self) -> list[InlineImage]:
        """The images of the answer."""
        return list(_images(self.parts))

    @property
    def citations(self) -> list[Citation]:
        """Places in the text with their sources, in order."""
        return [*_grounding(self._first, self.text), *_recitations(self._first, self.text)]

    @property
    def usage(self) -> UsageMetadata | None:
        """Token counts, or None where the gateway gives none."""
        return self.response.usage_metadata

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

    def with_note(self, *warnings: str) -> Self:
        """The same reply with further warnings."""
        return replace(self, warnings=(*self.warnings, *warnings))

    def __str__(self) -> str:
        """The text of the answer."""
        return self.text

    def __repr__(self) -> str:
        """Model, status and the beginning of the text."""
        beginning = self.text if len(self.text) <= 60 else self.text[:57] + "..."  # noqa: PLR2004 - one line
        return f"<Reply {self.status} from {self.model or 'unknown model'}: {beginning!r}>"

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        return {"text/plain": self.text or repr(self)}

    def _gemini_text_(self) -> str:
        """What stands in a prompt where this reply is named."""
        return self.text


def candidate_parts(candidate: Candidate | None) -> list[Part]:
    """The parts of a candidate; none when it has no content."""
    content = candidate.content if candidate is not None else None
    return (content.parts or []) if content is not None else []


def _images(parts: list[Part]) -> Iterator[InlineImage]:
    for part in parts:
        blob = part.inline_data
        if blob is not None and blob.data and (blob.mime_type or "").startswith("image/"):
            try:
                yield InlineImage(blob.to_bytes(), blob.mime_type or "")
            except (binascii.Error, ValueError):
                continue


def _grounding(candidate: Candidate | None, text: str) -> Iterator[Citation]:
    metadata = candidate.grounding_metadata if candidate is not None else None
    if metadata is None:
        return
    chunks = metadata.grounding_chunks or []
    for support in metadata.grounding_supports or []:
        segment = support.segment
        words = (segment.text if segment is not None else None) or ""
        start, end = _place(
            text, segment.start_index if segment else None, segment.end_index if segment else None, words
        )
        for number in support.grounding_chunk_indices or []:
            if 0 <= number < len(chunks):
                source = chunks[number].web or chunks[number].retrieved_context or chunks[number].maps
                uri, title = (source.uri, source.title) if source is not None else (None, None)
                yield Citation(start, end, words, uri, title)


def _recitations(candidate: Candidate | None, text: str) -> Iterator[Citation]:
    metadata = candidate.citation_metadata if candidate is not None else None
    if metadata is None:
        return
    for source in metadata.citation_sources or metadata.citations or []:
        start, end = _place(text, source.start_index, source.end_index, "")
        words = text[start:end] if start is not None else ""
        yield Citation(start, end, words, source.uri, source.title)


def _place(text: str, start: int | None, end: int | None, words: str) -> tuple[int | None, int | None]:
    """Character offsets of a segment whose offsets are UTF-8 bytes.

    The words decide when they are given and the offsets lead elsewhere, as they do when an answer has
    several parts and the offsets count within one of them.
    """
    if end is not None:
        encoded = text.encode()
        left, piece = encoded[: start or 0], encoded[start or 0 : end]
        if not words or piece == words.encode():
            before = len(left.decode(errors="ignore"))
            return before, before + len(piece.decode(errors="ignore"))
    found = text.find(words) if words else -1
    return (found, found + len(words)) if found >= 0 else (None, None)
