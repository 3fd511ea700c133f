from __future__ import annotations

import json
import re
from dataclasses import dataclass

import pandas as pd
import polars as pl
import pytest
from IPython.core.interactiveshell import InteractiveShell
from wire_server import Say, answer, error, event

from gemini_magic import ledger
from gemini_magic.chat import KERNEL
from gemini_magic.exceptions import (
    AnswerTruncated,
    AuthError,
    Blocked,
    InputError,
    InvalidJSON,
    SchemaMismatch,
    ServerUnavailable,
    StreamTruncated,
    UnboundName,
    UsageError,
)
from gemini_magic.extract import Run

PEOPLE = [{"name": "Ann", "age": 31}, {"name": "Bo", "age": None}, {"name": "Cy", "age": 7}]
KEY = "AIza" + "Sy" + "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0dF3"
TEXTS = ["Berlin is warm, 21.5 degrees.", "Oslo is cold.", None, "Berlin is warm, 21.5 degrees."]


@dataclass
class Person:
    name: str
    age: int | None = None


@pytest.fixture(autouse=True)
def own_stores(monkeypatch, tmp_path):
    monkeypatch.setenv("GEMINI_MAGIC_DATA", str(tmp_path / "data"))


@pytest.fixture
def frame():
    return pd.DataFrame({"text": TEXTS, "lang": ["de", "no", "de", "de"]}, index=["a", "b", "c", "d"])


def structured(value, size=7):
    text = value if isinstance(value, str) else json.dumps(value)
    return answer(*(text[begin : begin + size] for begin in range(0, len(text), size)))


def whole(value, reason="STOP", **more):
    """One answer that did not stream, as a batch gets it."""
    text = value if isinstance(value, str) else json.dumps(value)
    candidate = {"content": {"role": "model", "parts": [{"text": text}]}, "finishReason": reason}
    usage = {"promptTokenCount": 5, "candidatesTokenCount": 3, "totalTokenCount": 8}
    body = json.dumps({"candidates": [candidate], "usageMetadata": usage, "modelVersion": "gemini-x", **more}).encode()
    return Say([body], headers={"Content-Type": "application/json"})


def cut(text, reason):
    return Say([event(text), event("", reason)], headers={"Content-Type": "text/event-stream"})


def city(seen):
    text = seen.json()["contents"][-1]["parts"][-1]["text"]
    return whole({"city": "Berlin" if "Berlin" in text else "Oslo", "temp": 21.5 if "21.5" in text else None})


# One answer.


def test_an_answer_of_fields_is_checked_and_has_its_value(notebook, capsys):
    notebook.wire.answers(structured({"name": "Ann", "age": 31}))
    notebook.run("%%gemini --schema 'name, age int' -o r\nWho is it?")
    assert notebook["r"].value == {"name": "Ann", "age": 31}
    assert notebook["r"].json() == {"name": "Ann", "age": 31}
    assert notebook["_gemini"] is notebook["r"]
    config = notebook.body["generationConfig"]
    assert config["responseMimeType"] == "application/json"
    assert set(config["responseJsonSchema"]["properties"]) == {"name", "age"}
    assert capsys.readouterr().out.splitlines()[:2] == ["name  Ann", "age   31"]


def test_a_list_comes_row_by_row_and_no_row_twice(notebook, capsys):
    notebook.wire.answers(structured(PEOPLE))
    notebook.run("%%gemini --schema 'name, age int?' --list -o r\nWho?")
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines[2:5]] == [["Ann", "31"], ["Bo", "–"], ["Cy", "7"]]
    assert sum("Ann" in line for line in lines) == 1
    assert notebook["r"].value == PEOPLE
    assert list(notebook["r"].df().columns) == ["name", "age"]


def test_a_class_of_the_notebook_gives_its_instances(notebook):
    notebook.wire.answers(structured(PEOPLE))
    reply = notebook.run("r = %gemini --schema list[Person] Who?\nr", Person=Person)
    assert reply.value == [Person("Ann", 31), Person("Bo", None), Person("Cy", 7)]
    notebook.wire.answers(structured(PEOPLE[0]))
    assert notebook.run("r = %gemini --schema Person Who?\nr").value == Person("Ann", 31)


