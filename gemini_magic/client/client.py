"""The client that waits on the calling thread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, Unpack

from gemini_magic.client.answer import MAX_ERROR_BYTES, Answer, check_redirect, is_ok
from gemini_magic.client.caller import Caller, Plan
from gemini_magic.client.errors import error_from
from gemini_magic.client.framing import MAX_EVENT_BYTES
from gemini_magic.client.hops import Hops
from gemini_magic.client.http import Connections, Incoming
from gemini_magic.client.response import read_count, read_models
from gemini_magic.client.shelf import Replayed
from gemini_magic.exceptions import ConfigError, GeminiMagicError, NotFound, ProtocolError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gemini_magic.client.async_client import AsyncClient
    from gemini_magic.client.request import RequestFields
    from gemini_magic.client.response import AnswerReader
    from gemini_magic.client.retry import Attempts
    from gemini_magic.client.timing import Patience
    from gemini_magic.events import Event
    from gemini_magic.reply import Reply
    from gemini_magic.wire import CountTokensResponse, Model


class Client(Caller):
    """Talks to a gateway and waits for it.

    One client can be used from many threads, and its connections stay open between calls. The arguments
    are those of `Caller`.
    """

    _connections: Connections

    def _connect(self, transport: Any) -> None:  # noqa: ANN401 - httpx's
        self._connections = Connections(self.base_url, transport)

    def generate(self, contents: object, **fields: Unpack[RequestFields]) -> Reply:
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
        return self.ask(self.plan(contents, "generateContent", **fields))

    def ask(self, plan: Plan) -> Reply:
        """As `generate`, for a call that is ready to be sent."""
        hops = Hops(self, self._open(plan, whole=True))
        while (further := hops.next()) is not None:
            self._go_on(hops, further, whole=True)
        return hops.end()

    def stream(self, contents: object, **fields: Unpack[RequestFields]) -> Stream:
        """Ask, and take the answer as it comes: ``with client.stream(…) as events: for event in events: …``.

        The request is sent when the block is entered, and again if it fails before its first event; after
        that nothing is repeated: a long answer for which the server wants another request goes on where it had paused.
        Leaving the block closes the connection. Arguments and errors are those of `generate`; besides,
        `StreamTruncated` when the answer is cut off.
        """
        return Stream(self, self.plan(contents, "streamGenerateContent", **fields))

    def count_tokens(self, contents: object, **fields: Unpack[RequestFields]) -> CountTokensResponse:
        """Count the tokens of a prompt; ``.total_tokens`` has the sum.

        Args:
            contents: As for `generate`.
            **fields: ``model``, ``system``, ``tools``.

        Raises:
            ApiError: The gateway does not count, or not for this model.
        """
        return read_count(self._fetch(self.plan(contents, "countTokens", **fields)))

    def models(self) -> list[Model]:
        """The models that the gateway offers, whichever shape its list has.

        Raises:
            ApiError: It offers no list.
        """
        *others, last = self.profile.models_urls()
        for url in others:
            try:
                return self._list(url)
            except (NotFound, ProtocolError):
                continue
        return self._list(last)

    def _list(self, url: str) -> list[Model]:
        models: list[Model] = []
        page: str | None = ""
        seen: set[str] = set()
        while page is not None and page not in seen:
            seen.add(page)
            found, page = read_models(self._fetch(self.page_plan(url, page)))
            models += found
        return models

    def to_async(self) -> AsyncClient:
        """The same client, awaited: with its profile, key, ledger and shelves, and with connections of its own."""
        from gemini_magic.client.async_client import AsyncClient  # noqa: PLC0415 - it needs a second HTTP library

        other = AsyncClient.__new__(AsyncClient)
        other.__dict__.update(self.__dict__)
        other._connect(self._connections.transport)  # noqa: SLF001 - its other half
        return other

    def close(self) -> None:
        """Close the connections; the client opens new ones when it is used again."""
        self._connections.close()

    def __enter__(self) -> Self:
        """Use as a context manager to have it closed."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        self.close()

    def _go_on(self, hops: Hops[OpenAnswer], plan: Plan, *, whole: bool) -> None:
        """Send the request that goes on with an answer."""
        try:
            hops.began(self._open(plan, whole=whole, patience=hops.answer.patience.going_on()))
        except GeminiMagicError as error:
            hops.give_up(error)

    def _open(self, plan: Plan, *, whole: bool, patience: Patience | None = None) -> OpenAnswer:
        """Send until an answer begins, or is whole; or until nothing is left to try."""
        plan, attempts = self.begun(plan)
        patience = patience or self.patience()
        while True:
            try:
                answer = self._attempt(plan, attempts, patience, whole=whole)
            except GeminiMagicError as error:
                self._clock.sleep(attempts.failed(error, patience.left))
            else:
                attempts.succeeded()
                return answer

    def _attempt(self, plan: Plan, attempts: Attempts, patience: Patience, *, whole: bool) -> OpenAnswer:
        reader = self.reader(plan, attempts, whole=whole)
        incoming = self._send(plan, attempts.model, patience) if plan.found is None else Replayed(plan.found)
        answer = OpenAnswer(plan, incoming, reader, attempts, patience)
        try:
            answer.begin(whole=whole)
        except BaseException:
            answer.close()
            raise
        return answer

    def _fetch(self, plan: Plan) -> bytes:
        """A whole body that is no answer of a model."""
        plan, attempts = self.begun(plan)
        if plan.found is not None:
            return plan.found.body
        patience = self.patience()
        while True:
            try:
                incoming = self._send(plan, attempts.model, patience)
                try:
                    body = incoming.read(MAX_EVENT_BYTES)
                finally:
                    incoming.close()
            except GeminiMagicError as error:
                self._clock.sleep(attempts.failed(error, patience.left))
            else:
                attempts.succeeded()
                return self.fetched(plan, body)

    def _send(self, plan: Plan, model: str, patience: Patience) -> Incoming:
        """Send one request; returns when the headers have come, and they are no error's."""
        patience.sending()
        incoming = self._connections.send(self.outgoing(plan, model), patience)
        if is_ok(incoming.status):
            return incoming
        try:
            check_redirect(incoming.status, incoming.headers)
            body = incoming.beginning(MAX_ERROR_BYTES)
        finally:
            incoming.close()
        raise error_from(incoming.status, incoming.headers, self._mask.in_bytes(body))


