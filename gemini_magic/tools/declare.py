"""What a model is told of a Python function, and what its arguments are checked against."""

from __future__ import annotations

import difflib
import json
import math
import re
import typing
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NotRequired, get_args, get_origin

from pydantic import ValidationError

from gemini_magic.exceptions import SchemaError, ToolError
from gemini_magic.schemas.canonical import canonical
from gemini_magic.schemas.faults import worded
from gemini_magic.schemas.openapi import openapi_form
from gemini_magic.schemas.paths import element, field, shown
from gemini_magic.schemas.python_types import adapter_of, rules_of_type
from gemini_magic.schemas.sent import json_form
from gemini_magic.tools.signatures import documented, name_of, parameters_of
from gemini_magic.wire import FunctionDeclaration

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pydantic import TypeAdapter

    from gemini_magic.schemas.tree import Json
    from gemini_magic.tools.signatures import Parameter, Parameters

#: What a parameter of any value may be where a server wants to be told a type.
_SIMPLE = ["string", "number", "boolean"]
_SHAPES = frozenset({"$ref", "anyOf", "enum", "properties", "type"})
#: What building a type of types can raise; some annotations are no types.
_FAILURES = (SchemaError, TypeError, AttributeError)
#: How much a model may give in one call, as JSON.
MAX_BYTES = 1_000_000
#: How deep it may be nested.
MAX_DEPTH = 100
#: Faults that one message names.
MOST_FAULTS = 8
_MOST_UNKNOWN = 4
_MOST_WORDED = 10_000
_LONGEST = 300
#: Up to here a number with a point holds every whole number.
_EXACT = 2.0**53
#: Python refuses to write larger numbers.
_MOST_BITS = 10_000
_ROOT = re.compile(r"[^.\[]*")
_WAY_OUT = (
    "Take what a model can write, such as a name or a number, and find the value inside the function; "
    "or give the parameter a default, and it is left out."
)


@dataclass(frozen=True, eq=False)
class Declared:
    """A function as a model may call it.

    Attributes:
        declaration: What the model is told.
        rules: The canonical schema of its arguments; it says more than models can be told.
        parameters: How to call it.
        adapter: What makes values of arguments.
    """

    declaration: FunctionDeclaration
    rules: Json
    parameters: Parameters
    adapter: TypeAdapter[Any]

    @property
    def name(self) -> str:
        """What the model calls it."""
        return self.declaration.name or ""

    def values(self, args: object) -> dict[str, Any]:
        """What a model gives, as values for the parameters, by their names.

        Args:
            args: Arguments as JSON.

        Raises:
            ToolError: They do not fit; the message is for the model and names every fault.
        """
        if not isinstance(args, Mapping):
            raise self._refused([f"the arguments should be an object, not {shown(args)}"])
        faults: list[str] = []
        names = self.rules["properties"]
        known = {name: _plain(args[name], field("", name), 1, faults) for name in names if name in args}
        strange = [name for name in args if name not in names]
        unknown = [self._unknown(name) for name in strange[:_MOST_UNKNOWN]]
        if more := len(strange) - len(unknown):
            unknown.append(f"nor are {more:,} other names")
        if faults:
            missing = [f"{name} is missing" for name in self.rules.get("required", ()) if name not in args]
            raise self._refused([*unknown, *faults, *missing])
        made = self._made(known, unknown)
        if unknown := [*unknown, *self.parameters.faults(made)]:
            raise self._refused(unknown)
        return made

    def _made(self, known: Json, faults: list[str]) -> dict[str, Any]:
        text = json.dumps(known, ensure_ascii=False).encode()
        if len(text) > MAX_BYTES:
            raise self._refused([*faults, f"the arguments are {len(text):,} bytes, and {MAX_BYTES:,} are the limit"])
        try:
            made: dict[str, Any] = self.adapter.validate_json(text, strict=True)
        except ValidationError as error:
            count = error.error_count()
            # Wording each of very many would take longer than anybody reads.
            words = worded(error, known) if count <= _MOST_WORDED else [f"{count:,} values in them do not fit"]
            raise self._refused([*faults, *words]) from None
        except MemoryError:
            raise
        except Exception as error:
            raised = f"{type(error).__name__}: {error}"
            raise self._refused([*faults, f"a check of them raised {raised:.200}"]) from error
        return made

    def _unknown(self, name: object) -> str:
        near = difflib.get_close_matches(str(name), self.rules["properties"], 1)
        return f"{shown(name)} is no argument of it{f' (did you mean {near[0]!r}?)' if near else ''}"

    def _refused(self, faults: Sequence[str]) -> ToolError:
        unique = list(dict.fromkeys(faults))
        words = [fault if len(fault) <= _LONGEST else fault[: _LONGEST - 1] + "…" for fault in unique[:MOST_FAULTS]]
        more = f"; and {len(unique) - MOST_FAULTS} more" if len(unique) > MOST_FAULTS else ""
        return ToolError(f"{self.name} was not called: {'; '.join(words)}{more}.", hint=_taken(self.rules))


