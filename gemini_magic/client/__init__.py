"""The client: a request goes out, events come in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gemini_magic.client.body import Encoded, encode
from gemini_magic.client.client import Client, Stream

if TYPE_CHECKING:
    from gemini_magic.client.async_client import AsyncClient, AsyncStream

__all__ = ["AsyncClient", "AsyncStream", "Client", "Encoded", "Stream", "encode"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - classes
    """The client that is awaited, when somebody asks for it: it needs a second HTTP library."""
    if name not in {"AsyncClient", "AsyncStream"}:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from gemini_magic.client import async_client  # noqa: PLC0415 - see above

    return getattr(async_client, name)
