"""One answer that is data: asked with a schema, shown row by row, checked, and repaired once if it has to be.

A conversation keeps one turn of it: the question as it was typed, and the answer that counts, which is the repaired one
where there was a repair, because that is what the cell shows and the next question speaks of. What was said to have it
repaired is in no history. Where no answer came out usable, the conversation stays as it was.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from gemini_magic import exceptions
from gemini_magic.chat.places import find_place
from gemini_magic.chat.tool_stream import ToolStream
from gemini_magic.client.request import request_fields
from gemini_magic.display.base import QuietRenderer
from gemini_magic.display.calls import short_call
from gemini_magic.display.live_table import QuietTable, table_for
from gemini_magic.display.value_table import Field, RawText, ValueRecord, ValueTable, counted
from gemini_magic.events import TextDelta, ToolFinished, ToolStarted
from gemini_magic.exceptions import ConfigError, GeminiMagicError, InputError, InvalidAnswer
from gemini_magic.extract.answer import Answering, bounded, concluded
from gemini_magic.extract.arrays import ArrayReader
from gemini_magic.extract.forms import form_for, output_limit_of
from gemini_magic.extract.job import Job, Task
from gemini_magic.ledger import labelled
from gemini_magic.magics.asking import Asking
from gemini_magic.reply.structured import columns_of, frame_of_rows, rows_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gemini_magic.chat.fields import ChatFields
    from gemini_magic.client import Stream
    from gemini_magic.client.request import RequestFields
    from gemini_magic.display.live_table import TableView
    from gemini_magic.events import ToolRun
    from gemini_magic.extract.job import Outcome
    from gemini_magic.magics.question import Question
    from gemini_magic.reply import Reply
    from gemini_magic.schemas import Schema

_LIMIT = "The answer stopped at the token limit and is asked for again, with twice the limit."
_UNUSABLE = "There was no usable answer ({}); it is asked for again."
_REPAIR = "An answer that did not fit the schema was sent back to be repaired: {}"
_STOPPED = "Stopped: these are the rows that were whole when the cell was interrupted."


@dataclass(frozen=True)
class Wanted:
    """What ``--schema`` and its companions ask for.

    Attributes:
        schema: What the answer has to be.
        repairs: How often it may be repaired.
        frame: The variable that takes the data as a dataframe, or an empty string.
    """

    schema: Schema
    repairs: int = 1
    frame: str = ""

    @property
    def fields(self) -> list[Field]:
        """The columns of the table that is shown."""
        return [Field(column.name, column.kind) for column in self.schema.columns]

    def question(self, question: Question) -> Question:
        """The question as it goes out at first, with the schema among its fields.

        Raises:
            SchemaError: The gateway takes no schema in which this one could be said.
        """
        config = request_fields({"config": question.fields.get("config")}).get("generationConfig", {})
        asked = {**config, **self.schema.config(form=form_for(question.client.profile))}
        return replace(question, fields={**question.fields, "config": asked})

    def asking(
        self,
        asking: Asking,
        given: ChatFields,
        shell: object,
        bind: Callable[[str, Any], None],
        *,
        whole_cell: bool,
    ) -> DataAsking:
        """The same question's way, ending in data.

        Args:
            asking: The question, with the schema among its fields.
            given: Its fields without the schema.
            shell: The IPython shell.
            bind: Puts a value into a variable of the notebook.
            whole_cell: Whether all outputs of the running cell belong to the answer.
        """
        table: TableView = QuietTable()
        if not isinstance(asking.renderer, QuietRenderer):
            table = table_for(shell, self.fields, whole_cell=whole_cell, rows=self.schema.is_list)
        return DataAsking(
            asking.question,
            asking.exchange,
            table,
            asking.notes,
            asking.saved_for,
            table=table,
            wanted=self,
            given=given,
            bind=bind,
        )


@dataclass
class DataAsking(Asking):
    """Asks one question whose answer is data.

    Attributes:
        table: Where the data are shown; the same as ``renderer``.
        wanted: What is asked for.
        given: The request fields as the user gave them, without the schema.
        bind: Puts a value into a variable of the notebook.
    """

    table: TableView = field(kw_only=True)
    wanted: Wanted = field(kw_only=True)
    given: ChatFields = field(kw_only=True)
    bind: Callable[[str, Any], None] = field(kw_only=True)
    _rows: list[Any] = field(default_factory=list, init=False)

    def run(self) -> Reply:
        """Ask, show and check.

        Returns:
            The reply with its validated ``value``.

        Raises:
            GeminiMagicError: No answer came, or none of the schema; what came is in ``.partial``, whole rows of it in
                its ``value``.
        """
        for note in self.notes:
            self.renderer.note(note)
        chat, where = self.question.chat, self.question.place
        with labelled(cell=where.cell, **({"conversation": chat.name} if chat is not None else {})):
            reply = self._answered()
        self._save()
        return reply

    def _answered(self) -> Reply:
        chat, where = self.question.chat, self.question.place
        turns = chat.turns if chat is not None else ()
        spot = find_place(turns, cell=where.cell, run=where.run, append=where.append, place=where.number)
        outcome: Reply | BaseException
        try:
            outcome = reply = self._ask()
        except BaseException as error:
            outcome = error
            raise
        finally:
            if chat is not None and not isinstance(outcome, (ConfigError, InputError)):
                chat.keep(self.question.asked, outcome, spot, cell=where.cell, run=where.run, **self.question.fields)
            self._show_data(outcome)
        self._bind_frame(reply)
        return reply

    def _ask(self) -> Reply:
        """Ask until there is an answer of the schema, or none is to be had."""
        client = self.question.client
        job, task = self._job()
        limit = output_limit_of(client.profile, job.model or client.model)
        answering = Answering(job, task, form=form_for(client.profile), repairs=self.wanted.repairs, output_limit=limit)
        history = self.exchange.contents[:-1]
        while True:
            contents, fields = answering.request()
            if config := self.given.get("tool_config"):
                fields["tool_config"] = config
            self.exchange.contents, self.exchange.fields = [*history, *contents], fields
            try:
                reply = self._send(answering.left, fields)
            except GeminiMagicError as error:
                if answering.failed(error):
                    raise
                continue
            # Rounds of calls have a limit of their own.
            if answering.took(replace(reply, attempts=reply.attempts - len(reply.steps))):
                return self._judged(reply, concluded(client.profile, answering, began=0.0))
            self.renderer.note(self._why_again(reply))

    def _job(self) -> tuple[Job, Task]:
        """The question in the words of the extraction; the system instruction may be the conversation's."""
        given = self.given
        config = request_fields({"config": given.get("config")}).get("generationConfig", {})
        system: Any = self.exchange.fields.get("system")
        job = Job(
            self.wanted.schema,
            model=given.get("model") or "",
            system=system,
            config=config,
            extra=given.get("extra") or {},
            origin=self.question.client.base_url,
        )
        return job, Task("", tuple(self.question.asked.content.parts or ()))

    def _send(self, left: int, fields: RequestFields) -> Reply:
        """Send one request, or, where functions may be called, those that lead to one answer."""
        client, exchange = bounded(self.question.client, left), self.exchange
        self._restart()
        is_whole = exchange.method != "streamGenerateContent"
        if exchange.tooling is not None:
            stream: Stream | ToolStream = ToolStream(
                client, exchange.contents, fields, exchange.tooling, whole=is_whole
            )
        elif is_whole:
            return self._whole_answer(client.generate(exchange.contents, **fields))
        else:
            stream = client.stream(exchange.contents, **fields)
        try:
            with stream as events:
                for note in events.notes:
                    self.renderer.note(note)
                self._take(events)
        finally:
            if stream.opened:
                exchange.reply = stream.reply
        return self._whole_answer(stream.reply) if is_whole else stream.reply

    def _whole_answer(self, reply: Reply) -> Reply:
        self._read(ArrayReader(), reply.text, len(reply.text))
        self.exchange.reply = reply
        return reply

    def _restart(self) -> None:
        """An answer begins, and the one before it was none."""
        self._rows = []
        self.table.restart()

    def _take(self, events: Stream | ToolStream) -> None:
        reader, received = ArrayReader(), 0
        for event in events:
            if isinstance(event, TextDelta) and not event.candidate:
                received += len(event.text)
                self._read(reader, event.text, received)
            elif isinstance(event, ToolStarted | ToolFinished):
                self.table.handle(event)
                if received:  # words before a call are no data
                    reader, received = ArrayReader(), 0
                    self._restart()
            if isinstance(event, ToolFinished):
                self._note_call(event.run)

    def _note_call(self, run: ToolRun) -> None:
        """Say in a line what came of a call; where nothing is shown, only that nobody could be asked."""
        self._note_denied(run)
        if run.decision != "nobody" and not isinstance(self.renderer, QuietRenderer):
            self.renderer.note(_called(run))

    def _read(self, reader: ArrayReader, text: str, received: int) -> None:
        rows = reader.feed(text) if self.wanted.schema.is_list else []
        self._rows += rows
        self.table.add(rows_of(rows), received)

    def _why_again(self, reply: Reply) -> str:
        if reply.status == "truncated":
            return _LIMIT
        if reply.status != "ok":
            return _UNUSABLE.format(reply.finish_reason or "no reason was given")
        try:
            self.wanted.schema.read(reply.text)
        except InvalidAnswer as error:
            return _REPAIR.format(error.message)
        return _REPAIR.format("it was not what was asked for.")

    def _judged(self, reply: Reply, outcome: Outcome) -> Reply:
        """The reply with its value, counted over all requests; or the error that it makes."""
        reply = replace(reply, attempts=max(outcome.attempts, reply.attempts))
        if outcome.ok:
            return replace(reply, value=self.wanted.schema.revive(outcome.value))
        kind = getattr(exceptions, outcome.error_kind, InvalidAnswer)
        error: GeminiMagicError = kind(outcome.error)
        error.partial = replace(reply, value=self._rows or None)
        error.attempts = outcome.attempts
        raise error

    def _show_data(self, outcome: Reply | BaseException) -> None:
        """Show for good what came, however it ended; nothing when no answer had begun."""
        if isinstance(outcome, GeminiMagicError) and outcome.partial is not None:
            self.exchange.reply = outcome.partial
        if not isinstance(outcome, BaseException):
            self.exchange.reply = outcome
        reply = self.exchange.reply
        if reply is None:
            return
        if isinstance(outcome, BaseException) and self._rows and reply.value is None:
            self.exchange.reply = reply = replace(reply, value=self._rows)
            if isinstance(outcome, GeminiMagicError):
                outcome.partial = reply
        if stale := self._stale():
            self.renderer.note(stale)
        error = self._words(outcome) if isinstance(outcome, BaseException) else ""
        if error and not self._rows:
            shown: ValueTable | ValueRecord | RawText = RawText(reply.text)
        else:
            shown = self._shown(self._rows if error else self.wanted.schema.plain(reply.value))
        self.table.close(shown, reply, error=error, metadata=self._metadata())

    def _words(self, error: BaseException) -> str:
        if not isinstance(error, GeminiMagicError):
            return _STOPPED
        rows = len(self._rows)
        kept = f" The {counted(rows, 'row')} that came whole {'are' if rows > 1 else 'is'} kept." if rows else ""
        return f"{error.message}{kept}"

    def _shown(self, plain: Any) -> ValueTable | ValueRecord:  # noqa: ANN401 - any JSON
        wanted = self.wanted
        title = f"{wanted.frame}: a dataframe" if wanted.frame else ""
        rows = rows_of(plain)
        if not wanted.schema.is_list and isinstance(plain, dict):
            return ValueRecord(wanted.fields, rows[0], title)
        if title:
            title = f"{title} of {counted(len(rows), 'row')} × {counted(len(wanted.fields), 'column')}"
        return ValueTable(wanted.fields, rows, title, range(len(rows)) if wanted.frame else (), kinds=bool(title))

    def _bind_frame(self, reply: Reply) -> None:
        if self.wanted.frame:
            rows = rows_of(self.wanted.schema.plain(reply.value))
            self.bind(self.wanted.frame, frame_of_rows(rows, _columns(self.wanted.schema, rows)))


def _called(run: ToolRun) -> str:
    """What came of a call, in a line."""
    call = short_call(run.name, run.args)
    match run.outcome:
        case "ok":
            return f"{call} was called."
        case "error" | "timeout":
            return f"{call} failed: {run.error}"
    return f"{call} was not called: {run.error}"


def _columns(schema: Schema, rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, bool]]:
    """The schema's columns, and those that only the rows have."""
    named = [(column.name, column.kind, column.nullable) for column in schema.columns]
    known = {name for name, *_ in named}
    return [*named, *(column for column in columns_of(rows) if column[0] not in known)]