def test_a_dataframe_is_bound_with_the_types_of_the_schema(notebook, capsys):
    notebook.wire.answers(structured(PEOPLE))
    notebook.run("%%gemini --schema 'name, age int?' --list --df people\nWho?")
    assert notebook["people"].dtypes.astype(str).to_dict() == {"name": "string", "age": "Int64"}
    assert notebook["people"]["age"].isna().tolist() == [False, True, False]
    assert capsys.readouterr().out


def test_a_schema_in_a_file_is_one(notebook, tmp_path):
    (tmp_path / "person.json").write_text(json.dumps({"type": "object", "properties": {"name": {"type": "string"}}}))
    notebook.wire.answers(structured({"name": "Ann"}))
    assert notebook.run("r = %gemini --schema @person.json Who?\nr").value == {"name": "Ann"}


def test_other_options_and_variables_go_along(notebook):
    notebook.wire.answers(structured({"name": "Ann"}))
    notebook.run("%%gemini --schema 'name str' -t 0 --max-tokens 50 -s Brief\nWho is {{x}}?", x="Ann B.")
    assert notebook.prompts[-1] == "Who is Ann B.?"
    assert notebook.body["generationConfig"]["temperature"] == 0
    assert notebook.body["generationConfig"]["maxOutputTokens"] == 50
    assert notebook.body["systemInstruction"]["parts"][0]["text"] == "Brief"


def test_an_invalid_answer_is_repaired_once_and_that_is_said(notebook, capsys):
    notebook.wire.answers(structured({"name": "Ann", "age": "unknown"}), structured({"name": "Ann", "age": 31}))
    notebook.run("%%gemini --schema 'name, age int' -o r\nWho?")
    assert notebook["r"].value == {"name": "Ann", "age": 31}
    assert "sent back to be repaired" in capsys.readouterr().out
    first, second = (seen.body for seen in notebook.wire.seen)
    assert 0 < len(second) - len(first) <= 2_200
    assert notebook["r"].attempts == 2


def test_a_conversation_keeps_the_question_and_the_answer_that_counts(notebook):
    notebook.wire.answers(structured("no JSON"), structured({"name": "Ann"}), answer("Yes."))
    notebook.run("%%gemini --schema 'name str'\nWho?")
    (turn,) = KERNEL.find("main").turns
    assert (turn.prompt, turn.reply.text, turn.status) == ("Who?", '{"name": "Ann"}', "ok")
    notebook.run("%%gemini\nAnd now?")
    said = [part["text"] for content in notebook.body["contents"] for part in content["parts"]]
    assert said == ["Who?", '{"name": "Ann"}', "And now?"]
    assert "responseJsonSchema" not in notebook.body.get("generationConfig", {})


def test_what_was_said_before_goes_along_with_a_question_for_data(notebook):
    notebook.wire.answers(answer("Ann is 31."), structured("no JSON"), structured({"age": 31}))
    notebook.run("%%gemini\nWho?")
    notebook.run("%%gemini --schema 'age int'\nHow old?")
    for seen in notebook.wire.seen[1:]:
        said = [part["text"] for content in seen.json()["contents"] for part in content["parts"]]
        assert said[:3] == ["Who?", "Ann is 31.", "How old?"]


def test_an_answer_that_stays_invalid_fails_the_cell_and_leaves_no_answer_in_the_history(notebook, capsys):
    notebook.wire.answers(structured({"age": "x"}))
    with pytest.raises(SchemaMismatch, match="age") as raised:
        notebook.run("%%gemini --schema 'age int' -o r\nHow old?")
    assert len(notebook.wire.seen) == 2
    assert raised.value.partial.json() == {"age": "x"}
    assert notebook["r"].value is None
    assert not any(turn.replayed for turn in KERNEL.find("main").turns)
    assert '{"age": "x"}' in capsys.readouterr().out


