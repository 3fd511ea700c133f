"""What the sync and the async client share: everything but waiting for bytes; no I/O."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any, Self, Unpack
from urllib.parse import quote, urlsplit

from gemini_magic import ledger as ledgers
from gemini_magic.client.http import Outgoing
from gemini_magic.client.request import (
    Body,
    RequestFields,
    build_body,
    count_tokens_body,
    request_fields,
    to_contents,
)
from gemini_magic.client.retry import Attempts, RetryPolicy
from gemini_magic.client.timing import Clock, Patience, SystemClock
from gemini_magic.exceptions import (
    ApiError,
    ConfigError,
    ConnectionLost,
    GeminiMagicError,
    ProtocolError,
    RedirectRefused,
    StreamTruncated,
)
from gemini_magic.settings import ApiKey, Profile, Timeouts, check_model, clean_key, is_loopback

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gemini_magic.client.response import AnswerReader
    from gemini_magic.events import Event
    from gemini_magic.ledger import Ledger
    from gemini_magic.reply import Reply

_REDIRECTS = range(300, 400)
_OK = range(200, 300)
#: Bytes of an error body that are read.
MAX_ERROR_BYTES = 1024 * 1024


@cache
def user_agent() -> str:
    """Name and version, and nothing about the user or the machine."""
    from importlib.metadata import version  # noqa: PLC0415 - costs milliseconds, needed at the first call only

    return f"gemini-magic/{version('gemini-magic')}"


@dataclass(frozen=True)
class Plan:
    """A call that is ready to be sent, to one model after another if need be."""

    models: tuple[str, ...]
    method: str
    body: Body | None = None
    url: str = ""


class Caller:
    """Where to send requests, and how; the part of a client that does no I/O.

    Args:
        base_url: The gateway's address, with or without the API version behind it.
        api_key: The key for this address; sent in a header, to this origin only, and never shown.
        model: The model to ask when a call names none.
        auth: How the key is sent: ``"bearer"``, ``"x-goog-api-key"`` or ``"none"``.
        headers: Further headers for every request.
        timeout: All four limits, or a number of seconds for the whole call.
        retries: How often a failed request is sent again, at most.
        fallback: Models to ask when this one answers 404, 429 or 5xx to the last try.
        profile: A ready profile instead of a base URL; the other arguments refine it.
        ledger: Where usage is recorded; the kernel's own by default.

    Raises:
        ConfigError: A setting cannot be used.
    """

    def __init__(
        self,
        base_url: str | None = None,
        api_key: str | ApiKey | None = None,
        model: str | None = None,
        *,
        auth: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | Timeouts | None = None,
        retries: int | None = None,
        fallback: Sequence[str] = (),
        profile: Profile | None = None,
        ledger: Ledger | None = None,
        transport: Any = None,  # noqa: ANN401 - httpx's transports, which only http.py knows
        clock: Clock | None = None,
    ) -> None:
        if profile is None:
            if base_url is None:
                raise ConfigError("A client needs a base_url.", hint="`gemini_magic.connect()` finds one by itself.")
            profile = Profile("custom", base_url)
        elif base_url is not None:
            profile = profile.with_base_url(base_url)
        self.profile = _refined(
            profile, model=model, auth=auth, headers=headers, timeout=timeout, retries=retries, fallback=tuple(fallback)
        )
        self._key = _as_key(api_key, self.profile)
        self._policy = RetryPolicy() if self.profile.retries is None else RetryPolicy(self.profile.retries + 1)
        self._ledger = ledgers.KERNEL if ledger is None else ledger
        self._clock: Clock = clock or SystemClock()
        self._urls: dict[tuple[str, str], str] = {}
        _check_cleartext(self.profile, self._key)
        self._connect(transport)

    def _connect(self, transport: Any) -> None:  # noqa: ANN401 - httpx's
        """Get ready to make connections, without making one."""

    @property
    def model(self) -> str:
        """The model that is asked when a call names none."""
        return self.profile.default_model

    @property
    def base_url(self) -> str:
        """The gateway's address."""
        return self.profile.base_url

    def with_options(
        self,
        *,
        timeout: float | Timeouts | None = None,
        retries: int | None = None,
        fallback: Sequence[str] = (),
        model: str | None = None,
    ) -> Self:
        """The same client, with its open connections, and other limits."""
        other = type(self).__new__(type(self))
        other.__dict__.update(self.__dict__)
        other.profile = _refined(self.profile, model=model, timeout=timeout, retries=retries, fallback=tuple(fallback))
        if retries is not None:
            other._policy = replace(self._policy, attempts=retries + 1)  # noqa: SLF001 - our own
        return other

    def __repr__(self) -> str:
        """Address and model; no key."""
        return f"{type(self).__name__}({self.profile.name!r}, {self.base_url!r}, model={self.model!r})"

    def __getstate__(self) -> Any:  # noqa: ANN401 - never returns
        """Clients hold a key and open sockets; neither belongs into a file."""
        raise TypeError(f"A {type(self).__name__} cannot be pickled; make a new one where it is needed.")

    def _headers(self) -> dict[str, str]:
        headers = {
            "content-type": "application/json",
            "accept-encoding": "identity",
            "user-agent": user_agent(),
            **dict(self.profile.headers),
        }
        if self._key is not None and self.profile.auth != "none":
            key = self._key.reveal_for(self.base_url)
            if self.profile.auth == "bearer":
                headers["authorization"] = f"Bearer {key}"
            else:
                headers["x-goog-api-key"] = key
        return headers

    def _url(self, model: str, method: str) -> str:
        """The address of a method; each is made and checked once."""
        url = self._urls.get((model, method))
        if url is None:
            url = self._urls[model, method] = self.profile.model_url(model, method)
        return url

    def plan(self, contents: object, method: str, **fields: Unpack[RequestFields]) -> Plan:
        """Everything of a call but its sending; also what a look at a request shows.

        Args:
            contents: A string, a list of strings, values and parts, or contents (typed or raw).
            method: Such as ``generateContent``.
            **fields: What else to say; see `RequestFields`.

        Raises:
            InputError: Something cannot be sent.
            ConfigError: The model's name is not one.
        """
        first = fields.get("model") or self.model
        self._url(first, method)
        first = first.removeprefix("models/")
        request = request_fields(fields)
        encoded = to_contents(contents)
        if method == "countTokens":
            return Plan((first,), method, count_tokens_body(first, encoded, request))
        models = (first, *(name for name in self.profile.fallback if name != first))
        return Plan(models, method, build_body(encoded, request))

    def page_plan(self, url: str, token: str) -> Plan:
        """A page of the model list."""
        return Plan(("",), "GET", url=f"{url}?pageSize=1000&pageToken={quote(token)}" if token else url)

    def outgoing(self, plan: Plan, model: str) -> Outgoing:
        """One request of a plan, with the key in its header."""
        if plan.body is None:
            return Outgoing("GET", plan.url, self._headers())
        return Outgoing("POST", self._url(model, plan.method), self._headers(), plan.body.segments)

    def attempts(self, plan: Plan) -> Attempts:
        """The tries of a call."""
        return Attempts(plan.models, self._policy, self._hide_key)

    def holds_key(self, text: str) -> bool:
        """Whether a text contains the key of this client."""
        return self._key is not None and self._key.is_in(text)

    def _hide_key(self, error: GeminiMagicError) -> None:
        """Some servers repeat the key in their words about it."""
        if self._key is None:
            return
        error.message, error.hint = self._key.hidden_in(error.message), self._key.hidden_in(error.hint)
        error.args = (error.message,)
        if isinstance(error, ApiError):
            error.reason, error.details = self._key.hidden_in(error.reason), self._key.hidden_in(error.details)

    def patience(self) -> Patience:
        """The limits of a call that begins now."""
        return Patience(self.profile.timeouts, self._clock)

    def _recorded(self, reply: Reply) -> Reply:
        self._ledger.record(reply, profile=self.profile.name)
        return reply


