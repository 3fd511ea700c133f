"""From the bytes of an answer to events and a `Reply`; no I/O.

An `AnswerReader` takes the body of one answer, streamed or not, in whatever pieces it arrives, and is the
same for the sync and the async client.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from pydantic_core import from_json, to_json

from gemini_magic.client.errors import error_from
from gemini_magic.client.framing import Frame, FrameReader, JsonSplitter
from gemini_magic.client.masking import Mask
from gemini_magic.client.surrogates import Joiner
from gemini_magic.events import Assembler
from gemini_magic.exceptions import GeminiMagicError, ProtocolError, StreamTruncated
from gemini_magic.reply import Reply
from gemini_magic.wire import (
    Candidate,
    CountTokensResponse,
    GenerateContentResponse,
    ListModelsResponse,
    Model,
    ModelList,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, MutableSequence, Sequence

    from gemini_magic.events import Event

_KNOWN = {name for key, field in GenerateContentResponse.model_fields.items() for name in (key, field.alias)} - {
    "error"
}
_SHOWN = 120


class AnswerReader:
    """Reads one answer.

    Args:
        model: The model that was asked, for the reply.
        unary: Whether a whole response was asked for; then an answer without finish reason is still whole.
        keep: Whether the chunks' JSON is kept in `documents`.
        mask: Takes the key out of what comes.

    Attributes:
        in_pieces: Whether the key came in pieces, so that it was found in the merged answer only.
    """

    def __init__(self, model: str = "", *, unary: bool = False, keep: bool = False, mask: Mask | None = None) -> None:
        self._model = model
        self._mask = mask or Mask(None)
        self.in_pieces = False
        self.unary = unary
        self.documents: list[bytes] | None = [] if keep else None
        self._frames = FrameReader()
        self._chunks = ChunkParser()
        self._assembler = Assembler()
        self._last: dict[str, Any] = {}

    def read(self, data: bytes | None, events: MutableSequence[Event]) -> GeminiMagicError | None:
        """Take bytes in, or the end of the body when there are none.

        Args:
            data: The next bytes; None when the body has ended.
            events: What happens in them is added here.

        Returns:
            What ended the answer after these events: an `ApiError` that the server put into it, `StreamTruncated`
            when no finish reason came, `ProtocolError`, `ResponseTooLarge`; or None.
        """
        try:
            for frame in self._frames.close() if data is None else self._frames.feed(data):
                complete = frame.stray and self._assembler.complete
                if self._mask.concerns(frame.data):
                    self._take_masked(frame, events, complete=complete)
                else:
                    for chunk in self._chunks.parse(frame, complete=complete):
                        self._take(chunk, events)
            if data is None:
                self._finish(events)
        except GeminiMagicError as error:
            return error
        except ValidationError as error:
            return _misfit(error)
        return None

    def _take_masked(self, frame: Frame, events: MutableSequence[Event], *, complete: bool) -> None:
        masked = frame._replace(data=self._mask.in_bytes(frame.data))
        for chunk in self._chunks.parse(masked, complete=complete):
            self._take(self._mask.in_chunk(chunk, masked.data), events)

    def _take(self, chunk: dict[str, Any], events: MutableSequence[Event]) -> None:
        if self.documents is not None:
            self.documents.append(to_json(chunk))
        self._last = chunk
        self._assembler.feed(chunk, events)

    def _finish(self, events: MutableSequence[Event]) -> None:
        for chunk in self._chunks.left_over():
            self._take(chunk, events)
        if not self._assembler.started:
            raise ProtocolError(
                "The server's answer is empty: it says that all is well, and nothing else.",
                hint="Try again; if it stays so, check the base URL's path.",
            )
        if not (self._assembler.complete or self.unary):
            raise _truncated()
        self._assembler.finish(events)

    @property
    def checkpoint(self) -> str | None:
        """From where an answer can go on that has ended without a reason, if the last chunk has said so."""
        candidates = [Candidate.model_validate(each) for each in self._last.get("candidates") or ()]
        return next((each.continuation_token for each in candidates if not each.index), None) or None

    def reply(
        self, *, attempts: int = 1, seconds: float = 0.0, interrupted: bool = False, broken: bool = False
    ) -> Reply:
        """What has arrived so far, as a reply."""
        warnings = tuple(self._chunks.warnings)
        merged = self._assembler.merged()
        self.in_pieces = self._mask.in_response(merged) or self.in_pieces
        return Reply(merged, self._model, attempts, seconds, warnings, interrupted, broken)


class ChunkParser:
    """From a document of the stream to response chunks, tolerant where gateways are careless."""

    def __init__(self) -> None:
        self.warnings: list[str] = []
        self._joiner = Joiner()

    def parse(self, frame: Frame, *, complete: bool = False) -> Sequence[dict[str, Any]]:
        """The chunks in one document: one, or several where a gateway packed them together.

        Args:
            frame: The document.
            complete: Whether this is noise behind an answer that is whole already; it does no harm then.

        Raises:
            ApiError: The document is an error.
            StreamTruncated: The stream ended inside it.
            ProtocolError: It is neither.
        """
        if frame.event == "error":
            raise error_from(200, {}, frame.data)
        if not self._joiner.waiting and not frame.stray:
            try:
                value = from_json(frame.data)
            except ValueError as error:
                if "recursion limit" in str(error):
                    raise _too_deep() from None
            else:
                if type(value) is dict:
                    return (_checked(value, frame.data),)
        try:
            return [self._chunk(value, text) for text, value in self._read_slowly(frame)]
        except RecursionError:
            raise _too_deep() from None
        except (ProtocolError, StreamTruncated) as error:
            if complete:
                self.warnings.append(f"Something stood behind the answer: {error.message}")
                return ()
            raise

    def left_over(self) -> list[dict[str, Any]]:
        """What is still to be told of the chunks at the end of the stream."""
        return self._joiner.left_over()

    def _read_slowly(self, frame: Frame) -> Iterator[tuple[str, Any]]:
        text = self._decode(frame.data).strip()
        if text in {"", "[DONE]", "DONE"}:
            return
        values = _one(text) or _several(text)
        if not values:
            raise _unreadable(text, frame)
        for value in _flat(values):
            yield text, value

    def _decode(self, data: bytes) -> str:
        try:
            return data.decode()
        except UnicodeDecodeError:
            self.warnings.append("The answer held bytes that are not UTF-8; they are shown as \ufffd.")
            return data.decode(errors="replace")

    def _chunk(self, value: Any, text: str) -> dict[str, Any]:  # noqa: ANN401 - any JSON
        if not isinstance(value, dict):
            raise error_from(200, {}, text) if isinstance(value, str) else _not_gemini(text)
        return _checked(self._joiner.mend(value), text)


def _checked(chunk: dict[str, Any], body: bytes | str) -> dict[str, Any]:
    """The chunk, unless it is an error in a chunk's place."""
    if "candidates" in chunk and "error" not in chunk:
        return chunk
    if chunk.get("error") is not None:
        raise error_from(200, {}, body)
    if chunk and chunk.keys().isdisjoint(_KNOWN):
        if chunk.keys() & {"message", "detail", "msg"}:
            raise error_from(200, {}, body)
        raise _not_gemini(body if isinstance(body, str) else body.decode(errors="replace"))
    return chunk


