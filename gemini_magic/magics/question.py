"""A prompt that is ready to be asked, and what is remembered of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gemini_magic.chat import KERNEL
from gemini_magic.client.request import request_fields, to_contents
from gemini_magic.exceptions import InputError

if TYPE_CHECKING:
    from gemini_magic.chat import ChatStream, Conversation, Turn
    from gemini_magic.client import Client, Encoded, Stream
    from gemini_magic.client.caller import Plan
    from gemini_magic.client.request import RequestFields
    from gemini_magic.magics.cells import Place
    from gemini_magic.reply import Reply


@dataclass
class Exchange:
    """What was sent last, and what came of it, for ``%gemini last``."""

    client: Client
    contents: list[Encoded]
    method: str
    fields: RequestFields
    reply: Reply | None = None

    def plan(self) -> Plan:
        """What went over the wire; the bytes of the turns are those that were sent."""
        return self.client.plan(self.contents, self.method, **self.fields)


@dataclass
class Question:
    """A prompt with everything that belongs to it.

    Attributes:
        client: Whom to ask.
        asked: The prompt, encoded once however often it is sent.
        fields: What else the request says.
        chat: The conversation it belongs to, or None.
        place: Where it was asked.
    """

    client: Client
    asked: Encoded
    fields: RequestFields
    chat: Conversation | None
    place: Place

    @property
    def model(self) -> str:
        """The model that is asked first."""
        return self.fields.get("model") or self.client.model

    def exchange(self, method: str) -> Exchange:
        """What is about to be sent."""
        if self.chat is None:
            return Exchange(self.client, [self.asked], method, self.fields)
        contents = self.chat.contents_for(self.asked, **self._where())
        return Exchange(self.client, contents, method, self.chat.fields_for(self.fields))

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
        return self.client.stream(self.asked, **self.fields)

    def ask(self) -> Reply:
        """Ask, and wait for the whole answer."""
        if self.chat is not None:
            return self.chat.ask(self.asked, **self._where(), **self.fields)
        return self.client.generate(self.asked, **self.fields)

    def turn(self) -> Turn | None:
        """The conversation's turn, once there is one."""
        return self.chat.turn_of(self.asked) if self.chat is not None else None

    def _where(self) -> dict[str, Any]:
        place = self.place
        return {"cell": place.cell, "run": place.run, "append": place.append, "place": place.number}


def encoded(pieces: list[Any], fields: RequestFields, client: Client) -> Encoded:
    """The prompt as one content.

    Raises:
        InputError: It cannot be sent, or one of the fields cannot, or the client's key is in it.
    """
    asked = to_contents(pieces)[0]
    texts = [part.text for part in asked.content.parts or [] if part.text]
    texts.append(str(request_fields(fields)))
    if any(client.holds_key(text) for text in texts):
        raise InputError("The prompt or an option holds your API key: this would send your key to the model.")
    return asked
