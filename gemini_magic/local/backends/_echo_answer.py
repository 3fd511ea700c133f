"""What ``echo`` says, before it is cut into chunks."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from gemini_magic.exceptions import ApiError
from gemini_magic.local import functions
from gemini_magic.local.errors import invalid
from gemini_magic.local.instance import instance
from gemini_magic.local.schema import parameters, response_schema
from gemini_magic.wire import FinishReason, FunctionCall, GenerationConfig, Part, PromptFeedback, Role

if TYPE_CHECKING:
    from collections.abc import Callable

    from gemini_magic.wire import Content, GenerateContentRequest

_ORDER = re.compile(r"echo:([a-z]+)(?:[ \t]+(.*))?", re.DOTALL)


@dataclass(frozen=True)
class Answer:
    """Parts to say, and how.

    Attributes:
        parts: What comes after the thoughts.
        finish: The finish reason, unless a limit comes first.
        thoughts: What comes first.
        pause: Seconds to stop after the first chunk.
    """

    parts: list[Part]
    finish: str = FinishReason.STOP
    thoughts: list[Part] = field(default_factory=list)
    pause: float = 0.0


def answer_to(request: GenerateContentRequest) -> Answer | PromptFeedback:
    """Decide what to say."""
    turn = _last_turn(request)
    text = "".join(part.text or "" for part in turn)
    match = _ORDER.fullmatch(text.strip()) if len(turn) == 1 else None
    order = _ORDERS.get(match[1]) if match is not None else None
    answer = order((match[2] or "").strip(), request) if match and order else Answer(_parts(turn, text, request))
    config = request.generation_config
    thinking = config.thinking_config if config is not None else None
    if isinstance(answer, PromptFeedback) or thinking is None or not thinking.include_thoughts:
        return answer
    thought = f"The last turn has {len(turn)} part(s) and {len(text.split())} word(s)."
    return replace(answer, thoughts=[Part(text=thought, thought=True)], parts=[*answer.parts, _signature(text)])


def _last_turn(request: GenerateContentRequest) -> list[Part]:
    contents = request.contents or []
    turn = next((content for content in reversed(contents) if content.role != Role.MODEL), contents[-1])
    return turn.parts or []


def _signature(text: str) -> Part:
    return Part(text="", thought_signature=base64.b64encode(hashlib.sha256(text.encode()).digest()).decode())


def _parts(turn: list[Part], text: str, request: GenerateContentRequest) -> list[Part]:
    answered = any(part.function_response is not None for part in turn)
    if functions.must_call(request) and not answered:
        name, function = next(iter(functions.offered(request).items()))
        return [_call(name, instance(parameters(function)))]
    config = request.generation_config or GenerationConfig()
    schema = response_schema(config)
    if schema is not None:
        value = instance(schema)
        bare = config.response_mime_type == "text/x.enum"
        return [Part(text=str(value) if bare else json.dumps(value, ensure_ascii=False))]
    if config.response_mime_type == "application/json":
        return [Part(text=_as_json(text))]
    return [_echoed(part) for part in turn]


def _call(name: str, args: Any) -> Part:  # noqa: ANN401 - JSON
    identifier = hashlib.sha256(json.dumps([name, args]).encode()).hexdigest()[:8]
    return Part(function_call=FunctionCall(id=identifier, name=name, args=args))


def _as_json(text: str) -> str:
    try:
        json.loads(text)
    except ValueError:
        return json.dumps({"echo": text}, ensure_ascii=False)
    return text


def _echoed(part: Part) -> Part:
    if part.function_response is not None:
        return Part(text=json.dumps(part.function_response.response, ensure_ascii=False))
    return part


def _system(_rest: str, request: GenerateContentRequest) -> Answer:
    system = request.system_instruction
    return Answer([Part(text=_text(system) if system is not None else "")])


def _history(_rest: str, request: GenerateContentRequest) -> Answer:
    turns = (request.contents or [])[:-1]
    return Answer([Part(text="\n".join(f"{turn.role or Role.USER}: {_text(turn)}" for turn in turns))])


def _request(_rest: str, request: GenerateContentRequest) -> Answer:
    return Answer([Part(text=request.model_dump_json(by_alias=True, exclude_unset=True))])


def _ordered_call(rest: str, request: GenerateContentRequest) -> Answer:
    name, _, args = rest.partition(" ")
    function = functions.offered(request).get(name)
    if function is None:
        raise invalid(f"The function '{name}' is not declared in this request")
    try:
        value = json.loads(args) if args.strip() else instance(parameters(function))
    except ValueError as error:
        raise invalid(f"The arguments after echo:call are not JSON: {error}") from None
    return Answer([_call(name, value)])


def _finish(rest: str, _request: GenerateContentRequest) -> Answer:
    return Answer([Part(text="echo: ")], finish=rest or FinishReason.STOP)


def _block(rest: str, _request: GenerateContentRequest) -> PromptFeedback:
    return PromptFeedback(block_reason=rest or "SAFETY")


def _error(rest: str, _request: GenerateContentRequest) -> Answer:
    raise ApiError("The request asked for this error.", status=int(_number(rest)))


def _pause(rest: str, _request: GenerateContentRequest) -> Answer:
    return Answer([Part(text="before "), Part(text="after")], pause=_number(rest))


_ORDERS: dict[str, Callable[[str, GenerateContentRequest], Answer | PromptFeedback]] = {
    "block": _block,
    "call": _ordered_call,
    "error": _error,
    "finish": _finish,
    "history": _history,
    "pause": _pause,
    "request": _request,
    "system": _system,
}


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise invalid(f"'{text}' is not a number") from None


def _text(content: Content) -> str:
    return "".join(part.text or "" for part in content.parts or [] if not part.thought)
