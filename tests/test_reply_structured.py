from __future__ import annotations

import json
import pickle
from dataclasses import dataclass

import pandas as pd
import pytest

from gemini_magic.exceptions import AnswerTruncated, Blocked, InputError, InvalidJSON, SchemaMismatch
from gemini_magic.reply import Reply
from gemini_magic.schemas import schema_of
from gemini_magic.wire import GenerateContentResponse

ROWS = [{"name": "Ann", "age": 31, "ok": True, "tags": ["a"]}, {"name": "Bo", "age": None, "score": 1.5}]


@dataclass
class Person:
    name: str
    age: int | None = None


def reply(text, reason="STOP"):
    candidate = {"content": {"role": "model", "parts": [{"text": text}]}, "finishReason": reason}
    return Reply(GenerateContentResponse.model_validate({"candidates": [candidate]}))


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1}',
        ' \n{"a": 1}\n',
        '\ufeff{"a": 1}',
        '```json\n{"a": 1}\n```',
        '```\n{"a": 1}\n```\n',
        'Here it is:\n\n```json\n{"a": 1}\n```\nAnything else?',
        '```python\nprint()\n```\n```json\n{"a": 1}\n```',
    ],
)
def test_json_is_read_from_the_text_and_from_a_fence(text):
    assert reply(text).json() == {"a": 1}


@pytest.mark.parametrize(
    "text", ["", "no", "{", "NaN", '{"a": Infinity}', "[" * 100_000, "1" * 5_000 + ".", "```\n{\n```"]
)
def test_what_is_no_json_is_said_to_be_none_and_the_answer_is_kept(text):
    with pytest.raises(InvalidJSON) as raised:
        reply(text).json()
    assert raised.value.partial.text == text


def test_an_answer_that_was_cut_or_blocked_says_so_and_not_where_its_syntax_ends():
    with pytest.raises(AnswerTruncated) as raised:
        reply('[{"a": 1}, {"a"', "MAX_TOKENS").json()
    assert raised.value.partial.text.startswith("[")
    with pytest.raises(Blocked, match="SAFETY"):
        reply("", "SAFETY").json()
    assert reply("[1]", "MAX_TOKENS").json() == [1]


def test_a_schema_or_a_type_checks_and_makes_the_value():
    answer = reply(json.dumps([{"name": "Ann", "age": 31}]))
    assert answer.json(schema_of(Person, is_list=True)) == [Person("Ann", 31)]
    assert answer.json(list[Person]) == [Person("Ann", 31)]
    for schema in (schema_of("name int", is_list=True), dict[str, int]):
        with pytest.raises(SchemaMismatch) as raised:
            answer.json(schema)
        assert raised.value.partial is answer
    with pytest.raises(InputError):
        answer.json("name, age")


def test_an_array_of_objects_is_a_frame_with_a_row_for_each():
    frame = reply(json.dumps(ROWS)).df()
    assert frame.dtypes.astype(str).to_dict() == {
        "name": "string",
        "age": "Int64",
        "ok": "boolean",
        "tags": "object",
        "score": "float64",
    }
    assert frame["age"].isna().tolist() == [False, True]
    assert frame.index.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("text", "shape"), [('{"a": 1, "b": 2}', (1, 2)), ("[]", (0, 0)), ("[1, 2]", (2, 1)), ("3", (1, 1))]
)
def test_whatever_json_there_is_makes_a_frame(text, shape):
    frame = reply(text).df()
    assert isinstance(frame, pd.DataFrame)
    assert frame.shape == shape


def test_what_is_no_json_makes_no_frame():
    with pytest.raises(InvalidJSON):
        reply("| a |\n|---|\n| 1 |").df()


def test_the_value_of_a_reply_is_none_until_a_schema_gave_one_and_goes_along_when_it_is_pickled():
    answer = reply("1")
    assert answer.value is None
    with_value = Reply(answer.response, value=[Person("Ann")])
    assert pickle.loads(pickle.dumps(with_value)).value == [Person("Ann")]  # noqa: S301 - our own bytes
    assert with_value == answer
