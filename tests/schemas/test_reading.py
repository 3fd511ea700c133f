"""What is read from an answer, what is put right in it, and what is refused."""

from __future__ import annotations

import json
import math
import sys
from typing import Annotated, Any, Literal, NoReturn

import pytest
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from gemini_magic.exceptions import InvalidJSON, SchemaMismatch
from gemini_magic.schemas import schema_of


class Item(BaseModel):
    name: str
    price: float | None = None


class Order(BaseModel):
    number: int
    paid: bool = False
    items: list[Item] = []


class Closed(BaseModel):
    model_config = ConfigDict(extra="forbid")
    a: int


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")
    a: int


ORDER = {"number": 7, "paid": True, "items": [{"name": "pen", "price": 1.5}]}
TEXT = json.dumps(ORDER)
PLAIN = {
    "type": "object",
    "properties": {"n": {"type": "integer"}, "x": {"type": "number"}, "s": {"type": "string"}},
    "required": ["n"],
}


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        "\ufeff" + TEXT,
        f"  \n{TEXT}\n\n",
        f"```json\n{TEXT}\n```",
        f"```\n{TEXT}```",
        f"```JSON\r\n{TEXT}\r\n```\r\n",
        f"Here is the order:\n```json\n{TEXT}\n```\nAsk me for more.",
        f"As said in [1] and {{see}} [below], it is {TEXT} - done {{ok}}.",
        f"{TEXT}\n\nThe same once more: {TEXT}",
        f"[{TEXT}]",
        json.dumps(ORDER, indent=2),
    ],
)
def test_the_json_is_found_wherever_it_stands(text: str) -> None:
    assert schema_of(Order).read(text) == Order.model_validate(ORDER)


@pytest.mark.parametrize("schema", [Order, PLAIN])
def test_an_answer_cut_at_any_byte_is_refused(schema: Any) -> None:
    text = TEXT if schema is Order else '{"n": 12, "x": 1.5, "s": "{\\"n\\": 1}"}'
    read = schema_of(schema).read
    for end in range(len(text)):
        for frame in ("%s", "```json\n%s", "Here it is: %s"):
            with pytest.raises(InvalidJSON):
                read(frame % text[:end])


def test_a_list_cut_at_any_byte_is_refused() -> None:
    schema = schema_of(Item, is_list=True)
    text = json.dumps([{"name": "a"}, {"name": "b"}])
    for end in range(len(text)):
        with pytest.raises(InvalidJSON):
            schema.read(text[:end])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        (" \n ", "empty"),
        ("no json at all", "not JSON"),
        ('{"number": NaN}', "NaN"),
        ('{"number": -Infinity}', "-Infinity"),
        ('{"number": 1e999}', "too large"),
        ('{"number": 1, "number": 2}', "'number' twice"),
        ('{"number": 1, "items": [{"name": "a"},]}', "near"),
        ("{'number': 1}", "not JSON"),
        ('{"number": 1} or {"number": 2}', "2 different"),
        ('{"number": 1,, "items": {"number": 3}}', "not JSON"),
        ('{"number": ' + "9" * 5000 + "}", "too many digits"),
        ('{"items": ' + "[" * 150 + "]" * 150 + "}", "levels deep"),
        ('{"items": ' + "[" * 100_000, "nested|ends"),
    ],
)
def test_what_is_no_json_is_named(text: str, words: str) -> None:
    with pytest.raises(InvalidJSON, match=words):
        schema_of(Order).read(text)


def test_a_name_that_comes_twice_with_the_same_value_is_harmless() -> None:
    assert schema_of(Order).read('{"number": 1, "number": 1}').number == 1


def test_line_breaks_and_half_characters_in_strings_are_taken() -> None:
    item = schema_of(Item).read('{"name": "two\nlines \\ud83d \\ud83d\\ude00"}')
    assert item.name == "two\nlines \ufffd 😀"
    item.name.encode()


@pytest.mark.parametrize(
    "schema", [schema_of(Order), schema_of({"type": "object", "properties": {"number": {"type": "integer"}}})]
)
@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("1", 1),
        ("1.0", 1),
        ('"1"', 1),
        ('"-12"', -12),
        ('" 3 "', 3),
        ("2e2", 200),
        ('"1.0"', 1),
        (str(2**63 + 1), 2**63 + 1),
        (str(10**40), 10**40),
    ],
)
def test_whole_numbers_are_read_however_they_are_spelt(schema: Any, written: str, read: int) -> None:
    value = schema.plain(schema.read(f'{{"number": {written}}}'))["number"]
    assert value == read
    assert type(value) is int


