"""For random signatures: they declare, take what fits, and say what does not."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import json
import math
from decimal import Decimal
from typing import Annotated, Any, Literal, NamedTuple, NotRequired
from uuid import UUID

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from gemini_magic.exceptions import SchemaError, ToolError
from gemini_magic.local.schema import plain as as_json_schema
from gemini_magic.tools import Tool, Toolbox


class Mood(enum.Enum):
    GOOD = "good"
    BAD = "bad"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


@dataclasses.dataclass
class Place:
    lat: float
    name: str = "home"


class Trip(TypedDict):
    start: str
    days: NotRequired[int]


class Person(BaseModel):
    name: str
    mood: Mood = Mood.GOOD


class Spec(NamedTuple):
    """A type, values of it, and whether it takes any JSON."""

    kind: Any
    values: st.SearchStrategy[Any]
    is_open: bool = False


words = st.text(max_size=8)
floats = st.floats(allow_nan=False, allow_infinity=False, width=32)
decimals = st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-1000, max_value=1000)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | words,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(words, inner, max_size=2),
    max_leaves=4,
)
LEAVES = [
    Spec(str, words),
    Spec(int, st.integers()),
    Spec(float, floats),
    Spec(bool, st.booleans()),
    Spec(dt.date, st.dates()),
    Spec(dt.datetime, st.datetimes(timezones=st.just(dt.UTC))),
    Spec(Decimal, decimals),
    Spec(UUID, st.uuids()),
    Spec(Mood, st.sampled_from(Mood)),
    Spec(Level, st.sampled_from(Level)),
    Spec(Literal["a", 2, True], st.sampled_from(["a", 2, True])),
    Spec(Annotated[int, Field(gt=0, le=9)], st.integers(1, 9)),
    Spec(Annotated[str, "in words", Field(min_length=1, pattern=r"^[a-z]+$")], st.from_regex(r"\A[a-z]{1,3}\Z")),
    Spec(tuple[int, str], st.tuples(st.integers(), words)),
    Spec(set[int], st.sets(st.integers(), max_size=3)),
    Spec(int | str, st.integers() | words),
    Spec(Place, st.builds(Place, floats, words)),
    Spec(Trip, st.fixed_dictionaries({"start": words}, optional={"days": st.integers()})),
    Spec(Person, st.builds(Person, name=words, mood=st.sampled_from(Mood))),
]


def wider(inner: st.SearchStrategy[Spec]) -> st.SearchStrategy[Spec]:
    return st.one_of(
        inner.map(lambda spec: Spec(list[spec.kind], st.lists(spec.values, max_size=2))),
        inner.map(lambda spec: Spec(spec.kind | None, st.none() | spec.values)),
        inner.map(lambda spec: Spec(dict[str, spec.kind], st.dictionaries(words, spec.values, max_size=2))),
    )


specs = st.recursive(st.sampled_from(LEAVES), wider, max_leaves=2) | st.just(Spec(Any, anything, is_open=True))
NAMES = ["city", "days", "class_", "self_", "_x", "größe", "items", "json", "args", "kwargs", "schema", "model_config"]
STYLES = ["none", "google", "numpy", "sphinx"]
ABSENT = object()


class Row(NamedTuple):
    """A parameter of a random signature."""

    name: str
    spec: Spec
    how: str
    default: Any
    words: str

    @property
    def is_needed(self) -> bool:
        return self.default is ABSENT and not self.how.startswith("*")

    @property
    def values(self) -> st.SearchStrategy[Any]:
        if self.how == "*":
            return st.lists(self.spec.values, max_size=2).map(tuple)
        return st.dictionaries(words, self.spec.values, max_size=2) if self.how == "**" else self.spec.values


class Case(NamedTuple):
    """A random function, and its parameters that a model may fill."""

    function: Any
    rows: list[Row]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    names = draw(st.lists(st.sampled_from(NAMES), max_size=5, unique=True))
    kinds = sorted(
        draw(st.lists(st.sampled_from(["/", "", "", "k"]), min_size=len(names), max_size=len(names))), key=ORDER
    )
    rows, must_default = [], False
    for name, how in zip(names, kinds, strict=True):
        spec = draw(specs)
        has_default = draw(st.booleans()) or (must_default and how != "k")
        must_default = must_default or (has_default and how != "k")
        default = draw(st.none() | spec.values) if has_default else ABSENT
        rows.append(Row(name, spec, how, default, draw(st.sampled_from(["", "What it is for.", "a, b: c"]))))
    if draw(st.booleans()):
        rows.append(Row("more_values", draw(st.sampled_from(LEAVES)), "*", ABSENT, ""))
    if draw(st.booleans()):
        rows.append(Row("more_names", draw(st.sampled_from(LEAVES)), "**", ABSENT, ""))
    return Case(
        written(rows, draw(st.sampled_from(STYLES))), [row for row in rows if row.is_needed or row.name != "_x"]
    )


def ORDER(how: str) -> int:  # noqa: N802 - a table, written as a function
    return ["/", "", "*", "k", "**"].index(how)


def written(rows: list[Row], style: str) -> Any:
    """The function, as a person would write it; it returns what it is called with."""
    texts: list[str] = []
    scope: dict[str, Any] = {}
    for number, row in enumerate(sorted(rows, key=lambda row: ORDER(row.how))):
        if row.how == "k" and not any(text.startswith("*") for text in texts):
            texts.append("*")
        scope |= {f"T{number}": row.spec.kind, f"D{number}": row.default}
        default = "" if row.default is ABSENT else f" = D{number}"
        texts.append(f"{row.how.replace('k', '').replace('/', '')}{row.name}: T{number}{default}")
        if row.how == "/" and not any(other.how == "/" for other in rows[number + 1 :]):
            texts.append("/")
    returned = ", ".join(f"{row.name!r}: {row.name}" for row in rows)
    exec(f"def call({', '.join(texts)}):\n    return {{{returned}}}", scope)  # noqa: S102 - our own words
    scope["call"].__doc__ = documented(rows, style)
    return scope["call"]


def documented(rows: list[Row], style: str) -> str | None:
    told = [row for row in rows if row.words]
    if style == "none":
        return None
    head = "Do what is asked.\n\n"
    if style == "sphinx":
        return head + "".join(f"    :param {row.name}: {row.words}\n" for row in told)
    if not told:
        return head
    if style == "google":
        return head + "    Args:\n" + "".join(f"        {row.name}: {row.words}\n" for row in told)
    lines = "".join(f"    {row.name}\n        {row.words}\n" for row in told)
    return f"{head}    Parameters\n    ----------\n{lines}"


def wire(value: Any) -> Any:
    """What a model would write for a value."""
    if isinstance(value, BaseModel):
        return {key: wire(item) for key, item in value}
    if dataclasses.is_dataclass(value):
        return wire(vars(value))
    if isinstance(value, dict):
        return {key: wire(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [wire(item) for item in value]
    return scalar(value)


def scalar(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, UUID | enum.Enum):
        return str(value) if isinstance(value, UUID) else value.value
    return value.isoformat() if isinstance(value, dt.date) else value


def faulty(row: Row) -> list[Any]:
    """What a parameter does not take."""
    wrong = [math.nan, [math.inf], {"a": {1, 2}}]
    return wrong if row.spec.is_open else [*wrong, {"no": [{}]}, [[{}]]]


@settings(max_examples=300, suppress_health_check=list(HealthCheck))
@given(cases(), st.data())
def test_random_signatures_declare_bind_and_call(case: Case, data: st.DataObject) -> None:
    offered = Tool.of(case.function)
    schema = checked_schema(offered, case)
    given_rows = [row for row in case.rows if row.is_needed or data.draw(st.booleans())]
    values = {row.name: data.draw(row.values) for row in given_rows}
    args = json.loads(json.dumps(wire(values)))

    assert jsonschema.Draft202012Validator(schema).is_valid(args)
    old_form_takes(offered, args)

    bound = offered.bind(args)
    found = case.function(*bound.args, **bound.kwargs)
    assert {name: found[name] for name in values} == values
    for row in case.rows:
        if row.name not in values:
            assert found[row.name] == {"*": (), "**": {}}.get(row.how, row.default)
    wrong_arguments_are_named(offered, case, args)


def checked_schema(offered: Tool, case: Case) -> dict[str, Any]:
    told = Toolbox.of(offered).written()[0]["functionDeclarations"][0]
    assert ("parametersJsonSchema" in told) == bool(case.rows)
    schema: dict[str, Any] = told.get("parametersJsonSchema", {})
    jsonschema.Draft202012Validator.check_schema(schema)
    assert json.loads(json.dumps(told)) == told
    properties = schema.get("properties", {})
    assert sorted(properties) == sorted(row.name for row in case.rows)
    assert sorted(schema.get("required", ())) == sorted(row.name for row in case.rows if row.is_needed)
    assert told.get("description") == ("Do what is asked." if case.function.__doc__ else None)
    for row in case.rows:
        if case.function.__doc__ and row.words and "__metadata__" not in dir(row.spec.kind):
            assert row.words in properties[row.name]["description"]
    return schema


def old_form_takes(offered: Tool, args: dict[str, Any]) -> None:
    try:
        told = Toolbox.of(offered).written("openapi")[0]["functionDeclarations"][0]
    except SchemaError as error:
        assert "The function call cannot be declared" in str(error)  # noqa: PT017 - true where there is such a form
        assert "any names" in str(error)  # noqa: PT017
        return
    assert "parametersJsonSchema" not in told
    if "parameters" in told and not any(isinstance(value, list | dict | None) for value in args.values()):
        assert jsonschema.Draft202012Validator(as_json_schema(told["parameters"])).is_valid(args)


def wrong_arguments_are_named(offered: Tool, case: Case, args: dict[str, Any]) -> None:
    wrong = [({**args, row.name: value}, row.name) for row in case.rows for value in faulty(row)]
    wrong += [({**args, "no_such": 1}, "no_such")]
    for row in case.rows:
        if row.is_needed:
            wrong += [({name: value for name, value in args.items() if name != row.name}, f"{row.name} is missing")]
    for mutation, name in wrong:
        with pytest.raises(ToolError) as caught:
            offered.bind(mutation)
        assert name in caught.value.message
        assert caught.value.message.startswith("call was not called: ")
        assert all(row.name in caught.value.hint for row in case.rows)


@settings(max_examples=150, suppress_health_check=list(HealthCheck))
@given(cases(), st.data())
def test_any_json_binds_or_is_refused_in_words(case: Case, data: st.DataObject) -> None:
    offered = Tool.of(case.function)
    names = st.sampled_from([*(row.name for row in case.rows), "no_such", ""])
    args = data.draw(st.dictionaries(names, anything, max_size=6))
    try:
        bound = offered.bind(args)
    except ToolError as error:
        assert str(error).startswith("call was not called: ")  # noqa: PT017 - one of two ways, both of them right
        assert len(str(error)) < 4_000  # noqa: PT017
    else:
        assert case.function(*bound.args, **bound.kwargs).keys() >= args.keys()
