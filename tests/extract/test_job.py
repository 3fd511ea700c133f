"""Digests: what makes another job, what makes another request, and what makes neither."""

from __future__ import annotations

import pickle
import subprocess
import sys
from dataclasses import replace
from types import MappingProxyType
from typing import ClassVar

import pytest

from gemini_magic.extract.job import Job, Outcome, Task
from gemini_magic.parts import Pictures
from gemini_magic.schemas import schema_of
from gemini_magic.wire import Blob, GenerationConfig, Part

PERSON = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


#: As it was when the format of keys was fixed.
KEPT = "27233ed1bd3dd7b95a331a285d286895c5fadb04c6dd7aeacc0e9cdc7126f14a"


class Fixed:
    """A schema that no library has a hand in."""

    json_schema: ClassVar = {"type": "object", "properties": {"b": {"type": "string"}, "a": {"type": "integer"}}}


def job(**changes):
    given = {
        "schema": schema_of(PERSON),
        "prompt": "Who is it? {{text}}",
        "model": "gemini-x",
        "config": {"temperature": 0.5},
        "origin": "https://gateway.example",
    }
    return Job(**{**given, **changes})


def picture(data):
    return Part(inline_data=Blob(mime_type="image/png", data=data))


def again_of(value):
    """A value after a journey to another process."""
    return pickle.loads(pickle.dumps(value))  # noqa: S301 - our own


# The same job


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"model": "models/gemini-x"},
        {"config": GenerationConfig(temperature=0.5)},
        {"config": MappingProxyType({"temperature": 0.5})},
        {"origin": "https://Gateway.example"},
        {"origin": "https://user:password@gateway.example"},
        {"system": ""},
        {"extra": MappingProxyType({})},
    ],
    ids=repr,
)
def test_what_is_sent_alike_is_the_same_job(changes):
    assert job(**changes).digest == job().digest


def test_either_spelling_and_any_order_of_the_config_is_the_same_job():
    one = job(config={"max_output_tokens": 9, "topP": 0.5})
    assert one.digest == job(config={"top_p": 0.5, "maxOutputTokens": 9}).digest


def test_an_embedded_server_at_another_port_is_the_same_gateway():
    one, other = job(origin="http://127.0.0.1:1234"), job(origin="http://localhost:9")
    assert one.digest == other.digest != job().digest


def test_a_digest_is_the_same_in_another_process():
    code = (
        "from gemini_magic.extract.job import Job\n"
        "from gemini_magic.schemas import schema_of\n"
        f"job = Job(schema_of({PERSON!r}), 'Who is it? {{{{text}}}}', 'gemini-x', config={{'temperature': 0.5}},"
        " origin='https://gateway.example', extra={'labels': {'b', 'a', 'c'}})\n"
        "print(job.digest)"
    )
    again = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 - our own
    assert again.stdout.strip() == job(extra={"labels": {"c", "b", "a"}}).digest


def test_a_job_survives_a_pickle_with_its_digest():
    one = job(extra={"labels": {"a": "b"}}, pictures=Pictures(512, 80))
    other = again_of(one)
    assert other.digest == one.digest
    assert other.describe() == one.describe()
    assert other.schema.json_schema == one.schema.json_schema


# Another job


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"schema": schema_of(CITY)}, "schema"),
        ({"prompt": "Who was it? {{text}}"}, "prompt"),
        ({"model": "gemini-y"}, "model"),
        ({"system": "Be short."}, "system"),
        ({"config": {"temperature": 0.6}}, "config"),
        ({"config": {}}, "config"),
        ({"extra": {"labels": {"a": "b"}}}, "extra"),
        ({"origin": "https://other.example"}, "gateway"),
        ({"origin": "https://gateway.example:8443"}, "gateway"),
        ({"pictures": Pictures(max_side=512)}, "pictures"),
        ({"pack": 5}, "pack"),
    ],
)
def test_what_changes_the_request_is_another_job_and_its_name_says_what(changes, named):
    one, other = job(), job(**changes)
    assert one.digest != other.digest
    before, after = one.describe(), other.describe()
    assert [name for name in before if before[name] != after[name]] == [named]


def test_another_order_of_fields_is_another_job():
    fields = {"a": {"type": "string"}, "b": {"type": "string"}}
    one = {"type": "object", "properties": fields}
    other = {"type": "object", "properties": dict(reversed(fields.items()))}
    assert job(schema=schema_of(one)).digest != job(schema=schema_of(other)).digest


def test_no_password_is_described():
    assert "secret" not in str(job(origin="https://me:secret@gateway.example").describe())


# Tasks


def test_rows_that_say_the_same_have_the_same_key():
    one = job().task([Part(text="Ada"), picture("AAAA")], 3)
    other = job().task([Part(text="Ada"), picture("AAAA")], 7)
    assert one.key == other.key
    assert one.number == 3
    assert len(one.key) == 64


@pytest.mark.parametrize(
    "parts",
    [
        [Part(text="ada"), picture("AAAA")],
        [Part(text="Ada"), picture("AAAB")],
        [Part(text="Ada")],
        [picture("AAAA"), Part(text="Ada")],
        [Part(text="Ad"), Part(text="a"), picture("AAAA")],
        [Part(text="Ada", thought=False), picture("AAAA")],
    ],
    ids=range(6),
)
def test_another_text_or_picture_is_another_key(parts):
    assert job().key_of(parts) != job().key_of([Part(text="Ada"), picture("AAAA")])


def test_the_same_row_of_another_job_has_another_key():
    parts = [Part(text="Ada")]
    assert job().key_of(parts) != job(model="gemini-y").key_of(parts)


def test_one_byte_of_a_large_picture_makes_another_key():
    large = "A" * 100_000
    keys = {
        job().key_of([picture(data)]) for data in (large, large[:-1] + "B", "B" + large[1:], large + "AAAA", large[:-4])
    }
    assert len(keys) == 5
    assert job().key_of([picture(large)]) == job().key_of([picture("".join(["A"] * 100_000))])
    assert job().key_of([picture(large)]) != job().key_of([Part(text=large), picture("")])
    assert job().key_of([picture(large), picture("AAAA")]) != job().key_of([picture("AAAA"), picture(large)])


def test_the_format_of_keys_is_kept():
    """What is stored today is found again by the next version."""
    made = Job(Fixed(), "p {{text}}", "m", system="s", config={"temperature": 0.5}, origin="https://g.example")
    assert made.key_of([Part(text="Ada é"), picture("A" * 2_000)]) == KEPT


def test_parts_do_not_run_into_each_other():
    one = [Part(text='a"},{"text":"b')]
    assert job().key_of(one) != job().key_of([Part(text="a"), Part(text="b")])


def test_half_of_a_surrogate_pair_has_a_key_all_the_same():
    assert len(job().key_of([Part(text="\ud800")])) == 64


def test_a_key_does_not_depend_on_the_order_in_which_a_part_was_made():
    one = Part.model_validate({"inlineData": {"mimeType": "image/png", "data": "AAAA"}})
    other = Part.model_validate({"inlineData": {"data": "AAAA", "mimeType": "image/png"}})
    assert job().key_of([one]) == job().key_of([other])


# Outcomes


def test_an_outcome_is_plain_data():
    outcome = Outcome("k", "ok", {"a": [1]}, attempts=2, raw="{}")
    assert again_of(outcome) == outcome
    assert outcome.ok
    assert not replace(outcome, status="invalid").ok
    assert isinstance(again_of(job().task([Part(text="a")], 0)), Task)
