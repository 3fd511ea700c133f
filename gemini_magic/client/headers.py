"""The headers of every request, the key among them; no I/O."""

from __future__ import annotations

from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gemini_magic.settings import ApiKey, Profile


@cache
def user_agent() -> str:
    """Name and version, and nothing about the user or the machine."""
    from importlib.metadata import version  # noqa: PLC0415 - costs milliseconds, needed at the first call only

    return f"gemini-magic/{version('gemini-magic')}"


def headers_with(key: ApiKey | None) -> Callable[[Profile], Mapping[str, str]]:
    """What gives the headers of a profile's requests, made once as long as the profile is the same.

    They hold the key, and are kept by a function because no report of an object or of a frame shows what that holds.
    """
    kept: tuple[Profile | None, Mapping[str, str]] = (None, {})

    def headers(profile: Profile) -> Mapping[str, str]:
        nonlocal kept
        found = kept  # another thread may have another profile
        if found[0] is not profile:
            found = kept = (profile, MappingProxyType(_headers(profile, key)))
        return found[1]

    return headers


def _headers(profile: Profile, key: ApiKey | None) -> dict[str, str]:
    headers = {
        "content-type": "application/json",
        "accept-encoding": "identity",
        "user-agent": user_agent(),
        **{name.lower(): value for name, value in dict(profile.headers).items()},
    }
    if key is not None and profile.auth != "none":
        value = key.reveal_for(profile.base_url)
        if profile.auth == "bearer":
            headers["authorization"] = f"Bearer {value}"
        else:
            headers["x-goog-api-key"] = value
    return headers
