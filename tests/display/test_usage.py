"""What was spent, as tables and as bars."""

from __future__ import annotations

from gemini_magic.display.cards import Table
from gemini_magic.display.usage import Bar, Report, UsagePlot

BARS = [
    Bar("1 gemini-x", {"prompt": 600, "cached": 400, "answer": 20, "thoughts": 0}),
    Bar("2 gemini-x", {"prompt": 100, "answer": 300}),
    Bar("3 gemini-y", {}),
]


def html(card):
    return card._repr_mimebundle_()["text/html"]


def test_a_report_says_in_html_and_text_what_its_tables_and_notes_say():
    report = Report([{"a": 1}], "First", {"a": 1}, more=[Table([{"b": 2}], "Second")], notes=["Mind <this>."])
    text = str(report)
    assert text == "First\na\n-\n1\n1\n\nSecond\nb\n-\n2\n\nMind <this>."
    for words in ("First", "Second", "Mind &lt;this&gt;."):
        assert words in html(report)


def test_costs_stand_to_the_right():
    report = Report([{"model": "x", "cost": "$0.0028"}, {"model": "y", "cost": "$12.00"}])
    assert str(report).splitlines()[-2:] == ["x      $0.0028", "y       $12.00"]


def test_bars_are_as_long_as_their_tokens_and_each_kind_has_its_character():
    lines = str(UsagePlot(BARS)).splitlines()
    assert lines[1] == "█ prompt  ▓ cached  ▒ answer"
    assert lines[2] == f"1 gemini-x  {'█' * 24}{'▓' * 16}▒ 1,020"
    assert lines[3] == f"2 gemini-x  {'█' * 4}{'▒' * 12} 400"
    assert lines[4] == "3 gemini-y   0"


def test_what_is_there_is_seen_however_little_it_is():
    plot = UsagePlot([Bar("1", {"prompt": 1_000_000, "answer": 1})])
    assert str(plot).endswith(f"{'█' * 40}▒ 1,000,001")


def test_a_bar_says_in_words_what_it_shows():
    shown = html(UsagePlot(BARS))
    assert 'aria-label="1 gemini-x: prompt 600, cached 400, answer 20"' in shown
    assert 'aria-label="3 gemini-y: no tokens are known"' in shown
    assert shown.count('role="img"') == 3


def test_many_exchanges_show_the_last_ones_and_say_so():
    plot = UsagePlot([Bar(str(number), {"prompt": number}) for number in range(1, 101)])
    assert "the first 70 are not shown" in str(plot)
    assert len(str(plot).splitlines()) == 32
    assert html(plot).count("<tr>") == 31


def test_a_hostile_model_name_stays_text():
    plot = UsagePlot([Bar("<img src=x onerror=run()>\x1b[31m", {"prompt": 1})])
    assert "<img" not in html(plot)
    assert "\x1b" not in str(plot)


def test_without_exchanges_the_plot_says_so():
    assert str(UsagePlot([])) == "Nothing has been asked in this kernel yet."
    assert "Nothing has been asked" in html(UsagePlot([]))
