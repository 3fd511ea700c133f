"""Begins a question's way in the background."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gemini_magic.magics.jobs import KERNEL

if TYPE_CHECKING:
    from collections.abc import Callable

    from gemini_magic.magics.asking import Asking
    from gemini_magic.magics.jobs import Job
    from gemini_magic.reply import Reply


def begin(asking: Asking, prompt: str, done: Callable[[], None]) -> Job:
    """Ask in a thread of its own.

    Args:
        asking: The question, and where its answer is shown.
        prompt: What was typed, for the list of jobs.
        done: Called in that thread when the answer is there, or what came of it.
    """
    chat = asking.question.chat
    job = KERNEL.new(prompt, chat.name if chat is not None else "", asking.exchange)
    # Shown from here, so that the output belongs to this cell whatever runs when the answer comes.
    asking.renderer.note(
        f"Asked in the background as job {job.number}; `%gemini stop {job.number}` stops it before its end."
    )

    def work() -> Reply:
        try:
            return asking.run()
        finally:
            done()

    KERNEL.start(job, work)
    return job
