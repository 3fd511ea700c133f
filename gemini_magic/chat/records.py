"""Turns as JSON and back: parts exactly as they came, and nothing that decides where or with what is asked next."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar, cast

import pydantic_core
from pydantic import ValidationError

from gemini_magic.chat.checks import check_answer, check_question
from gemini_magic.chat.fields import ChatFields, written_fields
from gemini_magic.chat.runs import read_run, run_record
from gemini_magic.chat.turns import KEPT, Origin, Turn, answered
from gemini_magic.client.request import encode
from gemini_magic.exceptions import ConversationFileError, InputError, StoreError
from gemini_magic.reply import Reply, Step
from gemini_magic.wire import Content, GenerateContentResponse

if TYPE_CHECKING:
    from gemini_magic.chat.turns import TurnStatus
    from gemini_magic.wire.base import WireModel

T = TypeVar("T")
#: What a file does not decide.
_TOOLS = frozenset({"tools", "toolconfig", "approve", "maxsteps", "toolmode"})
_REFUSED = frozenset(
    {"apikey", "auth", "authorization", "baseurl", "endpoint", "headers", "key", "profile", "proxy", "token"}
    | {"keyvariable", "keyvariables"}
)
_STATUSES = frozenset({"ok", "truncated", "blocked", "failed", "interrupted"})
_REPLY = {"model": "", "attempts": 1, "seconds": 0.0, "interrupted": False, "broken": False}
_TURN = {"error": "", "cell": "", "run": "", "stale": False}
_LATEST = 2**53


def written_json(document: object, *, indent: int | None = None) -> bytes:
    """A document as JSON.

    Raises:
        StoreError: Something in it cannot be written.
    """
    try:
        return pydantic_core.to_json(document, inf_nan_mode="null", indent=indent)
    except (ValueError, RecursionError) as error:
        raise StoreError(f"The conversation cannot be written as JSON: {error}.") from None


def dumped(model: WireModel) -> dict[str, Any]:
    """A protocol model as it stands on the wire."""
    return model.model_dump(by_alias=True, exclude_unset=True)


def turn_record(turn: Turn) -> dict[str, Any]:
    """A turn as JSON; what has its usual value is left out."""
    record: dict[str, Any] = {"question": dumped(turn.question.content), "status": turn.status, "made": turn.made}
    if turn.reply is not None:
        record["reply"] = _reply_record(turn.reply)
    record |= {name: getattr(turn, name) for name, usual in _TURN.items() if getattr(turn, name) != usual}
    if turn.fields:
        record["fields"] = written_fields(turn.fields)
    record["digest"] = _digest(turn)
    return _without_surrogates(record, ("cell", "run"))


def _reply_record(reply: Reply) -> dict[str, Any]:
    values = {**_REPLY, "model": reply.requested_model, "attempts": reply.attempts, "seconds": reply.seconds}
    values |= {"interrupted": reply.interrupted, "broken": reply.broken}
    given = {name: value for name, value in values.items() if value != _REPLY[name]}
    if reply.warnings:
        given["warnings"] = list(reply.warnings)
    if reply.steps:
        given["steps"] = [_step_record(step) for step in reply.steps]
    return {"response": dumped(reply.response), **given}


def _step_record(step: Step) -> dict[str, Any]:
    record: dict[str, Any] = {"reply": _reply_record(step.reply), "runs": [run_record(run) for run in step.runs]}
    return {**record, "results": dumped(step.results)} if step.results is not None else record


def _without_surrogates(record: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    for name in names:
        if name in record:
            record[name] = str(record[name]).encode(errors="replace").decode()
    return record


def _digest(turn: Turn) -> str:
    """What shows that the parts are those that were saved, signatures included."""
    contents = [encoded.content for encoded in turn.contents or (turn.question,)]
    return hashlib.sha256(written_json([dumped(content) for content in contents])).hexdigest()[:16]


def read_turn(record: object, where: str, notes: list[str]) -> Turn:
    """A turn from a file.

    Args:
        record: Its JSON.
        where: How to call it in words.
        notes: Gets what is odd about it.

    Raises:
        ConversationFileError: It is not a turn.
    """
    fields = as_object(record, where)
    refuse_settings(fields, where)
    question = read_content(fields.get("question"), f"{where}: its question")
    check_question(question, where)
    status = get(fields, "status", str, None, where)
    if status not in _STATUSES:
        raise ConversationFileError(f"{where}: its status is {status[:40]!r}.")
    reply = _read_reply(fields.get("reply"), where)
    cell, run = get(fields, "cell", str, "", where), get(fields, "run", str, "", where)
    made = get(fields, "made", int, None, where)
    if not 0 <= made < _LATEST:
        raise ConversationFileError(f"{where}: 'made' is not a time.")
    origin = Origin(_read_fields(fields.get("fields", {}), where, notes), cell, run)
    error, stale = get(fields, "error", str, "", where), get(fields, "stale", bool, False, where)
    turn = _turn(question, reply, cast("TurnStatus", status), origin, where)
    turn = replace(turn, error=error, cell=cell, run=run, stale=stale, fields=origin.fields, made=made)
    if get(fields, "digest", str, "", where) not in {"", _digest(turn)}:
        notes.append(f"{where.rpartition(': ')[2]} was changed after it was saved")
    return turn


def _turn(question: Content, reply: Reply | None, status: TurnStatus, origin: Origin, where: str) -> Turn:
    asked = _encoded(question, where)
    if status not in KEPT:
        return Turn(asked, reply, status)
    if reply is None or reply.status != status:
        given = "there is no answer" if reply is None else f"its answer is {reply.status}"
        raise ConversationFileError(f"{where}: its status is {status}, but {given}.")
    return answered(asked, reply, origin)


def _encoded(content: Content, where: str) -> Any:  # noqa: ANN401 - an Encoded
    try:
        return encode(content)
    except InputError as error:
        raise ConversationFileError(f"{where}: {error}") from None


def _read_reply(record: object, where: str) -> Reply | None:
    if record is None:
        return None
    where = f"{where}: its reply"
    fields = as_object(record, where)
    response = _validated(GenerateContentResponse, fields.get("response"), where)
    for candidate in response.candidates or []:
        if candidate.content is not None:
            check_answer(candidate.content, where)
    seconds = fields.get("seconds", 0.0)
    if type(seconds) not in {int, float}:
        raise ConversationFileError(f"{where}: 'seconds' is not a number.")
    warnings = get(fields, "warnings", list, [], where)
    if not all(isinstance(words, str) for words in warnings):
        raise ConversationFileError(f"{where}: 'warnings' is not a list of texts.")
    return Reply(
        response,
        get(fields, "model", str, "", where),
        get(fields, "attempts", int, 1, where),
        float(seconds),
        tuple(warnings),
        get(fields, "interrupted", bool, False, where),
        get(fields, "broken", bool, False, where),
        steps=_read_steps(fields, where),
    )


def _read_steps(fields: dict[str, Any], where: str) -> tuple[Step, ...]:
    steps = get(fields, "steps", list, [], where)
    return tuple(_read_step(record, f"{where}: step {number}") for number, record in enumerate(steps, 1))


def _read_step(record: object, where: str) -> Step:
    fields = as_object(record, where)
    reply = _read_reply(fields.get("reply"), where)
    if reply is None or reply.steps:
        raise ConversationFileError(f"{where}: its reply is {'missing' if reply is None else 'no single one'}.")
    runs = tuple(read_run(run, where) for run in get(fields, "runs", list, [], where))
    if fields.get("results") is None:
        return Step(reply, runs)
    results = read_content(fields["results"], f"{where}: its results")
    check_question(results, where)
    if not reply.candidates:
        raise ConversationFileError(f"{where}: there are results, but no answer that asks for them.")
    return Step(reply, runs, results)


def _read_fields(record: object, where: str, notes: list[str]) -> ChatFields:
    """What a question was asked with, without tools: a file does not enable any."""
    where = f"{where}: its fields"
    given = as_object(record, where)
    refuse_settings(given, where)
    kinds: dict[str, type] = {"model": str, "system": dict, "config": dict, "safety": list, "extra": dict}
    kept: dict[str, Any] = {name: get(given, name, kinds[name], None, where) for name in kinds if name in given}
    if "system" in kept:
        read_content(kept["system"], f"{where}: system")
    if "extra" in kept:
        refuse_settings(kept["extra"], where)
        extra = {name: value for name, value in kept["extra"].items() if plain_name(name) not in {*_TOOLS, "contents"}}
        kept["extra"] = extra
    tools = {plain_name(name) for name in (*given, *given.get("extra", {}))} & _TOOLS
    if tools:
        notes.append(f"{where.split(': ')[-2]} was asked with tools; they are not taken from a file")
    return cast("ChatFields", {name: value for name, value in kept.items() if value})


def read_content(record: object, where: str) -> Content:
    """A content from a file.

    Raises:
        ConversationFileError: It is not one.
    """
    return _validated(Content, record, where)


M = TypeVar("M", bound="WireModel")


def _validated(model: type[M], record: object, where: str) -> M:
    as_object(record, where)
    try:
        return model.model_validate(record)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        path = ".".join(str(step) for step in first["loc"])
        raise ConversationFileError(f"{where}: {path[:80]} is not right: {first['msg']}.") from None


def as_object(record: object, where: str) -> dict[str, Any]:
    """A JSON object.

    Raises:
        ConversationFileError: It is something else.
    """
    if not isinstance(record, dict):
        raise ConversationFileError(f"{where}: it is {_kind(record)}, not an object.")
    return record


def get(fields: dict[str, Any], name: str, kind: type[T], usual: T | None, where: str) -> T:
    """A field of a JSON object; it must be there when it has no usual value.

    Raises:
        ConversationFileError: It is missing, or of another kind.
    """
    value = fields.get(name, usual)
    if type(value) is not kind:  # True is no number here
        words = "is missing" if name not in fields else f"is {_kind(value)}"
        raise ConversationFileError(f"{where}: '{name}' {words}.")
    return value


def refuse_settings(fields: dict[str, Any], where: str) -> None:
    """Refuse what says where to ask, or with which key.

    Raises:
        ConversationFileError: There is such a field.
    """
    for name in fields:
        if plain_name(name) in _REFUSED:
            raise ConversationFileError(
                f"{where}: it has a field {name[:40]!r}.", hint="A file does not say where to ask, or with which key."
            )


def plain_name(name: str) -> str:
    """A field's name without what its spellings differ in."""
    return name.replace("_", "").replace("-", "").lower()


def _kind(value: object) -> str:
    kinds = {bool: "a truth value", dict: "an object", list: "a list", str: "a text", type(None): "empty"}
    return kinds.get(type(value), "a number")