def test_no_repair_where_none_is_wanted(notebook):
    notebook.wire.answers(structured("no JSON"))
    with pytest.raises(InvalidJSON):
        notebook.run("%%gemini --schema 'age int' --retries-invalid 0\nHow old?")
    assert len(notebook.wire.seen) == 1


def test_a_truncated_answer_fails_the_cell_and_keeps_the_rows_that_were_whole(notebook, capsys):
    text = json.dumps(PEOPLE)[:-12]
    notebook.wire.answers(cut(text, "MAX_TOKENS"))
    with pytest.raises(AnswerTruncated) as raised:
        notebook.run("%%gemini --schema 'name, age int?' --list --max-tokens 20 --df people -o r\nWho?")
    assert raised.value.partial.value == PEOPLE[:2]
    assert notebook["r"].value == PEOPLE[:2]
    assert "people" not in notebook
    limits = [seen.json()["generationConfig"]["maxOutputTokens"] for seen in notebook.wire.seen]
    assert limits == [20, 40]
    assert "The 2 rows that came whole are kept" in capsys.readouterr().out


def test_a_stream_that_breaks_off_keeps_the_rows_that_were_whole(notebook, capsys):
    text = json.dumps(PEOPLE)[:-12]
    notebook.wire.answers(Say([event(text)], framing="chunked", ending="rst"))
    with pytest.raises(StreamTruncated) as raised:
        notebook.run("%%gemini --schema 'name, age int?' --list -o r\nWho?")
    assert raised.value.partial.value == notebook["r"].value == PEOPLE[:2]
    assert "Bo" in capsys.readouterr().out


def test_a_blocked_answer_fails_the_cell(notebook):
    notebook.wire.answers(cut("", "SAFETY"))
    with pytest.raises(Blocked):
        notebook.run("%%gemini --schema 'age int'\nHow old?")
    assert len(notebook.wire.seen) == 1


def test_a_failing_gateway_fails_the_cell(notebook):
    notebook.wire.answers(Say([b"{}"], status=503))
    with pytest.raises(ServerUnavailable):
        notebook.run("%%gemini --schema 'age int' --retries 0\nHow old?")
    assert len(notebook.wire.seen) == 1


def test_a_gateway_without_the_newer_field_gets_the_older_one(notebook):
    words = (
        b'{"error": {"code": 400, "message": "Unknown name \\"responseJsonSchema\\"", "status": "INVALID_ARGUMENT"}}'
    )
    refusal = Say([words], status=400, headers={"Content-Type": "application/json"})
    notebook.wire.answers(refusal, structured({"age": 3}))
    assert notebook.run("r = %gemini --schema 'age int' How old?\nr").value == {"age": 3}
    assert "responseSchema" in notebook.body["generationConfig"]
    notebook.run("r = %gemini --schema 'age int' How old?\nr")
    assert len(notebook.wire.seen) == 3


def test_running_the_cell_again_takes_the_place_of_its_turn(notebook):
    notebook.wire.answers(structured({"age": 3}))
    for _ in range(2):
        notebook.run("%%gemini --schema 'age int' --new\nHow old?")
    assert len(KERNEL.find("main").turns) == 1
    notebook.run("%%gemini --schema 'age int' --no-history\nHow old?")
    assert len(KERNEL.find("main").turns) == 1


def test_an_answer_without_stream_is_the_same(notebook):
    notebook.wire.answers(whole(PEOPLE))
    notebook.run("%%gemini --schema 'name, age int?' --list --no-stream -o r\nWho?")
    assert notebook["r"].value == PEOPLE
    assert notebook.wire.seen[-1].path.endswith(":generateContent")


def test_nothing_is_shown_when_the_answer_is_only_stored(notebook, capsys):
    notebook.wire.answers(structured("no JSON"), structured({"age": 3}))
    notebook.run("%%gemini --schema 'age int' r <<\nHow old?")
    assert notebook["r"].value == {"age": 3}
    assert [line[:30] for line in capsys.readouterr().out.splitlines()] == ["An answer that did not fit the"]


