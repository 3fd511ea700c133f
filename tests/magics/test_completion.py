"""Completion in a real shell: what fits is offered, and IPython's own guesses are held back."""

from __future__ import annotations

import sys
import types

import pandas as pd
import pytest
from IPython.core.completer import provisionalcompleter

from gemini_magic import ledger
from gemini_magic.chat import KERNEL, Conversation
from gemini_magic.client import Client
from gemini_magic.exceptions import GeminiMagicError
from gemini_magic.magics import completion
from gemini_magic.magics.arguments import BY_FLAG, FORMATS
from gemini_magic.magics.completion.suggestions import remember_models
from gemini_magic.magics.gemini import GeminiMagics
from gemini_magic.magics.prompts import template_files
from gemini_magic.magics.vocabulary import SUBCOMMANDS
from gemini_magic.tools.toolbox import Toolbox


@pytest.fixture
def complete(notebook):
    """Completes a cell at the place of the mark ‸, or at its end."""
    magics = next(one for one in notebook.shell.configurables if isinstance(one, GeminiMagics))
    completion.install(notebook.shell, magics)
    notebook.shell.push(
        {
            "df": pd.DataFrame({"price": range(30)}),
            "fields": {"topK": 1},
            "frame_of_mind": "calm",
            "_hidden": 1,
            "json": sys.modules["json"],
        }
    )

    def texts(cell: str) -> list[str]:
        before, _, after = cell.partition("‸")
        with provisionalcompleter():
            found = list(notebook.shell.Completer.completions(before + after, len(before)))
        starts = {one.start for one in found}
        assert len(starts) <= 1
        return [one.text for one in found]

    yield texts
    completion.uninstall(notebook.shell)


@pytest.mark.parametrize("magic", ["%gemini", "%%gemini", "x = %gemini", "    %gemini", "x: int = %gemini"])
def test_an_option_is_completed(complete, magic):
    assert complete(f"{magic} --mo") == ["--model"]
    assert complete(f"{magic} -t 0 --top") == ["--top-k", "--top-p"]


def test_a_bare_hyphen_offers_every_option(complete):
    assert complete("%%gemini -") == sorted(BY_FLAG)
    assert complete("%gemini --") == sorted(flag for flag in BY_FLAG if flag.startswith("--"))


def test_an_empty_word_offers_what_fits_best(complete):
    assert complete("%gemini ") == list(SUBCOMMANDS)
    assert complete("%gemini --no-history ") == [flag for flag in sorted(BY_FLAG) if flag != "--no-history"]
    assert complete("%%gemini ") == sorted(BY_FLAG)


def test_an_option_that_is_given_is_not_offered_again(complete):
    assert "--model" not in complete("%%gemini -m x --")
    assert "--stop" in complete("%%gemini --stop x --")


