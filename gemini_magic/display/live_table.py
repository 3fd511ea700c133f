"""An answer that is data: a table that gets its rows one by one, and one clean table when it is whole."""

from __future__ import annotations

import shutil
import sys
import time
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Protocol, TextIO
from uuid import uuid4

from gemini_magic.display.answer import note_piece, status_piece
from gemini_magic.display.base import QuietRenderer, Renderer
from gemini_magic.display.blocks import Throttle
from gemini_magic.display.live import ENVELOPE
from gemini_magic.display.pieces import EMPTY, Piece, joined
from gemini_magic.display.sanitize import Safe, element, join, style
from gemini_magic.display.value_table import (
    Field,
    RawText,
    ValueRecord,
    ValueTable,
    aligned,
    cell_text,
    counted,
    is_number,
)
from gemini_magic.display.visible import visible
from gemini_magic.display.words import footer, status_words
from gemini_magic.exceptions import Blocked, InvalidAnswer
from gemini_magic.reply.structured import rows_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from gemini_magic.display.live import Screen
    from gemini_magic.events import Event
    from gemini_magic.reply import Reply

_INTERVAL = 0.2
_LIVE_ROWS = 10
_LIVE_LONGEST = 80  # characters of a value while rows come
_DIM = "\x1b[2m"
_PLAIN = "\x1b[0m"
_LEAST, _MOST = 8, 32  # characters of a column in a terminal
_WIDE_KINDS = frozenset({"str", "object"})
_CUT = "Long values are cut here; the reply has them whole."