def test_a_dry_run_shows_the_schema_and_sends_none(notebook, capsys):
    notebook.wire.answers(Say([b'{"totalTokens": 7}'], headers={"Content-Type": "application/json"}))
    notebook.run("%%gemini --schema 'age int' --dry-run\nHow old?")
    assert "responseJsonSchema" in capsys.readouterr().out
    assert all(seen.path.endswith(":countTokens") for seen in notebook.wire.seen)


def test_last_shows_what_went_out(notebook, capsys):
    notebook.wire.answers(structured({"age": 3}))
    notebook.run("%%gemini --schema 'age int'\nHow old?")
    capsys.readouterr()
    notebook.run("%gemini last request")
    assert "responseJsonSchema" in capsys.readouterr().out


def test_in_the_background_data_come_as_any_answer(notebook):
    notebook.wire.answers(structured(PEOPLE))
    notebook.run("%%gemini --schema 'name, age int?' --list --bg --df people -o job\nWho?")
    reply = notebook["job"].result(10)
    assert reply.value == PEOPLE
    assert len(notebook["people"]) == 3


# What was typed.


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("--list", "--list needs --schema"),
        ("--df people", "--df needs --schema"),
        ("--each df.text", "--each needs --schema"),
        ("--schema 'a int' --limit 3", "--limit needs --each"),
        ("--schema 'a int' --each df.text --chat work", "--chat does not go with --each"),
        ("--schema 'a int' --each df.text --dry-run", "--dry-run does not go with --each"),
        ("--schema 'a int' --each df.text --resume --fresh", "exclude each other"),
        ("--schema 'a int' --each df.text --budget much", "is not a budget"),
        ("--schema 'a int' -n 2", "--candidates does not go with --schema"),
        ("--schema 'a int' --each df.text --retry-failed", "there is none"),
    ],
)
def test_options_that_say_nothing_together_are_refused(notebook, frame, line, words):
    with pytest.raises(UsageError, match=re.escape(words)):
        notebook.run(f"%%gemini {line}\nAsk", df=frame)
    assert notebook.wire.seen == []


@pytest.mark.parametrize(
    ("line", "error", "words"),
    [
        ("--schema Persn", UnboundName, "Did you mean 'Person'"),
        ("--schema Person.__dict__", InputError, "underscore"),
        ("--schema @missing.json", InputError, "missing.json"),
        ("--schema 'name, age years'", InputError, "years"),
        ("--schema Person --each dff.text", UnboundName, "'dff' is not defined"),
        ("--schema Person --each df.txt", InputError, "no column 'txt'"),
        ("--schema Person --each df.__class__", InputError, "underscore"),
        ("--schema Person --each df.text --where 'df.lang = 3'", InputError, "not a Python expression"),
        ("--schema Person --each df.text --where 'len(df.nothing)'", InputError, "failed"),
        ("--schema Person --each df.text --where '[True]'", InputError, "1 values"),
        ("--schema Person --each df.text --where '(x := df.lang)'", InputError, "refused"),
    ],
)
def test_what_cannot_be_used_is_said_before_anything_is_sent(notebook, frame, line, error, words):
    with pytest.raises(error, match=re.escape(words)):
        notebook.run(f"%%gemini {line}\nAsk", df=frame, Person=Person)
    assert notebook.wire.seen == []


# A batch.


def test_each_row_is_asked_and_the_frame_has_the_same_index(notebook, frame, capfd):
    notebook.wire.answers(city)
    notebook.run("%%gemini --each df.text --schema 'city, temp float?' --df out\nWhich city, and how warm?", df=frame)
    out = notebook["out"]
    assert out.index.tolist() == ["a", "b", "c", "d"]
    assert out.city.fillna("").tolist() == ["Berlin", "Oslo", "", "Berlin"]
    assert out.dtypes.astype(str).to_dict() == {"city": "string", "temp": "float64"}
    assert len(notebook.wire.seen) == 2
    run = notebook["_gemini"]
    assert isinstance(run, Run)
    shown = capfd.readouterr()
    assert "out: 4 rows × 2 columns" in shown.out
    assert re.search(r"3 rows done, 1 not asked, 2 requests", shown.err)
    assert KERNEL.find("main") is None


