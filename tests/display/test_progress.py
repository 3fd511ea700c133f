from __future__ import annotations

import io
import threading

import pytest

from gemini_magic.display.progress import (
    Counts,
    Meter,
    NotebookProgress,
    QuietProgress,
    TerminalProgress,
    duration,
    progress_for,
)


class Tty(io.StringIO):
    def isatty(self):
        return True


def drive(progress, clock, total, *, pause, failed=0, tokens=10, begin=True):
    progress.begin(total if begin else None)
    for done in range(1, total + 1):
        clock.move(pause)
        progress.advance(done, min(failed, done), done * tokens, 0)
    progress.finish("all is done")


def test_a_notebook_gets_at_most_five_messages_a_second_and_one_output(screen, hand_clock):
    drive(NotebookProgress(screen, hand_clock), hand_clock, 2_000, pause=0.005)
    assert len(screen.messages) <= 5 * 10 + 2
    assert len(screen.messages) >= 4 * 10
    ((display_id, bundle),) = screen.outputs
    assert display_id
    assert bundle["text/plain"] == "all is done"
    assert "<progress" not in bundle["text/html"]


def test_the_messages_do_not_grow_with_the_number_of_rows(screen, hand_clock):
    drive(NotebookProgress(screen, hand_clock), hand_clock, 50_000, pause=0.0002)
    assert len(screen.messages) <= 52


def test_slow_rows_are_each_shown(screen, hand_clock):
    drive(NotebookProgress(screen, hand_clock), hand_clock, 10, pause=3)
    assert len(screen.messages) == 1 + 10 + 1


def test_the_bar_has_a_text_beside_it_and_nothing_foreign_in_it(screen, hand_clock):
    progress = NotebookProgress(screen, hand_clock)
    progress.begin(200)
    progress.advance(1, 0, 0, 0)
    hand_clock.move(2)
    progress.advance(50, 3, 12_345, 4)
    bundle = screen.messages[-1][1]
    words = "50 of 200 rows · 25 rows/s · 6 s left · 12,345 tokens · 3 failed · 4 retried"
    assert bundle["text/plain"] == f"[ 25 %] {words}"
    assert f'<progress value="50" max="200" aria-label="Rows done"></progress>{words}' in bundle["text/html"]


def test_rows_of_unknown_number_have_a_bar_without_an_end(screen, hand_clock):
    progress = NotebookProgress(screen, hand_clock)
    progress.begin(None)
    progress.advance(1, 0, 0, 0)
    hand_clock.move(2)
    progress.advance(50, 0, 0, 0)
    bundle = screen.messages[-1][1]
    assert bundle["text/plain"] == "50 rows · 25 rows/s"
    assert '<progress aria-label="Rows done">' in bundle["text/html"]


def test_a_summary_is_text_whatever_is_in_it(screen, hand_clock):
    progress = NotebookProgress(screen, hand_clock)
    progress.begin(1)
    progress.finish("<script>run()</script>\x1b[2J")
    assert "<script" not in screen.html
    assert "\x1b" not in screen.outputs[0][1]["text/plain"]


def test_nothing_is_shown_by_another_thread(screen, hand_clock):
    before = threading.active_count()
    progress = NotebookProgress(screen, hand_clock)
    progress.begin(10)
    hand_clock.move(100)
    assert threading.active_count() == before
    assert len(screen.messages) == 1


def test_a_terminal_has_one_line_that_is_written_over(hand_clock):
    stream = Tty()
    drive(TerminalProgress(stream, hand_clock), hand_clock, 1_000, pause=0.01)
    text = stream.getvalue()
    assert text.count("\n") == 1
    assert text.endswith("\r\x1b[Kall is done\n")
    assert 40 <= text.count("\r") <= 53


def test_the_line_of_a_terminal_fits_into_it(hand_clock, monkeypatch):
    for width in ("40", "200"):
        monkeypatch.setenv("COLUMNS", width)
        stream = Tty()
        drive(TerminalProgress(stream, hand_clock), hand_clock, 5_000, pause=0.01, failed=99, tokens=10_000)
        lines = stream.getvalue().replace("\x1b[K", "").split("\r")
        assert max(map(len, lines)) < int(width)
    assert "█░" in stream.getvalue()


def test_a_file_gets_a_line_for_every_tenth(hand_clock):
    stream = io.StringIO()
    drive(TerminalProgress(stream, hand_clock), hand_clock, 2_000, pause=0.01)
    lines = stream.getvalue().splitlines()
    assert [line.partition(" ")[0] for line in lines] == [f"{200 * n:,}" for n in range(1, 10)] + ["all"]
    assert "\r" not in stream.getvalue()
    assert "\x1b" not in stream.getvalue()


def test_a_file_gets_a_line_for_every_thousand_rows_of_unknown_number(hand_clock):
    stream = io.StringIO()
    drive(TerminalProgress(stream, hand_clock), hand_clock, 3_500, pause=0.01, begin=False)
    assert [line.split()[0] for line in stream.getvalue().splitlines()] == ["1,000", "2,000", "3,000", "all"]


def test_three_rows_in_a_file_are_three_lines_and_the_end(hand_clock):
    stream = io.StringIO()
    drive(TerminalProgress(stream, hand_clock), hand_clock, 3, pause=1)
    assert [line.split()[0] for line in stream.getvalue().splitlines()] == ["1", "2", "all"]


def test_a_console_of_few_characters_gets_what_it_can_show(hand_clock):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii", newline="")
    progress = TerminalProgress(stream, hand_clock)
    progress.begin(1)
    progress.finish("naïve · done")
    stream.seek(0)
    assert stream.read() == "na?ve ? done\n"


def test_the_speed_is_that_of_late_and_rows_from_a_store_do_not_count(hand_clock):
    meter = Meter(hand_clock)
    meter.begin(10_000)
    meter.advance(Counts(5_000))
    for second in range(1, 101):
        hand_clock.move(1)
        meter.advance(Counts(5_000 + 10 * second))
    assert meter.speed == pytest.approx(10)
    assert "6 min 40 s left" in meter.line()
    for second in range(1, 61):
        hand_clock.move(1)
        meter.advance(Counts(6_000 + second))
    assert meter.speed == pytest.approx(1)


def test_a_speed_is_not_said_before_it_is_known(hand_clock):
    meter = Meter(hand_clock)
    meter.begin(10)
    hand_clock.move(0.01)
    meter.advance(Counts(1))
    assert meter.line() == "1 of 10 rows"


def test_a_standstill_has_a_speed_that_falls(hand_clock):
    meter = Meter(hand_clock)
    meter.begin(100)
    for done in range(1, 11):
        hand_clock.move(1)
        meter.advance(Counts(done))
    fast = meter.speed
    hand_clock.move(60)
    assert meter.speed < fast / 5
    assert "left" in meter.line()


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "1 s"), (59, "59 s"), (61, "1 min 01 s"), (3_600, "1 h 00 min"), (90_061, "25 h 01 min")],
)
def test_a_time_is_said_as_exactly_as_it_is_useful(seconds, words):
    assert duration(seconds) == words


def test_where_the_code_runs_decides():
    class Shell:
        kernel = object()

    assert isinstance(progress_for(Shell()), NotebookProgress)
    assert isinstance(progress_for(None), TerminalProgress)
    QuietProgress().finish("nothing")
