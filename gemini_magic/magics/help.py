"""``%gemini help``: made from the same tables that the parser uses."""

from __future__ import annotations

import textwrap

from gemini_magic.display.visible import visible
from gemini_magic.magics.arguments import BY_FLAG, GROUPS, OPTIONS, usage
from gemini_magic.magics.help_texts import MORE, PROMPTS, START, TOPIC_TEXTS
from gemini_magic.magics.vocabulary import SUBCOMMAND_GROUPS, SUBCOMMANDS, TOPICS
from gemini_magic.settings import PROFILES, config_path

#: The longest line of help.
WIDTH = 100
_COLUMN = 36


class Help:
    """Text that a notebook shows as it is."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        """The text."""
        return visible(self._text)


def help_on(topic: str) -> Help:
    """Help on everything, or on one topic, option or subcommand."""
    texts = {"options": _options(), "subcommands": _subcommands(), "prompts": PROMPTS, "keys": _keys(), **TOPIC_TEXTS}
    found = [_one(topic), _options(topic) if topic in GROUPS else "", texts.get(topic, "")]
    return Help("\n\n".join(text for text in found if text) or _everything())


def _everything() -> str:
    topics = ", ".join(sorted(TOPICS | set(TOPIC_TEXTS)))
    more = _wrapped(f"%gemini help TOPIC says more about an option, a subcommand, or: {topics}.")
    return f"{START}\n\n{more}\n\n{_subcommands()}\n\n{_options()}\n\n{_keys()}"


def _one(topic: str) -> str:
    """One option or one subcommand, with more words than its line in a list has."""
    if topic in BY_FLAG:
        option = BY_FLAG[topic]
        typed, text, more = usage(option), option.help, MORE.get(option.flags[-1], "")
    elif topic in SUBCOMMANDS:
        row = SUBCOMMANDS[topic]
        typed, text, more = f"%gemini {topic} {row.metavar}".rstrip(), row.help, MORE.get(topic, "")
    else:
        return ""
    return "\n".join([typed, *(_wrapped(words, "    ") for words in (f"{text}.", more) if words)])


def _options(group: str | None = None) -> str:
    """The options, by group."""
    blocks = []
    for name in GROUPS if group is None else (group,):
        rows = [_row(usage(option), option.help) for option in OPTIONS if option.group == name]
        blocks.append("\n".join([GROUPS[name], *rows]))
    return "\n\n".join(blocks)


def _subcommands() -> str:
    """The subcommands, by group."""
    blocks = ["Subcommands"]
    for group, title in SUBCOMMAND_GROUPS.items():
        rows = [
            _row(f"%gemini {name} {row.metavar}".rstrip(), row.help)
            for name, row in SUBCOMMANDS.items()
            if row.group == group
        ]
        blocks.append("\n".join([title, *rows]))
    return "\n\n".join(blocks)


def _row(typed: str, text: str) -> str:
    """What is typed, and behind it, in a column of its own, what it does."""
    first = f"  {typed}"
    behind = _wrapped(text, " " * _COLUMN)
    return f"{first}{behind[len(first) :]}" if len(first) < _COLUMN else f"{first}\n{behind}"


def _wrapped(text: str, indent: str = "") -> str:
    return textwrap.fill(
        text, WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False, break_long_words=False
    )


def _keys() -> str:
    rows = [f"  {name:<14}{' or '.join(profile.key_variables)}" for name, profile in PROFILES.items()]
    named = "\n".join(row for row, profile in zip(rows, PROFILES.values(), strict=True) if profile.key_variables)
    return f"""\
Keys are read from the environment, the OS keyring, or a config file that only you can read
{named}
  config file   {config_path()}
  Without a key the embedded model answers: small, free, and on this machine."""
