"""What was spent, as tables that go together and as bars."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from gemini_magic.display.card import Card
from gemini_magic.display.cards import Table
from gemini_magic.display.sanitize import Safe, element, join
from gemini_magic.display.visible import visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_WIDTH = 40
_MOST_BARS = 30
#: Kind of token → its character, which tells it apart without colour, and the style sheet's class for it.
_LOOKS = {
    "prompt": ("█", "nf"),
    "cached": ("▓", "nb"),
    "answer": ("▒", "s"),
    "thoughts": ("░", "m"),
    "tools": ("▚", "k"),
    "other": ("▁", "gh"),
}


@dataclass(frozen=True, repr=False)
class Report(Table):
    """A table with others below it, and with what is to be said about them.

    Attributes:
        more: The other tables.
        notes: Sentences below the tables.
    """

    more: Sequence[Table] = ()
    notes: Sequence[str] = ()

    def __str__(self) -> str:
        """The tables and the sentences, one after another."""
        return "\n\n".join([super().__str__(), *map(str, self.more), *map(visible, self.notes)])

    __repr__ = __str__

    def _html(self) -> Safe:
        tables = (table._html() for table in self.more)  # noqa: SLF001 - tables like this one
        return join(super()._html(), *tables, *(element("p", note, class_="gm-note") for note in self.notes))

    def _is_number(self, column: str) -> bool:
        return column == "cost" or super()._is_number(column)


class Bar(NamedTuple):
    """Tokens of one exchange, or of several that are summed up.

    Attributes:
        label: Which exchange it was.
        tokens: Tokens by kind: ``prompt`` (not from a cache), ``cached``, ``answer``, ``thoughts``, ``tools`` and
            ``other``.
        exchanges: How many.
    """

    label: str
    tokens: Mapping[str, int]
    exchanges: int = 1

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.tokens.values())

    def __str__(self) -> str:
        """In words."""
        kinds = [f"{kind} {self.tokens[kind]:,}" for kind in _LOOKS if self.tokens.get(kind)]
        return f"{self.label}: {', '.join(kinds) or 'no tokens are known'}"


@dataclass(frozen=True, repr=False)
class UsagePlot(Card):
    """Tokens per exchange as bars, one piece for each kind of token; the last exchanges when there are many.

    Attributes:
        bars: The exchanges, oldest first.
    """

    bars: Sequence[Bar]

    def __str__(self) -> str:
        """The bars in block characters."""
        if not self.bars:
            return self._title()
        left = max(len(visible(bar.label)) for bar in self._shown())
        lines = [
            f"{visible(bar.label).ljust(left)}  {''.join(text for _, text in self._pieces(bar))} {bar.total:,}"
            for bar in self._shown()
        ]
        legend = "  ".join(f"{_LOOKS[kind][0]} {kind}" for kind in self._kinds())
        return "\n".join([self._title(), legend, *lines])

    __repr__ = __str__

    def _html(self) -> Safe:
        if not self.bars:
            return element("p", self._title(), class_="gm-caption")
        legend = join(*(element("span", self._piece(kind, 2), f" {kind}  ") for kind in self._kinds()))
        head = element("tr", *(element("th", name, scope="col") for name in ("exchange", "tokens", "in all")))
        return element(
            "table",
            element("caption", self._title(), ". ", legend, class_="gm-caption"),
            element("thead", head),
            element("tbody", *map(self._row, self._shown())),
        )

    def _row(self, bar: Bar) -> Safe:
        pieces = [element("span", text, class_=_LOOKS[kind][1]) for kind, text in self._pieces(bar)]
        return element(
            "tr",
            element("td", bar.label),
            element("td", element("span", *pieces, role="img", label=str(bar))),
            element("td", f"{bar.total:,}", class_="gm-right"),
        )

    def _pieces(self, bar: Bar) -> Iterator[tuple[str, str]]:
        """Each kind of token with its piece of the bar; what is there is seen, however little it is."""
        longest = max(1, *(one.total for one in self._shown()))
        for kind, (character, _) in _LOOKS.items():
            if tokens := bar.tokens.get(kind, 0):
                yield kind, character * max(1, round(_WIDTH * tokens / longest))

    @staticmethod
    def _piece(kind: str, width: int) -> Safe:
        character, css = _LOOKS[kind]
        return element("span", character * width, class_=css)

    def _kinds(self) -> list[str]:
        return [kind for kind in _LOOKS if any(bar.tokens.get(kind) for bar in self._shown())]

    def _shown(self) -> Sequence[Bar]:
        return self.bars[-_MOST_BARS:]

    def _title(self) -> str:
        if not self.bars:
            return "Nothing has been asked in this kernel yet."
        hidden = sum(bar.exchanges for bar in self.bars[:-_MOST_BARS])
        return "Tokens per exchange in this kernel" + (f"; the first {hidden:,} are not shown" if hidden else "")
