"""What a person types: names in braces, keys, settings."""

from __future__ import annotations

import os
from types import SimpleNamespace

import pandas as pd
import pytest
from PIL import Image
from wire_server import answer, unary

KEY = "AIza" + "SyA1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q"


@pytest.fixture(autouse=True)
def yes(wire):
    wire.answers(answer("Yes."))


def sent(wire):
    """The parts of the last question."""
    return wire.seen[-1].json()["contents"][-1]["parts"]


def text_sent(wire):
    return "".join(part.get("text", "") for part in sent(wire))


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("Is {{n}} prime?", "Is 7 prime?"),
        ("{{ n }}", "7"),
        ("{{place.city}} and {{rows[1]}} and {{sizes['a']}} and {{rows[-1]}}", "Ulm and two and 3 and two"),
        ("{{text}}", "see {{n}}"),
        (r"\{{n}}", "{{n}}"),
        ("{{not an expression}} {{ }} {{", "{{not an expression}} {{ }} {{"),
        (r"\frac{{a}{b}}", r"\frac{{a}{b}}"),
    ],
)
def test_braces_hold_the_values_of_variables(wire, pane, shell, typed, expected):
    shell.user_ns |= {
        "n": 7,
        "place": SimpleNamespace(city="Ulm"),
        "rows": ["one", "two"],
        "sizes": {"a": 3},
        "text": "see {{n}}",
    }
    view = pane.send(typed)
    assert text_sent(wire) == expected
    assert view["source"] == typed
    assert view["prompt"] == [{"kind": "text", "text": typed}]


def test_a_table_goes_as_text_with_as_many_rows_as_are_named(wire, pane, shell):
    shell.user_ns["df"] = pd.DataFrame({"city": [f"City {n}" for n in range(50)], "size": range(50)})
    pane.send("What is in {{df:30}}?")
    assert "shown: the first 25 and the last 5\n" in text_sent(wire)
    pane.send("And {{df.city}}?")
    assert "City 0" in text_sent(wire)


def test_a_picture_goes_as_a_picture_and_is_shown(wire, pane, shell):
    shell.user_ns["photo"] = Image.new("RGB", (4, 3), "red")
    view = pane.send("What is {{photo}}?")
    assert [set(part) for part in sent(wire)] == [{"text"}, {"inlineData"}, {"text"}]
    assert [part["kind"] for part in view["prompt"]] == ["image", "text"]
    assert view["prompt"][1]["text"] == "What is {{photo}}?"


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("{{mising}}", "'mising' is not defined in this notebook. Did you mean 'missing'?"),
        ("{{print('x')}}", "is a call"),
        ("{{n + 1}}", "holds names, attributes and literal indexes only"),
        ("{{n.__class__}}", "'__class__' starts with an underscore"),
        ("{{rows[n]}}", "an index must be a number or a text in quotes"),
        ("{{len}}", "'len' is not defined"),
        ("{{os.environ}}", "reads from a module"),
        ("{{rows[9]}}", "failed: IndexError"),
        ("{{broken.value}}", "failed: ZeroDivisionError"),
        ("   ", "There is nothing to send."),
        ("", "There is nothing to send."),
    ],
)
def test_what_cannot_be_sent_is_said_and_nothing_is_sent(wire, pane, shell, typed, words):
    class Broken:
        @property
        def value(self):
            return 1 / 0

    shell.user_ns |= {"n": 1, "rows": [1], "os": os, "missing": 1, "broken": Broken()}
    reply = pane.ask("send", text=typed, attachments=[])
    assert words in reply["error"]
    pane.idle()
    assert wire.seen == []
    assert pane.state["turns"] == []
    assert pane.kinds()[:3] == ["status", "reply", "status"]


def test_nothing_in_braces_is_ever_run(wire, pane, shell):
    ran = []
    shell.user_ns["run"] = lambda: ran.append(1) or "value"
    for typed in ("{{run()}}", "{{[run() for _ in 'x']}}", "{{run.__call__()}}", "{{(run)()}}", "{{f'{run()}'}}"):
        assert "error" in pane.ask("send", text=typed, attachments=[])
        pane.idle()
    assert ran == []
    assert wire.seen == []


def test_a_text_that_a_cell_or_a_file_has_sent_is_not_filled_in_when_it_is_edited(wire, pane, chat, shell):
    shell.user_ns["hidden"] = "hush"
    wire.answers(unary("Yes."), answer("No."))
    chat.ask("Show {{hidden}} please", cell="c1", run="r1")
    turn = pane.wait_for("turns")["turns"][0]["turn"]
    begin = len(pane.came)
    assert pane.ask("edit", turn=turn, text="Show {{hidden}} now")["ok"]
    pane.idle(begin)
    assert text_sent(wire) == "Show {{hidden}} now"


@pytest.mark.parametrize("where", ["typed", "value", "file"])
def test_a_key_is_not_sent(wire, pane, shell, where):
    shell.user_ns["note"] = f"my key is {KEY}"
    text = {"typed": f"Use {KEY}", "value": "Use {{note}}", "file": "Use this"}[where]
    data = f"key={KEY}".encode()
    files = [{"name": "keys.txt", "size": len(data), "buffer": 0}] if where == "file" else []
    reply = pane.ask("send", memoryview(data), text=text, attachments=files)
    assert "a Google API key, which would be sent to the model" in reply["error"]
    assert KEY not in reply["error"]
    assert wire.seen == []


def test_what_looks_like_a_key_goes_where_the_notebook_allows_it(wire, pane, shell):
    class GeminiMagics:
        check_secrets = False

    shell.configurables.append(GeminiMagics())
    pane.send(f"Use {KEY}")
    assert text_sent(wire) == f"Use {KEY}"


