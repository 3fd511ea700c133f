from __future__ import annotations

import asyncio
import copy
import dataclasses
import datetime as dt
import enum
import functools
import inspect
import math
import pickle
import subprocess
import sys
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Literal, Unpack
from uuid import UUID

import cloudpickle
import pytest
from pydantic import AfterValidator, BaseModel, Field
from typing_extensions import TypedDict

from gemini_magic.exceptions import InputError, ToolError
from gemini_magic.tools import Tool, tool

if TYPE_CHECKING:
    from types import ModuleType


class Unit(enum.Enum):
    CELSIUS = "c"
    FAHRENHEIT = "f"


@dataclasses.dataclass
class Place:
    lat: float
    lon: float = 0.0


class Person(BaseModel):
    name: str
    born: dt.date | None = None


class Span(TypedDict, total=False):
    start: int
    end: int


def get_weather(city: str, days: int = 3, *, unit: Unit = Unit.CELSIUS) -> str:
    """Find the weather of a city."""
    return f"{city} {days} {unit.value}"


def called(function: Any, args: dict[str, Any]) -> Any:
    bound = Tool.of(function).bind(args)
    return function(*bound.args, **bound.kwargs)


def refused(function: Any, args: Any) -> str:
    with pytest.raises(ToolError) as caught:
        Tool.of(function).bind(args)
    return str(caught.value)


# The decorator


def test_a_decorated_function_is_a_tool_that_is_called_like_the_function() -> None:
    @tool
    def add(a: int, b: int = 2) -> int:
        """Add."""
        return a + b

    assert isinstance(add, Tool)
    assert add(1) == add(a=1, b=2) == 3
    assert (add.__name__, add.__doc__, add.__module__) == ("add", "Add.", __name__)
    assert add.__wrapped__ is add.function
    assert str(inspect.signature(add)) == "(a: 'int', b: 'int' = 2) -> 'int'"
    assert (add.name, add.description) == ("add", "Add.")
    assert (add.read_only, add.approve, add.seconds, add.max_bytes) == (False, None, 30.0, 65536)


def test_the_decorator_takes_names_and_rules() -> None:
    @tool(name="plus", description="Adds.", read_only=True, approve="always", seconds=None, max_bytes=10)
    def add(a: int) -> int:
        return a

    assert (add.name, add.description, add.declaration.name) == ("plus", "Adds.", "plus")
    assert (add.read_only, add.approve, add.seconds, add.max_bytes) == (True, "always", None, 10)
    assert add.declaration.description == "Adds."
    assert repr(add) == "<Tool plus: read only, approve=always>"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"name": "get weather"}, "'get weather' is no name"),
        ({"name": "größe"}, "no name"),
        ({"name": "1st"}, "starts with a letter"),
        ({"name": "a" * 65}, "up to 64"),
        ({"name": ""}, "no name"),
        ({"description": 3}, "description=3 is no text"),
        ({"approve": "yes"}, "approve='yes' is not known; it takes 'ask', 'always', 'never' or None"),
        ({"approve": True}, "approve=True"),
        ({"seconds": 0}, "seconds=0 is no time"),
        ({"seconds": -1.0}, "seconds=-1.0"),
        ({"seconds": math.nan}, "seconds=nan"),
        ({"seconds": math.inf}, "None for no limit"),
        ({"seconds": "5"}, "seconds='5'"),
        ({"seconds": True}, "seconds=True"),
        ({"max_bytes": 0}, "max_bytes=0 is no size"),
        ({"max_bytes": 1.5}, "max_bytes=1.5"),
    ],
)
def test_a_setting_that_cannot_be_is_an_error_at_once(values: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError) as caught:
        tool(**values)
    assert words in str(caught.value)


def test_a_lambda_needs_a_name() -> None:
    with pytest.raises(InputError, match=r'gm\.tool\(name="…"\)'):
        Tool.of(lambda city: city)
    assert tool(name="look")(lambda city: city).declaration.name == "look"


@pytest.mark.parametrize("value", [3, None, "get_weather", [get_weather]])
def test_what_cannot_be_called_is_no_tool(value: Any) -> None:
    with pytest.raises(InputError, match="is no function"):
        Tool.of(value)


def test_a_class_is_no_tool() -> None:
    with pytest.raises(InputError, match="Person is a class"):
        Tool.of(Person)


