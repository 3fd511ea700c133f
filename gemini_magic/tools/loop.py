"""What follows an answer for which functions may be called: calls, the same question again, or nothing; no I/O.

Ask what `fields` and `contents` say. Of an answer that is to be asked for `again`, or that has `calls`, the next
request follows; any other one has `ended` the way.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from gemini_magic.reply import Reply
from gemini_magic.reply.steps import Step, said
from gemini_magic.tools.runner import Runner, results
from gemini_magic.wire import Content, FinishReason, GenerateContentResponse

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gemini_magic.events import FunctionCall, ToolRun
    from gemini_magic.tools.tooling import Tooling

#: Answers of which nothing is carried out, and for which it helps to ask once more.
_MALFORMED = frozenset({FinishReason.MALFORMED_FUNCTION_CALL, FinishReason.UNEXPECTED_TOOL_CALL})
_MOST_AGAIN = 2
#: From this generation on, results of functions may hold pictures and files.
_WITH_MEDIA = 3
_CALLING = "functionCallingConfig"
_INVOCATIONS = "includeServerSideToolInvocations"


class Loop:
    """The way to one answer.

    Args:
        tooling: What may be called.
        fields: What the request says beside its contents and tools; see `RequestFields`.
        model: The model that is asked.
        stopped: As for a `Runner`.

    Attributes:
        steps: The answers so far, and what came of their calls.
        contents: What goes out behind the question.
        runner: Carries calls out.
        form: In which language arguments are described: ``json`` or ``openapi``.
        ids: Whether results name their call, where it has an id.
        invocations: Whether the server is asked to tell what its own tools did, where they come with functions.
    """

    def __init__(
        self, tooling: Tooling, fields: Mapping[str, Any], *, model: str = "", stopped: Callable[[], bool] = bool
    ) -> None:
        self.steps: list[Step] = []
        self.contents: list[Content] = []
        self.runner = Runner(tooling, media=takes_media(model), stopped=stopped)
        self.form = "json"
        self.ids = True
        self.invocations = tooling.toolbox.has_server_tools
        self._tooling = tooling
        self._fields = fields
        self._again = 0

    @property
    def fields(self) -> dict[str, Any]:
        """What the next request says beside its contents."""
        fields = {**self._fields, "tools": self._tooling.toolbox.written(self.form)}
        config = self._config()
        return {**fields, "tool_config": config} if config else fields

    def _config(self) -> dict[str, Any]:
        given = self._fields.get("tool_config") or {}
        if isinstance(given, BaseModel):
            given = given.model_dump(mode="json", by_alias=True, exclude_unset=True)
        config = {_as_on_the_wire(name): value for name, value in given.items()}
        calling = self._tooling.config(again=bool(self.contents)) or config.get(_CALLING)
        if calling and self.contents and str(calling.get("mode")).upper() == "ANY":
            calling = {"mode": "AUTO"}  # a model that has to call again would never end
        config = {**config, _CALLING: calling} if calling else config
        return {_INVOCATIONS: True, **config} if self.invocations else config

    def again(self, reply: Reply) -> bool:
        """Whether the same is to be asked again, because the model wrote a call that nobody can read."""
        if reply.finish_reason not in _MALFORMED or self._again >= _MOST_AGAIN:
            return False
        self._again += 1
        self.steps.append(Step(reply))
        return True

    def calls(self, reply: Reply) -> list[FunctionCall]:
        """The calls to be carried out now; none when the answer is the last one, or somebody else has to answer it."""
        if reply.status != "ok":
            return []
        calls = reply.function_calls
        toolbox = self._tooling.toolbox
        theirs = toolbox.declared - toolbox.functions.keys()
        return [] if any(call.name in theirs for call in calls) else calls

    def add(self, reply: Reply, runs: Sequence[ToolRun]) -> None:
        """The calls of an answer were carried out."""
        given = results(runs if self.ids else [replace(run, id=None) for run in runs])
        self.steps.append(Step(reply, tuple(runs), given))
        self.contents += [said(reply), given]

    def without_ids(self) -> None:
        """The server takes no ids in results: send none, also where they have been written already."""
        self.ids = False
        self.steps = [_without_ids(step) for step in self.steps]
        self.contents = [
            content for step in self.steps if step.results is not None for content in (said(step.reply), step.results)
        ]

    def ended(self, reply: Reply) -> Reply:
        """The last answer, with the way to it; counts and times are those of the whole way."""
        return _after(self.steps, reply)

    def stopped(self, reply: Reply | None, runs: Sequence[ToolRun] = (), *, interrupted: bool) -> Reply:
        """What there is when the way ends between two answers.

        Args:
            reply: The answer whose calls were being carried out, if any were.
            runs: What came of those that were.
            interrupted: Whether a person stopped it; else something went wrong.
        """
        steps = [*self.steps, Step(reply, tuple(runs))] if reply is not None else self.steps
        before = steps[-1].reply
        nothing = GenerateContentResponse(model_version=before.response.model_version)
        last = Reply(nothing, before.requested_model, attempts=0, interrupted=interrupted, broken=not interrupted)
        return _after(steps, last)


def takes_media(model: str) -> bool:
    """Whether a model takes pictures and files in the results of functions, by its name."""
    words = model.removeprefix("models/").split("-")
    generation = words[1].partition(".")[0] if words[0] == "gemini" and len(words) > 1 else ""
    return generation.isdecimal() and int(generation) >= _WITH_MEDIA


def _after(steps: Sequence[Step], reply: Reply) -> Reply:
    if not steps:
        return reply
    replies = [*(step.reply for step in steps), reply]
    seconds = sum(one.seconds for one in replies) + sum(run.seconds for step in steps for run in step.runs)
    warnings = dict.fromkeys(words for one in replies for words in one.warnings)
    attempts = sum(one.attempts for one in replies)
    return replace(reply, steps=tuple(steps), attempts=attempts, seconds=seconds, warnings=tuple(warnings))


def _without_ids(step: Step) -> Step:
    if step.results is None:
        return step
    return replace(step, results=results([replace(run, id=None) for run in step.runs]))


def _as_on_the_wire(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(word.capitalize() for word in tail)
