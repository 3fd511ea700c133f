"""Chunks as bytes: server-sent events, the JSON array, and one whole answer."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from gemini_magic.local.errors import envelope
from gemini_magic.wire import Candidate, Content, GenerateContentResponse, Part

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from gemini_magic.wire import WireModel


def as_json(model: WireModel) -> bytes:
    """The model as it goes on the wire: camelCase, only what was set."""
    return model.model_dump_json(by_alias=True, exclude_unset=True).encode()


async def events(chunks: AsyncGenerator[GenerateContentResponse]) -> AsyncIterator[bytes]:
    """Server-sent events as Google writes them; an error that comes half way is the last event."""
    async with aclosing(chunks):
        try:
            async for chunk in chunks:
                yield b"data: " + as_json(chunk) + b"\r\n\r\n"
        except Exception as error:  # noqa: BLE001 - the status line has gone out: whatever it is, it goes here
            yield b"data: " + envelope(error)[1] + b"\r\n\r\n"


async def array(chunks: AsyncGenerator[GenerateContentResponse]) -> AsyncIterator[bytes]:
    """A JSON array written element by element, the form without ``alt=sse``."""
    opening = b"["
    async with aclosing(chunks):
        try:
            async for chunk in chunks:
                yield opening + as_json(chunk)
                opening = b"\n,\r\n"
        except Exception as error:  # noqa: BLE001 - as above
            yield opening + envelope(error)[1]
    yield b"\n]"


async def whole(chunks: AsyncGenerator[GenerateContentResponse]) -> GenerateContentResponse:
    """All chunks in one answer: adjacent text joined unless signed, the last value of everything else."""
    answer = GenerateContentResponse()
    candidates: dict[int, Candidate] = {}
    async with aclosing(chunks):
        async for chunk in chunks:
            for piece in chunk.candidates or []:
                _add(candidates.setdefault(piece.index or 0, Candidate()), piece)
            for name in chunk.model_fields_set - {"candidates"}:
                setattr(answer, name, getattr(chunk, name))
    if candidates:
        answer.candidates = [candidates[index] for index in sorted(candidates)]
    return answer


def _add(candidate: Candidate, piece: Candidate) -> None:
    for name in piece.model_fields_set - {"content"}:
        setattr(candidate, name, getattr(piece, name))
    if piece.content is None:
        return
    if candidate.content is None:
        candidate.content = Content(parts=[], role=piece.content.role)
    parts = candidate.content.parts or []
    for part in piece.content.parts or []:
        if parts and _joinable(parts[-1], part):
            parts[-1] = parts[-1].model_copy(update={"text": f"{parts[-1].text}{part.text}"})
        else:
            parts.append(part)
    candidate.content.parts = parts


def _joinable(left: Part, right: Part) -> bool:
    """Whether both are bare text of the same kind."""
    fields = left.model_fields_set
    return fields == right.model_fields_set and fields <= {"text", "thought"} and left.thought == right.thought
