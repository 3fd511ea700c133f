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
_CALLS = re.compile(r"echo:(?:call|loop)\b")
_CALL = re.compile(r"^echo:call\b", re.MULTILINE)
#: Between the calls of two rounds.
_CALL_BLOCK = re.compile(r"\n[ \t]*\n\s*(?=echo:call\b)")


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
    calls = _next_calls(request)
    if calls:
        return _thoughtful(Answer(calls), turn, text, request)
    match = _ORDER.fullmatch(text.strip()) if len(turn) == 1 else None
    order = _ORDERS.get(match[1]) if match is not None else None
    answer = order((match[2] or "").strip(), request) if match and order else Answer(_parts(turn, text, request))
    return answer if isinstance(answer, PromptFeedback) else _thoughtful(answer, turn, text, request)


def _thoughtful(answer: Answer, turn: list[Part], text: str, request: GenerateContentRequest) -> Answer:
    """The answer with a thought and a signature, when thoughts are wanted."""
    if not _thinks(request):
        return answer
    thought = f"The last turn has {len(turn)} part(s) and {len(text.split())} word(s)."
    parts, first = answer.parts, answer.parts[0] if answer.parts else Part()
    if first.function_call is not None:
        parts = [first.model_copy(update={"thought_signature": _signature(first.function_call.id or "")}), *parts[1:]]
    else:
        parts = [*parts, Part(text="", thought_signature=_signature(text))]
    return replace(answer, thoughts=[Part(text=thought, thought=True)], parts=parts)


def _thinks(request: GenerateContentRequest) -> bool:
    thinking = request.generation_config.thinking_config if request.generation_config is not None else None
    return thinking is not None and bool(thinking.include_thoughts)


def _next_calls(request: GenerateContentRequest) -> list[Part]:
    """The calls that the last question orders for this round, if it orders any."""
    asked, since = functions.question(request)
    text = (asked[0].text or "").strip() if len(asked) == 1 else ""
    if not _CALLS.match(text):
        return []
    _check_signatures(since, request)
    round_ = sum(map(functions.is_answered, since))
    if text.startswith("echo:loop"):
        return [_ordered_call(text.removeprefix("echo:loop"), request, round_)]
    rounds = [_CALL.split(block)[1:] for block in _CALL_BLOCK.split(text)]
    return (
        [_ordered_call(order, request, number) for number, order in enumerate(rounds[round_])]
        if round_ < len(rounds)
        else []
    )


def _check_signatures(since: list[Content], request: GenerateContentRequest) -> None:
    """Refuse calls of this question that come back without the signature they were given."""
    for content in since if _thinks(request) else ():
        called = [part for part in content.parts or [] if part.function_call is not None]
        for part in called[:1]:
            wanted = _signature((part.function_call or FunctionCall()).id or "")
            # Bytes in JSON have two alphabets, and some clients answer in the other one.
            if (part.thought_signature or "").replace("-", "+").replace("_", "/") != wanted:
                raise invalid("Function call is missing a thought_signature in functionCall parts.")


def _last_turn(request: GenerateContentRequest) -> list[Part]:
    contents = request.contents or []
    turn = next((content for content in reversed(contents) if content.role != Role.MODEL), contents[-1])
    return turn.parts or []


def _signature(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


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


def _call(name: str, args: Any, number: int = 0) -> Part:  # noqa: ANN401 - JSON
    """A call; the number tells equal ones apart."""
    identifier = hashlib.sha256(json.dumps([name, args, *([number] if number else [])]).encode()).hexdigest()[:8]
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
    return Answer([Part(text="\n".join(f"{turn.role or Role.USER}: {_told(turn)}" for turn in turns))])


def _request(_rest: str, request: GenerateContentRequest) -> Answer:
    return Answer([Part(text=request.model_dump_json(by_alias=True, exclude_unset=True))])


def _ordered_call(order: str, request: GenerateContentRequest, number: int) -> Part:
    name, _, args = order.strip().partition(" ")
    function = functions.offered(request).get(name)
    if function is None:
        raise invalid(f"The function '{name}' is not declared in this request, or may not be called.")
    try:
        value = json.loads(args) if args.strip() else instance(parameters(function))
    except ValueError as error:
        raise invalid(f"The arguments after echo:call are not JSON: {error}") from None
    return _call(name, value, number)


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


def _told(content: Content) -> str:
    """A turn in a line: its text, its calls, and what they returned."""
    told = [_text(content)]
    for part in content.parts or []:
        if part.function_call is not None:
            told.append(f"{part.function_call.name}({json.dumps(part.function_call.args or {}, ensure_ascii=False)})")
        if part.function_response is not None:
            response = part.function_response
            told.append(f"{response.name} -> {json.dumps(response.response, ensure_ascii=False)}")
    return " ".join(filter(None, told))
