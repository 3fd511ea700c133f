from __future__ import annotations

import json

import pytest

from gemini_magic import wire

FILES = {
    "answer.json": wire.GenerateContentResponse,
    "cached_content.json": wire.CachedContent,
    "cached_contents.json": wire.ListCachedContentsResponse,
    "chunks.jsonl": wire.GenerateContentResponse,
    "count_tokens.json": wire.CountTokensResponse,
    "count_tokens_request.json": wire.CountTokensRequest,
    "error_google.json": wire.ErrorEnvelope,
    "error_openai.json": wire.ErrorEnvelope,
    "error_text.json": wire.ErrorEnvelope,
    "models_google.json": wire.ListModelsResponse,
    "models_openai.json": wire.ModelList,
    "request.json": wire.GenerateContentRequest,
}


def dump(model):
    return model.model_dump(by_alias=True, exclude_unset=True)


@pytest.mark.parametrize("name", FILES)
def test_a_body_dumps_to_what_it_was_parsed_from(name, own_body, bodies_of):
    bodies = bodies_of(own_body(name).decode())
    assert bodies
    for body in bodies:
        assert dump(FILES[name].model_validate_json(body)) == json.loads(body)


@pytest.mark.parametrize("name", FILES)
def test_a_body_survives_json_text_too(name, own_body, bodies_of):
    for body in bodies_of(own_body(name).decode()):
        again = FILES[name].model_validate_json(body).model_dump_json(exclude_unset=True)
        assert json.loads(again) == json.loads(body)


@pytest.mark.parametrize("name", FILES)
def test_parsed_python_objects_give_the_same_model_as_bytes(name, own_body, bodies_of):
    for body in bodies_of(own_body(name).decode()):
        assert FILES[name].model_validate(json.loads(body)) == FILES[name].model_validate_json(body)


def test_any_body_fits_the_response_model_when_its_kind_is_not_known(own_body):
    for name in ("error_google.json", "error_openai.json", "error_text.json", "count_tokens.json"):
        body = own_body(name)
        assert dump(wire.GenerateContentResponse.model_validate_json(body)) == json.loads(body)


def test_the_answers_fields_are_where_their_names_say(own_body):
    answer = wire.GenerateContentResponse.model_validate_json(own_body("answer.json"))
    first, second = answer.candidates
    assert first.content.parts[2].function_call.args["first_number"] == 1
    assert first.content.parts[4].function_call.partial_args[1].number_value == 2
    assert first.content.parts[12].model_extra == {"hologram": {"uri": "x", "layers": [{"depth_cm": 3}]}}
    assert first.grounding_metadata.grounding_chunks[0].web.domain == "example.org"
    assert first.citation_metadata.citations[0].publication_date.year == 2024
    assert first.logprobs_result.top_candidates[0].candidates[1].log_probability == -2
    assert second.finish_reason == "TIME_TRAVEL"
    assert answer.usage_metadata.service_tier == wire.ServiceTier.STANDARD
    assert answer.model_extra["brandNew"]["snake_case"][0] == 1
