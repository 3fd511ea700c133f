"""Turns in a notebook's own outputs, so that its file remembers the conversation.

Each answer's output carries its turn, and in which order the turns stood when it was made. The output that was
written last knows best: turns that were taken back or replaced are not in its order, and forks find the turns that they
share in the outputs of the conversation they came from.
"""

from __future__ import annotations

import base64
import binascii
import time
import zlib
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any

import pydantic_core

from gemini_magic.chat.checks import oddities
from gemini_magic.chat.records import as_object, get, read_content, read_turn, turn_record, written_json
from gemini_magic.chat.saved import VERSION, Savable, Saved, some_of
from gemini_magic.chat.words import described
from gemini_magic.exceptions import ConversationFileError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gemini_magic.chat.turns import Turn

KEY = "gemini_magic"
#: A question's pictures are left out of turns that are larger than this when they are compressed.
MAX_COMPRESSED = 1_000_000
#: Data so much larger than the limit are not compressed to see whether they fit: pictures and sound hardly shrink.
_HOPELESS = 4
_THOROUGH, _QUICK = 9, 5
_MAX_TURN = 50_000_000
_MAX_ALL = 200_000_000


def turn_metadata(chat: Savable, turn: Turn, *, limit: int | None = MAX_COMPRESSED) -> dict[str, Any]:
    """What an output has to carry for its turn to be found again.

    Args:
        chat: The conversation.
        turn: One of its turns.
        limit: The size above which the data in the question, such as pictures, are left out; None for no limit.

    Returns:
        Metadata for the output.

    Raises:
        StoreError: It cannot be written as JSON.
    """
    saved = chat.saved()
    kept = [other for other in saved.turns if other.replayed]
    payload: dict[str, Any] = {
        "written": time.time_ns() // 1000,
        "order": _steps([other.made for other in kept]),
        "stale": [number for number, other in enumerate(kept) if other.stale],
        "record": turn_record(turn),
    }
    if saved.system:
        payload["system"] = saved.system
    if limit is not None and _data_size(turn) > _HOPELESS * limit:
        _leave_out(payload["record"], turn)
    packed = _packed(payload)
    if limit is not None and len(packed) > limit and _leave_out(payload["record"], turn):
        packed = _packed(payload)
    number = next((number for number, other in enumerate(saved.turns, 1) if other.made == turn.made), 0)
    return {KEY: {"version": VERSION, "chat": saved.name, "number": number, "turn": packed.decode("ascii")}}


def _packed(payload: dict[str, Any]) -> bytes:
    data = written_json(payload)
    return base64.b64encode(zlib.compress(data, _THOROUGH if len(data) < MAX_COMPRESSED else _QUICK))


def _data_size(turn: Turn) -> int:
    blobs = [part.inline_data for part in turn.question.content.parts or []]
    return sum(len(blob.data or "") for blob in blobs if blob is not None)


def _leave_out(record: dict[str, Any], turn: Turn) -> list[str]:
    """Put words in the place of the question's data; returns what was left out."""
    if "left_out" in record:
        return []
    parts = turn.question.content.parts or []
    left_out = [described(part) for part in parts if part.inline_data is not None]
    record["question"] = {
        **record["question"],
        "parts": [
            {"text": f"[{described(part)}, not kept]"} if part.inline_data is not None else written
            for part, written in zip(parts, record["question"].get("parts") or [], strict=True)
        ],
    }
    record["left_out"] = left_out
    record.pop("digest", None)
    return left_out


def _steps(times: list[int]) -> list[int]:
    """Times as the differences between them, which are shorter."""
    return [*times[:1], *(later - earlier for earlier, later in pairwise(times))]


@dataclass(frozen=True)
class _Found:
    """A turn in an output, and what it knew of its conversation."""

    chat: str
    turn: Turn
    written: int
    order: tuple[int, ...]
    stale: frozenset[int]
    system: str | dict[str, Any] | None
    notes: tuple[str, ...]


