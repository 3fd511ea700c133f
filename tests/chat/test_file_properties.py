"""Whatever happens to a conversation's file, loading it gives a conversation or says what is wrong."""

from __future__ import annotations

import base64
import copy
import json
import zlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gemini_magic.chat import store
from gemini_magic.chat.export import notebook_of
from gemini_magic.chat.outputs import conversations_in_notebook
from gemini_magic.chat.saved import Saved
from gemini_magic.chat.turns import Origin, answered, failed, plain_fields
from gemini_magic.client.request import encode
from gemini_magic.exceptions import ConversationFileError
from gemini_magic.reply import Reply
from gemini_magic.wire import Content, GenerateContentResponse

steady = settings(suppress_health_check=list(HealthCheck), database=None)
scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9)
)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=9,
)
arguments = st.dictionaries(st.text(max_size=5), anything, max_size=3)
data = st.binary(max_size=20).map(lambda raw: base64.b64encode(raw).decode())
signature = st.fixed_dictionaries(
    {}, optional={"thoughtSignature": data, "newField": anything, "thought": st.booleans()}
)
parts = st.one_of(
    st.fixed_dictionaries({"text": st.text(max_size=20)}),
    st.fixed_dictionaries({"inlineData": st.fixed_dictionaries({"mimeType": st.just("image/png"), "data": data})}),
    st.fixed_dictionaries({"functionCall": st.fixed_dictionaries({"name": st.text(max_size=5), "args": arguments})}),
    st.fixed_dictionaries(
        {"functionResponse": st.fixed_dictionaries({"name": st.text(max_size=5), "response": arguments})}
    ),
    st.fixed_dictionaries({"newKind": anything}),
)
signed_parts = st.lists(st.builds(lambda part, more: part | more, parts, signature), min_size=1, max_size=4)
words = st.text(max_size=10)


@st.composite
def turns(draw):
    """A turn as it comes about: an answer, or an error."""
    question = encode(Content.model_validate({"parts": draw(signed_parts), "role": "user"}))
    config = {"temperature": draw(st.floats(0, 2))}
    fields = plain_fields({"model": "gemini-y", "config": config, "extra": {"x-new": draw(arguments)}})
    origin = Origin(fields, draw(words), draw(words))
    if draw(st.integers(0, 4)) == 0:
        return failed(question, ValueError(draw(words)), None, origin)
    content = {"role": "model", "parts": draw(signed_parts), "x-new": draw(anything)}
    reason = draw(st.sampled_from(["STOP", "MAX_TOKENS", "SAFETY"]))
    response = {"candidates": [{"content": content, "finishReason": reason}], "x-new": draw(anything)}
    reply = Reply(
        GenerateContentResponse.model_validate(response), draw(words), 2, draw(st.floats(0, 9)), (draw(words),)
    )
    return answered(question, reply, origin).marked(stale=draw(st.booleans()))


chats = st.builds(
    lambda name, some, system: Saved(name, tuple(some), system or None), words, st.lists(turns(), max_size=4), words
)


@settings(steady, max_examples=25)
@given(chat=chats)
def test_what_was_saved_is_what_is_loaded(chat):
    document = store.parsed(store.json_of(chat), "chat.json")
    found = store.read_document(document, "chat.json")
    assert (found.name, found.turns, found.system) == (chat.name, chat.turns, chat.system)
    assert not any("changed" in note for note in found.notes)
    assert store.json_of(found) == store.json_of(chat)


@settings(steady, max_examples=20)
@given(chat=chats)
def test_what_stands_in_outputs_is_what_is_restored(chat):
    found = conversations_in_notebook(json.loads(json.dumps(notebook_of(chat))), "nb.ipynb")
    kept = tuple(turn for turn in chat.turns if turn.replayed)
    if kept:
        assert found[chat.name].turns == kept
    else:
        assert all(not one.turns for one in found.values())


def example():
    """One conversation with everything, as the bytes of its file."""
    part = {"text": "a", "thoughtSignature": "c2ln", "new": {"a": [1, None, 2.5]}}
    picture = {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}
    call = {"functionCall": {"name": "now", "args": {"zone": "UTC"}, "id": "1"}}
    question = encode(Content.model_validate({"parts": [part, picture], "role": "user"}))
    response = {"candidates": [{"content": {"role": "model", "parts": [call, part]}, "finishReason": "STOP"}]}
    reply = Reply(GenerateContentResponse.model_validate(response), "gemini-x", 2, 1.5, ("note",))
    origin = Origin(plain_fields({"model": "m", "system": "s", "config": {"topK": 1}}), "c", "r")
    return Saved(
        "main", (answered(question, reply, origin), failed(question, ValueError("no"), reply, origin)), "Be brief."
    )


