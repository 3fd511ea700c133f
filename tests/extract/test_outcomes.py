"""What came of each task, packed; keys of texts; and what a store has when a run begins."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_magic.extract.job import Job, Outcome
from gemini_magic.extract.keys import TextKeys
from gemini_magic.extract.outcomes import Outcomes, Stored
from gemini_magic.extract.store import Store
from gemini_magic.schemas import schema_of
from gemini_magic.wire import Part

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(string.printable, max_size=5), inner),
    max_leaves=10,
)


def job(**more):
    return Job(schema_of("city, temp int"), "{{text}}", "m", **more)


def outcome(number=0, status="ok", **more):
    value = {"city": "Oslo", "temp": number} if status == "ok" else None
    return Outcome(f"{number:064x}", status, value, attempts=1, seconds=0.25, model="m", raw="{}", **more)


@given(value=VALUES, raw=st.text(), tokens=st.none() | st.integers(0, 10**40))
def test_an_outcome_comes_back_as_it_was_put_in(value, raw, tokens):
    made = Outcome("k", "ok", value, attempts=2, total_tokens=tokens, raw=raw)
    outcomes = Outcomes()
    outcomes.add(made)
    assert outcomes["k"] == made
    assert outcomes.value("k") == value


def test_a_value_is_made_anew_each_time_so_that_nobody_can_change_it_for_others():
    outcomes = Outcomes()
    outcomes.add(outcome(3))
    outcomes.value(outcome(3).key)["city"] = "Rome"
    assert outcomes.value(outcome(3).key) == {"city": "Oslo", "temp": 3}


def test_the_last_outcome_of_a_task_counts_whatever_the_others_were():
    outcomes = Outcomes()
    for status in ("failed", "ok", "invalid"):
        outcomes.add(outcome(1, status))
        assert (len(outcomes), outcomes[outcome(1).key].status) == (1, status)
        assert outcomes.is_good(outcome(1).key) == (status == "ok")
    assert outcomes.value(outcome(1).key) is None
    assert list(outcomes) == [outcome(1).key]


def test_texts_of_answers_are_left_to_a_store_that_has_them():
    outcomes = Outcomes(raw=False)
    outcomes.add(outcome(1))
    assert outcomes[outcome(1).key] == Outcome(**{**vars(outcome(1)), "raw": ""})


def test_what_is_not_there_is_missing():
    assert "k" not in Outcomes()
    assert Outcomes().value("k") is None
    with pytest.raises(KeyError):
        Outcomes()["k"]


def test_what_is_no_plain_data_is_kept_as_it_is():
    odd = Outcome("k", "ok", {1, 2, object})
    outcomes = Outcomes()
    outcomes.add(odd)
    assert outcomes["k"] == odd


# Keys


@given(st.text(st.characters(), min_size=1))
def test_the_key_of_a_text_is_that_of_its_part(text):
    assert TextKeys(JOB).of(text) == JOB.key_of([Part(text=text)])
    assert TextKeys(JOB, ["Before.", text]).of(text) == JOB.key_of([Part(text=t) for t in ("Before.", text, text)])


JOB = job(system="Be brief.")


@pytest.mark.parametrize("text", ['"', "\\", "\x00\x1f\x7f", "\u2028", "é", "😀", "\ud800", "\udc00\ud800"])
def test_the_key_of_an_awkward_text_is_that_of_its_part(text):
    assert TextKeys(JOB).of(text) == JOB.key_of([Part.model_construct(_fields_set={"text"}, text=text)])


# What a store has


class Counting:
    """A store that counts how it is read."""

    def __init__(self, store):
        self.path, self._store, self.gets, self.scans = store.path, store, 0, 0

    def __len__(self):
        return len(self._store)

    def get(self, key):
        self.gets += 1
        return self._store.get(key)

    def outcomes(self):
        self.scans += 1
        return self._store.outcomes()


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "s", job()) as store:
        yield store


def test_an_empty_store_is_not_read_at_all(store):
    counting = Counting(store)
    assert not Stored(counting, 10**6).has(outcome(1).key)
    assert (counting.gets, counting.scans) == (0, 0)


def test_a_store_is_read_at_once(store):
    for number in range(50):
        store.put(outcome(number))
    counting = Counting(store)
    stored = Stored(counting, None)
    assert [stored.has(outcome(number).key) for number in (0, 49, 50)] == [True, True, False]
    assert (counting.gets, counting.scans) == (0, 1)
    assert stored.outcomes[outcome(7).key] == Outcome(**{**vars(outcome(7)), "raw": ""})


def test_a_large_store_is_read_answer_by_answer_for_a_few_rows():
    class Large:
        path = None

        def __len__(self):
            return 10**6

        def get(self, key):
            return outcome(1) if key == outcome(1).key else None

    stored = Stored(Large(), 3)
    assert (stored.has(outcome(1).key), stored.has(outcome(2).key)) == (True, False)
    assert len(stored.outcomes) == 1
