"""What a function gave, as what the model gets."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import pydantic_core

from gemini_magic.tools.results.plain import Plain
from gemini_magic.tools.results.shorten import fitted, json_size
from gemini_magic.wire import Content, FunctionResponse, FunctionResponsePart, Part

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from gemini_magic.events import ToolRun

#: Bytes of a response, unless its function says otherwise.
MAX_BYTES = 64 * 1024
_WITHHELD = "The result held your API key, and was not sent to the model."


class Given(NamedTuple):
    """What the model gets of a call.

    Attributes:
        response: An object, as JSON has it.
        media: What goes beside it.
        size: Bytes of the response as JSON.
    """

    response: dict[str, Any]
    media: tuple[FunctionResponsePart, ...] = ()
    size: int = 0


def given(value: object, *, media: bool = False, max_bytes: int = MAX_BYTES) -> Given:
    """Make a response of what a function returned.

    Args:
        value: What it returned; see ``plain.py`` for what becomes of which value.
        media: Whether the model takes pictures and documents in the result of a function.
        max_bytes: The size of the response; what is larger is cut, and says so.

    Returns:
        An object as it is, anything else under ``result``.
    """
    walk = Plain(media=media, most=max_bytes)
    plain = walk.of(value)
    response, size = fitted(plain if isinstance(plain, dict) else {"result": plain}, max_bytes)
    return Given(response, tuple(walk.media.parts), size)


def failed(words: str) -> Given:
    """The response of a call that gave nothing."""
    response = {"error": words}
    return Given(response, (), json_size(response))


def without_key(run: ToolRun, holds_key: Callable[[str], bool]) -> ToolRun:
    """The same run, or one that failed where its result would give the key away."""
    if not holds_key(pydantic_core.to_json(run.response, fallback=str).decode()):
        return run
    response, media, size = failed(_WITHHELD)
    return replace(run, outcome="error", response=response, media=media, size=size, error=_WITHHELD)


def results(runs: Iterable[ToolRun]) -> Content:
    """What is sent back for the calls of one answer.

    Args:
        runs: What came of them, in the order of the calls, none left out.

    Returns:
        One content with one result for each call, in the same order.
    """
    return Content.user(*(Part(function_response=_result(run)) for run in runs))


def _result(run: ToolRun) -> FunctionResponse:
    fields: dict[str, Any] = {"id": run.id} if run.id is not None else {}
    fields |= {"name": run.name, "response": run.response}
    return FunctionResponse(**fields, **({"parts": [*run.media]} if run.media else {}))
