"""The functions by which a model looks at variables of the notebook."""

from __future__ import annotations

import json
import math
import sys
from types import SimpleNamespace
from typing import Any

import cloudpickle
import numpy as np
import pandas as pd
import polars as pl
import pytest

from gemini_magic.exceptions import InputError
from gemini_magic.tools.ready.namespace import MOST_CHARACTERS, MOST_NAMES, variables

TOKEN = "ghp_" + "a1B2c3D4e5" * 4


def ask(box: Any, function: str, **args: Any) -> Any:
    tool = box.functions[function]
    bound = tool.bind(args)
    return json.loads(json.dumps(tool.function(*bound.args, **bound.kwargs), allow_nan=False))


def listed(box: Any, **args: Any) -> list[str]:
    return [entry["name"] for entry in ask(box, "list_variables", **args)["variables"]]


def shown(name: str, value: Any) -> Any:
    return ask(variables(namespace={name: value}), "show_variable", name=name)


def test_both_functions_only_read() -> None:
    box = variables(namespace={})
    assert list(box.functions) == ["list_variables", "show_variable"]
    assert all(tool.read_only for tool in box.functions.values())


def test_names_types_and_sizes_are_listed_and_no_values() -> None:
    space = {"b": [1, 2], "a": "secret words", "df": pd.DataFrame({"x": [1]}), "m": np.zeros((2, 3)), "n": 5}
    assert ask(variables(namespace=space), "list_variables") == {
        "variables": [
            {"name": "a", "type": "str", "length": 12},
            {"name": "b", "type": "list", "length": 2},
            {"name": "df", "type": "pandas.DataFrame", "shape": [1, 1]},
            {"name": "m", "type": "numpy.ndarray", "shape": [2, 3]},
            {"name": "n", "type": "int"},
        ]
    }


def test_modules_private_names_and_those_of_ipython_are_left_out() -> None:
    space = {"math": math, "_x": 1, "__y": 2, "In": [], "Out": {}, "exit": 1, "get_ipython": 2, "ok": 3}
    assert listed(variables(namespace=space)) == ["ok"]


def test_the_model_sees_only_what_the_user_has_allowed() -> None:
    space = {"sales_2025": 1, "sales_2026": 2, "salary": 3, "staff": 4}
    box = variables("sales_*", namespace=space)
    assert listed(box) == ["sales_2025", "sales_2026"]
    assert listed(box, pattern="*") == ["sales_2025", "sales_2026"]
    assert listed(box, pattern="*2026") == ["sales_2026"]
    assert listed(box, pattern="salary") == []
    with pytest.raises(InputError, match="no variable 'salary' to show"):
        ask(box, "show_variable", name="salary")
    assert listed(variables(["staff", "salary"], namespace=space)) == ["salary", "staff"]


@pytest.mark.parametrize("name", ["staf", "staff.real", "staff[0]", "__builtins__", "_x", "sys.modules", "Staff", ""])
def test_a_name_is_looked_up_and_never_evaluated(name: str) -> None:
    box = variables(namespace={"staff": 1, "_x": 2, "sys": sys})
    with pytest.raises(InputError, match="no variable"):
        ask(box, "show_variable", name=name)


def test_a_nearby_name_is_suggested() -> None:
    with pytest.raises(InputError, match="Did you mean 'staff'"):
        ask(variables(namespace={"staff": 1}), "show_variable", name="staf")


def test_a_value_is_shown_as_text() -> None:
    assert shown("n", 5)["text"] == "5"
    assert shown("d", {"a": [1, None]})["text"] == '{"a": [1, null]}'
    long = shown("t", "x" * 100_000)
    assert len(long["text"]) == MOST_CHARACTERS + 1
    assert long["length"] == 100_000
    assert "of 100,000 characters" in long["note"]


def test_a_frame_is_shown_by_its_columns_and_first_rows() -> None:
    found = shown("df", pd.DataFrame({"n": range(9), "t": ["a"] * 9}))
    assert found["rows"] == 9
    assert [column["name"] for column in found["columns"]] == ["n", "t"]
    assert found["head"][1] == [1, "a"]


