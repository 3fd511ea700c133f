"""Tokens and money: what was spent, and how much may be."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any

from gemini_magic import ledger
from gemini_magic.display.cards import Table, without_empty
from gemini_magic.display.usage import Bar, Report, UsagePlot
from gemini_magic.exceptions import ApiError, AuthError, ProtocolError, RateLimited
from gemini_magic.frames import build_frame
from gemini_magic.magics.cells import is_statement
from gemini_magic.settings import config_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from gemini_magic.chat import Conversation
    from gemini_magic.ledger import Entry, Summed
    from gemini_magic.magics.command import Command
    from gemini_magic.magics.subcommands.base import Run, Session
    from gemini_magic.wire import CountTokensResponse

    Booked = Entry | Summed

_TITLE = "Usage in this kernel, in tokens"
_NOTHING = "Nothing has been asked in this kernel yet."
_COLUMNS: dict[str, type] = {
    "exchange": int,
    "time": datetime,
    "model": str,
    "profile": str,
    "conversation": str,
    "cell": str,
    "prompt": int,
    "cached": int,
    "answer": int,
    "thoughts": int,
    "tools": int,
    "total": int,
    "cost": float,
    "currency": str,
    "seconds": float,
    "requests": int,
    "status": str,
}
_TOKENS = ("prompt", "cached", "answer", "thoughts", "tools", "total")
_SHORT_CELL = 8


def _usage(session: Session, command: Command) -> object:
    booked = ledger.KERNEL.account
    if command.args:
        return UsagePlot([Bar(f"{_numbers(one)} {one.model}", _stacked(one), one.exchanges) for one in booked])
    if not is_statement(session.shell):
        frame = build_frame(*_table(booked), index="exchange")
        if frame is not None:
            return frame
    return _usage_report(booked)


def _table(booked: Sequence[Booked]) -> tuple[list[dict[str, Any]], dict[str, type]]:
    """A row for each exchange; where older ones are summed up, a column says how many a row stands for."""
    if all(one.exchanges == 1 for one in booked):
        return [_row(one) for one in booked], _COLUMNS
    return [{**_row(one), "exchanges": one.exchanges} for one in booked], {**_COLUMNS, "exchanges": int}


def _numbers(one: Booked) -> str:
    """The number of an exchange, or of the first and the last of several."""
    return f"{one.number}" if one.exchanges == 1 else f"{one.first}…{one.number}"


def _row(one: Booked) -> dict[str, Any]:
    return {
        "exchange": one.number,
        "time": datetime.fromtimestamp(one.time, UTC),
        "model": one.model,
        "profile": one.profile,
        "conversation": one.conversation,
        "cell": one.cell,
        "prompt": one.prompt_tokens,
        "cached": one.cached_tokens,
        "answer": one.answer_tokens,
        "thoughts": one.thought_tokens,
        "tools": one.tool_tokens,
        "total": one.total_tokens,
        "cost": None if one.cost is None else float(one.cost),
        "currency": None if one.cost is None else one.currency,
        "seconds": one.seconds,
        "requests": one.requests,
        "status": one.status,
    }


def _stacked(entry: Booked) -> dict[str, int]:
    """The tokens of an exchange so that each is counted once."""
    cached = entry.cached_tokens or 0
    tokens = {
        "prompt": max((entry.prompt_tokens or 0) - cached, 0),
        "cached": cached,
        "answer": entry.answer_tokens or 0,
        "thoughts": entry.thought_tokens or 0,
        "tools": entry.tool_tokens or 0,
    }
    return {**tokens, "other": max((entry.total_tokens or 0) - sum(tokens.values()), 0)}


def _usage_report(entries: Sequence[Booked]) -> Report:
    rows = _telling([_shown_row(entry) for entry in entries])
    if not rows:
        return Report([], _TITLE, None, _NOTHING)
    older = sum(entry.exchanges for entry in entries if entry.exchanges > 1)
    notes = [f"The first {older:,} exchanges are summed up."] if older else []
    totals = {"#": "in all", **_sums(entries), "seconds": round(sum(entry.seconds for entry in entries), 2)}
    groups = [_by(name, entries, key) for name, key in _GROUPS.items()]
    more = [group for group in groups if len(group.rows) > 1]
    return Report(rows, _TITLE, totals, more=more, notes=notes)


def _telling(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows without the columns that tell nothing: no tokens of a kind, one gateway, one request each."""
    silent = {name for name in _TOKENS if not any(row.get(name) for row in rows)}
    silent |= {name for name in ("profile", "requests") if len({row.get(name) for row in rows}) == 1}
    return [without_empty(rows, {name: row[name] for name in row if name not in silent}) for row in rows]


