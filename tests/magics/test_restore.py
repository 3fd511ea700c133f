"""Conversations that an earlier kernel had."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from wire_server import answer

from gemini_magic.chat import KERNEL
from gemini_magic.chat.autosave import autosave
from gemini_magic.chat.notebooks import NAMELESS, notebook_name, notebook_path
from gemini_magic.chat.store import turn_metadata
from gemini_magic.exceptions import UsageError
from gemini_magic.magics.restore import restore


@pytest.fixture(autouse=True)
def data_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)


@pytest.fixture
def chat(notebook):
    """A conversation of two turns."""
    notebook.wire.answers(answer("Yes."))
    notebook.run("%%gemini\nq1")
    notebook.run("%%gemini\nq2")
    return KERNEL.find("main")


@pytest.fixture
def file(chat, tmp_path):
    """The notebook's file, with the turns in its outputs."""
    outputs = [{"output_type": "display_data", "metadata": turn_metadata(chat, turn)} for turn in chat.turns]
    cells = [{"cell_type": "code", "outputs": [output]} for output in outputs]
    path = tmp_path / "analysis.ipynb"
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}))
    return path


def test_the_notebook_s_file_is_what_the_front_end_says(monkeypatch):
    shell = SimpleNamespace(user_ns={})
    assert (notebook_path(shell), notebook_name(shell)) == (None, NAMELESS)
    for name in ("", "console-1", "a.py", "nul\0.ipynb"):
        if "\0" not in name:
            monkeypatch.setenv("JPY_SESSION_NAME", name)
        assert notebook_path(shell) is None
    monkeypatch.setenv("JPY_SESSION_NAME", "/home/a/x.ipynb")
    assert notebook_path(shell) == Path("/home/a/x.ipynb")
    assert notebook_name(shell) == str(Path("/home/a/x.ipynb").absolute())
    assert notebook_path(SimpleNamespace(user_ns={"__vsc_ipynb_file__": "/b/y.ipynb"})) == Path("/b/y.ipynb")
    assert notebook_path(SimpleNamespace()) == Path("/home/a/x.ipynb")


def test_a_new_kernel_goes_on_from_the_notebook_s_own_outputs(notebook, chat, file, monkeypatch, capsys):
    monkeypatch.setenv("JPY_SESSION_NAME", str(file))
    history = chat.history
    KERNEL.__init__()
    capsys.readouterr()
    notebook.run("%gemini load")
    assert capsys.readouterr().out == "Loaded 'main': 2 turns. Nothing was sent.\n"
    notebook.run("%%gemini\nq3")
    assert notebook.body["contents"] == [
        *(content.model_dump(by_alias=True, exclude_unset=True) for content in history),
        {"role": "user", "parts": [{"text": "q3"}]},
    ]


def test_outputs_come_before_what_was_autosaved(notebook, chat, file, monkeypatch):
    monkeypatch.setenv("JPY_SESSION_NAME", str(file))
    chat.undo()
    autosave(chat, notebook_name(notebook.shell))
    assert [len(found) for found in restore(notebook.shell)] == [2]
    file.write_text('{"cells": [], "nbformat": 4}')
    assert [len(found) for found in restore(notebook.shell)] == [1]
    file.unlink()
    assert [len(found) for found in restore(notebook.shell)] == [1]


def test_several_conversations_come_back_together(notebook, chat, capsys):
    for one in (chat, chat.fork("other", 1)):
        autosave(one, NAMELESS)
    KERNEL.__init__()
    capsys.readouterr()
    notebook.run("%gemini load")
    assert sorted(capsys.readouterr().out.splitlines()) == [
        "Loaded 'main': 2 turns. Nothing was sent.",
        "Loaded 'other': 1 turn. Nothing was sent.",
    ]
    KERNEL.__init__()
    notebook.run("%gemini --chat other load")
    assert KERNEL.names == ["other"]
    with pytest.raises(UsageError, match="no conversation 'third' among those saved"):
        notebook.run("%gemini --chat third load")


def test_where_there_is_nothing_the_way_out_is_said(notebook, monkeypatch, tmp_path):
    with pytest.raises(UsageError, match=r"does not say which notebook this is.*%gemini load PATH\.ipynb"):
        notebook.run("%gemini load")
    monkeypatch.setenv("JPY_SESSION_NAME", str(tmp_path / "gone.ipynb"))
    with pytest.raises(UsageError, match=r"gone\.ipynb holds no conversation on disk.*Save the notebook"):
        notebook.run("%gemini load")
