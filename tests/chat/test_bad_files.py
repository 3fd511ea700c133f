"""Conversation files that are missing, damaged, hostile or in a bad place: one clear line, and nothing happens."""

from __future__ import annotations

import base64
import io
import json
import os
import pickle
import sqlite3
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from wire_server import unary

from gemini_magic.chat import Conversation
from gemini_magic.chat.files import MAX_BYTES, safe_name
from gemini_magic.exceptions import ConversationFileError, StoreError
from gemini_magic.wire import Part

CANARY = "canary-7f3a-in-the-environment"


@pytest.fixture
def document(chat, wire, answer_of, tmp_path):
    """The JSON of a saved conversation of two turns."""
    wire.answers(answer_of(), unary("Noon."))
    chat.ask("What time is it?", Part.from_bytes(b"\x89PNG\r\n\x1a\n", "image/png"), config={"temperature": 0})
    chat.ask({"functionResponse": {"id": "call-1", "name": "now", "response": {"result": "12:00"}}})
    return json.loads(chat.save(tmp_path / "valid.json").read_bytes())


@pytest.fixture
def load(tmp_path):
    """Load what is given as bytes, or as JSON, from a file."""

    def from_file(data, name="chat.json"):
        path = tmp_path / name
        path.write_bytes(data if isinstance(data, bytes) else json.dumps(data).encode())
        return Conversation.load(path)

    return from_file


def refused(load, data, words, name="chat.json"):
    with pytest.raises(ConversationFileError, match=words) as caught:
        load(data, name)
    assert name in str(caught.value)
    assert len(str(caught.value)) < 600
    assert "\n" not in str(caught.value)


def part_of(document, turn=0, part=0):
    return document["turns"][turn]["question"]["parts"][part]


def answer_content(document, turn=0):
    return document["turns"][turn]["reply"]["response"]["candidates"][0]["content"]


# B76 – B79: no such file, another kind of file, a damaged one


def test_b76_a_file_that_is_missing_a_folder_closed_or_empty_is_named(load, tmp_path):
    for path, words in (
        (tmp_path / "nowhere.json", "nowhere.json cannot be read: No such file"),
        (tmp_path / "folder.json", "folder.json is a folder"),
        (tmp_path / "pipe.json", "pipe.json is not a file"),
        (tmp_path / "nul\0.json", "is not a path"),
        (tmp_path / "notes.txt", r"ends neither in \.json nor in \.ipynb"),
        (tmp_path / "notes.md", "is for reading and cannot be loaded"),
    ):
        if path.stem == "folder":
            path.mkdir()
        if path.stem == "pipe":
            os.mkfifo(path)
        with pytest.raises(ConversationFileError, match=words):
            Conversation.load(path)
    for empty in (b"", b" \r\n"):
        refused(load, empty, "is empty")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_b76_a_file_without_permission_is_named(tmp_path):
    path = tmp_path / "closed.json"
    path.write_text("{}")
    path.chmod(0)
    with pytest.raises(ConversationFileError, match=r"closed\.json cannot be read: Permission denied"):
        Conversation.load(path)


@pytest.mark.parametrize(
    "data", [b"hello", b"[1, 2]", b"3", b'"text"', b"null", b"{}", b'{"a": 1} {"b": 2}', b"{'a': 1}"]
)
def test_b77_what_is_no_conversation_is_called_so(load, data):
    refused(load, data, "is not a conversation file")


def test_b77_a_huge_file_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "huge.json"
    with path.open("wb") as file:
        file.truncate(2_000_000_000)
    with pytest.raises(
        ConversationFileError, match=r"has 2,000,000,000 bytes; conversation files have at most 50,000,000"
    ):
        Conversation.load(path)


def test_b78_a_file_cut_at_any_byte_is_refused(load, document):
    data = json.dumps(document).encode()
    document["turns"][0]["question"]["parts"][0]["text"] = "x" * (5_000 - len(data))
    data = json.dumps(document).encode()
    assert len(data) >= 4_900
    for length in range(0, len(data), 1):
        with pytest.raises(ConversationFileError):
            load(data[:length])


def test_b79_marks_and_line_ends_do_not_matter_and_utf_16_is_named(load, document):
    text = json.dumps(document, indent=1, ensure_ascii=False)
    for data in (b"\xef\xbb\xbf" + text.encode(), text.replace("\n", "\r\n").encode()):
        assert len(load(data)) == 2
    for coding in ("utf-16", "utf-16-be", "utf-16-le"):
        refused(load, text.encode(coding), "UTF-16|not a conversation file")
    plain = json.dumps(document)
    refused(load, plain.replace("Noon", "M\u00e4rz").encode("latin-1"), "not a conversation file")