def _shown_row(entry: Booked) -> dict[str, Any]:
    row = _row(entry)
    return {
        "#": entry.number if entry.exchanges == 1 else _numbers(entry),
        "time": datetime.fromtimestamp(entry.time).astimezone().strftime("%H:%M:%S"),
        "model": entry.model,
        "profile": entry.profile,
        "conversation": entry.conversation or None,
        **{kind: row[kind] for kind in _TOKENS},
        "cost": _money([entry]),
        "seconds": round(entry.seconds, 2),
        "requests": entry.requests,
        "status": entry.status,
    }


_GROUPS: dict[str, Callable[[Booked], str]] = {
    "conversation": lambda entry: entry.conversation,
    "model": lambda entry: entry.model,
    "cell": lambda entry: entry.cell,
}


def _by(name: str, entries: Iterable[Booked], key: Callable[[Booked], str]) -> Table:
    """Sums for each conversation, model or cell, in the order of their first exchange."""
    members: dict[str, list[Booked]] = {}
    for entry in entries:
        members.setdefault(key(entry), []).append(entry)
    rows = [
        {
            name: (value[:_SHORT_CELL] if name == "cell" else value) or "none",
            "exchanges": _count_of(group),
            **_sums(group),
        }
        for value, group in members.items()
    ]
    return Report(_telling(rows), f"By {name}")


def _sums(entries: Sequence[Booked]) -> dict[str, Any]:
    """Tokens of each kind and cost; None for what nobody said."""
    rows = [_row(entry) for entry in entries]
    known = {kind: [row[kind] for row in rows if row[kind] is not None] for kind in _TOKENS}
    return {**{kind: sum(counts) if counts else None for kind, counts in known.items()}, "cost": _money(entries)}


def _money(entries: Iterable[Booked]) -> str | None:
    """The sum of what is priced, in each currency; None when nothing is."""
    money = ledger.Spent.on(entries).money
    return " + ".join(str(ledger.Money(amount, currency)) for currency, amount in money.items()) or None


def _cost(session: Session, command: Command) -> object:  # noqa: ARG001 - all have the same form
    entries = ledger.KERNEL.account
    key = _cost_key
    groups = [(names, list(group)) for names, group in groupby(sorted(entries, key=key), key)]
    rows = [
        {
            "model": model,
            "profile": profile,
            "conversation": conversation or "none",
            "exchanges": _count_of(group),
            "tokens": sum(entry.spent or 0 for entry in group),
            "cost": _money(group) or "not known",
        }
        for (model, profile, conversation), group in groups
    ]
    totals = {"model": "in all", "exchanges": _count_of(entries), "tokens": sum(entry.spent or 0 for entry in entries)}
    totals["cost"] = _money(entries) or "not known"
    notes = [*_unpriced(entries), *_fees(entries)]
    return Report(rows, "Cost in this kernel", totals if rows else None, _NOTHING, notes=notes)


def _cost_key(entry: Booked) -> tuple[str, str, str]:
    return entry.model, entry.profile, entry.conversation


def _unpriced(entries: Iterable[Booked]) -> list[str]:
    """What is not in the sum, and why."""
    reasons: dict[tuple[str, str], list[Booked]] = {}
    for entry in entries:
        if entry.cost is None:
            reasons.setdefault((entry.model, ledger.KERNEL.why_unpriced(entry)), []).append(entry)
    notes = [
        f"Not in the sum: {_exchanges(_count_of(group))} with {model}, because {reason.rstrip('.')}."
        for (model, reason), group in reasons.items()
    ]
    if notes:
        model = next(iter(reasons))[0]
        notes.append(
            f'Your own prices go into {config_path()} under [prices."{model}"], as input and output per million '
            "tokens, or into gemini_magic.ledger.KERNEL.prices."
        )
    return notes


