"""From protocol chunks to events and, beside that, to one merged response."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from gemini_magic.events.kinds import Event, Finished, FunctionCall, PartReceived, TextDelta, ThoughtDelta, UsageUpdate
from gemini_magic.wire import (
    Candidate,
    Content,
    GenerateContentResponse,
    Part,
    PartialArg,
    UsageMetadata,
)
from gemini_magic.wire import FunctionCall as WireFunctionCall
from gemini_magic.wire.base import assembled
from gemini_magic.wire.partial_args import put_piece

if TYPE_CHECKING:
    from collections.abc import MutableSequence

_NOTHING: dict[str, Any] = {}
_TEXT_ONLY = frozenset({"text"})
_TEXT_AND_THOUGHT = frozenset({"text", "thought"})


def stated(reason: str | None) -> str | None:
    """A finish or block reason; None for the words by which servers say that there is none."""
    return None if not reason or reason.endswith("_UNSPECIFIED") else reason


class Assembler:
    """Merges the chunks of one answer, and says what each of them brought.

    Parts keep the form they came in. Only runs of plain text with the same ``thought`` value are joined;
    a part with a signature, or with anything else beside its text, stays its own part. Of everything that
    is repeated, the last value that is not null counts, per candidate and per field of the usage.
    """

    def __init__(self) -> None:
        self._candidates: dict[int, _CandidateState] = {}
        self._usage: dict[str, Any] = {}
        self._rest: dict[str, Any] = {}
        # What plain chunks said beside their text, as it stands on the wire and not yet validated.
        self._waiting: dict[str, Any] = {}

    def feed(self, chunk: dict[str, Any], events: MutableSequence[Event]) -> None:
        """Take one chunk in, as it was parsed; what is new in it is added to the events, in order.

        Raises:
            pydantic.ValidationError: A field has a type it cannot have.
        """
        if self._feed_plain(chunk, events):
            return
        self._settle()
        model = GenerateContentResponse.model_validate(chunk)
        for candidate in model.candidates or ():
            self._state(candidate.index or 0).feed(candidate, events)
        if model.usage_metadata is not None:
            _keep_last(model.usage_metadata, self._usage)
        _keep_last(model, self._rest, skip=("candidates", "usage_metadata"))

    def _feed_plain(self, chunk: dict[str, Any], events: MutableSequence[Event]) -> bool:
        """Nearly all chunks bring one piece of text and nothing else; they need no model to be understood."""
        try:
            (candidate,) = chunk["candidates"]
            content = candidate["content"]
            (part,) = content["parts"]
            text = part["text"]
        except (KeyError, TypeError, ValueError):
            return False
        usage = chunk.get("usageMetadata", _NOTHING)
        index = candidate.get("index", 0)
        if type(text) is not str or len(part) != 1 or type(index) is not int or type(usage) is not dict:
            return False
        plain = 1 + ("index" in candidate) + (type(candidate.get("finishReason")) is str)
        if len(candidate) != plain or len(content) != 1 + ("role" in content):
            return False
        known = 1 + ("usageMetadata" in chunk) + ("modelVersion" in chunk) + ("responseId" in chunk)
        if len(chunk) != known or None in usage.values() or None in chunk.values():
            return False
        waiting = self._waiting
        if usage and "usageMetadata" in waiting:
            chunk["usageMetadata"] = waiting["usageMetadata"] | usage
        waiting.update(chunk)
        self._state(index).add_plain(text, candidate, events)
        return True

    def _settle(self) -> None:
        """Validate what plain chunks have left behind."""
        if self._waiting:
            waiting, self._waiting = self._waiting, {}
            del waiting["candidates"]
            model = GenerateContentResponse.model_validate(waiting)
            if model.usage_metadata is not None:
                _keep_last(model.usage_metadata, self._usage)
            _keep_last(model, self._rest, skip=("usage_metadata",))

    def _state(self, index: int) -> _CandidateState:
        state = self._candidates.get(index)
        if state is None:
            state = self._candidates[index] = _CandidateState(index)
        return state

    def finish(self, events: MutableSequence[Event]) -> None:
        """The stream has ended: open calls are closed, usage is known, and every candidate says why it ended."""
        self._settle()
        feedback, blocked = self._rest.get("prompt_feedback"), self._block_reason
        for state in self._candidates.values():
            state.close_call(events)
        if self._usage:
            events.append(UsageUpdate(assembled(UsageMetadata, self._usage)))
        for state in self._candidates.values():
            events.append(Finished(state.finish_reason, blocked, state.meta.get("finish_message"), state.index))
        if not self._candidates:
            message = feedback.block_reason_message if feedback is not None else None
            events.append(Finished(None, blocked, message))

    @property
    def started(self) -> bool:
        """Whether anything of an answer has come."""
        return bool(self._candidates or self._rest or self._usage or self._waiting)

    @property
    def complete(self) -> bool:
        """Whether the server has said why the answer ended; without that, a stream was cut off."""
        if self._block_reason:
            return True
        first = self._candidates.get(0) or next(iter(self._candidates.values()), None)
        return first is not None and first.finish_reason is not None

    @property
    def _block_reason(self) -> str | None:
        feedback = self._rest.get("prompt_feedback")
        return stated(feedback.block_reason) if feedback is not None else None

    def merged(self) -> GenerateContentResponse:
        """All chunks so far as one response, as if it had come in one piece."""
        with contextlib.suppress(ValidationError):  # a stream that is broken off is told about elsewhere
            self._settle()
        values = dict(self._rest)
        if self._candidates:
            values["candidates"] = [self._candidates[index].merged() for index in sorted(self._candidates)]
        if self._usage:
            values["usage_metadata"] = assembled(UsageMetadata, self._usage)
        return assembled(GenerateContentResponse, values)


class _CandidateState:
    """One candidate while it arrives."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.meta: dict[str, Any] = {}
        self._has_content = False
        self._content_rest: dict[str, Any] = {}
        self._parts: list[Part] = []
        self._run: list[str] = []
        self._run_is_thought = False
        self._call: _OpenCall | None = None
        self._call_at = 0

    @property
    def finish_reason(self) -> str | None:
        return stated(self.meta.get("finish_reason"))

    def add_plain(self, text: str, candidate: dict[str, Any], events: MutableSequence[Event]) -> None:
        """Take a piece of text that came with nothing but, perhaps, a role and a finish reason."""
        self._has_content = True
        if (role := candidate["content"].get("role")) is not None:
            self._content_rest["role"] = role
        reason = candidate.get("finishReason")
        if reason is not None:
            self.meta |= {"index": self.index} if "index" in candidate else {}
            if "finish_reason" not in self.meta or stated(reason):
                self.meta["finish_reason"] = reason
        if text:
            if self._run_is_thought:
                self._extend_run(text, thought=False)
            else:
                self._run.append(text)
            events.append(TextDelta(text, self.index))

    def feed(self, candidate: Candidate, events: MutableSequence[Event]) -> None:
        content = candidate.content
        if content is not None:
            self._has_content = True
            _keep_last(content, self._content_rest, skip=("parts",))
            for part in content.parts or ():
                self._add(part, events)
        if content is None or len(candidate.model_fields_set) > 1:
            _keep_last(candidate, self.meta, skip=("content",))

    def _add(self, part: Part, events: MutableSequence[Event]) -> None:
        text = part.text
        if text is None:
            self._add_other(part, events)
            return
        thought = bool(part.thought)
        if _is_plain(part):
            self._extend_run(text, thought=thought)
        else:
            self._close_run()
            self._parts.append(part)
        if text:
            events.append(ThoughtDelta(text, self.index) if thought else TextDelta(text, self.index))

    def _extend_run(self, text: str, *, thought: bool) -> None:
        if thought is not self._run_is_thought:
            self._close_run()
            self._run_is_thought = thought
        if text:
            self._run.append(text)

    def _close_run(self) -> None:
        self._parts += self._open_run()
        self._run = []

    def _open_run(self) -> list[Part]:
        """The text that the next chunk may still add to; one part, or none."""
        if not self._run:
            return []
        fields: dict[str, Any] = {"text": "".join(self._run)}
        if self._run_is_thought:
            fields["thought"] = True
        return [assembled(Part, fields)]

    def _add_other(self, part: Part, events: MutableSequence[Event]) -> None:
        self._close_run()
        call = part.function_call
        if call is None:
            self._parts.append(part)
            events.append(PartReceived(part, self.index))
        else:
            self._add_call(part, call, events)

    def _add_call(self, part: Part, call: WireFunctionCall, events: MutableSequence[Event]) -> None:
        if call.name:
            self.close_call(events)
            self._call, self._call_at = _OpenCall(part, call), len(self._parts)
            self._parts.append(part)
        elif self._call is not None:  # without a name it is never a new call
            self._call.feed(part, call)
        if not call.will_continue:
            self.close_call(events)

    def close_call(self, events: MutableSequence[Event]) -> None:
        """End the call whose arguments are still arriving, if there is one."""
        if self._call is not None:
            part, call = self._call.closed()
            self._call = None
            self._parts[self._call_at] = part
            events.append(FunctionCall(call.name or "", call.args or {}, call.id, self.index))

    def merged(self) -> Candidate:
        """The candidate so far; looking at it changes nothing."""
        values = dict(self.meta)
        if self._has_content:
            parts = [*self._parts, *self._open_run()]
            if self._call is not None:
                parts[self._call_at] = self._call.closed()[0]
            values["content"] = assembled(Content, {**self._content_rest, "parts": parts})
        return assembled(Candidate, values)


