from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_magic.display.blocks import BlockSplitter, Throttle
from gemini_magic.display.sanitize import markdown

LINES = st.sampled_from(
    [
        *("word", "", "", "- item", "  more", "1. one", "2024 was", "**bold** text", "```python", "```", "~~~"),
        *("> quote", "| a | b |", "|---|---|", "$$", "x = 1", "$$ y $$", "# Heading", "\tindented", "---", "*", "1"),
    ]
)
TEXTS = st.lists(LINES, max_size=40).map("\n".join)


def split(text, sizes=(1,), smallest=10):
    splitter = BlockSplitter(smallest=smallest)
    blocks, begin, turn = [], 0, 0
    while begin < len(text):
        size = sizes[turn % len(sizes)]
        blocks += splitter.feed(text[begin : begin + size])
        begin, turn = begin + size, turn + 1
    return blocks, splitter.tail


@given(TEXTS, st.lists(st.integers(1, 30), min_size=1, max_size=8))
def test_blocks_depend_on_the_text_and_not_on_its_pieces(text, sizes):
    assert split(text, sizes) == split(text, (1,)) == split(text, (10_000,))


@given(TEXTS)
def test_blocks_and_tail_joined_are_the_text(text):
    blocks, tail = split(text)
    assert "".join([*blocks, tail]) == text


@given(st.text(alphabet="ab \n`~$-*>|1.#\\\r"), st.lists(st.integers(1, 9), min_size=1, max_size=5))
def test_any_characters_in_any_pieces_are_kept(text, sizes):
    blocks, tail = split(text, sizes)
    assert "".join([*blocks, tail]) == text
    assert (blocks, tail) == split(text, (10_000,))


def test_a_paragraph_is_finished_when_the_next_begins():
    assert split("one two three\n\nfour") == (["one two three\n\n"], "four")


def test_short_blocks_wait_for_more():
    assert split("one\n\ntwo\n\nthree", smallest=800) == ([], "one\n\ntwo\n\nthree")


@pytest.mark.parametrize("fence", ["```", "~~~~"])
def test_nothing_is_cut_inside_a_fence(fence):
    text = f"{fence}python\nfirst = 1\n\nsecond = 2\n\nthird = 3\n{fence}\n\nafter"
    assert split(text) == ([text.removesuffix("after")], "after")


def test_a_shorter_or_other_fence_does_not_close_one():
    text = "````\ncode one\n\n```\n\n~~~\n\ncode two\n````\n\nafter"
    assert split(text) == ([text.removesuffix("after")], "after")


def test_a_fence_in_a_list_item_is_seen():
    text = "- ```python\n\nname = 1\n\nother = 2\n  ```\n\nafter"
    assert split(text) == ([text.removesuffix("after")], "after")


def test_an_indented_fence_mark_does_not_close_a_fence():
    text = "```python\ndef f():\n    ```\n\nname = 1\n    ```\n```\n\nafter"
    assert split(text) == ([text.removesuffix("after")], "after")


def test_nothing_is_cut_inside_a_formula():
    text = "$$\na + b\n\nc + d\n$$\n\nafter"
    assert split(text) == ([text.removesuffix("after")], "after")


def test_a_formula_that_is_never_closed_does_not_hold_the_rest_back():
    text = "$$\n" + "a sentence about money\n\n" * 400
    blocks, _ = split(text, (10_000,))
    assert blocks


@pytest.mark.parametrize(
    "line", ["- item", "* item", "+ item", "7. item", "> quote", "| cell |", "  indented", "\ttab"]
)
def test_lines_that_may_belong_to_what_stands_above_are_not_cut_off(line):
    assert split(f"something above\n\n{line}")[0] == []


@pytest.mark.parametrize(
    "line", ["text", "**bold**", "*emphasis*", "2024 was", "-5 degrees", "# Heading", "```py", "$$"]
)
def test_lines_that_begin_something_new_are_cut_off(line):
    assert split(f"something above\n\n{line} ") == (["something above\n\n"], f"{line} ")


def test_blocks_grow_with_the_text():
    splitter = BlockSplitter(smallest=100, growth=1 / 8)
    sizes = [len(block) for block in splitter.feed("a sentence of some length\n\n" * 2_000)]
    assert sizes[0] < 130
    assert sizes[-1] > 4_000


PARAGRAPHS = ["word **bold** [link](https://ok.example)", "# Heading", "- one\n- two\n\n  more of two\n- three"]
PARAGRAPHS += ["1. one\n\n2. two", "```python\na = 1\n\nb = 2\n```", "~~~\n```\n\nx\n~~~", "| a |\n|---|\n| 1 |"]
PARAGRAPHS += ["> said\n>\n> so", "$$\nx^2\n$$", "so:\n$$\ny\n$$", "---", "1984 was", "-5 is *less*"]
PARAGRAPHS += ["    indented\n\n    code", "`$x`", "$5"]


@given(st.lists(st.sampled_from(PARAGRAPHS), max_size=20).map("\n\n".join))
def test_blocks_rendered_one_by_one_show_what_the_whole_shows(text):
    blocks, tail = split(text)
    rendered = "".join(markdown(block) for block in [*blocks, tail])
    assert "".join(rendered.split()) == "".join(markdown(text).split())


def test_the_first_update_goes_out_at_once(hand_clock):
    assert Throttle(hand_clock).ready(1e9, 1)


def test_later_updates_wait_for_the_interval(hand_clock):
    throttle = Throttle(hand_clock, interval=0.1)
    throttle.spend(1_000)
    throttle.ready(1_000, 10)
    hand_clock.move(0.05)
    assert not throttle.ready(10, 1_000)
    hand_clock.move(0.06)
    assert throttle.ready(10, 1_000)


def test_a_long_answer_is_updated_less_and_less(hand_clock):
    throttle = Throttle(hand_clock)
    gaps, last = [], 0.0
    for step in range(2_000):
        length = (step + 1) * 100
        if throttle.ready(700 + length, length):
            throttle.spend(700 + length)
            gaps.append(hand_clock.now - last)
            last = hand_clock.now
        hand_clock.move(0.01)
    assert max(gaps[1:5]) < 0.2
    assert len(gaps) < 40


def test_a_slow_answer_is_updated_ten_times_a_second_at_most(hand_clock):
    throttle = Throttle(hand_clock)
    count = 0
    for _ in range(400):
        if throttle.ready(900, 500):
            throttle.spend(900)
            count += 1
        hand_clock.move(0.01)
    assert 25 <= count <= 41
