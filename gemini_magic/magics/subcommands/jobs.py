"""What runs in the background."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gemini_magic.display.cards import Table
from gemini_magic.magics.jobs import KERNEL

if TYPE_CHECKING:
    from gemini_magic.magics.command import Command
    from gemini_magic.magics.subcommands.base import Run, Session


def _jobs(session: Session, command: Command) -> object:  # noqa: ARG001 - all have the same form
    rows = [
        {"job": job.number, "status": job.status, "conversation": job.conversation, "prompt": job.prompt[:60]}
        for job in KERNEL.jobs
    ]
    return Table(rows, "Jobs of this kernel", empty="Nothing runs in the background; --bg starts a job.")


def _stop(session: Session, command: Command) -> object:  # noqa: ARG001
    stopped = KERNEL.stop(int(command.args[0]) if command.args else None)
    numbers = ", ".join(str(job.number) for job in stopped)
    print(f"Stopping job {numbers}; what came stays below its cell." if stopped else "No job is under way.")  # noqa: T201
    return None


RUN: dict[str, Run] = {"jobs": _jobs, "stop": _stop}
