"""``%gemini`` about conversations: going on, looking back, taking back, asking again, saving and loading."""

from __future__ import annotations

import json
from types import SimpleNamespace

import html5lib
import pytest
from wire_server import Say, answer, error, event, unary

from gemini_magic.chat import KERNEL
from gemini_magic.exceptions import ConversationFileError, GeminiMagicError, InputError, StoreError, UsageError
from gemini_magic.magics.transcript import Transcript


@pytest.fixture
def talk(notebook, capsys):
    """Run a cell as the front end does, under a cell id; returns what was printed."""
    runs = iter(range(1000))
    asked = iter(range(1, 1000))
    notebook.wire.answers(lambda _: answer(f"answer {next(asked)}"))

    def run(source, cell=""):
        number = next(runs)
        parent = {"header": {"msg_id": f"run {number}"}, "metadata": {"cellId": cell}}
        notebook.shell.kernel = SimpleNamespace(get_parent=lambda _: parent) if cell else None
        capsys.readouterr()
        try:
            notebook.run(source)
        finally:
            notebook.shell.kernel = None
        return capsys.readouterr().out

    return run


@pytest.fixture
def said(talk, notebook):
    """A conversation of three turns."""
    for number in (1, 2, 3):
        talk(f"%%gemini\nq{number}")
    chat = KERNEL.find("main")
    assert [turn.prompt for turn in chat.turns] == ["q1", "q2", "q3"]
    assert notebook
    return chat


# Which conversation


def test_ui_opens_a_pane_on_the_conversation_that_cells_go_on_with(said, notebook):
    pane = notebook.shell.run_line_magic("gemini", "ui")
    assert pane.chat is said
    assert repr(pane).startswith("Chat with gemini-x: 3 turns")
    pane.close()


def test_ui_opens_a_pane_on_another_conversation_too(talk, notebook):
    talk("%gemini chat poems")
    pane = notebook.shell.run_line_magic("gemini", "ui walk")
    assert (pane.chat.name, pane.chat) == ("walk", KERNEL.find("walk"))
    pane.close()


def test_chat_makes_a_conversation_the_one_that_cells_go_on_with(talk, notebook):
    assert talk("%gemini chat poems") == "Cells go on with 'poems' now (a new conversation).\n"
    talk("%%gemini\nq1")
    assert KERNEL.names == ["poems"]
    assert talk("%gemini chat main") == "Cells go on with 'main' now (a new conversation).\n"
    talk("%%gemini\nq2")
    assert len(notebook.body["contents"]) == 1
    assert "(1 turn)" in talk("%gemini chat poems")
    talk("%%gemini\nq3")
    assert [turn.prompt for turn in KERNEL.find("poems").turns] == ["q1", "q3"]


def test_chats_lists_them_and_says_which_is_current(talk, said):
    said.edit(1, "q1 anew")
    talk("%gemini chat other")
    talk("%%gemini\nelsewhere")
    shown = talk("%gemini chats")
    (main,) = (line for line in shown.splitlines() if line.startswith("main"))
    (other,) = (line for line in shown.splitlines() if line.startswith("other"))
    assert main.split()[1:4] == ["3", "3", "2"]
    assert other.endswith("yes")
    assert not main.endswith("yes")


def test_reset_is_about_the_current_conversation(talk, said):
    assert "'main' is empty again (3 turns forgotten)" in talk("%gemini reset")
    assert KERNEL.find("main") is None
    assert said
    talk("%gemini chat fresh")
    assert "'fresh' is empty again (0 turns forgotten)" in talk("%gemini reset")
    with pytest.raises(InputError, match="no conversation 'nowhere'"):
        talk("%gemini reset nowhere")


# Looking back


def test_history_shows_every_turn_and_marks_in_words_what_is_special(talk, said, notebook):
    said.system = "Be brief."
    said.edit(2, "q2 anew")
    notebook.wire.answers(error(400, "Bad."), Say([event("Half")], framing="chunked", ending="hang"))
    with pytest.raises(GeminiMagicError):
        said.ask("q4")
    with said.stream("q5") as events:
        next(iter(events))
    shown = talk("%gemini history")
    for words in (
        "main: 5 turns",
        "System instruction: Be brief.",
        "[1] You:\n\nq1\n\n[1] gemini-x:\n\nanswer 1",
        "[2] You:\n\nq2 anew",
        "[3] gemini-x:\n\nanswer 3\n\n[Stale: something before it has changed since.]",
        "[Failed: 400: Bad.]\n\n[Not sent with later questions.]",
        "Half\n\n[Interrupted before it was complete.]",
    ):
        assert words in shown


