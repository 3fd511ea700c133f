from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_magic.exceptions import UsageError
from gemini_magic.magics.arguments import (
    BY_FLAG,
    GROUPS,
    OPTIONS,
    format_options,
    help_text,
    parse_options,
    usage,
)


def refused(line):
    with pytest.raises(UsageError) as caught:
        parse_options(line)
    text = str(caught.value)
    assert "\n" not in text
    return text


GOOD = {
    "model": ("gemini-2.5-pro", "gemini-2.5-pro"),
    "temperature": ("0.5", 0.5),
    "top_p": ("1", 1.0),
    "top_k": ("40", 40),
    "max_tokens": ("2147483647", 2147483647),
    "seed": ("-5", -5),
    "stop": ("END", ("END",)),
    "candidates": ("8", 8),
    "think": ("high", {"thinkingLevel": "HIGH"}),
    "thoughts": (None, True),
    "set": ("generationConfig.newField=1", ((("generationConfig", "newField"), 1),)),
    "config": ("cfg", "cfg"),
    "system": ("$role", "$role"),
    "chat": ("work", "work"),
    "new": (None, True),
    "no_history": (None, True),
    "out": ("answer", "answer"),
    "quiet": (None, True),
    "no_stream": (None, True),
    "profile": ("unigateway", "unigateway"),
    "timeout": ("1.5", 1.5),
    "retries": ("0", 0),
    "fallback": ("a,b", ("a", "b")),
    "raw": (None, True),
    "image": ("photo.png", ("photo.png",)),
    "file": ("*.pdf", ("*.pdf",)),
    "max_side": ("1024", 1024),
    "quality": ("80", 80),
    "use": ("review", "review"),
    "context": ("above", "above"),
    "branch": ("other", "other"),
    "edit": ("3", 3),
    "append": (None, True),
    "format": ("json", "json"),
    "logprobs": ("3", {"responseLogprobs": True, "logprobs": 3}),
    "insert": (None, True),
    "bg": (None, True),
    "tools": ("get_weather,shop.search", (("get_weather", "shop.search"),)),
    "approve": ("always", "always"),
    "max_steps": ("3", 3),
    "tool_mode": ("any", "any"),
    "tool": ('{"googleMaps":{}}', ({"googleMaps": {}},)),
    "search": (None, True),
    "url_context": (None, True),
    "code_exec": (None, True),
    "cache": (None, True),
    "record": ("tape.jsonl", "tape.jsonl"),
    "replay": ("tape.jsonl", "tape.jsonl"),
    "dry_run": (None, True),
    "schema": ("Person", "Person"),
    "list": (None, True),
    "df": ("people", "people"),
    "retries_invalid": ("2", 2),
    "each": ("df.text", "df.text"),
    "where": ("mask", "mask"),
    "limit": ("100", 100),
    "workers": ("64", 64),
    "rpm": ("0.5", 0.5),
    "budget": ("50k", "50k"),
    "pack": ("10", 10),
    "store": ("answers.db", "answers.db"),
    "resume": (None, True),
    "fresh": (None, True),
    "retry_failed": (None, True),
}
WITH_VALUE = [option for option in OPTIONS if option.read is not None]
SWITCHES = [option for option in OPTIONS if option.read is None]


def test_every_row_of_the_table_is_tried_here():
    assert {option.dest for option in OPTIONS} == set(GOOD)
    assert {option.group for option in OPTIONS} == set(GROUPS)


def test_no_flag_is_given_to_two_options():
    flags = [flag for option in OPTIONS for flag in option.flags]
    assert len(flags) == len(set(flags)) == len(BY_FLAG)


@pytest.mark.parametrize("flag", [flag for option in WITH_VALUE for flag in option.flags])
def test_a_value_stands_behind_a_space_or_an_equals_sign(flag):
    dest = BY_FLAG[flag].dest
    typed, value = GOOD[dest]
    quoted = typed.replace('"', '\\"')
    for line in (f"{flag} {typed} why", f"{flag}={typed} why", f"{flag}   '{typed}'  why", f'{flag}="{quoted}" why'):
        assert parse_options(line) == ({dest: value}, "why")


@pytest.mark.parametrize("flag", [flag for option in SWITCHES for flag in option.flags])
def test_a_switch_takes_no_value(flag):
    assert parse_options(f"{flag} why") == ({BY_FLAG[flag].dest: True}, "why")
    assert "takes no value" in refused(f"{flag}=1 why")


@pytest.mark.parametrize("option", WITH_VALUE, ids=lambda option: option.dest)
def test_a_missing_value_is_noticed(option):
    for line in (option.flags[-1], f"{option.flags[-1]} --raw why", f"{option.flags[0]} -- why"):
        assert f"needs a value: {line.split()[0]} {option.metavar}" in refused(line)


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.dest)
def test_an_option_is_given_once_unless_it_repeats(option):
    typed, value = GOOD[option.dest]
    once = option.flags[-1] if typed is None else f"{option.flags[-1]}={typed}"
    if option.repeat:
        assert parse_options(f"{once} {once} x")[0][option.dest] == value * 2
    else:
        assert "given twice" in refused(f"{once} {once.replace(option.flags[-1], option.flags[0])} x")


