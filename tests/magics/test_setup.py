"""Settings and gateways in a notebook: config and profile."""

from __future__ import annotations

import stat

import pytest
from wire_server import Say, error, event

from gemini_magic.exceptions import AuthError, ConfigError, UsageError
from gemini_magic.settings import load_config

KEY = "planted-Key-0123456789-abcdef"


def shown_by(notebook, capsys, source):
    capsys.readouterr()
    assert notebook.run(source) is None
    return capsys.readouterr().out


def magics(notebook):
    return notebook.shell.magics_manager.registry["GeminiMagics"]


# Settings


def test_config_lists_every_setting_with_its_default_and_what_it_is_for(notebook, capsys):
    notebook.run("%config GeminiMagics.model = 'gemini-y'")
    shown = shown_by(notebook, capsys, "%gemini config")
    lines = {line.split()[0]: line for line in shown.splitlines()[3:]}
    assert set(magics(notebook).traits(config=True)) <= set(lines)
    assert "'gemini-y'" in lines["model"]
    assert "changed" in lines["model"]
    assert "changed" not in lines["system"]
    assert "The longest a call may take" in lines["timeout"]


def test_config_of_one_setting_shows_it(notebook, capsys):
    assert shown_by(notebook, capsys, "%gemini config stream").startswith("stream = True")


@pytest.mark.parametrize(
    ("typed", "key", "value"),
    [
        ("model gemini-y", "model", "gemini-y"),
        ("stream false", "stream", False),
        ("timeout 2.5", "timeout", 2.5),
        ("timeout None", "timeout", None),
        ("retries 3", "retries", 3),
        ("fallback gemini-y,gemini-z", "fallback", ["gemini-y", "gemini-z"]),
        ("format text", "format", "text"),
        ("max_side 512", "max_side", 512),
        ("cache true", "cache", True),
        ('system "Answer in one sentence."', "system", "Answer in one sentence."),
        ('system ""', "system", ""),
        ("profile google", "profile", "google"),
    ],
)
def test_config_sets_a_setting_for_this_notebook(notebook, capsys, typed, key, value):
    shown = shown_by(notebook, capsys, f"%gemini config {typed}")
    assert getattr(magics(notebook), key) == value
    assert f"{key} = {value!r} in this notebook" in shown
    assert "To keep it" in shown
    shown_by(notebook, capsys, f"%gemini config {key} default")
    assert getattr(magics(notebook), key) == magics(notebook).trait_defaults(key)


def test_a_setting_has_its_effect(notebook):
    notebook.run("%gemini config model gemini-y\n%gemini one")
    assert "gemini-y" in notebook.wire.seen[-1].path


def test_a_profile_that_does_not_exist_is_not_set(notebook):
    with pytest.raises(ConfigError, match="Did you mean 'google'"):
        notebook.run("%gemini config profile gogle")
    assert magics(notebook).profile == ""


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("modle gemini-y", "'modle'.*Did you mean 'model'"),
        ("salt", "no setting 'salt'.*There are: .*model"),
        ("timeout soon", "timeout takes a number from 0 to 86400, not 'soon'"),
        ("timeout 0", "above 0"),
        ("timeout inf", "a number from 0"),
        ("retries 1.5", "a whole number"),
        ("retries 99", "from 0 to 20"),
        ("format mdd", "md, text, json, code or html.*Did you mean 'md'"),
        ("quality 101", "from 1 to 100"),
        ("stream perhaps", "stream takes true or false; 'perhaps'"),
        ("model a'b", "not a model name"),
        ("fallback 'a,b c'", "not a model name"),
    ],
)
def test_a_setting_that_is_wrong_says_what_is_right_and_changes_nothing(notebook, typed, words):
    before = magics(notebook).trait_values(config=True)
    with pytest.raises(UsageError, match=words):
        notebook.run(f"%gemini config {typed}")
    assert magics(notebook).trait_values(config=True) == before
    assert notebook.wire.connections == 0


