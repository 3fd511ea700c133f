from __future__ import annotations

import pytest

from gemini_magic.display.words import FINISH_REASONS, block_words, finish_words, footer, status_words
from gemini_magic.wire import FinishReason

KNOWN = [value for name, value in vars(FinishReason).items() if name.isupper() and isinstance(value, str)]


@pytest.mark.parametrize("reason", KNOWN)
def test_every_finish_reason_has_its_sentence(reason):
    assert reason in FINISH_REASONS
    assert finish_words(reason).endswith(".")


def test_blocked_and_failed_answers_say_so():
    assert all(finish_words(reason).startswith("Blocked:") for reason in FinishReason.BLOCKED)
    assert all(finish_words(reason).startswith("Failed:") for reason in FinishReason.FAILED)


def test_reasons_not_known_yet_are_shown_as_they_came():
    assert "BRAND_NEW" in finish_words("BRAND_NEW")
    assert "BRAND_NEW" in block_words("BRAND_NEW")


def test_a_complete_answer_needs_no_words(replies):
    assert status_words(replies.of("Hi")) == ""


def test_the_servers_own_message_is_added(replies):
    reply = replies.raw({"candidates": [{"finishReason": "OTHER", "finishMessage": "out of luck"}]})
    assert status_words(reply).endswith("The server says: out of luck")


def test_the_footer_leaves_out_what_is_not_known(replies):
    assert footer(replies.raw({}), 0.0) == ""
    assert footer(replies.raw({"modelVersion": "m"}, attempts=3), 1) == "m · 1.0 s · 3 attempts"
