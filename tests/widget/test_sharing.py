"""The pane and the cells of a notebook, and several panes, on one conversation."""

from __future__ import annotations

import json
import threading

import pytest
from wire_server import Say, answer, event, unary

from gemini_magic.chat import Conversation
from gemini_magic.chat.autosave import autosave
from gemini_magic.chat.notebooks import notebook_name


def text_of(view):
    return "".join(part["text"] for part in view["answer"] if part["kind"] == "text")


def questions_in(seen):
    return [content["parts"][-1]["text"] for content in seen.json()["contents"] if content["role"] == "user"]


def test_a_cells_turn_shows_in_the_pane(wire, pane, chat):
    wire.answers(unary("Yes."))
    chat.ask("One?", cell="c1", run="r1")
    (view,) = pane.wait_for("turns")["turns"]
    assert (text_of(view), view["from_cell"], view["prompt"]) == ("Yes.", True, [{"kind": "text", "text": "One?"}])
    assert "source" not in view


def test_a_cell_goes_on_from_what_the_pane_asked(wire, pane, chat):
    wire.answers(answer("Yes."), unary("No."))
    pane.send("One?")
    chat.ask("Two?", cell="c1", run="r1")
    assert questions_in(wire.seen[-1]) == ["One?", "Two?"]
    begin = len(pane.came)
    wire.answers(answer("Perhaps."))
    pane.send("Three?")
    assert questions_in(wire.seen[-1]) == ["One?", "Two?", "Three?"]
    assert len(pane.state["turns"]) == 3
    assert begin


def test_running_a_cell_again_does_not_take_the_panes_turns_away(wire, pane, chat):
    wire.answers(unary("A."), answer("B."), unary("C."))
    chat.ask("One?", cell="c1", run="r1")
    pane.send("Two?")
    chat.ask("One, again?", cell="c1", run="r2")
    assert [turn.prompt for turn in chat.turns] == ["One, again?", "Two?"]
    pane.wait(lambda one: one["type"] == "turns" and any(view["stale"] for view in one["turns"]))


def test_a_cell_that_asks_while_the_pane_is_answered_is_seen_and_nothing_is_seen_twice(wire, pane, chat):
    gate = threading.Event()

    def slow(seen):
        if "stream" in seen.path:
            wait = lambda number: gate.wait(20) if number else None  # noqa: E731
            return Say([event("Bl"), event("ue.", "STOP")], framing="chunked", before_piece=wait)
        return unary("From a cell.")

    wire.answers(slow)
    pane.tell("send", id="x", text="Sky?", attachments=[])
    pane.wait_for("delta")
    chat.ask("And grass?", cell="c1", run="r1")
    assert [text_of(view) for view in pane.wait_for("turns")["turns"]] == ["From a cell."]
    live = pane.state["live"]["turn"]
    gate.set()
    pane.idle()
    turns = pane.state["turns"]
    assert [text_of(view) for view in turns] == ["From a cell.", "Blue."]
    assert turns[1]["turn"] == live
    assert [view["number"] for view in turns] == [1, 2]


def test_two_panes_stay_equal(wire, new_pane, chat):
    one, two = new_pane(chat), new_pane(chat)
    wire.answers(answer("Yes."))
    one.send("First?")
    assert [text_of(view) for view in two.wait_for("turns")["turns"]] == ["Yes."]
    begin = len(one.came)
    two.tell("undo")
    assert one.wait_for("turns", begin)["turns"] == []


def test_two_views_of_one_pane_hear_the_same(wire, pane):
    wire.answers(answer("Yes."))
    pane.tell("hello", view="a", binary=True)
    pane.tell("hello", view="b", binary=True)
    first, second = pane.of("snapshot")
    assert (first["view"], second["view"]) == ("a", "b")
    assert first["state"] == second["state"]


def test_asking_is_not_disturbed_by_whoever_watches(wire, chat):
    class Bad:
        def look(self):
            raise ValueError("no")

    bad = Bad()
    chat.watch(bad.look)
    wire.answers(unary("Yes."))
    assert chat.ask("One?").text == "Yes."
    assert chat.undo()[0].prompt == "One?"


def test_whoever_watches_is_not_kept_alive(chat):
    class Watcher:
        def look(self):
            raise AssertionError("gone")

    watcher = Watcher()
    chat.watch(watcher.look)
    del watcher
    chat.reset()


def test_a_watcher_may_ask_the_conversation_about_itself(wire, chat):
    seen = []

    class Watcher:
        def look(self):
            seen.append(len(chat.turns))
            chat.unstale() if len(seen) < 3 else None

    watcher = Watcher()
    chat.watch(watcher.look)
    wire.answers(unary("Yes."))
    chat.ask("One?")
    assert seen == [1, 1, 1]


# Names


def test_a_pane_follows_its_name(wire, new_pane, chat, registry):
    registry.put(chat)
    pane = new_pane(chat, registry=registry)
    wire.answers(unary("Yes."))
    other = Conversation(chat.client, name="main")
    other.ask("Elsewhere?", cell="c", run="r")
    registry.put(other)
    state = pane.wait_for("snapshot")["state"]
    assert [view["prompt"][0]["text"] for view in state["turns"]] == ["Elsewhere?"]
    assert pane.engine.chat is other


def test_a_name_that_was_forgotten_begins_anew(wire, new_pane, chat, registry):
    registry.put(chat)
    pane = new_pane(chat, registry=registry)
    wire.answers(answer("Yes."))
    pane.send("One?")
    begin = len(pane.came)
    registry.reset("main")
    assert pane.wait_for("snapshot", begin)["state"]["turns"] == []
    pane.send("Two?")
    assert questions_in(wire.seen[-1]) == ["Two?"]
    assert [turn.prompt for turn in registry.known("main").turns] == ["Two?"]


