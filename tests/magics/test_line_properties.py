"""Any line at all: what is written is read back, nothing but a `UsageError` is raised, and nothing is evaluated."""

from __future__ import annotations

import builtins
import json
import keyword
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gemini_magic.exceptions import UsageError
from gemini_magic.magics.arguments import APPROVE, FORMATS, OPTIONS, format_options, parse_options
from gemini_magic.magics.command import Command, parse_cell, parse_line, request_fields
from gemini_magic.magics.line import MAX_LINE, format_value, read_word
from gemini_magic.magics.vocabulary import SUBCOMMANDS

EXAMPLES = 500
KEYS = ("sk-", "AIza")
#: Texts that have broken parsers, shells, templates, terminals, databases and fonts.
NAUGHTY = json.loads((Path(__file__).parent.parent / "data" / "naughty.json").read_text())
CHARACTERS = st.characters(exclude_categories=["Cc", "Cf", "Cn", "Cs"]) | st.sampled_from("'\"\\ =-{}$%")
PLAIN = st.text(CHARACTERS, min_size=1, max_size=30).filter(lambda text: not any(key in text for key in KEYS))
NAMES = PLAIN.map(str.strip).filter(bool)
MODELS = st.from_regex(r"[a-z][a-z0-9-]{0,10}(\.[0-9])?(/[a-z]{1,5})?", fullmatch=True)
VARIABLES = st.from_regex(r"[a-z_]{1,8}[0-9]?", fullmatch=True).filter(lambda name: not keyword.iskeyword(name))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | PLAIN,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(PLAIN, inner, max_size=3),
    max_leaves=6,
)
PATHS = st.lists(VARIABLES.filter(lambda name: not name.startswith("_")), min_size=1, max_size=3).map(".".join)
SETTINGS = st.tuples(
    st.lists(st.from_regex(r"[a-zA-Z_]\w{0,5}(\[[0-9]\])?", fullmatch=True), min_size=1, max_size=3), JSON
)


def whole(low: int, high: int = 2**31 - 1) -> st.SearchStrategy[int]:
    return st.integers(low, high)


#: For every option: what can be typed for it.
TYPED = {
    "model": MODELS,
    "temperature": st.floats(0, 2),
    "top_p": st.floats(0, 1),
    "top_k": whole(1),
    "max_tokens": whole(1),
    "seed": whole(-(2**31)),
    "stop": st.lists(PLAIN, min_size=1, max_size=3),
    "candidates": whole(1, 8),
    "think": st.sampled_from(["off", "low", "high", "LOW", "-1", "0", "1024"]),
    "set": st.lists(SETTINGS.map(lambda one: f"{'.'.join(one[0])}={json.dumps(one[1])}"), min_size=1, max_size=2),
    "config": VARIABLES,
    "system": PLAIN,
    "image": st.lists(PLAIN, min_size=1, max_size=2),
    "file": st.lists(PLAIN, min_size=1, max_size=2),
    "max_side": whole(16),
    "quality": whole(1, 100),
    "use": NAMES,
    "context": st.sampled_from(["above", "error", "1", "9999"]),
    "chat": NAMES,
    "branch": NAMES,
    "edit": whole(1),
    "out": VARIABLES,
    "format": st.sampled_from(FORMATS),
    "logprobs": whole(0, 20),
    "tools": st.lists(st.lists(PATHS, min_size=1, max_size=3).map(",".join), min_size=1, max_size=2),
    "approve": st.sampled_from(APPROVE),
    "max_steps": whole(1, 50),
    "tool_mode": st.sampled_from(["auto", "ANY", "none", "get_weather,lookup"]),
    "tool": st.lists(st.dictionaries(PLAIN, JSON, min_size=1, max_size=2).map(json.dumps), min_size=1, max_size=2),
    "profile": NAMES,
    "timeout": st.floats(0.001, 86_400),
    "retries": whole(0, 20),
    "fallback": st.lists(MODELS, min_size=1, max_size=3).map(",".join),
    "record": PLAIN,
    "replay": PLAIN,
    "schema": PLAIN,
    "df": VARIABLES,
    "retries_invalid": whole(0, 5),
    "each": PLAIN,
    "where": PLAIN,
    "limit": whole(1),
    "workers": whole(1, 64),
    "rpm": st.floats(0.1, 1_000_000),
    "budget": PLAIN,
    "pack": whole(1, 100),
    "store": PLAIN,
}
SWITCHES = {option.dest: st.just(value=True) for option in OPTIONS if option.read is None}
READ = {option.dest: option.read for option in OPTIONS if option.read is not None}
REPEATED = {option.dest for option in OPTIONS if option.repeat}
GIVEN = st.fixed_dictionaries({}, optional={dest: TYPED.get(dest, PLAIN) for dest in READ} | SWITCHES)
PROMPTS = st.sampled_from(["why isn't it", "", "x --raw", "'open", "{{x}}", "models of cars", "answer <<"])
PIECES = st.sampled_from([*NAUGHTY, *(flag for option in OPTIONS for flag in option.flags), *SUBCOMMANDS])
LINES = (
    st.text(max_size=60)
    | st.text(alphabet="-=mtsq'\" \\x1{}$\u2013\u00a0\x00", max_size=40)
    | st.lists(PIECES | st.text(max_size=5), max_size=6).map(" ".join)
    | st.lists(PIECES | st.text(max_size=5), max_size=4).map("".join)
)

