"""Values that cannot be sent, or only just: each is named with the way out, and nothing goes over the wire."""

from __future__ import annotations

import datetime as dt
import functools
import io
import threading
import tracemalloc
import types
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from gemini_magic.client import Client
from gemini_magic.exceptions import InputError, UnboundName, UnsupportedValue
from gemini_magic.parts import limits

if TYPE_CHECKING:
    from collections.abc import Iterator


def refused(notebook, cell, kind=InputError, **variables):
    """The message with which a cell is refused, checked for what every message has."""
    with pytest.raises(kind) as caught:
        notebook.run(f"%%gemini\n{cell}", **variables)
    assert notebook.wire.seen == []
    assert caught.value.hint
    words = str(caught.value)
    assert words.startswith("{{")
    assert "\n" not in words
    assert len(words) < 500
    return words


def sent(notebook, cell, **variables):
    """The prompt as the gateway got it."""
    notebook.run(f"%%gemini\n{cell}", **variables)
    return notebook.prompts[-1]


# B21 to B27: names, numbers, texts


def test_an_undefined_name_is_answered_with_the_nearest(notebook):
    words = refused(notebook, "see {{tabel}}", UnboundName, table=1)
    assert "Did you mean 'table'" in words
    assert "--raw" in words


def test_none_is_none(notebook):
    assert sent(notebook, "{{x}}", x=None) == "None"


@pytest.mark.parametrize(
    ("value", "text"),
    [(5, "5"), (0.1, "0.1"), (float("nan"), "nan"), (float("inf"), "inf"), (10**400, "1" + "0" * 400), (True, "True")],
)
def test_numbers_are_as_python_writes_them(notebook, value, text):
    assert sent(notebook, "{{x}}", x=value) == text


def test_a_number_that_python_does_not_write_is_named(notebook):
    with pytest.raises(UnsupportedValue, match=r"\{\{x\}\} \(int\).*ValueError"):
        notebook.run("%%gemini\n{{x}}", x=10**5000)
    assert notebook.wire.seen == []


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (pd.NA, "<NA>"),
        (pd.NaT, "NaT"),
        (pd.Timestamp("2024-05-06 07:08"), "2024-05-06T07:08:00"),
        (np.int64(5), "5"),
        (np.float32(0.5), "0.5"),
        (np.array([1, 2]), "[1, 2]"),
        ({3, 1}, "[1, 3]"),
        ({"a": np.nan, "d": dt.date(2024, 5, 6)}, '{"a": null, "d": "2024-05-06"}'),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_json_does_not_know_has_a_text_of_its_own(notebook, value, text):
    assert sent(notebook, "{{x}}", x=value) == text


def test_a_series_is_a_table(notebook):
    assert "| 1 |" in sent(notebook, "{{x}}", x=pd.Series([1], name="a"))


def test_bytes_that_say_nothing_are_named(notebook):
    assert "{{x}} (bytes)" in refused(notebook, "{{x}}", UnsupportedValue, x=b"just bytes")
    assert "contains bytes" in refused(notebook, "{{x}}", UnsupportedValue, x={"a": b"\x00"})


def test_half_a_surrogate_pair_is_named_by_its_place(notebook):
    assert "character 3" in refused(notebook, "{{x}}", x="abc\ud800")


def test_a_text_of_50_million_characters_is_named_by_its_size(notebook):
    words = refused(notebook, "{{x}}", x="a" * 50_000_000)
    assert "50,000,000 characters" in words
    assert "4,000,000" in words


@pytest.fixture(scope="module")
def long_frame():
    return pd.DataFrame({"a": np.zeros(10_000_000, dtype="int8")})


def test_a_frame_of_ten_million_rows_is_shown_by_its_ends_without_a_copy(notebook, long_frame):
    sent(notebook, "{{df.head(1)}}", df=long_frame)  # what is loaded for the first frame counts for nothing here
    tracemalloc.start()
    try:
        text = sent(notebook, "{{df}}", df=long_frame)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert "10,000,000 rows" in text
    assert len(text) < 2000
    assert peak < 5_000_000  # the frame's data alone is 10 MB


