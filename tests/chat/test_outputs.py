"""A notebook's outputs remember the conversation."""

from __future__ import annotations

import base64
import json
import zlib
from pydoc_data.topics import topics

import pytest
from wire_server import error, unary

from gemini_magic.chat.outputs import conversations_in_notebook
from gemini_magic.chat.store import turn_metadata, turns_in_notebook
from gemini_magic.exceptions import BadRequest, ConversationFileError
from gemini_magic.wire import Part


class Notebook:
    """The cells that a notebook's file has, by cell id."""

    def __init__(self):
        self.cells = {}

    def show(self, chat, cell):
        """Put a cell's output there, as the magics do when an answer is complete."""
        turn = next((turn for turn in reversed(chat.turns) if turn.cell == cell), chat.turns[-1])
        metadata = json.loads(json.dumps(turn_metadata(chat, turn)))
        self.cells[cell] = {"cell_type": "code", "outputs": [{"output_type": "display_data", "metadata": metadata}]}

    @property
    def json(self):
        return {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": list(self.cells.values())}


@pytest.fixture
def notebook():
    return Notebook()


@pytest.fixture
def ask(chat, wire, notebook):
    """Ask in a cell, as the magics do."""
    numbers = iter(range(1, 1000))
    wire.answers(lambda _: unary(f"answer {next(numbers)}"))
    runs = iter(range(1000))

    def ask_in(question, cell, talk=chat, **more):
        talk.ask(question, cell=cell, run=f"run {next(runs)}", **more)
        notebook.show(talk, cell)

    return ask_in


def restored(notebook, name="main"):
    return conversations_in_notebook(notebook.json, "nb.ipynb")[name]


def test_turns_come_back_in_order_whatever_the_order_of_the_cells(chat, ask, notebook):
    chat.system = "Rhyme."
    for number in (1, 2, 3):
        ask(f"q{number}", f"c{number}", config={"temperature": 0})
    notebook.cells = dict(reversed(notebook.cells.items()))
    found = restored(notebook)
    assert found.turns == chat.turns
    assert (found.system, found.notes) == ("Rhyme.", ())
    assert turns_in_notebook(notebook.json) == {"main": list(chat.turns)}


def test_the_metadata_has_the_form_that_was_agreed(chat, ask):
    ask("q1", "c1")
    ask("q2", "c2")
    kept = turn_metadata(chat, chat.turns[1])
    assert list(kept) == ["gemini_magic"]
    assert {name: kept["gemini_magic"][name] for name in ("version", "chat", "number")} == {
        "version": 1,
        "chat": "main",
        "number": 2,
    }
    payload = json.loads(zlib.decompress(base64.b64decode(kept["gemini_magic"]["turn"])))
    assert payload["record"]["question"]["parts"] == [{"text": "q2"}]


def test_a_replaced_turn_is_not_found_again_and_stale_ones_are(chat, ask, notebook):
    for number in (1, 2, 3):
        ask(f"q{number}", f"c{number}")
    ask("q2 anew", "c2")
    assert restored(notebook).turns == chat.turns
    assert [turn.stale for turn in restored(notebook).turns] == [False, False, True]
    ask("q4", "c4")
    assert restored(notebook).turns == chat.turns


def test_what_was_taken_back_or_edited_stays_so(chat, ask, notebook):
    for number in (1, 2, 3):
        ask(f"q{number}", f"c{number}")
    chat.undo(2)
    ask("q4", "c4")
    assert restored(notebook).turns == chat.turns
    ask("q1, better", "c5", place=1)
    assert [turn.prompt for turn in restored(notebook).turns] == ["q1, better", "q4"]
    assert restored(notebook).turns == chat.turns


def test_a_reset_conversation_begins_anew(chat, ask, notebook):
    for number in (1, 2, 3):
        ask(f"q{number}", f"c{number}")
    chat.reset()
    ask("q4", "c4")
    assert [turn.prompt for turn in restored(notebook).turns] == ["q4"]


def test_a_fork_finds_the_turns_that_it_shares(chat, ask, notebook):
    ask("q1", "c1")
    ask("q2", "c2")
    fork = chat.fork("other", upto=1)
    ask("elsewhere", "c3", talk=fork)
    ask("q3", "c4")
    assert restored(notebook, "other").turns == fork.turns
    assert restored(notebook).turns == chat.turns


def test_turns_without_an_output_are_counted(ask, notebook):
    for number in (1, 2, 3):
        ask(f"q{number}", f"c{number}")
    del notebook.cells["c1"]
    found = restored(notebook)
    assert ([turn.prompt for turn in found.turns], found.notes) == (
        ["q2", "q3"],
        ("1 of its turns is not in this notebook",),
    )


def test_a_failed_attempt_is_not_found_again(chat, ask, notebook, wire):
    ask("q1", "c1")
    wire.answers(error(400, "Bad."), unary("fine"))
    with pytest.raises(BadRequest):
        chat.ask("q2", cell="c2")
    notebook.show(chat, "c2")
    ask("q3", "c3")
    assert [turn.prompt for turn in restored(notebook).turns] == ["q1", "q3"]
    assert restored(notebook).notes == ()


def test_pictures_of_a_large_question_are_left_out_and_named(chat, ask, notebook):
    noise = bytes((index * index * 7 + index // 3) % 251 for index in range(200_000))
    picture = zlib.compress(noise * 8, 0)
    ask(["Compare", Part.from_bytes(picture, "image/png"), "with this"], "c1")
    (cell,) = notebook.json["cells"]
    whole = turn_metadata(chat, chat.turns[0], limit=None)["gemini_magic"]["turn"]
    (small, at_once) = (turn_metadata(chat, chat.turns[0], limit=limit) for limit in (len(whole) - 1, 20_000))
    assert len(at_once["gemini_magic"]["turn"]) < 2_000
    assert len(small["gemini_magic"]["turn"]) < 2_000
    cell["outputs"][0]["metadata"] = small
    (turn,) = restored(notebook).turns
    texts = [part.text for part in turn.question.content.parts]
    assert texts == ["Compare", f"[image: image/png, {len(picture):,} bytes, not kept]", "with this"]
    assert turn.answer == chat.turns[0].answer
    (note,) = restored(notebook).notes
    assert note == f"image: image/png, {len(picture):,} bytes of cell 1 is not in the notebook, and not sent again"


def prose(length):
    """English as people write it: Python's own manual."""
    text = "\n".join(topics.values())
    assert len(text) >= length
    return text[:length]


def test_a_long_text_costs_about_half_of_its_size(chat, wire):
    text = prose(200_000)
    wire.answers(unary(text))
    chat.ask("Say a lot.")
    kept = json.dumps(turn_metadata(chat, chat.turns[0]))
    assert len(kept) <= 0.55 * len(text)


def test_five_hundred_turns_cost_each_a_few_bytes(chat, wire):
    wire.answers(unary("fine"))
    for number in range(500):
        chat.ask(f"q{number}")
    assert len(json.dumps(turn_metadata(chat, chat.turns[-1]))) < 8_000


# Damaged outputs


def bomb(size):
    return base64.b64encode(zlib.compress(b'{"a":"' + b"x" * size + b'"}', 9)).decode()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"turn": bomb(60_000_000)}, "larger than a conversation can be"),
        ({"turn": bomb(10)}, "it is empty, not an object"),
        ({"turn": "not base64"}, "damaged"),
        ({"turn": base64.b64encode(b"not zlib").decode()}, "damaged"),
        ({"turn": base64.b64encode(zlib.compress(b"[]")).decode()}, "it is a list"),
        ({"turn": base64.b64encode(zlib.compress(b"{}" * 9)[:-5]).decode()}, "its end is missing"),
        ({"turn": 5}, "'turn' is a number"),
        ({"version": 2}, "another version"),
        ({"chat": 5}, "'chat' is a number"),
    ],
)
def test_a_damaged_output_is_named_and_the_others_are_read(ask, notebook, change, words):
    ask("q1", "c1")
    ask("q2", "c2")
    document = notebook.json
    document["cells"][0]["outputs"][0]["metadata"]["gemini_magic"] |= change
    (found,) = conversations_in_notebook(document, "nb.ipynb").values()
    assert [turn.prompt for turn in found.turns] == ["q2"]
    assert any("what cell 1 keeps is damaged" in note and words in note for note in found.notes)
    assert "1 of its turns is not in this notebook" in found.notes


def test_bombs_in_many_outputs_are_counted_together(ask, notebook):
    ask("q1", "c1")
    document = notebook.json
    kept = document["cells"][0]["outputs"][0]["metadata"]["gemini_magic"]
    many = [{"outputs": [{"metadata": {"gemini_magic": {**kept, "turn": bomb(45_000_000)}}}]}] * 12
    (found,) = conversations_in_notebook({"cells": [*document["cells"], *many]}, "nb.ipynb").values()
    assert len(found.turns) == 1


@pytest.mark.parametrize(
    "cells",
    [[], [None], [{}], [{"outputs": None}], [{"outputs": [5]}], [{"outputs": [{"metadata": {"gemini_magic": 1}}]}]],
)
def test_a_notebook_without_turns_holds_no_conversation(cells):
    assert turns_in_notebook({"cells": cells}) == {}


@pytest.mark.parametrize("document", [{}, {"cells": None}, {"worksheets": []}, [], None, 5])
def test_what_is_no_notebook_is_called_so(document):
    with pytest.raises(ConversationFileError, match=r"not a notebook|not an object"):
        turns_in_notebook(document)
