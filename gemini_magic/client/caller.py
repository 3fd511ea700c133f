"""What the sync and the async client share: everything but waiting for bytes; no I/O."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Self, Unpack
from urllib.parse import quote

from pydantic_core import from_json, to_json

from gemini_magic import ledger as ledgers
from gemini_magic.client.body import Body, Encoded, build_body, count_tokens_body, with_token, written
from gemini_magic.client.errors import error_from
from gemini_magic.client.headers import headers_with
from gemini_magic.client.http import Outgoing
from gemini_magic.client.masking import Mask
from gemini_magic.client.options import as_key, check_cleartext, refined
from gemini_magic.client.request import RequestFields, request_fields, to_contents
from gemini_magic.client.response import AnswerReader
from gemini_magic.client.retry import Attempts, RetryBudget, RetryPolicy
from gemini_magic.client.shelf import MODELS, PAID, Asked, Recorded, Shelf, error_document
from gemini_magic.client.timing import Clock, Patience, SystemClock
from gemini_magic.exceptions import ApiError, ConfigError, GeminiMagicError, StoreError
from gemini_magic.settings import Profile
from gemini_magic.wire import UsageMetadata

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gemini_magic.ledger import Ledger
    from gemini_magic.reply import Reply
    from gemini_magic.settings import ApiKey, Timeouts

_GOOD = 200
#: Characters of a prompt that are kept beside its answer, for people.
_PROMPT = 80


@dataclass(frozen=True)
class Plan:
    """A call that is ready to be sent, to one model after another if need be.

    Attributes:
        models: The model to ask, then those to fall back to.
        method: The method, or ``GET`` for a page of the list of models.
        body: The body; None for a page.
        url: The address of a page.
        page: Its token.
        named: Whether the call itself named the model.
        contents: What the body was made of,
        rest: and what stands beside them.
        asked: The call as shelves know it; None when there are none.
        found: Its answer, when a shelf had one.
        source: The shelf that had it.
    """

    models: tuple[str, ...]
    method: str
    body: Body | None = None
    url: str = ""
    page: str = ""
    named: bool = False
    contents: tuple[Encoded, ...] = ()
    rest: bytes = b"{}"
    asked: Asked | None = None
    found: Recorded | None = None
    source: Shelf | None = None

    def going_on(self, model: str, token: str) -> Plan:
        """The same call, to be answered by the same model from where it had paused; no other will do."""
        rest = with_token(self.rest, token)
        body = build_body(self.contents, rest)
        return Plan((model or self.models[0],), self.method, body, contents=self.contents, rest=rest)


@dataclass(frozen=True)
class Prepared:
    """A call but for its contents, looked through and written once for any number of calls.

    Attributes:
        models: The model to ask, then those to fall back to.
        method: The method.
        named: Whether the call itself named the model.
        rest: What stands beside the contents, as JSON.
    """

    models: tuple[str, ...]
    method: str
    named: bool
    rest: bytes


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
        self.profile = refined(
            profile, model=model, auth=auth, headers=headers, timeout=timeout, retries=retries, fallback=tuple(fallback)
        )
        self._key = as_key(api_key, self.profile)
        self._mask = Mask(self._key)
        self._policy = RetryPolicy() if self.profile.retries is None else RetryPolicy(self.profile.retries + 1)
        self._ledger = ledgers.KERNEL if ledger is None else ledger
        self._clock: Clock = clock or SystemClock()
        self._urls: dict[tuple[str, str], str] = {}
        self._shelves: tuple[Shelf, ...] = ()
        check_cleartext(self.profile, self._key)
        self._headers = headers_with(self._key)
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

    @property
    def ledger(self) -> Ledger:
        """Where usage is recorded."""
        return self._ledger

    @property
    def clock(self) -> Clock:
        """Where time comes from."""
        return self._clock

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
        other.profile = refined(self.profile, model=model, timeout=timeout, retries=retries, fallback=tuple(fallback))
        if retries is not None:
            other._policy = replace(self._policy, attempts=retries + 1)  # noqa: SLF001 - our own
        return other

    def with_shelf(self, shelf: Shelf) -> Self:
        """The same client, with its open connections, and a tape or a cache that it asks before it sends anything.

        Args:
            shelf: ``Recorder(Tape(path))``, ``Replayer(Tape(path))`` or ``AnswerCache()``; of several, the first
                that has an answer gives it, and all others keep it.
        """
        other = type(self).__new__(type(self))
        other.__dict__.update(self.__dict__)
        other._shelves = (*self._shelves, shelf)  # noqa: SLF001 - our own
        return other

    def __repr__(self) -> str:
        """Address and model; no key."""
        return f"{type(self).__name__}({self.profile.name!r}, {self.base_url!r}, model={self.model!r})"

    def __getstate__(self) -> Any:  # noqa: ANN401 - never returns
        """Clients hold a key and open sockets; neither belongs into a file."""
        raise TypeError(f"A {type(self).__name__} cannot be pickled; make a new one where it is needed.")

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
        if method != "countTokens":
            return self.filled(self.prepared(method, **fields), to_contents(contents))
        first, request, encoded = self._first(method, fields), request_fields(fields), to_contents(contents)
        body, named = count_tokens_body(first, encoded, request), bool(fields.get("model"))
        return Plan((first,), method, body, named=named, contents=tuple(encoded))

    def _first(self, method: str, fields: RequestFields) -> str:
        """The model to ask first; its name must be one."""
        first = fields.get("model") or self.model
        self._url(first, method)
        return first.removeprefix("models/")

    def prepared(self, method: str, **fields: Unpack[RequestFields]) -> Prepared:
        """A call but for its contents; arguments and errors are those of `plan`."""
        first = self._first(method, fields)
        models = (first, *(name for name in self.profile.fallback if name != first))
        return Prepared(models, method, bool(fields.get("model")), written(request_fields(fields)))

    def filled(self, prepared: Prepared, contents: Sequence[Encoded]) -> Plan:
        """A call with its contents; there has to be one."""
        body, rest = build_body(contents, prepared.rest), prepared.rest
        return Plan(prepared.models, prepared.method, body, named=prepared.named, contents=tuple(contents), rest=rest)

    def page_plan(self, url: str, token: str) -> Plan:
        """A page of the model list."""
        address = f"{url}?pageSize=1000&pageToken={quote(token)}" if token else url
        return Plan(("",), "GET", url=address, page=token)

    def outgoing(self, plan: Plan, model: str) -> Outgoing:
        """One request of a plan, with the key in its header."""
        if plan.body is None:
            return Outgoing("GET", plan.url, self._headers(self.profile))
        return Outgoing("POST", self._url(model, plan.method), self._headers(self.profile), plan.body.segments)

    def begun(self, plan: Plan) -> tuple[Plan, Attempts]:
        """A call begins: the plan, with its answer if a shelf has it, and the tries that it has.

        What a shelf has costs nothing, so the budget is looked at only where none has it.

        Raises:
            InputError: A tape is to be replayed, and has no answer.
            ApiError: The tape has this error for an answer.
            StoreError: A shelf cannot be used; nothing was sent.
            BudgetExceeded: Nothing may be spent any more; nothing was sent.
        """
        plan = self._looked_up(plan) if self._shelves else plan
        if plan.found is not None:
            return plan, _at_no_cost(plan.found)
        if plan.method in PAID:
            self._ledger.check_budget(*plan.models, prices=self.profile.prices)
        return plan, Attempts(plan.models, self._policy, self._mask.in_error, partial(self._keep_error, plan))

    def _looked_up(self, plan: Plan) -> Plan:
        asked = self._asked(plan)
        plan = replace(plan, asked=asked)
        for shelf in self._shelves:
            found = shelf.find(asked)
            if found is not None:
                return replace(plan, found=found, source=shelf)
        return plan

    def _asked(self, plan: Plan) -> Asked:
        """What shelves get to know of a plan."""
        parts = (plan.contents[-1].content.parts or ()) if plan.contents else ()
        words = " ".join(" ".join(part.text or "" for part in parts).split())[: 4 * _PROMPT]
        prompt = self._hidden(words)[:_PROMPT]
        method, segments = (MODELS, ()) if plan.body is None else (plan.method, plan.body.segments)
        return Asked(method, plan.models[0], plan.named, self.profile.origin, prompt, segments, plan.page)

    def reader(self, plan: Plan, attempts: Attempts, *, whole: bool) -> AnswerReader:
        """What reads the answer."""
        return AnswerReader(attempts.model, unary=whole, keep=plan.asked is not None, mask=self._mask)

    def record(self, plan: Plan, reply: Reply) -> None:
        """Write down what the answer to a request has cost."""
        if plan.found is None:
            self._ledger.record(reply, profile=self.profile.name, prices=self.profile.prices)
        else:
            self._ledger.record(_unpaid(reply), profile=self.profile.name, prices="free")

    def hide_in(self, reply: Reply) -> None:
        """Take the key out of a reply that was put together."""
        self._mask.in_response(reply.response)

    def fetched(self, plan: Plan, body: bytes) -> bytes:
        """A body that is no model's answer has come; returns it as it may be shown."""
        body = self._mask.in_json(body)
        if plan.asked is not None:
            with contextlib.suppress(ValueError):  # no JSON: whoever reads it will say so
                document = to_json(from_json(body))  # without escapes, behind which a key could hide
                for words in self.keep(plan, Recorded((document,), model=plan.models[0])):
                    raise StoreError(words)
        return body

    def _keep_error(self, plan: Plan, error: GeminiMagicError) -> None:
        """A call has ended in an error; the server's own are answers, too."""
        if isinstance(error, ApiError):
            recorded = Recorded((error_document(error),), status=error.status, model=plan.models[0])
            error.hint = " ".join([error.hint, *self.keep(plan, recorded)]).strip()

    def keep(self, plan: Plan, recorded: Recorded) -> list[str]:
        """Give an exchange to the shelves; returns what the user should be told about it.

        An answer that was paid for is not lost because it could not be written down.
        """
        if plan.asked is None:
            return []
        if self._key is not None:
            key, mask = self._key.reveal().encode(), str(self._key).encode()
            recorded = replace(recorded, documents=tuple(item.replace(key, mask) for item in recorded.documents))
        failed: list[str] = []
        for shelf in self._shelves:
            if shelf is plan.source:
                continue
            try:
                shelf.keep(plan.asked, recorded)
            except StoreError as error:
                failed.append(f"This exchange was not kept: {error}")
        return failed

    def holds_key(self, text: str) -> bool:
        """Whether a text contains the key of this client."""
        return self._key is not None and self._key.is_in(text)

    def _hidden(self, text: str) -> str:
        return text if self._key is None else str(self._key.hidden_in(text))

    def patience(self) -> Patience:
        """The limits of a call that begins now."""
        return Patience(self.profile.timeouts, self._clock)


def _at_no_cost(found: Recorded) -> Attempts:
    """The one try of a call whose answer is there already.

    Raises:
        ApiError: It is an error.
    """
    if found.status != _GOOD:
        raise error_from(found.status, {}, found.body)
    attempts = Attempts((found.model,), RetryPolicy(1, budget=RetryBudget()))
    attempts.number = 0
    attempts.notes += [found.note] if found.note else []
    return attempts


def _unpaid(reply: Reply) -> Reply:
    """The same reply without its tokens, which were paid for when it was first given."""
    nothing = UsageMetadata(prompt_token_count=0, candidates_token_count=0, total_token_count=0)
    return replace(reply, response=reply.response.model_copy(update={"usage_metadata": nothing}))
