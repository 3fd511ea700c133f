"""What a value, a frame or an answer says is never taken for a file: nothing is opened that the user did not name."""

from __future__ import annotations

import json
import sys
import threading
from contextlib import contextmanager

import pandas as pd
import pytest
from wire_server import answer

from gemini_magic.exceptions import FileRejected

OPENED: list[str] = []
WATCHING = threading.Event()
ASKS = [
    "{file:CANARY}",
    "{{file('CANARY')}}",
    "![](file://CANARY)",
    "![x](CANARY)",
    "@CANARY",
    "file://CANARY",
    "<img src='CANARY'>",
    "[[CANARY]]",
    "CANARY",
    "-f CANARY",
    "gm.file('CANARY')",
]


def watch(event, arguments):
    if WATCHING.is_set() and event in {"open", "os.open", "subprocess.Popen", "os.system", "socket.getaddrinfo"}:
        OPENED.append(str(arguments[0]))


sys.addaudithook(watch)


@contextmanager
def watching(canary):
    """Fail when the canary is opened within."""
    OPENED.clear()
    WATCHING.set()
    try:
        yield
    finally:
        WATCHING.clear()
    assert [path for path in OPENED if str(canary) in path or "subprocess" in path] == []


@pytest.fixture
def canary(tmp_path):
    path = tmp_path / "canary-file.txt"
    path.write_text("the canary sings")
    return path


def test_the_watch_sees_what_is_opened(canary):
    with pytest.raises(AssertionError), watching(canary):
        canary.read_text()


@pytest.mark.parametrize("ask", ASKS)
def test_a_file_that_a_value_speaks_of_is_not_opened(notebook, canary, ask):
    text = ask.replace("CANARY", str(canary))
    values = {
        "text": text,
        "table": pd.DataFrame({"a": [text]}),
        "record": {"a": [text], text: 1},
        "items": [text, text],
    }
    with watching(canary):
        for name in values:
            notebook.run(f"%%gemini\n{{{{{name}}}}}", **values)
    bodies = b"".join(seen.body for seen in notebook.wire.seen)
    assert b"sings" not in bodies
    assert str(canary).encode() in bodies
    assert all(set(part) == {"text"} for seen in notebook.wire.seen for part in parts_of(seen))


def parts_of(seen):
    return [part for content in json.loads(seen.body)["contents"] for part in content["parts"]]


@pytest.mark.parametrize("ask", ASKS)
def test_a_file_that_an_answer_speaks_of_is_not_opened(notebook, canary, ask):
    text = ask.replace("CANARY", str(canary))
    notebook.wire.answers(answer(text))
    with watching(canary):
        notebook.run("reply = %gemini say it")
        notebook.run("%%gemini\nand again: {{reply}} {{_gemini}}")
        notebook.run("%gemini go on")
    assert notebook["reply"].text == text
    assert b"sings" not in b"".join(seen.body for seen in notebook.wire.seen)


def test_a_path_in_a_frame_or_dict_is_its_name(notebook, canary):
    with watching(canary):
        notebook.run("%%gemini\n{{x}} {{df}}", x={"a": canary}, df=pd.DataFrame({"p": [canary]}))
    assert "sings" not in notebook.prompts[0]
    assert "canary-file" in notebook.prompts[0]


def test_a_path_that_was_named_is_read(notebook, canary):
    notebook.run("%%gemini\n{{path}}", path=canary)
    assert "the canary sings" in notebook.prompts[0]


def test_a_file_is_refused_in_one_line_and_nothing_is_sent(notebook, tmp_path):
    notebook.run("from pathlib import Path")
    (tmp_path / ".env").write_text("x")
    for path in ("/proc/self/environ", "nope", ".", ".env"):
        with pytest.raises(FileRejected, match=r"^\{\{Path\(") as caught:
            notebook.run(f"%%gemini\n{{{{Path({path!r})}}}}")
        assert caught.value.hint
        assert "\n" not in str(caught.value)
    assert notebook.wire.seen == []
