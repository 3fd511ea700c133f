"""Small things to look at: an answer, a request, the usage so far, the models there are, an error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gemini_magic.display.answer import answer_bundle
from gemini_magic.display.card import Card
from gemini_magic.display.request_card import RequestCard, shortened
from gemini_magic.display.sanitize import Safe, code, element, join
from gemini_magic.display.visible import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from gemini_magic.reply import Reply

__all__ = [
    "Card",
    "CodeCard",
    "ErrorLine",
    "RequestCard",
    "Table",
    "models_table",
    "reply_bundle",
    "shortened",
    "usage_table",
    "without_empty",
]


def reply_bundle(reply: Reply) -> dict[str, str]:
    """A `Reply` as MIME bundle, for IPython's formatter."""
    return answer_bundle(reply, images="in .images of this reply")


@dataclass(frozen=True, repr=False)
class Table(Card):
    """Rows with the same columns, such as the usage of each conversation.

    Attributes:
        rows: One mapping of column to value per row; a column that a row lacks is empty there.
        title: What the table shows, in a few words.
        totals: A last row that stands apart, or None.
        empty: What to say when there are no rows.
    """

    rows: Sequence[Mapping[str, Any]]
    title: str = ""
    totals: Mapping[str, Any] | None = None
    empty: str = "Nothing yet."

    @property
    def columns(self) -> list[str]:
        """All columns in the order in which they first come."""
        return list(dict.fromkeys(column for row in self.rows for column in row))

    def __str__(self) -> str:
        """The table in columns of even width."""
        if not self.rows:
            return visible("\n".join(filter(None, (self.title, self.empty))))
        lines = [self.columns, *([self._words(row, column) for column in self.columns] for row in self._all_rows())]
        widths = [max(len(line[index]) for line in lines) for index in range(len(self.columns))]
        texts = ["  ".join(self._padded(line, widths)).rstrip() for line in lines]
        rule = "  ".join("-" * width for width in widths)
        return "\n".join([*filter(None, (visible(self.title),)), visible(texts[0]), rule, *texts[1:]])

    __repr__ = __str__

    def _html(self) -> Safe:
        if not self.rows:
            return join(self._caption(), element("p", self.empty))
        head = element("tr", *(element("th", column, scope="col", **self._css(column)) for column in self.columns))
        body = (element("tr", *(self._cell(row, column) for column in self.columns)) for row in self._all_rows())
        return element("table", self._caption(), element("thead", head), element("tbody", *body))

    def _caption(self) -> Safe:
        return element("caption" if self.rows else "p", self.title, class_="gm-caption") if self.title else Safe()

    def _cell(self, row: Mapping[str, Any], column: str) -> Safe:
        words = self._words(row, column)
        return element("td", element("b", words) if row is self.totals else words, **self._css(column))

    def _css(self, column: str) -> dict[str, str]:
        return {"class_": "gm-right"} if self._is_number(column) else {}

    def _padded(self, line: list[str], widths: list[int]) -> list[str]:
        return [
            words.rjust(width) if self._is_number(column) else words.ljust(width)
            for words, width, column in zip(line, widths, self.columns, strict=True)
        ]

    def _is_number(self, column: str) -> bool:
        values = [row[column] for row in self.rows if row.get(column) is not None]
        return bool(values) and all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)

    def _all_rows(self) -> list[Mapping[str, Any]]:
        return [*self.rows, *([self.totals] if self.totals else [])]

    @staticmethod
    def _words(row: Mapping[str, Any], column: str) -> str:
        value = row.get(column)
        if value is None:
            return ""
        if isinstance(value, int) and not isinstance(value, bool):
            return f"{value:,}"
        return f"{value:,.2f}" if isinstance(value, float) else visible(str(value)).replace("\n", " ")


@dataclass(frozen=True, repr=False)
class CodeCard(Card):
    """Code to be copied.

    Attributes:
        source: The code.
        language: What it is written in, such as ``python``.
        title: What it is, in a few words, for those who hear the page.
    """

    source: str
    language: str = "python"
    title: str = "Code"

    def __str__(self) -> str:
        """The code, and nothing else."""
        return self.source

    __repr__ = __str__

    def _html(self) -> Safe:
        return element("figure", code(self.source, self.language), class_="gm-part gm-copy", label=self.title)


@dataclass(frozen=True, repr=False)
class ErrorLine(Card):
    """An error in one line."""

    error: BaseException

    def __str__(self) -> str:
        """Class and message."""
        return visible(f"{type(self.error).__name__}: {self.error}")

    __repr__ = __str__

    def _html(self) -> Safe:
        name = element("b", f"{type(self.error).__name__}: ")
        return element("p", name, str(self.error), class_="gm-status", role="alert")


def usage_table(rows: Sequence[Mapping[str, Any]], totals: Mapping[str, Any] | None = None) -> Table:
    """Token counts by whatever the rows are about."""
    return Table(rows, "Usage in this kernel, in tokens", totals, "Nothing has been asked in this kernel yet.")


def models_table(rows: Iterable[Mapping[str, Any]], profile: str = "") -> Table:
    """The models that a gateway offers."""
    title = f"Models of profile {profile}" if profile else "Models"
    return Table(list(rows), title, empty="The gateway lists no models.")


def without_empty(rows: list[dict[str, Any]], row: Mapping[str, Any]) -> dict[str, Any]:
    """A row without the columns that no row has; many gateways list names alone."""
    return {column: value for column, value in row.items() if any(other[column] is not None for other in rows)}
