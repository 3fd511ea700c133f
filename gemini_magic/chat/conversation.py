"""A conversation: what was said, kept exactly as it was sent and received.

The protocol has no memory, so every question carries the whole history. A turn is encoded once, when it is
made, and its bytes are sent again and again.
"""

from __future__ import annotations

import sys
import threading
from functools import partial
from typing import TYPE_CHECKING, Any, Self, Unpack

from gemini_magic.chat import export, store
from gemini_magic.chat.fields import ChatFields, request_part, tooling_of
from gemini_magic.chat.places import Place, counted, find_place, how_many, put, turn_at
from gemini_magic.chat.repair import repaired
from gemini_magic.chat.saved import Saved
from gemini_magic.chat.stream import ChatStream
from gemini_magic.chat.tooled import Tooled
from gemini_magic.chat.turns import Origin, Turn, answered, failed, plain_fields, plain_system, question_of
from gemini_magic.chat.watching import Watchers
from gemini_magic.connect import connect
from gemini_magic.exceptions import ConfigError, InputError, StoreError
from gemini_magic.ledger import labelled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from os import PathLike
    from pathlib import Path

    from gemini_magic.chat.tool_stream import ToolStream
    from gemini_magic.client import Client, Encoded, Stream
    from gemini_magic.client.request import RequestFields
    from gemini_magic.reply import Reply
    from gemini_magic.tools.tooling import Tooling
    from gemini_magic.wire import Content