def test_the_first_line_of_a_cell_with_a_body_is_completed(complete):
    assert complete("%%gemini --mo‸\nWhat is {{df}}?\n") == ["--model"]
    assert complete("\n\n%%gemini --mo‸ -t 0\nbody") == ["--model"]


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("%gemini us", ["usage"]),
        ("%gemini last ", ["raw", "request", "curl", "python"]),
        ("%gemini last c", ["curl"]),
        ("%gemini profile ", ["list", "test", "use", "add"]),
        ("%gemini profile use he", ["here"]),
        ("%gemini template sh", ["show"]),
        ("%gemini help --temp", ["--temperature"]),
        ("%gemini help ke", ["keys"]),
        ("%gemini config mo", ["model"]),
        ("%gemini config stream ", ["True", "False"]),
        ("%gemini config approve ", ["ask", "always", "never"]),
        ("%gemini budget ", ["off"]),
        ("x = %gemini usa", ["usage"]),
    ],
)
def test_subcommands_and_their_words_are_completed(complete, typed, offered):
    assert complete(typed) == offered


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("--format ", [*FORMATS]),
        ("--format=h", ["html"]),
        ("--format 'h", ["html"]),
        ("--context ", ["above", "error"]),
        ("--think m", ["minimal", "medium"]),
        ("--profile h", ["here"]),
        ("--config ", ["fields"]),
        ("-o fr", ["frame_of_mind"]),
        ("-s $fr", ["$frame_of_mind"]),
        ("-i fra", ["frame_of_mind"]),
        ("--temperature ", []),
        ("--stop 'd", []),
    ],
)
def test_the_value_of_an_option_is_completed(complete, typed, offered):
    assert complete(f"%%gemini {typed}") == offered
    assert complete(f"x = %gemini {typed}") == offered


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("--tools ", ["box", "get_weather", "look_up", "pair", "scraper"]),
        ("--tools get", ["get_weather"]),
        ("--tools get_weather,l", ["look_up"]),
        ("--tools get_weather,", ["box", "look_up", "pair", "scraper"]),
        ("--tools 'get_weather, lo", ["look_up"]),
        ("--tools scraper.fe", ["scraper.fetch"]),
        ("--tools get_weather,scraper.fe", ["scraper.fetch"]),
        ("--tools scraper._", []),
        ("--approve ", ["ask", "always", "never"]),
        ("--approve=al", ["always"]),
        ("--tool-mode ", ["auto", "any", "none"]),
        ("--tools get_weather,scraper.fetch --tool-mode ", ["auto", "any", "none", "get_weather", "fetch"]),
        ("--tools get_weather,look_up --tool-mode look_up,", ["get_weather"]),
        ("--max-st", ["--max-steps"]),
    ],
)
def test_functions_and_what_may_be_said_of_them_are_completed(complete, notebook, typed, offered):
    notebook.run(
        "def get_weather(city: str) -> str: ...\ndef look_up(name: str) -> str: ...\n"
        "class Scraper:\n    def fetch(self): ...\n    def __call__(self): ...\n    _hidden = fetch\n"
        "scraper, pair, odd = Scraper(), [get_weather, look_up], [get_weather, 1]"
    )
    notebook.shell.push({"box": Toolbox.of(notebook["look_up"])})
    assert complete(f"%%gemini {typed}") == offered


def test_models_come_from_what_is_known_and_never_from_the_gateway(complete, notebook):
    notebook.run("%gemini -m gemini-asked hello")
    assert len(ledger.KERNEL.entries) == 1
    requests, connections = len(notebook.wire.seen), notebook.wire.connections
    answered_by = ledger.KERNEL.entries[0].model
    remember_models("here", ["gemini-listed"])
    assert set(complete("%gemini -m ")) == {"gemini-x", "gemini-listed", answered_by}
    assert complete("%gemini --fallback gemini-x,gemini-l") == ["gemini-listed"]
    assert "gemini-2.5-pro" in complete("%gemini --profile google -m ")
    remember_models("here", [])
    assert (len(notebook.wire.seen), notebook.wire.connections) == (requests, connections)


def test_conversations_are_completed(complete):
    for name in ("main", "cooking"):
        KERNEL.put(Conversation(Client("http://127.0.0.1:9", auth="none"), name=name))
    assert complete("%%gemini -c ") == ["main", "cooking"]
    assert complete("%gemini reset co") == ["cooking"]


def test_templates_are_completed(complete):
    template_files.save("summary", "Summarise {{prompt}}")
    assert complete("%%gemini -u ") == ["summary"]
    assert complete("%gemini template show s") == ["summary"]


def test_files_are_completed_with_folders_first(complete, tmp_path):
    for name in ("notes.txt", "night sky.png", ".secret"):
        (tmp_path / name).touch()
    (tmp_path / "nights").mkdir()
    (tmp_path / "nights" / "one.png").touch()
    assert complete("%%gemini -f n") == ["nights/", '"night sky.png"', "notes.txt"]
    assert complete('%%gemini -f "nig') == ["nights/", "night sky.png"]
    assert complete("%%gemini -f nights/") == ["nights/one.png"]
    assert complete("%%gemini -i no") == ["notes.txt"]
    assert complete("%%gemini -s @no") == ["notes.txt"]
    assert complete("%gemini load no") == ["notes.txt"]
    assert complete("%%gemini -f .se") == [".secret"]
    assert complete("%%gemini -f https://example.org/") == []


