"""The headers of every request, which hold the key."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gemini_magic.client.headers import headers_with
from gemini_magic.exceptions import ConfigError
from gemini_magic.settings import ApiKey, Profile

KEY = "a-key-that-is-long-enough"
HERE = "http://127.0.0.1:9"


def test_headers_are_made_once_and_again_for_another_profile():
    headers, profile = headers_with(ApiKey(KEY, HERE)), Profile("x", HERE, auth="bearer")
    assert headers(profile) is headers(profile)
    assert headers(profile)["authorization"] == f"Bearer {KEY}"
    assert headers(replace(profile, auth="x-goog-api-key"))["x-goog-api-key"] == KEY
    assert not {"authorization", "x-goog-api-key"} & headers(replace(profile, auth="none")).keys()


def test_headers_that_are_kept_cannot_be_changed():
    made = headers_with(None)(Profile("x", HERE))
    with pytest.raises(TypeError):
        made["x"] = "y"


def test_a_key_of_another_origin_is_in_no_headers():
    headers = headers_with(ApiKey(KEY, "https://elsewhere.example:443"))
    with pytest.raises(ConfigError):
        headers(Profile("x", HERE, auth="bearer"))


def test_what_keeps_the_headers_does_not_show_them():
    headers, profile = headers_with(ApiKey(KEY, HERE)), Profile("x", HERE, auth="bearer")
    headers(profile)
    assert KEY not in f"{headers!r} {vars(headers)!r}"


def test_a_header_of_the_profile_takes_the_place_of_ours_in_whichever_case():
    made = headers_with(None)(Profile("x", HERE, headers={"User-Agent": "mine", "X-Team": "blue"}))
    assert made["user-agent"] == "mine"
    assert made["x-team"] == "blue"
    assert "User-Agent" not in made