def test_a_tool_stays_a_tool_and_can_be_given_other_rules() -> None:
    first = tool(get_weather, name="weather", description="Tell.")
    assert Tool.of(first) is first
    second = tool(first, approve="never")
    assert (second.name, second.description, second.function) == ("weather", "Tell.", get_weather)
    assert second.approve == "never"
    assert second != first
    assert tool(get_weather) == tool(get_weather)
    assert hash(tool(get_weather)) == hash(tool(get_weather))


def test_an_async_function_stays_awaitable() -> None:
    @tool
    async def slow(city: str) -> str:
        return city

    assert asyncio.run(slow("Paris")) == "Paris"
    assert asyncio.run(called(slow, {"city": "Rome"})) == "Rome"


class Station:
    def __init__(self, name: str) -> None:
        self.name = name

    @tool(read_only=True)
    def near(self, city: str) -> str:
        """Near."""
        return f"{self.name}: {city}"

    @classmethod
    @tool
    def best(cls, city: str) -> str:
        return f"{cls.__name__}: {city}"

    @tool
    @classmethod
    def first(cls, city: str) -> str:
        return f"{cls.__name__}: {city}"

    @staticmethod
    @tool
    def any(city: str) -> str:
        return city

    @tool
    @staticmethod
    def some(city: str) -> str:
        return city


def test_the_decorator_works_on_methods() -> None:
    station = Station("north")
    for bound, answer in [
        (station.near, "north: Paris"),
        (Station.best, "Station: Paris"),
        (Station.first, "Station: Paris"),
        (station.first, "Station: Paris"),
        (Station.any, "Paris"),
        (Station.some, "Paris"),
        (station.some, "Paris"),
    ]:
        offered = Tool.of(bound)
        assert list(offered.declaration.parameters_json_schema["properties"]) == ["city"]
        assert bound("Paris") == called(offered, {"city": "Paris"}) == answer
    assert station.near.read_only
    assert Station.near is Station.__dict__["near"]


def test_a_method_that_holds_a_tool_is_that_tool() -> None:
    method = type(Station("x").__init__)(Station.__dict__["near"], Station("south"))
    offered = Tool.of(method)
    assert offered.read_only
    assert called(offered, {"city": "Rome"}) == "south: Rome"


# Arguments


def test_arguments_become_what_the_function_is_called_with() -> None:
    bound = Tool.of(get_weather).bind({"unit": "f", "city": "Paris"})
    assert bound == ((), {"city": "Paris", "unit": Unit.FAHRENHEIT})
    args, kwargs = bound
    assert get_weather(*args, **kwargs) == "Paris 3 f"


@pytest.mark.parametrize(
    ("kind", "given", "value"),
    [
        (float, 3, 3.0),
        (int, 3.0, 3),
        (Any, [1, {"a": None}], [1, {"a": None}]),
        (Decimal, 1.5, Decimal("1.5")),
        (dt.date, "2026-05-31", dt.date(2026, 5, 31)),
        (dt.datetime, "2026-05-31T12:00:00Z", dt.datetime(2026, 5, 31, 12, tzinfo=dt.UTC)),
        (UUID, "12345678-1234-5678-1234-567812345678", UUID("12345678-1234-5678-1234-567812345678")),
        (Unit, "c", Unit.CELSIUS),
        (Place, {"lat": 1}, Place(1.0)),
        (Person, {"name": "Ada", "born": "1815-12-10"}, Person(name="Ada", born=dt.date(1815, 12, 10))),
        (list[Person], [{"name": "Ada"}], [Person(name="Ada")]),
        (tuple[int, str], [1, "a"], (1, "a")),
        (set[int], [1, 2], {1, 2}),
        (int | None, None, None),
        (Literal["a", 1], 1, 1),
        (Annotated[int, AfterValidator(lambda number: number + 1)], 1, 2),
    ],
    ids=str,
)
def test_json_becomes_values_of_the_type(kind: Any, given: Any, value: Any) -> None:
    def call(x: Any) -> Any:
        return x

    call.__annotations__ = {"x": kind}
    found = called(call, {"x": given})
    assert found == value
    assert type(found) is type(value)


def test_arguments_are_copies() -> None:
    def call(rows: list, extra): ...

    given = {"rows": [[1]], "extra": {"a": []}}
    bound = Tool.of(call).bind(given)
    bound.kwargs["rows"][0].append(2)
    bound.kwargs["extra"]["a"].append(3)
    assert given == {"rows": [[1]], "extra": {"a": []}}