def conversations_in_notebook(notebook: object, where: str, odd: list[str] | None = None) -> dict[str, Saved]:
    """The conversations whose turns stand in a notebook's outputs, by name.

    Args:
        notebook: The JSON of a notebook.
        where: How to call it in words.
        odd: What is odd about the file.

    Returns:
        Them with their turns in order; what is missing or damaged stands in their notes.

    Raises:
        ConversationFileError: It is not a notebook.
    """
    document = as_object(notebook, where)
    if not isinstance(document.get("cells"), list):
        raise ConversationFileError(f"{where} is not a notebook of version 4: it has no cells.")
    notes = list(odd or [])
    found = list(_outputs(document["cells"], notes))
    every = {one.turn.made: one for one in found}
    newest: dict[str, _Found] = {}
    for one in found:
        if one.chat not in newest or one.written >= newest[one.chat].written:
            newest[one.chat] = one
    return {name: _conversation(one, every, notes) for name, one in newest.items()}


def turns_in_notebook(notebook: object) -> dict[str, list[Turn]]:
    """The turns that stand in a notebook's outputs, in order, by the name of their conversation.

    Raises:
        ConversationFileError: It is not a notebook.
    """
    return {name: list(chat.turns) for name, chat in conversations_in_notebook(notebook, "The notebook").items()}


def _conversation(newest: _Found, every: dict[int, _Found], notes: list[str]) -> Saved:
    there = [(number, every[made]) for number, made in enumerate(newest.order) if made in every]
    turns = tuple(one.turn.marked(stale=number in newest.stale) for number, one in there)
    odd = [*notes, *(words for _, one in there for words in one.notes)]
    if missing := len(newest.order) - len(there):
        odd.append(f"{missing} of its turns {'is' if missing == 1 else 'are'} not in this notebook")
    return Saved(newest.chat, turns, newest.system, some_of([*odd, *oddities(turns)]))


def _outputs(cells: list[Any], notes: list[str]) -> Iterator[_Found]:
    left = _MAX_ALL
    for place, kept in _kept(cells):
        try:
            payload, size = _unpacked(kept, place, min(left, _MAX_TURN))
            left -= size
            yield _found(kept, payload, place)
        except ConversationFileError as error:
            notes.append(f"what {place} keeps is damaged ({error.message.removeprefix(f'{place}: ')})")


def _kept(cells: list[Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """What outputs carry for us, and where they stand."""
    for number, cell in enumerate(cells, 1):
        outputs = cell.get("outputs") if isinstance(cell, dict) else None
        for output in outputs if isinstance(outputs, list) else []:
            metadata = output.get("metadata") if isinstance(output, dict) else None
            kept = metadata.get(KEY) if isinstance(metadata, dict) else None
            if isinstance(kept, dict) and "turn" in kept:
                yield f"cell {number}", kept


def _unpacked(kept: dict[str, Any], where: str, limit: int) -> tuple[dict[str, Any], int]:
    if get(kept, "version", int, None, where) != VERSION:
        raise ConversationFileError(f"{where}: it is of another version.")
    try:
        packed = base64.b64decode(get(kept, "turn", str, None, where), validate=True)
        inflater = zlib.decompressobj()
        data = inflater.decompress(packed, limit + 1)
        if len(data) > limit:
            raise ConversationFileError(f"{where}: it is larger than a conversation can be.")
        if not inflater.eof:
            raise ConversationFileError(f"{where}: its end is missing.")
        return as_object(pydantic_core.from_json(data, allow_inf_nan=False), where), len(data)
    except (binascii.Error, zlib.error, ValueError, RecursionError) as error:
        raise ConversationFileError(f"{where}: {str(error)[:100]}") from None


def _found(kept: dict[str, Any], payload: dict[str, Any], where: str) -> _Found:
    notes: list[str] = []
    record = as_object(payload.get("record"), where)
    turn = read_turn(record, f"{where}: its turn", notes)
    left_out = get(record, "left_out", list, [], where)
    notes += [f"{str(words)[:80]} of {where} is not in the notebook, and not sent again" for words in left_out]
    system = payload.get("system")
    if system is not None and not isinstance(system, str):
        read_content(system, f"{where}: its system instruction")
    return _Found(
        get(kept, "chat", str, "", where),
        replace(turn, stale=False),
        get(payload, "written", int, None, where),
        tuple(accumulate(_numbers(payload, "order", where))),
        frozenset(_numbers(payload, "stale", where)),
        system,
        tuple(notes),
    )


def _numbers(payload: dict[str, Any], name: str, where: str) -> list[int]:
    numbers = get(payload, name, list, [], where)
    if not all(type(number) is int for number in numbers):
        raise ConversationFileError(f"{where}: '{name}' is not a list of numbers.")
    return numbers
