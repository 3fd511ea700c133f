"""A profile is added to the config file, and the rest of the file stays as it was written."""

from __future__ import annotations

import stat
import sys
import tomllib

import pytest

from gemini_magic.exceptions import ConfigError
from gemini_magic.settings import add_profile, load_config

KEY = "planted-Key-0123456789-abcdef"
URL = {"base_url": "https://gateway.example"}
WRITTEN = """\
# My gateways
profile = "mine"   # the usual one

[profiles.mine]
base_url = "https://mine.example"  # at work
key_variable = "MY_KEY"

# Prices, as of May
[prices."gemini-x"]
input = 1.10
output = 2
"""


@pytest.fixture
def path(tmp_path, monkeypatch):
    path = tmp_path / "folder" / "config.toml"
    monkeypatch.setenv("GEMINI_MAGIC_CONFIG", str(path))
    return path


def write(path, text, mode=0o600):
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(mode)


def test_a_file_is_made_for_its_owner_alone(path):
    add_profile(path, "own", {**URL, "auth": "x-goog-api-key", "key_variable": "OWN_KEY"})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    profile = load_config().profiles["own"]
    assert (profile.base_url, profile.auth, profile.key_variables) == (URL["base_url"], "x-goog-api-key", ("OWN_KEY",))
    assert [file.name for file in path.parent.iterdir()] == ["config.toml"]


def test_comments_and_order_stay(path):
    write(path, WRITTEN, 0o644)
    add_profile(path, "own", URL)
    text = path.read_text()
    added = '[profiles.own]\nbase_url = "https://gateway.example"\n'
    assert added in text
    assert "".join(text.replace(added, "").split()) == "".join(WRITTEN.split())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_config().profile == "mine"


def test_settings_are_written_as_what_they_are(path):
    typed = {
        "allow_http": "yes",
        "retries": "3",
        "timeout": "2.5",
        "models": "a, b",
        "fallback": "c",
        "prices": "google",
        "model": "gemini-x",
    }
    add_profile(path, "own", {**URL, **typed})
    assert tomllib.loads(path.read_text())["profiles"]["own"] == {
        **URL,
        "allow_http": True,
        "retries": 3,
        "timeout": 2.5,
        "models": ["a", "b"],
        "fallback": "c",
        "prices": "google",
        "model": "gemini-x",
    }


def test_one_that_is_there_is_replaced_only_when_that_is_said(path):
    write(path, WRITTEN)
    with pytest.raises(ConfigError, match=r"'mine' already, in .*replace=yes"):
        add_profile(path, "mine", URL)
    with pytest.raises(ConfigError, match="'google' already, built in"):
        add_profile(path, "google", URL)
    assert path.read_text() == WRITTEN
    add_profile(path, "mine", URL, replace=True)
    assert tomllib.loads(path.read_text())["profiles"] == {"mine": URL}


@pytest.mark.parametrize(
    ("name", "fields", "words"),
    [
        ("local", URL, "embedded model's"),
        ("a b", URL, "cannot be the name"),
        ("-x", URL, "cannot be the name"),
        ("é", URL, "cannot be the name"),
        ("own", {"base_url": "ftp://x"}, "does not start with https"),
        ("own", {"base_url": "https://user:secret@x.example"}, "user name or password"),
        ("own", {**URL, "modle": "x"}, "Did you mean 'model'"),
        ("own", {**URL, "headers": "x"}, "not a setting of a profile that can be given here"),
        ("own", {**URL, "auth": "basic"}, "auth must be one of"),
        ("own", {**URL, "prices": "cheap"}, "prices must be one of"),
        ("own", {**URL, "allow_http": "maybe"}, "yes or no"),
        ("own", {**URL, "retries": "many"}, "takes a number"),
        ("own", {**URL, "retries": "99"}, "between 0 and 20"),
        ("own", {**URL, "timeout": "inf"}, "takes a number"),
        ("own", {**URL, "timeout": "nan"}, "takes a number"),
        ("own", {**URL, "timeout": "0"}, "above 0"),
        ("own", {**URL, "model": "a b"}, "not a model name"),
    ],
)
def test_what_cannot_be_used_leaves_the_file_as_it_was(path, name, fields, words):
    write(path, WRITTEN)
    with pytest.raises(ConfigError, match=words):
        add_profile(path, name, fields)
    assert path.read_text() == WRITTEN
    assert [file.name for file in path.parent.iterdir()] == ["config.toml"]


@pytest.mark.parametrize("field", ["api_key", "key_variable", "auth", "prices", "allow_http", "retries"])
def test_a_key_in_any_place_is_neither_written_nor_shown(path, field):
    with pytest.raises(ConfigError) as caught:
        add_profile(path, "own", {**URL, field: KEY})
    assert not path.exists()
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("broken", ["[profiles", 'profiel = "x"', "[profiles.a]\nmodel = 1"])
def test_a_file_that_is_wrong_already_is_not_touched(path, broken):
    write(path, broken)
    with pytest.raises(ConfigError):
        add_profile(path, "own", URL)
    assert path.read_text() == broken


def test_a_layout_that_cannot_be_changed_gives_the_lines_to_add_by_hand(path):
    line = 'profiles = {mine = {base_url = "https://mine.example"}}\n'
    write(path, line)
    with pytest.raises(ConfigError, match=r"Add by hand:\n\[profiles\.own\]\nbase_url = \"https://gateway\.example\""):
        add_profile(path, "own", URL)
    assert path.read_text() == line


@pytest.mark.parametrize(
    "layout",
    [
        '[profiles]\nmine.base_url = "https://a.example"\n[prices.m]\ninput = 1\noutput = 1\n',
        'profiles.mine.base_url = "https://a.example"\n',
        """[profiles.a]\nbase_url = "https://a.example"\n[prices.m]\ninput = 1\noutput = 1
[profiles."b.c"]\nbase_url = "https://b.example"\n""",
        "",
        "\n# nothing yet\n",
    ],
)
def test_every_layout_of_toml_keeps_what_it_says(path, layout):
    write(path, layout)
    before = tomllib.loads(layout)
    add_profile(path, "my.own", URL)
    after = tomllib.loads(path.read_text())
    assert after == {**before, "profiles": {**before.get("profiles", {}), "my.own": URL}}


def test_a_key_in_the_file_stays_there_and_stays_hidden(path, capsys):
    write(path, f'[profiles.mine]\nbase_url = "https://mine.example"\napi_key = "{KEY}"\n')
    add_profile(path, "own", URL)
    assert load_config().profiles["mine"].api_key.is_in(path.read_text())
    with pytest.raises(ConfigError) as caught:
        add_profile(path, "own", URL)
    assert KEY not in f"{caught.value!r}{caught.value}{capsys.readouterr()}"


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_a_link_stays_a_link(path, tmp_path):
    real = tmp_path / "dotfiles.toml"
    real.write_text(WRITTEN)
    path.parent.mkdir()
    path.symlink_to(real)
    add_profile(path, "own", URL)
    assert path.is_symlink()
    assert "profiles.own" in real.read_text()


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be written"):
        add_profile(tmp_path / "file" / "config.toml", "own", URL)
