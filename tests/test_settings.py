from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
import threading
import types
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_magic.exceptions import ConfigError
from gemini_magic.settings import (
    LOCAL,
    PROFILES,
    ApiKey,
    Profile,
    Timeouts,
    check_base_url,
    check_model,
    choose_profile,
    clean_key,
    config_path,
    did_you_mean,
    is_loopback,
    key_sources,
    load_config,
    model_url,
    origin,
    resolve_key,
)

KEY = "planted-Key-0123456789"
OWN = Profile("own", "https://gateway.example", key_variables=("OWN_KEY",))
STREAM, UNARY = "streamGenerateContent", "generateContent"


@pytest.fixture
def write_config(tmp_path: Path):
    def write(text: str | bytes, mode: int = 0o600) -> dict[str, str]:
        path = tmp_path / "config.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        path.chmod(mode)
        return {"GEMINI_MAGIC_CONFIG": str(path)}

    return write


# Addresses


@pytest.mark.parametrize(
    ("name", "unary", "stream"),
    [
        (
            "google",
            "https://generativelanguage.googleapis.com/v1beta/models/m:generateContent",
            "https://generativelanguage.googleapis.com/v1beta/models/m:streamGenerateContent?alt=sse",
        ),
        (
            "gogogotoken",
            "https://gogogotoken.ai/v1beta/models/m:generateContent",
            "https://gogogotoken.ai/v1beta/models/m:streamGenerateContent",
        ),
        (
            "theturbo",
            "https://gateway.theturbo.ai/v1/v1beta/models/m:generateContent",
            "https://gateway.theturbo.ai/v1/v1beta/models/m:streamGenerateContent",
        ),
        (
            "unigateway",
            "https://api.unigateway.ai/v1beta/models/m:generateContent",
            "https://api.unigateway.ai/v1beta/models/m:streamGenerateContent?alt=sse",
        ),
    ],
)
def test_each_gateway_is_reached_at_its_documented_address(name, unary, stream):
    assert model_url(PROFILES[name], "m", UNARY) == unary
    assert model_url(PROFILES[name], "m", STREAM) == stream


def test_each_gateway_lists_its_models_where_it_documents_it():
    assert PROFILES["google"].models_urls() == ("https://generativelanguage.googleapis.com/v1beta/models",)
    assert PROFILES["gogogotoken"].models_urls() == ("https://gogogotoken.ai/v1/models",)
    assert PROFILES["unigateway"].models_urls() == ("https://api.unigateway.ai/v1/models",)
    assert PROFILES["theturbo"].models_urls()[0] == "https://gateway.theturbo.ai/v1/models"
    assert Profile("x", "https://x.example/p/v1beta").models_urls() == (
        "https://x.example/p/v1beta/models",
        "https://x.example/p/v1/models",
    )


def test_each_gateway_gets_its_key_in_its_own_way():
    assert PROFILES["google"].auth == "x-goog-api-key"
    assert PROFILES["google"].key_variables == ("GEMINI_API_KEY", "GOOGLE_API_KEY")
    assert [PROFILES[name].auth for name in ("gogogotoken", "theturbo", "unigateway")] == ["bearer"] * 3
    assert PROFILES["theturbo"].headers == (("Accept", "application/json"),)
    assert PROFILES["google"].default_model == "gemini-2.5-flash"


@pytest.mark.parametrize(
    ("base", "prefix"),
    [
        ("https://x.example", "https://x.example/v1beta"),
        ("https://x.example/", "https://x.example/v1beta"),
        ("https://x.example/v1", "https://x.example/v1/v1beta"),
        ("https://x.example/v1beta", "https://x.example/v1beta"),
        ("https://x.example/v1beta/", "https://x.example/v1beta"),
        ("https://x.example/v1/v1beta", "https://x.example/v1/v1beta"),
        ("https://x.example/v1beta/models", "https://x.example/v1beta"),
        ("https://x.example/v1alpha", "https://x.example/v1alpha"),
        ("https://x.example/deep/proxy", "https://x.example/deep/proxy/v1beta"),
        ("https://generativelanguage.googleapis.com/v1", "https://generativelanguage.googleapis.com/v1beta"),
        ("https://api.unigateway.ai/v1", "https://api.unigateway.ai/v1beta"),
        ("https://gateway.theturbo.ai", "https://gateway.theturbo.ai/v1/v1beta"),
        ("HTTPS://X.example:443", "https://x.example/v1beta"),
        ("http://[::1]:8080", "http://[::1]:8080/v1beta"),
    ],
)
def test_a_base_url_may_end_in_its_root_or_in_a_version(base, prefix):
    assert model_url(base, "models/m", UNARY) == f"{prefix}/models/m:generateContent"


