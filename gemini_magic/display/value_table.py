"""Data as a table: numbers to the right, nested values as JSON, and what is not there as a dash."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple

from gemini_magic.display.card import Card
from gemini_magic.display.sanitize import Safe, element, join, preformatted
from gemini_magic.display.visible import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

NOTHING = "–"
"""Stands where there is no value; an empty text stands as nothing."""

LONGEST = 300
"""Characters of a value that a page shows; the value itself is whole."""

MOST_ROWS = 200
"""Rows of a table that a page shows."""

_IN_TEXT = 40  # characters of a value in a table of text
_SCROLLS = 15  # rows from which on a table gets a height of its own
_NUMBERS = frozenset({"int", "float"})
_MORE = "… {:,} more are not shown."


class Field(NamedTuple):
    """A column of a table of values.

    Attributes:
        name: Its name.
        kind: What it holds: ``str``, ``int``, ``float``, ``bool``, ``date``, ``datetime`` or ``object``.
    """

    name: str
    kind: str = "str"


@dataclass(frozen=True, repr=False)
class ValueTable(Card):
    """Rows of data.

    Attributes:
        fields: The columns, in order.
        rows: One mapping of column to value per row; None, or nothing at all, where there is no value.
        title: What the table shows, in a few words.
        labels: What stands before each row, such as a frame's index; nothing when empty.
        most: How many rows to show.
        before: How many rows there are before the first.
        kinds: Whether to say what each column holds.
        longest: Characters of a value to show.
    """

    fields: Sequence[Field]
    rows: Sequence[Mapping[str, Any]]
    title: str = ""
    labels: Sequence[object] = ()
    most: int = MOST_ROWS
    before: int = 0
    kinds: bool = False
    longest: int = LONGEST

    def __str__(self) -> str:
        """The table in columns of even width."""
        lines = [*filter(None, (visible(self.title),)), *([_earlier(self.before)] if self.before else [])]
        if self.fields:
            lines += self._aligned()
        return "\n".join([*lines, *([_MORE.format(self.hidden)] if self.hidden else [])])

    __repr__ = __str__

    @property
    def shown(self) -> Sequence[Mapping[str, Any]]:
        """The rows that are shown."""
        return self.rows[: self.most]

    @property
    def hidden(self) -> int:
        """How many are not."""
        return len(self.rows) - len(self.shown)

    def _aligned(self) -> list[str]:
        table = [[field.name for field in self.fields]]
        table += [[cell_text(row.get(field.name)) for field in self.fields] for row in self.shown]
        rights = [field.kind in _NUMBERS for field in self.fields]
        if self.labels:
            labels = ["", *(cell_text(label) for label in self.labels[: self.most])]
            table = [[label, *line] for label, line in zip(labels, table, strict=True)]
            rights = [False, *rights]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        head, *body = (aligned(line, widths, rights) for line in table)
        return [head, "  ".join("-" * width for width in widths), *body]

    def _html(self) -> Safe:
        rows: list[Safe] = [self._earlier_row()] if self.before else []
        labels: Iterable[object] = self.labels or [None] * len(self.shown)
        rows += [self._row(row, label) for row, label in zip(self.shown, labels, strict=False)]
        head = element("tr", *([element("th", "")] if self.labels else []), *map(self._head, self.fields))
        caption = element("caption", self.title, class_="gm-caption") if self.title else Safe()
        table = element("table", caption, element("thead", head), element("tbody", *rows))
        more = element("p", _MORE.format(self.hidden), class_="gm-note") if self.hidden else Safe()
        if len(self.shown) <= _SCROLLS:
            return join(table, more)
        label = self.title or "Table"
        return join(element("div", table, class_="gm-scroll", role="region", label=label, tabindex="0"), more)

    def _head(self, field: Field) -> Safe:
        kind = element("span", field.kind, class_="gm-note") if self.kinds else Safe()
        return element("th", field.name, kind, scope="col", **_css(field))

    def _earlier_row(self) -> Safe:
        width = len(self.fields) - 1
        words = element("td", element("span", _earlier(self.before), class_="gm-note"))
        return element("tr", words, *[element("td", "")] * width)

    def _row(self, row: Mapping[str, Any], label: object) -> Safe:
        first = [element("th", cell_text(label), scope="row")] if self.labels else []
        cells = (element("td", cell(row.get(field.name), self.longest), **_css(field)) for field in self.fields)
        return element("tr", *first, *cells)


@dataclass(frozen=True, repr=False)
class ValueRecord(Card):
    """One object of data, a line for each of its fields.

    Attributes:
        fields: The fields, in order.
        row: Field → value.
        title: What it is, in a few words.
    """

    fields: Sequence[Field]
    row: Mapping[str, Any]
    title: str = ""

    def __str__(self) -> str:
        """A line for each field."""
        width = max((len(visible(field.name)) for field in self.fields), default=0)
        lines = [f"{visible(field.name).ljust(width)}  {words_of(self.row.get(field.name))}" for field in self.fields]
        return "\n".join([*filter(None, (visible(self.title),)), *lines])

    __repr__ = __str__

    def _html(self) -> Safe:
        caption = element("caption", self.title, class_="gm-caption") if self.title else Safe()
        rows = (
            element("tr", element("th", field.name, scope="row"), element("td", cell(self.row.get(field.name))))
            for field in self.fields
        )
        return element("table", caption, element("tbody", *rows))


@dataclass(frozen=True, repr=False)
class RawText(Card):
    """An answer that turned out to be no data, as it came: it was paid for, and shows what went wrong.

    Attributes:
        text: The text.
    """

    text: str

    def __str__(self) -> str:
        """The text."""
        return visible(self.text)

    __repr__ = __str__

    def _html(self) -> Safe:
        return preformatted(self.text)


def counted(number: int, what: str) -> str:
    """A number of things, in words."""
    return f"{number:,} {what}{'s' * (number != 1)}"


def words_of(value: object) -> str:
    """A value in words: nested ones as compact JSON, nothing as a dash."""
    if value is None or type(value).__name__ in {"NAType", "NaTType"}:
        return NOTHING
    if isinstance(value, Enum):
        return words_of(value.value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return NOTHING if value != value else format(value, ".12g")  # noqa: PLR0124 - NaN
    if isinstance(value, dict | list | tuple):
        return visible(json.dumps(value, ensure_ascii=False, separators=(", ", ": "), default=str))
    return visible(str(value))


def cell(value: object, longest: int = LONGEST) -> Safe:
    """A value as what stands in a cell of a page."""
    words = _cut(words_of(value), longest)
    if words == NOTHING and not isinstance(value, str):
        return element("span", NOTHING, class_="gm-note")
    return element("code", words) if isinstance(value, dict | list | tuple) else join(words)


def cell_text(value: object, longest: int = _IN_TEXT) -> str:
    """A value in one line of a table of text."""
    return _cut(" ".join(words_of(value).split()), longest)


def aligned(cells: Iterable[str], widths: Iterable[int], rights: Iterable[bool]) -> str:
    """Cells of one line, each as wide as its column."""
    padded = (
        words.rjust(width) if right else words.ljust(width)
        for words, width, right in zip(cells, widths, rights, strict=True)
    )
    return "  ".join(padded).rstrip()


def is_number(field: Field) -> bool:
    """Whether a column stands to the right."""
    return field.kind in _NUMBERS


def _css(field: Field) -> dict[str, str]:
    return {"class_": "gm-right"} if is_number(field) else {}


def _cut(words: str, longest: int) -> str:
    return words if len(words) <= longest else f"{words[: longest - 1]}…"


def _earlier(count: int) -> str:
    return f"… {counted(count, 'row')} before these"