def test_a_pane_does_not_follow_while_it_is_answered(wire, new_pane, chat, registry):
    registry.put(chat)
    pane = new_pane(chat, registry=registry)
    wire.answers(Say([event("Bl")], framing="chunked", ending="hang"))
    pane.tell("send", id="x", text="Sky?", attachments=[])
    pane.wait_for("delta")
    registry.put(Conversation(chat.client, name="main"))
    assert len(chat.turns) == 0
    pane.tell("stop")
    assert pane.wait_for("snapshot")["state"]["turns"] == []
    assert len(chat.turns) == 1


# Files


@pytest.mark.parametrize("form", ["json", "ipynb"])
def test_what_is_exported_can_be_loaded_elsewhere(wire, pane, new_pane, client, form):
    wire.answers(answer("Yes."), answer("No."))
    pane.send("One?")
    pane.send("Two?", ("a.pdf", b"%PDF-1.7 x"))
    file = pane.ask("export", format=form)
    assert file["name"] == f"main.{form}"
    other = new_pane(Conversation(client, name="other"))
    assert other.ask("load", memoryview(file["text"].encode()), name=file["name"], buffer=0)["ok"]
    state = other.wait_for("snapshot")["state"]
    assert [text_of(view) for view in state["turns"]] == ["Yes.", "No."]
    assert not state["restored"]
    wire.answers(answer("So."))
    other.send("And now?")
    assert questions_in(wire.seen[-1]) == ["One?", "Two?", "And now?"]


def test_markdown_is_for_reading(wire, pane):
    wire.answers(answer("Yes."))
    pane.send("One?")
    file = pane.ask("export", format="md")
    assert (file["name"], file["mime"]) == ("main.md", "text/markdown")
    assert "## 1. Question\n\nOne?" in file["text"]
    assert "not as 'pdf'" in pane.ask("export", format="pdf")["error"]


def test_a_conversation_with_turns_is_not_lost_to_one_that_is_loaded(wire, new_pane, chat, registry):
    registry.put(chat)
    pane = new_pane(chat, registry=registry)
    wire.answers(answer("Yes."))
    pane.send("One?")
    text = pane.ask("export", format="json")["text"]
    begin = len(pane.came)
    assert pane.ask("load", text.encode(), name="main.json", buffer=0)["ok"]
    assert pane.wait_for("snapshot", begin)["state"]["name"] == "main-2"
    assert registry.names == ["main", "main-2"]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b"\x80\x04x", "is a pickle"),
        (b"words", "is not a conversation file"),
        (b"{}", "is not a conversation file"),
        (b'{"format": "gemini_magic.conversation", "version": 99}', "has version 99"),
        (json.dumps({"nbformat": 4, "cells": []}).encode(), "holds no conversation"),
    ],
)
def test_what_is_no_conversation_is_refused(pane, data, words):
    assert words in pane.ask("load", data, name="a.json", buffer=0)["error"]
    assert pane.of("snapshot") == []


def test_a_new_kernel_says_that_there_is_something_saved_and_loads_it(wire, pane, new_pane, shell):
    wire.answers(answer("Yes."))
    pane.send("One?")
    autosave(pane.engine.chat, notebook_name(shell))
    other = new_pane(Conversation(pane.engine.chat.client, name="main"))
    state = other.state
    assert state["notice"]["offer"] == "load"
    assert "An earlier one has saved this conversation" in state["notice"]["text"]
    assert (state["restored"], state["turns"]) == (False, [])
    begin = len(other.came)
    assert other.ask("load")["ok"]
    state = other.wait_for("snapshot", begin)["state"]
    assert (state["restored"], state["notice"], len(state["turns"])) == (True, None, 1)


def test_nothing_saved_is_said_so(pane):
    assert pane.state["notice"] is None
    assert "No earlier kernel has saved" in pane.ask("load")["error"]


def test_turns_are_saved_where_the_notebook_wants_it(wire, new_pane, chat, shell, tmp_path):
    class GeminiMagics:
        autosave = True

    shell.configurables.append(GeminiMagics())
    kept = threading.Event()
    pane = new_pane(chat, touched=kept.set)
    wire.answers(answer("Yes."))
    pane.send("One?")
    assert kept.wait(10)
    (path,) = tmp_path.rglob("main.json")
    assert "One?" in path.read_text()


# What else the pane asks for


def test_models_are_listed_once(wire, pane):
    models = [
        {"name": "models/gemini-x", "displayName": "Gemini X", "supportedGenerationMethods": ["generateContent"]},
        {"name": "models/embed", "supportedGenerationMethods": ["embedContent"]},
        {"name": "models/gemini-y"},
    ]
    wire.answers(Say([json.dumps({"models": models}).encode()]))
    assert pane.state["models"] is None
    listed = pane.ask("models")["models"]
    assert listed == [{"name": "gemini-x", "label": "Gemini X"}, {"name": "gemini-y", "label": "gemini-y"}]
    pane.ask("models")
    assert len(wire.seen) == 1
    assert pane.state["models"] == listed


def test_a_gateway_without_a_list_says_so(wire, pane):
    wire.answers(Say([b'{"error": {"code": 403, "message": "no list"}}'], status=403))
    assert "no list" in pane.ask("models")["error"]


def test_only_known_modules_are_given_out(pane):
    assert "There is no module" in pane.ask("module", name="../engine.py")["error"]
    assert "There is no module" in pane.ask("module", name=7)["error"]


def test_starters_and_profile_are_told(new_pane, chat):
    state = new_pane(chat, starters=["Why?"], height="300px").state
    assert (state["starters"], state["height"]) == (["Why?"], "300px")
    assert state["profile"] == {"name": "custom", "model": "gemini-x"}
    assert state["limit"] == 10_000_000
