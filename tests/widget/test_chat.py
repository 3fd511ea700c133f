"""The widget around the engine, without a kernel; with one it is in tests/kernel/test_chat_widget.py."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gemini_magic.chat import KERNEL, Conversation
from gemini_magic.exceptions import ConfigError, InputError
from gemini_magic.widget import ChatWidget, desk

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def widget():
    """Makes panes, and forgets them and their conversations."""
    names, panes = set(KERNEL.names), []

    def make(*args, **options):
        panes.append(ChatWidget(*args, **options))
        return panes[-1]

    yield make
    for pane in panes:
        pane.close()
    for name in set(KERNEL.names) - names:
        KERNEL.reset(name)


def test_a_pane_opens_the_kernels_conversation_of_a_name(widget, client):
    pane = widget(name="by name", client=client)
    assert KERNEL.known("by name") is pane.chat
    assert widget(name="by name").chat is pane.chat
    assert pane.chat.client is client


def test_a_conversation_of_the_users_own_stays_out_of_the_kernels(widget, chat):
    pane = widget(chat)
    assert pane.chat is chat
    assert KERNEL.find("main") is not chat


@pytest.mark.parametrize(("given", "css"), [(300, "300px"), ("50vh", "50vh"), (None, None)])
def test_the_height_is_pixels_or_css(widget, chat, given, css):
    assert widget(chat, height=given).height == css


def test_it_says_what_it_is(widget, chat):
    assert repr(widget(chat)) == "Chat with gemini-x: 0 turns"


def test_what_is_no_conversation_is_refused():
    with pytest.raises(InputError, match="shows a Conversation, not str"):
        ChatWidget("main")


def test_a_closed_pane_leaves_its_conversation(widget, chat):
    pane = widget(chat)
    pane.close()
    pane.close()
    assert pane.chat is chat


def test_a_front_end_that_was_not_built_is_named():
    with pytest.raises(ConfigError, match="`make frontend` builds it"):
        desk.static_text("nothing.js")


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("import gemini_magic.widget", {"anywidget", "ipywidgets", "IPython", "httpx"}),
        ("import gemini_magic.widget.engine", {"anywidget", "ipywidgets", "IPython"}),
    ],
)
def test_the_engine_needs_no_widget(code, absent):
    source = f"{code}; import sys; print(*{{name.partition('.')[0] for name in sys.modules}})"
    run = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-c", source], cwd=ROOT, env=os.environ, capture_output=True, text=True, check=True
    )
    assert not set(run.stdout.split()) & absent


def test_a_conversation_knows_whether_it_is_connected(client):
    assert not Conversation().connected
    assert Conversation(client).connected
