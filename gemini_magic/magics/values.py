"""What the value of an option may be; each function takes the typed text and gives the value or says what is wrong."""

from __future__ import annotations

import json
import keyword
import math
import re
from collections.abc import Callable, Sequence
from typing import TypeAlias

from gemini_magic.exceptions import ConfigError, UsageError
from gemini_magic.settings import check_model, did_you_mean

Read: TypeAlias = Callable[[str, str], object]

MAX_INT = 2**31 - 1
MAX_NAME = 80
#: Ways to say whether the model has to call a function, beside the names of some.
CALLING = ("auto", "any", "none")
_LEVELS = ("minimal", "low", "medium", "high", "xhigh")
_PATH = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")
_STEP = re.compile(r"([A-Za-z_]\w*)((?:\[\d{1,3}\])*)")
Path: TypeAlias = tuple[str | int, ...]


def number(low: float, high: float) -> Read:
    """A reader for numbers from ``low`` to ``high``."""
    return lambda text, flag: _number(text, flag, low, high)


def _number(text: str, flag: str, low: float, high: float) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not low <= value <= high:
        raise UsageError(f"{flag} takes a number from {low:g} to {high:g}, not {text[:40]!r}.")
    return value


def integer(low: int, high: int = MAX_INT) -> Read:
    """A reader for whole numbers from ``low`` to ``high``."""

    def read(text: str, flag: str) -> int:
        value = int(text) if re.fullmatch(r"[+-]?[0-9]{1,12}", text) else None
        if value is None or not low <= value <= high:
            raise UsageError(f"{flag} takes a whole number from {low:,} to {high:,}, not {text[:40]!r}.")
        return value

    return read


def seconds(text: str, flag: str) -> float:
    """Seconds, above 0 and at most a day."""
    value = _number(text, flag, 0, 86_400)
    if not value:
        raise UsageError(f"{flag} takes seconds above 0, not {text[:40]!r}.")
    return value


def plain(text: str, flag: str) -> str:
    """Any text but an empty one."""
    if not text:
        raise UsageError(f"{flag} takes a text that is not empty.")
    return text


def model(text: str, flag: str) -> str:
    """The name of a model."""
    try:
        return check_model(text)
    except ConfigError as error:
        raise UsageError(f"{flag}: {error.message}", hint=error.hint) from None


def models(text: str, flag: str) -> tuple[str, ...]:
    """Names of models with commas between."""
    return tuple(model(name.strip(), flag) for name in text.split(","))


def name(text: str, flag: str) -> str:
    """The name of a conversation or profile."""
    if not text.strip() or len(text) > MAX_NAME:
        raise UsageError(f"{flag} takes a name of 1 to {MAX_NAME} characters.")
    return text.strip()


def variable(text: str, flag: str) -> str:
    """The name of a Python variable."""
    if not text.isidentifier() or keyword.iskeyword(text):
        raise UsageError(f"{flag} takes the name of a variable, not {text[:40]!r}.")
    return text


def paths(text: str, flag: str) -> tuple[str, ...]:
    """Names of the notebook, or paths of names such as ``shop.search``, with commas between."""
    found = tuple(word.strip() for word in text.split(","))
    for path in found:
        first, *steps = path.split(".")
        if not _PATH.fullmatch(path) or any(map(keyword.iskeyword, (first, *steps))):
            raise UsageError(f"{flag} takes names such as get_weather or shop.search, not {path[:40]!r}.")
        if hidden := next((step for step in steps if step.startswith("_")), None):
            raise UsageError(f"{flag} {path[:60]}: the attribute {hidden[:40]!r} starts with an underscore.")
    return found


def calling(text: str, flag: str) -> str | tuple[str, ...]:
    """Whether the model has to call: ``auto``, ``any``, ``none``, or the functions from which it has to choose."""
    words = tuple(word.strip() for word in text.split(","))
    if len(words) == 1 and words[0].lower() in CALLING:
        return words[0].lower()
    if not all(words):
        raise UsageError(f"{flag} takes {', '.join(CALLING)}, or names of functions with commas between.")
    return words


