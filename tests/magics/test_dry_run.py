"""What would be sent: seen, counted and priced before anything is."""

from __future__ import annotations

import base64
import json
import urllib.parse
from typing import TYPE_CHECKING, Any

import pytest
from wire_server import Say, Seen, answer, error

from gemini_magic import ledger
from gemini_magic.chat import KERNEL
from gemini_magic.client.capabilities import learn
from gemini_magic.display.cards import RequestCard
from gemini_magic.settings import load_config

if TYPE_CHECKING:
    from pathlib import Path

KEY = "planted-3ad9f60b7c81e254"
FORMS = {
    "raw": KEY,
    "in a URL": urllib.parse.quote(KEY, safe="").replace("-", "%2D"),
    "base64": base64.b64encode(KEY.encode()).decode().rstrip("="),
    "hex": KEY.encode().hex(),
    "escaped": "".join(f"\\u{ord(character):04x}" for character in KEY),
    "its beginning": KEY[:12],
}
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAEElEQVR4nGP4z8AARAwQCgAf7gP9i18U1AAAAABJRU5ErkJggg=="
)


def counting(tokens: Any = 1_234, **more: Any) -> Any:
    """A gateway that counts, and answers."""

    def say(seen: Seen) -> Say:
        if seen.target.endswith(":countTokens"):
            return Say([json.dumps({"totalTokens": tokens, **more}).encode()])
        return answer("Yes", ".")

    return say


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of our own for what is remembered of gateways."""
    monkeypatch.setenv("GEMINI_MAGIC_STATE", str(tmp_path / "state"))


@pytest.fixture
def counted(notebook: Any) -> Any:
    """A notebook whose gateway counts."""
    notebook.wire.answers(counting())
    return notebook


def card_of(notebook: Any, prompt: str = "one", options: str = "") -> RequestCard:
    notebook.run(f"card = %gemini --dry-run {options} {prompt}")
    card = notebook["card"]
    assert isinstance(card, RequestCard)
    return card


def test_the_card_is_what_is_sent_the_next_time(counted):
    counted.run("%gemini zero")
    card = card_of(counted, "one", "-t 1")
    counted.run("%gemini -t 1 one")
    sent = counted.wire.seen[-1]
    assert (card.method, card.path, card.data) == ("POST", counted.wire.url + sent.target, sent.body)
    assert card.title == "Would be sent"


def test_nothing_is_sent_but_the_request_to_count(counted):
    card = card_of(counted)
    (seen,) = counted.wire.seen
    assert seen.target.endswith("/models/gemini-x:countTokens")
    assert card.tokens == 1_234
    assert "Nothing was sent but a request to count tokens" in str(card)
    assert f"{len(card.data):,} bytes · 1,234 tokens" in str(card)


def test_the_conversation_stays_as_it_was(counted):
    card_of(counted)
    assert not KERNEL.chats
    counted.run("%gemini zero")
    before = [chat.turns for chat in KERNEL.chats]
    card_of(counted)
    assert [chat.turns for chat in KERNEL.chats] == before
    counted.run("%gemini one")
    assert len(counted.body["contents"]) == 3
    assert [entry.status for entry in ledger.KERNEL.entries] == ["ok", "ok"]


def test_a_cell_shows_the_card(counted, capsys):
    counted.run("%%gemini --dry-run\nWhat is {{1 + 1}}?")
    shown = capsys.readouterr().out
    assert shown.startswith("Would be sent:\nPOST ")
    assert '"text": "What is 2?"' in shown


def test_what_would_be_sent_can_be_had_as_code_and_saved(counted, tmp_path):
    card = card_of(counted)
    assert card.curl.startswith("cat > request.json")
    assert "import httpx" in card.python
    assert json.loads(card.save(tmp_path / "a.json").read_bytes()) == card.body


@pytest.mark.parametrize("options", ["", "--no-stream"])
def test_it_is_the_last_request_then(counted, options):
    counted.run("%gemini zero")
    card = card_of(counted, options=options)
    counted.run("last = %gemini last request")
    assert (counted["last"].data, counted["last"].path) == (card.data, card.path)
    assert ("stream" in card.path) is (options == "")


def test_pictures_are_seen(counted):
    counted.run("card = %gemini --dry-run What is {{picture}} ?", picture=PNG)
    card = counted["card"]
    assert f"image/png, {len(PNG):,} bytes, 2 × 2 pixels" in str(card)
    assert "<img " in card._repr_mimebundle_()["text/html"]


@pytest.mark.parametrize(
    ("say", "words"),
    [
        (error(404, "no such method"), "404: no such method"),
        (error(429, "slowly"), "429: slowly"),
        (Say([b"{}"]), "no number"),
        (Say([b"<html>"]), "not Gemini's protocol"),
        (Say(status=None, ending="rst"), "it failed"),
    ],
)
def test_a_gateway_that_does_not_count_costs_a_line_and_one_request(notebook, say, words):
    notebook.wire.answers(say)
    card = card_of(notebook)
    assert card.tokens is None
    assert "Tokens are not known." in str(card)
    assert words in str(card)
    assert len(notebook.wire.seen) == 1


def test_a_gateway_that_is_known_not_to_count_is_not_asked(notebook):
    learn(load_config().profiles["here"], count_tokens=False, reason="404")
    card = card_of(notebook)
    assert notebook.wire.seen == []
    assert "does not count" in str(card)
    assert "Nothing was sent" in str(card)


def test_a_tape_that_has_no_count_is_no_reason_to_send_anything(counted):
    counted.run("%gemini --record tape.jsonl one")
    sent = len(counted.wire.seen)
    card = card_of(counted, options="--replay tape.jsonl --no-history")
    assert card.tokens is None
    assert "Nothing was sent, and" in str(card)
    assert len(counted.wire.seen) == sent


def test_the_price_is_told_where_it_is_known(counted):
    prices = "[prices.gemini-x]\ninput = 2.5\noutput = 100\n"
    counted.config.write_text(counted.config.read_text() + prices, encoding="utf-8")
    counted.wire.answers(counting(1_000_000))
    assert "1,000,000 tokens · $2.50 without the answer" in str(card_of(counted))


def test_no_price_is_told_where_none_is_known(counted):
    assert "$" not in str(card_of(counted))


def test_the_embedded_server_counts_too(notebook):
    card = card_of(notebook, options="--profile local -m echo")
    assert card.tokens
    assert "gemini-magic serve" in str(card)


def test_no_form_of_the_key_is_in_the_card(counted, monkeypatch, capsys):
    text = counted.config.read_text().replace('auth = "none"', 'auth = "bearer"\nkey_variable = "KEY_OF_TEST"')
    counted.config.write_text(text)
    monkeypatch.setenv("KEY_OF_TEST", KEY)
    for say in (counting(), error(400, f"{KEY} is not welcome", KEY)):
        counted.wire.answers(say)
        card = card_of(counted)
        counted.run("%gemini --dry-run one")
        shown = capsys.readouterr().out
        said = f"{card} {card!r} {vars(card)} {card.curl} {card.python} {card._repr_mimebundle_()} {shown}"
        assert [form for form, words in FORMS.items() if words in said] == []
        assert "$KEY_OF_TEST" in card.curl
