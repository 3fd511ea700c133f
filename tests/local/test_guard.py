from __future__ import annotations

import pytest

HELLO = {"contents": [{"parts": [{"text": "hello"}]}]}
PATH = "/v1beta/models/echo:generateContent"
WORD = "a-token-of-the-tests"


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        ({"authorization": f"Bearer {WORD}"}, ""),
        ({"Authorization": f"bearer  {WORD}"}, ""),
        ({"X-Goog-Api-Key": WORD}, ""),
        ({}, f"?key={WORD}"),
        ({"authorization": "Bearer wrong", "x-goog-api-key": WORD}, ""),
    ],
)
def test_the_token_is_taken_in_every_place(local, headers: dict[str, str], query: str) -> None:
    assert local.post(PATH + query, json=HELLO, headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        ({}, ""),
        ({"authorization": "Bearer "}, ""),
        ({"authorization": WORD}, ""),
        ({"authorization": f"Basic {WORD}"}, ""),
        ({"authorization": f"Bearer {WORD}x"}, ""),
        ({"x-goog-api-key": ""}, ""),
        ({}, "?key="),
        ({}, "?key=%F0%9F%92%A9"),
        ({"x-goog-api-key": "naïve".encode("latin-1").decode("latin-1")}, ""),
    ],
)
def test_without_the_token_everything_is_a_401(local, headers: dict[str, str], query: str) -> None:
    encoded = {name.encode(): value.encode("latin-1") for name, value in headers.items()}
    answer = local.post(PATH + query, json=HELLO, headers=encoded)
    assert answer.status_code == 401
    assert answer.json()["error"]["status"] == "UNAUTHENTICATED"
    assert answer.headers["www-authenticate"] == "Bearer"
    assert local.get("/nowhere", headers={}).status_code == 401


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:80", "localhost", "LocalHost:1234", "[::1]:99"])
def test_names_of_this_machine_are_known(local, host: str) -> None:
    assert local.get("/models", headers=local.headers | {"host": host}).status_code == 200


@pytest.mark.parametrize(
    "foreign",
    [
        {"host": "evil.example"},
        {"host": "evil.example:80"},
        {"host": "127.0.0.1.evil.example"},
        {"host": "localhost.evil.example"},
        {"host": "127.0.0.1@evil.example"},
        {"host": "0"},
        {"host": "127.0.0.1:80:80"},
        {"host": ""},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1"},
    ],
)
def test_foreign_hosts_and_all_web_pages_are_refused(local, foreign: dict[str, str]) -> None:
    answer = local.post(PATH, json=HELLO, headers=local.headers | foreign)
    assert answer.status_code == 403
    assert answer.json()["error"]["status"] == "PERMISSION_DENIED"
