"""What ``%gemini`` can do besides asking: one function for each row of ``vocabulary.SUBCOMMANDS``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gemini_magic.magics.subcommands import answer, doctor, fix, jobs, setup, spending, talk, templates

if TYPE_CHECKING:
    from gemini_magic.magics.command import Command
    from gemini_magic.magics.subcommands.base import Run, Session

_RUN: dict[str, Run] = {
    **talk.RUN,
    **answer.RUN,
    **fix.RUN,
    **spending.RUN,
    **jobs.RUN,
    **setup.RUN,
    **templates.RUN,
    **doctor.RUN,
}


def run_subcommand(session: Session, command: Command) -> object:
    """Carry out a subcommand; what it returns is shown by the shell, or used."""
    return _RUN[command.subcommand or ""](session, command)
