"""Long answers that take several requests: one answer for the caller, and for the ledger an exchange each."""

from __future__ import annotations

import json
from functools import partial

import pytest
from wire_server import Say, Seen, error, event

from gemini_magic.client.cache import AnswerCache
from gemini_magic.client.hops import MOST_HOPS
from gemini_magic.client.tape import Recorder, Replayer, Tape
from gemini_magic.events import Finished, FunctionCall, TextDelta, UsageUpdate
from gemini_magic.exceptions import (
    BadRequest,
    BudgetExceeded,
    ConnectionLost,
    InputError,
    ServerUnavailable,
    StreamTruncated,
)
from gemini_magic.ledger import Budget, Ledger, labelled
from gemini_magic.settings import Timeouts

KEY = "planted-5d20c4f18b7e9a63"


def chunk(*parts, finish=None, mark=None, tokens=0, **rest):
    parts = [{"text": part} if isinstance(part, str) else part for part in parts]
    candidate = {"content": {"role": "model", "parts": parts}, "finishReason": finish, "continuationToken": mark}
    counts = {"promptTokenCount": 10, "candidatesTokenCount": tokens, "totalTokenCount": 10 + tokens}
    usage = {"usageMetadata": counts} if tokens else {}
    return {"candidates": [{name: value for name, value in candidate.items() if value}], **usage, **rest}


def said(chunks, seen: Seen, **how) -> Say:
    """Chunks as a stream, or the last one as a whole, whichever is asked for."""
    if "alt=sse" in seen.target:
        return Say([b"data: " + json.dumps(each).encode() + b"\r\n\r\n" for each in chunks], framing="chunked", **how)
    (whole,) = chunks
    return Say([json.dumps(whole).encode()], **how)


def hop(*chunks, **how):
    return partial(said, chunks, **how)


def pausing(text, mark, **rest):
    return hop(chunk(text, finish="CONTINUATION", mark=mark, **rest))


def ending(text, **rest):
    return hop(chunk(text, finish="STOP", **rest))


def dropped(*chunks, ending="rst"):
    """A stream that breaks off."""
    pieces = [b"data: " + json.dumps(each).encode() + b"\r\n\r\n" for each in chunks]
    return Say(pieces, framing="chunked" if ending == "rst" else "close", ending=ending)


def bodies(wire):
    return [seen.json() for seen in wire.seen]


def test_an_answer_in_several_requests_is_one_answer(driver, wire, way):
    wire.answers(pausing("one ", "t1", tokens=3), pausing("two ", "t2", tokens=4), ending("three", tokens=5))
    outcome = driver.attempt(way, driver.client(wire.url), system="be long", config={"topK": 1})
    reply = outcome.reply
    assert (reply.text, len(reply.parts), reply.finish_reason, reply.status) == ("one two three", 1, "STOP", "ok")
    assert (reply.attempts, reply.warnings) == (3, ())
    assert (reply.usage.prompt_token_count, reply.usage.candidates_token_count) == (30, 12)
    assert reply.candidates[0].continuation_token is None
    first, second, third = bodies(wire)
    assert (second, third) == ({**first, "continuationToken": "t1"}, {**first, "continuationToken": "t2"})
    assert len({seen.target for seen in wire.seen}) == 1


def test_the_events_of_all_requests_come_in_order_and_the_end_once(driver, wire):
    wire.answers(pausing("one ", "t1", tokens=3), pausing("two ", "t2"), ending("three", tokens=5))
    *texts, usage, finished = driver.try_stream(driver.client(wire.url)).events
    assert texts == [TextDelta("one "), TextDelta("two "), TextDelta("three")]
    assert isinstance(usage, UsageUpdate)
    assert usage.usage.total_token_count == 28
    assert finished == Finished("STOP")


def test_usage_of_earlier_requests_is_told_though_the_last_one_had_none(driver, wire):
    wire.answers(pausing("one ", "t1", tokens=3), ending("two"))
    usage, _ = driver.try_stream(driver.client(wire.url)).events[-2:]
    assert usage.usage.candidates_token_count == 3


