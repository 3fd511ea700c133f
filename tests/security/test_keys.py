"""A key that is planted, a gateway that repeats it, and every place where it must not come out (K3–K5, K8–K12)."""

from __future__ import annotations

import asyncio
import copy
import importlib.util
import logging
import pickle
import traceback
from contextlib import suppress
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pytest
from wire_server import FakeClock

import gemini_magic as gm
from gemini_magic import ledger
from gemini_magic.chat.autosave import autosave
from gemini_magic.chat.store import turn_metadata, turns_in_notebook
from gemini_magic.client import AsyncClient, Client
from gemini_magic.client.cache import AnswerCache
from gemini_magic.client.capabilities import Capabilities
from gemini_magic.client.probe import kept, probe
from gemini_magic.client.tape import Recorder, Tape
from gemini_magic.display.cards import reply_bundle
from gemini_magic.exceptions import GeminiMagicError
from gemini_magic.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Iterator

WAYS = ("stream", "generate")
AUTHS = ("bearer", "x-goog-api-key")
#: Whose frames may end up in a report; the test's own hold the key on purpose.
LIBRARIES = ("gemini_magic", "httpx", "httpcore", "h11", "aiohttp", "anyio")


def ask(client: Client, way: str, name: str) -> Any:
    """Ask; what comes back, or what went wrong."""
    try:
        if way == "generate":
            return client.generate(name)
        with client.stream(name) as events:
            list(events)
            return events.reply
    except GeminiMagicError as error:
        return error


async def ask_async(client: AsyncClient, way: str, name: str) -> Any:
    try:
        if way == "generate":
            return await client.generate(name)
        async with client.stream(name) as events:
            async for _ in events:
                pass
            return events.reply
    except GeminiMagicError as error:
        return error


@pytest.fixture
def client(gateway, key, clock) -> Iterator[Client]:
    """A client with the planted key, at a gateway that repeats it."""
    with Client(gateway.url, key, "gemini-x", retries=0, clock=clock, ledger=Ledger()) as client:
        yield client


def chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def opened(value: object, depth: int = 4, *, objects: bool = True) -> Iterator[str]:
    """What a tool that looks into values would show of one; unless told not to, also into attributes."""
    yield from (repr(value), str(value))
    if depth == 0:
        return
    if isinstance(value, (dict, MappingProxyType)):
        inner = [*value, *value.values()]
    elif isinstance(value, (list, tuple, set, frozenset)):
        inner = list(value)
    elif objects and type(value).__module__.startswith(LIBRARIES):
        names = [name for cls in type(value).__mro__ for name in getattr(cls, "__slots__", ())]
        inner = [*getattr(value, "__dict__", {}).values(), *(getattr(value, name, None) for name in names)]
    else:
        return
    for one in inner:
        if not isinstance(one, type) and not callable(one):
            yield from opened(one, depth - 1, objects=objects)


def shown_of(error: BaseException) -> str:
    """All that an error, and those beneath it, can be made to say (K4)."""
    said = ["".join(traceback.format_exception(error))]
    for one in chain(error):
        said += [repr(one.args), *opened(vars(one)), *getattr(one, "__notes__", [])]
        for name in ("object", "doc", "request", "response", "request_info", "os_error"):
            with suppress(Exception):
                said += opened(getattr(one, name, None))
    return "\n".join(said)


def frames_of(error: BaseException) -> Iterator[tuple[str, str]]:
    """The local variables of every frame that an error went through (K12)."""
    for one in chain(error):
        for frame, _ in traceback.walk_tb(one.__traceback__):
            if frame.f_globals.get("__name__", "").startswith(LIBRARIES):
                where = f"{frame.f_globals['__name__']}.{frame.f_code.co_name}"
                for name, value in frame.f_locals.items():
                    yield f"{where}: {name}", "\n".join(opened(value, objects=False))


# Errors, and the frames that they went through


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("auth", AUTHS)
def test_no_error_and_no_frame_shows_the_key(gateway, key, repeats, found, *, auth, way):
    errors = 0
    with Client(gateway.url, key, "m", auth=auth, retries=1, clock=FakeClock(), ledger=Ledger()) as client:
        for name in repeats:
            outcome = ask(client, way, name)
            if isinstance(outcome, GeminiMagicError):
                errors += 1
                assert (name, found(shown_of(outcome))) == (name, [])
                assert [(name, where) for where, said in frames_of(outcome) if found(said)] == []
    assert errors >= 20
    assert all(key in (seen.header("authorization") or seen.header("x-goog-api-key")) for seen in gateway.seen)


