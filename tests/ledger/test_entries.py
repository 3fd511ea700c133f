"""What a kernel has spent, by cell, conversation and model."""

from __future__ import annotations

import threading

import pytest

from gemini_magic.ledger import Count, Ledger, labelled
from gemini_magic.reply import Reply
from gemini_magic.wire import GenerateContentResponse


def reply(**usage):
    body = {"usageMetadata": usage} if usage else {}
    return Reply(GenerateContentResponse.model_validate(body), "m", attempts=2, seconds=1.5)


def test_an_exchange_becomes_an_entry():
    ledger = Ledger()
    counts = {"promptTokenCount": 1, "candidatesTokenCount": 2, "thoughtsTokenCount": 3, "cachedContentTokenCount": 4}
    entry = ledger.record(reply(**counts, toolUsePromptTokenCount=5, totalTokenCount=6), profile="p")
    assert (entry.number, entry.model, entry.profile, entry.requests, entry.seconds) == (1, "m", "p", 2, 1.5)
    assert (entry.prompt_tokens, entry.answer_tokens, entry.thought_tokens) == (1, 2, 3)
    assert (entry.cached_tokens, entry.tool_tokens, entry.total_tokens, entry.status) == (4, 5, 6, "ok")
    assert ledger.entries == (entry,)


def test_what_the_gateway_does_not_say_is_unknown_and_never_negative():
    ledger = Ledger()
    assert ledger.record(reply()).total_tokens is None
    entry = ledger.record(reply(promptTokenCount=-3, totalTokenCount=10**30))
    assert (entry.prompt_tokens, entry.total_tokens) == (None, 10**30)


def test_labels_say_where_an_exchange_belongs():
    ledger = Ledger()
    with labelled(cell="c1"):
        with labelled(conversation="talk"):
            inner = ledger.record(reply())
        outer = ledger.record(reply())
    after = ledger.record(reply())
    assert [(entry.cell, entry.conversation) for entry in (inner, outer, after)] == [
        ("c1", "talk"),
        ("c1", ""),
        ("", ""),
    ]


def test_labels_end_with_an_exception():
    ledger = Ledger()
    with pytest.raises(KeyError), labelled(cell="c1"):
        raise KeyError
    assert ledger.record(reply()).cell == ""


def test_numbers_are_never_given_twice():
    ledger = Ledger()
    threads = [threading.Thread(target=lambda: [ledger.record(reply()) for _ in range(100)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(entry.number for entry in ledger.entries) == list(range(1, 801))


def test_entries_are_rows_for_a_table_and_can_be_forgotten():
    ledger = Ledger()
    ledger.record(reply(totalTokenCount=3))
    assert ledger.rows()[0]["total_tokens"] == 3
    ledger.clear()
    assert ledger.rows() == []


def test_tokens_are_told_apart_by_what_they_are_of():
    details = [{"modality": "TEXT", "tokenCount": 5}, {"modality": "IMAGE", "tokenCount": 258}]
    answer = [{"modality": "IMAGE", "tokenCount": 1290}, {"modality": "TEXT"}, {"tokenCount": 3}]
    entry = Ledger().record(reply(promptTokenCount=263, promptTokensDetails=details, candidatesTokensDetails=answer))
    assert entry.by_modality == (
        Count("prompt", "text", 5),
        Count("prompt", "image", 258),
        Count("answer", "image", 1290),
    )


def test_what_an_exchange_took_is_the_total_or_the_sum_of_what_is_known():
    ledger = Ledger()
    assert ledger.record(reply(promptTokenCount=3, totalTokenCount=10)).spent == 10
    assert ledger.record(reply(promptTokenCount=3, thoughtsTokenCount=4)).spent == 7
    assert ledger.record(reply()).spent is None
