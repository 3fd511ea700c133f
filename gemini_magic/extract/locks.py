"""Cells that a person has corrected: they stay, and show the model what is wanted.

A corrected row is not asked again: its corrected cells and the rest of its answer stand. The first eight such rows go
before the question of every other row, as examples. So examples are part of what is sent, and change the key of each
row: rows that were answered without them are asked again, and paid for; `Locks.quiet` keeps the cells without that.
The job stays the same, and so does its store.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from gemini_magic.exceptions import InputError, InvalidAnswer
from gemini_magic.extract.cells import plain_cell, same
from gemini_magic.extract.tables import key, matched
from gemini_magic.parts import is_media, to_parts, to_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from gemini_magic.extract.tables import Table
    from gemini_magic.schemas import Schema

#: How many corrected rows the model is shown.
MAX_EXAMPLES = 8
#: Characters of a row, or of its answer, above which it is no example.
_LONGEST = 4_000
_HEAD = "A person has checked the answers to these examples. Answer in the same way.\n\n"
_FOOT = "Now the one to answer:\n\n"


@dataclass(frozen=True)
class Lock:
    """A row that a person corrected.

    Attributes:
        label: Its label.
        content: The digest of what its prompt was made of.
        cells: The corrected cells, by column; None where the person emptied one.
        answer: The answer before that, as plain data.
        question: Its values as text; empty when they are no text, or too long.
    """

    label: str
    content: str
    cells: Mapping[str, Any]
    answer: Any = None
    question: str = field(default="", repr=False)


@dataclass(frozen=True)
class Locks:
    """The rows that a person corrected.

    Attributes:
        rows: The rows.
        shared: Contents that several rows of the data have, so that only a label says which is meant.
        examples: How many of the rows the model is shown.
    """

    rows: tuple[Lock, ...] = ()
    shared: frozenset[str] = frozenset()
    examples: int = MAX_EXAMPLES

    @property
    def quiet(self) -> Locks:
        """The same cells without examples: nothing that is sent changes, so nothing is asked again."""
        return replace(self, examples=0)

    def find(self, label: object, content: str) -> Lock | None:
        """The corrected row that this is: of the same label and content, or of a content that is there once."""
        same_content = self._by_content.get(content, ())
        for lock in same_content:
            if lock.label == key(label):
                return lock
        return same_content[0] if len(same_content) == 1 and content not in self.shared else None

    @cached_property
    def _by_content(self) -> Mapping[str, Sequence[Lock]]:
        found: dict[str, list[Lock]] = {}
        for lock in self.rows:
            found.setdefault(lock.content, []).append(lock)
        return found

    def joined(self, others: Locks) -> Locks:
        """These and others; where both have a cell, that of the others."""
        rows = {(lock.label, lock.content): lock for lock in self.rows}
        for lock in others.rows:
            before = rows.get((lock.label, lock.content))
            cells = {**before.cells, **lock.cells} if before is not None else lock.cells
            rows[lock.label, lock.content] = replace(lock, cells=cells)
        return Locks(tuple(rows.values()), self.shared | others.shared, others.examples)

    def text(self, schema: Schema) -> str:
        """What stands before every question; empty when there is no example."""
        shown: list[str] = []
        for lock in self.rows:
            answer = _example(lock, schema)
            if lock.question and answer and len(shown) < self.examples:
                shown.append(f"Question:\n{lock.question}\nAnswer:\n{answer}\n\n")
        return f"{_HEAD}{''.join(shown)}{_FOOT}" if shown else ""

    def __len__(self) -> int:
        """How many cells."""
        return sum(len(lock.cells) for lock in self.rows)

    def __repr__(self) -> str:
        """How many cells of how many rows."""
        return (
            f"Locks({len(self):,} cells of {len(self.rows):,} rows, {min(self.examples, len(self.rows))} as examples)"
        )


def corrections(
    own: Table, given: Table, values: Callable[[int], Mapping[str, object]], answers: Callable[[int], Any]
) -> Locks:
    """What a person has changed.

    Args:
        own: The result as the run made it.
        given: The result as it is now.
        values: What the prompt of a row was made of.
        answers: The answer for a row, as plain data.

    Raises:
        InputError: There is no column of the result in it, or its rows are others.
    """
    names = [name for name in own.names if name in given.names and not name.startswith("_")]
    if not names:
        raise InputError(
            f"The corrected frame has none of the result's columns ({', '.join(own.names)}), only "
            f"{', '.join(given.names) or 'none'}."
        )
    changed: dict[int, dict[str, Any]] = {}
    for place, there in matched(own, given, "The corrected frame"):
        cells = dict(_changed(own.rows[place], given.rows[there], names))
        if cells:
            changed[place] = cells
    if not changed:
        return Locks()
    contents = [content_of(values(place)) for place in range(len(own.rows))]
    shared = frozenset(content for content, count in Counter(contents).items() if count > 1)
    rows = [
        Lock(key(own.labels[place]), contents[place], cells, answers(place), _question(values(place)))
        for place, cells in changed.items()
    ]
    return Locks(tuple(rows), shared)


def _changed(own: Mapping[str, Any], given: Mapping[str, Any], names: Sequence[str]) -> Iterator[tuple[str, Any]]:
    for name in names:
        if not same(own.get(name), given.get(name)):
            yield name, plain_cell(given.get(name))


def content_of(values: Mapping[str, object]) -> str:
    """The digest of a row's values; that of their parts, so that pictures count by their bytes."""
    digest = hashlib.sha256()
    for name, value in sorted(values.items()):
        digest.update(f"{len(name)}:{name}=".encode("utf-8", "surrogatepass"))
        for part in to_parts(value, name=name):
            text = part.model_dump_json(by_alias=True, exclude_unset=True)
            digest.update(f"{len(text)}:{text}".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def _question(values: Mapping[str, object]) -> str:
    """A row as text, or nothing where it is more than that."""
    if any(is_media(value) for value in values.values()):
        return ""
    texts = {name: to_text(value, name=name) for name, value in values.items()}
    text = next(iter(texts.values())) if len(texts) == 1 else "\n".join(f"{name}: {one}" for name, one in texts.items())
    return text if len(text) <= _LONGEST else ""


def _example(lock: Lock, schema: Schema) -> str:
    """The right answer as JSON; nothing where what the person wrote is no answer of this schema."""
    answer = corrected(lock, schema)
    text = json.dumps(answer, ensure_ascii=False)
    if len(text) > _LONGEST:
        return ""
    try:
        schema.read(text)
    except InvalidAnswer:
        return ""
    return text


def corrected(lock: Lock, schema: Schema) -> Any:  # noqa: ANN401 - plain data
    """The whole answer with the person's cells in it; a path of names leads into nested objects."""
    if [column.name for column in schema.columns] == ["value"] and not isinstance(lock.answer, dict):
        return lock.cells.get("value", lock.answer)
    answer: dict[str, Any] = json.loads(json.dumps(lock.answer)) if isinstance(lock.answer, dict) else {}
    names = {column.name for column in schema.columns}
    for name, cell in lock.cells.items():
        if name in names or "." not in name:
            answer[name] = cell
        else:
            _set(answer, name.split("."), cell)
    return answer


def _set(answer: dict[str, Any], path: Sequence[str], cell: object) -> None:
    *first, last = path
    for name in first:
        inner = answer.get(name)
        if not isinstance(inner, dict):
            inner = answer[name] = {}
        answer = inner
    answer[last] = cell