def test_columns_are_named_in_braces_and_variables_are_not(notebook, frame):
    notebook.wire.answers(city)
    notebook.run("%%gemini --each df.text --schema 'city, temp float?' r <<\n{{lang}}: {{text}}", df=frame)
    assert sorted(notebook.prompts) == ["de: " + TEXTS[0], "no: " + TEXTS[1]]
    with pytest.raises(UnboundName, match="other"):
        notebook.run("%%gemini --each df.text --schema 'city str'\n{{other}}", df=frame, other="x")


def test_rows_are_chosen_by_an_expression_of_the_user(notebook, frame):
    notebook.wire.answers(city)
    line = "%%gemini --each df.text --schema 'city, temp float?' --df out"
    notebook.run(f"{line} --where 'df.lang == wanted'\nWhich?", df=frame, wanted="no")
    assert notebook["out"].city.fillna("").tolist() == ["", "Oslo", "", ""]
    notebook.run(f"{line} --limit 2 --fresh\nWhich?", df=frame)
    assert notebook["out"].city.fillna("").tolist() == ["Berlin", "Oslo", "", ""]


def test_polars_lists_and_expressions_are_rows_too(notebook):
    notebook.wire.answers(city)
    data = pl.DataFrame({"text": TEXTS, "n": [1, 2, 3, 4]})
    notebook.run(
        "%%gemini --each df.text --schema 'city, temp float?' --where 'pl.col(\"n\") < 3' --df out\nWhich?",
        df=data,
        pl=pl,
    )
    assert notebook["out"]["city"].to_list() == ["Berlin", "Oslo", None, None]
    notebook.run("%%gemini --each 'texts[:2]' --schema 'city, temp float?' --df out\nWhich?", texts=TEXTS)
    assert [row["city"] for row in notebook["out"]] == ["Berlin", "Oslo"]


def test_a_column_that_is_called_like_a_method_is_the_column(notebook):
    notebook.wire.answers(city)
    data = pd.DataFrame({"count": TEXTS[:2]})
    notebook.run("%%gemini --each df.count --schema 'city, temp float?' --df out\nWhich?", df=data)
    assert notebook["out"].city.tolist() == ["Berlin", "Oslo"]


def test_a_second_run_pays_for_nothing_and_a_fresh_one_for_everything(notebook, frame):
    notebook.wire.answers(city)
    cell = "%%gemini --each df.text --schema 'city, temp float?' --df out{}\nWhich?"
    notebook.run(cell.format(""), df=frame)
    notebook.run(cell.format(" --resume"))
    assert len(notebook.wire.seen) == 2
    notebook.run(cell.format(" --fresh"))
    assert len(notebook.wire.seen) == 4


def test_failed_rows_are_named_and_asked_again(notebook, frame, capfd):
    notebook.wire.answers(lambda seen: whole("no JSON") if "Oslo" in str(seen.body) else city(seen))
    cell = "%%gemini --each df.text --schema 'city, temp float?' --df out -o run{}\nWhich?"
    notebook.run(cell.format(""), df=frame)
    assert notebook["run"].usage.failed == 1
    assert "1 row has no value: 1 × InvalidJSON" in capfd.readouterr().out
    before = len(notebook.wire.seen)
    notebook.wire.answers(city)
    notebook.run(cell.format(" --retry-failed"))
    assert notebook["out"].city.fillna("").tolist() == ["Berlin", "Oslo", "", "Berlin"]
    assert len(notebook.wire.seen) == before + 1
    with pytest.raises(UsageError, match="there is none"):
        notebook.run(cell.format(" --retry-failed").replace("Which?", "What?"))


