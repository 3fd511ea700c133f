"""The client: a request goes out, events come in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gemini_magic._lazy import by_home
from gemini_magic.client.body import Encoded, encode
from gemini_magic.client.client import Client, Stream

if TYPE_CHECKING:
    from gemini_magic.client.async_client import AsyncClient, AsyncStream

__all__ = ["AsyncClient", "AsyncStream", "Client", "Encoded", "Stream", "encode"]


# They need a second HTTP library.
__getattr__ = by_home(__name__, dict.fromkeys(("AsyncClient", "AsyncStream"), "async_client"))
