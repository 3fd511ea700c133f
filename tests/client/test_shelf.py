"""Shelves: asked before anything is sent, told what came, and free of charge."""

from __future__ import annotations

import pytest
from wire_server import Say, answer, error, event, unary

from gemini_magic.client.shelf import Recorded
from gemini_magic.exceptions import BudgetExceeded, InputError, ServerUnavailable, StoreError, StreamTruncated
from gemini_magic.ledger import Budget, Ledger

GOOD = event("yes", "STOP", usageMetadata={"promptTokenCount": 7, "totalTokenCount": 9})[6:].strip()

FIRST_PAGE = b'{"models": [{"name": "models/a"}], "nextPageToken": "2"}'


class Shelf:
    """A shelf in memory."""

    def __init__(self, found=None, failing=""):
        self.found, self.failing, self.asked, self.kept = found, failing, [], []

    def find(self, asked):
        self.asked.append(asked)
        return self.found

    def keep(self, asked, recorded):
        if self.failing:
            raise StoreError(self.failing)
        self.kept.append((asked, recorded))


def _said(way):
    return answer("a", "b") if way == "stream" else unary("ab")


def test_what_a_shelf_has_is_not_asked_for(driver, wire, way):
    shelf = Shelf(Recorded((GOOD,), streamed=True, model="other", note="From the shelf."))
    ledger = Ledger()
    outcome = driver.attempt(way, driver.client(wire.url, ledger=ledger).with_shelf(shelf))
    assert (outcome.text, outcome.reply.attempts, outcome.reply.model) == ("yes", 0, "other")
    assert outcome.reply.warnings == ("From the shelf.",)
    assert (wire.seen, shelf.kept) == ([], [])
    (entry,) = ledger.entries
    assert (entry.requests, entry.prompt_tokens, entry.total_tokens, entry.status) == (0, 0, 0, "ok")
    assert outcome.reply.usage.total_token_count == 9


def test_what_came_is_kept_once(driver, wire, way):
    shelf = Shelf()
    wire.answers(error(503), _said(way))
    client = driver.client(wire.url).with_shelf(shelf)
    assert driver.attempt(way, client, model="models/m2").text == "ab"
    ((asked, recorded),) = shelf.kept
    assert (asked.model, asked.named, asked.prompt, asked.origin) == ("m2", True, "hi", wire.url)
    assert (len(recorded.documents), recorded.good, recorded.status) == (2 if way == "stream" else 1, True, 200)
    assert driver.attempt(way, driver.client(wire.url).with_shelf(Shelf(recorded))).text == "ab"


@pytest.mark.parametrize(
    ("finish", "good"), [("STOP", True), ("MAX_TOKENS", False), ("SAFETY", False), ("BRAND_NEW", True)]
)
def test_only_a_whole_answer_is_good(finish, good, driver, wire, way):
    shelf = Shelf()
    wire.answers(answer("a", finish=finish) if way == "stream" else unary("a", finish))
    driver.attempt(way, driver.client(wire.url).with_shelf(shelf))
    assert [recorded.good for _, recorded in shelf.kept] == [good]


@pytest.mark.parametrize(
    "said",
    [Say(status=None, ending="rst"), Say([b"<html>"]), Say([event("a")], framing="close"), Say(status=301)],
    ids=["lost", "page", "cut", "redirect"],
)
def test_what_did_not_come_to_its_end_is_not_kept(said, driver, wire, way):
    shelf = Shelf()
    wire.answers(said)
    outcome = driver.attempt(way, driver.client(wire.url, retries=0).with_shelf(shelf))
    if outcome.error is None:  # a whole answer needs no finish reason
        assert way == "generate"
    else:
        assert shelf.kept == []


def test_an_interrupted_stream_is_not_kept(driver, wire):
    shelf = Shelf()
    wire.answers(answer("a", "b", "c"))
    with driver.opened(driver.client(wire.url).with_shelf(shelf)) as stream:
        stream.read()
    assert shelf.kept == []


