"""Stop, retry, edit, undo, clear, fork: what becomes of the turns and of the sockets."""

from __future__ import annotations

import time

import pytest
from wire_server import Say, answer, error, event

AT_ONCE = 5.0  # seconds, for a busy machine; a wait for the server would take until the idle limit of 60


def hanging(*pieces):
    """An answer that begins, and then says nothing more."""
    return Say(list(pieces), framing="chunked", ending="hang")


def questions_in(seen):
    return [content["parts"][-1]["text"] for content in seen.json()["contents"] if content["role"] == "user"]


def text_of(view):
    return "".join(part["text"] for part in view["answer"] if part["kind"] == "text")


def stopped(pane, text="Sky?"):
    """Ask, and stop when a piece of the answer has come."""
    begin = len(pane.came)
    pane.tell("send", id="x", text=text, attachments=[])
    pane.wait_for("delta", begin)
    pane.tell("stop")
    pane.idle(begin)


def stopped_waiting(wire, pane):
    """Ask, and stop when the server has got the question."""
    pane.tell("send", id="x", text="Sky?", attachments=[])
    while not wire.seen:
        time.sleep(0.01)
    pane.tell("stop")
    pane.idle()


def test_stop_in_the_middle_keeps_what_came_and_closes_the_socket(wire, pane):
    wire.answers(hanging(event("Blue, ")))
    stopped(pane)
    assert wire.closed_by_client.wait(AT_ONCE)
    view = pane.of("done")[0]["view"]
    assert view["status"] == "interrupted"
    assert text_of(view) == "Blue, "
    assert view["finish"] == {"text": "Stopped: this is what had arrived.", "can_continue": True}
    assert view["error"] is None
    assert [one["state"] for one in pane.of("status")] == ["waiting", "answering", "stopping", "idle"]


def test_stop_before_the_first_byte_closes_the_socket(wire, pane):
    wire.answers(Say(status=None, ending="hang"))
    stopped_waiting(wire, pane)
    assert wire.closed_by_client.wait(AT_ONCE)
    view = pane.of("done")[0]["view"]
    assert (view["status"], view["answer"]) == ("interrupted", [])
    assert view["finish"] == {"text": "Stopped before anything had arrived.", "can_continue": False}


def test_stop_while_waiting_to_try_again_ends_the_waiting(wire, new_pane, chat):
    chat.client = chat.client.with_options(retries=3)
    pane = new_pane(chat)
    wire.answers(error(503, "overloaded", retry_after="50"))
    stopped_waiting(wire, pane)
    assert pane.of("done")[0]["view"]["status"] == "interrupted"


def test_a_stopped_turn_is_not_sent_and_the_next_question_is_answered(wire, pane):
    wire.answers(hanging(event("Blue, ")), answer("Yes."))
    stopped(pane)
    assert text_of(pane.send("Sure?")) == "Yes."
    assert questions_in(wire.seen[-1]) == ["Sure?"]


def test_a_stopped_answer_goes_on_with_what_had_come(wire, pane):
    wire.answers(hanging(event("Blue, ")), answer("mostly."))
    stopped(pane)
    begin = len(pane.came)
    pane.tell("continue", turn=pane.of("done")[0]["turn"])
    pane.idle(begin)
    parts = wire.seen[-1].json()["contents"][0]["parts"]
    assert parts[0]["text"] == "Sky?"
    assert parts[1]["text"].startswith("You had begun to answer this, and were stopped.")
    assert parts[1]["text"].endswith("\n\nBlue, ")
    view = pane.of("done", begin)[0]["view"]
    assert view["prompt"] == [{"kind": "text", "text": "Continue exactly where you stopped."}]


def test_stop_when_nothing_is_under_way_does_nothing(wire, pane):
    wire.answers(answer("Yes."))
    pane.tell("stop")
    assert pane.came == []
    assert text_of(pane.send("One?")) == "Yes."


def test_many_stops_leave_no_thread_and_no_socket(wire, pane, threads_end):
    wire.answers(hanging(event("Blue, ")))
    for _ in range(8):
        stopped(pane)
    wire.answers(answer("Yes."))
    assert text_of(pane.send("Sure?")) == "Yes."
    pane.close()
    pane.engine.chat.client.close()
    assert wire.all_closed()
    assert threads_end()


def test_retry_of_the_last_turn_replaces_it_in_place(wire, pane):
    wire.answers(answer("One."), answer("Two."), answer("Three."))
    pane.send("First?")
    old = pane.send("Second?")
    begin = len(pane.came)
    pane.tell("retry", turn=old["turn"])
    pane.idle(begin)
    start = pane.of("start", begin)[0]
    assert (start["replaces"], start["number"]) == (old["turn"], 2)
    assert questions_in(wire.seen[-1]) == ["First?", "Second?"]
    assert [text_of(view) for view in pane.state["turns"]] == ["One.", "Three."]
    assert pane.state["turns"][1]["turn"] == start["turn"]


def test_retry_of_a_failed_turn_puts_the_answer_in_its_place(wire, pane):
    wire.answers(error(503, "overloaded"), answer("Yes."))
    failed = pane.send("One?")
    begin = len(pane.came)
    pane.tell("retry", turn=failed["turn"])
    pane.idle(begin)
    assert [(view["status"], text_of(view)) for view in pane.state["turns"]] == [("ok", "Yes.")]


