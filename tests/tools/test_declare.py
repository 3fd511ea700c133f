from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import functools
import math
import typing
from decimal import Decimal
from typing import Annotated, Any, Literal, NotRequired, Optional, Unpack
from uuid import UUID

import jsonschema
import pandas as pd  # noqa: TC002 - annotations are read when the tests run
import pytest
from pydantic import BaseModel, Field

from gemini_magic.exceptions import InputError, SchemaError
from gemini_magic.tools.declare import declaration, declared, openapi_declaration


class Unit(enum.Enum):
    CELSIUS = "c"
    FAHRENHEIT = "f"


@dataclasses.dataclass
class Place:
    lat: float
    lon: float = 0.0


class Trip(typing.TypedDict):
    start: str
    end: NotRequired[str]


class Person(BaseModel):
    """Somebody."""

    name: str = Field(description="in full")
    boss: Optional[Person] = None  # noqa: UP045 - the spelling is tested too


def properties(function: Any) -> dict[str, Any]:
    schema = declaration(function).parameters_json_schema
    jsonschema.Draft202012Validator.check_schema(schema)
    found: dict[str, Any] = schema["properties"]
    return found


def required(function: Any) -> list[str]:
    found: list[str] = declaration(function).parameters_json_schema.get("required", [])
    return found


def test_a_function_is_declared_by_its_name_docstring_and_types() -> None:
    def get_weather(city: str, days: int = 3) -> str:
        """Find the weather of a city.

        Args:
            city: The city's name.
            days: How many days ahead.
        """
        return city * days

    assert declaration(get_weather).model_dump(by_alias=True, exclude_unset=True) == {
        "name": "get_weather",
        "description": "Find the weather of a city.",
        "parametersJsonSchema": {
            "type": "object",
            "properties": {
                "city": {"type": "string", "description": "The city's name."},
                "days": {"type": "integer", "description": "How many days ahead. Default: 3."},
            },
            "required": ["city"],
        },
    }


def test_a_function_without_parameters_is_declared_without_a_schema() -> None:
    def now() -> str:
        """Tell the time."""
        return ""

    told = declaration(now).model_dump(by_alias=True, exclude_unset=True)
    assert told == {"name": "now", "description": "Tell the time."}
    assert openapi_declaration(told) == told


@pytest.mark.parametrize(
    ("kind", "shape"),
    [
        (str, {"type": "string"}),
        (bool, {"type": "boolean"}),
        (float, {"type": "number"}),
        (Literal["a", "b"], {"type": "string", "enum": ["a", "b"]}),
        (Unit, {"$ref": "#/$defs/Unit"}),
        (int | None, {"anyOf": [{"type": "integer"}, {"type": "null"}]}),
        (list[int], {"type": "array", "items": {"type": "integer"}}),
        (dict[str, float], {"type": "object", "additionalProperties": {"type": "number"}}),
        (tuple[int, str], {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}]}),
        (set[str], {"type": "array", "items": {"type": "string"}, "description": "No element comes twice."}),
        (dt.date, {"type": "string", "format": "date"}),
        (dt.datetime, {"type": "string", "format": "date-time"}),
        (Decimal, {"type": "number"}),
        (UUID, {"type": "string", "description": "Format: uuid."}),
        (Place, {"$ref": "#/$defs/Place"}),
        (Trip, {"$ref": "#/$defs/Trip"}),
        (Person, {"$ref": "#/$defs/Person"}),
        (Annotated[int, Field(ge=1, le=9)], {"type": "integer", "minimum": 1, "maximum": 9}),
        (Annotated[str, "in English"], {"type": "string", "description": "in English"}),
        (Annotated[str, Field(description="in English")], {"type": "string", "description": "in English"}),
        (Optional[Annotated[str, "in English"]], None),  # noqa: UP045 - the spelling is tested too
    ],
    ids=str,
)
def test_types_are_declared(kind: Any, shape: dict[str, Any] | None) -> None:
    def call(value: Any) -> None: ...

    call.__annotations__ = {"value": kind}
    found = properties(call)["value"]
    if shape is None:
        assert found["description"] == "in English"
        return
    assert {key: found[key] for key in shape} == shape


def test_a_models_own_words_are_kept() -> None:
    def greet(who: Annotated[Person, "whom to greet"]) -> None: ...

    schema = declaration(greet).parameters_json_schema
    assert schema["properties"]["who"]["description"] == "whom to greet"
    assert schema["$defs"]["Person"]["properties"]["name"]["description"] == "in full"


def test_words_beside_the_type_win_over_the_docstring() -> None:
    def call(city: Annotated[str, "beside"], day: str) -> None:
        """Call.

        Args:
            city: in the docstring
            day: in the docstring
        """

    found = properties(call)
    assert (found["city"]["description"], found["day"]["description"]) == ("beside", "in the docstring")