def test_only_plain_text_is_joined_and_signed_parts_stay_as_they_came(driver, wire, way):
    signed, call = {"text": "b", "thoughtSignature": "c2ln"}, {"functionCall": {"name": "f", "args": {"x": 1}}}
    wire.answers(
        hop(chunk({"text": "hm", "thought": True}, "a", signed, finish="CONTINUATION", mark="t1")),
        hop(chunk("c", "d", {"hologram": 3}, finish="CONTINUATION", mark="t2")),
        hop(chunk("e", call, finish="STOP")),
    )
    outcome = driver.attempt(way, driver.client(wire.url))
    parts = outcome.reply.raw["candidates"][0]["content"]["parts"]
    thought = {"text": "hm", "thought": True}
    assert parts == [thought, {"text": "a"}, signed, {"text": "cd"}, {"hologram": 3}, {"text": "e"}, call]
    assert outcome.events == [] or FunctionCall("f", {"x": 1}) in outcome.events


def test_whatever_the_last_request_says_about_the_answer_holds(driver, wire, way):
    wire.answers(
        hop(chunk("one ", finish="CONTINUATION", mark="t1", modelVersion="m-1", responseId="a")),
        hop(chunk("two", finish="MAX_TOKENS", modelVersion="m-2", responseId="b")),
    )
    reply = driver.attempt(way, driver.client(wire.url)).reply
    assert (reply.finish_reason, reply.status, reply.model) == ("MAX_TOKENS", "truncated", "m-2")
    assert reply.response.response_id == "b"


def test_contents_are_sent_again_as_the_same_bytes(driver, wire, way):
    picture = {"inlineData": {"mimeType": "image/png", "data": "QUJD" * 20_000}}
    wire.answers(pausing("one ", "t1"), ending("two"))
    driver.attempt(way, driver.client(wire.url), [picture, "what is it?"])
    first, second = (seen.body for seen in wire.seen)
    assert second == first[:-1] + b',"continuationToken":"t1"}'


@pytest.mark.parametrize("name", ["continuationToken", "continuation_token"])
def test_who_goes_on_by_hand_is_gone_on_with(name, driver, wire, way):
    wire.answers(pausing("two ", "t2"), ending("three"))
    driver.attempt(way, driver.client(wire.url), extra={name: "t1", "store": False})
    first, second = bodies(wire)
    assert first[name] == "t1"
    assert second == {"contents": first["contents"], "store": False, "continuationToken": "t2"}


def test_every_request_is_tried_again_until_its_answer_begins(driver, wire, way):
    wire.answers(error(503), pausing("one ", "t1"), error(503), Say(status=None, ending="rst"), ending("two"))
    reply = driver.attempt(way, driver.client(wire.url)).reply
    assert (reply.text, reply.attempts, len(wire.seen)) == ("one two", 5, 5)


def test_the_model_that_paused_is_the_one_that_goes_on(driver, wire, way):
    wire.answers(error(404), pausing("one ", "t1"), ending("two"))
    reply = driver.attempt(way, driver.client(wire.url, fallback=("other",))).reply
    assert reply.text == "one two"
    assert ["other" in seen.target for seen in wire.seen] == [False, True, True]
    assert reply.warnings == ("test-model did not answer (404); asking other instead.",)


def test_no_other_model_is_asked_to_go_on(driver, wire, way):
    wire.answers(pausing("one ", "t1"), error(404))
    failure = driver.attempt(way, driver.client(wire.url, fallback=("other",))).error
    assert failure.status == 404
    assert not any("other" in seen.target for seen in wire.seen)


# --- the ledger -----------------------------------------------------------------------------------------------


def test_the_ledger_has_every_request_with_the_labels_of_the_first(driver, wire, way):
    ledger = Ledger()
    wire.answers(pausing("one ", "t1", tokens=3), ending("two", tokens=4))
    client = driver.client(wire.url, ledger=ledger)
    with labelled(cell="c1"):
        driver.attempt(way, client)
    assert [(entry.answer_tokens, entry.requests, entry.status, entry.cell) for entry in ledger.entries] == [
        (3, 1, "truncated", "c1"),
        (4, 1, "ok", "c1"),
    ]


