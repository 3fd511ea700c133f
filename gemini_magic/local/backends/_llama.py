"""A GGUF model on llama.cpp, in this process, through xllamacpp.

Function calling is not native to the small models. Under mode ANY the answer is constrained to one call of an allowed
function, with arguments that fit its declaration: that is sure, though not which function and which values. Under AUTO
and VALIDATED it is best effort: the functions are described in words, and an answer that is nothing but the JSON of a
declared call becomes one. When its arguments do not fit (under VALIDATED always), the call is made anew, constrained as
under ANY; when the function is one that the model made up, it is asked again without functions. Under NONE none is
described. After a function's response no functions are offered, under no mode: small models would only call them again,
so for one question there is one round of calls.

Images and other media are refused. What a request does not set is greedy decoding, and 1,024 tokens of answer at most.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gemini_magic._optional import require
from gemini_magic.exceptions import ServerUnavailable
from gemini_magic.local.backends._llama_http import Loopback
from gemini_magic.local.backends._llama_prompt import (
    OUTPUT_LIMIT,
    Prompt,
    calls_in,
    is_astray,
    may_be_call,
    messages,
    prompt,
)
from gemini_magic.wire import (
    Candidate,
    Content,
    CountTokensResponse,
    FinishReason,
    FunctionCall,
    GenerateContentResponse,
    Model,
    Part,
    Role,
    UsageMetadata,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from gemini_magic.local.catalogue import ModelFile
    from gemini_magic.wire import GenerateContentRequest

#: Answers made at the same time; more wait. On few cores this is for fairness, it does not make more of them.
_SLOTS = 2
_MOST_WAITING = 256
#: Tokens of prompt and answer together, for each slot; more would cost memory that a notebook needs.
_CONTEXT = 8_192
#: Prompt tokens read between two looks at whether anyone still waits.
_BATCH = 256
_MOST_THREADS = 8

_FINISH = {"stop": FinishReason.STOP, "length": FinishReason.MAX_TOKENS}


class LlamaBackend:
    """One model file; it is loaded by the first request and stays.

    Args:
        name: What requests call it.
        path: The file.
        known: Its entry in the catalogue, when it has one.
    """

    def __init__(self, name: str, path: Path, known: ModelFile | None = None) -> None:
        self._name = name
        self._path = path
        self._context = min(_CONTEXT, known.context) if known is not None else _CONTEXT
        self._slots = asyncio.Semaphore(_SLOTS)
        self._waiting = 0
        self._loading: asyncio.Future[_Engine] | None = None
        self.model = Model(
            name=f"models/{name}",
            version="1",
            display_name=known.title if known is not None else path.name,
            description=(
                "Runs on this machine; reads and writes text only. Under mode ANY it calls a function for sure, one at "
                "a time; under AUTO by best effort."
            ),
            input_token_limit=self._context,
            output_token_limit=OUTPUT_LIMIT,
            supported_generation_methods=["generateContent", "streamGenerateContent", "countTokens"],
            temperature=0.0,
        )

    async def generate(self, request: GenerateContentRequest) -> AsyncIterator[GenerateContentResponse]:
        """Answer token by token, one candidate after the other."""
        asked = prompt(request)
        identity = secrets.token_urlsafe(16)
        usage = UsageMetadata()
        for index in range(asked.candidates):
            async with aclosing(self._candidate(asked, index, usage)) as candidates:
                async for candidate in candidates:
                    chunk = GenerateContentResponse(candidates=[candidate])
                    if candidate.finish_reason is not None and index == asked.candidates - 1:
                        chunk.usage_metadata = usage
                    chunk.model_version, chunk.response_id = self._name, identity
                    yield chunk

    async def count_tokens(self, request: GenerateContentRequest) -> CountTokensResponse:
        """Count the tokens of the prompt as the model gets it, chat template included."""
        engine = await self._engine()
        answer = await engine.loopback.post("/v1/chat/completions/input_tokens", {"messages": messages(request)})
        return CountTokensResponse(total_tokens=answer["input_tokens"])

    async def _candidate(self, asked: Prompt, index: int, usage: UsageMetadata) -> AsyncGenerator[Candidate]:
        """One answer; adds to the usage."""
        body = asked.body | {"stream": True, "stream_options": {"include_usage": True}}
        if "seed" in body:
            body["seed"] += index
        reading = _Reading(asked, index)
        async with aclosing(self._events(body)) as events:
            async for event in events:
                for choice in event.get("choices") or []:
                    for part in reading.take(choice):
                        yield _said(part, index)
                _add_usage(usage, event.get("usage"))
        again = reading.again
        if again is not None:
            async with aclosing(self._candidate(again, index, usage)) as candidates:
                async for candidate in candidates:
                    yield candidate
            return
        last = reading.end()
        for part in last[:-1]:
            yield _said(part, index)
        candidate = _said(last[-1], index) if last else Candidate(index=index)
        candidate.finish_reason = reading.finish
        yield candidate

    async def _events(self, body: dict[str, Any]) -> AsyncGenerator[dict[str, Any]]:
        if self._waiting >= _MOST_WAITING:
            raise ServerUnavailable(f"{self._waiting} requests are waiting for the model already.", status=503)
        engine = await self._engine()
        self._waiting += 1
        try:
            async with self._slots, aclosing(engine.loopback.events("/v1/chat/completions", body)) as events:
                async for event in events:
                    yield event
        finally:
            self._waiting -= 1

    async def _engine(self) -> _Engine:
        """The loaded model; loading goes on when the request that began it is gone."""
        if self._loading is None or (self._loading.done() and self._loading.exception() is not None):
            self._loading = asyncio.ensure_future(asyncio.to_thread(_Engine, self._path, self._context))
        return await asyncio.shield(self._loading)


class _Reading:
    """Turns the engine's text into parts."""

    def __init__(self, asked: Prompt, index: int) -> None:
        self.finish: str = FinishReason.STOP
        self._asked = asked
        self._index = index
        self._held = ""
        self._holds = bool(asked.functions)

    def take(self, choice: dict[str, Any]) -> list[Part]:
        """Parts that can be said now."""
        if choice.get("finish_reason"):
            self.finish = _FINISH.get(choice["finish_reason"], FinishReason.OTHER)
        text = (choice.get("delta") or {}).get("content")
        if not text:
            return []
        if not self._holds:
            return [Part(text=text)]
        self._held += text
        if self._asked.must_call or may_be_call(self._held):
            return []
        self._holds = False
        return [Part(text=self._held)]

    @property
    def again(self) -> Prompt | None:
        """What to ask in place of this, when the text calls a function that was not declared, or in the wrong way."""
        if not self._holds:
            return None
        calls = calls_in(self._held, self._asked.functions)
        if not calls:
            return self._asked.in_words if is_astray(self._held) else None
        misfit = self._asked.misfit(calls)
        return self._asked.exactly(misfit) if misfit is not None else None

    def end(self) -> list[Part]:
        """Parts that had to wait for the end."""
        if not self._holds:
            return []
        calls = calls_in(self._held, self._asked.functions)
        if calls:
            return [
                Part(function_call=FunctionCall(id=secrets.token_hex(4), name=name, args=arguments))
                for name, arguments in calls
            ]
        if self._asked.must_call:
            self.finish = FinishReason.MALFORMED_FUNCTION_CALL
            return []
        return [Part(text=self._held)] if self._held else []


