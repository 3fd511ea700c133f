"""The pieces an answer is made of, each as HTML and as the plain text that says the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gemini_magic.display.calls import as_json, written_call
from gemini_magic.display.images import describe, image_bundle, image_type
from gemini_magic.display.sanitize import Safe, code, document, element, join, link, picture, player
from gemini_magic.display.sounds import LARGEST_SOUND, audio_type
from gemini_magic.display.visible import visible
from gemini_magic.reply import audio_of
from gemini_magic.reply.places import fenced

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from gemini_magic.wire import Blob, FileData, FunctionResponsePart, Part

_LONGEST_DATA = 20_000
_LARGEST_PLOT = 5_000_000  # bytes of an image that stands in the page itself
_OUTCOMES = {"OUTCOME_FAILED": "failed", "OUTCOME_DEADLINE_EXCEEDED": "ran out of time"}
_INSERT = "%gemini insert"
_PLOT = "Plot made by this code"


@dataclass(frozen=True, slots=True)
class Piece:
    """Something to show, as HTML and as plain text."""

    html: Safe
    plain: str


EMPTY = Piece(Safe(), "")


def pieces_of(
    parts: Iterable[Part],
    *,
    images: str = "below",
    numbers: Iterator[int] | None = None,
    text: Callable[[str, int], Piece] | None = None,
    thought_tokens: int = 0,
) -> Iterator[Piece]:
    """The parts of an answer in order; adjoining texts are one piece, and so are code, its output and its plots.

    Args:
        parts: The parts.
        images: Where the images are shown, in words.
        numbers: Numbers for the images; none unless given.
        text: Makes a piece of a text and of where it begins in the whole text; Markdown unless given.
        thought_tokens: What thinking cost, if the server said so.
    """
    begin = 0
    groups = list(_groups(parts))
    tokens = thought_tokens if sum(_kind(group[0]) == "thoughts" for group in groups) == 1 else 0
    for group in groups:
        kind = _kind(group[0])
        if kind == "text":
            source = "".join(part.text or "" for part in group)
            yield text(source, begin) if text is not None else text_piece(source)
            begin += len(source)
        elif kind == "thoughts":
            yield thoughts_piece("".join(part.text or "" for part in group), tokens)
        elif kind == "sound":
            yield from _sound_pieces(group)
        elif kind == "code":
            yield run_piece(group, images=images, numbers=numbers)
        else:
            yield from (part_piece(part, images=images, numbers=numbers) for part in group)


def images_of(parts: Iterable[Part]) -> Iterator[dict[str, str]]:
    """The images among the parts that need an output of their own, each as its MIME bundle."""
    for group in _groups(parts):
        in_page = _kind(group[0]) == "code"
        for part in group:
            if part.inline_data is not None and not (in_page and _plot(part) is not None):
                bundle = image_bundle(part.inline_data)
                if bundle is not None:
                    yield bundle


def _groups(parts: Iterable[Part]) -> Iterator[list[Part]]:
    """Parts that are shown as one: runs of text, of thoughts and of sound, and code with what came of it."""
    group: list[Part] = []
    for part in parts:
        if part.text == "":
            continue
        kind = _kind(part)
        before = _kind(group[0]) if group else ""
        joins = kind == before != "code" if kind in {"text", "thoughts", "sound"} else _belongs_to_code(part, before)
        if group and not joins:
            yield group
            group = []
        group.append(part)
    if group:
        yield group


def _belongs_to_code(part: Part, before: str) -> bool:
    return before == "code" and (part.code_execution_result is not None or part.inline_data is not None)


def _kind(part: Part) -> str:
    if part.text is not None:
        return "thoughts" if part.thought else "text"
    if part.executable_code is not None:
        return "code"
    is_sound = part.inline_data is not None and (part.inline_data.mime_type or "").lower().startswith("audio/")
    return "sound" if is_sound else "other"


def text_piece(source: str) -> Piece:
    """The model's Markdown."""
    return Piece(document(source), visible(source).strip("\n"))


def thoughts_piece(source: str, tokens: int = 0) -> Piece:
    """The model's thoughts, folded."""
    if not source.strip():
        return EMPTY
    title = f"Thoughts ({tokens:,} tokens)" if tokens else f"Thoughts ({len(source):,} characters)"
    quoted = "\n".join(f"> {line}".rstrip() for line in visible(source).strip().split("\n"))
    html = element("details", element("summary", title), document(source), class_="gm-thoughts")
    return Piece(html, f"> {title}:\n>\n{quoted}")


def part_piece(part: Part, *, images: str = "below", numbers: Iterator[int] | None = None) -> Piece:
    """Any part that is no text."""
    if part.function_call is not None:
        return call_piece(part.function_call.name or "", part.function_call.args or {})
    if part.inline_data is not None:
        return _blob_piece(part.inline_data, images, numbers)
    if part.executable_code is not None or part.code_execution_result is not None:
        return _step_piece(part)
    if part.tool_call is not None or part.tool_response is not None:
        return _tool_piece(part)
    return _file_piece(part.file_data) if part.file_data is not None else _unknown_piece(part)


