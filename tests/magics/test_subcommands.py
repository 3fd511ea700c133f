"""What ``%gemini`` does besides asking."""

from __future__ import annotations

import json
from importlib.metadata import version

import pytest
from wire_server import Say, error, event

from gemini_magic.display.cards import RequestCard, Table
from gemini_magic.exceptions import ApiError, InputError, UsageError
from gemini_magic.magics.arguments import BY_FLAG
from gemini_magic.magics.vocabulary import SUBCOMMANDS
from gemini_magic.reply import Reply

KEY = "planted-key-0123456789-abcdefghijklmnop"
GOOGLE = {
    "models": [
        {"name": "models/gemini-a", "displayName": "A", "inputTokenLimit": 1000, "outputTokenLimit": 10},
        {"name": "models/gemini-b", "displayName": "B"},
    ]
}
OPENAI = {"object": "list", "data": [{"id": "gemini-a", "object": "model"}, {"id": "gemini-b", "object": "model"}]}


def shown_by(notebook, capsys, source):
    capsys.readouterr()
    assert notebook.run(source) is None
    return capsys.readouterr().out


# Help


def test_help_lists_every_subcommand_and_option(notebook, capsys):
    shown = shown_by(notebook, capsys, "%gemini help")
    assert all(f"%gemini {name}" in shown for name in SUBCOMMANDS)
    assert all(flag in shown for flag in BY_FLAG)
    assert "{{name}}" in shown
    assert "GEMINI_API_KEY" in shown
    assert "\\n" not in shown


@pytest.mark.parametrize(
    ("topic", "words"),
    [
        ("keys", "UNIGATEWAY_API_KEY"),
        ("options", "--temperature"),
        ("model", "--top-k"),
        ("prompts", "{{df:20}}"),
        ("subcommands", "version"),
        ("reset", "afresh"),
        ("help", "TOPIC"),
    ],
)
def test_help_on_a_topic_is_about_that_topic(notebook, capsys, topic, words):
    shown = shown_by(notebook, capsys, f"%gemini help {topic}")
    assert words in shown
    assert len(shown) < len(shown_by(notebook, capsys, "%gemini help"))


def test_help_on_an_option_is_a_line_about_it(notebook, capsys):
    assert "sober" in shown_by(notebook, capsys, "%gemini help --temperature")


def test_help_needs_no_gateway(notebook, capsys):
    notebook.config.write_text("profile = ")
    for topic in ("", "keys", "options"):
        assert shown_by(notebook, capsys, f"%gemini help {topic}")
    assert notebook.wire.connections == 0


# Models


@pytest.mark.parametrize("listed", [GOOGLE, OPENAI])
def test_models_are_listed_in_either_shape(notebook, capsys, listed):
    notebook.wire.answers(Say([json.dumps(listed).encode()]))
    shown = shown_by(notebook, capsys, "%gemini models")
    assert "gemini-a" in shown
    assert "gemini-b" in shown
    assert "models/" not in shown
    assert notebook.wire.seen[-1].method == "GET"


def test_models_as_a_value_are_rows(notebook, capsys):
    notebook.wire.answers(Say([json.dumps(GOOGLE).encode()]))
    notebook.run("table = %gemini models")
    assert isinstance(notebook["table"], Table)
    assert notebook["table"].rows[0] == {
        "model": "gemini-a",
        "name": "A",
        "prompt tokens": 1000,
        "answer tokens": 10,
    }
    assert capsys.readouterr().out == ""


def test_a_gateway_without_a_list_says_so(notebook):
    notebook.wire.answers(error(404, "no list"))
    with pytest.raises(ApiError, match="404"):
        notebook.run("%gemini models")


@pytest.mark.parametrize(
    "line", ["models of cars", "usage of salt?", "help me, please", "last words", "version 2 of it"]
)
def test_a_first_word_with_a_sentence_behind_it_is_a_prompt(notebook, line):
    notebook.run(f"%gemini {line}")
    notebook.run(f"%gemini -- {line}")
    assert notebook.prompts == [line, line]


def test_two_hyphens_make_a_prompt_of_a_subcommand(notebook):
    notebook.run("%gemini -- models")
    assert notebook.prompts == ["models"]


def test_a_question_mark_makes_a_prompt_of_a_subcommand(notebook):
    notebook.run("%gemini models?")
    assert notebook.prompts == ["models?"]


# Conversations


def test_chats_are_listed(notebook, capsys):
    assert "no conversation yet" in shown_by(notebook, capsys, "%gemini chats")
    notebook.run("%gemini one\n%gemini two\n%gemini -c other 3")
    notebook.run("table = %gemini chats")
    assert [(row["conversation"], row["turns"], row["last question"]) for row in notebook["table"].rows] == [
        ("main", 2, "two"),
        ("other", 1, "3"),
    ]


