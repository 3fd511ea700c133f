"""How one task comes to its answer: what to send, what an answer means, and when it is over.

`Answering` is a state machine without I/O; `answer` and `answer_async` are the two thin ways to drive it. All requests
of a task, HTTP retries among them, are counted against one limit.

An answer that is not what was asked for is repaired once: the same prompt, the beginning and the end of that answer,
and what was wrong with it. An answer that stopped at the token limit is asked for once more with twice the limit, and
otherwise as before. Errors of the wire never go into a prompt.

An answer that asks for functions to be called is none yet: they are called, and what they gave goes out behind the
question. Rounds of calls have limits of their own, and do not count against the limit on requests; what the functions
gave stays there for a repair, so that they are not called twice for one row.
"""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from gemini_magic.client import encode
from gemini_magic.client.caller import Caller
from gemini_magic.client.retry import is_retryable
from gemini_magic.client.tool_forms import learn_refusals
from gemini_magic.exceptions import (
    BudgetExceeded,
    ConfigError,
    GeminiMagicError,
    InvalidAnswer,
    SchemaMismatch,
    StoreError,
)
from gemini_magic.extract.calling import (
    UNREADABLE,
    Calling,
    Manner,
    carried_out,
    carried_out_elsewhere,
)
from gemini_magic.extract.forms import form_for, learn_form, output_limit_of, refused_field, refuses_schema
from gemini_magic.extract.job import Outcome
from gemini_magic.extract.output_limit import LIMIT, limit_of, minds_limit, with_limit
from gemini_magic.extract.reasons import blocked, truncated, unusable
from gemini_magic.extract.repair import repair_turns
from gemini_magic.extract.used import Used, answered_with
from gemini_magic.parts import one_line
from gemini_magic.wire import Content, FinishReason

if TYPE_CHECKING:
    from collections.abc import Generator

    from gemini_magic.client import AsyncClient, Client, Encoded
    from gemini_magic.client.request import RequestFields
    from gemini_magic.client.tool_forms import Refused
    from gemini_magic.events import FunctionCall, ToolFinished, ToolStarted
    from gemini_magic.extract.forms import Form
    from gemini_magic.extract.job import Job, Task
    from gemini_magic.reply import Reply
    from gemini_magic.settings import Profile

Some = TypeVar("Some", bound=Caller)

MAX_ATTEMPTS = 6
#: Errors that say nothing about a row: they are raised, and end the job.
OF_THE_JOB = (BudgetExceeded, ConfigError, StoreError)


