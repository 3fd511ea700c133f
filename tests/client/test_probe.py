"""What a gateway can do: found by asking it, kept in a file, and told without its key."""

from __future__ import annotations

import base64
import json
import urllib.parse
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from wire_server import Say, Seen, WireServer, event, unary

from gemini_magic.client import Client
from gemini_magic.client.cache import AnswerCache
from gemini_magic.client.capabilities import remember
from gemini_magic.client.probe import probe
from gemini_magic.client.tape import Recorder, Tape, replaying_client
from gemini_magic.exceptions import UsageError
from gemini_magic.ledger import Budget, Ledger
from gemini_magic.settings import PROFILES, Profile

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

KEY = "planted-b7c20e94d1f3a865"
FORMS = {
    "raw": KEY,
    "in a URL": urllib.parse.quote(KEY, safe="").replace("-", "%2D"),
    "base64": base64.b64encode(KEY.encode()).decode().rstrip("="),
    "hex": KEY.encode().hex(),
    "escaped": "".join(f"\\u{ord(character):04x}" for character in KEY),
    "its beginning": KEY[:12],
}
CHUNKS = [event("O")[6:].strip(), event("K", "STOP")[6:].strip()]
SPELLINGS = {
    "SSE": [b"data: " + chunk + b"\r\n\r\n" for chunk in CHUNKS],
    "JSON array": [b"[" + CHUNKS[0], b"\n,\n" + CHUNKS[1] + b"]"],
    "JSON lines": [chunk + b"\n" for chunk in CHUNKS],
    "one JSON object": [CHUNKS[1]],
}
MODELS = {
    "Google": {"models": [{"name": "models/gemini-x", "inputTokenLimit": 1_000_000, "outputTokenLimit": 65_536}]},
    "OpenAI": {"object": "list", "data": [{"id": "gemini-x", "object": "model"}, {"id": "y"}]},
}


