"""The base of every protocol model."""

from __future__ import annotations

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
