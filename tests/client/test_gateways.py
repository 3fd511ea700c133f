"""A double of each gateway, as strict as its documentation: the same calls pass all of them."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field
from typing import Any

import pytest
from wire_server import Say, Seen, error, event

from gemini_magic.exceptions import AuthError, GeminiMagicError, NotFound, PermissionDenied, RateLimited
from gemini_magic.settings import PROFILES, Profile

KEY = "k3y-of-the-t3sts-0123456789"
CHUNKS = [("Hel", None), ("lo", None), ("!", "STOP")]


def _chunks(**rest: Any) -> list[dict[str, Any]]:
    pieces = [json.loads(event(text, finish)[6:]) for text, finish in CHUNKS]
    pieces[-1] |= {"usageMetadata": {"promptTokenCount": 2, "totalTokenCount": 5}, **rest}
    return pieces


def _sse(chunks: list[dict[str, Any]]) -> Say:
    pieces = [b"data: %s\r\n\r\n" % json.dumps(chunk).encode() for chunk in chunks]
    return Say(pieces, headers={"content-type": "text/event-stream"}, framing="chunked")


def _array(chunks: list[dict[str, Any]]) -> Say:
    body = b"[" + b"\n,\r\n".join(json.dumps(chunk, indent=2).encode() for chunk in chunks) + b"]"
    return Say([body[:40], body[40:]], framing="chunked")


def _lines(chunks: list[dict[str, Any]]) -> Say:
    return Say([json.dumps(chunk).encode() + b"\n" for chunk in chunks], framing="chunked")


def _whole(chunks: list[dict[str, Any]]) -> Say:
    text = "".join(text for text, _ in CHUNKS)
    whole = json.loads(event(text, "STOP")[6:]) | {key: chunks[-1][key] for key in chunks[-1] if key != "candidates"}
    return Say([json.dumps(whole).encode()])


def _openai_error(status: int, code: str) -> Say:
    return Say([json.dumps({"error": {"message": code, "code": code}}).encode()], status=status)


GOOGLE_LIST = Say([b'{"models":[{"name":"models/one"},{"name":"models/two"}]}'])
OPENAI_LIST = Say([b'{"object":"list","data":[{"id":"one","object":"model"},{"id":"two"}]}'])


@dataclass
class Double:
    """What a gateway insists on, and how it answers."""

    profile: Profile
    path: str
    query: str
    header: tuple[str, str]
    lists: dict[str, Say]
    base: str = ""
    stream: Any = _sse
    forbidden: tuple[str, ...] = ("x-goog-api-key",)
    demanded: dict[str, str] = field(default_factory=dict)
    wrong_key: Say = field(default_factory=lambda: error(401, "no key", "UNAUTHENTICATED"))
    extra: dict[str, Any] = field(default_factory=dict)

    def __call__(self, seen: Seen) -> Say:
        if seen.header(self.header[0]) != self.header[1] or any(seen.header(name) for name in self.forbidden):
            return self.wrong_key
        if any(seen.header(name) != value for name, value in self.demanded.items()):
            return error(406, "an Accept header is needed")
        if seen.method == "GET":
            return self.lists.get(seen.target, error(404))
        answers = {
            f"{self.path}:generateContent": _whole,
            f"{self.path}:streamGenerateContent{self.query}": self.stream,
            f"{self.path}:countTokens": lambda _: Say([b'{"totalTokens":2}']),
        }
        say = answers.get(seen.target)
        return error(404, f"no such path {seen.target}") if say is None else say(_chunks(**self.extra))


_BEARER = ("authorization", f"Bearer {KEY}")
_V1BETA = "/v1beta/models/test-model"
DOUBLES = {
    "google": Double(
        PROFILES["google"],
        _V1BETA,
        "?alt=sse",
        ("x-goog-api-key", KEY),
        {"/v1beta/models": GOOGLE_LIST},
        forbidden=("authorization",),
        wrong_key=error(401, "no", "UNAUTHENTICATED", {"reason": "ACCESS_TOKEN_TYPE_UNSUPPORTED"}),
    ),
    "gogogotoken": Double(
        PROFILES["gogogotoken"],
        _V1BETA,
        "",
        _BEARER,
        {"/v1/models": OPENAI_LIST},
        stream=_array,
        wrong_key=_openai_error(401, "invalid_api_key"),
    ),
    "gogogotoken, another channel": Double(PROFILES["gogogotoken"], _V1BETA, "", _BEARER, {"/v1/models": OPENAI_LIST}),
    "theturbo": Double(
        PROFILES["theturbo"],
        "/v1/v1beta/models/test-model",
        "",
        _BEARER,
        {"/v1/v1beta/models": GOOGLE_LIST},
        base="/v1",
        stream=_lines,
        demanded={"accept": "application/json"},
        extra={"createTime": "2026-11-22T00:00:00Z", "responseId": "r", "modelVersion": "test-model"},
    ),
    "unigateway": Double(PROFILES["unigateway"], _V1BETA, "?alt=sse", _BEARER, {"/v1/models": OPENAI_LIST}),
    "custom": Double(
        Profile("mine", "http://127.0.0.1", headers=(("x-team", "blue"),)),
        _V1BETA,
        "?alt=sse",
        _BEARER,
        {"/v1/models": OPENAI_LIST},
        demanded={"x-team": "blue"},
    ),
    "custom, below a folder": Double(
        Profile("mine", "http://127.0.0.1"),
        "/gemini/proxy/v1beta/models/test-model",
        "?alt=sse",
        _BEARER,
        {"/gemini/proxy/v1beta/models": GOOGLE_LIST},
        base="/gemini/proxy",
    ),
    "local": Double(PROFILES["local"], _V1BETA, "?alt=sse", _BEARER, {"/v1beta/models": GOOGLE_LIST}),
}


@pytest.fixture(params=DOUBLES)
def double(request):
    return DOUBLES[request.param]


def _client(driver, wire, double, **options):
    profile = double.profile.with_base_url(wire.url + double.base)
    return driver.client(profile=profile, api_key=KEY, **options)


def test_every_gateway_generates_streams_counts_and_lists(double, driver, wire):
    wire.answers(double)
    client = _client(driver, wire, double)
    for reply in (driver.generate(client), driver.stream(client)):
        assert (reply.text, reply.finish_reason, reply.usage.total_token_count) == ("Hello!", "STOP", 5)
    assert driver.count_tokens(client).total_tokens == 2
    assert [model.name for model in driver.models(client)] == ["models/one", "models/two"]


def test_the_key_is_in_one_header_and_nowhere_else(double, driver, wire, caplog):
    caplog.set_level(logging.DEBUG)
    wire.answers(double)
    client = _client(driver, wire, double)
    replies = [driver.generate(client), driver.stream(client)]
    driver.models(client)
    for seen in wire.seen:
        assert [name.lower() for name, value in seen.headers if KEY in value] == [double.header[0]]
        assert KEY not in seen.target
        assert KEY.encode() not in seen.body
    shown = [
        repr(client),
        str(client),
        repr(client.profile),
        *map(repr, replies),
        *(str(reply.raw) for reply in replies),
    ]
    logged = [record.getMessage() + str(record.args) + str(record.__dict__) for record in caplog.records]
    assert KEY not in "".join([*shown, *logged])


def test_the_key_is_in_no_error(double, driver, wire, way, caplog):
    caplog.set_level(logging.DEBUG)
    client = _client(driver, wire, double, retries=0)
    for said in (double.wrong_key, error(400), error(503), Say(status=302), Say(status=None, ending="rst")):
        wire.answers(said)
        failure = driver.attempt(way, client).error
        assert isinstance(failure, GeminiMagicError)
        cause: BaseException | None = failure
        while cause is not None:
            assert KEY not in str(cause) + repr(cause) + str(cause.__dict__)
            cause = cause.__cause__ or cause.__context__
    assert KEY not in "".join(record.getMessage() + str(record.args) for record in caplog.records)


def test_a_wrong_key_is_an_auth_error_everywhere(double, driver, wire, way):
    wire.answers(double)
    profile = double.profile.with_base_url(wire.url + double.base)
    failure = driver.attempt(way, driver.client(profile=profile, api_key="another-key")).error
    assert type(failure) is AuthError
    assert len(wire.seen) == 1


def test_every_gateway_sees_the_same_body(double, driver, wire):
    wire.answers(double)
    client = _client(driver, wire, double)
    driver.generate(client, "hi", config={"maxOutputTokens": 5})
    driver.stream(client, "hi", config={"max_output_tokens": 5})
    turn = {"role": "user", "parts": [{"text": "hi"}]}
    for seen in wire.seen:
        assert seen.json() == {"contents": [turn], "generationConfig": {"maxOutputTokens": 5}}


def test_nobody_is_told_who_asks(double, driver, wire):
    wire.answers(double)
    driver.generate(_client(driver, wire, double))
    agent = wire.seen[0].header("user-agent")
    assert agent.startswith("gemini-magic/")
    assert agent.count("/") == 1
    assert " " not in agent
    assert wire.seen[0].header("cookie") is None


def test_both_clients_send_the_same_headers(driver, wire):
    wire.answers(DOUBLES["unigateway"])
    driver.generate(_client(driver, wire, DOUBLES["unigateway"]))
    names = sorted(name.lower() for name, _ in wire.seen[0].headers)
    expected = ["accept-encoding", "authorization", "content-length", "content-type", "host", "user-agent"]
    assert [name for name in names if name not in {"accept", "connection"}] == expected


@pytest.mark.parametrize(
    "model",
    ["gemini-2.5-flash", "models/gemini-2.5-flash", "vendor/model-1", "tunedModels/mine-1", "a@b+c", "gemma:free"],
)
def test_a_models_name_is_one_step_of_the_path(model, driver, wire, way):
    wire.answers(error(404))
    driver.attempt(way, driver.client(wire.url, model=model))
    path = wire.seen[0].path
    folder, _, rest = path.removeprefix("/v1beta/").partition("/")
    assert folder == ("tunedModels" if model.startswith("tuned") else "models")
    assert rest.count("/") == 0
    assert rest.rpartition(":")[2] in {"generateContent", "streamGenerateContent"}


@pytest.mark.parametrize("base", ["", "/v1", "/v1beta", "/v1/v1beta", "/v1beta/models", "/x/v1beta/"])
def test_a_base_url_may_end_in_a_version(base, driver, wire):
    wire.answers(error(404))
    driver.try_generate(driver.client(wire.url + base))
    assert wire.seen[0].path.endswith("/v1beta/models/test-model:generateContent")
    assert wire.seen[0].path.count("v1beta") == 1


def test_a_model_list_may_have_pages(driver, wire):
    pages = {
        "/v1beta/models": b'{"models":[{"name":"models/a"}],"nextPageToken":"p/2"}',
        "/v1beta/models?pageSize=1000&pageToken=p/2": b'{"models":[{"name":"models/b"}],"nextPageToken":"p3"}',
        "/v1beta/models?pageSize=1000&pageToken=p3": b'{"models":[{"name":"models/c"}],"nextPageToken":"p3"}',
    }
    wire.answers(lambda seen: Say([pages[seen.target.replace("%2F", "/")]]))
    models = driver.models(driver.client(wire.url))
    assert [model.name for model in models] == ["models/a", "models/b", "models/c"]


@pytest.mark.parametrize("first", [error(404), Say([b"<html>hello</html>"]), Say([b'{"ok":true}'])])
def test_a_model_list_is_looked_for_in_both_places(first, driver, wire):
    wire.answers(first, OPENAI_LIST)
    assert len(driver.models(driver.client(wire.url))) == 2
    assert [seen.path for seen in wire.seen] == ["/v1beta/models", "/v1/models"]


@pytest.mark.parametrize(("said", "kind"), [(error(404), NotFound), (error(403), PermissionDenied)])
def test_a_gateway_may_have_no_model_list(said, kind, driver, wire):
    wire.answers(said)
    with pytest.raises(kind):
        driver.models(driver.client(wire.url))


def test_a_gateway_may_not_count(driver, wire):
    wire.answers(error(404))
    with pytest.raises(NotFound):
        driver.count_tokens(driver.client(wire.url))


def test_statuses_of_the_gateways_are_told_in_their_words(driver, wire, way):
    for said, kind in [
        (_openai_error(401, "invalid_api_key"), AuthError),
        (_openai_error(403, "no permission for this model"), PermissionDenied),
        (_openai_error(429, "slow down"), RateLimited),
    ]:
        wire.answers(said)
        failure = driver.attempt(way, driver.client(wire.url, retries=0)).error
        assert type(failure) is kind
        assert json.loads(said.pieces[0])["error"]["message"] in str(failure)
