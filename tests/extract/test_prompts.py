"""Prompts for rows: which column goes where, what is no place, and what a value becomes."""

from __future__ import annotations

import base64
import datetime as dt
import io
import pickle
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from gemini_magic.exceptions import GeminiMagicError, InputError, UnboundName, UnsupportedValue
from gemini_magic.extract.prompts import Template
from gemini_magic.magics.prompts import template_files, templates
from gemini_magic.parts import Pictures, to_parts

PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC")


def filled(prompt, values, **options):
    return Template.of(prompt, list(values)).fill(values, **options)


def text_of(prompt, values, **options):
    (part,) = filled(prompt, values, **options)
    assert part.model_fields_set == {"text"}
    return part.text


def spelled(parts):
    """Texts as they are, and the kind of everything else."""
    return [part.text if part.inline_data is None else part.inline_data.mime_type for part in parts]


# Places


@pytest.mark.parametrize(
    ("prompt", "text"),
    [
        ("Who is {{name}}?", "Who is Ada?"),
        ("{{ name }}, {{age}}", "Ada, 36"),
        ('{{row["two words"]}}', "x"),
        ("{{row['a-b']}} {{row['']}}", "y z"),
        ('{{row["name"]}} {{row.name}}', "Ada Ada"),
        ("{{row[7]}}", "seven"),
        ('{{place["city"]}}', "Rom"),
        ("{{tags[0]}} {{tags[-1]}}", "a c"),
        ("{{when.year}}", "2024"),
        (r"\{{name}} {{name}}", "{{name}} Ada"),
        ("{{{name}}}", "{Ada}"),
        ("{{#if}} {{not a name}} {{ {{name}} {name} $name", "{{#if}} {{not a name}} {{ Ada {name} $name"),
    ],
)
def test_a_path_is_followed_and_the_rest_is_text(prompt, text):
    values = {
        "name": "Ada",
        "age": 36,
        "two words": "x",
        "a-b": "y",
        "": "z",
        "7": "seven",
        "place": {"city": "Rom"},
        "tags": ["a", "b", "c"],
        "when": dt.date(2024, 5, 1),
    }
    assert text_of(prompt, values) == text


def test_a_template_reads_only_the_columns_that_it_names():
    template = Template.of('{{b}} {{row["a"]}} {{b}}', ["a", "b", "c"])
    assert template.names == ("b", "a")
    assert template.fill({"b": "1", "a": "2"})[0].text == "1 2 1"
    assert Template.of("{{row}} {{a}}", ["a", "b"]).names == ("a", "b")
    assert Template.of("no places", ["a", "b"]).names == ("a", "b")


def test_the_whole_row_is_json():
    assert text_of("Read {{row}}!", {"a": "x", "b": 2}) == 'Read {"a": "x", "b": 2}!'


def test_a_column_called_row_goes_before_the_row_itself():
    assert text_of("{{row}}", {"row": "own", "a": "x"}) == "own"
    assert text_of('{{row["a"]}}', {"row": {"a": "own"}, "a": "x"}) == "own"


def test_values_are_never_read_again():
    assert text_of("{{a}}", {"a": "{{b}} {{row}}", "b": "no"}) == "{{b}} {{row}}"


def test_a_template_can_be_pickled():
    template = Template.of('{{a}} {{row["b c"][0]}}', ["a", "b c"])
    again = pickle.loads(pickle.dumps(template))  # noqa: S301 - our own
    assert again == template
    assert again.fill({"a": "1", "b c": ["2"]})[0].text == "1 2"


# What is refused


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ("{{txet}}", ["no column 'txet'", "Did you mean 'text'", "{{txet}}"]),
        ('{{row["txet"]}}', ["no column 'txet'", "Did you mean 'text'"]),
        ("{{row.txet}}", ["no column 'txet'"]),
        ("{{zzz.a}}", ["no column 'zzz'", "The columns are 'text', 'two words', 'a-b', 'class'"]),
        ("{{open}}", ["no column 'open'"]),
    ],
)
def test_a_missing_column_is_named_with_the_nearest_before_anything_is_filled_in(prompt, words):
    with pytest.raises(UnboundName) as caught:
        Template.of(prompt, ["text", "two words", "a-b", "class"])
    assert all(word in str(caught.value) for word in words)


@pytest.mark.parametrize("name", ["two words", "a-b", "class"])
def test_a_column_whose_name_is_no_word_is_not_sent_as_it_stands(name):
    with pytest.raises(InputError) as caught:
        Template.of(f"{{{{ {name} }}}}", ["text", "two words", "a-b", "class"])
    assert f'Write {{{{row["{name}"]}}}}' in str(caught.value)


