from __future__ import annotations

import keyword
import subprocess
import sys
import types

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_magic import wire
from gemini_magic.exceptions import GeminiMagicError, InputError, UnboundName, UnsupportedValue
from gemini_magic.magics.prompts.interpolation import interpolate
from gemini_magic.parts import Pictures
from gemini_magic.settings import ApiKey

PDF = b"%PDF-1.7" + bytes(8)


def text_of(text, **namespace):
    pieces = interpolate(text, namespace)
    assert all(isinstance(piece, str) for piece in pieces)
    return "".join(pieces)


# Texts that stay as they were typed

AS_TYPED = [
    '{"a": {"b": [1, 2]}, "c": {}}',
    '{"a":{"b":{"c":1}}}',
    "{k: v for k, v in {1: 2}.items()}",
    "{{k: v for k, v in x}}",
    "a{color:red}b{margin:0}",
    "{{margin:0}}",
    "style={{color: 'red'}}",
    "<div {...{...props}} style={{...base}}>",
    r"\frac{a}{b} \left\{ x \right\} \{{",
    r"$\mathbb{R}^{{n}_{i}}$",
    "{% for x in y %}{% endfor %}",
    "{{ .Values.image }}",
    "{{- range .Items -}}",
    "{{#if a}}b{{/if}}",
    "{{> partial}}",
    "{{!-- note --}}",
    "{{ a b }}",
    "{{",
    "}}",
    "{{}}",
    "{{ }}",
    "{{x",
    "{{x}",
    "{x}}",
    "{ {x} }",
    "{",
    "}",
    "${x} $x :x @{x} %(x)s {x}",
    "{{await x}}",
    "{{yield}}",
    "{{x = 1}}",
    "{{import os}}",
    "{{class}}",
    "{{" * 50,
    "}}" * 50,
    "{{x\x00}}",
    "\\",
    "\\{",
    "a\r\nb\tc\u2028d\ufeffe",
    "😀 汉字 e\u0301 \u202eabc",
]


@pytest.mark.parametrize("text", AS_TYPED)
def test_what_is_no_expression_stays_as_it_was_typed(text):
    assert interpolate(text, {"x": 1, "k": 2}) == [text]
    assert interpolate(f"{text} {{{{k}}}} {text}", {"x": 1, "k": 2})[0].startswith(text)


@given(st.text().filter(lambda text: "{{" not in text))
def test_text_without_double_braces_is_the_identity(text):
    assert interpolate(text, {}) == ([text] if text else [])


@given(st.text(alphabet="{}x1 .:\\'\"[]()\n", max_size=40))
def test_raw_is_the_identity(text):
    assert interpolate(text, {"x": 1}, raw=True) == ([text] if text else [])


def test_a_variable_goes_in_where_it_is_named():
    assert text_of("a {{x}} b {{ x + 1 }}{{x}}", x=5) == "a 5 b 65"


def test_a_value_is_never_read_again():
    assert text_of("{{a}}", a="{{b}}", b="no") == "{{b}}"
    assert text_of("{{a}}{{a}}", a="{{") == "{{{{"
    assert text_of("{{a}}b}}", a="{{", b="no") == "{{b}}"


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ('{{ {"a": 1}["a"] }}', "1"),
        ('{{ {"a": {"b": {"c": 2}}}["a"]["b"]["c"] }}', "2"),
        ('{{{"a":1}["a"]}}', "1"),
        ('{{ {"a": 1} }}', '{"a": 1}'),
        ('{{{"a": 1}}}', '{"a": 1}'),
        ("{{ {x} }}", "[5]"),
        ("{{ '}}' + 'a' }}", "}}a"),
        ("{{ f'{x}' }}", "5"),
        ("{{ f'{x}'}}}", "5}"),
        ("{{{x}}}", "{5}"),
        ("{{{{x}}}}", "{{5}}"),
        (r"\frac{{{x}}}{2}", r"\frac{5}{2}"),
        ("{{x\n}}", "5"),
        ("{{\u00a0x }}", "5"),
        ("{{ [i * x for i in range(3)] }}", "[0, 5, 10]"),
        ("{{ (lambda y: y + x)(1) }}", "6"),
        ("{{ sum(i for i in range(x)) }}", "10"),
        ("{{ x if x else y }}", None),
        ("{{ 'a' 'b' }}", "ab"),
        ("{{ None }}", "None"),
        ("{{ len('abc') }}", "3"),
        ("{{ 1 is 1 }}", "True"),
    ],
)
def test_the_end_of_an_expression_is_found(text, result):
    if result is None:
        with pytest.raises(UnboundName, match="'y'"):
            text_of(text, x=5)
    else:
        assert text_of(text, x=5) == result


