"""The chat pane in a real kernel, spoken to as a browser speaks to it: through comms, and over a subshell."""

from __future__ import annotations

import threading
from queue import Empty

import pytest
from wire_server import Say, answer, event

pytestmark = pytest.mark.kernel

VIEW = "application/vnd.jupyter.widget-view+json"
PATIENCE = 60.0  # as in conftest.py
BUSY = """
import pathlib, time
while not pathlib.Path({flag!r}).exists():
    time.sleep(0.01)
"""
THREADS_END = """
import threading, time
while any(thread.name.startswith("gemini-magic-") for thread in threading.enumerate()):
    time.sleep(0.01)
"""


class Browser:
    """A pane's views: sends messages over a subshell of its own, and keeps everything that the kernel publishes."""

    def __init__(self, kernel, comm, *, subshell=True):
        self.kernel, self.comm = kernel, comm
        self.published = []
        self.subshell = self._new_subshell() if subshell else None

    def _new_subshell(self):
        client = self.kernel.client
        client.control_channel.send(client.session.msg("create_subshell_request", {}))
        return client.get_control_msg(timeout=PATIENCE)["content"]["subshell_id"]

    def delete_subshell(self):
        client = self.kernel.client
        client.control_channel.send(client.session.msg("delete_subshell_request", {"subshell_id": self.subshell}))
        client.get_control_msg(timeout=PATIENCE)

    def tell(self, kind, **fields):
        client = self.kernel.client
        data = {"method": "custom", "content": {"type": kind, **fields}}
        message = client.session.msg("comm_msg", {"comm_id": self.comm, "data": data})
        if self.subshell is not None:
            message["header"]["subshell_id"] = self.subshell
        client.shell_channel.send(message)
        return message["header"]["msg_id"]

    def until(self, fits):
        """Read until something that fits is published."""
        while True:
            try:
                message = self.kernel.client.get_iopub_msg(timeout=PATIENCE)
            except Empty:
                raise AssertionError(f"only {[one['msg_type'] for one in self.published]} came") from None
            self.published.append(message)
            if fits(message):
                return message

    def hear(self, kind, **fields):
        """Read until a message of that kind has come; returns it."""

        def fits(message):
            said = self.said(message)
            return said.get("type") == kind and all(said.get(name) == value for name, value in fields.items())

        return self.said(self.until(fits))

    def said(self, message):
        if message["msg_type"] != "comm_msg" or message["content"]["comm_id"] != self.comm:
            return {}
        return message["content"]["data"].get("content", {})

    def run(self, source):
        """Run a cell, and read until it is over; returns its id."""
        cell = self.kernel.start(source)
        self.over(cell)
        return cell

    def over(self, cell):
        self.until(
            lambda one: (
                one["parent_header"].get("msg_id") == cell
                and one["msg_type"] == "status"
                and one["content"]["execution_state"] == "idle"
            )
        )
        reply = self.kernel.client.get_shell_msg(timeout=PATIENCE)
        while reply["parent_header"].get("msg_id") != cell:
            reply = self.kernel.client.get_shell_msg(timeout=PATIENCE)
        assert reply["content"]["status"] == "ok", reply["content"]


class Gates:
    """An answer in pieces, before each of which the server waits."""

    def __init__(self, *pieces):
        self.reached = [threading.Event() for _ in pieces]
        self.open = [threading.Event() for _ in pieces]
        self.say = Say(list(pieces), framing="chunked", before_piece=self._wait)

    def _wait(self, number):
        self.reached[number].set()
        self.open[number].wait(20)

    def open_all(self):
        for gate in self.open:
            gate.set()


def shown(kernel, name):
    """A pane in a cell of its own; returns the cell, and the pane's comm."""
    cell = kernel.run(f"from gemini_magic.widget import ChatWidget\n{name} = ChatWidget(name={name!r})\n{name}")
    assert cell.status == "ok", cell.error
    return cell, kernel.value(f"{name}.model_id")


