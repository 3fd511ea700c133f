"""``%gemini fix``: explains the last error and puts a mended cell below, and runs nothing."""

from __future__ import annotations

import sys

import pytest
from wire_server import answer, error

from gemini_magic.exceptions import ApiError, UsageError
from gemini_magic.magics.prompts import recorder
from gemini_magic.magics.subcommands import fix

MENDED = "You divide by zero.\n\n```python\nx / y\n```\n\nbecomes\n\n```python\ny = 1\nx / y\n```\n\n```text\n1.0\n```"


@pytest.fixture
def failed(notebook, monkeypatch):
    """A notebook in which a cell has failed."""
    for name in ("last_exc", "last_value"):
        monkeypatch.delattr(sys, name, raising=False)
    recorder.install(notebook.shell)
    notebook.shell.run_cell("x = 1\ny = 0\nx / y", store_history=True)
    notebook.wire.answers(answer(MENDED))
    yield notebook
    recorder.uninstall(notebook.shell)


def next_input(notebook):
    """What stands in the next cell, or at the next prompt."""
    found = getattr(notebook.shell, "rl_next_input", None)
    notebook.shell.rl_next_input = None
    return found


def test_the_error_and_the_cell_are_sent_and_the_mended_cell_is_put_below(failed, capsys):
    failed.run("%gemini fix")
    (prompt,) = failed.prompts
    assert "ZeroDivisionError: division by zero" in prompt
    assert ">   3 x / y" in prompt
    assert "```python" in prompt
    assert next_input(failed) == f"{fix.MARK}\ny = 1\nx / y"
    shown = capsys.readouterr().out
    assert "You divide by zero." in shown
    assert "Put in: the last error (ZeroDivisionError in cell 1)" in shown
    assert "has not been run" in shown
    assert failed["y"] == 0


def test_it_asks_outside_of_any_conversation(failed):
    failed.run("%gemini hello")
    failed.wire.answers(answer(MENDED))
    failed.run("%gemini fix")
    assert len(failed.body["contents"]) == 1
    failed.wire.answers(answer("Yes."))
    failed.run("%gemini again")
    assert len(failed.body["contents"]) == 3


def test_options_are_those_of_any_question(failed):
    failed.run("%gemini -t 0 fix")
    assert failed.body["generationConfig"] == {"temperature": 0}


def test_braces_in_the_cell_that_failed_are_text(failed):
    failed.shell.run_cell("x = '{{y}} {{nothing_of_that_name}}'\n1 / 0", store_history=True)
    failed.run("%gemini fix")
    assert "{{y}} {{nothing_of_that_name}}" in failed.prompts[-1]


def test_an_answer_without_code_puts_nothing_below(failed, capsys):
    failed.wire.answers(answer("I cannot tell."))
    failed.run("%gemini fix")
    assert next_input(failed) is None
    assert "no code" in capsys.readouterr().out


def test_a_cell_magic_stays_the_first_line(failed):
    failed.wire.answers(answer("So:\n```python\n%%time\nx\n```\n"))
    failed.run("%gemini fix")
    assert next_input(failed) == "%%time\nx"


def test_no_answer_leaves_the_next_cell_alone_and_the_error_is_still_the_one(failed):
    failed.wire.answers(error(400, "no"))
    with pytest.raises(ApiError):
        failed.run("%gemini fix")
    assert next_input(failed) is None
    failed.wire.answers(answer(MENDED))
    failed.run("%gemini fix")
    assert "ZeroDivisionError" in failed.prompts[-1]


def test_a_notebook_without_an_error_has_nothing_to_fix(notebook, monkeypatch):
    for name in ("last_exc", "last_value"):
        monkeypatch.delattr(sys, name, raising=False)
    with pytest.raises(UsageError, match="nothing to fix"):
        notebook.run("%gemini fix")
    assert notebook.wire.connections == 0
