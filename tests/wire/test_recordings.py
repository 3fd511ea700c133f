"""Recorded answers of real servers, read from outside the checkout."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import pytest

from gemini_magic import wire

_CHECKOUT = Path(__file__).parents[2]
RECORDINGS = Path(os.environ.get("GEMINI_MAGIC_RECORDINGS") or _CHECKOUT / "../shared/wire/responses")

if not (RECORDINGS / "INDEX.tsv").is_file():
    pytest.skip("no recordings: set GEMINI_MAGIC_RECORDINGS to their folder", allow_module_level=True)

NOT_READ = {
    "chatlas/test_can_submit_google_batch__1.json": "a batch operation",
    "chatlas/test_google_file_lifecycle__3.json": "the Files API",
    "chatlas/test_google_file_lifecycle__5.json": "the Files API",
    "errors/502-nginx.html": "no JSON",
    "errors/503-envoy.txt": "no JSON",
    "firebase-vertexai-sdk-test-data/vertexai__unary-failure-generate-images-all-filtered.json": "Imagen",
    "firebase-vertexai-sdk-test-data/vertexai__unary-failure-generate-images-gcs-some-filtered.json": "Imagen",
    "firebase-vertexai-sdk-test-data/vertexai__unary-failure-invalid-location-url-not-found.html": "no JSON",
    "firebase-vertexai-sdk-test-data/vertexai__unary-success-generate-images-base64.json": "Imagen",
    "js-genai/Client_Tests_generateContentStream_ML_Dev_should_return_the_headers_in_the_sdkHttpResponse_for_each_chunk__1.txt": "four bytes, no JSON",  # noqa: E501
    "llm-gemini/test_embedding_gemini-embedding-001-768__1.json": "embeddings",
    "pydantic-ai/TestGoogle.test_instrumentation__1.json": "embeddings",
}
RESPELLED = {
    "derived/text1__snake-case.sse.txt": "snake_case is read and dumps as camelCase",
    "derived/text1__usage-counts-as-strings.sse.txt": "counts in strings are read and dump as numbers",
}
PLAIN = "derived/text1__lf.sse.txt"


def _index():
    with (RECORDINGS / "INDEX.tsv").open(encoding="utf-8", newline="") as rows:
        return [row["file"] for row in csv.DictReader(rows, delimiter="\t", quoting=csv.QUOTE_NONE)]


FILES = [name for name in _index() if name not in NOT_READ and name not in RESPELLED]


def _read(name):
    return (RECORDINGS / name).read_bytes().decode("utf-8", errors="ignore")


def _unwrapped(body):
    """One recorder wrote the chunks of a call into `response` of one line."""
    value = json.loads(body)
    if "method" not in value:
        return [body]
    inner = value["response"]
    return [json.dumps(chunk) for chunk in (inner if isinstance(inner, list) else [inner])]


def _kind(value):
    """The model of a body, told from its fields: half of the recordings do not name their call."""
    kinds = {
        "error": wire.ErrorEnvelope,
        "totalTokens": wire.CountTokensResponse,
        "models": wire.ListModelsResponse,
        "expireTime": wire.CachedContent,
    }
    return next((kind for field, kind in kinds.items() if field in value), wire.GenerateContentResponse)


def dump(model):
    return model.model_dump(by_alias=True, exclude_unset=True)


@pytest.mark.parametrize("name", FILES)
def test_a_recorded_body_dumps_to_what_it_was_parsed_from(name, bodies_of):
    bodies = [chunk for body in bodies_of(_read(name)) for chunk in _unwrapped(body)]
    assert bodies
    for body in bodies:
        value = json.loads(body)
        for kind in {_kind(value), wire.GenerateContentResponse}:
            assert dump(kind.model_validate_json(body)) == value


@pytest.mark.parametrize("name", RESPELLED)
def test_a_respelled_stream_reads_like_the_plain_one(name, bodies_of):
    read = [dump(wire.GenerateContentResponse.model_validate_json(body)) for body in bodies_of(_read(name))]
    assert read == [json.loads(body) for body in bodies_of(_read(PLAIN))]


def test_what_is_not_read_is_there():
    assert set(NOT_READ) | set(RESPELLED) <= set(_index())


def _unknown(value):
    """Names that a parsed body, or anything in it, has and its model has not."""
    if isinstance(value, list):
        return set().union(*map(_unknown, value))
    if not isinstance(value, wire.WireModel):
        return set()
    return set(value.model_extra).union(*(_unknown(getattr(value, name)) for name in value.model_fields_set))


@pytest.mark.parametrize("name", [name for name in FILES if not name.startswith("derived/")])
def test_every_recorded_field_has_a_name_here(name, bodies_of):
    for body in (chunk for whole in bodies_of(_read(name)) for chunk in _unwrapped(whole)):
        assert _unknown(_kind(json.loads(body)).model_validate_json(body)) <= {"errors", "param"}
