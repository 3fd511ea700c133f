"""Lines and cells that are wrong: each is refused in one line that names the thing and the way out, and sends nothing.

The numbers are those of the list of bad lines that this project keeps.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gemini_magic.chat import KERNEL
from gemini_magic.exceptions import InputError, UnboundName, UsageError

ROOT = Path(__file__).parent.parent.parent
LIMIT = 1_000_000
BLANKS = {"nothing": "", "spaces": "  \t", "lines": "\n\n", "no-break": "\u00a0", "no width": "\u200b\u2060\ufeff"}
#: What is run, the error, and the words that name the thing and the way out.
REFUSED: dict[str, tuple[str, type[Exception], tuple[str, ...]]] = {
    "B1 empty cell": ("%%gemini\n\n", UsageError, ("cell is empty", "below the %%gemini line")),
    "B1 empty line": ("%gemini", UsageError, ("no prompt", "%gemini help")),
    **{
        f"B2 cell of {name}": (f"%%gemini -q\n{blank}\n", UsageError, ("cell is empty", "below the %%gemini line"))
        for name, blank in BLANKS.items()
    },
    **{
        f"B2 line of {name}": (f"%gemini -q {blank}", UsageError, ("no prompt", "%gemini help"))
        for name, blank in BLANKS.items()
        if "\n" not in blank
    },
    "B3 unknown option": ("%gemini --temprature 1 x", UsageError, ("'--temprature'", "Did you mean '--temperature'")),
    "B3 in a cell": ("%%gemini --modle x\nhi", UsageError, ("'--modle'", "Did you mean '--model'")),
    "B3 like none": ("%gemini --qqqq x", UsageError, ("'--qqqq'", "%gemini help options")),
    **{
        f"B4 temperature {value}": (f"%gemini -t {value} x", UsageError, ("-t", "from 0 to 2", value))
        for value in ("abc", "nan", "1e999", "-1", "99", "inf", "-inf", "1,5", "\u0663")
    },
    **{
        f"B5 tokens {value}": (f"%gemini --max-tokens {value} x", UsageError, ("--max-tokens", "2,147,483,647", value))
        for value in ("0", "-5", "1.5", "9999999999999", "1e3", "\u0663")
    },
    **{
        f"B6 model {number}": (f"%gemini -m {value} x", UsageError, ("-m", "model", "%gemini models"))
        for number, value in enumerate(("''", "../../x", "'a b'", "m?key=1", "m#x", "a%2f..%2fb", "http://x/y"))
    },
    "B6 model with a tab": ("%gemini -m 'a\tb' x", UsageError, ("U+0009", "again by hand")),
    "B7 open quote": ("%gemini -s 'abc x", UsageError, ("quote '", "column 4", "Close it")),
    "B7 open double quote": ('%gemini -s "abc x', UsageError, ('quote "', "column 4", "Close it")),
    "B8 twice": ("%gemini -t 1 --temperature 1 x", UsageError, ("--temperature", "twice", "once")),
    "B8 twice in a cell": ("%%gemini -m a -m b\nx", UsageError, ("-m", "twice", "once")),
    "B9 no value": ("%gemini --model", UsageError, ("--model needs a value", "--model NAME")),
    "B9 an option for a value": ("%gemini --model --raw x", UsageError, ("--model needs a value", "--model NAME")),
    "B10 endless line": ("%gemini " + "x" * 4_000_000, UsageError, ("limit is 1,000,000", "into a variable")),
    **{
        f"B11 U+{ord(bad):04X}": (f"%gemini -s a{bad}b x", UsageError, (f"U+{ord(bad):04X}", "column", "by hand"))
        for bad in ("\x00", "\x1b", "\u202e", "\u2066", "\U000e0041", "\x7f", "\u009b")
    },
    "B12 key option": ("%gemini --key hunter2 x", UsageError, ("--key", "history", "new one", "environment variable")),
    "B12 key anywhere": (
        f"%gemini why AIza{'Sy1234567890abc' * 3}",
        UsageError,
        ("looks like an API key", "history", "new one"),
    ),
    "B12 key in a cell's line": ("%%gemini -s sk-abcdefghijklmnop0123\nx", UsageError, ("history", "new one")),
    "B14 undefined": ("%%gemini\n{{tabel}}", UnboundName, ("'tabel'", "Did you mean 'table'", "\\{{")),
    "B14 attribute": ("%%gemini\n{{table.colums}}", InputError, ("{{table.colums}}", "colums")),
    "B14 undefined in a call": ("%gemini {{len(tabel)}}", UnboundName, ("'tabel'", "Did you mean 'table'")),
    "B15 dunder": ("%%gemini\n{{table.__class__}}", InputError, ("__class__", "underscore")),
    "B15 private": ("%%gemini\n{{table._hidden}}", InputError, ("_hidden", "underscore")),
    "B15 dunder in a template": ("%gemini -u dunder x", InputError, ("'dunder'", "__class__", "underscore")),
    "B15 call in a template": ("%gemini -u call x", InputError, ("'call'", "a call", "literal indexes only")),
    "B17 prompt behind the cell magic": ("%%gemini explain\nthis", UsageError, ("'explain'", "below the line")),
    "B17 subcommand as a cell": ("%%gemini models\nx", UsageError, ("%gemini models", "with one %")),
    "B17 store on a line": ("%gemini -o class x", UsageError, ("-o", "'class'", "name of a variable")),
    **{
        f"B19 {dash!a}": (f"%gemini {dash}temperature 1 x", UsageError, ("hyphen", "Type --temperature"))
        for dash in ("\u2010", "\u2011", "\u2013", "\u2014", "\u2212", "\uff0d")
    },
}


class Table:
    """A value of the notebook."""

    _hidden = "nothing"


@pytest.fixture
def templates(tmp_path, monkeypatch):
    folder = tmp_path / "templates"
    folder.mkdir()
    (folder / "dunder.md").write_text("{{table.__class__}} {{prompt}}\n")
    (folder / "call.md").write_text("{{exit()}} {{prompt}}\n")
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("templates")
@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_in_one_line_and_nothing_is_sent(notebook, capsys, name):
    source, kind, words = REFUSED[name]
    begun = time.monotonic()
    with pytest.raises(kind) as refused:
        notebook.run(source, table=Table())
    shown = capsys.readouterr()
    lines = (shown.out + shown.err).strip().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith(f"{kind.__name__}: ")
    assert [word for word in words if word not in lines[0]] == []
    assert len(lines[0]) < 400
    assert lines[0].isprintable()
    assert refused.value.attempts == 0
    assert (notebook.wire.connections, KERNEL.names, "_gemini" in notebook) == (0, [], False)
    assert time.monotonic() - begun < 30


def test_every_number_of_the_list_is_here():
    own = {name.split()[0] for name in REFUSED} | {"B13", "B16", "B18", "B20"}
    assert own == {f"B{number}" for number in range(1, 21)}


def test_b10_the_longest_line_goes_through(notebook):
    text = "x" * (LIMIT - 10)
    notebook.run(f"%gemini {text}")
    assert notebook.prompts == [text]


@pytest.mark.parametrize(
    "text",
    [
        "{calls.append(1)} why",
        "$calls ${calls} {calls!r}",
        "{{!r}} %time !ls `ls` $(ls)",
        "{calls.append(1)} { { unbalanced",
    ],
)
def test_b13_braces_and_dollars_on_a_line_are_text(notebook, text):
    calls: list[int] = []
    notebook.run(f"%gemini {text}", calls=calls)
    assert (notebook.prompts, calls) == ([text], [])
    notebook.run(f"%gemini -s '{text}' x", calls=calls)
    assert (notebook.body["systemInstruction"]["parts"][0]["text"], calls) == (text, [])


def test_b13_an_option_is_not_evaluated_before_the_line_is_found_wrong(notebook):
    calls: list[int] = []
    with pytest.raises(UsageError):
        notebook.run("%gemini -o {calls.append(1)} {{calls.append(2)}}", calls=calls)
    with pytest.raises(InputError):
        notebook.run("%gemini {{calls.append(1)}} {{nothing_here}}", calls=calls)
    assert (calls, notebook.wire.connections) == ([], 0)


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("{ alone", "{ alone"),
        ("{undefined} {a.b[0]}", "{undefined} {a.b[0]}"),
        ("{{ not closed", "{{ not closed"),
        ("\\{{literal}}", "{{literal}}"),
        ('{"a": {"b": {}}}', '{"a": {"b": {}}}'),
        ("\\frac{a}{b} {{x y}}", "\\frac{a}{b} {{x y}}"),
    ],
)
def test_b14_braces_that_are_no_expression_are_text(notebook, text, sent):
    notebook.run(f"%%gemini\n{text}")
    assert notebook.prompts == [sent]


def test_b16_a_value_is_not_read_again(notebook):
    other = "{{inner}} {inner} \\{{inner}} $inner"
    notebook.run("%%gemini\n{{other}}{{other}}", other=other, inner="another")
    assert notebook.prompts == [other * 2]


@pytest.mark.parametrize("path", [r"C:\new dir\table.txt", r"\\host\share name\x.txt", "a 'quoted' name.txt"])
def test_b18_a_path_of_windows_is_named_as_it_was_typed(notebook, path):
    with pytest.raises(InputError) as refused:
        notebook.run(f'%gemini -s "@{path}" x')
    assert path in str(refused.value)
    assert notebook.wire.connections == 0


@pytest.mark.parametrize("interactive", [True, False], ids=["at the prompt", "in a script"])
def test_b20_in_a_terminal_the_answer_is_plain_text(notebook, tmp_path, interactive):
    lines = "%load_ext gemini_magic\n%gemini why\n"
    script = tmp_path / "script.ipy"
    script.write_text(lines + "run_cell = get_ipython().run_cell_magic\nrun_cell('gemini', '', 'why')\n")
    command = [sys.executable, "-m", "IPython", "--colors=nocolor", "--HistoryManager.enabled=False"]
    command += ["--simple-prompt", "--no-banner"] if interactive else [str(script)]
    keep = {"PATH", "PYTHONPATH", "IPYTHONDIR", "GEMINI_MAGIC_CONFIG", "GEMINI_MAGIC_STATE", "HOME", "LANG"}
    environment = {name: value for name, value in os.environ.items() if name in keep}
    done = subprocess.run(  # noqa: S603 - ours
        command, input=lines, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stderr.strip() in {"", "Do you really want to exit ([y]/n)?"}
    assert done.stdout.count("Yes.") == (1 if interactive else 2)
    assert not {"<", "\x1b"} & set(done.stdout)
    assert notebook.wire.seen
