"""Tapes: what a client heard is heard again, without key and network, and in the same order."""

from __future__ import annotations

import base64
import json
import signal
import stat
from contextlib import suppress
from urllib.parse import quote

import pytest
from wire_server import Say, answer, error, event, unary

from gemini_magic.chat import Conversation
from gemini_magic.client import Client
from gemini_magic.client.cache import AnswerCache
from gemini_magic.client.tape import Recorder, Replayer, Tape, replaying_client
from gemini_magic.events import TextDelta
from gemini_magic.exceptions import (
    ConfigError,
    GeminiMagicError,
    InputError,
    RateLimited,
    StoreError,
    StoreMismatch,
)
from gemini_magic.ledger import Ledger

KEY = "planted-0c44d1e79ab2f386"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "talk.tape.jsonl"


def said(way, *texts):
    return answer(*texts) if way == "stream" else unary("".join(texts))


def recording(driver, wire, path, **options):
    return driver.client(wire.url, **options).with_shelf(Recorder(Tape(path)))


def replaying(driver, path, tape=None, **options):
    """A client of the driver's kind whose gateway does not exist."""
    return driver.client("https://replay.invalid", **options).with_shelf(Replayer(tape or Tape(path)))


def rows(path):
    return [json.loads(line) for line in path.read_bytes().splitlines()]


# --- recorded and replayed ------------------------------------------------------------------------------------


def test_what_was_recorded_is_replayed_event_by_event(driver, wire, path, way):
    wire.answers(said(way, "one ", "two ", "😀"))
    first = driver.attempt(way, recording(driver, wire, path), "count", system="briefly")
    again = driver.attempt(way, replaying(driver, path), "count", system="briefly")
    assert again.text == first.text == "one two 😀"
    assert again.events == first.events
    assert (again.reply.raw, again.reply.status, again.reply.attempts) == (first.reply.raw, "ok", 0)
    assert len(wire.seen) == 1
    assert driver.clock.slept == []


def test_a_line_says_what_it_is_and_nothing_secret(driver, wire, path, way):
    wire.answers(said(way, "a", "b"))
    driver.attempt(way, recording(driver, wire, path, api_key=KEY, model="m1"), "What\n is this? " + "x" * 100)
    (line,) = path.read_bytes().splitlines()
    row = json.loads(line)
    assert list(row) == sorted(row)
    chunks = [event("a"), event("b", "STOP")] if way == "stream" else [event("ab", "STOP")]
    heard = [json.loads(chunk[6:]) for chunk in chunks]
    assert row.pop("response") == (heard if way == "stream" else heard[0])
    assert len(row.pop("request")) == 64
    assert row == {
        "format": "gemini_magic.tape",
        "version": 1,
        "method": "streamGenerateContent" if way == "stream" else "generateContent",
        "model": "m1",
        "prompt": "What is this? " + "x" * 66,
        "status": 200,
    }
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_bytes().endswith(b"\n")


def test_the_same_question_has_its_answers_in_order_and_then_the_last_for_ever(driver, wire, path, way):
    client = recording(driver, wire, path)
    for text in ("first", "second"):
        wire.answers(said(way, text))
        driver.attempt(way, client)
    wire.answers(said(way, "else"))
    driver.attempt(way, client, "else")
    tape = Tape(path)
    found = [driver.attempt(way, replaying(driver, path, tape), text).text for text in ("hi", "else", "hi", "hi", "hi")]
    assert found == ["first", "else", "second", "second", "second"]


