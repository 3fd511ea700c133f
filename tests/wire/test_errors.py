from __future__ import annotations

import pytest

from gemini_magic import wire


@pytest.fixture
def status(own_body):
    return wire.ErrorEnvelope.model_validate_json(own_body("error_google.json")).error


def test_every_detail_is_found_by_its_kind(status):
    assert status.detail(wire.RetryInfo).retry_delay == "53s"
    assert "PerMinute" in status.detail(wire.QuotaFailure).violations[0].quota_id
    assert status.detail(wire.QuotaFailure).violations[0].quota_dimensions["location"] == "global"
    assert status.detail(wire.ErrorInfo).metadata["service"].startswith("generativelanguage")
    assert status.detail(wire.BadRequest).field_violations[0].field == "contents[0].parts"
    assert status.detail(wire.Help).links[0].url == "https://example.org/quotas"
    assert status.detail(wire.LocalizedMessage).locale == "de-DE"
    assert status.detail(wire.DebugInfo).stack_entries == ["a", "b"]


def test_a_detail_names_its_type(status):
    assert status.detail(wire.RetryInfo).type_url == "type.googleapis.com/google.rpc.RetryInfo"


@pytest.mark.parametrize(
    "details",
    [None, [], {}, "text", 5, [None, 5, "RetryInfo", {}, {"@type": None}, {"@type": 7}], [{"@type": "x.Help"}]],
)
def test_a_detail_that_is_not_there_is_none(details):
    assert wire.Status(details=details).detail(wire.RetryInfo) is None


def test_a_detail_of_the_wrong_shape_gives_way_to_the_next():
    kind = "type.googleapis.com/google.rpc.RetryInfo"
    status = wire.Status(details=[{"@type": kind, "retryDelay": []}, {"@type": kind, "retryDelay": 3}])
    assert status.detail(wire.RetryInfo).retry_delay == "3"


def test_the_code_may_be_a_number_or_a_word(own_body):
    assert wire.Status(code=503).code == 503
    assert wire.ErrorEnvelope.model_validate_json(own_body("error_openai.json")).error.code == "invalid_api_key"


def test_the_error_may_be_plain_text(own_body):
    assert wire.ErrorEnvelope.model_validate_json(own_body("error_text.json")).error == "Unauthorized"


def test_openai_names_the_kind_under_type(own_body):
    assert wire.ErrorEnvelope.model_validate_json(own_body("error_openai.json")).error.type_ == "auth_error"
