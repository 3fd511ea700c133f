"""From settings to a client: which gateway, which key, and connections that are kept."""

from __future__ import annotations

import os
import signal
from contextlib import suppress

import pytest
from wire_server import unary

import gemini_magic as gm
from gemini_magic.connect import connect, connect_with_notice, disconnect, local_server
from gemini_magic.exceptions import ConfigError

KEY = "planted-key-0123456789-abcdefghijklmnop"


@pytest.fixture(autouse=True)
def nothing_stays_open():
    yield
    disconnect()


@pytest.fixture
def config(tmp_path, monkeypatch, wire):
    """A config file whose profile `here` is the loopback gateway."""
    path = tmp_path / "config.toml"
    path.write_text(f'[profiles.here]\nbase_url = "{wire.url}"\nkey_variable = "KEY_OF_TEST"\nmodel = "gemini-here"\n')
    path.chmod(0o600)
    monkeypatch.setenv("GEMINI_MAGIC_CONFIG", str(path))
    wire.answers(unary("Yes."))
    return path


# Which gateway


@pytest.mark.parametrize(
    ("variable", "profile"),
    [
        ("GEMINI_API_KEY", "google"),
        ("GOOGLE_API_KEY", "google"),
        ("GOGOGOTOKEN_API_KEY", "gogogotoken"),
        ("THETURBO_API_KEY", "theturbo"),
        ("UNIGATEWAY_API_KEY", "unigateway"),
    ],
)
def test_the_profile_whose_key_is_set_is_taken(monkeypatch, variable, profile):
    monkeypatch.setenv(variable, KEY)
    client, notice = connect_with_notice()
    assert (client.profile.name, notice) == (profile, None)


def test_a_named_profile_wins_over_a_key_that_is_set(monkeypatch):
    monkeypatch.setenv("GEMINI_API_KEY", KEY)
    monkeypatch.setenv("UNIGATEWAY_API_KEY", KEY)
    assert connect("unigateway").profile.name == "unigateway"
    monkeypatch.setenv("GEMINI_MAGIC_PROFILE", "unigateway")
    assert connect().profile.name == "unigateway"
    assert connect("google").profile.name == "google"


def test_an_unknown_profile_names_the_nearest():
    with pytest.raises(ConfigError, match=r"'gogle'.*google"):
        connect("gogle")


def test_without_a_key_the_embedded_model_answers_and_one_line_says_so():
    client, notice = connect_with_notice()
    assert client.profile.name == "local"
    assert client.base_url.startswith("http://127.0.0.1:")
    assert "\n" not in notice
    assert "GEMINI_API_KEY" in notice
    client, notice = connect_with_notice("local")
    assert (client.profile.name, notice) == ("local", None)


# Which key


def test_a_missing_key_lists_where_it_was_looked_for(config):
    with pytest.raises(ConfigError) as caught:
        connect("here")
    words = str(caught.value)
    places = ["the api_key argument", "KEY_OF_TEST", "keyring", f"[profiles.here] in {config}"]
    assert [words.index(place) for place in places] == sorted(words.index(place) for place in places)
    assert "export KEY_OF_TEST=" in words


def test_argument_environment_and_file_are_asked_in_this_order(config, monkeypatch, wire):
    def used():
        client.generate("Hi")
        return wire.seen[-1].header("authorization")

    config.write_text(config.read_text() + 'api_key = "key-from-the-file"\n')
    client = connect("here")
    assert used() == "Bearer key-from-the-file"
    monkeypatch.setenv("KEY_OF_TEST", "key-from-the-environment")
    client = connect("here")
    assert used() == "Bearer key-from-the-environment"
    client = connect("here", api_key="key-from-the-argument")
    assert used() == "Bearer key-from-the-argument"


def test_a_key_never_shows(config, monkeypatch):
    monkeypatch.setenv("KEY_OF_TEST", KEY)
    client = connect("here", headers={"x-team": "a"})
    shown = f"{client!r} {client} {client.profile!r} {vars(client)}"
    assert KEY not in shown
    assert config.read_text()
    with pytest.raises(TypeError, match="pickled"):
        client.__reduce_ex__(4)


@pytest.mark.usefixtures("config")
@pytest.mark.parametrize("key", ["YOUR_KEY", "two words", "ключ", "Bearer abc"])
def test_what_cannot_be_a_key_is_refused_without_showing_it(key):
    with pytest.raises(ConfigError) as caught:
        connect("here", api_key=key)
    assert key not in str(caught.value)