class Answering:
    """One task's way to its outcome.

    Ask what `request` says; tell `took` the reply, or `failed` the error; until one of them says that it is over. Where
    there are `calls` behind an answer, read `run` to its end before the next request.

    Args:
        job: What is the same for all tasks.
        task: The task.
        form: In which field to send the schema at first; see `form_for`.
        manner: How to say at first what may be called; see `Manner`.
        repairs: How often an answer that is not of the schema may be repaired.
        max_attempts: Requests at most, of all kinds together.
        retries: How often one request that has failed may be sent again; as often as there are requests left if None.
        output_limit: The most tokens that the model can answer with, where that is known.
        resend: Whether the caller sends one request at a time, so that `failed` also says when to send it again.

    Attributes:
        form: In which field the schema is sent now.
        attempts: Requests so far.
    """

    def __init__(
        self,
        job: Job,
        task: Task,
        *,
        form: Form = "json",
        manner: Manner | None = None,
        repairs: int = 1,
        max_attempts: int = MAX_ATTEMPTS,
        retries: int | None = None,
        output_limit: int | None = None,
        resend: bool = False,
    ) -> None:
        self.form: Form = form
        self.attempts = 0
        self._rounds = 0
        self._failed = 0
        self._job = job
        self._max_attempts = max_attempts
        self._retries = math.inf if retries is None else retries
        self._output_limit = output_limit
        self._resend = resend
        self._repairs = repairs
        self._prompt = [encode(Content(role="user", parts=list(task.parts)))]
        self._repair: list[Encoded] = []
        self._place = 0  # of the repair, among the calls and results
        self._calling = None if job.tooling is None else Calling(job.tooling, job.model, manner or Manner())
        self._limit = limit_of(job)
        self._raised_from: int | None = None
        self._refused_field = ""
        self._answered = False
        self._key = task.key
        self._status, self._value = "failed", None
        self._error: GeminiMagicError | None = None
        self._used = Used()

    @property
    def left(self) -> int:
        """Requests that may still be sent."""
        return max(0, self._max_attempts - self._rounds)

    @property
    def learned(self) -> str:
        """The words with which the gateway refused the newer field, once it has taken the older one; else empty."""
        return self._refused_field if self._answered else ""

    @property
    def manner(self) -> Manner | None:
        """How to say what may be called, as far as is known now."""
        return None if self._calling is None else self._calling.manner

    @property
    def refused(self) -> dict[Refused, str]:
        """What the gateway has refused of that, with its words, once it has taken something else."""
        return self._calling.refused if self._calling is not None and self._answered else {}

    @property
    def contents(self) -> list[Encoded]:
        """The contents to send now."""
        called = [] if self._calling is None else self._calling.contents
        return [*self._prompt, *called[: self._place], *self._repair, *called[self._place :]]

    @property
    def shape(self) -> str:
        """A name for the fields to send now, equal for all tasks that send the same; empty for fields of its own."""
        if self._raised_from is not None:
            return ""
        return self.form if self._calling is None else f"{self.form} {self._calling.shape}"

    @property
    def calls(self) -> tuple[FunctionCall, ...]:
        """The calls that the last answer asks for, to be carried out before anything else is sent."""
        return () if self._calling is None else self._calling.calls

    def run(self) -> Generator[ToolStarted | ToolFinished]:
        """Carry these calls out, in the thread that reads this to its end.

        Raises:
            ToolLimit: There are too many, or they take too long; `stopped` is to be told.
        """
        if self._calling is not None:
            yield from self._calling.run()

    def stopped(self, error: GeminiMagicError) -> bool:
        """Calls could not be carried out; returns whether it is over."""
        return self._end("failed", error)

    def request(self) -> tuple[list[Encoded], RequestFields]:
        """What to send now: contents and fields for ``client.generate``.

        Raises:
            SchemaError: The schema cannot be said in this form.
        """
        config = {**self._job.wire_config, **self._job.schema.config(form=self.form)}
        fields: RequestFields = {"model": self._job.model or None, "system": self._job.system, "config": config}
        if self._job.extra:
            fields["extra"] = self._job.extra
        if self._calling is not None:
            self._calling.say(fields)
        if self._raised_from is not None:
            config[LIMIT] = self._limit
            fields["extra"] = with_limit(self._job.extra, self._limit)
        return self.contents, fields

    def took(self, reply: Reply) -> bool:
        """An answer has come; returns whether it is over."""
        self._count(reply.attempts)
        self._answered, self._failed = True, 0
        self._used.add(reply)
        if self._calling is not None and self._goes_on(self._calling, reply):
            return False
        match reply.status:
            case "ok":
                return self._read(reply.text)
            case "truncated":
                return self._at_the_limit(reply)
            case "blocked":
                return self._end("blocked", blocked(reply))
        return self._unusable(reply)

    def failed(self, error: GeminiMagicError, *, blameless: bool = False) -> bool:
        """A request has brought an error in place of an answer; returns whether it is over.

        Args:
            error: The error.
            blameless: Whether it says nothing about this task, which then has as many requests left as before.
        """
        self._count(error.attempts)
        self._rounds -= max(1, error.attempts) if blameless else 0
        self._failed += 1
        if self._raised_from is not None and minds_limit(error):
            return self._end("truncated", truncated(self._raised_from))
        if self._calling is not None and self.left and self._calling.changed(error):
            self._failed, self._answered = 0, False
            return False
        if self.form == "json" and self.left and refuses_schema(error):
            self.form, self._refused_field, self._answered = "openapi", refused_field(error), False
            self._failed = 0
            return False
        if self._resend and self.left and self._failed <= self._retries and is_retryable(error):
            return False
        return self._end("failed", error)

    def outcome(self, seconds: float | None = None) -> Outcome:
        """What came of it.

        Args:
            seconds: How long it took; the seconds of its answers if None.
        """
        error, used = self._error, self._used
        words = "It was stopped before its end." if self._status == "failed" else ""
        return Outcome(
            self._key,
            self._status,
            self._value,
            words if error is None else str(error),
            "" if error is None else type(error).__name__,
            self.attempts,
            used.prompt,
            used.answer,
            used.total,
            used.seconds if seconds is None else seconds,
            used.model,
            used.raw,
            () if self._calling is None else tuple(self._calling.record),
        )

    def _count(self, attempts: int) -> None:
        """What a tape answers costs no request, but a round all the same: it would answer so for ever."""
        self.attempts += attempts
        self._rounds += max(1, attempts)

    def _goes_on(self, calling: Calling, reply: Reply) -> bool:
        """Whether an answer asks for calls, which nothing is held against; or for a call that nobody can read."""
        if calling.took(reply):
            self._rounds -= 1
            return True
        return bool(self.left) and calling.again(reply)

    def _read(self, text: str) -> bool:
        schema = self._job.schema
        try:
            value = schema.plain(schema.read(text))
        except InvalidAnswer as error:
            return self._invalid(text, error)
        except Exception as error:  # noqa: BLE001 - a validator of the user's; one row must not end the others
            return self._invalid(text, SchemaMismatch(f"The answer was refused by the schema: {one_line(error)}."))
        self._status, self._value, self._error = "ok", value, None
        return True

    def _invalid(self, text: str, error: InvalidAnswer) -> bool:
        if not (self._repairs and self.left):
            return self._end("invalid", error)
        self._repairs -= 1
        self._repair = repair_turns(text, error)
        self._place = 0 if self._calling is None else len(self._calling.contents)
        return False

    def _at_the_limit(self, reply: Reply) -> bool:
        """Twice the limit, once; where none was set, the answer's own size tells the server's."""
        limit = self._limit or answered_with(reply)
        more = min(2 * (limit or 0), self._output_limit or 2 * (limit or 0))
        if not limit or more <= limit or self._raised_from is not None or not self.left:
            return self._end("truncated", truncated(limit))
        self._raised_from, self._limit = limit, more
        return False

    def _unusable(self, reply: Reply) -> bool:
        final = {FinishReason.MISSING_THOUGHT_SIGNATURE, *(UNREADABLE if self._calling is not None else ())}
        if self.left and reply.finish_reason not in final:
            return False
        return self._end("failed", unusable(reply))

    def _end(self, status: str, error: GeminiMagicError) -> bool:
        self._status, self._error = status, error
        return True