def test_a_stream_that_is_read_outside_its_label_is_labelled_all_the_same(driver, wire):
    ledger = Ledger()
    wire.answers(pausing("one ", "t1", tokens=3), ending("two", tokens=4))
    with labelled(cell="c1"):
        opened = driver.opened(driver.client(wire.url, ledger=ledger))
        stream = opened.__enter__()
    while stream.read() is not None:
        pass
    with labelled(cell="c1"):
        opened.__exit__(None, None, None)
    assert [entry.cell for entry in ledger.entries] == ["c1", "c1"]


def test_a_budget_holds_between_requests(driver, wire, way):
    ledger = Ledger()
    ledger.budget = Budget(tokens=13)
    wire.answers(pausing("one ", "t1", tokens=3), ending("two", tokens=4))
    outcome = driver.attempt(way, driver.client(wire.url, ledger=ledger))
    assert isinstance(outcome.error, BudgetExceeded)
    assert (outcome.text, len(wire.seen)) == ("one ", 1)


class SlowShelf:
    """Has nothing, and takes its time to find that out."""

    def __init__(self, clock):
        self.clock = clock

    def find(self, _):
        self.clock.now += 4

    def keep(self, asked, recorded): ...


def test_the_whole_answer_has_one_time_limit(driver, wire, way):
    wire.answers(pausing("one ", "t1"), pausing("two ", "t2"), pausing("three ", "t3"), ending("four"))
    client = driver.client(wire.url, timeout=Timeouts(total=10.0), retries=0).with_shelf(SlowShelf(driver.clock))
    outcome = driver.attempt(way, client)
    assert (type(outcome.error).__name__, outcome.error.phase) == ("Timeout", "total")
    assert outcome.text == "one two three "


def test_seconds_are_those_of_all_requests(driver, wire, way):
    ledger = Ledger()

    def slow(answer):
        def answering(seen):
            driver.clock.now += 4
            return answer(seen)

        return answering

    wire.answers(slow(pausing("one ", "t1")), slow(ending("two")))
    assert driver.attempt(way, driver.client(wire.url, ledger=ledger)).reply.seconds == pytest.approx(8)
    assert [entry.seconds for entry in ledger.entries] == [pytest.approx(4), pytest.approx(4)]


# --- where it ends --------------------------------------------------------------------------------------------


def test_without_a_token_nobody_goes_on(driver, wire, way):
    wire.answers(hop(chunk("one", finish="CONTINUATION")))
    outcome = driver.attempt(way, driver.client(wire.url))
    assert (outcome.text, outcome.reply.status, len(wire.seen)) == ("one", "truncated", 1)


@pytest.mark.parametrize("finish", ["STOP", "MAX_TOKENS", "SAFETY", "MALFORMED_FUNCTION_CALL", "BRAND_NEW"])
def test_with_any_other_finish_reason_nobody_goes_on(finish, driver, wire, way):
    wire.answers(hop(chunk("one", finish=finish, mark="t1")))
    outcome = driver.attempt(way, driver.client(wire.url))
    assert (outcome.reply.finish_reason, len(wire.seen)) == (finish, 1)


def test_a_prompt_that_is_blocked_is_not_gone_on_with(driver, wire, way):
    wire.answers(hop(chunk("", finish="CONTINUATION", mark="t1", promptFeedback={"blockReason": "SAFETY"})))
    outcome = driver.attempt(way, driver.client(wire.url))
    assert (outcome.reply.status, len(wire.seen)) == ("blocked", 1)


def test_a_request_that_brings_nothing_and_the_same_token_is_the_last(driver, wire, way):
    nothing = {"candidates": [{"finishReason": "CONTINUATION", "continuationToken": "t1"}]}
    wire.answers(pausing("one", "t1"), hop(nothing))
    outcome = driver.attempt(way, driver.client(wire.url))
    assert (outcome.text, outcome.reply.status, len(wire.seen)) == ("one", "truncated", 2)
    if way == "stream":
        assert outcome.events[-1] == Finished("CONTINUATION")
        assert sum(isinstance(each, Finished) for each in outcome.events) == 1


def test_a_request_that_brings_nothing_but_a_new_token_is_gone_on_with(driver, wire, way):
    nothing = {"candidates": [{"finishReason": "CONTINUATION", "continuationToken": "t2"}]}
    wire.answers(pausing("one ", "t1"), hop(nothing), ending("two"))
    assert driver.attempt(way, driver.client(wire.url)).text == "one two"


