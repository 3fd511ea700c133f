"""The tasks of a run that are under way: so many workers in one event loop.

A worker takes a task, brings it to its outcome, and takes the next one when that outcome is in safe hands; so a
process that dies has paid for no more than one answer a worker that nobody has kept.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from datetime import datetime
from typing import TYPE_CHECKING, Self

from gemini_magic.client.retry import KERNEL_BUDGET, RetryBudget, is_retryable
from gemini_magic.client.shelf import GENERATE
from gemini_magic.client.timing import stoppable
from gemini_magic.exceptions import (
    ApiError,
    ConnectionLost,
    GeminiMagicError,
    QuotaExhausted,
    RateLimited,
    ServerUnavailable,
)
from gemini_magic.extract.answer import Answering, concluded
from gemini_magic.extract.calling import FunctionEnded, Manner, carried_out_elsewhere
from gemini_magic.extract.engines.failures import LONGEST_NAMED, Failures
from gemini_magic.extract.engines.quota import come_back
from gemini_magic.extract.forms import form_for, output_limit_of
from gemini_magic.extract.limiter import LONGEST_PAUSE, LONGEST_REFUSED

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gemini_magic.client import AsyncClient
    from gemini_magic.client.caller import Plan, Prepared
    from gemini_magic.extract.engines.spending import Spending
    from gemini_magic.extract.forms import Form
    from gemini_magic.extract.job import Job, Outcome, Task
    from gemini_magic.extract.limiter import Limiter, Permit
    from gemini_magic.reply import Reply

_OVERLOADED = frozenset({503, 529})
_FIRST_WAIT, _SHORTEST_WAIT = 0.5, 0.05
#: How often, and for how many seconds each, a retry waits for the retry budget; after that it is rare enough.
_PATIENCE, _ROUND = 8, 0.5
_AGAIN = "Run the same again later: rows that have an answer are not asked, and not paid for, again."


class _Retry:
    """A request that is sent again, for the how manyth time and why; or one that is sent for the first time.

    Attributes:
        cost: What has been taken from the retry budget for it so far.
    """

    def __init__(self, error: GeminiMagicError | None = None, number: int = 0, cost: int = 0) -> None:
        self._error = error
        self._number = number
        self.cost = cost

    def after(self, error: GeminiMagicError) -> _Retry:
        """The next one, after this one has failed, too."""
        return _Retry(error, self._number + 1, self.cost)

    def is_afforded(self, budget: RetryBudget) -> bool:
        """Whether the retry budget has enough for it; if so, it is taken."""
        throttled = isinstance(self._error, RateLimited)
        if self._error is None:
            return True
        if not budget.take(throttled=throttled):
            return False
        self.cost += budget.cost(throttled=throttled)
        return True

    def seconds(self, jitter: Callable[[float, float], float]) -> float:
        """How long to wait before."""
        error = self._error
        if isinstance(error, ApiError) and error.retry_delay:
            return 0.0  # the limiter holds everybody
        if self._number == 1 and isinstance(error, ConnectionLost):
            return 0.0  # most likely a kept connection that the server had closed meanwhile
        longest = LONGEST_REFUSED if isinstance(error, RateLimited) else LONGEST_PAUSE
        return max(_SHORTEST_WAIT, jitter(0.0, min(longest, _FIRST_WAIT * 2.0 ** (self._number - 1))))


_FIRST = _Retry()


class _Left(Exception):
    """A task is left undone."""


class _Idle:
    """While inside, a worker has nothing under way, and goes when the run ends."""

    __slots__ = ("_crew", "_task")

    def __init__(self, crew: Crew) -> None:
        self._crew = crew
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine of a task
        self._task: asyncio.Task[object] = task

    def __enter__(self) -> Self:
        self._crew.check()
        self._crew.waiting.add(self._task)
        return self

    def end(self) -> None:
        """From here on it has something under way."""
        self._crew.waiting.discard(self._task)

    def __exit__(self, *_: object) -> None:
        self.end()


class Crew:
    """The workers of one run; everything but the constructor is called in the event loop.

    Args:
        client: Whom to ask; sends each request once.
        job: What is the same for all tasks.
        limiter: Who may send now.
        spending: What may be spent.
        deliver: Is given each outcome; `trade` then says that it is safe.
        workers: Requests under way at a time.
        max_attempts: Requests for a task.
        retries: The budget that all retries of the kernel share.
        resends: How often one request that has failed may be sent again; None for as often as `max_attempts` allows.
        jitter: Draws a number between its two arguments.

    Attributes:
        waiting: The workers that have nothing under way.
        halted: Why the run has ended before its tasks have, or None.
    """

    def __init__(
        self,
        client: AsyncClient,
        job: Job,
        limiter: Limiter,
        spending: Spending,
        deliver: Callable[[Outcome], None],
        *,
        workers: int,
        max_attempts: int,
        retries: RetryBudget = KERNEL_BUDGET,
        resends: int | None = None,
        jitter: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._client = client
        self._job = job
        self._limiter = limiter
        self._spending = spending
        self._deliver = deliver
        self._workers = workers
        self._max_attempts = max_attempts
        self._retries = retries
        self._resends = resends
        self._jitter = jitter
        self._prepared: dict[str, Prepared] = {}
        self._form: Form = form_for(client.profile)
        self._manner: Manner | None = None if job.tooling is None else Manner.of(client)
        self._output_limit = output_limit_of(client.profile, job.model or client.model)
        self._failures = Failures()
        self._tasks: asyncio.Queue[Task | None] = asyncio.Queue()
        self._unsaved: deque[asyncio.Future[None]] = deque()
        self.waiting: set[asyncio.Task[object]] = set()
        self._expected = 0.0
        self.halted: GeminiMagicError | None = None

    async def work(self) -> None:
        """Work until there are no more tasks, or the run has to end."""
        with stoppable(None):  # an interrupt of the caller must not be raised in the middle of this loop
            async with asyncio.TaskGroup() as group:
                for _ in range(self._workers):
                    group.create_task(self._work())

    def trade(self, tasks: Sequence[Task | None], saved: int) -> None:
        """Take tasks, the last of them None when there are no more; so many outcomes are safe."""
        for task in tasks:
            self._tasks.put_nowait(task)
        for _ in range(saved):
            safe = self._unsaved.popleft()
            if not safe.done():
                safe.set_result(None)

    async def _work(self) -> None:
        while self.halted is None and (task := await self._next()) is not None:
            try:
                outcome = await self._outcome(task)
            except _Left:
                return
            if why := self._failures.ended(outcome):
                self._halt(GeminiMagicError(f"The run was stopped, because {why}: {outcome.error}", hint=_AGAIN))
            safe = asyncio.get_running_loop().create_future()
            self._unsaved.append(safe)
            self._deliver(outcome)
            await safe

    async def _next(self) -> Task | None:
        if self._tasks.empty():
            with _Idle(self):
                task = await self._tasks.get()
        else:
            task = self._tasks.get_nowait()
        if task is None:
            self._tasks.put_nowait(None)  # for the others
        return task

    async def _outcome(self, task: Task) -> Outcome:
        """Bring a task to its outcome."""
        began = time.monotonic()
        answering = self._answering(task)
        over, retry = False, _FIRST
        while not over:
            try:
                reply = await self._sent(self._plan(answering), retry, task)
            except GeminiMagicError as error:
                self.check()
                over = answering.failed(error, blameless=self._failures.is_everybodys(error))
                if not over and is_retryable(error):
                    retry = retry.after(error)
                    await self._back_off(retry)
            else:
                over = answering.took(reply)
                self._retries.give_back(retry.cost)
                retry = _FIRST
                if answering.calls:
                    over = await self._carried_out(answering)
        if answering.learned:
            self._form = answering.form
        if answering.refused:
            self._manner = answering.manner
        return concluded(self._client.profile, answering, began)

    def _answering(self, task: Task) -> Answering:
        return Answering(
            self._job,
            task,
            form=self._form,
            manner=self._manner,
            max_attempts=self._max_attempts,
            retries=self._resends,
            output_limit=self._output_limit,
            resend=True,
        )

    def _plan(self, answering: Answering) -> Plan:
        """The next request of a task; what is the same for all tasks is made once.

        Raises:
            GeminiMagicError: It cannot be said so.
        """
        prepared = self._prepared.get(answering.shape)
        if prepared is None:
            prepared = self._client.prepared(GENERATE, **answering.request()[1])
            if answering.shape:
                self._prepared[answering.shape] = prepared
        return self._client.filled(prepared, answering.contents)

    async def _sent(self, plan: Plan, retry: _Retry, task: Task) -> Reply:
        """Send one request when it may be sent.

        Raises:
            GeminiMagicError: What came of it.
        """
        patience = _PATIENCE
        while True:
            with _Idle(self) as idle:
                async with self._limiter.permit(int(self._expected)) as permit:
                    self._check_budget()
                    if not patience or retry.is_afforded(self._retries):
                        idle.end()
                        return await self._sent_with(permit, plan, task)
                patience -= 1
                await self._limiter.clock.asleep(_ROUND)

    async def _sent_with(self, permit: Permit, plan: Plan, task: Task) -> Reply:
        try:
            reply = await self._client.ask(plan)
        except GeminiMagicError as error:
            self._learn(error, permit, task)
            raise
        self._answered(reply, permit)
        return reply

    def _check_budget(self) -> None:
        if (refusal := self._spending.refusal()) is not None:
            self._halt(refusal)
        self.check()

    def _answered(self, reply: Reply, permit: Permit) -> None:
        self._limiter.succeeded()
        self._failures.succeeded()
        self._spending.add(reply)
        tokens = reply.usage.total_token_count if reply.usage is not None else None
        self._limiter.took(tokens or 0, permit)
        self._expected += ((tokens or 0) - self._expected) * (0.1 if self._expected else 1.0)

    def _learn(self, error: GeminiMagicError, permit: Permit, task: Task) -> None:
        """What an error means for the other requests."""
        self._limiter.took(0, permit)
        news = self._slow_down(error, permit)
        if why := self._failures.failed(error, news=news, row=task.key):
            self._halt(_stopped(error, why))

    def _slow_down(self, error: GeminiMagicError, permit: Permit) -> bool:
        """Let the limiter know; returns whether the failure is news to it."""
        delay = error.retry_delay if isinstance(error, ApiError) else None
        if isinstance(error, QuotaExhausted):
            error.hint = f"{error.hint} {come_back(error, datetime.now().astimezone())}".strip()
            self._limiter.park(error)
            return True
        if not is_retryable(error):
            return False
        if delay is not None and delay <= LONGEST_NAMED:
            self._limiter.told_to_wait(delay)
        if isinstance(error, RateLimited):
            return self._limiter.refused(permit)
        if isinstance(error, ServerUnavailable) and error.status in _OVERLOADED:
            return self._limiter.refused(permit, overloaded=True)
        return self._limiter.failed(permit)

    async def _carried_out(self, answering: Answering) -> bool:
        """Call the functions that an answer asks for; returns whether the task is over."""
        with _Idle(self):
            try:
                return await carried_out_elsewhere(answering)
            except FunctionEnded as error:
                failed = error
        self._halt(failed)
        raise _Left

    async def _back_off(self, retry: _Retry) -> None:
        with _Idle(self):
            await self._limiter.clock.asleep(retry.seconds(self._jitter))

    def _halt(self, error: GeminiMagicError) -> None:
        """End the run: requests under way come to their end, nothing else is sent."""
        if self.halted is None:
            self.halted = error
            for task in self.waiting:
                task.cancel()

    def check(self) -> None:
        """Whoever comes here leaves the task that it has undone when the run has ended."""
        if self.halted is not None:
            raise _Left


def _stopped(error: GeminiMagicError, why: str) -> GeminiMagicError:
    """The error that a run ends with: the one that it came to, with why it is the last."""
    if is_retryable(error):
        error.message = f"The run was stopped, because {why}; the last said: {error.message}"
        error.hint = f"{error.hint} {_AGAIN}".strip()
    return error