class TableView(Renderer, Protocol):
    """Shows one answer that is data: `restart`, `add` as its rows close, then `close`."""

    def restart(self) -> None:
        """An answer begins; the rows of one before it are nothing now."""

    def add(self, rows: Sequence[Mapping[str, Any]], received: int) -> None:
        """More of the answer has come.

        Args:
            rows: Those that have closed with it; often none.
            received: Characters of the answer so far.
        """

    def close(
        self,
        shown: ValueTable | ValueRecord | RawText,
        reply: Reply,
        *,
        error: str = "",
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        """Show everything for good.

        Args:
            shown: The data, as far as it came.
            reply: The answer that it stands in.
            error: What is wrong with it, in words.
            metadata: What a notebook is to keep with the output.
        """


class QuietTable(QuietRenderer):
    """Shows nothing and keeps the notes."""

    def restart(self) -> None:
        """Nothing to show."""

    def add(self, rows: Sequence[Mapping[str, Any]], received: int) -> None:
        """Nothing to show."""

    def close(
        self,
        shown: ValueTable | ValueRecord | RawText,
        reply: Reply,
        *,
        error: str = "",
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        """Nothing to show."""


class _Table(ABC):
    """What the tables have in common; as renderers they show an answer that is not read row by row."""

    _fields: Sequence[Field]

    @abstractmethod
    def restart(self) -> None:
        """Start with no rows."""

    @abstractmethod
    def close(
        self,
        shown: ValueTable | ValueRecord | RawText,
        reply: Reply,
        *,
        error: str = "",
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        """Show everything for good."""

    def begin(self, model: str | None) -> None:  # noqa: ARG002 - the line below the table names it
        """An answer begins."""
        self.restart()

    def handle(self, event: Event) -> None:  # noqa: B027 - nothing is what it does
        """Rows come by `add`: whoever reads the stream knows where one ends."""

    def finish(self, reply: Reply, *, seconds: float, metadata: Mapping[str, Any] | None = None) -> None:  # noqa: ARG002
        """Show the answer's own JSON, or that there is none."""
        try:
            rows = rows_of(reply.json())
        except (InvalidAnswer, Blocked):
            rows = []
        self.close(ValueTable(self._fields, rows), reply, metadata=metadata)


class NotebookTable(_Table):
    """A table in the running cell: its last rows while they come, all of it in the end.

    Args:
        screen: Where outputs go.
        fields: The columns.
        clock: Seconds, such as ``time.monotonic``.
        whole_cell: Whether all outputs of the cell are ours, so that they may be cleared in the end.
    """

    def __init__(
        self,
        screen: Screen,
        fields: Sequence[Field],
        clock: Callable[[], float] = time.monotonic,
        *,
        whole_cell: bool = True,
    ) -> None:
        self.notes: list[str] = []
        self._screen = screen
        self._fields = fields
        self._whole_cell = whole_cell
        self._throttle = Throttle(clock, interval=_INTERVAL)
        self._head_id = ""
        self._table_id = ""
        self._size = 0
        self.restart()

    def note(self, text: str) -> None:
        """Show one line above the table."""
        if text not in self.notes:
            self.notes.append(text)
            self._show_head()

    def restart(self) -> None:
        """Start with no rows."""
        self._rows: list[Mapping[str, Any]] = []
        self._count = 0
        self._received = 0

    def add(self, rows: Sequence[Mapping[str, Any]], received: int) -> None:
        """Take rows that have closed, and show them if it is time."""
        self._count += len(rows)
        self._rows = [*self._rows, *rows][-_LIVE_ROWS:]
        self._received = received
        if self._throttle.ready(ENVELOPE + self._size, received):
            self._show_table()

    def close(
        self,
        shown: ValueTable | ValueRecord | RawText,
        reply: Reply,
        *,
        error: str = "",
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        """Put one output in the place of everything shown so far."""
        bundle = data_bundle(shown, reply, notes=self.notes, error=error)
        kept: dict[str, Any] = {"metadata": metadata} if metadata else {}
        if self._table_id and not self._whole_cell:
            self._screen.update(bundle, self._table_id, **kept)
            return
        if self._table_id or self._head_id:
            self._screen.clear()
        self._screen.show(bundle, **kept)

    def _show_head(self) -> None:
        if not self._whole_cell:
            self._show_table()
            return
        self._head_id = self._put(join(style(), _page(self._lines())), self._head_id)

    def _show_table(self) -> None:
        if self._whole_cell and not self._head_id:
            self._show_head()
        if not self._whole_cell:
            html = join(style(), _page(join(self._lines(), self._table())))
        else:
            html = _page(self._table(), busy=True)
        self._table_id = self._put(html, self._table_id)
        self._size = len(html)
        self._throttle.spend(ENVELOPE + len(html))

    def _table(self) -> Safe:
        if not self._count:
            words = f"{self._received:,} characters so far" if self._received else "Waiting for the answer …"
            return element("p", words, class_="gm-note")
        title = f"{counted(self._count, 'row')} so far"
        before = self._count - len(self._rows)
        table = ValueTable(self._fields, self._rows, title, before=before, longest=_LIVE_LONGEST)
        return table._html()  # noqa: SLF001 - a part of what is shown

    def _lines(self) -> Safe:
        return join(*(note_piece(note).html for note in self.notes))

    def _put(self, html: Safe, display_id: str) -> str:
        if display_id:
            self._screen.update({"text/html": html}, display_id)
            return display_id
        display_id = uuid4().hex
        self._screen.show({"text/html": html}, display_id)
        return display_id


class TerminalTable(_Table):
    """A table in a terminal: each row is written when it has closed.

    Args:
        fields: The columns.
        stream: Where to write; ``sys.stdout`` as it is at each write unless given.
        width: Characters of a line; as many as the terminal has unless given.
        rows: Whether rows come one by one; if not, everything is written in the end.
    """

    def __init__(
        self, fields: Sequence[Field], stream: TextIO | None = None, *, width: int = 0, rows: bool = True
    ) -> None:
        self.notes: list[str] = []
        self._fields = fields
        self._given = stream
        self._width = width
        self._by_row = rows
        self._widths: list[int] = []
        self._rights = [is_number(field) for field in fields]
        self._count = 0
        self._cut = False

    def note(self, text: str) -> None:
        """Write one line."""
        self.notes.append(text)
        self._line(f"[{text}]")

    def restart(self) -> None:
        """Start with no rows; what is written already stays above."""
        self._widths, self._count = [], 0

    def add(self, rows: Sequence[Mapping[str, Any]], received: int) -> None:  # noqa: ARG002 - not shown here
        """Write rows that have closed."""
        if not self._by_row or not self._fields:
            return
        for row in rows:
            if not self._widths:
                self._write_head(row)
            self._count += 1
            self._line(self._row(row))

    def close(
        self,
        shown: ValueTable | ValueRecord | RawText,
        reply: Reply,
        *,
        error: str = "",
        metadata: Mapping[str, Any] | None = None,  # noqa: ARG002 - a terminal keeps none
    ) -> None:
        """Write what is not there yet, how it ended, and the last line."""
        if isinstance(shown, ValueTable) and self._count and self._count <= len(shown.rows):
            self.add(shown.rows[self._count :], len(reply.text))
        else:
            self._line(str(shown))
        if self._cut:
            self._line(f"[{_CUT}]")
        for words in (*reply.warnings, error or status_words(reply)):
            if words:
                self._line(f"[{words}]")
        if last := footer(reply, reply.seconds):
            words = f"— {visible(last)}"
            self._line(f"{_DIM}{words}{_PLAIN}" if self._is_terminal() else words, raw=True)

    def _write_head(self, row: Mapping[str, Any]) -> None:
        """Widths come from the names and the first row: those that follow have not come yet."""
        self._widths = self._fitting(
            [max(len(field.name), _wish(field, row.get(field.name))) for field in self._fields]
        )
        names = [cell_text(field.name, width) for field, width in zip(self._fields, self._widths, strict=True)]
        self._line(aligned(names, self._widths, self._rights))
        self._line("  ".join("-" * width for width in self._widths))

    def _fitting(self, wishes: list[int]) -> list[int]:
        """As wide as wished, the widest narrowed until all of them fit into a line."""
        room = (self._width or shutil.get_terminal_size().columns) - 2 * (len(wishes) - 1)
        while sum(wishes) > room and max(wishes) > _LEAST:
            wishes[wishes.index(max(wishes))] -= 1
        return wishes

    def _row(self, row: Mapping[str, Any]) -> str:
        cells = [cell_text(row.get(field.name), width) for field, width in zip(self._fields, self._widths, strict=True)]
        self._cut = self._cut or any(cell.endswith("…") for cell in cells)
        return aligned(cells, self._widths, self._rights)

    def _line(self, words: str, *, raw: bool = False) -> None:
        stream = self._stream
        text = f"{words if raw else visible(words)}\n"
        try:
            stream.write(text)
        except UnicodeEncodeError:  # a console that knows few characters still gets the others
            encoding = getattr(stream, "encoding", None) or "ascii"
            stream.write(text.encode(encoding, errors="replace").decode(encoding))
        stream.flush()

    @property
    def _stream(self) -> TextIO:
        return self._given or sys.stdout

    def _is_terminal(self) -> bool:
        isatty = getattr(self._stream, "isatty", None)
        return bool(isatty is not None and isatty())


def table_for(shell: object, fields: Sequence[Field], *, whole_cell: bool = True, rows: bool = True) -> TableView:
    """The view that fits where the code runs.

    Args:
        shell: The IPython shell, or None outside of IPython.
        fields: The columns.
        whole_cell: Whether all outputs of the running cell belong to the answer.
        rows: Whether rows come one by one.
    """
    if getattr(shell, "kernel", None) is not None:
        from gemini_magic.display.notebook import CellScreen  # noqa: PLC0415 - terminals do without

        return NotebookTable(CellScreen(), fields, whole_cell=whole_cell)
    return TerminalTable(fields, rows=rows)


def data_bundle(
    shown: ValueTable | ValueRecord | RawText, reply: Reply, *, notes: Iterable[str] = (), error: str = ""
) -> dict[str, str]:
    """Data and the answer it stands in as MIME bundle: notes, table, how it ended, and the line below.

    Args:
        shown: The data.
        reply: The answer.
        notes: Lines to show above it, beside the reply's own warnings.
        error: What is wrong with it, in words.
    """
    pieces = [note_piece(note) for note in dict.fromkeys((*notes, *reply.warnings))]
    pieces += [Piece(shown._html(), str(shown)), status_piece(error or status_words(reply))]  # noqa: SLF001 - ours
    last = footer(reply, reply.seconds)
    pieces.append(Piece(element("p", last, class_="gm-footer"), visible(f"— {last}")) if last else EMPTY)
    whole = joined(pieces)
    label = f"Answer of {reply.model}" if reply.model else "Answer"
    html = join(style(), element("section", whole.html, class_="gm", label=label))
    return {"text/html": str(html), "text/plain": whole.plain}


def _wish(field: Field, value: object) -> int:
    if field.kind in _WIDE_KINDS:
        return max(_LEAST * 2, min(_MOST, len(cell_text(value, _MOST))))
    return max(_LEAST, len(cell_text(value, _MOST)))


def _page(html: Safe, *, busy: bool = False) -> Safe:
    return element("section", html, class_="gm gm-busy" if busy else "gm")
