"""Answers in a terminal: text as it comes, and no escape codes where no terminal reads them."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING, Any, TextIO

from gemini_magic.display.calls import run_line, started_words
from gemini_magic.display.view import MARKDOWN
from gemini_magic.display.visible import visible
from gemini_magic.display.words import finish_words, footer, safety_words, status_words
from gemini_magic.events import FunctionCall, PartReceived, TextDelta, ThoughtDelta, ToolFinished, ToolStarted
from gemini_magic.reply import Sources, candidate_parts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from gemini_magic.display.view import View
    from gemini_magic.events import Event, ToolRun
    from gemini_magic.reply import Reply, Step
    from gemini_magic.wire import Candidate, Part

_DIM = "\x1b[2m"
_PLAIN = "\x1b[0m"
_QUOTE = "> "
_PLACE = "in .images of the reply"
_LONGEST_QUOTE = 70
_FROM_LINE_START = "\r\x1b[2K"  # takes the line away that stands there
_BESIDE_CALL = 12  # columns for the words beside a call


class TerminalRenderer:
    """Writes an answer to a stream as it arrives.

    Args:
        stream: Where to write; ``sys.stdout`` as it is at each write unless given.
        view: What to show of the answer, and as what; what arrives in pieces is written as it is.
    """

    def __init__(self, stream: TextIO | None = None, *, view: View = MARKDOWN) -> None:
        self._given = stream
        self._view = view
        self._start()

    def begin(self, model: str | None) -> None:
        """Nothing to get ready."""

    def handle(self, event: Event) -> None:
        """Write what the event brought; of several candidates only the first is written while it arrives."""
        if getattr(event, "candidate", 0):
            return
        if isinstance(event, TextDelta):
            self._text(event.text)
        elif isinstance(event, ThoughtDelta):
            self._thought(event.text)
        elif isinstance(event, PartReceived):
            self._part(event.part)
        elif isinstance(event, FunctionCall):
            self._call(event)
        elif isinstance(event, ToolStarted):
            self._started(event)
        elif isinstance(event, ToolFinished):
            self._finished(event.run)

    def note(self, text: str) -> None:
        """Write one line beside the answer."""
        self._line(f"[{text}]")

    def finish(self, reply: Reply, *, seconds: float, metadata: Mapping[str, Any] | None = None) -> None:  # noqa: ARG002 - a terminal keeps none
        """Write what is still missing: other candidates, sources, how the answer ended, and the last line."""
        self._end_thoughts()
        first = reply.candidates[0] if reply.candidates else None
        streamed = self._streamed
        for step in reply.steps if self._view.shows_steps else ():
            self._step(step, streamed=streamed)
        if streamed:
            self._rest(first)
        elif first is not None:
            self._whole(first, reply)
        self._more_candidates(reply.candidates[1:])
        for words in (*reply.warnings, *_ending(reply)):
            if words:
                self._line(f"[{words}]")
        if last := footer(reply, seconds):
            self._line(self._dimmed(f"— {visible(last)}"), raw=True)
        self._start()

    @property
    def _stream(self) -> TextIO:
        return self._given or sys.stdout

    def _start(self) -> None:
        self._streamed = False
        self._thinking = False
        self._at_line_start = True
        self._passing = False
        self._held = ""

    def _text(self, text: str) -> None:
        self._end_thoughts()
        self._flow(text)

    def _thought(self, text: str) -> None:
        if not self._thinking:
            self._new_line()
            self._thinking = True
            self._write((_DIM if self._is_terminal() else "") + f"{_QUOTE}Thoughts:\n{_QUOTE}")
        self._flow(text, indent=_QUOTE)

    def _end_thoughts(self) -> None:
        if self._thinking:
            self._thinking = False
            self._write(("" if self._at_line_start else "\n") + (_PLAIN if self._is_terminal() else "") + "\n")

    def _flow(self, text: str, indent: str = "") -> None:
        """Write a piece of running text; a carriage return waits for the line feed it may belong to."""
        text, self._held = self._held + text, ""
        if text.endswith("\r"):
            text, self._held = text[:-1], "\r"
        self._streamed = True
        self._write(visible(text).replace("\n", f"\n{indent}"))

    def _part(self, part: Part) -> None:
        from gemini_magic.display.pieces import part_piece  # noqa: PLC0415 - text alone needs no Markdown parser

        self._block(part_piece(part).plain)

    def _call(self, call: FunctionCall) -> None:
        from gemini_magic.display.pieces import call_piece  # noqa: PLC0415 - text alone needs no Markdown parser

        self._block(call_piece(call.name, call.args).plain)

    def _started(self, event: ToolStarted) -> None:
        """A line that passes when something else is written; a prompt that asks for leave speaks for itself."""
        self._end_thoughts()
        self._new_line()
        self._pass()
        if self._is_terminal() and not event.waits:
            width = max(_BESIDE_CALL, shutil.get_terminal_size().columns - _BESIDE_CALL)
            words = visible(started_words(event.call.name, event.call.args, waits=False, width=width))
            self._write(self._dimmed(words))
            self._at_line_start = self._passing = True

    def _finished(self, run: ToolRun) -> None:
        if self._view.shows_steps:
            self._block(run_line(run))
        self._pass()

    def _pass(self) -> None:
        if self._passing:
            self._passing = False
            self._write(_FROM_LINE_START)
            self._at_line_start = True

    def _step(self, step: Step, *, streamed: bool) -> None:
        if streamed:
            self._rest(step.reply.candidates[0] if step.reply.candidates else None)
            return
        from gemini_magic.display.answer import step_pieces  # noqa: PLC0415 - plain text needs no parser
        from gemini_magic.display.pieces import joined  # noqa: PLC0415 - plain text needs no parser

        self._block(joined(step_pieces(step, images=_PLACE)).plain)

    def _whole(self, candidate: Candidate, reply: Reply | None = None) -> None:
        """A candidate of which nothing has been written yet."""
        if _is_plain(candidate, self._view):
            self._text("".join(part.text or "" for part in candidate_parts(candidate)))
            return
        from gemini_magic.display.answer import more_pieces, text_pieces  # noqa: PLC0415 - plain text needs no parser
        from gemini_magic.display.pieces import joined  # noqa: PLC0415 - plain text needs no parser

        sources = Sources(candidate, candidate_parts(candidate))
        usage = reply.response.usage_metadata if reply is not None else None
        tokens = (usage.thoughts_token_count or 0) if usage is not None else 0
        texts = text_pieces(candidate, sources, view=self._view, images=_PLACE, thought_tokens=tokens)
        self._block(joined([*texts, *more_pieces(candidate, sources, self._view)]).plain)

    def _rest(self, candidate: Candidate | None) -> None:
        """What comes with a text that is written already; its marks are said in words."""
        if candidate is None or _is_plain(candidate, self._view):
            return
        from gemini_magic.display.answer import more_pieces  # noqa: PLC0415 - text alone needs no Markdown parser

        sources = Sources(candidate, candidate_parts(candidate))
        for piece in more_pieces(candidate, sources, self._view):
            self._block(piece.plain)
        self._block("\n".join(_borne_out(sources)))

    def _more_candidates(self, candidates: Iterable[Candidate]) -> None:
        for number, candidate in enumerate(candidates, 2):
            self._block(f"## Candidate {number}")
            self._whole(candidate)
            if candidate.finish_reason not in {None, "STOP"}:
                self._line(f"[{finish_words(candidate.finish_reason or '')}]")

    def _block(self, words: str) -> None:
        if words:
            self._streamed = True
            self._end_thoughts()
            self._line(words)

    def _line(self, words: str, *, raw: bool = False) -> None:
        self._end_thoughts()
        self._new_line()
        self._write(f"{words if raw else visible(words)}\n")

    def _new_line(self) -> None:
        if not self._at_line_start:
            self._write("\n")

    def _dimmed(self, words: str) -> str:
        return f"{_DIM}{words}{_PLAIN}" if self._is_terminal() else words

    def _is_terminal(self) -> bool:
        isatty = getattr(self._stream, "isatty", None)
        return bool(isatty is not None and isatty())

    def _write(self, text: str) -> None:
        if not text:
            return
        self._pass()
        stream = self._stream
        try:
            stream.write(text)
        except UnicodeEncodeError:  # a console that knows few characters still gets the others
            encoding = getattr(stream, "encoding", None) or "ascii"
            stream.write(text.encode(encoding, errors="replace").decode(encoding))
        stream.flush()
        self._at_line_start = text.endswith("\n")


def _is_plain(candidate: Candidate, view: View) -> bool:
    """Whether a candidate is text and nothing else, which needs no Markdown parser to be written."""
    texts = all(part.text is not None and not part.thought for part in candidate_parts(candidate))
    others = (candidate.grounding_metadata, candidate.citation_metadata, candidate.url_context_metadata)
    return (
        texts
        and view.format == "md"
        and not any(others)
        and not (view.logprobs and candidate.logprobs_result)
        and not safety_words(candidate.safety_ratings or [])
    )


def _borne_out(sources: Sources) -> Iterator[str]:
    """Which words of a text that is written already each source bears out."""
    for citation in sources.citations:
        words = " ".join(citation.text.split())
        if citation.number and words:
            words = f"{words[: _LONGEST_QUOTE - 1]}…" if len(words) > _LONGEST_QUOTE else words
            yield f"[{citation.number}] is the source of: {words}"


def _ending(reply: Reply) -> Iterator[str]:
    feedback = reply.response.prompt_feedback
    if feedback is not None and reply.block_reason:
        yield from (f"Safety rating: {words}" for words in safety_words(feedback.safety_ratings or []))
    yield status_words(reply)
