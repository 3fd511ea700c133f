"""Elements of an array that is still being written."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gemini_magic.extract.arrays import ArrayReader

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
frames = st.sampled_from(
    [
        "%s",
        "\ufeff %s\n",
        "```json\n%s\n```",
        "Here [it] is, [not] {as said}:\n```\n%s\n```\nDone [{}].",
        '{"n": 1, "s": "[{\\"", "o": {"a": [1]}, "items": %s, "b": [1, 2]}',
    ]
)


def fed(pieces: list[str]) -> list[Any]:
    reader = ArrayReader()
    return [item for piece in pieces for item in reader.feed(piece)]


def pieces_of(text: str, cuts: list[int]) -> list[str]:
    places = sorted({min(cut, len(text)) for cut in cuts})
    return [text[start:end] for start, end in zip([0, *places], [*places, len(text)], strict=True)]


@settings(max_examples=500)
@given(
    st.lists(values, max_size=5),
    frames,
    st.lists(st.integers(0, 300), max_size=12),
    st.booleans(),
    st.sampled_from([None, 1]),
)
def test_any_cutting_gives_the_same_elements(
    items: list[Any], frame: str, cuts: list[int], ascii_only: bool, indent: int | None
) -> None:
    text = frame % json.dumps(items, ensure_ascii=ascii_only, indent=indent)
    whole = fed([text])
    assert whole == json.loads(json.dumps(items))
    assert fed(pieces_of(text, cuts)) == whole
    assert fed(list(text)) == whole


def test_each_element_comes_with_the_character_that_ends_it() -> None:
    reader = ArrayReader()
    found = {
        place: items for place, character in enumerate('[{"a": "]}"}, 12, "x"]') if (items := reader.feed(character))
    }
    assert found == {12: [{"a": "]}"}], 16: [12], 21: ["x"]}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("[]", []),
        ("[ ]", []),
        ("", []),
        ("no array", []),
        ('{"a": 1}', []),
        ('{"a": {"b": [1, 2]}, "c": 3}', []),
        ('{"a": [{"b": 1}], "c": [{"b": 2}]}', [{"b": 1}]),
        ("[[1, 2], [3]]", [[1, 2], [3]]),
        ('[{"a": 1}, {"a": 2', [{"a": 1}]),
        ('[{"a": 1}, {"a": NaN}, {"a": 3}]', [{"a": 1}]),
        ('[{"a": 1}, oops, {"a": 3}]', [{"a": 1}]),
        ('[{"a": 1}}, {"a": 3}]', [{"a": 1}]),
        ('[{"a": 1}] [{"a": 2}]', [{"a": 1}]),
        ("[" * 100_000, []),
        ("[" * 200 + "]" * 200, []),
    ],
)
def test_what_is_no_array_gives_nothing_and_raises_nothing(text: str, wanted: list[Any]) -> None:
    assert fed([text]) == wanted
    assert fed(list(text[:2_000])) == wanted


def test_the_work_grows_with_the_text_and_not_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    from gemini_magic.extract import arrays  # noqa: PLC0415 - its decoder is counted

    decoded = 0

    def counting(text: str) -> Any:
        nonlocal decoded
        decoded += len(text)
        return json.loads(text)

    monkeypatch.setattr(arrays, "decode", counting)
    text = json.dumps([{"name": "x" * 50, "n": n} for n in range(2_000)])
    reader = ArrayReader()
    assert sum(len(reader.feed(text[place : place + 7])) for place in range(0, len(text), 7)) == 2_000
    assert decoded <= len(text)
    assert sum(map(len, reader._pieces)) == 0
