"""From settings to a client that is ready to be asked.

Clients are kept, so that cell after cell uses the same connections. When the profile is ``local``, the
embedded server is started at the first call and shared by the whole kernel.
"""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from gemini_magic.client import Client
from gemini_magic.local.server import LocalServer
from gemini_magic.settings import LOCAL, ApiKey, Profile, choose_profile, resolve_key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gemini_magic.settings import Timeouts


class _Kept:
    """What this process has opened: clients by profile and key, and the embedded server."""

    def __init__(self) -> None:
        self.clients: dict[tuple[Profile, ApiKey | None], Client] = {}
        self.server: LocalServer | None = None
        self.lock = threading.Lock()


_KEPT = _Kept()


def connect(
    profile: str | None = None,
    *,
    model: str | None = None,
    api_key: str | None = None,
    base_url: str | None = None,
    auth: str | None = None,
    headers: Mapping[str, str] | None = None,
    timeout: float | Timeouts | None = None,
    retries: int | None = None,
    fallback: Sequence[str] = (),
) -> Client:
    """A client for a gateway: the named profile, or the one whose key is set, or the embedded model.

    Args:
        profile: ``google``, ``gogogotoken``, ``theturbo``, ``unigateway``, ``local`` or one of your own.
        model: The model to ask when a call names none.
        api_key: The key; without it, environment, OS keyring and config file are looked through, in this order.
        base_url: Another address for the profile.
        auth: How the key is sent: ``"bearer"``, ``"x-goog-api-key"`` or ``"none"``.
        headers: Further headers for every request.
        timeout: All four limits, or seconds for the whole call.
        retries: How often a failed request is sent again, at most.
        fallback: Models to ask when this one cannot answer.

    Raises:
        ConfigError: There is no such profile, or no key for it.
        LocalServerError: The embedded server does not start.
    """
    client, _ = connect_with_notice(profile, api_key=api_key, base_url=base_url, auth=auth, headers=headers)
    return client.with_options(model=model, timeout=timeout, retries=retries, fallback=fallback)


def connect_with_notice(
    profile: str | None = None,
    *,
    api_key: str | None = None,
    base_url: str | None = None,
    auth: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> tuple[Client, str | None]:
    """As `connect`, together with one line for the user when the embedded model answers for want of a key."""
    if base_url is not None and profile is None:
        chosen, notice = Profile("custom", base_url), None
    else:
        chosen, notice = choose_profile(profile)
        if base_url is not None:
            chosen = chosen.with_base_url(base_url)
    if auth is not None:
        chosen = replace(chosen, auth=auth)  # type: ignore[arg-type]  # Profile checks it
    if headers:
        chosen = replace(chosen, headers=(*chosen.headers, *headers.items()))
    if chosen.name == LOCAL and base_url is None:
        return _kept_client(*_local(chosen)), notice
    return _kept_client(chosen, resolve_key(chosen, api_key)[0]), notice


def _kept_client(profile: Profile, key: ApiKey | None) -> Client:
    with _KEPT.lock:
        client = _KEPT.clients.get((profile, key))
        if client is None:
            client = _KEPT.clients[profile, key] = Client(profile=profile, api_key=key)
        return client


def _local(profile: Profile) -> tuple[Profile, ApiKey]:
    """The embedded server's address and key; it is started, or started again if it has died."""
    server = local_server()
    here = replace(profile, base_url=server.base_url, auth="bearer")
    return here, ApiKey(server.token, here.origin)


def local_server() -> LocalServer:
    """The embedded server of this kernel, running.

    Raises:
        LocalServerError: It does not start.
        ConfigError: What it needs is not installed.
    """
    with _KEPT.lock:
        if _KEPT.server is None or not _KEPT.server.running:
            _KEPT.server = LocalServer(os.environ.get("GEMINI_MAGIC_GGUF") or None)
        return _KEPT.server.start()


def disconnect() -> None:
    """Close all connections and stop the embedded server; the next call opens them again."""
    with _KEPT.lock:
        clients, _KEPT.clients = list(_KEPT.clients.values()), {}
        server, _KEPT.server = _KEPT.server, None
    for client in clients:
        client.close()
    if server is not None:
        server.stop()