def declaration(function: Callable[..., Any], *, name: str = "", description: str | None = None) -> FunctionDeclaration:
    """What a model is told of a function.

    Args:
        function: Anything that can be called and says which parameters it has.
        name: What the model calls it; the function's own name if empty.
        description: What it does; its docstring when None.

    Raises:
        SchemaError: A parameter cannot be declared; the message names function and parameter.
        InputError: The function does not say which parameters it has.
    """
    return declared(function, name or name_of(function), description).declaration


def declared(function: Callable[..., Any], name: str, description: str | None = None) -> Declared:
    """A function as a model may call it; the arguments are those of `declaration`."""
    parameters = parameters_of(function, name)
    try:
        kind, rules, sent = _schema(parameters.declared, name)
    except _FAILURES:
        # Rare, so the parameters are tried one by one only now.
        parameters = replace(parameters, declared=tuple(_declarable(parameters.declared, name)))
        kind, rules, sent = _together(parameters, name)
    told: dict[str, Any] = {"name": name}
    if text := documented(function).description if description is None else description:
        told["description"] = text
    if rules["properties"]:
        told["parameters_json_schema"] = sent
    return Declared(FunctionDeclaration(**told), rules, parameters, adapter_of(kind))


def openapi_declaration(told: Mapping[str, Any], rules: Json | None = None) -> Json:
    """A declaration in Gemini's own schema language, as it stands on the wire.

    Args:
        told: A declaration as it stands on the wire.
        rules: The canonical schema of its arguments; made from the declaration when None.

    Raises:
        SchemaError: A parameter has no form in that language; the message names function and parameter.
    """
    made = {key: value for key, value in told.items() if key != "parametersJsonSchema"}
    if "parametersJsonSchema" not in told:
        return made
    try:
        rules = canonical(told["parametersJsonSchema"]) if rules is None else rules
        return {**made, "parameters": openapi_form(_typed(rules))}
    except SchemaError as error:
        message = error.message.replace(" (responseSchema)", "")
        raise SchemaError(f"The function {told.get('name')} cannot be declared: {message}", hint=error.hint) from None


def _schema(parameters: Sequence[Parameter], name: str) -> tuple[Any, Json, Json]:
    """The type of all arguments together, its canonical schema, and what is sent of it."""
    fields = {each.name: each.kind if each.is_required else NotRequired[each.kind] for each in parameters}
    make: Any = typing.TypedDict  # the fields are known at run time only
    kind = make(name, fields)
    rules = canonical(rules_of_type(kind))
    rules.pop("title", None)
    return kind, {"type": "object", "properties": {}, **rules}, json_form(rules)


def _together(parameters: Parameters, name: str) -> tuple[Any, Json, Json]:
    try:
        return _schema(parameters.declared, name)
    except _FAILURES as error:
        raise SchemaError(f"The parameters of {name}() cannot be declared together: {_reason(error)}.") from None


