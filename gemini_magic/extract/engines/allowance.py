"""What one run may send and spend on all machines together: kept where tasks are handed out; no I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gemini_magic.exceptions import BudgetExceeded
from gemini_magic.extract.limiter import limiter_for
from gemini_magic.extract.pace import Bucket
from gemini_magic.extract.purse import Purse
from gemini_magic.reply import Reply
from gemini_magic.wire import GenerateContentResponse, UsageMetadata

if TYPE_CHECKING:
    from gemini_magic.client import Client
    from gemini_magic.extract.job import Job, Outcome
    from gemini_magic.ledger import Budget

#: Tasks that go to a worker together, at most; what a dying worker takes with it is no more than that a request.
TOGETHER = 2


class Allowance:
    """What the run may send and spend; of the calling thread.

    Args:
        client: Whom to ask.
        job: What is the same for all tasks.
        rates: Requests and tokens a minute.
        budget: What may be spent.
    """

    def __init__(
        self, client: Client, job: Job, rates: tuple[float | None, float | None], budget: Budget | None
    ) -> None:
        self._client = client
        self._model = job.model or client.model
        self._limiter = limiter_for(client.profile.origin, self._model, client.clock)
        self._clock = self._limiter.clock
        now = self._clock.monotonic()
        self._requests, self._tokens = (None if rate is None else Bucket(rate, now) for rate in rates)
        self._budget = budget
        self._purse = Purse(self._model, client.profile.prices, budget)
        self._expected = 0.0
        self._unknown = False
        #: Tasks that go to a worker together: one by one where each has to be counted.
        self.together = TOGETHER if budget is None and rates == (None, None) else 1

    def check(self) -> None:
        """Look at the budgets.

        Raises:
            BudgetExceeded: Nothing may be spent any more.
        """
        self._purse.left()
        if self._budget is not None and self._unknown:
            raise BudgetExceeded(
                f"The budget of {self._budget} for this run cannot be kept: the gateway does not say how many tokens "
                "an answer took."
            )
        self._client.ledger.check_budget(self._model, prices=self._client.profile.prices)

    def wait(self) -> float:
        """Seconds until a task may be handed out."""
        now = self._clock.monotonic()
        waits = [self._limiter.seconds_paused]
        waits += [self._requests.wait(1, now)] if self._requests else []
        waits += [self._tokens.wait(self._expected, now)] if self._tokens else []
        return max(waits)

    def sleep(self, seconds: float) -> None:
        """Wait; by the clock of the client, as all that is counted here."""
        self._clock.sleep(seconds)

    def take(self) -> None:
        """A task is handed out."""
        now = self._clock.monotonic()
        if self._requests:
            self._requests.take(1, now)
        if self._tokens:
            self._tokens.take(self._expected, now)

    def took(self, outcome: Outcome) -> None:
        """An outcome has come: count what it took."""
        tokens = outcome.total_tokens or 0
        if self._requests:
            self._requests.correct(outcome.attempts - 1)
        if self._tokens:
            self._tokens.correct(tokens - self._expected)
        self._expected += (tokens - self._expected) * (0.1 if self._expected else 1.0)
        self._unknown = self._unknown or (outcome.ok and outcome.total_tokens is None)
        self._purse.spend(outcome)
        if outcome.total_tokens is not None:
            self._client.ledger.record(
                _as_reply(outcome), profile=self._client.profile.name, prices=self._client.profile.prices
            )

    def told_to_wait(self, seconds: float) -> None:
        """Nobody sends anything for so long, in this kernel either."""
        self._limiter.told_to_wait(seconds)


def _as_reply(outcome: Outcome) -> Reply:
    """What a worker has used, as the ledger of this kernel counts it."""
    usage = UsageMetadata(
        prompt_token_count=outcome.prompt_tokens,
        candidates_token_count=outcome.answer_tokens,
        total_token_count=outcome.total_tokens,
    )
    response = GenerateContentResponse(usage_metadata=usage, model_version=outcome.model)
    return Reply.from_response(response, model=outcome.model, attempts=outcome.attempts, seconds=outcome.seconds)
