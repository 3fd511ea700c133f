"""Answers in a terminal: text as it comes, and no escape codes where no terminal reads them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, TextIO

from gemini_magic.display.visible import visible
from gemini_magic.display.words import finish_words, footer, status_words
from gemini_magic.events import FunctionCall, PartReceived, TextDelta, ThoughtDelta

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gemini_magic.events import Event
    from gemini_magic.reply import Reply
    from gemini_magic.wire import Candidate, Part

_DIM = "\x1b[2m"
_PLAIN = "\x1b[0m"
_QUOTE = "> "


class TerminalRenderer:
    """Writes an answer to a stream as it arrives.

    Args:
        stream: Where to write; ``sys.stdout`` as it is at each write unless given.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._given = stream
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

    def note(self, text: str) -> None:
        """Write one line beside the answer."""
        self._line(f"[{text}]")

    def finish(self, reply: Reply, *, seconds: float) -> None:
        """Write what is still missing: other candidates, sources, how the answer ended, and the last line."""
        if not self._streamed:
            self._whole(reply.parts)
        self._more_candidates(reply.candidates[1:])
        self._sources(reply)
        for words in (*reply.warnings, status_words(reply)):
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

    def _sources(self, reply: Reply) -> None:
        from gemini_magic.display.pieces import sources_piece  # noqa: PLC0415 - text alone needs no Markdown parser

        if reply.citations:
            self._block(sources_piece(reply.citations).plain)

    def _whole(self, parts: Iterable[Part]) -> None:
        for part in parts:
            if part.text is None:
                self._part(part)
            elif part.thought:
                self._thought(part.text)
            else:
                self._text(part.text)

    def _more_candidates(self, candidates: Iterable[Candidate]) -> None:
        for number, candidate in enumerate(candidates, 2):
            self._block(f"## Candidate {number}")
            self._whole((candidate.content.parts or []) if candidate.content is not None else [])
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
        stream = self._stream
        try:
            stream.write(text)
        except UnicodeEncodeError:  # a console that knows few characters still gets the others
            encoding = getattr(stream, "encoding", None) or "ascii"
            stream.write(text.encode(encoding, errors="replace").decode(encoding))
        stream.flush()
        self._at_line_start = text.endswith("\n")
