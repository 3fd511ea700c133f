"""What answers a request: one object for each model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from gemini_magic.wire import CountTokensResponse, GenerateContentRequest, GenerateContentResponse, Model


class Backend(Protocol):
    """A model behind the server.

    Problems are `ApiError`s with their HTTP status. A request has been checked for form before it gets here.
    """

    @property
    def model(self) -> Model:
        """What the model list says about it."""

    def generate(self, request: GenerateContentRequest) -> AsyncIterator[GenerateContentResponse]:
        """Answer in chunks; closing the iterator ends the work."""

    async def count_tokens(self, request: GenerateContentRequest) -> CountTokensResponse:
        """Count the tokens of the prompt."""
