"""A store against a plain dict: whatever is put, killed, opened again or opened twice, in any order."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from gemini_magic.exceptions import StoreLocked, StoreMismatch
from gemini_magic.extract.job import Job, Outcome
from gemini_magic.extract.store import Store

#: Where files cost no time of a disk.
MEMORY = next((one for one in ("/dev/shm",) if os.access(one, os.W_OK)), None)  # noqa: S108 - a folder is made in it
KEYS = st.sampled_from([f"{number:064x}" for number in range(12)])
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
STATUSES = st.sampled_from(["ok", "invalid", "truncated", "blocked", "failed"])


def job(model="m"):
    return Job(SimpleNamespace(json_schema={"type": "object"}), "Read {{text}}", model)


class StoreMachine(RuleBasedStateMachine):
    @initialize()
    def begin(self):
        self.folder = tempfile.TemporaryDirectory(dir=MEMORY)
        self.lives = 0
        self.path = Path(self.folder.name) / "0" / "a.sqlite3"
        self.model = "m"
        self.wanted = {}
        self.store = Store.open(self.path, job())

    @rule(key=KEYS, status=STATUSES, value=PLAIN, size=st.sampled_from([0, 10, 5_000]))
    def put(self, key, status, value, size):
        outcome = Outcome(key, status, value, raw="x" * size, attempts=1)
        self.store.put(outcome)
        self.wanted[key] = outcome

    @rule(keys=st.lists(KEYS))
    def get_in_any_order(self, keys):
        assert [self.store.get(key) for key in keys] == [self.wanted.get(key) for key in keys]

    @rule()
    def reopen(self):
        self.store.close()
        self.store = Store.open(self.path, job(self.model))

    @rule(with_lock=st.booleans(), with_memory=st.booleans())
    def kill(self, with_lock, with_memory):
        """Go on with the files as they are at this moment; the writer never comes to close them."""
        self.lives += 1
        after = self.path.parent.parent / str(self.lives)
        after.mkdir()
        for ending in ["", "-wal", *["-shm"] * with_memory, *[".lock"] * with_lock]:
            shutil.copy(f"{self.path}{ending}", after)
        self.store.close()
        shutil.rmtree(self.path.parent)
        self.path = after / self.path.name
        self.store = Store.open(self.path, job(self.model))

    @rule()
    def open_twice(self):
        with pytest.raises(StoreLocked):
            Store.open(self.path, job(self.model))

    @rule()
    def open_for_another_job(self):
        self.store.close()
        with pytest.raises(StoreMismatch, match="model: "):
            Store.open(self.path, job(self.model + "x"))
        self.store = Store.open(self.path, job(self.model))

    @rule()
    def begin_anew(self):
        self.store.close()
        self.model += "y"
        self.store = Store.open(self.path, job(self.model), resume=False)
        self.wanted = {}

    @invariant()
    def all_is_there(self):
        assert {one.key: one for one in self.store.outcomes()} == self.wanted
        assert self.store.keys() == set(self.wanted)
        assert self.store.notes == ()

    def teardown(self):
        self.store.close()
        self.folder.cleanup()


TestStoreMachine = StoreMachine.TestCase
TestStoreMachine.settings = settings(max_examples=60, stateful_step_count=30)
