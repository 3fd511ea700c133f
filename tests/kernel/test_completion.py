"""Completion as a front end asks for it, in a real kernel."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.kernel

PATIENCE = 60.0


@pytest.fixture(scope="module")
def complete(kernel):
    """What the kernel offers at the mark ‸ of a cell, and what that replaces."""
    assert kernel.run("import math\nphotos = [1]\nphoto_of_ada = 2").status == "ok"

    def matches(cell: str) -> tuple[list[str], str]:
        before, _, after = cell.partition("‸")
        kernel.client.complete(before + after, len(before))
        while True:
            reply = kernel.client.get_shell_msg(timeout=PATIENCE)
            if reply["msg_type"] == "complete_reply":
                break
        content = reply["content"]
        assert content["status"] == "ok"
        return content["matches"], (before + after)[content["cursor_start"] : content["cursor_end"]]

    return matches


@pytest.mark.parametrize("magic", ["%%gemini", "%gemini", "x = %gemini"])
def test_options_are_completed_on_the_line(complete, magic):
    assert complete(f"{magic} --mo‸") == (["--model"], "--mo")


def test_the_first_line_of_a_cell_with_a_body_is_completed(complete):
    assert complete("%%gemini --mo‸ -t 0\nWhat is in {{photos}}?") == (["--model"], "--mo")
    offered, replaced = complete("%%gemini --‸\nWhat?")
    assert {"--model", "--temperature", "--file"} <= set(offered)
    assert replaced == "--"


def test_the_body_of_a_cell_is_completed_inside_braces(complete):
    assert complete("%%gemini\nWho\nis on {{photo_‸}}?\nThanks.") == (["photo_of_ada"], "photo_")
    assert complete("%%gemini\n{{math.isq‸") == (["isqrt"], "isq")


def test_the_rest_of_the_body_is_left_to_ipython(complete):
    offered, _ = complete("%%gemini\n--mo‸")
    assert "--model" not in offered


def test_subcommands_and_values_are_completed(complete):
    assert complete("%gemini vers‸") == (["version"], "vers")
    assert complete("%gemini --format ‸") == (["md", "text", "json", "code", "html"], "")
    assert complete("%gemini -m ‸") == (["gemini-x"], "")
    assert complete("%gemini --temperature ‸") == ([], "")


def test_python_is_completed_as_ever(complete):
    offered, _ = complete("photo‸")
    assert {"photos", "photo_of_ada"} <= set(offered)


def test_asking_for_completions_asks_no_gateway(complete, gateway):
    complete("%gemini -m ‸")
    complete("%gemini --profile ‸")
    assert gateway.seen == []


def test_after_unloading_nothing_is_left(complete, kernel):
    count = "len(get_ipython().Completer.custom_matchers)"
    loaded = kernel.value(count)
    kernel.run("%unload_ext gemini_magic")
    try:
        assert kernel.value(count) == loaded - 1
        assert "--model" not in complete("%%gemini --mo‸")[0]
    finally:
        kernel.run("%load_ext gemini_magic")
    assert kernel.value(count) == loaded
    assert complete("%%gemini --mo‸")[0] == ["--model"]
