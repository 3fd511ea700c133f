"""Markdown with the marks of its sources.

The marks come into the HTML after it has been cleaned, each as an element of our own: with them taken out again it
is to the letter what it is without them. To find their places the text is rendered once more with a character that
no text has where each mark is wanted. Where that character changes anything else, the mark
goes to the end of its line, or behind its block.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gemini_magic.display.sanitize import HOLDER, Safe, block, blocks_of, element, filled, join, markdown

if TYPE_CHECKING:
    from collections.abc import Sequence

_ALONE = f"<p>{HOLDER}</p>\n"
_MOST_RENDERED = 200_000  # characters of one block, looking for places


class Wanted(NamedTuple):
    """A mark: where it is wanted in the text, whether it needs a paragraph of its own, and its HTML."""

    position: int
    apart: bool
    html: Safe


def cited(source: str, marks: Sequence[Wanted]) -> Safe:
    """A whole Markdown text with marks, as `sanitize.document` renders it without them."""
    source = source.replace(HOLDER, "\ufffd")
    pieces: list[Safe] = []
    begin = 0
    for piece in blocks_of(source):
        end = begin + len(piece)
        here = [mark._replace(position=mark.position - begin) for mark in marks if begin < mark.position <= end]
        pieces.append(_marked(piece, here) if here else block(piece))
        begin = end
    return join(*pieces)


def _marked(source: str, marks: list[Wanted]) -> Safe:
    plain = block(source)
    if (html := _rendered(source, marks, plain)) is not None:
        return html
    kept: list[Wanted] = []
    behind: list[Safe] = []
    tries = _MOST_RENDERED // len(source)
    for mark in marks:
        for place in (mark, mark._replace(position=_line_end(source, mark.position), apart=False)):
            tries -= 1
            if tries > 0 and _rendered(source, [*kept, place], plain) is not None:
                kept.append(place)
                break
        else:
            behind.append(mark.html)
    html = _rendered(source, kept, plain) or plain
    return join(html, element("p", *behind)) if behind else html


def _rendered(source: str, marks: list[Wanted], plain: Safe) -> Safe | None:
    """The text with its marks, or None if a mark would change anything beside itself."""
    marks = sorted(marks)
    pieces, begin = [], 0
    for position, apart, _ in marks:
        pieces += [source[begin:position], f"\n\n{HOLDER}\n\n" if apart else HOLDER]
        begin = position
    html = markdown("".join((*pieces, source[begin:])))
    if html.count(HOLDER) != len(marks) or html.replace(_ALONE, "").replace(HOLDER, "") != plain:
        return None
    return filled(html, [mark.html for mark in marks])


def _line_end(source: str, position: int) -> int:
    end = source.find("\n", position)
    return end if end >= 0 else len(source)
