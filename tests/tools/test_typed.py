from __future__ import annotations

import builtins
import io
import os
import pty
import subprocess
import sys

import pytest

from gemini_magic.tools.approval import NobodyAnswers, Pending
from gemini_magic.tools.typed import TypedApprover

OSLO = Pending("get_weather", {"city": "Oslo"})
QUESTION = 'Run get_weather(city="Oslo")? [y]es, [a]ll calls of get_weather, [N]o: '
PROGRAM = """
from gemini_magic.tools.approval import Pending
from gemini_magic.tools.typed import TypedApprover
print("->", TypedApprover().ask(Pending("get_weather", {"city": "Oslo"})), flush=True)
"""


class Keyboard(io.StringIO):
    """Somebody who types these lines."""

    def isatty(self):
        return True


@pytest.fixture
def typed(monkeypatch, capsys):
    def ask(lines: str, pending: Pending = OSLO):
        monkeypatch.setattr(sys, "stdin", Keyboard(lines))
        leave = TypedApprover().ask(pending)
        return leave, capsys.readouterr().out

    return ask


@pytest.mark.parametrize(
    ("line", "leave"),
    [("y", "run"), ("YES ", "run"), ("a", "all"), ("all", "all"), ("n", "deny"), ("No", "deny"), ("", "deny")],
)
def test_a_letter_or_a_word_is_an_answer_and_nothing_is_a_no(typed, line, leave):
    assert typed(f"{line}\n") == (leave, QUESTION)


def test_what_is_no_answer_is_asked_again(typed):
    assert typed("perhaps\ny\n") == ("run", QUESTION * 2)


def test_what_is_no_answer_three_times_is_a_no(typed):
    assert typed("perhaps\nok\nsure\ny\n") == ("deny", QUESTION * 3)


def test_the_end_of_the_input_is_nobody(typed):
    with pytest.raises(NobodyAnswers, match="get_weather needs leave to run, and there is nobody here"):
        typed("")


def test_text_of_the_model_cannot_hide_or_move_anything(typed):
    args = {"path": "a\x1b[2K\r\u202e\u200b\x9b31mb\nc", "\u2066key": "\U000e0041 \x07"}
    _, shown = typed("y\n", Pending("remove", args))
    assert shown.isprintable()
    assert "\\x9b31mb" in shown
    assert "\\u202e\\u200b" in shown
    assert "\\u2066key=" in shown
    assert "Öslo 東京 😀" in typed("y\n", Pending("look", {"city": "Öslo 東京 😀"}))[1]


def test_a_long_argument_is_shown_by_its_two_ends(typed):
    _, shown = typed("y\n", Pending("write", {"text": "a" * 10_000, "path": "the end"}))
    assert len(shown) < 4_200
    assert "characters not shown" in shown
    assert 'path="the end")? [y]es' in shown


@pytest.mark.parametrize("stream", [io.StringIO("y\n"), None])
def test_a_script_without_a_terminal_has_nobody(monkeypatch, stream):
    monkeypatch.setattr(sys, "stdin", stream)
    with pytest.raises(NobodyAnswers):
        TypedApprover().ask(OSLO)


def test_a_closed_terminal_has_nobody(monkeypatch):
    closed = Keyboard("y\n")
    closed.close()
    monkeypatch.setattr(sys, "stdin", closed)
    with pytest.raises(NobodyAnswers):
        TypedApprover().ask(OSLO)


def test_a_notebook_that_takes_no_input_has_nobody(monkeypatch):
    error = pytest.importorskip("IPython.core.error").StdinNotImplementedError

    def refuses(_prompt: str = ""):
        raise error("raw_input was called, but this frontend does not support input requests.")

    monkeypatch.setattr(builtins, "input", refuses)
    with pytest.raises(NobodyAnswers):
        TypedApprover().ask(OSLO)


def test_a_notebook_that_takes_input_is_asked_without_a_terminal(monkeypatch):
    asked = []

    def answers(prompt: str = ""):
        asked.append(prompt)
        return "a"

    monkeypatch.setattr(builtins, "input", answers)
    monkeypatch.setattr(sys, "stdin", None)
    assert TypedApprover().ask(OSLO) == "all"
    assert asked == [QUESTION]


def test_an_interrupt_at_the_question_goes_through(monkeypatch):
    def interrupted(_prompt: str = ""):
        raise KeyboardInterrupt

    monkeypatch.setattr(builtins, "input", interrupted)
    with pytest.raises(KeyboardInterrupt):
        TypedApprover().ask(OSLO)


@pytest.mark.parametrize(("line", "leave"), [(b"y\n", b"run"), (b"what\na\n", b"all"), (b"\x04", b"NobodyAnswers")])
def test_a_real_terminal_asks_and_takes_the_answer(line, leave):
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", PROGRAM]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs):  # noqa: S603 - itself
        os.close(theirs)
        shown = b""
        while QUESTION.encode() not in shown:
            shown += os.read(ours, 4096)
        os.write(ours, line)
        while leave not in shown:
            shown += os.read(ours, 4096)
    os.close(ours)
    assert leave in shown