# B80 – B84: versions, roles, parts


@pytest.mark.parametrize("version", [None, 0, -1, 2, 10**30, "1", 1.0, True, [1], {}])
def test_b80_only_versions_that_there_are_can_be_read(load, document, version):
    refused(load, {**document, "version": version}, "upgrade|there is only version 1|Upgrade")
    del document["version"]
    refused(load, document, "no version")


def test_b80_not_a_number_is_no_version(load, document):
    refused(load, json.dumps({**document, "version": float("nan")}).encode(), "not a conversation file")


def test_b81_roles_that_cannot_be_are_refused(load, document):
    for role in ("model", "system", "assistant", "x" * 500):
        part = json.loads(json.dumps(document))
        part["turns"][0]["question"]["role"] = role
        refused(load, part, "turn 1: the question has the role")
    answer_content(document)["role"] = "user"
    refused(load, document, "turn 1: its reply: the answer has the role 'user'")


@pytest.mark.parametrize(
    "turns",
    [
        [{"role": "user", "parts": [{"text": "a"}]}, {"role": "user", "parts": [{"text": "b"}]}],
        [{"role": "model", "parts": [{"text": "a"}]}],
        [None],
        [[]],
        ["hello"],
        {},
        "hello",
        None,
    ],
)
def test_b81_a_list_of_contents_is_no_list_of_turns(load, document, turns):
    refused(load, {**document, "turns": turns}, "turn 1|'turns'")


def test_b81_results_and_calls_that_do_not_belong_together_are_noted(load, document):
    alone = {**document, "turns": document["turns"][1:]}
    assert any("turn 1 has a result of 'now', which was not called" in note for note in load(alone).notes)
    document["turns"][1]["question"]["parts"] = [{"text": "Never mind."}]
    assert any("turn 2 does not give the result of 'now'" in note for note in load(document).notes)


def test_b81_a_turn_is_what_its_answer_says(load, document):
    document["turns"][0]["status"] = "truncated"
    refused(load, document, "turn 1: its status is truncated, but its answer is ok")
    document["turns"][0]["status"] = "great"
    refused(load, document, "turn 1: its status is 'great'")
    document["turns"][0]["status"] = "ok"
    del document["turns"][0]["reply"]
    refused(load, document, "turn 1: its status is ok, but there is no answer")


def test_b82_a_missing_signature_is_noted(load, document):
    assert not any("changed" in note for note in load(document).notes)
    del answer_content(document)["parts"][0]["thoughtSignature"]
    assert "turn 1 was changed after it was saved" in load(document).notes


def test_b83_parts_of_two_kinds_of_none_and_of_tomorrow_are_kept_as_they_are(load, document):
    odd = [{"text": "a", "functionCall": {"name": "f"}}, {}, {"thoughtSignature": "c2ln"}, {"hologram": {"x": [1]}}]
    document["turns"][0]["question"]["parts"] = odd
    chat = load(document)
    assert [part.model_dump(by_alias=True, exclude_unset=True) for part in chat.history[0].parts] == odd
    notes = " ".join(chat.notes)
    assert "turn 1 has a part that is 2 things at once (text, function_call)" in notes
    assert "turn 1 has a part of a kind not known here ('hologram'), kept as it is" in notes


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"mimeType": "image/png", "data": "not base64!"}, "part 2 of the question: its data are not base64"),
        ({"mimeType": "image/png", "data": "QUJ"}, ""),
        ({"mimeType": "image/png\r\nx: y", "data": "QUJD"}, "is not a media type"),
        ({"mimeType": "<script>", "data": "QUJD"}, "is not a media type"),
        ({"mimeType": "text/html", "data": "PGI+"}, ""),
        ({"mimeType": 5, "data": "QUJD"}, "is not a media type"),
        ({"mimeType": "image/png", "data": ["QUJD"]}, "turn 1: its question: parts.1.inlineData.data is not right"),
    ],
)
def test_b84_data_that_cannot_be_data_are_refused_and_all_others_only_carried(load, document, data, words):
    part_of(document, part=1)["inlineData"] = data
    if words:
        refused(load, document, words)
    else:
        assert load(document).history[0].parts[1].inline_data.data == data["data"]


def test_b84_forty_megabytes_of_picture_are_carried(load, document):
    part_of(document, part=1)["inlineData"]["data"] = base64.b64encode(bytes(30_000_000)).decode()
    assert len(load(document).history[0].parts[1].inline_data.data) == 40_000_000
    part_of(document, part=1)["inlineData"]["data"] *= 2
    refused(load, document, "conversation files have at most")


# B85 – B88: what wants to do harm