# Settings


def set_to(pane, **settings):
    return pane.ask("set", settings=settings)


def test_only_what_was_set_is_sent(wire, pane):
    pane.send("One?")
    assert set(wire.seen[-1].json()) == {"contents"}
    assert set_to(pane, temperature=0.5, top_p=0.9, max_output_tokens=100)["ok"]
    pane.send("Two?")
    body = wire.seen[-1].json()
    assert body["generationConfig"] == {"temperature": 0.5, "topP": 0.9, "maxOutputTokens": 100}
    set_to(pane, temperature=None, top_p=None, max_output_tokens=None)
    pane.send("Three?")
    assert set(wire.seen[-1].json()) == {"contents"}
    assert pane.state["settings"] == {}


def test_a_model_is_asked_by_its_name(wire, pane):
    set_to(pane, model="gemini-y")
    pane.send("One?")
    assert "/gemini-y:" in wire.seen[-1].path
    assert pane.of("start")[0]["model"] == "gemini-y"


@pytest.mark.parametrize(
    ("value", "config"),
    [
        ("off", {"thinkingBudget": 0}),
        ("low", {"thinkingLevel": "LOW", "includeThoughts": True}),
        ("high", {"thinkingLevel": "HIGH", "includeThoughts": True}),
        (512, {"thinkingBudget": 512, "includeThoughts": True}),
        (-1, {"thinkingBudget": -1, "includeThoughts": True}),
        (0, {"thinkingBudget": 0}),
    ],
)
def test_thinking_is_sent_as_budget_or_level(wire, pane, value, config):
    set_to(pane, thinking=value)
    pane.send("One?")
    assert wire.seen[-1].json()["generationConfig"] == {"thinkingConfig": config}


def test_tools_of_the_server_are_sent(wire, pane):
    set_to(pane, tools=["code_execution", "google_search"])
    pane.send("One?")
    assert wire.seen[-1].json()["tools"] == [{"googleSearch": {}}, {"codeExecution": {}}]
    set_to(pane, tools=[])
    pane.send("Two?")
    assert "tools" not in wire.seen[-1].json()


def test_the_system_instruction_is_the_conversations_own(wire, pane, chat):
    set_to(pane, system="Answer in one word.")
    assert chat.system == "Answer in one word."
    assert pane.of("settings")[-1]["settings"] == {"system": "Answer in one word."}
    pane.send("One?")
    assert wire.seen[-1].json()["systemInstruction"]["parts"] == [{"text": "Answer in one word."}]
    set_to(pane, system=None)
    assert chat.system is None
    assert pane.state["settings"] == {}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"temperature": 3}, "from 0 to 2, not 3"),
        ({"temperature": "warm"}, "takes a number"),
        ({"temperature": True}, "takes a number"),
        ({"top_p": -1}, "from 0 to 1"),
        ({"max_output_tokens": 0}, "1 to 2,147,483,647"),
        ({"max_output_tokens": 1.5}, "whole number"),
        ({"thinking": "hard"}, "off, minimal, low, medium, high"),
        ({"model": "../x"}, "model"),
        ({"model": 7}, "A model is a name"),
        ({"system": 7}, "is a text"),
        ({"tools": ["shell"]}, "google_search"),
        ({"colour": "red"}, "There is no setting 'colour'"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_and_the_others_stay(pane, settings, words):
    set_to(pane, temperature=1)
    assert words in set_to(pane, **{"top_p": 0.5, **settings})["error"]
    assert pane.of("settings")[-1]["settings"] == {"temperature": 1}


# Completion behind braces


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("What of {{", ["df", "number", "place"]),
        ("What of {{ nu", ["number"]),
        ("{{df.", ["city", "size"]),
        ("{{place.", ["name", "town"]),
        ("{{place.town.", ["zip"]),
        ("{{number}} and ", []),
        ("plain", []),
        ("{{nothing.", []),
        ("{{number + ", []),
    ],
)
def test_names_are_completed_behind_braces(pane, shell, typed, names):
    shell.user_ns |= {
        "df": pd.DataFrame({"city": ["Ulm"], "size": [1]}),
        "number": 7,
        "_private": 1,
        "place": SimpleNamespace(town=SimpleNamespace(zip=1), name="x", _hidden=1),
        "function": print,
        "hidden": 1,
    }
    shell.user_ns_hidden["hidden"] = 1
    shell.user_ns["a_module"] = pytest
    reply = pane.ask("complete", text=typed, cursor=len(typed))
    assert [one["name"] for one in reply["names"] if one["name"] != "function"] == names
    assert typed[reply["from"] :] == "".join(c for c in typed[reply["from"] :] if c.isalnum())


def test_completion_says_what_values_are_and_runs_nothing(pane, shell):
    class Thing:
        def __init__(self):
            self.text = "x" * 100

        @property
        def costly(self):
            raise AssertionError("completion must not read this")

        def __repr__(self):
            raise AssertionError("completion must not call this")

    shell.user_ns |= {"thing": Thing(), "df": pd.DataFrame({"a": [1, 2]}), "rows": [1, 2, 3]}
    found = {one["name"]: one for one in pane.ask("complete", text="{{", cursor=2)["names"]}
    assert found["df"] == {"name": "df", "kind": "DataFrame", "shown": "2 × 1"}
    assert found["rows"]["shown"] == "3 items"
    assert found["thing"] == {"name": "thing", "kind": "Thing", "shown": ""}
    inside = {one["name"]: one for one in pane.ask("complete", text="{{thing.", cursor=8)["names"]}
    assert set(inside) == {"costly", "text"}
    assert len(inside["text"]["shown"]) == 60
