"""How the public face is used, for type checkers alone: this is never run."""

from __future__ import annotations

from pathlib import Path
from typing import assert_type

from PIL.Image import Image

import gemini_magic as gm
from gemini_magic import wire
from gemini_magic.client.cache import AnswerCache
from gemini_magic.client.tape import Recorder, Tape, replaying_client
from gemini_magic.events import Event, Finished, FunctionCall, TextDelta
from gemini_magic.reply import Citation, InlineData
from gemini_magic.wire import Part, UsageMetadata


def connect() -> None:
    assert_type(gm.connect(), gm.Client)
    client = gm.connect("google", model="gemini-2.5-flash", api_key="…", timeout=60, retries=2, fallback=["gemini-x"])
    assert_type(client.with_options(model="gemini-2.5-pro"), gm.Client)
    assert_type(client.model, str)
    assert_type(client.models(), list[wire.Model])
    assert_type(client.count_tokens("…").total_tokens, int | None)
    gm.Client("https://gateway.example", "…", "gemini-x", auth="bearer", headers={"x-team": "a"})


def ask(client: gm.Client) -> None:
    reply = client.generate(["…", {"a": 1}], system="…", config={"temperature": 0.5}, extra={"newField": 1})
    client.generate("…", model="gemini-x", config=wire.GenerationConfig(top_k=4), safety={"HARM_CATEGORY_X": "OFF"})
    assert_type(reply, gm.Reply)
    assert_type(reply.text, str)
    assert_type(reply.thoughts, str)
    assert_type(reply.parts, list[Part])
    assert_type(reply.images, list[Image])
    assert_type(reply.blobs, list[InlineData])
    assert_type(reply.audio, list[InlineData])
    assert_type(reply.code, list[str])
    assert_type(reply.function_calls, list[FunctionCall])
    assert_type(reply.citations, list[Citation])
    assert_type(reply.usage, UsageMetadata | None)
    assert_type(reply.finish_reason, str | None)
    assert_type(reply.block_reason, str | None)
    assert_type(reply.model, str)


def stream(client: gm.Client) -> None:
    with client.stream("…") as events:
        for event in events:
            assert_type(event, Event)
            if isinstance(event, TextDelta):
                assert_type(event.text, str)
            elif isinstance(event, Finished):
                assert_type(event.finish_reason, str | None)
        assert_type(events.reply, gm.Reply)


async def wait(client: gm.AsyncClient) -> None:
    assert_type(await client.generate("…"), gm.Reply)
    assert_type(await client.models(), list[wire.Model])
    async with client.stream("…") as events:
        async for event in events:
            assert_type(event, Event)
        assert_type(events.reply, gm.Reply)


def talk(client: gm.Client) -> None:
    chat = gm.Conversation(client, system="…", name="main")
    assert_type(chat.ask("…", b"...", {"a": 1}, config={"temperature": 0}), gm.Reply)
    with chat.stream("…") as events:
        for event in events:
            assert_type(event, Event)
    assert_type(chat.history, list[wire.Content])
    client.generate(["…", gm.file("report.pdf"), gm.image("photo.png"), Path("notes.md")])
    chat.ask("…", cell="a", run="1", append=True)
    assert_type(chat.edit(1, "…"), gm.Reply)
    assert_type(chat.stale, tuple[int, ...])
    assert_type([*chat.replay()], list[gm.Reply])
    assert_type(chat.fork("other", 1), gm.Conversation)
    assert_type(chat.save("chat.json"), Path)
    assert_type(gm.Conversation.load("chat.json"), gm.Conversation)
    for turn in chat.turns:
        assert_type(turn.reply, gm.Reply | None)
        assert_type(turn.replayed, bool)


def remember(client: gm.Client) -> None:
    assert_type(client.with_shelf(Recorder(Tape("tape.jsonl"))), gm.Client)
    assert_type(client.with_shelf(AnswerCache()), gm.Client)
    assert_type(replaying_client("tape.jsonl"), gm.Client)


def fail(client: gm.Client) -> None:
    try:
        client.generate("…")
    except gm.RateLimited as error:
        assert_type(error.retry_delay, float | None)
        assert_type(error.status, int)
        assert_type(error.attempts, int)
    except gm.GeminiMagicError as error:
        assert_type(error.hint, str)
