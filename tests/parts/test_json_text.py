from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import enum
import json
import types
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr

from gemini_magic import wire
from gemini_magic.exceptions import InputError, UnsupportedValue
from gemini_magic.parts.text import to_text


class City(BaseModel):
    name: str
    seen: dt.date | None = None


@dataclasses.dataclass
class Point:
    x: float
    where: Any = None


Pair = collections.namedtuple("Pair", "a b")  # noqa: PYI024 - the untyped kind is to be known too


class Size(enum.Enum):
    BIG = 3


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": [1, "é"], "b": None}, '{"a": [1, "é"], "b": null}'),
        ([], "[]"),
        ((1, 2), "[1, 2]"),
        ({3, 1, 2}, "[1, 2, 3]"),
        (frozenset({"b", "a"}), '["a", "b"]'),
        (range(3), "[0, 1, 2]"),
        (collections.deque([1]), "[1]"),
        ({"a": 1}.keys(), '["a"]'),
        ({"a": 1}.items(), '[["a", 1]]'),
        (types.MappingProxyType({"a": 1}), '{"a": 1}'),
        (collections.Counter("aab"), '{"a": 2, "b": 1}'),
        (Pair(1, 2), '{"a": 1, "b": 2}'),
        (Point(1.5, Point(2)), '{"x": 1.5, "where": {"x": 2, "where": null}}'),
        (City(name="Ulm"), '{"name": "Ulm", "seen": null}'),
        ([City(name="Ulm", seen=dt.date(2024, 5, 6))], '[{"name": "Ulm", "seen": "2024-05-06"}]'),
        ({1: "a", None: "b", (1, 2): "c"}, '{"1": "a", "None": "b", "1/2": "c"}'),
        ({"d": Decimal("1.10"), "t": dt.time(1), "e": Size.BIG}, '{"d": "1.10", "t": "01:00:00", "e": 3}'),
        ([float("nan"), float("inf"), 1.0], "[null, null, 1.0]"),
        ([True, Size.BIG], "[true, 3]"),
    ],
)
def test_structures_are_json(value, text):
    assert to_text(value) == text


def test_a_wire_model_is_written_as_on_the_wire():
    part = wire.Content(role="user", parts=[wire.Part(text="hi")])
    assert json.loads(to_text(part)) == {"role": "user", "parts": [{"text": "hi"}]}


def test_a_secret_stays_masked():
    class Login(BaseModel):
        password: SecretStr

    assert "hush" not in to_text(Login(password=SecretStr("hush")))


def test_arrays_are_lists():
    np = pytest.importorskip("numpy")
    assert to_text(np.array([[1, 2], [3, 4]])) == "[[1, 2], [3, 4]]"
    assert to_text({"a": np.float32(0.5), "b": np.array([np.nan])}) == '{"a": 0.5, "b": [null]}'
    assert to_text(np.array(["2024-05-06T00:00:00.000000001"], dtype="M8[ns]")) == '["2024-05-06T00:00:00.000000001"]'
    with pytest.raises(InputError, match="more than 1,000,000 values"):
        to_text(np.zeros(2_000_000), name="x")


def test_a_frame_inside_is_a_table():
    pd = pytest.importorskip("pandas")
    assert json.loads(to_text({"df": pd.DataFrame({"a": [1]})}))["df"].endswith("| 1 |")


def test_what_contains_itself_is_refused():
    endless: list[Any] = []
    endless.append({"again": endless})
    with pytest.raises(InputError, match=r"x .*contains itself"):
        to_text(endless, name="x")


def test_the_same_thing_twice_is_not_itself():
    shared = [1]
    assert to_text([shared, shared]) == "[[1], [1]]"


def test_depth_has_a_limit():
    deep: list[Any] = []
    for _ in range(5000):
        deep = [deep]
    with pytest.raises(InputError, match="100 levels"):
        to_text(deep)


def test_keys_that_would_swallow_each_other_are_refused():
    with pytest.raises(InputError, match="same as text"):
        to_text({1: "a", "1": "b"})


def test_bytes_inside_are_refused_by_name():
    with pytest.raises(UnsupportedValue, match=r"x \(dict\) contains bytes"):
        to_text({"a": [b"\x00"]}, name="x")


def test_a_mapping_that_fails_is_named():
    class Broken(collections.UserDict):
        def items(self):
            raise RuntimeError("gone")

    with pytest.raises(UnsupportedValue, match="RuntimeError: gone"):
        to_text(Broken())


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
        max_leaves=20,
    ).filter(lambda value: isinstance(value, list | dict))
)
def test_json_values_come_back_as_they_were(value):
    assert json.loads(to_text(value)) == value
