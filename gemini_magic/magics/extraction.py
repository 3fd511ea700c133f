"""Data in place of words: ``--schema`` for one answer, ``--each`` for one answer to each row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from gemini_magic.exceptions import UsageError
from gemini_magic.magics.arguments import OPTIONS
from gemini_magic.magics.cells import cell_id
from gemini_magic.magics.extraction_each import Batch, begin
from gemini_magic.magics.extraction_one import Wanted
from gemini_magic.magics.extraction_values import schema_named
from gemini_magic.parts.secrets import check_secret
from gemini_magic.settings import known_keys

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gemini_magic.client import Client
    from gemini_magic.magics.command import Command

__all__ = ["Batch", "Wanted", "batch", "begin", "wanted"]

_FLAGS = {option.dest: option.flags[-1] for option in OPTIONS}
_GROUPS = {option.dest: option.group for option in OPTIONS}
#: Options that a batch has no place for: it asks outside of conversations, and its answers are not shown one by one.
_NOT_FOR_BATCHES = (
    "append",
    "branch",
    "candidates",
    "chat",
    "context",
    "dry_run",
    "edit",
    "file",
    "format",
    "image",
    "insert",
    "list",
    "logprobs",
    "new",
    "no_stream",
    "raw",
    "retries_invalid",
    "thoughts",
    "use",
)
#: Settings that hold where a batch says nothing.
_DEFAULTS = ("system", "max_side", "quality", "approve", "max_steps")
_NOT_FOR_DATA = ("candidates", "format", "insert", "logprobs")


class Notebook(Protocol):
    """What a batch needs to know of the notebook's session."""

    @property
    def magics(self) -> Any:  # noqa: ANN401 - the magics, with their traits
        """The magics, whose traits are the settings."""

    @property
    def shell(self) -> Any:  # noqa: ANN401 - IPython's shells differ
        """The IPython shell."""

    def client(self, options: Mapping[str, Any]) -> tuple[Client, str | None]:
        """The client that options ask for, and a note about it."""

    def show(self, found: object) -> None:
        """Show something below the cell, as if it stood last in it."""


def wanted(options: Mapping[str, Any], namespace: Mapping[str, Any]) -> Wanted:
    """What the options ask for.

    Raises:
        UsageError: They say nothing together.
        InputError: The schema is none.
    """
    _check(options)
    schema = schema_named(options["schema"], namespace, is_list="list" in options)
    return Wanted(schema, options.get("retries_invalid", 1), options.get("df", ""))


def batch(
    notebook: Notebook, command: Command, namespace: Mapping[str, Any], *, push: Callable[[str, Any], None]
) -> Batch:
    """A batch that is ready to be run.

    Args:
        notebook: The session.
        command: What was typed.
        namespace: The notebook's variables.
        push: Puts a value into one of them.

    Raises:
        UsageError: The options say nothing together.
        InputError: The rows or the schema are none; nothing has been sent.
    """
    magics, options = notebook.magics, command.options
    schema = wanted(options, namespace).schema
    keys = known_keys() if magics.check_secrets else None
    if keys is not None:
        check_secret(command.prompt, "The prompt", keys=keys)
    client, notice = notebook.client(options)
    if notice and "quiet" not in options:
        print(notice)  # noqa: T201 - a line about the gateway, as above any answer
    return Batch(
        command,
        schema,
        client,
        namespace,
        notebook.shell,
        push,
        notebook.show,
        cell=cell_id(notebook.shell),
        defaults={name: getattr(magics, name) for name in _DEFAULTS},
    )


def _check(options: Mapping[str, Any]) -> None:
    """Refuse options that say nothing together."""
    if "schema" not in options:
        first = _FLAGS["each"] if "each" in options else _first("structure", options) or _first("batch", options)
        raise UsageError(
            f"{first} needs --schema, which says what an answer is.", hint="Such as --schema 'name, age int'."
        )
    if "each" not in options and (lost := _first("batch", options)):
        raise UsageError(f"{lost} needs --each, which says what the rows are.", hint="Such as --each df.text.")
    refused = _NOT_FOR_BATCHES if "each" in options else _NOT_FOR_DATA
    if away := next((_FLAGS[dest] for dest in refused if dest in options), None):
        raise UsageError(f"{away} does not go with {'--each' if 'each' in options else '--schema'}.")
    if "resume" in options and "fresh" in options:
        raise UsageError("--resume and --fresh exclude each other.")


def _first(group: str, options: Mapping[str, Any]) -> str:
    return next((_FLAGS[dest] for dest in options if _GROUPS.get(dest) == group), "")