@pytest.mark.parametrize("way", WAYS)
def test_no_awaited_error_and_no_frame_of_it_shows_the_key(gateway, key, repeats, found, way):
    async def run() -> list[tuple[str, Any]]:
        async with AsyncClient(gateway.url, key, "m", retries=0, clock=FakeClock(), ledger=Ledger()) as client:
            return [(name, await ask_async(client, way, name)) for name in repeats]

    outcomes = asyncio.run(run())
    errors = [(name, one) for name, one in outcomes if isinstance(one, GeminiMagicError)]
    assert len(errors) >= 20
    assert [(name, forms) for name, one in errors if (forms := found(shown_of(one)))] == []
    assert [(name, where) for name, one in errors for where, said in frames_of(one) if found(said)] == []


def test_no_error_of_a_connection_that_cannot_be_made_shows_the_key(key, found, clock):
    for url in ("http://127.0.0.1:9", "https://127.0.0.1:9"):
        with Client(url, key, "m", retries=0, clock=clock, ledger=Ledger()) as client:
            for way in WAYS:
                failed = ask(client, way, "x")
                assert found(shown_of(failed)) == []
                assert [where for where, said in frames_of(failed) if found(said)] == []


# Answers that repeat the key


@pytest.mark.parametrize("way", WAYS)
def test_a_reply_does_not_repeat_the_key(client, way, repeats, found):
    for name in repeats:
        outcome = ask(client, way, name)
        reply = outcome.partial if isinstance(outcome, GeminiMagicError) else outcome
        if reply is not None:
            bundle = reply_bundle(reply)
            said = [repr(reply), str(reply), reply.text, reply.thoughts, str(reply.raw), reply.model, str(bundle)]
            assert (name, found("\n".join(said))) == (name, [])


def test_no_model_and_no_count_repeats_the_key(client, found):
    assert found(repr(client.models())) == []
    assert found(repr(client.count_tokens("x"))) == []


# Whatever is public, looked at from all sides


def public_objects(client: Client, chat: gm.Conversation) -> dict[str, object]:
    return {
        "client": client,
        "async client": AsyncClient(profile=client.profile, api_key=client._key),
        "options": client.with_options(retries=1),
        "profile": client.profile,
        "key": client._key,
        "plan": client.plan("x", "generateContent"),
        "chat": chat,
        "turn": chat.turns[0],
        "reply": chat.turns[0].reply,
        "entries": client._ledger.entries,
        "ledger": client._ledger,
        "kernel's ledger": ledger.KERNEL,
        "stream": client.stream("x"),
    }


def test_no_public_object_shows_the_key(client, repeats, found):
    chat = gm.Conversation(client, system="Be brief.", name="a")
    for name in ("an answer", "a stream", "a stream of pieces"):
        assert name in repeats
        chat.ask(name)
    for what, value in public_objects(client, chat).items():
        said = [repr(value), str(value), f"{value!s:>10}", str(dir(value)), *opened(value)]
        for name in dir(value):
            with suppress(Exception):
                said.append(repr(getattr(value, name)))
        assert (what, found("\n".join(said))) == (what, [])


# What libraries log


def test_no_log_record_shows_the_key(gateway, key, repeats, found):
    records: list[logging.LogRecord] = []
    handler = logging.Handler(0)
    handler.emit = records.append  # type: ignore[method-assign]
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(1)
    try:
        with Client(gateway.url, key, "m", retries=0, clock=FakeClock(), ledger=Ledger()) as client:
            for name in repeats:
                for way in WAYS:
                    ask(client, way, name)
            client.models()
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
    assert {record.name.partition(".")[0] for record in records} >= {"httpx", "httpcore"}
    said = [(record.name, f"{record.getMessage()} {vars(record)} {record.args!r}") for record in records]
    assert sorted({(name, text[:60]) for name, text in said if found(text)}) == []


# What is written to files


