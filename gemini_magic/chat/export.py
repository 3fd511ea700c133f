"""Conversations for reading and for notebooks: Markdown, and the JSON of an ``.ipynb`` file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markdown_it import MarkdownIt

from gemini_magic.chat.files import safe_name
from gemini_magic.chat.outputs import turn_metadata
from gemini_magic.chat.records import written_json
from gemini_magic.chat.saved import FORMAT, VERSION, Saved
from gemini_magic.chat.store import json_of
from gemini_magic.chat.words import in_words, reply_in_words
from gemini_magic.exceptions import StoreError

if TYPE_CHECKING:
    from os import PathLike

    from markdown_it.token import Token

    from gemini_magic.chat.turns import Turn

_CELL_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NAME = re.compile(r"[^\s\"'\\-][^\s\"'\\]*")
_SHOWN_IMAGES = frozenset({"image/png", "image/jpeg"})
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
#: An indented block is code by itself, and none behind a list that ends the block before it.
_TAGGED = frozenset({"code_block", "html_block", "html_inline"})
_FORMULA = re.compile(r"\$|\\begin|\\\\[(\[]")
_IMAGE = re.compile(r"!(\\*)\[")
_DEEP = 100
_INSTRUCTION = "System instruction"


def written(chat: Saved, path: str | PathLike[str]) -> tuple[Path, bytes]:
    """A conversation as the bytes of a file, and the file's path; its ending decides the form.

    Raises:
        StoreError: The ending is another one.
    """
    place = Path(path).expanduser()
    if place.is_dir():
        place /= f"{safe_name(chat.name)}.json"
    ending = place.suffix.lower()
    if ending == ".json":
        return place, json_of(chat)
    if ending == ".ipynb":
        return place, written_json(notebook_of(chat), indent=1) + b"\n"
    if ending == ".md":
        return place, markdown_of(chat).encode(errors="replace")
    raise StoreError(
        f"{place} ends neither in .json nor in .ipynb nor in .md.", hint=".json and .ipynb can be loaded again."
    )


def markdown_of(chat: Saved) -> str:
    """A conversation as Markdown, for reading: nothing in it is fetched when it is shown."""
    blocks = [f"<!-- {FORMAT} {VERSION} -->", _title(chat)]
    if chat.system:
        blocks += [f"**{_INSTRUCTION}**", harmless(system_in_words(chat))]
    for number, turn in enumerate(chat.turns, 1):
        blocks += [f"## {number}. Question", harmless(in_words(turn.question.content.parts or []))]
        blocks.append(f"## {number}. Answer{_model_words(turn)}")
        if turn.reply is not None:
            blocks.append(harmless(reply_in_words(turn.reply)))
        blocks += [f"*{harmless(_line(words))}*" for words in remarks(turn)]
    return "\n\n".join(filter(None, blocks)) + "\n"


def system_in_words(chat: Saved) -> str:
    """The system instruction as text."""
    if isinstance(chat.system, dict):
        parts = chat.system.get("parts") or []
        return "\n\n".join(str(part.get("text", "[data]")) for part in parts if isinstance(part, dict))
    return chat.system or ""


def remarks(turn: Turn) -> list[str]:
    """What the reader of a turn must know, in words."""
    found = {
        "ok": "",
        "truncated": "Cut off at the token limit.",
        "blocked": f"Blocked: {turn.error}.",
        "failed": f"Failed: {turn.error}",
        "interrupted": "Interrupted before it was complete.",
    }[turn.status]
    words = [found] if found else []
    if not turn.replayed:
        words.append("Not sent with later questions.")
    if turn.stale:
        words.append("Stale: something before it has changed since.")
    return words


def _model_words(turn: Turn) -> str:
    model = turn.reply.model if turn.reply is not None else ""
    return f" of {harmless(_line(model))}" if model else ""


def _title(chat: Saved) -> str:
    return f"# {harmless(_line(chat.name)) or 'Conversation'}"


def _line(text: str) -> str:
    return " ".join(_CONTROL.sub("", text).split())


def harmless(text: str) -> str:
    """Markdown that fetches and runs nothing wherever it is shown, and whatever stands around it.

    Text in fences stays as it is, and so does text without images and tags.
    """
    text = _CONTROL.sub("", text.replace("\r\n", "\n")).strip("\n")
    tokens = MarkdownIt("commonmark", {"html": True, "maxNesting": _DEEP}).parse(text)
    lines = text.split("\n")
    fenced = {number for token in tokens if token.type == "fence" and token.map for number in range(*token.map)}
    kinds = {token.type for token in tokens} | {child.type for token in tokens for child in token.children or []}
    tagged = bool(kinds & _TAGGED)
    if _is_unclear(tokens, [line for number, line in enumerate(lines) if number not in fenced]):
        fenced, tagged = set(), True
    lines = [line if number in fenced else _defused(line, tagged=tagged) for number, line in enumerate(lines)]
    if tokens and tokens[-1].type == "fence" and lines[-1].strip() != tokens[-1].markup:
        lines.append(tokens[-1].markup)
    return "\n".join(lines)


def _is_unclear(tokens: list[Token], outside: list[str]) -> bool:
    """Whether another program may find fences elsewhere: formulas hide them, and depth ends the search."""
    return any(token.level >= _DEEP - 1 for token in tokens) or any(map(_FORMULA.search, outside))


def _defused(line: str, *, tagged: bool) -> str:
    # Always, since the address may stand in another block; some programs take a backslash for nothing.
    line = _IMAGE.sub(r"! \1[", line)
    return line.replace("<", "&lt;") if tagged else line


def notebook_of(chat: Saved) -> dict[str, Any]:
    """A conversation as a notebook of version 4.5: a cell for each question, its answer as output, and its turn."""
    title = _title(chat)
    if chat.system:
        title += f"\n\n**{_INSTRUCTION}**\n\n{harmless(system_in_words(chat))}"
    ids = _ids(chat.turns)
    cells = [_cell("markdown", "title", title)]
    cells.append(_cell("code", "load", "%load_ext gemini_magic", execution_count=None, outputs=[]))
    cells += [_turn_cell(chat, turn, cell_id) for turn, cell_id in zip(chat.turns, ids, strict=True)]
    return {
        "metadata": {
            "gemini_magic": {"format": FORMAT, "version": VERSION},
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
        "cells": cells,
    }


def _cell(kind: str, cell_id: str, source: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    return {"cell_type": kind, "id": cell_id, "metadata": {}, "source": source, **more}


def _turn_cell(chat: Saved, turn: Turn, cell_id: str) -> dict[str, Any]:
    prompt = in_words(turn.question.content.parts or [])
    return _cell("code", cell_id, f"{_magic(chat.name)}\n{prompt}", execution_count=None, outputs=_outputs(chat, turn))


def _magic(name: str) -> str:
    """The line above a prompt; the prompt's values stand in it already."""
    return f"%%gemini --raw -c {name}" if _NAME.fullmatch(name) else "%%gemini --raw"