def test_a_retry_that_fails_leaves_the_answer_that_was_there(wire, pane):
    wire.answers(answer("One."), error(503, "overloaded"))
    old = pane.send("First?")
    begin = len(pane.came)
    pane.tell("retry", turn=old["turn"])
    pane.idle(begin)
    assert pane.of("done", begin) == []
    assert [text_of(view) for view in pane.of("turns", begin)[0]["turns"]] == ["One."]
    notice = pane.of("notice", begin)[0]
    assert notice["level"] == "error"
    assert "overloaded" in notice["text"]
    assert notice["text"].endswith("The earlier answer stays.")
    assert [view["turn"] for view in pane.state["turns"]] == [old["turn"]]


def test_retry_of_an_earlier_turn_makes_later_ones_stale(wire, pane):
    wire.answers(answer("One."), answer("Two."), answer("Uno."))
    first, second = pane.send("First?"), pane.send("Second?")
    begin = len(pane.came)
    pane.tell("retry", turn=first["turn"])
    pane.idle(begin)
    assert questions_in(wire.seen[-1]) == ["First?"]
    told = [view for one in pane.of("turns", begin) for view in one["turns"] if view["turn"] == second["turn"]]
    assert told[-1]["stale"]
    assert [view["stale"] for view in pane.state["turns"]] == [False, True]


def test_edit_takes_the_later_turns_back_and_asks(wire, pane):
    wire.answers(answer("One."), answer("Two."), answer("Three."), answer("Due."))
    views = [pane.send(text) for text in ("First?", "Second?", "Third?")]
    begin = len(pane.came)
    assert pane.ask("edit", turn=views[1]["turn"], text="Second, changed?")["ok"]
    pane.idle(begin)
    assert [len(one["turns"]) for one in pane.of("turns", begin)] == [1]
    assert questions_in(wire.seen[-1]) == ["First?", "Second, changed?"]
    assert [text_of(view) for view in pane.state["turns"]] == ["One.", "Due."]


def test_an_edit_that_cannot_be_sent_changes_nothing(wire, pane):
    wire.answers(answer("One."), answer("Two."))
    views = [pane.send(text) for text in ("First?", "Second?")]
    reply = pane.ask("edit", turn=views[0]["turn"], text="What of {{nothing}}?")
    assert "'nothing' is not defined in this notebook" in reply["error"]
    assert [view["turn"] for view in pane.state["turns"]] == [view["turn"] for view in views]
    assert len(wire.seen) == 2


def test_an_edited_turn_keeps_its_files(wire, pane):
    wire.answers(answer("A picture."), answer("Still a picture."))
    view = pane.send("What is this?", ("a.pdf", b"%PDF-1.7 x"), ("b.txt", b"words"))
    begin = len(pane.came)
    pane.ask("edit", turn=view["turn"], text="What are these?")
    pane.idle(begin)
    parts = wire.seen[-1].json()["contents"][0]["parts"]
    assert parts[0]["inlineData"]["mimeType"] == "application/pdf"
    assert [part.get("text") for part in parts[1:]] == ["File b.txt:\n```\nwords\n```\n", "What are these?"]


def test_undo_and_clear_tell_the_whole_list(wire, pane, chat):
    wire.answers(answer("Yes."))
    pane.send("One?")
    pane.send("Two?")
    begin = len(pane.came)
    pane.tell("undo")
    assert [view["number"] for view in pane.wait_for("turns", begin)["turns"]] == [1]
    begin = len(pane.came)
    pane.tell("clear")
    assert pane.wait_for("turns", begin)["turns"] == []
    assert chat.turns == ()
    assert "cannot be taken back" in pane.ask("undo")["error"]


@pytest.mark.parametrize("kind", ["undo", "clear", "fork", "retry", "edit", "continue"])
def test_what_changes_turns_is_refused_while_an_answer_is_under_way(wire, pane, kind):
    wire.answers(answer("Yes."), hanging(event("Bl")))
    turn = pane.send("One?")["turn"]
    begin = len(pane.came)
    pane.tell("send", id="x", text="Two?", attachments=[])
    pane.wait_for("delta", begin)
    assert "still on its way" in pane.ask(kind, turn=turn, text="Three?")["error"]
    pane.tell("stop")
    pane.idle(begin)
    assert len(pane.state["turns"]) == 2


@pytest.mark.parametrize("kind", ["fork", "retry", "edit", "continue"])
def test_a_turn_that_is_gone_is_named_so(pane, kind):
    assert pane.ask(kind, turn="a9", text="x")["error"] == "This turn is no longer part of the conversation."


def test_a_fork_goes_on_from_an_earlier_turn_under_a_name_of_its_own(wire, new_pane, chat, registry):
    registry.put(chat)
    pane = new_pane(chat, registry=registry)
    wire.answers(answer("Yes."))
    first = pane.send("One?")
    pane.send("Two?")
    begin = len(pane.came)
    assert pane.ask("fork", turn=first["turn"])["name"] == "main-2"
    state = pane.wait_for("snapshot", begin)["state"]
    assert (state["name"], [view["turn"] for view in state["turns"]]) == ("main-2", [first["turn"]])
    pane.send("Elsewhere?")
    assert questions_in(wire.seen[-1]) == ["One?", "Elsewhere?"]
    assert (len(registry.known("main")), len(registry.known("main-2"))) == (2, 2)
