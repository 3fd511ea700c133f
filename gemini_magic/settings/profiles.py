"""The gateways that are known by name, and what differs between them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from gemini_magic.exceptions import ConfigError
from gemini_magic.settings.urls import (
    STREAM_METHOD,
    api_root,
    check_base_url,
    check_model,
    method_url,
    origin,
    root_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gemini_magic.settings.keys import ApiKey

Auth = Literal["bearer", "x-goog-api-key", "none"]
AUTHS: tuple[Auth, ...] = ("bearer", "x-goog-api-key", "none")
PriceList = Literal["google", "free", "none"]
PRICE_LISTS: tuple[PriceList, ...] = ("google", "free", "none")
LOCAL = "local"
MAX_SECONDS = 86_400
MAX_RETRIES = 20


@dataclass(frozen=True, slots=True)
class Timeouts:
    """The four limits of a call, in seconds."""

    connect: float = 10.0
    first_event: float = 120.0
    idle: float = 60.0
    total: float = 600.0

    def __post_init__(self) -> None:
        """Refuse limits that are none."""
        for name in ("connect", "first_event", "idle", "total"):
            check_seconds(getattr(self, name), f"the {name} timeout")


def check_seconds(value: object, name: str) -> float:
    """A number of seconds between 0 (not itself) and a day.

    Raises:
        ConfigError: It is not.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ConfigError(f"{name} must be a number of seconds.")
    if not 0 < value <= MAX_SECONDS:
        raise ConfigError(f"{name} must be above 0 and at most {MAX_SECONDS:,} seconds; it is {value:g}.")
    return float(value)


@dataclass(frozen=True, slots=True)
class Profile:
    """Where to send requests, and how that server wants them.

    Args:
        name: What ``--profile`` calls it.
        base_url: Address of the server, checked by ``check_base_url``.
        auth: How the key is sent.
        key_variables: Environment variables that may hold the key, first one first.
        stream_query: What a stream's URL has behind the question mark.
        api_path: API version in the path; not added when the base URL ends in one.
        models_paths: Where the model list may be, below the root of the server, in the order to try.
        headers: Headers this server asks for beside the usual ones.
        default_model: The model when none is named.
        models: Models its documentation names.
        fallback: Models to try when the first one is not to be had.
        timeouts: The four limits.
        retries: How often to try again, or None for the client's own default.
        allow_http: Whether a key may go to another machine without encryption.
        prices: What its tokens cost where the user's own table does not say: ``google`` for Google's list prices,
            ``free`` for nothing, ``none`` where it is not known, as with gateways, whose prices are their own.
        api_key: A key from the config file.
    """

    name: str
    base_url: str
    auth: Auth = "bearer"
    key_variables: tuple[str, ...] = ()
    stream_query: str = "alt=sse"
    api_path: str = "/v1beta"
    models_paths: tuple[str, ...] = ("/v1beta/models", "/v1/models")
    headers: tuple[tuple[str, str], ...] = ()
    default_model: str = "gemini-2.5-flash"
    models: tuple[str, ...] = ()
    fallback: tuple[str, ...] = ()
    timeouts: Timeouts = Timeouts()
    retries: int | None = None
    allow_http: bool = False
    prices: PriceList = "none"
    api_key: ApiKey | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Check the address, the way of authentication and the model names."""
        object.__setattr__(self, "base_url", documented_url(check_base_url(self.base_url)))
        if self.auth not in AUTHS:
            raise ConfigError(f"auth must be one of {', '.join(AUTHS)}, not {self.auth!r}.")
        if self.prices not in PRICE_LISTS:
            raise ConfigError(f"prices must be one of {', '.join(PRICE_LISTS)}, not {self.prices!r}.")
        if self.retries is not None and not 0 <= self.retries <= MAX_RETRIES:
            raise ConfigError(f"retries must be between 0 and {MAX_RETRIES}; it is {self.retries}.")
        for model in (self.default_model, *self.fallback):
            check_model(model)

    @property
    def origin(self) -> str:
        """Scheme, host and port that the key belongs to."""
        return origin(self.base_url)

    def model_url(self, model: str, method: str) -> str:
        """The address of a method of a model at this server."""
        query = self.stream_query if method == STREAM_METHOD else ""
        return method_url(api_root(self.base_url, self.api_path), model, method, query)

    def models_urls(self) -> tuple[str, ...]:
        """Where the model list may be, in the order to try."""
        root = root_of(self.base_url)
        return tuple(root + path for path in self.models_paths)

    def with_base_url(self, url: str) -> Profile:
        """This profile at another address, without its keys and prices when the origin is another.

        Args:
            url: The new base URL.

        Returns:
            A profile that no longer knows where a key for the old origin could be found.
        """
        moved = replace(self, base_url=url)
        if moved.origin == self.origin:
            return moved
        return replace(moved, key_variables=(), api_key=None, prices="none")


_VERSION_PATHS = frozenset({"", "/v1", "/v1beta", "/v1/v1beta"})
# The hosts of the built-in profiles are reached as they document it, whichever version was typed.
_DOCUMENTED = MappingProxyType(
    {
        "https://generativelanguage.googleapis.com": "",
        "https://gogogotoken.ai": "",
        "https://gateway.theturbo.ai": "/v1",
        "https://api.unigateway.ai": "",
    }
)


def documented_url(url: str) -> str:
    """A known server's documented base URL; any other URL as it is."""
    root = origin(url)
    if root not in _DOCUMENTED or url.removeprefix(root) not in _VERSION_PATHS:
        return url
    return root + _DOCUMENTED[root]


