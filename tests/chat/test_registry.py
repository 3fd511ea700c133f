"""The named conversations of a kernel."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from gemini_magic.chat import Conversation, Registry
from gemini_magic.client import Client
from gemini_magic.exceptions import InputError


@pytest.fixture
def client():
    with Client("http://127.0.0.1:9", model="gemini-x", auth="none") as client:
        yield client


def test_a_name_always_means_the_same_conversation(client):
    chats = Registry()
    chat = chats.get("main", client)
    other = client.with_options(model="gemini-y")
    assert chats.get("main", other) is chat
    assert chat.client is other
    assert chats.find("main") is chat
    assert chats.find("other") is None
    assert (chat.name, chats.names, chats.chats) == ("main", ["main"], [chat])


def test_a_conversation_can_take_the_place_of_another(client):
    chats = Registry()
    chats.get("a", client)
    chats.get("b", client)
    fresh = Conversation(client, name="a")
    chats.put(fresh)
    assert chats.find("a") is fresh
    assert chats.names == ["a", "b"]


def test_reset_makes_the_next_one_new(client):
    chats = Registry()
    chat = chats.get("a", client)
    chat.system = "Rhyme."
    assert chats.reset("a") == 0
    assert chats.get("a", client) is not chat
    assert chats.get("a", client).system is None


def test_reset_of_an_unknown_name_lists_the_known_ones(client):
    chats = Registry()
    with pytest.raises(InputError, match=r"'x'.*none yet"):
        chats.reset("x")
    chats.get("a", client)
    with pytest.raises(InputError, match=r"'x'.*There is: a\."):
        chats.reset("x")
    assert chats.reset("main") == 0


def test_threads_that_come_at_once_get_the_same_conversation(client):
    chats = Registry()
    with ThreadPoolExecutor(32) as pool:
        found = set(map(id, pool.map(lambda _: chats.get("main", client), range(500))))
    assert len(found) == 1
