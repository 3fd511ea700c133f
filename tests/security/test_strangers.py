"""Files of strangers: conversations, tapes, templates and notebooks are data, whatever they say."""

from __future__ import annotations

import base64
import json
import sys
import threading
import zlib
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pytest
from IPython.core.formatters import DisplayFormatter
from wire_server import answer

import gemini_magic as gm
from gemini_magic.client.shelf import Asked
from gemini_magic.client.tape import Tape, replaying_client
from gemini_magic.exceptions import ConversationFileError, GeminiMagicError, InputError, StoreError
from gemini_magic.ledger import Ledger
from gemini_magic.magics.prompts import template_files
from gemini_magic.magics.prompts.templates import fill
from gemini_magic.magics.transcript import Transcript

CORPUS = Path(__file__).parent.parent / "data" / "xss.jsonl"
SIGNS = ("<script", "<img", "<svg", "<iframe", "onerror=", "javascript:")
WATCHED = {"open", "os.open", "os.system", "os.exec", "subprocess.Popen", "socket.connect", "socket.getaddrinfo"}
WATCHED |= {
    "exec",
    "compile",
    "pickle.find_class",
    "ctypes.dlopen",
    "import",
    "os.listdir",
    "os.scandir",
    "shutil.copyfile",
}
STATE = threading.local()
SEEN: list[tuple[str, str]] = []


def _watch(event, arguments):
    if getattr(STATE, "on", False) and event in WATCHED:
        SEEN.append((event, str(arguments[0])[:300] if arguments else ""))


sys.addaudithook(_watch)


@contextmanager
def watched(*allowed, events=()):
    """Everything that is opened, run, loaded or reached within; only these paths may be opened."""
    SEEN.clear()
    STATE.on = True
    try:
        yield
    finally:
        STATE.on = False
    named = {str(path) for path in allowed}
    opened = {(event, path) for path in named for event in ("open", "os.open")}
    strange = [one for one in SEEN if one not in opened and one[0] not in events]
    assert [one for one in strange if not one[1].isdecimal()] == []  # what is open already


def hostile_texts():
    return [json.loads(line)["payload"] for line in CORPUS.read_text().splitlines()]


def hostile_turn(number, text, **more):
    """A turn as a file has it, with everything in it that might tempt somebody."""
    parts = [
        {"text": text},
        {"fileData": {"fileUri": "file:///etc/passwd", "mimeType": "text/plain"}},
        {"functionCall": {"name": "os.system", "args": {"command": "touch /tmp/pwned"}}},
        {"executableCode": {"language": "PYTHON", "code": "import os; os.system('id')"}},
    ]
    response = {"candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP"}]}
    asked = [{"text": f"{text} {{{{open('/etc/passwd').read()}}}} {{{{__import__('os')}}}} @/etc/passwd"}]
    asked.append({"fileData": {"fileUri": "http://169.254.169.254/", "mimeType": "text/plain"}})
    fields = {
        "model": "gemini-x",
        "tools": [{"googleSearch": {}}, {"codeExecution": {}}],
        "extra": {"tools": [{"urlContext": {}}], "toolConfig": {"x": 1}, "labels": {"a": "b"}},
    }
    turn = {"question": {"role": "user", "parts": asked}, "status": "ok", "made": number}
    return {**turn, "reply": {"response": response, "model": text}, "fields": fields, **more}


def hostile_document(**more):
    turns = [hostile_turn(number, text) for number, text in enumerate(hostile_texts(), 1)]
    document = {"format": "gemini_magic.conversation", "version": 1, "name": "<img src=x onerror=run()>"}
    document |= {"system": "<script>run()</script>", "turns": turns, "py/object": "os.system", "__reduce__": ["os"]}
    return {**document, "tools": [{"googleSearch": {}}], "lc": 1, "type": "constructor", **more}


