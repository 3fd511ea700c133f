"""What ``%gemini`` can do besides asking: one function for each row of `command.SUBCOMMANDS`."""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Protocol

from gemini_magic import ledger
from gemini_magic.chat import KERNEL
from gemini_magic.chat.registry import MAIN
from gemini_magic.display.cards import RequestCard, Table, models_table, usage_table
from gemini_magic.exceptions import UsageError
from gemini_magic.magics.help import help_on
from gemini_magic.settings.keys import MASK

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gemini_magic.client import Client
    from gemini_magic.magics.command import Command
    from gemini_magic.magics.question import Exchange

#: Headers that carry the key; a card is an object that people can look into.
_KEY_HEADERS = frozenset({"authorization", "x-goog-api-key"})


class Session(Protocol):
    """What a subcommand needs to know."""

    @property
    def last(self) -> Exchange | None:
        """The last exchange."""

    def client(self, options: Mapping[str, Any]) -> tuple[Client, str | None]:
        """The client that options ask for."""


def run_subcommand(session: Session, command: Command) -> object:
    """Carry out a subcommand; what it returns is shown by the shell, or used."""
    return _RUN[command.subcommand or ""](session, command)


def _help(session: Session, command: Command) -> object:  # noqa: ARG001 - all have the same form
    return help_on(command.args[0] if command.args else "")


def _models(session: Session, command: Command) -> object:
    client, _ = session.client(command.options)
    rows = [
        {
            "model": (model.name or "").removeprefix("models/"),
            "name": model.display_name,
            "prompt tokens": model.input_token_limit,
            "answer tokens": model.output_token_limit,
        }
        for model in client.models()
    ]
    return models_table([_without_empty(rows, row) for row in rows], client.profile.name)


def _without_empty(rows: list[dict[str, Any]], row: Mapping[str, Any]) -> dict[str, Any]:
    """A row without the columns that no row has; many gateways list names alone."""
    return {column: value for column, value in row.items() if any(other[column] is not None for other in rows)}


def _chats(session: Session, command: Command) -> object:  # noqa: ARG001
    rows = [
        {
            "conversation": chat.name,
            "turns": len(chat),
            "sent again": sum(turn.replayed for turn in chat.turns),
            "last question": chat.turns[-1].prompt[:60] if chat.turns else "",
        }
        for chat in KERNEL.chats
    ]
    return Table(rows, "Conversations of this kernel", empty="There is no conversation yet.")


def _reset(session: Session, command: Command) -> object:  # noqa: ARG001
    name = command.args[0] if command.args else MAIN
    turns = KERNEL.reset(name)
    print(f"The conversation {name!r} is empty again ({turns} turn{'' if turns == 1 else 's'} forgotten).")  # noqa: T201
    return None


def _last(session: Session, command: Command) -> object:
    exchange = session.last
    if exchange is None:
        raise UsageError("Nothing has been asked yet.")
    what = command.args[0] if command.args else ""
    if what == "request":
        return _request_card(exchange)
    if exchange.reply is None:
        raise UsageError("The last request got no answer.", hint="`%gemini last request` shows what was sent.")
    return RequestCard("Response", exchange.reply.model, exchange.reply.raw) if what == "raw" else exchange.reply


def _request_card(exchange: Exchange) -> RequestCard:
    plan = exchange.plan()
    outgoing = exchange.client.outgoing(plan, plan.models[0])
    headers = {name: MASK if name in _KEY_HEADERS else value for name, value in outgoing.headers.items()}
    return RequestCard(outgoing.method, outgoing.url, json.loads(bytes(plan.body or b"null")), headers)


def _usage(session: Session, command: Command) -> object:  # noqa: ARG001
    entries = ledger.KERNEL.entries
    rows = [
        {
            "#": entry.number,
            "model": entry.model,
            "conversation": entry.conversation,
            "prompt": entry.prompt_tokens,
            "answer": entry.answer_tokens,
            "thoughts": entry.thought_tokens,
            "total": entry.total_tokens,
            "seconds": round(entry.seconds, 2),
            "status": entry.status,
        }
        for entry in entries
    ]
    sums = ("prompt", "answer", "thoughts", "total", "seconds")
    totals = {name: sum(row[name] or 0 for row in rows) for name in sums}  # type: ignore[misc]  # numbers all
    return usage_table([_without_empty(rows, row) for row in rows], {"model": "in all", **totals} if rows else None)


def _version(session: Session, command: Command) -> object:  # noqa: ARG001
    print(f"gemini_magic {version('gemini-magic')}")  # noqa: T201
    return None


_RUN: dict[str, Callable[[Session, Command], object]] = {
    "help": _help,
    "models": _models,
    "chats": _chats,
    "reset": _reset,
    "last": _last,
    "usage": _usage,
    "version": _version,
}
