"""Asking again in a cell, editing, taking back, forking, and asking stale turns again."""

from __future__ import annotations

import pytest
from wire_server import Say, error, event, unary

from gemini_magic.chat import Conversation, Registry
from gemini_magic.events import TextDelta
from gemini_magic.exceptions import BadRequest, InputError

WAYS = pytest.mark.parametrize("streamed", [False, True], ids=["ask", "stream"])


@pytest.fixture
def talk(chat, wire, read):
    """Ask in a cell; the gateway numbers its answers."""
    answers = iter(range(1, 1000))
    wire.answers(lambda _: unary(f"answer {next(answers)}"))

    def ask(question, cell="", run="", *, streamed=False, **more):
        return (read if streamed else Conversation.ask)(chat, question, cell=cell, run=run, **more).text

    return ask


def shown(chat):
    return [turn.prompt + "!" * turn.stale for turn in chat.turns]


# Running a cell again


@WAYS
def test_running_a_cell_again_takes_the_place_of_its_turn_and_marks_what_follows(
    chat, talk, wire, prompts_of, streamed
):
    for number in (1, 2, 3):
        talk(f"q{number}", f"c{number}", f"r{number}", streamed=streamed)
    talk("q2 anew", "c2", "r4", streamed=streamed)
    assert prompts_of(wire.seen[-1]) == ["q1", "answer 1", "q2 anew"]
    assert shown(chat) == ["q1", "q2 anew", "q3!"]
    assert (chat.stale, repr(chat.turns[2])) == ((3,), "<Turn ok, stale: 'q3' → 'answer 3'>")
    talk("q4", "c4", "r5", streamed=streamed)
    assert prompts_of(wire.seen[-1]) == ["q1", "answer 1", "q2 anew", "answer 4", "q3", "answer 3", "q4"]
    assert shown(chat) == ["q1", "q2 anew", "q3!", "q4"]


@WAYS
def test_questions_of_a_loop_stand_one_behind_the_other(chat, talk, wire, prompts_of, streamed):
    for number in (1, 2, 3):
        talk(f"q{number}", "c1", "r1", streamed=streamed)
    assert shown(chat) == ["q1", "q2", "q3"]
    assert len(prompts_of(wire.seen[-1])) == 5


def test_a_loop_that_runs_again_takes_the_place_of_all_its_turns(chat, talk, wire, prompts_of):
    for number in (1, 2, 3):
        talk(f"old {number}", "c1", "r1")
    talk("after", "c2", "r2")
    for number in (1, 2):
        talk(f"new {number}", "c1", "r3")
        assert shown(chat)[-1] == "after!"
    assert shown(chat) == ["new 1", "new 2", "after!"]
    assert prompts_of(wire.seen[-1]) == ["new 1", "answer 5", "new 2"]


def test_a_loop_that_grows_stays_before_what_follows(chat, talk):
    talk("old", "c1", "r1")
    talk("after", "c2", "r2")
    for number in (1, 2, 3):
        talk(f"new {number}", "c1", "r3")
    assert shown(chat) == ["new 1", "new 2", "new 3", "after!"]


def test_a_cell_may_add_a_turn_all_the_same(chat, talk):
    talk("q1", "c1", "r1")
    talk("q2", "c2", "r2")
    talk("q1 too", "c1", "r3", append=True)
    assert shown(chat) == ["q1", "q2", "q1 too"]


def test_without_a_cell_every_question_is_a_new_turn(chat, talk):
    for _ in range(3):
        talk("same")
    assert shown(chat) == ["same"] * 3


@WAYS
def test_a_second_run_that_fails_leaves_the_conversation_as_it_was(chat, talk, wire, read, streamed):
    for number in (1, 2):
        talk(f"q{number}", f"c{number}", f"r{number}")
    before = chat.turns
    wire.answers(error(400, "Bad."), unary("", finish="SAFETY"))
    ask = read if streamed else Conversation.ask
    with pytest.raises(BadRequest):
        ask(chat, "q1 anew", cell="c1", run="r3")
    assert ask(chat, "q1 anew", cell="c1", run="r4").status == "blocked"
    assert chat.turns == before


def test_a_second_run_that_is_interrupted_leaves_the_conversation_as_it_was(chat, talk, wire):
    talk("q1", "c1", "r1")
    before = chat.turns
    wire.answers(Say([event("Half")], framing="chunked", ending="hang"))
    with pytest.raises(KeyboardInterrupt), chat.stream("anew", cell="c1", run="r2") as events:
        raise KeyboardInterrupt(next(iter(events)))
    assert chat.turns == before


