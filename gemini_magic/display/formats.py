"""The text of an answer as something else than Markdown: as it is, as JSON, as the code in it, as a page."""

from __future__ import annotations

import json

from gemini_magic.display.pieces import EMPTY, Piece, joined
from gemini_magic.display.sanitize import code, element, frame, preformatted
from gemini_magic.display.visible import visible
from gemini_magic.reply.places import fenced, fences_in

_LONGEST_PAGE = 1_000_000


def formatted_piece(source: str, view_format: str) -> Piece:
    """A text of the model in one of the formats of a `View`."""
    return _FORMATS[view_format](source) if source.strip() else EMPTY


def plain_piece(source: str) -> Piece:
    """The text as it is, with no Markdown read into it."""
    return Piece(preformatted(source), visible(source).strip("\n"))


def no_code_piece() -> Piece:
    """What to say when code was asked for and none came."""
    return _note("There is no code in this answer. This is its text:")


def _json_piece(source: str) -> Piece:
    body = _only_block(source, {"", "json"})
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError) as error:
        reason = f" ({error})" if isinstance(error, ValueError) else ""
        return joined([_note(f"This is not JSON{reason}. This is the text as it came:"), plain_piece(source)])
    indented = json.dumps(parsed, ensure_ascii=False, indent=2)
    return Piece(code(indented, "json"), visible(indented))


def _code_piece(source: str) -> Piece:
    found = [fence for fence in fences_in(source) if fence.code.strip()]
    blocks = [
        Piece(code(each.code, each.language), fenced(visible(each.code), visible(each.language))) for each in found
    ]
    return joined(blocks)


def _html_piece(source: str) -> Piece:
    body = _only_block(source, {"", "html", "htm", "xhtml"})
    shown = element("details", element("summary", "Source of this page"), code(body, "html"))
    if len(body) > _LONGEST_PAGE:
        return joined([_note("This page is too long to be shown in a frame."), Piece(shown, visible(body))])
    page = frame(body, label="Page that the model wrote; nothing in it runs", class_="gm-page")
    return joined([Piece(page, ""), Piece(shown, visible(body).strip("\n"))])


def _only_block(source: str, languages: set[str]) -> str:
    """What is in the only fenced block of one of these languages, or the whole text."""
    found = [fence for fence in fences_in(source) if fence.language.lower() in languages]
    return found[0].code if len(found) == 1 else source


def _note(words: str) -> Piece:
    return Piece(element("p", words, class_="gm-note", role="note"), visible(f"[{words}]"))


_FORMATS = {"text": plain_piece, "json": _json_piece, "code": _code_piece, "html": _html_piece}