def test_what_ends_a_batch_fails_the_cell_and_keeps_what_came(notebook, capfd):
    notebook.wire.answers(*[city] * 3, error(401, "no such key"))
    texts = [f"Berlin {number}" for number in range(60)]
    with pytest.raises(AuthError) as raised:
        notebook.run("%%gemini --each texts --schema 'city, temp float?' --df out --workers 1\nWhich?", texts=texts)
    assert sum(row is not None and row.get("city") is not None for row in notebook["out"]) == 3
    assert "3 of 60 rows are done and kept" in str(raised.value)
    assert "out: 60 rows" in capfd.readouterr().out
    assert len(notebook.wire.seen) <= 6


def test_a_budget_ends_a_batch_cleanly(notebook):
    notebook.wire.answers(city)
    texts = [f"Berlin {number}" for number in range(30)]
    with pytest.raises(Exception, match="used up"):
        notebook.run(
            "%%gemini --each texts --schema 'city, temp float?' --df out --workers 1 --budget 40\nWhich?", texts=texts
        )
    assert 4 <= len(notebook.wire.seen) <= 8


def test_several_rows_may_go_in_one_request(notebook):
    def packed(seen):
        text = "".join(part.get("text", "") for part in seen.json()["contents"][-1]["parts"])
        ids = re.findall(r"\bid\D{0,4}(\d+)", text)
        items = [{"id": int(number), "answer": {"city": "Berlin"}} for number in dict.fromkeys(ids)]
        return whole(items)

    notebook.wire.answers(packed)
    texts = [f"Berlin {number}" for number in range(4)]
    notebook.run("%%gemini --each texts --schema 'city str' --df out --pack 4\nWhich?", texts=texts)
    assert len(notebook["out"]) == 4
    assert len(notebook.wire.seen) < 4 or "id" in notebook.prompts[0]


def test_a_store_of_its_own_is_where_it_was_said(notebook, frame, tmp_path):
    notebook.wire.answers(city)
    notebook.run("%%gemini --each df.text --schema 'city, temp float?' --store cities.db\nWhich?", df=frame)
    assert (tmp_path / "cities.db").exists()


def test_a_batch_in_the_background_is_a_job(notebook, frame, capsys):
    notebook.wire.answers(city)
    notebook.run("%%gemini --each df.text --schema 'city, temp float?' --df out --bg -o job\nWhich?", df=frame)
    run = notebook["job"].result(20)
    assert run.usage.done == 3
    assert notebook["out"].city.fillna("").tolist() == ["Berlin", "Oslo", "", "Berlin"]
    assert "Asked in the background as job" in capsys.readouterr().out


def test_a_line_gives_the_run_and_shows_nothing(notebook, frame, capfd):
    notebook.wire.answers(city)
    run = notebook.run("x = %gemini --each df.text --schema 'city, temp float?' Which city?\nx", df=frame)
    assert isinstance(run, Run)
    shown = capfd.readouterr()
    assert "rows" not in shown.err
    assert "columns" not in shown.out


def test_a_key_in_the_prompt_is_not_sent(notebook, frame):
    with pytest.raises(InputError):
        notebook.run(f"%%gemini --each df.text --schema 'city str'\n{KEY}", df=frame)
    assert notebook.wire.seen == []


def test_what_a_batch_spends_is_in_the_ledger(notebook, frame):
    notebook.wire.answers(city)
    notebook.run("%%gemini --each df.text --schema 'city, temp float?' --df out\nWhich?", df=frame)
    assert [(entry.prompt_tokens, entry.answer_tokens) for entry in ledger.KERNEL.entries] == [(5, 3), (5, 3)]


def test_a_row_is_looked_at_as_a_card(notebook, frame):
    notebook.wire.answers(city)
    notebook.run("%%gemini --each df.text --schema 'city, temp float?' --df out\nWhich?", df=frame)
    formatter = InteractiveShell.instance().display_formatter
    data, _ = formatter.format(notebook["_gemini"].inspect("a"))
    assert "Row a: ok" in data["text/plain"]
    assert TEXTS[0] in data["text/html"]