@pytest.mark.parametrize(
    ("prompt", "reason"),
    [
        ("{{text()}}", "a call"),
        ("{{text.upper()}}", "a call"),
        ("{{text.__class__}}", "starts with an underscore"),
        ('{{row["text"]._x}}', "starts with an underscore"),
        ("{{text[i]}}", "an index must be a number or a text in quotes"),
        ("{{text[1:2]}}", "an index must be"),
        ("{{text + text}}", "names, attributes and literal indexes only"),
        ("{{(lambda: 1)}}", "names, attributes and literal indexes only"),
        ("{{f'{text}'}}", "names, attributes and literal indexes only"),
    ],
)
def test_what_is_no_path_is_refused_as_in_a_template(prompt, reason):
    with pytest.raises(InputError, match="is refused") as caught:
        Template.of(prompt, ["text"])
    assert reason in str(caught.value)


def test_a_path_through_a_module_is_refused():
    with pytest.raises(InputError, match="reads from a module"):
        filled("{{x.sys}}", {"x": dt})


def test_a_step_that_fails_is_an_error_of_the_row():
    template = Template.of("{{a['k']}}", ["a"])
    assert template.fill({"a": {"k": 1}})[0].text == "1"
    with pytest.raises(InputError, match="failed: KeyError"):
        template.fill({"a": {}})


def test_rows_of_a_table_are_chosen_where_there_is_a_table():
    assert "9 rows" in text_of("{{a:2}}", {"a": pd.DataFrame({"x": range(9)})})
    with pytest.raises(InputError, match="is not a table"):
        filled("{{a:2}}", {"a": "text"})


# Without a place


def test_one_value_goes_behind_the_prompt_as_it_is():
    assert text_of("Who is it?", {"text": "Ada {x}"}) == "Who is it?\n\nAda {x}"
    assert text_of("", {"text": "Ada"}) == "Ada"
    assert text_of("Who is it?\n\n", {"text": "Ada"}) == "Who is it?\n\nAda"


def test_several_values_go_behind_the_prompt_as_json():
    values = {"a": "é", "b": 1.5, "c": None, "d": True, "two words": ["x"]}
    assert text_of("Read:", values) == ('Read:\n\n{"a": "é", "b": 1.5, "c": null, "d": true, "two words": ["x"]}')


def test_braces_that_are_only_escaped_leave_no_place():
    assert text_of(r"A \{{a}} here", {"a": "x"}) == "A {{a}} here\n\nx"


# Values


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (float("nan"), "null"),
        (pd.NA, "null"),
        (pd.NaT, "null"),
        (np.float64("nan"), "null"),
        (Decimal("NaN"), "null"),
        ("", ""),
        (np.int64(3), "3"),
        (np.float32(0.5), "0.5"),
        (np.bool_(True), "True"),
        (np.str_("x"), "x"),
        (np.datetime64("2024-05-01"), "2024-05-01"),
        (pd.Timestamp("2024-05-01 10:00"), "2024-05-01T10:00:00"),
        (pd.Timedelta("1D"), "1 days 00:00:00"),
        (Decimal("1.50"), "1.50"),
        ({"k": [1]}, '{"k": [1]}'),
        (np.array([1, 2]), "[1, 2]"),
    ],
    ids=repr,
)
def test_a_value_is_written_as_in_a_cell(value, text):
    assert text_of("<{{a}}>", {"a": value}) == f"<{text}>"


@pytest.mark.parametrize("value", [None, float("nan"), pd.NA, pd.NaT, np.datetime64("NaT")], ids=repr)
def test_a_missing_value_among_others_is_null(value):
    assert text_of("{{a.real[0]}} {{b}}", {"a": value, "b": "x"}) == "null x"
    assert text_of("", {"a": value, "b": "x"}) == '{"a": null, "b": "x"}'


def test_numbers_of_numpy_and_infinity_stay_json():
    assert text_of("", {"a": np.int64(1), "b": float("inf"), "c": pd.Timestamp("2024-05-01")}) == (
        '{"a": 1, "b": null, "c": "2024-05-01T00:00:00"}'
    )


@pytest.mark.parametrize("value", [open, b"\x01\x02", (one for one in ()), object()], ids=["function", "b", "g", "o"])
def test_a_value_that_cannot_be_sent_is_an_error_of_the_row(value):
    with pytest.raises(UnsupportedValue, match=r"\{\{a\}\}"):
        filled("See {{a}}", {"a": value})


def test_an_escaped_name_that_is_no_word_is_text():
    assert text_of(r"\{{a-b}} {{c}}", {"a-b": "x", "c": "y"}) == "{{a-b}} y"


def test_half_of_a_surrogate_pair_is_an_error_of_the_row():
    with pytest.raises(InputError, match="surrogate"):
        filled("See {{a}}", {"a": "\ud800"})


def test_a_row_above_the_limit_is_an_error_of_the_row():
    template = Template.of("{{a}}{{b}}", ["a", "b"])
    assert template.fill({"a": "x" * 5, "b": "y" * 5}, limit=10)[0].text == "xxxxxyyyyy"
    with pytest.raises(InputError, match="text of this row is 11 characters long; the limit is 10"):
        template.fill({"a": "x" * 5, "b": "y" * 6}, limit=10)
    with pytest.raises(InputError, match=r"4,000,001 characters long; the limit is 4,000,000"):
        filled("{{a}}", {"a": "x" * 4_000_001})


# Pictures


