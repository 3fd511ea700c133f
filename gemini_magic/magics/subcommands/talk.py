"""Conversations: which there are, and what to do with them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from gemini_magic.chat import KERNEL, Conversation, store
from gemini_magic.chat.places import counted, turn_at
from gemini_magic.chat.registry import MAIN
from gemini_magic.display.cards import Table
from gemini_magic.display.visible import visible
from gemini_magic.exceptions import UsageError
from gemini_magic.magics.arguments import format_options
from gemini_magic.magics.line import format_value
from gemini_magic.magics.restore import restore
from gemini_magic.magics.transcript import Transcript
from gemini_magic.tools.toolbox import Toolbox

if TYPE_CHECKING:
    from gemini_magic.magics.command import Command
    from gemini_magic.magics.subcommands.base import Run, Session

_LONGEST_QUESTION = 60


def _name(session: Session, command: Command) -> str:
    """The conversation that a subcommand is about: the one behind it, that of ``--chat``, or the current one."""
    return str(command.args[0] if command.args else command.options.get("chat", session.chat_name))


def _current(session: Session, command: Command) -> Conversation:
    """The conversation of a subcommand whose words are no name."""
    return _found(session, str(command.options.get("chat", session.chat_name)))


def _found(session: Session, name: str) -> Conversation:
    if name in {MAIN, session.chat_name} and KERNEL.find(name) is None:
        raise UsageError(f"Nothing has been asked in the conversation {name!r} yet.")
    return KERNEL.known(name)


def _chats(session: Session, command: Command) -> object:  # noqa: ARG001 - all have the same form
    rows = [
        {
            "conversation": chat.name,
            "turns": len(chat),
            "sent again": sum(turn.replayed for turn in chat.turns),
            "stale": len(chat.stale) or None,
            "last question": chat.turns[-1].prompt[:_LONGEST_QUESTION] if chat.turns else "",
            "cells go on here": "yes" if chat.name == session.chat_name else "",
        }
        for chat in KERNEL.chats
    ]
    return Table(rows, "Conversations of this kernel", empty="There is no conversation yet.")


def _chat(session: Session, command: Command) -> object:
    session.chat_name = command.args[0]
    chat = KERNEL.find(session.chat_name)
    there = "a new conversation" if chat is None else counted(len(chat))
    _say(f"Cells go on with {session.chat_name!r} now ({there}).")
    return None


def _ui(session: Session, command: Command) -> object:
    return session.chat(command.options, _name(session, command)).widget()


def _history(session: Session, command: Command) -> object:
    return Transcript(_found(session, _name(session, command)).saved())


def _undo(session: Session, command: Command) -> object:
    chat = _current(session, command)
    taken = chat.undo(int(command.args[0]) if command.args else 1)
    _say(f"Taken back: {counted(len(taken))}; {chat.name!r} has {counted(len(chat))} now.")
    return None


def _edit(session: Session, command: Command) -> object:
    chat, number = _current(session, command), int(command.args[0])
    turn = turn_at(chat.turns, number)
    others = sum(part.text is None for part in turn.question.content.parts or [])
    # The values that stood in braces are in the text already; what they hold is not read again.
    options = {"edit": number, "chat": None if chat.name == session.chat_name else chat.name}
    line = format_options({**options, "raw": "{{" in turn.prompt})
    cell = f"%%gemini {line}\n{turn.prompt}"
    if _takes_cells(session):
        session.shell.set_next_input(cell, replace=False)
        _say(f"Turn {number} stands in a new cell below; running it asks in the turn's place.")
    else:
        _say(f"This front end takes no new cells; to ask in the place of turn {number}, run:\n\n{cell}\n")
    if names := ", ".join(sorted(Toolbox.of(turn.fields.get("tools")).functions)):
        unasked = ", without asking" if turn.fields.get("approve") == "always" else ""
        _say(f"It may call what it could before: {names}{unasked}. --tool-mode none keeps it from calling.")
    if others:
        _say(f"Its question had {others} more {'part' if others == 1 else 'parts'}, such as pictures: name them again.")
    return None


def _takes_cells(session: Session) -> bool:
    """Whether the front end makes a cell when it is asked to; VS Code and Colab do not."""
    shell = session.shell
    silent = "__vsc_ipynb_file__" in getattr(shell, "user_ns", {}) or "google.colab" in sys.modules
    return callable(getattr(shell, "set_next_input", None)) and not silent


def _replay(session: Session, command: Command) -> object:
    chat = _found(session, _name(session, command))
    if not chat.stale:
        _say(f"No turn of {chat.name!r} is stale.")
        return None
    chat.client = session.client(command.options)[0]
    asked = 0
    while stale := chat.stale:
        old = chat.turns[stale[0] - 1]
        session.ask_again(chat, stale[0])
        if any(turn.made == old.made for turn in chat.turns):
            _say(f"Turn {stale[0]} got no answer to go on with; it and what follows stay stale.")
            return None
        asked += 1
    _say(f"Asked again: {counted(asked)} of {chat.name!r}; nothing is stale now.")
    return None


def _repair(session: Session, command: Command) -> object:
    chat = _found(session, _name(session, command))
    if count := chat.repair_signatures():
        _say(
            f"Changed {count} {'part' if count == 1 else 'parts'} of {chat.name!r}: signatures of other models or keys "
            "are gone, and calls have the one that Gemini names for calls that it did not make. Not every gateway "
            "takes it. Nothing was sent."
        )
    else:
        _say(f"In {chat.name!r} there is no signature, and no call that would need one: nothing was changed.")
    return None


def _fork(session: Session, command: Command) -> object:
    chat, name = _current(session, command), command.args[0]
    if KERNEL.find(name) is not None:
        raise UsageError(
            f"There is already a conversation {name!r}.", hint=f"%gemini chat {name} goes on with it; reset forgets it."
        )
    fork = chat.fork(name, int(command.args[1]) if len(command.args) > 1 else None)
    KERNEL.put(fork)
    session.chat_name = name
    _say(f"Cells go on with {name!r} now, which begins with {counted(len(fork))} of {chat.name!r}.")
    return None


def _reset(session: Session, command: Command) -> object:
    name = _name(session, command)
    turns = 0 if name == session.chat_name and KERNEL.find(name) is None else KERNEL.reset(name)
    _say(f"The conversation {name!r} is empty again ({counted(turns)} forgotten).")
    return None


def _save(session: Session, command: Command) -> object:
    chat = _current(session, command)
    path = chat.save(command.args[0])
    again = "" if path.suffix == ".md" else f"; `%gemini load {format_value(str(path))}` goes on with it"
    _say(f"{chat.name!r} ({counted(len(chat))}) is in {path}{again}.")
    return None


def _load(session: Session, command: Command) -> object:
    chats = _loaded(command.args[0]) if command.args else restore(session.shell)
    if wanted := command.options.get("chat"):
        chats = _wanted(chats, str(wanted))
    for chat in chats:
        former = KERNEL.find(chat.name)
        KERNEL.put(chat)
        _say(_summary(chat, former))
    if len(chats) == 1:
        session.chat_name = chats[0].name
    return None


def _loaded(path: str) -> list[Conversation]:
    chats = [Conversation.restored(saved) for saved in store.read(path)]
    for chat in chats:
        chat.name = chat.name or Path(path).stem
    return chats


def _wanted(chats: list[Conversation], name: str) -> list[Conversation]:
    """The one conversation of that name, or the only one there is under that name."""
    if named := [chat for chat in chats if chat.name == name]:
        return named
    if len(chats) > 1:
        names = ", ".join(chat.name for chat in chats)
        raise UsageError(f"There is no conversation {name!r} among those saved: {names}.")
    chats[0].name = name
    return chats


def _summary(chat: Conversation, former: Conversation | None) -> str:
    words = [counted(len(chat))]
    if chat.system:
        words.append("a system instruction")
    if stale := len(chat.stale):
        words.append(f"{stale} stale")
    place = f", in the place of {counted(len(former))} of this kernel" if former is not None and len(former) else ""
    line = f"Loaded {chat.name!r}: {', '.join(words)}{place}. Nothing was sent."
    return " ".join([line, *(f"Note: {note}." for note in chat.notes)])


def _say(words: str) -> None:
    print(visible(words))  # noqa: T201 - this is the answer to the subcommand


RUN: dict[str, Run] = {
    "chats": _chats,
    "chat": _chat,
    "ui": _ui,
    "history": _history,
    "undo": _undo,
    "edit": _edit,
    "replay": _replay,
    "repair": _repair,
    "fork": _fork,
    "branch": _fork,
    "reset": _reset,
    "save": _save,
    "load": _load,
}
