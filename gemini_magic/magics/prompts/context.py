"""``--context``: the cells that were run before, or the last error, as text for a prompt.

The kernel does not know the notebook's order, so "above" means "run before". What it does not keep, such as pictures,
is not put in.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gemini_magic.exceptions import UsageError
from gemini_magic.magics.prompts.failures import last_failure
from gemini_magic.magics.prompts.recorder import recorder_of
from gemini_magic.reply.places import fenced

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

#: The longest context, in characters.
MAX_CONTEXT = 40_000
_MAX_OUTPUT = 2_000
_LINE_BREAK = "\n"
_CUT = "\n(cut off here)"
_OURS = re.compile(r"(?:[\w.,\s]+=\s*)?%gemini(?:\s|$)|%(?:re)?load_ext\s+gemini_magic")


@dataclass(frozen=True, slots=True)
class Context:
    """What goes into a prompt before the question.

    Attributes:
        text: The text; empty when there was nothing to put in.
        note: What was put in, in one line for the user.
    """

    text: str
    note: str


@dataclass(frozen=True, slots=True)
class _Cell:
    number: int
    source: str
    output: str

    def __str__(self) -> str:
        """The cell as Markdown."""
        shown = f"In [{self.number}]:\n{fenced(self.source.strip(_LINE_BREAK), 'python')}"
        if not self.output:
            return shown
        return f"{shown}\nOut [{self.number}]:\n{fenced(self.output.strip(_LINE_BREAK))}"


def context(what: str | int, shell: Any) -> Context:  # noqa: ANN401 - IPython's shells differ
    """Gather what was asked for.

    Args:
        what: ``"above"`` for all cells that were run before, a number for the last so many, ``"error"`` for the last
            error with the cell that failed.
        shell: The IPython shell.

    Returns:
        The text and a note about it.

    Raises:
        UsageError: There was no error, or nothing has been run yet.
    """
    if what == "error":
        failure = last_failure(shell)
        if failure is None:
            raise UsageError("--context error: no cell has failed yet in this notebook session.")
        return Context(failure.text, f"Put in: the last error ({failure.title}), {len(failure.text):,} characters.")
    sources = _sources(shell)
    if not sources:
        raise UsageError(f"--context {what}: no cell was run before this one in this notebook session.")
    chosen = sources[-what:] if isinstance(what, int) else sources
    return _of_cells([_Cell(number, source, _output(shell, number)) for number, source in chosen])


def _of_cells(cells: Sequence[_Cell]) -> Context:
    """The cells as one text; the oldest are left out when they do not fit."""
    head = "Cells that were run before in this notebook, oldest first."
    room = MAX_CONTEXT - len(head) - len(_CUT)
    kept: list[str] = []
    for cell in reversed(cells):
        text = str(cell)
        room -= len(text) + 2
        if room < 0 and kept:
            break
        kept.append(text if room >= 0 else f"{text[:room]}{_CUT}")
    text = "\n\n".join([head, *reversed(kept)])
    put_in, left = cells[-len(kept) :], cells[: -len(kept)]
    note = f"Put in: {_numbers(put_in)}, run before, {len(text):,} characters"
    note += f"; left out because of the length: {_numbers(left)}." if left else "."
    return Context(text, note)


def _numbers(cells: Sequence[_Cell]) -> str:
    """Such as "cells 3, 5 and 7 to 12"."""
    runs: list[list[int]] = []
    for cell in cells:
        if runs and cell.number == runs[-1][-1] + 1:
            runs[-1].append(cell.number)
        else:
            runs.append([cell.number])
    words = [word for run in runs for word in ([f"{run[0]} to {run[-1]}"] if run[2:] else map(str, run))]
    *first, last = words
    listed = f"{', '.join(first)} and {last}" if first else last
    return f"cells {listed}" if cells[1:] else f"cell {listed}"


def _sources(shell: Any) -> list[tuple[int, str]]:  # noqa: ANN401
    """The latest version of each cell that was run before, in the order of the runs."""
    recorder = recorder_of(shell)
    sources: list[str] = list(shell.history_manager.input_hist_raw)
    running = recorder.running if recorder is not None else len(sources) - 1
    latest: dict[str, int] = {}
    for number in range(1, len(sources) if running is None else running):
        if sources[number].strip() and not is_ours(sources[number]):
            # Without an id, a cell that is run again as it was is the same cell.
            identity = recorder.ids.get(number) if recorder is not None else None
            latest[identity or sources[number]] = number
    return [(number, sources[number]) for number in sorted(latest.values())]


def is_ours(source: str) -> bool:
    """Whether a cell does nothing but ask: its answer is in the conversation, and its text is no part of the work."""
    if source.lstrip().startswith("%%gemini"):
        return True
    lines = [line.strip() for line in source.splitlines() if line.strip()]
    return all(_OURS.match(line) for line in lines)


def _output(shell: Any, number: int) -> str:  # noqa: ANN401
    """What a cell printed and returned, as plain text, as far as IPython kept it."""
    kept = getattr(shell.history_manager, "outputs", {})
    found = [_words(one.output_type, one.bundle) for one in (kept.get(number) or ())]
    value = shell.user_ns.get("Out", {}).get(number)
    if value is not None and not any(one.output_type == "execute_result" for one in (kept.get(number) or ())):
        found.append(_plain(shell, value))
    text = "\n".join(words.strip("\n") for words in found if words.strip())
    return text if len(text) <= _MAX_OUTPUT else f"{text[:_MAX_OUTPUT]}\n… ({len(text):,} characters in all)"


def _words(kind: str, bundle: dict[str, Any]) -> str:
    """The text of one output; errors' output and pictures have none."""
    if kind == "out_stream":
        return "".join(_texts(bundle.get("stream", "")))
    return "".join(_texts(bundle.get("text/plain", ""))) if kind == "execute_result" else ""


def _texts(value: str | Iterable[str]) -> Iterable[str]:
    return (value,) if isinstance(value, str) else value


def _plain(shell: Any, value: object) -> str:  # noqa: ANN401
    try:
        return str(shell.display_formatter.formatters["text/plain"](value) or "")
    except Exception:  # noqa: BLE001 - somebody else's __repr__
        return ""
