"""The client: a request goes out, events come in."""

from __future__ import annotations

from gemini_magic.client.async_client import AsyncClient, AsyncStream
from gemini_magic.client.client import Client, Stream
from gemini_magic.client.request import Encoded, encode

__all__ = ["AsyncClient", "AsyncStream", "Client", "Encoded", "Stream", "encode"]
