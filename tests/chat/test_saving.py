"""Saving and loading: every byte of the history comes back, and a file is there whole or not at all."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from wire_server import Say, error, unary

from gemini_magic.chat import Conversation
from gemini_magic.chat.files import write_file
from gemini_magic.client import Client
from gemini_magic.exceptions import BadRequest, ConversationFileError, GeminiMagicError, StoreDiskFull, StoreError
from gemini_magic.wire import Part

ASK_IN_A_NEW_PROCESS = """
    import sys
    from gemini_magic.chat import Conversation
    from gemini_magic.client import Client

    chat = Conversation.load(sys.argv[1], Client(sys.argv[2], model="gemini-x", auth="none"))
    chat.ask("And now?")
"""
FORMS = pytest.mark.parametrize("form", ["json", "ipynb"])


def ask_in_a_new_process(path, wire):
    script = textwrap.dedent(ASK_IN_A_NEW_PROCESS)
    command = [sys.executable, "-c", script, str(path), wire.url]
    subprocess.run(command, check=True, timeout=100)  # noqa: S603 - our own words
    return wire.seen[-1].body


# What comes back


@FORMS
def test_the_next_request_of_a_new_process_is_the_same_byte_for_byte(chat, wire, answer_of, tmp_path, form):
    result = {"functionResponse": {"id": "call-1", "name": "now", "response": {"result": [1.0, 1e16, "é\u2028"]}}}
    wire.answers(answer_of(), unary("It is noon. 😀"))
    chat.system = "Be brief."
    chat.ask("What time is it?", Part.from_bytes(bytes(range(256)), "image/png"))
    chat.ask(result)
    path = chat.save(tmp_path / f"chat.{form}")
    chat.ask("And now?")
    here = wire.seen[-1].body
    assert b'"thoughtSignature":"c2lnMg=="' in here
    assert ask_in_a_new_process(path, wire) == here


@FORMS
def test_recorded_calls_and_signatures_come_back_byte_for_byte(chat, wire, recordings, tmp_path, form):
    files = sorted(path for path in recordings.rglob("*.json") if b"thoughtSignature" in path.read_bytes())[:12]
    assert files
    for file in files:
        wire.answers(Say([file.read_bytes()]))
        try:
            chat.ask(f"What of {file.stem}?")
        except GeminiMagicError:
            continue
    assert sum(turn.replayed for turn in chat.turns) >= 5
    loaded = Conversation.load(chat.save(tmp_path / f"chat.{form}"), chat.client)
    wire.answers(unary("fine"))
    chat.ask("And now?")
    loaded.ask("And now?")
    before, after = (seen.body for seen in wire.seen[-2:])
    assert before == after
    assert before.count(b"thoughtSignature") >= 5


def test_a_loaded_conversation_is_the_one_that_was_saved(chat, wire, answer_of, tmp_path):
    wire.answers(answer_of(), error(400, "Bad.\ud800\x1b[1m"), unary("Half", finish="MAX_TOKENS"))
    chat.ask("one", cell="c1", run="r1", model="gemini-y", config={"temperature": 0}, system="Rhyme.")
    with pytest.raises(BadRequest):
        chat.ask("two")
    chat.ask("three", safety={"HARM": "NONE"}, extra={"labels": {"a": None}})
    chat.ask("one", place=1)
    chat.system = {"parts": [{"text": "Be brief.", "newField": 1}]}
    loaded = Conversation.load(chat.save(tmp_path / "chat.json"))
    assert loaded.turns == chat.turns
    assert (loaded.system, loaded.name, loaded.notes, loaded.stale) == (chat.system, "main", (), (3,))
    assert [turn.status for turn in loaded.turns] == ["truncated", "failed", "truncated"]
    assert (tmp_path / "chat.json").read_bytes() == loaded.save(tmp_path / "again.json").read_bytes()


def test_a_file_is_json_of_a_stated_form_and_version(chat, wire, tmp_path):
    wire.answers(unary("Yes."))
    chat.ask("one")
    document = json.loads(chat.save(tmp_path / "chat.json").read_text())
    assert (document["format"], document["version"], document["name"]) == ("gemini_magic.conversation", 1, "main")
    (turn,) = document["turns"]
    assert turn["question"] == {"parts": [{"text": "one"}], "role": "user"}
    assert turn["reply"]["response"]["candidates"][0]["content"]["parts"] == [{"text": "Yes."}]


def test_a_conversation_loaded_without_a_client_finds_one_when_it_asks(chat, wire, tmp_path, monkeypatch):
    wire.answers(unary("Yes."))
    chat.ask("one")
    loaded = Conversation.load(chat.save(tmp_path / "chat.json"))
    assert repr(loaded) == "<Conversation 'main': 1 turn>"
    config = tmp_path / "config.toml"
    config.write_text(f'profile="here"\n[profiles.here]\nbase_url="{wire.url}"\nauth="none"\nmodel="gemini-x"\n')
    monkeypatch.setenv("GEMINI_MAGIC_CONFIG", str(config))
    assert loaded.ask("two").text == "Yes."
    assert len(wire.seen[-1].json()["contents"]) == 3


def test_a_conversation_that_holds_the_key_is_not_written(wire, tmp_path):
    key = "planted-key-0123456789-abcdefghijklmnop"
    wire.answers(unary("Yes."))
    with Client(wire.url, model="gemini-x", api_key=key) as client:
        chat = Conversation(client)
        chat.ask("fine")
        path = chat.save(tmp_path / "chat.json")
        assert key.encode() not in path.read_bytes()
        chat.ask(f"my key is {key}")
        for ending in ("json", "md", "ipynb"):
            with pytest.raises(StoreError, match="holds your API key"):
                chat.save(tmp_path / f"other.{ending}")
    assert [file.name for file in tmp_path.iterdir()] == ["chat.json"]


# How it is written


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o777])
@pytest.mark.parametrize("form", ["json", "ipynb", "md"])
def test_only_the_owner_can_read_a_saved_file(chat, tmp_path, umask, form):
    before = os.umask(umask)
    try:
        path = chat.save(tmp_path / f"chat.{form}")
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_another_ending_is_refused(chat, tmp_path):
    for name in ("chat.pkl", "chat.txt", "chat"):
        with pytest.raises(StoreError, match=r"ends neither in \.json nor in \.ipynb nor in \.md"):
            chat.save(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_what_is_larger_than_can_be_loaded_is_not_written(tmp_path):
    with pytest.raises(StoreError, match="50,000,001 bytes, and its file may have 50,000,000"):
        write_file(tmp_path / "chat.json", bytes(50_000_001), marker=b"")
    assert not list(tmp_path.iterdir())


def test_a_full_disk_leaves_the_old_file(chat, wire, tmp_path):
    resource = pytest.importorskip("resource")
    path = chat.save(tmp_path / "chat.json")
    before = path.read_bytes()
    wire.answers(unary("word " * 100_000))
    chat.ask("one")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64_000, limits[1]))
    try:
        with pytest.raises(StoreDiskFull, match=r"chat\.json cannot be written: File too large"):
            chat.save(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["chat.json"]


def test_what_a_killed_process_left_is_cleared_by_the_next_save(chat, tmp_path):
    names = (".chat.json.0123456789ab.tmp", ".chat.json.ba9876543210.tmp", ".other.json.0123456789ab.tmp")
    for name in names:
        (tmp_path / name).write_text("half")
    os.utime(tmp_path / names[0], (1, 1))
    os.utime(tmp_path / names[2], (1, 1))
    chat.save(tmp_path / "chat.json")
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted(["chat.json", *names[1:]])


SAVE_AND_BE_KILLED = """
    import os, random, signal, sys, time
    from pathlib import Path
    from gemini_magic.chat import store
    from gemini_magic.chat.store import read

    path, versions = Path(sys.argv[1]), [Path(name).read_bytes() for name in sys.argv[2:]]
    store.write(path, versions[0])
    chance = random.Random(5)
    seen = set()
    for _ in range(20):
        ready, started = os.pipe()
        child = os.fork()
        if not child:
            while True:
                for data in versions:
                    os.write(started, b".")
                    store.write(path, data)
        os.read(ready, 1)
        time.sleep(chance.uniform(0, 0.06))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(ready), os.close(started)
        data = path.read_bytes()
        assert data in versions, "the file is neither the old one nor the new one"
        assert path.stat().st_mode & 0o777 == 0o600
        assert len(read(path)) == 1
        seen.add(versions.index(data))
    print(sorted(seen))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that can be killed")