def test_a_failed_attempt_gives_way_to_the_next_one(chat, wire):
    wire.answers(error(400, "Bad."), error(400, "Worse."), unary("good"))
    for run in ("r1", "r2"):
        with pytest.raises(BadRequest):
            chat.ask("q", cell="c1", run=run)
        assert [turn.status for turn in chat.turns] == ["failed"]
    assert "Worse" in chat.turns[0].error
    chat.ask("later", cell="c2", run="r3")
    chat.ask("q", cell="c1", run="r4")
    assert shown(chat) == ["q", "later!"]


def test_what_is_not_sent_again_is_never_stale(chat, talk, wire):
    talk("q1", "c1", "r1")
    wire.answers(error(400, "Bad."), unary("good"))
    with pytest.raises(BadRequest):
        chat.ask("q2", cell="c2", run="r2")
    chat.ask("q1", cell="c1", run="r3")
    assert (chat.stale, [turn.status for turn in chat.turns]) == ((), ["ok", "failed"])


def test_a_turn_knows_how_to_be_asked_again(chat, talk):
    config, tools = {"temperature": 0.5}, [{"google_search": {}}]
    talk("q", "c1", "r1", model="gemini-y", config=config, tools=tools, system="Rhyme.", extra={"labels": {"a": "b"}})
    config["temperature"] = 1
    (turn,) = chat.turns
    assert (turn.cell, turn.run) == ("c1", "r1")
    assert turn.fields == {
        "model": "gemini-y",
        "system": {"parts": [{"text": "Rhyme."}]},
        "config": {"temperature": 0.5},
        "tools": [{"googleSearch": {}}],
        "extra": {"labels": {"a": "b"}},
    }


def test_what_goes_out_is_known_before_it_goes(chat, talk):
    talk("q1", "c1", "r1")
    talk("q2", "c2", "r2")
    said = [
        [encoded.content.parts[0].text for encoded in chat.contents_for("new", **where)]
        for where in ({}, {"cell": "c1", "run": "r3"}, {"cell": "c1", "run": "r3", "append": True}, {"place": 2})
    ]
    assert said[0] == said[2] == ["q1", "answer 1", "q2", "answer 2", "new"]
    assert said[1:] == [["new"], said[0], ["q1", "answer 1", "new"]]


def test_the_turn_of_a_question_is_found(chat, wire):
    wire.answers(unary("fine"))
    (asked,) = chat.contents_for("q1")
    chat.ask(asked, cell="c1")
    assert chat.turn_of(asked) is chat.turns[0]
    assert chat.turn_of(chat.contents_for("q1")[-1]) is None
    wire.answers(error(400, "Bad."))
    again = chat.contents_for("q1", place=1)[-1]
    with pytest.raises(BadRequest):
        chat.ask(again, place=1)
    assert chat.turn_of(again) is None


# Editing and asking again


def test_edit_asks_something_else_with_what_the_turn_was_asked_with(chat, talk, wire, prompts_of):
    talk("q1", "c1", "r1", config={"temperature": 0.5})
    talk("q2", "c2", "r2")
    assert chat.edit(1, "q1, better").text == "answer 3"
    assert prompts_of(wire.seen[-1]) == ["q1, better"]
    assert wire.seen[-1].json()["generationConfig"] == {"temperature": 0.5}
    assert shown(chat) == ["q1, better", "q2!"]
    assert (chat.turns[0].cell, chat.turns[0].run) == ("c1", "r1")
    chat.edit(1, "colder", config={"temperature": 0})
    assert wire.seen[-1].json()["generationConfig"] == {"temperature": 0}


def test_replay_asks_the_stale_turns_again_in_order(chat, talk, wire, prompts_of):
    for number in (1, 2, 3):
        talk(f"q{number}", f"c{number}", f"r{number}", model=f"gemini-{number}")
    talk("q1 anew", "c1", "r4")
    asked = chat.replay()
    assert next(asked).text == "answer 5"
    assert shown(chat) == ["q1 anew", "q2", "q3!"]
    assert [reply.text for reply in asked] == ["answer 6"]
    assert shown(chat) == ["q1 anew", "q2", "q3"]
    assert prompts_of(wire.seen[-1]) == ["q1 anew", "answer 4", "q2", "answer 5", "q3"]
    assert "/gemini-3:" in wire.seen[-1].path
    assert [turn.cell for turn in chat.turns] == ["c1", "c2", "c3"]
    assert list(chat.replay()) == []


