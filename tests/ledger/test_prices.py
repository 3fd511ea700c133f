"""What an exchange cost: the user's own table, Google's list, or no figure."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal

import pytest

from gemini_magic.exceptions import ConfigError
from gemini_magic.ledger import Ledger, Money, Price, money_text
from gemini_magic.wire import UsageMetadata

OWN = {"gemini-x": {"input": 1, "output": "2.5", "cached": 0.1, "thoughts": 4}}


def cost(ledger, reply, prices="none"):
    ledger.record(reply, prices=prices)
    entry = ledger.entries[-1]
    return entry.cost


# The user's own prices


def test_own_prices_are_per_million_tokens_of_each_kind(answered):
    ledger = Ledger()
    ledger.prices = OWN
    reply = answered(
        prompt=1_000_000,
        answer=200_000,
        cachedContentTokenCount=400_000,
        thoughtsTokenCount=100_000,
        toolUsePromptTokenCount=50_000,
    )
    expected = Decimal("0.65") + Decimal("0.04") + Decimal("0.5") + Decimal("0.4")
    assert cost(ledger, reply) == expected


def test_cached_tokens_and_thoughts_cost_what_others_do_unless_it_is_said(answered):
    ledger = Ledger()
    ledger.prices = {"gemini-x": {"input": 1, "output": 2}}
    reply = answered(prompt=1_000_000, answer=0, cachedContentTokenCount=500_000, thoughtsTokenCount=1_000_000)
    assert cost(ledger, reply) == 3


def test_tenths_of_cents_add_up_exactly(answered):
    ledger = Ledger()
    ledger.prices = {"gemini-x": {"input": 0.1, "output": 0.1}}
    for _ in range(30):
        ledger.record(answered(prompt=1, answer=0))
    assert ledger.spent.money == {"USD": Decimal("0.000003")}


@pytest.mark.parametrize("name", ["gemini-x", "models/gemini-x", "gemini-x-001"])
def test_a_price_may_be_that_of_the_model_asked_for_or_of_the_one_that_answered(answered, name):
    ledger = Ledger()
    ledger.prices = {name: Price(Decimal(1), Decimal(1))}
    assert cost(ledger, answered("models/gemini-x", 1_000_000, 0, version="gemini-x-001")) == 1


def test_the_config_file_has_prices_and_those_given_in_python_win(answered, write_prices):
    write_prices('[prices."gemini-x"]\ninput = 1\noutput = 1\ncurrency = "eur"\n[prices."gemini-y"]\ninput=3\noutput=3')
    ledger = Ledger()
    ledger.record(answered("gemini-x", 1_000_000, 0))
    ledger.record(answered("gemini-y", 1_000_000, 0))
    assert [(entry.cost, entry.currency) for entry in ledger.entries] == [(1, "EUR"), (3, "USD")]
    ledger.prices = {"gemini-x": {"input": 2, "output": 1}}
    assert [(entry.cost, entry.currency) for entry in ledger.entries] == [(2, "USD"), (3, "USD")]


def test_a_price_that_is_written_down_later_counts_for_what_was_before(answered, write_prices):
    ledger = Ledger()
    assert cost(ledger, answered(prompt=1_000_000, answer=0)) is None
    write_prices('[prices."gemini-x"]\ninput = 1\noutput = 1')
    assert ledger.entries[0].cost == 1
    write_prices('[prices."gemini-x"]\ninput = 2\noutput = 1')
    assert ledger.spent.money == {"USD": Decimal(2)}


def test_a_config_file_that_breaks_takes_no_price_away(answered, write_prices):
    write_prices('[prices."gemini-x"]\ninput = 1\noutput = 1')
    ledger = Ledger()
    assert cost(ledger, answered(prompt=1_000_000, answer=0)) == 1
    write_prices("[prices")
    assert cost(ledger, answered(prompt=1_000_000, answer=0)) == 1


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"m": {"input": 1}}, "has no output"),
        ({"m": {"input": 1, "outptu": 1}}, "Did you mean 'output'"),
        ({"m": {"input": -1, "output": 1}}, "from 0 on"),
        ({"m": {"input": "nan", "output": 1}}, "from 0 on"),
        ({"m": {"input": float("inf"), "output": 1}}, "from 0 on"),
        ({"m": {"input": True, "output": 1}}, "must be a number, not bool"),
        ({"m": {"input": 1, "output": 1, "currency": 5}}, "a code such as USD"),
        ({"m": 5}, "must be a table"),
    ],
)
def test_what_is_no_price_is_refused_in_words(table, words):
    with pytest.raises(ConfigError, match=words):
        Ledger().prices = table


# What is not known


def test_an_unknown_price_is_no_price(answered):
    pytest.importorskip("genai_prices")
    ledger = Ledger()
    assert cost(ledger, answered("gemini-2.5-flash", 1000, 1000)) is None
    assert cost(ledger, answered("gemini-99-unheard-of", 1000, 1000), prices="google") is None
    assert ledger.why_unpriced(ledger.entries[0]) == "what this gateway asks for it is not known"
    assert ledger.why_unpriced(ledger.entries[1]) == "the price list does not have this model"


@pytest.mark.parametrize("usage", [{}, {"answer": 5}, {"totalTokenCount": 9}, {"prompt": 5, "totalTokenCount": 9}])
def test_counts_that_say_too_little_make_no_cost(answered, usage):
    ledger = Ledger()
    ledger.prices = OWN
    assert cost(ledger, answered(**usage)) is None
    assert "did not say how many tokens" in ledger.why_unpriced(ledger.entries[0])


def test_a_kind_that_is_left_out_and_does_not_matter_is_none(answered):
    ledger = Ledger()
    ledger.prices = OWN
    assert cost(ledger, answered(prompt=1_000_000, totalTokenCount=1_000_000)) == 1


def test_the_embedded_model_costs_nothing(answered):
    ledger = Ledger()
    assert cost(ledger, answered("qwen"), prices="free") == 0


# Google's list


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("gemini-2.5-flash", "0.0028"),
        ("models/gemini-2.5-flash", "0.0028"),
        ("gemini-2.5-pro-001", "0.01125"),
        ("gemini-2.5-flash-lite-preview-06-17", "0.0005"),
    ],
)
def test_googles_list_prices_are_found_by_its_names(answered, model, expected):
    pytest.importorskip("genai_prices")
    assert cost(Ledger(), answered(model, 1000, 1000), prices="google") == Decimal(expected)


def test_googles_list_knows_the_kinds_of_tokens(answered):
    pytest.importorskip("genai_prices")
    flash = Decimal("0.3"), Decimal("0.03"), Decimal("2.5")
    reply = answered(
        "gemini-2.5-flash",
        1000,
        10,
        cachedContentTokenCount=400,
        thoughtsTokenCount=5,
        toolUsePromptTokenCount=7,
        promptTokensDetails=[{"modality": "TEXT", "tokenCount": 1000}],
    )
    expected = (607 * flash[0] + 400 * flash[1] + 15 * flash[2]) / 1_000_000
    assert cost(Ledger(), reply, prices="google") == expected


def test_images_that_a_model_draws_have_their_own_price(answered):
    pytest.importorskip("genai_prices")
    details = [{"modality": "IMAGE", "tokenCount": 1290}]
    reply = answered("gemini-2.5-flash-image", 10, 1290, candidatesTokensDetails=details)
    assert cost(Ledger(), reply, prices="google") == Decimal("0.038703")
    unsaid = answered("gemini-2.5-flash-image", 10, 1290)
    assert cost(Ledger(), unsaid, prices="google") is None


def test_sound_beside_a_cache_is_priced_only_when_it_is_clear_what_was_cached(answered):
    pytest.importorskip("genai_prices")
    sound = [{"modality": "TEXT", "tokenCount": 900}, {"modality": "AUDIO", "tokenCount": 100}]
    cached = {"cachedContentTokenCount": 400, "promptTokensDetails": sound}
    assert cost(Ledger(), answered("gemini-2.5-flash", 1000, 0, **cached), prices="google") is None
    details = {"cacheTokensDetails": [{"modality": "TEXT", "tokenCount": 400}]}
    reply = answered("gemini-2.5-flash", 1000, 0, **cached, **details)
    expected = (500 * Decimal("0.3") + 400 * Decimal("0.03") + 100) / 1_000_000
    assert cost(Ledger(), reply, prices="google") == expected


@pytest.mark.parametrize("tier", ["FLEX", "PRIORITY", "SOMETHING_NEW"])
def test_another_tier_is_not_priced_as_the_standard_one(answered, tier):
    pytest.importorskip("genai_prices")
    standard = cost(Ledger(), answered("gemini-2.5-flash", 1000, 1000), prices="google")
    assert cost(Ledger(), answered("gemini-2.5-flash", 1000, 1000, serviceTier=tier), prices="google") != standard
    assert cost(Ledger(), answered("gemini-2.5-flash", 1000, 1000, serviceTier="STANDARD"), prices="google") == standard


def test_nonsense_counts_make_no_cost_and_no_error(answered):
    pytest.importorskip("genai_prices")
    assert cost(Ledger(), answered("gemini-2.5-flash", 10, 1, cachedContentTokenCount=40), prices="google") is None
    assert cost(Ledger(), answered("gemini-2.5-flash", -1, 1), prices="google") is None
    assert cost(Ledger(), answered("gemini-2.5-flash", 10**30, 0), prices="google") == Decimal("3E+23")


def test_prices_come_from_the_package_alone():
    pytest.importorskip("genai_prices")
    code = """
