"""The server's addresses, and what stands behind each."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from gemini_magic.exceptions import ApiError, BadRequest, NotFound, RequestTooLarge, ServerUnavailable
from gemini_magic.local.catalogue import CATALOGUE
from gemini_magic.local.check import check
from gemini_magic.local.errors import envelope, invalid_body
from gemini_magic.local.guard import LOOPBACK, Guard
from gemini_magic.local.sse import array, as_json, events, whole
from gemini_magic.wire import CountTokensRequest, GenerateContentRequest, ListModelsResponse, ModelCard

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine, Mapping
    from typing import Any

    from starlette.requests import Request
    from starlette.types import ASGIApp

    from gemini_magic.local.backends import Backend
    from gemini_magic.wire import GenerateContentResponse, WireModel

JSON = "application/json; charset=UTF-8"

#: A request may have so many bytes, which is Google's limit too.
BODY_LIMIT = 100 * 1024 * 1024
#: A body may pause for so many seconds.
BODY_PATIENCE = 10.0

_T = TypeVar("_T")
_Body = TypeVar("_Body", bound="WireModel")


def create_app(
    backends: Mapping[str, Backend],
    token: str,
    *,
    hosts: frozenset[str] = LOOPBACK,
    body_limit: int = BODY_LIMIT,
    body_patience: float = BODY_PATIENCE,
) -> ASGIApp:
    """Make the ASGI app.

    Args:
        backends: The models by name; looked up anew for each request.
        token: What every request must carry.
        hosts: Names by which the server may be called; empty for any.
        body_limit: Bytes a request may have.
        body_patience: Seconds a request's body may pause.
    """
    api = _Api(backends, body_limit, body_patience)
    routes = [
        Route("/{prefix:path}models/{name}:{method}", api.call, methods=["POST"]),
        Route("/{prefix:path}models/{name}", api.get, methods=["GET"]),
        Route("/{prefix:path}models", api.list, methods=["GET"]),
    ]
    handlers: dict[Any, Callable[[Request, Any], Coroutine[Any, Any, Response]]] = {
        ApiError: _api_error,
        ClientDisconnect: _gone,
        HTTPException: _http_error,
        Exception: _api_error,
    }
    return Guard(Starlette(routes=routes, exception_handlers=handlers), token, hosts)


class _Api:
    """The handlers."""

    def __init__(self, backends: Mapping[str, Backend], body_limit: int, body_patience: float) -> None:
        self.backends = backends
        self.body_limit = body_limit
        self.body_patience = body_patience

    async def list(self, request: Request) -> Response:
        """List the models in Google's shape and in the gateways' at once: each reader finds its own key."""
        _check_prefix(request)
        models = [backend.model for backend in self.backends.values()]
        cards = [ModelCard(id=name, object="model", owned_by="gemini-magic") for name in self.backends]
        both = ListModelsResponse.model_validate({"models": models, "object": "list", "data": cards})
        return Response(as_json(both), media_type=JSON)

    async def get(self, request: Request) -> Response:
        """Describe one model."""
        _check_prefix(request)
        return Response(as_json(self._backend(request).model), media_type=JSON)

    async def call(self, request: Request) -> Response:
        """Call one of a model's methods."""
        _check_prefix(request)
        methods = {
            "generateContent": self._generate,
            "streamGenerateContent": self._stream,
            "countTokens": self._count,
        }
        method = methods.get(request.path_params["method"])
        if method is None:
            asked, known = request.path_params["method"], ", ".join(methods)
            raise NotFound(f"The local server has no method '{asked}', only {known}.", status=404)
        return await method(request, self._backend(request))

    async def _generate(self, request: Request, backend: Backend) -> Response:
        chunks = await self._begin(request, backend)
        return Response(as_json(await _unless_gone(request, whole(chunks))), media_type=JSON)

    async def _stream(self, request: Request, backend: Backend) -> Response:
        chunks = await self._begin(request, backend)
        if request.query_params.get("alt") == "sse":
            return StreamingResponse(events(chunks), media_type="text/event-stream")
        return StreamingResponse(array(chunks), media_type=JSON)

    async def _count(self, request: Request, backend: Backend) -> Response:
        asked = await self._body(request, CountTokensRequest)
        inner = asked.generate_content_request or GenerateContentRequest(
            contents=asked.contents, system_instruction=asked.system_instruction, tools=asked.tools
        )
        check(inner)
        return Response(as_json(await _unless_gone(request, backend.count_tokens(inner))), media_type=JSON)

    async def _begin(self, request: Request, backend: Backend) -> AsyncGenerator[GenerateContentResponse]:
        """Read the request and wait for the first chunk, so that an error still gets its own status."""
        body = await self._body(request, GenerateContentRequest)
        check(body)
        chunks = aiter(backend.generate(body))
        first = await _unless_gone(request, anext(chunks))
        return _with_first(first, chunks)

    def _backend(self, request: Request) -> Backend:
        name = request.path_params["name"]
        backend = self.backends.get(name)
        if backend is not None:
            return backend
        if name in CATALOGUE:
            way_out = f"run `gemini-magic local pull {name}`"
            raise NotFound(f"The model '{name}' is not on this machine yet: {way_out}.", status=404)
        known = ", ".join(self.backends)
        raise NotFound(f"The local server has no model '{name}', only {known}.", status=404)

    async def _body(self, request: Request, kind: type[_Body]) -> _Body:
        try:
            return kind.model_validate_json(await self._read(request))
        except ValidationError as error:
            raise invalid_body(error) from None

    async def _read(self, request: Request) -> bytes:
        if int(request.headers.get("content-length", "0")) > self.body_limit:
            raise _too_large(self.body_limit)
        body = bytearray()
        pieces = aiter(request.stream())
        while True:
            try:
                async with asyncio.timeout(self.body_patience):
                    body += await anext(pieces)
            except StopAsyncIteration:
                return bytes(body)
            except TimeoutError:
                message = f"The body of the request stopped for {self.body_patience:g} s."
                raise ServerUnavailable(message, status=408) from None
            if len(body) > self.body_limit:
                raise _too_large(self.body_limit)