EXAMPLE = example()
BYTES = store.json_of(EXAMPLE)
DOCUMENT = json.loads(BYTES)
NOTEBOOK = json.loads(json.dumps(notebook_of(EXAMPLE)))


def read_or_refused(data):
    """Load it twice over, or see that the refusal is one short line about the file."""
    refusal = ""
    try:
        found = store.read_document(store.parsed(data, "chat.json"), "chat.json")
    except ConversationFileError as error:
        refusal = str(error)
    if not refusal:
        assert store.read_document(store.parsed(store.json_of(found), "chat.json"), "chat.json").turns == found.turns
    assert refusal == "" or (refusal.startswith("chat.json") and len(refusal) < 600)


@settings(steady, max_examples=200)
@given(place=st.integers(0, len(BYTES) - 1), bit=st.integers(0, 7))
def test_a_flipped_bit_is_read_or_refused(place, bit):
    read_or_refused(BYTES[:place] + bytes([BYTES[place] ^ (1 << bit)]) + BYTES[place + 1 :])


def test_every_byte_in_turn_may_be_another():
    for place in range(0, len(BYTES), 5):
        read_or_refused(BYTES[:place] + bytes([BYTES[place] ^ (1 << place % 8)]) + BYTES[place + 1 :])
        read_or_refused(BYTES[:place] + BYTES[place + 1 :])


@settings(steady, max_examples=250)
@given(start=st.integers(0, len(BYTES)), end=st.integers(0, len(BYTES)), to=st.integers(0, len(BYTES)))
def test_a_cut_or_a_splice_is_read_or_refused(start, end, to):
    start, end = sorted((start, end))
    read_or_refused(BYTES[:start] + BYTES[end:])
    read_or_refused(BYTES[:to] + BYTES[start:end] + BYTES[to:])


def paths(value, path=()):
    """The places of all values inside a JSON value."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in inner:
        yield from paths(child, (*path, key))


def swapped(document, path, value):
    """The document with another value at a place."""
    if not path:
        return value
    copied = copy.deepcopy(document)
    place = copied
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return copied


@settings(steady, max_examples=350)
@given(path=st.sampled_from(list(paths(DOCUMENT))), value=anything)
def test_a_value_of_another_type_is_read_or_refused(path, value):
    read_or_refused(json.dumps(swapped(DOCUMENT, path, value)).encode())


@pytest.mark.parametrize(
    "value", [None, True, 0, -1, 1e999, 2**70, "", "x", [], {}, [None], {"a": None}, [[]], "\u2028"]
)
def test_every_value_in_turn_may_be_another(value):
    for path in paths(DOCUMENT):
        read_or_refused(json.dumps(swapped(DOCUMENT, path, value)).encode())


@settings(steady, max_examples=150)
@given(path=st.sampled_from(list(paths(NOTEBOOK))), value=anything)
def test_a_damaged_notebook_is_read_or_refused(path, value):
    refusal = "nb.ipynb"
    try:
        conversations_in_notebook(swapped(NOTEBOOK, path, value), "nb.ipynb")
    except ConversationFileError as error:
        refusal = str(error)
    assert refusal.startswith("nb.ipynb")


PAYLOAD = json.loads(
    zlib.decompress(base64.b64decode(NOTEBOOK["cells"][2]["outputs"][0]["metadata"]["gemini_magic"]["turn"]))
)


@settings(steady, max_examples=150)
@given(path=st.sampled_from(list(paths(PAYLOAD))), value=anything)
def test_a_damaged_turn_in_an_output_is_read_or_noted(path, value):
    packed = base64.b64encode(zlib.compress(json.dumps(swapped(PAYLOAD, path, value)).encode())).decode()
    notebook = {
        "cells": [{"outputs": [{"metadata": {"gemini_magic": {"version": 1, "chat": "main", "turn": packed}}}]}]
    }
    for chat in conversations_in_notebook(notebook, "nb.ipynb").values():
        assert isinstance(chat, Saved)