@pytest.mark.parametrize(
    "schema", [schema_of(Order), schema_of({"type": "object", "properties": {"number": {"type": "integer"}}})]
)
@pytest.mark.parametrize(
    "written", ["true", "null", "1.5", '"1.5"', '"one"', '"1,000"', '"0x10"', '""', '"01"', "[1]", '{"n": 1}', '"NaN"']
)
def test_what_is_no_whole_number_is_refused(schema: Any, written: str) -> None:
    with pytest.raises(SchemaMismatch, match="number"):
        schema.read(f'{{"number": {written}}}')


@pytest.mark.parametrize(
    ("kind", "written"),
    [
        ("str", "1"),
        ("str", "null"),
        ("bool", "1"),
        ("bool", '"true"'),
        ("float", "true"),
        ("float", '"x"'),
        ("date", '"31.5.2026"'),
        ("date", "0"),
        ("datetime", '"noon"'),
    ],
)
def test_one_kind_is_not_taken_for_another(kind: str, written: str) -> None:
    with pytest.raises(SchemaMismatch, match=r"x should"):
        schema_of(f"x {kind}").read(f'{{"x": {written}}}')


def test_numbers_in_quotes_stay_texts_where_texts_are_allowed() -> None:
    class Either(BaseModel):
        code: int | str

    assert schema_of(Either).read('{"code": "12"}').code == "12"
    assert schema_of({"type": "object", "properties": {"a": {}}}).read('{"a": "12"}') == {"a": "12"}


def test_names_are_found_when_only_case_and_filling_differ() -> None:
    class Person(BaseModel):
        first_name: str
        age: int | None = None

    assert schema_of(Person).read('{"First-Name": "Ada", "AGE": 36}') == Person(first_name="Ada", age=36)
    assert schema_of("first_name, age int?").read('{"firstName": "Ada", "Age": 36}') == {"first_name": "Ada", "age": 36}
    with pytest.raises(SchemaMismatch, match="first_name is missing"):
        schema_of(Person).read('{"FirstName": "Ada", "first name": "Eve"}')


def test_names_that_are_not_asked_for_are_left_out_kept_or_refused_as_the_schema_says() -> None:
    assert schema_of(Item).read('{"name": "a", "x": 1}') == Item(name="a")
    assert schema_of(Open).read('{"a": 1, "x": 1}').model_extra == {"x": 1}
    with pytest.raises(SchemaMismatch, match="x is not in the schema"):
        schema_of(Closed).read('{"a": 1, "x": 1}')
    assert schema_of("a int").read('{"a": 1, "x": 1}') == {"a": 1}
    one = {"type": "object", "properties": {"a": {"type": "integer"}}}
    assert schema_of({**one, "additionalProperties": True}).read('{"a": 1, "x": 1}') == {"a": 1, "x": 1}
    with pytest.raises(SchemaMismatch):
        schema_of({**one, "additionalProperties": False}).read('{"a": 1, "x": 1}')


def test_one_object_where_a_list_is_wanted_is_a_list_of_one() -> None:
    schema = schema_of(Item, is_list=True)
    assert schema.read('{"name": "a"}') == [Item(name="a")]
    assert schema.read('Only this: {"name": "a"}') == [Item(name="a")]
    assert schema.read("[]") == []


def test_several_objects_on_lines_of_their_own_are_a_list() -> None:
    assert schema_of("name", is_list=True).read('{"name": "a"}\n{"name": "b"}\n') == [{"name": "a"}, {"name": "b"}]


def test_a_list_inside_an_object_of_its_own_is_taken() -> None:
    assert schema_of("name", is_list=True).read('{"people": [{"name": "a"}]}') == [{"name": "a"}]


def test_a_list_of_several_is_no_object() -> None:
    with pytest.raises(SchemaMismatch):
        schema_of(Item).read('[{"name": "a"}, {"name": "b"}]')


@pytest.mark.parametrize("text", ['"good"', "good", "```\ngood\n```", '```json\n"good"\n```', " good\n"])
def test_a_choice_may_come_without_quotes(text: str) -> None:
    for schema in (schema_of(Literal["good", "bad"]), schema_of("(good|bad)")):
        assert schema.read(text) == "good"


