"""What is looked at in contents that come from a file: whether they can be sent, and what is odd about them."""

from __future__ import annotations

import binascii
import re
from typing import TYPE_CHECKING

from gemini_magic.chat.turns import ASKERS
from gemini_magic.exceptions import ConversationFileError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gemini_magic.chat.turns import Turn
    from gemini_magic.wire import Blob, Content, Part

_MIME = re.compile(r"[\w.+*-]+/[\w.+*-]+(?: ?; ?[\w.+-]+=[\w.+\"-]+)*", re.ASCII)
_ANSWERERS = frozenset({"model", "", None})
_SHOWN = 40
#: Fields of a part that say what it is; the others say something about it.
KINDS = (
    "text",
    "inline_data",
    "function_call",
    "function_response",
    "file_data",
    "executable_code",
    "code_execution_result",
    "tool_call",
    "tool_response",
)


def check_question(question: Content, where: str) -> None:
    """Refuse a question that nobody can have asked.

    Raises:
        ConversationFileError: Its role is not a user's, or data in it are damaged.
    """
    _check(question, where, ASKERS, "question")


def check_answer(answer: Content, where: str) -> None:
    """Refuse an answer that no model can have given.

    Raises:
        ConversationFileError: Its role is not a model's, or data in it are damaged.
    """
    _check(answer, where, _ANSWERERS, "answer")


def _check(content: Content, where: str, roles: frozenset[str | None], what: str) -> None:
    if content.role not in roles:
        raise ConversationFileError(f"{where}: the {what} has the role {_short(content.role)}.")
    for number, part in enumerate(content.parts or [], 1):
        for blob in _blobs(part):
            _check_blob(blob, f"{where}, part {number} of the {what}")


def _blobs(part: Part) -> Iterator[Blob]:
    if part.inline_data is not None:
        yield part.inline_data
    response = part.function_response
    for inner in (response.parts or []) if response is not None else []:
        if inner.inline_data is not None:
            yield inner.inline_data


def _check_blob(blob: Blob, where: str) -> None:
    if blob.mime_type and not _MIME.fullmatch(blob.mime_type):
        raise ConversationFileError(f"{where}: {_short(blob.mime_type)} is not a media type.")
    try:
        blob.to_bytes()
    except (binascii.Error, ValueError):
        raise ConversationFileError(f"{where}: its data are not base64.") from None


def oddities(turns: Sequence[Turn]) -> Iterator[str]:
    """What a server may stumble over, in words; all of it is kept as it is."""
    asked: list[str] = []
    for number, turn in enumerate(turns, 1):
        if turn.answer is None:
            continue
        contents = [encoded.content.parts or [] for encoded in turn.contents]
        yield from _odd_parts([part for parts in contents for part in parts], f"turn {number}")
        for question, answer in zip(contents[::2], contents[1::2], strict=True):
            given = [part.function_response.name or "" for part in question if part.function_response is not None]
            if loose := [name for name in given if name not in asked]:
                yield f"turn {number} has a result of {_short(loose[0])}, which was not called"
            if asked and not given:
                yield f"turn {number} does not give the result of {_short(asked[0])}, which was called before it"
            asked = [part.function_call.name or "" for part in answer if part.function_call is not None]


def _odd_parts(parts: Sequence[Part], where: str) -> Iterator[str]:
    for part in parts:
        kinds = [kind for kind in KINDS if getattr(part, kind) is not None]
        if len(kinds) > 1:
            yield f"{where} has a part that is {len(kinds)} things at once ({', '.join(kinds)})"
        if name := unknown_kind(part):
            yield f"{where} has a part of a kind not known here ({_short(name)}), kept as it is"


def unknown_kind(part: Part) -> str:
    """The name of a part's kind that is not known here, or an empty string."""
    known = any(getattr(part, kind) is not None for kind in KINDS)
    return "" if known else next(iter(part.model_extra or {}), "")


def _short(text: object) -> str:
    shown = repr(text)
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…"
