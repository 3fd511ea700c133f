"""The last exchange: looked at, written as code, and its own code taken into a cell."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import urllib.parse
from typing import Any

import pytest
from wire_server import Say, answer, error, event

from gemini_magic.display.cards import CodeCard, RequestCard
from gemini_magic.exceptions import UsageError

KEY = "planted-91f0be37ac5d2846"
FORMS = {
    "raw": KEY,
    "in a URL": urllib.parse.quote(KEY, safe="").replace("-", "%2D"),
    "base64": base64.b64encode(KEY.encode()).decode().rstrip("="),
    "hex": KEY.encode().hex(),
    "escaped": "".join(f"\\u{ord(character):04x}" for character in KEY),
    "its beginning": KEY[:12],
}
CODE = "First:\n\n```python\nx = 1\n```\n\nthen:\n\n```python\nprint(x)\n```\n"


def shown_by(notebook: Any, capsys: Any, source: str) -> str:
    capsys.readouterr()
    assert notebook.run(source) is None
    return capsys.readouterr().out


@pytest.fixture
def keyed(notebook: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A notebook whose gateway wants a key."""
    text = notebook.config.read_text().replace('auth = "none"', 'auth = "bearer"\nkey_variable = "KEY_OF_TEST"')
    notebook.config.write_text(text)
    monkeypatch.setenv("KEY_OF_TEST", KEY)
    return notebook


# Raw


def test_the_raw_answer_is_called_a_response(notebook, capsys):
    notebook.run("%gemini one")
    shown = shown_by(notebook, capsys, "%gemini last raw")
    assert shown.startswith("Response:\ngemini-x\n")
    assert "Request" not in shown
    notebook.run("card = %gemini last raw")
    assert notebook["card"].body == notebook["_gemini"].raw


# As code


def test_the_request_as_curl_and_as_python_is_text_that_can_be_copied(keyed, capsys):
    keyed.run("%gemini -t 1 one")
    curl = shown_by(keyed, capsys, "%gemini last curl")
    assert curl.startswith("cat > request.json <<'JSON'\n{")
    assert f"curl -N '{keyed.wire.url}/v1beta/models/gemini-x:streamGenerateContent?alt=sse'" in curl
    assert '-H "authorization: Bearer $KEY_OF_TEST"' in curl
    assert "--data @request.json" in curl
    keyed.run("code = %gemini last python")
    code = keyed["code"]
    assert isinstance(code, CodeCard)
    assert 'os.environ["KEY_OF_TEST"]' in str(code)
    assert '<div class="highlight">' in code._repr_mimebundle_()["text/html"]
    assert len(keyed.wire.seen) == 1


def test_the_python_that_is_shown_sends_what_was_sent(keyed, tmp_path):
    keyed.run("%gemini zero")
    keyed.run("%gemini -t 1 one\ncode = %gemini last python")
    script = tmp_path / "script.py"
    script.write_text(str(keyed["code"]), "utf-8")
    done = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, str(script)], capture_output=True, check=True, env=dict(os.environ), text=True
    )
    assert done.stdout == "Yes."
    *_, ours, theirs = keyed.wire.seen
    assert theirs.json() == ours.json()
    assert theirs.target == ours.target
    assert theirs.header("authorization") == ours.header("authorization")


def test_a_large_request_is_saved_and_read(keyed, tmp_path):
    keyed.run("%gemini {{'x ' * 20_000}}")
    keyed.run("code = %gemini last curl\ncard = %gemini last request\npath = card.save('request.json')")
    assert 'card.save("request.json")' in str(keyed["code"])
    assert len(str(keyed["code"])) < 1_000
    assert (tmp_path / "request.json").read_bytes() == keyed.wire.seen[0].body


def test_the_embedded_servers_key_is_a_variable_too(notebook):
    notebook.run("%gemini --profile local -m echo one\ncode = %gemini last curl")
    assert '-H "authorization: Bearer $GEMINI_API_KEY"' in str(notebook["code"])


def test_it_can_be_written_as_code_when_no_answer_came(notebook, capsys):
    notebook.wire.answers(error(400, "no"))
    notebook.shell.run_cell("%gemini one")
    assert "one" in shown_by(notebook, capsys, "%gemini last curl")


@pytest.mark.parametrize("what", ["", "raw", "request", "curl", "python"])
def test_before_anything_was_asked_each_says_so(notebook, what):
    with pytest.raises(UsageError, match="Nothing has been asked"):
        notebook.run(f"%gemini last {what}")


@pytest.mark.parametrize("auth", ["bearer", "x-goog-api-key"])
def test_no_form_of_the_key_is_in_anything_that_is_shown(keyed, capsys, auth):
    keyed.config.write_text(keyed.config.read_text().replace('auth = "bearer"', f'auth = "{auth}"'))
    echo = event(f"your key is {KEY}", "STOP", **{KEY: [KEY], "modelVersion": "m"})
    keyed.wire.answers(Say([echo], framing="chunked"))
    keyed.run("%gemini -q one\n%gemini -q two")
    capsys.readouterr()
    said = []
    for what in ("raw", "request", "curl", "python"):
        keyed.run(f"card = %gemini last {what}\n%gemini last {what}")
        card = keyed["card"]
        said += [str(card), repr(card), repr(vars(card)), json.dumps(card._repr_mimebundle_())]
        if isinstance(card, RequestCard) and what == "request":
            said += [card.curl, card.python, card.text]
    said.append(capsys.readouterr().out)
    assert [form for form, words in FORMS.items() if words in "".join(said)] == []


# Into a cell


def inserted(notebook: Any, line: str) -> str:
    notebook.run(line)
    return str(notebook.shell.rl_next_input)


def test_code_goes_into_a_new_cell_and_is_not_run(notebook, capsys):
    notebook.wire.answers(answer(CODE))
    notebook.run("%gemini one")
    capsys.readouterr()
    source = inserted(notebook, "%gemini insert 2")
    assert source.splitlines()[0].startswith("# from Gemini: ")
    assert source.splitlines()[1:] == ["", "print(x)"] or source.splitlines()[1:] == ["print(x)"]
    assert source in capsys.readouterr().out
    assert "x" not in notebook


def test_without_a_number_all_of_it_goes_there(notebook):
    notebook.wire.answers(answer(CODE))
    notebook.run("%gemini one")
    assert [line for line in inserted(notebook, "%gemini insert").splitlines()[1:] if line] == ["x = 1", "print(x)"]


@pytest.mark.parametrize("number", ["0", "3"])
def test_a_block_that_is_not_there_is_refused(notebook, number):
    notebook.wire.answers(answer(CODE))
    notebook.run("%gemini one")
    with pytest.raises(UsageError, match=rf"\b{number}\b"):
        notebook.run(f"%gemini insert {number}")


def test_an_answer_without_code_has_none_to_insert(notebook):
    notebook.run("%gemini one")
    with pytest.raises(UsageError, match="no code"):
        notebook.run("%gemini insert")


def test_before_anything_was_asked_there_is_none_to_insert(notebook):
    with pytest.raises(UsageError, match="Nothing has been asked"):
        notebook.run("%gemini insert")