def test_a_conversation_goes_the_same_way_again(wire, clock, path):
    parts = [{"functionCall": {"name": "f", "args": {"b": 1.0, "a": [None, 10**20]}}, "thoughtSignature": "c2ln"}]
    candidate = {"content": {"role": "model", "parts": parts}, "finishReason": "STOP"}
    call = b"data: " + json.dumps({"candidates": [candidate], "new": {"z": 1, "a": 2}}).encode() + b"\n\n"
    wire.answers(Say([call]), answer("two"), answer("three"))
    texts = []
    recorder = Client(wire.url, model="m", clock=clock, ledger=Ledger()).with_shelf(Recorder(Tape(path)))
    for make in (lambda: recorder, lambda: replaying_client(path)):
        with make() as client:
            chat = Conversation(client)
            for text in ("one", "two", "three"):
                with chat.stream(text) as events:
                    texts += list(events)
    half = len(texts) // 2
    assert texts[:half] == texts[half:]
    assert len(wire.seen) == 3


def test_a_retried_call_is_one_exchange_and_replayed_at_once(driver, wire, path, way):
    wire.answers(error(503), error(429), said(way, "at last"))
    driver.attempt(way, recording(driver, wire, path))
    assert [row["status"] for row in rows(path)] == [200]
    slept = len(driver.clock.slept)
    assert driver.attempt(way, replaying(driver, path)).text == "at last"
    assert len(driver.clock.slept) == slept


def test_an_error_is_replayed_at_once_however_many_retries_there_may_be(driver, wire, path, way):
    detail = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "3s"}
    wire.answers(error(429, "too fast", "RESOURCE_EXHAUSTED", detail))
    first = driver.attempt(way, recording(driver, wire, path, retries=1)).error
    slept, sent = len(driver.clock.slept), len(wire.seen)
    again = driver.attempt(way, replaying(driver, path, retries=5)).error
    assert type(again) is type(first) is RateLimited
    assert (str(again), again.details, again.retry_delay) == (str(first), first.details, 3.0)
    assert (len(driver.clock.slept), len(wire.seen)) == (slept, sent)
    (row,) = rows(path)
    assert row["response"]["error"] == {
        "code": 429,
        "message": "too fast",
        "status": "RESOURCE_EXHAUSTED",
        "details": [detail],
    }


def test_an_answer_that_broke_off_is_not_on_the_tape(driver, wire, path):
    wire.answers(Say([event("a")], framing="close"))
    driver.try_stream(recording(driver, wire, path))
    assert not path.exists()


def test_counts_and_lists_are_replayed(driver, wire, path):
    client = recording(driver, wire, path)
    wire.answers(Say([b'{"totalTokens": 5}']))
    driver.count_tokens(client)
    wire.answers(error(404), Say([b'{"data": [{"id": "a"}]}']))
    driver.models(client)
    again = replaying(driver, path)
    assert driver.count_tokens(again).total_tokens == 5
    assert [model.name for model in driver.models(again)] == ["models/a"]
    assert [model.name for model in driver.models(again)] == ["models/a"]
    assert len(wire.seen) == 3


def test_a_count_that_is_no_json_is_not_on_the_tape(driver, wire, path):
    wire.answers(Say([b"five"]))
    with pytest.raises(GeminiMagicError):
        driver.count_tokens(recording(driver, wire, path))
    assert not path.exists()


def test_it_does_not_matter_whether_the_answer_was_streamed(driver, wire, path, way):
    wire.answers(said(way, "a", "b"))
    driver.attempt(way, recording(driver, wire, path))
    other = "generate" if way == "stream" else "stream"
    assert driver.attempt(other, replaying(driver, path)).text == "ab"


def test_a_picture_in_the_answer_comes_back(driver, wire, path, way):
    blob = {"inlineData": {"mimeType": "image/png", "data": "QUJD" * 50_000}}
    body = {"candidates": [{"content": {"parts": [blob]}, "finishReason": "STOP"}]}
    wire.answers(Say([json.dumps(body).encode()]))
    first = driver.attempt(way, recording(driver, wire, path)).reply
    assert driver.attempt(way, replaying(driver, path)).reply.raw == first.raw


# --- which recording ------------------------------------------------------------------------------------------


