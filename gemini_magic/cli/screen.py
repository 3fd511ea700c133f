"""A notebook in a terminal while it runs: prose, cells, and what the cells show as it comes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from gemini_magic.cli.words import rest_of, settled, words
from gemini_magic.display.visible import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gemini_magic.cli.terminal import Terminal

_ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_OURS = '<section class="gm'
_FOOTER = "\n\n— "


class NotebookScreen:
    """Takes the cells of a notebook and the messages of its kernel, and writes them to a terminal.

    Args:
        terminal: Where to write.
    """

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._number = 0
        self._answer = LiveText(terminal.write)

    def start(self, cell: Any) -> None:  # noqa: ANN401 - a NotebookNode
        """Write a cell before it runs."""
        if cell.cell_type == "markdown":
            self._prose(cell.source)
        elif cell.cell_type == "code" and cell.source.strip():
            self._number += 1
            self._source(cell.source)

    def end(self) -> None:
        """Leave a cell that has run."""
        self._answer.finish()
        self._terminal.line()

    def message(self, message: Mapping[str, Any]) -> None:
        """Write what a message of the kernel brings."""
        kind, content = message["msg_type"], message["content"]
        if kind == "stream":
            self._answer.finish()
            self._terminal.write(_plain(content["text"]))
        elif kind == "error":
            self._answer.finish()
            self._terminal.line(_plain("\n".join(content["traceback"]) or content["evalue"]), "red")
        elif kind in {"display_data", "execute_result", "update_display_data"}:
            self._output(content["data"], (content.get("transient") or {}).get("display_id"))

    def _output(self, data: Mapping[str, Any], display_id: str | None) -> None:
        html = str(data.get("text/html", ""))
        if display_id and _OURS in html and "text/plain" not in data:
            self._answer.put(display_id, words(html))
        elif "text/plain" in data:
            self._whole(str(data["text/plain"]), html)

    def _whole(self, plain: str, html: str) -> None:
        """Write an output that stays: of an answer that was seen coming only what is missing."""
        body, dash, footer = plain.rpartition(_FOOTER)
        if dash and _OURS in html:
            self._answer.finish(words(html), body)
            self._terminal.line(_plain(f"{_FOOTER.strip()} {footer}"), "dim")
        else:
            self._answer.finish()
            self._terminal.line(_plain(plain))

    def _prose(self, source: str) -> None:
        for paragraph in source.split("\n\n"):
            if paragraph.startswith("#"):
                self._terminal.line(paragraph.lstrip("# "), "bold")
            else:
                self._terminal.line(self._terminal.prose(paragraph), "dim")
            self._terminal.line()

    def _source(self, source: str) -> None:
        prompt = f"In [{self._number}]: "
        for number, line in enumerate(source.splitlines()):
            begin = prompt if number == 0 else "...: ".rjust(len(prompt))
            self._terminal.line(self._terminal.styled(begin, "green") + self._terminal.styled(_plain(line), "cyan"))
        self._terminal.line()


class LiveText:
    """A text that is written while it grows, though what is known of it changes at its end.

    Args:
        write: Takes what is new.
    """

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._pieces: dict[str, str] = {}
        self.written = ""

    def put(self, name: str, text: str) -> None:
        """A piece as it is now, and whatever of it is settled is written."""
        self._pieces[name] = text
        self._grow(settled("\n\n".join(piece for piece in self._pieces.values() if piece)))

    def finish(self, text: str = "", otherwise: str = "") -> None:
        """Write what is missing of the whole text, or another one when it went on in another way; end the line."""
        rest = rest_of(text, self.written) if text else ""
        missing = f"\n\n{otherwise}" if rest is None else rest.rstrip()
        if self.written or missing:
            self._write(f"{_plain(missing)}\n\n")
        self._pieces, self.written = {}, ""

    def _grow(self, text: str) -> None:
        if len(text) > len(self.written) and text.startswith(self.written):
            self._write(_plain(text[len(self.written) :]))
            self.written = text


def _plain(text: str) -> str:
    return visible(_ANSI.sub("", text))