def test_arguments_reach_parameters_of_every_kind() -> None:
    def call(a: int, b: int = 2, /, c: int = 3, *rest: int, d: int = 4, **more: int) -> tuple[Any, ...]:
        return (a, b, c, rest, d, more)

    assert called(call, {"a": 1}) == (1, 2, 3, (), 4, {})
    assert called(call, {"a": 1, "c": 9}) == (1, 2, 9, (), 4, {})
    assert called(call, {"a": 1, "rest": [7, 8], "d": 5}) == (1, 2, 3, (7, 8), 5, {})
    assert called(call, {"a": 1, "b": 0, "more": {"z": 6}}) == (1, 0, 3, (), 4, {"z": 6})


def test_a_later_argument_by_place_brings_the_defaults_before_it() -> None:
    marker = object()

    def call(a: Any = marker, b: int = 2, /) -> tuple[Any, ...]:
        return (a, b)

    assert called(call, {"b": 3}) == (marker, 3)


def test_further_names_cannot_take_the_place_of_others() -> None:
    def call(a: int = 1, **more: int) -> tuple[Any, ...]:
        return (a, more)

    assert called(call, {"more": {"b": 2}}) == (1, {"b": 2})
    assert "more.a is a name that is taken" in refused(call, {"more": {"a": 2}})
    assert "more.b is a name that is taken" in refused(functools.partial(call, b=1), {"more": {"b": 2}})


def test_a_typed_dict_of_further_names_is_given_by_name() -> None:
    def call(**span: Unpack[Span]) -> Span:
        return span

    assert called(call, {"end": 3}) == {"end": 3}


def test_a_partial_keeps_what_it_has_fixed() -> None:
    part = functools.partial(get_weather, "Oslo", unit=Unit.FAHRENHEIT)
    assert called(part, {"days": 1}) == "Oslo 1 f"
    assert '"unit" is no argument of it' in refused(part, {"unit": "c"})


def test_a_field_in_the_place_of_a_default_gives_the_default() -> None:
    def call(days: int = Field(3, ge=1)) -> int:
        return days

    assert called(call, {}) == 3
    assert "days should be greater than or equal to 1, not 0" in refused(call, {"days": 0})


def test_all_faults_are_told_at_once() -> None:
    message = refused(get_weather, {"citty": "Paris", "days": "3", "unit": "k"})
    assert message == (
        "get_weather was not called: \"citty\" is no argument of it (did you mean 'city'?); city is missing; "
        "days should be a valid integer, not \"3\"; unit should be 'c' or 'f', not \"k\". "
        "Its arguments are: city, days (optional), unit (optional)."
    )


@pytest.mark.parametrize(
    ("kind", "given", "words"),
    [
        (int, "3", 'x should be a valid integer, not "3"'),
        (int, True, "x should be a valid integer, not true"),
        (int, 3.5, "x should be a valid integer, not 3.5"),
        (int, None, "x should be a valid integer, not null"),
        (str, 3, "x should be a valid string, not 3"),
        (bool, "true", 'x should be a valid boolean, not "true"'),
        (float, math.nan, "x should be a finite number, not nan"),
        (Any, [1, {"a": -math.inf}], "x[1].a should be a finite number, not -inf"),
        (dt.date, "tomorrow", "x should be a valid date"),
        (list[int], [1, "b"], 'x[1] should be a valid integer, not "b"'),
        (Person, {"nam": "Ada"}, "x.name is missing"),
        (Place, {"lat": "north"}, 'x.lat should be a valid number, not "north"'),
        (Annotated[int, Field(le=9)], 10, "x should be less than or equal to 9, not 10"),
        (Any, (1, 2), "x is of the type tuple, which is no JSON"),
        (Any, b"\x00", "x is of the type bytes"),
        (str, "\ud800", "x holds half of a character"),
        (Any, {"\ud800": 1}, "x holds half of a character"),
        (int, 10**5000, "x is too large a number"),
    ],
    ids=lambda value: repr(value) if not isinstance(value, int) else type(value).__name__,
)
def test_a_wrong_argument_is_named_with_what_is_expected(kind: Any, given: Any, words: str) -> None:
    def call(x: Any) -> None: ...

    call.__annotations__ = {"x": kind}
    message = refused(call, {"x": given})
    assert message.startswith("call was not called: ")
    assert words in message
    assert message.endswith("Its arguments are: x.")


def test_arguments_that_are_no_object_are_refused() -> None:
    for args in ([1], "city", None, 3):
        assert "the arguments should be an object" in refused(get_weather, args)