def test_the_model_matters_only_to_a_call_that_names_one(driver, wire, path, way):
    client = recording(driver, wire, path)
    for model in ("m1", "m2"):
        wire.answers(said(way, model))
        driver.attempt(way, client, model=model)
    asked = ("m2", "m1", None, "models/m2")
    found = [driver.attempt(way, replaying(driver, path), model=model).text for model in asked]
    assert found == ["m2", "m1", "m1", "m2"]
    failure = driver.attempt(way, replaying(driver, path), model="m3").error
    assert "It was recorded for m1, m2, not for m3." in str(failure)


def test_what_is_not_on_the_tape_is_named_with_what_comes_nearest(driver, wire, path, way):
    client = recording(driver, wire, path)
    wire.answers(said(way, "a"))
    for prompt in ("What is a monad?", "Write a sonnet on rivers", "hi"):
        driver.attempt(way, client, prompt)
    failure = driver.attempt(way, replaying(driver, path), "What is a monoid? " + "y" * 100).error
    assert isinstance(failure, InputError)
    assert str(path) in str(failure)
    assert "'What is a monoid? " + "y" * 41 + "…'" in str(failure)
    failure = driver.attempt(way, replaying(driver, path), "What is a monoid?").error
    assert "The nearest one recorded is 'What is a monad?'." in str(failure)
    assert f"Run it once with `--record {path}` and a key." in str(failure)
    failure = driver.attempt(way, replaying(driver, path), "hi", system="be brief").error
    assert "These words were recorded with another history, other options or other pictures." in str(failure)
    failure = driver.attempt(way, replaying(driver, path), "Ω").error
    assert "nearest" not in str(failure)
    assert len(wire.seen) == 3


def test_a_list_that_is_not_on_the_tape_is_named(driver, wire, path):
    wire.answers(unary("a"))
    driver.generate(recording(driver, wire, path))
    with pytest.raises(InputError, match="has no answer for a call of models"):
        driver.models(replaying(driver, path))


# --- the ready client -----------------------------------------------------------------------------------------


def test_a_ready_client_needs_only_the_tape(wire, clock, path):
    wire.answers(answer("a", "b"))
    client = Client(wire.url, KEY, "gemini-x", clock=clock, ledger=Ledger()).with_shelf(Recorder(Tape(path)))
    with client, client.stream("hi") as events:
        list(events)
    again = replaying_client(path)
    assert (again.model, again.profile.name) == ("gemini-x", "replay")
    with again.stream("hi") as events:
        assert [event.text for event in events if isinstance(event, TextDelta)] == ["a", "b"]
    assert events.reply.text == "ab"
    assert replaying_client(str(path), "gemini-y").with_options(retries=3, timeout=5).generate("hi").text == "ab"
    assert replaying_client(path, "gemini-y").model == "gemini-y"


def test_clients_of_one_tape_go_on_where_the_other_is(driver, wire, path):
    client = recording(driver, wire, path)
    for text in ("first", "second"):
        wire.answers(unary(text))
        driver.generate(client)
    tape = Tape(path)
    assert [replaying_client(tape).generate("hi").text for _ in range(3)] == ["first", "second", "second"]
    assert [replaying_client(path).generate("hi").text for _ in range(2)] == ["first", "first"]


def test_without_a_tape_there_is_nothing_to_replay(path):
    with pytest.raises(ConfigError, match=r"There is no tape .*talk\.tape\.jsonl.* `--record"):
        replaying_client(path)


# --- recording again ------------------------------------------------------------------------------------------


def _record(driver, wire, path, *questions):
    client = recording(driver, wire, path)
    for question, text in questions:
        wire.answers(unary(text))
        driver.generate(client, question)


def test_recording_the_same_again_changes_nothing(driver, wire, path):
    talk = [("a", "1"), ("b", "2"), ("a", "3")]
    _record(driver, wire, path, *talk)
    before = path.read_bytes()
    _record(driver, wire, path, *talk)
    assert path.read_bytes() == before


