"""A whole answer as one page: notes, thoughts, text, what else there is, how it ended, and the line below."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gemini_magic.display.pieces import Piece, images_of, joined, pieces_of, sources_piece
from gemini_magic.display.sanitize import Safe, element, join, style
from gemini_magic.display.visible import visible
from gemini_magic.display.words import finish_words, footer, status_words
from gemini_magic.reply import candidate_parts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gemini_magic.reply import Reply
    from gemini_magic.wire import Candidate


def answer_bundle(
    reply: Reply, *, seconds: float | None = None, notes: Iterable[str] = (), images: str = "below"
) -> dict[str, str]:
    """An answer as MIME bundle: ``text/html``, and the Markdown source as ``text/plain``.

    Args:
        reply: The answer.
        seconds: How long it took, if not as long as the reply says.
        notes: Lines to show above it, beside the reply's own warnings.
        images: Where its images are shown, in words.
    """
    pieces = [note_piece(note) for note in dict.fromkeys((*notes, *reply.warnings))]
    pieces += [_candidates_piece(reply, images), sources_piece(reply.citations), status_piece(status_words(reply))]
    pieces.append(_footer_piece(footer(reply, reply.seconds if seconds is None else seconds)))
    whole = joined(pieces)
    label = f"Answer of {reply.model}" if reply.model else "Answer"
    html = join(style(), element("section", whole.html, class_="gm", label=label))
    return {"text/html": str(html), "text/plain": whole.plain}


def answer_images(reply: Reply) -> Iterator[dict[str, str]]:
    """The images of all candidates, each as the MIME bundle of its own output."""
    for candidate in reply.candidates:
        yield from images_of(candidate_parts(candidate))


def note_piece(words: str) -> Piece:
    """One line beside the answer."""
    return Piece(element("p", words, class_="gm-note", role="note"), visible(f"[{words}]"))


def status_piece(words: str) -> Piece:
    """How the answer ended, if the reader must know."""
    if not words:
        return Piece(Safe(), "")
    return Piece(element("p", words, class_="gm-status", role="status"), visible(f"[{words}]"))


def _footer_piece(words: str) -> Piece:
    if not words:
        return Piece(Safe(), "")
    return Piece(element("p", words, class_="gm-footer"), visible(f"— {words}"))


def _candidates_piece(reply: Reply, images: str) -> Piece:
    if len(reply.candidates) <= 1:
        return joined(pieces_of(reply.parts, images=images))
    return joined(_candidate_piece(number, each, images) for number, each in enumerate(reply.candidates, 1))


def _candidate_piece(number: int, candidate: Candidate, images: str) -> Piece:
    title = f"Candidate {number}"
    heading = Piece(element("h4", title, class_="gm-candidate"), f"## {title}")
    reason = candidate.finish_reason
    ending = status_piece(finish_words(reason)) if number > 1 and reason and reason != "STOP" else Piece(Safe(), "")
    return joined([heading, *pieces_of(candidate_parts(candidate), images=images), ending])
