from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from wire_server import error

from gemini_magic.exceptions import InputError
from gemini_magic.extract import extract
from gemini_magic.extract.estimate import Spread
from gemini_magic.ledger import KERNEL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gemini_magic.client import Client

PROMPT = "Read: {{text}}"
SCHEMA = "city, temp int"
TEXTS = pd.Series([f"Town{letter} {place}" for place, letter in enumerate("abcdefghijklmnopqrst")], name="text")


@pytest.fixture
def priced() -> Iterator[None]:
    KERNEL.prices = {"m": {"input": 1.0, "output": 2.0}}
    yield
    KERNEL.prices = {}


@pytest.mark.usefixtures("priced")
def test_five_rows_are_asked_and_the_rest_is_reckoned(gateway: Any, client: Client) -> None:
    found = extract(TEXTS, SCHEMA, PROMPT, client=client, estimate=True, workers=4, rpm=6000)
    assert gateway.requests == 5
    assert (found.rows, found.sampled, found.requests, found.reused) == (20, 5, 15, 0)
    assert (found.tokens.mean, found.tokens.plus) == (15 * 15, 0)
    assert str(found.cost) == "$0.0003"
    assert found.seconds >= 15 / 6000 * 60
    assert repr(found).splitlines()[0] == "20 rows: 5 sampled (75 tokens, kept), 0 answered already, 15 requests left"


def test_the_sample_is_not_paid_for_again(gateway: Any, client: Client) -> None:
    first = extract(TEXTS, SCHEMA, PROMPT, client=client, estimate=True)
    again = extract(TEXTS, SCHEMA, PROMPT, client=client, estimate=True)
    assert (first.requests, again.requests) == (15, 10)
    assert again.reused == 5
    extract(TEXTS, SCHEMA, PROMPT, client=client)
    assert set(gateway.asked.values()) == {1}
    assert extract(TEXTS, SCHEMA, PROMPT, client=client, estimate=True).requests == 0
    assert gateway.requests == 20


def test_nulls_and_doubles_are_not_counted(gateway: Any, client: Client) -> None:
    data = pd.Series([*TEXTS, *TEXTS, None])
    found = extract(data, SCHEMA, client=client, estimate=True)
    assert (found.rows, found.sampled, found.requests) == (41, 5, 15)
    assert gateway.requests == 5


def test_rows_that_share_requests_are_reckoned_by_request(gateway: Any, client: Client) -> None:
    found = extract(TEXTS, SCHEMA, PROMPT, client=client, estimate=True, pack=2)
    assert gateway.requests == found.sampled == 5
    assert found.requests == 5
    assert found.tokens.mean == 75


def test_what_failed_in_the_sample_is_said(gateway: Any, client: Client) -> None:
    gateway.faults["Towna"] = [error(400, "too odd")]
    found = extract(TEXTS[:3], SCHEMA, PROMPT, client=client, estimate=True)
    assert "too odd" in repr(found)
    assert found.requests == 0


def test_an_iterator_is_not_used_up_by_an_estimate(gateway: Any, client: Client) -> None:
    with pytest.raises(InputError, match="list of it"):
        extract(iter(TEXTS), SCHEMA, client=client, estimate=True)
    assert gateway.requests == 0


def test_the_spread_of_a_sum_has_both_what_differs_and_what_the_sample_misses() -> None:
    total = Spread(100.0, 20.0).times(100, 5)
    assert total.mean == 10_000
    assert total.plus == pytest.approx(20 * (100 + 100 * 100 / 5) ** 0.5)
    assert str(total) == "10,000 ± 917"
    assert str(Spread(15.0)) == "15"
