from __future__ import annotations

import datetime as dt
import enum
import io
import threading
import types
import uuid
from decimal import Decimal
from fractions import Fraction
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_magic.exceptions import GeminiMagicError, InputError, UnsupportedValue
from gemini_magic.parts.text import MAX_TEXT, check_text, one_line, to_text


class Colour(enum.Enum):
    RED = "red"
    FIVE = 5


class Word(enum.StrEnum):
    ONE = "one"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("as it {{is}}\n", "as it {{is}}\n"),
        ("", ""),
        (None, "None"),
        (True, "True"),
        (5, "5"),
        (10**400, "1" + "0" * 400),
        (0.1, "0.1"),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        (1 + 2j, "(1+2j)"),
        (Decimal("1.10"), "1.10"),
        (Fraction(1, 3), "1/3"),
        (dt.date(2024, 5, 6), "2024-05-06"),
        (dt.datetime(2024, 5, 6, 7, 8, tzinfo=dt.UTC), "2024-05-06T07:08:00+00:00"),
        (dt.time(7, 8), "07:08:00"),
        (dt.timedelta(hours=1), "1:00:00"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (PurePosixPath("/a/b"), "/a/b"),
        (Colour.RED, "red"),
        (Colour.FIVE, "5"),
        (Word.ONE, "one"),
    ],
)
def test_plain_values_are_written_as_documented(value, text):
    assert to_text(value) == text


def test_numpy_scalars_are_written_as_numbers_and_dates():
    np = pytest.importorskip("numpy")
    values = [np.int64(5), np.float64(1.5), np.bool_(True), np.datetime64("2024-05-06"), np.str_("a"), np.array(7)]
    assert [to_text(value) for value in values] == ["5", "1.5", "True", "2024-05-06", "a", "7"]


def test_pandas_scalars_are_written_as_dates_and_words():
    pd = pytest.importorskip("pandas")
    values = [pd.Timestamp("2024-05-06 07:08"), pd.NaT, pd.NA, pd.Timedelta("1h")]
    assert [to_text(value) for value in values] == ["2024-05-06T07:08:00", "NaT", "<NA>", "0 days 01:00:00"]


def test_an_object_with_its_own_text_gives_it():
    class Own:
        def _gemini_text_(self):
            return "mine"

    assert to_text(Own()) == "mine"


def test_an_object_with_a_str_gives_it():
    class Named:
        def __str__(self):
            return "a name"

    assert to_text(Named()) == "a name"


def test_a_subclass_of_str_is_its_text_whatever_its_str_says():
    class Loud(str):
        __slots__ = ()

        def __str__(self):
            raise RuntimeError

    assert to_text(Loud("quiet")) == "quiet"


class Raises:
    def __str__(self):
        raise RuntimeError("broken\nsecond line")


class NotText:
    def __str__(self):
        return 5  # noqa: PLE0307 - that is the fault


class Deep:
    def __str__(self):
        return str(self)


class OwnNotText:
    def _gemini_text_(self):
        return None


@pytest.mark.parametrize("cls", [Raises, NotText, Deep, OwnNotText])
def test_an_object_that_fails_as_text_is_named(cls):
    with pytest.raises(UnsupportedValue, match=rf"\{{\{{x\}}\}} \({cls.__name__}\)") as caught:
        to_text(cls(), name="{{x}}")
    assert "\n" not in str(caught.value)


def test_an_object_whose_class_lies_is_named():
    class Liar:
        @property
        def __class__(self):
            raise RuntimeError("not bound")

    with pytest.raises(GeminiMagicError):
        to_text(Liar(), name="x")


async def coroutine():
    return 1


def closed(awaitable):
    awaitable.close()
    return awaitable


@pytest.mark.parametrize(
    ("value", "word"),
    [
        ((i for i in range(3)), "generator"),
        (map(str, [1]), "map"),
        (iter([1]), "list_iterator"),
        (closed(coroutine()), "coroutine"),
        (io.StringIO("a"), "StringIO"),
        (types, "module"),
        (threading.Lock(), "lock"),
        (object(), "object"),
        (b"just bytes", "bytes"),
        (bytearray(b"ab"), "bytearray"),
    ],
)
def test_what_says_nothing_to_a_model_is_refused_with_a_way_out(value, word):
    with pytest.raises(UnsupportedValue, match=rf"thing \({word}\)") as caught:
        to_text(value, name="thing")
    assert caught.value.hint


def test_half_a_surrogate_pair_is_named_by_its_place():
    with pytest.raises(InputError, match=r"x .*character 3 "):
        to_text("abc\ud800", name="x")
    with pytest.raises(InputError, match="character 7 "):
        to_text({"a": "\udfff"})


def test_a_text_above_the_limit_is_refused_with_its_size():
    assert to_text("a" * MAX_TEXT)
    with pytest.raises(InputError, match=r"50,000,000 characters of text; the limit is 4,000,000"):
        to_text("a" * 50_000_000)
    assert to_text("abc", 3) == "abc"
    with pytest.raises(InputError, match="limit is 3"):
        to_text("abcd", 3)


def test_an_integer_that_python_does_not_print_is_refused():
    with pytest.raises(UnsupportedValue, match="ValueError"):
        to_text(10**5000)


def test_a_frame_is_a_table():
    pd = pytest.importorskip("pandas")
    assert to_text(pd.DataFrame({"a": [1]})).splitlines()[-1] == "| 1 |"


def test_an_error_is_named_in_one_line():
    assert one_line(ValueError("a\nb")) == "ValueError: a"
    assert one_line(KeyError()) == "KeyError"
    assert len(one_line(ValueError("x" * 1000))) < 250


@given(st.text())
def test_every_text_that_can_be_encoded_is_left_alone(text):
    assert check_text(text, "x") == text


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.dates() | st.decimals(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
        max_leaves=10,
    )
)
def test_no_value_raises_an_error_that_is_not_ours(value):
    try:
        assert isinstance(to_text(value), str)
    except GeminiMagicError:
        return