@pytest.mark.parametrize(
    ("text", "result"),
    [
        (r"\{{x}}", "{{x}}"),
        (r"a \{{ x }} {{x}}", "a {{ x }} 5"),
        (r"\{{undefined}}", "{{undefined}}"),
        (r"\\{{x}}", r"\\5"),
        (r"\\\{{x}}", r"\\{{x}}"),
        (r"\{{{x}}}", "{{{x}}}"),
        (r"\{{ a b }}", r"\{{ a b }}"),
        (r"\{x}", r"\{x}"),
        (r"C:\{{x", r"C:\{{x"),
    ],
)
def test_a_backslash_makes_braces_text_where_they_would_open_an_expression(text, result):
    assert text_of(text, x=5) == result


def test_names_of_the_notebook_win_over_built_in_ones():
    assert text_of("{{len}}{{max}}", len=1, max="m") == "1m"


def test_a_name_like_a_flag_is_a_name():
    assert text_of("{{model}} {{quiet}}", model="m", quiet=1) == "m 1"


def test_a_missing_name_names_the_nearest_and_the_ways_out():
    with pytest.raises(UnboundName) as caught:
        text_of("a {{tabel}}", table=1)
    text = str(caught.value)
    assert text.startswith("{{tabel}}: 'tabel' is not defined in this notebook. Did you mean 'table'")
    assert r"\{{" in text
    assert "--raw" in text
    assert "\n" not in text


@pytest.mark.parametrize("text", ["{{ x|upper }}", "{{user.name}}", r"\frac{{a}}{b}", "{{- x }}", "{{f()}}{{x}}"])
def test_an_expression_with_a_missing_name_fails(text):
    with pytest.raises(UnboundName):
        text_of(text)


def test_nothing_is_called_when_a_name_is_missing():
    calls = []
    with pytest.raises(UnboundName):
        text_of("{{f()}} {{[f() for _ in [1]]}} {{missing}}", f=lambda: calls.append(1))
    with pytest.raises(InputError):
        text_of("{{f()}} {{f._name}}", f=lambda: calls.append(1))
    assert calls == []


def test_a_name_bound_in_one_part_of_an_expression_is_not_bound_in_another():
    calls = []
    with pytest.raises(UnboundName):
        text_of("{{ f(), [x for x in [1]], x }}", f=lambda: calls.append(1))
    assert calls == []


@pytest.mark.parametrize("text", ["{{x.__class__}}", "{{x._private}}", "{{[y._z for y in x]}}", "{{f(x.__dict__)}}"])
def test_an_attribute_with_an_underscore_is_refused(text):
    with pytest.raises(InputError, match="underscore"):
        text_of(text, x=[], f=str)


def test_an_assignment_is_refused_and_leaves_nothing_behind():
    namespace = {"x": 1}
    with pytest.raises(InputError, match=":="):
        interpolate("{{ (x := 5) }}", namespace)
    interpolate("{{x}}", namespace)
    assert namespace == {"x": 1}


def test_an_expression_that_raises_fails_with_one_line():
    def fail():
        raise ValueError("first\nsecond")

    with pytest.raises(InputError) as caught:
        text_of("{{f()}}", f=fail)
    assert str(caught.value) == "{{f()}} failed: ValueError: first."
    with pytest.raises(InputError, match="ZeroDivisionError"):
        text_of("{{1/0}}")
    with pytest.raises(UnboundName, match="inner"):
        text_of("{{f()}}", f=lambda: inner)  # noqa: F821 - that is the fault


def test_an_interrupt_is_not_swallowed():
    def interrupt():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        text_of("{{f()}}", f=interrupt)


def test_each_expression_is_evaluated_once_and_in_order():
    calls = []
    assert text_of("{{f(1)}}{{f(2)}}", f=lambda x: calls.append(x) or x) == "12"
    assert calls == [1, 2]


def test_a_value_that_cannot_be_sent_is_named_as_it_was_typed():
    with pytest.raises(UnsupportedValue, match=r"^\{\{ mod \}\} \(module\)"):
        text_of("{{ mod }}", mod=types)
    with pytest.raises(InputError, match="character 0"):
        text_of("{{x}}", x="\ud800")
    with pytest.raises(InputError, match="The prompt"):
        text_of("typed \ud800")


def test_a_long_expression_is_cut_in_messages():
    with pytest.raises(UnboundName) as caught:
        text_of("{{" + " + ".join(["abcdefg"] * 100) + "}}")
    assert len(str(caught.value)) < 300


def test_media_go_in_where_they_are_named():
    part = wire.Part(text="signed", thought_signature="c2ln")
    pieces = interpolate("see {{pdf}} and {{pdf}}{{part}} {{n}}.", {"pdf": PDF, "part": part, "n": 1})
    assert [piece if isinstance(piece, str) else None for piece in pieces] == ["see ", None, " and ", None, None, " 1."]
    assert pieces[1].part.inline_data.mime_type == "application/pdf"
    assert pieces[1].name == pieces[3].name == "{{pdf}}"
    assert pieces[4] == ("{{part}}", part)
    assert pieces[4].part is part


def test_texts_among_media_are_text_of_the_prompt():
    pieces = interpolate("a {{items}} b", {"items": ["x", PDF, "y"]})
    assert [piece if isinstance(piece, str) else piece.name for piece in pieces] == ["a x", "{{items}}", "y b"]


