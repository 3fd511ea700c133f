"""What the magics do and remember: from a parsed command to a shown reply."""

from __future__ import annotations

from collections import ChainMap
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from IPython.display import display

from gemini_magic.chat import KERNEL, Conversation
from gemini_magic.chat.notebooks import notebook_name
from gemini_magic.chat.registry import MAIN
from gemini_magic.display.base import QuietRenderer, Renderer, View, renderer_for
from gemini_magic.exceptions import GeminiMagicError
from gemini_magic.magics import background
from gemini_magic.magics.arguments import STRUCTURED
from gemini_magic.magics.asking import Asking
from gemini_magic.magics.cells import Place, cell_id, is_alone, is_statement, run_id
from gemini_magic.magics.clients import Clients
from gemini_magic.magics.command import Command, parse_cell, parse_line, request_fields, system_text
from gemini_magic.magics.dry_run import dry_run
from gemini_magic.magics.insert import insert_code
from gemini_magic.magics.prompts.composing import compose
from gemini_magic.magics.question import Question, encoded
from gemini_magic.magics.subcommands import run_subcommand
from gemini_magic.magics.tools import approver_for, tool_fields
from gemini_magic.parts import Pictures
from gemini_magic.settings import known_keys

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gemini_magic.chat.fields import ChatFields
    from gemini_magic.client import Client
    from gemini_magic.magics.defaults import Defaults
    from gemini_magic.magics.extraction import Wanted
    from gemini_magic.magics.question import Exchange
    from gemini_magic.reply import Reply
    from gemini_magic.tools.approval import Approver


class Stopped(KeyboardInterrupt):
    """The user interrupted a magic; shown as one calm line, and still stops "Run All"."""

    def _render_traceback_(self) -> list[str]:
        return [f"Stopped: {self}"]