class _Engine:
    """A loaded model and the port it answers on."""

    def __init__(self, path: Path, context: int) -> None:
        llama = require("xllamacpp", extra="local", why="run the embedded model")
        key = secrets.token_urlsafe(32)
        params = llama.CommonParams()
        params.model.path = str(path)
        params.n_ctx = context * _SLOTS
        params.n_parallel = _SLOTS
        params.n_batch = _BATCH
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = _threads()
        params.cache_ram_mib = 0
        params.api_keys = [key]
        params.cors_origins = ""
        params.ui = params.endpoint_slots = params.warmup = False
        params.verbosity = 0
        try:
            self._server = llama.Server(params)
        except RuntimeError as error:
            raise ServerUnavailable(f"The model {path.name} could not be loaded: {error}", status=503) from None
        self.loopback = Loopback(self._server.listening_address, key)


def _said(part: Part, index: int) -> Candidate:
    return Candidate(content=Content(parts=[part], role=Role.MODEL), index=index)


def _add_usage(usage: UsageMetadata, counts: dict[str, Any] | None) -> None:
    if counts is not None:
        usage.prompt_token_count = counts["prompt_tokens"]
        usage.candidates_token_count = (usage.candidates_token_count or 0) + counts["completion_tokens"]
        usage.total_token_count = usage.prompt_token_count + usage.candidates_token_count


def _threads() -> int:
    """All cores but one, which the notebook needs; on two cores two threads are slower than one when it uses it."""
    return max(1, min(_cores() - 1, _MOST_THREADS))


def _cores() -> int:
    """Cores this process may use; in a container that is its share of the machine's."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
        return max(1, min(cores, int(quota) // int(period)))
    except (OSError, ValueError):
        return cores
