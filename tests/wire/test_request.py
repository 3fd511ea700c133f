from __future__ import annotations

import json

import pytest

from gemini_magic import wire


def dump(model):
    return model.model_dump(by_alias=True, exclude_unset=True)


def test_only_what_was_set_is_sent():
    request = wire.GenerateContentRequest(
        contents=[wire.Content.user("hi")], generation_config=wire.GenerationConfig(temperature=0.0)
    )
    assert dump(request) == {
        "contents": [{"parts": [{"text": "hi"}], "role": "user"}],
        "generationConfig": {"temperature": 0.0},
    }


def test_an_explicit_none_is_sent_as_null():
    assert dump(wire.GenerationConfig(temperature=None)) == {"temperature": None}


def test_aliases_are_written_without_being_asked_for():
    assert wire.GenerationConfig(top_p=0.5).model_dump(exclude_unset=True) == {"topP": 0.5}
    assert json.loads(wire.GenerationConfig(top_p=0.5).model_dump_json(exclude_unset=True)) == {"topP": 0.5}


def test_tools_without_settings_are_empty_objects():
    tools = [wire.Tool(google_search=wire.ToolGoogleSearch()), wire.Tool(code_execution=wire.CodeExecution())]
    assert [dump(tool) for tool in tools] == [{"googleSearch": {}}, {"codeExecution": {}}]


FREE = {"snake_case": {"camelCase": [None, 1, {"$ref": "#/x", "max_length": 3}]}, "type": ["string", "null"]}


@pytest.mark.parametrize(
    "model",
    [
        wire.FunctionCall(args=FREE),
        wire.FunctionResponse(response=FREE),
        wire.GenerationConfig(response_json_schema=FREE),
        wire.FunctionDeclaration(parameters_json_schema=FREE),
        wire.FunctionDeclaration(response_json_schema=FREE),
        wire.TextResponseFormat(json_schema=FREE),
        wire.TextResponseFormat(schema_=FREE),
        wire.Part(part_metadata=FREE),
    ],
    ids=lambda model: type(model).__name__,
)
def test_free_json_is_sent_untouched(model):
    assert list(dump(model).values()) == [FREE]
    assert list(json.loads(model.model_dump_json(exclude_unset=True)).values()) == [FREE]


def test_names_in_a_schema_keep_their_case():
    schema = {"type": "OBJECT", "properties": {"user_name": {"type": "STRING"}, "userAge": {"type": "INTEGER"}}}
    assert dump(wire.Schema.model_validate(schema)) == schema


def test_sixty_four_bit_numbers_of_a_schema_dump_as_they_came():
    schema = {"maxItems": "9223372036854775807", "minItems": 2, "minimum": 1, "maximum": 2.5, "enum": ["1", 2]}
    again = dump(wire.Schema.model_validate_json(json.dumps(schema)))
    assert json.dumps(again, sort_keys=True) == json.dumps(schema, sort_keys=True)


def test_a_schema_may_hold_itself_a_hundred_levels_deep():
    schema = {"type": "STRING"}
    for _ in range(100):
        schema = {"type": "ARRAY", "items": schema}
    assert dump(wire.Schema.model_validate_json(json.dumps(schema))) == schema


def test_raw_dicts_are_taken_in_place_of_models():
    request = wire.GenerateContentRequest.model_validate(
        {"contents": [{"parts": [{"text": "hi"}]}], "generation_config": {"thinkingConfig": {"thinkingBudget": -1}}}
    )
    assert request.generation_config.thinking_config.thinking_budget == -1


def test_a_field_of_tomorrow_can_be_set_today():
    config = wire.GenerationConfig.model_validate({"warmth": 3})
    assert dump(config) == {"warmth": 3}


def test_the_two_names_that_pydantic_keeps_for_itself_are_reachable():
    config = wire.GenerationConfig(model_config_=wire.ModelSelectionConfig(feature_selection_preference="BALANCED"))
    assert dump(config) == {"modelConfig": {"featureSelectionPreference": "BALANCED"}}
    assert dump(wire.TextResponseFormat(schema_={})) == {"schema": {}}
