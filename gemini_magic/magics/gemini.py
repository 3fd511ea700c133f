"""``%gemini`` and ``%%gemini``: registered when the extension is loaded, light until they are used."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from IPython.core.magic import Magics, line_cell_magic, magics_class, needs_local_scope, no_var_expand
from traitlets import Bool, Float, Integer, List, Unicode

from gemini_magic.magics import accessors, asked, completion
from gemini_magic.magics.prompts import recorder

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from gemini_magic.magics.session import Session

_NAME = "gemini"
_CLASS = "GeminiMagics"
_REPLY = ("gemini_magic.reply", "Reply")
_DATA = ("gemini_magic.reply.blobs", "InlineData")
_ROW = ("gemini_magic.extract.made", "Inspection")


def _documentation() -> str:
    """The magic's docstring, and its options."""
    from gemini_magic.magics.arguments import help_text  # noqa: PLC0415 - loading the extension stays light

    return f"{inspect.cleandoc(GeminiMagics.gemini.__doc__ or '')}\n\n{help_text()}"


@magics_class
class GeminiMagics(Magics):
    """Defaults for every ``%gemini`` and ``%%gemini``; an option in the line wins over them."""

    profile = Unicode("", help="The gateway to ask; empty: the one whose key is set, else the embedded model.").tag(
        config=True
    )
    model = Unicode("", help="The model to ask; empty: the profile's own.").tag(config=True)
    system = Unicode("", help="The system instruction of new conversations.").tag(config=True)
    stream = Bool(True, help="Whether to show the answer while it comes.").tag(config=True)
    timeout = Float(None, allow_none=True, help="The longest a call may take, in seconds.").tag(config=True)
    retries = Integer(None, allow_none=True, help="How often a failed request is sent again, at most.").tag(config=True)
    format = Unicode("md", help="How answers are shown: md, text, json, code or html.").tag(config=True)
    max_side = Integer(None, allow_none=True, help="Shrink pictures to this many pixels before sending.").tag(
        config=True
    )
    quality = Integer(None, allow_none=True, help="Send pictures as JPEG of this quality, 1 to 100.").tag(config=True)
    record = Unicode("", help="A tape to which every exchange is written.").tag(config=True)
    replay = Unicode("", help="A tape that answers in place of the gateway, without key or network.").tag(config=True)
    cache = Bool(False, help="Whether to answer the same request from this computer's memory.").tag(config=True)
    autosave = Bool(False, help="Whether to keep conversations in a file, for the next kernel.").tag(config=True)
    check_secrets = Bool(True, help="Whether to refuse prompts that hold what looks like a key.").tag(config=True)
    fallback = List(Unicode(), help="Models to ask when the first one cannot answer.").tag(config=True)
    approve = Unicode("ask", help="Whether to ask before a function runs: ask, always (without asking) or never.").tag(
        config=True
    )
    max_steps = Integer(None, allow_none=True, help="How often the model may ask for calls, at most.").tag(config=True)

    def __init__(self, shell: InteractiveShell) -> None:
        super().__init__(shell)
        #: The magics that had our name before, to be put back when we leave.
        self.replaced: dict[str, Any] = {}
        #: Another package's class of our class's name.
        self.namesake: Any = None
        self._session: Session | None = None

    @no_var_expand
    @needs_local_scope
    @line_cell_magic
    def gemini(self, line: str, cell: str | None = None, local_ns: dict[str, Any] | None = None) -> Any:  # noqa: ANN401
        """Ask a Gemini model.

        Examples::

            %gemini Why is the sky blue?
            reply = %gemini -t 0 Name three colours.

            %%gemini --system "Answer in one sentence."
            What stands out in {{df}}?

        What stands in {{…}} is a Python expression; its value goes into the prompt. The reply is in _gemini.
        `%gemini help` says more, and lists what else it can do.
        """
        return self.session.run(line, cell, local_ns)

    # IPython asks for this in place of the docstring: `%gemini?` shows the options, and loading does not read them.
    gemini.getdoc = _documentation  # type: ignore[union-attr]

    @property
    def session(self) -> Session:
        """What the magics remember; made, with everything it imports, by the first use."""
        if self._session is None:
            from gemini_magic.magics.session import Session  # noqa: PLC0415 - loading the extension stays light

            self._session = Session(self)
        return self._session


def load(ipython: InteractiveShell) -> None:
    """Register the magics; a package that had the name gets a line, and gets it back on unloading."""
    if _loaded(ipython) is not None:
        return
    magics = GeminiMagics(ipython)
    manager: Any = ipython.magics_manager
    for kind, table in manager.magics.items():
        if _NAME in table:
            magics.replaced[kind] = table[_NAME]
    magics.namesake = manager.registry.get(_CLASS)
    ipython.register_magics(magics)
    asked.install(ipython.input_transformer_manager)
    completion.install(ipython, magics)
    recorder.install(ipython)
    accessors.install(ipython)
    _formatter(ipython).for_type_by_name(*_REPLY, _bundle)
    _formatter(ipython).for_type_by_name(*_DATA, _data_bundle)
    _formatter(ipython).for_type_by_name(*_ROW, _row_bundle)
    if magics.replaced:
        owner = getattr(next(iter(magics.replaced.values())), "__module__", "") or "another package"
        print(f"gemini_magic: %%{_NAME} was {owner}'s and is ours now; %unload_ext gemini_magic gives it back.")  # noqa: T201


def unload(ipython: InteractiveShell) -> None:
    """Take everything back that `load` did."""
    magics = _loaded(ipython)
    if magics is None:
        return
    manager: Any = ipython.magics_manager
    for kind, table in manager.magics.items():
        if isinstance(getattr(table.get(_NAME), "__self__", None), GeminiMagics):  # nobody has taken it over since
            _put_back(table, _NAME, magics.replaced.get(kind))
    _put_back(manager.registry, _CLASS, magics.namesake)
    asked.uninstall(ipython.input_transformer_manager)
    completion.uninstall(ipython)
    recorder.uninstall(ipython)
    accessors.uninstall(ipython)
    ipython.configurables.remove(magics)  # type: ignore[arg-type]  # IPython's list holds all its configurables
    for name in (_REPLY, _DATA, _ROW):
        _formatter(ipython).pop(".".join(name), None)


def _put_back(table: dict[str, Any], name: str, former: Any) -> None:  # noqa: ANN401 - a function or a class
    table.pop(name, None)
    if former is not None:
        table[name] = former


def _loaded(ipython: InteractiveShell) -> GeminiMagics | None:
    configurables: list[Any] = [*ipython.configurables]
    return next((one for one in configurables if isinstance(one, GeminiMagics)), None)


def _formatter(ipython: Any) -> Any:  # noqa: ANN401 - IPython leaves it untyped
    return ipython.display_formatter.mimebundle_formatter


def _bundle(reply: Any, **_: object) -> dict[str, Any]:  # noqa: ANN401 - a Reply, not imported yet
    from gemini_magic.display.cards import reply_bundle  # noqa: PLC0415 - loading the extension stays light

    return reply_bundle(reply)


def _data_bundle(data: Any, **_: object) -> dict[str, Any]:  # noqa: ANN401 - an InlineData, not imported yet
    from gemini_magic.display.blobs import blob_bundle  # noqa: PLC0415 - loading the extension stays light

    return blob_bundle(data)


def _row_bundle(row: Any, **_: object) -> dict[str, Any]:  # noqa: ANN401 - an Inspection, not imported yet
    from gemini_magic.display.row_card import inspection_bundle  # noqa: PLC0415 - loading the extension stays light

    return inspection_bundle(row)
