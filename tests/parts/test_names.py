from __future__ import annotations

import pytest

from gemini_magic.parts.files.names import plain_name, shown_name, size_text


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("report.pdf", "'report.pdf'"),
        ("汉字 😀.png", "'汉字 😀.png'"),
        ("it's.txt", '"it\'s.txt"'),
        ('say "so".txt', "'say \"so\".txt'"),
        ("a\nb\r\t\x1b[31m", r"'a\nb\r\t\x1b[31m'"),
        ("a\u202egpj.exe", r"'a\u202egpj.exe'"),
        ("tag\U000e0041", r"'tag\U000e0041'"),
        ("bad\udcff", r"'bad\xff'"),
        ("\ud800", r"'\ud800'"),
    ],
)
def test_a_name_is_one_line_that_hides_nothing(name, shown):
    assert shown_name(name) == shown
    assert shown_name(name).isprintable()


def test_a_long_name_keeps_its_ends():
    shown = shown_name("a" * 200 + ".pdf")
    assert len(shown) < 125
    assert shown.endswith("aaa.pdf'")
    assert len(plain_name("a" * 200)) == 200


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (999_600, "1.0 MB"), (3 * 10**12, "3,000 GB")],
)
def test_sizes_are_said_as_people_say_them(size, text):
    assert size_text(size) == text
