from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from gemini_magic import wire
from gemini_magic.exceptions import InputError, UsageError
from gemini_magic.magics.command import (
    Command,
    config_fields,
    parse_cell,
    parse_line,
    request_fields,
    system_text,
)
from gemini_magic.magics.vocabulary import SUBCOMMANDS, subcommands_text

BLANK = ["", " ", "\n", "\u00a0", "\u200b", "\ufeff \u2060\n", "\t\r\n"]


def fields_of(line, namespace=None):
    return request_fields(parse_line(f"{line} x").options, namespace)


# Lines


def test_a_line_is_a_prompt():
    command = parse_line("-m gemini-x why isn't it blue?")
    assert (dict(command.options), command.prompt) == ({"model": "gemini-x"}, "why isn't it blue?")
    assert (command.subcommand, command.args, command.out, command.is_cell) == (None, (), None, False)


@pytest.mark.parametrize("text", BLANK)
def test_an_empty_line_says_what_to_write(text):
    for line in (text, f"-q {text}", f"-- {text}"):
        with pytest.raises(UsageError, match=r"no prompt .*%gemini help"):
            parse_line(line)


@pytest.mark.parametrize(
    ("line", "name", "args"),
    [
        ("models", "models", ()),
        ("  models  ", "models", ()),
        ("--profile google models", "models", ()),
        ("chats", "chats", ()),
        ("reset", "reset", ()),
        ("reset work", "reset", ("work",)),
        ("reset 'my chat'", "reset", ("my chat",)),
        ("last", "last", ()),
        ("last raw", "last", ("raw",)),
        ("last request", "last", ("request",)),
        ("usage", "usage", ()),
        ("version", "version", ()),
        ("help", "help", ()),
        ("help keys", "help", ("keys",)),
        ("help --model", "help", ("--model",)),
        ("help reset", "help", ("reset",)),
    ],
)
def test_a_first_word_that_fits_is_a_subcommand(line, name, args):
    command = parse_line(line)
    assert (command.subcommand, command.args, command.prompt) == (name, args, "")


@pytest.mark.parametrize(
    "line",
    [
        "models of cars",
        "help me",
        "help me with my homework",
        "last week was hot",
        "last week",
        "usage of words",
        "reset it's broken",
        "reset the counter please",
        "version control?",
        "Models",
        "models?",
        "reset 'open",
    ],
)
def test_a_first_word_that_does_not_fit_begins_a_prompt(line):
    assert parse_line(line) == Command(prompt=line)


def test_two_hyphens_force_a_prompt():
    assert parse_line("-- models").prompt == "models"
    assert parse_line("-q -- last raw") == Command({"quiet": True}, "last raw")
    assert parse_line("-s='--' models").subcommand == "models"


def test_every_subcommand_is_described():
    assert all(name in subcommands_text() and row.help in subcommands_text() for name, row in SUBCOMMANDS.items())


# Cells


def test_the_body_of_a_cell_is_the_prompt():
    command = parse_cell("-t 0.5", "  --model x\n\nmodels {{x}}\t\n\n")
    assert command.prompt == "  --model x\n\nmodels {{x}}\t\n"
    assert dict(command.options) == {"temperature": 0.5}
    assert command.is_cell
    assert command.subcommand is None


@pytest.mark.parametrize("body", BLANK)
def test_an_empty_cell_says_so(body):
    with pytest.raises(UsageError, match="cell is empty"):
        parse_cell("-q", body)


@pytest.mark.parametrize("line", ["answer <<", "answer<<", "-q answer << "])
def test_a_reply_can_be_stored_only(line):
    command = parse_cell(line, "why\n")
    assert (command.store_only, command.out) == ("answer", "answer")


def test_a_reply_can_be_stored_and_shown():
    command = parse_cell("-o answer", "why\n")
    assert (command.store_only, command.out) == (None, "answer")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("-o a b <<", "Both b << and --out"),
        ("class <<", "name of a variable"),
        ("explain this", "below the line"),
        ("a << b", "below the line"),
        ("models", "%gemini models, with one %"),
        ("gemini-2.5-pro", "-m gemini-2.5-pro"),
        ("temperature 1", "Did you mean '--temperature'"),
        ("--temprature 1", "Did you mean '--temperature'"),
    ],
)
def test_what_does_not_belong_behind_the_magic_is_named(line, message):
    with pytest.raises(UsageError, match=message):
        parse_cell(line, "why\n")


def test_a_command_tells_what_it_is():
    assert repr(parse_line("-m x why")) == "<Command %gemini model='x' 'why'>"
    assert repr(parse_line("last raw")) == "<Command %gemini last raw>"
    assert repr(parse_cell("a <<", "b" * 5000)) == f"<Command %%gemini a << '{'b' * 40}'… (5,000 characters)>"


def test_a_command_does_not_change():
    command = parse_line("-m x why")
    with pytest.raises(AttributeError):
        command.prompt = "y"
    with pytest.raises(TypeError):
        command.options["model"] = "y"