@pytest.mark.parametrize(
    "text",
    [
        "why isn't it blue",
        'say "hi',
        "a  b\tc ",
        "it's -m --model x",
        "-5 + 3",
        "- a point",
        "-> there",
        "x << 2",
        "{f()} $x %time",
        "`code` \\n \\",
        "——— a dash",
        "\u2013Alice said",
    ],
)
def test_the_rest_of_the_line_is_left_as_it_is(text):
    assert parse_options(text) == ({}, text)
    assert parse_options(f"-q {text}") == ({"quiet": True}, text)


def test_two_hyphens_end_the_options():
    assert parse_options("-q -- --model x") == ({"quiet": True}, "--model x")
    assert parse_options("--  models") == ({}, "models")
    assert parse_options("-- -- x") == ({}, "-- x")
    assert parse_options("--") == ({}, "")


@pytest.mark.parametrize("value", ["abc", "nan", "1e999", "-1", "99", "", "inf", "0x1"])
def test_a_temperature_out_of_range_names_the_range(value):
    assert "from 0 to 2" in refused(f"--temperature='{value}' x")


@pytest.mark.parametrize("value", ["0", "-5", "1.5", "9999999999999", "abc", "1e3", "", "9" * 5000])
def test_a_number_of_tokens_out_of_range_names_the_range(value):
    assert "whole number from 1 to 2,147,483,647" in refused(f"--max-tokens='{value}' x")


@pytest.mark.parametrize("value", ["0", "-1", "inf", "nan", "abc", "1e9"])
def test_a_timeout_is_seconds(value):
    assert "--timeout" in refused(f"--timeout {value} x")


@pytest.mark.parametrize("value", ["''", "../../x", "'a b'", "m?key=1", "m#x", "'m\t'"])
def test_a_model_name_is_checked(value):
    text = refused(f"--model {value} x")
    assert "model name" in text or "invisible" in text


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ("off", {"thinkingBudget": 0}),
        ("0", {"thinkingBudget": 0}),
        ("-1", {"thinkingBudget": -1}),
        ("1024", {"thinkingBudget": 1024}),
        ("LOW", {"thinkingLevel": "LOW"}),
        ("ultra", {"thinkingLevel": "ULTRA"}),
    ],
)
def test_thinking_is_a_level_or_a_number_or_off(value, sent):
    assert parse_options(f"--think {value} x")[0]["think"] == sent


def test_a_slip_in_a_level_is_noticed():
    assert "Did you mean 'high'" in refused("--think hihg x")
    assert "--think" in refused("--think 'very much' x")
    assert "whole number" in refused("--think -2 x")


@pytest.mark.parametrize(
    ("typed", "path", "value"),
    [
        ("generationConfig.newField=1", ("generationConfig", "newField"), 1),
        ('generationConfig.x="a b"', ("generationConfig", "x"), "a b"),
        ("generationConfig.responseMimeType=text/plain", ("generationConfig", "responseMimeType"), "text/plain"),
        ("'tools=[{\"googleSearch\": {}}]'", ("tools",), [{"googleSearch": {}}]),
        ('tools[0].codeExecution={"a":[1]}', ("tools", 0, "codeExecution"), {"a": [1]}),
        ("store=false", ("store",), False),
        ("labels.a=null", ("labels", "a"), None),
        ("a=b=c", ("a",), "b=c"),
        ("'a = 1'", ("a",), 1),
    ],
)
def test_any_field_can_be_set(typed, path, value):
    assert parse_options(f"--set {typed} x") == ({"set": ((path, value),)}, "x")
    assert parse_options(f"--set={typed} x") == ({"set": ((path, value),)}, "x")


@pytest.mark.parametrize(
    "typed", ["a", "=1", "a..b=1", "a.=1", "a[x]=1", "a b=1", "a={", "a=[1", 'a="', "a=NaN", "a=Infinity", "a="]
)
def test_a_field_that_cannot_be_set_is_refused(typed):
    assert "--set" in refused(f"--set '{typed}' x")


@pytest.mark.parametrize("typed", ["--set a=[Infinity] x", "--set a=" + "[" * 100_000])
def test_what_json_has_not_is_not_json(typed):
    assert "not JSON" in refused(typed)


@pytest.mark.parametrize("typed", ["class", "1a", "a-b", "a.b", "''", "a()"])
def test_a_variable_is_a_name(typed):
    assert "name of a variable" in refused(f"-o {typed} x")