def hostile_notebook(document):
    """The same conversation in the outputs of a notebook, beside live cells and outputs."""
    outputs = []
    order = [turn["made"] for turn in document["turns"]]
    steps = [order[0], *(after - before for before, after in pairwise(order))]
    for turn in document["turns"][:20]:
        payload = {"written": turn["made"], "order": steps, "stale": [], "record": turn, "system": document["system"]}
        packed = base64.b64encode(zlib.compress(json.dumps(payload).encode())).decode()
        kept = {"version": 1, "chat": document["name"], "number": turn["made"], "turn": packed}
        data = {"text/html": "<script>run()</script>", "application/javascript": "run()"}
        outputs.append({"output_type": "display_data", "data": data, "metadata": {"gemini_magic": kept}})
    cell = {"cell_type": "code", "source": "import os; os.system('touch pwned')", "outputs": outputs, "metadata": {}}
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{**cell, "execution_count": None}]}


@pytest.fixture
def files(tmp_path):
    """A stranger's conversation in both forms."""
    document = hostile_document()
    for ending, content in (("json", document), ("ipynb", hostile_notebook(document))):
        (tmp_path / f"stranger.{ending}").write_text(json.dumps(content))
    return tmp_path


def seen_tools(wire):
    return [seen.json().get(name) for seen in wire.seen for name in ("tools", "toolConfig")]


@pytest.mark.parametrize("ending", ["json", "ipynb"])
def test_a_loaded_conversation_runs_opens_and_enables_nothing(files, wire, clock, ending):
    path = files / f"stranger.{ending}"
    gm.Conversation.load(path)  # what is imported by the first call is imported now
    with watched(path):
        chat = gm.Conversation.load(path)
    assert len(chat) >= 20
    assert wire.connections == 0
    wire.answers(answer("Good."))
    with gm.Client(wire.url, "a-key-of-mine-1234", "gemini-mine", clock=clock, ledger=Ledger()) as client:
        chat.client = client
        assert chat.ask("And now?").text == "Good."
        (seen,) = wire.seen
        assert seen.path.endswith("/models/gemini-mine:generateContent")
        assert seen.header("authorization") == "Bearer a-key-of-mine-1234"
        assert seen_tools(wire) == [None, None]
        sent = json.dumps(seen.json())
        assert "root:" not in sent
        assert sent.count("{{open('/etc/passwd').read()}}") == len(chat) - 1


@pytest.mark.parametrize("ending", ["json", "ipynb"])
def test_showing_a_loaded_conversation_makes_nothing_live(files, ending):
    chat = gm.Conversation.load(files / f"stranger.{ending}")
    formatter = DisplayFormatter()
    formatter.format(Transcript(chat.saved()))
    with watched():
        shown = [formatter.format(thing)[0] for thing in (Transcript(chat.saved()), chat, *chat.turns)]
    html = "".join(bundle.get("text/html", "") for bundle in shown).lower()
    assert html
    assert [sign for sign in SIGNS[:4] if sign in html] == []
    assert {kind for bundle in shown for kind in bundle} <= {"text/plain", "text/html"}


@pytest.mark.parametrize(
    "name", ["base_url", "baseUrl", "api_key", "apiKey", "key_variable", "headers", "profile", "auth"]
)
@pytest.mark.parametrize("place", ["top", "turn", "fields", "extra"])
def test_no_file_says_where_to_ask_or_with_which_key(tmp_path, name, place):
    document = hostile_document()
    turn = document["turns"][0]
    places = {"top": document, "turn": turn, "fields": turn["fields"], "extra": turn["fields"]["extra"]}
    places[place][name] = "http://evil.example/"
    path = tmp_path / "x.json"
    path.write_text(json.dumps(document))
    with pytest.raises(ConversationFileError, match="where to ask"):
        gm.Conversation.load(path)


def hostile_line(asked, response, **more):
    line = {"format": "gemini_magic.tape", "version": 1, "request": asked.digest(), "method": asked.method}
    line |= {"model": asked.model, "prompt": "x", "status": 200, "response": response}
    return json.dumps({**line, "url": "http://evil.example/", "base_url": "http://evil.example/", **more})


@pytest.fixture
def tape(tmp_path, wire, clock):
    """A stranger's tape that answers one question with everything that is hostile."""
    with gm.Client(wire.url, None, "gemini-x", auth="none", clock=clock, ledger=Ledger()) as client:
        plan = client.plan("hello", "generateContent")
        asked = Asked(
            "generateContent", "gemini-x", named=False, origin="", prompt="hello", segments=plan.body.segments
        )
    text = "\n\n".join(hostile_texts())
    parts = hostile_turn(1, text)["reply"]["response"]["candidates"][0]["content"]["parts"]
    response = {"candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP"}]}
    path = tmp_path / "stranger.jsonl"
    path.write_text(hostile_line(asked, response) + "\n")
    return path


