"""``%gemini help``: made from the same tables that the parser uses."""

from __future__ import annotations

from gemini_magic.magics.arguments import BY_FLAG, GROUPS, help_text, usage
from gemini_magic.magics.command import SUBCOMMANDS, subcommands_text
from gemini_magic.settings import PROFILES, config_path

_START = """\
%gemini QUESTION                 one line; x = %gemini QUESTION uses the reply and shows nothing
%gemini -- QUESTION              the same, for a question that starts like an option or a subcommand
%%gemini [OPTIONS] [NAME <<]     the cell below is the prompt; NAME << stores the reply and shows nothing

{{name}} in a prompt is a Python expression, and its value goes in: text, numbers, tables, functions, replies.
The reply is in _gemini; it has .text .parts .usage .finish_reason and more."""

_PROMPTS = """\
{{expression}}     the value of a Python expression, in its place
{{df:20}}          a table with 20 rows of it
\\{{               two braces as they stand; --raw does that for the whole cell
Single braces, $ and % are text. Braces that hold no Python expression are text, too."""


class Help:
    """Text that a notebook shows as it is."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        """The text."""
        return self._text


def help_on(topic: str) -> Help:
    """Help on everything, or on one topic, option or subcommand."""
    if topic in BY_FLAG:
        option = BY_FLAG[topic]
        return Help(f"{usage(option)}\n    {option.help}")
    if topic in SUBCOMMANDS:
        row = SUBCOMMANDS[topic]
        return Help(f"%gemini {topic} {row.metavar}".rstrip() + f"\n    {row.help}")
    if topic in GROUPS:
        return Help(help_text(topic))
    texts = {
        "": f"{_START}\n\n{subcommands_text()}\n\n{help_text()}\n\n{_keys()}",
        "options": help_text(),
        "prompts": _PROMPTS,
        "keys": _keys(),
        "subcommands": subcommands_text(),
    }
    return Help(texts.get(topic, texts[""]))


def _keys() -> str:
    rows = [f"  {name:<14}{' or '.join(profile.key_variables)}" for name, profile in PROFILES.items()]
    named = "\n".join(row for row, profile in zip(rows, PROFILES.values(), strict=True) if profile.key_variables)
    return f"""\
Keys are read from the environment, the OS keyring, or a config file that only you can read
{named}
  config file   {config_path()}
  Without a key the embedded model answers: small, free, and on this machine."""