def test_an_unknown_option_names_the_nearest():
    assert "Did you mean '--temperature'" in refused("--temprature 0.5 x")
    assert "%gemini help" in refused("--qqqqqqqq x")
    assert "behind --" in refused("--qqqqqqqq x")


@pytest.mark.parametrize("dash", "\u2010\u2011\u2012\u2013\u2014\u2212\uff0d")
def test_a_dash_that_is_no_hyphen_is_named(dash):
    text = refused(f"-q {dash}temperature 0.5 x")
    assert "not with a hyphen" in text
    assert "--temperature" in text
    assert "--temperature" in refused(f"{dash}{dash}temprature=0.5 x")


@pytest.mark.parametrize(
    ("line", "column"), [("-s 'abc", 4), ('-s "abc', 4), ("--system='abc x", 10), ("-q -s 'it'\"s", 11)]
)
def test_an_open_quote_is_named_by_its_column(line, column):
    assert f"column {column} is not closed" in refused(line)


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("don't", "don't"),
        ("'a b'", "a b"),
        ('"it\'s"', "it's"),
        ("'a'\"'\"'b'", "a'b"),
        (r'"C:\new dir\x"', r"C:\new dir\x"),
        (r'"\\host\share a"', r"\\host\share a"),
        (r"C:\a\b", r"C:\a\b"),
        (r'"say \"hi\""', 'say "hi"'),
        ("a=b", "a=b"),
        ("$role", "$role"),
        ("@dir/file.txt", "@dir/file.txt"),
        ("-1", "-1"),
        ("'--raw'", "--raw"),
        ("{f()}", "{f()}"),
    ],
)
def test_quotes_and_backslashes_are_as_one_types_them(typed, value):
    assert parse_options(f"-s {typed} x") == ({"system": value}, "x")
    assert parse_options(f"--system={typed} x") == ({"system": value}, "x")


@pytest.mark.parametrize("bad", ["\x00", "\x1b", "\u202e", "\u2066", "\U000e0041", "\x7f", "\ud800"])
def test_invisible_characters_in_an_option_are_refused(bad):
    for line in (f"--mo{bad}del x y", f"-s a{bad}b y", f"-s 'a{bad}b' y"):
        assert f"U+{ord(bad):04X}" in refused(line)
    assert parse_options(f"a{bad}b") == ({}, f"a{bad}b")


@pytest.mark.parametrize(
    "line",
    [
        "--key abc x",
        "--api-key=abc x",
        "--api_key abc",
        "--token x",
        "why AIzaSyA1234567890abcdefghijklmnopqrstuvw",
        "-s sk-abcdefghijklmnop0123 x",
    ],
)
def test_keys_on_the_line_are_refused(line):
    text = refused(line)
    assert "history" in text
    assert "new one" in text
    assert "AIza" not in text
    assert "sk-" not in text


def test_an_endless_line_is_refused():
    assert "limit is 1,000,000" in refused("x" * 4_000_000)
    assert parse_options("x" * 1_000_000)[1]


def test_nothing_in_an_option_is_evaluated():
    assert parse_options("-s {1/0} -o x {1/0} $HOME")[0] == {"system": "{1/0}", "out": "x"}


# Any line at all

LINES = st.text(max_size=60) | st.text(alphabet="-=mts'\" \\x1{}\u2013", max_size=40)


@given(LINES)
def test_no_line_raises_another_error(line):
    try:
        options, rest = parse_options(line)
    except UsageError:
        return
    assert line.endswith(rest)
    assert set(options) <= {option.dest for option in OPTIONS}


VISIBLE = st.text(
    st.characters(exclude_categories=["Cc", "Cf", "Cs"]) | st.sampled_from("'\"\\ =-"), min_size=1, max_size=20
).filter(lambda text: "sk-" not in text and "AIza" not in text)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "system": VISIBLE,
            "stop": st.lists(VISIBLE, min_size=1, max_size=3),
            "temperature": st.floats(0, 2),
            "max_tokens": st.integers(1, 2**31 - 1),
            "quiet": st.just(True),
            "model": st.from_regex(r"[a-z][a-z0-9-]{0,10}(\.[0-9])?", fullmatch=True),
            "out": st.from_regex(r"[a-z]{3}_[0-9]", fullmatch=True),
        },
    ),
    st.sampled_from(["why isn't it", "", "x -q", "'open"]),
)
def test_options_that_are_written_are_read_back(given_options, prompt):
    options, rest = parse_options(f"{format_options(given_options)} {prompt}".strip())
    expected = {name: tuple(value) if isinstance(value, list) else value for name, value in given_options.items()}
    assert (options, rest) == (expected, prompt)


# Help


def test_help_shows_every_option():
    text = help_text()
    assert all(usage(option) in text and option.help in text for option in OPTIONS)
    assert max(map(len, text.splitlines())) <= 120
    assert "--temperature" in help_text("model")
    assert "--temperature" not in help_text("run")
