"""A question typed into the pane, and its answer: which messages come, and in which order."""

from __future__ import annotations

import threading

import pytest
from wire_server import Say, answer, error, event


class Gate:
    """An answer in two pieces, between which the server waits."""

    def __init__(self, *pieces):
        self.reached = threading.Event()
        self.open = threading.Event()
        self.say = Say(list(pieces), framing="chunked", before_piece=self._wait)

    def _wait(self, number):
        if number:
            self.reached.set()
            self.open.wait(20)


@pytest.fixture
def gate(wire):
    gate = Gate(event("Blue, "), event("mostly.", "STOP"))
    wire.answers(gate.say)
    yield gate
    gate.open.set()


def text_of(view):
    return "".join(part["text"] for part in view["answer"] if part["kind"] == "text")


def questions_in(seen):
    return [part["text"] for content in seen.json()["contents"] for part in content["parts"] if "text" in part]


def test_messages_come_in_order_and_without_gaps(wire, pane):
    wire.answers(answer("Blue, ", "mostly."))
    view = pane.send("Why is the sky blue?")
    kinds = [kind for kind in pane.kinds() if kind != "delta"]
    assert kinds == ["status", "reply", "start", "status", "done", "status"]
    assert [one["seq"] for one in pane.came] == list(range(1, len(pane.came) + 1))
    states = [one["state"] for one in pane.of("status")]
    assert states == ["waiting", "answering", "idle"]
    start = pane.of("start")[0]
    assert (start["number"], start["model"], start["replaces"]) == (1, "gemini-x", None)
    assert start["prompt"] == [{"kind": "text", "text": "Why is the sky blue?"}]
    assert view["turn"] == start["turn"]
    assert (view["status"], view["sent"], view["stale"], view["from_cell"]) == ("ok", True, False, False)
    assert text_of(view) == "Blue, mostly."


def test_deltas_make_up_the_answer(wire, pane):
    wire.answers(answer(*(f"{number} " for number in range(500)), "end"))
    view = pane.send("Count.")
    deltas = pane.of("delta")
    assert [one["n"] for one in deltas] == list(range(len(deltas)))
    assert "".join(part["text"] for one in deltas for part in one["parts"]) == text_of(view)
    assert {one["turn"] for one in deltas} == {view["turn"]}


def test_the_history_goes_with_the_next_question(wire, pane):
    wire.answers(answer("Yes."), answer("No."))
    pane.send("One?")
    second = pane.send("Two?")
    assert questions_in(wire.seen[-1]) == ["One?", "Yes.", "Two?"]
    assert second["number"] == 2
    assert [view["number"] for view in pane.state["turns"]] == [1, 2]


def test_a_second_question_is_refused_while_one_is_answered_and_nothing_is_lost(pane, gate):
    pane.tell("send", id="x", text="First", attachments=[])
    assert gate.reached.wait(10)
    refused = pane.ask("send", text="Second", attachments=[])
    assert refused["error"] == "An answer is still on its way. Wait for its end, or stop it."
    gate.open.set()
    pane.idle()
    assert [view["prompt"][0]["text"] for view in pane.state["turns"]] == ["First"]


