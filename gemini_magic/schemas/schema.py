"""What an answer must look like: what is sent to the model, how its text is read, and the columns it fills."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, NoReturn

from pydantic import ValidationError
from pydantic_core import PydanticSerializationError, to_json

from gemini_magic.exceptions import InvalidJSON, SchemaError, SchemaMismatch
from gemini_magic.schemas import json_text
from gemini_magic.schemas.checks import Check
from gemini_magic.schemas.columns import Column, has_names
from gemini_magic.schemas.faults import mismatch, worded
from gemini_magic.schemas.fitting import allowed_kinds, mended, plain_answer, whole_answer
from gemini_magic.schemas.openapi import openapi_form
from gemini_magic.schemas.tree import PYTHON_NAME, Json

if TYPE_CHECKING:
    from pydantic import TypeAdapter


_BARE = frozenset({"string", "null"})


@dataclass(frozen=True, eq=False)
class Schema:
    """What an answer must look like; made by `schema_of`.

    Values are instances where there is a Python class, and dicts, lists and scalars otherwise. A schema pickles. One
    whose class cannot be imported elsewhere, such as a class of a notebook, arrives there as the same schema without a
    class: it accepts the same JSON and gives plain values with the same names, but the class's own validators are left
    to `revive`.

    Attributes:
        name: What to call it.
        is_list: Whether a whole answer is an array of it.
        columns: The columns that one object fills; one column ``value`` when it has no names.
        json_schema: What is sent as ``responseJsonSchema``.
        rules: What answers are checked against; it says more than models can be told.
        kind: The Python type behind it, or None.
    """

    name: str
    is_list: bool
    columns: tuple[Column, ...]
    json_schema: Json = field(repr=False)
    rules: Json = field(repr=False)
    kind: Any = field(default=None, repr=False)

    def __eq__(self, other: object) -> bool:
        """Schemas are equal when the same is sent and the same comes back."""
        if not isinstance(other, Schema):
            return NotImplemented
        return (self.rules, self.is_list, self.kind) == (other.rules, other.is_list, other.kind)

    def __hash__(self) -> int:
        """By what is sent."""
        return hash(self.digest)

    def __reduce__(self) -> tuple[Any, ...]:
        """The class by its import path where that leads to it, and all else as it is."""
        plain = (self.name, self.is_list, self.columns, self.json_schema, self.rules)
        return (_rebuilt, (plain, _importable(self.kind)))

    @cached_property
    def digest(self) -> str:
        """Of what is sent to the model, order included, and of what the answer is checked against."""
        text = json.dumps([self.json_schema, self.rules, self.is_list], separators=(",", ":"), default=str)
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

    def config(self, *, form: str = "json") -> dict[str, Any]:
        """The fields of ``generationConfig`` that ask for this schema.

        Args:
            form: ``"json"`` for ``responseJsonSchema``, ``"openapi"`` for ``responseSchema``.

        Raises:
            SchemaError: Something in it has no form in Gemini's older schema language.
        """
        if form == "json":
            return {"responseMimeType": "application/json", "responseJsonSchema": self.json_schema}
        if form != "openapi":
            raise ValueError(f"form is 'json' or 'openapi', not {form!r}")
        return {"responseMimeType": "application/json", "responseSchema": self._openapi}

    def read(self, text: str) -> Any:  # noqa: ANN401 - whatever the schema describes
        """The value in the text of an answer.

        Raises:
            InvalidJSON: There is no JSON in it, or broken or ambiguous JSON.
            SchemaMismatch: The JSON does not fit; the message names the places.
        """
        value = whole_answer(self._found(text), self.rules)
        return self._validated(mended(value, self.rules, self._defs), by_name=False)

    def plain(self, value: Any) -> Any:  # noqa: ANN401 - whatever the schema describes
        """A value of this schema as JSON, with the names that Python has for its fields.

        Raises:
            SchemaMismatch: The value cannot be written as JSON.
        """
        if self._adapter is None:
            return value
        try:
            text = self._adapter.dump_json(value, by_alias=False, round_trip=True, fallback=str, warnings=False)
        except (PydanticSerializationError, UnicodeDecodeError, ValueError, TypeError) as error:
            words = str(error).partition("\n")[0]
            raise SchemaMismatch(f"A value of {self.name} cannot be written as JSON: {words}.") from error
        return mended(json.loads(text), self._named_rules, self._named_rules.get("$defs", {}))

    def revive(self, plain: Any) -> Any:  # noqa: ANN401 - whatever the schema describes
        """The value that `plain` wrote; validators run again.

        Raises:
            SchemaMismatch: It does not fit the schema, such as one written by an older version of the class.
        """
        return plain if self._adapter is None else self._validated(plain, by_name=True)

    def rows(self, plain: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - whatever the schema describes
        """The rows of columns that a plain value fills: one, or one for each element where the answer is a list."""
        items = plain if self.is_list else [plain]
        named = has_names(self.rules, is_list=self.is_list)
        return [item if named and isinstance(item, dict) else {self.columns[0].name: item} for item in items]

    @property
    def _defs(self) -> Json:
        defs: Json = self.rules.get("$defs", {})
        return defs

    @cached_property
    def _adapter(self) -> TypeAdapter[Any] | None:
        from gemini_magic.schemas.python_types import adapter_of  # noqa: PLC0415 - not for plain schemas

        return None if self.kind is None else adapter_of(self.kind)

    @cached_property
    def _check(self) -> Check:
        return Check(self.rules)

    @cached_property
    def _openapi(self) -> Json:
        return openapi_form(self.rules)

    @cached_property
    def _named_rules(self) -> Json:
        return _with_python_names(self.rules)

    @cached_property
    def _wanted(self) -> tuple[str, bool]:
        """Whether an object or an array is wanted, if not either, and whether a bare word will do."""
        kinds = allowed_kinds(self.rules, self._defs)
        structures = kinds & {"object", "array"}
        return next(iter(structures)) if len(structures) == 1 else "", kinds <= _BARE

    def _found(self, text: str) -> Any:  # noqa: ANN401 - JSON
        wanted, is_bare = self._wanted
        word = json_text.unfenced(text) if is_bare else ""
        try:
            value = json_text.find(text, wanted)
        except InvalidJSON:
            # A model that was not made to write JSON gives a word as a word.
            if word[:1] in {"", '"', "{", "["}:
                raise
            return word
        return word if word and isinstance(value, int | float) else value

    def _validated(self, value: Any, *, by_name: bool) -> Any:  # noqa: ANN401 - JSON
        if self._adapter is None:
            return self._checked(value)
        try:
            return self._adapter.validate_json(_as_json(value), strict=True, by_name=by_name, by_alias=not by_name)
        except ValidationError as error:
            raise mismatch(self.name, worded(error, value)) from None
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 - somebody else's validator
            self._broke(error)

    def _checked(self, value: Any) -> Any:  # noqa: ANN401 - JSON
        faults = list(self._check.faults(value))
        if faults:
            raise mismatch(self.name, faults)
        return plain_answer(value, self.rules, self._defs, self._check.fits)

    def _broke(self, error: Exception) -> NoReturn:
        raise SchemaMismatch(
            f"A validator of {self.name} raised {type(error).__name__}: {str(error)[:200]}."
        ) from error


def _as_json(value: Any) -> bytes | str:  # noqa: ANN401 - JSON
    try:
        return to_json(value)
    except (ValueError, RecursionError):  # half a character, or what is nested deeper than that writer goes
        return json.dumps(value)


def _with_python_names(node: Json) -> Json:
    made = dict(node)
    if "$defs" in node:
        made["$defs"] = {name: _with_python_names(shape) for name, shape in node["$defs"].items()}
    if "properties" in node:
        names = {name: shape.get(PYTHON_NAME, name) for name, shape in node["properties"].items()}
        made["properties"] = {names[name]: _with_python_names(shape) for name, shape in node["properties"].items()}
        made["required"] = [names[name] for name in node.get("required", ())]
    for key in ("items", "additionalProperties"):
        if isinstance(node.get(key), dict):
            made[key] = _with_python_names(node[key])
    for key in ("anyOf", "prefixItems"):
        if key in node:
            made[key] = [_with_python_names(inner) for inner in node[key]]
    return made


class _Importing(pickle.Pickler):
    """Pickles a type, but no class that only this process knows."""

    def reducer_override(self, obj: Any) -> Any:  # noqa: ANN401 - pickle's own signature
        """Refuse the classes of a notebook or a script."""
        if isinstance(obj, type) and obj.__module__ in {"__main__", "__mp_main__"}:
            raise pickle.PicklingError(f"{obj.__name__} cannot be imported elsewhere")
        return NotImplemented


def _importable(kind: Any) -> bytes:  # noqa: ANN401 - any type expression
    if kind is None:
        return b""
    written = io.BytesIO()
    try:
        _Importing(written).dump(kind)
    except (pickle.PicklingError, AttributeError, TypeError):
        return b""
    return written.getvalue()


def _rebuilt(plain: tuple[Any, ...], written: bytes) -> Schema:
    try:
        kind = pickle.loads(written) if written else None  # noqa: S301 - a part of the pickle that is being read
    except (ImportError, AttributeError):
        kind = None
    name, is_list, columns, json_schema, rules = plain
    return Schema(name, is_list, columns, json_schema, rules, kind)


def refuse(value: object) -> NoReturn:
    """Say that a value is no schema, and what would be one.

    Raises:
        SchemaError: Always.
    """
    kind, shown = type(value), repr(value)
    hint = (
        "Take a pydantic model, a dataclass, a TypedDict, a Literal or an Enum, list[…] of one of these, "
        "a JSON Schema, a text such as 'name, age int, tags[]', or a dataframe with the columns you want."
    )
    if hasattr(kind, "model_fields") or hasattr(kind, "__dataclass_fields__"):
        hint = f"Give the class {kind.__name__} itself."
    raise SchemaError(f"{shown if len(shown) <= 80 else shown[:79] + '…'} is no schema.", hint=hint)  # noqa: PLR2004