def _too_large(limit: int) -> RequestTooLarge:
    return RequestTooLarge(f"Request payload size exceeds the limit: {limit} bytes.", status=413)


def _check_prefix(request: Request) -> None:
    prefix = request.path_params["prefix"]
    if prefix and not prefix.endswith("/"):
        raise HTTPException(404)


async def _with_first(
    first: GenerateContentResponse, rest: AsyncIterator[GenerateContentResponse]
) -> AsyncGenerator[GenerateContentResponse]:
    try:
        yield first
        async for chunk in rest:
            yield chunk
    finally:
        close = getattr(rest, "aclose", None)
        if close is not None:
            await close()


async def _unless_gone(request: Request, work: Awaitable[_T]) -> _T:
    """Wait for the work; when the client goes away first, the work is cancelled."""
    task = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(request.receive())
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientDisconnect
        return task.result()
    finally:
        for waiting in (task, gone):
            waiting.cancel()
        await asyncio.gather(task, gone, return_exceptions=True)


async def _api_error(request: Request, error: Exception) -> Response:
    status, body = envelope(error)
    if request.url.path.endswith(":streamGenerateContent") and request.query_params.get("alt") != "sse":
        body = b"[" + body + b"\n]"
    return Response(body, status_code=status, media_type=JSON)


async def _gone(_request: Request, _error: Exception) -> Response:
    """Nobody reads this; it keeps a client's going away out of the log."""
    return Response(status_code=499)


async def _http_error(request: Request, error: HTTPException) -> Response:
    """Starlette's own 404 and 405."""
    what = "The method is not allowed here" if error.status_code == 405 else "There is nothing at this address"  # noqa: PLR2004
    known = "models, models/NAME, models/NAME:METHOD under /v1beta, /v1 or no prefix"
    response = await _api_error(request, BadRequest(f"{what}. Known are {known}.", status=error.status_code))
    response.headers.update(error.headers or {})
    return response