def test_of_two_threads_that_send_at_once_one_is_refused(pane, gate):
    start = threading.Barrier(2)

    def send(name):
        start.wait()
        pane.tell("send", id=name, text=name, attachments=[])

    threads = [threading.Thread(target=send, args=(name,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    gate.open.set()
    replies = [pane.wait_for("reply", to=name) for name in ("one", "two")]
    assert sorted("error" in reply for reply in replies) == [False, True]
    pane.idle()
    assert len(pane.state["turns"]) == 1


def test_a_view_that_comes_in_the_middle_is_told_what_has_come_so_far(pane, gate):
    pane.tell("send", id="x", text="Sky?", attachments=[])
    assert gate.reached.wait(10)
    pane.wait_for("delta")
    live = pane.state["live"]
    assert live["parts"] == [{"kind": "text", "text": "Blue, "}]
    assert (live["state"], live["number"], live["n"]) == ("answering", 1, 0)
    assert live["prompt"] == [{"kind": "text", "text": "Sky?"}]
    seen = pane.came[-1]["seq"]
    gate.open.set()
    pane.idle()
    assert next(one for one in pane.came if one["seq"] == seen + 1)["type"] == "delta"
    assert pane.state["live"] is None
    assert text_of(pane.state["turns"][0]) == "Blue, mostly."


def test_a_blocked_prompt_says_why(wire, pane):
    wire.answers(Say([b'data: {"promptFeedback":{"blockReason":"SAFETY"}}\r\n\r\n'], framing="chunked"))
    view = pane.send("Something bad")
    assert view["status"] == "blocked"
    assert view["error"]["title"] == "Blocked"
    assert view["error"]["text"] == "Prompt blocked: the safety filters refused it."
    assert not view["sent"]


@pytest.mark.parametrize(
    ("say", "title", "words"),
    [
        (error(401, "API key not valid", "UNAUTHENTICATED"), "The key was refused", "`%gemini help keys`"),
        (error(404, "no such model", "NOT_FOUND"), "Not found", "`%gemini models` lists"),
        (error(503, "overloaded", "UNAVAILABLE"), "The server is failing", "overloaded"),
        (Say([event("Bl")], framing="chunked", ending="rst"), "The answer was cut off", "cut off"),
        (Say([event("Bl")], framing="chunked"), "The answer was cut off", "no finish reason"),
    ],
)
def test_a_failure_says_what_happened_and_the_way_out(wire, pane, say, title, words):
    wire.answers(say)
    view = pane.send("Sky?")
    assert view["status"] == "failed"
    assert view["error"]["title"] == title
    assert words in view["error"]["text"]
    assert view["error"]["retry"]
    assert not view["sent"]


def test_a_failed_turn_is_not_sent_again(wire, pane):
    wire.answers(error(503, "overloaded"), answer("Yes."))
    pane.send("One?")
    pane.send("Two?")
    assert questions_in(wire.seen[-1]) == ["Two?"]


def test_an_answer_cut_at_the_token_limit_can_go_on(wire, pane):
    wire.answers(answer("Once upon", finish="MAX_TOKENS"), answer(" a time."))
    view = pane.send("Tell me a tale.")
    assert view["status"] == "truncated"
    assert view["finish"] == {"text": "Cut off: the answer reached its token limit.", "can_continue": True}
    begin = len(pane.came)
    pane.tell("continue", turn=view["turn"])
    pane.idle(begin)
    assert questions_in(wire.seen[-1]) == ["Tell me a tale.", "Once upon", "Continue exactly where you stopped."]
    assert len(pane.state["turns"]) == 2


def test_tokens_are_counted_for_the_turn_and_in_all(wire, pane):
    usage = {"promptTokenCount": 3, "candidatesTokenCount": 5, "thoughtsTokenCount": 2, "totalTokenCount": 10}
    wire.answers(Say([event("Yes.", "STOP", usageMetadata=usage)], framing="chunked"))
    view = pane.send("One?")
    assert view["usage"]["words"] == "10 tokens (3 in, 5 out, 2 for thoughts)"
    pane.send("Two?")
    totals = pane.of("done")[-1]["totals"]
    assert (totals["prompt"], totals["answer"], totals["total"], totals["cost"]) == (6, 10, 20, "")


def test_costs_are_shown_where_prices_are_known(wire, pane, ledger):
    ledger.prices = {"gemini-x": {"input": 1, "output": 2}}
    usage = {"promptTokenCount": 100, "candidatesTokenCount": 200, "totalTokenCount": 300}
    wire.answers(Say([event("Yes.", "STOP", usageMetadata=usage)], framing="chunked"))
    assert pane.send("One?")["usage"]["cost"] == "$0.0005"
    pane.send("Two?")
    assert pane.of("done")[-1]["totals"]["cost"] == "$0.001"


def test_the_ledger_knows_that_the_pane_asked(wire, pane, ledger):
    wire.answers(answer("Yes."))
    pane.send("One?")
    entry = ledger.entries[-1]
    assert (entry.conversation, entry.cell) == ("main", "widget")


def test_nothing_is_printed(wire, pane, capfd):
    wire.answers(answer("Yes."), error(503), Say([event("Bl")], framing="chunked", ending="rst"))
    for _ in range(3):
        pane.send("One?")
    pane.tell("nonsense")
    pane.tell("send", id="x")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("message", [None, 7, "send", [], {}, {"type": None}, {"type": "nonsense", "id": 7}])
def test_what_is_no_message_harms_nothing(wire, pane, message):
    wire.answers(answer("Yes."))
    pane.engine.receive(message, [])
    assert text_of(pane.send("One?")) == "Yes."


def test_a_request_of_another_version_is_refused_in_words(pane):
    assert "another version" in pane.ask("sing")["error"]
