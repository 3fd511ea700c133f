"""Braces and paths: where an expression stands, which of them are paths, and where a path leads."""

from __future__ import annotations

import types

import pytest

from gemini_magic.exceptions import InputError
from gemini_magic.parts.braces import MAX_EXPRESSION, Expression, split
from gemini_magic.parts.paths import Path, follow, read_path


def pieces(text, *tables):
    return [piece if isinstance(piece, str) else ("is", piece.typed) for piece in split(text, lambda at: at in tables)]


def path(inside):
    (_, expression, _) = split(f"{{{{{inside}}}}}", lambda _: False)
    return read_path(expression, "The text", "Do otherwise.")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("no braces", ["no braces"]),
        ("a {{b}} c", ["a ", ("is", "{{b}}"), " c"]),
        ("{{{b}}}", ["{", ("is", "{{b}}"), "}"]),
        (r"\{{b}} {{c}}", ["", "{{b}}", " ", ("is", "{{c}}"), ""]),
        (r"\\{{b}}", [r"\\", ("is", "{{b}}"), ""]),
        ("{{b c}} {{ {{", ["{{b c}} {{ {{"]),
        ("{{ {'a': 1}}} }}", ["", ("is", "{{ {'a': 1}}}"), " }}"]),
        ("{{df:3}} {{margin:0}}", ["", ("is", "{{df:3}}"), " {{margin:0}}"]),
        ("{{" + "a" * (MAX_EXPRESSION + 1) + "}}", ["{{" + "a" * (MAX_EXPRESSION + 1) + "}}"]),
    ],
)
def test_an_expression_is_found_and_the_rest_is_text(text, found):
    assert pieces(text, "df") == found


def test_a_table_may_name_its_rows():
    (_, expression, _) = split("{{ df:30 }}", lambda at: at == "df")
    assert isinstance(expression, Expression)
    assert (expression.rows, expression.names) == (30, frozenset({"df"}))


@pytest.mark.parametrize(
    ("inside", "steps"),
    [("a", ()), ("a.b", ("b",)), ("a[0]", ((0,),)), ("a[-1]['k'].b", ((-1,), ("k",), "b"))],
)
def test_a_path_is_a_name_and_its_steps(inside, steps):
    assert path(inside) == Path("a", steps)


@pytest.mark.parametrize(
    "inside", ["a()", "a._b", "a.__class__", "a[b]", "a[True]", "a[1.5]", "a[b'k']", "a[-'k']", "1"]
)
def test_anything_else_is_refused(inside):
    with pytest.raises(InputError, match=r"^The text: \{\{.*is refused: .*\. Do otherwise\.$"):
        path(inside)


def test_a_path_is_followed():
    value = types.SimpleNamespace(b={"k": [1, 2]})
    assert follow(Path("a", ("b", ("k",), (-1,))), {"a": value}, "{{a}}") == 2
    with pytest.raises(InputError, match=r"\{\{a\}\} failed: KeyError"):
        follow(Path("a", ("b", ("x",))), {"a": value}, "{{a}}")


@pytest.mark.parametrize("closed", [types, (lambda: None).__code__], ids=["module", "code"])
def test_a_path_leads_through_nothing_of_the_interpreter(closed):
    with pytest.raises(InputError, match="reads from a"):
        follow(Path("a", ("x",)), {"a": closed}, "{{a}}")
