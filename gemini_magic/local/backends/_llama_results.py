"""What functions returned, in words that a small model answers with; each of them was tried on the default one.

Told only ``{"result": 42}``, it calls the function again, or answers with a bare word; the question, repeated, keeps it
at the matter. After a failure the question would rather make it invent an answer.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from gemini_magic.local import functions
from gemini_magic.wire import Role

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gemini_magic.wire import Content, FunctionResponse

#: A longer question is not repeated.
_LONGEST = 400
#: What a question has; an order, repeated, is only said back.
_MARKS = ("?", "\uff1f", "\u061f")


def results(contents: Sequence[Content]) -> str:
    """The last of these turns, which brings what functions returned, as words of the user.

    Args:
        contents: The conversation up to there.
    """
    *before, last = contents
    parts = last.parts or []
    given = [part.function_response for part in parts if part.function_response is not None]
    calls = [
        part.function_call for part in (before[-1].parts or [] if before else []) if part.function_call is not None
    ]
    arguments = [call.args or {} for call in calls] if len(given) > 1 else []
    told = [_told(response, arguments[number : number + 1]) for number, response in enumerate(given)]
    said = [part.text for part in parts if part.text]
    return "\n".join([*told, *said, _request(given, _question(before))])


def _told(response: FunctionResponse, arguments: list[dict[str, Any]]) -> str:
    """What one function returned; with its arguments where several were called."""
    name = f"{response.name} with {_shown(arguments[0])}" if arguments else response.name
    if _failed(response):
        return f"{name} failed: {_shown((response.response or {})['error']).rstrip('.')}."
    given = response.response or {}
    return f"{name} returned: {_shown(given['result'] if given.keys() == {'result'} else given)}"


def _failed(response: FunctionResponse) -> bool:
    return (response.response or {}).keys() == {"error"}


def _request(given: list[FunctionResponse], question: str) -> str:
    if all(map(_failed, given)):
        return "In one full sentence, tell me that it failed and why."
    length = "one full sentence" if len(given) == 1 else "full sentences"
    if not question or any(mark in question for mark in _MARKS):
        return f"Use this to answer in {length}: {question or 'my question.'}"
    return f"This was done for: {question}\nTell me the result in {length}."


def _question(before: Sequence[Content]) -> str:
    """What the user asked last, if it is short."""
    for content in reversed(before):
        if content.role != Role.MODEL and not functions.is_answered(content):
            text = "\n".join(part.text for part in content.parts or [] if part.text).strip()
            return text if len(text) <= _LONGEST else ""
    return ""


def _shown(value: object) -> str:
    """A value as a small model reads it best: texts without quotes."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
