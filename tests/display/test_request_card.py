"""A request on the wire as people see it, and as they take it along: a command, a script, a file."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import shutil
import subprocess
import sys
import urllib.parse
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire_server import Say, event, unary

from gemini_magic.display.request_card import RequestCard
from gemini_magic.display.request_code import Call, json_text
from gemini_magic.display.thumbnails import Medium, media, pixels
from gemini_magic.exceptions import StoreError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

Image = pytest.importorskip("PIL.Image")

KEY = "planted-5d0c81e2f7a94b36"
FORMS = {
    "raw": KEY,
    "in a URL": urllib.parse.quote(KEY, safe="").replace("-", "%2D"),
    "base64": base64.b64encode(KEY.encode()).decode().rstrip("="),
    "hex": KEY.encode().hex(),
    "escaped": "".join(f"\\u{ord(character):04x}" for character in KEY),
    "its beginning": KEY[:12],
}
URL = "https://gateway.example/v1beta/models/gemini-x:generateContent"
HEADERS = {"content-type": "application/json", "x-goog-api-key": "********", "user-agent": "x", "x-team": "it's us"}
BODY = {
    "contents": [
        {"role": "user", "parts": [{"text": "What is \u2018this\u2019? $HOME `id` \\ \" '\n\u200b\U000e0041 🙂"}]}
    ]
}


def card(body: Any = BODY, url: str = URL, **fields: Any) -> RequestCard:
    return RequestCard("POST", url, json.dumps(body).encode(), HEADERS, **fields)


def html(shown: RequestCard) -> str:
    return shown._repr_mimebundle_()["text/html"]


def picture(kind: str = "PNG", size: tuple[int, int] = (640, 480), mode: str = "RGB", **options: Any) -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, 128).save(out, kind, **options)
    return out.getvalue()


def inline(data: bytes, mime_type: str = "image/png") -> dict[str, Any]:
    return {"inlineData": {"mimeType": mime_type, "data": base64.b64encode(data).decode()}}


def with_parts(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"contents": [{"role": "user", "parts": [{"text": "Look:"}, *parts]}]}


# What is seen


def test_it_says_what_would_be_sent_and_what_that_costs():
    shown = card(title="Would be sent", tokens=1_234, price="$0.0012 without the answer", notes=("Nothing was sent.",))
    size = len(shown.data)
    facts = f"{size:,} bytes · 1,234 tokens · $0.0012 without the answer"
    assert str(shown).startswith(f"Would be sent:\nPOST {URL}\ncontent-type: application/json\nx-goog-api-key: ••••\n")
    assert str(shown).endswith(f"{facts}\nNothing was sent.")
    page = html(shown)
    assert facts in re.sub("<[^>]*>", "", page)
    for words in ("Nothing was sent.", 'aria-label="Would be sent"'):
        assert words in page
    assert shown.text == str(shown)


def test_an_answer_is_called_a_response_and_is_no_code():
    shown = RequestCard("", "gemini-x", {"candidates": []}, title="Response")
    assert str(shown).startswith("Response:\ngemini-x\n")
    assert "Request" not in html(shown) + str(shown)
    assert "curl" not in html(shown)
    with pytest.raises(UsageError, match="last request"):
        _ = shown.curl


def test_pictures_are_shown_small_with_their_type_bytes_and_pixels():
    data = picture()
    shown = card(with_parts(inline(data), inline(b"%PDF-1.4 ...", "application/pdf")))
    lines = [f"1. image/png, {len(data):,} bytes, 640 × 480 pixels", "2. application/pdf, 12 bytes"]
    assert "\n".join(lines) in str(shown)
    page = html(shown)
    assert page.count("<img ") == 1
    assert f'alt="{lines[0]}"' in page
    small = page.partition("base64,")[2].partition('"')[0]
    assert Image.open(io.BytesIO(base64.b64decode(small))).size == (160, 120)
    assert base64.b64encode(data).decode() not in page.partition("<details")[0]


@pytest.mark.parametrize(
    ("kind", "mode", "options"),
    [
        ("PNG", "P", {}),
        ("PNG", "RGBA", {}),
        ("PNG", "I;16", {}),
        ("GIF", "P", {}),
        ("JPEG", "RGB", {}),
        ("JPEG", "RGB", {"progressive": True}),
        ("JPEG", "CMYK", {}),
        ("JPEG", "L", {"comment": b"x" * 900}),
        ("WEBP", "RGB", {}),
        ("WEBP", "RGB", {"lossless": True}),
        ("WEBP", "RGBA", {}),
    ],
)
def test_every_kind_of_picture_is_measured_by_its_header_and_made_small(kind, mode, options):
    data = picture(kind, (300, 20), mode, **options)
    assert pixels(data) == (300, 20)
    assert pixels(data[:8]) is None
    small = Medium("", data).thumbnail()
    assert small is not None
    assert max(Image.open(io.BytesIO(small)).size) <= 160


def test_a_transparent_picture_stays_so_and_a_photograph_stays_small():
    clear = Medium("", picture("PNG", (400, 400), "RGBA")).thumbnail()
    assert Image.open(io.BytesIO(clear)).mode == "RGBA"
    noise = Image.effect_noise((1200, 900), 90).convert("RGB")
    out = io.BytesIO()
    noise.save(out, "JPEG")
    assert len(Medium("", out.getvalue()).thumbnail()) < 20_000


def test_without_pillow_pictures_that_are_small_already_are_shown(monkeypatch):
    small, large = picture(), picture("PNG", (300, 300)) + b"\0" * 200_000
    monkeypatch.setitem(sys.modules, "PIL", None)
    assert Medium("", small).thumbnail() == small
    assert Medium("", large).thumbnail() is None
    shown = card(with_parts(inline(small), inline(large)))
    assert html(shown).count("<img ") == 1
    assert "2. image/png, 200," in str(shown)


def test_a_picture_that_claims_to_be_huge_is_not_opened():
    data = bytearray(picture("PNG", (4, 4)))
    data[16:24] = (50_000).to_bytes(4, "big") * 2
    medium = Medium("image/png", bytes(data))
    assert medium.thumbnail() is None
    assert "50,000 × 50,000 pixels" in str(medium)


def test_what_only_says_it_is_a_picture_is_not_shown_as_one():
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" onload="run()"/>'
    shown = card(with_parts(inline(svg, "image/svg+xml"), inline(b"<script>", "image/png"), inline(b"", '"><b>')))
    assert "<img" not in html(shown)
    assert "<svg" not in html(shown)
    assert "3. unknown type, 0 bytes" in str(shown)


def test_a_damaged_picture_is_a_line():
    damaged = picture("PNG", (900, 900))[:60] + b"\0" * 300_000
    shown = card(with_parts(inline(damaged)))
    assert "<img" not in html(shown)
    assert "900 × 900 pixels" in str(shown)


def test_pictures_beyond_two_dozen_are_lines():
    shown = card(with_parts(*[inline(picture("PNG", (2, 2)))] * 30))
    assert html(shown).count("<img ") == 24
    assert "30. image/png" in str(shown)


def test_data_that_is_no_base64_and_files_by_address_are_lines():
    parts = [
        {"inlineData": {"mimeType": "image/png", "data": "*"}},
        {"inline_data": {"mime_type": "audio/wav", "data": base64.urlsafe_b64encode(b"\xfb\xff\xfe").decode()}},
        {"fileData": {"mimeType": "video/mp4", "fileUri": "gs://bucket/<b>.mp4"}},
    ]
    shown = card(with_parts(*parts))
    assert [str(medium) for medium in media(shown.body)][1:] == [
        "audio/wav, 3 bytes",
        "video/mp4, not in the body: gs://bucket/<b>.mp4",
    ]
    assert "<b>.mp4" not in html(shown)


# Saved


def test_it_is_saved_byte_for_byte(tmp_path):
    data = b'{"contents": [ {"parts":[{"text":"\\u00e9"}]}],"generationConfig":{"temperature":1.0}}'
    saved = RequestCard("POST", URL, data).save(tmp_path / "request.json")
    assert saved.read_bytes() == data
    other = RequestCard("POST", URL, {"text": "é"}).save(str(saved))
    assert json.loads(other.read_bytes()) == {"text": "é"}


def test_what_cannot_be_saved_says_why(tmp_path):
    with pytest.raises(UsageError, match="no body"):
        RequestCard("GET", URL).save(tmp_path / "a.json")
    with pytest.raises(StoreError, match="cannot be written"):
        card().save(tmp_path / "nowhere" / "a.json")


# As code


def run_python(script: str, folder: Path) -> str:
    path = folder / "script.py"
    path.write_text(script, "utf-8")
    done = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, str(path)], capture_output=True, check=True, cwd=folder, env=environment(), text=True
    )
    return done.stdout


def run_curl(command: str, folder: Path) -> str:
    if not shutil.which("curl") or not shutil.which("sh"):
        pytest.skip("there is no curl here")
    done = subprocess.run(  # noqa: S603 - our own command
        ["sh", "-c", command],  # noqa: S607 - as above
        capture_output=True,
        check=True,
        cwd=folder,
        env=environment(),
        text=True,
    )
    return done.stdout


def environment() -> dict[str, str]:
    return {**os.environ, "MY_KEY": KEY, "X_SECRET_SIGN": "sign", "PYTHONIOENCODING": "utf-8", "PYTHONWARNINGS": ""}


SPELLINGS = {
    "generateContent": unary("It works 🙂"),
    "streamGenerateContent?alt=sse": Say([event("It works"), event(" 🙂", "STOP"), b"data: [DONE]\n\n"]),
    "streamGenerateContent": Say([b"[" + event("It works")[6:].strip() + b",\n" + event(" 🙂")[6:].strip() + b"]"]),
}


@pytest.mark.parametrize("method", SPELLINGS)
@pytest.mark.parametrize("language", ["curl", "python"])
@pytest.mark.parametrize("large", [False, True])
def test_the_code_runs_and_sends_the_same_request(wire, tmp_path, method, language, large):
    wire.answers(SPELLINGS[method])
    body = with_parts(inline(picture("BMP", (100, 100)), "image/bmp")) if large else BODY
    headers = {**HEADERS, "X-Secret-Sign": "unknown"}
    target = f"/v1beta/models/gemini-x:{method}"
    shown = RequestCard("POST", wire.url + target, json.dumps(body).encode(), headers, key_variable="MY_KEY")
    if large:
        shown.save(tmp_path / "request.json")
        assert 'card.save("request.json")' in getattr(shown, language)
    run = run_curl if language == "curl" else run_python
    said = run(getattr(shown, language), tmp_path)
    assert "It works" in said
    (seen,) = wire.seen
    assert (seen.method, seen.target, seen.json()) == ("POST", target, body)
    sent = {name: seen.header(name) for name in ("content-type", "x-goog-api-key", "x-team", "x-secret-sign")}
    assert sent == {
        "content-type": "application/json",
        "x-goog-api-key": KEY,
        "x-team": "it's us",
        "x-secret-sign": "sign",
    }


@pytest.mark.parametrize("language", ["curl", "python"])
def test_a_request_without_a_body_runs_too(wire, tmp_path, language):
    wire.answers(Say([b'{"models": []}']))
    shown = RequestCard("GET", f"{wire.url}/v1beta/models", None, {"Authorization": "x"}, key_variable="MY_KEY")
    run = run_curl if language == "curl" else run_python
    assert '"models"' in run(getattr(shown, language), tmp_path)
    assert wire.seen[0].header("authorization") == f"Bearer {KEY}"


def test_the_servers_words_are_shown_when_it_refuses(wire, tmp_path):
    wire.answers(Say([b'{"error": {"message": "no such model"}}'], status=404))
    for method in SPELLINGS:
        shown = RequestCard("POST", f"{wire.url}/v1beta/models/x:{method}", BODY)
        with pytest.raises(subprocess.CalledProcessError) as failed:
            run_python(shown.python, tmp_path)
        assert "no such model" in failed.value.stderr


def test_no_form_of_a_key_is_in_the_code_whatever_the_headers_say():
    headers = {"authorization": f"Bearer {KEY}", "x-goog-api-key": KEY, "X-Api-Token": KEY, "Cookie": KEY}
    shown = RequestCard("POST", f"{URL}?key={KEY}", {"text": f"my {KEY}"}, headers, (KEY,), key_variable=f"bad {KEY}")
    said = shown.curl + shown.python + str(shown) + html(shown)
    assert [form for form, words in FORMS.items() if words in said] == []
    assert "$GEMINI_API_KEY" in shown.curl
    assert 'os.environ["GEMINI_API_KEY"]' in shown.python


def test_the_code_stands_folded_below_the_card():
    page = html(card())
    for title in ("As curl", "As Python"):
        assert f"<summary>{title}</summary>" in page
    assert "<details open" not in page


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(json_values)
def test_any_body_survives_being_written_as_python_and_as_json(value):
    script = Call("POST", URL, {}, {"value": value}).python()
    written = script.partition("body = ")[2].partition("\n\n\ndef show")[0]
    assert eval(written, {"__builtins__": {}}) == {"value": value}  # noqa: S307 - our own literals
    shown = json_text(value)
    assert json.loads(shown) == value
    assert shown.replace("\n", "").isprintable()


@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=40))
def test_nothing_in_a_body_ends_the_shells_document(text):
    call = Call("POST", URL, {}, {"text": f"\nJSON\n{text}"})
    before, _, rest = call.curl().partition("<<'JSON'\n")
    assert before == "cat > request.json "
    body, _, after = rest.partition("\nJSON\n")
    assert json.loads(body) == call.body
    assert after.startswith("curl ")


def test_a_card_can_be_changed_and_stays_a_card():
    assert replace(card(), title="Request", tokens=3).tokens == 3
