"""Schemas in one line."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gemini_magic.exceptions import SchemaError
from gemini_magic.schemas import schema_of

S, I, N, B = ({"type": kind} for kind in ("string", "integer", "number", "boolean"))  # noqa: E741 - a table below


def an_object(required: list[str] | None = None, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties) if required is None else required}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("name", an_object(name=S)),
        ("name, age int", an_object(name=S, age=I)),
        (" name ,age   int , ", an_object(name=S, age=I)),
        ("name\nage int\n\nok bool", an_object(name=S, age=I, ok=B)),
        ("a str, b string, c text", an_object(a=S, b=S, c=S)),
        ("a integer, b float, c number, d boolean", an_object(a=I, b=N, c=N, d=B)),
        ("a INT", an_object(a=I)),
        (
            "when date, at datetime, t time",
            an_object(when={**S, "format": "date"}, at={**S, "format": "date-time"}, t={**S, "format": "time"}),
        ),
        ("x any", an_object(x={})),
        ("tags[]", an_object(tags={"type": "array", "items": S})),
        ("tags [ ]", an_object(tags={"type": "array", "items": S})),
        ("n[] int, m int[]", an_object(n={"type": "array", "items": I}, m={"type": "array", "items": I})),
        ("zip?", an_object([], zip={"type": ["string", "null"]})),
        ("a? int, b int?, c", an_object(["c"], a={"type": ["integer", "null"]}, b={"type": ["integer", "null"]}, c=S)),
        ("n[]? float", an_object([], n={"type": ["array", "null"], "items": N})),
        ("mood (good|bad)", an_object(mood={**S, "enum": ["good", "bad"]})),
        ('mood ( good | not so bad | "a, (b)" )', an_object(mood={**S, "enum": ["good", "not so bad", "a, (b)"]})),
        ("stars (1|2|3)", an_object(stars={**I, "enum": [1, 2, 3]})),
        ("zip ('01'|'02')", an_object(zip={**S, "enum": ["01", "02"]})),
        ("mood (good|bad)?", an_object([], mood={"type": ["string", "null"], "enum": ["good", "bad", None]})),
        ("moods (good|bad)[]", an_object(moods={"type": "array", "items": {**S, "enum": ["good", "bad"]}})),
        ("city {name, zip?}", an_object(city=an_object(["name"], name=S, zip={"type": ["string", "null"]}))),
        ("city { name\n zip int\n}, b", an_object(city=an_object(name=S, zip=I), b=S)),
        ("items[] {name, price float}", an_object(items={"type": "array", "items": an_object(name=S, price=N)})),
        ("a {b {c {d int}}}", an_object(a=an_object(b=an_object(c=an_object(d=I))))),
        ('price float "in euros, no tax"', an_object(price={**N, "description": "in euros, no tax"})),
        (
            "price float: in euros (no tax)\nb: what, c",
            an_object(price={**N, "description": "in euros (no tax)"}, b={**S, "description": "what"}, c=S),
        ),
        ("a {b: it's so}, c", an_object(a=an_object(b={**S, "description": "it's so"}), c=S)),
        (
            "\"full name\", 'it\\'s' int, größe float, a.b, x-y",
            an_object(**{"full name": S, "it's": I, "größe": N, "a.b": S, "x-y": S}),
        ),
        ("(good|bad)", {**S, "enum": ["good", "bad"]}),
        ("int", an_object(int=S)),
    ],
)
def test_a_line_says_a_schema(text: str, wanted: Any) -> None:
    assert schema_of(text).json_schema == wanted


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name, age inr", r"character 11: 'inr' is no type.*Did you mean 'int'"),
        ("name age", "character 6: 'age' is no type"),
        ("a, a int", "character 4: the name 'a' stands here for the second time"),
        (", a", "character 1: a name should stand here, not ','"),
        ("a,, b", "character 3: a name should stand here"),
        ("a {b", "character 5: a closing '}' is missing"),
        ("a {}", "character 4: there is no field"),
        ("a }", "character 3: '}' stands where"),
        ("a (b|", "character 6: a value should stand here"),
        ("a (b", r"character 5: a closing '\)' is missing"),
        ("a ()", "character 4: a value should stand here"),
        ("(good|bad) x", "character 12: 'x' stands where a field should end"),
        ("a [", r"character 3: '\[' is not expected"),
        ('a "unclosed', "character 3: '\"' is not expected"),
        ("a int int", "character 7: 'int' stands where a comma should"),
        ("a " + "{b " * 40, "nested too deeply"),
        ("x" * 300 + " y", "…"),
    ],
)
def test_a_mistake_is_named_with_its_place(text: str, words: str) -> None:
    with pytest.raises(SchemaError, match=words) as caught:
        schema_of(text)
    assert len(str(caught.value)) < 400


PIECES = st.sampled_from([*"abc,{}()[]|?:\"'\n ", "int", "[]", "date", "é"])


@settings(max_examples=500)
@given(st.lists(PIECES, max_size=15).map("".join).filter(lambda text: not text.startswith("{")))
def test_any_text_is_a_schema_or_a_clear_mistake(text: str) -> None:
    try:
        schema = schema_of(text)
    except SchemaError as error:
        assert str(error)  # noqa: PT017 - one of the two must hold
    else:
        assert schema.columns