def test_a_replayed_tape_runs_opens_and_reaches_nothing(tape, wire):
    formatter = DisplayFormatter()
    replaying_client(tape).generate("hello")
    client = replaying_client(tape)
    with watched(tape):
        reply = client.generate("hello")
    assert reply.function_calls[0].name == "os.system"
    shown = formatter.format(reply)[0]
    assert set(shown) <= {"text/plain", "text/html"}
    assert [sign for sign in SIGNS[:4] if sign in shown.get("text/html", "").lower()] == []
    assert wire.connections == 0
    assert "evil" not in repr(client)


@pytest.mark.parametrize(
    "response", ["x", 5, None, [5], ["x"], [[]], {"candidates": "x"}, {"error": {"code": "x"}}, []]
)
def test_a_tape_that_answers_nonsense_is_an_error_of_ours(tape, response):
    line = json.loads(tape.read_text())
    tape.write_text(json.dumps({**line, "response": response}) + "\n")
    with pytest.raises(GeminiMagicError) as refused:
        replaying_client(tape).generate("hello")
    assert "\n" not in str(refused.value)


def test_a_tape_is_not_a_way_to_other_files(tmp_path):
    (tmp_path / "secret.txt").write_text("the secret")
    (tmp_path / "link.jsonl").symlink_to(tmp_path / "secret.txt")
    with pytest.raises(StoreError) as refused:
        Tape(tmp_path / "link.jsonl").lines()
    assert "the secret" not in str(refused.value)


#: Braces are parsed, which is no running, and the folders are looked into for the name.
TO_READ = ("compile", "os.listdir", "os.scandir")
TEMPLATES = (
    "{{open('/etc/passwd').read()}}",
    "{{__import__('os').system('touch pwned')}}",
    "{{x.__class__}}",
    "{{x.a._b}}",
    "{{(lambda: 1)()}}",
    "{{[y for y in x]}}",
    "{{x if x else x}}",
    "{{f'{x.__class__}'}}",
    "{{x[x]}}",
    "{{x[1:2]}}",
    "{{(y := 1)}}",
    "{{module.environ}}",
    "{{get_ipython().system('id')}}",
    "{{x}}{{exit()}}",
)


@pytest.fixture
def shared(tmp_path, monkeypatch):
    """The folder of templates that came with somebody's notebook."""
    folder = tmp_path / ".gemini_magic" / "templates"
    folder.mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    return folder


@pytest.mark.parametrize("text", TEMPLATES)
def test_a_template_evaluates_nothing(shared, text):
    (shared / "strange.md").write_text(text)
    names = {"x": "{{x}} {{open('/etc/passwd')}}", "module": sys.modules["os"]}
    with pytest.raises(InputError):
        fill("strange", ["hi"], names, keys=None)
    path = Path(".gemini_magic") / "templates" / "strange.md"
    with watched(path, events=TO_READ), pytest.raises(InputError):
        fill("strange", ["hi"], names, keys=None)


def test_a_value_in_a_template_is_not_read_again(shared):
    (shared / "plain.md").write_text("{{x}} @/etc/passwd file:///etc/passwd ![](http://evil.example/)")
    value = "{{x}} {{open('/etc/passwd').read()}}"
    (text,) = fill("plain", [], {"x": value}, keys=None)
    assert text == f"{value} @/etc/passwd file:///etc/passwd ![](http://evil.example/)"


def test_a_template_in_a_strangers_folder_is_no_way_to_other_files(shared, tmp_path):
    (tmp_path / "secret.md").write_text("the secret")
    (shared / "link.md").symlink_to(tmp_path / "secret.md")
    for name in ("link", "../secret", "../../secret", "/etc/passwd", "x/../link"):
        with pytest.raises(GeminiMagicError) as refused:
            template_files.find(name)
        assert "the secret" not in str(refused.value)


def test_the_watch_sees_what_is_opened_and_run(tmp_path):
    (tmp_path / "x").write_text("x")
    with pytest.raises(AssertionError), watched():
        (tmp_path / "x").read_text()
    with pytest.raises(AssertionError), watched():
        compile("1", "x", "eval")
