"""What an answer rests on: its sources with their numbers, and the places in the text that they bear out."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from gemini_magic.reply.places import Places, Spot

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gemini_magic.wire import Candidate, CitationSource, GroundingChunk, GroundingSupport, Part

_LONGEST_PASSAGE = 80
_OPENS = "([:"  # what would make a link, or a link's definition, of a mark before it
_DEFINITION = re.compile(r"^[ >]{0,8}\[\d+\]:", re.MULTILINE)
_SPECIAL = re.compile(r"([\\`*_\[\]<>$])")
_URI_SPECIAL = {ord(character): f"%{ord(character):02X}" for character in " <>\n\r\t"}


@dataclass(frozen=True)
class Citation:
    """A place in the answer, and the source it rests on.

    Attributes:
        start: First character of the place in ``Reply.text``, or None when the server did not say.
        end: One past its last character, or None.
        text: The words themselves.
        uri: The source's address, or None.
        title: The source's title, or None.
        license: The licence of a text that the answer repeats, or None.
        number: The source's number in ``Reply.sources``, or None when nothing is known of it.
    """

    start: int | None
    end: int | None
    text: str
    uri: str | None
    title: str | None
    license: str | None = None
    number: int | None = None


class Source(NamedTuple):
    """Something the answer rests on, or repeats.

    Attributes:
        number: Its number, from 1, as it stands in the marks.
        title: Its title, or the beginning of its text; empty when there is neither.
        uri: Its address; empty when there is none.
        license: The licence of a text that is repeated; empty when none was named.
        repeated: Whether the answer repeats words of it.
    """

    number: int
    title: str
    uri: str
    license: str = ""
    repeated: bool = False

    @property
    def host(self) -> str:
        """Where it stands, in a few characters; empty when that is not on the web."""
        try:
            parts = urlsplit(self.uri)
        except ValueError:
            return ""
        return (parts.hostname or "") if parts.scheme in {"http", "https"} else ""


class Mark(NamedTuple):
    """Numbers of sources, and where in the text they are to be shown."""

    spot: Spot
    numbers: tuple[int, ...]


class Sources:
    """The sources of one candidate.

    Args:
        candidate: The candidate.
        parts: Its parts.
    """

    def __init__(self, candidate: Candidate | None, parts: list[Part]) -> None:
        metadata = candidate.grounding_metadata if candidate is not None else None
        repeated = candidate.citation_metadata if candidate is not None else None
        self._chunks = (metadata.grounding_chunks or []) if metadata is not None else []
        self._supports = (metadata.grounding_supports or []) if metadata is not None else []
        self._repeated = (repeated.citation_sources or repeated.citations or []) if repeated is not None else []
        self._places = Places(parts)
        self._found: dict[tuple[str, str, str, bool], Source] = {}
        self._numbers = [self._number(*_described(chunk)) for chunk in self._chunks]
        self._repeated_numbers = [
            self._number(each.title or "", each.uri or "", each.license or "", repeated=True) for each in self._repeated
        ]

    @property
    def all(self) -> list[Source]:
        """Every source once, in the order of their numbers."""
        return list(self._found.values())

    @property
    def places(self) -> Places:
        """The candidate's text."""
        return self._places

    @cached_property
    def citations(self) -> list[Citation]:
        """Places in the text with their sources, in the server's order."""
        return [*self._grounding(), *(self._recitation(*pair) for pair in enumerate(self._repeated))]

    @cached_property
    def marks(self) -> list[Mark]:
        """Where numbers are to be shown in the text, in order; those that meet are one."""
        numbers: defaultdict[Spot, set[int]] = defaultdict(set)
        for citation in self.citations:
            spot = self._places.spot(citation.end) if citation.end is not None and citation.number else None
            if spot is not None and citation.number:
                numbers[spot].add(citation.number)
        return [Mark(spot, tuple(sorted(numbers[spot]))) for spot in sorted(numbers)]

    def marked(self, begin: int = 0, end: int | None = None) -> str:
        """A stretch of the text, or all of it, with its marks written as ``[1][2]``."""
        text = self._places.text
        pieces, last = [], begin
        escape = "\\" if _DEFINITION.search(text) else ""
        stop = len(text) if end is None else end
        for spot, numbers in self.marks:
            if begin < spot.position <= stop:
                words = "".join(f"{escape}[{number}{escape}]" for number in numbers)
                behind = text[spot.position : spot.position + 1]
                if spot.apart:
                    words = f"\n\n{words}" + "\n" * bool(text[spot.position : stop].strip())
                elif behind and behind in _OPENS:
                    words += " "
                pieces += [text[last : spot.position], words]
                last = spot.position
        return "".join((*pieces, text[last:stop]))

    def listed(self) -> str:
        """The sources as a numbered list in Markdown; empty when there are none."""
        return "\n".join(f"{source.number}. {_in_markdown(source)}" for source in self.all)

    def _number(self, title: str, uri: str, licence: str = "", *, repeated: bool = False) -> int | None:
        if not (title or uri or licence):
            return None
        uri = uri.strip().translate(_URI_SPECIAL)
        key = (title, uri, "" if title or uri else licence, repeated)
        source = self._found.get(key) or Source(len(self._found) + 1, title, uri, licence, repeated)
        self._found[key] = source if source.license else source._replace(license=licence)
        return source.number

    def _grounding(self) -> Iterator[Citation]:
        for support in self._supports:
            start, end, words = self._stretch(support)
            for index in support.grounding_chunk_indices or []:
                if 0 <= index < len(self._chunks):
                    title, uri = _described(self._chunks[index])
                    yield Citation(start, end, words, uri or None, title or None, None, self._numbers[index])

    def _stretch(self, support: GroundingSupport) -> tuple[int | None, int | None, str]:
        segment = support.segment
        if segment is None:
            return None, None, ""
        words = segment.text or ""
        start, end = self._places.find(segment.start_index, segment.end_index, words, segment.part_index)
        return start, end, words or ("" if start is None else self._places.text[start:end])

    def _recitation(self, index: int, source: CitationSource) -> Citation:
        start, end = self._places.find(source.start_index, source.end_index)
        words = self._places.text[start:end] if start is not None else ""
        number = self._repeated_numbers[index]
        return Citation(start, end, words, source.uri, source.title, source.license, number)


def _described(chunk: GroundingChunk) -> tuple[str, str]:
    """Title and address of a source of any kind."""
    if (context := chunk.retrieved_context) is not None:
        passage = " ".join((context.text or "").split())
        if len(passage) > _LONGEST_PASSAGE:
            passage = f"{passage[: _LONGEST_PASSAGE - 1]}…"
        named = context.title or context.document_name
        return named or (f"“{passage}”" if passage else context.file_search_store or ""), context.uri or ""
    if (image := chunk.image) is not None:
        return image.title or "", image.source_uri or ""
    place = chunk.web or chunk.maps
    return ((place.title or ""), (place.uri or "")) if place is not None else ("", "")


def _in_markdown(source: Source) -> str:
    title = _escaped(source.title or source.uri)
    if source.host:
        title = f"[{title}](<{source.uri}>) ({source.host})"
    elif source.uri and source.title:
        title += f" ({_escaped(source.uri)})"
    return f"{title or 'A text'}, licence: {source.license}" if source.license else title


def _escaped(words: str) -> str:
    return _SPECIAL.sub(r"\\\1", " ".join(words.split()))
