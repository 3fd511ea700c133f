"""``%gemini doctor``: what a gateway can do, in a table, and kept."""

from __future__ import annotations

import base64
import json
import os
import urllib.parse
from typing import TYPE_CHECKING, Any

import pytest
from wire_server import Say, Seen, event

from gemini_magic.client.capabilities import known
from gemini_magic.display.cards import Table
from gemini_magic.exceptions import ConfigError
from gemini_magic.settings import LOCAL, PROFILES, load_config

if TYPE_CHECKING:
    from pathlib import Path

KEY = "planted-e8127fc05b93da64"
FORMS = {
    "raw": KEY,
    "in a URL": urllib.parse.quote(KEY, safe="").replace("-", "%2D"),
    "base64": base64.b64encode(KEY.encode()).decode().rstrip("="),
    "hex": KEY.encode().hex(),
    "escaped": "".join(f"\\u{ord(character):04x}" for character in KEY),
    "its beginning": KEY[:12],
}


def gateway(seen: Seen) -> Say:
    """Answers everything but a count, and repeats whatever key it is sent."""
    key = seen.header("authorization") or ""
    if seen.method == "GET":
        return Say([json.dumps({"data": [{"id": "gemini-x"}, {"id": "b"}]}).encode()])
    if "countTokens" in seen.target:
        return Say([json.dumps({"error": {"message": f"No counting for {key}."}}).encode()], status=404)
    text = '{"ok": true}' if "Schema" in seen.body.decode() else f"OK {key}"
    piece = event(text, "STOP", modelVersion="gemini-x")
    return Say([piece if "alt=sse" in seen.target else piece[6:].strip()])


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of our own for what is remembered."""
    monkeypatch.setenv("GEMINI_MAGIC_STATE", str(tmp_path / "state"))
    return tmp_path / "state" / "capabilities.json"


def rows_of(notebook: Any, line: str = "doctor") -> dict[str, str]:
    notebook.run(f"table = %gemini {line}")
    table = notebook["table"]
    assert isinstance(table, Table)
    return {row["check"]: row["finding"] for row in table.rows}


def test_a_table_says_what_the_gateway_can_do(notebook, capsys):
    notebook.wire.answers(gateway)
    rows = rows_of(notebook)
    assert list(rows) == [
        "gateway",
        "answer",
        "path",
        "header",
        "stream",
        "models",
        "tokens",
        "schema",
        "functions",
        "pictures",
        "limits",
        "memory",
    ]
    assert rows["gateway"] == f"{notebook.wire.url}; key: no key is needed"
    assert rows["path"] == "/v1beta/models/…"
    assert rows["models"] == "2 in OpenAI's shape"
    assert rows["tokens"].startswith("no: 404")
    notebook.run("%gemini doctor")
    assert "What the gateway here can do, tried with gemini-x" in capsys.readouterr().out


def test_it_is_remembered_for_the_requests_to_come(notebook, state):
    notebook.wire.answers(gateway)
    notebook.run("%gemini doctor")
    found = known(load_config().profiles["here"])
    assert found is not None
    assert found.count_tokens is False
    assert found.inline_images is True
    assert state.exists()


def test_another_gateway_and_another_model_can_be_named(notebook):
    rows = rows_of(notebook, "-m echo doctor local")
    assert rows["gateway"] == "the embedded server, on this machine"
    assert rows["answer"].startswith("echo says 'Answer with the word OK.'")
    assert (rows["tokens"], rows["pictures"]) == ("counted", "taken")
    assert notebook.wire.seen == []
    found = known(PROFILES[LOCAL])
    assert found is not None
    assert found.model == "echo"


def test_a_gateway_that_does_not_exist_is_an_error(notebook):
    with pytest.raises(ConfigError, match="'nowhere'"):
        notebook.run("%gemini doctor nowhere")


def test_a_gateway_that_does_not_answer_is_a_problem_and_is_not_remembered(notebook, state):
    notebook.wire.answers(Say([b'{"error": {"message": "closed"}}'], status=503))
    rows = rows_of(notebook)
    assert rows["answer"].startswith("problem: 503: closed")
    assert "memory" not in rows
    assert not state.exists()


@pytest.mark.skipif(os.name == "nt", reason="a file in a folder's place is told otherwise there")
def test_a_state_that_cannot_be_written_is_a_line(notebook, state):
    notebook.wire.answers(gateway)
    state.parent.write_text("a file")
    assert "cannot be written" in rows_of(notebook)["memory"]


def test_conversations_are_left_alone(notebook):
    notebook.wire.answers(gateway)
    notebook.run("%gemini one\n%gemini doctor\n%gemini two")
    assert len(notebook.body["contents"]) == 3


def test_no_form_of_the_key_is_shown_or_kept(notebook, monkeypatch, capsys, state):
    text = notebook.config.read_text().replace('auth = "none"', 'auth = "bearer"\nkey_variable = "KEY_OF_TEST"')
    notebook.config.write_text(text)
    monkeypatch.setenv("KEY_OF_TEST", KEY)
    notebook.wire.answers(gateway)
    rows = rows_of(notebook)
    assert "key: from KEY_OF_TEST" in rows["gateway"]
    notebook.run("%gemini doctor")
    said = f"{capsys.readouterr().out} {state.read_text()} {notebook['table']._repr_mimebundle_()}"
    assert [form for form, words in FORMS.items() if words in said] == []
    assert KEY in notebook.wire.seen[0].header("authorization")
