"""Profiles, addresses and keys: everything that is known before a request is made.

Nothing here opens a connection. Keys come from an argument, the environment, the OS keyring or a config file that only
its owner can read, in this order, and each is bound to the origin it was set for.

A client needs profiles and addresses alone; what reads files and keyrings is imported when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gemini_magic._lazy import by_search

if TYPE_CHECKING:
    from gemini_magic.settings.choose import (
        choose_profile,
        choose_with_reason,
        key_place,
        key_sources,
        known_keys,
        resolve_key,
    )
    from gemini_magic.settings.config import Config, config_path, load_config
    from gemini_magic.settings.edit import add_profile
    from gemini_magic.settings.keys import ApiKey, clean_key
    from gemini_magic.settings.nearest import did_you_mean
    from gemini_magic.settings.prices import Price
    from gemini_magic.settings.profiles import LOCAL, PROFILES, Auth, Profile, Timeouts, check_seconds, model_url
    from gemini_magic.settings.urls import check_base_url, check_model, is_loopback, origin

# From what every client needs to what only some do; a name is looked for from the front.
_MODULES = ("nearest", "urls", "keys", "profiles", "prices", "config", "choose", "edit")

__all__ = [
    "LOCAL",
    "PROFILES",
    "ApiKey",
    "Auth",
    "Config",
    "Price",
    "Profile",
    "Timeouts",
    "add_profile",
    "check_base_url",
    "check_model",
    "check_seconds",
    "choose_profile",
    "choose_with_reason",
    "clean_key",
    "config_path",
    "did_you_mean",
    "is_loopback",
    "key_place",
    "key_sources",
    "known_keys",
    "load_config",
    "model_url",
    "origin",
    "resolve_key",
]


__getattr__ = by_search(__name__, __all__, _MODULES)
