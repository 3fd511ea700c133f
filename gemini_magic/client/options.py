"""What a client is told beside its profile; no I/O."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gemini_magic.exceptions import ConfigError
from gemini_magic.settings import ApiKey, Profile, Timeouts, check_model, clean_key, is_loopback

if TYPE_CHECKING:
    from collections.abc import Mapping


def refined(
    profile: Profile,
    *,
    model: str | None = None,
    auth: str | None = None,
    headers: Mapping[str, str] | None = None,
    timeout: float | Timeouts | None = None,
    retries: int | None = None,
    fallback: tuple[str, ...] = (),
) -> Profile:
    """The profile with what a client was told beside it.

    Raises:
        ConfigError: A setting cannot be used.
    """
    changes: dict[str, Any] = {}
    if model:
        changes["default_model"] = check_model(model)
    if auth:
        changes["auth"] = auth
    if headers:
        changes["headers"] = (*profile.headers, *(_header(name, value) for name, value in headers.items()))
    if timeout is not None:
        changes["timeouts"] = timeout if isinstance(timeout, Timeouts) else _within(profile.timeouts, timeout)
    if retries is not None:
        changes["retries"] = retries
    if fallback:
        changes["fallback"] = fallback
    return replace(profile, **changes) if changes else profile


def _header(name: str, value: str) -> tuple[str, str]:
    if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", name):
        raise ConfigError(f"{name[:40]!r} is not the name of a header.")
    if not re.fullmatch(r"[!-~]([ -~\t]*[!-~])?", value):  # the value is not shown: it may be a secret
        raise ConfigError(f"The value of the header {name} is empty, or has a character that headers do not have.")
    return name.lower(), value


def _within(limits: Timeouts, total: float) -> Timeouts:
    """The limits, none of them longer than the whole; a whole longer than usual waits longer for its beginning."""
    first = total if total > limits.total else min(limits.first_event, total)
    return Timeouts(min(limits.connect, total), first, min(limits.idle, total), total)


def as_key(key: str | ApiKey | None, profile: Profile) -> ApiKey | None:
    """The key that was given, else the profile's own."""
    if key is None or isinstance(key, ApiKey):
        return key or profile.api_key
    return ApiKey(clean_key(key, "the api_key argument"), profile.origin)


def check_cleartext(profile: Profile, key: ApiKey | None) -> None:
    """Refuse to send a key over the network without encryption."""
    if key is None or profile.allow_http or profile.base_url.startswith("https:") or is_loopback(profile.base_url):
        return
    raise ConfigError(f"The key would go to {profile.origin} without encryption.", hint="Use an https:// address.")
