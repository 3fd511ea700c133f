"""The user's config file: profiles of their own, and which one to take."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

from platformdirs import user_config_path

from gemini_magic.exceptions import ConfigError
from gemini_magic.settings.keys import ApiKey
from gemini_magic.settings.nearest import did_you_mean
from gemini_magic.settings.prices import Price, read_prices
from gemini_magic.settings.profiles import PROFILES, Profile, Timeouts, check_seconds
from gemini_magic.settings.urls import check_model

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

CONFIG_VARIABLE = "GEMINI_MAGIC_CONFIG"
MAX_CONFIG = 1_000_000


@dataclass(frozen=True, slots=True)
class Config:
    """What the config file says; without a file, nothing but the built-in profiles.

    Args:
        path: Where the file is, or would be.
        profile: The profile to take when none is named; empty when the file does not say.
        model: The model to take when none is named; empty when the file does not say.
        profiles: All profiles by name, built-in ones first.
        models_set: Names of the profiles whose own ``model`` the file sets.
        own: Names of the profiles that the file has a section for.
        prices: What models cost, by name, as the file says.
    """

    path: Path
    profile: str = ""
    model: str = ""
    profiles: Mapping[str, Profile] = field(default_factory=lambda: PROFILES)
    models_set: frozenset[str] = frozenset()
    own: frozenset[str] = frozenset()
    prices: Mapping[str, Price] = field(default_factory=lambda: MappingProxyType({}))


def config_path(env: Mapping[str, str] | None = None) -> Path:
    """Where the config file is: ``GEMINI_MAGIC_CONFIG``, or the user's config folder."""
    named = (os.environ if env is None else env).get(CONFIG_VARIABLE, "")
    if named:
        return Path(named).expanduser()
    return user_config_path("gemini_magic") / "config.toml"


def load_config(env: Mapping[str, str] | None = None) -> Config:
    """Read the config file.

    Args:
        env: The environment; the process's own when None.

    Returns:
        What it says.

    Raises:
        ConfigError: It cannot be read, is no TOML, or says something that is not understood.
    """
    path = config_path(env)
    text = read_text(path)
    return Config(path) if text is None else parse_config(text, path)


def parse_config(text: str, path: Path) -> Config:
    """What a config file of this text and at this path says.

    Raises:
        ConfigError: As for `load_config`.
    """
    table = _parse(text, path)
    _check_names(table, ("profile", "model", "profiles", "prices"), str(path))
    sections = _typed(table, "profiles", dict, str(path), {})
    _check_mode(path, sections)
    profiles = dict(PROFILES)
    for name, section in sections.items():
        profiles[name] = _profile(name, section, f"[profiles.{name}] of {path}")
    chosen: str = _typed(table, "profile", str, str(path), "")
    model: str = _typed(table, "model", str, str(path), "")
    if chosen and chosen not in profiles:
        raise ConfigError(f"profile = {chosen!r} in {path} names no profile.", hint=did_you_mean(chosen, profiles))
    if model:
        check_model(model)
    return Config(
        path,
        chosen,
        model,
        MappingProxyType(profiles),
        models_set=frozenset(name for name, section in sections.items() if "model" in section),
        own=frozenset(sections),
        prices=read_prices(_typed(table, "prices", dict, str(path), {}), f"prices of {path}"),
    )


def read_text(path: Path) -> str | None:
    """The text of a config file, or None where there is no file.

    Raises:
        ConfigError: It cannot be read.
    """
    try:
        if path.stat().st_size > MAX_CONFIG:
            raise ConfigError(f"The config file {path} is larger than {MAX_CONFIG:,} bytes.")
        if not path.is_file():
            raise ConfigError(f"The config file {path} is not a file.")
        return path.read_text("utf-8-sig")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except UnicodeDecodeError as error:
        raise ConfigError(f"The config file {path} is not UTF-8 (byte {error.start}).") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ConfigError(f"The config file {path} cannot be read: {reason}.") from None


def _parse(text: str, path: Path) -> dict[str, Any]:
    import tomllib  # noqa: PLC0415 - most people have no config file

    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        # The message ends in "(at line 3, column 5)" and does not quote the file.
        raise ConfigError(f"The config file {path} is not valid TOML: {error}.") from None


