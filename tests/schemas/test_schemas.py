"""What schemas are made of, and the columns they fill."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import json
import typing
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Literal, Optional, Union
from uuid import UUID

import pandas as pd
import polars as pl
import pytest
import typing_extensions
from pydantic import AliasPath, BaseModel, Field, PrivateAttr, computed_field

from gemini_magic.exceptions import SchemaError
from gemini_magic.schemas import Column, schema_of

if TYPE_CHECKING:
    from pathlib import Path


class Mood(enum.Enum):
    GOOD = "good"
    BAD = "bad"
    FINE = "good"  # noqa: PIE796 - two names of one value are tested


class City(BaseModel):
    name: str
    zip: str | None = None


class Everything(BaseModel):
    """All that a table row can hold."""

    name: str = Field(description="Full name")
    age: int
    height: float
    alive: bool
    born: dt.date
    seen: dt.datetime
    at: dt.time
    lasted: dt.timedelta
    worth: Decimal
    mood: Mood
    kind: Literal["a", "b"]
    mixed: Literal["a", 1, None]  # noqa: PYI061 - the spelling is tested
    city: City
    tags: list[str]
    unique: set[int]
    pair: tuple[int, str]
    free: dict[str, Any]
    counts: dict[int, float]
    data: bytes
    number: UUID
    anything: Any
    maybe: Optional[int]  # noqa: UP045 - the spelling is tested
    absent: int | None = None
    filled: int = 3
    made: list[str] = Field(default_factory=list)
    code: Annotated[str, Field(pattern="^[A-Z]{3}$", max_length=3)]
    share: Annotated[float, Field(gt=0, le=1)]
    either: int | float
    both: str | int
    aliased: int = Field(alias="the number")
    _secret: int = PrivateAttr(default=1)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def double(self) -> int:
        return 2 * self.age


KINDS = {
    "name": "str",
    "age": "int",
    "height": "float",
    "alive": "bool",
    "born": "date",
    "seen": "datetime",
    "at": "str",
    "lasted": "str",
    "worth": "float",
    "mood": "str",
    "kind": "str",
    "mixed": "object",
    "city": "object",
    "tags": "object",
    "unique": "object",
    "pair": "object",
    "free": "object",
    "counts": "object",
    "data": "str",
    "number": "str",
    "anything": "object",
    "maybe": "int",
    "absent": "int",
    "filled": "int",
    "made": "object",
    "code": "str",
    "share": "float",
    "either": "float",
    "both": "object",
    "aliased": "int",
}


def test_every_kind_of_field_has_its_column() -> None:
    schema = schema_of(Everything)
    assert {column.name: column.kind for column in schema.columns} == KINDS
    nullable = {column.name for column in schema.columns if column.nullable}
    assert nullable == {"mixed", "anything", "maybe", "absent", "made"}
    assert (schema.name, schema.is_list) == ("Everything", False)


def test_what_is_sent_is_what_models_take() -> None:
    sent = schema_of(Everything).json_schema
    properties = sent["properties"]
    assert sent["description"] == "All that a table row can hold."
    assert properties["name"] == {"type": "string", "description": "Full name"}
    assert properties["share"] == {"type": "number", "maximum": 1, "description": "Above 0."}
    assert properties["code"]["description"] == "At most 3 characters. Matches the regular expression ^[A-Z]{3}$"
    assert properties["born"] == {"type": "string", "format": "date"}
    assert properties["number"] == {"type": "string", "description": "Format: uuid."}
    assert properties["data"] == {"type": "string"}
    assert properties["worth"] == {"type": "number"}
    assert properties["mixed"] == {"enum": ["a", 1, None]}
    assert "the number" in properties
    assert "aliased" not in properties
    assert "double" not in properties
    assert "_secret" not in properties
    assert "filled" not in sent["required"]


@dataclasses.dataclass
class Point:
    x: int
    y: float = 0.5
    label: str | None = None


class Old(typing.TypedDict):
    a: int
    b: typing.NotRequired[str]
    inner: typing_extensions.NotRequired[list[Older]]


class Older(typing.TypedDict, total=False):
    c: float


class New(typing_extensions.TypedDict):
    a: int


def test_a_dataclass_gives_instances() -> None:
    schema = schema_of(Point)
    assert schema.read('{"x": 1}') == Point(1)
    assert schema.plain(Point(1)) == {"x": 1, "y": 0.5, "label": None}
    assert schema.revive({"x": 1, "y": 0.5, "label": None}) == Point(1)
    assert schema.columns == (
        Column("x", "int", nullable=False),
        Column("y", "float", nullable=False),
        Column("label", "str"),
    )


@pytest.mark.parametrize("kind", [Old, list[Old], Old | None, typing.Union[Old, None]])  # noqa: UP007
def test_typed_dicts_of_every_python_are_taken(kind: Any) -> None:
    schema = schema_of(kind)
    assert schema.name == "Old"
    assert [column.name for column in schema.columns] == ["a", "b", "inner"]
    text = '{"a": 1, "inner": [{"c": 2}]}'
    value = schema.read(f"[{text}]" if schema.is_list else text)
    assert value == ([json.loads(text)] if schema.is_list else json.loads(text))


def test_newer_typed_dicts_are_taken() -> None:
    assert schema_of(New).read('{"a": 1}') == {"a": 1}


@pytest.mark.parametrize("kind", [Mood, Literal["good", "bad"]])
def test_a_choice_fills_one_column(kind: Any) -> None:
    schema = schema_of(kind)
    assert schema.columns == (Column("value", "str", nullable=False),)
    assert schema.json_schema["enum"] == ["good", "bad"]
    assert schema.plain(schema.read('"good"')) == "good"


def test_a_list_is_a_list_however_it_is_asked_for() -> None:
    for schema in (
        schema_of(City, is_list=True),
        schema_of(list[City]),
        schema_of(schema_of(City), is_list=True),
        schema_of(list[City], is_list=True),
    ):
        assert schema.is_list
        assert schema.name == "City"
        assert [column.name for column in schema.columns] == ["name", "zip"]
        assert schema.json_schema["type"] == "array"
        assert schema.read('[{"name": "Rome"}]') == [City(name="Rome")]
        assert schema.plain([City(name="Rome")]) == [{"name": "Rome", "zip": None}]


def test_a_union_of_models_has_the_columns_of_all() -> None:
    schema = schema_of(Union[City, Point])  # noqa: UP007 - the spelling is tested
    assert [(column.name, column.kind, column.nullable) for column in schema.columns] == [
        ("name", "str", True),
        ("zip", "str", True),
        ("x", "int", True),
        ("y", "float", True),
        ("label", "str", True),
    ]
    assert schema.read('{"x": 1}') == Point(1)


def test_a_union_of_twenty_is_sent() -> None:
    made = [type(f"M{n}", (BaseModel,), {"__annotations__": {f"f{n}": int}}) for n in range(20)]
    schema = schema_of(Union[tuple(made)])  # noqa: UP007 - made of a tuple
    assert len(schema.json_schema["anyOf"]) == len(schema.columns) == 20
    assert schema.read('{"f7": "1"}').f7 == 1


class Node(BaseModel):
    name: str
    children: list[Node] = []


class Endless(BaseModel):
    next: Endless


class Tree(BaseModel):
    root: Branch


class Branch(BaseModel):
    parts: list[Branch]


def test_a_model_within_itself_is_sent_by_reference() -> None:
    schema = schema_of(Node)
    assert schema.json_schema["$ref"] == "#/$defs/Node"
    assert schema.json_schema["$defs"]["Node"]["properties"]["children"] == {
        "type": "array",
        "items": {"$ref": "#/$defs/Node"},
    }
    assert [column.name for column in schema.columns] == ["name", "children"]
    text = '{"name": "a", "children": [{"name": "b", "children": []}]}'
    assert schema.read(text) == Node(name="a", children=[Node(name="b")])
    with pytest.raises(SchemaError, match=r"'children\[\]' comes back within itself"):
        schema.config(form="openapi")


@pytest.mark.parametrize(("kind", "place"), [(Endless, r"Endless\.next"), (Tree, r"Branch\.parts")])
def test_a_model_that_must_hold_itself_is_refused_by_name(kind: Any, place: str) -> None:
    with pytest.raises(SchemaError, match=place) as caught:
        schema_of(kind)
    assert "default" in str(caught.value)


class Picture:
    pass


class HasCallable(BaseModel):
    inner: list[City]
    call: Callable[[], int]


@dataclasses.dataclass
class HasPicture:
    name: str
    cover: Picture


class Deep(typing.TypedDict):
    rows: list[HasPicture]


class HasPath(BaseModel):
    a: int = Field(validation_alias=AliasPath("x", 0))


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (HasCallable, r"'HasCallable\.call' is .*Callable"),
        (HasPicture, r"'HasPicture\.cover' is Picture, which cannot be sent"),
        (Deep, r"'Deep\.rows\[\]\.cover' is Picture"),
        (list[HasPicture], r"'HasPicture\[\]\.cover' is Picture"),
        (Picture, "Picture cannot be sent"),
        (42, "42 is no schema"),
        (None, "None is no schema"),
        ([], r"\[\] is no schema"),
        ({}, r"\{\} is no schema"),
        ("", "'' is no schema"),
        ("  ", "'' is no schema"),
        (City(name="x"), "Give the class City itself"),
        (Point(1), "Give the class Point itself"),
        (object(), "is no schema"),
        ("@missing.json", "cannot be read"),
        ("{broken", "is not JSON"),
        ('{"type": "object"', "is not JSON"),
        (pd.DataFrame(), "no columns"),
    ],
)
def test_what_is_no_schema_is_named(value: Any, words: str) -> None:
    with pytest.raises(SchemaError, match=words) as caught:
        schema_of(value)
    assert len(str(caught.value)) < 600


def test_a_field_with_a_path_for_an_alias_is_sent_or_named() -> None:
    try:
        schema = schema_of(HasPath)
    except SchemaError as error:
        assert "HasPath" in str(error)  # noqa: PT017 - either is right
    else:
        assert len(schema.columns) == 1


def test_a_file_of_json_schema_is_read(tmp_path: Path) -> None:
    path = tmp_path / "person.json"
    path.write_text(
        "\ufeff" + json.dumps({"title": "Person", "type": "object", "properties": {"name": {"type": "string"}}})
    )
    for value in (path, f"@{path}", path.read_text("utf-8-sig")):
        schema = schema_of(value)
        assert schema.name == "Person"
        assert [column.name for column in schema.columns] == ["name"]


@pytest.mark.parametrize(
    ("data", "words"),
    [(b"\xff\xfe\x00", "not UTF-8"), (b"[1]", "holds"), (b"{", "not JSON"), (b" " * 4_000_001, "larger")],
)
def test_a_bad_file_is_named(tmp_path: Path, data: bytes, words: str) -> None:
    path = tmp_path / "bad.json"
    path.write_bytes(data)
    with pytest.raises(SchemaError, match=words):
        schema_of(path)
    with pytest.raises(SchemaError, match="cannot be read"):
        schema_of(tmp_path)


NOON = dt.datetime(2026, 1, 1, 12)  # noqa: DTZ001 - as a file has it


@pytest.mark.parametrize("library", [pd, pl])
def test_an_example_frame_says_its_columns(library: Any) -> None:
    frame = library.DataFrame({"name": ["a", "b"], "age": [1, 2], "price": [1.5, None], "when": [NOON] * 2})
    schema = schema_of(frame)
    assert schema.columns == (
        Column("name", "str", nullable=False),
        Column("age", "int", nullable=False),
        Column("price", "float", nullable=True),
        Column("when", "datetime", nullable=False),
    )
    assert schema.json_schema["properties"]["price"] == {"type": ["number", "null"]}
    text = '{"name": "c", "age": 3, "price": null, "when": "2026-05-31T10:00:00"}'
    assert schema.read(text) == json.loads(text)