def test_after_sixty_four_requests_it_is_enough(driver, wire, way):
    ledger = Ledger()
    wire.answers(pausing("x", "t1", tokens=1))
    outcome = driver.attempt(way, driver.client(wire.url, ledger=ledger))
    assert len(wire.seen) == len(ledger.entries) == MOST_HOPS == 64
    assert (outcome.text, outcome.reply.status) == ("x" * 64, "truncated")
    assert outcome.reply.usage.candidates_token_count == 64


@pytest.mark.parametrize(
    "case",
    [
        (error(400, "The token is too old."), BadRequest, 2),
        (error(503), ServerUnavailable, 5),
        (Say(status=None, ending="rst"), StreamTruncated, 5),
        (Say([b"<html>"]), StreamTruncated, 2),
    ],
    ids=["refused", "busy", "lost", "page"],
)
def test_what_came_is_not_lost_when_the_rest_does_not_come(case, driver, wire, way):
    said, kind, tries = case
    ledger = Ledger()
    wire.answers(pausing("one ", "t1", tokens=3), said)
    failure = driver.attempt(way, driver.client(wire.url, ledger=ledger)).error
    assert type(failure) is kind
    assert (failure.attempts, len(wire.seen)) == (tries, tries)
    assert (failure.partial.text, failure.partial.status, failure.partial.attempts) == ("one ", "failed", 1)
    assert [entry.answer_tokens for entry in ledger.entries] == [3]


def test_a_stream_that_breaks_off_in_a_later_request_keeps_all_that_came(driver, wire):
    ledger = Ledger()
    wire.answers(pausing("one ", "t1", tokens=3), dropped(chunk("two")))
    outcome = driver.try_stream(driver.client(wire.url, ledger=ledger))
    assert isinstance(outcome.error, StreamTruncated)
    assert isinstance(outcome.error.__cause__, ConnectionLost)
    assert (outcome.text, outcome.error.partial.status, outcome.error.attempts) == ("one two", "failed", 2)
    assert [entry.status for entry in ledger.entries] == ["truncated", "failed"]


def test_who_stops_in_a_later_request_keeps_what_came(driver, wire):
    ledger = Ledger()
    wire.answers(pausing("one ", "t1", tokens=3), hop(chunk("two "), chunk("three", finish="STOP")))
    with driver.opened(driver.client(wire.url, ledger=ledger)) as stream:
        assert [stream.read(), stream.read()] == [TextDelta("one "), TextDelta("two ")]
    assert (stream.reply.text.startswith("one two "), stream.reply.status) == (True, "interrupted")
    assert [entry.status for entry in ledger.entries] == ["truncated", "interrupted"]
    assert stream.reply.usage.candidates_token_count == 3


def test_who_stops_where_a_request_had_ended_has_stopped_the_answer(driver, wire):
    wire.answers(pausing("one ", "t1"), ending("two"))
    with driver.opened(driver.client(wire.url)) as stream:
        assert stream.read() == TextDelta("one ")
    assert (stream.reply.text, stream.reply.status, len(wire.seen)) == ("one ", "interrupted", 1)


def test_an_interrupt_between_two_requests_keeps_what_came(driver, wire):
    ledger = Ledger()
    wire.answers(pausing("one ", "t1", tokens=3), error(503))

    def interrupted(_):
        raise KeyboardInterrupt

    async def interrupted_later(_):
        raise KeyboardInterrupt

    driver.clock.sleep, driver.clock.asleep = interrupted, interrupted_later
    with driver.opened(driver.client(wire.url, ledger=ledger)) as stream:
        assert stream.read() == TextDelta("one ")
        with pytest.raises(KeyboardInterrupt):
            stream.read()
    assert (stream.reply.text, stream.reply.status) == ("one ", "interrupted")
    assert [(entry.answer_tokens, entry.status) for entry in ledger.entries] == [(3, "truncated")]


def test_an_answer_that_failed_fails_again_when_it_is_read_again(driver, wire):
    wire.answers(pausing("one ", "t1"), error(400))
    with driver.opened(driver.client(wire.url)) as stream:
        stream.read()
        for _ in range(2):
            with pytest.raises(BadRequest):
                stream.read()
            stream.read = partial(_read_again, driver, stream)
    assert (stream.reply.status, len(wire.seen)) == ("failed", 2)


