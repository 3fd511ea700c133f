"""Who may send a request, and when."""

from __future__ import annotations

import asyncio
import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from virtual_time import LoopClock, VirtualLoop, run_virtually
from wire_server import FakeClock

from gemini_magic.exceptions import QuotaExhausted
from gemini_magic.extract.limiter import Limiter, limiter_for
from gemini_magic.extract.pace import Bucket, Pace


def virtually(scenario):
    """Run ``scenario(limiter, loop)`` in a loop whose time leaps."""
    loop = VirtualLoop()
    return run_virtually(scenario(Limiter(LoopClock(loop)), loop), loop)


async def once(limiter, loop, times, *, tokens=0, seconds=0.0):
    """Send one request, and write down when it went out."""
    async with limiter.permit(tokens) as permit:
        times.append(loop.time())
        await asyncio.sleep(seconds)
    return permit


def most_in_a_minute(times, weights=None):
    weights = weights or [1] * len(times)
    rows = sorted(zip(times, weights, strict=True))
    return max(sum(weight for time, weight in rows if start <= time < start + 60 - 1e-6) for start, _ in rows)


@settings(max_examples=60)
@given(st.integers(1, 400), st.lists(st.floats(0, 20), min_size=1, max_size=60))
def test_no_minute_has_more_requests_than_allowed(per_minute, pauses):
    bucket, now, times = Bucket(per_minute, 0.0), 0.0, []
    for pause in pauses * 3:
        now += pause / 10
        now += bucket.wait(1, now)
        bucket.take(1, now)
        times.append(now)
    assert most_in_a_minute(times) <= per_minute


@pytest.mark.parametrize("per_minute", [1, 7, 60, 600, 6000])
def test_a_full_queue_gets_nearly_all_the_requests_that_are_allowed(per_minute):
    bucket, now, count = Bucket(per_minute, 0.0), 0.0, 0
    while now < 600:
        bucket.take(1, now)
        count += 1
        now += bucket.wait(1, now)
    assert 0.97 * 10 * per_minute <= count <= 10 * per_minute + per_minute / 60 + 1


def test_what_is_larger_than_the_bucket_goes_through_and_is_made_up_for():
    bucket = Bucket(600, 0.0)
    assert bucket.wait(1000, 0.0) == 0.0
    bucket.take(1000, 0.0)
    assert 95 <= bucket.wait(1, 0.0) <= 105


def test_tokens_that_were_not_needed_are_given_back():
    bucket = Bucket(600, 0.0)
    bucket.take(1000, 0.0)
    bucket.correct(-995)
    assert bucket.wait(1, 0.0) == 0.0


def test_requests_of_a_run_follow_each_other_at_the_rate_it_names():
    async def scenario(limiter, loop):
        times = []
        with limiter.joined(rpm=30):
            await asyncio.gather(*(once(limiter, loop, times) for _ in range(61)))
        return times

    times = virtually(scenario)
    assert most_in_a_minute(times) <= 30
    assert times[-1] - times[0] == pytest.approx(120, abs=1)


def test_tokens_of_a_run_stay_below_what_it_names():
    async def scenario(limiter, loop):
        times = []

        async def one():
            permit = await once(limiter, loop, times, tokens=400)
            limiter.took(500, permit)

        with limiter.joined(tpm=6000):
            await asyncio.gather(*(one() for _ in range(60)))
        return times

    times = virtually(scenario)
    assert most_in_a_minute(times, [500] * 60) <= 6000 + 500
    assert times[-1] - times[0] == pytest.approx(300, abs=20)


def test_of_two_runs_the_lower_limit_holds_as_long_as_both_run():
    async def scenario(limiter, loop):
        times = []
        with limiter.joined(rpm=600):
            with limiter.joined(rpm=60):
                await asyncio.gather(*(once(limiter, loop, times) for _ in range(11)))
            between = loop.time()
            await asyncio.gather(*(once(limiter, loop, times) for _ in range(21)))
        return between, times

    between, times = virtually(scenario)
    assert between - times[0] == pytest.approx(10, abs=0.5)
    assert times[-1] - between == pytest.approx(1.1, abs=1.1)


def test_a_delay_that_the_server_names_holds_everybody():
    async def scenario(limiter, loop):
        times = []
        await once(limiter, loop, times)
        limiter.told_to_wait(30)
        limiter.told_to_wait(5)
        await asyncio.gather(*(once(limiter, loop, times) for _ in range(5)))
        return times

    first, *others = virtually(scenario)
    assert all(time - first == pytest.approx(30) for time in others)


def test_a_refusal_slows_everybody_down_once_for_all_that_were_under_way():
    async def scenario(limiter, loop):
        async def refused():
            async with limiter.permit() as permit:
                await asyncio.sleep(1)
                return limiter.refused(permit)

        news = await asyncio.gather(*(refused() for _ in range(10)))
        return news, limiter.concurrency, limiter.streak, loop.time()

    news, concurrency, streak, ended = virtually(scenario)
    assert ended == pytest.approx(1001)
    assert news == [True] + [False] * 9
    assert (concurrency, streak) == (7, 1)