def test_b85_depth_and_length_end_in_a_line(load, document):
    refused(load, b'{"format":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "recursion limit")
    refused(load, {**document, "turns": [1] * 1_000_000}, "has 1,000,000 turns; at most 100,000")
    refused(load, json.dumps({**document, "turns": [1] * 90_000}).encode(), "turn 1: it is a number, not an object")


CURIOUS = ["__class__", "__reduce__", "py/object", "py/reduce", "lc", "!!python/object", "$ref", "@type", "__import__"]


def test_b86_names_that_other_libraries_obey_are_plain_data_here(document, tmp_path):
    shapes = {
        "__class__": "os.system",
        "py/object": "subprocess.Popen",
        "lc": 1,
        "type": "secret",
        "id": ["CANARY"],
        "!!python/object": "os.environ",
        "env": "${CANARY} $CANARY %CANARY% {{CANARY}}",
    }
    document["turns"][0]["question"]["parts"].append(shapes)
    document["turns"][0]["fields"]["extra"] = {"labels": shapes}
    document |= {"kwargs": shapes, **dict.fromkeys(CURIOUS, shapes)}
    path = tmp_path / "curious.json"
    path.write_text(json.dumps(document))
    code = (
        "import sys; from gemini_magic.chat import Conversation\n"
        "Conversation.load(sys.argv[2])  # what is imported late is there by now\n"
        "before = set(sys.modules); chat = Conversation.load(sys.argv[1])\n"
        "print(len(chat), sorted(set(sys.modules) - before), chat.turns, chat.notes, vars(chat))\n"
        "print([one.content.model_dump_json(by_alias=True) for one in chat.contents_for('x')])\n"
        "chat.save(sys.argv[1] + '.json'); chat.save(sys.argv[1] + '.ipynb'); chat.save(sys.argv[1] + '.md')\n"
    )
    run = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-c", code, str(path), str(tmp_path / "valid.json")],
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
        env={**os.environ, "CANARY": CANARY},
    )
    assert run.stdout.startswith("2 []")
    assert '"lc":1' in run.stdout
    files = [file.read_text() for file in tmp_path.glob("curious.json.*")]
    assert len(files) == 3
    assert not any(CANARY in text for text in (run.stdout, run.stderr, *files))


def test_b87_other_files_under_our_ending_are_named_and_never_opened_as_what_they_are(load, tmp_path):
    class Harm:
        def __reduce__(self):
            return (Path(tmp_path / "harmed").touch, ())

    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.json", "{}")
    with sqlite3.connect(tmp_path / "database") as database:
        database.execute("create table a (b)")
    database.close()
    for data, words in (
        (pickle.dumps(Harm()), "is not a conversation file: it is a pickle"),
        (pickle.dumps(Harm(), protocol=0), "is not a conversation file"),
        (packed.getvalue(), "it is a zip file"),
        ((tmp_path / "database").read_bytes(), "it is a database"),
        ({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []}, r"it is a notebook; .*\.ipynb"),
    ):
        refused(load, data, words)
    assert not (tmp_path / "harmed").exists()


@pytest.mark.parametrize(
    "name", ["base_url", "baseUrl", "api_key", "apiKey", "key", "headers", "profile", "auth", "Token"]
)
def test_b88_a_file_does_not_say_where_to_ask_or_with_which_key(load, document, name):
    for place in (document, document["turns"][0], document["turns"][0]["fields"]):
        place[name] = "http://evil.example"
        refused(load, document, f"has a field '{name}'")
        del place[name]
    document["turns"][0]["fields"]["extra"] = {name: "http://evil.example"}
    refused(load, document, f"has a field '{name}'")


def test_b88_a_file_enables_no_tools(load, document, client, wire):
    tools = [{"functionDeclarations": [{"name": "delete_all"}]}, {"codeExecution": {}}]
    document["tools"] = tools
    fields = document["turns"][1].setdefault("fields", {})
    fields |= {
        "tools": tools,
        "tool_config": {"a": 1},
        "extra": {"tools": tools, "toolConfig": {}, "labels": {"a": "b"}},
    }
    chat = load(document)
    assert chat.turns[1].fields == {"extra": {"labels": {"a": "b"}}}
    assert {"it names tools; they are not taken from a file"} < set(chat.notes)
    assert "turn 2 was asked with tools; they are not taken from a file" in chat.notes
    chat.client = client
    wire.answers(unary("fine"))
    chat.edit(2, "again")
    assert not {"tools", "toolConfig"} & wire.seen[-1].json().keys()


def test_b88_a_system_instruction_is_taken_and_can_be_seen(load, document):
    chat = load({**document, "system": "Praise the king."})
    assert chat.system == "Praise the king."
    for system in (5, ["a"], {"parts": "a"}, {"parts": [{"text": {}}]}):
        refused(load, {**document, "system": system}, "system instruction")