@given(st.text(max_size=50), st.text(max_size=50))
def test_no_line_and_cell_raise_another_error(line, cell):
    for parse in (lambda: parse_line(line), lambda: parse_cell(line, cell), lambda: parse_cell("", cell)):
        try:
            command = parse()
        except UsageError:
            continue
        request_fields(command.options)
        assert repr(command).startswith("<Command %")


@given(st.text(min_size=1).filter(lambda text: text.strip().isalnum()))
def test_a_body_is_never_changed(body):
    assert parse_cell("", f"{body}\n").prompt == body


# Fields of the request


def test_nothing_is_sent_that_was_not_given():
    assert fields_of("-m x -q --chat a --timeout 5 --profile google --raw -s hi") == {}


def test_every_option_has_its_place():
    line = (
        "-t 0.5 --top-p 0.9 --top-k 40 --max-tokens 100 --seed 7 --stop A --stop B -n 2 --think high --thoughts "
        "--set generationConfig.newField=1 --set serviceTier=flex"
    )
    assert fields_of(line) == {
        "generationConfig": {
            "temperature": 0.5,
            "topP": 0.9,
            "topK": 40,
            "maxOutputTokens": 100,
            "seed": 7,
            "stopSequences": ["A", "B"],
            "candidateCount": 2,
            "thinkingConfig": {"thinkingLevel": "HIGH", "includeThoughts": True},
            "newField": 1,
        },
        "serviceTier": "flex",
    }


def test_fields_are_names_of_the_protocol():
    body = fields_of("-t 0.5 --top-p 0.9 --top-k 40 --max-tokens 100 --seed 7 --stop A -n 2 --think 5 --thoughts")
    config = wire.GenerateContentRequest.model_validate(body).generation_config
    assert not config.model_extra
    assert not config.thinking_config.model_extra
    assert config.thinking_config.thinking_budget == 5


def test_lists_are_made_on_the_way():
    assert fields_of("--set tools[0].googleSearch={} --set tools[1].codeExecution={}") == {
        "tools": [{"googleSearch": {}}, {"codeExecution": {}}]
    }
    assert fields_of("--set a[0][0]=1 --set a[0][1]=2") == {"a": [[1, 2]]}


@pytest.mark.parametrize(
    "line", ["--set a=1 --set a.b=2", "--set a[1]=1", "--set a={} --set a[0]=1", "--set a[0]=1 --set a.b=1"]
)
def test_a_path_through_something_else_is_refused(line):
    with pytest.raises(UsageError, match="--set a"):
        fields_of(line)


def test_what_is_set_is_not_changed_by_what_is_set_later():
    options = parse_line("--set tools=[] --set tools[0]=1 x").options
    assert request_fields(options) == request_fields(options) == {"tools": [1]}


def test_a_variable_holds_the_configuration_and_options_overwrite_it():
    mine = {"temperature": 1, "thinkingConfig": {"includeThoughts": False}}
    fields = fields_of("--config mine -t 0.5 --thoughts", {"mine": mine})
    assert fields == {"generationConfig": {"temperature": 0.5, "thinkingConfig": {"includeThoughts": True}}}
    assert mine == {"temperature": 1, "thinkingConfig": {"includeThoughts": False}}


def test_a_model_of_the_protocol_is_a_configuration():
    config = wire.GenerationConfig(top_k=5)
    assert config_fields("c", {"c": config}) == {"topK": 5}

    class Other(BaseModel):
        x: int = 1

    assert config_fields("c", {"c": Other(x=2)}) == {"x": 2}


def test_a_configuration_that_is_none_is_refused():
    with pytest.raises(InputError, match="Did you mean 'conf'"):
        config_fields("cnf", {"conf": {}})
    for value in (5, [1], {1: 2}, "a"):
        with pytest.raises(InputError, match="takes a dict"):
            config_fields("c", {"c": value})


# The system instruction


def test_a_system_text_is_typed_or_named_or_read(tmp_path):
    path = tmp_path / "role.txt"
    path.write_bytes("\ufeffBe brief. é".encode())
    assert system_text("Be brief.", {}) == "Be brief."
    assert system_text("$role", {"role": "Be brief."}) == "Be brief."
    assert system_text("$role", {"role": {"a": 1}}) == '{"a": 1}'
    assert system_text(f"@{path}", {}) == "Be brief. é"
    assert system_text("$5 is cheap", {}) == "$5 is cheap"
    assert system_text("@", {}) == "@"


def test_a_system_text_that_is_not_there_is_named(tmp_path):
    (tmp_path / "binary").write_bytes(b"\xff")
    (tmp_path / "large").write_bytes(b"a" * 4_000_001)
    with pytest.raises(InputError, match="Did you mean 'role'"):
        system_text("$rol", {"role": "x"})
    for name, message in (
        ("none", "is not there"),
        ("binary", "not UTF-8"),
        ("large", "the limit is 4.0 MB"),
        ("a\0", "--system"),
    ):
        with pytest.raises(InputError, match=message):
            system_text(f"@{tmp_path / name}", {})
    with pytest.raises(InputError, match="is a folder"):
        system_text(f"@{tmp_path}", {})