def test_an_error_is_an_answer_too_and_told_once(driver, wire, way):
    shelf = Shelf()
    wire.answers(error(503, "busy", "UNAVAILABLE", {"reason": "R"}))
    first = driver.attempt(way, driver.client(wire.url, retries=2).with_shelf(shelf)).error
    assert len(wire.seen) == 3
    ((_, recorded),) = shelf.kept
    again = driver.attempt(way, driver.client(wire.url, retries=2).with_shelf(Shelf(recorded))).error
    assert isinstance(again, ServerUnavailable)
    assert (str(again), again.details, again.attempts) == (str(first), first.details, 0)
    assert len(wire.seen) == 3


def test_an_error_in_the_middle_is_kept_with_what_came_before(driver, wire):
    shelf = Shelf()
    wire.answers(Say([event("a"), b'data: {"error": {"code": 503, "message": "gone"}}\n\n'], framing="chunked"))
    first = driver.try_stream(driver.client(wire.url).with_shelf(shelf))
    ((_, recorded),) = shelf.kept
    again = driver.try_stream(driver.client(wire.url).with_shelf(Shelf(recorded)))
    assert type(first.error) is type(again.error) is ServerUnavailable
    assert (str(again.error), again.text, len(again.events)) == (str(first.error), "a", len(first.events))
    assert len(wire.seen) == 1


def test_of_several_shelves_the_first_answers_and_the_others_keep(driver, wire, way):
    empty, full, last = Shelf(), Shelf(Recorded((GOOD,), streamed=True, model="m")), Shelf()
    client = driver.client(wire.url).with_shelf(empty).with_shelf(full).with_shelf(last)
    assert driver.attempt(way, client).text == "yes"
    assert [len(shelf.asked) for shelf in (empty, full, last)] == [1, 1, 0]
    assert [len(shelf.kept) for shelf in (empty, full, last)] == [1, 0, 1]


def test_a_client_with_a_shelf_is_another_client(driver, wire, way):
    wire.answers(_said(way))
    client, shelf = driver.client(wire.url), Shelf()
    other = client.with_shelf(shelf).with_options(model="else")
    driver.attempt(way, client)
    assert shelf.asked == []
    driver.attempt(way, other)
    assert [asked.model for asked in shelf.asked] == ["else"]


def test_an_answer_that_cannot_be_kept_is_not_lost(driver, wire, way):
    wire.answers(_said(way))
    client = driver.client(wire.url).with_shelf(Shelf(failing="The disk is full."))
    if way == "generate":
        reply = driver.generate(client)
    else:
        with driver.opened(client) as stream:
            while stream.read() is not None:
                pass
        reply = stream.reply
        assert stream.notes == ()
    assert (reply.text, reply.warnings) == ("ab", ("This exchange was not kept: The disk is full.",))


def test_an_error_that_cannot_be_kept_says_so(driver, wire, way):
    wire.answers(error(400, "bad"))
    failure = driver.attempt(way, driver.client(wire.url).with_shelf(Shelf(failing="Full."))).error
    assert "bad" in str(failure)
    assert failure.hint.endswith("This exchange was not kept: Full.")


def test_counts_and_lists_are_found_and_kept(driver, wire):
    shelf = Shelf()
    client = driver.client(wire.url).with_shelf(shelf)
    wire.answers(Say([b'{"totalTokens": 5}']))
    assert driver.count_tokens(client).total_tokens == 5
    wire.answers(
        error(404), Say([b'{"models": [{"name": "models/a"}], "nextPageToken": "2"}']), Say([b'{"models": []}'])
    )
    assert [model.name for model in driver.models(client)] == ["models/a"]
    methods = [(asked.method, asked.page, recorded.status) for asked, recorded in shelf.kept]
    assert methods == [("countTokens", "", 200), ("models", "", 404), ("models", "", 200), ("models", "2", 200)]
    full = driver.client(wire.url).with_shelf(Shelf(Recorded((b'{"totalTokens": 6}',))))
    assert driver.count_tokens(full).total_tokens == 6
    assert len(wire.seen) == 4


# --- what a request is known by -------------------------------------------------------------------------------