def test_history_in_a_notebook_is_the_same_as_html_and_nothing_in_it_is_alive(said, notebook):
    evil = "<script>alert(1)</script> ![](http://evil.example/?q=1) <b onclick=x>b</b>"
    notebook.wire.answers(unary(evil))
    said.ask(evil)
    said.edit(1, "q1 anew")
    bundle = Transcript(said.saved())._repr_mimebundle_()
    assert set(bundle) == {"text/html", "text/plain"}
    tree = html5lib.parse(bundle["text/html"], namespaceHTMLElements=False)
    tags = {element.tag for element in tree.iter()}
    assert not tags & {"script", "img", "iframe"}
    assert not any(name.startswith("on") for element in tree.iter() for name in element.attrib)
    words = " ".join("".join(tree.itertext()).split())
    for heading in ("1. You", "2. gemini-x", "4. You", "Stale: something before it has changed since."):
        assert heading in words
    assert bundle["text/plain"] == str(Transcript(said.saved()))


@pytest.mark.parametrize("line", ["history nowhere", "replay nowhere"])
def test_a_conversation_that_is_not_there_is_named_with_those_that_are(talk, said, line):
    with pytest.raises(InputError, match=r"no conversation 'nowhere'\. There is: main\."):
        talk(f"%gemini {line}")
    assert len(said) == 3


@pytest.mark.parametrize("line", ["history", "undo", "edit 1", "replay", "fork x", "save a.json"])
def test_before_anything_was_asked_each_says_so(talk, line):
    with pytest.raises(UsageError, match="Nothing has been asked in the conversation 'main' yet"):
        talk(f"%gemini {line}")


# Taking back, editing, asking again


def test_undo_takes_back_the_last_turns(talk, said):
    assert talk("%gemini undo") == "Taken back: 1 turn; 'main' has 2 turns now.\n"
    assert talk("%gemini undo 2") == "Taken back: 2 turns; 'main' has 0 turns now.\n"
    with pytest.raises(InputError, match="1 turn cannot be taken back: the conversation has no turns"):
        talk("%gemini undo")
    assert len(said) == 0


def test_edit_puts_the_question_into_a_new_cell_that_asks_in_its_place(talk, said, notebook):
    asked = []
    notebook.shell.set_next_input = lambda text, replace: asked.append((text, replace))
    assert "Turn 2 stands in a new cell below" in talk("%gemini edit 2")
    assert asked == [("%%gemini --edit=2\nq2", False)]
    talk(asked[0][0].replace("q2", "q2, better"))
    assert [turn.prompt + "!" * turn.stale for turn in said.turns] == ["q1", "q2, better", "q3!"]
    with pytest.raises(InputError, match="no turn 4; the conversation has 3 turns"):
        talk("%gemini edit 4")


def test_edit_keeps_what_was_typed_and_names_what_text_cannot_hold(talk, said, notebook):
    asked = []
    notebook.shell.set_next_input = lambda text, replace: asked.append((text, replace))
    said.ask("Look at {{this}}", {"inlineData": {"mimeType": "image/png", "data": "AAAA"}})
    other = said.fork("other")
    KERNEL.put(other)
    shown = talk("%gemini --chat other edit 4")
    assert asked[0][0] == "%%gemini --chat=other --edit=4 --raw\nLook at {{this}}"
    assert "1 more part, such as pictures: name them again" in shown


def test_where_the_front_end_takes_no_cells_edit_prints_the_cell(talk, said, notebook):
    notebook.shell.user_ns["__vsc_ipynb_file__"] = "/nb.ipynb"
    shown = talk("%gemini edit 1")
    assert "takes no new cells" in shown
    assert "%%gemini --edit=1\nq1" in shown
    assert said


def test_replay_asks_the_stale_turns_again_in_order(talk, said, notebook):
    assert talk("%gemini replay") == "No turn of 'main' is stale.\n"
    said.edit(1, "q1 anew")
    shown = talk("%gemini replay")
    assert shown.endswith("Asked again: 2 turns of 'main'; nothing is stale now.\n")
    assert [turn.reply.text for turn in said.turns] == ["answer 4", "answer 5", "answer 6"]
    assert (said.stale, notebook.prompts[-2:]) == ((), ["q2", "q3"])


def test_replay_stops_at_the_first_failure(talk, said, notebook):
    said.edit(1, "q1 anew")
    notebook.wire.answers(answer("fine"), error(400, "Bad."))
    with pytest.raises(GeminiMagicError, match="Bad"):
        talk("%gemini replay")
    assert said.stale == (3,)
    assert [turn.reply.text for turn in said.turns] == ["answer 4", "fine", "answer 3"]


