"""From a cell to the prompt that the gateway gets."""

from __future__ import annotations

import base64
import json

import pandas as pd
import pytest
from pydantic import BaseModel

# Prompts

AS_TYPED = [
    '{"a": {"b": [1, 2]}, "c": {}}',
    "{k: v for k, v in {1: 2}.items()}",
    "a { color: red } b{margin:0}",
    "style={{color: 'red'}}",
    r"\frac{a}{b} \left\{ x \right\} $\mathbb{R}^{{n}_{i}}$ \newline",
    "{% for x in y %}{% endfor %} {# note #}",
    "{{ .Values.image }} {{> partial}}",
    "{ } } { {{ unclosed",
    "half {{x",
    "😀 👩‍👩‍👧 汉字 日本語 e\u0301 ñ",
    "trailing spaces   \n  \n\t",
    "\n\nlines before",
    "lines after\n\n",
    "100 % of $HOME, !ls, ?help, %magic, %%gemini, `x`, \\n, \\",
    "# no comment",
    "a\r\nb\rc",
    "a\x0bb\x0cc\x85d\u2028e",
    ">>> 1 + 1\n2\n>>> if x:\n...     y",
    "In [1]: 1 + 1\nOut[1]: 2\n   ...: x",
    "   indented\n     more",
    "'''\"\"\"'",
    "\ufeffa\u200bb\u00a0",
    "x" * 300_000,
    "what? why??",
    "if True:",
]


@pytest.mark.parametrize("text", AS_TYPED, ids=lambda text: text[:20].encode("unicode_escape").decode())
def test_a_cell_reaches_the_server_as_it_was_typed(notebook, text):
    notebook.run(f"%%gemini\n{text}")
    notebook.run(f"\n%%gemini --raw\n{text}\n")
    assert notebook.prompts == [text.removesuffix("\n"), text]


@pytest.mark.parametrize(
    "text", ["{a} {{ } {", "50 % of $HOME", "!ls `x` \\frac{a}{b}", "a  b", "汉字 😀", 'it\'s "so"']
)
def test_a_line_reaches_the_server_as_it_was_typed(notebook, text):
    notebook.run(f"%gemini {text}")
    assert notebook.prompts == [text]


def test_the_body_is_what_was_typed_and_nothing_else(notebook):
    notebook.run("%%gemini\nWhy?")
    assert notebook.body == {"contents": [{"role": "user", "parts": [{"text": "Why?"}]}]}
    assert notebook.wire.seen[-1].target == "/v1beta/models/gemini-x:streamGenerateContent?alt=sse"
    assert notebook.wire.seen[-1].header("authorization") is None


# Values in prompts


class City(BaseModel):
    """A city."""

    name: str
    people: int


def double(number):
    return 2 * number


def test_values_go_into_the_prompt(notebook):
    notebook.run("%gemini first")
    notebook.run(
        "%%gemini\n{{n}}|{{text}}|{{record}}|{{city}}|{{double}}|{{_gemini}}|{{double(n)}}",
        n=7,
        text="{{n}} {n}",
        record={"a": [1, None], "ü": "x"},
        city=City(name="Ulm", people=126_000),
        double=double,
    )
    n, text, record, city, source, reply, doubled = notebook.prompts[-1].split("|")
    assert (n, text, reply, doubled) == ("7", "{{n}} {n}", "Yes.", "14")
    assert json.loads(record) == {"a": [1, None], "ü": "x"}
    assert json.loads(city) == {"name": "Ulm", "people": 126_000}
    assert "def double(number):\n    return 2 * number" in source


def test_a_dataframe_goes_in_as_a_compact_table(notebook):
    frame = pd.DataFrame({"city": ["Ulm", "Bonn"], "people": [126_000, None]}, index=["a", "b"])
    notebook.run("%%gemini\nLook:\n{{df}}\n{{df:1}}", df=frame)
    prompt = notebook.prompts[-1]
    assert prompt.count("Ulm") == 2
    assert prompt.count("Bonn") == 1
    assert "shown: the first 1" in prompt


def test_a_picture_goes_in_where_it_stands(notebook):
    png = base64.b64decode(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
    )
    notebook.run("%gemini before {{png}} after", png=png)
    before, picture, after = notebook.body["contents"][-1]["parts"]
    assert (before, after) == ({"text": "before "}, {"text": " after"})
    assert picture["inlineData"]["mimeType"] == "image/png"
    assert base64.b64decode(picture["inlineData"]["data"]) == png


def test_local_variables_of_a_function_come_first(notebook):
    notebook.run(
        "x = 'outside'\ny = 'notebook'\n"
        "def ask(x):\n    reply = %gemini -o kept {{x}} {{y}}\n    return reply\n"
        "replies = [ask('one'), ask('two')]"
    )
    assert notebook.prompts == ["one notebook", "two notebook"]
    assert [reply.text for reply in notebook["replies"]] == ["Yes.", "Yes."]
    assert notebook["kept"] is notebook["replies"][1]
    assert notebook["x"] == "outside"