@pytest.mark.parametrize(
    "base",
    [
        "",
        " ",
        "x.example",
        "//x.example",
        "ftp://x.example",
        "https://",
        "https://x.example:99999",
        "https://x.example:0",
        "https://x y.example",
        "https://x.example/?key=1",
        "https://x.example/#top",
        "https://x.example\r\nHost: y",
        "https://g\u043e\u043egle.example",
        "https://[::1",
        "https://x.example/../y",
        "https://x.example/v1beta/models/m:generateContent/x:y",
        "https://x.example/" + "a" * 3000,
    ],
)
def test_a_base_url_that_is_none_is_refused(base):
    with pytest.raises(ConfigError, match="base_url"):
        check_base_url(base)


def test_a_key_or_password_in_a_base_url_is_refused_and_not_printed():
    for base in (f"https://user:{KEY}@x.example", f"https://x.example?key={KEY}", f"https://x.example#{KEY}"):
        with pytest.raises(ConfigError) as caught:
            check_base_url(base)
        assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    "name",
    ["", "../../x", "a b", "m?key=1", "m#x", "m\n", "/m", "m/", "a//b", "m%2e", "модель", "m" * 300, "..", "a/../b"],
)
def test_a_model_name_that_could_bend_the_url_is_refused(name):
    with pytest.raises(ConfigError, match="model name"):
        model_url("https://x.example", name, UNARY)


def test_a_model_name_is_one_segment_of_the_path():
    assert check_model("models/gemini-2.5-pro") == "gemini-2.5-pro"
    assert model_url("https://x.example", "vendor/m:free", UNARY).endswith("/models/vendor%2Fm%3Afree:generateContent")
    assert model_url("https://x.example", "tunedModels/mine", UNARY).endswith(
        "/v1beta/tunedModels/mine:generateContent"
    )


def test_a_method_is_a_word():
    with pytest.raises(ConfigError, match="method"):
        model_url("https://x.example", "m", "generate/../x")


@given(st.text(max_size=40), st.sampled_from(["https://x.example", "https://x.example/v1", "http://[::1]:81/p/v1beta"]))
def test_no_model_name_changes_the_host(name, base):
    try:
        url = model_url(base, name, UNARY)
    except ConfigError:
        return
    assert origin(url) == origin(base)
    assert urlsplit(url).path.startswith(urlsplit(base).path)
    assert urlsplit(url).path.endswith(":generateContent")
    assert not urlsplit(url).query


@given(st.text(max_size=60))
def test_checking_a_base_url_raises_config_errors_only(text):
    try:
        assert check_base_url(check_base_url(text))
    except ConfigError:
        return


def test_loopback_is_told_from_other_hosts():
    assert all(map(is_loopback, ["http://127.0.0.1:1", "http://localhost", "http://[::1]/x", "http://127.8.9.1"]))
    assert not any(map(is_loopback, ["http://127.0.0.1.example", "http://10.0.0.1", "http://localhost.example"]))


# Profiles


@pytest.mark.parametrize("seconds", [0, -1, float("inf"), float("nan"), "10", True, 10**9])
def test_a_timeout_that_is_none_is_refused(seconds):
    with pytest.raises(ConfigError, match="timeout"):
        Timeouts(idle=seconds)


def test_a_profile_checks_what_it_is_given():
    for wrong in ({"auth": "basic"}, {"retries": -1}, {"default_model": "a b"}, {"fallback": ("ok", "")}):
        with pytest.raises(ConfigError):
            Profile("x", "https://x.example", **wrong)


def test_a_profile_at_another_origin_has_lost_its_keys():
    moved = PROFILES["google"].with_base_url("https://evil.example")
    assert moved.key_variables == ()
    with pytest.raises(ConfigError, match="No key"):
        resolve_key(moved, env={"GEMINI_API_KEY": KEY})


