"""Conversations that follow the cells of a real notebook, and its file."""

from __future__ import annotations

import json

import pytest
from wire_server import Say, answer

pytestmark = pytest.mark.kernel

SIGNED = [
    {"candidates": [{"content": {"role": "model", "parts": [{"text": "Thinking.", "thought": True}]}}]},
    {"candidates": [{"content": {"role": "model", "parts": [{"text": "Blue."}]}}]},
    {
        "candidates": [
            {
                "content": {"role": "model", "parts": [{"text": "", "thoughtSignature": "c2lnbmVk", "newField": 1}]},
                "finishReason": "STOP",
            }
        ]
    },
]


def signed():
    return Say([b"data: " + json.dumps(event).encode() + b"\r\n\r\n" for event in SIGNED], framing="chunked")


def asked(kernel):
    """The questions of the last request."""
    contents = kernel.gateway.seen[-1].json()["contents"]
    return ["".join(part["text"] for part in content["parts"]) for content in contents if content["role"] == "user"]


def test_a_cell_that_runs_again_asks_in_its_place(kernel):
    for cell, prompt in (("a", "First"), ("b", "Second"), ("c", "Third")):
        assert kernel.run(f"%%gemini -c again\n{prompt}", cell).status == "ok"
    cell = kernel.run("%%gemini -c again\nSecond, changed", "b")
    assert asked(kernel) == ["First", "Second, changed"]
    assert "rested on an earlier answer; `%gemini replay` asks again" in cell.text
    shown = kernel.run("%gemini chats").text
    assert "again" in shown
    cell = kernel.run("%gemini replay again")
    assert cell.status == "ok", cell.error
    assert asked(kernel) == ["First", "Second, changed", "Third"]
    assert kernel.run("%%gemini -c again\nFourth", "d").status == "ok"
    assert asked(kernel) == ["First", "Second, changed", "Third", "Fourth"]


def test_a_loop_in_a_cell_does_not_replace_itself_but_is_replaced_as_a_whole(kernel):
    source = "for n in {}:\n    %gemini -c loop -q Number {{{{n}}}}"
    assert kernel.run(source.format("range(3)"), "loop").status == "ok"
    assert asked(kernel) == ["Number 0", "Number 1", "Number 2"]
    assert kernel.run(source.format("(7, 8)"), "loop").status == "ok"
    assert asked(kernel) == ["Number 7", "Number 8"]


def test_append_and_edit_and_branch(kernel):
    kernel.run("%%gemini -c places\nOne", "p1")
    kernel.run("%%gemini -c places\nTwo", "p2")
    kernel.run("%%gemini -c places --append\nOne more", "p1")
    assert asked(kernel) == ["One", "Two", "One more"]
    kernel.run("%%gemini -c places --edit 1\nUno", "p3")
    assert asked(kernel) == ["Uno"]
    kernel.run("%%gemini -c places --branch other\nElsewhere", "p4")
    assert asked(kernel) == ["Uno", "Two", "One more", "Elsewhere"]
    kernel.run("%%gemini -c places\nHere", "p5")
    assert asked(kernel) == ["Uno", "Two", "One more", "Here"]


def test_a_new_kernel_goes_on_from_the_notebooks_own_outputs(kernel, new_kernel):
    kernel.gateway.answers(signed(), answer("Yes."))
    cells = [("%%gemini -c kept --thoughts\nWhich colour?", "k1"), ("%%gemini -c kept\nSure?", "k2")]
    notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []}
    for source, cell_id in cells:
        cell = kernel.run(source, cell_id)
        assert cell.status == "ok", cell.error
        outputs = [
            {"output_type": "display_data", "data": one["data"], "metadata": one["metadata"]} for one in cell.outputs
        ]
        notebook["cells"].append(
            {
                "cell_type": "code",
                "id": cell_id,
                "metadata": {},
                "execution_count": 1,
                "source": source,
                "outputs": outputs,
            }
        )
    kernel.run("%%gemini -c kept\nAnd now?", "k3")
    before = kernel.gateway.seen[-1].body
    other = new_kernel()
    (other.folder / "mine.ipynb").write_text(json.dumps(notebook))
    assert other.run("%load_ext gemini_magic").status == "ok"
    loaded = other.run("%gemini load mine.ipynb")
    assert "'kept'" in loaded.text, loaded.error
    assert other.run("%%gemini -c kept\nAnd now?", "k3").status == "ok"
    assert other.gateway.seen[-1].body == before
    assert b'"thoughtSignature":"c2lnbmVk"' in before


def test_a_saved_file_goes_on_in_a_new_kernel_byte_for_byte(kernel, new_kernel):
    kernel.gateway.answers(signed(), answer("Yes."))
    kernel.run("%%gemini -c saved --thoughts\nWhich colour?", "s1")
    path = kernel.folder / "saved.json"
    assert kernel.run(f"%gemini -c saved save {path}").status == "ok"
    kernel.run("%%gemini -c saved\nSure?", "s2")
    before = kernel.gateway.seen[-1].body
    other = new_kernel()
    assert other.run(f"%load_ext gemini_magic\n%gemini load {path}").status == "ok"
    assert other.run("%%gemini -c saved\nSure?", "s2").status == "ok"
    assert other.gateway.seen[-1].body == before
