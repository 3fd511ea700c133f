"""Every recorded function call, answered: the request that follows, and the same again after saving and loading."""

from __future__ import annotations

import csv
import inspect
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from wire_server import Say, answer

from gemini_magic import tools
from gemini_magic.chat import Conversation
from gemini_magic.exceptions import GeminiMagicError

_CHECKOUT = Path(__file__).parents[2]
RECORDINGS = Path(os.environ.get("GEMINI_MAGIC_RECORDINGS") or _CHECKOUT / "../shared/wire/responses")
if not (RECORDINGS / "INDEX.tsv").is_file():
    pytest.skip("no recordings: set GEMINI_MAGIC_RECORDINGS to their folder", allow_module_level=True)

_CUT = 700
_SIGNATURE = re.compile(rb'"thought_?[sS]ignature"\s*:\s*"([^"]*)"')


def _rows(name: str) -> list[dict[str, Any]]:
    text = (RECORDINGS / name).read_text(encoding="utf-8")
    if name.endswith(".jsonl"):
        return [json.loads(line) for line in text.splitlines()]
    return list(csv.DictReader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE))


INDEX = {row["file"]: row for row in _rows("INDEX.tsv")}
CALLS = {row["file"]: row for row in _rows("EXPECTED.jsonl") if row.get("function_calls")}
GOOD = [name for name, row in CALLS.items() if row["finish_reason"] == "STOP"]
BAD = sorted(CALLS.keys() - set(GOOD))


def _wrapped() -> dict[str, list[dict[str, Any]]]:
    """One recorder wrote the name of a method and the chunks of its answer into one line; those that call something."""
    found = {}
    for name in sorted(name for name in INDEX if name.startswith("gemini-cli/")):
        for number, line in enumerate((RECORDINGS / name).read_text(encoding="utf-8").splitlines()):
            answered = json.loads(line)["response"] if '"functionCall"' in line else []
            if answered:
                found[f"{name}#{number}"] = answered if isinstance(answered, list) else [answered]
    return found


WRAPPED = _wrapped()


def _stand_in(name: str, calls: list[dict[str, Any]], seen: list[dict[str, Any]]) -> tools.Tool:
    """A function that takes what the recorded calls give, and gives back which call it was."""

    def run(**given: Any) -> dict[str, Any]:
        seen.append({"name": name, "args": {key: value for key, value in given.items() if value is not None}})
        return {"number": len(seen)}

    keys = dict.fromkeys(key for call in calls for key in call["args"] or {})
    parameters = [inspect.Parameter(key, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Any) for key in keys]
    run.__signature__ = inspect.Signature(parameters)
    run.__annotations__ = dict.fromkeys(keys, Any)
    return tools.tool(run, name=name, description="Recorded.")


def _toolbox(calls: list[dict[str, Any]], seen: list[dict[str, Any]]) -> list[tools.Tool]:
    names = dict.fromkeys(call["name"] for call in calls)
    return [_stand_in(one, [call for call in calls if call["name"] == one], seen) for one in names]


def _say(name: str) -> Say:
    body = (RECORDINGS / name).read_bytes()
    return Say([body[start : start + _CUT] for start in range(0, len(body), _CUT)], framing="chunked")


def _ways(name: str) -> tuple[str, ...]:
    return ("ask", "stream") if INDEX[name]["format"] == "json" else ("stream",)


def _asked(chat: Conversation, way: str, question: str, **fields: Any) -> Any:
    if way == "ask":
        return chat.ask(question, **fields)
    with chat.stream(question, **fields) as events:
        for _ in events:
            pass
    return events.reply


def _without_none(args: dict[str, Any] | None) -> dict[str, Any]:
    return {key: value for key, value in (args or {}).items() if value is not None}