WATCHED = {
    "exec",
    "compile",
    "open",
    "os.open",
    "os.system",
    "subprocess.Popen",
    "socket.connect",
    "import",
    "pickle.find_class",
}
SEEN: list[str] = []
WATCHING = threading.local()


def watch(event, arguments):
    if getattr(WATCHING, "on", False) and event in WATCHED:
        SEEN.append(f"{event} {arguments!r}"[:200])


sys.addaudithook(watch)


def value_of(dest, typed):
    if dest in SWITCHES:
        return True
    read = READ[dest]
    return tuple(read(str(one), "x") for one in typed) if dest in REPEATED else read(str(typed), "x")


def test_every_option_is_tried_here():
    assert set(READ) <= set(TYPED)


@settings(max_examples=EXAMPLES)
@given(GIVEN, PROMPTS)
def test_what_is_written_is_read_back(given_options, prompt):
    line = format_options(given_options)
    expected = {dest: value_of(dest, typed) for dest, typed in given_options.items()}
    assert parse_options(f"{line} {prompt}".strip()) == (expected, prompt)
    assert parse_options(f"  {line}  -- {prompt}") == (expected, prompt)
    assert format_options({dest: given_options[dest] for dest in expected}) == line


@settings(max_examples=EXAMPLES)
@given(PLAIN)
@example("'\"'\"'")
@example("\\'\\\"")
def test_a_value_is_quoted_so_that_it_is_read_back(text):
    written = format_value(text)
    assert read_word(written, 0) == (text, len(written))
    assert read_word(f"{written} rest", 0) == (text, len(written))
    assert read_word(f"--system={written} x", 0) == (f"--system={text}", len(written) + len("--system="))


def parsed(line: str, cell: str) -> list[Command]:
    """Whatever a line and a cell come to, looked at from all sides."""
    found = []
    for parse in (lambda: parse_line(line), lambda: parse_cell(line, cell), lambda: parse_cell("", cell)):
        try:
            command = parse()
            assert repr(command).startswith("<Command %")
            found.append(command)
            request_fields({name: value for name, value in command.options.items() if name != "config"})
        except UsageError as error:
            words = "".join(error._render_traceback_())
            assert len(words) < 2_000
            assert words.isprintable()
    return found


@settings(max_examples=EXAMPLES * 2)
@given(LINES, LINES)
def test_no_line_raises_anything_else_and_nothing_is_evaluated(line, cell):
    parsed("help", "x")  # what is imported by the first call is imported now
    SEEN.clear()
    WATCHING.on = True
    try:
        commands = parsed(line, cell)
    finally:
        WATCHING.on = False
    assert SEEN == []
    for command in commands:
        assert set(command.options) <= {*TYPED, *SWITCHES}
        assert command.subcommand is None or command.subcommand in SUBCOMMANDS
        assert command.prompt in {line, cell, cell.removesuffix("\n"), ""} or line.endswith(command.prompt)


@pytest.mark.parametrize("text", NAUGHTY, ids=range(len(NAUGHTY)))
def test_a_naughty_text_is_a_prompt_or_refused(text):
    for line in (
        text,
        f"-q {text}",
        f"-s {text}",
        f"--system='{text}' x",
        f"--set a={text}",
        f"-- {text}",
        f"-m {text} x",
    ):
        parsed(line, text)
    command = parse_cell("", f"x{text}\n")
    assert (command.prompt, dict(command.options)) == (f"x{text}", {})


def test_the_watch_sees_what_is_evaluated():
    SEEN.clear()
    WATCHING.on = True
    try:
        builtins.eval("1")  # noqa: S307 - this is what is watched for
    finally:
        WATCHING.on = False
    assert any(one.startswith("compile") for one in SEEN)


@pytest.mark.parametrize("unit", ["'", '"', "-", "--x ", "a=", "\\", "{{", "-q ", "--set a=1 ", "\u2013", '="x'])
def test_a_line_at_the_limit_is_read_in_time(unit):
    line = (unit * (MAX_LINE // len(unit)))[:MAX_LINE]
    parsed(line[:100_000], line[:100_000])
    parsed(f"-s {line[:100_000]}", "x")
