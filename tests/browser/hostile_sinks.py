"""Everything beside an answer that shows what a model, a server or a stranger's file has written, made hostile."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from IPython.core.interactiveshell import InteractiveShell
from IPython.display import display

from gemini_magic.chat import Conversation
from gemini_magic.chat.export import markdown_of, notebook_of
from gemini_magic.chat.saved import Saved
from gemini_magic.chat.turns import Origin, answered, failed, question_of
from gemini_magic.display.cards import CodeCard, ErrorLine, RequestCard, Table, models_table, usage_table
from gemini_magic.display.sanitize import style
from gemini_magic.display.usage import Bar, Report, UsagePlot
from gemini_magic.exceptions import ApiError
from gemini_magic.magics.help import Help
from gemini_magic.magics.transcript import Transcript
from gemini_magic.reply import Reply
from gemini_magic.wire import GenerateContentResponse

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

URL = "https://gateway.example/v1beta/models/gemini-x:generateContent"
#: The payload's place in the corpus when it is repeated in a conversation's name, which is one line.
_NAME = 200


def reply_of(payload: str, **more: Any) -> Reply:
    """An answer of several candidates, with thoughts, code, results, names of files and chances of tokens."""
    parts: list[dict[str, Any]] = [
        {"text": payload, "thought": True},
        {"text": payload},
        {"executableCode": {"language": payload, "code": payload}},
        {"codeExecutionResult": {"outcome": payload, "output": payload}},
        {"fileData": {"fileUri": payload, "mimeType": "application/pdf"}},
        {"inlineData": {"mimeType": payload, "data": "AAAA", "displayName": payload}},
        {"functionCall": {"name": payload, "args": {payload: payload}}},
        {"functionResponse": {"name": payload, "response": {"result": payload}}},
        {payload: payload},
    ]
    chances = {"candidates": [{"token": payload, "logProbability": -0.1}]}
    candidate = {
        "content": {"role": "model", "parts": parts},
        "finishReason": payload,
        "finishMessage": payload,
        "logprobsResult": {"chosenCandidates": chances["candidates"], "topCandidates": [chances]},
    }
    blocked = {"finishReason": "SAFETY", "safetyRatings": [{"category": payload, "probability": payload}], "index": 2}
    plain = {"content": {"role": "model", "parts": [{"text": payload}]}, "finishReason": "STOP", "index": 1}
    body = {"candidates": [candidate, plain, blocked], "modelVersion": payload, "responseId": payload, **more}
    return Reply(GenerateContentResponse.model_validate(body), payload, warnings=(payload,))


def conversation_of(payload: str) -> Saved:
    """A conversation whose name, instruction, questions, answers and errors are hostile."""
    question = question_of([payload, {"inlineData": {"mimeType": payload, "data": "AAAA"}}])
    body = {"candidates": [{"content": {"role": "model", "parts": [{"text": payload}]}, "finishReason": "STOP"}]}
    plain = Reply(GenerateContentResponse.model_validate({**body, "modelVersion": payload}), payload)
    turns = (
        answered(question, plain, Origin({}, payload[:_NAME])),
        answered(question, reply_of(payload), Origin({})),
        failed(question, ApiError(payload, status=500, reason=payload), None, Origin({})),
    )
    return Saved(payload[:_NAME], turns, payload, (payload,))


def request_of(payload: str) -> RequestCard:
    """A request with the payload in its body, headers, address and notes."""
    body = {"contents": [{"parts": [{"text": payload}]}], payload: payload}
    return RequestCard(
        "POST",
        URL,
        json.dumps(body).encode(),
        {"x-note": "a note", "authorization": payload},
        title=payload,
        price=payload,
        notes=(payload,),
        tokens=5,
    )


def _rows(payload: str) -> list[dict[str, Any]]:
    return [{"job": 1, "status": payload, "conversation": payload, "prompt": payload, payload[:40]: payload}]


def _loaded(payload: str) -> Conversation:
    return Conversation.restored(conversation_of(payload))


#: What shows it, and what makes the thing that is shown.
SINKS: Mapping[str, Callable[[str], Any]] = {
    "several candidates": reply_of,
    "transcript": lambda payload: Transcript(conversation_of(payload)),
    "conversation": _loaded,
    "turn": lambda payload: _loaded(payload).turns[0],
    "dry run": request_of,
    "last raw": lambda payload: RequestCard("", payload, reply_of(payload).raw, title="Response"),
    "last curl": lambda payload: CodeCard(request_of(payload).curl, "bash", payload),
    "last python": lambda payload: CodeCard(request_of(payload).python, "python", payload),
    "jobs": lambda payload: Table(_rows(payload), payload, _rows(payload)[0]),
    "nothing": lambda payload: Table([], payload, empty=payload),
    "report": lambda payload: Report(_rows(payload), payload, more=[Table(_rows(payload), payload)], notes=[payload]),
    "usage": lambda payload: usage_table(_rows(payload)),
    "usage plot": lambda payload: UsagePlot([Bar(payload, {"prompt": 5, payload: 3})]),
    "models": lambda payload: models_table([{"model": payload, "name": payload}], payload),
    "error": lambda payload: ErrorLine(ApiError(payload, status=400, reason=payload, hint=payload)),
    "template": Help,
}


def show(payloads: list[str], names: list[str]) -> None:
    """Show some of the sinks; what all payloads make of one of them is one output, for a page holds few outputs."""
    formatter = InteractiveShell.instance().display_formatter
    for name in names:
        bundles = [formatter.format(SINKS[name](payload))[0] for payload in payloads]
        assert {kind for bundle in bundles for kind in bundle} <= {"text/html", "text/plain"}
        for kind in ("text/html", "text/plain"):
            if found := [bundle[kind] for bundle in bundles if kind in bundle]:
                first, *others = found  # the style sheet is large, and the same in all of them
                display({kind: "\n".join([first, *(one.replace(str(style()), "") for one in others)])}, raw=True)


def saved_for_reading(payloads: list[str]) -> dict[str, Any]:
    """Conversations of strangers that were loaded and saved for reading, each as a Markdown cell of a notebook.

    A conversation that is saved as a notebook has the beginning of the same text in its first cell.
    """
    texts = [markdown_of(conversation_of(payload)) for payload in payloads]
    cells = [
        {"cell_type": "markdown", "id": f"c{number}", "metadata": {}, "source": text}
        for number, text in enumerate(texts)
    ]
    return {**notebook_of(Saved("x", (), None, ())), "cells": cells}
