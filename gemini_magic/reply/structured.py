"""An answer that is data: read from its text as JSON, checked, and made into a dataframe."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

from gemini_magic.exceptions import (
    AnswerTruncated,
    Blocked,
    ConfigError,
    InputError,
    InvalidAnswer,
    InvalidJSON,
    SchemaMismatch,
)
from gemini_magic.frames import build_frame
from gemini_magic.reply.places import fences_in

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gemini_magic.reply import Reply

Column: TypeAlias = tuple[str, str, bool]
"""Name, kind (``str``, ``int``, ``float``, ``bool``, ``object`` …), and whether there may be null."""

_KINDS = frozenset({"str", "int", "float", "bool"})
_ROW = "row"
_SHOWN = 60
_VALUE = "value"
_ASK_AGAIN = "Asking with a schema, as --schema does, makes the model answer in JSON."
_MORE_TOKENS = "A higher --max-tokens lets it come to its end."


def json_of(reply: Reply, schema: Any = None) -> Any:  # noqa: ANN401 - any JSON, or what the schema makes of it
    """The answer's text as JSON.

    Args:
        reply: The answer. Its JSON may stand in a fence, with words around it.
        schema: What it is checked against: a schema of this package, or a type that pydantic knows.

    Returns:
        Plain JSON, or, with a schema, the value that it makes of it.

    Raises:
        InvalidJSON: The text is not JSON.
        SchemaMismatch: It is JSON, but not of the schema.
        AnswerTruncated: It stopped at the token limit, before the JSON was complete.
        Blocked: There is no answer, because it was blocked.
    """
    try:
        if hasattr(schema, "read"):
            return schema.read(reply.text)
        source, value = _read(reply.text)
        return value if schema is None else _checked(schema, source)
    except InvalidJSON as error:
        _refuse(reply, error)
    except InvalidAnswer as error:
        error.partial = reply
        raise


def frame_of(reply: Reply) -> Any:  # noqa: ANN401 - a frame of pandas or polars
    """The answer's JSON as a dataframe of pandas, or else of polars: an array gives a row for each element.

    Raises:
        InvalidAnswer: The text is not JSON.
        ConfigError: Neither library is installed.
    """
    rows = rows_of(json_of(reply))
    return frame_of_rows(rows, columns_of(rows))


def frame_of_rows(rows: Sequence[Mapping[str, Any]], columns: Sequence[Column]) -> Any:  # noqa: ANN401 - as above
    """Plain rows as a dataframe of pandas, or else of polars.

    Args:
        rows: One mapping of column to value per row.
        columns: Name, kind and whether null is allowed, for each column.

    Raises:
        ConfigError: Neither library is installed.
    """
    from gemini_magic.frames import build_like, read_rows  # noqa: PLC0415 - only when a frame is asked for

    numbers = build_frame([{_ROW: number} for number in range(len(rows))], {_ROW: int})
    if numbers is None:
        raise ConfigError("A dataframe needs pandas or polars.", hint="pip install 'gemini_magic[pandas]'")
    return build_like(read_rows(numbers).select([]), columns, rows)


def rows_of(value: object) -> list[dict[str, Any]]:
    """The rows of a JSON value: of an array each element, of anything else the value itself."""
    items = value if isinstance(value, list) else [value]
    return [dict(item) if isinstance(item, dict) else {_VALUE: item} for item in items]


def columns_of(rows: Sequence[Mapping[str, Any]]) -> list[Column]:
    """The columns of plain rows in the order in which they first come, and what each holds."""
    names = dict.fromkeys(name for row in rows for name in row)
    return [(name, _kind([row[name] for row in rows if row.get(name) is not None]), True) for name in names]


def _kind(values: Sequence[object]) -> str:
    types = {type(value).__name__ for value in values}
    if types == {"int", "float"}:
        return "float"
    kind = types.pop() if len(types) == 1 else "object"
    return kind if kind in _KINDS else "object" if values else "str"


def _read(text: str) -> tuple[str, Any]:
    """The JSON in a text, as it stands there and as a value."""
    try:
        return text, _parsed(text)
    except InvalidJSON as error:
        for fence in fences_in(text):
            try:
                return fence.code, _parsed(fence.code)
            except InvalidJSON:
                continue
        raise error from None


def _parsed(text: str) -> Any:  # noqa: ANN401 - any JSON
    try:
        return json.loads(text.removeprefix("\ufeff"), parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        near = text[max(0, error.pos - 20) : error.pos + 20]
        place = f"line {error.lineno}, column {error.colno}, near {near!r}" if near else "its beginning"
        raise InvalidJSON(f"The answer is not JSON: {error.msg} at {place}.", hint=_ASK_AGAIN) from None
    except (ValueError, RecursionError) as error:
        raise InvalidJSON(f"The answer is not JSON: {str(error)[:_SHOWN]}.", hint=_ASK_AGAIN) from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _refuse(reply: Reply, error: InvalidJSON) -> NoReturn:
    """Say why there is no JSON; the limit or a block comes before the syntax."""
    told: InvalidAnswer | Blocked = error
    if reply.status == "blocked":
        reason = reply.block_reason or reply.finish_reason or ""
        told = Blocked(f"There is no JSON: the answer was blocked ({reason}).", reason=reason)
    elif reply.status == "truncated":
        told = AnswerTruncated(
            "The answer stopped at the token limit, before its JSON was complete.", hint=_MORE_TOKENS
        )
    elif not reply.text.strip():
        told = InvalidJSON(f"The answer has no text (status {reply.status}).", hint=_ASK_AGAIN)
    told.partial = reply
    raise told from None


def _checked(schema: Any, source: str) -> Any:  # noqa: ANN401 - any type that pydantic knows
    from pydantic import TypeAdapter, ValidationError  # noqa: PLC0415 - only for those who check
    from pydantic.errors import PydanticUserError  # noqa: PLC0415 - as above

    if isinstance(schema, str):
        raise InputError("A text is no type.", hint="Give a class, or a type such as list[Person].")
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(schema)
    except (PydanticUserError, TypeError) as error:
        raise InputError(f"{str(schema)[:_SHOWN]!r} is no schema: {str(error)[:200]}") from None
    try:
        return adapter.validate_json(source)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        path = ".".join(map(str, first["loc"])) or "the whole answer"
        raise SchemaMismatch(f"The answer does not fit the schema: {path}: {first['msg']}.") from None