def test_a_process_killed_while_it_saves_leaves_the_old_file_or_the_new_one(chat, wire, tmp_path):
    wire.answers(unary("x" * 2_500_000))
    for name in ("old", "new"):
        chat.ask(name)
        chat.edit(1, name, Part.from_bytes(name.encode() * 800_000, "image/png"))
        chat.save(tmp_path / f"{name}.json")
    old, new = (tmp_path / f"{name}.json" for name in ("old", "new"))
    assert old.stat().st_size > 5_000_000
    target = tmp_path / "saved" / "chat.json"
    target.parent.mkdir()
    script = textwrap.dedent(SAVE_AND_BE_KILLED)
    command = [sys.executable, "-c", script, str(target), str(old), str(new)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)  # noqa: S603 - our own words
    assert run.returncode == 0, run.stderr
    for leftover in target.parent.glob(".chat.json.*.tmp"):
        assert stat.S_IMODE(leftover.stat().st_mode) == 0o600


def test_no_format_is_read_that_makes_objects():
    sources = [path.read_text() for path in Path(sys.modules[Conversation.__module__].__file__).parent.glob("*.py")]
    assert len(sources) > 10
    words = ("import pickle", "import marshal", "import shelve", "yaml", "eval(", "exec(", "joblib", "import_module")
    assert not [word for word in words for source in sources if word in source]


def test_a_notebook_with_several_conversations_is_asked_for_one(chat, wire, tmp_path):
    wire.answers(unary("Yes."))
    chat.ask("one")
    notebooks = [json.loads(one.save(tmp_path / "a.ipynb").read_text()) for one in (chat, chat.fork("other"))]
    notebooks[0]["cells"] += notebooks[1]["cells"]
    (tmp_path / "a.ipynb").write_text(json.dumps(notebooks[0]))
    assert Conversation.load(tmp_path / "a.ipynb", name="other").name == "other"
    with pytest.raises(ConversationFileError, match=r"several conversations: main, other\."):
        Conversation.load(tmp_path / "a.ipynb")