def test_arguments_for_a_function_without_any_are_refused() -> None:
    def now() -> str:
        return "now"

    assert called(now, {}) == "now"
    assert refused(now, {"zone": "UTC"}) == ('now was not called: "zone" is no argument of it. It takes no arguments.')


def test_more_than_a_megabyte_is_refused() -> None:
    def call(text: str) -> int:
        return len(text)

    assert called(call, {"text": "x" * 999_000}) == 999_000
    assert "the arguments are 1,000,012 bytes, and 1,000,000 are the limit" in refused(call, {"text": "é" * 500_000})


@pytest.mark.parametrize("depth", [101, 1_000, 20_000])
def test_deep_nesting_is_refused(depth: int) -> None:
    def call(x): ...

    nested: Any = 1
    for number in range(depth):
        nested = [nested] if number % 2 else {"a": nested}
    assert "x is nested deeper than 100" in refused(call, {"x": nested})


def test_nesting_up_to_the_limit_is_taken() -> None:
    def call(x):
        return x

    nested: Any = 1
    for _ in range(100):
        nested = [nested]
    assert called(call, {"x": nested}) == nested


def test_many_faults_make_a_short_message() -> None:
    def call(x: list[int]) -> None: ...

    message = refused(call, {"x": ["a" * 900] * 1000})
    assert "and 992 more" in message
    assert len(message) < 2_000


def test_very_many_faults_are_counted() -> None:
    def call(x: list[int]) -> None: ...

    assert "100,000 values in them do not fit" in refused(call, {"x": ["a"] * 100_000})
    message = refused(call, {f"k{number}": 1 for number in range(1000)})
    assert '"k3" is no argument of it; nor are 996 other names; x is missing.' in message
    assert len(message) < 1_000


def broken(number: int) -> int:  # noqa: ARG001 - it never gets so far
    raise RuntimeError("no")


def test_a_validator_that_breaks_is_told() -> None:
    def call(x: Annotated[int, AfterValidator(broken)]) -> None: ...

    assert "a check of them raised RuntimeError: no" in refused(call, {"x": 1})


def test_words_of_the_model_are_never_evaluated() -> None:
    def call(x: Any, y: str = "") -> Any:
        return x, y

    text = "__import__('os').system('true')"
    assert called(call, {"x": text, "y": text}) == (text, text)
    assert "is no argument of it" in refused(call, {"__class__": 1, "x": 1})


# Pickles


def test_tools_of_an_importable_module_pickle(weather: ModuleType) -> None:
    station = weather.Station("north")
    for offered in (
        weather.near,
        Tool.of(weather.far),
        tool(weather.near, approve="never"),
        dataclasses.replace(weather.near, seconds=None),
        Tool.of(station.ask),
        weather.Station.ask,
    ):
        assert offered.name
        for dumps in (pickle.dumps, cloudpickle.dumps):
            back = pickle.loads(dumps(offered))  # noqa: S301 - our own bytes
            assert (back.name, back.description, back.approve) == (offered.name, offered.description, offered.approve)
            assert (back.seconds, back.read_only) == (offered.seconds, offered.read_only)
    assert pickle.loads(pickle.dumps(weather.near)) is weather.near  # noqa: S301 - our own bytes
    assert copy.deepcopy(weather.near) is weather.near
    back = pickle.loads(pickle.dumps(Tool.of(station.ask)))  # noqa: S301 - our own bytes
    assert called(back, {"city": "Oslo"}) == "north: Oslo"


DUMP = """
import sys, cloudpickle
from gemini_magic.tools import Toolbox, tool

@tool(read_only=True)
def double(number: int) -> int:
    "Double."
    return 2 * number

def half(number: float) -> float:
    return number / 2

box = Toolbox.of([double, half, {"googleSearch": {}}])
box.digest, box.functions, double.declaration
sys.stdout.buffer.write(cloudpickle.dumps(box))
"""
LOAD = """
import sys, pickle
box = pickle.loads(sys.stdin.buffer.read())
double, half = box.functions["double"], box.functions["half"]
assert double.read_only and double.declaration.description == "Double."
assert [double(*double.bind({"number": 4}).args, **double.bind({"number": 4}).kwargs), half(3)] == [8, 1.5]
assert box.written()[1] == {"googleSearch": {}}
"""


def test_tools_of_a_notebook_reach_another_process() -> None:
    dumped = subprocess.run([sys.executable, "-c", DUMP], capture_output=True, check=True, timeout=60)  # noqa: S603
    subprocess.run([sys.executable, "-c", LOAD], input=dumped.stdout, check=True, timeout=60)  # noqa: S603