def _declarable(parameters: Sequence[Parameter], name: str) -> list[Parameter]:
    """The parameters without those that have a default and a type that no model can fill."""
    made = []
    for parameter in parameters:
        try:
            _check(parameter)
        except _FAILURES as error:
            if parameter.is_required:
                raise SchemaError(
                    f"The parameter {parameter.name!r} of {name}() cannot be filled by a model: {_reason(error)}.",
                    hint=_way_out(error),
                ) from None
        else:
            made.append(parameter)
    return made


def _check(parameter: Parameter) -> None:
    bare = parameter.kind
    while get_origin(bare) is typing.Annotated:
        bare = get_args(bare)[0]
    if bare is type or get_origin(bare) is type:
        raise TypeError("it takes a class")
    _schema([parameter], "arguments")


def _reason(error: Exception) -> str:
    """What a schema's error says, without the words of the library beneath."""
    words = str(getattr(error, "message", error)).partition("\n")[0].rstrip(".")
    head, found, _ = words.partition(" cannot be sent as a schema")
    return head.replace("'arguments.", "'") + " has no JSON form" if found else words


def _way_out(error: Exception) -> str:
    """What to do; an error that speaks of one place in a type knows better than we do here."""
    hint = getattr(error, "hint", "")
    return _WAY_OUT if not hint or "cannot be sent as a schema" in str(error) else hint


def _typed(node: Json) -> Json:
    """A canonical schema in which what may be any value is a text, a number or a truth value."""
    made = dict(node)
    for key in ("properties", "$defs"):
        if key in node:
            made[key] = {name: _typed(inner) for name, inner in node[key].items()}
    for key in ("anyOf", "prefixItems"):
        if key in node:
            made[key] = [_typed(inner) for inner in node[key]]
    if node.get("type") == "array" and not made.keys() & {"items", "prefixItems"}:
        made["items"] = {}
    if isinstance(made.get("items"), dict):
        made["items"] = _typed(made["items"])
    return made if made.keys() & _SHAPES else {**made, "type": _SIMPLE}


def _taken(rules: Json) -> str:
    """The arguments that there are, for somebody who has given others."""
    required = rules.get("required", ())
    names = [name if name in required else f"{name} (optional)" for name in rules["properties"]]
    return f"Its arguments are: {', '.join(names)}." if names else "It takes no arguments."


def _plain(value: Any, path: str, depth: int, faults: list[str]) -> Any:  # noqa: ANN401 - JSON
    """A copy of a JSON value, whole numbers written without a point; what is no JSON is among the faults."""
    if not isinstance(value, Mapping | list):
        return _scalar(value, path, faults)
    if depth > MAX_DEPTH:
        faults.append(f"{_ROOT.findall(path)[0]} is nested deeper than {MAX_DEPTH}")
        return None
    if isinstance(value, list):
        return [_plain(item, element(path, number), depth + 1, faults) for number, item in enumerate(value)]
    return {
        _text(name, path, faults): _plain(item, field(path, str(name)), depth + 1, faults)
        for name, item in value.items()
    }


def _scalar(value: Any, path: str, faults: list[str]) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, str):
        return _text(value, path, faults)
    if isinstance(value, float) and not math.isfinite(value):
        faults.append(f"{path} should be a finite number, not {value}")
    elif isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        return int(value)
    elif isinstance(value, int) and value.bit_length() > _MOST_BITS:
        faults.append(f"{path} is too large a number")
    elif value is not None and not isinstance(value, bool | int | float):
        faults.append(f"{path} is of the type {type(value).__name__}, which is no JSON")
    return value


def _text(value: Any, path: str, faults: list[str]) -> str:  # noqa: ANN401 - JSON
    try:
        str(value).encode()
    except UnicodeEncodeError:
        faults.append(f"{path} holds half of a character")
        return ""
    return str(value)