class Conversation(Tooled):
    """Asks one question after another, each with everything said before.

    A turn that failed, was blocked or was interrupted stays visible in `turns` and is not sent again.

    Args:
        client: Where to ask; may be changed between turns. Without one, `connect` finds it at the first question.
        system: The system instruction: text, a value, parts or a content.
        name: What the ledger and the notebook call it.
        tools: What its questions may use when they name nothing themselves: functions, and tools of the server. The
            model can call these functions and no others.
        approve: Whether to ask before a function runs: ``ask`` (unless it only reads), ``always`` run without asking,
            or ``never`` run.
        max_steps: How often the model may ask for calls in one answer; 8 unless given.

    Attributes:
        notes: What was noticed when it was loaded from a file, in words.

    Raises:
        InputError: One of the tools is none, or a setting has a value that it cannot have.

    Example:
        >>> chat = Conversation(client, system="Answer in one sentence.", tools=[get_weather])
        >>> chat.ask("Is it warmer in Oslo or in Madrid?").text
        >>> chat.ask("And tomorrow?").text
    """

    def __init__(
        self,
        client: Client | None = None,
        *,
        system: object = None,
        name: str = "",
        tools: object = None,
        approve: str = "ask",
        max_steps: int | None = None,
    ) -> None:
        super().__init__(tools, approve, max_steps)
        self._client = client
        self.system = system
        self.name = name
        self.notes: tuple[str, ...] = ()
        self._turns: tuple[Turn, ...] = ()
        self._lock = threading.Lock()
        self._watchers = Watchers()

    @property
    def connected(self) -> bool:
        """Whether it is known where to ask; if not, the first question finds it out."""
        return self._client is not None

    @property
    def client(self) -> Client:
        """Where to ask."""
        if self._client is None:
            self._client = connect()
        return self._client

    @client.setter
    def client(self, client: Client) -> None:
        self._client = client

    @property
    def turns(self) -> tuple[Turn, ...]:
        """All turns, oldest first, those that are not sent again included."""
        return self._turns

    @property
    def history(self) -> list[Content]:
        """The contents that go with the next question, exactly as they were sent and received."""
        return [encoded.content for encoded in _contents(self._turns)]

    @property
    def stale(self) -> tuple[int, ...]:
        """The numbers of the turns that rest on something that has changed, counted from 1."""
        return tuple(number for number, turn in enumerate(self._turns, 1) if turn.stale)

    def ask(
        self,
        *question: object,
        cell: str = "",
        run: str = "",
        append: bool = False,
        place: int | None = None,
        **fields: Unpack[ChatFields],
    ) -> Reply:
        """Ask, and wait for the whole answer.

        A cell that asks again takes the place of the turns it made before: the question goes out with what was said
        up to there, its turn stands there, and later turns become `stale`. When no answer comes, the turns stay as
        they were; only where there was no answer before is the failed attempt kept, to be seen.

        Args:
            *question: Text, values and parts, in the order they are meant.
            cell: The front end's id of the cell that asks; without one, the turn goes to the end.
            run: The id of the cell's execution. Questions of the same execution, as in a loop, stand one
                behind the other.
            append: Add a turn, also when the cell has made one before.
            place: The number of a turn, counted from 1, whose place this question takes.
            **fields: ``model``, ``config``, ``tools``, ``tool_config``, ``safety``, ``extra``; ``system`` for this
                question only; ``approve``, ``max_steps``, ``tool_mode``, ``approver``: see `ChatFields`.

        Raises:
            ConfigError: The client is not set up; the conversation is unchanged.
            InputError: Something cannot be sent; the conversation is unchanged.
            ToolLimit: The model asked for more calls than it may; nothing more was sent.
            GeminiMagicError: No answer came.
        """
        spot = find_place(self._turns, cell=cell, run=run, append=append, place=place)
        asked, origin = question_of(question), Origin(plain_fields(fields), cell, run)
        tooling = tooling_of(fields, self._tooling)
        if tooling:
            with self._called(asked, spot, origin, tooling, fields, whole=True) as events:
                for _ in events:
                    pass
            return events.reply
        try:
            with self._labelled(cell):
                given = request_part(fields, tooling)
                reply = self.client.generate([*_contents(spot.before), asked], **self.fields_for(given))
        except (ConfigError, InputError):
            raise  # nothing was sent
        except BaseException as error:
            self._put(spot, failed(asked, error, None, origin))
            raise
        self._put(spot, answered(asked, reply, origin))
        return reply

    def stream(
        self,
        *question: object,
        cell: str = "",
        run: str = "",
        append: bool = False,
        place: int | None = None,
        **fields: Unpack[ChatFields],
    ) -> ChatStream:
        """Ask, and take the answer as it comes: ``with chat.stream("…") as events: for event in events: …``.

        Arguments and errors as in `ask`. The turn is added when the block is left.
        """
        spot = find_place(self._turns, cell=cell, run=run, append=append, place=place)
        asked, origin = question_of(question), Origin(plain_fields(fields), cell, run)
        tooling = tooling_of(fields, self._tooling)
        if tooling:
            return self._called(asked, spot, origin, tooling, fields)
        given = request_part(fields, tooling)
        stream = self.client.stream([*_contents(spot.before), asked], **self.fields_for(given))
        return self._kept(stream, asked, spot, origin)

    def _called(
        self, asked: Encoded, spot: Place, origin: Origin, tooling: Tooling, fields: ChatFields, *, whole: bool = False
    ) -> ChatStream:
        """An answer for which functions may be called."""
        from gemini_magic.chat.tool_stream import ToolStream  # noqa: PLC0415 - most questions have no functions

        given = self.fields_for(request_part(fields, tooling))
        contents, labels = [*_contents(spot.before), asked], partial(self._labelled, origin.cell)
        stream = ToolStream(self.client, contents, given, tooling, whole=whole, labels=labels)
        return self._kept(stream, asked, spot, origin)

    def _kept(self, stream: Stream | ToolStream, asked: Encoded, spot: Place, origin: Origin) -> ChatStream:
        return ChatStream(stream, asked, origin, lambda turn: self._put(spot, turn), self.name)

    def keep(
        self,
        asked: Encoded,
        outcome: Reply | BaseException,
        spot: Place,
        *,
        cell: str = "",
        run: str = "",
        **fields: Unpack[ChatFields],
    ) -> None:
        """Add the turn of a question that somebody else has sent, such as one whose answer had to be repaired.

        Args:
            asked: The question as it was sent behind `contents_for`.
            outcome: The answer that counts, or what went wrong.
            spot: Where the turn goes, as `find_place` has found before anything was sent.
            cell: As in `ask`.
            run: As in `ask`.
            **fields: As in `ask`.
        """
        origin = Origin(plain_fields(fields), cell, run)
        if isinstance(outcome, BaseException):
            self._put(spot, failed(asked, outcome, None, origin))
        else:
            self._put(spot, answered(asked, outcome, origin))

    def edit(self, number: int, *question: object, **fields: Unpack[ChatFields]) -> Reply:
        """Ask something else in the place of a turn; later turns become stale.

        Args:
            number: The turn's number, counted from 1.
            *question: What to ask now.
            **fields: As in `ask`; those that the turn was asked with hold where none are given.
        """
        old = turn_at(self._turns, number)
        asked_with: ChatFields = {**old.fields, **fields}
        return self.ask(*question, cell=old.cell, run=old.run, place=number, **asked_with)

    def replay(self) -> Iterator[Reply]:
        """Ask the stale turns again, in their order; each reply comes when it is there.

        A turn that was asked again is fresh. At the first that gets no answer to be kept it ends, by the error or
        after that reply, and the rest stays stale.
        """
        while stale := self.stale:
            number = stale[0]
            old = turn_at(self._turns, number)
            yield self.ask(old.question, cell=old.cell, run=old.run, place=number, **old.fields)
            if any(turn.made == old.made for turn in self._turns):
                return

    def unstale(self) -> None:
        """Take the stale turns as they are, without asking them again."""
        with self._lock:
            self._turns = tuple(turn.marked(stale=False) for turn in self._turns)
        self._watchers.tell()

    def repair_signatures(self) -> int:
        """Make calls fit to be sent that another model, key or route has signed; returns how many parts have changed.

        In the place of signatures stands the one that Gemini documents for calls that it did not make itself. Not every
        gateway takes it, and what the model had thought is lost to it: do this when a signature was refused.
        """
        with self._lock:
            self._turns, count = repaired(self._turns)
        self._watchers.tell()
        return count

    def undo(self, count: int = 1) -> tuple[Turn, ...]:
        """Take back the last turns, those included that are not sent again; returns them.

        Raises:
            InputError: There are not so many.
        """
        with self._lock:
            if not 1 <= count <= len(self._turns):
                raise InputError(f"{counted(count)} cannot be taken back: {how_many(self._turns)}.")
            kept, taken = self._turns[:-count], self._turns[-count:]
            self._turns = kept
        self._watchers.tell()
        return taken

    def fork(self, name: str, upto: int | None = None) -> Conversation:
        """A conversation that goes on from here, or from an earlier turn, on its own; nothing is copied.

        Args:
            name: What to call it.
            upto: The number of the last turn to keep, 0 for none; all when None.

        Raises:
            InputError: There is no turn of that number.
        """
        turns = self._turns
        if upto is None:
            upto = len(turns)
        elif upto:
            turn_at(turns, upto)
        fork = Conversation(self._client, system=self.system, name=name)
        fork._turns, fork._tooling = turns[:upto], self._tooling
        return fork

    def turn_of(self, question: Encoded) -> Turn | None:
        """The turn that was made by asking this very content, or None."""
        return next((turn for turn in reversed(self._turns) if turn.question is question), None)

    def reset(self) -> None:
        """Forget all turns; the system instruction stays."""
        with self._lock:
            self._turns = ()
        self._watchers.tell()

    def watch(self, watcher: Callable[[], object]) -> None:
        """Call a method whenever the turns have changed, on the thread that changed them; it is held weakly."""
        self._watchers.add(watcher)

    def widget(self, **options: Any) -> Any:  # noqa: ANN401 - a ChatWidget, and its options
        """A chat pane with this conversation, as `gemini_magic.ChatWidget` makes it."""
        package: Any = sys.modules["gemini_magic"]  # the root knows every room; this one knows none above it
        return package.ChatWidget(self, **options)

    def save(self, path: str | PathLike[str]) -> Path:
        """Write the conversation to a file that only its owner can read; either all of it or nothing.

        Args:
            path: Where to; ``.json`` keeps everything, ``.ipynb`` is a notebook that can be loaded as well, ``.md`` is
                for reading only. In a folder, the file gets the conversation's name.

        Returns:
            The file.

        Raises:
            StoreError: It cannot be written there, or the conversation holds the client's key.
        """
        place, data = export.written(self.saved(), path)
        if self._client is not None and self._client.holds_key(data.decode()):
            raise StoreError(
                "The conversation holds your API key, so it is not written to a file.", hint="Undo the turn with it."
            )
        return store.write(place, data)

    @classmethod
    def load(cls, path: str | PathLike[str], client: Client | None = None, *, name: str = "") -> Self:
        """Read a conversation from a file; nothing in it is run, shown or sent.

        Args:
            path: A ``.json`` file, or a notebook with conversations in its outputs.
            client: Where to ask from now on. A file says nothing about it, and nothing about tools.
            name: Which conversation, where a notebook holds several.

        Raises:
            ConversationFileError: It is not a conversation file, or damaged.
        """
        return cls.restored(store.choose(store.read(path), name, path), client)

    @classmethod
    def restored(cls, saved: Saved, client: Client | None = None) -> Self:
        """The conversation that was saved."""
        chat = cls(client, system=saved.system, name=saved.name)
        chat._turns, chat.notes = saved.turns, saved.notes
        return chat

    def saved(self) -> Saved:
        """What there is to save: shared, not copied."""
        return Saved(self.name, self._turns, plain_system(self.system))

    def contents_for(
        self, *question: object, cell: str = "", run: str = "", append: bool = False, place: int | None = None
    ) -> list[Encoded]:
        """What goes out when this is asked next: the history up to its place, then the question."""
        spot = find_place(self._turns, cell=cell, run=run, append=append, place=place)
        return [*_contents(spot.before), question_of(question)]

    def fields_for(self, fields: RequestFields) -> RequestFields:
        """The fields of the next request: those given, and the conversation's system instruction."""
        return {**fields, "system": self.system} if fields.get("system") is None else fields

    def _labelled(self, cell: str) -> Any:  # noqa: ANN401 - a context manager
        return labelled(conversation=self.name, cell=cell)

    def _put(self, place: Place, turn: Turn) -> None:
        with self._lock:
            self._turns = put(self._turns, place, turn)
        self._watchers.tell()

    def __len__(self) -> int:
        """How many turns there are."""
        return len(self._turns)

    def __repr__(self) -> str:
        """Name, model and number of turns."""
        name = f" {self.name!r}" if self.name else ""
        model = f" with {self._client.model}" if self._client is not None else ""
        return f"<Conversation{name}{model}: {counted(len(self))}>"


def _contents(turns: tuple[Turn, ...]) -> list[Encoded]:
    return [content for turn in turns for content in turn.contents]