def test_chats_tell_turns_that_are_not_sent_again(notebook):
    notebook.run("%gemini one")
    notebook.wire.answers(error(400, "no"))
    notebook.shell.run_cell("%gemini two")
    notebook.run("table = %gemini chats")
    (row,) = notebook["table"].rows
    assert (row["turns"], row["sent again"]) == (2, 1)


def test_reset_forgets_the_conversation(notebook, capsys):
    notebook.run("%gemini -s Brief. one")
    assert "1 turn forgotten" in shown_by(notebook, capsys, "%gemini reset")
    notebook.run("%gemini two")
    assert notebook.body == {"contents": [{"role": "user", "parts": [{"text": "two"}]}]}


def test_reset_of_a_named_one_leaves_the_others(notebook, capsys):
    notebook.run("%gemini one\n%gemini -c other two\n%gemini -c other three")
    assert "2 turns forgotten" in shown_by(notebook, capsys, "%gemini reset other")
    notebook.run("%gemini four")
    assert len(notebook.body["contents"]) == 3


def test_reset_before_anything_was_asked_is_fine(notebook, capsys):
    assert "0 turns" in shown_by(notebook, capsys, "%gemini reset")


def test_reset_of_an_unknown_one_names_those_there_are(notebook):
    notebook.run("%gemini -c other one")
    with pytest.raises(InputError, match=r"'othr'.*other"):
        notebook.run("%gemini reset othr")


# The last exchange


def test_last_shows_the_reply_again(notebook, capsys):
    notebook.run("%gemini one")
    assert "Yes." in shown_by(notebook, capsys, "%gemini last")
    notebook.run("reply = %gemini last")
    assert isinstance(notebook["reply"], Reply)
    assert len(notebook.wire.seen) == 1


def test_last_raw_shows_the_response(notebook, capsys):
    notebook.wire.answers(Say([event("Hi", "STOP", responseId="abc", newField=[1])], framing="chunked"))
    notebook.run("%gemini one")
    shown = shown_by(notebook, capsys, "%gemini last raw")
    assert '"responseId": "abc"' in shown
    assert '"newField"' in shown


@pytest.mark.parametrize(
    ("options", "method"), [("", "streamGenerateContent?alt=sse"), ("--no-stream ", "generateContent")]
)
def test_last_request_shows_what_was_sent(notebook, capsys, options, method):
    notebook.run("%gemini zero")
    notebook.run(f"%gemini {options}-t 1 one")
    notebook.run("card = %gemini last request")
    assert notebook["card"].body == notebook.body
    assert notebook["card"].path == notebook.wire.url + notebook.wire.seen[-1].target
    shown = shown_by(notebook, capsys, "%gemini last request")
    assert method in shown
    assert "zero" in shown


def test_last_request_stays_what_it_was_when_the_conversation_goes_on(notebook):
    notebook.run("%gemini one\ncard = %gemini last request\n%gemini reset")
    notebook.run("again = %gemini last request")
    assert notebook["again"].body == notebook["card"].body


@pytest.mark.parametrize(("auth", "header"), [("bearer", "authorization"), ("x-goog-api-key", "x-goog-api-key")])
def test_last_request_hides_the_key(notebook, monkeypatch, auth, header):
    text = notebook.config.read_text().replace('auth = "none"', f'auth = "{auth}"\nkey_variable = "KEY_OF_TEST"')
    notebook.config.write_text(text)
    monkeypatch.setenv("KEY_OF_TEST", KEY)
    notebook.run("%gemini one\ncard = %gemini last request")
    card = notebook["card"]
    assert isinstance(card, RequestCard)
    assert KEY in notebook.wire.seen[-1].header(header)
    assert f"{header}: •" in str(card)
    assert KEY not in f"{card} {card!r} {vars(card)} {card._repr_mimebundle_()}"


def test_last_request_is_there_when_no_answer_came(notebook, capsys):
    notebook.wire.answers(error(400, "no"))
    notebook.shell.run_cell("%gemini one")
    assert '"one"' in shown_by(notebook, capsys, "%gemini last request")
    with pytest.raises(UsageError, match="last request"):
        notebook.run("%gemini last")


def test_last_before_anything_was_asked_says_so(notebook):
    with pytest.raises(UsageError, match="Nothing has been asked"):
        notebook.run("%gemini last")


# Usage and version


def test_version_is_that_of_the_package(notebook, capsys):
    assert shown_by(notebook, capsys, "%gemini version") == f"gemini_magic {version('gemini-magic')}\n"


def test_a_subcommand_in_the_middle_of_a_cell_is_shown(notebook, capsys):
    assert "Usage in this kernel" in shown_by(notebook, capsys, "%gemini usage\nx = 1")


def test_subcommands_send_nothing(notebook):
    for line in ("help", "chats", "reset", "usage", "version"):
        notebook.run(f"%gemini {line}")
    assert notebook.wire.connections == 0
