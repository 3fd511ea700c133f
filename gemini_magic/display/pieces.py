"""The pieces an answer is made of, each as HTML and as the plain text that says the same."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from gemini_magic.display.images import describe, image_bundle
from gemini_magic.display.sanitize import Safe, code, document, element, join, link
from gemini_magic.display.visible import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gemini_magic.reply import Citation
    from gemini_magic.wire import Blob, CodeExecutionResult, FileData, Part

_LONGEST_DATA = 20_000
_OUTCOMES = {"OUTCOME_FAILED": "failed", "OUTCOME_DEADLINE_EXCEEDED": "ran out of time"}


@dataclass(frozen=True, slots=True)
class Piece:
    """Something to show, as HTML and as plain text."""

    html: Safe
    plain: str


def pieces_of(parts: Iterable[Part], *, images: str = "below") -> Iterator[Piece]:
    """The parts of an answer in order; adjoining texts are one piece, and so are adjoining thoughts.

    Args:
        parts: The parts.
        images: Where the images are shown, in words.
    """
    for kind, group in groupby(parts, key=_kind):
        if kind == "text":
            yield text_piece("".join(part.text or "" for part in group))
        elif kind == "thoughts":
            yield thoughts_piece("".join(part.text or "" for part in group))
        else:
            yield from (part_piece(part, images=images) for part in group)


def images_of(parts: Iterable[Part]) -> Iterator[dict[str, str]]:
    """The images among the parts, each as the MIME bundle of its own output."""
    for part in parts:
        bundle = image_bundle(part.inline_data) if part.inline_data is not None else None
        if bundle is not None:
            yield bundle


def text_piece(source: str) -> Piece:
    """The model's Markdown."""
    return Piece(document(source), visible(source).strip("\n"))


def thoughts_piece(source: str) -> Piece:
    """The model's thoughts, folded."""
    if not source.strip():
        return Piece(Safe(), "")
    title = element("summary", f"Thoughts ({len(source):,} characters)")
    quoted = "\n".join(f"> {line}".rstrip() for line in visible(source).strip().split("\n"))
    return Piece(element("details", title, document(source), class_="gm-thoughts"), f"> Thoughts:\n>\n{quoted}")


def part_piece(part: Part, *, images: str = "below") -> Piece:
    """Any part that is no text."""
    if part.function_call is not None:
        return call_piece(part.function_call.name or "", part.function_call.args or {})
    if part.inline_data is not None:
        return _blob_piece(part.inline_data, images)
    if part.executable_code is not None:
        return _code_piece("Code that the model ran:", part.executable_code.code or "", "python")
    if part.code_execution_result is not None:
        return _result_piece(part.code_execution_result)
    if part.file_data is not None:
        return _file_piece(part.file_data)
    return _unknown_piece(part)


def call_piece(name: str, args: dict[str, Any]) -> Piece:
    """A function the model asks to be called, written as a call."""
    written = ", ".join(f"{key}={_as_json(value)}" for key, value in args.items())
    return _code_piece("The model asks for this call:", f"{name}({written})", "python")


def sources_piece(citations: Iterable[Citation]) -> Piece:
    """The sources an answer rests on, each once."""
    sources = dict.fromkeys((citation.uri, citation.title) for citation in citations if citation.uri or citation.title)
    if not sources:
        return Piece(Safe(), "")
    items = [element("li", link(title or uri or "", uri or "")) for uri, title in sources]
    lines = [f"{number}. {visible(' '.join(filter(None, source[::-1])))}" for number, source in enumerate(sources, 1)]
    html = element("section", element("b", "Sources"), element("ol", *items), class_="gm-sources", label="Sources")
    return Piece(html, "\n".join(("Sources:", *lines)))


def _kind(part: Part) -> str:
    if part.text is None:
        return "other"
    return "thoughts" if part.thought else "text"


def _blob_piece(blob: Blob, place: str) -> Piece:
    if (bundle := image_bundle(blob)) is not None:
        return _words_piece(f"{bundle['text/plain'][:-1]}, {place}]")
    size = len(blob.data or "") * 3 // 4
    return _words_piece(describe(blob.mime_type or "unknown type", size).replace("[image: ", "[data: ", 1))


def _code_piece(caption: str, source: str, language: str) -> Piece:
    source = _shortened(source)
    html = element("figure", element("div", caption, class_="gm-caption"), code(source, language), class_="gm-part")
    return Piece(html, f"{caption}\n\n```{language}\n{visible(source)}\n```")


def _result_piece(result: CodeExecutionResult) -> Piece:
    outcome = _OUTCOMES.get(result.outcome or "")
    return _code_piece(f"Its output ({outcome}):" if outcome else "Its output:", result.output or "", "")


def _file_piece(file: FileData) -> Piece:
    words = f"File ({file.mime_type or 'unknown type'}): "
    uri = file.file_uri or ""
    return Piece(element("p", words, link(uri, uri)), visible(words + uri))


def _unknown_piece(part: Part) -> Piece:
    body = part.model_dump(by_alias=True, exclude_unset=True, exclude={"thought_signature"})
    return _code_piece("A part of another kind:", _as_json(body, indent=2), "json") if body else Piece(Safe(), "")


def _words_piece(words: str) -> Piece:
    return Piece(element("p", words, class_="gm-part"), visible(words))


def _as_json(value: object, indent: int | None = None) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, indent=indent, default=str)
    except (TypeError, ValueError, RecursionError):
        return repr(value)


def _shortened(source: str) -> str:
    if len(source) <= _LONGEST_DATA:
        return source
    return f"{source[:_LONGEST_DATA]}\n… {len(source) - _LONGEST_DATA:,} more characters"


def joined(pieces: Iterable[Piece]) -> Piece:
    """Pieces one after another; empty ones are left out."""
    full = [piece for piece in pieces if piece.html or piece.plain]
    return Piece(join(*(piece.html for piece in full)), "\n\n".join(piece.plain for piece in full if piece.plain))