# Profiles


def test_profiles_are_listed_with_the_one_in_force_and_why(notebook, capsys, monkeypatch):
    monkeypatch.setenv("GEMINI_API_KEY", KEY)
    shown = shown_by(notebook, capsys, "%gemini profile list")
    table, note = shown.split("\n\n")
    rows = {line.removeprefix("yes").split()[0]: line for line in table.splitlines()[3:]}
    assert "yes" in rows["here"]
    assert f"127.0.0.1:{notebook.wire.port}" in rows["here"]
    assert "gemini-x" in rows["here"]
    assert "none needed" in rows["here"]
    assert str(notebook.config) in rows["here"]
    assert "set (GEMINI_API_KEY)" in rows["google"]
    assert "generativelanguage.googleapis.com" in rows["google"]
    assert "not set (UNIGATEWAY_API_KEY)" in rows["unigateway"]
    assert "built in" in rows["unigateway"]
    assert "this machine" in rows["local"]
    assert f"here is in force, because {notebook.config} names it." in note
    assert KEY not in shown


@pytest.mark.parametrize(
    ("setup", "words"),
    [
        ("%gemini profile use google", "google is in force, because `%gemini profile use`"),
        (
            "import os; os.environ['GEMINI_MAGIC_PROFILE'] = 'theturbo'",
            "theturbo is in force, because GEMINI_MAGIC_PRO",
        ),
        ("config.write_text('')", "local is in force, because no key is set"),
        ("config.write_text(''); os.environ['UNIGATEWAY_API_KEY'] = 'planted-key-12345'", "first one with a key (UNIG"),
    ],
)
def test_the_list_says_why_a_profile_is_in_force(notebook, capsys, monkeypatch, setup, words):
    for name in ("GEMINI_MAGIC_PROFILE", "UNIGATEWAY_API_KEY"):
        monkeypatch.setenv(name, "")
    notebook.run("import os", config=notebook.config)
    notebook.run(setup)
    assert words in shown_by(notebook, capsys, "%gemini profile list")


def test_a_key_in_the_file_is_told_and_not_shown(notebook, capsys):
    text = notebook.config.read_text().replace('auth = "none"', f'api_key = "{KEY}"')
    notebook.config.write_text(text)
    notebook.config.chmod(0o600)
    notebook.run("table = %gemini profile list")
    shown = shown_by(notebook, capsys, "%gemini profile list")
    table = notebook["table"]
    assert "set (the config file)" in shown
    assert KEY not in f"{shown}{table!r}{table.rows}{table._repr_mimebundle_()}"


def test_a_profile_is_tested_with_one_tiny_request(notebook, capsys):
    usage = {"promptTokenCount": 6, "candidatesTokenCount": 1, "totalTokenCount": 7}
    notebook.wire.answers(Say([event("OK", "STOP", usageMetadata=usage, modelVersion="gemini-x-001")[6:].strip()]))
    for line in ("profile test", "profile test here"):
        shown = shown_by(notebook, capsys, f"%gemini {line}")
        assert "here: gemini-x-001 answered in 0." in shown
        assert "7 tokens." in shown
    assert len(notebook.wire.seen) == 2
    assert notebook.body["generationConfig"] == {"maxOutputTokens": 32}
    assert len(notebook.wire.seen[-1].body) < 200


def test_a_profile_that_does_not_answer_fails_the_cell_in_words(notebook, monkeypatch):
    text = notebook.config.read_text().replace('auth = "none"', 'key_variable = "KEY_OF_TEST"')
    notebook.config.write_text(text)
    with pytest.raises(ConfigError, match="No key for the profile 'here'"):
        notebook.run("%gemini profile test")
    monkeypatch.setenv("KEY_OF_TEST", KEY)
    notebook.wire.answers(error(401, f"wrong key {KEY}"))
    with pytest.raises(AuthError, match="401") as caught:
        notebook.run("%gemini profile test here")
    assert KEY not in str(caught.value)