@dataclass
class Session:
    """The magics' half that needs everything else.

    Attributes:
        magics: The magics, whose traits are the settings.
        last: The last exchange.
        last_prompt: The last prompt as it was typed.
        chat_name: The conversation that cells go on with when they name none.
    """

    magics: Defaults
    last: Exchange | None = None
    last_prompt: str = ""
    chat_name: str = MAIN
    _clients: Clients = field(init=False)

    def __post_init__(self) -> None:
        """Begin without clients."""
        self._clients = Clients(self.magics)

    @property
    def shell(self) -> Any:  # noqa: ANN401 - IPython's shells differ
        """The IPython shell."""
        return self.magics.shell

    def run(self, line: str, cell: str | None, local_ns: Mapping[str, Any] | None) -> Any:  # noqa: ANN401
        """Carry out a line or a cell."""
        command = parse_line(line) if cell is None else parse_cell(line, cell)
        try:
            return self._run(command, local_ns)
        except KeyboardInterrupt as stop:
            if hasattr(stop, "partial"):
                raise  # a batch says for itself what is kept
            # Not from the original: its traceback goes through frames that hold whole requests.
            raise Stopped("this was interrupted before it was complete.") from None

    def _run(self, command: Command, local_ns: Mapping[str, Any] | None) -> Any:  # noqa: ANN401
        is_shown = command.is_cell or is_statement(self.shell)
        if command.subcommand is None:
            return self._prompt(command, self._namespace(local_ns), is_shown=is_shown)
        return self._given(run_subcommand(self, command), is_shown=is_shown)

    def _prompt(self, command: Command, namespace: Mapping[str, Any], *, is_shown: bool) -> object:
        options = command.options
        if "each" in options:
            return self._batch(command, namespace, is_shown=is_shown)
        wanted = self._wanted(options, namespace)
        question, notes = self._question(command, namespace)
        given = question.fields
        if wanted is not None:
            question = wanted.question(question)
        if "dry_run" in options:
            self.last = question.exchange(self._method(options))
            return self._given(dry_run(question, method=self.last.method, notes=notes), is_shown=is_shown)
        quiet = not is_shown or command.store_only is not None or "quiet" in options
        asking = self._asking(question, options, notes, quiet=quiet)
        if wanted is not None:
            asking = wanted.asking(asking, given, self.shell, self._push, whole_cell=self._whole(options))
        self.last_prompt = command.prompt
        if "bg" in options:
            job = background.begin(asking, command.prompt, lambda: self._bind(Command(), asking.exchange.reply))
            self._keep(command, job)
            return None if is_shown else job
        with self._keeping(asking, command):
            reply = asking.run()
        if "insert" in options:
            insert_code(self.shell, reply)
        return None if is_shown else reply

    def _wanted(self, options: Mapping[str, Any], namespace: Mapping[str, Any]) -> Wanted | None:
        """What the answer is to be, if it is to be data."""
        if not STRUCTURED & options.keys():
            return None
        from gemini_magic.magics import extraction  # noqa: PLC0415 - most cells ask for words

        return extraction.wanted(options, namespace)

    def _batch(self, command: Command, namespace: Mapping[str, Any], *, is_shown: bool) -> object:
        from gemini_magic.magics import extraction  # noqa: PLC0415 - as above

        batch = extraction.batch(self, command, namespace, push=self._push)
        self.last_prompt = command.prompt
        if "bg" in command.options:
            job = extraction.begin(batch)
            self._keep(command, job)
            return None if is_shown else job
        run = batch.ask(is_shown=is_shown)
        return None if is_shown else run

    def _given(self, found: object, *, is_shown: bool) -> object:
        """What the magic returns: nothing when it has been shown."""
        if found is not None and is_shown:
            self.show(found)
        return None if is_shown else found

    def show(self, found: object) -> None:
        """Show something below the cell, as if it stood last in it."""
        display(found)  # type: ignore[no-untyped-call]

    def client(self, options: Mapping[str, Any]) -> tuple[Client, str | None]:
        """The client that these options ask for, and what the user should be told about it, once."""
        return self._clients.client(options)

    def chat(self, options: Mapping[str, Any], name: str = "") -> Conversation:
        """The conversation of that name, or the one that options name, or the current one; with its client."""
        return KERNEL.get(name or options.get("chat", self.chat_name), self.client(options)[0])

    def ask_prompt(self, text: str, options: Mapping[str, Any]) -> Reply:
        """Ask a text as it stands, outside of any conversation, and show the answer."""
        command = Command(MappingProxyType({**options, "raw": True, "no_history": True}), text, is_cell=True)
        question, notes = self._question(command, self._namespace(None))
        asking = self._asking(question, command.options, notes, quiet=False)
        with self._keeping(asking, command):
            return asking.run()

    def ask_again(self, chat: Conversation, number: int) -> Reply:
        """Ask the question of a turn again in its place, shown as any answer."""
        turn = chat.turns[number - 1]
        fields: ChatFields = {"approver": self._approver({}), **turn.fields}
        place = Place(turn.cell, turn.run, number=number)
        asking = self._asking(
            Question(chat.client, turn.question, fields, chat, place), {}, (), quiet=False, alone=False
        )
        with self._keeping(asking, Command()):
            return asking.run()

    def _asking(
        self,
        question: Question,
        options: Mapping[str, Any],
        notes: tuple[str, ...],
        *,
        quiet: bool,
        alone: bool = True,
    ) -> Asking:
        renderer = QuietRenderer() if quiet else self._renderer(options, alone=alone)
        self.last = question.exchange(self._method(options))
        question.enter_chat()
        saved_for = notebook_name(self.shell) if self.magics.autosave else ""
        return Asking(question, self.last, renderer, notes, saved_for)

    def _method(self, options: Mapping[str, Any]) -> str:
        return "streamGenerateContent" if self.magics.stream and "no_stream" not in options else "generateContent"

    def _renderer(self, options: Mapping[str, Any], *, alone: bool) -> Renderer:
        view = View(options.get("format", self.magics.format) or "md", "logprobs" in options)
        if "bg" in options and getattr(self.shell, "kernel", None) is None:
            return QuietRenderer()  # a terminal's next prompt is not ours to write into
        return renderer_for(self.shell, whole_cell=alone and self._whole(options), view=view)

    def _whole(self, options: Mapping[str, Any]) -> bool:
        """Whether the cell's outputs may be cleared; those of a loop's earlier rounds, such as they are, may not."""
        return "bg" not in options and is_alone(self.shell)

    def _namespace(self, local_ns: Mapping[str, Any] | None) -> Mapping[str, Any]:
        user_ns: dict[str, Any] = self.shell.user_ns
        return user_ns if not local_ns or local_ns is user_ns else ChainMap(dict(local_ns), user_ns)

    def _question(self, command: Command, namespace: Mapping[str, Any]) -> tuple[Question, tuple[str, ...]]:
        """Everything that the user can have got wrong is found here, before anything is sent or changed."""
        options, magics = command.options, self.magics
        wish = Pictures(options.get("max_side", magics.max_side), options.get("quality", magics.quality))
        keys = known_keys() if magics.check_secrets else None
        prompt = compose(command, namespace, self.shell, pictures=wish, keys=keys)
        fields = self._fields(options, namespace)
        client, notice = self.client(options)
        asked = encoded(list(prompt.pieces), fields, client)
        chat = None if "no_history" in options else self._chat(options, client)
        if chat is None:
            fields["system"] = fields.get("system") or magics.system or None
        place = Place(cell_id(self.shell), run_id(self.shell), "append" in options, options.get("edit"))
        notes = (*([notice] if notice else []), *prompt.notes)
        return Question(client, asked, fields, chat, place), notes

    def _fields(self, options: Mapping[str, Any], namespace: Mapping[str, Any]) -> ChatFields:
        """What the request says beside the prompt, what the model may call, and who is asked for leave."""
        extra = request_fields(options, namespace)
        config = extra.pop("generationConfig", None)
        system = system_text(options["system"], namespace) if "system" in options else None
        afresh = "no_history" in options or "new" in options
        chat = None if afresh else KERNEL.find(options.get("chat", self.chat_name))
        usual = {"approve": self.magics.approve, "max_steps": self.magics.max_steps}
        offered = tool_fields(options, namespace, extra, usual=usual, chat=chat)
        if offered:
            offered["approver"] = self._approver(options)
        return {"model": options.get("model"), "config": config, "extra": extra, "system": system, **offered}

    def _approver(self, options: Mapping[str, Any]) -> Approver:
        return approver_for(self.shell, background="bg" in options)

    def _chat(self, options: Mapping[str, Any], client: Client) -> Conversation:
        """The conversation to ask in; it is not yet the one of its name."""
        name = options.get("chat", self.chat_name)
        chat = None if "new" in options else KERNEL.find(name)
        if "branch" in options:
            return KERNEL.branch(name, options["branch"], cell_id(self.shell))
        return Conversation(client, system=self.magics.system or None, name=name) if chat is None else chat

    @contextmanager
    def _keeping(self, asking: Asking, command: Command) -> Iterator[None]:
        """Bind whatever came to its names, also when the cell fails in the end."""
        try:
            yield
        except GeminiMagicError as error:
            self._bind(command, error.partial or asking.exchange.reply)
            raise
        except KeyboardInterrupt:
            self._bind(command, asking.exchange.reply)
            raise
        self._bind(command, asking.exchange.reply)
        if isinstance(asking.renderer, QuietRenderer):
            for note in asking.renderer.notes:
                print(note)  # noqa: T201 - quiet hides the answer, not that another model gave it

    def _bind(self, command: Command, reply: Reply | None) -> None:
        if reply is not None:
            self.shell.push({"_gemini": reply}, interactive=False)
            self._keep(command, reply)

    def _keep(self, command: Command, value: object) -> None:
        if command.out:
            self._push(command.out, value)

    def _push(self, name: str, value: object) -> None:
        self.shell.push({name: value}, interactive=not name.startswith("_"))
