"""One row of an extraction, looked at."""

from __future__ import annotations

import io
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from PIL import Image

from gemini_magic.display.row_card import RowCard, inspection_bundle


@dataclass(frozen=True)
class Row:
    label: object = 7
    status: str = "ok"
    source: dict[str, object] = field(default_factory=lambda: {"text": "Rome is hot."})
    value: Any = None
    raw: str = ""
    error: str = ""
    error_kind: str = ""
    attempts: int = 0
    prompt_tokens: int | None = None
    answer_tokens: int | None = None
    total_tokens: int | None = None
    seconds: float = 0.0
    model: str = ""
    calls: tuple[dict[str, Any], ...] = ()


GOOD = Row(
    value={"city": "Rome", "celsius": 31},
    raw='{"city": "Rome", "celsius": 31}',
    attempts=2,
    prompt_tokens=1_200,
    answer_tokens=9,
    seconds=1.25,
    model="gemini-x",
)


def _png():
    data = io.BytesIO()
    Image.new("RGB", (4, 3), "red").save(data, "PNG")
    return data.getvalue()


def test_a_row_says_what_went_in_what_came_out_and_what_it_took():
    text = str(RowCard(GOOD))
    assert text.startswith("Row 7: ok")
    assert "text:\n  Rome is hot." in text
    assert "city" in text
    assert "31" in text
    assert 'Answer as it came:\n  {"city": "Rome", "celsius": 31}' in text
    assert text.endswith("— gemini-x · tokens: 1,200 in, 9 out · 1.2 s · 2 requests")


def test_a_page_gets_the_same_with_the_raw_answer_folded():
    html = inspection_bundle(GOOD)["text/html"]
    assert "Rome is hot." in html
    assert "<details><summary>Answer as it came</summary>" in html
    assert "gemini-x · tokens: 1,200 in, 9 out · 1.2 s · 2 requests" in html


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("", "not asked"),
        ("invalid", "the answer does not fit the schema"),
        ("truncated", "the answer stopped at the token limit"),
        ("blocked", "blocked"),
        ("failed", "no answer came"),
        ("locked", "a person's value stands"),
    ],
)
def test_a_row_without_an_answer_says_why(status, words):
    row = Row(status=status, error="The server said no." * bool(status), error_kind="ServerUnavailable")
    text, html = str(RowCard(row)), inspection_bundle(row)["text/html"]
    assert text.startswith(f"Row 7: {words}")
    assert f"Row 7: {words}" in html.replace("&#x27;", "'").replace("&#39;", "'")
    assert ("[ServerUnavailable: The server said no.]" in text) is bool(status)


def test_a_row_that_took_one_request_says_so_in_the_singular():
    assert str(RowCard(replace(GOOD, attempts=1))).endswith("1 request")


def test_tokens_are_told_as_a_sum_where_only_that_is_known():
    row = replace(GOOD, prompt_tokens=None, answer_tokens=None, total_tokens=1_209)
    assert "tokens: 1,209 ·" in str(RowCard(row))


def test_a_scalar_is_shown_as_a_value():
    assert "value" in str(RowCard(replace(GOOD, value=31, raw="31")))


def test_a_picture_that_went_in_is_seen_in_a_page_and_named_in_text():
    row = Row(source={"photo": _png()})
    assert "image/png" in inspection_bundle(row)["text/html"]
    assert "[image: image/png, " in str(RowCard(row))


def test_bytes_that_are_no_picture_are_counted():
    assert "[1,000 bytes]" in str(RowCard(Row(source={"data": b"\x00" * 1_000})))


def test_a_long_text_is_cut_and_says_how_long_it_is():
    text = str(RowCard(Row(source={"text": "x" * 30_000})))
    assert "… (30,000 characters)" in text
    assert len(text) < 21_000


def test_hostile_rows_answers_and_labels_stay_text():
    evil = "<img src=x onerror=alert(1)>\x1b[31m"
    row = replace(GOOD, label=evil, source={evil: evil}, value={evil: evil}, raw=evil, error=evil, model=evil)
    bundle = inspection_bundle(row)
    assert "<img" not in bundle["text/html"]
    assert "\x1b" not in bundle["text/plain"]


def test_the_calls_of_a_row_are_listed_with_what_came_of_them():
    calls = (
        {"step": 1, "name": "celsius", "args": {"city": "Rome"}, "outcome": "ok", "seconds": 0.24},
        {"step": 1, "name": "<b>x", "args": '{"city": "R…', "outcome": "error", "seconds": 0.0, "error": "No <i>."},
    )
    row = replace(GOOD, calls=calls)
    assert 'celsius(city="Rome") · ok · 0.2 s' in str(RowCard(row))
    html = inspection_bundle(row)["text/html"]
    assert "Called (2)" in html
    assert "<b>x" not in html
    assert "No <i>." not in html