@pytest.mark.parametrize(
    ("said", "kind"), [(error(400, "Bad."), BadRequest), (unary("", finish="SAFETY"), None)], ids=["error", "blocked"]
)
def test_replay_ends_at_the_first_failure_and_leaves_the_rest_stale(chat, talk, wire, said, kind):
    for number in (1, 2, 3, 4):
        talk(f"q{number}", f"c{number}", f"r{number}")
    talk("q1", "c1", "r5")
    wire.answers(unary("fine"), said)
    asked = chat.replay()
    assert next(asked).text == "fine"
    if kind is None:
        assert [reply.status for reply in asked] == ["blocked"]
    else:
        with pytest.raises(kind):
            next(asked)
    assert chat.stale == (3, 4)
    assert [turn.reply.text for turn in chat.turns] == ["answer 5", "fine", "answer 3", "answer 4"]


def test_stale_turns_can_be_taken_as_they_are(chat, talk, wire):
    talk("q1", "c1", "r1")
    talk("q2", "c2", "r2")
    talk("q1", "c1", "r3")
    chat.unstale()
    assert chat.stale == ()
    assert list(chat.replay()) == []
    assert len(wire.seen) == 3


@pytest.mark.parametrize("number", [0, 3, -1])
def test_a_turn_that_is_not_there_is_named(chat, talk, wire, number):
    talk("q1")
    talk("q2")
    for call in (lambda: chat.edit(number, "x"), lambda: chat.ask("x", place=number)):
        with pytest.raises(InputError, match=rf"no turn {number}; the conversation has 2 turns"):
            call()
    assert len(wire.seen) == 2


# Taking back and forking


def test_undo_takes_back_the_last_turns(chat, talk):
    for number in range(5):
        talk(f"q{number}")
    assert [turn.prompt for turn in chat.undo()] == ["q4"]
    assert [turn.prompt for turn in chat.undo(2)] == ["q2", "q3"]
    assert shown(chat) == ["q0", "q1"]
    with pytest.raises(InputError, match="3 turns cannot be taken back: the conversation has 2 turns"):
        chat.undo(3)
    assert len(chat) == 2


def test_a_fork_goes_on_by_itself_and_shares_what_was_said(chat, talk, wire, prompts_of):
    chat.system = "Rhyme."
    for number in (1, 2, 3):
        talk(f"q{number}", f"c{number}", f"r{number}")
    fork = chat.fork("other", upto=2)
    assert (fork.name, fork.system, fork.client) == ("other", "Rhyme.", chat.client)
    assert all(ours is theirs for ours, theirs in zip(chat.turns, fork.turns, strict=False))
    fork.ask("elsewhere")
    assert prompts_of(wire.seen[-1]) == ["q1", "answer 1", "q2", "answer 2", "elsewhere"]
    fork.edit(1, "changed")
    assert (len(chat), chat.stale, fork.stale) == (3, (), (2, 3))
    assert len(chat.fork("all")) == 3
    assert len(chat.fork("none", upto=0)) == 0
    with pytest.raises(InputError, match="no turn 4"):
        chat.fork("x", upto=4)


def test_a_cell_branches_off_before_its_own_turn(chat, talk):
    chats = Registry()
    chats.put(chat)
    for number in (1, 2, 3):
        talk(f"q{number}", f"c{number}", f"r{number}")
    assert len(chats.branch("main", "new", "c9")) == 3
    branch = chats.branch("main", "other", "c2")
    assert (branch.name, len(branch), chats.find("other")) == ("other", 1, None)
    branch.ask("q2, other", cell="c2", run="r4")
    chats.put(branch)
    assert chats.branch("main", "other", "c2") is branch
    with pytest.raises(InputError, match="already a conversation 'other'"):
        chats.branch("main", "other", "c3")
    with pytest.raises(InputError, match="no conversation 'nowhere'"):
        chats.branch("nowhere", "x")


# Threads


def test_nothing_is_locked_while_the_gateway_answers(chat, wire):
    free = []

    def answer(_):
        free.append(chat._lock.acquire(blocking=False))
        chat._lock.release()
        return unary("fine")

    wire.answers(answer)
    chat.ask("q1", cell="c1", run="r1")
    chat.ask("q2", cell="c1", run="r2")
    with chat.stream("q3") as events:
        assert next(iter(events)) == TextDelta("fine")
        assert chat._lock.acquire(blocking=False)
        chat._lock.release()
    assert free == [True] * 3