def json_object(text: str, flag: str) -> dict[str, object]:
    """A JSON object that has something in it."""
    try:
        value = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict) or not value:
        raise UsageError(
            f"{flag} takes a JSON object, not {text[:60]!r}.", hint=f"Such as {flag} '{{\"googleMaps\": {{}}}}'."
        )
    return value


def rate(text: str, flag: str) -> float:
    """Requests a minute, above 0."""
    value = _number(text, flag, 0, 1_000_000)
    if not value:
        raise UsageError(f"{flag} takes requests a minute above 0, not {text[:40]!r}.")
    return value


def one_of(words: Sequence[str]) -> Read:
    """A reader for one word of a few."""

    def read(text: str, flag: str) -> str:
        if text not in words:
            raise UsageError(
                f"{flag} takes {', '.join(words[:-1])} or {words[-1]}, not {text[:40]!r}.",
                hint=did_you_mean(text, words),
            )
        return text

    return read


def logprobs(text: str, flag: str) -> dict[str, object]:
    """How many alternatives to ask for beside each token."""
    count = integer(0, 20)(text, flag)
    return {"responseLogprobs": True, **({"logprobs": count} if count else {})}


def context(text: str, flag: str) -> str | int:
    """Which cells go into the prompt: ``above``, ``error``, or how many."""
    if text in {"above", "error"}:
        return text
    if re.fullmatch(r"[0-9]{1,4}", text) and int(text):
        return int(text)
    raise UsageError(
        f"{flag} takes above, error or a number of cells, not {text[:40]!r}.",
        hint=did_you_mean(text, ("above", "error")),
    )


def thinking(text: str, flag: str) -> dict[str, object]:
    """A level, a budget in tokens (-1 lets the model choose), or ``off``."""
    word = text.lower()
    if word == "off":
        return {"thinkingBudget": 0}
    if re.fullmatch(r"[+-]?[0-9].*", word):
        return {"thinkingBudget": integer(-1)(text, flag)}
    if not re.fullmatch(r"[a-z_]{1,40}", word):
        raise UsageError(f"{flag} takes {', '.join(_LEVELS)}, a number of tokens, or off; not {text[:40]!r}.")
    if word not in _LEVELS and (near := did_you_mean(word, (*_LEVELS, "off"))):
        raise UsageError(f"{flag} does not know {text!r}.", hint=near)
    # A level that is not known here goes to the server as it is: levels are an open list.
    return {"thinkingLevel": word.upper()}


def setting(text: str, flag: str) -> tuple[Path, object]:
    """A path in the request and what to put there: ``generationConfig.newField=1``.

    What stands behind ``=`` is JSON; words that are no JSON are text.
    """
    path, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"{flag} takes path=JSON, such as generationConfig.topK=5, not {text[:60]!r}.")
    return _path(path.strip(), flag), _json(value.strip(), flag)


def _path(text: str, flag: str) -> Path:
    steps: list[str | int] = []
    for step in text.split("."):
        match = _STEP.fullmatch(step)
        if match is None:
            raise UsageError(f"{flag}: {text[:60]!r} is not a path.", hint="Write it like tools[0].googleSearch.")
        steps.append(match[1])
        steps.extend(int(index) for index in re.findall(r"\d+", match[2]))
    return tuple(steps)


def _json(text: str, flag: str) -> object:
    try:
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        if re.fullmatch(r"(?!NaN$|Infinity$)[A-Za-z][^\"{}\[\]]*", text):
            return text
        raise UsageError(
            f"{flag}: {text[:60]!r} is not JSON.", hint="Put the whole of path=JSON into single quotes."
        ) from None


def _no_constant(text: str) -> object:
    raise ValueError(text)
