"""Parts in words, for transcripts: what cannot be read is named."""

from __future__ import annotations

import json
from itertools import groupby
from typing import TYPE_CHECKING

from gemini_magic.chat.checks import unknown_kind
from gemini_magic.reply.places import fenced

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gemini_magic.reply import Reply
    from gemini_magic.wire import Blob, Part

_LONGEST = 2_000
_MEDIA = frozenset({"image", "audio", "video"})


def in_words(parts: Iterable[Part]) -> str:
    """Parts as Markdown, in order: texts as they are, thoughts quoted, everything else named in brackets."""
    return "\n\n".join(filter(None, _pieces(parts)))


def reply_in_words(reply: Reply) -> str:
    """An answer as Markdown, with the calls that led to it and their results."""
    contents = [reply.parts]
    for step in reversed(reply.steps):
        results = step.results.parts or [] if step.results is not None else []
        contents = [step.reply.parts, results, *contents]
    return "\n\n".join(filter(None, map(in_words, contents)))


def _pieces(parts: Iterable[Part]) -> Iterator[str]:
    for kind, group in groupby(parts, key=_kind):
        if kind == "other":
            yield from map(part_in_words, group)
        else:
            text = "".join(part.text or "" for part in group).strip("\n")
            yield _quoted(text) if kind == "thoughts" else text


def _kind(part: Part) -> str:
    if part.text is None:
        return "other"
    return "thoughts" if part.thought else "text"


def _quoted(text: str) -> str:
    lines = "\n".join(f"> {line}".rstrip() for line in text.split("\n"))
    return f"> Thoughts:\n>\n{lines}" if text else ""


def part_in_words(part: Part) -> str:
    """A part that is no text."""
    if part.inline_data is not None:
        return f"[{described(part)}]"
    if part.file_data is not None:
        return f"[file: {part.file_data.mime_type or 'unknown type'}, {part.file_data.file_uri or 'nowhere'}]"
    if part.function_call is not None:
        return f"[call: {part.function_call.name}({_json(part.function_call.args or {})})]"
    if part.function_response is not None:
        return f"[result of {part.function_response.name}: {_json(part.function_response.response or {})}]"
    return _code_in_words(part)


def _code_in_words(part: Part) -> str:
    if part.executable_code is not None:
        return fenced((part.executable_code.code or "").rstrip(), "python")
    if part.code_execution_result is not None:
        return fenced((part.code_execution_result.output or "").rstrip(), "text")
    return f"[another kind of part: {unknown_kind(part)}]" if unknown_kind(part) else ""


def described(part: Part) -> str:
    """Kind, type and size of the data in a part, such as ``image: image/png, 12,345 bytes``."""
    blob = part.inline_data
    if blob is None:
        return ""
    mime_type = blob.mime_type or "unknown type"
    kind = mime_type.partition("/")[0]
    return f"{kind if kind in _MEDIA else 'data'}: {mime_type}, {_size(blob):,} bytes"


def _size(blob: Blob) -> int:
    return len((blob.data or "").rstrip("=")) * 3 // 4


def _json(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
