"""Exchanges without end in memory that has one: the newest one by one, older ones as sums that stay exact."""

from __future__ import annotations

import gc
import random
import threading
from collections import Counter
from decimal import Decimal

import pytest

from gemini_magic.exceptions import BudgetExceeded
from gemini_magic.ledger import KEPT, Budget, Count, Entry, Ledger, Spent, Summed, labelled
from gemini_magic.ledger.book import _Line

MANY = 5_000


def booked(ledger):
    """Tokens by what they are summed up by."""
    found = Counter()
    for one in ledger.account:
        for kind in ("prompt_tokens", "answer_tokens", "cached_tokens", "total_tokens", "requests", "exchanges"):
            found[one.model, one.profile, one.conversation, one.cell, kind] += getattr(one, kind) or 0
    return found


@pytest.fixture
def filled(answered):
    """A ledger with many exchanges, and what it has to say about them."""
    ledger, expected, draw = Ledger(), Counter(), random.Random(7)  # noqa: S311 - any numbers
    for number in range(MANY):
        model, profile = f"m{number % 3}", f"p{number % 2}"
        chat, cell = f"c{number % 5}", f"cell {number // 1_700}"
        tokens = {"prompt": draw.randrange(1, 10**6), "answer": draw.randrange(10**6)}
        cached = draw.randrange(2 * 10**6)
        with labelled(conversation=chat, cell=cell):
            reply = answered(model, **tokens, cachedContentTokenCount=cached, totalTokenCount=sum(tokens.values()))
            ledger.record(reply, profile=profile)
        counts = {"prompt_tokens": tokens["prompt"], "answer_tokens": tokens["answer"], "cached_tokens": cached}
        counts |= {"total_tokens": sum(tokens.values()), "requests": 1, "exchanges": 1}
        expected.update({(model, profile, chat, cell, kind): count for kind, count in counts.items()})
    return ledger, expected


def test_sums_by_model_profile_conversation_and_cell_stay_exact(filled):
    ledger, expected = filled
    assert booked(ledger) == expected
    assert ledger.spent.tokens == sum(count for (*_, kind), count in expected.items() if kind == "total_tokens")


def test_single_exchanges_are_kept_for_the_newest_only(filled):
    ledger, _ = filled
    assert [entry.number for entry in ledger.entries] == list(range(MANY - KEPT + 1, MANY + 1))
    older = [one for one in ledger.account if isinstance(one, Summed)]
    assert sum(one.exchanges for one in older) == MANY - KEPT
    assert len(older) <= 3 * 2 * 5 * 3
    assert ledger.account[len(older) :] == ledger.entries
    assert [one.first for one in older] == sorted(one.first for one in older)


def test_what_a_ledger_holds_does_not_grow_with_its_exchanges(answered):
    ledger = Ledger()

    def record(count):
        for _ in range(count):
            ledger.record(answered(prompt=5, answer=5))
        gc.collect()
        return sum(isinstance(one, Entry | _Line) for one in gc.get_objects())

    full = record(2 * KEPT)
    assert record(3 * KEPT) == full
    assert len(ledger.account) == KEPT + 1


def test_a_price_that_is_given_later_counts_for_sums_to_the_last_digit(filled):
    ledger, _ = filled
    assert all(one.cost is None for one in ledger.account)
    ledger.prices = {"m0": {"input": "0.3", "cached": "0.07", "output": "2.5"}, "m1": {"input": 1, "output": 1}}
    assert {one.model for one in ledger.account if one.cost is None} == {"m2"}
    assert ledger.spent == Spent.on(ledger.account)
    ledger.prices = {}
    assert ledger.spent.money == {}


def test_the_cost_of_sums_is_that_of_their_exchanges(answered):
    ledger, expected = Ledger(), Decimal(0)
    ledger.prices = {"gemini-x": {"input": "0.3", "cached": "0.07", "output": "2.5"}}
    for number in range(KEPT + 700):
        # Some gateways say that more came from a cache than the prompt has; no more than the prompt is paid for.
        reply = answered(prompt=number + 1, answer=3 * number, cachedContentTokenCount=2 * (number % 700))
        cached = min(2 * (number % 700), number + 1)
        fresh = number + 1 - cached
        expected += (fresh * Decimal("0.3") + cached * Decimal("0.07") + 3 * number * Decimal("2.5")) / 1_000_000
        ledger.record(reply)
    assert ledger.spent.money == {"USD": expected}
    assert len(ledger.account) == KEPT + 1


