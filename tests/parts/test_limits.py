from __future__ import annotations

import contextlib
import signal
import threading
import time

import pytest

from gemini_magic.exceptions import UnsupportedValue
from gemini_magic.parts import limits
from gemini_magic.parts.limits import limited
from gemini_magic.parts.text import to_text


def for_ever():
    while True:
        pass


def asleep():
    time.sleep(10)


@pytest.mark.parametrize("busy", [for_ever, asleep])
def test_what_takes_too_long_is_cut_off(busy):
    with pytest.raises(UnsupportedValue, match=r"x .*0.05 seconds") as caught:
        limited(busy, "x", 0.05)
    assert caught.value.hint


def test_what_swallows_errors_is_cut_off():
    def stubborn():
        while True:
            with contextlib.suppress(Exception):
                for_ever()

    with pytest.raises(UnsupportedValue):
        limited(stubborn, "x", 0.05)


def test_results_and_errors_come_through():
    assert limited(lambda: 5, "x") == 5
    with pytest.raises(ZeroDivisionError):
        limited(lambda: 1 / 0, "x")


def test_the_alarm_of_somebody_else_rings_as_it_would_have():
    rang = []
    before, left = signal.getsignal(signal.SIGALRM), signal.setitimer(signal.ITIMER_REAL, 0)
    ours = lambda *_: rang.append(1)  # noqa: E731 - a handler is compared below
    signal.signal(signal.SIGALRM, ours)
    try:
        signal.setitimer(signal.ITIMER_REAL, 30)
        assert limited(lambda: 1, "x", 10) == 1
        assert signal.getsignal(signal.SIGALRM) is ours
        assert 0 < signal.getitimer(signal.ITIMER_REAL)[0] <= 30
        signal.setitimer(signal.ITIMER_REAL, 0.02)
        limited(lambda: time.sleep(0.05), "x", 10)
        assert rang == [1]
    finally:
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, *left)


def test_one_limit_inside_another_leaves_it_in_place():
    with pytest.raises(UnsupportedValue, match="outer"):
        limited(lambda: (limited(lambda: 1, "inner", 5), for_ever()), "outer", 0.05)


def in_a_thread(work):
    found = []

    def run():
        try:
            found.append(work())
        except Exception as error:  # noqa: BLE001 - looked at by the test
            found.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(10)
    return found[0]


def test_other_threads_have_the_same_limit():
    gate = threading.Event()
    error = in_a_thread(lambda: limited(gate.wait, "x", 0.05))
    gate.set()
    assert isinstance(error, UnsupportedValue)
    assert in_a_thread(lambda: limited(lambda: 5, "x", 5)) == 5
    assert isinstance(in_a_thread(lambda: limited(lambda: 1 / 0, "x", 5)), ZeroDivisionError)


class Busy:
    def __str__(self):
        for_ever()
        return "never"


class BusyOwn:
    def _gemini_text_(self):
        for_ever()


@pytest.mark.parametrize("value", [Busy(), BusyOwn()], ids=["str", "own text"])
def test_a_value_that_loops_is_named(monkeypatch, value):
    monkeypatch.setattr(limits, "MAX_SECONDS", 0.05)
    with pytest.raises(UnsupportedValue, match=r"\{\{x\}\} \(Busy"):
        to_text(value, name="{{x}}")