def model_url(target: Profile | str, model: str, method: str) -> str:
    """The address of a method of a model.

    Args:
        target: A profile, or a base URL that ends in its root, ``/v1``, ``/v1beta`` or ``/v1/v1beta``.
        model: A model's name.
        method: Such as ``generateContent`` or ``streamGenerateContent``.

    Returns:
        The URL.

    Raises:
        ConfigError: The base URL, the model's or the method's name cannot be used.
    """
    profile = Profile("", target) if isinstance(target, str) else target
    return profile.model_url(model, method)


def _built_in(*profiles: Profile) -> Mapping[str, Profile]:
    return MappingProxyType({profile.name: profile for profile in profiles})


#: The profiles that need no configuration, in the order in which their keys are looked for.
PROFILES: Mapping[str, Profile] = _built_in(
    Profile(
        "google",
        "https://generativelanguage.googleapis.com",
        auth="x-goog-api-key",
        key_variables=("GEMINI_API_KEY", "GOOGLE_API_KEY"),
        models_paths=("/v1beta/models",),
        models=("gemini-2.5-flash", "gemini-2.5-pro", "gemini-2.5-flash-lite"),
        prices="google",
    ),
    Profile(
        "gogogotoken",
        "https://gogogotoken.ai",
        key_variables=("GOGOGOTOKEN_API_KEY",),
        stream_query="",
        models_paths=("/v1/models",),
        default_model="gemini-2.5-pro",
        models=("gemini-2.5-pro", "gemini-2.0-flash"),
    ),
    Profile(
        "theturbo",
        "https://gateway.theturbo.ai/v1",
        key_variables=("THETURBO_API_KEY",),
        stream_query="",
        models_paths=("/v1/models", "/v1/v1beta/models"),
        headers=(("Accept", "application/json"),),
        models=(
            "gemini-2.5-flash",
            "gemini-2.5-pro",
            "gemini-2.5-flash-lite",
            "gemini-2.5-flash-lite-preview-06-17",
            "gemini-2.0-flash",
            "gemini-3-pro-preview",
        ),
    ),
    Profile(
        "unigateway",
        "https://api.unigateway.ai",
        key_variables=("UNIGATEWAY_API_KEY",),
        models_paths=("/v1/models",),
        default_model="gemini-3-pro-preview",
        models=("gemini-3-pro-preview",),
    ),
    Profile(
        LOCAL,
        "http://127.0.0.1",
        default_model="qwen2.5-coder-0.5b",
        models=("qwen2.5-coder-0.5b", "smollm2-135m", "echo"),
        prices="free",
    ),
)
