"""Mistakes, failures and keys: one line, nothing sent that should not be, and the history as it was."""

from __future__ import annotations

import socket

import pytest
from wire_server import Say, answer, error, event

from gemini_magic.chat import KERNEL
from gemini_magic.exceptions import (
    AuthError,
    BadRequest,
    Blocked,
    ConfigError,
    ConnectFailed,
    FileRejected,
    InputError,
    InvalidAnswer,
    NotFound,
    ServerUnavailable,
    StreamTruncated,
    UnboundName,
    UsageError,
)


def roles_of(body):
    return [(content["role"], content["parts"][0]["text"]) for content in body["contents"]]


# Failures

MISTAKES = [
    ("%gemini", UsageError, "no prompt"),
    ("%%gemini\n  \n", UsageError, "cell is empty"),
    ("%%gemini why\nx", UsageError, "not an option"),
    ("%gemini --temprature 1 x", UsageError, "--temperature"),
    ("%gemini -t hot x", UsageError, "from 0 to 2"),
    ("%gemini -m '' x", UsageError, "model"),
    ("%gemini -m ../../x x", UsageError, "model"),
    ("%gemini -s 'open x", UsageError, "not closed"),
    ("%gemini -t 1 -t 2 x", UsageError, "twice"),
    ("%gemini --key sk-abcdefghijklmnopqrstuvwx x", UsageError, "history"),
    ("%gemini \u2013\u2013temperature 1 x", UsageError, "hyphen"),
    ("%gemini {{undefined_name}}", UnboundName, "undefined_name"),
    ("%gemini {{1 / 0}}", InputError, "division by zero"),
    ("%gemini {{().__class__}}", InputError, "__class__"),
    ("%gemini {{'\\ud800'}}", InputError, "surrogate|U\\+D800"),
    ("%gemini --profile nope x", ConfigError, "nope"),
    ("%gemini -s $nope x", InputError, "nope"),
    ("%gemini -s @nope.txt x", FileRejected, "nope.txt"),
    ("%gemini --config nope x", InputError, "nope"),
    ("%gemini --set contents=[] x", InputError, "contents"),
    ("%gemini --set generationConfig=5 x", InputError, "generation"),
]


@pytest.mark.parametrize(("source", "kind", "words"), MISTAKES)
def test_a_mistake_is_told_in_one_line_before_anything_is_sent(notebook, capsys, source, kind, words):
    with pytest.raises(kind, match=words):
        notebook.run(source)
    shown = capsys.readouterr()
    lines = (shown.out + shown.err).strip().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith(f"{kind.__name__}: ")
    assert notebook.wire.seen == []
    assert notebook.wire.connections == 0
    assert KERNEL.names == []


FAILURES = [
    (error(400, "Bad field.", "INVALID_ARGUMENT"), BadRequest, "Bad field"),
    (error(401, "Who?", "UNAUTHENTICATED"), AuthError, "Who"),
    (error(404, "No model.", "NOT_FOUND"), NotFound, "No model"),
    (Say([event("", "SAFETY")], framing="chunked"), Blocked, "SAFETY"),
    (Say([b'data: {"promptFeedback": {"blockReason": "OTHER"}}\n\n'], framing="chunked"), Blocked, "prompt .*OTHER"),
    (Say([event("Ha", "MALFORMED_FUNCTION_CALL")], framing="chunked"), InvalidAnswer, "MALFORMED"),
    (Say([event("Ha")], framing="chunked"), StreamTruncated, "finish reason"),
    (Say([event("Ha")], headers={"content-length": "999"}, ending="fin"), StreamTruncated, "cut off"),
    (
        Say([event("Ha"), b'data: {"error": {"code": 503, "message": "late", "status": "UNAVAILABLE"}}\n\n']),
        ServerUnavailable,
        "late",
    ),
]


@pytest.mark.parametrize(
    "form", ["%gemini --retries 0 two", "%%gemini --retries 0\ntwo", "x = %gemini --retries 0 two"]
)
@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: failure[2])
def test_what_went_wrong_fails_the_cell_in_one_line_and_leaves_the_history(notebook, capsys, failure, form):
    said, kind, words = failure
    notebook.run("%gemini one")
    capsys.readouterr()
    notebook.wire.answers(said)
    with pytest.raises(kind, match=words) as caught:
        notebook.run(form)
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith(kind.__name__)]
    assert len(lines) == 1
    assert "Traceback" not in lines[0]
    assert "x" not in notebook
    partial = caught.value.partial
    assert partial is None or partial is notebook["_gemini"]
    assert partial is None or partial.text in {"", "Ha"}
    notebook.wire.answers(answer("Good."))
    notebook.run("%gemini three")
    assert roles_of(notebook.body) == [("user", "one"), ("model", "Yes."), ("user", "three")]


