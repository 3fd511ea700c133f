"""One cell, every gateway: doubles that insist on exactly what each gateway asks for."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from wire_server import Say, Seen, event

from gemini_magic.exceptions import AuthError, PermissionDenied

if TYPE_CHECKING:
    from pathlib import Path

KEY = "planted-4f9d2c71ab63e508"
CELL = "%%gemini --profile {profile}\nWhy is the sky blue?"
WORDS = ("Because of ", "Rayleigh ", "scattering.")
EVENTS = [event(WORDS[0]), event(WORDS[1]), event(WORDS[2], "STOP")]
CHUNKS = [each[6:].strip() for each in EVENTS]
ARRAY = [b"[" + CHUNKS[0], b"\n,\r\n" + CHUNKS[1], b"\n,\r\n" + CHUNKS[2] + b"\n]"]
GOOGLE_MODELS = {"models": [{"name": "models/gemini-2.5-flash"}]}
OPENAI_MODELS = {"object": "list", "data": [{"id": "gemini-2.5-flash", "object": "model"}]}
GOOGLE_ERROR = {"error": {"code": 401, "message": "No.", "status": "UNAUTHENTICATED"}}


@dataclass
class Double:
    """A gateway as its documentation describes it."""

    model: str
    path: str
    query: str = "alt=sse"
    required: tuple[str, str] = ("authorization", f"Bearer {KEY}")
    forbidden: tuple[str, ...] = ("x-goog-api-key",)
    also: dict[str, str] = field(default_factory=dict)
    stream: list[bytes] = field(default_factory=lambda: EVENTS)
    content_type: str = "text/event-stream"
    models_path: str = "/v1/models"
    models: Any = field(default_factory=lambda: OPENAI_MODELS)
    error: Any = field(default_factory=lambda: GOOGLE_ERROR)
    base: str = ""

    def __call__(self, seen: Seen) -> Say:
        self.check_headers(seen)
        if seen.method == "GET":
            status = 200 if seen.path == self.models_path else 404
            return Say([json.dumps(self.models).encode()], status=status)
        assert (seen.path, seen.query) == (f"{self.path}/models/{self.model}:streamGenerateContent", self.query)
        assert seen.json() == {"contents": [{"role": "user", "parts": [{"text": "Why is the sky blue?"}]}]}
        return Say(self.stream, headers={"content-type": self.content_type}, framing="chunked")

    def refuse(self, seen: Seen) -> Say:
        self.check_headers(seen)
        return Say([json.dumps(self.error).encode()], status=401)

    def check_headers(self, seen: Seen) -> None:
        assert seen.header(self.required[0]) == self.required[1]
        assert [name for name in self.forbidden if seen.header(name) is not None] == []
        assert {name: seen.header(name) for name in self.also} == self.also
        assert [name for name, value in seen.headers if KEY in value] == [self.required[0]]
        assert KEY not in seen.target
        assert KEY.encode() not in seen.body


DOUBLES = {
    "gogogotoken": Double(
        "gemini-2.5-pro",
        "/v1beta",
        query="",
        stream=ARRAY,
        content_type="application/json",
        error={"error": {"message": "No.", "code": "invalid_api_key"}},
    ),
    "theturbo": Double(
        "gemini-2.5-flash",
        "/v1/v1beta",
        query="",
        base="/v1",
        also={"accept": "application/json"},
        error={"detail": "No."},
    ),
    "unigateway": Double("gemini-3-pro-preview", "/v1beta"),
    "google": Double(
        "gemini-2.5-flash",
        "/v1beta",
        required=("x-goog-api-key", KEY),
        forbidden=("authorization",),
        models_path="/v1beta/models",
        models=GOOGLE_MODELS,
    ),
    "mine": Double("gemini-2.5-flash", "/v1beta", stream=[chunk + b"\n" for chunk in CHUNKS], models_path="/v1/models"),
}


@pytest.fixture
def gateway(request: pytest.FixtureRequest, notebook: Any, monkeypatch: pytest.MonkeyPatch) -> Double:
    """The double of a profile, which the config file puts in the gateway's place."""
    double = DOUBLES[request.param]
    model = 'model = "gemini-2.5-flash"\n' if request.param == "mine" else ""
    write(notebook.config, f'[profiles.{request.param}]\nbase_url = "{notebook.wire.url}{double.base}"\n{model}')
    monkeypatch.setenv("PLANTED_KEY", KEY)
    return double


def write(config: Path, text: str) -> None:
    config.write_text(text + 'key_variable = "PLANTED_KEY"\n')


every_gateway = pytest.mark.parametrize(
    ("gateway", "profile"), [(name, name) for name in DOUBLES], indirect=["gateway"]
)


@every_gateway
def test_the_same_cell_is_answered_through_every_gateway(notebook, gateway, profile, capsys, caplog):
    caplog.set_level(logging.DEBUG)
    notebook.wire.answers(gateway)
    notebook.run(CELL.format(profile=profile))
    reply = notebook["_gemini"]
    assert reply.text == "".join(WORDS)
    assert reply.finish_reason == "STOP"
    shown = "".join(capsys.readouterr())
    assert "Rayleigh scattering." in shown
    assert [name for name, text in (("output", shown), ("log", caplog.text)) if KEY in text] == []


@every_gateway
def test_its_models_are_listed(notebook, gateway, profile, capsys):
    notebook.wire.answers(gateway)
    notebook.run(f"%gemini --profile {profile} models")
    assert "gemini-2.5-flash" in capsys.readouterr().out


@every_gateway
def test_its_refusal_of_a_key_fails_the_cell_without_showing_the_key(notebook, gateway, profile):
    notebook.wire.answers(gateway.refuse)
    with pytest.raises((AuthError, PermissionDenied)) as refused:
        notebook.run(CELL.format(profile=profile))
    assert refused.value.status == 401
    assert refused.value.message == "No."
    assert KEY not in repr(refused.value) + str(refused.value) + repr(vars(refused.value))
    assert len(notebook.wire.seen) == 1


def test_the_embedded_server_answers_the_same_cell(notebook, capsys):
    notebook.run("%%gemini --profile local -m echo\nWhy is the sky blue?")
    assert notebook["_gemini"].text == "Why is the sky blue?"
    notebook.run("%gemini --profile local models")
    assert "echo" in capsys.readouterr().out