# Arguments


@pytest.mark.usefixtures("config")
def test_arguments_refine_the_profile(wire):
    client = connect(
        "here", model="gemini-y", api_key=KEY, auth="x-goog-api-key", headers={"X-Team": "a"}, timeout=9, retries=1
    )
    client.generate("Hi")
    seen = wire.seen[-1]
    assert seen.path == "/v1beta/models/gemini-y:generateContent"
    assert (seen.header("x-goog-api-key"), seen.header("x-team")) == (KEY, "a")
    assert seen.header("authorization") is None
    assert client.profile.timeouts.total == 9
    assert client.profile.retries == 1


def test_a_base_url_is_enough(wire):
    wire.answers(unary("Yes."))
    client = connect(base_url=wire.url, api_key=KEY, model="gemini-z")
    assert client.generate("Hi").text == "Yes."
    assert wire.seen[-1].header("authorization") == f"Bearer {KEY}"
    assert connect(base_url=wire.url, auth="none").generate("Hi").text == "Yes."
    assert wire.seen[-1].header("authorization") is None


def test_a_base_url_moves_a_profile_and_leaves_its_key_behind(monkeypatch, wire):
    monkeypatch.setenv("GEMINI_API_KEY", KEY)
    with pytest.raises(ConfigError, match="No key"):
        connect("google", base_url=wire.url)
    assert wire.connections == 0
    wire.answers(unary("Yes."))
    connect("google", base_url=wire.url, api_key="another-key-0123456789").generate("Hi")
    assert wire.seen[-1].header("x-goog-api-key") == "another-key-0123456789"


def test_a_key_does_not_go_out_unencrypted():
    with pytest.raises(ConfigError, match=r"unencrypted|without encryption"):
        connect(base_url="http://gateway.example", api_key=KEY)


def test_an_unknown_way_of_authentication_is_refused(wire):
    with pytest.raises(ConfigError, match="auth must be one of"):
        connect(base_url=wire.url, auth="basic", api_key=KEY)


# Connections that are kept


@pytest.mark.usefixtures("config")
def test_equal_settings_share_one_connection(wire, monkeypatch):
    monkeypatch.setenv("KEY_OF_TEST", KEY)
    for model in ("gemini-a", "gemini-b", "gemini-c"):
        connect("here", model=model, timeout=7).generate("Hi")
    gm.connect("here").generate("Hi")
    assert wire.connections == 1
    first, _ = connect_with_notice("here")
    second, _ = connect_with_notice("here")
    assert first is second


@pytest.mark.usefixtures("config")
def test_another_key_or_header_is_another_client(wire):
    clients = [
        connect_with_notice("here", api_key="key-number-one-0123")[0],
        connect_with_notice("here", api_key="key-number-two-0123")[0],
        connect_with_notice("here", api_key="key-number-one-0123", headers={"x-team": "a"})[0],
    ]
    assert len(set(map(id, clients))) == 3
    for client in clients:
        client.generate("Hi")
    assert wire.connections == 3


@pytest.mark.usefixtures("config")
def test_after_disconnecting_everything_is_opened_again(wire, monkeypatch):
    monkeypatch.setenv("KEY_OF_TEST", KEY)
    client = connect("here")
    client.generate("Hi")
    disconnect()
    disconnect()
    client.generate("Hi")
    connect("here").generate("Hi")
    assert wire.connections == 3
    client.close()


# The embedded server


def test_the_embedded_server_is_started_once_and_shared():
    first, second = connect("local", model="echo"), connect()
    assert first.base_url == second.base_url
    assert local_server() is local_server()
    assert "one two three" in first.generate("one two three").text
    token = local_server().token
    assert token not in f"{first!r} {vars(first)} {local_server()!r}"


def test_the_embedded_server_is_started_again_when_it_was_killed():
    before = connect("local", model="echo")
    server = local_server()
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    server._process.wait(30)
    after = connect("local", model="echo")
    assert "again" in after.generate("again").text
    assert local_server().pid != server.pid or local_server() is not server
    assert after.base_url != before.base_url


def test_disconnecting_stops_the_embedded_server():
    connect("local")
    server = local_server()
    process = server._process
    disconnect()
    assert not server.running
    assert process.wait(30) is not None
    with suppress(ProcessLookupError):
        os.kill(process.pid, 0)
        pytest.fail("it still runs")
