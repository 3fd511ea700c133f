"""Python's types as schemas, by pydantic: models, dataclasses, TypedDicts, enums, literals and what is made of them."""

from __future__ import annotations

import dataclasses
import types
import typing
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    NewType,
    NotRequired,
    Required,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

import typing_extensions
from pydantic import BaseModel, TypeAdapter
from pydantic.errors import PydanticUserError
from pydantic.json_schema import GenerateJsonSchema
from typing_extensions import ReadOnly, TypeAliasType, is_typeddict

from gemini_magic.exceptions import SchemaError
from gemini_magic.schemas.paths import element, field
from gemini_magic.schemas.tree import PYTHON_NAME, Json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic_core import core_schema

_FAILURES = (PydanticUserError, TypeError, NameError, NotImplementedError, AttributeError, KeyError)
_LONGEST = 200


class _Generator(GenerateJsonSchema):
    """Schemas that say what matters to a model and nothing else."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ANN401, ARG002 - pydantic's own signature
        """A title that repeats the name costs tokens and says nothing."""
        return False

    def decimal_schema(self, schema: core_schema.DecimalSchema) -> Json:
        """A decimal is a number; a choice of number or text invites both."""
        made: Json = {"type": "number"}
        self.update_with_validations(made, dict(schema), self.ValidationsMapping.numeric)
        return {key: value if isinstance(value, str | int) else float(value) for key, value in made.items()}

    def emit_warning(self, kind: Any, detail: str) -> None:  # noqa: ANN401 - pydantic's own signature
        """A default that JSON cannot hold is left out; nobody needs to hear of it."""


def is_python_type(value: object) -> bool:
    """Whether a value is a class or a type expression such as ``list[Person]``."""
    if isinstance(value, type | types.UnionType | TypeAliasType | NewType) or get_origin(value) is not None:
        return True
    return is_typeddict(value)


def adapter_of(kind: Any) -> TypeAdapter[Any]:  # noqa: ANN401 - any type expression
    """What validates and writes values of a type.

    Raises:
        SchemaError: pydantic does not know the type, or a part of it; the message names the field.
    """
    try:
        return TypeAdapter(_with_known_dicts(kind))
    except _FAILURES as error:
        raise _refused(kind, error) from None


def rules_of_type(kind: Any) -> Json:  # noqa: ANN401 - any type expression
    """The JSON Schema of a type; properties that have another name in Python say so.

    Raises:
        SchemaError: The type, or a field of it, has no JSON Schema.
    """
    adapter = adapter_of(kind)
    try:
        rules = adapter.json_schema(by_alias=True, schema_generator=_Generator)
        _note_names(rules, adapter.json_schema(by_alias=False, schema_generator=_Generator))
    except _FAILURES as error:
        raise _refused(kind, error) from None
    return rules


def name_of_type(kind: Any) -> str:  # noqa: ANN401 - any type expression
    """What to call a type: the name of its class, or of the class in its list."""
    name = getattr(kind, "__name__", "") if isinstance(kind, type | TypeAliasType | NewType) else ""
    if get_origin(kind) is not None or not name:
        return next((inner for part in get_args(kind) if (inner := name_of_type(part))), "answer")
    return str(name) if kind is not type(None) else ""


def _note_names(rules: Any, by_name: Any) -> None:  # noqa: ANN401 - JSON
    """Write each property's Python name where it differs; the two schemas are alike in all else."""
    if isinstance(rules, list) and isinstance(by_name, list):
        for item, other in zip(rules, by_name, strict=False):
            _note_names(item, other)
    if not isinstance(rules, dict) or not isinstance(by_name, dict):
        return
    properties, named = rules.get("properties"), by_name.get("properties")
    if isinstance(properties, dict) and isinstance(named, dict) and len(properties) == len(named):
        for (name, shape), python_name in zip(properties.items(), named, strict=True):
            if name != python_name and isinstance(shape, dict):
                shape[PYTHON_NAME] = python_name
            _note_names(shape, named[python_name])
    for key, value in rules.items():
        if key != "properties":
            _note_names(value, by_name.get(key))


