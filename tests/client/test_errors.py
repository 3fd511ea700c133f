"""From error answers to exceptions: every body that Google, gateways and proxies are known to send."""

from __future__ import annotations

import json
import time
from email.utils import formatdate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wire_server import Say, error

from gemini_magic.client.errors import error_from, retry_after
from gemini_magic.client.retry import is_retryable
from gemini_magic.exceptions import (
    ApiError,
    AuthError,
    BadRequest,
    NotFound,
    PermissionDenied,
    QuotaExhausted,
    RateLimited,
    RequestTooLarge,
    ServerUnavailable,
)

GOOGLE = {"error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE", "details": [{"a": 1}]}}


def _json(value):
    return json.dumps(value).encode()


@pytest.mark.parametrize(
    ("body", "message", "reason"),
    [
        (_json(GOOGLE), "overloaded", "UNAVAILABLE"),
        (_json([GOOGLE]), "overloaded", "UNAVAILABLE"),
        (_json([[GOOGLE]]), "overloaded", "UNAVAILABLE"),
        (b"\xef\xbb\xbf" + _json(GOOGLE), "overloaded", "UNAVAILABLE"),
        (b"data: " + _json(GOOGLE) + b"\n\n", "overloaded", "UNAVAILABLE"),
        (b"event: error\r\ndata:" + _json(GOOGLE) + b"\r\n\r\n", "overloaded", "UNAVAILABLE"),
        (_json({"error": {"message": "slow", "type": "server_error", "code": "oops"}}), "slow", "oops"),
        (_json({"error": {"message": "slow", "type": "server_error", "code": None}}), "slow", "server_error"),
        (_json({"error": {"message": "slow", "code": "503"}}), "slow", None),
        (_json({"error": "text"}), "text", None),
        (_json({"message": "text"}), "text", None),
        (_json({"detail": "text"}), "text", None),
        (_json({"code": 1234, "msg": "text"}), "text", None),
        (_json({"error": "invalid_grant", "error_description": "text"}), "invalid_grant", None),
        (_json("text"), "text", None),
        (_json({"error": {"message": json.dumps(GOOGLE), "code": 503}}), "overloaded", "UNAVAILABLE"),
        (_json({"error": {"message": '{"not": "an error"}'}}), '{"not": "an error"}', None),
        (_json({"error": {"message": "{broken"}}), "{broken", None),
        (b"<html><head><title>Bad</title><style>p{}</style></head><body>Gateway</body></html>", "Bad Gateway", None),
        (b"<!doctype html><script>var a = 1;</script><h1>Bad\nGateway</h1>", "Bad Gateway", None),
        (b"no healthy upstream\n", "no healthy upstream", None),
        (b"\x1b[31mred\x00\xff", "[31mred \ufffd", None),
        (b"", "The server answered with an error and no words.", None),
        (b"{}", "The server answered with an error and no words.", None),
        (b"[]", "The server answered with an error and no words.", None),
        (b"null", "The server answered with an error and no words.", None),
        (b"7", "The server answered with an error and no words.", None),
        (b"[" * 100_000, "[" * 499 + "…", None),
    ],
    ids=lambda value: value[:40].decode(errors="replace") if isinstance(value, bytes) else None,
)
def test_every_shape_of_body_is_read(body, message, reason):
    found = error_from(503, {}, body)
    assert type(found) is ServerUnavailable
    assert (found.status, found.message, found.reason) == (503, message, reason)


@pytest.mark.parametrize(
    ("status", "kind", "retried"),
    [
        (400, BadRequest, False),
        (401, AuthError, False),
        (402, PermissionDenied, False),
        (403, PermissionDenied, False),
        (404, NotFound, False),
        (405, BadRequest, False),
        (408, ServerUnavailable, True),
        (409, BadRequest, False),
        (413, RequestTooLarge, False),
        (422, BadRequest, False),
        (429, RateLimited, True),
        (451, BadRequest, False),
        (499, ApiError, False),
        (500, ServerUnavailable, True),
        (501, ServerUnavailable, False),
        (502, ServerUnavailable, True),
        (503, ServerUnavailable, True),
        (504, ServerUnavailable, True),
        (505, ServerUnavailable, False),
        (520, ServerUnavailable, True),
        (529, ServerUnavailable, True),
        (599, ServerUnavailable, True),
    ],
)
def test_the_http_status_decides_the_class(status, kind, retried):
    found = error_from(status, {}, _json({"error": {"code": 418, "message": "no"}}))
    assert (type(found), found.status, is_retryable(found)) == (kind, status, retried)


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        ({"error": {"code": 429, "message": "no"}}, RateLimited, 429),
        ({"error": {"code": "429", "message": "no"}}, RateLimited, 429),
        ({"error": {"message": "no", "status": "RESOURCE_EXHAUSTED"}}, RateLimited, 429),
        ({"error": {"message": "no", "code": "model_not_found"}}, NotFound, 404),
        ({"error": {"message": "no", "code": "insufficient_quota"}}, QuotaExhausted, 429),
        ({"error": {"message": "no", "code": True}}, ServerUnavailable, 200),
        ({"error": {"message": "no", "code": 7}}, ServerUnavailable, 200),
        ({"error": {"message": "no", "code": 99999}}, ServerUnavailable, 200),
        ({"error": {"message": "no", "code": -1}}, ServerUnavailable, 200),
        ({"error": {"message": "no", "code": "٤٢٩"}}, ServerUnavailable, 200),
        ({"error": {"message": "no", "code": [1], "status": {}}}, ServerUnavailable, 200),
    ],
)
def test_inside_a_200_the_body_decides(body, kind, status):
    found = error_from(200, {}, _json(body))
    assert (type(found), found.status) == (kind, status)


