"""The last error of the notebook, with the cell that failed and the line that did, as text for a prompt."""

from __future__ import annotations

import linecache
import re
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gemini_magic.magics.prompts.recorder import is_ours, recorder_of
from gemini_magic.parts import one_line
from gemini_magic.reply.places import fenced

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

_LEADING = re.compile(r"\A(?:[ \t]*\n)+")
_MAX_MESSAGE = 4_000
_MAX_SOURCE = 20_000
_MAX_FRAMES = 8
_MAX_CAUSES = 4


@dataclass(frozen=True, slots=True)
class Failure:
    """An error in words.

    Attributes:
        title: The error's name and the cell's number.
        text: Everything about it.
    """

    title: str
    text: str


def last_failure(shell: Any) -> Failure | None:  # noqa: ANN401 - IPython's shells differ
    """The last error of the user's own code, or None when there was none."""
    recorder = recorder_of(shell)
    error, source, number = (recorder.failed if recorder is not None else None) or _last(shell)
    if error is None:
        return None
    where = f"cell {number} of the notebook" if number else "a cell of the notebook"
    causes = "".join(f"\n{how}: {_message(cause)}" for how, cause in _causes(error))
    marked = "\n\n".join(_marked_sources(error, source, shell))
    frames = "\n".join(_frames(error, shell))
    text = f"This error came from {where}:\n\n{_message(error)}{causes}\n\n{marked}"
    if frames:
        text += f"\n\nThe calls that led to it, the last one innermost:\n{frames}"
    return Failure(f"{type(error).__name__} in {where.removesuffix(' of the notebook')}", text)


def _last(shell: Any) -> tuple[BaseException | None, str, int]:  # noqa: ANN401
    """What Python and IPython remember themselves."""
    error = getattr(sys, "last_exc", None) or getattr(sys, "last_value", None)
    if not isinstance(error, BaseException) or is_ours(error) or isinstance(error, KeyboardInterrupt):
        return None, "", 0
    syntax = error.filename if isinstance(error, SyntaxError) else None
    first = next((file for file, _ in _steps(error.__traceback__, shell)), syntax or "")
    return error, *_run_of("".join(linecache.getlines(first)) if first else "", shell)


def _run_of(python: str, shell: Any) -> tuple[str, int]:  # noqa: ANN401
    """The cell as it was typed, and its number, of the last run of this Python."""
    history = shell.history_manager
    runs = list(zip(history.input_hist_parsed, history.input_hist_raw, strict=False))
    for number in range(len(runs) - 1, 0, -1):
        if python and runs[number][0].strip() == python.strip():
            return runs[number][1], number
    return python, 0


def _message(error: BaseException) -> str:
    lines = traceback.format_exception_only(type(error), error)
    text = "".join(lines if not isinstance(error, SyntaxError) else lines[-1:]).strip() or one_line(error)
    return text if len(text) <= _MAX_MESSAGE else f"{text[:_MAX_MESSAGE]}…"


def _causes(error: BaseException) -> Iterator[tuple[str, BaseException]]:
    """What an error came from, innermost last."""
    for _ in range(_MAX_CAUSES):
        cause, how = error.__cause__, "caused by"
        if cause is None and not error.__suppress_context__:
            cause, how = error.__context__, "while handling"
        if cause is None:
            return
        yield how, cause
        error = cause


def _steps(trace: TracebackType | None, shell: Any) -> Iterator[tuple[str, int]]:  # noqa: ANN401
    """File and line of each frame that is the user's own code in the notebook."""
    while trace is not None:
        if trace.tb_frame.f_globals is shell.user_ns:
            yield trace.tb_frame.f_code.co_filename, trace.tb_lineno
        trace = trace.tb_next


def _marked_sources(error: BaseException, source: str, shell: Any) -> Iterator[str]:  # noqa: ANN401
    """The cell that was run with its line marked, and the cell whose function failed, where that is another."""
    steps = [*_steps(error.__traceback__, shell)]
    if not steps:
        line = error.lineno if isinstance(error, SyntaxError) else None
        yield _marked(source or getattr(error, "text", None) or "", line or 0, "The cell")
        return
    (first, line), (last, innermost) = steps[0], steps[-1]
    run = source or "".join(linecache.getlines(first))
    yield _marked(run, innermost if first == last else line, "The cell")
    elsewhere = "" if last == first else "".join(linecache.getlines(last))
    if elsewhere:
        yield _marked(elsewhere, innermost, "The cell with the function that failed")


def _marked(source: str, line: int, title: str) -> str:
    # IPython does not count the empty lines at the start of a cell.
    lines = _LEADING.sub("", source[:_MAX_SOURCE]).rstrip("\n").splitlines()
    numbered = "\n".join(f"{'>' if at == line else ' '} {at:>3} {text}" for at, text in enumerate(lines, 1))
    what = f"{title}, with its lines numbered" + (" and the line that failed marked with >" if line else "")
    return f"{what}:\n\n{fenced(numbered.strip(chr(10)))}"


def _frames(error: BaseException, shell: Any) -> list[str]:  # noqa: ANN401
    """Where each call stands; files of libraries by their name alone."""
    found = []
    for frame, line in traceback.walk_tb(error.__traceback__):
        name = frame.f_code.co_name
        if frame.f_globals is shell.user_ns:
            text = linecache.getline(frame.f_code.co_filename, line).strip()
            where = "the cell" if name == "<module>" else f"{name}()"
            found.append(f"- line {line} of {where}: {text}")
        elif found:  # the frames before the user's own are IPython's
            found.append(f"- line {line} of {_file(frame.f_code.co_filename)}, in {name}()")
    return found if len(found) <= _MAX_FRAMES else [*found[:2], "- …", *found[3 - _MAX_FRAMES :]]


def _file(name: str) -> str:
    """The file and its package, without the folders of this machine."""
    return "/".join(Path(name).parts[-2:])