def _fees(entries: Iterable[Booked]) -> list[str]:
    priced = any(entry.cost for entry in entries)
    return ["By list price and token counts; fees for searches and for keeping caches are not in it."] if priced else []


def _count_of(booked: Iterable[Booked]) -> int:
    """How many exchanges these are."""
    return sum(one.exchanges for one in booked)


def _exchanges(number: int) -> str:
    return f"{number:,} exchange{'' if number == 1 else 's'}"


def _budget(session: Session, command: Command) -> object:  # noqa: ARG001 - all have the same form
    text = " ".join(command.args)
    if text == "off":
        ledger.KERNEL.budget = None
    elif text:
        ledger.KERNEL.budget = ledger.read_budget(text)
    print(_budget_words(new=bool(text)))  # noqa: T201
    return None


def _budget_words(*, new: bool) -> str:
    entries, budget = ledger.KERNEL.account, ledger.KERNEL.budget
    spent = ledger.Spent.on(entries)
    used = " and ".join(filter(None, [f"{spent.tokens:,} tokens", _money(entries)]))
    if budget is None:
        return f"There is {'now no' if new else 'no'} budget. Spent so far: {used}."
    unpriced = [entry for entry in entries if not ledger.is_priced(entry, budget.currency)]
    words = [f"The budget of this kernel is {'now ' if new else ''}{budget}. Spent so far: {used}."]
    if budget.sum is not None:
        if unpriced:
            words.append(
                f"What {_exchanges(_count_of(unpriced))} cost is not known in {budget.currency} and not counted."
            )
        words.append("Models without a known price are refused under it (`%gemini cost` says where prices come from).")
    if ledger.is_used_up(budget, spent):
        words.append("It is used up: nothing more is sent.")
    return " ".join(words)


def _count(session: Session, command: Command) -> object:
    chat = session.chat(command.options)
    name, model = chat.name, command.options.get("model") or chat.client.model
    history = chat.history
    if not history:
        return _said(session, f"The conversation {name!r} is empty: the next request carries no history.", 0)
    try:
        counted = chat.client.count_tokens(history, model=model, **_system(chat))
    except (AuthError, RateLimited):
        raise
    except (ApiError, ProtocolError) as error:
        return _said(session, _no_count(chat, error), None)
    if counted.total_tokens is None:
        return _said(session, _no_count(chat, "it sent no number"), None)
    number = counted.total_tokens
    return _said(session, f"The history of {name!r} has {number:,} tokens for {model}{_modalities(counted)}.", number)


def _system(chat: Conversation) -> dict[str, Any]:
    return {"system": chat.system} if chat.system is not None else {}


def _no_count(chat: Conversation, error: object) -> str:
    words = f"The gateway {chat.client.profile.name!r} does not count tokens for {chat.client.model} ({error})."
    last = next((turn.reply for turn in reversed(chat.turns) if turn.replayed and turn.reply is not None), None)
    usage = last.usage if last is not None else None
    if usage is not None and usage.total_token_count:
        words += f" With the last answer the conversation had {usage.total_token_count:,} tokens, thoughts included."
    return words


def _modalities(counted: CountTokensResponse) -> str:
    details = [one for one in counted.prompt_tokens_details or [] if one.modality and one.token_count is not None]
    if len(details) <= 1:
        return ""
    return f" ({', '.join(f'{one.modality.lower()} {one.token_count:,}' for one in details if one.modality)})"


def _said(session: Session, words: str, value: object) -> object:
    """A sentence when it is to be shown, the value when it is used."""
    if not is_statement(session.shell):
        return value
    print(words)  # noqa: T201
    return None


RUN: dict[str, Run] = {"usage": _usage, "cost": _cost, "budget": _budget, "count": _count}
