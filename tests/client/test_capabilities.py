"""What is known of gateways, from kernel to kernel."""

from __future__ import annotations

import json
import os
import stat
from dataclasses import fields, replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_magic.client.capabilities import Capabilities, capabilities_path, known, learn, remember
from gemini_magic.exceptions import StoreError
from gemini_magic.settings import LOCAL, Profile

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of our own for what is remembered."""
    monkeypatch.setenv("GEMINI_MAGIC_STATE", str(tmp_path / "state"))
    return tmp_path / "state" / "capabilities.json"


HERE = Profile("here", "https://gateway.example")
FOUND = Capabilities("gemini-x", "2026-01-31", "/v1beta", "bearer", count_tokens=False, reasons={"count_tokens": "404"})


def test_what_is_remembered_is_known_again(state):
    assert known(HERE) is None
    remember(HERE, FOUND)
    assert capabilities_path() == state
    assert known(HERE) == FOUND
    assert known(replace(HERE, name="other")) is None
    assert known(HERE.with_base_url("https://elsewhere.example")) is None
    assert known(HERE.with_base_url("https://gateway.example/v1")) == FOUND


@pytest.mark.skipif(os.name == "nt", reason="modes are POSIX's")
def test_only_its_owner_can_read_it(state):
    remember(HERE, FOUND)
    assert stat.S_IMODE(state.stat().st_mode) == 0o600
    assert stat.S_IMODE(state.parent.stat().st_mode) == 0o700
    state.chmod(0o644)
    remember(HERE, FOUND)
    assert stat.S_IMODE(state.stat().st_mode) == 0o600
    assert [path.name for path in state.parent.iterdir()] == [state.name]


def test_the_embedded_server_is_the_same_at_every_port():
    local = Profile(LOCAL, "http://127.0.0.1:1111")
    remember(local, FOUND)
    assert known(local.with_base_url("http://127.0.0.1:2222")) == FOUND


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"version": 2, "gateways": {}}',
        b'{"version": 1, "gateways": []}',
        b'{"version": 1, "gateways": {"here https://gateway.example": 3}}',
        b"[" * 100_000,
        b" " * 1_000_001,
    ],
)
def test_a_damaged_file_counts_as_an_empty_one(state, damage):
    state.parent.mkdir(parents=True)
    state.write_bytes(damage)
    assert (known(HERE) or Capabilities()) == Capabilities()
    remember(HERE, FOUND)
    assert known(HERE) == FOUND


def test_a_folder_that_cannot_be_written_is_told_once_and_else_does_no_harm(state):
    state.parent.write_text("a file")
    with pytest.raises(StoreError, match="cannot be written"):
        remember(HERE, FOUND)
    learn(HERE, count_tokens=False)
    assert known(HERE) is None


def test_single_things_are_learned():
    learn(HERE, json_schema="none", reason="400 Unknown name")
    learn(HERE, count_tokens=True)
    learned = known(HERE)
    assert learned == Capabilities(json_schema="none", count_tokens=True, reasons={"json_schema": "400 Unknown name"})
    learn(HERE, json_schema="responseSchema")
    assert known(HERE) == Capabilities(json_schema="responseSchema", count_tokens=True)


def test_learning_what_is_known_writes_nothing(state):
    learn(HERE, count_tokens=True)
    state.unlink()
    remember(HERE, FOUND)
    before = state.stat().st_mtime_ns
    learn(HERE, count_tokens=False, reason="404")
    assert state.stat().st_mtime_ns == before


def test_what_nobody_knows_is_not_learned():
    with pytest.raises(TypeError):
        learn(HERE, no_such_thing=True)


def test_the_oldest_gateways_are_forgotten(state):
    for number in range(205):
        remember(replace(HERE, name=f"p{number}"), FOUND)
    assert len(json.loads(state.read_bytes())["gateways"]) == 200
    assert known(replace(HERE, name="p4")) is None
    assert known(replace(HERE, name="p204")) == FOUND


texts = st.text(max_size=5)
anything = st.none() | st.booleans() | st.integers(-2, 2) | texts | st.dictionaries(texts, texts) | st.lists(texts)


@given(st.dictionaries(st.sampled_from([each.name for each in fields(Capabilities)]) | texts, anything) | anything)
def test_whatever_the_file_says_it_can_be_read(data):
    capabilities = Capabilities.from_dict(data)
    assert Capabilities.from_dict(json.loads(json.dumps(capabilities.to_dict()))) == capabilities