def test_more_rows_than_fit_are_refused_with_head_as_the_way_out(notebook, long_frame):
    assert "head(" in refused(notebook, "{{df:5000000}}", df=long_frame)


# B28: tables with odd columns


@pytest.mark.parametrize(
    ("frame", "header"),
    [
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "| a (Int64) | a (Int64) |"),
        (pd.DataFrame([[1, 2]], columns=[0, "a"]), "| 0 (Int64) | a (Int64) |"),
        (pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", "x"), ("a", "y")])), "| a/x (Int64) | a/y"),
        (pd.DataFrame([[1]], columns=[dt.date(2024, 5, 6)]), "| 2024-05-06 (Int64) |"),
    ],
    ids=["twice the same", "no text", "several levels", "dates"],
)
def test_frames_with_odd_columns_are_tables(notebook, frame, header):
    assert header in sent(notebook, "{{df}}", df=frame)


# B29: objects that fail as text


class Raises:
    def __str__(self):
        raise RuntimeError("broken\nsecond line")


class NotText:
    def __str__(self):
        return 5  # noqa: PLE0307 - that is the fault


class Loops:
    def __str__(self):  # noqa: PLE0307 - it returns nothing at all
        while True:
            pass


class LoopsInRepr:
    def __repr__(self):
        while True:
            pass


class LoopsWhenShown:
    def _repr_png_(self):
        while True:
            pass


@pytest.mark.parametrize("cls", [Raises, NotText])
def test_an_object_that_fails_as_text_is_named(notebook, cls):
    with pytest.raises(UnsupportedValue, match=rf"\{{\{{x\}}\}} \({cls.__name__}\)"):
        notebook.run("%%gemini\n{{x}}", x=cls())
    assert notebook.wire.seen == []


@pytest.mark.parametrize("cls", [Loops, LoopsInRepr, LoopsWhenShown])
def test_an_object_that_takes_too_long_is_cut_off(notebook, monkeypatch, cls):
    monkeypatch.setattr(limits, "MAX_SECONDS", 0.05)
    assert "still busy" in refused(notebook, "{{x}}", UnsupportedValue, x=cls())


def test_an_object_inside_a_structure_or_frame_is_cut_off_as_well(notebook, monkeypatch):
    monkeypatch.setattr("gemini_magic.parts.json_text.MAX_SECONDS_INSIDE", 0.05)
    monkeypatch.setattr("gemini_magic.parts.table.MAX_SECONDS_INSIDE", 0.05)
    assert "still busy" in refused(notebook, "{{x}}", UnsupportedValue, x={"a": [Loops()]})
    notebook.run("pass", df=pd.DataFrame({"a": [Loops()]}, dtype=object))
    assert "still busy" in refused(notebook, "{{df}}", UnsupportedValue)


def test_the_limit_is_five_seconds():
    assert limits.MAX_SECONDS == 5


# B30: values that contain themselves


def test_what_contains_itself_has_no_end_as_text(notebook):
    endless: list[object] = []
    endless.append({"again": endless})
    with pytest.raises(InputError, match=r"\{\{x\}\}.*contains itself"):
        notebook.run("%%gemini\n{{x}}", x=endless)
    assert notebook.wire.seen == []


# B31: values that say nothing


async def coroutine():
    return 1


def closed(awaitable):
    awaitable.close()
    return awaitable


