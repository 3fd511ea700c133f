"""One conversation in panes, cells, files and kernels: what is the same everywhere, and what is left in the end."""

from __future__ import annotations

import json

import nbformat
import pytest
from browser.chat_pane import ONE_SECOND, Gated
from nbconvert import HTMLExporter
from playwright.sync_api import expect
from wire_server import Say, answer, event

pytestmark = pytest.mark.browser

VIEW = "application/vnd.jupyter.widget-view+json"
RESTART = "() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()"
SHUT_DOWN = "() => jupyterapp.shell.currentWidget.sessionContext.shutdown()"


def test_a_pane_answers_and_stops_while_a_cell_keeps_the_kernel_busy(chats, show, tmp_path, photograph):
    pane = show()
    with chats.busy(tmp_path):
        pane.asked("One?")
        chats.gateway.answers(Say([event("While it sleeps")], framing="chunked", ending="hang"))
        pane.ask("Two?")
        expect(pane.live).to_contain_text("While it sleeps")
        photograph(pane, "busy")
        pane.area.press("Escape")
        pane.root.locator(".gmc-interrupted").wait_for(timeout=ONE_SECOND)
        assert chats.gateway.closed_by_client.wait(1)


def test_a_page_that_is_loaded_anew_shows_the_history_and_the_running_answer_once(lab, chats, show):
    pane = show()
    pane.asked("One?")
    gated = Gated(*map(event, ("Before, ", "meanwhile, ")), event("after.", "STOP"))
    chats.gateway.answers(gated.say)
    pane.ask("Two?")
    gated.let_out(0)
    expect(pane.live).to_contain_text("Before,")
    lab.save(chats.page)
    chats.page.reload()
    gated.let_out(1)
    lab.wait_for(chats.page)
    pane = chats.pane().ready()
    expect(pane.live).to_contain_text("Before, meanwhile,")
    assert pane.texts()[:3] == ["One?", "Yes.", "Two?"]
    gated.let_out()
    pane.says("Before, meanwhile, after.")
    assert pane.texts() == ["One?", "Yes.", "Two?", "Before, meanwhile, after."]
    pane.asked("Three?", "Before, meanwhile, after.")
    assert len(chats.asked()) == 5


def test_all_views_of_a_conversation_are_equal(chats, show):
    one = show()
    other = chats.show(f"%gemini ui {one.name.inner_text()}", 2)
    same = chats.show("ui", 3)
    one.asked("One?")
    other.asked("Two?")
    same.says("Yes.")
    expected = ["One?", "Yes.", "Two?", "Yes."]
    for pane in (one, other, same):
        expect(pane.answers).to_have_count(2)
        pane.is_idle()
        assert pane.texts() == expected
    gated = Gated(event("Half"), event(" and half.", "STOP"))
    chats.gateway.answers(gated.say)
    one.ask("Three?")
    gated.let_out(0)
    expect(same.live).to_contain_text("Half")
    same.area.press("Escape")
    gated.let_out()
    one.is_idle()
    for pane in (one, other, same):
        expect(pane.root.locator(".gmc-interrupted")).to_contain_text("Half")
    other.menu("Clear the conversation")
    other.button("Clear").click()
    for pane in (one, other, same):
        expect(pane.questions).to_have_count(0)
    chats.clear(2, 3)


def test_a_turn_of_a_cell_shows_in_the_pane_and_the_panes_goes_with_the_next_cell(chats, show, photograph):
    pane = show()
    name = pane.name.inner_text()
    chats.run(f"%gemini -c {name} From a cell?")
    expect(pane.questions).to_contain_text(["From a cell?"])
    expect(pane.questions).to_contain_text(["from a cell"])
    photograph(pane, "from-a-cell")
    pane.asked("From the pane?")
    chats.run(f"%gemini -c {name} Again?", 3)
    expect(pane.questions).to_have_count(3)
    assert chats.asked() == ["From a cell?", "Yes.", "From the pane?", "Yes.", "Again?"]
    chats.clear(2, 3)


