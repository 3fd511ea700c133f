"""Prices in the config file, and where else a profile's prices come from."""

from __future__ import annotations

from decimal import Decimal

import pytest

from gemini_magic.exceptions import ConfigError
from gemini_magic.settings import LOCAL, PROFILES, Price, Profile, load_config


def load(tmp_path, text):
    path = tmp_path / "config.toml"
    path.write_text(text)
    return load_config({"GEMINI_MAGIC_CONFIG": str(path)})


def test_prices_are_read_exactly(tmp_path):
    text = '[prices."models/gemini-x"]\ninput = 0.1\noutput = "2.50"\ncached = 0.01\nthoughts = 3\ncurrency = "cny"\n'
    price = Price(Decimal("0.1"), Decimal("2.50"), Decimal("0.01"), Decimal(3), "CNY")
    assert load(tmp_path, text).prices == {"gemini-x": price}


def test_without_a_table_there_are_no_prices(tmp_path):
    assert load(tmp_path, "").prices == {}
    assert load_config({"GEMINI_MAGIC_CONFIG": str(tmp_path / "none.toml")}).prices == {}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("prices = 3", "'prices' in .* must be dict"),
        ("[prices.m]\ninput = 1\n", r"prices of .*config\.toml\['m'\] has no output"),
        ("[prices.m]\ninput = 1\noutput = -1\n", r"output in prices of .*from 0 on; it is '-1'"),
        ("[prices.m]\ninput = 1\noutput = 1\ncache = 1\n", "Did you mean 'cached'"),
        ("[prices.m]\ninput = 1\noutput = inf\n", "from 0 on"),
    ],
)
def test_prices_that_are_none_are_refused_with_their_place(tmp_path, text, words):
    with pytest.raises(ConfigError, match=words):
        load(tmp_path, text)


def test_only_google_asks_googles_prices_unless_the_user_says_so(tmp_path):
    assert {name: profile.prices for name, profile in PROFILES.items()} == {
        "google": "google",
        "gogogotoken": "none",
        "theturbo": "none",
        "unigateway": "none",
        LOCAL: "free",
    }
    profiles = load(tmp_path, '[profiles.theturbo]\nprices = "google"\n[profiles.google]\nprices = "none"\n').profiles
    assert (profiles["theturbo"].prices, profiles["google"].prices) == ("google", "none")


def test_a_profile_that_moves_leaves_its_prices_behind(tmp_path):
    assert PROFILES["google"].with_base_url("https://other.example").prices == "none"
    assert PROFILES["google"].with_base_url(PROFILES["google"].base_url + "/v1beta").prices == "google"
    moved = load(tmp_path, '[profiles.google]\nbase_url = "https://other.example"\n').profiles["google"]
    assert moved.prices == "none"


def test_a_price_list_that_does_not_exist_is_refused():
    with pytest.raises(ConfigError, match="google, free, none, not 'bing'"):
        Profile("own", "https://own.example", prices="bing")