def test_recording_again_replaces_in_place_what_was_recorded_before(driver, wire, path):
    _record(driver, wire, path, ("a", "1"), ("b", "2"), ("a", "3"), ("c", "4"))
    before = path.read_bytes().splitlines()
    _record(driver, wire, path, ("b", "new"))
    after = path.read_bytes().splitlines()
    assert [before[n] == after[n] for n in range(4)] == [True, False, True, True]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    _record(driver, wire, path, ("a", "5"), ("a", "6"))
    again = replaying(driver, path)
    assert [driver.generate(again, text).text for text in "aabc"] == ["5", "6", "new", "4"]
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_tape_that_was_recorded_anew_meanwhile_is_read_anew(driver, wire, path):
    _record(driver, wire, path, ("a", "1"))
    again = replaying(driver, path)
    assert driver.generate(again, "a").text == "1"
    _record(driver, wire, path, ("a", "22"))
    assert driver.generate(again, "a").text == "22"


def test_a_tape_without_a_last_line_break_is_gone_on_with(driver, wire, path):
    _record(driver, wire, path, ("a", "1"))
    path.write_bytes(path.read_bytes().rstrip())
    _record(driver, wire, path, ("b", "2"))
    assert len(rows(path)) == 2


def test_a_link_to_a_tape_stays_one(driver, wire, path, tmp_path):
    _record(driver, wire, path, ("a", "1"))
    link = tmp_path / "link.jsonl"
    link.symlink_to(path)
    _record(driver, wire, link, ("a", "2"))
    assert link.is_symlink()
    assert driver.generate(replaying(driver, path), "a").text == "2"


# --- damage ---------------------------------------------------------------------------------------------------

LINE = {"format": "gemini_magic.tape", "version": 1, "status": 200, "response": {}}
LINE |= dict.fromkeys(("request", "method", "model", "prompt"), "")
DAMAGE = {
    "no JSON": (b"{", StoreError, "no exchange of a tape"),
    "a list": (b"[]", StoreError, "no exchange of a tape"),
    "a notebook": (b'{"cells": []}', StoreError, "no exchange of a tape"),
    "a pickle": (b"\x80\x04\x95", StoreError, "no exchange of a tape"),
    "UTF-16": (json.dumps(LINE).encode("utf-16"), StoreError, "no exchange of a tape"),
    "too deep": (b"[" * 100_000, StoreError, "no exchange of a tape"),
    "newer": (json.dumps({**LINE, "version": 2}).encode(), StoreMismatch, "version 2"),
    "odd version": (json.dumps({**LINE, "version": "1"}).encode(), StoreError, "version is missing or not right"),
    "no status": (json.dumps({**LINE, "status": None}).encode(), StoreError, "status is missing or not right"),
    "no response": (json.dumps({**LINE, "response": "x"}).encode(), StoreError, "response is missing or not right"),
}


@pytest.mark.parametrize(("data", "kind", "words"), DAMAGE.values(), ids=DAMAGE.keys())
def test_a_damaged_line_is_named(data, kind, words, *, driver, wire, path, way):
    wire.answers(said(way, "a"))
    driver.attempt(way, recording(driver, wire, path))
    good = path.read_bytes()
    path.write_bytes(good + b"\n" + data)
    for client in (replaying(driver, path), recording(driver, wire, path)):
        failure = driver.attempt(way, client).error
        assert type(failure) is kind
        assert f"{path}, line 3: " in str(failure)
        assert words in str(failure)
    assert len(wire.seen) == 1
    assert path.read_bytes() == good + b"\n" + data


def test_a_tape_cut_at_every_byte_is_read_as_far_as_lines_go_or_named(driver, wire, path):
    _record(driver, wire, path, ("a", "1"), ("b", "2"))
    whole = path.read_bytes()
    first, last = whole.index(b"\n"), len(whole) - 1
    whole_lines = {0: 0, first: 1, first + 1: 1, last: 2}
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        if size in whole_lines:
            assert len(Tape(path).lines()) == whole_lines[size]
        else:
            with pytest.raises(StoreError, match=f"line {1 + (size > first)}: "):
                Tape(path).lines()


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(driver, wire, path):
    _record(driver, wire, path, ("a", "1"))
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert driver.generate(replaying(driver, path), "a").text == "1"