@pytest.mark.parametrize(
    ("value", "word"),
    [
        ((i for i in range(3)), "generator"),
        (closed(coroutine()), "coroutine"),
        (io.StringIO("a"), "StringIO"),
        (threading.Lock(), "lock"),
        (types, "module"),
        (int, "type"),
        (object(), "object"),
        (iter([1]), "list_iterator"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_says_nothing_to_a_model_is_named(notebook, value, word):
    words = refused(notebook, "{{x}}", UnsupportedValue, x=value)
    assert f"({word})" in words


def test_an_open_file_is_named_and_not_read(notebook, tmp_path):
    (tmp_path / "a.txt").write_text("inside")
    with (tmp_path / "a.txt").open() as opened:
        assert "(TextIOWrapper)" in refused(notebook, "{{x}}", UnsupportedValue, x=opened)
        assert opened.tell() == 0


def test_a_class_of_the_notebook_is_its_source(notebook):
    notebook.run("class Shape:\n    sides = 3\n    def area(self):\n        return 1")
    assert sent(notebook, "{{Shape}}").startswith("class Shape:\n    sides = 3")


# B32 to B34: names


def test_names_like_flags_and_keywords(notebook):
    assert sent(notebook, "{{model}} {{quiet}}", model="m", quiet=1) == "m 1"
    notebook.run("%%gemini\n{{class}} {{lambda}}")
    assert notebook.prompts[-1] == "{{class}} {{lambda}}"


def test_a_variable_wins_over_a_built_in_name(notebook):
    assert sent(notebook, "{{max}} {{list}}", max="m", list=[1]) == "m [1]"


KEY = "planted-" + "5b1c77aa90de"


@pytest.mark.parametrize("cell", ["{{key}}", "log in with {{key}}", "{{[key]}}", "{{ {'a': key} }}", "{{'x' + key}}"])
def test_a_variable_with_the_key_is_refused(notebook, monkeypatch, cell):
    notebook.config.write_text(
        notebook.config.read_text().replace('auth = "none"', 'auth = "bearer"\nkey_variable = "MY_KEY"')
    )
    monkeypatch.setenv("MY_KEY", KEY)
    with pytest.raises(InputError, match="this would send your key to the model") as caught:
        notebook.run(f"%%gemini\n{cell}", key=KEY)
    assert KEY not in str(caught.value)
    assert notebook.wire.seen == []


# B35: functions that are offered as tools


def untyped(x):
    return x


def starred(*args, **kwargs):
    return args, kwargs


def positional(x: int, /) -> int:
    return x


def mutable(x: list = []) -> list:  # noqa: B006 - that is the fault
    return x


async def awaited(x: int) -> int:
    return x


def generating(x: int) -> Iterator[int]:
    yield x


class Holder:
    def method(self, x: int) -> int:
        return x


def wrapped(function):
    def wrapper(*args):
        return function(*args)

    return wrapper


def wide():
    names = ", ".join(f"p{number}: int = 0" for number in range(500))
    namespace: dict[str, object] = {}
    exec(f"def many({names}): return 0", namespace)  # noqa: S102 - nobody types 500 parameters
    return namespace["many"]


def named(name, doc=None):
    function = types.FunctionType(untyped.__code__, {}, name)
    function.__doc__ = doc
    return function


CALLABLES = {
    "lambda": [lambda x: x],
    "no type hints": [untyped],
    "*args": [starred],
    "positional-only": [positional],
    "a default that changes": [mutable],
    "async": [awaited],
    "a generator": [generating],
    "a bound method": [Holder().method],
    "built-in": [len],
    "decorated": [wrapped(positional)],
    "a partial": [functools.partial(positional, 1)],
    "500 parameters": [wide()],
    "a name in another script": [named("größe_測る")],
    "a docstring of 1 MB": [named("long", "x" * 1_000_000)],
    "two of one name": [named("same"), named("same")],
    "a class": [Holder],
}


@pytest.mark.parametrize("functions", CALLABLES.values(), ids=CALLABLES)
def test_a_function_is_no_tool_until_it_is_declared(wire, functions):
    client = Client(wire.url, auth="none", model="gemini-x")
    with pytest.raises(InputError, match="is a Python callable; nothing was sent") as caught:
        client.generate("x", tools=functions)
    assert getattr(functions[0], "__name__", "partial") in str(caught.value)
    assert len(str(caught.value)) < 500
    with pytest.raises(InputError):
        client.stream("x", tools=functions).__enter__()
    assert wire.seen == []


def test_a_function_in_a_config_is_refused(notebook):
    with pytest.raises(InputError):
        notebook.run("%%gemini --config settings\nx", settings={"responseSchema": untyped})
    assert notebook.wire.seen == []