def picture(side=3):
    return Image.new("RGB", (side, side), "red")


def png_of(image):
    written = io.BytesIO()
    image.save(written, "PNG")
    return written.getvalue()


@pytest.mark.parametrize("kind", ["bytes", "PIL", "array", "path"])
def test_a_picture_stands_where_its_column_is_named(kind, tmp_path):
    path = tmp_path / "p.png"
    path.write_bytes(PNG)
    value = {
        "bytes": PNG,
        "PIL": picture(),
        "array": np.zeros((32, 32, 3), dtype=np.uint8),
        "path": path,
    }[kind]
    parts = filled("Is {{photo}} a {{what}}?", {"photo": value, "what": "cat"})
    first, *_, last = spelled(parts)
    assert first.startswith("Is ")
    assert "image/png" in spelled(parts)
    assert last.endswith(" a cat?")


def test_a_picture_without_a_place_goes_behind_the_rest():
    assert spelled(filled("What is it?", {"photo": PNG})) == ["What is it?\n\n", "image/png"]
    assert spelled(filled("What is it?", {"photo": PNG, "id": 3})) == ['What is it?\n\n{"id": 3}\n\n', "image/png"]
    assert spelled(filled("", {"photo": PNG})) == ["image/png"]


def test_several_pictures_without_a_place_are_named():
    assert spelled(filled("Compare.", {"left": PNG, "right": PNG, "note": "x"})) == [
        'Compare.\n\n{"note": "x"}\n\nleft:\n',
        "image/png",
        "\n\nright:\n",
        "image/png",
    ]


def test_a_row_without_its_picture_says_null():
    assert text_of("Is {{photo}} a {{what}}?", {"photo": None, "what": "cat"}) == "Is null a cat?"


def test_pictures_are_made_smaller_when_that_was_asked_for():
    (small,) = filled("{{p}}", {"p": picture(64)}, pictures=Pictures(max_side=8))
    assert Image.open(io.BytesIO(small.inline_data.to_bytes())).size == (8, 8)


def test_the_same_picture_gives_the_same_part():
    (one,), (other,) = (filled("{{p}}", {"p": png_of(picture())}) for _ in range(2))
    assert one == other == to_parts(png_of(picture()))[0]


# The same rules as in a template


@pytest.fixture
def in_a_template(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GEMINI_MAGIC_CONFIG", str(tmp_path / "settings" / "config.toml"))


NAMES = st.sampled_from(["a", "b", "_p", "x1", "open", "é"])
STEPS = st.sampled_from([".a", "._a", ".__class__", "[0]", "[-1]", "['k']", "[i]", "()", ".f(1)", "[0:1]", " + 1"])
INSIDES = st.builds(lambda name, steps: name + "".join(steps), NAMES, st.lists(STEPS, max_size=3))
TEXTS = st.lists(
    st.one_of(st.text(max_size=5), INSIDES.map("{{{{{}}}}}".format), st.sampled_from(["{{", "}}", "\\", "{", "}"])),
    max_size=5,
).map("".join)


class Watch:
    """A value that has every attribute and item, and notes which were read."""

    def __init__(self):
        self.done = []

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        self.done.append(name)
        return self

    def __getitem__(self, key):
        return self

    def __call__(self, *_):
        raise AssertionError("called")

    def _gemini_text_(self):
        return "value"


def outcome(make):
    try:
        return make()
    except GeminiMagicError as error:
        return type(error).__name__ if isinstance(error, UnboundName) else "refused"


@settings(max_examples=300)
@given(TEXTS)
def test_a_prompt_for_rows_and_a_template_agree(text):
    names = ("a", "b", "x1", "é", "_p")

    def in_rows():
        values = {name: Watch() for name in names}
        template = Template.of(text, names)
        if not template.pieces:
            return template.prompt
        return "".join(part.text or "" for part in template.fill(values))

    def in_template():
        pieces = templates.split(text, dict.fromkeys(names, Watch()))
        for piece in pieces:
            if isinstance(piece, templates.Expression):
                templates._check_name(piece, templates.path_of(piece, "it"), dict.fromkeys(names), "it")
        return "".join(piece if isinstance(piece, str) else "value" for piece in pieces)

    ours, theirs = outcome(in_rows), outcome(in_template)
    # Of two faults in one text either may be named first.
    assert ours == theirs or {ours, theirs} == {"refused", "UnboundName"}


@pytest.mark.usefixtures("in_a_template")
def test_a_template_of_a_cell_reads_the_same():
    text = 'A {{name}}, {{place["city"]}} {{tags[-1]}} \\{{name}} {{{name}}} {{#x}}'
    values = {"name": "Ada", "place": {"city": "Rom"}, "tags": ["a", "b"]}
    template_files.save("it", text)
    assert templates.fill("it", [], values) == [text_of(text, values)]


def test_nothing_behind_an_underscore_is_ever_read():
    watch = Watch()
    for prompt in ("{{a._b}}", "{{a.b._c}}", "{{a['k']._c}}"):
        with pytest.raises(InputError):
            filled(prompt, {"a": watch})
    assert watch.done == []
