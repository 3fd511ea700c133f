"""What is asked of all rows, what is asked of one, and what came of it; values only, no I/O.

The digests decide what is paid for again, so they are made of what is sent and of nothing else, in a form that does
not depend on the process, the order of keys, or the version of a library.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from gemini_magic.client.request import request_fields
from gemini_magic.parts import Pictures
from gemini_magic.settings import is_loopback

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gemini_magic.schemas import Schema
    from gemini_magic.tools.tooling import Tooling
    from gemini_magic.wire import Part

#: In every digest; another number makes every answer that was stored before one of another job.
_FORMAT = "1"
#: Characters from which base64 is digested by itself; part of the format.
_LARGE = 1_024
_TEXT = {"text"}


@dataclass(frozen=True)
class Job:
    """Everything that is the same for all rows of an extraction; can be pickled.

    Attributes:
        schema: What an answer has to be.
        prompt: The prompt, with ``{{name}}`` where values of a row go.
        model: The model to ask.
        system: The system instruction.
        config: Generation config, with either spelling of the names.
        extra: Raw fields of the request.
        origin: The address of the gateway.
        pictures: What was asked for pictures.
        pack: How many rows go into one request.
        tooling: What the model may call, and how; None for nothing.
    """

    schema: Schema
    prompt: str = ""
    model: str = ""
    system: str | None = None
    config: Mapping[str, Any] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)
    origin: str = ""
    pictures: Pictures = field(default_factory=Pictures)
    pack: int = 1
    tooling: Tooling | None = None

    @cached_property
    def digest(self) -> str:
        """What "the same job" means: equal for all that `describe` gives, and for nothing else."""
        return _sha256([_canonical(self.describe())])

    @cached_property
    def wire_config(self) -> dict[str, Any]:
        """The generation config as it stands on the wire, without the schema."""
        return dict(request_fields({"config": self.config}).get("generationConfig", {}))

    def describe(self) -> dict[str, str]:
        """Each thing that makes the job what it is, as text, so that a store can say what has changed.

        Of the gateway's address there is only what says who answers: neither names nor passwords, and of a server on
        this machine no port, because an embedded one has another at each start.
        """
        pictures = {name: value for name, value in asdict(self.pictures).items() if value is not None}
        return {
            "schema": json.dumps(self.schema.json_schema, ensure_ascii=False),  # the order of fields is sent, too
            "prompt": self.prompt,
            "model": self.model.removeprefix("models/"),
            "system": self.system or "",
            "config": _canonical(self.wire_config),
            "extra": _canonical(self.extra),
            "gateway": _place(self.origin),
            "pictures": _canonical(pictures),
            "pack": str(self.pack),
            **({} if self.tooling is None else _described(self.tooling)),
        }

    def key_of(self, parts: Iterable[Part]) -> str:
        """The digest of one request: the job, and every part of the row, with its pictures' bytes."""
        return _sha256([self.digest, *(piece for part in parts for piece in _pieces_of(part))])

    def task(self, parts: Iterable[Part], number: int) -> Task:
        """The task for a row's parts.

        Args:
            parts: What the row says.
            number: The position of the first row that needs it.
        """
        given = tuple(parts)
        return Task(self.key_of(given), given, number)


@dataclass(frozen=True)
class Task:
    """One thing to ask.

    Attributes:
        key: The digest of everything that will be sent; rows that say the same have the same.
        parts: What is asked: prompt and values of the row.
        number: The position of the first row that needs it.
    """

    key: str
    parts: tuple[Part, ...] = field(repr=False)
    number: int = 0


@dataclass(frozen=True)
class Outcome:
    """What came of a task: plain data, to be stored and sent between processes.

    Attributes:
        key: The task's key.
        status: ``ok``, ``invalid``, ``truncated``, ``blocked`` or ``failed``.
        value: The answer as plain data when it is ok.
        error: What went wrong, in words.
        error_kind: The name of its class in `gemini_magic.exceptions`.
        attempts: Requests that it took; repairs, HTTP retries and rounds of calls included.
        prompt_tokens: Tokens of all its requests; None where the gateway does not say.
        answer_tokens: Tokens of all its answers, thoughts included.
        total_tokens: All tokens together.
        seconds: How long it took.
        model: The model that answered.
        raw: The text of the last answer.
        calls: The functions that were called for it, in order: ``step`` (calls of one answer have the same), ``name``,
            ``args`` (cut to a text where they are long), ``outcome``, ``seconds``, and ``error`` if there was one.
            Those of a pack are with its first row.
    """

    key: str
    status: str
    value: Any = None
    error: str = ""
    error_kind: str = ""
    attempts: int = 0
    prompt_tokens: int | None = None
    answer_tokens: int | None = None
    total_tokens: int | None = None
    seconds: float = 0.0
    model: str = ""
    raw: str = field(default="", repr=False)
    calls: tuple[dict[str, Any], ...] = field(default=(), repr=False)

    @property
    def ok(self) -> bool:
        """Whether there is a value."""
        return self.status == "ok"

    @property
    def steps(self) -> int:
        """How many answers asked for calls."""
        return int(self.calls[-1]["step"]) if self.calls else 0


def _described(tooling: Tooling) -> dict[str, str]:
    """Tools as texts: what is sent of them, and what decides how often the model may call."""
    toolbox = tooling.toolbox
    names = [*toolbox.functions, *(name for tool in toolbox.raw for name in tool)]
    found = {"tools": f"{', '.join(names)} {toolbox.digest}", "max_steps": str(tooling.limits.rounds)}
    if tooling.mode:
        found["tool_mode"] = tooling.mode if isinstance(tooling.mode, str) else ",".join(tooling.mode)
    if tooling.approve == "never":
        found["approve"] = "never"  # the model gets other answers; leave that is given changes nothing
    return found


def _pieces_of(part: Part) -> Iterator[str]:
    """A part as it would be sent; large base64 by itself, because writing it as JSON takes longer than digesting it."""
    if part.model_fields_set == _TEXT and not part.model_extra and type(part.text) is str:
        yield f'{{"text":{_ENCODER.encode(part.text)}}}'  # what the last line gives, without asking the model
        return
    blob = part.inline_data
    data = blob.data if blob is not None else None
    if blob is not None and data is not None and len(data) >= _LARGE:
        yield data
        part = part.model_copy(update={"inline_data": blob.model_copy(update={"data": ""})})
    yield _canonical(part.model_dump(mode="json", by_alias=True, exclude_unset=True))


def _canonical(value: object) -> str:
    """A value as JSON in the one spelling that is digested."""
    return _ENCODER.encode(value)


def _plain(value: object) -> object:
    """What is no JSON by itself, as it would be sent."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True, exclude_unset=True)
    if isinstance(value, set | frozenset):
        return sorted(value, key=repr)
    return to_jsonable_python(value)


_ENCODER = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=_plain)


def _sha256(pieces: Iterable[str]) -> str:
    """The digest of texts; each is measured, so that no two lists of texts run into the same bytes."""
    digest = hashlib.sha256(_FORMAT.encode())
    for piece in pieces:
        data = piece.encode("utf-8", "surrogatepass")
        digest.update(b"%d:" % len(data))
        digest.update(data)
    return digest.hexdigest()


def _place(origin: str) -> str:
    """Who answers at an address."""
    if not origin:
        return ""
    if is_loopback(origin):
        return "this machine"
    parts = urlsplit(origin)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2].lower()}"