@pytest.mark.parametrize(
    ("default", "shape"),
    [
        ("c", {"type": "string", "description": 'Default: "c".'}),
        (1, {"type": "number", "description": "Default: 1."}),
        (0.5, {"type": "number", "description": "Default: 0.5."}),
        (True, {"type": "boolean", "description": "Default: true."}),
        (None, {"description": "Any JSON value."}),
        (object(), {"description": "Any JSON value."}),
        ([], {"type": "array", "items": {}, "description": "Default: []."}),
        (Unit.CELSIUS, {"type": "string", "title": "Unit", "enum": ["c", "f"], "description": 'Default: "c".'}),
    ],
    ids=str,
)
def test_a_default_says_what_an_unannotated_parameter_takes(default: Any, shape: dict[str, Any]) -> None:
    def call(value=default): ...

    assert properties(call)["value"] == shape
    assert required(call) == []


def test_an_unannotated_parameter_has_the_type_of_the_docstring_or_any() -> None:
    def call(city, days, rest):
        """Call.

        Args:
            city (str): Where.
            days (int): How many.
            rest (whatever): What else.
        """

    assert properties(call) == {
        "city": {"type": "string", "description": "Where."},
        "days": {"type": "integer", "description": "How many."},
        "rest": {"description": "What else. Any JSON value."},
    }
    told = declaration(call).model_dump(by_alias=True, exclude_unset=True)
    kinds = openapi_declaration(told)["parameters"]["properties"]["rest"]["anyOf"]
    assert [kind["type"] for kind in kinds] == ["STRING", "NUMBER", "BOOLEAN"]


def test_a_default_of_none_lets_the_model_say_null() -> None:
    def call(city: str = None) -> None: ...  # noqa: RUF013

    assert properties(call)["city"] == {"anyOf": [{"type": "string"}, {"type": "null"}]}


def test_what_a_field_says_holds_beside_a_default_of_none() -> None:
    def call(days: Annotated[int, "how many", Field(gt=2, alias="number")] = None) -> None: ...  # noqa: RUF013

    found = properties(call)["number"]
    assert found["description"] == "how many"
    assert found["anyOf"] == [{"type": "integer", "minimum": 3}, {"type": "null"}]


def test_a_pydantic_field_can_stand_in_the_place_of_the_default() -> None:
    def call(city: str = Field(description="where"), days: int = Field(3, ge=1)) -> None: ...

    assert properties(call)["city"] == {"type": "string", "description": "where"}
    assert properties(call)["days"] == {"type": "integer", "minimum": 1, "description": "Default: 3."}
    assert required(call) == ["city"]


def test_secrets_among_the_defaults_are_not_told() -> None:
    def call(
        q: str, api_key: str = "hunter2", header: str = "AIza" + "Sy" + "aB1cD2eF3gH4iJ5kL6mN7oP8qR9sT0uV1"
    ) -> None: ...

    told = str(declaration(call))
    assert "hunter2" not in told
    assert "AIza" not in told


def test_private_parameters_with_defaults_are_left_out() -> None:
    def call(q: str, _cache: str = "") -> None: ...

    assert list(properties(call)) == ["q"]


def test_what_a_partial_has_fixed_is_left_out() -> None:
    def call(unit: str, city: str, key: str, day: int = 1) -> None:
        """Call."""

    told = declaration(functools.partial(call, "c", key="k"))
    assert (told.name, told.description) == ("call", "Call.")
    assert list(told.parameters_json_schema["properties"]) == ["city", "day"]


def test_a_default_whose_type_has_no_schema_is_left_out() -> None:
    def call(q: str, frame: pd.DataFrame | None = None, key=len, kind: type[int] = int) -> None: ...

    assert list(properties(call)) == ["q"]


def test_methods_of_all_kinds_are_declared_without_self() -> None:
    class Station:
        """A station."""

        def near(self, city: str) -> None:
            """Near."""

        @classmethod
        def best(cls, city: str) -> None:
            """Best."""

        @staticmethod
        def any(city: str) -> None:
            """Any."""

        def __call__(self, city: str) -> None: ...

    for function, name, words in [
        (Station().near, "near", "Near."),
        (Station.best, "best", "Best."),
        (Station.any, "any", "Any."),
        (Station(), "Station", "A station."),
        (functools.lru_cache(Station().near), "near", "Near."),
    ]:
        told = declaration(function)
        assert (told.name, told.description) == (name, words)
        assert list(told.parameters_json_schema["properties"]) == ["city"]


def test_a_method_without_its_object_is_an_error() -> None:
    class Station:
        def near(self, city: str) -> None: ...

    with pytest.raises(InputError, match=r"near\(\) is a method, and its 'self' is not known.*thing\.near"):
        declaration(Station.near)


def test_further_arguments_are_declared_where_they_have_a_shape() -> None:
    def call(*names: str, **options: Unpack[Trip]) -> None: ...
    def other(*pair: *tuple[int, str], **weights: float) -> None: ...

    assert {name: shape["type"] for name, shape in properties(call).items()} == {
        "names": "array",
        "start": "string",
        "end": "string",
    }
    assert required(call) == ["start"]
    assert properties(other)["pair"]["prefixItems"] == [{"type": "integer"}, {"type": "string"}]
    assert properties(other)["weights"]["additionalProperties"] == {"type": "number"}