@dataclass
class Gateway:
    """A gateway that has some things and not others, and insists on its own path and header."""

    path: str = "/v1beta"
    header: str = "authorization"
    stream: str = "SSE"
    models: str = "Google"
    models_path: str = "/v1beta/models"
    counts: bool = True
    schemas: Sequence[str] = ("responseJsonSchema", "responseSchema", "parametersJsonSchema", "parameters")
    passed_over: bool = False
    pictures: bool = True
    headers: dict[str, str] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)

    def __call__(self, seen: Seen) -> Say:
        self.seen.append(seen)
        if self.header not in {"", *(name.lower() for name, _ in seen.headers)}:
            return self.say({"error": {"message": "No key.", "status": "UNAUTHENTICATED"}}, 401)
        if seen.method == "GET":
            return self.say(MODELS[self.models]) if seen.path == self.models_path else self.refused(404)
        start = f"{self.path}/models/gemini-x:"
        if not seen.path.startswith(start):
            return self.refused(404)
        return self.answer(seen.path.removeprefix(start), seen.json())

    def answer(self, method: str, body: Any) -> Say:
        if method == "countTokens":
            return self.say({"totalTokens": 6}) if self.counts else self.refused(404)
        config, declared = body.get("generationConfig", {}), json.dumps(body.get("tools", ()))
        asked = [name for name in ("responseJsonSchema", "responseSchema") if name in config]
        asked += [name for name in ("parametersJsonSchema", "parameters") if f'"{name}"' in declared]
        if not self.passed_over and not set(asked) <= set(self.schemas):
            return self.refused(400)
        if not self.pictures and "inlineData" in json.dumps(body):
            return self.refused(400)
        if method == "streamGenerateContent":
            return Say(SPELLINGS[self.stream], headers=self.headers, framing="chunked")
        if "tools" in body and not self.passed_over:
            call = {"functionCall": {"name": "answer", "args": {"ok": True}}}
            return self.say({"candidates": [{"content": {"parts": [call]}, "finishReason": "STOP"}]})
        text = '{"ok": true}' if asked and not self.passed_over else "OK"
        return Say([event(text, "STOP", modelVersion="gemini-x")[6:].strip()], headers=self.headers)

    def refused(self, status: int) -> Say:
        return self.say({"error": {"code": status, "message": "Not here.", "status": "X"}}, status)

    def say(self, body: Any, status: int = 200) -> Say:
        return Say([json.dumps(body).encode()], status=status, headers=self.headers)


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of our own for what is remembered."""
    monkeypatch.setenv("GEMINI_MAGIC_STATE", str(tmp_path / "state"))
    return tmp_path / "state" / "capabilities.json"


def client_for(
    wire: WireServer, gateway: Any, base: str = "", *, profile: Profile | None = None, **options: Any
) -> Any:
    wire.answers(gateway)
    ready = (profile or Profile("here", wire.url)).with_base_url(wire.url + base)
    return Client(profile=ready, api_key=KEY, model="gemini-x", ledger=Ledger(), **options)


def probed(wire: WireServer, gateway: Any, base: str = "", **options: Any) -> Any:
    with client_for(wire, gateway, base, **options) as client:
        return probe(client)


def words(found: Any) -> dict[str, str]:
    return {finding.check: finding.words for finding in found.findings}


# What is found


ROWS = {
    "gogogotoken": (Gateway(stream="JSON array", models="OpenAI", models_path="/v1/models"), ""),
    "theturbo": (
        Gateway(path="/v1/v1beta", stream="one JSON object", models="OpenAI", models_path="/v1/models"),
        "/v1",
    ),
    "unigateway": (Gateway(models="OpenAI", models_path="/v1/models"), ""),
    "google": (Gateway(header="x-goog-api-key"), ""),
}


@pytest.mark.parametrize("name", ROWS)
def test_every_gateways_ways_are_found(wire, name):
    gateway, base = ROWS[name]
    found = probed(wire, gateway, base, profile=PROFILES[name])
    capabilities = found.capabilities
    assert found.fine
    assert (capabilities.path, capabilities.stream, capabilities.models) == (
        gateway.path,
        gateway.stream,
        gateway.models,
    )
    assert capabilities.auth == ("x-goog-api-key" if name == "google" else "bearer")
    assert (capabilities.count_tokens, capabilities.json_schema, capabilities.inline_images) == (
        True,
        "responseJsonSchema",
        True,
    )
    assert (capabilities.function_schema, capabilities.function_ids) == ("parametersJsonSchema", None)
    assert capabilities.model_count == len(MODELS[gateway.models].get("data", [1]))
    other = {"authorization": "x-goog-api-key", "x-goog-api-key": "authorization"}[gateway.header]
    assert [seen.target for seen in wire.seen if seen.header(other)] == []


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_the_spelling_of_its_streams_is_found(wire, spelling):
    assert probed(wire, Gateway(stream=spelling)).capabilities.stream == spelling


def test_requests_are_few_small_and_of_their_own(wire):
    assert probed(wire, Gateway()).fine
    assert len(wire.seen) == 7
    for seen in wire.seen:
        assert len(seen.body) < 600
        if seen.method == "POST" and "countTokens" not in seen.target:
            assert seen.json()["generationConfig"]["maxOutputTokens"] <= 16


def test_they_count_for_the_ledger(wire):
    client = client_for(wire, Gateway())
    probe(client)
    assert len(client._ledger.entries) == 5
    client.close()


@pytest.mark.parametrize("path", ["/v1", "/v1/v1beta", ""])
def test_another_path_is_found_and_the_setting_for_it_named(wire, path):
    found = probed(wire, Gateway(path=path))
    assert found.fine
    assert found.capabilities.path == path
    assert f"and not /v1beta/models/…: set api_path = {path!r}" in words(found)["path"]
    assert found.capabilities.stream == "SSE"


def test_the_setting_that_is_named_is_the_one_that_helps(wire):
    found = probed(wire, Gateway(path="/v1"), "/v1")
    assert "set base_url =" in words(found)["path"]
    ready = Profile("here", wire.url, api_path="/v1")
    with Client(profile=ready, api_key=KEY, model="gemini-x", ledger=Ledger()) as client:
        assert client.generate("Hi").text == "OK"


@pytest.mark.parametrize(("header", "auth"), [("x-goog-api-key", "x-goog-api-key"), ("authorization", "bearer")])
def test_another_header_for_the_key_is_found_and_the_setting_for_it_named(wire, header, auth):
    wrong = {"bearer": "x-goog-api-key", "x-goog-api-key": "bearer"}[auth]
    found = probed(wire, Gateway(header=header), profile=Profile("here", "http://127.0.0.1", auth=wrong))
    assert found.fine
    assert found.capabilities.auth == auth
    assert f"not otherwise: set auth = {auth!r}" in words(found)["header"]


def test_a_key_that_is_refused_is_a_problem_and_nothing_is_concluded_from_it(wire):
    found = probed(wire, Gateway(header="x-other"))
    assert not found.fine
    assert "401" in words(found)["answer"]
    kept = found.capabilities.to_dict()
    assert kept.keys() == {"model", "checked", "reasons"}
    assert "401" in kept["reasons"]["count_tokens"]


def test_without_a_key_no_other_header_is_tried(wire):
    wire.answers(Gateway(header=""))
    with Client(wire.url, None, "gemini-x", auth="none", ledger=Ledger()) as client:
        found = probe(client)
    assert found.capabilities.auth == "none"
    assert words(found)["header"] == "none is sent"
    assert not any(seen.header("authorization") or seen.header("x-goog-api-key") for seen in wire.seen)


def test_what_it_does_not_have_is_told_with_its_words(wire):
    found = probed(wire, Gateway(counts=False, schemas=(), pictures=False, models_path="/nowhere"))
    capabilities = found.capabilities
    assert found.fine
    assert (capabilities.count_tokens, capabilities.json_schema) == (False, "none")
    assert capabilities.function_schema == "none"
    assert (capabilities.inline_images, capabilities.models) == (False, "none")
    assert words(found)["tokens"].startswith("no: 404 X: Not here.")
    assert words(found)["pictures"] == "no: 400 X: Not here."
    assert "responseSchema is refused" in capabilities.reasons["json_schema"]


def test_the_older_field_for_a_schema_is_found(wire):
    found = probed(wire, Gateway(schemas=("responseSchema", "parameters")))
    assert found.capabilities.json_schema == "responseSchema"
    assert found.capabilities.function_schema == "parameters"
    assert "responseJsonSchema is refused" in words(found)["schema"]
    assert "parametersJsonSchema is refused" in words(found)["functions"]


def test_a_field_that_is_passed_over_does_not_count(wire):
    found = probed(wire, Gateway(passed_over=True))
    assert found.capabilities.json_schema == "none"
    assert found.capabilities.function_schema == "none"
    assert "passed over" in words(found)["schema"]
    assert "passed over: the answer is no call" in words(found)["functions"]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_what_failed_just_now_is_not_found_out(wire, status):
    gateway = Gateway()

    def busy(seen: Seen) -> Say:
        return gateway.refused(status) if "countTokens" in seen.target else gateway(seen)

    found = probed(wire, busy)
    assert found.capabilities.count_tokens is None
    assert words(found)["tokens"].startswith(f"not found out: {status}")
    assert found.capabilities.inline_images is True
    assert len([seen for seen in wire.seen if "countTokens" in seen.target]) == 1


def test_a_count_without_a_number_is_none(wire):
    gateway = Gateway()
    found = probed(wire, lambda seen: gateway.say({}) if "countTokens" in seen.target else gateway(seen))
    assert found.capabilities.count_tokens is False


def test_a_stream_that_breaks_off_is_told(wire):
    gateway = Gateway()
    cut = Say([event("O")], framing="chunked")
    found = probed(wire, lambda seen: cut if "stream" in seen.target else gateway(seen))
    assert found.capabilities.stream is None
    assert words(found)["stream"].startswith("not found out: ")
    assert found.fine


def test_where_nobody_listens_nothing_else_is_asked():
    gone = WireServer()
    gone.close()
    with Client(gone.url, KEY, "gemini-x", ledger=Ledger()) as client:
        found = probe(client)
    assert not found.fine
    assert [finding.check for finding in found.findings] == ["answer", "the rest"]


def test_limits_that_are_stated_are_told(wire):
    headers = {"X-RateLimit-Limit-Requests": "60", "ratelimit-limit": "100, 100;w=60", "x-ratelimit-limit-x": KEY * 9}
    capabilities = probed(wire, Gateway(headers=headers)).capabilities
    assert capabilities.limits == {
        "prompt tokens": "1,000,000",
        "answer tokens": "65,536",
        "x-ratelimit-limit-requests": "60",
        "ratelimit-limit": "100, 100;w=60",
    }


def test_a_model_that_is_not_in_the_list_is_told(wire):
    gateway = Gateway(models="OpenAI")
    others = {"data": [{"id": "other"}]}
    found = probed(wire, lambda seen: gateway.say(others) if seen.method == "GET" else gateway(seen))
    assert words(found)["models"] == "1 in OpenAI's shape; gemini-x is not among them"


def test_fallback_models_are_not_asked(wire):
    found = probed(wire, Gateway(path="/elsewhere"), fallback=("gemini-y",))
    assert not found.fine
    assert not any("gemini-y" in seen.target for seen in wire.seen)


def test_nothing_is_sent_above_the_budget(wire):
    usage = {"promptTokenCount": 2, "candidatesTokenCount": 3, "totalTokenCount": 5}
    with client_for(wire, unary("OK", usageMetadata=usage)) as client:
        client._ledger.budget = Budget(tokens=4)
        client.generate("Hi")
        wire.answers(Gateway())
        found = probe(client)
    assert not found.fine
    assert "budget" in words(found)["answer"]
    assert [seen.target for seen in wire.seen[1:] if "enerateContent" in seen.target] == []


def test_neither_a_cache_nor_a_tape_has_a_part_in_it(wire, tmp_path):
    client = client_for(wire, Gateway())
    shelved = client.with_shelf(AnswerCache(tmp_path / "cache")).with_shelf(Recorder(Tape(tmp_path / "tape.jsonl")))
    first, second = probe(shelved), probe(shelved)
    assert first.capabilities == second.capabilities
    assert len(wire.seen) == 14
    assert not (tmp_path / "tape.jsonl").exists()
    client.close()


def test_where_a_tape_answers_there_is_nothing_to_try(tmp_path):
    tape = tmp_path / "tape.jsonl"
    tape.touch()
    with replaying_client(tape, "gemini-x") as client, pytest.raises(UsageError, match="tape"):
        probe(client)


# Keys


def echoing(_: Seen) -> Say:
    said = {"error": {"code": 400, "message": f"{KEY} is not welcome", "status": KEY, "details": [{"reason": KEY}]}}
    return Say([json.dumps(said).encode()], status=400, headers={"x-ratelimit-limit-key": KEY})


def echoing_answer(seen: Seen) -> Say:
    if seen.method == "GET":
        return Say([json.dumps({"data": [{"id": KEY}]}).encode()])
    return Say([event(f"OK {KEY}", "STOP", modelVersion=f"m-{KEY}")[6:].strip()], headers={"ratelimit-limit": KEY})


@pytest.mark.parametrize("gateway", [echoing, echoing_answer, Gateway(header="x-other")])
def test_no_form_of_the_key_is_found_or_kept(wire, gateway, state):
    with client_for(wire, gateway) as client:
        found = probe(client)
        remember(client.profile, found.capabilities)
    said = f"{found} {found.capabilities!r} {json.dumps(found.capabilities.to_dict())} {state.read_text()}"
    assert [form for form, text in FORMS.items() if text in said] == []
