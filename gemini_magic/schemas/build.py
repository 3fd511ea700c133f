"""Anything that says what an answer should look like, made into a `Schema`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gemini_magic import frames
from gemini_magic.exceptions import SchemaError
from gemini_magic.schemas.canonical import canonical
from gemini_magic.schemas.checks import check_patterns
from gemini_magic.schemas.columns import columns_of
from gemini_magic.schemas.compact import read_compact
from gemini_magic.schemas.fitting import allowed_kinds
from gemini_magic.schemas.paths import shown
from gemini_magic.schemas.schema import Schema, refuse
from gemini_magic.schemas.sent import json_form

if TYPE_CHECKING:
    from gemini_magic.schemas.tree import Json

#: Characters of what is sent; a larger schema would leave no room for the question.
MAX_CHARACTERS = 1_000_000
_NAME = "answer"
_FORMATS = {"date": "date", "datetime": "date-time"}
_TYPES = {
    "str": "string",
    "int": "integer",
    "float": "number",
    "bool": "boolean",
    "date": "string",
    "datetime": "string",
}


def schema_of(value: object, *, is_list: bool = False, name: str = "") -> Schema:
    """Make a schema.

    Args:
        value: A pydantic model, dataclass, TypedDict, enum, ``Literal`` or other type; a JSON Schema as a dict, a text
            or a file (``"@file.json"`` or a `Path`); a compact text such as ``"name, age int, tags[]"``; a dataframe
            whose columns are wanted; or a schema.
        is_list: Whether an answer is a list of it.
        name: What to call it; the class's name where there is one.

    Returns:
        The schema. Where it already is one of a list, ``is_list`` changes nothing.

    Raises:
        SchemaError: It is none of these, or cannot be sent to a model; the message names the place.
    """
    if isinstance(value, Schema):
        return (
            value if value.is_list or not is_list else _made(_listed(value.rules), name or value.name, _list_of(value))
        )
    rules, found, kind = _read(value)
    rules = canonical(rules)
    if kind is None:
        check_patterns(rules)
    if is_list and allowed_kinds(rules, rules.get("$defs", {})) != {"array"}:
        rules, kind = _listed(rules), None if kind is None else list[kind]  # type: ignore[valid-type]
    return _made(rules, name or found or _NAME, kind)


def _made(rules: Json, name: str, kind: Any) -> Schema:  # noqa: ANN401 - any type expression
    is_list = allowed_kinds(rules, rules.get("$defs", {})) == {"array"}
    sent = json_form(rules)
    size = len(json.dumps(sent))
    if size > MAX_CHARACTERS:
        raise SchemaError(
            f"The schema is {size:,} characters; the limit is {MAX_CHARACTERS:,}.", hint="Send a part of it."
        )
    return Schema(name, is_list, columns_of(rules, is_list=is_list), sent, rules, kind)


def _list_of(schema: Schema) -> Any:  # noqa: ANN401 - any type expression
    return None if schema.kind is None else list[schema.kind]  # type: ignore[name-defined]


def _listed(rules: Json) -> Json:
    items = {key: value for key, value in rules.items() if key != "$defs"}
    defs = {"$defs": rules["$defs"]} if "$defs" in rules else {}
    return {"type": "array", "items": items, **defs}


def _read(value: object) -> tuple[Mapping[str, Any], str, Any]:
    """The JSON Schema of a value, the name it has, and the Python type behind it."""
    if isinstance(value, Path):
        return _of_json(_file(value), str(value))
    if isinstance(value, str):
        return _of_text(value.strip())
    if isinstance(value, Mapping):
        if not value:
            refuse(value)
        return value, _title(value), None
    if frames.is_frame(value):
        return _of_frame(value), "", None
    from gemini_magic.schemas import python_types  # noqa: PLC0415 - not for plain schemas

    if not python_types.is_python_type(value):
        refuse(value)
    return python_types.rules_of_type(value), python_types.name_of_type(value), value


def _title(schema: Mapping[str, Any]) -> str:
    title = schema.get("title")
    return title if isinstance(title, str) else ""


def _of_text(text: str) -> tuple[Mapping[str, Any], str, Any]:
    if text.startswith("@"):
        return _of_json(_file(Path(text[1:]).expanduser()), text[1:])
    if text.startswith("{"):
        return _of_json(text, "the schema")
    if not text:
        refuse(text)
    return read_compact(text), "", None


def _file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(4 * MAX_CHARACTERS + 1)
        text = data.decode("utf-8-sig")
    except (OSError, ValueError) as error:
        reason = (
            "it is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else getattr(error, "strerror", str(error))
        )
        raise SchemaError(f"The schema file {str(path)!r} cannot be read: {reason}.") from None
    if len(data) > 4 * MAX_CHARACTERS:
        raise SchemaError(f"The schema file {str(path)!r} is larger than {4 * MAX_CHARACTERS:,} bytes.")
    return text


def _of_json(text: str, source: str) -> tuple[Mapping[str, Any], str, Any]:
    try:
        schema = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SchemaError(f"{source} is not JSON: {error}.") from None
    if not isinstance(schema, dict):
        raise SchemaError(f"{source} holds {shown(schema)}; a JSON Schema is an object.")
    return schema, _title(schema), None


def _of_frame(frame: object) -> Json:
    properties: Json = {}
    required: list[str] = []
    for name, kind, nullable in frames.dtypes_of(frame):
        shape: Json = {"type": _TYPES[kind]} if kind in _TYPES else {}
        if kind in _FORMATS:
            shape["format"] = _FORMATS[kind]
        if nullable and shape:
            shape["type"] = [shape["type"], "null"]
        properties[str(name)] = shape
        required.append(str(name))
    if not properties:
        raise SchemaError("The dataframe has no columns; its columns are what an answer should have.")
    return {"type": "object", "properties": properties, "required": required}