def answer(client: Client, job: Job, task: Task, **options: Any) -> Outcome:  # noqa: ANN401 - of `Answering`
    """Bring a task to its outcome.

    Args:
        client: Whom to ask; its retries count, and never exceed what is left.
        job: What is the same for all tasks.
        task: The task.
        **options: ``repairs``, ``max_attempts``, ``output_limit``, ``form``; see `Answering`.

    Returns:
        The outcome, whatever it is.

    Raises:
        BudgetExceeded: Nothing may be spent any more.
        ConfigError: The client cannot be used.
        StoreError: A tape or a cache cannot be used.
    """
    began = time.monotonic()
    answering = Answering(job, task, **{**_known(client, job), **options})
    over = False
    while not over:
        try:
            contents, fields = answering.request()
            reply = bounded(client, answering.left).generate(contents, **fields)
        except OF_THE_JOB:
            raise
        except GeminiMagicError as error:
            over = answering.failed(error)
        else:
            over = answering.took(reply) or carried_out(answering)
    return concluded(client.profile, answering, began)


async def answer_async(client: AsyncClient, job: Job, task: Task, **options: Any) -> Outcome:  # noqa: ANN401 - as above
    """Bring a task to its outcome without holding up the event loop; arguments and errors are those of `answer`."""
    began = time.monotonic()
    answering = Answering(job, task, **{**_known(client, job), **options})
    over = False
    while not over:
        try:
            contents, fields = answering.request()
            reply = await bounded(client, answering.left).generate(contents, **fields)
        except OF_THE_JOB:
            raise
        except GeminiMagicError as error:
            over = answering.failed(error)
        else:
            over = answering.took(reply) or (bool(answering.calls) and await carried_out_elsewhere(answering))
    return concluded(client.profile, answering, began)


def bounded(client: Some, left: int) -> Some:
    """The same client, which sends no more than so many requests for one call, fallback models included."""
    profile = client.profile
    fallback = profile.fallback[: max(0, left - 1)]
    tries = max(1, left // (len(fallback) + 1))
    if profile.retries is not None:
        tries = min(tries, profile.retries + 1)
    other = client.with_options(retries=tries - 1)
    other.profile = replace(other.profile, fallback=fallback)
    return other


def concluded(profile: Profile, answering: Answering, began: float) -> Outcome:
    """The outcome of a task that is over; what it showed of the gateway is kept for the next.

    Args:
        profile: The gateway.
        answering: The task's way.
        began: When it began, by ``time.monotonic()``.
    """
    if answering.learned:
        learn_form(profile, answering.learned)
    learn_refusals(profile, answering.refused)
    return answering.outcome(time.monotonic() - began)


def _known(client: Caller, job: Job) -> dict[str, Any]:
    """What is known of the gateway without asking it."""
    profile = client.profile
    manner = None if job.tooling is None else Manner.of(client)
    limit = output_limit_of(profile, job.model or client.model)
    return {"form": form_for(profile), "manner": manner, "output_limit": limit}