def test_a_profile_is_used_from_then_on(notebook, capsys):
    add = f"%gemini profile add other {notebook.wire.url} auth=none model=gemini-z"
    notebook.run(add)
    shown = shown_by(notebook, capsys, "%gemini profile use other")
    assert "asks other now" in shown
    assert 'profile = "other"' in shown
    notebook.run("%gemini one")
    assert "gemini-z" in notebook.wire.seen[-1].path
    with pytest.raises(ConfigError, match="Did you mean 'other'"):
        notebook.run("%gemini profile use othr")
    assert magics(notebook).profile == "other"


def test_using_a_profile_without_a_key_says_where_it_goes(notebook, capsys):
    assert "Its key is not set (GEMINI_API_KEY or" in shown_by(notebook, capsys, "%gemini profile use google")


def test_a_profile_is_added_to_the_config_file(notebook, capsys, monkeypatch):
    before = notebook.config.read_text()
    line = "%gemini profile add mine https://gateway.example/v1 key_variable=MINE_KEY model=gemini-y allow_http=no"
    shown = shown_by(notebook, capsys, line)
    assert f"mine stands in {notebook.config} now" in shown
    assert "read from MINE_KEY, which is not set" in shown
    assert notebook.config.read_text().startswith(before.rstrip())
    assert stat.S_IMODE(notebook.config.stat().st_mode) == 0o600
    profile = load_config().profiles["mine"]
    assert (profile.base_url, profile.default_model) == ("https://gateway.example/v1", "gemini-y")
    assert (profile.key_variables, profile.allow_http) == (("MINE_KEY",), False)
    monkeypatch.setenv("MINE_KEY", KEY)
    assert "set (MINE_KEY)" in shown_by(notebook, capsys, "%gemini profile list")


def test_a_profile_that_is_there_is_replaced_when_asked(notebook, capsys):
    with pytest.raises(UsageError, match="replace=yes"):
        notebook.run("%gemini profile add here https://gateway.example")
    shown = shown_by(notebook, capsys, "%gemini profile add here https://gateway.example replace=yes")
    assert "name that with key_variable=" in shown
    assert load_config().profiles["here"].base_url == "https://gateway.example"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (f"api_key={KEY}", "end up in the history"),
        (f"token={KEY}", "end up in the history"),
        ("api_key=AIzaSyA-planted-0123456789-abcdefghijk", "end up in the history"),
        (f"key_variable={KEY}", "name of an environment variable"),
        (f"auth={KEY}", "auth must be one of"),
        (f"replace={KEY}", "yes or no"),
        ("modle=x", "Did you mean 'model'"),
        ("model=a model=b", "given twice"),
        ("base_url=https://x.example", "given twice"),
    ],
)
def test_what_does_not_belong_on_the_line_is_refused_and_nothing_is_written(notebook, capsys, words, message):
    before = notebook.config.read_text()
    with pytest.raises(UsageError, match=message) as caught:
        notebook.run(f"%gemini profile add mine https://gateway.example {words}")
    assert notebook.config.read_text() == before
    assert KEY not in f"{caught.value}{capsys.readouterr()}"


def test_a_key_of_ones_own_is_not_written_wherever_it_stands(notebook, monkeypatch):
    monkeypatch.setenv("GEMINI_API_KEY", KEY)
    before = notebook.config.read_text()
    with pytest.raises(UsageError, match="One of your keys") as caught:
        notebook.run(f"%gemini profile add mine https://gateway.example model={KEY}")
    assert notebook.config.read_text() == before
    assert KEY not in str(caught.value)


def test_setting_up_sends_nothing(notebook):
    for line in ("config", "config model", "profile list", "profile use here", "profile add a https://a.example"):
        notebook.run(f"%gemini {line}")
    assert notebook.wire.connections == 0