def test_a_pane_leaves_two_outputs(kernel):
    cell, comm = shown(kernel, "outputs")
    pane, transcript = cell.outputs
    assert pane["data"][VIEW]["model_id"] == comm
    assert pane["data"]["text/plain"] == "Chat with gemini-x: 0 turns"
    assert set(transcript["data"]) == {"text/html", "text/plain"}
    assert "<details>" in transcript["data"]["text/html"]
    opened = [message["content"] for message in cell.messages if message["msg_type"] == "comm_open"]
    state = next(content for content in opened if content["comm_id"] == comm)["data"]["state"]
    assert "export" in state["_esm"]
    assert state["_css"]
    assert "execute_result" not in cell.kinds


def test_the_transcript_is_brought_up_to_date_below_its_own_cell(kernel):
    cell, comm = shown(kernel, "kept")
    browser = Browser(kernel, comm)
    kernel.gateway.answers(answer("It is *blue*."))
    browser.tell("send", id="1", text="Which colour?", attachments=[])
    update = browser.until(lambda one: one["msg_type"] == "update_display_data")
    transcript = cell.outputs[1]
    assert update["content"]["transient"] == transcript["transient"]
    assert update["parent_header"]["msg_id"] == cell.messages[0]["parent_header"]["msg_id"]
    assert "<em>blue</em>" in update["content"]["data"]["text/html"]
    assert "**You**\n\nWhich colour?" in update["content"]["data"]["text/plain"]
    assert kernel.value("repr(kept)") == "Chat with gemini-x: 1 turn"


def test_an_answer_streams_while_a_cell_keeps_the_kernel_busy(kernel):
    _, comm = shown(kernel, "busy")
    browser = Browser(kernel, comm)
    browser.tell("hello", view="v", binary=True, locale="en")
    assert browser.hear("snapshot", view="v")["state"]["turns"] == []
    cell = kernel.start(BUSY.format(flag="go-1"))
    kernel.gateway.answers(answer("Blue, ", "mostly."))
    browser.tell("send", id="1", text="Sky?", attachments=[])
    view = browser.hear("done")["view"]
    assert view["answer"] == [{"kind": "text", "text": "Blue, mostly."}]
    assert not [one for one in browser.published if one["parent_header"].get("msg_id") == cell and browser.said(one)]
    (kernel.folder / "go-1").touch()
    browser.over(cell)


def test_a_pane_answers_while_its_own_cell_is_still_running(kernel):
    source = "from gemini_magic.widget import ChatWidget\nown = ChatWidget(name='own')\ndisplay(own)"
    cell = kernel.start(source + BUSY.format(flag="go-0"))
    browser = Browser(kernel, "")
    shown = browser.until(lambda one: VIEW in one["content"].get("data", {}))
    browser.comm = shown["content"]["data"][VIEW]["model_id"]
    browser.tell("hello", view="v", binary=True, locale="en")
    assert browser.hear("snapshot", view="v")["state"]["name"] == "own"
    (kernel.folder / "go-0").touch()
    browser.over(cell)


def test_stop_is_heard_while_a_cell_is_busy_also_after_a_cell_has_asked(kernel):
    _, comm = shown(kernel, "cells")
    browser = Browser(kernel, comm)
    browser.tell("hello", view="v", binary=True, locale="en")
    browser.hear("snapshot")
    browser.run("%gemini -c cells -q One?")
    if not [one for one in browser.published if browser.said(one).get("type") == "turns"]:
        browser.hear("turns")
    kernel.gateway.answers(Say([event("Bl")], framing="chunked", ending="hang"))
    cell = kernel.start(BUSY.format(flag="go-2"))
    browser.tell("send", id="1", text="Two?", attachments=[])
    browser.hear("delta")
    browser.tell("stop")
    assert browser.hear("done")["view"]["status"] == "interrupted"
    assert kernel.gateway.closed_by_client.wait(10)
    (kernel.folder / "go-2").touch()
    browser.over(cell)


