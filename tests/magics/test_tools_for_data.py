"""Functions that the model may call on the way to an answer that is data: of one cell, and of each row."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from wire_server import Say, error

from gemini_magic.chat import KERNEL
from gemini_magic.exceptions import InputError, SchemaMismatch, ToolLimit, UsageError
from gemini_magic.magics.jobs import KERNEL as JOBS

WEATHER = '''
from gemini_magic import tools as _tools

asked = []

def get_weather(city: str) -> dict:
    """The weather of a city."""
    asked.append(city)
    return {"city": city, "celsius": 3}

@_tools.tool(read_only=True)
def look_up(name: str) -> str:
    """Look a name up."""
    asked.append(name)
    return name.upper()
'''
ROWS = [{"city": "Oslo", "celsius": 3}, {"city": "Rome", "celsius": 20}]
CELL = "%%gemini --schema 'city, celsius int' --list --tools get_weather --approve always"
ROW = "%%gemini --each df.text --schema 'name str' --df out --tools look_up"


def call(name="get_weather", args=None, **more):
    return {"functionCall": {"name": name, "args": {"city": "Oslo"} if args is None else args, **more}}


def says(*parts, finish="STOP"):
    usage = {"promptTokenCount": 5, "candidatesTokenCount": 3, "totalTokenCount": 8}
    parts = [part if isinstance(part, dict) else {"text": json.dumps(part)} for part in parts]
    candidate = {"content": {"role": "model", "parts": parts}, "finishReason": finish}
    return Say([json.dumps({"candidates": [candidate], "usageMetadata": usage}).encode()])


@pytest.fixture
def book(notebook, monkeypatch, tmp_path):
    monkeypatch.setenv("GEMINI_MAGIC_DATA", str(tmp_path / "data"))
    notebook.run(WEATHER)
    return notebook


def results(body):
    return [part["functionResponse"]["response"] for part in body["contents"][-1]["parts"]]


# One answer


@pytest.mark.parametrize("more", ["", "--no-stream", "--no-history", "-q"])
def test_functions_are_called_on_the_way_to_data(book, more):
    book.wire.answers(says(call()), says(ROWS))
    book.run(f"{CELL} --df found {more}\nHow warm is it?")
    assert (book["asked"], book["_gemini"].value) == (["Oslo"], ROWS)
    assert list(book["found"]["celsius"]) == [3, 20]
    assert results(book.body) == [{"city": "Oslo", "celsius": 3}]
    for seen in book.wire.seen:
        assert "responseJsonSchema" in seen.json()["generationConfig"]
        assert seen.json()["tools"][0]["functionDeclarations"][0]["name"] == "get_weather"


def test_a_call_is_told_of_in_a_line_above_the_table(book, capsys):
    book.wire.answers(says(call()), says(ROWS))
    book.run(f"{CELL}\nHow warm is it?")
    out = capsys.readouterr().out
    assert out.index('get_weather(city="Oslo")') < out.index("Rome")


@pytest.mark.parametrize(
    ("function", "words"),
    [
        ("def get_weather(city: str) -> int:\n    return 1 // 0", 'get_weather(city="Oslo") failed: '),
        ("def get_weather(town: str) -> int:\n    return 1", 'get_weather(city="Oslo") was not called: '),
    ],
)
def test_a_call_that_gave_nothing_is_told_of_too(book, capsys, function, words):
    book.run(function)
    book.wire.answers(says(call()), says(ROWS))
    book.run(f"{CELL}\nHow warm is it?")
    assert words in capsys.readouterr().out


def test_a_quiet_cell_says_nothing_of_calls(book, capsys):
    book.wire.answers(says(call()), says(ROWS))
    book.run(f"{CELL} -q\nHow warm is it?")
    assert capsys.readouterr().out == ""


def test_the_table_has_rows_of_the_last_answer_only(book, capsys):
    book.wire.answers(says([{"city": "Nowhere", "celsius": 99}], call()), says(ROWS))
    book.run(f"{CELL}\nHow warm is it?")
    assert book["_gemini"].value == ROWS
    table = capsys.readouterr().out.partition("\ncity")[2]
    assert "Nowhere" not in table
    assert "Rome" in table


@pytest.mark.parametrize("more", ["", "--no-stream"])
def test_where_nobody_can_answer_data_come_without_the_function(book, capsys, more):
    book.wire.answers(says(call()), says(ROWS))
    book.run(f"%%gemini --schema 'city, celsius int' --list --tools get_weather {more}\nHow warm is it?")
    assert (book["asked"], book["_gemini"].value) == ([], ROWS)
    assert "get_weather needs leave to run" in capsys.readouterr().out


def test_a_repair_has_the_functions_too(book):
    book.wire.answers(says(call()), says([{"city": "Oslo"}]), says(call(args={"city": "Rome"})), says(ROWS))
    book.run(f"{CELL}\nHow warm is it?")
    assert (book["asked"], book["_gemini"].value) == (["Oslo", "Rome"], ROWS)
    assert len(book.wire.seen) == 4


def test_rounds_of_calls_leave_the_repair_its_requests(book):
    calls = [says(call(args={"city": f"City {number}"})) for number in range(7)]
    book.wire.answers(*calls, says([{"city": "Oslo"}]), says(ROWS))
    book.run(f"{CELL}\nHow warm is it?")
    assert book["_gemini"].value == ROWS


def test_the_conversation_keeps_calls_and_answer(book):
    book.wire.answers(says(call(id="c1")), says(ROWS), says({"text": "Yes."}))
    book.run(f"{CELL}\nHow warm is it?")
    book.run("%%gemini\nSure?")
    contents = book.body["contents"]
    assert [content["role"] for content in contents] == ["user", "model", "user", "model", "user"]
    assert contents[1]["parts"] == [call(id="c1")]
    assert json.loads(contents[3]["parts"][0]["text"]) == ROWS
    assert [run.name for run in KERNEL.find("main").turns[0].reply.runs] == ["get_weather"]


def test_too_many_rounds_fail_the_cell(book):
    book.wire.answers(says(call()))
    with pytest.raises(ToolLimit, match="more than 2 rounds"):
        book.run(f"{CELL} --max-steps 2\nHow warm is it?")
    assert book["asked"] == ["Oslo", "Oslo"]
    book.wire.answers(says({"text": "Hi."}))
    book.run("%%gemini\nHello")
    assert [content["role"] for content in book.body["contents"]] == ["user"]


def test_an_answer_that_does_not_fit_in_the_end_fails_with_its_calls(book):
    book.wire.answers(says(call()), says([{"city": "Oslo"}]))
    with pytest.raises(SchemaMismatch) as caught:
        book.run(f"{CELL} --retries-invalid 0\nHow warm is it?")
    assert [run.name for run in caught.value.partial.runs] == ["get_weather"]


def test_tools_of_the_server_go_along(book):
    book.run("x = 1")
    book.wire.answers(says(ROWS))
    book.run(f"{CELL} --search --set toolConfig.retrievalConfig.languageCode=no\nHow warm is it?")
    assert [next(iter(tool)) for tool in book.body["tools"]] == ["functionDeclarations", "googleSearch"]
    assert book.body["toolConfig"]["retrievalConfig"] == {"languageCode": "no"}
    book.run("%%gemini --schema 'city, celsius int' --list --search\nHow warm is it?")
    assert book.body["tools"] == [{"googleSearch": {}}]


def test_the_last_request_has_schema_declarations_and_results(book):
    book.wire.answers(says(call()), says(ROWS))
    book.run(f"{CELL}\nHow warm is it?")
    assert book.run("x = %gemini last request\nx").body == book.body


def test_a_dry_run_shows_schema_and_declarations(book):
    book.wire.answers(error(404))
    card = book.run("x = %gemini --dry-run --schema 'city str' --tools get_weather How warm?\nx")
    assert card.body["tools"][0]["functionDeclarations"][0]["name"] == "get_weather"
    assert "responseJsonSchema" in card.body["generationConfig"]


# Each row


@pytest.fixture
def rows(book):
    book.shell.push({"df": pd.DataFrame({"text": ["ada", "bo"]})})

    def answering(seen):
        contents = seen.json()["contents"]
        if contents[-1]["parts"][0].get("functionResponse"):
            return says({"text": json.dumps({"name": results(seen.json())[0]["result"]})})
        return says(call("look_up", {"name": contents[0]["parts"][-1]["text"].split()[-1]}))

    book.wire.answers(answering)
    return book


def test_each_row_may_call_what_only_reads(rows):
    rows.run(f"{ROW}\nWhose name is {{{{text}}}}")
    assert list(rows["out"]["name"]) == ["ADA", "BO"]
    assert sorted(rows["asked"]) == ["ada", "bo"]


def test_in_a_batch_what_would_have_to_ask_is_refused_before_anything_is_sent(rows):
    with pytest.raises(InputError, match="nobody can be asked"):
        rows.run(f"{ROW},get_weather\nWhose name is {{{{text}}}}")
    assert rows.wire.seen == []
    rows.run(f"{ROW},get_weather --approve always --max-steps 3\nWhose name is {{{{text}}}}")
    assert list(rows["out"]["name"]) == ["ADA", "BO"]


def test_a_batch_that_may_run_nothing_runs_nothing(rows):
    rows.run("%config GeminiMagics.approve = 'never'")

    def answering(seen):
        last = seen.json()["contents"][-1]["parts"][0]
        return says({"text": '{"name": "?"}'}) if "functionResponse" in last else says(call("look_up", {"name": "x"}))

    rows.wire.answers(answering)
    rows.run(f"{ROW}\nWhose name is {{{{text}}}}")
    assert (rows["asked"], list(rows["out"]["name"])) == ([], ["?", "?"])


def test_options_about_functions_need_some_in_a_batch_too(rows):
    with pytest.raises(UsageError, match="--approve is about functions"):
        rows.run("%%gemini --each df.text --schema 'name str' --approve always\n{{text}}")
    assert rows.wire.seen == []


# In the background


def test_a_job_of_a_terminal_runs_what_needs_no_leave_and_denies_the_rest(book):
    book.wire.answers(says(call("look_up", {"name": "ada"})), says(call()), says({"text": "Done."}))
    job = book.run("x = %gemini --bg --tools look_up,get_weather How warm?\nx")
    assert job.result(20).text == "Done."
    assert book["asked"] == ["ada"]
    assert [run.decision for run in job.reply.runs] == ["read_only", "nobody"]
    JOBS.__init__()
