"""A whole answer as one page: notes, thoughts, text, what else there is, how it ended, and the line below."""

from __future__ import annotations

from functools import partial
from itertools import count
from typing import TYPE_CHECKING

from gemini_magic.display.formats import formatted_piece, no_code_piece, plain_piece
from gemini_magic.display.measures import logprobs_piece, safety_piece
from gemini_magic.display.pieces import EMPTY, Piece, images_of, joined, pieces_of
from gemini_magic.display.sanitize import element, join, style
from gemini_magic.display.sources import cited_piece, fetched_piece, searches_piece, sources_piece
from gemini_magic.display.tool_cards import asked_words, tool_piece
from gemini_magic.display.view import MARKDOWN
from gemini_magic.display.visible import visible
from gemini_magic.display.words import UNFINISHED, finish_words, footer, status_words
from gemini_magic.reply import (
    Sources,
    candidate_parts,
    code_of,
    logprobs_of,
    safety_of,
    searches_of,
    url_statuses_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gemini_magic.display.view import View
    from gemini_magic.reply import Reply, Step
    from gemini_magic.wire import Candidate, Part


def answer_bundle(
    reply: Reply,
    *,
    seconds: float | None = None,
    notes: Iterable[str] = (),
    images: str = "below",
    view: View = MARKDOWN,
) -> dict[str, str]:
    """An answer as MIME bundle: ``text/html``, and the Markdown source as ``text/plain``.

    Args:
        reply: The answer.
        seconds: How long it took, if not as long as the reply says.
        notes: Lines to show above it, beside the reply's own warnings.
        images: Where its images are shown, in words.
        view: What to show of it, and as what.
    """
    pieces = [note_piece(note) for note in dict.fromkeys((*notes, *reply.warnings))]
    numbers = count(1) if sum(1 for _ in answer_images(reply)) > 1 else None
    if view.shows_steps:
        pieces += [piece for step in reply.steps for piece in step_pieces(step, images=images, numbers=numbers)]
    pieces += [_candidates_piece(reply, images, numbers, view), *_ending_pieces(reply)]
    pieces.append(_footer_piece(footer(reply, reply.seconds if seconds is None else seconds)))
    whole = joined(pieces)
    label = f"Answer of {reply.model}" if reply.model else "Answer"
    html = join(style(), element("section", whole.html, class_="gm", label=label))
    return {"text/html": str(html), "text/plain": whole.plain}


def answer_images(reply: Reply) -> Iterator[dict[str, str]]:
    """The images of all candidates that are not in the page itself, each as the MIME bundle of its own output."""
    for candidate in (*(each for step in reply.steps for each in step.reply.candidates[:1]), *reply.candidates):
        yield from images_of(candidate_parts(candidate))


def step_pieces(step: Step, *, images: str = "below", numbers: Iterator[int] | None = None) -> Iterator[Piece]:
    """An answer that asked for calls: what it said, then the calls as cards; one that was of no use, and how it ended.

    Args:
        step: The answer, and what came of its calls.
        images: Where its images are shown, in words.
        numbers: Numbers for the images.
    """
    reply = step.reply
    candidate = reply.candidates[0] if reply.candidates else None
    sources = Sources(candidate, reply.parts)
    tokens = (reply.usage.thoughts_token_count or 0) if reply.usage is not None else 0
    parts = _without_calls(candidate_parts(candidate), len(step.runs))
    yield from pieces_of(
        parts, images=images, numbers=numbers, text=partial(cited_piece, sources), thought_tokens=tokens
    )
    yield from more_pieces(candidate, sources)
    asked = asked_words(step)
    yield from (tool_piece(run, asked) for run in step.runs)
    if not step.runs:
        yield status_piece(status_words(reply))


def note_piece(words: str) -> Piece:
    """One line beside the answer."""
    return Piece(element("p", words, class_="gm-note", role="note"), visible(f"[{words}]"))


def status_piece(words: str) -> Piece:
    """How the answer ended, if the reader must know."""
    if not words:
        return EMPTY
    return Piece(element("p", words, class_="gm-status", role="status"), visible(f"[{words}]"))


def text_pieces(
    candidate: Candidate | None,
    sources: Sources,
    *,
    view: View = MARKDOWN,
    images: str = "below",
    numbers: Iterator[int] | None = None,
    thought_tokens: int = 0,
) -> Iterator[Piece]:
    """The parts of a candidate, its texts in the format of the view.

    Args:
        candidate: The candidate.
        sources: Its sources.
        view: What to show of it, and as what.
        images: Where the images are shown, in words.
        numbers: Numbers for the images.
        thought_tokens: What thinking cost, if that is known.
    """
    parts = candidate_parts(candidate)
    lacks_code = view.format == "code" and not code_of(candidate)

    def text(source: str, begin: int) -> Piece:
        if view.format == "md":
            return cited_piece(sources, source, begin)
        return plain_piece(source) if lacks_code else formatted_piece(source, view.format)

    if lacks_code:
        yield no_code_piece()
    if view.format == "code":
        parts = [part for part in parts if not _is_thought(part)]
    yield from pieces_of(parts, images=images, numbers=numbers, text=text, thought_tokens=thought_tokens)


def more_pieces(candidate: Candidate | None, sources: Sources, view: View = MARKDOWN) -> Iterator[Piece]:
    """What comes with the parts of a candidate: sources, searches, fetched pages, ratings, probabilities."""
    grounding = candidate.grounding_metadata if candidate is not None else None
    entry = grounding.search_entry_point if grounding is not None else None
    yield sources_piece(sources.all)
    yield searches_piece(searches_of(candidate), (entry.rendered_content or "") if entry is not None else "")
    yield fetched_piece(url_statuses_of(candidate))
    yield safety_piece(safety_of(candidate))
    if view.logprobs:
        yield logprobs_piece(logprobs_of(candidate))


def ending_words(candidate: Candidate) -> str:
    """How one of several candidates ended, if the reader must know."""
    reason = candidate.finish_reason
    if reason is None:
        return UNFINISHED
    return "" if reason == "STOP" else finish_words(reason)


def _ending_pieces(reply: Reply) -> Iterator[Piece]:
    feedback = reply.response.prompt_feedback
    if feedback is not None and reply.block_reason:
        yield safety_piece(feedback.safety_ratings or [])
    if len(reply.candidates) <= 1 or reply.interrupted or reply.block_reason:
        yield status_piece(status_words(reply))


def _footer_piece(words: str) -> Piece:
    if not words:
        return EMPTY
    return Piece(element("p", words, class_="gm-footer"), visible(f"— {words}"))


def _candidates_piece(reply: Reply, images: str, numbers: Iterator[int] | None, view: View) -> Piece:
    if len(reply.candidates) > 1:
        several = [_candidate_piece(*each, images, numbers, view) for each in enumerate(reply.candidates, 1)]
        html = element("div", *(piece.html for piece in several), class_="gm-candidates")
        return Piece(html, joined(several).plain)
    candidate = reply.candidates[0] if reply.candidates else None
    usage = reply.response.usage_metadata  # of this answer alone
    tokens = (usage.thoughts_token_count or 0) if usage is not None else 0
    sources = Sources(candidate, reply.parts)
    texts = text_pieces(candidate, sources, view=view, images=images, numbers=numbers, thought_tokens=tokens)
    return joined([*texts, *more_pieces(candidate, sources, view)])


def _candidate_piece(
    number: int, candidate: Candidate, images: str, numbers: Iterator[int] | None, view: View
) -> Piece:
    title = f"Candidate {number}"
    sources = Sources(candidate, candidate_parts(candidate))
    texts = text_pieces(candidate, sources, view=view, images=images, numbers=numbers)
    ending = status_piece(ending_words(candidate))
    whole = joined([*texts, *more_pieces(candidate, sources, view), ending])
    heading = element("h4", title, class_="gm-candidate")
    return Piece(element("section", heading, whole.html, label=title), f"## {title}\n\n{whole.plain}")


def _without_calls(parts: Iterable[Part], done: int) -> Iterator[Part]:
    """The parts without the first calls, which were carried out; those behind them are somebody else's to answer."""
    for part in parts:
        if done and part.function_call is not None and part.function_call.name:
            done -= 1
        else:
            yield part


def _is_thought(part: Part) -> bool:
    return bool(part.text is not None and part.thought)