class Answer:
    """One answer while it arrives, and after; what both kinds of stream know about it."""

    def __init__(self, reader: AnswerReader, attempts: Attempts, patience: Patience) -> None:
        self._reader = reader
        self._attempts = attempts
        self._patience = patience
        self._interrupted = False
        self._broken = False
        self._seconds: float | None = None
        self._error: GeminiMagicError | None = None
        #: Events that have come and were not asked for yet.
        self.waiting: deque[Event] = deque()
        #: Whether nothing more will come.
        self.over = False

    @property
    def reply(self) -> Reply:
        """What has arrived so far; all of it once the answer has ended."""
        seconds = self._patience.seconds if self._seconds is None else self._seconds
        reply = self._reader.reply(
            attempts=self._attempts.number, seconds=seconds, interrupted=self._interrupted, broken=self._broken
        )
        return reply.with_note(*self._attempts.notes)

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should be told about how the answer came to be."""
        return tuple(self._attempts.notes)

    def take(self, data: bytes | None, error: GeminiMagicError | None = None) -> None:
        """Bytes have been read, or the end has come, or an error in the bytes' place."""
        if error is None:
            error = self._reader.read(data, self.waiting)
        if self.waiting:
            self._patience.answering()
        if error is not None or data is None:
            self._error = error
            self._end()

    def _end(self) -> None:
        if not self.over:
            self.over = True
            self._seconds = self._patience.seconds

    def stop(self) -> None:
        """The reader has had enough: what has not come counts as interrupted."""
        if not self.over or self.waiting:
            self._interrupted = True
        self._end()

    def wants_more(self, *, whole: bool) -> bool:
        """Whether the answer has not begun, or, if `whole`, not ended."""
        return not self.over and (whole or not self.waiting)

    def raise_before_events(self, *, whole: bool) -> None:
        """Raise what went wrong before anything was shown; it may be tried again."""
        if self._error is not None and (whole or not self.waiting):
            raise self._error

    def raise_after_events(self) -> None:
        """Raise what went wrong after something was shown, together with what had come."""
        error = self._error
        if error is None:
            return
        self._broken = True
        self._attempts.hide(error)
        error.attempts = self._attempts.number
        if isinstance(error, (ConnectionLost, ProtocolError)):
            cut = StreamTruncated(
                f"The answer was cut off: {error.message}",
                hint="What had arrived is in .partial; run it again for the whole answer.",
            )
            cut.__cause__, cut.attempts, error = error, error.attempts, cut
        error.partial = self.reply
        raise error