def test_a_lazy_frame_is_not_computed() -> None:
    def explode(_: Any) -> Any:
        message = "computed"
        raise AssertionError(message)

    lazy = pl.LazyFrame({"a": [1]}).map_batches(explode, schema={"a": pl.Int64})
    assert shown("lazy", lazy)["note"] == "It is not computed yet."


@pytest.mark.parametrize(
    "value",
    [
        TOKEN,
        f"Authorization: {TOKEN}",
        {"deep": [{"er": TOKEN}]},
        pd.DataFrame({"a": [TOKEN]}),
        "x" * 5_000 + " " + TOKEN,
    ],
)
def test_what_looks_like_a_key_is_not_shown(value: Any) -> None:
    found = shown("value", value)
    assert TOKEN not in json.dumps(found)
    assert "so it is not shown" in found["note"]


def test_the_configured_key_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", "an-unusual-key-of-the-user-1234")
    found = shown("value", "is an-unusual-key-of-the-user-1234 right?")
    assert found["note"] == "It holds your API key, so it is not shown."


@pytest.mark.parametrize(
    "name", ["api_key", "API_KEY", "openai_apikey", "db_password", "token", "client_secret", "pwd"]
)
def test_what_is_called_a_key_is_not_shown(name: str) -> None:
    assert "text" not in shown(name, "hunter2 hunter2")


@pytest.mark.parametrize("name", ["tokens", "keys", "primary_key", "monkey", "stoken"])
def test_what_only_sounds_like_a_key_is_shown(name: str) -> None:
    assert shown(name, "words")["text"] == "words"


class Nosy:
    """Tells when it is asked."""

    asked: list[str]

    def __init__(self) -> None:
        object.__setattr__(self, "asked", [])

    def __getattr__(self, name: str) -> Any:
        self.asked.append(name)
        raise AttributeError(name)

    def __len__(self) -> int:
        self.asked.append("len")
        return 1


def test_listing_asks_the_users_objects_nothing() -> None:
    nosy = Nosy()
    assert ask(variables(namespace={"x": nosy}), "list_variables")["variables"] == [
        {"name": "x", "type": f"{Nosy.__module__.partition('.')[0]}.Nosy"}
    ]
    assert nosy.asked == []


class Rude:
    """Will not be written."""

    def __str__(self) -> str:
        message = "no"
        raise ValueError(message)

    __repr__ = __str__


def test_what_cannot_be_written_is_said() -> None:
    assert "cannot be written as text" in shown("rude", Rude())["note"]
    assert "only an address" in shown("thing", object())["note"]
    assert shown("raw", b"abc")["note"]


def test_many_variables_are_cut() -> None:
    found = ask(variables(namespace={f"v{n}": n for n in range(500)}), "list_variables")
    assert len(found["variables"]) == MOST_NAMES
    assert found["note"] == "300 more: ask with a pattern."


@pytest.mark.parametrize("pattern", ["", [], [""], 5])
def test_a_pattern_that_names_nothing_is_refused(pattern: Any) -> None:
    with pytest.raises(InputError, match="names no variables"):
        variables(pattern, namespace={})


THERE = "in the module"


def test_outside_of_ipython_the_variables_are_those_of_the_caller() -> None:
    box = variables("THERE")
    assert ask(box, "show_variable", name="THERE")["text"] == "in the module"


def test_in_a_notebook_the_variables_are_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    box = variables()
    shell = SimpleNamespace(user_ns={"mine": 1, "hidden": 2}, user_ns_hidden={"hidden": 2})
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    assert listed(box) == ["mine"]
    shell.user_ns["more"] = 2
    assert listed(box) == ["mine", "more"]


def test_the_functions_travel_without_the_variables() -> None:
    space = variables("THERE")
    data = cloudpickle.dumps(space)
    assert b"in the module" not in data
    assert list(cloudpickle.loads(data).functions) == ["list_variables", "show_variable"]
