"""What to show of an answer, and as what."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class View:
    """What to show of an answer, and as what.

    Attributes:
        format: ``md`` (Markdown), ``text`` (as it is), ``json`` (indented), ``code`` (the code in it alone) or ``html``
            (a page in a frame of its own, where nothing runs).
        logprobs: Whether to show the probabilities of its tokens, if they came.
    """

    format: str = "md"
    logprobs: bool = False

    @property
    def shows_steps(self) -> bool:
        """Whether the way to the answer is shown; whoever asks for data, code or a page wants nothing else."""
        return self.format == "md"


MARKDOWN = View()
"""How an answer is shown unless something else is asked for."""
