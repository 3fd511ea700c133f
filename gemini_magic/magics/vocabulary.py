"""The subcommands of ``%gemini``: one table, from which parser, help and completion are made."""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from gemini_magic.magics.arguments import BY_FLAG, GROUPS

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAME = r"[^\n-][^\n]*"
_FILE = r"[^\n]+\.(?:json|md|ipynb)"


@dataclass(frozen=True, slots=True)
class Subcommand:
    """A first word that is no prompt when the rest of the line fits.

    Args:
        help: What it does, in one line.
        metavar: How help writes what follows.
        like: What may follow, as a regular expression over its words with a line break between.
        group: The group it is shown in.
    """

    help: str
    metavar: str = ""
    like: str = ""
    group: str = "setup"

    def fits(self, args: tuple[str, ...]) -> bool:
        """Whether these words may follow."""
        return re.fullmatch(self.like, "\n".join(args)) is not None


#: The groups of subcommands, in the order of help.
SUBCOMMAND_GROUPS: Mapping[str, str] = MappingProxyType(
    {
        "talk": "Conversations",
        "answer": "The last answer",
        "spending": "Tokens and money",
        "jobs": "In the background",
        "setup": "Setting up",
    }
)
_ROWS: dict[str, Subcommand] = {
    "chats": Subcommand("the conversations of this notebook", group="talk"),
    "chat": Subcommand("make this conversation the one that cells go on with", "NAME", _NAME, "talk"),
    "ui": Subcommand("a chat pane with this conversation", "[NAME]", f"({_NAME})?", "talk"),
    "history": Subcommand("what was said in a conversation", "[NAME]", f"({_NAME})?", "talk"),
    "undo": Subcommand("take back the last turn, or the last N", "[N]", r"(\d{1,4})?", "talk"),
    "edit": Subcommand("put a turn's question into a new cell, to be asked in its place", "N", r"\d{1,4}", "talk"),
    "replay": Subcommand("ask the stale turns again, in their order", "[NAME]", f"({_NAME})?", "talk"),
    "repair": Subcommand(
        "make calls that another model, key or gateway has signed fit to be sent again",
        "[NAME]",
        f"({_NAME})?",
        "talk",
    ),
    "fork": Subcommand(
        "copy the conversation under a new name and go on there", "NAME [N]", rf"{_NAME}(\n\d+)?", "talk"
    ),
    "branch": Subcommand("the same as fork", "NAME [N]", rf"{_NAME}(\n\d+)?", "talk"),
    "reset": Subcommand("start a conversation afresh", "[NAME]", f"({_NAME})?", "talk"),
    "save": Subcommand("write the conversation to a file", "PATH.json|md|ipynb", _FILE, "talk"),
    "load": Subcommand(
        "go on with a saved conversation; without a path, with this notebook's own", "[PATH]", f"({_FILE})?", "talk"
    ),
    "last": Subcommand("the last exchange", "[raw|request|curl|python]", r"(raw|request|curl|python)?", "answer"),
    "insert": Subcommand("put the last answer's code into a new cell", "[N]", r"(\d{1,3})?", "answer"),
    "fix": Subcommand("explain the last error and mend the cell", group="answer"),
    "usage": Subcommand("tokens used in this notebook, as a dataframe; or as a plot", "[plot]", "(plot)?", "spending"),
    "cost": Subcommand("what this notebook has cost, where prices are known", group="spending"),
    "budget": Subcommand(
        "stop asking at so many tokens or so much money",
        "[N tokens|$N|off]",
        r"(off|\$?\d[\d_,.]*[kKmM]?(\n?(tokens|usd|USD|\$))?)?",
        "spending",
    ),
    "count": Subcommand("the tokens of the next request's history, where the gateway counts", group="spending"),
    "jobs": Subcommand("what runs in the background, or has run", group="jobs"),
    "stop": Subcommand("stop a job, or all of them", "[N]", r"(\d{1,4})?", "jobs"),
    "models": Subcommand("the models of this gateway"),
    "config": Subcommand("the settings, or one of them, or set one", "[KEY [VALUE]]", r"([a-z_]+(\n[^\n]*)?)?"),
    "profile": Subcommand(
        "gateways: list them, test one, use one, add your own",
        "list|test [NAME]|use NAME|add NAME URL [FIELD=VALUE …]",
        rf"list|test(\n{_NAME})?|use\n{_NAME}|add\n{_NAME}\n\S+(\n[a-z_]+=[^\n]+)*",
    ),
    "template": Subcommand(
        "prompts to use again: list them, show one, save the last prompt, or remove one",
        "list|show NAME|save NAME|remove NAME",
        rf"list|(show|save|remove)\n{_NAME}",
    ),
    "doctor": Subcommand("try what the gateway can do, and remember it", "[NAME]", f"({_NAME})?"),
    "version": Subcommand("the version of gemini_magic"),
}
#: What `%gemini help` knows beside the names of subcommands and options.
_TEXTS = ("context", "conversations", "files", "jobs", "keys", "pictures", "prompts", "reply", "tape", "templates")
TOPICS = frozenset({*GROUPS, *_TEXTS, "options", "subcommands"})
_HELPED = sorted({*TOPICS, "help", *_ROWS, *BY_FLAG})

#: Every subcommand there is. A new subcommand is a new row.
SUBCOMMANDS: Mapping[str, Subcommand] = MappingProxyType(
    {"help": Subcommand("this help", "[TOPIC]", f"({'|'.join(map(re.escape, _HELPED))})?"), **_ROWS}
)


def subcommands_text() -> str:
    """Describe the subcommands in plain text, two columns."""
    rows = {name: f"{name} {row.metavar}".rstrip() for name, row in SUBCOMMANDS.items()}
    width = min(max(map(len, rows.values())), 34) + 2
    blocks = []
    for group, title in SUBCOMMAND_GROUPS.items():
        lines = [_two_columns(rows[name], row.help, width) for name, row in SUBCOMMANDS.items() if row.group == group]
        blocks.append("\n".join([title, *lines]))
    return "\n\n".join(["Subcommands", *blocks])


def _two_columns(typed: str, text: str, width: int) -> str:
    start = f"  %gemini {typed}"
    column = width + len("  %gemini ")
    return f"{start:<{column}}{text}" if len(start) < column else f"{start}\n{'':<{column}}{text}"
