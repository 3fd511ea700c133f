"""A call that was carried out here, as a folded card; what the model and the function wrote is text in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gemini_magic.display.calls import (
    DECISIONS,
    as_json,
    calls_words,
    outcome_words,
    run_line,
    seconds_words,
    short_call,
    started_words,
)
from gemini_magic.display.images import describe
from gemini_magic.display.pieces import EMPTY, Piece, joined, picture_piece, shortened
from gemini_magic.display.sanitize import Safe, code, element, join
from gemini_magic.display.words import token_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gemini_magic.events import ToolRun, ToolStarted
    from gemini_magic.reply import Step
    from gemini_magic.wire import FunctionResponsePart

_RESULT = "result"
_SCROLLS = 20  # lines from which on data are scrolled
_LINE = 80
_PICTURE = "Picture that the function returned"


def tool_piece(run: ToolRun, asked: str = "") -> Piece:
    """A call, what came of it and who let it run, folded; in plain text one line.

    Args:
        run: The call.
        asked: What the answer cost that asked for it, in words.
    """
    body = joined([_arguments(run), *_results(run), _line(_decision(run)), _line(asked)])
    summary = element("summary", element("code", short_call(run.name, run.args)), *_summed_up(run))
    card = element("details", summary, body.html, class_="gm-tool", label=f"Call of {run.name}")
    return Piece(card, run_line(run))


def asked_words(step: Step) -> str:
    """What the answer cost that asked for the calls of a step."""
    tokens = token_words(step.reply.usage)
    calls = "this call" if len(step.runs) == 1 else f"these {calls_words(step.runs).partition(',')[0]}"
    return f"Tokens of the answer that asked for {calls}: {tokens}." if tokens else ""


class Running:
    """The calls that are being carried out, or wait for leave, as lines below an answer that still arrives."""

    def __init__(self) -> None:
        self._words: dict[int, str] = {}

    def start(self, event: ToolStarted) -> None:
        """A call begins, or begins to wait; the latter ends when it comes again."""
        self._words[event.number] = started_words(event.call.name, event.call.args, waits=event.waits)

    def end(self, number: int) -> None:
        """A call is over."""
        self._words.pop(number, None)

    @property
    def lines(self) -> Safe:
        """A line for each, in the order of the calls."""
        words = (self._words[number] for number in sorted(self._words))
        return join(*(element("p", line, class_="gm-note gm-running", role="status") for line in words))


def _summed_up(run: ToolRun) -> Iterator[Safe]:
    if words := outcome_words(run):
        yield element("b", f" {words}")
    if time := seconds_words(run):
        yield join(f" · {time}")


def _decision(run: ToolRun) -> str:
    """Who let it run, or did not; an error says that already."""
    return "" if run.outcome == "denied" and run.error else DECISIONS.get(run.decision, "")


def _arguments(run: ToolRun) -> Piece:
    if not run.args:
        return _line("No arguments.")
    return _data_piece("Arguments:", run.args)


def _results(run: ToolRun) -> Iterator[Piece]:
    if run.error:
        yield Piece(element("p", run.error, class_="gm-status"), run.error)
    if run.response:
        caption = "Result:" if run.outcome == "ok" else "What the model was told:"
        alone = run.response.keys() == {_RESULT}
        yield _data_piece(caption, run.response[_RESULT] if alone else run.response)
    yield from map(_medium_piece, run.media)


def _data_piece(caption: str, value: object) -> Piece:
    """Data under a few words; a text stands there as it is, and what is long can be scrolled by keys as well."""
    source, language = (value, "") if isinstance(value, str) else (as_json(value, indent=2), "json")
    block = code(shortened(source), language)
    if source.count("\n") > _SCROLLS or len(source) > _SCROLLS * _LINE:
        block = element("div", block, class_="gm-scroll", role="region", label=caption.rstrip(":"), tabindex="0")
    return Piece(element("figure", element("div", caption, class_="gm-caption"), block, class_="gm-part"), source)


def _medium_piece(part: FunctionResponsePart) -> Piece:
    if (shown := picture_piece(part, _PICTURE)) is not None:
        return shown
    blob, file = part.inline_data, part.file_data
    if blob is not None:
        size = len(blob.data or "") * 3 // 4
        return _line(describe(blob.mime_type or "unknown type", size).replace("[image: ", "[data: ", 1))
    return _line(f"[file: {file.file_uri}]" if file is not None else "")


def _line(words: str) -> Piece:
    return Piece(element("p", words, class_="gm-note"), words) if words else EMPTY