def _too_deep() -> ProtocolError:
    return ProtocolError("The server's answer is nested too deeply to be read.")


def _misfit(error: ValidationError) -> ProtocolError:
    first = error.errors(include_url=False, include_input=False)[0]
    path = ".".join(str(step) for step in first["loc"])
    return ProtocolError(f"The server's answer does not fit the protocol at {path}: {first['msg']}.")


def _one(text: str) -> list[Any]:
    """The document, when it is one; the error that says it is not would keep the whole text."""
    try:
        return [json.loads(text)]
    except ValueError:
        return []


def _several(text: str) -> list[Any]:
    """Objects that were written one after another into a single document; none when they do not parse."""
    splitter = JsonSplitter()
    frames = splitter.feed(text.encode()) + splitter.close()
    if any(frame.stray or frame.cut for frame in frames):
        return []
    try:
        return [json.loads(frame.data) for frame in frames]
    except ValueError:
        return []


def _flat(values: list[Any]) -> Iterator[Any]:
    for value in values:
        if isinstance(value, list):
            yield from value
        else:
            yield value


def _unreadable(text: str, frame: Frame) -> GeminiMagicError:
    if frame.cut and (not frame.stray or text.startswith(("{", "["))):
        return _truncated()
    return _not_gemini(text)


def _not_gemini(text: str) -> ProtocolError:
    words = error_from(200, {}, text).message
    start = words if len(words) <= _SHOWN else words[: _SHOWN - 1] + "…"
    what = "an HTML page" if text.lstrip().startswith("<") else "something else"
    return ProtocolError(
        f"The server answered with {what} instead of Gemini's protocol: {start!r}.",
        hint="Check the base URL's path, or a proxy on the way.",
    )


def _truncated() -> StreamTruncated:
    return StreamTruncated(
        "The stream ended before the answer did: no finish reason came.",
        hint="What had arrived is in .partial; run the cell again for the whole answer.",
    )


def read_count(body: bytes) -> CountTokensResponse:
    """The answer of ``countTokens``."""
    try:
        return CountTokensResponse.model_validate_json(body)
    except ValidationError:
        raise ProtocolError("The gateway's token count is not Gemini's protocol.") from None


def read_models(body: bytes) -> tuple[list[Model], str | None]:
    """The models of a list in Google's or OpenAI's shape, and the token of its next page."""
    try:
        listed = ListModelsResponse.model_validate_json(body)
        if listed.models is not None:
            return listed.models, listed.next_page_token or None
        cards = ModelList.model_validate_json(body).data
    except ValidationError:
        cards = None
    if cards is None:
        raise ProtocolError("The gateway's model list is neither Google's nor OpenAI's.")
    return [Model(name=f"models/{card.id}") for card in cards if card.id], None
