from __future__ import annotations

import linecache
import math
from functools import cache, partial

import pytest

from gemini_magic.exceptions import UnsupportedValue
from gemini_magic.parts.source import has_source, source_text
from gemini_magic.parts.text import to_text

CELL = """import functools

class Shape:
    '''A shape.'''
    class Inner:
        def name(self):
            return 'inner'

    def area(self):
        return 1

@functools.total_ordering
class Other:
    def __lt__(self, other):
        return True

@functools.cache
def made(): pass

import dataclasses

@dataclasses.dataclass
class Bare:
    x: int = 1
"""


def double(x):
    return 2 * x  # twice


@pytest.fixture
def cell():
    name = "<ipython-input-1>"
    linecache.cache[name] = (len(CELL), None, CELL.splitlines(keepends=True), name)
    namespace = {"__name__": "__main__"}
    exec(compile(CELL, name, "exec"), namespace)  # noqa: S102 - as a notebook runs a cell
    yield namespace
    del linecache.cache[name]


def test_a_function_is_its_source():
    assert to_text(double) == "def double(x):\n    return 2 * x  # twice\n"
    assert to_text(partial(double, 1)) == to_text(double)


def test_a_wrapped_function_is_the_source_of_what_it_wraps():
    assert to_text(cache(double)) == to_text(double)


def test_a_method_loses_the_indentation_of_its_class():
    class Local:
        def method(self):
            return self

    assert to_text(Local().method) == "def method(self):\n    return self\n"
    assert to_text(Local).startswith("class Local:\n    def method")


def test_a_class_of_a_notebook_is_found_in_its_cell(cell):
    assert to_text(cell["Shape"]) == CELL[CELL.index("class Shape") : CELL.index("\n@functools")]
    assert to_text(cell["Shape"].Inner).startswith("class Inner:\n    def name")
    assert to_text(cell["Other"]).startswith("@functools.total_ordering\nclass Other:")


def test_a_dataclass_of_a_notebook_is_found_by_its_name(cell):
    assert to_text(cell["Bare"]) == "@dataclasses.dataclass\nclass Bare:\n    x: int = 1\n"


def test_a_class_that_no_cell_has_is_refused(cell):
    cell["Bare"].__name__ = "Gone"
    for cls in (cell["Bare"], type("Made", (), {})):
        with pytest.raises(UnsupportedValue, match="no source"):
            to_text(cls)


@pytest.mark.parametrize("value", [len, math.sin, int, [].append, eval("lambda x: x")])  # noqa: S307
def test_what_was_not_written_in_a_file_is_refused_by_name(value):
    assert has_source(value)
    with pytest.raises(UnsupportedValue, match="f has no source"):
        source_text(value, "f")


def test_values_have_no_source():
    assert not any(map(has_source, [1, "a", [], None, math]))