@pytest.mark.parametrize("name", GOOD)
def test_a_recorded_call_is_answered_in_one_content_with_equal_counts_order_ids_and_signatures(
    name, client, wire, tmp_path
):
    recorded, body = CALLS[name]["function_calls"], (RECORDINGS / name).read_bytes()
    for way in _ways(name):
        seen: list[dict[str, Any]] = []
        chat = Conversation(client, name="main", tools=_toolbox(CALLS[name]["function_calls"], seen), approve="always")
        wire.seen.clear()
        wire.answers(_say(name), answer("Done", "."))
        reply = _asked(chat, way, "Use them.")
        assert reply.text == "Done."
        assert seen == [{"name": call["name"], "args": _without_none(call["args"])} for call in recorded]

        _, follow_up = wire.seen
        question, called, results = follow_up.json()["contents"]
        assert [content["role"] for content in (question, called, results)] == ["user", "model", "user"]
        calls = [part["functionCall"] for part in called["parts"] if "functionCall" in part]
        answers = [part["functionResponse"] for part in results["parts"]]
        assert [call["name"] for call in calls] == [call["name"] for call in recorded]
        assert len(answers) == len(results["parts"]) == len(calls)
        assert [(one["name"], one.get("id")) for one in answers] == [(one["name"], one.get("id")) for one in calls]
        assert [one["response"] for one in answers] == [{"number": number} for number in range(1, len(calls) + 1)]
        signatures = [match.decode() for match in _SIGNATURE.findall(body)]
        assert [part["thoughtSignature"] for part in called["parts"] if "thoughtSignature" in part] == signatures

        _is_stable_over_a_file(chat, client, wire, tmp_path / f"{way}.json")


def _is_stable_over_a_file(chat: Conversation, client: Any, wire: Any, path: Path) -> None:
    chat.save(path)
    loaded = Conversation.load(path, client)
    assert not loaded.tools
    bodies = []
    for one in (chat, loaded):
        wire.answers(answer("Yes."))
        _asked(one, "stream", "Are you sure?", tools=())
        bodies.append(wire.seen[-1].body)
    assert bodies[0] == bodies[1]
    assert len(json.loads(bodies[0])["contents"]) == 5
    again = path.with_name(f"again-{path.name}")
    Conversation.load(path).save(again)
    assert again.read_bytes() == path.read_bytes()


@pytest.mark.parametrize("name", WRAPPED)
def test_a_wrapped_recording_of_calls_is_answered_like_the_others(name, client, wire, tmp_path):
    parts = [part for chunk in WRAPPED[name] for part in chunk["candidates"][0]["content"]["parts"]]
    calls, seen = [part["functionCall"] for part in parts if "functionCall" in part], []
    chat = Conversation(client, name="main", tools=_toolbox(calls, seen), approve="always")
    wire.answers(Say([b"data: %s\n\n" % json.dumps(chunk).encode() for chunk in WRAPPED[name]]), answer("Done."))
    _asked(chat, "stream", "Use them.")
    assert seen == [{"name": call["name"], "args": _without_none(call["args"])} for call in calls]
    _, called, results = wire.seen[1].json()["contents"]
    assert called["parts"] == parts
    assert [part["functionResponse"]["name"] for part in results["parts"]] == [call["name"] for call in calls]
    _is_stable_over_a_file(chat, client, wire, tmp_path / "stream.json")


@pytest.mark.parametrize("name", BAD)
def test_calls_of_an_answer_that_went_wrong_are_not_carried_out(name, client, wire):
    seen: list[dict[str, Any]] = []
    chat = Conversation(client, name="main", tools=_toolbox(CALLS[name]["function_calls"], seen), approve="always")
    wire.answers(_say(name), _say(name), answer("In words", "."))
    reply = _asked(chat, "stream", "Use them.")
    assert (reply.text, seen) == ("In words.", [])
    assert [len(each.json()["contents"]) for each in wire.seen] == [1, 1, 1]

    wire.seen.clear()
    wire.answers(_say(name))
    try:
        reply = _asked(
            Conversation(client, tools=_toolbox(CALLS[name]["function_calls"], seen), approve="always"),
            "stream",
            "Use them.",
        )
    except GeminiMagicError as error:
        reply = error.partial
    assert (reply.status, seen, len(wire.seen)) == ("failed", [], 3)


def test_there_are_recordings_of_all_kinds():
    assert len(GOOD) >= 28
    assert len(WRAPPED) == 3
    assert {INDEX[name]["format"] for name in GOOD} == {"sse", "json", "json-array", "jsonl"}
    assert any(len(CALLS[name]["function_calls"]) > 2 for name in GOOD)
