from __future__ import annotations

import pytest

from gemini_magic.display.answer import answer_bundle
from gemini_magic.display.base import View


def shown(reply, view_format):
    bundle = answer_bundle(reply, view=View(view_format))
    return bundle["text/html"], bundle["text/plain"]


def test_plain_text_is_shown_as_it_is(replies):
    html, plain = shown(replies.of("*a* <b>\n  $x$"), "text")
    assert '<pre class="gm-plain">*a* &lt;b&gt;\n  <span>$</span>x<span>$</span></pre>' in html
    assert plain.startswith("*a* <b>\n  $x$\n")


@pytest.mark.parametrize(
    "text", ['{"b":[1,"é"]}', 'Sure:\n\n```json\n{"b": [1, "é"]}\n```\nDone.', '```\n{"b":[1,"\\u00e9"]}\n```']
)
def test_json_is_indented_and_coloured(replies, text):
    html, plain = shown(replies.of(text), "json")
    assert '<span class="nt">&quot;b&quot;</span>' in html
    assert plain.startswith('{\n  "b": [\n    1,\n    "é"\n  ]\n}\n')


@pytest.mark.parametrize("text", ["Sorry, <b>no</b>.", '{"a": 1', "[" * 100_000, '{"a": 1} {"b": 2}'])
def test_what_is_no_json_is_said_and_shown_as_it_came(replies, text):
    html, plain = shown(replies.of(text), "json")
    assert "This is not JSON" in html
    assert "<b>" not in html
    assert text in plain


def test_code_alone_is_shown(replies):
    html, plain = shown(replies.of("Words.\n\n```python\nx = 1\n```\n\nMore.\n\n```sql\nselect\n```"), "code")
    assert plain.startswith("```python\nx = 1\n```\n\n```sql\nselect\n```")
    assert "Words" not in html
    assert '<span class="m">1</span>' in html


def test_code_that_ran_counts_as_code(replies):
    html, plain = shown(replies.of("Words.", {"executableCode": {"code": "run()"}}, "More."), "code")
    assert "run()" in html
    assert "Words" not in html + plain


def test_an_answer_without_code_is_shown_with_a_note(replies):
    html, plain = shown(replies.of("Only *words*."), "code")
    assert plain.startswith("[There is no code in this answer. This is its text:]\n\nOnly *words*.")
    assert "Only *words*." in html


@pytest.mark.parametrize(
    "text", ["<h1>Hi</h1><script>run()</script>", "Here:\n```html\n<h1>Hi</h1><script>run()</script>\n```"]
)
def test_a_page_is_shown_in_a_frame_where_nothing_runs_with_its_source_folded(replies, ours, text):
    html, plain = shown(replies.of(text), "html")
    assert (
        '<iframe class="gm-page" title="Page that the model wrote; nothing in it runs" sandbox="allow-popups ' in html
    )
    assert "&lt;h1&gt;Hi&lt;/h1&gt;&lt;/body&gt;" in html
    assert "<summary>Source of this page</summary>" in html
    assert plain.startswith("<h1>Hi</h1><script>run()</script>")
    ours(html)


def test_a_page_of_monstrous_length_is_not_framed(replies):
    html, _ = shown(replies.of("<p>" + "x" * 1_000_001), "html")
    assert "too long to be shown in a frame" in html
    assert "<iframe" not in html


@pytest.mark.parametrize("view_format", ["text", "json", "code", "html"])
def test_hostile_text_is_inert_in_every_format(replies, payloads, ours, view_format):
    for payload in payloads:
        for text in (payload, f"```html\n{payload}\n```"):
            ours(shown(replies.of(text), view_format)[0])


@pytest.mark.parametrize("view_format", ["text", "json", "code", "html"])
def test_nothing_is_shown_of_an_empty_text(replies, view_format):
    assert shown(replies.of(" \n", reason="STOP"), view_format)[1].endswith("— test-model")
