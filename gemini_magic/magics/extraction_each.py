"""A prompt for each row of a dataframe: ``%%gemini --each df.text --schema S --df out``.

What stands in ``{{…}}`` is a column here, not a variable of the notebook, and is a path of names at most: rows are
data, and nothing in them or for them is run. ``--where`` is a Python expression that the user typed into the cell.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from gemini_magic.display.progress import Progress, QuietProgress, progress_for
from gemini_magic.display.value_table import Field, ValueTable, counted
from gemini_magic.exceptions import GeminiMagicError, UnboundName, UsageError
from gemini_magic.extract.batch import prepare
from gemini_magic.extract.prompts import Template
from gemini_magic.extract.rows import is_empty
from gemini_magic.extract.run import Interrupted, run_of
from gemini_magic.frames import read_rows
from gemini_magic.ledger import labelled, read_budget
from gemini_magic.magics.command import request_fields, system_text
from gemini_magic.magics.extraction_values import mask_named, rows_named
from gemini_magic.magics.jobs import KERNEL
from gemini_magic.magics.tools import tool_fields
from gemini_magic.parts import Pictures

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gemini_magic.client import Client
    from gemini_magic.extract.run import Run
    from gemini_magic.magics.command import Command
    from gemini_magic.magics.jobs import Job
    from gemini_magic.schemas import Schema

    Selected = Callable[[int, Mapping[str, Any]], bool]

_SHOWN_ROWS = 10
#: Options that `extract` takes under the same name, as they are.
_AS_THEY_ARE = ("workers", "rpm", "limit", "pack", "store")


@dataclass
class Batch:
    """A prompt for each row, ready to be run.

    Attributes:
        command: What was typed.
        schema: What each answer has to be.
        client: Whom to ask.
        namespace: The notebook's variables.
        shell: The IPython shell.
        bind: Puts a value into a variable of the notebook.
        show: Shows something below the cell.
        cell: The front end's id of the cell, for the ledger.
        defaults: The system instruction, the wishes for pictures and those for tools that hold where the cell says
            nothing.
        run: The run, once there is one.
    """

    command: Command
    schema: Schema
    client: Client
    namespace: Mapping[str, Any]
    shell: Any
    bind: Callable[[str, Any], None]
    show: Callable[[object], None]
    cell: str = ""
    defaults: Mapping[str, Any] = field(default_factory=dict)
    run: Run | None = None

    #: A job asks for it; a batch has a run in its place.
    reply = None

    def __post_init__(self) -> None:
        """Everything that the user can have got wrong is found here, before anything is sent."""
        options = self.command.options
        data, column = rows_named(options["each"], self.namespace)
        arguments = self._arguments(options, data, column)
        self._extraction = prepare(data, self.schema, self.command.prompt, **arguments)
        if column is not None:
            self._extraction = replace(self._extraction, selected=_with_value(column, self._extraction.selected))
        self._before = self._run_before() if "retry_failed" in options else None

    def _arguments(self, options: Mapping[str, Any], data: object, column: str | None) -> dict[str, Any]:
        fields = request_fields(options, self.namespace)
        tools = {**tool_fields(options, self.namespace, fields, usual=self.defaults)}
        fields.update({"toolConfig": tools.pop("tool_config")} if "tool_config" in tools else {})
        system = system_text(options["system"], self.namespace) if "system" in options else self.defaults.get("system")
        wish = Pictures(*(options.get(name, self.defaults.get(name)) for name in ("max_side", "quality")))
        arguments = {name: options[name] for name in _AS_THEY_ARE if name in options}
        if "where" in options:
            arguments["where"] = mask_named(options["where"], self.namespace, data)
        if "budget" in options:
            arguments["budget"] = read_budget(options["budget"])
        return {
            "columns": self._columns(column),
            "system": system or None,
            "model": options.get("model"),
            "client": self.client,
            "config": fields.pop("generationConfig", None),
            "extra": fields or None,
            "resume": "fresh" not in options,
            "pictures": wish,
            **tools,
            **arguments,
        }

    def _columns(self, column: str | None) -> list[str] | None:
        """The column that was named, unless the prompt names others of its frame."""
        if column is None:
            return None
        try:
            Template.of(self.command.prompt, [column])
        except UnboundName:
            return None
        return [column]

    def _run_before(self) -> Run:
        """The run that ``--retry-failed`` goes on with."""
        options = self.command.options
        for name in filter(None, (options.get("df"), self.command.out, "_gemini")):
            try:
                found = run_of(self.namespace.get(name))
            except UsageError:
                continue
            if (found.job.prompt, found.job.schema.digest) == (self.command.prompt, self.schema.digest):
                return found
        raise UsageError(
            "--retry-failed goes on with a run of this kernel that has this prompt and schema, and there is none.",
            hint="Without --retry-failed the cell goes on with the answers that its store has.",
        )

    def ask(self, *, is_shown: bool, in_background: bool = False) -> Run:
        """Ask for every row, show how far it has come, and in the end what came of it.

        Args:
            is_shown: Whether to show anything.
            in_background: Whether it is a job, which stays in the variable of ``--out``.

        Raises:
            GeminiMagicError: It cannot go on; what was done is kept, and bound.
            Interrupted: The user has stopped it; likewise.
        """
        quiet = not is_shown or "quiet" in self.command.options
        progress = QuietProgress() if quiet else progress_for(self.shell)
        stopped: BaseException | None = None
        with labelled(cell=self.cell):
            try:
                run = self._asked(progress)
            except (GeminiMagicError, Interrupted) as error:
                if error.partial is None:
                    raise
                run, stopped = run_of(error.partial), error
        self._take(run, self.command.out if not in_background else None, quiet=quiet)
        if isinstance(stopped, Interrupted):  # not the original: its traceback goes through frames with whole requests
            raise Interrupted(stopped.message, stopped.partial)
        if stopped is not None:
            raise stopped
        return run

    def _asked(self, progress: Progress) -> Run:
        if self._before is not None:
            return self._before.retry_failed()
        return replace(self._extraction, progress=progress).run()

    def _take(self, run: Run, out: str | None, *, quiet: bool) -> None:
        """Put the run into the notebook's variables, and show its frame."""
        self.run = run
        self.bind("_gemini", run)
        if out:
            self.bind(out, run)
        if name := self.command.options.get("df"):
            self.bind(name, run.frame)
        if not quiet and self.command.store_only is None:
            for note in run.notes:
                print(note)  # noqa: T201 - as any line about the cell
            self.show(self._table(run))
            if words := _failures(run):
                print(words)  # noqa: T201 - as above

    def _table(self, run: Run) -> ValueTable:
        kinds = {column.name: column.kind for column in self.schema.columns}
        source = read_rows(run.frame)
        head = source.head(_SHOWN_ROWS)
        rows = list(head.rows())
        name = self.command.options.get("df") or "_gemini.frame"
        size = f"{counted(run.usage.rows, 'row')} × {counted(len(source.names), 'column')}"
        more = f"; the first {len(rows)}" if run.usage.rows > len(rows) else ""
        fields = [Field(column, kinds.get(column, "str")) for column in source.names]
        return ValueTable(fields, rows, f"{name}: {size}{more}", list(head.labels()), kinds=True)


def _with_value(column: str, selected: Selected | None) -> Selected:
    """Rows that have a value in the column that ``--each`` names, whatever the others hold."""

    def chosen(position: int, values: Mapping[str, Any]) -> bool:
        return not is_empty(values, [column]) and (selected is None or selected(position, values))

    return chosen


def begin(batch: Batch) -> Job:
    """Ask for every row in the background.

    Args:
        batch: What to ask.
    """
    job = KERNEL.new(batch.command.prompt or batch.command.options["each"], "", batch)
    print(f"Asked in the background as job {job.number}; `%gemini stop {job.number}` stops it before its end.")  # noqa: T201
    KERNEL.start(job, lambda: batch.ask(is_shown=True, in_background=True))
    return job


def _failures(run: Run) -> str:
    """Why rows have no value, in one line."""
    kinds = Counter(outcome.error_kind or outcome.status for _, outcome in run.made.failed())
    if not kinds:
        return ""
    total = sum(kinds.values())
    named = ", ".join(f"{count:,} × {kind}" for kind, count in kinds.most_common())
    rows = f"{total:,} row{'s have' if total != 1 else ' has'} no value: {named}"
    return f"{rows}. _gemini.errors lists them, _gemini.inspect(label) shows one, --retry-failed asks again."