def test_a_page_that_comes_back_is_heard_though_the_subshell_of_the_old_one_is_gone(kernel):
    _, comm = shown(kernel, "pages")
    old = Browser(kernel, comm)
    old.tell("hello", view="old", binary=True, locale="en")
    old.hear("snapshot", view="old")
    old.delete_subshell()
    new = Browser(kernel, comm)
    new.tell("hello", view="new", binary=True, locale="en")
    assert new.hear("snapshot", view="new")["state"]["name"] == "pages"


def test_without_subshells_a_pane_works_when_no_cell_runs(kernel):
    _, comm = shown(kernel, "plain")
    browser = Browser(kernel, comm, subshell=False)
    kernel.gateway.answers(answer("Blue."))
    browser.tell("send", id="1", text="Sky?", attachments=[])
    assert browser.hear("done")["view"]["status"] == "ok"


def test_every_piece_lands_where_it_belongs_while_other_cells_run(kernel):
    pane, comm = shown(kernel, "apart")
    browser = Browser(kernel, comm)
    gates = Gates(*(event(f"piece {number} ") for number in range(30)), event("end", "STOP"))
    kernel.gateway.answers(gates.say)
    asked = browser.tell("send", id="1", text="Count.", attachments=[])
    cells = []
    for number in range(3):
        for gate in gates.open[number * 10 : number * 10 + 10]:
            gate.set()
        cells.append(browser.run(f"print('cell {number}')"))
    gates.open_all()
    browser.hear("done")
    browser.until(lambda one: one["msg_type"] == "update_display_data")
    displayed = pane.messages[0]["parent_header"]["msg_id"]
    printed = dict.fromkeys(cells, "")
    for message in browser.published:
        parent = message["parent_header"].get("msg_id")
        if browser.said(message).get("type") == "delta":
            assert parent == asked
        elif message["msg_type"] in {"update_display_data", "display_data"}:
            assert parent == displayed
        elif message["msg_type"] == "stream":
            printed[parent] += message["content"]["text"]
    assert list(printed.values()) == [f"cell {number}\n" for number in range(3)]


def test_a_variable_of_the_notebook_goes_with_the_question(kernel):
    _, comm = shown(kernel, "values")
    browser = Browser(kernel, comm)
    browser.run("colour = 'blue'")
    kernel.gateway.answers(answer("Yes."))
    browser.tell("send", id="1", text="Is it {{colour}}?", attachments=[])
    browser.hear("done")
    assert kernel.gateway.seen[-1].json()["contents"][0]["parts"] == [{"text": "Is it blue?"}]


def test_a_cell_goes_on_where_the_pane_was(kernel):
    _, comm = shown(kernel, "both")
    browser = Browser(kernel, comm)
    kernel.gateway.answers(answer("Yes."))
    browser.tell("send", id="1", text="One?", attachments=[])
    browser.hear("done")
    browser.run("%gemini -c both -q Two?")
    assert [content["parts"][0]["text"] for content in kernel.gateway.seen[-1].json()["contents"]] == [
        "One?",
        "Yes.",
        "Two?",
    ]


def test_a_conversation_shows_itself(kernel):
    cell = kernel.run("import gemini_magic as gm\nshown = gm.Conversation(name='shown').widget(height=300)\nshown")
    assert cell.status == "ok", cell.error
    assert VIEW in cell.outputs[0]["data"]
    assert kernel.value("[shown.chat.name, shown.height]") == ["shown", "300px"]


def test_a_pane_that_is_closed_leaves_no_thread(kernel):
    _, comm = shown(kernel, "closed")
    browser = Browser(kernel, comm)
    kernel.gateway.answers(Say([event("Bl")], framing="chunked", ending="hang"))
    browser.tell("send", id="1", text="Sky?", attachments=[])
    browser.hear("delta")
    browser.run("closed.close()")
    assert kernel.gateway.closed_by_client.wait(10)
    browser.run(THREADS_END)
    assert kernel.value("[turn.status for turn in closed.chat.turns]") == ["interrupted"]
