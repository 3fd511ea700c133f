"""The keys that must not stand in a prompt, and where the key of a profile is."""

from __future__ import annotations

import sys
import types

from gemini_magic.settings import PROFILES, key_place, known_keys, load_config

KEYS = [f"planted-Key-{number}-0123456789" for number in range(4)]


def config(tmp_path, text):
    path = tmp_path / "config.toml"
    path.write_text(text)
    path.chmod(0o600)
    return {"GEMINI_MAGIC_CONFIG": str(path)}


def test_every_key_of_every_profile_is_known_once(tmp_path):
    env = config(
        tmp_path,
        f'[profiles.a]\nbase_url = "https://a.example"\napi_key = "{KEYS[0]}"\n'
        f'[profiles.b]\nbase_url = "https://b.example"\nkey_variable = ["B_KEY", "OTHER_B_KEY"]\n',
    )
    env |= {"GEMINI_API_KEY": f" {KEYS[1]}\n", "B_KEY": KEYS[2], "OTHER_B_KEY": KEYS[3], "THETURBO_API_KEY": KEYS[1]}
    found = known_keys(env)
    assert sorted(key.reveal() for key in found) == sorted(KEYS)
    assert not any(key in repr(found) for key in KEYS)
    origins = {key.reveal(): key.origin for key in found}
    assert origins[KEYS[0]] == "https://a.example"
    assert origins[KEYS[1]] == PROFILES["google"].origin


def test_what_cannot_be_a_key_or_is_too_short_is_left_out():
    env = {
        "GEMINI_API_KEY": "YOUR_KEY",
        "GOOGLE_API_KEY": "test",
        "UNIGATEWAY_API_KEY": "  ",
        "THETURBO_API_KEY": "a b",
    }
    assert known_keys(env) == []


def test_the_keyring_is_not_asked(monkeypatch):
    asked = []
    ring = types.SimpleNamespace(get_password=lambda *_: asked.append(1))
    monkeypatch.setitem(sys.modules, "keyring", ring)
    assert known_keys({}) == []
    assert key_place(PROFILES["google"], {}) == ""
    assert asked == []


def test_the_place_of_a_key_is_named_and_the_key_is_not(tmp_path):
    env = config(tmp_path, f'[profiles.a]\nbase_url = "https://a.example"\napi_key = "{KEYS[0]}"\n')
    assert key_place(load_config(env).profiles["a"], env) == "the config file"
    assert key_place(PROFILES["google"], {"GOOGLE_API_KEY": KEYS[0]}) == "GOOGLE_API_KEY"