def test_a_profile_at_the_same_origin_keeps_its_keys():
    moved = OWN.with_base_url("https://gateway.example:443/v1")
    assert resolve_key(moved, env={"OWN_KEY": KEY})[1] == "OWN_KEY"


def test_a_close_name_is_proposed():
    assert did_you_mean("gogle", PROFILES) == "Did you mean 'google'?"
    assert did_you_mean("qqqq", PROFILES) == ""


# Keys


def test_a_key_never_shows_itself():
    key = ApiKey(KEY, "https://x.example")
    shown = [repr(key), str(key), f"{key}", f"{key!r}", repr([key]), repr({"k": key}), str(dir(key))]
    shown += [
        repr(Profile("x", "https://x.example", api_key=key)),
        repr([getattr(key, name) for name in key.__slots__]),
    ]
    assert not any(KEY in text for text in shown)
    assert not hasattr(key, "__dict__")
    assert key.reveal() == KEY


def test_a_key_is_not_pickled_and_copies_are_itself():
    key = ApiKey(KEY)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError, match="not pickled"):
            pickle.dumps(key, protocol)
    assert copy.copy(key) is key
    assert copy.deepcopy([key])[0] is key


def test_a_key_is_a_value_that_does_not_change():
    assert ApiKey(KEY) == ApiKey(KEY)
    assert hash(ApiKey(KEY)) == hash(ApiKey(KEY))
    assert ApiKey(KEY) != ApiKey("other")
    assert ApiKey(KEY) != ApiKey(KEY, "https://x.example")
    assert ApiKey(KEY) != KEY
    with pytest.raises(AttributeError, match="read-only"):
        ApiKey(KEY).origin = "https://evil.example"


def test_a_key_goes_only_to_the_origin_it_was_set_for():
    key = ApiKey(KEY).bound_to("https://x.example/v1")
    assert key.reveal_for("https://x.example:443/other") == KEY
    for url in ("https://evil.example", "http://x.example", "https://x.example:444", "https://x.example.evil.example"):
        with pytest.raises(ConfigError, match="not sent") as caught:
            key.reveal_for(url)
        assert KEY not in str(caught.value)
    with pytest.raises(ConfigError, match="not sent"):
        resolve_key(OWN, key)


@pytest.mark.parametrize("around", [" {}", "{}\n", "\t{}\r\n"])
def test_white_space_around_a_key_is_trimmed(around):
    assert clean_key(around.format(KEY), "X") == KEY


@pytest.mark.parametrize(
    ("key", "position"),
    [
        (f"{KEY[:11]}\n{KEY[11:]}", 12),
        (f"“{KEY}”", 1),
        (f'"{KEY}"', 1),
        (f"{KEY}'", 23),
        (f"\u200b{KEY}", 1),
        (f"{KEY}é", 23),
        (f"{KEY} {KEY}", 23),
        (f"{KEY}\x00", 23),
    ],
)
def test_a_character_that_keys_do_not_have_is_named_by_its_place(key, position):
    with pytest.raises(ConfigError, match=f"character {position} ") as caught:
        clean_key(key, "OWN_KEY")
    assert "planted" not in str(caught.value)


def test_the_word_bearer_is_no_part_of_a_key():
    with pytest.raises(ConfigError, match="Bearer"):
        clean_key(f"Bearer {KEY}", "X")


@pytest.mark.parametrize(
    "key",
    ["YOUR_KEY", "YOUR_API_KEY", "your-key-here", "xxx", "sk-...", "sk-xxxx", "<key>", "****", "changeme", "$KEY"],
)
def test_a_placeholder_is_not_a_key(key):
    with pytest.raises(ConfigError, match="placeholder"):
        clean_key(key, "X")


@pytest.mark.parametrize("key", ["test-key", "k", "sk-0123abcd", "AIzaSy0123", "mykeyword-77", "ya29.a0-b_c/d+e=="])
def test_an_unusual_key_is_not_taken_for_a_placeholder(key):
    assert clean_key(key, "X") == key


@pytest.mark.parametrize("key", ["", "  \n", "k" * 10_000])
def test_an_empty_or_endless_key_is_refused(key):
    with pytest.raises(ConfigError, match=r"empty|longer"):
        clean_key(key, "X")


