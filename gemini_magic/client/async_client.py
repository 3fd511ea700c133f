"""The client that is awaited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, Unpack

from gemini_magic.client._async_http import AsyncConnections, AsyncIncoming
from gemini_magic.client.answer import MAX_ERROR_BYTES, Answer, check_redirect, is_ok
from gemini_magic.client.caller import Caller, Plan
from gemini_magic.client.errors import error_from
from gemini_magic.client.framing import MAX_EVENT_BYTES
from gemini_magic.client.hops import Hops
from gemini_magic.client.response import read_count, read_models
from gemini_magic.client.shelf import Replayed
from gemini_magic.exceptions import ConfigError, GeminiMagicError, NotFound, ProtocolError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from gemini_magic.client.request import RequestFields
    from gemini_magic.client.response import AnswerReader
    from gemini_magic.client.retry import Attempts
    from gemini_magic.client.timing import Patience
    from gemini_magic.events import Event
    from gemini_magic.reply import Reply
    from gemini_magic.wire import CountTokensResponse, Model


class AsyncClient(Caller):
    """Talks to a gateway without holding up the event loop.

    One client can be used by any number of tasks, and from one event loop after another; its connections
    stay open between calls. The arguments are those of `Caller`.
    """

    _connections: AsyncConnections

    def _connect(self, transport: Any) -> None:  # noqa: ANN401 - httpx's
        self._connections = AsyncConnections(self.base_url, transport)

    async def generate(self, contents: object, **fields: Unpack[RequestFields]) -> Reply:
        """Ask, and wait for the whole answer; one that takes several requests is one answer all the same.

        Args:
            contents: A string, a list of strings, values and parts, or contents (typed or raw).
            **fields: ``model``, ``system``, ``config``, ``tools``, ``tool_config``, ``safety``, ``extra``;
                see `RequestFields`.

        Returns:
            The reply, also when it is empty, blocked or cut at a token limit; its ``status`` says so.

        Raises:
            InputError: Something cannot be sent.
            TransportError: No well-formed answer arrived.
            ApiError: The server answered with an error; what earlier requests had brought is in its ``partial``.
        """
        return await self.ask(self.plan(contents, "generateContent", **fields))

    async def ask(self, plan: Plan) -> Reply:
        """As `generate`, for a call that is ready to be sent."""
        hops = Hops(self, await self._open(plan, whole=True))
        while (further := hops.next()) is not None:
            await self._go_on(hops, further, whole=True)
        return hops.end()

    def stream(self, contents: object, **fields: Unpack[RequestFields]) -> AsyncStream:
        """Ask, and take the answer as it comes: ``async with client.stream(…) as events: async for event in events:``.

        The request is sent when the block is entered, and again if it fails before its first event; after
        that nothing is repeated: a long answer for which the server wants another request goes on where it had paused.
        Leaving the block closes the connection. Arguments and errors are those of `generate`; besides,
        `StreamTruncated` when the answer is cut off.
        """
        return AsyncStream(self, self.plan(contents, "streamGenerateContent", **fields))

    async def count_tokens(self, contents: object, **fields: Unpack[RequestFields]) -> CountTokensResponse:
        """Count the tokens of a prompt; ``.total_tokens`` has the sum.

        Args:
            contents: As for `generate`.
            **fields: ``model``, ``system``, ``tools``.

        Raises:
            ApiError: The gateway does not count, or not for this model.
        """
        return read_count(await self._fetch(self.plan(contents, "countTokens", **fields)))

    async def models(self) -> list[Model]:
        """The models that the gateway offers, whichever shape its list has.

        Raises:
            ApiError: It offers no list.
        """
        *others, last = self.profile.models_urls()
        for url in others:
            try:
                return await self._list(url)
            except (NotFound, ProtocolError):
                continue
        return await self._list(last)

    async def _list(self, url: str) -> list[Model]:
        models: list[Model] = []
        page: str | None = ""
        seen: set[str] = set()
        while page is not None and page not in seen:
            seen.add(page)
            found, page = read_models(await self._fetch(self.page_plan(url, page)))
            models += found
        return models

    async def aclose(self) -> None:
        """Close the connections; the client opens new ones when it is used again."""
        await self._connections.aclose()

    async def __aenter__(self) -> Self:
        """Use as a context manager to have it closed."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connections."""
        await self.aclose()

    async def _go_on(self, hops: Hops[OpenAsyncAnswer], plan: Plan, *, whole: bool) -> None:
        """Send the request that goes on with an answer."""
        try:
            hops.began(await self._open(plan, whole=whole, patience=hops.answer.patience.going_on()))
        except GeminiMagicError as error:
            hops.give_up(error)

    async def _open(self, plan: Plan, *, whole: bool, patience: Patience | None = None) -> OpenAsyncAnswer:
        """Send until an answer begins, or is whole; or until nothing is left to try."""
        plan, attempts = self.begun(plan)
        patience = patience or self.patience()
        while True:
            try:
                answer = await self._attempt(plan, attempts, patience, whole=whole)
            except GeminiMagicError as error:
                await self._clock.asleep(attempts.failed(error, patience.left))
            else:
                attempts.succeeded()
                return answer

    async def _attempt(self, plan: Plan, attempts: Attempts, patience: Patience, *, whole: bool) -> OpenAsyncAnswer:
        reader = self.reader(plan, attempts, whole=whole)
        incoming = await self._send(plan, attempts.model, patience) if plan.found is None else Replayed(plan.found)
        answer = OpenAsyncAnswer(plan, incoming, reader, attempts, patience)
        try:
            await answer.begin(whole=whole)
        except BaseException:
            await answer.aclose()
            raise
        return answer

    async def _fetch(self, plan: Plan) -> bytes:
        """A whole body that is no answer of a model."""
        plan, attempts = self.begun(plan)
        if plan.found is not None:
            return plan.found.body
        patience = self.patience()
        while True:
            try:
                incoming = await self._send(plan, attempts.model, patience)
                try:
                    body = await incoming.read(MAX_EVENT_BYTES)
                finally:
                    await incoming.aclose()
            except GeminiMagicError as error:
                await self._clock.asleep(attempts.failed(error, patience.left))
            else:
                attempts.succeeded()
                return self.fetched(plan, body)

    async def _send(self, plan: Plan, model: str, patience: Patience) -> AsyncIncoming:
        """Send one request; returns when the headers have come, and they are no error's."""
        patience.sending()
        incoming = await self._connections.send(self.outgoing(plan, model), patience)
        if is_ok(incoming.status):
            return incoming
        try:
            check_redirect(incoming.status, incoming.headers)
            body = await incoming.beginning(MAX_ERROR_BYTES)
        finally:
            await incoming.aclose()
        raise error_from(incoming.status, incoming.headers, self._mask.in_bytes(body))


