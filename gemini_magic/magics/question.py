"""A prompt that is ready to be asked, and what is remembered of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from gemini_magic.chat import KERNEL, Conversation
from gemini_magic.client.request import encode, request_fields, to_contents
from gemini_magic.client.tool_forms import takes_ids, tool_form
from gemini_magic.exceptions import InputError
from gemini_magic.tools.loop import Loop
from gemini_magic.tools.toolbox import Toolbox
from gemini_magic.tools.tooling import Tooling

if TYPE_CHECKING:
    from gemini_magic.chat import ChatStream, Turn
    from gemini_magic.chat.fields import ChatFields
    from gemini_magic.client import Client, Encoded, Stream
    from gemini_magic.client.caller import Plan
    from gemini_magic.client.request import RequestFields
    from gemini_magic.magics.cells import Place
    from gemini_magic.reply import Reply

#: What a question says of its tools; all else are fields of the request.
_TOOLS = ("tools", "approve", "max_steps", "tool_mode", "approver")


@dataclass
class Exchange:
    """What was sent last, and what came of it, for ``%gemini last``.

    Attributes:
        client: Who was asked.
        contents: The history and the question.
        method: ``streamGenerateContent`` or ``generateContent``.
        fields: What else the request says, but for the tools of ``tooling``.
        reply: What came, or has come so far.
        tooling: What the model may call, if anything.
    """

    client: Client
    contents: list[Encoded]
    method: str
    fields: RequestFields
    reply: Reply | None = None
    tooling: Tooling | None = None

    def plan(self) -> Plan:
        """What went over the wire; the bytes of the turns are those that were sent."""
        contents, fields = self.request()
        return self.client.plan(contents, self.method, **fields)

    def request(self) -> tuple[list[Encoded], RequestFields]:
        """The last request's contents and fields: calls that were carried out, and their results, are among them."""
        if self.tooling is None:
            return self.contents, self.fields
        profile = self.client.profile
        loop = Loop(self.tooling, self.fields, model=self.fields.get("model") or self.client.model)
        loop.form, loop.ids = tool_form(profile), takes_ids(profile)
        for step in self.reply.steps if self.reply is not None else ():
            if step.results is not None:
                loop.add(step.reply, step.runs)
        return [*self.contents, *map(encode, loop.contents)], cast("RequestFields", loop.fields)


@dataclass
class Question:
    """A prompt with everything that belongs to it.

    Attributes:
        client: Whom to ask.
        asked: The prompt, encoded once however often it is sent.
        fields: What else the request says, and what the model may call.
        chat: The conversation it belongs to, or None.
        place: Where it was asked.
    """

    client: Client
    asked: Encoded
    fields: ChatFields
    chat: Conversation | None
    place: Place

    @property
    def model(self) -> str:
        """The model that is asked first."""
        return self.fields.get("model") or self.client.model

    @property
    def tooling(self) -> Tooling | None:
        """What the model may call; None where that is nothing, or stands among the raw fields."""
        chat, fields = self.chat, self.fields
        tools = fields.get("tools") or (chat.tools if chat is not None else None)
        if not tools:
            return None
        return Tooling.of(
            tools,
            approve=fields.get("approve") or (chat.approve if chat is not None else None),
            approver=fields.get("approver"),
            max_steps=fields.get("max_steps") or (chat.max_steps if chat is not None else None),
            tool_mode=fields.get("tool_mode"),
        )

    def exchange(self, method: str) -> Exchange:
        """What is about to be sent."""
        fields = without_tools(self.fields)
        if self.chat is None:
            return Exchange(self.client, [self.asked], method, fields, tooling=self.tooling)
        contents = self.chat.contents_for(self.asked, **self._where())
        return Exchange(self.client, contents, method, self.chat.fields_for(fields), tooling=self.tooling)

    def enter_chat(self) -> None:
        """Make the conversation the one of its name, with this question's client and system instruction."""
        if self.chat is None:
            return
        self.chat.client = self.client
        if system := self.fields.get("system"):
            self.chat.system = system
        KERNEL.put(self.chat)

    def stream(self) -> Stream | ChatStream:
        """Ask, and take the answer as it comes."""
        if self.chat is not None:
            return self.chat.stream(self.asked, **self._where(), **self.fields)
        if "tools" in self.fields:
            return self._alone.stream(self.asked, **self.fields)
        return self.client.stream(self.asked, **without_tools(self.fields))

    def ask(self) -> Reply:
        """Ask, and wait for the whole answer."""
        if self.chat is not None:
            return self.chat.ask(self.asked, **self._where(), **self.fields)
        if "tools" in self.fields:
            return self._alone.ask(self.asked, **self.fields)
        return self.client.generate(self.asked, **without_tools(self.fields))

    @cached_property
    def _alone(self) -> Conversation:
        """A conversation that nobody keeps: functions are called in one."""
        return Conversation(self.client)

    def broken_off(self) -> Reply | None:
        """What had come when somebody stopped the answer, as far as the conversation knows it."""
        chat = self.chat if self.chat is not None else self._alone
        turn = chat.turn_of(self.asked)
        return turn.reply if turn is not None else None

    def turn(self) -> Turn | None:
        """The conversation's turn, once there is one."""
        return self.chat.turn_of(self.asked) if self.chat is not None else None

    def _where(self) -> dict[str, Any]:
        place = self.place
        return {"cell": place.cell, "run": place.run, "append": place.append, "place": place.number}


def without_tools(fields: ChatFields) -> RequestFields:
    """The fields of the request, without what is said of its tools."""
    return cast("RequestFields", {name: value for name, value in fields.items() if name not in _TOOLS})


def encoded(pieces: list[Any], fields: ChatFields, client: Client) -> Encoded:
    """The prompt as one content.

    Raises:
        InputError: It cannot be sent, or one of the fields cannot, or the client's key is in it.
    """
    asked = to_contents(pieces)[0]
    texts = [part.text for part in asked.content.parts or [] if part.text]
    texts.append(str(request_fields(without_tools(fields))))
    texts.append(str(Toolbox.of(fields.get("tools")).written()))
    if any(client.holds_key(text) for text in texts):
        raise InputError("The prompt or an option holds your API key: this would send your key to the model.")
    return asked