def _outputs(chat: Saved, turn: Turn) -> list[dict[str, Any]]:
    answer = reply_in_words(turn.reply) if turn.reply is not None else ""
    text = "\n\n".join(filter(None, (answer, *(f"[{words}]" for words in remarks(turn)))))
    metadata = turn_metadata(chat, turn, limit=None)
    outputs = [_output({"text/plain": _CONTROL.sub("", text)}, metadata)]
    for part in turn.reply.parts if turn.reply is not None else []:
        blob = part.inline_data
        if blob is not None and blob.data and blob.mime_type in _SHOWN_IMAGES:
            outputs.append(_output({blob.mime_type: blob.data, "text/plain": in_words([part])}, {}))
    return outputs


def _output(data: dict[str, str], metadata: dict[str, Any]) -> dict[str, Any]:
    return {"output_type": "display_data", "data": data, "metadata": metadata}


def _ids(turns: tuple[Turn, ...]) -> list[str]:
    """A cell id for each turn: its own cell's where that can be, so that running the cell again replaces the turn."""
    taken = {"title", "load"}
    ids = []
    for number, turn in enumerate(turns, 1):
        cell_id = turn.cell if _CELL_ID.fullmatch(turn.cell) and turn.cell not in taken else f"turn-{number}"
        while cell_id in taken:
            cell_id += "-"
        taken.add(cell_id)
        ids.append(cell_id)
    return ids
