"""What an answer rests on, as HTML and as plain text: marks, sources, searches, fetched pages."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote_plus

from gemini_magic.display.cited import Wanted, cited
from gemini_magic.display.pieces import EMPTY, Piece
from gemini_magic.display.sanitize import element, frame, join, link, number_link
from gemini_magic.display.visible import visible
from gemini_magic.display.words import url_status_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gemini_magic.reply import Source, Sources, UrlStatus

_SEARCH = "https://www.google.com/search?q="
_LONGEST_ENTRY = 100_000


def cited_piece(sources: Sources, source: str, begin: int) -> Piece:
    """A stretch of a candidate's Markdown with its marks.

    Args:
        sources: The candidate's sources.
        source: The stretch.
        begin: Where it begins in the candidate's text.
    """
    end = begin + len(source)
    html = cited(source, [mark._replace(position=mark.position - begin) for mark in _wanted(sources, begin, end)])
    return Piece(html, visible(sources.marked(begin, end)).strip("\n"))


def sources_piece(sources: Sequence[Source]) -> Piece:
    """The sources an answer rests on, numbered as in its marks."""
    if not sources:
        return EMPTY
    items = (element("li", link(_title(source), source.uri), _remarks(source)) for source in sources)
    html = element("section", element("b", "Sources"), element("ol", *items), class_="gm-sources", label="Sources")
    return Piece(html, "\n".join(("Sources:", *map(source_line, sources))))


def source_line(source: Source) -> str:
    """One source as plain text."""
    words = dict.fromkeys(filter(None, (_title(source), source.uri)))
    return visible(f"[{source.number}] {' '.join(' '.join(words).split())}{_remarks(source)}")


def searches_piece(queries: Sequence[str], entry: str = "") -> Piece:
    """What the server searched for, and the search engine's own suggestions in a frame.

    Args:
        queries: What was searched for.
        entry: The suggestions as HTML; empty when there are none.
    """
    plain = (
        visible("Searched for: " + "; ".join(f"“{' '.join(query.split())}”" for query in queries)) if queries else ""
    )
    framed = bool(entry.strip()) and len(entry) <= _LONGEST_ENTRY
    if not queries and not framed:
        return EMPTY
    children = [element("p", plain, class_="gm-caption")] if framed and plain else []
    if framed:
        children.append(frame(entry, label="Search suggestions of Google", class_="gm-entry", margin="2px"))
    else:
        items = (element("li", link(query, _SEARCH + quote_plus(query))) for query in queries)
        children += [element("b", "Searched for"), element("ul", *items)]
    html = element("section", *children, class_="gm-sources", label="Searches")
    return Piece(html, plain or "[Search suggestions of Google: shown in notebooks]")


def fetched_piece(statuses: Sequence[UrlStatus]) -> Piece:
    """The pages that the server fetched, and what came of each."""
    if not statuses:
        return EMPTY
    words = [(status.url, url_status_words(status.status)) for status in statuses]
    items = (element("li", link(url, url), f" {said}") for url, said in words)
    title = "Pages that the server was to read"
    html = element("section", element("b", title), element("ul", *items), class_="gm-sources", label=title)
    return Piece(html, visible("\n".join((f"{title}:", *(f"- {' '.join(url.split())} {said}" for url, said in words)))))


def _wanted(sources: Sources, begin: int, end: int) -> Iterator[Wanted]:
    known = {source.number: source for source in sources.all}
    for spot, numbers in sources.marks:
        if begin < spot.position <= end:
            links = (number_link(number, known[number].uri, _title(known[number])) for number in numbers)
            yield Wanted(spot.position, spot.apart, element("sup", join(*links), class_="gm-cites"))


def _title(source: Source) -> str:
    return source.title or source.uri or "A text"


def _remarks(source: Source) -> str:
    words = ("repeated here word for word" if source.repeated else "", source.license and f"licence: {source.license}")
    said = ", ".join(filter(None, words))
    return f" ({said})" if said else ""
