"""Questions that are answered in the background, each into its own cell, while the kernel is free."""

from __future__ import annotations

import contextvars
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Literal, Protocol

from gemini_magic.client.timing import stoppable
from gemini_magic.exceptions import GeminiMagicError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from gemini_magic.reply import Reply

#: Jobs that run at the same time; the others wait for their turn.
AT_ONCE = 4
JobStatus = Literal["waiting", "running", "done", "failed", "stopped"]


class Asked(Protocol):
    """What is asked by a job, as far as the job knows it."""

    @property
    def reply(self) -> Reply | None:
        """What has come so far; a batch, which has many answers, has none."""


class Job:
    """A question in the background; ``await job`` or ``job.result()`` gives its reply.

    Attributes:
        number: Counts from 1 in this kernel.
        prompt: What is asked, as it was typed.
        conversation: The conversation it belongs to, or an empty string.
        status: ``waiting``, ``running``, ``done``, ``failed`` or ``stopped``.
    """

    def __init__(self, number: int, prompt: str, conversation: str, exchange: Asked) -> None:
        self.number = number
        self.prompt = prompt
        self.conversation = conversation
        self.status: JobStatus = "waiting"
        self.stop = threading.Event()
        self._exchange = exchange
        self._future: Future[Any] = Future()
        self._lock = threading.Lock()

    @property
    def reply(self) -> Reply | None:
        """What has come so far; None before anything has."""
        return self._exchange.reply

    @property
    def over(self) -> bool:
        """Whether it has ended, in whichever way."""
        return self.status not in {"waiting", "running"}

    def result(self, timeout: float | None = None) -> Any:  # noqa: ANN401 - a reply, or a batch's run
        """Wait for the reply, or, of a batch, for the run.

        Args:
            timeout: The longest to wait, in seconds; as long as it takes when None.

        Raises:
            TimeoutError: It has not ended by then.
            GeminiMagicError: The request failed, or was stopped; what had come is in ``.partial``.
        """
        return self._future.result(timeout)

    def cancel(self) -> bool:
        """Stop it, and keep what has come; returns whether it was still under way."""
        self.stop.set()
        if self.status == "waiting":
            self.end("stopped", self.stopped())
            return True
        return not self.over

    def begin(self) -> bool:
        """Take it up, unless it has been stopped before."""
        with self._lock:
            if self.status == "waiting":
                self.status = "running"
            return self.status == "running"

    def end(self, status: JobStatus, outcome: object) -> None:
        """Say how it ended; the first word counts."""
        with self._lock:
            if self.over:
                return
            self.status = status
        if isinstance(outcome, BaseException):
            self._future.set_exception(outcome)
        else:
            self._future.set_result(outcome)

    def stopped(self) -> GeminiMagicError:
        """What its result raises when it was stopped."""
        error = GeminiMagicError(f"Job {self.number} was stopped.", hint="What had come stands below its cell.")
        error.partial = self.reply
        return error

    def __await__(self) -> Generator[Any, None, Any]:
        """The reply: ``reply = await job``."""
        import asyncio  # noqa: PLC0415 - whoever awaits has it

        return asyncio.wrap_future(self._future).__await__()

    def __repr__(self) -> str:
        """Number, status and the beginning of the prompt."""
        line = " ".join(self.prompt.split())
        return f"<Job {self.number}, {self.status}: {line[:57] + '…' if len(line) > 58 else line!r}>"  # noqa: PLR2004


class Jobs:
    """The jobs of one kernel; those of the same conversation run one after another, in the order of their asking."""

    def __init__(self) -> None:
        self._jobs: list[Job] = []
        self._lock = threading.Lock()
        self._free = threading.Semaphore(AT_ONCE)
        self._last_of: dict[str, threading.Thread] = {}

    def new(self, prompt: str, conversation: str, exchange: Asked) -> Job:
        """A job that waits to be started.

        Args:
            prompt: What is asked, for the list of jobs.
            conversation: The conversation that it belongs to, or an empty string.
            exchange: Where what comes is remembered.
        """
        with self._lock:
            job = Job(len(self._jobs) + 1, prompt, conversation, exchange)
            self._jobs.append(job)
        return job

    def start(self, job: Job, work: Callable[[], object]) -> None:
        """Begin to work on it; outputs go where they would have gone here."""
        with self._lock:
            before = self._last_of.get(job.conversation) if job.conversation else None
            # The context knows which cell is running, so the thread's outputs go into that cell.
            args = (self._work, job, before, work)
            name = f"gemini-magic-job-{job.number}"
            thread = threading.Thread(target=contextvars.copy_context().run, args=args, name=name, daemon=True)
            if job.conversation:
                self._last_of[job.conversation] = thread
            thread.start()

    def _work(self, job: Job, before: threading.Thread | None, work: Callable[[], object]) -> None:
        if before is not None:
            before.join()
        with self._free, stoppable(job.stop):
            if not job.begin():
                return
            try:
                reply = work()
            except KeyboardInterrupt:
                job.end("stopped", job.stopped())
            except BaseException as error:  # noqa: BLE001 - it is raised where the result is asked for
                job.end("failed", error)
            else:
                job.end("done", reply)

    @property
    def jobs(self) -> tuple[Job, ...]:
        """All jobs, oldest first."""
        with self._lock:
            return tuple(self._jobs)

    def stop(self, number: int | None = None) -> list[Job]:
        """Stop one job, or all that are under way; returns those that were.

        Raises:
            InputError: There is no job of that number.
        """
        jobs = self.jobs
        if number is not None and not 1 <= number <= len(jobs):
            raise InputError(f"There is no job {number}.", hint="`%gemini jobs` lists them.")
        chosen = jobs if number is None else (jobs[number - 1],)
        return [job for job in chosen if job.cancel()]


#: Shared by all of this kernel.
KERNEL = Jobs()
