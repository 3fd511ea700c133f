from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_magic.display.visible import visible


@pytest.mark.parametrize(
    "text", ["plain", "tabs\tand\nlines", "naïve 日本語 عربى שלום", "👩‍👩‍👧 🏴\U000e0067\U000e0062\U000e007f ❤️", ""]
)
def test_honest_text_stays_as_it_is(text):
    assert visible(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred", "␛[31mred"),
        ("a\x07b\x7f", "a␇b␡"),
        ("\x9b31m", "[U+009B]31m"),
        ("line\r\nnext", "line\nnext"),
        ("good\rEVIL", "good␍EVIL"),
        ("\u202eevil", "[U+202E]evil"),
        ("a\u2066b", "a[U+2066]b"),
        ("x\U000e0061\U000e0062y", "x[hidden: ab]y"),
        ("a\u200bb\ufeffc\u2060d", "abcd"),
        ("a\u2028b", "a\nb"),
        ("\ud800", "\ufffd"),
        ("e" + "\u0301" * 1_000, "e" + "\u0301" * 8),
        ("a\ufe01\ufe02\ufe03", "a\ufe01"),
    ],
)
def test_what_hides_is_shown_or_taken_out(text, shown):
    assert visible(text) == shown


@given(st.text())
def test_nothing_that_moves_a_cursor_is_left(text):
    shown = visible(text)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", shown)
    assert not any(unicodedata.category(character) == "Cs" for character in shown)
    shown.encode()


@given(st.text())
def test_visible_text_is_visible_already(text):
    assert visible(visible(text)) == visible(text)