class OpenAnswer(Answer):
    """The answer to a request, which has begun, and the connection it comes over."""

    def __init__(
        self,
        plan: Plan,
        incoming: Incoming | Replayed,
        reader: AnswerReader,
        attempts: Attempts,
        patience: Patience,
    ) -> None:
        super().__init__(plan, reader, attempts, patience)
        self._incoming = incoming
        self._body = iter(incoming)

    def begin(self, *, whole: bool) -> None:
        """Read until the first event, or to the end."""
        while self.wants_more(whole=whole):
            self.read()
        self.raise_before_events(whole=whole)

    def read(self) -> None:
        """Take in what comes next."""
        try:
            data = next(self._body, None)
        except GeminiMagicError as error:
            self.take(None, error)
        else:
            self.take(data)
        if self.over:
            self.close()

    def close(self) -> None:
        """Close the connection, or give it back when the answer was read to its end."""
        self._incoming.close()


class Stream:
    """The events of an answer; a context manager and an iterator."""

    def __init__(self, client: Client, plan: Plan) -> None:
        self._client = client
        self._plan = plan
        self._hops: Hops[OpenAnswer] | None = None

    def __enter__(self) -> Self:
        """Send the request; returns when the answer begins."""
        self._hops = Hops(self._client, self._client._open(self._plan, whole=False))  # noqa: SLF001 - its other half
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connection; an answer that was not read to its end counts as interrupted."""
        self._opened.stop()
        self._opened.answer.close()
        self._opened.end()

    def __iter__(self) -> Iterator[Event]:
        """The events, in order; those of all requests when the answer takes several."""
        hops = self._opened
        while True:
            answer = hops.answer
            while answer.waiting:
                yield answer.waiting.popleft()
            if not answer.over:
                answer.read()
            elif (further := hops.next()) is not None:
                self._client._go_on(hops, further, whole=False)  # noqa: SLF001 - the client's other half
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
    def _opened(self) -> Hops[OpenAnswer]:
        if self._hops is None:
            raise ConfigError("The stream is not open.", hint="Use it as `with client.stream(…) as events:`.")
        return self._hops
