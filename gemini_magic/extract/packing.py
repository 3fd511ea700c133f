"""Several rows in one request, each with a number that has to come back exactly once.

A row whose number is missing or there twice, or whose answer is not of the schema, is asked again alone. The rows of
a request that brought nothing are asked alone, too, unless the gateway refused it: it would refuse them one by one.
Functions may be called as often as for all of its rows together.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from gemini_magic.exceptions import InvalidAnswer, SchemaError, ToolLimit
from gemini_magic.extract.tooling import for_pack
from gemini_magic.schemas import schema_of
from gemini_magic.wire import Part

if TYPE_CHECKING:
    from gemini_magic.extract.job import Job, Outcome, Task
    from gemini_magic.schemas import Schema

MAX_PACK = 100
#: What a whole answer is checked against; what is in it, row by row, so that one bad row costs no other.
_RULES: dict[str, Any] = {
    "type": "array",
    "items": {"type": "object", "properties": {"id": {"type": "integer"}, "answer": {}}, "required": ["id"]},
}
#: What happens to a request whose rows may fare better alone.
_LIMIT = ToolLimit.__name__
_HEAD = (
    "Below are {count} items, each with an id. Answer each on its own, as if it were the only one. Give a JSON array "
    'with one object for each item: its id as "id", and the answer as "answer". Each id is there exactly once.'
)


class Packing:
    """Turns tasks into requests for several of them, and what comes back into outcomes of each.

    Args:
        job: What is asked of each row.
        size: Rows in a request.

    Attributes:
        job: What is asked of each request.
        again: Tasks that have to be asked alone.

    Raises:
        SchemaError: An answer of this schema cannot be an item of a list.
    """

    def __init__(self, job: Job, size: int) -> None:
        self._row_job = job
        self._size = size
        self._packs: dict[str, tuple[Task, ...]] = {}
        self._shares: dict[str, Outcome] = {}
        self.job = replace(job, schema=_several(job.schema), tooling=for_pack(job.tooling, size))
        self.again: list[Task] = []

    def tasks(self, tasks: Iterable[Task]) -> Iterator[Task]:
        """The requests; a row that is left over is asked alone."""
        waiting = iter(tasks)
        while pack := tuple(islice(waiting, self._size)):
            if len(pack) == 1:
                self.again += pack
                return
            request = self.job.task(_parts(pack), pack[0].number)
            self._packs[request.key] = pack
            yield request

    def rows_of(self, key: str) -> tuple[Task, ...]:
        """The rows of a request."""
        return self._packs.get(key, ())

    def take(self, outcome: Outcome) -> list[Outcome]:
        """What came of a request, row by row; the rows that have to be asked again are not among them."""
        pack = self._packs.pop(outcome.key)
        shares = _shares(outcome, len(pack))
        if outcome.status == "failed" and outcome.error_kind != _LIMIT:
            return [replace(share, key=task.key) for share, task in zip(shares, pack, strict=True)]
        answers = _by_number(outcome.value if outcome.ok else None)
        found: list[Outcome] = []
        for number, (task, share) in enumerate(zip(pack, shares, strict=True), 1):
            row = self._row(replace(share, key=task.key), answers.get(number))
            if row is None:
                self._shares[task.key] = share
                self.again.append(task)
            else:
                found.append(row)
        return found

    def alone(self, outcome: Outcome) -> Outcome:
        """What came of a row that was asked alone, with what it took before."""
        share = self._shares.pop(outcome.key, None)
        if share is None:
            return outcome
        return replace(
            outcome,
            attempts=outcome.attempts + share.attempts,
            prompt_tokens=_sum(outcome.prompt_tokens, share.prompt_tokens),
            answer_tokens=_sum(outcome.answer_tokens, share.answer_tokens),
            total_tokens=_sum(outcome.total_tokens, share.total_tokens),
            seconds=outcome.seconds + share.seconds,
            calls=(*share.calls, *outcome.calls),
        )

    def _row(self, outcome: Outcome, answer: object) -> Outcome | None:
        if answer is None:
            return None
        schema = self._row_job.schema
        raw = json.dumps(answer, ensure_ascii=False)
        try:
            value = schema.plain(schema.read(raw))
        except InvalidAnswer:
            return None
        return replace(outcome, value=value, raw=raw)


def _parts(pack: tuple[Task, ...]) -> list[Part]:
    parts = [Part(text=_HEAD.format(count=len(pack)))]
    for number, task in enumerate(pack, 1):
        parts += [Part(text=f'\n\n<item id="{number}">\n'), *task.parts, Part(text="\n</item>")]
    return parts


def _by_number(value: object) -> Mapping[int, Any]:
    """The answers whose number is there once."""
    items = [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []
    numbers = Counter(item.get("id") for item in items)
    return {item["id"]: item.get("answer") for item in items if "id" in item and numbers[item["id"]] == 1}


def _shares(outcome: Outcome, count: int) -> list[Outcome]:
    """What a request took, divided among its rows so that the sums are right."""
    names = ("prompt_tokens", "answer_tokens", "total_tokens")
    prompt, answer, total = (_divided(getattr(outcome, name), count) for name in names)
    return [
        replace(
            outcome,
            value=None,
            raw="",
            seconds=outcome.seconds / count,
            prompt_tokens=prompt[place],
            answer_tokens=answer[place],
            total_tokens=total[place],
            calls=() if place else outcome.calls,
        )
        for place in range(count)
    ]


def _divided(tokens: int | None, count: int) -> list[int | None]:
    if tokens is None:
        return [None] * count
    each, over = divmod(tokens, count)
    return [each + (place < over) for place in range(count)]


def _sum(one: int | None, other: int | None) -> int | None:
    return None if one is None and other is None else (one or 0) + (other or 0)


def _several(schema: Schema) -> Schema:
    """A list of numbered answers; definitions move to its top, where their references look for them."""
    inner = dict(schema.json_schema)
    definitions: dict[str, Any] = {name: inner.pop(name) for name in ("$defs", "definitions") if name in inner}
    inner.pop("$schema", None)
    if '"#"' in json.dumps(inner):
        raise SchemaError(f"{schema.name or 'The schema'} refers to itself as a whole; such rows cannot be packed.")
    item: dict[str, Any] = {
        "type": "object",
        "properties": {"id": {"type": "integer"}, "answer": inner},
        "required": ["id", "answer"],
        "additionalProperties": False,
    }
    whole: dict[str, Any] = {"type": "array", "items": item, **definitions}
    several = schema_of(whole, name=f"several {schema.name}".strip())
    return replace(several, rules=_RULES)
