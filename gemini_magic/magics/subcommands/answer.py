"""The last exchange, and what to do with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gemini_magic.display.cards import CodeCard, RequestCard
from gemini_magic.exceptions import UsageError
from gemini_magic.magics.dry_run import request_card, without_key
from gemini_magic.magics.insert import insert_code

if TYPE_CHECKING:
    from collections.abc import Callable

    from gemini_magic.magics.command import Command
    from gemini_magic.magics.question import Exchange
    from gemini_magic.magics.subcommands.base import Run, Session
    from gemini_magic.reply import Reply


def _last(session: Session, command: Command) -> object:
    what = command.args[0] if command.args else ""
    return _LAST[what](_exchange(session))


def _exchange(session: Session) -> Exchange:
    if session.last is None:
        raise UsageError("Nothing has been asked yet.")
    return session.last


def _reply(exchange: Exchange) -> Reply:
    if exchange.reply is None:
        raise UsageError("The last request got no answer.", hint="`%gemini last request` shows what was sent.")
    return exchange.reply


def _raw(exchange: Exchange) -> RequestCard:
    reply = _reply(exchange)
    return RequestCard("", reply.model, without_key(reply.raw, exchange.client), title="Response")


def _curl(exchange: Exchange) -> CodeCard:
    return CodeCard(request_card(exchange).curl, "bash", "The last request as curl")


def _python(exchange: Exchange) -> CodeCard:
    return CodeCard(request_card(exchange).python, "python", "The last request as Python")


_LAST: dict[str, Callable[[Exchange], object]] = {
    "": _reply,
    "raw": _raw,
    "request": request_card,
    "curl": _curl,
    "python": _python,
}


def _insert(session: Session, command: Command) -> object:
    """Put code of the last answer into a new cell: one block of it, or all. It is not run."""
    reply = _reply(_exchange(session))
    insert_code(session.shell, reply, int(command.args[0]) if command.args else None)
    return None


RUN: dict[str, Run] = {"last": _last, "insert": _insert}
