"""Where a magic runs: its cell's id, and whether its value is used."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from gemini_magic.magics.cells import cell_id, is_alone, is_statement


def shell_with(parent):
    return SimpleNamespace(kernel=SimpleNamespace(get_parent=lambda _: parent))


@pytest.mark.parametrize(
    ("shell", "found"),
    [
        (SimpleNamespace(), ""),
        (SimpleNamespace(kernel=None), ""),
        (SimpleNamespace(kernel=object()), ""),
        (shell_with(None), ""),
        (shell_with({}), ""),
        (shell_with({"metadata": None}), ""),
        (shell_with({"metadata": {"cellId": "a1"}}), "a1"),
        (shell_with({"metadata": {"cell_id": "b2", "cellId": ""}}), "b2"),
    ],
)
def test_the_cell_s_id_is_found_under_each_of_its_names(shell, found):
    assert cell_id(shell) == found


CALLS = [
    ("%probe", True, True),
    ("%probe\n1", True, False),
    ("1; get_ipython().run_line_magic('probe', '')", True, False),
    ("x = %probe", False, False),
    ("x = 1\nx = %probe\n", False, False),
    ("[get_ipython().run_line_magic('probe', '')]", False, False),
    ("print(get_ipython().run_line_magic('probe', ''), end='')", False, False),
    ("for _ in '1':\n    %probe", True, False),
    ("for _ in '1':\n    x = %probe", False, False),
    ("if True:\n    def f():\n        %probe\nf()", True, False),
    ("def f():\n    return get_ipython().run_line_magic('probe', '')\nf()", False, False),
    ("f = lambda: get_ipython().run_line_magic('probe', '')\nf()", False, False),
    ("get_ipython().run_line_magic(\n    'probe',\n    ''\n)", True, True),
    ("%%probe\nbody", True, True),
    ("%%capture\n%probe", True, True),
    ("exec(\"get_ipython().run_line_magic('probe', '')\")", False, False),
]


@pytest.mark.parametrize(("source", "statement", "alone"), CALLS)
def test_a_magic_knows_whether_its_value_is_used(shell, source, statement, alone):
    found = []

    def probe(line, cell=None):
        del line, cell
        found.append((is_statement(shell), is_alone(shell)))

    shell.register_magic_function(probe, "line_cell")
    shell.run_cell(source).raise_error()
    assert found == [(statement, alone)]


def test_a_function_of_another_cell_is_looked_up_there(shell):
    found = []

    def probe(line):
        del line
        found.append((is_statement(shell), is_alone(shell)))

    shell.register_magic_function(probe)
    shell.run_cell("def show():\n    %probe\ndef use():\n    x = %probe\n    return x").raise_error()
    shell.run_cell("show()\nuse()").raise_error()
    shell.run_cell("use()").raise_error()
    assert found == [(True, False), (False, False), (False, False)]