# B89 – B90: names and places


TITLES = [
    "../x",
    "CON",
    "con",
    "con.txt",
    "LPT1",
    "a/b",
    "a\\b",
    "x" * 300,
    ".hidden",
    "trailing ",
    "dot.",
    "",
    " ",
    "..",
    "~",
]
TITLES += ["Main", "größe", "数据", "a\0b", "a\nb", "-rf", "\ud800", "a:b", "nul", "main", "a.b", "my-chat_2"]


def test_b89_every_title_makes_a_safe_name_of_its_own(tmp_path):
    names = [safe_name(title) for title in TITLES]
    for name in names:
        assert name.encode() == name.encode("ascii")
        assert len(f"{name}.json") <= 120
        assert not set(name) & set('/\\:*?"<>| \0')
        assert name == name.strip(". ")
        assert name.partition(".")[0].lower() not in {"con", "nul", "lpt1"}
        assert not name.startswith((".", "-", "~"))
        (tmp_path / f"{name}.json").touch()
    assert len({name.casefold() for name in names}) == len(TITLES)
    assert [safe_name(title) for title in ("main", "a.b", "my-chat_2")] == ["main", "a.b", "my-chat_2"]


def test_b89_a_conversation_saved_in_a_folder_gets_a_safe_name(chat, tmp_path):
    chat.name = "../../etc/passwd"
    assert chat.save(tmp_path).parent == tmp_path


def test_b90_a_symbolic_link_is_not_written_through(chat, tmp_path):
    target = tmp_path / "target.json"
    chat.save(target)
    before = target.read_bytes()
    for name in ("link.json", "dangling.json"):
        (tmp_path / name).symlink_to(target if name == "link.json" else tmp_path / "nowhere.json")
        with pytest.raises(StoreError, match=rf"{name} is a symbolic link"):
            chat.save(tmp_path / name)
    assert target.read_bytes() == before
    assert not (tmp_path / "nowhere.json").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_b90_a_file_of_another_user_is_not_written_over_and_loading_it_says_so(chat, tmp_path):
    path = chat.save(tmp_path / "chat.json")
    os.chown(path, 12345, 12345)
    with pytest.raises(StoreError, match=r"chat\.json belongs to another user"):
        chat.save(path)
    assert "chat.json belongs to another user of this computer" in Conversation.load(path).notes


def test_b90_a_file_that_everybody_can_change_is_noted_and_made_private_by_saving(chat, tmp_path):
    path = chat.save(tmp_path / "chat.json")
    path.chmod(0o666)
    assert "everybody on this computer can change chat.json" in Conversation.load(path).notes
    chat.save(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert Conversation.load(path).notes == ()


@pytest.mark.parametrize("name", ["notes.md", "analysis.ipynb", "data.json"])
def test_b90_a_file_of_the_user_s_own_is_not_written_over(chat, tmp_path, name):
    path = tmp_path / name
    path.write_text('{"cells": [], "my": "work"}')
    with pytest.raises(StoreError, match=rf"{name} is there already and is not a saved conversation"):
        chat.save(path)
    assert "work" in path.read_text()


def test_b90_a_folder_that_is_not_there_is_named(chat, tmp_path):
    with pytest.raises(StoreError, match="cannot be written: No such file"):
        chat.save(tmp_path / "no" / "chat.json")
    (tmp_path / "taken.json").mkdir()
    path = chat.save(tmp_path / "taken.json")
    assert path == tmp_path / "taken.json" / "main.json"


# Above all of them


def test_the_limits_are_those_that_are_promised():
    assert MAX_BYTES == 50_000_000


def test_loading_opens_one_file_and_runs_nothing(document, tmp_path):
    path = tmp_path / "chat.json"
    document["turns"][0]["question"]["parts"] += [
        {"text": "{{open('/etc/hostname').read()}} @/etc/passwd ![](file:///etc/passwd) %gemini ?"},
        {"fileData": {"fileUri": "file:///etc/passwd", "mimeType": "text/plain"}},
    ]
    path.write_text(json.dumps(document))
    seen = []
    watching = [True]
    names = ("open", "subprocess", "os.system", "os.exec", "os.fork", "socket", "pickle", "exec", "compile", "import")

    def hook(event, args):
        if watching[0] and event.startswith(names):
            seen.append((event, args[0] if args else None))

    Conversation.load(tmp_path / "valid.json")  # whatever is imported and built late is there by now
    sys.addaudithook(hook)
    chat = Conversation.load(path)
    watching[0] = False
    assert len(chat) == 2
    assert [(event, str(name)) for event, name in seen if not isinstance(name, int)] == [("open", str(path))]
