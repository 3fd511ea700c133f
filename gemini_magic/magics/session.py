"""What the magics do and remember: from a parsed command to a shown reply."""

from __future__ import annotations

from collections import ChainMap
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

from IPython.display import display

from gemini_magic.chat import KERNEL, Conversation
from gemini_magic.chat.registry import MAIN
from gemini_magic.connect import connect_with_notice
from gemini_magic.display.base import QuietRenderer, Renderer, renderer_for
from gemini_magic.exceptions import Blocked, GeminiMagicError, InvalidAnswer
from gemini_magic.ledger import labelled
from gemini_magic.magics.cells import cell_id, is_alone, is_statement
from gemini_magic.magics.command import Command, parse_cell, parse_line, request_fields, system_text
from gemini_magic.magics.interpolation import interpolate
from gemini_magic.magics.question import Exchange, Question, encoded
from gemini_magic.magics.subcommands import run_subcommand

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from gemini_magic.chat import ChatStream
    from gemini_magic.client import Client, Stream
    from gemini_magic.client.request import RequestFields
    from gemini_magic.reply import Reply


class Defaults(Protocol):
    """The magics, as far as a session knows them: the shell, and what ``%config`` sets."""

    @property
    def shell(self) -> Any: ...  # noqa: ANN401, D102 - IPython's shells differ
    @property
    def profile(self) -> str: ...  # noqa: D102 - the traits' help says what they are for
    @property
    def model(self) -> str: ...  # noqa: D102
    @property
    def system(self) -> str: ...  # noqa: D102
    @property
    def stream(self) -> bool: ...  # noqa: D102
    @property
    def timeout(self) -> float | None: ...  # noqa: D102
    @property
    def retries(self) -> int | None: ...  # noqa: D102
    @property
    def fallback(self) -> Sequence[str]: ...  # noqa: D102


class Stopped(KeyboardInterrupt):
    """The user interrupted a magic; shown as one calm line, and still stops "Run All"."""

    def _render_traceback_(self) -> list[str]:
        return [f"Stopped: {self}"]


