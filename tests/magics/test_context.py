"""``--context``: the cells that were run before, and the last error."""

from __future__ import annotations

import sys
import types

import pytest
from IPython.core.history import HistoryManager

from gemini_magic.exceptions import ConnectFailed, UsageError
from gemini_magic.magics.prompts import context as module
from gemini_magic.magics.prompts import recorder
from gemini_magic.magics.prompts.context import context

keeps_prints = pytest.mark.skipif(
    not hasattr(HistoryManager, "outputs"), reason="this IPython keeps what cells return, and not what they print"
)


@pytest.fixture
def run(shell, monkeypatch):
    """Runs cells as a notebook does, with their ids where they have one; errors are shown and not raised."""
    for name in ("last_exc", "last_value"):
        monkeypatch.delattr(sys, name, raising=False)
    getattr(shell.history_manager, "outputs", {}).clear()  # IPython keeps one for all shells of a process
    recorder.install(shell)

    def run(source: str, cell: str = "") -> None:
        parent = {"metadata": {"cellId": cell} if cell else {}}
        shell.kernel = types.SimpleNamespace(get_parent=lambda _: parent)
        shell.run_cell(source, store_history=True)

    yield run
    recorder.uninstall(shell)


# The cells before


@keeps_prints
def test_cells_come_in_their_order_with_what_they_printed_and_returned(run, shell):
    run("x = 20\nprint('hello')")
    run("x + 1")
    found = context("above", shell)
    assert found.text.index("x = 20") < found.text.index("Out [1]:\n```\nhello") < found.text.index("x + 1")
    assert "Out [2]:\n```\n21\n```" in found.text
    assert found.note == f"Put in: cells 1 and 2, run before, {len(found.text):,} characters."


def test_a_number_takes_the_last_so_many(run, shell):
    for number in range(1, 5):
        run(f"x = {number}")
    found = context(3, shell)
    assert "x = 1" not in found.text
    assert found.note.startswith("Put in: cells 2 to 4, run before")
    assert context(99, shell).note.startswith("Put in: cells 1 to 4,")
    assert context(1, shell).note.startswith("Put in: cell 4, run before")


def test_the_note_names_the_cells_that_were_put_in(run, shell):
    for number in range(1, 12):
        run("%gemini why" if number in {1, 4, 6, 9} else f"x = {number}")
    assert context("above", shell).note.startswith("Put in: cells 2, 3, 5, 7, 8, 10 and 11,")
    run("x = 12")
    assert context("above", shell).note.startswith("Put in: cells 2, 3, 5, 7, 8 and 10 to 12,")


def test_the_cell_that_asks_is_left_out(run, shell):
    run("x = 1")
    shell.user_ns["ask"] = lambda: context("above", shell).text
    run("seen = ask()")
    assert "x = 1" in shell.user_ns["seen"]
    assert "ask()" not in shell.user_ns["seen"]


def test_of_a_cell_that_was_run_twice_the_latest_version_counts(run, shell):
    run("x = 'old'", cell="a")
    run("y = 1", cell="b")
    run("x = 'new'", cell="a")
    text = context("above", shell).text
    assert "'old'" not in text
    assert text.index("y = 1") < text.index("'new'")


def test_without_ids_a_cell_that_is_run_again_as_it_was_counts_once(run, shell):
    for source in ("x = 1", "y = 2", "x = 1"):
        run(source)
    assert context("above", shell).note.startswith("Put in: cells 2 and 3,")


@pytest.mark.parametrize(
    "source",
    [
        "%%gemini\nWhy?",
        "\n%%gemini -m x\nWhy?",
        "%gemini why",
        "x = %gemini why",
        "%load_ext gemini_magic",
        "%load_ext gemini_magic\n\n%gemini models",
        "",
    ],
)
def test_cells_that_only_ask_are_left_out(source):
    assert module.is_ours(source)


@pytest.mark.parametrize("source", ["x = 1\n%gemini why", "%geminis", "print('%gemini')", "%%time\n%gemini why"])
def test_cells_that_do_more_are_put_in(source):
    assert not module.is_ours(source)


def test_the_oldest_are_left_out_where_it_gets_too_long(run, shell):
    for name in "abc":
        run(f"{name} = '{name * 18_000}'")
    found = context("above", shell)
    assert len(found.text) <= module.MAX_CONTEXT
    assert "aaa" not in found.text
    assert "bbb" in found.text
    assert found.note.endswith("; left out because of the length: cell 1.")