def test_what_had_come_before_a_failure_is_shown_and_kept(notebook, capsys):
    notebook.wire.answers(Say([event("Half an ans")], headers={"content-length": "999"}, ending="fin"))
    with pytest.raises(StreamTruncated):
        notebook.run("%%gemini -o kept\nwhy")
    assert notebook["kept"].text == notebook["_gemini"].text == "Half an ans"
    assert notebook["kept"].status != "ok"
    shown = capsys.readouterr().out
    assert "Half an ans" in shown
    assert shown.index("Half an ans") < shown.index("StreamTruncated: ")


def test_the_words_of_an_error_are_no_reply(notebook):
    notebook.wire.answers(error(400, "I am an error, not an answer."))
    with pytest.raises(BadRequest):
        notebook.run("x = %gemini why")
    assert "x" not in notebook
    assert "_gemini" not in notebook


def test_an_answer_at_the_token_limit_is_kept_and_marked(notebook, capsys):
    notebook.wire.answers(answer("Half", finish="MAX_TOKENS"))
    notebook.run("%gemini one")
    assert notebook["_gemini"].status == "truncated"
    assert "token limit" in capsys.readouterr().out
    notebook.run("%gemini two")
    assert roles_of(notebook.body)[:2] == [("user", "one"), ("model", "Half")]


def test_a_failure_stops_the_cell(notebook):
    notebook.wire.answers(error(400, "no"))
    with pytest.raises(BadRequest):
        notebook.run("%gemini why\nafter = 1")
    assert "after" not in notebook


def test_nobody_listening_is_told_with_the_way_out(notebook, capsys):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
    notebook.config.write_text(notebook.config.read_text().replace(str(notebook.wire.port), str(port)))
    with pytest.raises(ConnectFailed, match=r"127\.0\.0\.1:\d+.* base_url"):
        notebook.run("%gemini --retries 0 why")
    assert capsys.readouterr().out.count("\n") == 1


# Keys

KEY = "planted-key-0123456789-abcdefghijklmnop"


@pytest.fixture
def keyed(notebook, monkeypatch):
    """The same notebook with a gateway that wants a key."""
    notebook.config.write_text(notebook.config.read_text().replace('auth = "none"', 'key_variable = "KEY_OF_TEST"'))
    monkeypatch.setenv("KEY_OF_TEST", KEY)
    return notebook


def test_the_key_goes_into_its_header_and_nowhere_else(keyed):
    keyed.run("%gemini why")
    seen = keyed.wire.seen[-1]
    assert seen.header("authorization") == f"Bearer {KEY}"
    rest = [text for name, text in seen.headers if name.lower() != "authorization"]
    assert KEY not in f"{seen.target}{seen.body!r}{rest}"


@pytest.mark.parametrize(
    "line",
    ["{{mine}}", f"say {KEY}", "-s $mine why", "--config settings why", "{{[mine]}}", f"--set labels.a={KEY} why"],
)
def test_a_prompt_with_the_key_in_it_is_not_sent(keyed, line):
    with pytest.raises(InputError, match="your API key") as caught:
        keyed.run(f"%gemini {line}", mine=KEY, settings={"stopSequences": [KEY]})
    assert KEY not in str(caught.value)
    assert keyed.wire.seen == []


@pytest.mark.parametrize("mode", ["Plain", "Context", "Verbose", "Minimal", "Docs"])
def test_no_way_of_showing_errors_shows_the_key(keyed, capsys, mode):
    keyed.run(f"%xmode {mode}")
    for said in (error(401, "The key is wrong."), Say([b"<html>"]), Say([event("Ha")], framing="close")):
        keyed.wire.answers(said)
        for line in ("--retries 0 why", "-o kept --retries 0 --no-stream why", "models"):
            result = keyed.shell.run_cell(f"%gemini {line}\n%gemini last request")
            assert KEY not in repr(vars(result.error_in_exec)) if result.error_in_exec else True
            keyed.shell.run_cell("%tb\n%gemini last request\n%gemini last raw\n_gemini")
    shown = capsys.readouterr()
    assert "AuthError: 401" in shown.out
    assert KEY not in shown.out + shown.err


def test_a_missing_key_is_told_with_the_places_to_put_it(keyed, monkeypatch):
    monkeypatch.delenv("KEY_OF_TEST")
    with pytest.raises(ConfigError, match="KEY_OF_TEST"):
        keyed.run("%gemini why")
    assert keyed.wire.connections == 0