def test_a_folder_is_no_tape_and_no_folder_has_none(driver, wire, path, way):
    path.mkdir()
    for place in (path, path / "no" / "such.jsonl"):
        failure = driver.attempt(way, recording(driver, wire, place)).error
        assert isinstance(failure, StoreError)
        assert str(place) in str(failure)
    assert wire.seen == []


def test_a_disk_that_is_full_leaves_the_tape_as_it_was(driver, wire, path, way):
    _record(driver, wire, path, ("a", "1"))
    before = path.read_bytes()
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    wire.answers(said(way, "x" * 100))
    client = recording(driver, wire, path)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 10, limits[1]))
        if way == "generate":
            reply = driver.generate(client, "b")
        else:
            with driver.opened(client, "b") as stream:
                while stream.read() is not None:
                    pass
            reply = stream.reply
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, old)
    assert reply.text == "x" * 100
    (words,) = reply.warnings
    assert words.startswith(f"This exchange was not kept: The tape {path} could not be written")
    assert path.read_bytes() == before


# --- keys -----------------------------------------------------------------------------------------------------

ECHO = {"code": 401, "message": f"The key {KEY} is not known.", "status": f"UNKNOWN {KEY}", "details": [{KEY: [KEY]}]}
ECHO = {"error": ECHO}
FAULTS = {
    "an error's body": Say([json.dumps(ECHO).encode()], status=401),
    "an error in a 200": Say([json.dumps(ECHO).encode()]),
    "an error in a stream": Say([event("a"), b"data: " + json.dumps(ECHO).encode() + b"\n\n"], framing="chunked"),
    "a page": Say([f"<html><body>No {KEY}</body></html>".encode()], status=502),
    "nonsense": Say([f"nonsense {KEY}".encode()]),
    "a lost connection": Say(status=None, ending="rst"),
    "a redirect": Say(status=302, headers={"location": f"https://else.invalid/?key={KEY}"}),
    "an answer": Say([event(f"Your key is {KEY}.", "STOP", **{KEY: {KEY: KEY}})[6:].strip()]),
    "a stream": Say([event("a"), event(f"Your key is {KEY}.", "STOP")], framing="chunked"),
    "an escaped answer": Say([event(KEY, "STOP")[6:].strip().replace(b"planted", b"\\u0070lanted")]),
}
CODED = {
    "itself": KEY.encode(),
    "base64": base64.b64encode(KEY.encode()).rstrip(b"="),
    "url-safe": base64.urlsafe_b64encode(KEY.encode()).rstrip(b"="),
    "hex": KEY.encode().hex().encode(),
    "percent": "".join(f"%{code:02X}" for code in KEY.encode()).encode(),
    "backwards": KEY[::-1].encode(),
    "utf-16": KEY.encode("utf-16-le"),
    "quoted": quote(KEY).encode(),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_no_file_ever_holds_the_key(fault, driver, wire, *, path, tmp_path, way):
    wire.answers(fault)
    cache = AnswerCache(tmp_path / "answers.sqlite3")
    client = recording(driver, wire, path, api_key=KEY).with_shelf(cache)
    driver.attempt(way, client, f"is {KEY} a key?", system=f"say {KEY}")
    with suppress(GeminiMagicError):
        driver.count_tokens(client, f"is {KEY} a key?")
    with suppress(GeminiMagicError):
        driver.models(client)
    files = [file.read_bytes() for file in tmp_path.iterdir() if file.is_file()]
    assert files
    cache.close()
    files += [file.read_bytes() for file in tmp_path.iterdir() if file.is_file()]
    assert [name for name, key in CODED.items() if any(key in data for data in files)] == []
