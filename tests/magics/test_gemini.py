"""Loading, unloading, and what IPython itself offers: help, ``%config``, questions on a line."""

from __future__ import annotations

import pytest
from IPython.core.magic import Magics, line_cell_magic, line_magic, magics_class
from wire_server import answer

from gemini_magic.magics.arguments import BY_FLAG


def state_of(shell):
    """Everything of a shell that an extension may have changed."""
    shell.find_line_magic("load_ext").__doc__  # noqa: B018 - IPython makes its own magics when they are first looked at
    manager, formatters = shell.magics_manager, shell.display_formatter
    readers = shell.input_transformer_manager
    each = [*formatters.formatters.values(), formatters.mimebundle_formatter, formatters.ipython_display_formatter]
    return {
        "magics": {kind: dict(table) for kind, table in manager.magics.items()},
        "registry": dict(manager.registry),
        "configurables": list(shell.configurables),
        "types": [(dict(one.type_printers), dict(one.deferred_printers)) for one in each],
        "cells": list(readers.cleanup_transforms),
        "lines": list(readers.line_transforms),
        "tokens": list(readers.token_transformers),
        "events": {name: list(functions) for name, functions in shell.events.callbacks.items()},
        "matchers": list(shell.Completer.custom_matchers),
        "hooks": dict(shell.hooks),
        "trackers": (shell.CustomTB, shell.custom_exceptions),
        "ast": list(shell.ast_transformers),
        "names": set(shell.user_ns) - {"_exit_code"},
    }


def test_unloading_leaves_the_shell_as_it_was(shell):
    before = state_of(shell)
    shell.run_cell("%load_ext gemini_magic").raise_error()
    assert state_of(shell) != before
    shell.run_cell("%unload_ext gemini_magic").raise_error()
    assert state_of(shell) == before


def test_unloading_after_use_leaves_the_shell_as_it_was(notebook, capsys):
    notebook.run("%unload_ext gemini_magic")
    before = state_of(notebook.shell)
    notebook.run("%load_ext gemini_magic")
    notebook.run("%gemini Is it blue?")
    notebook.run("%gemini last")
    notebook.run("%unload_ext gemini_magic")
    before["names"].add("_gemini")
    assert state_of(notebook.shell) == before
    assert "Yes." in capsys.readouterr().out


def test_loading_shows_nothing(shell, capsys):
    shell.run_cell("%load_ext gemini_magic").raise_error()
    assert capsys.readouterr() == ("", "")


def test_loading_twice_registers_once(notebook, capsys):
    before = state_of(notebook.shell)
    notebook.run("%load_ext gemini_magic")
    assert "already loaded" in capsys.readouterr().out
    notebook.shell.extension_manager.loaded.clear()
    notebook.run("%load_ext gemini_magic")
    assert state_of(notebook.shell) == before
    assert capsys.readouterr().out == ""


def test_unloading_twice_is_harmless(shell):
    import gemini_magic as gm  # noqa: PLC0415 - the entry points as IPython calls them

    gm.unload_ipython_extension(shell)
    gm.load_ipython_extension(shell)
    gm.unload_ipython_extension(shell)
    gm.unload_ipython_extension(shell)
    assert "gemini" not in shell.magics_manager.magics["cell"]


@pytest.mark.usefixtures("notebook")
def test_reloading_goes_on_with_the_same_conversation(notebook):
    notebook.run("%gemini one")
    notebook.run("%reload_ext gemini_magic")
    notebook.run("%gemini two")
    assert len(notebook.body["contents"]) == 3


@magics_class
class OtherMagics(Magics):
    """Another package's."""

    @line_cell_magic
    def gemini(self, line, cell=None):
        return f"theirs: {line} {cell}"


@magics_class
class GeminiMagics(Magics):
    """Another package's, too, with our class's name."""

    @line_magic
    def gemini(self, line):
        return f"namesake: {line}"


def test_another_package_s_magic_is_taken_over_with_one_line_and_given_back(shell, wire, capsys):
    shell.register_magics(OtherMagics(shell))
    before = state_of(shell)
    shell.run_cell("%load_ext gemini_magic").raise_error()
    told = capsys.readouterr().out
    assert told.count("\n") == 1
    assert "%%gemini was" in told
    assert OtherMagics.__module__ in told
    assert "%unload_ext gemini_magic" in told
    shell.run_cell("%unload_ext gemini_magic").raise_error()
    assert state_of(shell) == before
    assert shell.run_cell("x = %gemini a").success
    assert shell.user_ns["x"] == "theirs: a None"
    assert wire.seen == []


def test_a_package_with_a_class_of_our_name_gets_it_back(shell):
    theirs = GeminiMagics(shell)
    shell.register_magics(theirs)
    before = state_of(shell)
    shell.run_cell("%load_ext gemini_magic\n%unload_ext gemini_magic").raise_error()
    assert state_of(shell) == before
    assert shell.magics_manager.registry["GeminiMagics"] is theirs


