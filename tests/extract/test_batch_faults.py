from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wire_server import Say, error

from gemini_magic.exceptions import GeminiMagicError
from gemini_magic.extract import extract, run_of

if TYPE_CHECKING:
    from gemini_magic.client import Client

SCHEMA = "city, temp int"
PROMPT = "Read: {{text}}"
RESET = Say([b""], status=None, ending="rst")


def words(count: int) -> list[str]:
    letters = "abcdefghij"
    return [f"T{letters[n // 100]}{letters[n // 10 % 10]}{letters[n % 10]}" for n in range(count)]


class Interrupting:
    """Presses the button at these numbers of rows."""

    def __init__(self, *at: int) -> None:
        self._at = list(at)

    def begin(self, total: int | None) -> None:
        pass

    def advance(self, done: int, failed: int, tokens: int, retried: int) -> None:
        del failed, tokens, retried
        if self._at and done >= self._at[0]:
            self._at.pop(0)
            raise KeyboardInterrupt

    def finish(self, summary: object) -> None:
        pass


def test_faults_and_interrupts_lose_no_row_and_pay_for_none_twice_beyond_those_under_way(
    gateway: Any, client: Client
) -> None:
    names = words(300)
    data = pd.Series([f"{name} {number}" for number, name in enumerate(names)], name="text")
    drawn = random.Random(7)  # noqa: S311 - a fixed order of faults
    resets = 0
    for name in names:
        chance = drawn.random()
        if chance < 0.17:
            kind = error(429) if chance < 0.10 else error(503) if chance < 0.15 else RESET
            resets += kind is RESET
            gateway.faults[name] = [kind]
    faults = len(gateway.faults)
    progress = Interrupting(60, 150, 240)
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            extract(data, SCHEMA, PROMPT, client=client, workers=8, progress=progress)
    out = extract(data, SCHEMA, PROMPT, client=client, workers=8, progress=progress)
    assert out["city"].tolist() == names
    assert out["temp"].tolist() == list(range(300))
    assert gateway.requests <= 300 + faults + 3 * 8


def test_a_total_outage_ends_the_run_after_few_requests(gateway: Any, client: Client) -> None:
    data = pd.Series([f"{name} 1" for name in words(200)], name="text")
    gateway.wire.answers(error(500, "down"))
    with pytest.raises(GeminiMagicError, match="stopped") as caught:
        extract(data, SCHEMA, PROMPT, client=client, workers=16)
    assert len(gateway.wire.seen) <= 20 + 16
    assert caught.value.partial["city"].isna().all()
    assert "resume()" in str(caught.value)
    gateway.wire.answers(gateway)
    assert run_of(caught.value.partial).resume().frame["temp"].sum() == 200


TOWNS = st.sampled_from(["Oslo 3", "Rome 21", "Bern 7", "Kyiv 9", None, ""])
LABELS = st.sampled_from([list, lambda rows: [0] * len(rows), lambda rows: [f"r{row % 3}" for row in range(len(rows))]])


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(TOWNS, max_size=8), st.randoms(use_true_random=False), LABELS)
def test_rows_never_cross(
    gateway: Any, client: Client, rows: list[str | None], drawn: random.Random, label: Any
) -> None:
    drawn.shuffle(rows)
    data = pd.Series(rows, index=pd.Index(label(range(len(rows)))), dtype=object, name="text")
    out = extract(data, SCHEMA, PROMPT, client=client, pack=drawn.choice([1, 1, 1, 2]))
    pd.testing.assert_index_equal(out.index, data.index)
    expected = [row.split()[0] if row else None for row in rows]
    assert [None if pd.isna(city) else city for city in out["city"]] == expected
    assert gateway.requests <= 4 + 4 * 3