def _refused(kind: Any, error: Exception) -> SchemaError:  # noqa: ANN401 - any type expression
    path, culprit = _culprit(kind, name_of_type(kind), frozenset())
    words = str(error).partition("\n")[0].rstrip(".")[:_LONGEST]
    shown = getattr(culprit, "__name__", None) or str(culprit)
    where = f"'{path}' is {shown}, which" if path != name_of_type(kind) else f"{shown}"
    return SchemaError(
        f"{where} cannot be sent as a schema: {words}.",
        hint="Fields may be texts, numbers, booleans, dates, enums, literals, lists, dicts, and models of these.",
    )


def _culprit(kind: Any, path: str, seen: frozenset[int]) -> tuple[str, Any]:  # noqa: ANN401 - any type expression
    """The innermost part of a type that has no schema, and its place."""
    if id(kind) not in seen:
        for place, part in _parts(kind, path):
            if not _works(part):
                return _culprit(part, place, seen | {id(kind)})
    return path, kind


def _works(kind: Any) -> bool:  # noqa: ANN401 - any type expression
    try:
        TypeAdapter(_with_known_dicts(kind)).json_schema(schema_generator=_Generator)
    except _FAILURES:
        return False
    return True


def _parts(kind: Any, path: str) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - any type expression
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        for name, info in kind.model_fields.items():
            yield field(path, name), info.annotation
    elif dataclasses.is_dataclass(kind) or is_typeddict(kind):
        try:
            hints = get_type_hints(kind)
        except (NameError, TypeError):
            hints = {}
        for name, part in hints.items():
            yield field(path, name), part
    elif get_origin(kind) is not None:
        many = isinstance(get_origin(kind), type) and issubclass(get_origin(kind), list | tuple | set | frozenset)
        for part in get_args(kind):
            yield element(path) if many else path, part


def _with_known_dicts(kind: Any, depth: int = 0) -> Any:  # noqa: ANN401 - any type expression
    """The type with ``typing.TypedDict``s as pydantic takes them on Pythons before 3.12."""
    if is_typeddict(kind):
        return _known_dict(kind, depth) if type(kind).__module__ == "typing" else kind
    arguments = get_args(kind)
    if not arguments or depth > _DEEP or get_origin(kind) is typing.Literal:
        return kind
    made = tuple(_with_known_dicts(part, depth + 1) for part in arguments)
    if all(new is old for new, old in zip(made, arguments, strict=True)):
        return kind
    if isinstance(kind, types.UnionType) or get_origin(kind) is Union:
        return Union[made]  # noqa: UP007 - made of a tuple
    if get_origin(kind) is Annotated:
        return Annotated[made]
    return kind.copy_with(made) if hasattr(kind, "copy_with") else types.GenericAlias(get_origin(kind), made)


_DEEP = 20


def _known_dict(kind: Any, depth: int) -> Any:  # noqa: ANN401 - a TypedDict class
    if depth > _DEEP:
        raise SchemaError(f"{kind.__name__} holds itself; make it a pydantic model, with a default for that field.")
    hints: Mapping[str, Any] = get_type_hints(kind, include_extras=True)
    wrap = {True: Required, False: NotRequired}
    fields: dict[str, Any] = {}
    for name, part in hints.items():
        # A class of a module with postponed annotations does not know itself which names it requires.
        needed = {Required: True, NotRequired: False}.get(get_origin(part), name in kind.__required_keys__)
        inner = get_args(part)[0] if get_origin(part) in {Required, NotRequired, ReadOnly} else part
        fields[name] = wrap[needed][_with_known_dicts(inner, depth + 1)]
    make: Any = typing_extensions.TypedDict  # the fields are known at run time only
    made: Any = make(kind.__name__, fields)
    made.__module__, made.__doc__ = kind.__module__, kind.__doc__
    return made
