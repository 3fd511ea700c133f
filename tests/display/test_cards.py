from __future__ import annotations

import json

from gemini_magic.display.cards import (
    CodeCard,
    ErrorLine,
    RequestCard,
    Table,
    models_table,
    reply_bundle,
    shortened,
    usage_table,
)
from gemini_magic.exceptions import ConfigError

ROWS = [{"model": "small", "calls": 1_200, "cost": 0.5}, {"model": "large", "calls": 3}]


def html(card):
    return card._repr_mimebundle_()["text/html"]


def test_a_table_lines_up_in_text():
    assert str(Table(ROWS, "Usage", {"calls": 1_203})) == (
        "Usage\nmodel  calls  cost\n-----  -----  ----\nsmall  1,200  0.50\nlarge      3\n       1,203"
    )


def test_a_table_is_a_table_in_html():
    shown = html(Table(ROWS, "Usage", {"calls": 1_203}))
    assert '<caption class="gm-caption">Usage</caption>' in shown
    assert '<th scope="col" class="gm-right">calls</th>' in shown
    assert '<td class="gm-right"><b>1,203</b></td>' in shown


def test_an_empty_table_says_so():
    assert str(usage_table([])) == "Usage in this kernel, in tokens\nNothing has been asked in this kernel yet."
    assert "Nothing has been asked" in html(usage_table([]))


def test_what_a_server_calls_its_models_is_not_html():
    shown = html(models_table([{"name": "<img src=x onerror=run()>", "a\x1b[31m": "b\nc"}], "<b>"))
    assert "<img" not in shown
    assert "<b>" not in shown.replace("<b></b>", "")
    assert "\x1b" not in str(models_table([{"a\x1b[31m": "\x1b[2J"}]))


def test_the_request_card_counts_base64_and_prints_the_rest():
    body = {"contents": [{"parts": [{"text": "What is <this>?"}, {"inlineData": {"data": "A" * 132_040}}]}]}
    for form in (body, json.dumps(body), json.dumps(body).encode()):
        card = RequestCard("POST", "/v1beta/models/x:generateContent", form)
        assert '"data": "<132,040 base64 characters>"' in str(card)
        assert '"text": "What is <this>?"' in str(card)
        assert "AAAA" not in html(card)
        assert "<this>" not in html(card)


def test_the_request_card_shows_no_key():
    key = "AIzaSecretSecret"
    card = RequestCard(
        "POST",
        f"/v1?alt=sse&key={key}",
        {"note": f"my key is {key}"},
        {"x-goog-api-key": key, "Authorization": f"Bearer {key}", "X-Custom": key, "content-type": "application/json"},
        (key,),
    )
    assert key not in str(card)
    assert key not in repr(card)
    assert key not in html(card)
    assert "alt=sse&key=••••" in str(card)
    assert "x-goog-api-key: ••••" in str(card)
    assert "content-type: application/json" in str(card)


def test_a_request_without_a_body_and_one_that_is_no_json():
    assert str(RequestCard("GET", "/v1beta/models")) == "GET /v1beta/models"
    assert "not json" in str(RequestCard("POST", "/", "not json \x1b[2J"))


def test_long_texts_are_cut_with_their_rest_counted():
    assert shortened({"a": ["x " * 3_000, 1, None]}) == {
        "a": ["x " * 2_000 + "… <2,000 more characters>", 1, None],
    }
    assert "more characters" in str(RequestCard("POST", "/", [["text"] * 20_000]))


def test_code_is_text_alone_and_colours_in_a_page():
    card = CodeCard("x = '<b>'\n", "python", "A line")
    assert str(card) == repr(card) == card._repr_mimebundle_()["text/plain"] == "x = '<b>'\n"
    assert 'aria-label="A line"' in html(card)
    assert "&lt;b&gt;" in html(card)
    assert '<span class="s">' in html(card)


def test_an_error_is_one_line():
    line = ErrorLine(ConfigError("No key for <google>.", hint="Set one."))
    assert str(line) == "ConfigError: No key for <google>. Set one."
    assert 'role="alert"' in html(line)
    assert "&lt;google&gt;" in html(line)


def test_a_reply_is_shown_as_its_answer(replies):
    image = {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}
    bundle = reply_bundle(replies.of("**Hi**", image))
    assert "<strong>Hi</strong>" in bundle["text/html"]
    assert bundle["text/plain"].startswith("**Hi**\n\n[image: image/png, 8 bytes, in .images of this reply]")