@given(st.text(max_size=30))
def test_a_message_about_a_key_never_holds_it(noise):
    with pytest.raises(ConfigError) as caught:
        clean_key(f"{KEY}\u00e9{noise}{KEY}", "X")
    assert KEY not in f"{caught.value!r}{caught.value}{caught.value.__cause__!r}"


# Where keys come from


def test_an_argument_wins_over_the_environment():
    key, source = resolve_key(OWN, "argument-key", env={"OWN_KEY": KEY})
    assert (key.reveal(), key.origin) == ("argument-key", "https://gateway.example")
    assert source == "the api_key argument (OWN_KEY with another key is ignored)"


def test_the_first_variable_wins_and_the_other_is_named():
    env = {"GEMINI_API_KEY": KEY, "GOOGLE_API_KEY": "other-key"}
    key, source = resolve_key(PROFILES["google"], env=env)
    assert key.reveal() == KEY
    assert source == "GEMINI_API_KEY (GOOGLE_API_KEY with another key is ignored)"
    assert resolve_key(PROFILES["google"], env=dict.fromkeys(env, KEY))[1] == "GEMINI_API_KEY"


def test_an_empty_variable_counts_as_not_set():
    assert resolve_key(PROFILES["google"], env={"GEMINI_API_KEY": " ", "GOOGLE_API_KEY": KEY})[1] == "GOOGLE_API_KEY"


def test_a_missing_key_lists_the_places_in_order(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "keyring", _keyring(lambda _service, _user: None))
    with pytest.raises(ConfigError) as caught:
        resolve_key(PROFILES["google"], env={"GEMINI_MAGIC_CONFIG": str(tmp_path / "c.toml")})
    text = str(caught.value)
    places = ["api_key argument", "GEMINI_API_KEY", "GOOGLE_API_KEY", "OS keyring", "c.toml", "export GEMINI_API_KEY"]
    assert sorted(places, key=text.index) == places


def test_no_key_is_looked_for_when_none_is_needed():
    assert resolve_key(PROFILES[LOCAL], env={}) == (None, "no key is needed")
    assert resolve_key(Profile("x", "http://x.example", auth="none"), env={})[0] is None
    assert resolve_key(PROFILES[LOCAL], "made-at-start", env={})[0].reveal() == "made-at-start"


def test_a_key_does_not_travel_unencrypted():
    with pytest.raises(ConfigError, match="unencrypted") as caught:
        resolve_key(Profile("x", "http://x.example"), KEY, env={})
    assert KEY not in str(caught.value)
    assert resolve_key(Profile("x", "http://x.example", allow_http=True), KEY, env={})[0]
    assert resolve_key(Profile("x", "http://127.0.0.1:8080"), KEY, env={})[0]


def _keyring(get_password):
    module = types.ModuleType("keyring")
    module.get_password = get_password
    return module


def test_the_keyring_is_asked_for_the_origin(monkeypatch):
    asked = []
    monkeypatch.setitem(sys.modules, "keyring", _keyring(lambda *names: asked.append(names) or f"{KEY}\n"))
    key, source = resolve_key(OWN, env={})
    assert (key.reveal(), source) == (KEY, "the OS keyring")
    assert asked == [("gemini_magic", "https://gateway.example")]


def test_the_environment_wins_over_the_keyring_which_is_not_asked(monkeypatch):
    asked = []
    monkeypatch.setitem(sys.modules, "keyring", _keyring(lambda *names: asked.append(names)))
    assert resolve_key(OWN, env={"OWN_KEY": KEY})[1] == "OWN_KEY"
    assert asked == []


def test_a_keyring_that_fails_has_no_key(monkeypatch):
    def fail(_service, _user):
        raise RuntimeError("no backend")

    monkeypatch.setitem(sys.modules, "keyring", _keyring(fail))
    with pytest.raises(ConfigError, match="No key"):
        resolve_key(OWN, env={})


def test_a_keyring_that_waits_for_a_password_is_left_behind(monkeypatch):
    release = threading.Event()
    monkeypatch.setitem(sys.modules, "keyring", _keyring(lambda _service, _user: release.wait(60) and None))
    with pytest.raises(ConfigError, match="No key"):
        resolve_key(OWN, env={}, keyring_patience=0.01)
    release.set()


