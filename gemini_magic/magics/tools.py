"""What the model may call for a line or a cell: the functions that the user has named there, and no others.

Names are looked up in the notebook, and only those that the user has typed: what the model writes is never looked up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from gemini_magic.chat.places import turn_at
from gemini_magic.client.timing import stop_requested
from gemini_magic.exceptions import InputError, UnboundName, UsageError
from gemini_magic.magics.values import CALLING
from gemini_magic.parts import one_line
from gemini_magic.settings import did_you_mean
from gemini_magic.tools.approval import NobodyAnswers
from gemini_magic.tools.toolbox import Toolbox
from gemini_magic.tools.tooling import Tooling

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gemini_magic.chat import Conversation
    from gemini_magic.chat.fields import ChatFields
    from gemini_magic.tools.approval import Approver, Leave, Pending

_HOW = {"approve": "--approve", "max_steps": "--max-steps", "tool_mode": "--tool-mode"}
_NAME_THEM = "Name them with --tools, such as --tools get_weather."


def toolbox_named(paths: Iterable[str], namespace: Mapping[str, Any]) -> Toolbox:
    """The tools that ``--tools`` names.

    Args:
        paths: Names of the notebook, or paths of names such as ``shop.search``.
        namespace: The notebook's variables.

    Raises:
        UnboundName: One of them is not defined.
        InputError: One of them is no tool, or two of them have the same name.
    """
    return Toolbox.of([_toolbox_at(path, namespace) for path in dict.fromkeys(paths)])


def _toolbox_at(path: str, namespace: Mapping[str, Any]) -> Toolbox:
    value = _value_at(path, namespace)
    try:
        found = Toolbox.of(value)
    except InputError as error:
        raise type(error)(f"--tools {path}: {error.message}", hint=error.hint) from None
    if not found:
        raise InputError(f"--tools {path}: there is no tool in it.", hint="It takes functions, or a list of them.")
    return found


def _value_at(path: str, namespace: Mapping[str, Any]) -> object:
    """What a path of names leads to; the user has typed it."""
    first, *steps = path.split(".")
    if first not in namespace:
        known = [name for name in namespace if isinstance(name, str) and not name.startswith("_")]
        raise UnboundName(f"--tools: {first!r} is not defined in this notebook.", hint=did_you_mean(first, known))
    value, here = namespace[first], first
    for step in steps:
        value = _attribute(value, step, here)
        here = f"{here}.{step}"
    return value


def _attribute(value: object, name: str, path: str) -> object:
    try:
        return getattr(value, name)
    except AttributeError:
        known = [one for one in dir(value) if not one.startswith("_")]
        raise UnboundName(f"--tools: {path} has no {name!r}.", hint=did_you_mean(name, known)) from None
    except Exception as error:
        raise InputError(f"--tools {path}.{name} failed: {one_line(error)}.") from error


def tool_fields(
    options: Mapping[str, Any],
    namespace: Mapping[str, Any],
    extra: dict[str, Any],
    *,
    usual: Mapping[str, Any],
    chat: Conversation | None = None,
) -> ChatFields:
    """What a question says of its tools, as a conversation takes it; nothing where there is no function to call.

    Where there is one, raw tools go to it out of ``extra``; else they stay there, as they stand.

    Args:
        options: ``Command.options``.
        namespace: The notebook's variables.
        extra: Raw fields of the request, such as those of ``--search``.
        usual: The settings ``approve`` and ``max_steps``, which hold for functions that the cell names.
        chat: The conversation, if there is one already. Its own tools hold where the cell names none; those of a turn
            that is asked differently hold on.

    Raises:
        UsageError: An option is about functions, and there are none, or not one of that name.
        InputError: A name is no tool, or a setting has a value that it cannot have.
    """
    paths = [path for paths in options.get("tools", ()) for path in paths]
    before = {} if paths else _asked_before(options, chat)  # leave that others had is not theirs
    named = toolbox_named(paths, namespace) if paths else Toolbox.of(before.get("tools"))
    functions = named or (chat.tools if chat is not None else Toolbox())
    raw = [tool for tool in extra.get("tools", ()) if tool not in functions.raw]
    if not functions and not ("tool_mode" in options and raw):
        _refuse(options)
        return {}
    extra.pop("tools", None)
    toolbox = Toolbox.of([functions, *raw])
    _check(options, toolbox)
    kept = usual if paths else {}
    fields = {name: options.get(name) or before.get(name) or kept.get(name) for name in _HOW}
    given = {name: value for name, value in fields.items() if value}
    Tooling.of(toolbox, **given)  # what is wrong with the settings is found here, before anything is sent
    config = extra.pop("toolConfig", None)
    return cast("ChatFields", {"tools": toolbox, **given, **({"tool_config": config} if config else {})})


def _asked_before(options: Mapping[str, Any], chat: Conversation | None) -> Mapping[str, Any]:
    """What the turn was asked with in whose place the cell asks; it holds where the cell says nothing."""
    return turn_at(chat.turns, options["edit"]).fields if chat is not None and "edit" in options else {}


def _refuse(options: Mapping[str, Any]) -> None:
    """Refuse options about functions, of which there are none."""
    if flag := next((flag for name, flag in _HOW.items() if name in options), None):
        raise UsageError(f"{flag} is about functions that the model may call, and none are named.", hint=_NAME_THEM)


def _check(options: Mapping[str, Any], toolbox: Toolbox) -> None:
    if not toolbox.functions:  # those that are only described can be insisted on, but not be run
        _refuse({name: value for name, value in options.items() if name != "tool_mode" or not toolbox.declared})
    mode = options.get("tool_mode", ())
    for name in mode if mode not in CALLING else ():
        if name not in toolbox.declared:
            known = sorted(toolbox.declared)
            hint = did_you_mean(name, known) or f"There are {', '.join(known) or 'none'}."
            raise UsageError(f"--tool-mode: {name[:60]!r} is none of the functions that the model may call.", hint=hint)


class Nobody:
    """Whom a job of a terminal asks for leave: the next prompt is not ours to write into."""

    def ask(self, pending: Pending) -> Leave:
        """Nobody answers."""
        raise NobodyAnswers(f"{pending.name} may not run: in the background of a terminal nobody can be asked.")


def approver_for(shell: Any, *, background: bool) -> Approver:  # noqa: ANN401 - IPython's shells differ
    """Who is asked before a function runs.

    Args:
        shell: The IPython shell.
        background: Whether the kernel, or the terminal, is free for other things meanwhile.
    """
    from gemini_magic.display import base  # noqa: PLC0415 - most cells call nothing
    from gemini_magic.tools.typed import TypedApprover  # noqa: PLC0415 - as above

    typed: Any = TypedApprover()  # the display knows calls by their looks alone
    if getattr(shell, "kernel", None) is None:
        return Nobody() if background else typed
    found: Approver | None = base.approver_for(
        shell, nobody=NobodyAnswers, typed=typed, background=background, stopped=stop_requested
    )
    return found or typed