def test_a_fork_is_gone_on_with_and_leaves_the_other_alone(talk, said, notebook):
    assert talk("%gemini fork other 2") == "Cells go on with 'other' now, which begins with 2 turns of 'main'.\n"
    talk("%%gemini\nelsewhere")
    assert notebook.prompts[-1] == "elsewhere"
    assert len(notebook.body["contents"]) == 5
    assert (len(said), len(KERNEL.find("other"))) == (3, 3)
    with pytest.raises(UsageError, match="already a conversation 'main'"):
        talk("%gemini branch main")
    with pytest.raises(InputError, match="no turn 9"):
        talk("%gemini branch third 9")


def test_running_a_cell_again_takes_its_turn_s_place(talk, notebook):
    for cell, question in (("a", "q1"), ("b", "q2"), ("a", "q1 anew")):
        talk(f"%%gemini --quiet\n{question}", cell)
    chat = KERNEL.find("main")
    assert [turn.prompt + "!" * turn.stale for turn in chat.turns] == ["q1 anew", "q2!"]
    assert len(notebook.body["contents"]) == 1
    talk("%%gemini --quiet --append\nq3", "a")
    assert [turn.prompt for turn in chat.turns] == ["q1 anew", "q2", "q3"]


def test_questions_of_a_loop_in_one_cell_are_all_kept(talk):
    loop = "for number in range(3):\n    reply = %gemini number {{number}}"
    talk(loop, "a")
    chat = KERNEL.find("main")
    assert [turn.prompt for turn in chat.turns] == ["number 0", "number 1", "number 2"]
    talk(loop, "a")
    assert [turn.prompt for turn in chat.turns] == ["number 0", "number 1", "number 2"]
    assert [turn.reply.text for turn in chat.turns] == ["answer 4", "answer 5", "answer 6"]


# Saving and loading


def test_save_and_load_go_on_where_it_was(talk, said, notebook, tmp_path):
    shown = talk("%gemini save 'my talk.json'")
    assert shown == "'main' (3 turns) is in my talk.json; `%gemini load 'my talk.json'` goes on with it.\n"
    before = said.history
    talk("%gemini reset")
    shown = talk("%gemini load 'my talk.json'")
    assert shown == "Loaded 'main': 3 turns. Nothing was sent.\n"
    assert len(notebook.wire.seen) == 3
    talk("%%gemini\nq4")
    assert len(notebook.body["contents"]) == 7
    assert KERNEL.find("main").history[:6] == before
    assert "in the place of 4 turns of this kernel" in talk("%gemini load 'my talk.json'")
    assert (tmp_path / "my talk.json").exists()


def test_a_loaded_conversation_can_get_another_name(talk, said):
    talk("%gemini save chat.ipynb")
    assert "Loaded 'again': 3 turns" in talk("%gemini --chat again load chat.ipynb")
    assert KERNEL.find("again").turns == said.turns
    assert KERNEL.find("main") is said
    talk("%%gemini\nq4")
    assert (len(said), len(KERNEL.find("again"))) == (3, 4)


def test_loading_says_what_is_odd(talk, said, tmp_path):
    talk("%gemini save chat.json")
    path = tmp_path / "chat.json"
    document = json.loads(path.read_text())
    document["turns"][0]["question"]["parts"] = [{"text": "forged \x1b[1m"}]
    document["tools"] = []
    document["system"] = "Praise the king."
    path.write_text(json.dumps(document))
    shown = talk("%gemini load chat.json")
    assert "3 turns, a system instruction" in shown
    assert "Note: turn 1 was changed after it was saved." in shown
    assert "Note: it names tools; they are not taken from a file." in shown
    assert said


def test_markdown_is_for_reading(talk, said):
    assert talk("%gemini save chat.md") == "'main' (3 turns) is in chat.md.\n"
    with pytest.raises(ConversationFileError, match="is for reading and cannot be loaded"):
        talk("%gemini load chat.md")
    assert said


def test_the_user_s_own_files_are_safe(talk, said, tmp_path):
    (tmp_path / "notes.md").write_text("mine")
    with pytest.raises(StoreError, match=r"notes\.md is there already and is not a saved conversation"):
        talk("%gemini save notes.md")
    with pytest.raises(ConversationFileError, match=r"nowhere\.json cannot be read"):
        talk("%gemini load nowhere.json")
    assert said


def test_everything_said_is_visible(talk, said):
    said.name = "evil\x1b[2J"
    KERNEL.put(said)
    shown = "".join(talk(line) for line in ("%gemini chats", "%gemini chat evil\x1b[2J", "%gemini history"))
    assert "\x1b" not in shown
    assert "evil␛[2J" in shown
