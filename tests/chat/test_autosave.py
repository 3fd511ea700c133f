"""Conversations saved after every turn."""

from __future__ import annotations

import os
import stat

import pytest
from wire_server import unary

from gemini_magic.chat import Conversation
from gemini_magic.chat.autosave import autosave, latest
from gemini_magic.exceptions import StoreError


@pytest.fixture(autouse=True)
def data_folder(tmp_path, monkeypatch):
    """The user's data folder, empty."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path / "data" / "gemini_magic" / "autosave"


def test_each_notebook_and_conversation_has_its_file(chat, wire):
    wire.answers(unary("Yes."))
    first = autosave(chat, "/home/a/Untitled.ipynb")
    chat.ask("one")
    assert autosave(chat, "/home/a/Untitled.ipynb") == first
    other = autosave(chat, "/home/b/Untitled.ipynb")
    assert other != first
    assert Conversation.load(first).turns == chat.turns
    assert latest("/home/a/Untitled.ipynb") == [first]
    assert latest("/home/c/Untitled.ipynb") == []


def test_the_newest_comes_first(chat):
    files = [autosave(one, "nb") for one in (chat, chat.fork("b"), chat.fork("c"))]
    for age, file in enumerate(files):
        os.utime(file, (1_000 - age, 1_000 - age))
    assert latest("nb") == files


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_nobody_else_can_look_into_folder_or_file(chat, data_folder, umask):
    before = os.umask(umask)
    try:
        file = autosave(chat, "nb")
    finally:
        os.umask(before)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [stat.S_IMODE(folder.stat().st_mode) for folder in (data_folder, file.parent)] == [0o700] * 2


def test_a_folder_that_leads_elsewhere_is_refused(chat, data_folder, tmp_path):
    data_folder.parent.mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    data_folder.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError, match="is not a folder of yours"):
        autosave(chat, "nb")
    assert not list((tmp_path / "elsewhere").iterdir())


def test_any_title_and_any_notebook_can_be_saved(chat, data_folder):
    for title in ("../../x", "CON", "a/b", "数据", "x" * 300, ".hidden", ""):
        chat.name = title
        file = autosave(chat, title)
        assert file.parent.parent == data_folder
        assert Conversation.load(file).name == title
