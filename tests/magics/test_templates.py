"""Templates: what may stand in their braces, where they are kept, and what the subcommand does."""

from __future__ import annotations

import base64
import stat
import types
from contextlib import suppress
from dataclasses import dataclass, field

import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gemini_magic.exceptions import GeminiMagicError, InputError, UnboundName, UsageError
from gemini_magic.magics.prompts import template_files, templates
from gemini_magic.magics.subcommands.templates import RUN
from gemini_magic.parts import Medium, to_parts
from gemini_magic.settings import ApiKey

PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC")


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    """An empty folder, in which the notebook stands, with settings of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GEMINI_MAGIC_CONFIG", str(tmp_path / "settings" / "config.toml"))
    return tmp_path


def fill(text, namespace=None, body=(), **options):
    template_files.save("it", text)
    return templates.fill("it", list(body), namespace or {}, **options)


# What is filled in


@dataclass
class Report:
    title: str = "Costs"
    tables: dict[str, list[int]] = field(default_factory=lambda: {"2024": [1, 2, 3]})


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("Hello {{name}}.", "Hello Ada."),
        ("{{ report.title }}", "Costs"),
        ('{{report.tables["2024"][1]}}', "2"),
        ("{{report.tables['2024'][-1]}}", "3"),
        (r"\{{name}} {{name}}", "{{name}} Ada"),
        ("{{{name}}}", "{Ada}"),
        ("{{#if x}} {{a b}} {{", "{{#if x}} {{a b}} {{"),
        ("{name} $name", "{name} $name"),
    ],
)
def test_paths_are_filled_in_and_the_rest_is_text(text, filled):
    assert fill(text, {"name": "Ada", "report": Report()}) == [filled]


def test_values_are_never_read_again():
    assert fill("{{a}}", {"a": "{{b}} {{prompt}}", "b": 1}, ["{{a}}"]) == ["{{b}} {{prompt}}\n\n{{a}}"]


def test_the_prompt_goes_where_its_place_is():
    assert fill("Before\n{{prompt}}\nafter", body=["ask"]) == ["Before\nask\nafter"]
    assert fill("{{prompt}}, again {{ prompt }}", {"prompt": "not this"}, ["ask"]) == ["ask, again ask"]


def test_the_prompt_goes_behind_a_template_without_a_place():
    assert fill("Summarise:", body=["text"]) == ["Summarise:\n\ntext"]
    assert fill("Summarise what was said.") == ["Summarise what was said."]


def test_a_place_for_a_prompt_wants_a_prompt():
    with pytest.raises(UsageError, match="has a place for your text"):
        fill("Summarise: {{prompt}}")


def test_a_picture_goes_where_it_is_named():
    medium = Medium("{{fig}}", to_parts(PNG)[0])
    found = fill("See {{photo}} and {{prompt}}!", {"photo": PNG}, ["this: ", medium])
    assert [type(one) for one in found] == [str, Medium, str, Medium, str]
    assert found[1].name == "{{photo}}"
    assert found[1].part.inline_data.mime_type == "image/png"
    assert [one for one in found if isinstance(one, str)] == ["See ", " and this: ", "!"]


def test_a_table_may_name_its_rows():
    (text,) = fill("{{df:2}}", {"df": pd.DataFrame({"a": range(9)})})
    assert "9 rows" in text


# What is refused


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{{f()}}", "a call"),
        ("{{name.upper()}}", "a call"),
        ("{{name.__class__}}", "starts with an underscore"),
        ("{{report._x.y}}", "starts with an underscore"),
        ("{{name[i]}}", "an index must be a number or a text in quotes"),
        ("{{name[1:2]}}", "an index must be"),
        ("{{name[f()]}}", "an index must be"),
        ("{{a + b}}", "names, attributes and literal indexes only"),
        ("{{'text'}}", "names, attributes and literal indexes only"),
        ("{{[x for x in a]}}", "names, attributes and literal indexes only"),
        ("{{(lambda: 1)}}", "names, attributes and literal indexes only"),
        ("{{f'{name.__class__}'}}", "names, attributes and literal indexes only"),
    ],
)
def test_what_is_no_path_is_refused_with_the_reason(text, reason):
    for act in (lambda: fill(text, {"name": "x", "report": Report(), "f": dict}), lambda: templates.check(text, "it")):
        with pytest.raises(InputError, match="is refused") as caught:
            act()
        assert reason in str(caught.value)
        assert "'it'" in str(caught.value)


def test_nothing_is_evaluated_when_one_name_is_missing():
    @dataclass
    class Counting:
        read: int = 0

        @property
        def value(self):
            self.read += 1
            return "x"

    counting = Counting()
    with pytest.raises(UnboundName, match=r"'nmae'.*Did you mean 'name'"):
        fill("{{counting.value}} {{nmae}}", {"counting": counting, "name": 1})
    assert counting.read == 0


def test_built_in_names_are_no_variables():
    with pytest.raises(UnboundName):
        fill("{{open}}")


def test_a_path_through_a_module_or_a_frame_is_refused():
    frames = (one for one in ())
    with pytest.raises(InputError, match="reads from a module"):
        fill("{{types.FrameType}}", {"types": types})
    with pytest.raises(InputError, match="reads from a frame"):
        fill("{{g.gi_frame.f_globals}}", {"g": frames})


def test_a_step_that_fails_says_so():
    with pytest.raises(InputError, match=r"\{\{d\['x'\]\}\} failed: KeyError"):
        fill("{{d['x']}}", {"d": {}})


def test_a_key_is_not_sent():
    key = "planted-key-0123456789-abcdefghijklmnop"
    with pytest.raises(InputError, match="key"):
        fill("{{text}}", {"text": f"x {key}"}, keys=[ApiKey(key)])
    assert fill("{{text}}", {"text": f"x {key}"}, keys=None) == [f"x {key}"]


# Any text at all

NAMES = st.sampled_from(["a", "b", "prompt", "_p", "x1", "__builtins__", "open", "é"])
STEPS = st.sampled_from([".a", "._a", ".__class__", "[0]", "[-1]", "['k']", "[i]", "()", ".f(1)", "[0:1]", " + 1"])
INSIDES = st.builds(lambda name, steps: name + "".join(steps), NAMES, st.lists(STEPS, max_size=4))
TEXTS = st.lists(
    st.one_of(st.text(max_size=8), INSIDES.map("{{{{{}}}}}".format), st.sampled_from(["{{", "}}", "\\", "{", "}"])),
    max_size=6,
).map("".join)


class Watch:
    """A value that notes what is done with it."""

    def __init__(self):
        self.done = []

    def __getattr__(self, name):
        self.done.append(name)
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __getitem__(self, key):
        self.done.append(key)
        return self

    def __call__(self, *_):
        raise AssertionError("called")

    def _gemini_text_(self):
        return "value"


def resolve(text, namespace):
    """What `fill` does with a text, without a file between."""
    pieces = templates.split(text, namespace)
    for piece in pieces:
        if isinstance(piece, templates.Expression):
            path = templates.path_of(piece, "it")
            templates._check_name(piece, path, namespace, "it")
            templates._resolve(path, namespace, piece.shown)
    return pieces


@settings(max_examples=4_000)
@given(TEXTS)
@example("{{a.__class__}}")
@example("{{a.a._a}}")
@example("{{a()}}")
def test_no_template_calls_anything_or_reaches_behind_an_underscore(text):
    watch = Watch()
    with suppress(InputError):
        resolve(text, dict.fromkeys(("a", "b", "x1", "prompt", "_p", "é"), watch))
    assert not [one for one in watch.done if isinstance(one, str) and one.startswith("_")]


@settings(max_examples=2_000)
@given(st.text())
def test_a_text_without_braces_is_the_same_text(text):
    if "{{" not in text:
        assert resolve(text, {}) == [text]


# Where they are kept


def test_a_template_is_saved_for_its_owner_alone_and_found_again(folder):
    path, replaced = template_files.save("sum-1_x", "Summarise\n{{prompt}} é")
    assert path == folder / "settings" / "templates" / "sum-1_x.md"
    assert not replaced
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert template_files.find("sum-1_x").text == "Summarise\n{{prompt}} é"
    assert template_files.save("sum-1_x", "other")[1]
    assert [one.name for one in path.parent.iterdir()] == ["sum-1_x.md"]


def test_the_folder_beside_the_notebook_wins(folder):
    template_files.save("a", "mine")
    shared = folder / ".gemini_magic" / "templates"
    shared.mkdir(parents=True)
    (shared / "a.md").write_text("shared\n")
    assert template_files.find("a").text == "shared"
    path, _ = template_files.save("b", "for all")
    assert path.resolve() == shared / "b.md"
    assert template_files.names() == ["a", "b"]
    assert template_files.remove("a").resolve() == shared / "a.md"
    assert template_files.find("a").text == "mine"


def test_a_link_in_a_shared_folder_leads_nowhere(folder):
    shared = folder / ".gemini_magic" / "templates"
    shared.mkdir(parents=True)
    (folder / "private.txt").write_text("secret")
    (shared / "a.md").symlink_to(folder / "private.txt")
    with pytest.raises(UsageError, match="no template"):
        template_files.find("a")


@pytest.mark.parametrize("name", ["", "../x", "a b", "a/b", "a.md", "x" * 81, "\x00"])
def test_a_name_is_letters_digits_hyphens_and_underscores(name):
    for act in (template_files.find, template_files.remove, lambda it: template_files.save(it, "text")):
        with pytest.raises(UsageError, match="letters, digits"):
            act(name)


def test_a_missing_template_is_answered_with_the_nearest_name():
    template_files.save("summary", "x")
    with pytest.raises(UsageError, match="Did you mean 'summary'"):
        templates.fill("sumary", [], {})
    with pytest.raises(UsageError, match="There is: summary"):
        template_files.find("zzz")


def test_a_template_has_a_limit():
    with pytest.raises(UsageError, match="the limit is"):
        template_files.save("a", "x" * template_files.MAX_TEMPLATE)
    path, _ = template_files.save("a", "x")
    path.write_text("x" * (template_files.MAX_TEMPLATE + 1))
    with pytest.raises(InputError, match="larger than"):
        template_files.find("a")
    path.write_bytes(b"\xff\xfe\xff")
    with pytest.raises(InputError, match="not UTF-8"):
        template_files.find("a")
    assert template_files.listing() == []


def test_a_folder_that_cannot_be_written_is_an_error_of_ours(folder):
    (folder / "settings").write_text("a file")
    with pytest.raises(GeminiMagicError, match="cannot be written"):
        template_files.save("a", "x")


# The subcommand


def run(last_prompt, *args):
    session = types.SimpleNamespace(last_prompt=last_prompt)
    return RUN["template"](session, types.SimpleNamespace(args=args))


def test_the_last_prompt_is_saved_shown_listed_and_removed(capsys):
    run("Summarise {{df}}\nin one line.", "save", "short")
    assert "-u short" in capsys.readouterr().out
    assert repr(run("", "show", "short")) == "Summarise {{df}}\nin one line."
    (row,) = run("", "list").rows
    assert row["template"] == "short"
    assert row["begins"] == "Summarise {{df}} in one line."
    run("again", "save", "short")
    assert capsys.readouterr().out.startswith("Replaced:")
    run("", "remove", "short")
    assert "short.md" in capsys.readouterr().out
    assert run("", "list").rows == []


def test_there_must_be_a_prompt_to_save():
    with pytest.raises(UsageError, match="no prompt to save"):
        run("", "save", "x")


def test_a_prompt_that_could_not_be_filled_in_is_not_saved():
    with pytest.raises(InputError, match="a call"):
        run("What is {{df.describe()}}?", "save", "x")
    assert template_files.names() == []