def _read_again(driver, stream):
    if driver.__class__.__name__ == "SyncDriver":
        return next(iter(stream))
    return driver.run(anext(aiter(stream)))


# --- streams that break off behind a mark ----------------------------------------------------------------------


@pytest.mark.parametrize("how", ["rst", "fin"])
def test_a_stream_that_breaks_off_behind_a_mark_is_taken_up_there(how, driver, wire):
    ledger = Ledger()
    wire.answers(dropped(chunk("one "), chunk("two ", mark="t1", tokens=3), ending=how), ending("three", tokens=4))
    outcome = driver.try_stream(driver.client(wire.url, ledger=ledger))
    assert outcome.error is None
    assert (outcome.text, outcome.reply.status, outcome.reply.attempts) == ("one two three", "ok", 2)
    assert bodies(wire)[1]["continuationToken"] == "t1"
    (warning,) = outcome.reply.warnings
    assert warning.startswith("The connection broke, and the answer was taken up")
    assert [entry.status for entry in ledger.entries] == ["failed", "ok"]
    assert sum(isinstance(each, Finished) for each in outcome.events) == 1


def test_a_stream_is_taken_up_once(driver, wire):
    wire.answers(dropped(chunk("one ", mark="t1")), dropped(chunk("two ", mark="t2")), ending("three"))
    outcome = driver.try_stream(driver.client(wire.url))
    assert isinstance(outcome.error, StreamTruncated)
    assert (outcome.text, len(wire.seen)) == ("one two ", 2)


def test_behind_later_text_a_mark_is_worth_nothing(driver, wire):
    wire.answers(dropped(chunk("one ", mark="t1"), chunk("two ")), ending("three"))
    outcome = driver.try_stream(driver.client(wire.url))
    assert isinstance(outcome.error, StreamTruncated)
    assert (outcome.text, len(wire.seen)) == ("one two ", 1)


@pytest.mark.parametrize(
    "fault",
    [b'data: {"error": {"code": 503, "message": "gone"}}\r\n\r\n', b"data: <html>\r\n\r\n"],
    ids=["error", "page"],
)
def test_behind_an_error_of_the_server_nothing_is_taken_up(fault, driver, wire):
    pieces = [b"data: " + json.dumps(chunk("one ", mark="t1")).encode() + b"\r\n\r\n", fault]
    wire.answers(Say(pieces, framing="chunked"), ending("two"))
    outcome = driver.try_stream(driver.client(wire.url))
    assert outcome.error is not None
    assert (outcome.text, len(wire.seen)) == ("one ", 1)


# --- shelves --------------------------------------------------------------------------------------------------


def test_a_tape_has_every_request_and_replays_them_all(driver, wire, way, tmp_path):
    tape = tmp_path / "tape.jsonl"
    wire.answers(pausing("one ", "t1", tokens=3), ending("two", tokens=4))
    first = driver.attempt(way, driver.client(wire.url).with_shelf(Recorder(Tape(tape))))
    assert len({line.request for line in Tape(tape).lines()}) == 2
    for other in ("stream", "generate"):
        again = driver.attempt(other, driver.client(wire.url).with_shelf(Replayer(Tape(tape)))).reply
        assert (again.text, again.usage, again.attempts) == ("one two", first.reply.usage, 0)
    assert len(wire.seen) == 2


def test_a_tape_replays_what_was_taken_up(driver, wire, tmp_path):
    tape = tmp_path / "tape.jsonl"
    wire.answers(dropped(chunk("one "), chunk("two ", mark="t1")), ending("three"))
    driver.try_stream(driver.client(wire.url).with_shelf(Recorder(Tape(tape))))
    for way in ("stream", "generate"):
        again = driver.attempt(way, driver.client(wire.url).with_shelf(Replayer(Tape(tape))))
        assert again.text == "one two three"
    assert len(wire.seen) == 2


