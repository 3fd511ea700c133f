from __future__ import annotations

import base64
import hashlib
import random
import string
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_magic.exceptions import InputError
from gemini_magic.parts.secrets import check_secret, find_secret
from gemini_magic.settings import ApiKey

# Made of pieces, so that no scanner takes this file for a leak.
CHOICE = random.Random(7)  # noqa: S311 - it only has to look random


def some(length: int, alphabet: str = string.ascii_letters + string.digits) -> str:
    return "".join(CHOICE.choices(alphabet, k=length - 2)) + "a1"


def segment(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


JWT = ".".join([segment('{"alg":"HS256","typ":"JWT"}'), segment('{"sub":"1234567890","name":"x"}'), some(43)])
SECRETS = [
    ("AIza" + "Sy" + some(33), "a Google API key"),
    ("AQ." + "Ab8RN6" + some(40), "a Google API key"),
    ("sk" + "-" + some(48), "an OpenAI-style key"),
    ("sk" + "-proj-" + some(80) + "-" + some(20) + "_" + some(20), "an OpenAI-style key"),
    ("sk" + "-ant-api03-" + "Ab-" * 20 + some(30), "an OpenAI-style key"),
    ("AKIA" + some(14, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")[:-2] + "Q2Z7", "an AWS access key"),
    ("-----BEGIN RSA " + "PRIVATE KEY-----\nMIIE\n", "a private key"),
    ("-----BEGIN " + "PRIVATE KEY-----", "a private key"),
    ("-----BEGIN OPENSSH " + "PRIVATE KEY-----", "a private key"),
    ("-----BEGIN PGP " + "PRIVATE KEY BLOCK-----", "a private key"),
    ("gh" + "p_" + some(36), "a GitHub token"),
    ("github" + "_pat_" + some(22) + "_" + some(59), "a GitHub token"),
    ("xox" + "b-123456789012-1234567890123-" + some(24), "a Slack token"),
    ("xapp" + "-1-A012-345-" + some(40), "a Slack token"),
    (JWT, "a JWT"),
    ("Authorization: Bearer " + some(40), "a Bearer header"),
    ('{"authorization": "bearer ' + some(40) + '"}', "a Bearer header"),
]


@pytest.mark.parametrize(("secret", "kind"), SECRETS, ids=[f"{n} {kind}" for n, (_, kind) in enumerate(SECRETS)])
@pytest.mark.parametrize("around", ["{}", "key = '{}'\n", "x,{},y", "https://host/?key={}&x=1", "\n{}", "({})."])
def test_a_key_is_named_by_its_kind_wherever_it_stands(secret, kind, around):
    assert find_secret(around.format(secret)) == kind


ORDINARY = [
    "",
    "Why is the sky blue?",
    "the sk-learn-pipeline-of-many-words and risk-averse-investors-of-2024",
    "sk-container-id-1 sk-toggleable__label-arrow sk-text-repr-fallback",
    "ask-abcdefghijklmnop1234567890 desk-0123456789abcdef0123456789",
    hashlib.sha256(b"x").hexdigest(),
    hashlib.sha512(b"x").hexdigest(),
    str(uuid.UUID(int=2**127 + 12345)),
    "data:image/png;base64," + base64.b64encode(random.Random(1).randbytes(200_000)).decode(),  # noqa: S311
    base64.urlsafe_b64encode(random.Random(2).randbytes(200_000)).decode(),  # noqa: S311
    "AIza" + "X" * 35,
    "AIzaSy…",
    "AKIA and ASIA are prefixes; AKIAXXXXXXXXXXXXXXXX is a placeholder",
    "sk-" + "x" * 40,
    "sk-your-key-here, sk-..., sk-proj-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    'headers = {"Authorization": f"Bearer {token}"}',
    "Authorization: Bearer YOUR_ACCESS_TOKEN_GOES_HERE",
    "Authorization: Bearer <token>; curl -H 'Authorization: Bearer $TOKEN'",
    "the bearer of 12345678901234567890 tidings",
    "-----BEGIN PUBLIC KEY-----",
    "-----BEGIN CERTIFICATE-----",
    "ghp_short, ghost_writers_in_the_sky, github_pat_",
    "xoxo-love-and-kisses-to-everybody",
    "eyJust.eyJust.text and eyJ alone",
    "commit 9fceb02d0ae598e95dc970b74767f19372d61af8",
    "ENSG00000139618 rs1801133 ASIA20240101ABCDEF",
]


@pytest.mark.parametrize("text", ORDINARY, ids=lambda text: text[:25])
def test_ordinary_text_is_no_key(text):
    assert find_secret(text) is None


@given(st.text())
def test_any_text_is_looked_through(text):
    assert find_secret(text) is None or any(mark in text for mark in ("AIza", "AQ.", "sk-", "A", "gh", "xox", "ey"))


@pytest.mark.parametrize(
    "piece", ["eyJ", "sk-", "sk-a-", "AIza", "-----BEGIN ", "Authorization: Bearer ", "A1b2C3d4-_", "\n", "."]
)
def test_four_million_characters_are_looked_through_once(piece):
    # It would be hours, and the limit of a test, if a pattern went over the text again and again.
    assert find_secret(piece * (4_000_000 // len(piece))) is None


def test_a_text_with_a_key_is_refused_with_its_kind_and_never_its_value():
    secret = SECRETS[0][0]
    with pytest.raises(InputError) as caught:
        check_secret(f"login with {secret}", "{{config}}")
    words = str(caught.value)
    assert words.startswith("{{config}} holds a Google API key")
    assert "Mask it" in words
    assert "check_secrets = False" in words
    assert secret not in words
    assert secret[4:20] not in words


def test_a_configured_key_is_refused_even_when_patterns_are_not_looked_for():
    key = ApiKey("no-pattern-has-this-9d1f")
    with pytest.raises(InputError, match="would send your key to the model") as caught:
        check_secret("x no-pattern-has-this-9d1f y", "{{x}}", keys=[key], patterns=False)
    assert "9d1f" not in str(caught.value)


def test_patterns_can_be_switched_off():
    check_secret(SECRETS[0][0], "{{x}}", patterns=False)
    check_secret("nothing here", "{{x}}", keys=[ApiKey("some-key")])