@pytest.mark.parametrize("cell", ["%%gemini\nWhat is {}", "%gemini what is {}", "x = %gemini -t 0 what is {}"])
def test_names_inside_braces_are_completed(complete, cell):
    assert complete(cell.replace("{}", "{{fr")) == ["frame_of_mind"]
    assert complete(cell.replace("{}", "{{df:")) == ["5", "10", "20", "30"]
    assert "describe" in complete(cell.replace("{}", "{{df.desc"))
    assert "price" in complete(cell.replace("{}", "{{ df.pri"))
    assert complete(cell.replace("{}", "{{json.dum")) == ["dump", "dumps"]
    assert complete(cell.replace("{}", "{{json.decoder.JSONDecodeE")) == ["JSONDecodeError"]
    assert complete(cell.replace("{}", "{{df}} and {{fr")) == ["frame_of_mind"]
    assert complete(cell.replace("{}", "{{len(fr")) == ["frame_of_mind"]


def test_every_variable_is_offered_in_empty_braces_but_hidden_ones(complete):
    assert complete("%%gemini\n{{") == ["df", "fields", "frame_of_mind", "json"]


@pytest.mark.parametrize(
    "cell",
    [
        "%%gemini\n{{df}} frame_of_m",
        "%%gemini\n\\{{frame_of_m",
        "%%gemini --raw\n{{frame_of_m",
        '%%gemini\n{{df["frame_of_m',
        "%gemini --raw {{frame_of_m",
        "s = '''\n%gemini --mo",
        "s = ('a',\n%gemini --mo",
        "s = 'x = %gemini --mo",
        "# %gemini --mo",
        "a = b = %gemini --mo",
        "%%html\n%gemini --mo",
        "%geminis --mo",
        "%gemini -- --mo",
        "%gemini why --mo",
        "%%gemini frame --mo",
    ],
)
@pytest.mark.usefixtures("complete")
def test_we_have_nothing_to_say_elsewhere(notebook, cell):
    matcher = notebook.shell.Completer.custom_matchers[-1]
    lines = cell.split("\n")
    context = types.SimpleNamespace(
        full_text=cell, cursor_line=len(lines) - 1, cursor_position=len(lines[-1]), limit=500, token=""
    )
    assert matcher(context) == {"completions": [], "matched_fragment": "", "suppress": False}


def test_code_cells_and_cells_under_a_timer_are_completed(complete):
    assert complete("y = 'it''s'\n!ls it's\n%gemini --mo") == ["--model"]
    assert complete("%%time\nx = %gemini --mo") == ["--model"]


@pytest.mark.usefixtures("complete")
def test_properties_are_not_read_to_complete(notebook):
    notebook.run(
        "class Trap:\n    read = 0\n    @property\n    def inner(self):\n        Trap.read += 1\n        return 'x'\n"
        "    def __getattr__(self, name):\n        Trap.read += 1\n        raise AttributeError(name)\n"
        "trap = Trap(); trap.kept = 'text'"
    )
    matcher = notebook.shell.Completer.custom_matchers[-1]

    def offered(line):
        context = types.SimpleNamespace(
            full_text=line, cursor_line=0, cursor_position=len(line), limit=None, token=line
        )
        return [one.text for one in matcher(context)["completions"]]

    assert {"inner", "kept"} <= set(offered("%gemini {{trap."))
    assert "upper" in offered("%gemini {{trap.kept.")
    assert offered("%gemini {{trap.inner.") == []
    assert notebook["Trap"].read == 0


def test_a_broken_config_file_breaks_no_completion(complete, notebook):
    notebook.config.write_text("profile = ")
    assert complete("%gemini --mo") == ["--model"]
    assert complete("%gemini -m gemini-") == []
    assert "google" in complete("%gemini --profile ")
    with pytest.raises(GeminiMagicError):
        notebook.run("%gemini hello")


def test_python_is_completed_as_ever(complete):
    assert complete("df.descr") == ["describe"]
    assert "frame_of_mind" in complete("frame_of")


def test_it_is_installed_once_and_leaves_nothing(notebook):
    matchers = notebook.shell.Completer.custom_matchers
    completion.uninstall(notebook.shell)
    before = list(matchers)
    for _ in range(2):
        completion.install(notebook.shell, None)
    assert len(matchers) == len(before) + 1
    completion.uninstall(notebook.shell)
    assert matchers == before
