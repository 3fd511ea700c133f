"""What an extraction will take, before it is begun: counted in full, and asked of a few rows.

The rows of the sample are really asked, and their answers kept, so that the run does not pay for them again.
"""

from __future__ import annotations

import math
import random
import time
from contextlib import closing
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import TYPE_CHECKING

from gemini_magic.exceptions import InputError
from gemini_magic.extract.purse import Purse
from gemini_magic.extract.store import Store
from gemini_magic.extract.usage import NoProgress
from gemini_magic.extract.work import Work

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gemini_magic.extract.extraction import Extraction
    from gemini_magic.extract.job import Outcome, Task
    from gemini_magic.ledger import Money

#: Rows that are asked.
SAMPLE = 5
_MINUTE = 60.0


@dataclass(frozen=True)
class Spread:
    """A number that is not known exactly.

    Attributes:
        mean: The likeliest value.
        plus: How far it may be off: twice the standard deviation; NaN when a single row was asked.
    """

    mean: float
    plus: float = math.nan

    def times(self, count: int, sampled: int) -> Spread:
        """The sum of so many, when so many were looked at: what differs from row to row, and what the sample misses."""
        return Spread(
            self.mean * count, self.plus * math.sqrt(count + count * count / sampled) if sampled else math.nan
        )

    def __str__(self) -> str:
        """The number and its spread."""
        off = "" if math.isnan(self.plus) else f" ± {self.plus:,.0f}"
        return f"{self.mean:,.0f}{off}"


@dataclass(frozen=True, repr=False)
class Estimate:
    """What an extraction will take.

    Attributes:
        rows: Rows of the data.
        requests: Requests that are still to be sent, those of the sample left out; retries come on top, and so many
            rounds of calls are reckoned with as the sample had.
        reused: Rows whose answer is there already, the sample left out.
        sampled: Requests that were sent to find out.
        sample_tokens: What these took.
        tokens_each: Tokens of one request, with those that brought the results of functions.
        tokens: Tokens of all requests that are left.
        cost: What they will cost, or None where that is not known.
        cost_most: The same with the spread on top, or None.
        seconds: How long it will take at this many workers.
        failed: Requests of the sample without an answer, with why.
        workers: How many requests go out at a time.
    """

    rows: int
    requests: int
    reused: int
    sampled: int
    sample_tokens: int
    tokens_each: Spread
    tokens: Spread
    cost: Money | None
    cost_most: Money | None
    seconds: float
    failed: tuple[str, ...] = ()
    workers: int = 16

    def __repr__(self) -> str:
        """A few lines."""
        asked = f"{self.sampled} sampled ({self.sample_tokens:,} tokens, kept)"
        lines = [f"{self.rows:,} rows: {asked}, {self.reused:,} answered already, {self.requests:,} requests left"]
        if not math.isnan(self.tokens.mean):
            lines.append(f"tokens: {self.tokens} ({self.tokens_each} each)")
        if self.cost is not None:
            most = f", at most about {self.cost_most}" if self.cost_most is not None else ""
            lines.append(f"cost: {self.cost}{most}")
        if not math.isnan(self.seconds):
            lines.append(f"time: {_words(self.seconds)} with {self.workers} requests at a time")
        lines += [f"of the sample failed: {words}" for words in self.failed]
        return "\n".join(lines)


def estimate(extraction: Extraction, *, workers: int, rpm: float | None = None, tpm: float | None = None) -> Estimate:
    """Ask a few rows, drawn at random but the same each time, and reckon what the others will take.

    Args:
        extraction: What is to be run.
        workers: Requests at a time.
        rpm: Requests a minute, at most.
        tpm: Tokens a minute, at most.

    Raises:
        InputError: The rows could not be read again after that.
        GeminiMagicError: The sample could not be asked.
    """
    if extraction.source.length is None:
        raise InputError("An iterator is read once, so nothing would be left to run.", hint="Hand over a list of it.")
    purse = Purse(extraction.job.model, extraction.prices, extraction.budget)
    with closing(Store.open(extraction.store, extraction.job, resume=extraction.resume)) as store:
        work = Work(extraction.plan(), extraction.source.rows(), store, NoProgress(), purse)
        tasks = list(work.tasks())
        sample = _drawn(tasks, extraction)
        begun = time.monotonic()
        before = set(work.outcomes)
        work.ask(extraction.engine, sample, pack=extraction.pack)
        took = time.monotonic() - begun
    asked = [work.outcomes[task.key] for task in sample if task.key in work.outcomes and task.key not in before]
    left = math.ceil((len(tasks) - len(sample)) / max(1, extraction.pack))
    sent = max(1, math.ceil(len(asked) / max(1, extraction.pack)))
    each = _each(asked, extraction.pack)
    total = each.times(left, sent)
    waves = math.ceil(left / workers) * _seconds(asked, took)
    requests = round(left * (1 + work.rounds / sent))
    rates = [requests / rpm * _MINUTE if rpm else 0.0, total.mean / tpm * _MINUTE if tpm else 0.0]
    share = purse.prompt_tokens / purse.tokens if purse.tokens else 1.0
    return Estimate(
        rows=len(work.keys),
        requests=requests,
        reused=work.reused,
        sampled=math.ceil(len(asked) / max(1, extraction.pack)),
        sample_tokens=purse.tokens,
        tokens_each=each,
        tokens=total,
        cost=_cost(purse, total.mean, share),
        cost_most=_cost(purse, total.mean + total.plus, share),
        seconds=max(waves, *rates) if asked or not left else math.nan,
        failed=tuple(f"{one.error_kind}: {one.error}" for one in asked if not one.ok),
        workers=workers,
    )


def _drawn(tasks: Sequence[Task], extraction: Extraction) -> list[Task]:
    """Some of the tasks, in their order."""
    count = min(len(tasks), SAMPLE * max(1, extraction.pack))
    places = random.Random(extraction.job.digest).sample(range(len(tasks)), count)  # noqa: S311 - no secret
    return [tasks[place] for place in sorted(places)]


def _each(asked: Sequence[Outcome], pack: int) -> Spread:
    """Tokens of a request."""
    known = [outcome.total_tokens for outcome in asked if outcome.total_tokens is not None]
    if not known:
        return Spread(math.nan)
    off = 2 * stdev(known) if len(known) > 1 else math.nan
    return Spread(fmean(known) * pack, off * math.sqrt(pack))


def _seconds(asked: Sequence[Outcome], took: float) -> float:
    """How long a request takes."""
    return fmean([outcome.seconds for outcome in asked]) if asked else took


def _cost(purse: Purse, tokens: float, share: float) -> Money | None:
    return None if math.isnan(tokens) else purse.price(tokens * share, tokens * (1.0 - share))


def _words(seconds: float) -> str:
    if seconds < 2 * _MINUTE:
        return f"about {max(1, round(seconds))} s"
    return f"about {round(seconds / _MINUTE):,} min"
