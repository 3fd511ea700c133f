"""The words of ``%gemini help``."""

from __future__ import annotations

import pytest

from gemini_magic.magics.arguments import BY_FLAG, OPTIONS
from gemini_magic.magics.help import WIDTH, help_on
from gemini_magic.magics.help_texts import MORE, TOPIC_TEXTS
from gemini_magic.magics.vocabulary import SUBCOMMANDS, TOPICS

EVERY = ["", *sorted(TOPICS), *TOPIC_TEXTS, *SUBCOMMANDS, *BY_FLAG]


@pytest.mark.parametrize("topic", EVERY)
def test_help_fits_a_page(topic):
    lines = repr(help_on(topic)).splitlines()
    assert [line for line in lines if len(line) > WIDTH and "config file" not in line] == []
    assert not any(line.endswith(" ") for line in lines)


@pytest.mark.parametrize("topic", [topic for topic in EVERY if topic])
def test_each_topic_is_about_itself(topic):
    assert 0 < len(repr(help_on(topic))) < len(repr(help_on("")))


def test_the_parser_knows_every_topic():
    assert set(TOPIC_TEXTS) <= TOPICS | set(SUBCOMMANDS)


def test_the_overview_names_every_topic():
    shown = repr(help_on(""))
    assert all(topic in shown for topic in {*TOPICS, *TOPIC_TEXTS})


def test_words_on_options_and_subcommands_are_about_those_that_exist():
    assert set(MORE) <= {option.flags[-1] for option in OPTIONS} | set(SUBCOMMANDS)


def test_references_lead_to_topics():
    named = [words.split("%gemini help ")[1] for words in [*MORE.values(), *TOPIC_TEXTS.values()] if "help " in words]
    assert named
    assert {text.split()[0].rstrip(".") for text in named} <= set(TOPIC_TEXTS) | TOPICS


def test_an_option_is_explained_under_each_of_its_names():
    assert repr(help_on("-m")) == repr(help_on("--model"))
    assert "any name that the gateway knows" in repr(help_on("-m")).lower()


def test_a_topic_that_is_a_subcommand_too_tells_both():
    shown = repr(help_on("jobs"))
    assert shown.startswith("%gemini jobs")
    assert "--bg" in shown