@pytest.mark.parametrize("star", ["*", "**"])
def test_further_arguments_without_a_shape_are_an_error(star: str) -> None:
    scope: dict[str, Any] = {}
    exec(f"def call({star}more): ...", scope)  # noqa: S102 - our own words
    with pytest.raises(SchemaError, match=rf"call\(\) takes \{star}.*more, of which nothing is known"):
        declaration(scope["call"])


def test_two_parameters_of_one_name_are_an_error() -> None:
    def call(start: int, /, **options: Unpack[Trip]) -> None: ...

    with pytest.raises(SchemaError, match=r"call\(\) has two parameters called 'start'"):
        declaration(call)


def test_a_type_without_a_schema_is_an_error_that_names_the_parameter() -> None:
    def look(q: str, frames: dict[str, list[pd.DataFrame]]) -> None: ...

    with pytest.raises(SchemaError) as caught:
        declaration(look)
    assert "The parameter 'frames' of look() cannot be filled by a model: 'frames[]' is DataFrame, which has no" in str(
        caught.value
    )
    assert "default" in caught.value.hint
    assert "arbitrary_types" not in str(caught.value)


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        ("Nope", "NameError: name 'Nope' is not defined"),
        ("list[Nope]", "NameError"),
        ("the city's name", "SyntaxError"),
        ("pd.Nope", "AttributeError"),
        (3, "is 3, which is no type"),
        ([str], "which is no type"),
    ],
)
def test_a_type_that_does_not_resolve_is_an_error_that_names_the_parameter(annotation: Any, words: str) -> None:
    def call(city: Any) -> None: ...

    call.__annotations__ = {"city": annotation, "return": "NeverThere"}
    with pytest.raises(SchemaError, match=r"The type of the parameter 'city' of call\(\)") as caught:
        declaration(call)
    assert words in str(caught.value)


def test_names_around_a_function_resolve_where_it_uses_them() -> None:
    class Mood(enum.Enum):
        GOOD = "good"

    def tell(mood: Mood) -> Mood:
        return Mood(mood)

    def lost(mood: Mood) -> None: ...

    assert properties(tell)["mood"] == {"$ref": "#/$defs/Mood"}
    with pytest.raises(SchemaError, match=r"'mood' of lost\(\) does not resolve: NameError.*top level"):
        declaration(lost)


def test_what_hides_its_signature_is_an_error() -> None:
    with pytest.raises(InputError, match=r"int\(\) does not say which parameters it has"):
        declaration(int)


def test_functions_written_in_c_are_declared() -> None:
    assert list(properties(math.sqrt)) == ["x"]


def test_a_decorator_that_keeps_the_name_keeps_the_signature() -> None:
    def call(when: dt.date) -> None:
        """Call."""

    @functools.wraps(call)
    def around(*args: Any, **kwargs: Any) -> None: ...

    assert properties(around) == {"when": {"type": "string", "format": "date"}}
    assert declaration(around).description == "Call."


def test_gemini_s_own_language_keeps_what_json_schema_says_in_words() -> None:
    def call(code: Annotated[str, Field(pattern="^[A-Z]+$", max_length=3)], unit: Unit = Unit.CELSIUS) -> None: ...

    made = declared(call, "call")
    told = made.declaration.model_dump(by_alias=True, exclude_unset=True)
    assert "pattern" not in told["parametersJsonSchema"]["properties"]["code"]
    old = openapi_declaration(told, made.rules)
    assert "parametersJsonSchema" not in old
    assert old["parameters"]["properties"]["code"] == {"type": "STRING", "maxLength": 3, "pattern": "^[A-Z]+$"}
    assert old["parameters"]["properties"]["unit"]["enum"] == ["c", "f"]


def test_what_gemini_s_own_language_cannot_say_names_function_and_parameter() -> None:
    def call(weights: dict[str, float]) -> None: ...

    told = declaration(call).model_dump(by_alias=True, exclude_unset=True)
    with pytest.raises(SchemaError, match="The function call cannot be declared: 'weights' is an object of any names"):
        openapi_declaration(told)


def test_a_shape_within_itself_is_declared_where_it_may_end() -> None:
    def call(who: Person) -> None: ...

    schema = declaration(call).parameters_json_schema
    assert jsonschema.Draft202012Validator(schema).is_valid({"who": {"name": "a", "boss": {"name": "b"}}})


class Loop(BaseModel):
    again: Loop


def test_a_shape_that_never_ends_is_an_error_that_says_where() -> None:
    def call(loop: Loop) -> None: ...

    with pytest.raises(SchemaError, match=r"'loop' of call\(\).*'Loop\.again' leads back to Loop.*a default"):
        declaration(call)