import socket, sys, threading
def refuse(*args, **kwargs): raise AssertionError("the network was asked")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
from gemini_magic.ledger import Ledger
from gemini_magic.wire import UsageMetadata
assert "genai_prices" not in sys.modules
usage = UsageMetadata(prompt_token_count=1000, candidates_token_count=1000)
print(Ledger().price_of("gemini-2.5-flash", usage, prices="google"), threading.active_count())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stdout == "$0.0028 1\n"


def test_without_the_extra_a_sentence_says_how_to_get_it():
    code = """
import sys
sys.modules["genai_prices"] = None
from gemini_magic.ledger import Ledger
from gemini_magic.reply import Reply
from gemini_magic.wire import GenerateContentResponse
ledger = Ledger()
body = {"usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 1}}
ledger.record(Reply(GenerateContentResponse.model_validate(body), "gemini-2.5-flash"), prices="google")
print(ledger.entries[0].cost, ledger.why_unpriced(ledger.entries[0]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stdout.startswith("None genai_prices is not installed")
    assert 'pip install "gemini-magic[cost]"' in done.stdout


def test_the_price_of_a_request_can_be_asked_before_it_is_sent():
    ledger = Ledger()
    usage = UsageMetadata(prompt_token_count=1_000_000, total_token_count=1_000_000)
    assert ledger.price_of("gemini-x", usage) is None
    ledger.prices = OWN
    assert ledger.price_of("gemini-x", usage) == Money(Decimal(1), "USD")
    assert ledger.entries == ()


# In words


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        ("2.5", "USD", "$2.50"),
        ("1234.567", "EUR", "€1,234.57"),
        ("0.00028", "USD", "$0.00028"),
        ("0.0000123456", "GBP", "£0.0000123"),
        ("0.5", "USD", "$0.50"),
        ("0.0194", "USD", "$0.0194"),
        ("0.9999", "USD", "$1.00"),
        ("0", "USD", "$0.00"),
        ("3", "CHF", "3.00 CHF"),
    ],
)
def test_money_is_written_as_people_do(amount, currency, text):
    assert money_text(Money(Decimal(amount), currency)) == text