def test_after_a_refusal_answers_let_more_and_more_through_again():
    async def scenario(limiter, loop):
        async def work(count):
            for _ in range(count):
                async with limiter.permit():
                    await asyncio.sleep(1)
                    limiter.succeeded()

        async with limiter.permit() as permit:
            limiter.refused(permit, overloaded=True)
        seen = [limiter.concurrency]
        for _ in range(5):
            await asyncio.gather(*(work(4) for _ in range(16)))
            seen.append(limiter.concurrency)
        return seen, loop.time()

    seen, ended = virtually(scenario)
    assert ended < 1100
    assert seen[0] == 1
    assert seen == sorted(seen)
    assert seen[-1] >= 16


def test_failures_in_a_row_make_one_try_at_a_time_with_pauses_of_four_seconds_at_most():
    async def scenario(limiter, loop):
        times, under_way = [], []

        async def work():
            for _ in range(3):
                async with limiter.permit() as permit:
                    times.append(loop.time())
                    under_way.append(limiter.in_use)
                    await asyncio.sleep(0.01)
                    limiter.failed(permit)

        await asyncio.gather(*(work() for _ in range(8)))
        return times, under_way

    times, under_way = virtually(scenario)
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert under_way[-8:] == [1] * 8
    assert max(gaps) == pytest.approx(4.01)


def test_a_parked_limiter_turns_everybody_away_and_a_new_run_tries_it_with_one_request():
    async def scenario(limiter, loop):
        times = []
        with limiter.joined():
            async with limiter.permit():
                waiting = asyncio.create_task(once(limiter, loop, times))
                limiter.told_to_wait(5)
                await asyncio.sleep(0)
                limiter.park(QuotaExhausted("no more today"))
            with pytest.raises(QuotaExhausted, match="no more today"):
                await waiting
            with pytest.raises(QuotaExhausted), limiter.joined():
                await once(limiter, loop, times)
        with limiter.joined():
            await once(limiter, loop, times)
            return times, limiter.concurrency, limiter.parked

    times, concurrency, parked = virtually(scenario)
    assert (len(times), concurrency, parked) == (1, 1, None)


async def _random_run(limiter, chance):
    """Workers that come, go, fail and are cancelled at any moment; whether no permit was ever given above the limit."""
    seen = []

    async def work():
        for _ in range(chance.randint(1, 6)):
            async with limiter.permit(chance.randint(0, 50)) as permit:
                allowed = limiter.concurrency
                seen.append(limiter.in_use <= (8 if allowed is None else allowed))
                await asyncio.sleep(chance.choice([0, 0.01, 0.3]))
                chance.choice([limiter.succeeded, lambda: limiter.failed(permit), lambda: limiter.refused(permit)])()
                if chance.random() < 0.05:
                    limiter.told_to_wait(chance.random())

    tasks = [asyncio.create_task(work()) for _ in range(8)]
    for _ in range(chance.randint(0, 30)):
        await asyncio.sleep(chance.choice([0, 0, 0.01, 0.2]))
        chance.choice(tasks).cancel()
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(end is None or isinstance(end, asyncio.CancelledError) for end in ended)
    return all(seen)


@pytest.mark.parametrize("seed", range(300))
def test_whatever_is_cancelled_when_every_permit_comes_back(seed):
    async def scenario(limiter, loop):
        chance = random.Random(seed)  # noqa: S311 - always the same, on purpose
        rates = {"rpm": chance.choice([None, 600]), "tpm": chance.choice([None, 60_000])}
        with limiter.joined(**rates):
            good = await _random_run(limiter, chance)
            times = []
            await once(limiter, loop, times)  # nobody has kept the turn, or a permit
        return good, limiter.in_use, len(times)

    assert virtually(scenario) == (True, 0, 1)


def test_nobody_goes_above_the_concurrency_that_was_learned():
    async def scenario(limiter, loop):
        async with limiter.permit() as permit:
            others = [asyncio.create_task(once(limiter, loop, [], seconds=1)) for _ in range(9)]
            await asyncio.sleep(0.1)
            limiter.refused(permit, overloaded=True)
        await asyncio.gather(*others)
        seen = []

        async def look():
            async with limiter.permit():
                seen.append(limiter.in_use)
                await asyncio.sleep(1)

        await asyncio.gather(*(look() for _ in range(30)))
        return limiter.concurrency, max(seen)

    assert virtually(scenario) == (7, 7)


def test_the_pace_of_a_server_is_learned_from_what_it_takes():
    pace, now = Pace(), 0.0
    assert pace.wait(now) == 0.0
    for _ in range(100):
        now += 0.02
        pace.accepted(now)
    pace.refused(now)
    assert pace.rate == pytest.approx(50, rel=0.05)


def test_a_pace_without_refusals_is_forgotten():
    pace, now = Pace(), 0.0
    for _ in range(100):
        now += 0.02
        pace.accepted(now)
    pace.refused(now)
    while pace.rate is not None:
        now += 1
        pace.sent(now)
    assert now < 180


def test_everything_in_the_kernel_shares_the_limiter_of_a_model_behind_a_gateway():
    clock = FakeClock()
    one = limiter_for("https://a.example", "m")
    assert limiter_for("https://a.example", "models/m") is one
    assert limiter_for("https://a.example", "n") is not one
    assert limiter_for("https://b.example", "m") is not one
    assert limiter_for("https://a.example", "m", clock) is limiter_for("https://a.example", "m", clock) is not one
