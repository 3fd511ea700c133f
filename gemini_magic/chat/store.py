"""Conversations in files: as JSON of their own, and in the outputs of a notebook.

Nothing but JSON is ever read. What is read becomes plain values; none of it is run, shown or sent.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pydantic_core

from gemini_magic.chat.checks import oddities
from gemini_magic.chat.files import read_file, write_file
from gemini_magic.chat.outputs import conversations_in_notebook, turn_metadata, turns_in_notebook
from gemini_magic.chat.records import (
    as_object,
    get,
    read_content,
    read_turn,
    refuse_settings,
    turn_record,
    written_json,
)
from gemini_magic.chat.saved import FORMAT, VERSION, Saved, some_of
from gemini_magic.exceptions import ConversationFileError

if TYPE_CHECKING:
    from os import PathLike

    from gemini_magic.chat.turns import Turn

__all__ = ["choose", "json_of", "read", "read_document", "turn_metadata", "turns_in_notebook", "write"]
_MOST_TURNS = 100_000
_LONGEST_NAME = 1_000
_FOREIGN = {
    b"\x80\x02": "a pickle",
    b"\x80\x03": "a pickle",
    b"\x80\x04": "a pickle",
    b"\x80\x05": "a pickle",
    b"PK\x03\x04": "a zip file",
    b"SQLite format 3": "a database",
    b"\x1f\x8b": "a gzip file",
    b"\xff\xfe": "UTF-16 text; save it as UTF-8",
    b"\xfe\xff": "UTF-16 text; save it as UTF-8",
}


def document_of(chat: Saved) -> dict[str, Any]:
    """A conversation as the JSON of its file."""
    document: dict[str, Any] = {"format": FORMAT, "version": VERSION, "name": chat.name}
    if chat.system:
        document["system"] = chat.system
    return {**document, "turns": [turn_record(turn) for turn in chat.turns]}


def json_of(chat: Saved) -> bytes:
    """A conversation as the bytes of its file."""
    return written_json(document_of(chat), indent=1) + b"\n"


def write(path: Path, data: bytes) -> Path:
    """Put a saved conversation in its place; see `write_file`."""
    return write_file(path, data, marker=FORMAT.encode())


def read(path: str | PathLike[str]) -> list[Saved]:
    """All conversations of a file.

    Raises:
        ConversationFileError: It is not a file of conversations, or damaged; the message names path and place.
    """
    place = Path(path).expanduser()
    ending = place.suffix.lower()
    if ending == ".md":
        raise ConversationFileError(f"{place} is for reading and cannot be loaded.", hint="Load a .json or .ipynb.")
    if ending not in {".json", ".ipynb"}:
        raise ConversationFileError(f"{place} ends neither in .json nor in .ipynb.")
    data, odd = read_file(place)
    document = parsed(data, str(place))
    if ending == ".json":
        return [read_document(document, str(place), odd)]
    found = conversations_in_notebook(document, str(place), odd)
    if not found:
        raise ConversationFileError(
            f"{place} holds no conversation.", hint="Save the notebook after asking, with its outputs."
        )
    return list(found.values())


def choose(found: list[Saved], name: str, path: str | PathLike[str]) -> Saved:
    """The one conversation that is meant.

    Raises:
        ConversationFileError: There are several and none of that name.
    """
    if len(found) == 1:
        return found[0]
    named = next((chat for chat in found if chat.name == name), None)
    if named is None:
        names = ", ".join(chat.name for chat in found)
        raise ConversationFileError(f"{path} holds several conversations: {names}.", hint="Say which by its name.")
    return named


def parsed(data: bytes, where: str) -> Any:  # noqa: ANN401 - any JSON
    """The JSON of a file.

    Raises:
        ConversationFileError: It is something else.
    """
    if not data.strip():
        raise ConversationFileError(f"{where} is empty.")
    for beginning, what in _FOREIGN.items():
        if data.startswith(beginning):
            raise ConversationFileError(f"{where} is not a conversation file: it is {what}.")
    try:
        return pydantic_core.from_json(data.removeprefix(b"\xef\xbb\xbf"), allow_inf_nan=False)
    except (ValueError, RecursionError) as error:
        raise ConversationFileError(
            f"{where} is not a conversation file: as JSON it has an {_in_words(error)}."
        ) from None


def _in_words(error: Exception) -> str:
    return f"error, {str(error)[:200]}"


def read_document(document: object, where: str, odd: list[str] | None = None) -> Saved:
    """A conversation from the JSON of its file.

    Raises:
        ConversationFileError: It is not one, or damaged.
    """
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ConversationFileError(f"{where} is not a conversation file{_what(document)}.")
    _check_version(document, where)
    refuse_settings(document, where)
    name = get(document, "name", str, "", where)
    if len(name) > _LONGEST_NAME:
        raise ConversationFileError(f"{where}: its name has {len(name):,} characters.")
    turns = get(document, "turns", list, None, where)
    if len(turns) > _MOST_TURNS:
        raise ConversationFileError(f"{where} has {len(turns):,} turns; at most {_MOST_TURNS:,} can be loaded.")
    notes = list(odd or [])
    read = tuple(read_turn(record, f"{where}: turn {number}", notes) for number, record in enumerate(turns, 1))
    _check_times(read, where)
    if "tools" in document:
        notes.append("it names tools; they are not taken from a file")
    notes += oddities(read)
    return Saved(name, read, read_system(document, where), some_of(notes))


def read_system(document: dict[str, Any], where: str) -> str | dict[str, Any] | None:
    """The system instruction of a saved conversation.

    Raises:
        ConversationFileError: It is neither text nor a content.
    """
    system = document.get("system")
    if system is None or isinstance(system, str):
        return system or None
    read_content(system, f"{where}: its system instruction")
    return as_object(system, where)


def _what(document: object) -> str:
    if isinstance(document, dict):
        return ": it is a notebook; its name has to end in .ipynb" if "nbformat" in document else ""
    return f": it is {'a list' if isinstance(document, list) else 'a single value'}"


def _check_version(document: dict[str, Any], where: str) -> None:
    version = document.get("version")
    if type(version) is int and version == VERSION:
        return
    if type(version) is int and version > VERSION:
        raise ConversationFileError(
            f"{where} has version {version}; this gemini_magic reads version {VERSION}.",
            hint="Upgrade: pip install -U gemini-magic.",
        )
    shown = "no version" if version is None else f"the version {version!r:.40}"
    raise ConversationFileError(f"{where} has {shown}; there is only version {VERSION}.")


def _check_times(turns: tuple[Turn, ...], where: str) -> None:
    if len({turn.made for turn in turns}) != len(turns):
        raise ConversationFileError(f"{where}: two of its turns claim to be the same.")
