"""What a question in a conversation may say beside itself: fields of the request, and how its tools may be used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from gemini_magic.client.request import RequestFields
from gemini_magic.tools.toolbox import Toolbox
from gemini_magic.tools.tooling import Tooling

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gemini_magic.tools.approval import Approver

_HOW = ("approve", "max_steps", "tool_mode")
_OURS = frozenset({*_HOW, "approver", "tools"})


class ChatFields(RequestFields, total=False):
    """What `Conversation.ask` takes beside the question: all fields of a request, and these.

    ``tools`` may hold functions. Where a question gives none of these, the conversation's own hold.
    """

    approve: str | None
    """Whether to ask before a function runs: ``ask``, ``always`` (run without asking) or ``never``."""
    max_steps: int | None
    """How often the model may ask for calls, at most."""
    tool_mode: str | Sequence[str] | None
    """Whether it has to: ``auto``, ``any``, ``none``, or names of functions from which it has to choose."""
    approver: Approver | None
    """Who is asked before a function runs; a typed prompt unless given."""


def tooling_of(fields: Mapping[str, Any], usual: Tooling) -> Tooling:
    """The tools of a question, and how they may be used.

    Raises:
        InputError: One of them is no tool, or a setting has a value that it cannot have.
    """
    given = fields.get("tools")
    steps = fields.get("max_steps")
    return Tooling.of(
        usual.toolbox if given is None else given,
        approve=fields.get("approve") or usual.approve,
        approver=fields.get("approver") or usual.approver,
        max_steps=usual.limits.rounds if steps is None else steps,
        tool_mode=fields.get("tool_mode"),
    )


def request_part(fields: Mapping[str, Any], tooling: Tooling) -> RequestFields:
    """The fields of the request; tools of the server among them where there is no function to call."""
    plain = {name: value for name, value in fields.items() if name not in _OURS}
    if not tooling and tooling.toolbox:
        plain["tools"] = tooling.toolbox.written()
        if calling := tooling.config():
            plain["tool_config"] = {**(plain.get("tool_config") or {}), "functionCallingConfig": calling}
    return cast("RequestFields", plain)


def kept_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """What a turn remembers of its tools, so that it can be asked again; functions are kept as they are."""
    kept = {name: fields[name] for name in _HOW if fields.get(name) is not None}
    toolbox = Toolbox.of(fields.get("tools"))
    if toolbox.functions or (fields.get("tools") is not None and not toolbox):
        kept["tools"] = toolbox
    elif toolbox:
        kept["tools"] = toolbox.written()
    return kept


def written_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """What a turn remembers, as plain JSON: of its functions the declarations."""
    plain = dict(fields)
    if isinstance(toolbox := plain.pop("tools", None), Toolbox):
        toolbox = toolbox.written()
    return {**plain, "tools": toolbox} if toolbox else plain