def _digest(driver, wire, contents="hi", *, way="generate", url=None, key=None, **fields):
    shelf = Shelf(Recorded((GOOD,), streamed=True))
    client = driver.client(url or wire.url, api_key=key).with_shelf(shelf)
    driver.attempt(way, client, contents, **fields)
    return shelf.asked[0].digest()


def test_a_request_is_known_by_what_it_says_and_not_by_who_asks_whom(driver, wire):
    first = _digest(driver, wire)
    assert len(first) == 64
    assert first == _digest(driver, wire, url="https://example.invalid", key="planted-0c44d1e79ab2f386", model="other")
    assert first == _digest(driver, wire, way="stream")
    others = [_digest(driver, wire, "ho"), _digest(driver, wire, system="x"), _digest(driver, wire, config={"topK": 1})]
    assert len({first, *others}) == 4


def test_a_picture_makes_a_difference(driver, wire):
    pictures = [{"inlineData": {"mimeType": "image/png", "data": letter * 60_000}} for letter in "AB"]
    assert _digest(driver, wire, [pictures[0]]) != _digest(driver, wire, [pictures[1]])


def test_a_prompt_is_shown_short_on_one_line_and_without_the_key(driver, wire):
    key, shelf = "planted-0c44d1e79ab2f386", Shelf(Recorded((GOOD,), streamed=True))
    client = driver.client(wire.url, api_key=key).with_shelf(shelf)
    driver.generate(client, f"one\n\n two {key} " + "x" * 200)
    assert shelf.asked[0].prompt == "one two ******** " + "x" * 63
    driver.generate(
        client, [{"role": "model", "parts": [{"text": "a"}]}, {"parts": [{"inlineData": {"data": "QQ=="}}]}]
    )
    assert shelf.asked[1].prompt == ""


# --- money ----------------------------------------------------------------------------------------------------


def _spent():
    """A ledger whose budget is used up."""
    ledger = Ledger()
    ledger.budget = Budget(tokens=1)
    return ledger


def _costly(way):
    usage = {"usageMetadata": {"totalTokenCount": 5}}
    return Say([event("a", "STOP", **usage)]) if way == "stream" else unary("a", **usage)


def test_nothing_is_sent_when_the_budget_is_used_up(driver, wire, way):
    wire.answers(_costly(way))
    client = driver.client(wire.url, ledger=_spent())
    assert driver.attempt(way, client).text == "a"
    assert isinstance(driver.attempt(way, client).error, BudgetExceeded)
    assert len(wire.seen) == 1
    wire.answers(Say([b'{"totalTokens": 5}']))
    assert driver.count_tokens(client).total_tokens == 5


def test_what_costs_nothing_is_had_although_the_budget_is_used_up(driver, wire, way):
    wire.answers(_costly(way))
    client = driver.client(wire.url, ledger=_spent())
    driver.attempt(way, client)
    free = client.with_shelf(Shelf(Recorded((GOOD,), streamed=True, model="m")))
    for _ in range(2):
        assert driver.attempt(way, free).text == "yes"
    assert isinstance(driver.attempt(way, client.with_shelf(Shelf())).error, BudgetExceeded)
    assert len(wire.seen) == 1


def test_free_answers_do_not_use_up_a_budget(driver, wire, way):
    ledger = _spent()
    wire.answers(_said(way))
    client = driver.client(wire.url, ledger=ledger)
    free = client.with_shelf(Shelf(Recorded((GOOD,), streamed=True, model="m")))
    for _ in range(3):
        assert driver.attempt(way, free).text == "yes"
    assert driver.attempt(way, client).text == "ab"


def test_a_shelf_that_refuses_stops_the_call(driver, wire, way):
    class Refusing(Shelf):
        def find(self, asked):
            raise InputError(f"nothing for {asked.prompt}")

    failure = driver.attempt(way, driver.client(wire.url).with_shelf(Refusing())).error
    assert "nothing for hi" in str(failure)
    assert wire.seen == []


def test_a_recorded_cut_is_cut_again(driver, wire):
    found = Recorded((event("a")[6:].strip(),), streamed=True)
    assert isinstance(driver.try_stream(driver.client(wire.url).with_shelf(Shelf(found))).error, StreamTruncated)
    assert driver.clock.slept == []