def _check_mode(path: Path, sections: Mapping[str, Any]) -> None:
    keyed = any(isinstance(section, dict) and "api_key" in section for section in sections.values())
    if keyed and os.name != "nt" and stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise ConfigError(f"{path} holds a key and can be read by others.", hint=f"Run: chmod 600 {path}")


def _check_names(table: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    for name in table:
        if name not in known:
            hint = did_you_mean(name, known) or f"Known are: {', '.join(known)}."
            raise ConfigError(f"{name!r} in {where} is not known.", hint=hint)


_Kind: TypeAlias = type | tuple[type, ...]


def _typed(table: Mapping[str, Any], name: str, kind: _Kind, where: str, default: object) -> Any:  # noqa: ANN401
    """One value of a table; the message about a wrong type never shows the value."""
    value = table.get(name, default)
    wrong_bool = isinstance(value, bool) and kind is not bool
    if name in table and (wrong_bool or not isinstance(value, kind)):
        names = [one.__name__ for one in (kind if isinstance(kind, tuple) else (kind,))]
        raise ConfigError(f"{name!r} in {where} must be {' or '.join(names)}, not {type(value).__name__}.")
    return value


def _texts(value: object, name: str) -> tuple[str, ...]:
    texts = (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else ()
    if not texts or not all(isinstance(text, str) and text for text in texts):
        raise ConfigError(f"{name} must be text, or a list of texts.")
    return texts


def _seconds(value: object, name: str) -> Timeouts:
    if not isinstance(value, dict):
        return Timeouts(total=check_seconds(value, name))
    _check_names(value, ("connect", "first_event", "idle", "total"), name)
    return Timeouts(**{limit: check_seconds(number, f"{name}.{limit}") for limit, number in value.items()})


def _pairs(value: Mapping[str, object], name: str) -> tuple[tuple[str, str], ...]:
    for header, text in value.items():
        if header.lower() in {"authorization", "x-goog-api-key", "cookie", "host", "content-length"}:
            raise ConfigError(f"{name} must not set {header}.", hint="Use auth and key_variable.")
        if not re.fullmatch(r"[A-Za-z0-9-]+", header) or not isinstance(text, str) or not re.fullmatch(r"[ -~]*", text):
            raise ConfigError(f"{name} has a header whose name or text is not plain ASCII.")
    return tuple((header, str(text)) for header, text in value.items())


#: Setting in the file → (its type, field of Profile, conversion).
SETTINGS: Mapping[str, tuple[_Kind, str, Callable[[Any, str], object]]] = MappingProxyType(
    {
        "base_url": (str, "base_url", lambda value, _: value),
        "auth": (str, "auth", lambda value, _: value),
        "key_variable": ((str, list), "key_variables", _texts),
        "model": (str, "default_model", lambda value, _: value),
        "models": (list, "models", _texts),
        "fallback": ((str, list), "fallback", _texts),
        "api_key": (str, "api_key", lambda value, _: ApiKey(value)),
        "api_path": (str, "api_path", lambda value, _: value),
        "stream_query": (str, "stream_query", lambda value, _: value),
        "headers": (dict, "headers", _pairs),
        "timeout": ((int, float, dict), "timeouts", _seconds),
        "retries": (int, "retries", lambda value, _: value),
        "allow_http": (bool, "allow_http", lambda value, _: value),
        "prices": (str, "prices", lambda value, _: value),
    }
)


def _profile(name: str, section: object, where: str) -> Profile:
    if not isinstance(section, dict):
        raise ConfigError(f"{where} must be a table.")
    _check_names(section, tuple(SETTINGS), where)
    fields: dict[str, Any] = {}
    for setting, (kind, target, convert) in SETTINGS.items():
        if setting in section:
            fields[target] = convert(_typed(section, setting, kind, where, None), f"{setting} in {where}")
    base = PROFILES.get(name)
    if base is None and "base_url" not in fields:
        raise ConfigError(f"{where} has no base_url.", hint=did_you_mean(name, PROFILES))
    try:
        profile = _built(name, base, fields)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error.message}", hint=error.hint) from None
    key = profile.api_key
    return profile if key is None else replace(profile, api_key=ApiKey(key.reveal(), profile.origin))


def _built(name: str, base: Profile | None, fields: dict[str, Any]) -> Profile:
    if base is None:
        return Profile(name, **fields)
    # A built-in profile that moves to another origin leaves its keys behind, unless the file names new ones.
    moved = base.with_base_url(fields.pop("base_url", base.base_url))
    return replace(moved, **fields)
