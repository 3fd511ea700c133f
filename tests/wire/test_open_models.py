from __future__ import annotations

import json
import types
import typing

import pytest
from pydantic import ValidationError

from gemini_magic import wire

MODELS = [
    kind for name in wire.__all__ if issubclass(kind := getattr(wire, name), wire.WireModel) and kind != wire.WireModel
]


def respond(**fields):
    return wire.GenerateContentResponse.model_validate_json(json.dumps(fields))


@pytest.mark.parametrize("kind", MODELS, ids=lambda kind: kind.__name__)
def test_every_field_may_be_absent(kind):
    assert kind.model_validate_json("{}").model_dump(by_alias=True, exclude_unset=True) == {}


@pytest.mark.parametrize("kind", MODELS, ids=lambda kind: kind.__name__)
def test_every_field_may_be_null(kind):
    nulls = {field.alias or name: None for name, field in kind.model_fields.items()}
    parsed = kind.model_validate_json(json.dumps(nulls))
    assert all(getattr(parsed, name) is None for name in kind.model_fields)
    assert parsed.model_dump(by_alias=True, exclude_unset=True) == nulls


@pytest.mark.parametrize("kind", MODELS, ids=lambda kind: kind.__name__)
def test_both_spellings_of_every_field_are_read(kind):
    by_name = kind.model_validate(dict.fromkeys(kind.model_fields))
    assert by_name.model_fields_set == set(kind.model_fields)
    assert not by_name.model_extra


@pytest.mark.parametrize("kind", MODELS, ids=lambda kind: kind.__name__)
def test_no_field_is_a_closed_set_of_values(kind):
    pending = [field.annotation for field in kind.model_fields.values()]
    while pending:
        annotation = pending.pop()
        assert typing.get_origin(annotation) is not typing.Literal
        pending += typing.get_args(annotation)


@pytest.mark.parametrize("kind", MODELS, ids=lambda kind: kind.__name__)
def test_every_model_says_what_it_is(kind):
    assert kind.__doc__


def test_counts_in_strings_are_numbers():
    usage = respond(usageMetadata={"promptTokenCount": "21", "totalTokenCount": "68"}).usage_metadata
    assert (usage.prompt_token_count, usage.total_token_count) == (21, 68)


def test_counts_written_as_floats_are_numbers():
    assert respond(usageMetadata={"promptTokenCount": 21.0}).usage_metadata.prompt_token_count == 21


def test_a_number_in_place_of_a_word_is_read_as_its_text():
    answer = respond(candidates=[{"finishReason": 1}], responseId=17)
    assert answer.candidates[0].finish_reason == "1"
    assert answer.response_id == "17"


def test_an_unknown_word_in_an_enum_is_kept():
    answer = respond(candidates=[{"finishReason": "TIRED"}], promptFeedback={"blockReason": "MOOD"})
    assert answer.candidates[0].finish_reason == "TIRED"
    assert answer.prompt_feedback.block_reason == "MOOD"


def test_snake_case_is_read_at_every_level():
    answer = respond(
        candidates=[
            {
                "finish_reason": "STOP",
                "content": {"parts": [{"function_call": {"name": "f", "args": {"a_b": 1, "cD": 2}}}]},
            }
        ],
        usage_metadata={"prompt_token_count": 3},
    )
    assert answer.model_dump(by_alias=True, exclude_unset=True) == {
        "candidates": [
            {
                "finishReason": "STOP",
                "content": {"parts": [{"functionCall": {"name": "f", "args": {"a_b": 1, "cD": 2}}}]},
            }
        ],
        "usageMetadata": {"promptTokenCount": 3},
    }


def test_names_that_python_uses_itself_are_kept_as_unknown_fields():
    odd = dict.fromkeys(
        ["self", "cls", "copy", "json", "dict", "model_config", "model_extra", "__class__", "__dict__"], 1
    )
    assert respond(**odd).model_dump(by_alias=True, exclude_unset=True) == odd


@pytest.mark.parametrize("error", [{"code": 503}, "gone", ["a", 1], 5, None])
def test_an_error_inside_a_200_is_kept_as_it_came(error):
    assert respond(error=error).error == error


def test_a_validation_error_does_not_repeat_the_input():
    with pytest.raises(ValidationError) as caught:
        respond(candidates="a very private text")
    assert "private" not in str(caught.value)


def test_models_of_responses_are_typed_as_optional_throughout():
    for kind in MODELS:
        for name, field in kind.model_fields.items():
            allows_none = field.annotation is typing.Any or types.NoneType in typing.get_args(field.annotation)
            assert allows_none, f"{kind.__name__}.{name}"
            assert field.default is None
