"""What the views ask for, one function for each kind of message."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, cast

from gemini_magic.connect import connect_with_notice
from gemini_magic.display.visible import visible
from gemini_magic.exceptions import GeminiMagicError, InputError
from gemini_magic.parts.files.names import shown_name
from gemini_magic.tools.toolbox import Toolbox
from gemini_magic.widget import desk, names, options, questions
from gemini_magic.widget.answering import Order
from gemini_magic.widget.approval import LEAVES
from gemini_magic.widget.attachments import attachments_of, data_of
from gemini_magic.widget.desk import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gemini_magic.chat import Conversation, Turn
    from gemini_magic.chat.fields import ChatFields
    from gemini_magic.widget.asker import Asker
    from gemini_magic.widget.messages import Message
    from gemini_magic.widget.questions import Asked

    Buffers = Sequence[Any]
    Make = Callable[[], tuple[Asked | None, Mapping[int, str]]]
    Handler = Callable[[Asker, Message, Buffers], None]


def _hello(engine: Asker, message: Message, buffers: Buffers) -> None:  # noqa: ARG001 - all have the same form
    engine.snapshot(engine.line.greeted(message))


def _send(engine: Asker, message: Message, buffers: Buffers) -> None:
    text, notebook = plain(message.get("text")), engine.notebook
    files = attachments_of(message.get("attachments") or [], buffers)
    chat = engine.chat
    fields = options.fields_of(engine.settings, chat.tools)
    engine.begin(lambda turn: Order(message, turn, chat, lambda: questions.new(text, files, notebook), fields))


def _stop(engine: Asker, message: Message, buffers: Buffers) -> None:  # noqa: ARG001
    engine.stop()


def _decide(engine: Asker, message: Message, buffers: Buffers) -> None:  # noqa: ARG001
    leave = message.get("leave")
    if leave not in LEAVES:
        raise InputError(f"A call is run, or not: {', '.join(LEAVES)}, not {str(leave)[:40]!r}.")
    engine.decide(plain(message.get("turn")), message.get("number"), leave)


def _retry(engine: Asker, message: Message, buffers: Buffers) -> None:  # noqa: ARG001
    with engine.lock:
        number, turn = _turn(engine, message)
        known = engine.views.known(turn)
        asked = questions.Asked(turn.question, known.source, known.names)
        fields = _fields_for(engine, turn)
        chat = engine.chat
        engine.begin(
            lambda name: Order(
                message, name, chat, lambda: (asked, {}), fields, place=number, cell=turn.cell, run=turn.run
            )
        )


def _edit(engine: Asker, message: Message, buffers: Buffers) -> None:  # noqa: ARG001
    text, notebook = plain(message.get("text")), engine.notebook
    with engine.lock:
        number, turn = _turn(engine, message)
        was_typed = engine.views.was_typed(turn)
        fields, chat = _fields_for(engine, turn), engine.chat
        back = len(chat.turns) + 1 - number

        def make() -> tuple[Asked | None, Mapping[int, str]]:
            return questions.changed(text, turn, notebook, was_typed=was_typed), {}

        engine.begin(lambda name: Order(message, name, chat, make, fields, back=back))


def _continue(engine: Asker, message: Message, buffers: Buffers) -> None:  # noqa: ARG001
    with engine.lock:
        _, turn = _turn(engine, message)
        fields, chat = _fields_for(engine, turn), engine.chat
        engine.begin(lambda name: Order(message, name, chat, lambda: (questions.continued(turn), {}), fields))


def _undo(engine: Asker, message: Message, buffers: Buffers) -> None:  # noqa: ARG001
    with engine.lock:
        engine.refuse_if_busy()
        engine.chat.undo()
        engine.line.reply(message, ok=True)


def _clear(engine: Asker, message: Message, buffers: Buffers) -> None:  # noqa: ARG001
    with engine.lock:
        engine.refuse_if_busy()
        engine.chat.reset()
        engine.line.reply(message, ok=True)


def _fork(engine: Asker, message: Message, buffers: Buffers) -> None:  # noqa: ARG001
    with engine.lock:
        engine.refuse_if_busy()
        number, _ = _turn(engine, message)
        name = desk.free_name(engine.chat.name, engine.registry)
        fork = engine.chat.fork(name, number)
        engine.line.reply(message, name=name)
        engine.switch(fork)
        if engine.registry is not None:
            engine.registry.put(fork)


def _set(engine: Asker, message: Message, buffers: Buffers) -> None:  # noqa: ARG001
    changes = message.get("settings")
    if not isinstance(changes, dict):
        raise InputError("The settings of this message cannot be read.")
    with engine.lock:
        try:
            new = options.changed(engine.settings, changes)
        except InputError as error:
            engine.say_settings()
            engine.line.reply(message, error=visible(str(error)))
            return
        system = new.pop("system", None)
        if "system" in changes:
            engine.chat.system = system
        engine.settings = new
        engine.say_settings()  # before the reply: until that comes, the view shows what it has asked for
        engine.line.reply(message, ok=True)


def _complete(engine: Asker, message: Message, buffers: Buffers) -> None:  # noqa: ARG001
    text, cursor = plain(message.get("text")), message.get("cursor")
    place = cursor if isinstance(cursor, int) else len(text)
    notebook = engine.notebook
    _later(engine, message, lambda: names.completions(notebook, text, place))


def _models(engine: Asker, message: Message, buffers: Buffers) -> None:  # noqa: ARG001
    def listed() -> Message:
        client = _client(engine)
        if engine.known_models() is None:
            engine.models = (client.base_url, desk.models_of(client))
        return {"models": engine.known_models()}

    _later(engine, message, listed)


def _blob(engine: Asker, message: Message, buffers: Buffers) -> None:  # noqa: ARG001
    def fetched() -> None:
        with engine.lock:
            found = engine.blobs.find(plain(message.get("blob")))
        if engine.line.takes_buffers:
            engine.line.reply(message, [found.data], mime=found.mime_type, binary=True)
        else:
            engine.line.reply(message, mime=found.mime_type, data=base64.b64encode(found.data).decode("ascii"))

    _later(engine, message, fetched)


def _export(engine: Asker, message: Message, buffers: Buffers) -> None:  # noqa: ARG001
    chat = engine.chat
    _later(engine, message, lambda: desk.exported(chat, message.get("format")))


def _load(engine: Asker, message: Message, buffers: Buffers) -> None:
    name = plain(message.get("name")) or "conversation.json"
    has_file = "buffer" in message or "data" in message
    given = data_of(message, buffers, f"The file {shown_name(name)}") if has_file else None

    def load() -> Message:
        saved = engine.notebook.saved(engine.chat.name) if given is None else None
        found = desk.restored(saved) if given is None else desk.loaded(given, name)
        with engine.lock:
            engine.refuse_if_busy()
            found.name = engine.chat.name if not engine.chat.turns else _own_name(engine, found.name)
            if engine.chat.connected:
                found.client = engine.chat.client
            _hand_on_tools(engine.chat, found)
            engine.switch(found, restored=given is None)
            if engine.registry is not None:
                engine.registry.put(found)
            for note in found.notes:
                engine.noted(f"{note}.", "warning")
        return {"ok": True}

    _later(engine, message, load)


def _module(engine: Asker, message: Message, buffers: Buffers) -> None:  # noqa: ARG001
    _later(engine, message, lambda: {"text": desk.module_text(message.get("name"))})


def _hand_on_tools(chat: Conversation, found: Conversation) -> None:
    """What the user has given to the pane stays with it; a file brings none."""
    found.tools, found.approve, found.max_steps = chat.tools, chat.approve, chat.max_steps


def _own_name(engine: Asker, name: str) -> str:
    """The name of what was loaded, or another one where that is taken."""
    taken = engine.registry.names if engine.registry is not None else []
    name = name or engine.chat.name
    return desk.free_name(name, engine.registry) if name in taken or name == engine.chat.name else name


def _later(engine: Asker, message: Message, answer: Callable[[], Message | None]) -> None:
    """Answer a request in a thread of its own; one that answers for itself gives None."""

    def work() -> None:
        try:
            fields = answer()
        except GeminiMagicError as error:
            engine.line.reply(message, error=visible(str(error)))
        except Exception as error:  # noqa: BLE001 - the pane waits for an answer, whatever it is
            engine.line.reply(message, error=visible(f"{type(error).__name__}: {error}"))
        else:
            if fields is not None:
                engine.line.reply(message, **fields)

    engine.errands.add(work)


def _client(engine: Asker) -> Any:  # noqa: ANN401 - a Client
    if not engine.chat.connected:
        engine.chat.client, notice = connect_with_notice()
        if notice:
            engine.noted(notice)
    return engine.chat.client


def _turn(engine: Asker, message: Message) -> tuple[int, Turn]:
    """Number and turn that a message is about.

    Raises:
        InputError: It is not there any more.
    """
    wanted = message.get("turn")
    for number, turn in enumerate(engine.chat.turns, 1):
        if engine.views.known(turn).id == wanted:
            return number, turn
    raise InputError("This turn is no longer part of the conversation.")


def _fields_for(engine: Asker, turn: Turn) -> ChatFields:
    """What a turn is asked with again: the pane's settings, over those that a cell had given."""
    tools = turn.fields.get("tools") if turn.cell else None
    fields = options.fields_of(engine.settings, engine.chat.tools if tools is None else Toolbox.of(tools))
    if not turn.cell:
        return fields
    both: dict[str, Any] = {**turn.fields, **fields}
    if "config" in turn.fields or "config" in fields:
        both["config"] = {**(_plain(turn.fields.get("config"))), **_plain(fields.get("config"))}
    return cast("ChatFields", both)


def _plain(config: object) -> dict[str, Any]:
    return dict(config) if isinstance(config, dict) else {}


HANDLERS: dict[str, Handler] = {
    "hello": _hello,
    "send": _send,
    "stop": _stop,
    "decide": _decide,
    "retry": _retry,
    "edit": _edit,
    "continue": _continue,
    "undo": _undo,
    "clear": _clear,
    "fork": _fork,
    "set": _set,
    "complete": _complete,
    "models": _models,
    "blob": _blob,
    "export": _export,
    "load": _load,
    "module": _module,
}
