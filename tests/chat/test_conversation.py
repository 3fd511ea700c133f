"""Conversations: what is sent again, byte for byte, and what is not."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
from wire_server import Say, answer, error, event, unary

from gemini_magic.chat import Conversation, Turn
from gemini_magic.client.request import Encoded
from gemini_magic.events import TextDelta
from gemini_magic.exceptions import (
    BadRequest,
    ConfigError,
    InputError,
    ProtocolError,
    ServerUnavailable,
    StreamTruncated,
)
from gemini_magic.wire import Content, Part


def read(chat, *question, **fields):
    with chat.stream(*question, **fields) as events:
        for _ in events:
            pass
        return events.reply


def say(chunk, **more):
    return Say([json.dumps(chunk).encode()], **more)


def texts_of(body):
    return [(content["role"], content["parts"][0]["text"]) for content in body["contents"]]


# What is sent again


@pytest.mark.parametrize("ask", [Conversation.ask, read], ids=["ask", "stream"])
def test_each_question_carries_everything_said_before(chat, wire, ask):
    wire.answers(answer("Yes."), answer("No", "."), answer("Maybe."))
    assert [ask(chat, question).text for question in ("one", "two", "three")] == ["Yes.", "No.", "Maybe."]
    assert texts_of(wire.seen[-1].json()) == [
        ("user", "one"),
        ("model", "Yes."),
        ("user", "two"),
        ("model", "No."),
        ("user", "three"),
    ]
    assert [turn.status for turn in chat.turns] == ["ok"] * 3


ANSWER = {
    "role": "model",
    "parts": [
        {"text": "Thinking…", "thought": True, "thoughtSignature": "c2ln"},
        {"text": "Let me ", "newField": {"a": [1, None]}},
        {"functionCall": {"name": "now", "args": {"zone": "UTC", "deep": {"b": [1.5, False]}}, "id": "call-1"}},
        {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}, "thoughtSignature": "c2lnMg=="},
        {"futureKind": {"x": "ü😀"}},
        {"executableCode": {"language": "PYTHON", "code": "print(1)"}},
    ],
    "newSibling": 3,
}


@pytest.mark.parametrize("ask", [Conversation.ask, read], ids=["ask", "stream"])
def test_an_answer_is_sent_again_exactly_as_it_was_received(chat, wire, ask):
    wire.answers(say({"candidates": [{"content": ANSWER, "finishReason": "STOP"}]}), answer("Done."))
    ask(chat, "one")
    ask(chat, "two")
    assert wire.seen[-1].json()["contents"][1] == ANSWER
    assert [content.model_dump(by_alias=True, exclude_unset=True) for content in chat.history][1] == ANSWER


def test_a_signed_part_of_a_stream_is_not_merged_with_others(chat, wire):
    parts = [{"text": "a"}, {"text": "b", "thoughtSignature": "c2ln"}, {"text": "c"}]
    chunks = [{"candidates": [{"content": {"role": "model", "parts": [part]}}]} for part in parts]
    chunks[-1]["candidates"][0]["finishReason"] = "STOP"
    wire.answers(Say([b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks]), answer("Done."))
    read(chat, "one")
    read(chat, "two")
    sent = wire.seen[-1].json()["contents"][1]["parts"]
    assert {"text": "b", "thoughtSignature": "c2ln"} in sent
    assert "".join(part["text"] for part in sent) == "abc"


def test_the_first_candidate_is_the_answer_whatever_the_order(chat, wire):
    candidates = [
        {"index": 1, "content": {"role": "model", "parts": [{"text": "second"}]}, "finishReason": "STOP"},
        {"index": 0, "content": {"role": "model", "parts": [{"text": "first"}]}, "finishReason": "STOP"},
    ]
    wire.answers(say({"candidates": candidates}), unary("Done."))
    assert chat.ask("one").text == "first"
    chat.ask("two")
    assert texts_of(wire.seen[-1].json())[1] == ("model", "first")


@pytest.mark.parametrize("content", [{"parts": [{"text": "Hi"}]}, {"role": "", "parts": [{"text": "Hi"}]}])
def test_an_answer_without_a_role_goes_back_as_the_model_s(chat, wire, content):
    wire.answers(say({"candidates": [{"content": content, "finishReason": "STOP"}]}), unary("Done."))
    chat.ask("one")
    chat.ask("two")
    assert wire.seen[-1].json()["contents"][1] == {"role": "model", "parts": [{"text": "Hi"}]}


def test_earlier_turns_are_the_same_bytes_in_every_later_request(chat, wire):
    picture = Part.from_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 2_000, "image/png")
    wire.answers(answer("I see 😀."))
    for number in range(6):
        read(chat, f"question {number} é", picture)
    wire.answers(answer("Done."))
    chat.ask("last")
    bodies = [seen.body for seen in wire.seen]
    for earlier, later in pairwise(bodies):
        assert later.startswith(earlier.removesuffix(b"]}") + b",")


def test_each_turn_is_encoded_once(chat, wire, monkeypatch):
    dumped = []
    original = Content.model_dump_json

    def counted(self, **options):
        dumped.append(self)
        return original(self, **options)

    monkeypatch.setattr(Content, "model_dump_json", counted)
    wire.answers(answer("Yes."))
    for number in range(10):
        read(chat, str(number))
    assert len(dumped) == 20
    assert len({id(content) for content in dumped}) == 20


def test_the_bytes_of_a_turn_are_kept_and_not_copied(chat, wire):
    wire.answers(answer("Yes."))
    read(chat, "one")
    first = chat.contents_for("two")
    second = chat.contents_for("three")
    assert [a.data is b.data for a, b in zip(first[:2], second[:2], strict=True)] == [True, True]
    assert all(isinstance(content, Encoded) for content in first)


# What is not sent again

NOT_KEPT = [
    (error(400, "Bad."), "failed", "Bad", BadRequest),
    (Say([b"<html>"]), "failed", "HTML", ProtocolError),
    (Say([event("Ha")]), "failed", "", StreamTruncated),
    (Say([event("Ha", "SAFETY")]), "blocked", "SAFETY", None),
    (say({"promptFeedback": {"blockReason": "OTHER"}}), "blocked", "OTHER", None),
    (Say([event("Ha", "MALFORMED_FUNCTION_CALL")]), "failed", "MALFORMED", None),
    (say({"candidates": [{"finishReason": "STOP"}]}), "ok", "STOP", None),
    (say({"candidates": [{"content": {"role": "model"}, "finishReason": "STOP"}]}), "ok", "STOP", None),
    (Say([event("", "STOP")]), "ok", "STOP", None),
]


@pytest.mark.parametrize("case", NOT_KEPT)
def test_a_turn_that_failed_is_seen_and_not_sent_again(chat, wire, case):
    said, status, words, kind = case
    wire.answers(answer("Yes."), said, answer("Good."))
    read(chat, "one")
    if kind is None:
        read(chat, "two")
    else:
        with pytest.raises(kind):
            read(chat, "two")
    read(chat, "three")
    assert texts_of(wire.seen[-1].json()) == [("user", "one"), ("model", "Yes."), ("user", "three")]
    failed = chat.turns[1]
    assert (failed.prompt, failed.status, failed.replayed) == ("two", status, False)
    assert words in failed.error
    assert failed.error


def test_a_truncated_answer_is_sent_again(chat, wire):
    wire.answers(answer("Half", finish="MAX_TOKENS"), answer("Good."))
    read(chat, "one")
    read(chat, "two")
    assert texts_of(wire.seen[-1].json())[1] == ("model", "Half")
    assert chat.turns[0].status == "truncated"


def test_an_answer_of_signatures_alone_is_sent_again(chat, wire):
    content = {"role": "model", "parts": [{"text": "", "thoughtSignature": "c2ln"}]}
    wire.answers(say({"candidates": [{"content": content, "finishReason": "STOP"}]}), unary("Good."))
    chat.ask("one")
    chat.ask("two")
    assert wire.seen[-1].json()["contents"][1] == content


def test_an_error_inside_a_stream_keeps_what_had_come(chat, wire):
    late = b'data: {"error": {"code": 503, "message": "late", "status": "UNAVAILABLE"}}\n\n'
    wire.answers(Say([event("Half"), late]), answer("Good."))
    with pytest.raises(ServerUnavailable) as caught:
        read(chat, "one")
    (turn,) = chat.turns
    assert (turn.status, turn.replayed) == ("failed", False)
    assert turn.reply.text == caught.value.partial.text == "Half"
    assert "late" in turn.error
    read(chat, "two")
    assert texts_of(wire.seen[-1].json()) == [("user", "two")]


def test_leaving_the_block_early_is_an_interruption(chat, wire):
    wire.answers(Say([event("Half")], framing="chunked", ending="hang"), answer("Good."))
    with chat.stream("one") as events:
        assert next(iter(events)) == TextDelta("Half")
    (turn,) = chat.turns
    assert (turn.status, turn.reply.text, turn.replayed) == ("interrupted", "Half", False)
    assert wire.closed_by_client.wait(10)
    read(chat, "two")
    assert texts_of(wire.seen[-1].json()) == [("user", "two")]


def test_an_interrupt_is_kept_as_such(chat, wire):
    wire.answers(Say([event("Half")], framing="chunked", ending="hang"), answer("Good."))
    with pytest.raises(KeyboardInterrupt), chat.stream("one") as events:
        raise KeyboardInterrupt(next(iter(events)))
    (turn,) = chat.turns
    assert (turn.status, turn.reply.text, turn.reply.status) == ("interrupted", "Half", "interrupted")
    assert wire.closed_by_client.wait(10)


def test_the_user_s_own_error_in_the_block_fails_the_turn_and_is_raised(chat, wire):
    wire.answers(Say([event("Half")], framing="chunked", ending="hang"))
    with pytest.raises(ZeroDivisionError), chat.stream("one"):
        _ = 1 / 0
    (turn,) = chat.turns
    assert (turn.status, turn.replayed, turn.error) == ("failed", False, "division by zero")


@pytest.mark.parametrize("ask", [Conversation.ask, read], ids=["ask", "stream"])
@pytest.mark.parametrize(
    ("question", "fields"),
    [
        ((), {}),
        (("\ud800",), {}),
        ((Content(role="user", parts=[Part(text="a")]), Content(role="model", parts=[Part(text="b")])), {}),
        (("one",), {"config": {"temperature": "hot"}}),
        (("one",), {"extra": {"contents": []}}),
        (("one",), {"model": "../x"}),
    ],
)
def test_what_cannot_be_sent_leaves_no_turn(chat, wire, ask, question, fields):
    with pytest.raises((InputError, ConfigError)):
        ask(chat, *question, **fields)
    assert chat.turns == ()
    assert wire.connections == 0


# Questions, system instruction, reset


def test_a_question_may_have_several_pieces(chat, wire):
    wire.answers(unary("Yes."))
    chat.ask("What is", Part.from_bytes(b"\x89PNG\r\n\x1a\n" + bytes(8), "image/png"), "and", {"a": 1})
    (content,) = wire.seen[-1].json()["contents"]
    assert [next(iter(part)) for part in content["parts"]] == ["text", "inlineData", "text", "text"]
    assert json.loads(content["parts"][3]["text"]) == {"a": 1}
    assert chat.turns[0].prompt.startswith("What isand{")


def test_the_system_instruction_goes_with_every_question(client, wire):
    wire.answers(unary("Yes."))
    chat = Conversation(client, system="Rhyme.")
    chat.ask("one")
    chat.ask("two", system="Only now.")
    chat.ask("three")
    chat.system = None
    chat.ask("four")
    said = [seen.json().get("systemInstruction", {}).get("parts") for seen in wire.seen]
    assert said == [[{"text": "Rhyme."}], [{"text": "Only now."}], [{"text": "Rhyme."}], None]


def test_reset_forgets_the_turns_and_keeps_the_system_instruction(client, wire):
    wire.answers(unary("Yes."))
    chat = Conversation(client, system="Rhyme.")
    chat.ask("one")
    chat.reset()
    assert (len(chat), chat.history) == (0, [])
    chat.ask("two")
    body = wire.seen[-1].json()
    assert texts_of(body) == [("user", "two")]
    assert body["systemInstruction"]["parts"] == [{"text": "Rhyme."}]


def test_the_client_may_change_between_turns(chat, wire, client):
    wire.answers(unary("Yes."))
    chat.ask("one")
    chat.client = client.with_options(model="gemini-y")
    chat.ask("two")
    assert "/gemini-y:" in wire.seen[-1].path
    assert len(wire.seen[-1].json()["contents"]) == 3
    assert wire.connections == 1


def test_what_came_is_the_turn_s_to_keep(chat, wire):
    wire.answers(unary("Yes."))
    reply = chat.ask("one", cell="cell-7")
    (turn,) = chat.turns
    assert isinstance(turn, Turn)
    assert (turn.reply, turn.cell) == (reply, "cell-7")
    assert repr(turn) == "<Turn ok: 'one' → 'Yes.'>"
    assert repr(chat) == "<Conversation 'main' with gemini-x: 1 turn>"


def test_the_ledger_says_where_an_exchange_belongs(chat, wire, ledger):
    wire.answers(answer("Yes."))
    read(chat, "one", cell="cell-1")
    chat.ask("two", cell="cell-2")
    with chat.stream("three", cell="cell-3"):
        pass
    booked = [(entry.conversation, entry.cell, entry.status) for entry in ledger.entries]
    assert booked == [("main", "cell-1", "ok"), ("main", "cell-2", "ok"), ("main", "cell-3", "interrupted")]


# Threads


def test_many_threads_keep_questions_and_answers_together(chat, wire):
    threads, calls = 32, 50
    together = threading.Barrier(threads)

    def echo(seen):
        last = seen.body.rpartition(b'"text":"')[2].partition(b'"')[0]  # the whole history is not read for it
        return unary("re: " + last.decode())

    def talk(thread):
        together.wait()
        for number in range(calls):
            question = f"{thread}/{number}"
            reply = chat.ask(question) if number % 2 else read(chat, question)
            assert reply.text == f"re: {question}"

    wire.answers(echo)
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(talk, range(threads)))
    assert len(chat) == threads * calls
    assert len({turn.prompt for turn in chat.turns}) == threads * calls
    said = [(content.role, content.parts[0].text) for content in chat.history]
    for (asker, question), (answerer, reply) in zip(said[::2], said[1::2], strict=True):
        assert (asker, answerer, reply) == ("user", "model", f"re: {question}")
    for seen in wire.seen[::40]:
        roles = [content["role"] for content in seen.json()["contents"]]
        assert roles == ["user", "model"] * (len(roles) // 2) + ["user"]


def test_nobody_waits_for_another_s_answer(chat, wire):
    first_has_begun, second_is_done = threading.Event(), threading.Event()

    def slow(number):
        if number:
            assert second_is_done.wait(60)

    wire.answers(
        Say([event("slow "), event("answer", "STOP")], framing="chunked", before_piece=slow), answer("quick answer")
    )

    def ask_slowly():
        with chat.stream("one") as events:
            first_has_begun.set()
            return [event.text for event in events if isinstance(event, TextDelta)]

    with ThreadPoolExecutor(1) as pool:
        slowly = pool.submit(ask_slowly)
        assert first_has_begun.wait(60)
        assert chat.ask("two").text == "quick answer"
        second_is_done.set()
        assert slowly.result(60) == ["slow ", "answer"]
    assert [turn.prompt for turn in chat.turns] == ["two", "one"]
