"""``%gemini template``: prompts to use again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gemini_magic.display.cards import Table
from gemini_magic.exceptions import UsageError
from gemini_magic.magics.help import Help
from gemini_magic.magics.prompts import template_files
from gemini_magic.magics.prompts.templates import check

if TYPE_CHECKING:
    from gemini_magic.magics.command import Command
    from gemini_magic.magics.subcommands.base import Run, Session

_SHOWN = 60


def _template(session: Session, command: Command) -> object:
    what, *names = command.args
    match what:
        case "save":
            _save(session, names[0])
            return None
        case "show":
            return Help(template_files.find(names[0]).text)
        case "remove":
            print(f"Removed: {template_files.remove(names[0])}")  # noqa: T201
            return None
    return _list()


def _save(session: Session, name: str) -> None:
    text = session.last_prompt
    if not text.strip():
        raise UsageError("There is no prompt to save yet.", hint="Ask something first, then save it.")
    check(text, name)
    path, replaced = template_files.save(name, text)
    print(f"{'Replaced' if replaced else 'Saved'}: {path}. Use it with -u {name}.")  # noqa: T201


def _list() -> Table:
    rows = [
        {
            "template": one.name,
            "begins": " ".join(one.text.split())[:_SHOWN],
            "characters": len(one.text),
            "folder": str(one.path.parent),
        }
        for one in template_files.listing()
    ]
    return Table(rows, "Templates", empty="There is no template yet; %gemini template save NAME keeps the last prompt.")


RUN: dict[str, Run] = {"template": _template}