class OpenAsyncAnswer(Answer):
    """The answer to a request, which has begun, and the connection it comes over."""

    def __init__(
        self,
        plan: Plan,
        incoming: AsyncIncoming | Replayed,
        reader: AnswerReader,
        attempts: Attempts,
        patience: Patience,
    ) -> None:
        super().__init__(plan, reader, attempts, patience)
        self._incoming = incoming
        self._body = aiter(incoming)

    async def begin(self, *, whole: bool) -> None:
        """Read until the first event, or to the end."""
        while self.wants_more(whole=whole):
            await self.read()
        self.raise_before_events(whole=whole)

    async def read(self) -> None:
        """Take in what comes next."""
        try:
            data = await anext(self._body, None)
        except GeminiMagicError as error:
            self.take(None, error)
        else:
            self.take(data)
        if self.over:
            await self.aclose()

    async def aclose(self) -> None:
        """Close the connection, or give it back when the answer was read to its end."""
        await self._incoming.aclose()


class AsyncStream:
    """The events of an answer; a context manager and an iterator."""

    def __init__(self, client: AsyncClient, plan: Plan) -> None:
        self._client = client
        self._plan = plan
        self._hops: Hops[OpenAsyncAnswer] | None = None

    async def __aenter__(self) -> Self:
        """Send the request; returns when the answer begins."""
        self._hops = Hops(self._client, await self._client._open(self._plan, whole=False))  # noqa: SLF001 - its other half
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connection; an answer that was not read to its end counts as interrupted."""
        self._opened.stop()
        await self._opened.answer.aclose()
        self._opened.end()

    async def __aiter__(self) -> AsyncIterator[Event]:
        """The events, in order; those of all requests when the answer takes several."""
        hops = self._opened
        while True:
            answer = hops.answer
            while answer.waiting:
                yield answer.waiting.popleft()
            if not answer.over:
                await answer.read()
            elif (further := hops.next()) is not None:
                await self._client._go_on(hops, further, whole=False)  # noqa: SLF001 - the client's other half
            elif not answer.waiting:
                hops.raise_at_end()
                return

    @property
    def opened(self) -> bool:
        """Whether an answer has begun."""
        return self._hops is not None

    @property
    def reply(self) -> Reply:
        """What has arrived so far; the whole reply once the iteration has ended."""
        return self._opened.reply

    @property
    def notes(self) -> tuple[str, ...]:
        """Lines for the user, such as which fallback model answers."""
        return self._opened.notes

    @property
    def _opened(self) -> Hops[OpenAsyncAnswer]:
        if self._hops is None:
            raise ConfigError("The stream is not open.", hint="Use it as `async with client.stream(…) as events:`.")
        return self._hops
