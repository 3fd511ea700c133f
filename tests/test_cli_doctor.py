"""``gemini-magic doctor --ask``: the same questions as in a notebook, asked from a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wire_server import error, unary

from gemini_magic.cli import main

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from wire_server import WireServer

KEY = "planted-60cd2f18e7b9a345"


def own_gateway(path: Path, wire: WireServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A gateway on this machine is the profile that answers."""
    config = path / "config.toml"
    config.write_text(
        f'profile = "here"\n[profiles.here]\nbase_url = "{wire.url}"\nmodel = "gemini-x"\nkey_variable = "OUR_KEY"\n'
    )
    monkeypatch.setenv("GEMINI_MAGIC_CONFIG", str(config))
    monkeypatch.setenv("GEMINI_MAGIC_STATE", str(path / "state"))
    monkeypatch.setenv("GEMINI_MAGIC_MODELS", str(path))
    monkeypatch.setenv("OUR_KEY", KEY)


def doctor_says(capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    main(["doctor", "--ask"])
    lines = capsys.readouterr().out.splitlines()
    return {line[:10].rstrip(): line[10:] for line in lines}


def test_doctor_asks_a_gateway_what_it_can_do(
    tmp_path: Path, wire: WireServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    own_gateway(tmp_path, wire, monkeypatch)
    wire.answers(unary(f"OK {KEY}"))
    said = doctor_says(capsys)
    assert said["key"] == f"from OUR_KEY, sent to {wire.url} only"
    assert said["header"] == "taken as Authorization: Bearer"
    assert said["stream"].startswith("one JSON object")
    assert said["tokens"].startswith("no: ")
    assert KEY not in str(said) + (tmp_path / "state" / "capabilities.json").read_text()
    assert said.keys() >= {"versions", "profile", "key", "embedded", "answer", "path", "models", "schema", "memory"}


def test_doctor_says_when_nobody_answers(
    tmp_path: Path, wire: WireServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    own_gateway(tmp_path, wire, monkeypatch)
    wire.answers(error(401, f"No such key: {KEY}"))
    said = doctor_says(capsys)
    assert said["answer"].startswith("problem: 401")
    assert "memory" not in said
    assert KEY not in str(said)
    monkeypatch.delenv("OUR_KEY")
    assert doctor_says(capsys)["answer"].startswith("problem: No key for the profile 'here'.")
