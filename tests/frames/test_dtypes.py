from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pytest

from gemini_magic.exceptions import InputError
from gemini_magic.frames import dtypes_of

nw = pytest.importorskip("narwhals")
pd = pytest.importorskip("pandas")
pl = pytest.importorskip("polars")
pa = pytest.importorskip("pyarrow")

DATA = {
    "s": ["x", "y"],
    "i": [1, 2],
    "f": [1.5, None],
    "b": [True, False],
    "d": [date(2024, 5, 6), None],
    "t": [datetime(2024, 5, 6, tzinfo=UTC)] * 2,
    "o": [[1], [2]],
}
KINDS = [
    ("s", "str", False),
    ("i", "int", False),
    ("f", "float", True),
    ("b", "bool", False),
    ("d", "date", True),
    ("t", "datetime", False),
    ("o", "object", False),
]


@pytest.mark.parametrize(
    "make", [pd.DataFrame, pl.DataFrame, pa.table, lambda data: nw.from_native(pl.DataFrame(data))]
)
def test_the_columns_of_a_frame_are_kinds_of_a_schema(make):
    assert dtypes_of(make(DATA)) == KINDS


def test_a_lazy_frame_is_not_computed_and_may_have_nulls():
    assert dtypes_of(pl.LazyFrame(DATA)) == [(name, kind, True) for name, kind, _ in KINDS]


def test_an_empty_frame_tells_its_types():
    frame = pd.DataFrame({"a": pd.Series(dtype="Int64"), "b": pd.Series(dtype=object), "c": pd.Series(dtype="str")})
    assert dtypes_of(frame) == [("a", "int", True), ("b", "str", True), ("c", "str", True)]
    assert dtypes_of(pl.DataFrame(schema={"a": pl.UInt8, "b": pl.Null})) == [("a", "int", True), ("b", "str", True)]
    assert dtypes_of(pd.DataFrame()) == dtypes_of(pl.DataFrame()) == []


@pytest.mark.parametrize(
    ("series", "kind"),
    [
        (pd.Series(pd.Categorical(["u", "v"])), "str"),
        (pd.Series(pd.Categorical([1, 2])), "int"),
        (pd.Series([1, "x"]), "object"),
        (pd.Series([1, 2.5], dtype=object), "float"),
        (pd.Series([True, False], dtype=object), "bool"),
        (pd.Series([{"a": 1}]), "object"),
        (pd.Series([pd.Timedelta(1)]), "str"),
        (pd.Series(["x"], dtype="string"), "str"),
        (pl.Series([Decimal("1.5")]), "float"),
        (pl.Series([time(1)]), "str"),
        (pl.Series([timedelta(1)]), "str"),
        (pl.Series(["u"], dtype=pl.Categorical), "str"),
        (pl.Series(["u"], dtype=pl.Enum(["u"])), "str"),
        (pl.Series([{"a": 1}]), "object"),
        (pl.Series([b"x"]), "object"),
        (pl.Series([1], dtype=getattr(pl, "Int128", pl.UInt64)), "int"),
        (pl.Series([[1, 2]], dtype=pl.Array(pl.Int8, 2)), "object"),
        (pl.Series([1.0, 2.0], dtype=pl.Float32), "float"),
        (pl.Series([object()], dtype=pl.Object), "object"),
        (pa.array([{"a": 1}]), "object"),
        (pa.chunked_array([["x"]]), "str"),
    ],
    ids=lambda value: str(getattr(value, "dtype", value)),
)
def test_every_type_has_a_kind(series, kind):
    assert [kind for _, kind, _ in dtypes_of(series)] == [kind]


@pytest.mark.parametrize(
    "series",
    [pl.Series([1.0, float("nan")]), pl.Series([1, None]), pd.Series([1.0, None]), pd.Series(["x", None])],
)
def test_null_is_allowed_where_the_example_has_one(series):
    assert dtypes_of(series)[0][2]


def test_columns_need_names_of_their_own():
    with pytest.raises(InputError, match="More than one column is called 'a'"):
        dtypes_of(pd.DataFrame([[1, 2]], columns=["a", "a"]))
    assert dtypes_of(pl.Series([1]))[0][0] == "text"
