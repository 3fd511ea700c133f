"""For random pydantic models: what is sent takes every value of theirs, and refuses what is none."""

from __future__ import annotations

import datetime as dt
import enum
import json
from decimal import Decimal
from typing import Annotated, Any, Literal, Optional

import jsonschema
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field, create_model

from gemini_magic.exceptions import SchemaError
from gemini_magic.local.schema import plain as as_json_schema
from gemini_magic.schemas import schema_of


class Mood(enum.Enum):
    GOOD = "good"
    BAD = "bad"
    ALSO_GOOD = "good"  # noqa: PIE796 - two names of one value are tested


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


words = st.text(max_size=8)
dates = st.dates()
moments = st.datetimes(timezones=st.just(dt.UTC))
decimals = st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-1000, max_value=1000)
floats = st.floats(allow_nan=False, allow_infinity=False, width=32)

LEAVES: list[tuple[Any, st.SearchStrategy[Any]]] = [
    (int, st.integers()),
    (float, floats),
    (bool, st.booleans()),
    (str, words),
    (dt.date, dates),
    (dt.datetime, moments),
    (Decimal, decimals),
    (Mood, st.sampled_from(Mood)),
    (Level, st.sampled_from(Level)),
    (Literal["a", 2, True], st.sampled_from(["a", 2, True])),
    (Annotated[int, Field(gt=0, le=9)], st.integers(1, 9)),
    (Annotated[float, Field(ge=0, lt=1)], st.floats(0, 1, exclude_max=True)),
    (Annotated[str, Field(min_length=1, max_length=3, pattern=r"^\w+$")], st.from_regex(r"\A[a-z]{1,3}\Z")),
    (tuple[int, str], st.tuples(st.integers(), words)),
    (int | str, st.integers() | words),
]

Spec = tuple[Any, st.SearchStrategy[Any]]


def wider(inner: st.SearchStrategy[Spec]) -> st.SearchStrategy[Spec]:
    return st.one_of(
        inner.map(lambda spec: (list[spec[0]], st.lists(spec[1], max_size=2))),  # type: ignore[name-defined]
        inner.map(lambda spec: (Optional[spec[0]], st.none() | spec[1])),  # noqa: UP045 - the spelling is tested too
        inner.map(lambda spec: (dict[str, spec[0]], st.dictionaries(words, spec[1], max_size=2))),  # type: ignore[name-defined]
        st.lists(st.tuples(names, inner, st.booleans()), min_size=1, max_size=3, unique_by=lambda row: row[0]).map(
            model
        ),
    )


names = st.sampled_from(["a", "b", "price", "naïve", "Größe", "x_1", "schema_name", "type_", "items"])
NUMBER = iter(range(10**9))


def model(rows: list[tuple[str, Spec, bool]]) -> Spec:
    fields: dict[str, Any] = {}
    for name, (kind, _), aliased in rows:
        fields[name] = (kind, Field(alias=f"{name} Of.It" if aliased else None))
    made = create_model(f"Model{next(NUMBER)}", **fields)
    values = st.fixed_dictionaries(
        {f"{name} Of.It" if aliased else name: values for name, (_, values), aliased in rows}
    )
    return made, values.map(made.model_validate)


specs = st.recursive(st.sampled_from(LEAVES), wider, max_leaves=3)
models = st.lists(st.tuples(names, specs, st.booleans()), min_size=1, max_size=4, unique_by=lambda row: row[0]).map(
    model
)


def wire(value: Any) -> Any:
    """What a model would write for a value."""
    if isinstance(value, BaseModel):
        fields = type(value).model_fields
        return {info.alias or name: wire(getattr(value, name)) for name, info in fields.items()}
    if isinstance(value, dict):
        return {key: wire(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [wire(item) for item in value]
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, Decimal):
        return float(value)
    return value.isoformat() if isinstance(value, dt.date) else value


def accepts(schema: dict[str, Any], value: Any) -> bool:
    return jsonschema.Draft202012Validator(schema).is_valid(value)


def mutations(value: dict[str, Any]) -> list[Any]:
    return [[value], "no", {}, *({**value, name: {"no": [{}]}} for name in value)]


@settings(max_examples=1_000, suppress_health_check=list(HealthCheck))
@given(models, st.data())
def test_the_sent_schema_takes_every_value_and_refuses_others(spec: Spec, data: st.DataObject) -> None:
    kind, values = spec
    schema, value = schema_of(kind), data.draw(values)
    answer = json.loads(json.dumps(wire(value)))

    assert accepts(schema.json_schema, answer)
    assert any(not accepts(schema.json_schema, mutation) for mutation in mutations(answer))

    read = schema.read(json.dumps(answer))
    assert read == value
    plain = schema.plain(read)
    assert json.loads(json.dumps(plain)) == plain
    assert schema.revive(plain) == value
    assert list(plain) == [column.name for column in schema.columns]
    old_form_takes(schema, answer)


def old_form_takes(schema: Any, answer: Any) -> None:
    try:
        old = schema.config(form="openapi")["responseSchema"]
    except SchemaError as error:
        assert "any names" in str(error)  # noqa: PT017 - the property holds where there is such a form
    else:
        assert not set(_keywords(old)) & {"$ref", "const", "oneOf", "additionalProperties", "$defs"}
        assert accepts(as_json_schema(old), answer)


def _keywords(schema: dict[str, Any]) -> list[str]:
    found = list(schema)
    for inner in [
        *schema.get("properties", {}).values(),
        *schema.get("anyOf", []),
        *([schema["items"]] if "items" in schema else []),
    ]:
        found += _keywords(inner)
    return found
