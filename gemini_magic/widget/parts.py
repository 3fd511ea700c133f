"""Parts of questions and answers as the pane shows them: plain values, their texts with nothing hidden in them."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from gemini_magic.chat.words import part_in_words
from gemini_magic.display.visible import visible
from gemini_magic.events import FunctionCall, PartReceived, TextDelta, ThoughtDelta, ToolFinished, ToolStarted
from gemini_magic.widget.questions import file_in
from gemini_magic.widget.runs import Runs, run_view, running_view
from gemini_magic.widget.written import json_text, short

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from gemini_magic.events import Event
    from gemini_magic.reply import Reply
    from gemini_magic.widget.blobs import Blobs
    from gemini_magic.widget.messages import PartView
    from gemini_magic.wire import FileData, Part

_GOOD = frozenset({None, "", "OUTCOME_OK", "OUTCOME_UNSPECIFIED"})


def event_view(event: Event, blobs: Blobs) -> PartView | None:
    """What an event of a stream adds to the answer; None when that is nothing to be shown."""
    if getattr(event, "candidate", 0):
        return None
    match event:
        case TextDelta(text=text):
            return {"kind": "text", "text": visible(text)}
        case ThoughtDelta(text=text):
            return {"kind": "thought", "text": visible(text)}
        case PartReceived(part=part):
            return _other(part, blobs)
    return _call_view(event, blobs)


def _call_view(event: Event, blobs: Blobs) -> PartView | None:
    match event:
        case FunctionCall(name=name, args=args):
            return {"kind": "call", "name": visible(name), "text": json_text(args)}
        case ToolStarted(call=call, number=number, waits=False):  # one that waits is shown by the question for leave
            return running_view(call, number)
        case ToolFinished(run=run, number=number):
            return run_view(run, number, blobs)
    return None


def answer_views(
    reply: Reply, blobs: Blobs, text: Callable[[int, int], str], seconds: Sequence[float] = ()
) -> list[PartView]:
    """The parts of an answer, behind those of the answers before it and what came of their calls.

    Args:
        reply: The answer.
        blobs: Gets to know their bytes.
        text: A stretch of the last answer's text, with the marks of its sources.
        seconds: How long each of its thoughts took, as far as that is known.
    """
    taken, runs = iter(seconds), Runs()
    views: list[PartView] = []
    for step in reply.steps:
        runs.begin(step)
        views += _answer(step.reply.parts, blobs, _part_of(step.reply.text), taken, runs)
        views += runs.rest(blobs)
        if not step.runs and step.results is not None:  # from a file, which knows no more about them
            views += filter(None, (_other(part, blobs) for part in step.results.parts or []))
    runs.begin(None)
    return [*views, *_answer(reply.parts, blobs, text, taken, runs)]


def _part_of(text: str) -> Callable[[int, int], str]:
    return lambda begin, end: text[begin:end]


def _answer(
    parts: Sequence[Part], blobs: Blobs, text: Callable[[int, int], str], seconds: Iterator[float], runs: Runs
) -> Iterator[PartView]:
    begin = 0
    for kind, group in groupby((part for part in parts if part.text != ""), key=_kind):
        same = list(group)
        source = "".join(part.text or "" for part in same)
        if kind == "text":
            yield {"kind": "text", "text": visible(text(begin, begin + len(source)))}
            begin += len(source)
        elif kind == "thought":
            thought: PartView = {"kind": "thought", "text": visible(source)}
            yield {**thought, "seconds": taken} if (taken := next(seconds, None)) is not None else thought
        elif kind == "sound":
            yield from blobs.sound(same)
        else:
            yield from filter(None, (runs.view(part, blobs) or _other(part, blobs) for part in same))


def question_views(
    parts: Sequence[Part], blobs: Blobs, source: str | None = None, names: Mapping[int, str] | None = None
) -> list[PartView]:
    """The parts of a question.

    Args:
        parts: The parts.
        blobs: Gets to know their bytes.
        source: What was typed; without it the texts are shown as they were sent.
        names: Names of files, by the place of their part.
    """
    known = names or {}
    views: list[PartView] = []
    texts: list[str] = []
    for place, part in enumerate(parts):
        name = visible(known.get(place, ""))
        if (file := file_in(part)) is not None:
            size = len(file[1].encode("utf-8", "replace"))
            views.append({"kind": "file", "mime": "text/plain", "bytes": size, "name": name or visible(file[0])})
        elif part.text is not None:
            texts.append(part.text)
        elif (view := _other(part, blobs, name)) is not None:
            views.append(view)
    text = source if source is not None else "\n\n".join(texts)
    return [*views, {"kind": "text", "text": visible(text)}] if text else views


def _kind(part: Part) -> str:
    if part.text is not None:
        return "thought" if part.thought else "text"
    mime = ((part.inline_data.mime_type if part.inline_data is not None else "") or "").lower()
    return "sound" if mime.startswith("audio/") else "other"


def _other(part: Part, blobs: Blobs, name: str = "") -> PartView | None:
    """A part that is no text."""
    if part.inline_data is not None:
        return blobs.view(part, name)
    if part.file_data is not None:
        return _address(part.file_data, name)
    if (call := part.function_call) is not None:
        return {"kind": "call", "name": visible(call.name or ""), "text": json_text(call.args or {})}
    if (result := part.function_response) is not None:
        return {"kind": "result", "name": visible(result.name or ""), "text": json_text(result.response or {})}
    return _run(part) or _else(part)


def _run(part: Part) -> PartView | None:
    """Code that the model ran, or what came of it."""
    if (code := part.executable_code) is not None:
        return {"kind": "code", "language": (code.language or "python").lower(), "text": visible(code.code or "")}
    if (output := part.code_execution_result) is not None:
        return {"kind": "output", "ok": output.outcome in _GOOD, "text": visible(short(output.output or ""))}
    return None


def _else(part: Part) -> PartView | None:
    words = _tool(part) or part_in_words(part)
    return {"kind": "other", "text": visible(words)} if words else None


def _address(file: FileData, name: str) -> PartView:
    uri = file.file_uri or ""
    shown = name or uri.rstrip("/").rpartition("/")[2] or "file"
    return {"kind": "file", "mime": file.mime_type or "", "name": visible(shown), "uri": visible(uri)}


def _tool(part: Part) -> str:
    """What the server's own tools did, in a line: the answer says what came of it."""
    tool = part.tool_call or part.tool_response
    if tool is None:
        return ""
    name = (tool.tool_type or "unnamed").replace("_", " ").lower()
    return f"[a tool of the server {'was used' if part.tool_call is not None else 'answered'}: {name}]"