def test_key_sources_say_when_the_keyring_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "keyring", _keyring(None))
    assert "user 'https://gateway.example'" in key_sources(OWN, {})[2]


# Which profile


def test_the_named_profile_wins(write_config):
    env = write_config('profile = "unigateway"') | {"GEMINI_MAGIC_PROFILE": "theturbo", "GEMINI_API_KEY": KEY}
    assert choose_profile("gogogotoken", env)[0].name == "gogogotoken"
    assert choose_profile(None, env)[0].name == "theturbo"
    del env["GEMINI_MAGIC_PROFILE"]
    assert choose_profile(None, env) == (PROFILES["unigateway"], None)


def test_the_first_profile_with_a_key_is_taken(write_config):
    env = write_config('[profiles.work]\nbase_url = "https://work.example"\nkey_variable = "WORK_KEY"')
    env |= {"WORK_KEY": KEY}
    assert choose_profile(env=env)[0].name == "work"
    for name in ("unigateway", "theturbo", "gogogotoken", "google"):
        env[PROFILES[name].key_variables[-1]] = KEY
        assert choose_profile(env=env)[0].name == name


def test_without_a_key_the_embedded_model_answers_and_one_line_says_so():
    profile, notice = choose_profile(env={"GEMINI_API_KEY": ""})
    assert profile.name == LOCAL
    assert "\n" not in notice
    assert "embedded model" in notice
    assert "export GEMINI_API_KEY=" in notice


@pytest.mark.parametrize(("name", "env"), [("gogle", {}), (None, {"GEMINI_MAGIC_PROFILE": "gogle"})])
def test_an_unknown_profile_names_the_nearest(name, env):
    with pytest.raises(ConfigError, match="Did you mean 'google'"):
        choose_profile(name, env)


def test_a_common_model_goes_to_profiles_without_their_own(write_config):
    env = write_config('model = "gemini-x"\n[profiles.unigateway]\nmodel = "gemini-y"')
    assert choose_profile("google", env)[0].default_model == "gemini-x"
    assert choose_profile("unigateway", env)[0].default_model == "gemini-y"
    assert choose_profile(LOCAL, env)[0].default_model == PROFILES[LOCAL].default_model


# The config file


def test_a_missing_file_means_the_built_in_profiles(tmp_path):
    config = load_config({"GEMINI_MAGIC_CONFIG": str(tmp_path / "none" / "config.toml")})
    assert config.profiles == PROFILES
    assert config.profile == ""


def test_the_file_is_in_the_users_config_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert config_path({}).parts[-2:] == ("gemini_magic", "config.toml")
    assert config_path({"GEMINI_MAGIC_CONFIG": "/a/b.toml"}) == Path("/a/b.toml")


def test_a_whole_profile_is_read(write_config):
    config = load_config(
        write_config(
            """
            profile = "work"
            [profiles.work]
            base_url = "https://work.example/v1/"
            auth = "x-goog-api-key"
            key_variable = ["WORK_KEY", "OLD_KEY"]
            model = "gemini-x"
            models = ["gemini-x", "gemini-y"]
            fallback = "gemini-y"
            stream_query = ""
            headers = { X-Team = "a" }
            retries = 2
            timeout = { idle = 5 }
            """
        )
    )
    work = config.profiles["work"]
    assert (config.profile, work.base_url, work.auth) == ("work", "https://work.example/v1", "x-goog-api-key")
    assert (work.key_variables, work.fallback, work.retries) == (("WORK_KEY", "OLD_KEY"), ("gemini-y",), 2)
    assert (work.headers, work.timeouts.idle, work.timeouts.total) == ((("X-Team", "a"),), 5, 600)
    assert work.model_url("gemini-x", STREAM) == "https://work.example/v1/v1beta/models/gemini-x:streamGenerateContent"


def test_a_built_in_profile_may_be_adjusted_but_leaves_its_keys_at_home(write_config):
    env = write_config(
        '[profiles.google]\nmodel = "gemini-x"\n[profiles.unigateway]\nbase_url = "https://evil.example"'
    )
    profiles = load_config(env).profiles
    assert profiles["google"].default_model == "gemini-x"
    assert profiles["google"].key_variables == ("GEMINI_API_KEY", "GOOGLE_API_KEY")
    assert profiles["unigateway"].key_variables == ()


