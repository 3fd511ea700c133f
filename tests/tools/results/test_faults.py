from __future__ import annotations

from gemini_magic.tools.results.faults import in_words

KEY = "AIza" + "SyD3b7Kq9_Zx2Wv8Lm4Np6Rt1Yc5Gh0Jf-e"


def test_an_exception_is_said_without_folders():
    paths = "in '/home/jane doe/my data/x.csv', /srv/app/y.py:12 and C:\\Users\\jane\\z.txt (see https://a.example/b/c)"
    assert in_words(OSError(paths)) == "OSError: in 'x.csv', y.py:12 and z.txt (see https://a.example/b/c)"


def test_an_exception_is_said_without_keys():
    words = in_words(RuntimeError(f"401 for ?key={KEY} at once"))
    assert words == "RuntimeError: 401 for ?******** at once"
    assert "PRIVATE" not in in_words(RuntimeError("-----BEGIN RSA PRIVATE KEY-----\nMIIE"))


def test_a_key_at_the_edge_of_a_long_message_is_masked_before_the_message_is_cut():
    words = in_words(RuntimeError("x " * 140 + KEY))
    assert "AIza" not in words
    assert words.endswith("********")


def test_a_long_message_is_cut_and_a_missing_one_is_none():
    assert in_words(ValueError("y" * 1000)) == f"ValueError: {'y' * 300}…"
    assert in_words(ValueError()) == "ValueError"
    assert in_words(KeyError("city")) == "KeyError: 'city'"


def test_an_exception_that_cannot_say_what_it_is_is_named():
    class Mute(Exception):
        def __str__(self):
            raise OSError("no")

    assert in_words(Mute("x")) == "Mute"
