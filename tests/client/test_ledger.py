"""Every exchange of a client is written down, once, with what it cost."""

from __future__ import annotations

from wire_server import Say, answer, error, event, unary

from gemini_magic.ledger import KERNEL, Ledger, labelled


def test_every_exchange_is_written_down_once(driver, wire, way):
    ledger = Ledger()
    usage = {"usageMetadata": {"promptTokenCount": 3, "totalTokenCount": 5}}
    wire.answers(error(503), Say([event("a", "STOP", **usage)]) if way == "stream" else unary("a", **usage))
    before = KERNEL.entries
    with labelled(cell="c1"):
        driver.attempt(way, driver.client(wire.url, ledger=ledger))
    (entry,) = ledger.entries
    assert (entry.total_tokens, entry.requests, entry.status, entry.cell) == (5, 2, "ok", "c1")
    assert (entry.profile, entry.model) == ("custom", "test-model")
    assert KERNEL.entries == before


def test_a_stream_that_broke_off_is_written_down_as_far_as_it_came(driver, wire):
    ledger = Ledger()
    wire.answers(Say([event("a", usageMetadata={"totalTokenCount": 4})], framing="close"))
    driver.try_stream(driver.client(wire.url, ledger=ledger))
    (entry,) = ledger.entries
    assert (entry.total_tokens, entry.status) == (4, "failed")


def test_a_call_that_got_no_answer_costs_nothing(driver, wire, way):
    ledger = Ledger()
    wire.answers(error(400))
    driver.attempt(way, driver.client(wire.url, ledger=ledger))
    assert ledger.entries == ()


def test_without_a_ledger_of_its_own_a_client_writes_to_the_kernels(driver, wire):
    wire.answers(answer("a"))
    before = len(KERNEL.entries)
    driver.stream(driver.client(wire.url, ledger=None))
    assert len(KERNEL.entries) == before + 1