def run_piece(parts: list[Part], *, images: str = "below", numbers: Iterator[int] | None = None) -> Piece:
    """Code that the model ran, its output and its plots, as one."""
    steps = [picture_piece(part, _PLOT) or part_piece(part, images=images, numbers=numbers) for part in parts]
    hint = element("div", element("code", _INSERT), " puts this code into a new cell.", class_="gm-caption")
    whole = joined([*steps, Piece(hint, f"{_INSERT} puts this code into a new cell.")])
    return Piece(element("figure", whole.html, class_="gm-run", label="Code that the model ran"), whole.plain)


def call_piece(name: str, args: dict[str, Any]) -> Piece:
    """A function the model asks to be called, written as a call."""
    return code_piece("The model asks for this call:", written_call(name, args), "python")


def _step_piece(part: Part) -> Piece:
    if part.executable_code is not None:
        return code_piece("Code that the model ran:", part.executable_code.code or "", "python")
    result = part.code_execution_result
    outcome = _OUTCOMES.get((result.outcome or "") if result is not None else "")
    caption = f"Its output ({outcome}):" if outcome else "Its output:"
    return code_piece(caption, (result.output or "") if result is not None else "", "")


def _plot(part: Part | FunctionResponsePart) -> bytes | None:
    """The bytes of an image that may stand in the page itself."""
    try:
        data = part.inline_data.to_bytes() if part.inline_data is not None else b""
    except ValueError:
        return None
    return data if image_type(data) and len(data) <= _LARGEST_PLOT else None


def picture_piece(part: Part | FunctionResponsePart, words: str) -> Piece | None:
    """A part's image in the page itself, or None when it is none that may stand there."""
    data = _plot(part)
    if data is None:
        return None
    return Piece(picture(data, words), describe(image_type(data) or "", len(data)))


def _blob_piece(blob: Blob, place: str, numbers: Iterator[int] | None) -> Piece:
    if (bundle := image_bundle(blob)) is not None:
        words = bundle["text/plain"][1:-1]
        if numbers is not None:
            words = words.replace("image", f"image {next(numbers)}", 1)
        return _words_piece(f"[{words}, {place}]")
    size = len(blob.data or "") * 3 // 4
    return _words_piece(describe(blob.mime_type or "unknown type", size).replace("[image: ", "[data: ", 1))


def _sound_pieces(parts: list[Part]) -> Iterator[Piece]:
    for sound in audio_of(parts):
        words = f"audio: {sound.mime_type}, {len(sound.data):,} bytes"
        plain = visible(f"[{words}; it is in reply.audio, and .save(path) writes it to a file]")
        if audio_type(sound.data) is None or len(sound.data) > LARGEST_SOUND:
            yield Piece(element("p", plain, class_="gm-part"), plain)
        else:
            caption = element("div", words, class_="gm-caption")
            yield Piece(element("figure", caption, player(sound.data, words), class_="gm-part"), plain)
    yield from (part_piece(part) for part in parts if not any(audio_of([part])))


def code_piece(caption: str, source: str, language: str) -> Piece:
    """A block of code under a few words; a very long one loses its end."""
    source = shortened(source)
    html = element("figure", element("div", caption, class_="gm-caption"), code(source, language), class_="gm-part")
    return Piece(html, f"{caption}\n\n{fenced(visible(source), language)}")


def _file_piece(file: FileData) -> Piece:
    words = f"File ({file.mime_type or 'unknown type'}): "
    uri = file.file_uri or ""
    return Piece(element("p", words, link(uri, uri)), visible(words + uri))


def _unknown_piece(part: Part) -> Piece:
    body = _body(part)
    return code_piece("A part of another kind:", as_json(body, indent=2), "json") if body else EMPTY


def _tool_piece(part: Part) -> Piece:
    """What the server's own tools did, folded: the answer says what came of it."""
    caption = "The server used a tool of its own" if part.tool_call is not None else "What the server's tool answered"
    tool = part.tool_call or part.tool_response
    title = f"{caption}: {((tool.tool_type if tool else None) or 'unnamed').replace('_', ' ').lower()}"
    body = code(shortened(as_json(_body(part), indent=2)), "json")
    return Piece(element("details", element("summary", title), body), visible(f"[{title}]"))


def _body(part: Part) -> dict[str, Any]:
    return part.model_dump(by_alias=True, exclude_unset=True, exclude={"thought_signature"})


def _words_piece(words: str) -> Piece:
    return Piece(element("p", words, class_="gm-part"), visible(words))


def shortened(source: str) -> str:
    """Data of a length that a page can bear."""
    if len(source) <= _LONGEST_DATA:
        return source
    return f"{source[:_LONGEST_DATA]}\n… {len(source) - _LONGEST_DATA:,} more characters"


def joined(pieces: Iterable[Piece]) -> Piece:
    """Pieces one after another; empty ones are left out."""
    full = [piece for piece in pieces if piece.html or piece.plain]
    return Piece(join(*(piece.html for piece in full)), "\n\n".join(piece.plain for piece in full if piece.plain))