def test_a_conversation_is_exported_in_three_forms_and_loaded_back(chats, show, tmp_path):
    pane = show()
    chats.gateway.answers(answer("It is **blue**."))
    pane.asked("Sky?", "It is blue.")
    saved = {}
    for entry, ending in (("Markdown", "md"), ("JSON", "json"), ("notebook", "ipynb")):
        with pane.page.expect_download() as download:
            pane.menu(f"Export as {entry}")
        assert download.value.suggested_filename.endswith(f".{ending}")
        download.value.save_as(tmp_path / download.value.suggested_filename)
        saved[ending] = tmp_path / download.value.suggested_filename
    assert "It is **blue**." in saved["md"].read_text()
    assert json.loads(saved["json"].read_text())
    nbformat.validate(nbformat.read(saved["ipynb"], 4))
    for ending in ("json", "ipynb"):
        pane.menu("Clear the conversation")
        pane.button("Clear").click()
        expect(pane.questions).to_have_count(0)
        with pane.page.expect_file_chooser() as chooser:
            pane.menu("Load a conversation …")
        chooser.value.set_files(saved[ending])
        expect(pane.questions).to_have_count(1)
        assert pane.texts() == ["Sky?", "It is blue."]
    pane.asked("And now?", "It is blue.")
    assert chats.asked() == ["Sky?", "It is **blue**.", "And now?"]


def test_the_saved_notebook_shows_the_conversation_without_a_kernel(lab, chats, show, screenshots):
    pane = show()
    chats.gateway.answers(answer("It is **blue**.\n\n```python\nsky = 1\n```\n"))
    pane.asked("Sky?", "It is blue.")
    expect(chats.page.locator(".jp-Cell .gm summary").first).to_contain_text("1 turn")
    lab.save(chats.page)
    notebook = nbformat.read(lab.folder / "test_chat_pane_state.ipynb", 4)
    shown, transcript = notebook.cells[1].outputs
    assert shown.data["text/plain"].startswith("Chat with gemini-x: 1 turn") or VIEW in shown.data
    assert "<strong>blue</strong>" in transcript.data["text/html"]
    assert "It is **blue**." in transcript.data["text/plain"]
    html, _ = HTMLExporter().from_notebook_node(notebook)
    assert "<strong>blue</strong>" in html
    nbformat.write(notebook, lab.folder / "reopened.ipynb")
    page = lab.open("reopened.ipynb")
    page.evaluate(SHUT_DOWN)
    assert page.locator(".gm-chat").count() == 0
    page.locator(".gm summary").first.click()
    expect(page.locator(".gm strong")).to_have_text("blue")
    page.screenshot(path=screenshots / "reopened-without-kernel.png")
    page.close()


def test_after_a_restart_the_pane_says_so_once_and_the_autosave_is_offered(lab, chats, show, photograph):
    chats.run("%config GeminiMagics.autosave = True")
    pane = show()
    pane.asked("One?")
    source = chats.sources()[1]
    chats.page.evaluate(RESTART)
    alert = pane.root.get_by_role("alert")
    expect(alert).to_contain_text("The kernel was restarted or stopped.")
    photograph(pane, "gone")
    expect(pane.send).to_be_disabled()
    assert pane.texts() == ["One?", "Yes."]
    alert.get_by_role("button", name="Try to reconnect").click()
    expect(alert).to_have_count(1)
    assert len([line for line in lab.console if line.startswith(("error", "thrown"))]) < 5
    chats.run(chats.sources()[0], 0)
    pane = chats.show(source)
    expect(pane.notices).to_contain_text(["This is a new kernel. An earlier one saved this conversation."])
    photograph(pane, "offered")
    pane.button("Load it").click()
    expect(pane.questions).to_have_count(1)
    pane.asked("Two?")
    assert chats.asked() == ["One?", "Yes.", "Two?"]
