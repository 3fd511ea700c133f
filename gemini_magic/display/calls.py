"""Function calls in words: as they would be written, what came of them, and who let them run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from gemini_magic.display.visible import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gemini_magic.events import ToolRun

OUTCOMES: dict[str, str] = {
    "ok": "",
    "error": "failed",
    "timeout": "ran too long",
    "unknown": "there is no such function",
    "invalid": "wrong arguments",
    "denied": "did not run",
    "limit": "did not run",
    "interrupted": "was stopped",
}
"""What came of a call, in words; a newer outcome is shown as it came."""

DECISIONS: dict[str, str] = {
    "read_only": "It only reads, so it ran without leave.",
    "always": "It ran without leave, as was set.",
    "never": "It did not run: nothing may, as was set.",
    "run": "You let it run.",
    "all": "You let every call of this function run, for this question.",
    "deny": "You did not let it run.",
    "nobody": "It did not run: there was nobody to give leave.",
}
"""Who let a call run, or did not, in a sentence."""

_WIDTH = 80
_SHORTEST_TIME = 0.05
_INDENT = "    "


def as_json(value: object, indent: int | None = None) -> str:
    """A value as JSON, or as Python has it where that cannot be."""
    try:
        return json.dumps(value, ensure_ascii=False, indent=indent, default=str)
    except (TypeError, ValueError, RecursionError):
        return repr(value)


def written_call(name: str, args: Mapping[str, Any], width: int = 0) -> str:
    """A call as it would be written; with a width, one that is longer has a line for each argument."""
    pairs = [f"{key}={as_json(value)}" for key, value in args.items()]
    line = f"{name}({', '.join(pairs)})"
    if not width or len(line) <= width or not pairs:
        return line
    return "\n".join((f"{name}(", *(f"{_INDENT}{pair}," for pair in pairs), ")"))


def short_call(name: str, args: Mapping[str, Any], width: int = _WIDTH) -> str:
    """A call in a part of a line; long arguments lose their ends first."""
    room = max(8, (width - len(name) - 2) // max(1, len(args)) - 2)
    pairs = (cut(f"{key}={as_json(value)}", room) for key, value in args.items())
    whole = one_line(written_call(name, args))
    return whole if len(whole) <= width else cut(f"{name}({', '.join(pairs)})", width)


def short_result(run: ToolRun, width: int = _WIDTH) -> str:
    """What came of a call in a part of a line: what the model gets, or what went wrong."""
    if run.outcome == "ok":
        return cut(as_json(run.response), width)
    return cut(run.error or outcome_words(run), width)


def run_line(run: ToolRun) -> str:
    """A call and what came of it in one line."""
    time = seconds_words(run)
    line = f"> {short_call(run.name, run.args)} → {short_result(run)}"
    return visible(f"{line}  {time}" if time else line)


def started_words(name: str, args: Mapping[str, Any], *, waits: bool, width: int = _WIDTH) -> str:
    """A call that is being carried out, or waits for leave."""
    return f"{'Waiting for leave to run' if waits else 'Running'} {short_call(name, args, width)} …"


def outcome_words(run: ToolRun) -> str:
    """What came of a call, or an empty string when all is well."""
    return OUTCOMES.get(run.outcome, run.outcome)


def seconds_words(run: ToolRun) -> str:
    """How long a call took; nothing for one that did not run."""
    if run.seconds <= 0:
        return ""
    return f"{run.seconds:,.1f} s" if run.seconds >= _SHORTEST_TIME else "< 0.1 s"


def calls_words(runs: Iterable[ToolRun]) -> str:
    """How many calls there were, and how many brought no result."""
    outcomes = [run.outcome for run in runs]
    if not outcomes:
        return ""
    lost = sum(outcome != "ok" for outcome in outcomes)
    words = f"{len(outcomes):,} call{'s' * (len(outcomes) != 1)}"
    return f"{words}, {lost:,} without a result" if lost else words


def one_line(words: str) -> str:
    """Words without line ends."""
    return " ".join(words.split())


def cut(words: str, width: int) -> str:
    """Words in one line, cut where they are longer than that."""
    words = one_line(words)
    return words if len(words) <= width else f"{words[: width - 1]}…"