@dataclass
class Session:
    """The magics' half that needs everything else."""

    magics: Defaults
    last: Exchange | None = None
    _told: set[str] = field(default_factory=set)

    @property
    def shell(self) -> Any:  # noqa: ANN401 - IPython's shells differ
        """The IPython shell."""
        return self.magics.shell

    def run(self, line: str, cell: str | None, local_ns: Mapping[str, Any] | None) -> Any:  # noqa: ANN401
        """Carry out a line or a cell."""
        command = parse_line(line) if cell is None else parse_cell(line, cell)
        try:
            return self._run(command, local_ns)
        except KeyboardInterrupt:
            # Not from the original: its traceback goes through frames that hold whole requests.
            raise Stopped("this was interrupted before it was complete.") from None

    def _run(self, command: Command, local_ns: Mapping[str, Any] | None) -> Any:  # noqa: ANN401
        is_shown = command.is_cell or is_statement(self.shell)
        if command.subcommand is not None:
            found = run_subcommand(self, command)
            if not is_shown or found is None:
                return found
            return display(found)  # type: ignore[no-untyped-call]
        quiet = not is_shown or command.store_only is not None or "quiet" in command.options
        renderer: Renderer = QuietRenderer() if quiet else self._renderer()
        reply = self._ask(command, self._namespace(local_ns), renderer)
        return None if is_shown else reply

    def client(self, options: Mapping[str, Any]) -> tuple[Client, str | None]:
        """The client that these options ask for, and what the user should be told about it, once."""
        magics = self.magics
        client, notice = connect_with_notice(options.get("profile") or magics.profile or None)
        client = client.with_options(
            model=magics.model or None,
            timeout=options.get("timeout", magics.timeout),
            retries=options.get("retries", magics.retries),
            fallback=options.get("fallback", magics.fallback),
        )
        if notice in self._told:
            notice = None
        elif notice:
            self._told.add(notice)
        return client, notice

    def _renderer(self) -> Renderer:
        if getattr(self.shell, "kernel", None) is None or is_alone(self.shell):
            return renderer_for(self.shell)
        # Other outputs of the cell, such as those of a loop's earlier rounds, are not ours to clear.
        from gemini_magic.display.notebook import NotebookRenderer  # noqa: PLC0415 - a terminal does without

        return NotebookRenderer(whole_cell=False)

    def _namespace(self, local_ns: Mapping[str, Any] | None) -> Mapping[str, Any]:
        user_ns: dict[str, Any] = self.shell.user_ns
        return user_ns if not local_ns or local_ns is user_ns else ChainMap(dict(local_ns), user_ns)

    def _ask(self, command: Command, namespace: Mapping[str, Any], renderer: Renderer) -> Reply:
        question, notice = self._question(command, namespace)
        streams = self.magics.stream and "no_stream" not in command.options
        self.last = question.exchange("streamGenerateContent" if streams else "generateContent")
        question.enter_chat()
        if notice:
            renderer.note(notice)
        with labelled(cell=question.cell), self._keeping(self.last, command, renderer):
            reply = self._streamed(question, renderer) if streams else _whole(question, renderer)
            self.last.reply = reply
            _check(reply)
        return reply

    def _question(self, command: Command, namespace: Mapping[str, Any]) -> tuple[Question, str | None]:
        """Everything that the user can have got wrong is found here, before anything is sent or changed."""
        options = command.options
        pieces = interpolate(command.prompt, namespace, raw="raw" in options)
        extra = request_fields(options, namespace)
        config = extra.pop("generationConfig", None)
        system = system_text(options["system"], namespace) if "system" in options else None
        fields: RequestFields = {"model": options.get("model"), "config": config, "extra": extra, "system": system}
        client, notice = self.client(options)
        asked = encoded(list(pieces), fields, client)
        chat = None if "no_history" in options else self._chat(options, client)
        if chat is None:
            fields["system"] = system or self.magics.system or None
        return Question(client, asked, fields, chat, cell_id(self.shell)), notice

    def _chat(self, options: Mapping[str, Any], client: Client) -> Conversation:
        name = options.get("chat", MAIN)
        chat = None if "new" in options else KERNEL.find(name)
        return chat or Conversation(client, system=self.magics.system or None, name=name)

    def _streamed(self, question: Question, renderer: Renderer) -> Reply:
        renderer.begin(question.model)
        stream = question.stream()
        try:
            with stream as events:
                for note in events.notes:
                    renderer.note(note)
                for event in events:
                    renderer.handle(event)
        finally:
            self._show(stream, renderer)
        return stream.reply

    def _show(self, stream: Stream | ChatStream, renderer: Renderer) -> None:
        """Show for good what came, however it ended; nothing when no answer had begun."""
        if stream.opened:
            reply = stream.reply
            if self.last is not None:
                self.last.reply = reply
            # The notes stand above the answer already.
            rest = tuple(words for words in reply.warnings if words not in stream.notes)
            renderer.finish(replace(reply, warnings=rest), seconds=reply.seconds)

    @contextmanager
    def _keeping(self, exchange: Exchange, command: Command, renderer: Renderer) -> Iterator[None]:
        """Bind whatever came to its names, also when the cell fails in the end."""
        try:
            yield
        except GeminiMagicError as error:
            self._bind(command, error.partial or exchange.reply)
            raise
        except KeyboardInterrupt:
            self._bind(command, exchange.reply)
            raise
        self._bind(command, exchange.reply)
        if isinstance(renderer, QuietRenderer):
            for note in renderer.notes:
                print(note)  # noqa: T201 - quiet hides the answer, not that another model gave it

    def _bind(self, command: Command, reply: Reply | None) -> None:
        if reply is None:
            return
        self.shell.push({"_gemini": reply}, interactive=False)
        if command.out:
            self.shell.push({command.out: reply})


def _whole(question: Question, renderer: Renderer) -> Reply:
    renderer.begin(question.model)
    reply = question.ask()
    if isinstance(renderer, QuietRenderer):
        for note in reply.warnings:
            renderer.note(note)
    renderer.finish(reply, seconds=reply.seconds)
    return reply


def _check(reply: Reply) -> None:
    """An answer that was blocked, or came out unusable, fails the cell: what follows must not build on it."""
    if reply.status not in {"blocked", "failed"}:
        return
    reason = reply.block_reason or reply.finish_reason or "unknown reason"
    what = "The prompt" if reply.block_reason else "The answer"
    words = f" {reply.finish_message}" if reply.finish_message else ""
    error: GeminiMagicError
    if reply.status == "blocked":
        error = Blocked(f"{what} was blocked ({reason}).{words}", reason=reason)
    else:
        error = InvalidAnswer(f"The answer is unusable ({reason}).{words}", hint="Running the cell again may help.")
    error.partial = reply
    error.attempts = reply.attempts
    raise error
