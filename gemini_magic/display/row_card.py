"""One row of an extraction, looked at: what went in, what came out, and what it took."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from gemini_magic.display.calls import OUTCOMES, short_call
from gemini_magic.display.card import Card
from gemini_magic.display.images import describe, image_type
from gemini_magic.display.sanitize import Safe, code, element, join, picture
from gemini_magic.display.value_table import Field, ValueRecord, words_of
from gemini_magic.display.visible import visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_LONGEST = 20_000
_LARGEST_PICTURE = 3_000_000  # bytes
_NOT_ASKED = "not asked"
#: How a row went → what it means.
_STATUSES = {
    "": _NOT_ASKED,
    "ok": "ok",
    "invalid": "the answer does not fit the schema",
    "truncated": "the answer stopped at the token limit",
    "blocked": "blocked",
    "failed": "no answer came",
    "locked": "a person's value stands",
}


class Inspected(Protocol):
    """What is known of a row; an extraction's `inspect` gives it."""

    @property
    def label(self) -> object: ...  # noqa: D102 - the row's index label
    @property
    def status(self) -> str: ...  # noqa: D102
    @property
    def source(self) -> Mapping[str, object]: ...  # noqa: D102
    @property
    def value(self) -> Any: ...  # noqa: ANN401, D102 - any JSON
    @property
    def raw(self) -> str: ...  # noqa: D102
    @property
    def error(self) -> str: ...  # noqa: D102
    @property
    def error_kind(self) -> str: ...  # noqa: D102
    @property
    def attempts(self) -> int: ...  # noqa: D102
    @property
    def prompt_tokens(self) -> int | None: ...  # noqa: D102
    @property
    def answer_tokens(self) -> int | None: ...  # noqa: D102
    @property
    def total_tokens(self) -> int | None: ...  # noqa: D102
    @property
    def seconds(self) -> float: ...  # noqa: D102
    @property
    def model(self) -> str: ...  # noqa: D102
    @property
    def calls(self) -> Sequence[Mapping[str, Any]]: ...  # noqa: D102 - step, name, args, outcome, seconds, error


@dataclass(frozen=True, repr=False)
class RowCard(Card):
    """A row of an extraction as a card."""

    row: Inspected

    def __str__(self) -> str:
        """The card as text."""
        row = self.row
        blocks = [self._title()]
        blocks += [f"{_said(name)}:\n{_indented(_text_of(value))}" for name, value in row.source.items()]
        blocks += [f"[{words}]" for words in self._problem()]
        if row.calls:
            blocks.append(f"Called:\n{_indented(chr(10).join(map(_called, row.calls)))}")
        if row.value is not None:
            blocks.append(f"Value:\n{_indented(str(self._value()))}")
        if row.raw:
            blocks.append(f"Answer as it came:\n{_indented(visible(row.raw[:_LONGEST]))}")
        return "\n\n".join([*blocks, *(f"— {line}" for line in self._footer())])

    __repr__ = __str__

    def _html(self) -> Safe:
        row = self.row
        pieces = [element("p", element("b", self._title()))]
        pieces += [join(_caption(name), _shown(value)) for name, value in row.source.items()]
        pieces += [element("p", words, class_="gm-status", role="status") for words in self._problem()]
        if row.calls:
            lines = [element("li", _called(call)) for call in row.calls]
            pieces.append(element("details", element("summary", f"Called ({len(lines)})"), element("ul", *lines)))
        if row.value is not None:
            pieces += [_caption("Value"), self._value()._html()]  # noqa: SLF001 - a card like this one
        if row.raw:
            raw = element("details", element("summary", "Answer as it came"), code(row.raw[:_LONGEST], "json"))
            pieces.append(raw)
        pieces += [element("p", line, class_="gm-footer") for line in self._footer()]
        return join(*pieces)

    def _title(self) -> str:
        return f"Row {_said(self.row.label)}: {_STATUSES.get(self.row.status, self.row.status)}"

    def _problem(self) -> Iterator[str]:
        if self.row.error:
            kind = f"{self.row.error_kind}: " if self.row.error_kind else ""
            yield visible(f"{kind}{self.row.error}")

    def _value(self) -> ValueRecord:
        value = self.row.value
        record = value if isinstance(value, dict) else {"value": value}
        return ValueRecord([Field(str(name)) for name in record], {str(name): each for name, each in record.items()})

    def _footer(self) -> Iterator[str]:
        row = self.row
        counts = ((row.prompt_tokens, "in"), (row.answer_tokens, "out"))
        split = ", ".join(f"{count:,} {what}" for count, what in counts if count)
        tokens = split or (f"{row.total_tokens:,}" if row.total_tokens else "")
        words = [row.model, f"tokens: {tokens}" if tokens else "", f"{row.seconds:.1f} s" if row.seconds else ""]
        words.append(f"{row.attempts} request{'s' * (row.attempts != 1)}" if row.attempts else "")
        if line := " · ".join(filter(None, words)):
            yield visible(line)


def inspection_bundle(row: Inspected) -> dict[str, str]:
    """A row as MIME bundle, for IPython's formatter."""
    return RowCard(row)._repr_mimebundle_()


def _called(call: Mapping[str, Any]) -> str:
    """A call of a function in one line; long arguments are kept as a text."""
    given = call["args"]
    args = given if isinstance(given, dict) else {"args": given}
    words = [OUTCOMES.get(call["outcome"], call["outcome"]) or "ok", call.get("error", ""), f"{call['seconds']:.1f} s"]
    return visible(" · ".join(filter(None, [short_call(call["name"], args), *words])))


def _caption(words: object) -> Safe:
    return element("p", _said(words), class_="gm-caption")


def _said(label: object) -> str:
    return visible(" ".join(str(label).split()))


def _shown(value: object) -> Safe:
    data = _bytes_of(value)
    if data is not None and image_type(data) and len(data) <= _LARGEST_PICTURE:
        return element("figure", picture(data, "the row's picture"), class_="gm-part gm-thumb")
    return element("blockquote", element("pre", _text_of(value), class_="gm-plain"))


def _text_of(value: object) -> str:
    data = _bytes_of(value)
    if data is not None:
        kind = image_type(data)
        return describe(kind, len(data)) if kind else f"[{len(data):,} bytes]"
    words = words_of(value)
    return words if len(words) <= _LONGEST else f"{words[:_LONGEST]}… ({len(words):,} characters)"


def _bytes_of(value: object) -> bytes | None:
    """The bytes of a picture or a file, where a value has them."""
    if isinstance(value, bytes | bytearray):
        return bytes(value)
    png = getattr(value, "_repr_png_", None)
    found = png() if callable(png) else None
    return found if isinstance(found, bytes) else None


def _indented(words: str) -> str:
    return "\n".join(f"  {line}" for line in words.splitlines())
