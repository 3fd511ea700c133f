"""``echo``: answers with what it was sent, always in the same way.

The answer is the last turn that is not the model's: text comes back word by word, images and other parts
as they are, function responses as JSON text. The history is taken and counted, but not answered.

* With a response schema the answer is a JSON value of that schema.
* With function calling mode ANY it is a call of the first allowed function, but text after a function response.
  Nothing is called under AUTO and VALIDATED unless it is ordered as below.
* With ``includeThoughts`` a thought comes first, and a signature last; where there are calls, it is on the first of
  them. A later request for the same question that has lost it there is refused.
* Calls have ids, other ones for other arguments, and for the second of two equal calls.
* A token is a word, an image 258 of them. Stop sequences, the output limit and the candidate count hold.

A last turn that is one of these lines alone asks for something else::

    echo:system                 the system instruction
    echo:history                the turns before this one, one to a line, with calls and what they returned
    echo:request                the whole request as JSON
    echo:call NAME {"a": 1}     a call of the declared function NAME with these arguments; several such lines are
                                calls side by side, and behind an empty line come those of the next round
    echo:loop NAME {"a": 1}     such a call again and again, whatever it returned
    echo:finish REASON          an answer that ends with this finish reason
    echo:block REASON           no answer, a prompt blocked for this reason
    echo:error STATUS           an error with this HTTP status
    echo:pause SECONDS          an answer that stops for so long half way
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import re
from typing import TYPE_CHECKING

from gemini_magic.local.backends._echo_answer import Answer, answer_to
from gemini_magic.wire import (
    Candidate,
    Content,
    CountTokensResponse,
    FinishReason,
    GenerateContentResponse,
    GenerationConfig,
    ModalityTokenCount,
    Model,
    Part,
    PromptFeedback,
    Role,
    UsageMetadata,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from gemini_magic.wire import GenerateContentRequest

NAME = "echo"

_WORD = re.compile(r"\S+\s*|\s+")
_MEDIA_TOKENS = 258
_LIMIT = 1_000_000


class EchoBackend:
    """The deterministic model."""

    model = Model(
        name=f"models/{NAME}",
        version="1",
        display_name="Echo",
        description="Answers with the parts it was sent; deterministic, for tests and for looking at requests.",
        input_token_limit=_LIMIT,
        output_token_limit=_LIMIT,
        supported_generation_methods=["generateContent", "streamGenerateContent", "countTokens"],
        thinking=True,
    )

    async def generate(self, request: GenerateContentRequest) -> AsyncIterator[GenerateContentResponse]:
        """Answer in chunks, one for each word."""
        answer = answer_to(request)
        config = request.generation_config or GenerationConfig()
        count = config.candidate_count or 1
        identity = {"model_version": NAME, "response_id": _identity(request)}
        if isinstance(answer, PromptFeedback):
            yield GenerateContentResponse(prompt_feedback=answer, usage_metadata=_usage(request, [], []), **identity)
            return
        pieces, finish = _cut(answer, config)
        usage = _usage(request, answer.thoughts, pieces, count)
        for number, piece in enumerate(answer.thoughts + pieces):
            last = number == len(answer.thoughts) + len(pieces) - 1
            if answer.pause and number == 1:
                await asyncio.sleep(answer.pause)
            for index in range(count):
                yield _chunk(piece, index, finish if last else None, usage if last else None, identity)
            await asyncio.sleep(0)

    async def count_tokens(self, request: GenerateContentRequest) -> CountTokensResponse:
        """Count the words and images of the prompt."""
        return CountTokensResponse(total_tokens=_prompt_tokens(request), prompt_tokens_details=_details(request))


def _chunk(
    part: Part, index: int, finish: str | None, usage: UsageMetadata | None, identity: dict[str, str]
) -> GenerateContentResponse:
    candidate = Candidate(content=Content(parts=[part], role=Role.MODEL), index=index)
    if finish is not None:
        candidate.finish_reason = finish
    chunk = GenerateContentResponse(candidates=[candidate])
    if usage is not None:
        chunk.usage_metadata = usage
    chunk.model_version, chunk.response_id = identity["model_version"], identity["response_id"]
    return chunk


def _cut(answer: Answer, config: GenerationConfig) -> tuple[list[Part], str]:
    """The chunks' parts, ended by a stop sequence or the output limit, and why they end."""
    pieces: list[Part] = []
    left = config.max_output_tokens or _LIMIT
    for part in answer.parts:
        for piece, stopped in _words(part, config.stop_sequences or []):
            if left == 0:
                return pieces, FinishReason.MAX_TOKENS
            pieces.append(piece)
            left -= bool(piece.text)
            if stopped:
                return pieces, FinishReason.STOP
    return pieces or [Part(text="")], answer.finish


def _words(part: Part, stops: list[str]) -> Iterator[tuple[Part, bool]]:
    """The part word by word, and whether a stop sequence ended it there."""
    if not part.text:
        yield part, False
        return
    text = min((part.text.split(stop, 1)[0] for stop in stops if stop), key=len, default=part.text)
    stopped = len(text) < len(part.text)
    words = _WORD.findall(text) or [""]
    for number, word in enumerate(words):
        yield part.model_copy(update={"text": word}), stopped and number == len(words) - 1


def _usage(request: GenerateContentRequest, thoughts: list[Part], pieces: list[Part], count: int = 1) -> UsageMetadata:
    prompt = _prompt_tokens(request)
    answered = sum(map(_tokens, pieces)) * count
    usage = UsageMetadata(
        prompt_token_count=prompt, candidates_token_count=answered, prompt_tokens_details=_details(request)
    )
    thought = sum(map(_tokens, thoughts)) * count
    if thought:
        usage.thoughts_token_count = thought
    usage.total_token_count = prompt + answered + thought
    return usage


def _sent(request: GenerateContentRequest) -> Iterator[Part]:
    contents = itertools.chain([request.system_instruction], request.contents or [])
    return (part for content in contents if content is not None for part in content.parts or [])


def _prompt_tokens(request: GenerateContentRequest) -> int:
    return sum(map(_tokens, _sent(request)))


def _details(request: GenerateContentRequest) -> list[ModalityTokenCount]:
    counts: dict[str, int] = {}
    for part in _sent(request):
        blob = part.inline_data or part.file_data
        kind = ((blob.mime_type or "") if blob is not None else "text/plain").partition("/")[0].upper()
        kind = kind if kind in {"TEXT", "IMAGE", "AUDIO", "VIDEO"} else "DOCUMENT"
        counts[kind] = counts.get(kind, 0) + _tokens(part)
    return [ModalityTokenCount(modality=kind, token_count=count) for kind, count in counts.items()]


def _tokens(part: Part) -> int:
    if part.inline_data is not None or part.file_data is not None:
        return _MEDIA_TOKENS
    if part.text is not None:
        return len(part.text.split())
    return len(part.model_dump_json(by_alias=True, exclude_unset=True).split())


def _identity(request: GenerateContentRequest) -> str:
    return hashlib.sha256(request.model_dump_json(by_alias=True, exclude_unset=True).encode()).hexdigest()[:22]