def test_a_tape_of_a_fallback_model_replays(driver, wire, way, tmp_path):
    tape = tmp_path / "tape.jsonl"
    wire.answers(error(404), pausing("one ", "t1"), ending("two"))
    client = driver.client(wire.url, fallback=("other",))
    driver.attempt(way, client.with_shelf(Recorder(Tape(tape))), model="named")
    again = driver.attempt(way, client.with_shelf(Replayer(Tape(tape))), model="named")
    assert again.text == "one two"


def test_a_tape_replays_the_error_that_the_way_ended_with(driver, wire, way, tmp_path):
    tape = tmp_path / "tape.jsonl"
    wire.answers(pausing("one ", "t1"), error(400, "The token is too old."))
    driver.attempt(way, driver.client(wire.url).with_shelf(Recorder(Tape(tape))))
    again = driver.attempt(way, driver.client(wire.url).with_shelf(Replayer(Tape(tape))))
    assert (type(again.error), again.text) == (BadRequest, "one ")
    assert len(wire.seen) == 2


def test_what_a_tape_lacks_is_not_asked_for(driver, wire, way, tmp_path):
    tape = tmp_path / "tape.jsonl"
    wire.answers(pausing("one ", "t1"), ending("two"))
    driver.attempt(way, driver.client(wire.url).with_shelf(Recorder(Tape(tape))))
    first, _ = tape.read_bytes().splitlines(keepends=True)
    tape.write_bytes(first)
    again = driver.attempt(way, driver.client(wire.url).with_shelf(Replayer(Tape(tape))))
    assert (type(again.error), again.text) == (InputError, "one ")


def test_a_cache_has_all_of_a_whole_answer(driver, wire, way, tmp_path):
    cache = AnswerCache(tmp_path / "answers.sqlite3")
    wire.answers(pausing("one ", "t1", tokens=3), ending("two", tokens=4))
    client = driver.client(wire.url).with_shelf(cache)
    driver.attempt(way, client)
    reply = driver.attempt(way, client).reply
    assert (reply.text, reply.attempts, len(reply.warnings), len(wire.seen)) == ("one two", 0, 1, 2)
    cache.close()


@pytest.mark.parametrize("last", [error(400), hop(chunk("two", finish="SAFETY"))], ids=["error", "blocked"])
def test_a_cache_has_nothing_of_an_answer_that_is_not_whole(last, driver, wire, way, tmp_path):
    cache = AnswerCache(tmp_path / "answers.sqlite3")
    wire.answers(pausing("one ", "t1"), last)
    driver.attempt(way, driver.client(wire.url).with_shelf(cache))
    assert cache.clear() == 0
    cache.close()


def test_nothing_is_kept_of_an_answer_that_was_stopped(driver, wire, tmp_path):
    tape = tmp_path / "tape.jsonl"
    wire.answers(pausing("one ", "t1"), hop(chunk("two "), chunk("three", finish="STOP")))
    with driver.opened(driver.client(wire.url).with_shelf(Recorder(Tape(tape)))) as stream:
        stream.read()
        stream.read()
    assert not tape.exists()


def test_a_key_that_comes_in_pieces_of_two_requests_is_hidden_in_the_reply(driver, wire, way):
    wire.answers(pausing(f"it is {KEY[:10]}", "t1"), ending(KEY[10:]))
    reply = driver.attempt(way, driver.client(wire.url, api_key=KEY)).reply
    assert reply.text == "it is ********"


def test_an_answer_in_one_request_reads_as_ever(driver, wire, way):
    wire.answers(ending("one", tokens=3))
    outcome = driver.attempt(way, driver.client(wire.url))
    assert outcome.text == "one"
    if way == "stream":
        assert [type(each) for each in outcome.events] == [TextDelta, UsageUpdate, Finished]


def test_all_candidates_are_there(driver, wire):
    pieces = [event("a", "CONTINUATION")[6:].strip(), event("b", "STOP")[6:].strip()]
    first, second = (json.loads(piece) for piece in pieces)
    first["candidates"][0]["continuationToken"] = "t1"
    other = {"content": {"role": "model", "parts": [{"text": "x"}]}, "finishReason": "STOP", "index": 1}
    first["candidates"].append(other)
    wire.answers(hop(first), hop(second))
    reply = driver.try_generate(driver.client(wire.url)).reply
    assert [candidate.content.parts[0].text for candidate in reply.candidates] == ["ab", "x"]
