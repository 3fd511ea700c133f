"""Cells of a real notebook: their outputs, their ids, their connection, and what stops them."""

from __future__ import annotations

import psutil
import pytest
from wire_server import Say, answer, error, event

pytestmark = pytest.mark.kernel


def texts(cell):
    return [one.get("text") or one["data"]["text/plain"] for one in cell.outputs]


def test_an_answer_is_one_output_with_html_and_its_source(kernel):
    kernel.gateway.answers(answer("# Title\n\n", "Some *text* ", "and `code`."))
    cell = kernel.run("%%gemini\nWhy?")
    (output,) = cell.outputs
    assert output["data"]["text/plain"].startswith("# Title\n\nSome *text* and `code`.")
    assert "<em>text</em>" in output["data"]["text/html"]
    assert set(output["data"]) == {"text/html", "text/plain"}


def test_a_long_answer_leaves_one_output_behind(kernel):
    paragraphs = [f"Paragraph {number}. " + "word " * 60 + "\n\n" for number in range(60)]
    kernel.gateway.answers(answer(*paragraphs))
    cell = kernel.run("%%gemini\nWhy?")
    (output,) = cell.outputs
    assert output["data"]["text/plain"].startswith("".join(paragraphs).strip()[:1000])
    assert len(cell.messages) < 60


def test_answers_in_a_loop_stay_beside_what_the_user_prints(kernel):
    cell = kernel.run("for n in range(3):\n    print('before', n)\n    %gemini Is it {{n}}?\nprint('after')")
    shown = [text.split()[0].strip(".") for text in texts(cell)]
    assert shown == ["before", "Yes", "before", "Yes", "before", "Yes", "after"]


def test_an_assignment_shows_nothing(kernel):
    cell = kernel.run("x = %gemini why?")
    assert set(cell.kinds) == {"status", "execute_input"}
    assert kernel.value("x.text") == "Yes."


def test_a_table_in_the_middle_of_a_cell_is_shown_there(kernel):
    cell = kernel.run("%gemini usage\nprint('after')")
    assert "Usage in this kernel" in texts(cell)[0]
    assert texts(cell)[1] == "after\n"


def test_outputs_belong_to_their_own_cell(kernel):
    cells = [kernel.start(f"%%gemini\nquestion {number}") for number in range(3)]
    for number, message_id in enumerate(cells):
        kernel.gateway.answers(answer("Yes."))
        cell = kernel.finish(message_id)
        assert {message["parent_header"]["msg_id"] for message in cell.messages} == {message_id}
        assert len(cell.outputs) == 1, number


def test_two_cells_share_one_connection(kernel):
    kernel.run("%gemini one")
    kernel.run("%%gemini\ntwo")
    kernel.run("%gemini --chat other -m gemini-y three")
    assert len({seen.connection for seen in kernel.gateway.seen}) == 1
    assert kernel.sockets() == [psutil.CONN_ESTABLISHED]


def test_a_turn_knows_the_cell_it_came_from(kernel):
    kernel.run("%%gemini --chat ids\nwhy", cell_id="7f3c-a1")
    kernel.run("%gemini --chat ids why", cell_id="9d2b-b2")
    found = kernel.value("[turn.cell for turn in __import__('gemini_magic').chat.KERNEL.find('ids').turns]")
    assert found == ["7f3c-a1", "9d2b-b2"]
    assert kernel.value("[e.cell for e in __import__('gemini_magic').ledger.KERNEL.entries][-2:]") == found


@pytest.mark.parametrize(
    ("said", "name"),
    [
        (error(400, "Bad.", "INVALID_ARGUMENT"), "BadRequest"),
        (Say([event("Ha", "SAFETY")], framing="chunked"), "Blocked"),
        (Say([event("Half")], framing="chunked"), "StreamTruncated"),
    ],
)
def test_running_all_cells_stops_at_an_error(kernel, said, name):
    kernel.gateway.answers(answer("Yes."), said, answer("Never."))
    cells = [kernel.start(source) for source in ("%gemini one", "%%gemini\ntwo", "%gemini three", "1 + 1")]
    done = [kernel.finish(message_id) for message_id in cells]
    assert [cell.status for cell in done] == ["ok", "error", "aborted", "aborted"]
    assert done[1].reply["content"]["ename"] == name
    assert done[1].error.startswith(f"{name}: ")
    assert "\n" not in done[1].error
    assert len(kernel.gateway.seen) == 2


def test_what_had_come_before_an_error_stays_below_the_cell(kernel):
    kernel.gateway.answers(Say([event("Half an answer")], headers={"content-length": "999"}, ending="fin"))
    cell = kernel.run("%%gemini\nwhy")
    assert "Half an answer" in texts_of_displays(cell)
    assert cell.outputs[-1]["ename"] == "StreamTruncated"
    assert kernel.value("_gemini.text") == "Half an answer"


def texts_of_displays(cell):
    return "".join(one["data"]["text/plain"] for one in cell.outputs if "data" in one)


def test_config_is_shared_by_the_cells_that_follow(kernel):
    kernel.run("%config GeminiMagics.model = 'gemini-configured'")
    kernel.run("%gemini one")
    assert "/gemini-configured:" in kernel.gateway.seen[-1].path
    kernel.run("%config GeminiMagics.model = ''")


def test_cells_await_and_ask_in_the_same_kernel(kernel):
    cell = kernel.run(
        "import asyncio, gemini_magic as gm\nawait asyncio.sleep(0)\nx = %gemini one\nawait asyncio.sleep(0)\n"
        "print(x.text, gm.connect().generate('two').text)"
    )
    assert (cell.status, cell.text) == ("ok", "Yes. Yes.\n")