def test_what_has_no_price_is_not_summed_up_with_what_has_one(answered):
    ledger = Ledger()
    ledger.prices = {"gemini-x": {"input": 1, "output": 1}}
    for number in range(KEPT + 10):
        ledger.record(answered(prompt=10, answer=0) if number % 2 else answered())
    older = [(one.exchanges, one.total_tokens, one.spent, one.cost) for one in ledger.account[:2]]
    assert older == [(5, None, None, None), (5, None, 50, Decimal("0.00005"))]


def test_googles_list_is_asked_before_an_exchange_is_summed_up(answered):
    pytest.importorskip("genai_prices")
    ledger, one = Ledger(), Ledger()
    one.record(answered("gemini-2.5-flash", 1_000, 100), prices="google")
    for number in range(KEPT + 50):
        model = "gemini-2.5-flash" if number % 2 else "gemini-99"
        ledger.record(answered(model, 1_000, 100), prices="google")
    unknown, known = ledger.account[:2]
    assert (known.model, known.cost) == ("gemini-2.5-flash", 25 * one.entries[0].cost)
    assert (unknown.cost, ledger.why_unpriced(unknown)) == (None, "the price list does not have this model")
    ledger.prices = {"gemini-2.5-flash": {"input": 1, "output": 1, "currency": "EUR"}}
    assert (ledger.account[1].cost, ledger.account[1].currency) == (25 * Decimal("0.0011"), "EUR")
    ledger.prices = {}
    assert ledger.account[1].cost == known.cost


def test_sorts_of_content_and_statuses_are_summed_up_too(answered):
    ledger = Ledger()
    details = [{"modality": "TEXT", "tokenCount": 5}, {"modality": "IMAGE", "tokenCount": 258}]
    for number in range(KEPT + 30):
        ledger.record(answered(prompt=263, promptTokensDetails=details, broken=number % 3 == 0))
    failed, ok = ledger.account[:2]
    assert (failed.status, failed.exchanges, ok.status, ok.exchanges) == ("failed", 10, "ok", 20)
    assert ok.by_modality == (Count("prompt", "text", 100), Count("prompt", "image", 5_160))
    assert ok.requests == 20


def test_a_budget_counts_what_is_summed_up(answered):
    ledger = Ledger()
    for _ in range(KEPT + 100):
        ledger.record(answered(prompt=1, answer=0))
    ledger.budget = Budget(tokens=KEPT + 101)
    ledger.check_budget()
    ledger.record(answered(prompt=1, answer=0))
    with pytest.raises(BudgetExceeded, match="1,101 tokens are spent"):
        ledger.check_budget()


def test_what_nobody_said_stops_a_budget_also_when_it_is_summed_up_before_anybody_looks(answered):
    ledger = Ledger()
    ledger.record(answered())
    ledger.budget = Budget(tokens=10**9)
    for _ in range(2 * KEPT):
        ledger.record(answered(prompt=1, answer=0))
    ledger.check_budget()
    ledger.record(answered())
    for _ in range(2 * KEPT):
        ledger.record(answered(prompt=1, answer=0))
    for _ in range(2):
        with pytest.raises(BudgetExceeded, match="what exchange 2002 with gemini-x took is not known"):
            ledger.check_budget()
    ledger.budget = Budget(tokens=10**9)
    ledger.check_budget()


def test_the_past_is_forgotten_with_its_sums(filled, answered):
    ledger, _ = filled
    ledger.clear()
    assert (ledger.account, ledger.spent.tokens) == ((), 0)
    assert ledger.record(answered()).number == 1


def test_threads_lose_nothing_on_the_way_into_sums(answered):
    ledger = Ledger()
    reply, seen = answered(prompt=1, answer=1), []

    def work():
        for number in range(KEPT):
            ledger.record(reply)
            if number % 100 == 0:
                seen.append(sum(one.exchanges for one in ledger.account))

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(0 < count <= 2 * KEPT for count in seen)
    assert (sum(one.exchanges for one in ledger.account), ledger.spent.tokens) == (2 * KEPT, 4 * KEPT)