class _OpenCall:
    """A function call whose arguments may arrive in pieces."""

    def __init__(self, part: Part, call: WireFunctionCall) -> None:
        self._part = part
        self._call = call
        self._whole = not (call.will_continue or call.partial_args)
        self._args: dict[str, Any] = dict(call.args or {})
        self._growing: str | None = None
        self._take(call.partial_args)

    def feed(self, part: Part, call: WireFunctionCall) -> None:
        if part.thought_signature and not self._part.thought_signature:
            self._part = self._part.model_copy(update={"thought_signature": part.thought_signature})
        self._args.update(call.args or {})
        self._take(call.partial_args)

    def _take(self, pieces: list[PartialArg] | None) -> None:
        for piece in pieces or ():
            self._growing = put_piece(self._args, piece, self._growing)

    def closed(self) -> tuple[Part, WireFunctionCall]:
        """The part as it goes into the history, with its arguments put together, and the call in it."""
        if self._whole:
            return self._part, self._call
        fields: dict[str, Any] = {"name": self._call.name, "args": self._args}
        if self._call.id is not None:
            fields = {"id": self._call.id, **fields}
        call = assembled(WireFunctionCall, fields)
        return self._part.model_copy(update={"function_call": call}), call


def _is_plain(part: Part) -> bool:
    """Whether a part holds nothing but its text, so that it may be joined to its neighbour."""
    names = part.model_fields_set
    if names in (_TEXT_ONLY, _TEXT_AND_THOUGHT):
        return True
    extra = part.model_extra or {}
    return all(
        name in _TEXT_AND_THOUGHT or (extra[name] if name in extra else getattr(part, name)) is None for name in names
    )


def _keep_last(model: Any, into: dict[str, Any], skip: tuple[str, ...] = ()) -> None:  # noqa: ANN401 - any wire model
    """Copy every field that was set, is not null and not empty; later values replace earlier ones."""
    values = model.__dict__
    extra = model.__pydantic_extra__
    for name in model.__pydantic_fields_set__:
        if name in skip:
            continue
        value = values[name] if name in values else extra[name]
        if value is not None and (name not in into or not _is_empty(value)):
            into[name] = value


def _is_empty(value: Any) -> bool:  # noqa: ANN401 - any wire value
    if isinstance(value, str):
        return stated(value) is None
    fields = getattr(value, "__pydantic_fields_set__", None)
    return (fields is not None and not fields) or value in ({}, [])
