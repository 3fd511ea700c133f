from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from gemini_magic import wire

DATA = Path(__file__).parent.parent / "data" / "wire"
ANSWER = json.loads((DATA / "answer.json").read_bytes())
REQUEST = json.loads((DATA / "request.json").read_bytes())
CONFIG = REQUEST["generationConfig"]
# Maps of the protocol hold values of one kind, so an unknown field has no place in them.
WITHOUT_MAPS = {name: value for name, value in REQUEST.items() if name != "labels"} | {
    "generationConfig": {name: value for name, value in CONFIG.items() if name != "responseSchema"}
}
TOP = [
    wire.CachedContent,
    wire.CountTokensRequest,
    wire.CountTokensResponse,
    wire.ErrorEnvelope,
    wire.GenerateContentRequest,
    wire.GenerateContentResponse,
    wire.ListModelsResponse,
    wire.ModelList,
]

steady = settings(derandomize=True, database=None, deadline=None, max_examples=100)
fewer = settings(steady, max_examples=40)


def _names(value):
    if isinstance(value, dict):
        return set(value).union(*map(_names, value.values()))
    if isinstance(value, list):
        return set().union(*map(_names, value))
    return set()


scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
keys = st.sampled_from(sorted(_names(ANSWER) | _names(REQUEST))) | st.text(max_size=8)
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=6), max_leaves=40
)
unknown = st.dictionaries(st.text(max_size=6).map("x-{}".format), anything, max_size=3)


def dump(model):
    return model.model_dump(by_alias=True, exclude_unset=True)


def sprinkle(value, draw):
    """Add unknown fields to every object in value."""
    if isinstance(value, dict):
        return {name: sprinkle(inner, draw) for name, inner in value.items()} | draw(unknown)
    if isinstance(value, list):
        return [sprinkle(inner, draw) for inner in value]
    return value


@st.composite
def sprinkled(draw, value):
    """Unknown fields in a tenth of the body: enough to meet every level over many examples."""
    names = sorted(value)
    chosen = draw(st.sampled_from(names))
    return value | {chosen: sprinkle(value[chosen], draw)} | draw(unknown)


@pytest.mark.parametrize(
    ("kind", "body"), [(wire.GenerateContentResponse, ANSWER), (wire.GenerateContentRequest, REQUEST)]
)
def test_unknown_fields_survive_at_every_level_at_once(kind, body):
    marked = json.loads(json.dumps(body), object_hook=lambda value: value | {"x-new": {"snake_case": [1, None]}})
    marked.get("labels", {}).pop("x-new", None)
    assert dump(kind.model_validate_json(json.dumps(marked))) == marked


@fewer
@given(body=sprinkled(ANSWER))
def test_unknown_fields_of_a_response_survive(body):
    assert dump(wire.GenerateContentResponse.model_validate_json(json.dumps(body))) == body


@fewer
@given(body=sprinkled(WITHOUT_MAPS))
def test_unknown_fields_of_a_request_survive(body):
    assert dump(wire.GenerateContentRequest.model_validate_json(json.dumps(body))) == body


@pytest.mark.parametrize("kind", TOP, ids=lambda kind: kind.__name__)
@steady
@given(value=anything)
def test_any_json_is_read_or_refused_by_a_validation_error(kind, value):
    try:
        parsed = kind.model_validate_json(json.dumps(value))
    except ValidationError:
        return
    parsed.model_dump_json(by_alias=True, exclude_unset=True)
    assert set(dump(parsed)) <= set(value) | {field.alias for field in kind.model_fields.values()}


@steady
@given(body=st.binary())
def test_any_bytes_are_read_or_refused_by_a_validation_error(body):
    with pytest.raises(ValidationError):
        wire.GenerateContentResponse.model_validate_json(b"\xff" + body)


@steady
@given(depth=st.integers(min_value=150, max_value=5000))
def test_bottomless_json_is_refused_by_a_validation_error(depth):
    body = '{"items":' * depth + "{}" + "}" * depth
    try:
        wire.Schema.model_validate_json(body)
    except ValidationError:
        return


@steady
@given(chosen=st.sets(st.sampled_from(sorted(CONFIG))))
def test_only_set_fields_of_a_config_are_dumped(chosen):
    body = {name: CONFIG[name] for name in chosen}
    assert dump(wire.GenerationConfig.model_validate(body)) == body


@steady
@given(data=st.binary())
def test_bytes_come_back_from_their_part(data):
    assert wire.Part.from_bytes(data, "image/png").inline_data.to_bytes() == data