@pytest.mark.parametrize("reason", ["API_KEY_INVALID", "API_KEY_EXPIRED"])
def test_a_wrong_key_is_an_auth_error_although_it_is_a_400(reason):
    info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason}
    body = {"error": {"code": 400, "message": "API key not valid.", "status": "INVALID_ARGUMENT", "details": [info]}}
    found = error_from(400, {}, _json(body))
    assert type(found) is AuthError
    assert found.status == 400
    assert "key" in found.hint


def test_field_violations_are_named():
    detail = {"fieldViolations": [{"field": "tools[0]", "description": "not here"}, {"field": "x"}, {}, 7]}
    found = error_from(400, {}, _json({"error": {"message": "no", "details": [detail, 7, {"fieldViolations": 3}]}}))
    assert str(found) == "400: no tools[0]: not here; x"


REPAIR = "Try `%gemini repair` (or chat.repair_signatures()): signatures of another route, model or key are not taken."
MATCH = "The history must match: right behind the calls of a turn stand as many results, in the same order."


@pytest.mark.parametrize(
    ("message", "hint"),
    [
        ("Function call is missing a thought_signature in functionCall parts. Position 2.", REPAIR),
        ("Function call `default_api:f` in the 2. content block is missing a `thought_signature`.", REPAIR),
        ("Invalid thought signature.", REPAIR),
        ("Corrupted thought signature.", REPAIR),
        ("thoughtSignature is not valid base64", REPAIR),
        ("Please ensure that the number of function response parts is equal to that of function calls.", MATCH),
        ("Please ensure that function call turn comes immediately after a user turn.", MATCH),
        ("Please ensure that function response turn comes immediately after a function call turn.", MATCH),
        ("Unknown name \"id\" at 'contents[2].parts[0].function_response': Cannot find field.", ""),
        ("The function turned out to be called f.", ""),
    ],
)
def test_a_refusal_of_a_history_with_calls_says_what_helps(message, hint):
    assert error_from(400, {}, _json({"error": {"code": 400, "message": message}})).hint == hint
    assert error_from(503, {}, _json({"error": {"code": 503, "message": message}})).hint == ""


def test_a_hint_stands_behind_the_fields_that_the_server_names():
    violations = [{"field": "contents[1]", "description": "bad"}]
    body = {"error": {"message": "Invalid thought signature.", "details": [{"fieldViolations": violations}]}}
    assert error_from(400, {}, _json(body)).hint == f"contents[1]: bad {REPAIR}"


@pytest.mark.parametrize(
    ("body", "hint"),
    [
        ({"details": [{"violations": [{"quotaId": "GenerateRequestsPerDayPerProject"}]}]}, "GenerateRequestsPerDay"),
        ({"message": "Quota exceeded, limit: 0, model: x"}, "renewed by the provider"),
        ({"code": "insufficient_quota"}, "renewed by the provider"),
    ],
)
def test_a_quota_that_is_used_up_is_not_waited_for(body, hint):
    found = error_from(429, {"retry-after": "3"}, _json({"error": {"message": "no", **body}}))
    assert type(found) is QuotaExhausted
    assert not is_retryable(found)
    assert hint in found.hint


def test_a_quota_per_minute_is_waited_for():
    body = {"error": {"message": "limit: 10", "details": [{"violations": [{"quotaId": "RequestsPerMinute"}, 3]}]}}
    assert type(error_from(429, {}, _json(body))) is RateLimited


