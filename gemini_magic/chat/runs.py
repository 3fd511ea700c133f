"""Calls of functions as JSON and back: what was asked for, who let it run, and what came of it."""

from __future__ import annotations

from dataclasses import fields as fields_of
from typing import TYPE_CHECKING, Any, get_args

from pydantic import ValidationError

from gemini_magic.events import Decision, Outcome, ToolRun
from gemini_magic.exceptions import ConversationFileError
from gemini_magic.wire import FunctionResponsePart

if TYPE_CHECKING:
    from collections.abc import Mapping

_USUAL = ToolRun("")
_KINDS: Mapping[str, type] = {"args": dict, "response": dict, "error": str, "id": str}


def run_record(run: ToolRun) -> dict[str, Any]:
    """A call as JSON; what has its usual value is left out."""
    record = {each.name: getattr(run, each.name) for each in fields_of(run)}
    record["media"] = [part.model_dump(by_alias=True, exclude_unset=True) for part in run.media]
    return {name: value for name, value in record.items() if name == "name" or value not in (_usual(name), [])}


def _usual(name: str) -> object:
    return getattr(_USUAL, name)


def read_run(record: object, where: str) -> ToolRun:
    """A call from a file; reading it calls nothing.

    Raises:
        ConversationFileError: It is not one.
    """
    if not isinstance(record, dict) or not isinstance(record.get("name"), str):
        raise ConversationFileError(f"{where}: one of its calls has no name.")
    given: dict[str, Any] = {"name": record["name"]}
    for name, kind in _KINDS.items():
        given[name] = _read(record, name, kind, where)
    given["outcome"] = _word(record, "outcome", get_args(Outcome), where)
    given["decision"] = _word(record, "decision", get_args(Decision), where)
    given["seconds"] = float(_number(record, "seconds", where))
    given["size"] = int(_number(record, "size", where))
    given["media"] = _media(record.get("media") or [], where)
    return ToolRun(**given)


def _read(record: dict[str, Any], name: str, kind: type, where: str) -> Any:  # noqa: ANN401 - a field of a run
    value = record.get(name, _usual(name))
    if value is not None and not isinstance(value, kind):
        raise ConversationFileError(f"{where}: '{name}' of the call of {record['name'][:40]!r} is not right.")
    return value


def _word(record: dict[str, Any], name: str, words: tuple[str, ...], where: str) -> Any:  # noqa: ANN401 - a literal
    value = record.get(name, _usual(name))
    if value not in words:
        raise ConversationFileError(f"{where}: '{name}' of the call of {record['name'][:40]!r} is {value!r:.40}.")
    return value


def _number(record: dict[str, Any], name: str, where: str) -> float:
    value = record.get(name, 0)
    if type(value) not in {int, float} or not 0 <= value < float("inf"):
        raise ConversationFileError(f"{where}: '{name}' of the call of {record['name'][:40]!r} is no number.")
    return float(value)


def _media(record: object, where: str) -> tuple[FunctionResponsePart, ...]:
    try:
        return tuple(FunctionResponsePart.model_validate(part) for part in record)  # type: ignore[attr-defined]
    except (ValidationError, TypeError):
        raise ConversationFileError(f"{where}: what a call gave beside its result is not right.") from None
