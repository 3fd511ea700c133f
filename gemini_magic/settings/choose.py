"""Which profile answers, and with which key."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec
from threading import Thread
from typing import TYPE_CHECKING

from gemini_magic.exceptions import ConfigError
from gemini_magic.settings.config import Config, config_path, load_config
from gemini_magic.settings.keys import ApiKey, clean_key
from gemini_magic.settings.nearest import did_you_mean
from gemini_magic.settings.profiles import LOCAL, PROFILES, Profile
from gemini_magic.settings.urls import is_loopback

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PROFILE_VARIABLE = "GEMINI_MAGIC_PROFILE"
KEYRING_SERVICE = "gemini_magic"
#: Seconds that a keyring may take; one that waits for a password nobody sees is left behind.
KEYRING_PATIENCE = 3.0
NO_KEY = "no key is set"
#: Shorter ones may well stand in a prompt by chance.
SHORTEST_KNOWN = 8


def choose_profile(
    name: str | None = None, env: Mapping[str, str] | None = None, config: Config | None = None
) -> tuple[Profile, str | None]:
    """Choose the profile of a call.

    Args:
        name: What the user asked for; it wins over everything else.
        env: The environment; the process's own when None.
        config: The config file; read when None.

    Returns:
        The profile, and one line for the user when the embedded model answers for want of a key.

    Raises:
        ConfigError: There is no profile of that name.
    """
    profile, reason = choose_with_reason(name, env, config)
    return profile, _local_notice() if reason == NO_KEY else None


def choose_with_reason(
    name: str | None = None, env: Mapping[str, str] | None = None, config: Config | None = None
) -> tuple[Profile, str]:
    """As `choose_profile`, with what decided, as it reads after "because"."""
    environment = os.environ if env is None else env
    settings = load_config(environment) if config is None else config
    if name:
        return _named(name, settings, "The profile"), "it was asked for"
    if named := environment.get(PROFILE_VARIABLE, "").strip():
        return _named(named, settings, f"{PROFILE_VARIABLE}: the profile"), f"{PROFILE_VARIABLE} names it"
    if settings.profile:
        return _named(settings.profile, settings, "The profile"), f"{settings.path} names it"
    for profile in settings.profiles.values():
        place = key_place(profile, environment)
        if profile.name != LOCAL and place:
            return _named(profile.name, settings, "The profile"), f"it is the first one with a key ({place})"
    return settings.profiles[LOCAL], NO_KEY


def _named(name: str, settings: Config, what: str) -> Profile:
    profile = settings.profiles.get(name)
    if profile is None:
        hint = did_you_mean(name, settings.profiles) or f"Known are: {', '.join(settings.profiles)}."
        raise ConfigError(f"{what} {name[:80]!r} does not exist.", hint=hint)
    if settings.model and name != LOCAL and name not in settings.models_set:
        return replace(profile, default_model=settings.model)
    return profile


def _local_notice() -> str:
    first, *others = (profile.key_variables[0] for profile in PROFILES.values() if profile.key_variables)
    return (
        f"No key is set, so the embedded model answers. For Gemini: export {first}=… "
        f"(or {', '.join(others)}) before Jupyter starts."
    )


def _set_variables(profile: Profile, env: Mapping[str, str]) -> list[str]:
    return [name for name in profile.key_variables if env.get(name, "").strip()]


def key_place(profile: Profile, env: Mapping[str, str] | None = None) -> str:
    """Where the key of a profile is, without asking the OS keyring; an empty string when it is nowhere."""
    variables = _set_variables(profile, os.environ if env is None else env)
    return variables[0] if variables else "the config file" if profile.api_key else ""


def known_keys(env: Mapping[str, str] | None = None) -> list[ApiKey]:
    """Every key that is set for any profile, so that none of them is sent in a prompt.

    The OS keyring is not asked, because it may want a password. What cannot be a key, and what is so short that it may
    stand in a text by chance, is left out.

    Args:
        env: The environment; the process's own when None.

    Raises:
        ConfigError: The config file cannot be read.
    """
    environment = os.environ if env is None else env
    keys: dict[str, ApiKey] = {}
    for profile in load_config(environment).profiles.values():
        given = [ApiKey(environment[name], profile.origin) for name in _set_variables(profile, environment)]
        for key in (*given, *([profile.api_key] if profile.api_key else [])):
            try:
                text = clean_key(key.reveal(), "a known place")
            except ConfigError:
                continue
            if len(text) >= SHORTEST_KNOWN:
                keys.setdefault(text, ApiKey(text, key.origin))
    return list(keys.values())


def resolve_key(
    profile: Profile,
    explicit: str | ApiKey | None = None,
    env: Mapping[str, str] | None = None,
    *,
    keyring_patience: float = KEYRING_PATIENCE,
) -> tuple[ApiKey | None, str]:
    """Find the key of a profile: argument, environment, OS keyring, config file.

    Args:
        profile: The profile.
        explicit: A key given as an argument.
        env: The environment; the process's own when None.
        keyring_patience: Seconds to wait for the OS keyring.

    Returns:
        The key, bound to the profile's origin, and where it was found. No key when the profile needs none.

    Raises:
        ConfigError: There is no key, it cannot be one, or it would travel unencrypted.
    """
    environment = os.environ if env is None else env
    if explicit is None and (profile.auth == "none" or profile.name == LOCAL):
        return None, "no key is needed"
    for value, source in _candidates(profile, explicit, environment, keyring_patience):
        key = ApiKey(clean_key(value.reveal(), source), value.origin).bound_to(profile.base_url)
        _check_transport(profile)
        return key, source + _ignored(profile, environment, source, key)
    places = "; ".join(key_sources(profile, environment))
    raise ConfigError(f"No key for the profile {profile.name!r}. Looked in: {places}.", hint=_way_out(profile))


def _candidates(
    profile: Profile, explicit: str | ApiKey | None, env: Mapping[str, str], patience: float
) -> Iterator[tuple[ApiKey, str]]:
    """Every key there is, best first; the keyring is asked only when nothing before it was taken."""
    if explicit is not None:
        yield explicit if isinstance(explicit, ApiKey) else ApiKey(explicit), "the api_key argument"
        return
    for name in _set_variables(profile, env):
        yield ApiKey(env[name]), name
    stored = _from_keyring(profile.origin, patience)
    if stored is not None:
        yield stored, "the OS keyring"
    if profile.api_key is not None:
        yield profile.api_key, f"api_key of {config_path(env)}"


def _from_keyring(origin: str, patience: float) -> ApiKey | None:
    """The key stored for an origin; whatever goes wrong in a keyring means that it has none."""
    if not _has_keyring():
        return None
    found: list[ApiKey] = []

    def ask() -> None:
        try:
            stored = import_module("keyring").get_password(KEYRING_SERVICE, origin)
        except Exception:  # noqa: BLE001 - backends raise what they like
            return
        if isinstance(stored, str) and stored.strip():
            found.append(ApiKey(stored, origin))

    thread = Thread(target=ask, name="gemini-magic-keyring", daemon=True)
    thread.start()
    thread.join(patience)
    return found[0] if found else None


def _has_keyring() -> bool:
    return "keyring" in sys.modules or find_spec("keyring") is not None


def _check_transport(profile: Profile) -> None:
    if profile.base_url.startswith("http://") and not is_loopback(profile.base_url) and not profile.allow_http:
        raise ConfigError(
            f"The key would travel unencrypted to {profile.origin}.",
            hint="Use https, or set allow_http = true for this profile in the config file.",
        )


def _ignored(profile: Profile, env: Mapping[str, str], source: str, key: ApiKey) -> str:
    """Which other variables hold another key."""
    others = [name for name in _set_variables(profile, env) if name != source and env[name].strip() != key.reveal()]
    return f" ({', '.join(others)} with another key is ignored)" if others else ""


def key_sources(profile: Profile, env: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Where a key for a profile is looked for, in order, for help and error texts."""
    keyring = f"the OS keyring (service {KEYRING_SERVICE!r}, user {profile.origin!r})"
    if not _has_keyring():
        keyring = "the OS keyring (the keyring package is not installed)"
    variables = [f"the environment variable {name}" for name in profile.key_variables]
    setting = f"api_key under [profiles.{profile.name}] in {config_path(env)}"
    return ("the api_key argument", *variables, keyring, setting)


def _way_out(profile: Profile) -> str:
    if not profile.key_variables:
        return "Give one as api_key, or name its variable as key_variable in the config file."
    name = profile.key_variables[0]
    return f"Run `export {name}=…` before Jupyter starts, or set os.environ[{name!r}] from getpass.getpass()."