NOW = 1_800_000_000.0
DATE = formatdate(NOW, usegmt=True)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("2", 2.0),
        (" 2 ", 2.0),
        ("0.25", 0.25),
        ("120", 120.0),
        ("999999999", 999999999.0),
        ("0", None),
        ("0.0", None),
        ("", None),
        ("-5", None),
        ("+5", None),
        ("nan", None),
        ("inf", None),
        ("-inf", None),
        ("1e3", None),
        ("1_000", None),
        ("٣", None),
        ("²", None),
        ("9" * 40, None),
        ("3s", None),
        ("3,5", None),
        ("0x10", None),
        (".5", None),
        ("5.", None),
        ("five", None),
        (formatdate(NOW + 60, usegmt=True), 60.0),
        (formatdate(NOW + 60), 60.0),
        (formatdate(NOW + 60, usegmt=True).removesuffix(" GMT"), 60.0),
        (formatdate(NOW - 60, usegmt=True), None),
        (formatdate(NOW, usegmt=True), None),
        ("Fri, 31 Dec 2099 23:59:59 GMT", 2_302_300_799.0 + 1_800_000_000 - NOW),
        ("Fri, 31 Dec 100000 23:59:59 GMT", None),
        ("Zun, 99 Sep 2027 25:61:61 GMT", None),
        ("Sunday", None),
        ("\x00", None),
    ],
)
def test_a_retry_after_header_is_seconds_or_a_date_or_nothing(value, seconds):
    found = retry_after(value, DATE)
    if value.startswith("Fri, 31 Dec 2099"):
        seconds = 4_102_444_799.0 - NOW
    assert found == seconds


@pytest.mark.parametrize("fast", [-3600, 0, 3600])
def test_a_date_is_compared_with_the_servers_own_clock(fast):
    here = time.time() + fast
    assert retry_after(formatdate(here + 30, usegmt=True), formatdate(here, usegmt=True)) == 30.0


@pytest.mark.parametrize("date", ["", "yesterday"])
def test_without_the_servers_clock_a_date_is_compared_with_ours(date):
    assert 50 < retry_after(formatdate(time.time() + 60, usegmt=True), date) < 61


@settings(max_examples=3000, deadline=None, derandomize=True)
@given(st.text(max_size=40) | st.from_regex(r"[-+]?[0-9.eE_]{0,12}"), st.text(max_size=40))
def test_any_header_is_a_finite_wait_or_none(value, date):
    found = retry_after(value, date)
    assert found is None or 0 < found < 1e12


@pytest.mark.parametrize(
    ("headers", "body", "seconds"),
    [
        ({}, {"details": [{"@type": "x/google.rpc.RetryInfo", "retryDelay": "37s"}]}, 37.0),
        ({}, {"details": [{"retryDelay": "0.25s"}]}, 0.25),
        ({}, {"details": [{"retryDelay": "51820.6s"}]}, 51820.6),
        ({"retry-after": "7"}, {"details": [{"retryDelay": "37s"}]}, 37.0),
        ({"retry-after": "7"}, {"details": [{"retryDelay": "soon"}, {"retryDelay": None}, 3]}, 7.0),
        ({"retry-after": "7"}, {"message": "Please retry in 53.0s."}, 7.0),
        ({}, {"message": "Please retry in 53.016342224s."}, 53.016342224),
        ({}, {"message": "retry in 9 s"}, 9.0),
        ({}, {"message": "retry in infs"}, None),
        ({}, {"message": "retry in 0s"}, None),
        ({}, {"message": "no"}, None),
    ],
)
def test_the_wait_comes_from_details_then_header_then_words(headers, body, seconds):
    assert error_from(429, headers, _json({"error": {"message": "no", **body}})).retry_delay == seconds


@settings(max_examples=1000, deadline=None, derandomize=True)
@given(
    st.integers(100, 999),
    st.one_of(
        st.binary(max_size=60),
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(
                        ["error", "message", "code", "status", "details", "violations", "retryDelay", "reason"]
                    ),
                    inner,
                    max_size=4,
                )
            ),
        ).map(lambda value: json.dumps(value).encode()),
    ),
)
def test_any_body_makes_an_error_of_ours(status, body):
    found = error_from(status, {}, body)
    assert isinstance(found, ApiError)
    assert "\n" not in str(found) or "\n" in found.message
    str(found)


def test_the_words_of_a_large_error_page_are_cut(driver, wire, way):
    wire.answers(Say([b"<html><body>" + b"<p>sorry</p>" * 100_000], status=503))
    found = driver.attempt(way, driver.client(wire.url, retries=0)).error
    assert type(found) is ServerUnavailable
    assert len(found.message) == 500


@pytest.mark.parametrize("ending", ["fin", "rst"])
def test_an_error_whose_body_breaks_off_is_still_that_error(ending, driver, wire, way):
    wire.answers(Say([b'{"error":{"mess'], status=403, headers={"content-length": "500"}, ending=ending))
    found = driver.attempt(way, driver.client(wire.url)).error
    assert type(found) is PermissionDenied
    assert len(wire.seen) == 1


def test_an_error_leaves_the_connection_usable(driver, wire, way):
    wire.answers(error(400))
    client = driver.client(wire.url)
    for _ in range(5):
        assert type(driver.attempt(way, client).error) is BadRequest
    assert wire.connections == 1
