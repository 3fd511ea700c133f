"""The settings of a pane: what was set, and what of a request it makes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from gemini_magic.exceptions import ConfigError, InputError
from gemini_magic.parts import check_text
from gemini_magic.settings import check_model
from gemini_magic.tools.toolbox import Toolbox

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gemini_magic.chat.fields import ChatFields

Settings = dict[str, Any]

TOOLS = ("google_search", "url_context", "code_execution")
_LEVELS = ("minimal", "low", "medium", "high")
_MOST_TOKENS = 2**31 - 1


def changed(settings: Settings, changes: Mapping[str, Any]) -> Settings:
    """The settings with changes; None takes a setting away.

    Raises:
        InputError: There is no such setting, or it cannot have this value; nothing is changed.
    """
    new = dict(settings)
    for name, value in changes.items():
        read = _READERS.get(name)
        if read is None:
            raise InputError(f"There is no setting {name[:40]!r}.", hint=f"There are: {', '.join(_READERS)}.")
        if value is None or value in ("", []):
            new.pop(name, None)
        else:
            new[name] = read(value)
    return new


def fields_of(settings: Settings, functions: Toolbox) -> ChatFields:
    """What these settings say in a request: only what was set.

    Args:
        settings: The settings.
        functions: What the question may use beside the tools that were set.
    """
    config: dict[str, Any] = {}
    for name, key in (("temperature", "temperature"), ("top_p", "topP"), ("max_output_tokens", "maxOutputTokens")):
        if name in settings:
            config[key] = settings[name]
    if "thinking" in settings:
        config["thinkingConfig"] = _thinking(settings["thinking"])
    fields: ChatFields = {}
    if "model" in settings:
        fields["model"] = settings["model"]
    if config:
        fields["config"] = config
    if "tools" in settings:
        there = {name for tool in functions.raw for name in tool}
        asked = Toolbox.of([{tool: {}} for tool in settings["tools"]])
        fields["tools"] = functions | [tool for tool in asked.raw if not there & tool.keys()]
    return fields


def _thinking(value: str | int) -> dict[str, Any]:
    """Whoever sets how much to think wants to see the thoughts, too: the pane folds them."""
    if value == "off":
        return {"thinkingBudget": 0}
    if isinstance(value, int):
        return {"thinkingBudget": value, **({"includeThoughts": True} if value else {})}
    return {"thinkingLevel": value.upper(), "includeThoughts": True}


def _number(what: str, low: float, high: float) -> Callable[[object], float]:
    def read(value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise InputError(f"{what} takes a number, not {value!r:.40}.")
        if not low <= value <= high:
            raise InputError(f"{what} takes a number from {low:g} to {high:g}, not {value:g}.")
        return value

    return read


def _model(value: object) -> str:
    if not isinstance(value, str):
        raise InputError(f"A model is a name, not {value!r:.40}.")
    try:
        return check_model(value.strip())
    except ConfigError as error:
        raise InputError(error.message, hint=error.hint) from None


def _max_tokens(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
        raise InputError(f"The longest answer takes a whole number of tokens, not {value!r:.40}.")
    if not 1 <= value <= _MOST_TOKENS:
        raise InputError(f"The longest answer takes 1 to {_MOST_TOKENS:,} tokens, not {value:,}.")
    return int(value)


def _thought(value: object) -> str | int:
    if isinstance(value, str) and (value == "off" or value in _LEVELS):
        return value
    if isinstance(value, int) and not isinstance(value, bool) and -1 <= value <= _MOST_TOKENS:
        return value
    raise InputError(
        f"Thinking takes off, {', '.join(_LEVELS)} or a number of tokens, not {value!r:.40}.",
        hint="-1 leaves the number to the model.",
    )


def _system(value: object) -> str:
    if not isinstance(value, str):
        raise InputError("The system instruction is a text.")
    return check_text(value, "The system instruction")


def _tools(value: object) -> list[str]:
    if not isinstance(value, list) or not all(tool in TOOLS for tool in value):
        raise InputError(f"Tools are a list of {', '.join(TOOLS)}.")
    return [tool for tool in TOOLS if tool in value]


_READERS: dict[str, Callable[[object], object]] = {
    "model": _model,
    "temperature": _number("The temperature", 0, 2),
    "top_p": _number("Top-p", 0, 1),
    "max_output_tokens": _max_tokens,
    "thinking": _thought,
    "system": _system,
    "tools": _tools,
}