def test_a_package_that_came_later_keeps_its_magic_when_we_leave(notebook):
    notebook.shell.register_magics(OtherMagics(notebook.shell))
    notebook.run("%unload_ext gemini_magic")
    notebook.run("x = %gemini a")
    assert notebook["x"] == "theirs: a None"


# Help


def test_help_on_the_magic_shows_every_option(notebook, capsys):
    notebook.run("%gemini?")
    notebook.run("%%gemini?")
    shown = capsys.readouterr().out
    assert all(shown.count(flag) >= 2 for flag in BY_FLAG)
    assert shown.count("Why is the sky blue?") == 2
    assert notebook.wire.seen == []


# Questions on a line

QUESTIONS = [
    ("%gemini why is it blue?", "why is it blue?"),
    ("%gemini why is it blue??", "why is it blue??"),
    ("%gemini Why 'not'?", "Why 'not'?"),
    ("%gemini don't you know?", "don't you know?"),
    ("%gemini 什么?", "什么?"),
    ("%gemini a (b?", "a (b?"),
    ("%gemini a? # b?", "a? # b?"),
    ("%gemini a = %b?", "a = %b?"),
    ("%gemini what is x%y?", "what is x%y?"),
    ("%gemini {{1 + 1}}?", "2?"),
    ("%gemini why ?", "why ?"),
    ("%gemini why? ", "why?"),
    ("%gemini a\\b?", "a\\b?"),
    ("x = %gemini why?", "why?"),
    ("x = %gemini -t 0 why is it blue?", "why is it blue?"),
    ("x = %gemini a = b?", "a = b?"),
    ("d = {}\nd['a'] = %gemini why?", "why?"),
    ("if True:\n    %gemini why?", "why?"),
    ("if True:\n    x = %gemini why?", "why?"),
    ("def f(x):\n    %gemini is it {{x}}?\n    return x\nf(1)", "is it 1?"),
    ("if True:\n    pass\n%gemini why?", "why?"),
]


@pytest.mark.parametrize(("source", "prompt"), QUESTIONS)
def test_a_question_on_a_line_reaches_the_model(notebook, source, prompt):
    notebook.run(source)
    assert notebook.prompts == [prompt]


def test_two_questions_in_a_cell_reach_the_model(notebook):
    notebook.run("%gemini one?\nx = %gemini two?\n%gemini three?")
    assert notebook.prompts == ["one?", "two?", "three?"]


def test_help_on_other_things_is_as_ever(notebook, capsys):
    notebook.run("len?\nx = 1\n%time?")
    assert "Return the number of items" in capsys.readouterr().out
    notebook.run("s = '''\n%gemini a?\n'''")
    assert notebook["s"] == "\n%gemini a?\n"
    assert notebook.wire.seen == []


def test_a_terminal_waits_for_the_rest_of_a_cell(notebook):
    complete = notebook.shell.input_transformer_manager.check_complete
    assert complete("%%gemini\nWhy")[0] == "incomplete"
    assert complete("%%gemini\nWhy\n\n")[0] == "complete"
    assert complete("%gemini why?")[0] == "complete"


# %config


def test_config_sets_what_goes_without_saying(notebook):
    notebook.run("%config GeminiMagics.model = 'gemini-y'")
    notebook.run("%config GeminiMagics.system = 'Be brief.'")
    notebook.run("%config GeminiMagics.stream = False")
    notebook.wire.answers(answer("Yes."))
    notebook.run("%gemini a")
    assert notebook.wire.seen[-1].path == "/v1beta/models/gemini-y:generateContent"
    assert notebook.body["systemInstruction"] == {"parts": [{"text": "Be brief."}]}
    notebook.run("%gemini -m gemini-z --no-history -s Other. a")
    assert "/gemini-z:" in notebook.wire.seen[-1].path
    assert notebook.body["systemInstruction"] == {"parts": [{"text": "Other."}]}


def test_config_chooses_the_profile(notebook):
    with notebook.config.open("a") as file:
        file.write(f'[profiles.there]\nbase_url = "{notebook.wire.url}"\nauth = "none"\nmodel = "gemini-there"\n')
    notebook.run("%config GeminiMagics.profile = 'there'\n%gemini a")
    assert "/gemini-there:" in notebook.wire.seen[-1].path
    notebook.run("%gemini --profile here a")
    assert "/gemini-x:" in notebook.wire.seen[-1].path


def test_config_lists_the_settings_and_refuses_what_they_cannot_be(notebook, capsys, caplog):
    notebook.run("%config GeminiMagics")
    shown = capsys.readouterr().out
    assert all(f"GeminiMagics.{name}" in shown for name in ("model", "system", "timeout", "retries", "fallback"))
    notebook.run("%config GeminiMagics.retries = 'many'")
    assert "expected an int" in caplog.text
    notebook.run("%gemini a")
    assert notebook.prompts == ["a"]
