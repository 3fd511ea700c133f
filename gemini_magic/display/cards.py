"""Small things to look at: an answer, a request, the usage so far, the models there are, an error."""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gemini_magic.display.answer import answer_bundle
from gemini_magic.display.sanitize import Safe, code, element, join, style
from gemini_magic.display.visible import visible

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gemini_magic.reply import Reply

_MASK = "••••"
_SECRET_HEADER = re.compile(r"authorization|cookie|token|secret|key", re.IGNORECASE)
_SECRET_QUERY = re.compile(r"([?&](?:key|api_key|access_token|token)=)[^&#\s]+", re.IGNORECASE)
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{200,}={0,2}")
_LONGEST_STRING = 4_000
_LONGEST_CARD = 60_000
_SHORTEST_SECRET = 6


def reply_bundle(reply: Reply) -> dict[str, str]:
    """A `Reply` as MIME bundle, for IPython's formatter."""
    return answer_bundle(reply, images="in .images of this reply")


class _Card(ABC):
    """Something that notebooks show as HTML and everything else as text."""

    @abstractmethod
    def _html(self) -> Safe:
        """What stands inside the card."""

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        return {"text/html": str(join(style(), element("section", self._html(), class_="gm"))), "text/plain": str(self)}


@dataclass(frozen=True, repr=False)
class Table(_Card):
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
class RequestCard(_Card):
    """A request as it was, or would be, sent: long base64 is counted, and no key is shown.

    Attributes:
        method: Such as ``POST``.
        path: Path or whole URL.
        body: What is sent, as bytes, text or anything JSON is made of; None when nothing is.
        headers: Headers worth showing; the values of those that carry keys are masked.
        secrets: Texts that must not appear anywhere, such as the key.
    """

    method: str
    path: str
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    secrets: Sequence[str] = ()

    def __str__(self) -> str:
        """The request line, the headers and the body."""
        return visible("\n".join(filter(None, (self._first_line(), *self._header_lines(), "", self._body()))))

    __repr__ = __str__

    def _html(self) -> Safe:
        head = "\n".join((self._first_line(), *self._header_lines()))
        parts = [element("div", "Request", class_="gm-caption"), element("pre", head)]
        if body := self._body():
            parts.append(code(body, "json"))
        return element("figure", *parts, class_="gm-part", label="Request")

    def _first_line(self) -> str:
        path = _SECRET_QUERY.sub(rf"\g<1>{_MASK}", self.path)
        return self._masked(f"{self.method} {path}")

    def _header_lines(self) -> list[str]:
        shown = ((name, _MASK if _SECRET_HEADER.search(name) else value) for name, value in self.headers.items())
        return [self._masked(f"{name}: {value}") for name, value in shown]

    def _body(self) -> str:
        body = _parsed(self.body)
        if body is None:
            return ""
        text = body if isinstance(body, str) else json.dumps(shortened(body), ensure_ascii=False, indent=2, default=str)
        if len(text) > _LONGEST_CARD:
            text = f"{text[:_LONGEST_CARD]}\n… {len(text) - _LONGEST_CARD:,} more characters"
        return self._masked(text)

    def _masked(self, text: str) -> str:
        for secret in self.secrets:
            if len(secret) >= _SHORTEST_SECRET:
                text = text.replace(secret, _MASK)
        return text


@dataclass(frozen=True, repr=False)
class ErrorLine(_Card):
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


def shortened(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """A JSON value whose long base64 strings are counted instead of shown, and long texts cut."""
    if isinstance(value, str):
        return _short_string(value)
    if isinstance(value, Mapping):
        return {key: shortened(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return [shortened(item) for item in value]
    return value


def _short_string(value: str) -> str:
    if _BASE64.fullmatch(value):
        return f"<{len(value):,} base64 characters>"
    if len(value) > _LONGEST_STRING:
        return f"{value[:_LONGEST_STRING]}… <{len(value) - _LONGEST_STRING:,} more characters>"
    return value


def _parsed(body: object) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(body, bytes | bytearray | memoryview):
        body = bytes(body).decode(errors="replace")
    if isinstance(body, str):
        try:
            return json.loads(body)
        except ValueError:
            return shortened(body)
    return body