def test_one_cell_that_is_too_long_is_cut_off(run, shell):
    run(f"a = '{'a' * 50_000}'")
    found = context(1, shell)
    assert len(found.text) <= module.MAX_CONTEXT
    assert found.text.endswith("(cut off here)")


@keeps_prints
def test_a_long_output_is_shortened(run, shell):
    run("print('word ' * 9_000)")
    text = context("above", shell).text
    assert len(text) < 5_000
    assert "45,000 characters in all" in text


def test_fences_in_a_cell_do_not_end_its_block(run, shell):
    run("s = '''\n```\ninner\n```'''")
    assert "````python\ns = '''\n```" in context("above", shell).text


def test_nothing_run_before_is_an_error(run, shell):
    with pytest.raises(UsageError, match="no cell was run before"):
        context("above", shell)
    run("%gemini why")
    with pytest.raises(UsageError, match="no cell was run before"):
        context(3, shell)


# The last error


def test_the_last_error_comes_with_its_cell_and_the_line_marked(run, shell):
    run("x = 1\ny = 0\nx / y")
    found = context("error", shell)
    assert "ZeroDivisionError: division by zero" in found.text
    assert ">   3 x / y" in found.text
    assert "    2 y = 0" in found.text
    assert found.note.startswith("Put in: the last error (ZeroDivisionError in cell 1), ")


def test_an_error_in_a_function_of_another_cell_brings_both(run, shell):
    run("def halve(a):\n    return a / 0")
    run("b = 3\nhalve(b)")
    text = context("error", shell).text
    assert ">   2 halve(b)" in text
    assert ">   2     return a / 0" in text
    assert "- line 2 of halve(): return a / 0" in text


def test_calls_into_a_library_are_named_without_the_folders_of_this_machine(run, shell):
    run("import json\njson.loads('{')")
    text = context("error", shell).text
    assert "json/decoder.py, in raw_decode()" in text
    assert sys.prefix not in text
    assert sys.base_prefix not in text


def test_what_caused_an_error_is_put_in(run, shell):
    run("try:\n    int('q')\nexcept ValueError as e:\n    raise KeyError('k') from e")
    text = context("error", shell).text
    assert "KeyError: 'k'" in text
    assert "caused by: ValueError: invalid literal" in text


def test_a_syntax_error_is_marked(run, shell):
    run("\nx = 1\nfor y in:\n    pass")
    text = context("error", shell).text
    assert "SyntaxError: invalid syntax" in text
    assert ">   2 for y in:" in text


def test_errors_of_our_own_and_interrupts_are_not_meant(run, shell):
    run("1 / 0")
    shell.user_ns["ConnectFailed"] = ConnectFailed
    run("raise ConnectFailed('nobody listens')")
    run("raise KeyboardInterrupt")
    assert "ZeroDivisionError" in context("error", shell).text


def test_the_failing_line_of_a_long_call_chain_is_kept(run, shell):
    run("def f(n):\n    return f(n - 1) if n else 1 / 0\nf(40)")
    text = context("error", shell).text
    assert text.count("- line") < 10
    assert "- …" in text


@pytest.mark.parametrize("source", ["x = 0\n1 / x", "x = 0\nfor:"])
def test_an_error_before_the_extension_was_loaded_is_found(run, shell, source):
    recorder.uninstall(shell)
    run(source)
    text = context("error", shell).text
    assert "from cell 1 of the notebook" in text or "from a cell of the notebook" in text
    assert f">   2 {source.splitlines()[1]}" in text


def test_no_error_yet_is_an_error(run, shell):
    run("x = 1")
    with pytest.raises(UsageError, match="no cell has failed yet"):
        context("error", shell)


# Listening


def test_the_recorder_is_installed_once_and_leaves_nothing(shell):
    before = {name: list(callbacks) for name, callbacks in shell.events.callbacks.items()}
    recorder.uninstall(shell)
    recorder.install(shell)
    recorder.install(shell)
    assert recorder.recorder_of(shell) is not None
    assert len(shell.events.callbacks["pre_run_cell"]) == len(before["pre_run_cell"]) + 1
    recorder.uninstall(shell)
    assert {name: list(callbacks) for name, callbacks in shell.events.callbacks.items()} == before