def test_what_was_asked_for_pictures_arrives():
    image = pytest.importorskip("PIL.Image").new("RGB", (40, 20))
    for wishes, kind in ((None, "image/png"), (Pictures(quality=50), "image/jpeg")):
        (piece,) = interpolate("{{x}}", {"x": image}, pictures=wishes)
        assert piece.part.inline_data.mime_type == kind
    with pytest.raises(InputError, match=r"^\{\{ x\[0\] \}\} \(PNG\) is no whole picture"):
        interpolate("{{ x[0] }}", {"x": [b"\x89PNG\r\n\x1a\n"]})


def test_an_empty_value_leaves_no_empty_text():
    assert interpolate("{{x}}", {"x": ""}) == []
    assert interpolate("", {}) == []
    assert interpolate("{{pdf}}", {"pdf": PDF})[0].part.inline_data


def test_a_key_is_not_sent_to_the_model():
    key = ApiKey("planted-Key-0123456789")
    part = wire.Part(text=key.reveal())
    for value in (key.reveal(), {"a": [key.reveal()]}, f"x{key.reveal()}y", [PDF, key.reveal()], part):
        with pytest.raises(InputError, match="would send your key") as caught:
            interpolate("{{x}}", {"x": value}, keys=[key])
        assert key.reveal() not in str(caught.value)
    assert interpolate("{{x}}", {"x": "fine"}, keys=[key]) == ["fine"]


def test_the_whole_prompt_has_a_limit():
    with pytest.raises(InputError, match=r"The prompt is 4,500,000 characters"):
        text_of("{{x}}{{x}}{{x}}", x="a" * 1_500_000)


# Tables


@pytest.fixture
def frame():
    pd = pytest.importorskip("pandas")
    return pd.DataFrame({"a": range(300), "b": 1})


def test_a_table_is_compact(frame):
    assert len(text_of("{{df}}", df=frame).splitlines()) == 3 + 21


@pytest.mark.parametrize("text", ["{{df:200}}", "{{ df:200 }}", "{{box.df:200}}", "{{df.a:200}}"])
def test_rows_are_named_behind_a_colon(frame, text):
    assert len(text_of(text, df=frame, box=types.SimpleNamespace(df=frame)).splitlines()) == 3 + 201


def test_rows_of_something_else_are_refused_when_the_name_is_defined():
    with pytest.raises(InputError, match=r"^\{\{x:5\}\} \(list\) is not a table"):
        text_of("{{x:5}}", x=[1])
    with pytest.raises(UnboundName):
        text_of("{{x:5}} {{y}}", x=[1])


def test_a_slip_in_the_name_of_a_table_is_told_from_css(frame):
    with pytest.raises(UnboundName, match="Did you mean 'sales'"):
        text_of("{{salse:20}}", sales=frame)
    assert text_of("{{margin:0}} {{width:100}}", sales=frame) == "{{margin:0}} {{width:100}}"


def test_more_rows_than_fit_name_the_way_out(frame):
    with pytest.raises(InputError, match=r"^\{\{df:999999999\}\} .*head"):
        text_of("{{df:999999999}}", df=frame)


# Any text at all

SYNTAX = st.text(alphabet="{}x1yf .:\\'\"[](),=|+\n", max_size=60)


def _forbidden(*_args):
    raise AssertionError("called")


@given(SYNTAX)
def test_no_text_raises_an_error_that_is_not_ours(text):
    try:
        interpolate(text, {"x": 5, "y": "{{x}}", "f": str})
    except GeminiMagicError as error:
        assert "\n" not in str(error).replace(text, "")  # noqa: PT017 - most texts raise nothing


@given(SYNTAX, SYNTAX)
def test_nothing_is_called_when_some_name_is_missing(before, after):
    namespace = {"f": _forbidden, "x": _forbidden}
    try:
        interpolate(f"{before} {{{{missing}}}} {after}", namespace)
    except GeminiMagicError:
        return


@given(st.text(alphabet="{}\\ ab", max_size=40), st.text(max_size=20))
def test_a_value_arrives_whole_whatever_it_says(around, value):
    around = around.replace("{{", "{ ").rstrip("\\{")
    assert text_of(f"{around}{{{{v}}}}", v=value) == around + value


@given(st.from_regex(r"[a-z]{1,8}", fullmatch=True).filter(lambda name: not keyword.iskeyword(name)), st.integers())
def test_any_name_finds_its_value(name, value):
    assert text_of(f"<{{{{{name}}}}}>", **{name: value}) == f"<{value}>"


def test_long_texts_full_of_braces_are_read_in_one_go():
    for text in ("{{" * 200_000, "}}" * 200_000, "{{ x }" * 50_000, "{" * 300_000 + "x" + "}" * 300_000):
        assert len("".join(interpolate(text, {"x": 1}))) > 100_000


def test_loading_stays_light():
    code = "import sys, gemini_magic.magics.prompts.interpolation, gemini_magic.magics.command; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    assert not {"pydantic", "httpx", "narwhals", "pandas", "PIL", "ipywidgets"} & set(done.stdout.split())