def check_redirect(status: int, headers: Mapping[str, str]) -> None:
    """Refuse a redirect: it would carry the prompt, and perhaps the key, to somewhere else."""
    if status in _REDIRECTS:
        raise RedirectRefused(
            f"The server answered with a redirect ({status}) to {_host_of(headers)}; it was not followed.",
            hint="If that is the right server, use its address as base_url.",
        )


def _host_of(headers: Mapping[str, str]) -> str:
    """Where a redirect leads, without its path and query, which may hold a secret."""
    try:
        host = urlsplit(headers.get("location", "")).netloc.rpartition("@")[2]
    except ValueError:
        host = ""
    return host[:100] or "another address"


def is_ok(status: int) -> bool:
    """Whether a status says that the body is an answer."""
    return status in _OK


def _refined(
    profile: Profile,
    *,
    model: str | None = None,
    auth: str | None = None,
    headers: Mapping[str, str] | None = None,
    timeout: float | Timeouts | None = None,
    retries: int | None = None,
    fallback: tuple[str, ...] = (),
) -> Profile:
    changes: dict[str, Any] = {}
    if model:
        changes["default_model"] = check_model(model)
    if auth:
        changes["auth"] = auth
    if headers:
        changes["headers"] = (*profile.headers, *(_header(name, value) for name, value in headers.items()))
    if timeout is not None:
        changes["timeouts"] = timeout if isinstance(timeout, Timeouts) else _within(profile.timeouts, timeout)
    if retries is not None:
        changes["retries"] = retries
    if fallback:
        changes["fallback"] = fallback
    return replace(profile, **changes) if changes else profile


def _header(name: str, value: str) -> tuple[str, str]:
    if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", name):
        raise ConfigError(f"{name[:40]!r} is not the name of a header.")
    if not re.fullmatch(r"[!-~]([ -~\t]*[!-~])?", value):  # the value is not shown: it may be a secret
        raise ConfigError(f"The value of the header {name} is empty, or has a character that headers do not have.")
    return name.lower(), value


def _within(limits: Timeouts, total: float) -> Timeouts:
    """The limits, none of them longer than the whole; a whole longer than usual waits longer for its beginning."""
    first = total if total > limits.total else min(limits.first_event, total)
    return Timeouts(min(limits.connect, total), first, min(limits.idle, total), total)


def _as_key(key: str | ApiKey | None, profile: Profile) -> ApiKey | None:
    if key is None or isinstance(key, ApiKey):
        return key or profile.api_key
    return ApiKey(clean_key(key, "the api_key argument"), profile.origin)


def _check_cleartext(profile: Profile, key: ApiKey | None) -> None:
    if key is None or profile.allow_http or profile.base_url.startswith("https:") or is_loopback(profile.base_url):
        return
    raise ConfigError(f"The key would go to {profile.origin} without encryption.", hint="Use an https:// address.")
