"""The options of ``%gemini`` and ``%%gemini``: one table, from which parser, help and completion are made."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from gemini_magic.exceptions import UsageError
from gemini_magic.magics import values
from gemini_magic.magics.line import (
    check_line,
    format_value,
    is_option_like,
    read_word,
    refuse_dash,
    refuse_key,
    skip_space,
)
from gemini_magic.settings import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Option:
    """One option.

    Args:
        flags: How it is typed, short form first.
        dest: Its name in ``Command.options``.
        group: The group it is shown in.
        help: What it does, in one line.
        read: Reads its value; None for a switch, which has no value.
        metavar: How help writes the value.
        repeat: Whether it may be given several times; its values are then a tuple.
        path: Where its value goes in the request, if it goes there as it is.
    """

    flags: tuple[str, ...]
    dest: str
    group: str
    help: str
    read: values.Read | None = None
    metavar: str = ""
    repeat: bool = False
    path: tuple[str, ...] = ()


#: How an answer may be shown.
FORMATS = ("md", "text", "json", "code", "html")
#: Whether leave is asked for before a function runs.
APPROVE = ("ask", "always", "never")
_CONFIG = ("generationConfig",)
_THINKING = (*_CONFIG, "thinkingConfig")

#: Every option there is. A new option is a new row.
OPTIONS: tuple[Option, ...] = (
    Option(("-m", "--model"), "model", "model", "the model to ask", values.model, "NAME"),
    Option(
        ("-t", "--temperature"),
        "temperature",
        "model",
        "0 is sober, 2 is wild",
        values.number(0, 2),
        "T",
        path=(*_CONFIG, "temperature"),
    ),
    Option(
        ("--top-p",), "top_p", "model", "nucleus sampling, 0 to 1", values.number(0, 1), "P", path=(*_CONFIG, "topP")
    ),
    Option(("--top-k",), "top_k", "model", "choose among K tokens", values.integer(1), "K", path=(*_CONFIG, "topK")),
    Option(
        ("--max-tokens",),
        "max_tokens",
        "model",
        "the longest answer, in tokens",
        values.integer(1),
        "N",
        path=(*_CONFIG, "maxOutputTokens"),
    ),
    Option(
        ("--seed",),
        "seed",
        "model",
        "the same seed makes the same answer likely",
        values.integer(-(2**31)),
        "N",
        path=(*_CONFIG, "seed"),
    ),
    Option(
        ("--stop",),
        "stop",
        "model",
        "end the answer at this text (repeatable)",
        values.plain,
        "TEXT",
        repeat=True,
        path=(*_CONFIG, "stopSequences"),
    ),
    Option(
        ("-n", "--candidates"),
        "candidates",
        "model",
        "how many answers to ask for",
        values.integer(1, 8),
        "N",
        path=(*_CONFIG, "candidateCount"),
    ),
    Option(
        ("--think",),
        "think",
        "model",
        "how long to think: minimal, low, medium, high, a number of tokens, or off",
        values.thinking,
        "LEVEL|N|off",
        path=_THINKING,
    ),
    Option(("--thoughts",), "thoughts", "model", "show the thoughts", path=(*_THINKING, "includeThoughts")),
    Option(
        ("--set",),
        "set",
        "model",
        "set any field of the request (repeatable)",
        values.setting,
        "PATH=JSON",
        repeat=True,
    ),
    Option(("--config",), "config", "model", "a variable with generationConfig fields", values.variable, "VAR"),
    Option(("-s", "--system"), "system", "content", "the system instruction", values.plain, "TEXT|$VAR|@FILE"),
    Option(
        ("-i", "--image"),
        "image",
        "content",
        "a variable or file with a picture, put before the prompt (repeatable)",
        values.plain,
        "NAME|PATH",
        repeat=True,
    ),
    Option(
        ("-f", "--file"),
        "file",
        "content",
        "a file to send along: PDF, picture, audio, video, text (repeatable)",
        values.plain,
        "PATH|GLOB|URI",
        repeat=True,
    ),
    Option(("--max-side",), "max_side", "content", "shrink pictures to this many pixels", values.integer(16), "N"),
    Option(
        ("--quality",), "quality", "content", "send pictures as JPEG of this quality", values.integer(1, 100), "1-100"
    ),
    Option(("-u", "--use"), "use", "content", "put the prompt into a saved template", values.name, "TEMPLATE"),
    Option(
        ("--context",),
        "context",
        "content",
        "put in the cells above, the last N of them, or the last error",
        values.context,
        "above|error|N",
    ),
    Option(("-c", "--chat"), "chat", "talk", "the conversation to go on with", values.name, "NAME"),
    Option(("--new",), "new", "talk", "start the conversation afresh"),
    Option(("--no-history",), "no_history", "talk", "ask without the conversation, and do not add to it"),
    Option(
        ("--branch",), "branch", "talk", "ask in a copy of the conversation, which gets this name", values.name, "NAME"
    ),
    Option(("--edit",), "edit", "talk", "ask in the place of turn N of the conversation", values.integer(1), "N"),
    Option(("--append",), "append", "talk", "add a turn; do not replace the one this cell made before"),
    Option(("-o", "--out"), "out", "result", "store the reply in a variable, and show it", values.variable, "NAME"),
    Option(
        ("--format",), "format", "result", "how to show the answer", values.one_of(FORMATS), "md|text|json|code|html"
    ),
    Option(
        ("--logprobs",),
        "logprobs",
        "result",
        "ask for log probabilities, with N alternatives per token, and show them",
        values.logprobs,
        "N",
        path=_CONFIG,
    ),
    Option(("--insert",), "insert", "result", "put the answer's code into a new cell below"),
    Option(("--bg",), "bg", "result", "answer in the background, while the kernel is free"),
    Option(("-q", "--quiet"), "quiet", "result", "show nothing"),
    Option(("--no-stream",), "no_stream", "result", "show the answer when it is complete"),
    Option(
        ("--schema",),
        "schema",
        "structure",
        "ask for data of this shape: a class, fields such as 'name, age int', or @file.json",
        values.plain,
        "VAR|FIELDS|@FILE",
    ),
    Option(("--list",), "list", "structure", "ask for a list of it; rows are shown as they come"),
    Option(("--df",), "df", "structure", "store the data as a dataframe in a variable", values.variable, "NAME"),
    Option(
        ("--retries-invalid",),
        "retries_invalid",
        "structure",
        "how often to have an answer repaired that does not fit; 1 unless given",
        values.integer(0, 5),
        "N",
    ),
    Option(("--each",), "each", "batch", "ask for each row of a dataframe or list", values.plain, "DF|DF.COLUMN"),
    Option(("--where",), "where", "batch", "only rows for which this expression is true", values.plain, "EXPR"),
    Option(("--limit",), "limit", "batch", "only the first N rows", values.integer(1), "N"),
    Option(("--workers",), "workers", "batch", "requests at the same time, at most", values.integer(1, 64), "N"),
    Option(("--rpm",), "rpm", "batch", "requests a minute, at most", values.rate, "N"),
    Option(
        ("--budget",), "budget", "batch", "stop at so many tokens, or at so much money", values.plain, "TOKENS|MONEY"
    ),
    Option(("--pack",), "pack", "batch", "rows in one request", values.integer(1, 100), "N"),
    Option(("--store",), "store", "batch", "the file that keeps the answers", values.plain, "PATH"),
    Option(("--resume",), "resume", "batch", "go on with the answers that are there, which is the default"),
    Option(("--fresh",), "fresh", "batch", "ask for every row, also for those with an answer"),
    Option(("--retry-failed",), "retry_failed", "batch", "ask again for the rows that failed, and for no others"),
    Option(
        ("--tools",),
        "tools",
        "tools",
        "functions of the notebook that the model may call (repeatable)",
        values.paths,
        "NAME,…",
        repeat=True,
    ),
    Option(
        ("--approve",),
        "approve",
        "tools",
        "before each call ask (but for read_only functions), always run, or never run",
        values.one_of(APPROVE),
        "ask|always|never",
    ),
    Option(("--max-steps",), "max_steps", "tools", "how often the model may ask for calls", values.integer(1, 50), "N"),
    Option(
        ("--tool-mode",),
        "tool_mode",
        "tools",
        "auto: the model chooses; any, or names: it has to call; none: it must not",
        values.calling,
        "auto|any|none|NAME,…",
    ),
    Option(
        ("--tool",),
        "tool",
        "tools",
        "any other tool of the server, as it stands on the wire (repeatable)",
        values.json_object,
        "JSON",
        repeat=True,
    ),
    Option(("--search",), "search", "tools", "let the model search the web"),
    Option(("--url-context",), "url_context", "tools", "let the model read the addresses in the prompt"),
    Option(("--code-exec",), "code_exec", "tools", "let the model run Python on its server"),
    Option(("--profile",), "profile", "run", "the gateway to ask", values.name, "NAME"),
    Option(("--timeout",), "timeout", "run", "the longest the call may take", values.seconds, "SECONDS"),
    Option(("--retries",), "retries", "run", "how often to try again", values.integer(0, 20), "N"),
    Option(
        ("--fallback",), "fallback", "run", "models to try when this one is not to be had", values.models, "MODEL,…"
    ),
    Option(("--cache",), "cache", "run", "answer the same request from this computer's memory"),
    Option(("--record",), "record", "run", "write every exchange to this tape", values.plain, "FILE"),
    Option(("--replay",), "replay", "run", "answer from this tape, without key or network", values.plain, "FILE"),
    Option(("--dry-run",), "dry_run", "run", "show what would be sent, and send nothing"),
    Option(("--raw",), "raw", "run", "send the prompt as it stands, {{…}} included"),
)

GROUPS: Mapping[str, str] = MappingProxyType(
    {
        "model": "Model: only what you give is sent",
        "content": "Content",
        "talk": "Conversation",
        "result": "Result",
        "structure": "Structure: data in place of words",
        "batch": "Batch: a prompt for each row",
        "tools": "Tools",
        "run": "Run",
    }
)

#: Options that make the answer data, or ask for many of them.
STRUCTURED = frozenset(option.dest for option in OPTIONS if option.group in {"structure", "batch"})
BY_FLAG: Mapping[str, Option] = MappingProxyType({flag: option for option in OPTIONS for flag in option.flags})


def parse_options(line: str) -> tuple[dict[str, Any], str]:
    """Read the options at the start of a line.

    Args:
        line: The line behind ``%gemini`` or ``%%gemini``.

    Returns:
        The options that were given, by ``Option.dest``, and the rest of the line as it was typed.

    Raises:
        UsageError: An option is unknown, doubled, without its value, or has one that it cannot take.
    """
    check_line(line)
    options: dict[str, Any] = {}
    place = skip_space(line, 0)
    while is_option_like(line, place):
        word, end = read_word(line, place)
        if word == "--":
            return options, line[skip_space(line, end) :]
        place = _take(line, word, end, options)
    refuse_dash(line[place:], BY_FLAG)
    return options, line[place:]


def _take(line: str, word: str, end: int, options: dict[str, Any]) -> int:
    """Read one option into ``options``; say where the next word starts."""
    flag, equals, text = word.partition("=")
    option = _option(flag)
    if option.read is None:
        if equals:
            raise UsageError(f"{flag} is a switch and takes no value.")
        _store(options, option, flag, value=True)
        return skip_space(line, end)
    if not equals:
        text, end = _value(line, skip_space(line, end), flag, option)
    _store(options, option, flag, option.read(text, flag))
    return skip_space(line, end)


def _option(flag: str) -> Option:
    option = BY_FLAG.get(flag)
    if option is not None:
        return option
    refuse_key(flag)
    near = did_you_mean(flag, BY_FLAG) or "`%gemini help options` lists them."
    raise UsageError(f"There is no option {flag[:40]!r}.", hint=f"{near} A prompt that starts so goes behind --.")


def _value(line: str, place: int, flag: str, option: Option) -> tuple[str, int]:
    missing = f"{flag} needs a value: {flag} {option.metavar}."
    if place >= len(line):
        raise UsageError(missing)
    value, end = read_word(line, place)
    bare = line[place] not in "\"'"
    if bare and (value == "--" or value.partition("=")[0] in BY_FLAG):
        raise UsageError(missing, hint=f"A value that looks like an option is written {flag}={value[:40]}.")
    return value, end


def _store(options: dict[str, Any], option: Option, flag: str, value: object) -> None:
    if option.repeat:
        options[option.dest] = (*options.get(option.dest, ()), value)
    elif option.dest in options:
        raise UsageError(f"{flag} is given twice.", hint="Give it once.")
    else:
        options[option.dest] = value


def format_options(given: Mapping[str, object]) -> str:
    """Write options as they would be typed; ``parse_options`` reads them back as they were.

    Args:
        given: Texts, or True for a switch, or lists of texts for options that repeat, by ``Option.dest``.

    Returns:
        The options in one line.
    """
    words: list[str] = []
    for option in OPTIONS:
        value = given.get(option.dest)
        if value is None or value is False:
            continue
        texts = value if isinstance(value, list | tuple) else (value,)
        flag = option.flags[-1]
        words.extend(flag if option.read is None else f"{flag}={format_value(str(text))}" for text in texts)
    return " ".join(words)


def usage(option: Option) -> str:
    """How an option is typed, such as ``-m, --model NAME``."""
    return f"{', '.join(option.flags)} {option.metavar}".rstrip()


def help_text(group: str | None = None) -> str:
    """Describe the options in plain text.

    Args:
        group: One of ``GROUPS``, or None for all of them.

    Returns:
        A heading and two columns for each group.
    """
    width = max(len(usage(option)) for option in OPTIONS) + 2
    blocks = []
    for name in GROUPS if group is None else (group,):
        rows = [f"  {usage(option):<{width}}{option.help}" for option in OPTIONS if option.group == name]
        blocks.append("\n".join([GROUPS[name], *rows]))
    return "\n\n".join(blocks)