def test_a_key_in_a_file_that_only_the_owner_reads_is_taken(write_config):
    env = write_config(f'[profiles.work]\nbase_url = "https://work.example"\napi_key = "{KEY}"')
    config = load_config(env)
    key, source = resolve_key(config.profiles["work"], env=env)
    assert (key.reveal(), key.origin) == (KEY, "https://work.example")
    assert "config.toml" in source
    assert KEY not in repr(config)
    assert choose_profile(env=env)[0].name == "work"


@pytest.mark.skipif(os.name == "nt", reason="modes are POSIX")
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o620, 0o602])
def test_a_key_in_a_file_that_others_reach_is_refused(write_config, mode):
    env = write_config(f'[profiles.work]\nbase_url = "https://work.example"\napi_key = "{KEY}"', mode)
    with pytest.raises(ConfigError, match="chmod 600") as caught:
        load_config(env)
    assert KEY not in str(caught.value)
    assert load_config(write_config('profile = "google"', mode)).profile == "google"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('a = 1\nb = = "', r"line 2"),
        ("profil = 'google'", "Did you mean 'profile'"),
        ("profile = 5", "'profile' .* must be str, not int"),
        ("profile = 'gogle'", "Did you mean 'google'"),
        ("model = 'a b'", "not a model name"),
        ("profiles = 5", "must be dict"),
        ("[profiles]\nwork = 5", "must be a table"),
        ("[profiles.work]\nauth = 'none'", "no base_url"),
        ("[profiles.work]\nbase_ur = 'x'", "Did you mean 'base_url'"),
        ("[profiles.work]\nbase_url = 'x'", r"\[profiles.work\] .*https://"),
        ("[profiles.work]\nbase_url = 'https://x.example'\nauth = 'basic'", "auth must be one of"),
        ("[profiles.work]\nbase_url = 'https://x.example'\nretries = true", "must be int, not bool"),
        ("[profiles.work]\nbase_url = 'https://x.example'\nfallback = [1]", "list of texts"),
        ("[profiles.work]\nbase_url = 'https://x.example'\ntimeout = 0", "above 0"),
        ("[profiles.work]\nbase_url = 'https://x.example'\ntimeout = {idl = 1}", "Did you mean 'idle'"),
        ("[profiles.work]\nbase_url = 'https://x.example'\nheaders = {Authorization = 'x'}", "must not set"),
        ('[profiles.work]\nbase_url = "https://x.example"\nheaders = {X = "a\\r\\nb"}', "plain ASCII"),
        (b"\xff\xfe", "not UTF-8"),
    ],
)
def test_a_config_file_that_is_wrong_says_where(write_config, text, message):
    with pytest.raises(ConfigError, match=message):
        load_config(write_config(text))


def test_a_wrong_type_beside_a_key_prints_neither(write_config):
    text = f'[profiles.work]\nbase_url = 5\napi_key = "{KEY}"\n'
    for wrong in (text, f"[profiles.work]\nbase_url = 'https://x.example'\napi_key = ['{KEY}']"):
        with pytest.raises(ConfigError, match="must be str") as caught:
            load_config(write_config(wrong))
        assert KEY not in repr(caught.value)


def test_a_byte_order_mark_is_no_harm_and_ten_megabytes_are(write_config):
    assert load_config(write_config(b"\xef\xbb\xbfprofile = 'google'")).profile == "google"
    with pytest.raises(ConfigError, match="larger than"):
        load_config(write_config(b"#" * 10_000_000))


def test_a_folder_is_not_a_config_file(tmp_path):
    with pytest.raises(ConfigError, match="not a file"):
        load_config({"GEMINI_MAGIC_CONFIG": str(tmp_path)})


def test_importing_settings_stays_light():
    code = "import sys, gemini_magic.settings as s; s.choose_profile(env={}); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    heavy = {"httpx", "pydantic", "IPython", "keyring", "pandas", "narwhals", "aiohttp"}
    assert not heavy & set(done.stdout.split())
