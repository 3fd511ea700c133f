"""Changes to the user's config file that leave the rest of it as it was written."""

from __future__ import annotations

import contextlib
import math
import os
import re
import tempfile
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from gemini_magic.exceptions import ConfigError
from gemini_magic.settings.config import SETTINGS, parse_config, read_text
from gemini_magic.settings.nearest import did_you_mean
from gemini_magic.settings.profiles import AUTHS, LOCAL, PRICE_LISTS, PROFILES

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_WORDS: Mapping[str, tuple[str, ...]] = MappingProxyType({"auth": AUTHS, "prices": PRICE_LISTS})
_YES = {"yes": True, "true": True, "on": True, "1": True, "no": False, "false": False, "off": False, "0": False}
#: Keys do not come by this way, and tables are written by hand.
FIELDS = tuple(name for name in SETTINGS if name not in {"api_key", "headers"})


def add_profile(path: Path, name: str, fields: Mapping[str, str], *, replace: bool = False) -> None:
    """Write a profile into a config file, which is made if there is none.

    Comments and order stay. The file as it would be is written beside the old one, read again and checked, and only
    then put in its place; nobody but its owner can read it.

    Args:
        path: The config file.
        name: The profile's name.
        fields: Settings of the profile as they were typed, ``base_url`` among them.
        replace: Whether a profile of this name may be replaced.

    Raises:
        ConfigError: The name or a field is not usable, there is such a profile already, or the file cannot be changed.
    """
    section = {field: _value(field, text) for field, text in fields.items()}
    _check_name(name)
    old = read_text(path) or ""
    own = parse_config(old, path).own if old else frozenset()
    if not replace and (name in own or name in PROFILES):
        where = f"in {path}" if name in own else "built in"
        raise ConfigError(f"There is a profile {name!r} already, {where}.", hint="Put replace=yes behind the line.")
    text = _with_profile(old, name, section)
    _check_outcome(old, text, name, section, path)
    _write(path.resolve(), text)


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"{name[:80]!r} cannot be the name of a profile.", hint="Allowed are letters, digits, dot, _ and -."
        )
    if name == LOCAL:
        raise ConfigError("'local' is the embedded model's profile.", hint="Give yours another name.")


def _value(name: str, text: str) -> object:
    """A setting as the file has it; messages do not repeat what was typed, which may be a key in the wrong place."""
    if name not in FIELDS:
        hint = did_you_mean(name, FIELDS) or f"Known are: {', '.join(FIELDS)}."
        raise ConfigError(f"{name[:40]!r} is not a setting of a profile that can be given here.", hint=hint)
    kind = SETTINGS[name][0]
    kinds = kind if isinstance(kind, tuple) else (kind,)
    if name == "key_variable" and not _VARIABLE.fullmatch(text):
        raise ConfigError("key_variable takes the name of an environment variable, such as MY_GATEWAY_KEY.")
    if text not in _WORDS.get(name, (text,)):
        raise ConfigError(f"{name} must be one of {', '.join(_WORDS[name])}.")
    if bool in kinds:
        if text.lower() not in _YES:
            raise ConfigError(f"{name} takes yes or no.")
        return _YES[text.lower()]
    if list in kinds and (str not in kinds or "," in text):
        return [word.strip() for word in text.split(",") if word.strip()]
    return text if str in kinds else _number(name, text)


def _number(name: str, text: str) -> int | float:
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            number = kind(text)
            if math.isfinite(number):
                return number
    raise ConfigError(f"{name} takes a number.")


def _with_profile(old: str, name: str, section: Mapping[str, object]) -> str:
    table = tomlkit.table()
    table.update(section)
    try:
        document = tomlkit.parse(old)
        profiles: Any = document.setdefault("profiles", tomlkit.table(is_super_table=True))
        profiles[name] = table
        text = tomlkit.dumps(document)
    except (TOMLKitError, TypeError, AttributeError, ValueError, KeyError):
        return ""  # an unusual file, such as one with its profiles in one line; `_check_outcome` says what to do
    return text if text.endswith("\n") else f"{text}\n"


def _check_outcome(old: str, text: str, name: str, section: Mapping[str, object], path: Path) -> None:
    """The file says what it said before, and the new profile; and it is a config file."""
    import tomllib  # noqa: PLC0415 - most people have no config file

    wanted = tomllib.loads(old)
    wanted["profiles"] = {**wanted.get("profiles", {}), name: dict(section)}
    if not text or tomllib.loads(text) != wanted:
        lines = "\n".join(
            [f"[profiles.{name}]", *(tomlkit.dumps({key: value}).strip() for key, value in section.items())]
        )
        raise ConfigError(f"{path} is laid out in a way that cannot be changed here.", hint=f"Add by hand:\n{lines}")
    parse_config(text, path)


def _write(path: Path, text: str) -> None:
    """Put a text in a file's place at once, as a file that only its owner can read."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, beside = tempfile.mkstemp(prefix=".config-", suffix=".toml", dir=path.parent)  # its mode is 0600
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            parse_config(read_text(Path(beside)) or "", Path(beside))
            Path(beside).replace(path)
        finally:
            with contextlib.suppress(FileNotFoundError):
                Path(beside).unlink()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ConfigError(f"The config file {path} cannot be written: {reason}.") from None
