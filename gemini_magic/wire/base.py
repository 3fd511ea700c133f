"""The base of every protocol model."""

from __future__ import annotations

from functools import cache
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class WireModel(BaseModel):
    """A piece of Gemini's REST protocol, open to fields and values it does not know.

    Names are snake_case here and camelCase on the wire; both are read. Fields that were never set are
    never written, and unknown fields are kept, so a parsed body dumps to what it was parsed from::

        GenerateContentResponse.model_validate_json(body).model_dump(by_alias=True, exclude_unset=True)

    Unless a field says otherwise, it is known to both the Gemini API (v1beta) and Vertex.
    """

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_alias=True,
        validate_by_name=True,
        serialize_by_alias=True,
        extra="allow",
        # A number where the protocol has a string (an id, an enum) is no reason to lose an answer.
        coerce_numbers_to_str=True,
        # Over a hundred models: each is built when it is first used, not when the package is imported.
        defer_build=True,
        hide_input_in_errors=True,
        protected_namespaces=(),
    )


Kind = TypeVar("Kind", bound=WireModel)
_set = object.__setattr__


def assembled(kind: type[Kind], values: dict[str, Any]) -> Kind:
    """A model of values that came out of models: `model_construct`, without asking each field for its default.

    Args:
        kind: The model; as all of this package, one that may have none of its fields.
        values: By their names in Python; names that the model does not know are kept, too.
    """
    unset, model = _unset(kind), kind.__new__(kind)
    extra = {} if values.keys() <= unset.keys() else {name: values[name] for name in values if name not in unset}
    known = {name: values[name] for name in values if name not in extra} if extra else values
    _set(model, "__dict__", {**unset, **known})
    _set(model, "__pydantic_fields_set__", set(known))
    _set(model, "__pydantic_extra__", extra)
    _set(model, "__pydantic_private__", None)
    return model


@cache
def _unset(kind: type[WireModel]) -> dict[str, None]:
    return dict.fromkeys(kind.model_fields)
