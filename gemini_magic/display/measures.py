"""What the server measured of an answer: the probabilities of its tokens, and how harmful it was found to be."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from gemini_magic.display.pieces import EMPTY, Piece
from gemini_magic.display.sanitize import Safe, element, join
from gemini_magic.display.visible import visible
from gemini_magic.display.words import safety_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gemini_magic.reply import TokenProbability
    from gemini_magic.wire import SafetyRating

_MOST_ROWS = 300
_MOST_ALTERNATIVES = 4
_COLUMNS = ("Token", "Probability", "Instead of it")
_TITLE = "Probabilities of the tokens"
_ROUNDS_TO_NOTHING = 0.0005


def safety_piece(ratings: Iterable[SafetyRating]) -> Piece:
    """The safety ratings that matter; nothing when none does."""
    words = safety_words(ratings)
    if not words:
        return EMPTY
    said = f"Safety ratings: {'; '.join(words)}."
    return Piece(element("p", said, class_="gm-note", role="note"), visible(f"[{said}]"))


def logprobs_piece(rows: Sequence[TokenProbability]) -> Piece:
    """The tokens of an answer with their probabilities, as a table."""
    if not rows:
        return EMPTY
    shown = rows[:_MOST_ROWS]
    more = f"{len(rows) - len(shown):,} more are in reply.logprobs()." if len(rows) > len(shown) else ""
    head = element("tr", *(element("th", column, scope="col") for column in _COLUMNS))
    caption = element("caption", _TITLE, class_="gm-caption")
    table = element("table", caption, element("thead", head), element("tbody", *map(_row, shown)))
    note = element("p", more, class_="gm-note") if more else Safe()
    html = element("div", table, note, class_="gm-scroll", role="region", label=_TITLE, tabindex="0")
    return Piece(html, "\n".join((f"{_TITLE}:", *_lines(shown), *filter(None, (more,)))))


def _row(row: TokenProbability) -> Safe:
    others = join(*(_other(*pair) for pair in row.alternatives[:_MOST_ALTERNATIVES]))
    probability = element("td", _percent(row.probability), class_="gm-right")
    return element("tr", element("td", element("code", _quoted(row.token))), probability, element("td", others))


def _other(token: str, probability: float | None) -> Safe:
    return join(element("code", _quoted(token)), f" {_percent(probability)} ")


def _lines(rows: Iterable[TokenProbability]) -> list[str]:
    cells = [
        (
            _quoted(row.token),
            _percent(row.probability),
            ", ".join(
                f"{_quoted(token)} {_percent(chance)}" for token, chance in row.alternatives[:_MOST_ALTERNATIVES]
            ),
        )
        for row in rows
    ]
    table = [_COLUMNS, *cells]
    widths = [max(len(line[column]) for line in table) for column in range(2)]
    return [f"{a.ljust(widths[0])}  {b.rjust(widths[1])}  {c}".rstrip() for a, b, c in table]


def _quoted(token: str) -> str:
    """A token between quotes, so that its blanks and line ends are seen."""
    return visible(json.dumps(token, ensure_ascii=False))


def _percent(probability: float | None) -> str:
    if probability is None:
        return ""
    return f"{probability:.1%}" if probability >= _ROUNDS_TO_NOTHING else "< 0.1%"