@pytest.mark.parametrize("way", WAYS)
def test_no_file_of_ours_holds_the_key(client, way, repeats, tmp_path, *, found, found_in_files, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    folder = tmp_path / "files"
    folder.mkdir()
    tape, cache = Tape(folder / "tape.jsonl"), AnswerCache(folder / "answers.sqlite3")
    shelved = client.with_shelf(Recorder(tape)).with_shelf(cache)
    for name in repeats:
        ask(shelved, way, name)
        chat = gm.Conversation(client, name=name)
        with suppress(GeminiMagicError):
            chat.ask(name)
        for ending in ("json", "md", "ipynb"):
            with suppress(GeminiMagicError):
                chat.save(folder / f"{name}.{ending}")
        autosave(chat, "a notebook")
        notebook = {"cells": [{"outputs": [{"metadata": turn_metadata(chat, turn)}]} for turn in chat.turns]}
        assert (name, found(repr(turns_in_notebook(notebook)))) == (name, [])
    shelved.models()
    kept(client, probe(client))
    assert (folder / "answers.sqlite3-wal").exists()
    assert list((tmp_path / "data").rglob("*.json"))
    assert (tmp_path / "state").exists()
    assert found_in_files(tmp_path) == {}
    cache.close()
    assert found_in_files(tmp_path) == {}


# What is pickled and copied


def pickled_with_closures(value: object) -> bytes:
    """As clusters pickle, functions and their closures included."""
    from cloudpickle import dumps  # noqa: PLC0415 - it may not be there

    return bytes(dumps(value))


DUMPS = [pickle.dumps, lambda value: "\n".join(opened(copy.deepcopy(value)))]
DUMPS += [pickled_with_closures] if importlib.util.find_spec("cloudpickle") else []


@pytest.mark.parametrize("dump", DUMPS, ids=["pickled", "copied", "pickled with closures"][: len(DUMPS)])
def test_no_pickle_and_no_copy_holds_the_key(client, dump, repeats, found):
    chat = gm.Conversation(client, name="a")
    chat.ask("an answer")
    objects = {**public_objects(client, chat), "tape": Tape("x"), "cache": AnswerCache("x"), "gateway": Capabilities()}
    objects |= {name: ask(client, "generate", name) for name in repeats}
    for what, value in objects.items():
        try:
            data = dump(value)
        except (TypeError, AttributeError, pickle.PicklingError):
            continue
        assert (what, found(data)) == (what, [])


# What stands in addresses


def test_the_key_is_in_no_address(client, gateway, key, found):
    for name in ("an answer", "a stream"):
        ask(client, "stream", name)
    client.models()
    client.count_tokens("x")
    assert gateway.seen
    assert [seen.target for seen in gateway.seen if found(seen.target)] == []
    rest = [value for seen in gateway.seen for name, value in seen.headers if name.lower() != "authorization"]
    assert found("\n".join(rest)) == []
    assert found(b"".join(seen.body for seen in gateway.seen)) == []
    assert {seen.header("authorization") for seen in gateway.seen} == {f"Bearer {key}"}


@pytest.mark.parametrize("part", ["?key={}", "?api_key={}", "#{}", "/{0}?x={0}"])
def test_an_address_with_a_key_in_it_is_refused_without_showing_it(key, found, part):
    with pytest.raises(GeminiMagicError) as refused:
        Client(f"https://gateway.example/v1beta{part.format(key)}", None, "m")
    assert found(shown_of(refused.value)) == []


def test_an_address_with_a_user_and_a_password_is_refused_without_showing_them(key, found):
    with pytest.raises(GeminiMagicError) as refused:
        Client(f"https://user:{key.replace('/', '')}@gateway.example", None, "m")
    assert found(shown_of(refused.value)) == []


# The search itself


def test_the_search_finds_what_is_there(key, found, found_in_files, tmp_path):
    (tmp_path / "a").write_text(f"x{key}x")
    (tmp_path / key.replace("/", "")).write_text("")
    assert found(f"..{key[:12]}..") == ["as its beginning"]
    assert "as it is" in found(key)
    assert found(key[:11]) == []
    assert "a" in found_in_files(tmp_path)


def test_the_gateway_does_repeat_the_key(key, repeats):
    said = [b"".join([*one.pieces, repr(one.headers).encode()]) for one in repeats.values()]
    assert sum(key.encode() in data for data in said) >= 25
