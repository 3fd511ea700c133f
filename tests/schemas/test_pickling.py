"""Schemas on their way to other processes."""

from __future__ import annotations

import pickle
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import pytest
from pydantic import BaseModel, Field

from gemini_magic.schemas import schema_of
from gemini_magic.wire import Blob

if TYPE_CHECKING:
    from pathlib import Path

    from gemini_magic.schemas import Schema


def sent_home(schema: Schema) -> Schema:
    copy: Schema = pickle.loads(pickle.dumps(schema))  # noqa: S301 - our own
    return copy


@pytest.mark.parametrize(
    "value",
    [
        Blob,
        list[Blob],
        Blob | None,
        Literal["a", "b"],
        int,
        "a, b int?",
        {"type": "array", "items": {"type": "integer"}},
    ],
)
def test_a_schema_comes_back_as_it_was(value: Any) -> None:
    schema = schema_of(value)
    copy = sent_home(schema)
    assert copy == schema
    assert (copy.digest, copy.columns, copy.name, copy.kind) == (
        schema.digest,
        schema.columns,
        schema.name,
        schema.kind,
    )


def local_class() -> type[BaseModel]:
    class Local(BaseModel):
        unit_price: float = Field(alias="unitPrice")
        count: int = 3
        maybe: str | None = None

    return Local


@dataclass
class OfTheNotebook:
    x: int


OfTheNotebook.__module__ = "__main__"


def test_a_class_that_cannot_be_imported_is_left_behind() -> None:
    schema = schema_of(local_class())
    copy = sent_home(schema)
    assert copy.kind is None
    assert copy.digest == schema.digest
    value = copy.read('{"unitPrice": "2", "more": 1}')
    assert value == {"unit_price": 2, "count": 3, "maybe": None}
    assert schema.revive(copy.plain(value)) == schema.read('{"unitPrice": 2}')


@pytest.mark.parametrize("kind", [OfTheNotebook, list[OfTheNotebook], OfTheNotebook | None])
def test_a_class_of_a_notebook_is_left_behind(kind: Any) -> None:
    assert sent_home(schema_of(kind)).kind is None


def test_what_was_used_pickles_too() -> None:
    schema = schema_of(Blob)
    schema.read("{}")
    schema.config(form="openapi")
    assert sent_home(schema) == schema


SCRIPT = """
import pickle, sys
schema = pickle.load(open(sys.argv[1], "rb"))
assert schema.kind is None, schema.kind
assert schema.read('{"unitPrice": 2}') == {"unit_price": 2, "count": 3, "maybe": None}
assert "pandas" not in sys.modules
print(schema.digest)
"""


def test_another_process_reads_answers_without_the_class(tmp_path: Path) -> None:
    schema = schema_of(local_class())
    path = tmp_path / "schema.pickle"
    path.write_bytes(pickle.dumps(schema))
    done = subprocess.run([sys.executable, "-c", SCRIPT, str(path)], capture_output=True, text=True, check=False)  # noqa: S603
    assert done.stdout.strip() == schema.digest, done.stderr