def test_what_is_not_among_the_choices_is_refused() -> None:
    with pytest.raises(SchemaMismatch, match="good"):
        schema_of("(good|bad)").read("fine")
    with pytest.raises(InvalidJSON):
        schema_of("(good|bad)").read('"good')


def test_scalars_are_read() -> None:
    assert schema_of(int).read("42") == 42
    assert schema_of(str).read("12") == "12"
    assert schema_of(str).read("just words, no JSON") == "just words, no JSON"
    assert schema_of(list[float]).read("[1, 2.5]") == [1.0, 2.5]


def test_places_are_spelt_as_a_person_would() -> None:
    with pytest.raises(
        SchemaMismatch, match=r"items\[1\]\.name is missing; items\[2\]\.price should be .*not \"dear\"\.$"
    ):
        schema_of(Order).read('{"number": 1, "items": [{"name": "a"}, {}, {"name": "c", "price": "dear"}]}')
    strange = schema_of(
        {"type": "object", "properties": {"a.b": {"type": "object", "properties": {"ü x": {"type": "null"}}}}}
    )
    with pytest.raises(SchemaMismatch, match=r'\["a\.b"\]\["ü x"\] should be null, not 1'):
        strange.read('{"a.b": {"ü x": 1}}')


def test_messages_stay_short() -> None:
    text = json.dumps([{"name": "x" * 5000, "price": ["y" * 5000]} for _ in range(300)])
    for schema in (schema_of(Item, is_list=True), schema_of("name, price float", is_list=True)):
        with pytest.raises(SchemaMismatch, match="and 297 more") as caught:
            schema.read(text)
        assert len(str(caught.value)) < 1_000


def test_a_validator_that_breaks_is_named_and_ends_nothing_else() -> None:
    def broken(_value: int) -> NoReturn:
        raise KeyError("oops")

    def picky(_value: int) -> NoReturn:
        raise ValueError("must be prime")

    class Broken(BaseModel):
        a: Annotated[int, AfterValidator(broken)]

    class Picky(BaseModel):
        a: Annotated[int, AfterValidator(picky)]

    with pytest.raises(SchemaMismatch, match="validator of Broken raised KeyError"):
        schema_of(Broken).read('{"a": 1}')
    with pytest.raises(SchemaMismatch, match="a: must be prime"):
        schema_of(Picky).read('{"a": 1}')


def test_aliases_are_read_and_fields_are_written() -> None:
    class Row(BaseModel):
        unit_price: float = Field(alias="unitPrice")

    schema = schema_of(Row)
    value = schema.read('{"unitPrice": 2}')
    assert list(schema.json_schema["properties"]) == ["unitPrice"]
    assert schema.plain(value) == {"unit_price": 2.0}
    assert schema.revive({"unit_price": 2.0}) == value
    assert schema.columns[0].name == "unit_price"
    with pytest.raises(SchemaMismatch, match="unitPrice is missing"):
        schema.read('{"price": 2}')


def test_an_older_value_that_does_not_fit_is_named() -> None:
    with pytest.raises(SchemaMismatch, match="number is missing"):
        schema_of(Order).revive({"count": 1})


def test_a_value_that_json_cannot_hold_is_named_or_null() -> None:
    class Odd(BaseModel):
        data: bytes = b""
        x: float = 0.0

    schema = schema_of(Odd)
    assert schema.plain(Odd(x=math.nan)) == {"data": "", "x": None}
    with pytest.raises(SchemaMismatch, match="cannot be written as JSON"):
        schema.plain(Odd(data=b"\xff"))


def test_a_deep_stack_does_not_matter() -> None:
    deep = '{"a": ' * 99 + "1" + "}" * 99
    assert sys.getrecursionlimit() >= 1000
    assert isinstance(schema_of({"type": "object"}).read(deep), dict)


def test_rows_name_what_has_no_name() -> None:
    assert schema_of("a int").rows({"a": 1}) == [{"a": 1}]
    assert schema_of("a int", is_list=True).rows([{"a": 1}, {"a": 2}]) == [{"a": 1}, {"a": 2}]
    assert schema_of("(good|bad)").rows("good") == [{"value": "good"}]
    assert schema_of(list[int]).rows([1, 2]) == [{"value": 1}, {"value": 2}]
    assert schema_of("value int").rows({"value": 1}) == [{"value": 1}]
    assert schema_of(dict[str, int]).rows({"a": 1}) == [{"value": {"a": 1}}]
    assert schema_of(dict[str, int]).rows({"value": 1}) == [{"value": {"value": 1}}]
