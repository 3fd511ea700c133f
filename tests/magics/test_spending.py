"""Tokens and money in a notebook: usage, cost, budget and count."""

from __future__ import annotations

import json
import sys

import pytest
from wire_server import Say, answer, error, event

from gemini_magic import ledger
from gemini_magic.display.usage import Report, UsagePlot
from gemini_magic.exceptions import AuthError, BudgetExceeded, UsageError
from gemini_magic.reply import Reply
from gemini_magic.wire import GenerateContentResponse, UsageMetadata

COUNTS = {
    "promptTokenCount": 1000,
    "cachedContentTokenCount": 400,
    "candidatesTokenCount": 20,
    "thoughtsTokenCount": 5,
    "totalTokenCount": 1025,
}
PRICES = '\n[prices."gemini-x"]\ninput = 1\noutput = 10\ncached = 0.1\n'


@pytest.fixture(autouse=True)
def no_budget():
    yield
    ledger.KERNEL.budget = None
    ledger.KERNEL.prices = {}


def counted(text="Hi", **counts):
    return Say([event(text, "STOP", usageMetadata=counts or COUNTS)], framing="chunked")


def shown_by(notebook, capsys, source):
    capsys.readouterr()
    assert notebook.run(source) is None
    return capsys.readouterr().out


def with_prices(notebook):
    notebook.config.write_text(notebook.config.read_text() + PRICES)


# Usage


def test_usage_is_a_dataframe_with_a_row_for_each_exchange(notebook, capsys):
    pytest.importorskip("pandas")
    with_prices(notebook)
    notebook.wire.answers(counted(), answer("Ho"))
    notebook.run("%gemini -c talk one\n%gemini -m gemini-y two")
    capsys.readouterr()
    notebook.run("x = %gemini usage")
    frame = notebook["x"]
    assert capsys.readouterr().out == ""
    assert frame.index.name == "exchange"
    assert list(frame.index) == [1, 2]
    first, second = frame.loc[1], frame.loc[2]
    assert (first.model, first.profile, first.conversation, first.status) == ("gemini-x", "here", "talk", "ok")
    assert (first.prompt, first.cached, first.answer, first.thoughts, first.total) == (1000, 400, 20, 5, 1025)
    assert first.cost == pytest.approx((600 + 40 + 250) / 1_000_000)
    assert (first.currency, first.requests) == ("USD", 1)
    assert (second.model, second.conversation) == ("gemini-y", "main")
    assert second[["prompt", "total", "cost"]].isna().all()
    assert str(frame.dtypes["total"]) == "Int64"
    assert frame.time.dt.tz is not None
    assert frame.groupby("model").total.sum()["gemini-x"] == 1025


def test_older_exchanges_are_summed_up_wherever_they_are_shown(notebook, capsys):
    pytest.importorskip("pandas")
    with_prices(notebook)
    notebook.wire.answers(counted())
    notebook.run("%gemini -c talk one")
    usage = UsageMetadata(prompt_token_count=10, total_token_count=10)
    for _ in range(ledger.KEPT + 100):
        ledger.KERNEL.record(Reply(GenerateContentResponse(usage_metadata=usage), "gemini-z"))
    capsys.readouterr()
    notebook.run("x = %gemini usage")
    frame = notebook["x"]
    assert (len(frame), frame.exchanges.sum()) == (ledger.KEPT + 2, ledger.KEPT + 101)
    assert frame.total.sum() == 1025 + 10 * (ledger.KEPT + 100)
    shown = shown_by(notebook, capsys, "%gemini usage")
    assert "2…101" in shown
    assert "The first 100 exchanges are summed up." in shown
    assert "1,101" in shown_by(notebook, capsys, "%gemini cost")
    assert f"the first {ledger.KEPT + 71:,} are not shown" in shown_by(notebook, capsys, "%gemini usage plot")
    assert f"Spent so far: {1025 + 10 * (ledger.KEPT + 100):,} tokens" in shown_by(notebook, capsys, "%gemini budget")


def test_usage_before_anything_was_asked_is_a_frame_without_rows(notebook, capsys):
    pytest.importorskip("pandas")
    assert "Nothing has been asked" in shown_by(notebook, capsys, "%gemini usage")
    notebook.run("x = %gemini usage")
    assert len(notebook["x"]) == 0
    assert "total" in notebook["x"].columns


def test_without_pandas_usage_is_a_frame_of_polars_and_without_both_a_table(notebook, monkeypatch):
    pytest.importorskip("polars")
    notebook.wire.answers(counted())
    notebook.run("%gemini one")
    monkeypatch.setitem(sys.modules, "pandas", None)
    notebook.run("x = %gemini usage")
    assert type(notebook["x"]).__module__.startswith("polars")
    assert notebook["x"].columns[0] == "exchange"
    assert notebook["x"]["total"].to_list() == [1025]
    monkeypatch.setitem(sys.modules, "polars", None)
    notebook.run("x = %gemini usage")
    assert isinstance(notebook["x"], Report)
    assert notebook["x"].rows[0]["total"] == 1025


def test_usage_is_shown_with_a_sum_and_by_conversation_and_model(notebook, capsys):
    notebook.wire.answers(counted())
    notebook.run("%gemini -c talk one\n%gemini two\n%gemini -m gemini-y three")
    shown = shown_by(notebook, capsys, "%gemini usage")
    table, by_conversation, by_model = shown.split("\n\n")
    assert "Usage in this kernel" in table
    assert table.splitlines()[-1].split()[:4] == ["in", "all", "3,000", "1,200"]
    assert "3,075" in table
    assert "cost" not in table  # nobody knows it
    assert [line.split() for line in by_conversation.splitlines()[-2:]] == [
        ["talk", "1", "1,000", "400", "20", "5", "1,025"],
        ["main", "2", "2,000", "800", "40", "10", "2,050"],
    ]
    assert by_model.startswith("By model")


def test_a_single_conversation_is_not_summed_up_again(notebook, capsys):
    notebook.wire.answers(counted())
    notebook.run("%gemini one\n%gemini two")
    assert "By " not in shown_by(notebook, capsys, "%gemini usage")


def test_an_answer_that_broke_off_is_counted_as_far_as_it_came(notebook, capsys):
    notebook.wire.answers(
        Say([event("Hi", usageMetadata={"promptTokenCount": 7, "totalTokenCount": 7})], framing="close")
    )
    notebook.shell.run_cell("%gemini one")
    assert "failed" in shown_by(notebook, capsys, "%gemini usage")
    assert ledger.KERNEL.spent.tokens == 7


def test_the_plot_is_text_in_a_terminal_and_a_value_when_used(notebook, capsys):
    notebook.wire.answers(counted(), counted(totalTokenCount=50))
    notebook.run("%gemini one\n%gemini two")
    shown = shown_by(notebook, capsys, "%gemini usage plot")
    assert "█ prompt" in shown
    assert "1 gemini-x" in shown
    assert "1,025" in shown
    notebook.run("plot = %gemini usage plot")
    assert isinstance(notebook["plot"], UsagePlot)
    assert [bar.tokens["other"] for bar in notebook["plot"].bars] == [0, 50]


# Cost


def test_cost_is_by_model_and_conversation_with_a_sum(notebook, capsys):
    with_prices(notebook)
    notebook.wire.answers(counted())
    notebook.run("%gemini one\n%gemini two\n%gemini -c talk three")
    shown = shown_by(notebook, capsys, "%gemini cost")
    lines = [line.split() for line in shown.splitlines()]
    assert ["gemini-x", "here", "main", "2", "2,050", "$0.00178"] in lines
    assert ["gemini-x", "here", "talk", "1", "1,025", "$0.00089"] in lines
    assert ["in", "all", "3", "3,075", "$0.00267"] in lines
    assert "fees for searches" in shown
    assert "Not in the sum" not in shown


def test_cost_says_what_is_not_in_the_sum_and_why(notebook, capsys):
    with_prices(notebook)
    notebook.wire.answers(counted(), counted(), answer("no counts"))
    notebook.run("%gemini one\n%gemini -m gemini-y two\n%gemini three")
    shown = shown_by(notebook, capsys, "%gemini cost")
    assert "Not in the sum: 1 exchange with gemini-y, because what this gateway asks for it is not known." in shown
    assert "Not in the sum: 1 exchange with gemini-x, because the gateway did not say how many tokens" in shown
    assert f'{notebook.config} under [prices."gemini-y"]' in shown
    assert "$0.00089" in shown


def test_prices_may_be_given_in_python_after_the_fact(notebook, capsys):
    notebook.wire.answers(counted())
    notebook.run("%gemini one")
    assert "not known" in shown_by(notebook, capsys, "%gemini cost")
    notebook.run(
        "from gemini_magic import ledger\n"
        "ledger.KERNEL.prices = {'gemini-x': {'input': 1, 'output': 1, 'currency': 'EUR'}}"
    )
    assert "€0.00102" in shown_by(notebook, capsys, "%gemini cost")


def test_cost_before_anything_was_asked(notebook, capsys):
    assert "Nothing has been asked" in shown_by(notebook, capsys, "%gemini cost")


def test_googles_prices_are_used_where_the_profile_says_so(notebook, capsys):
    pytest.importorskip("genai_prices")
    text = notebook.config.read_text()
    notebook.config.write_text(text.replace('auth = "none"', 'auth = "none"\nprices = "google"'))
    notebook.wire.answers(counted(promptTokenCount=1000, candidatesTokenCount=1000))
    notebook.run("%gemini -m gemini-2.5-flash one")
    assert "$0.0028" in shown_by(notebook, capsys, "%gemini cost")


# Budget


def test_a_budget_stops_the_next_cell_before_anything_is_sent(notebook, capsys):
    notebook.wire.answers(counted())
    assert "There is no budget. Spent so far: 0 tokens." in shown_by(notebook, capsys, "%gemini budget")
    shown = shown_by(notebook, capsys, "%gemini budget 1000 tokens")
    assert "now 1,000 tokens. Spent so far: 0 tokens." in shown
    notebook.run("%gemini one")
    with pytest.raises(BudgetExceeded, match=r"1,000 tokens is used up \(1,025 tokens are spent\).*%gemini budget off"):
        notebook.run("%gemini two")
    assert len(notebook.wire.seen) == 1
    assert "It is used up" in shown_by(notebook, capsys, "%gemini budget")
    assert "now no budget" in shown_by(notebook, capsys, "%gemini budget off")
    notebook.run("%gemini two")
    assert len(notebook.wire.seen) == 2


def test_a_budget_that_is_met_leaves_the_conversation_as_it_was(notebook):
    notebook.wire.answers(counted())
    notebook.run("%gemini one\n%gemini budget 5")
    notebook.shell.run_cell("%gemini two")
    notebook.run("%gemini budget off\n%gemini three")
    assert [content["parts"][0]["text"] for content in notebook.body["contents"]] == ["one", "Hi", "three"]


def test_a_budget_in_money_refuses_models_without_a_price_and_says_so_when_it_is_set(notebook, capsys):
    with_prices(notebook)
    notebook.wire.answers(counted())
    notebook.run("%gemini -m gemini-y zero")
    shown = shown_by(notebook, capsys, "%gemini budget $2.50")
    assert "now $2.50" in shown
    assert "What 1 exchange cost is not known in USD" in shown
    assert "Models without a known price are refused" in shown
    notebook.run("%gemini one")
    with pytest.raises(BudgetExceeded, match=r"\$2\.50 cannot be kept with gemini-y: .*not known"):
        notebook.run("%gemini -m gemini-y two")
    assert len(notebook.wire.seen) == 2
    assert "$0.00089" in shown_by(notebook, capsys, "%gemini budget")


@pytest.mark.parametrize("line", ["budget 0 tokens", "budget 1,5", "budget $0"])
def test_a_budget_that_is_not_understood_changes_nothing(notebook, line):
    notebook.run("%gemini budget 70 tokens")
    with pytest.raises(UsageError):
        notebook.run(f"%gemini {line}")
    assert ledger.KERNEL.budget == ledger.Budget(tokens=70)
    assert notebook.wire.connections == 0


# Count


def count_of(total, **rest):
    return Say([json.dumps({"totalTokens": total, **rest}).encode()])


def test_count_asks_the_gateway_about_the_history(notebook, capsys):
    notebook.run("%gemini -s Brief. one")
    details = [{"modality": "TEXT", "tokenCount": 1000}, {"modality": "IMAGE", "tokenCount": 234}]
    notebook.wire.answers(count_of(1234, promptTokensDetails=details))
    shown = shown_by(notebook, capsys, "%gemini count")
    assert shown == "The history of 'main' has 1,234 tokens for gemini-x (text 1,000, image 234).\n"
    assert notebook.wire.seen[-1].path.endswith("models/gemini-x:countTokens")
    assert "Brief." in json.dumps(notebook.body)
    notebook.run("n = %gemini count")
    assert notebook["n"] == 1234


def test_count_of_an_empty_conversation_asks_nobody(notebook, capsys):
    assert "is empty" in shown_by(notebook, capsys, "%gemini count")
    notebook.run("n = %gemini count")
    assert notebook["n"] == 0
    assert notebook.wire.connections == 0


@pytest.mark.parametrize("say", [error(404, "no such method"), Say([b"<html>"]), count_of(None), error(501, "no")])
def test_a_gateway_that_does_not_count_is_said_in_words(notebook, capsys, say):
    notebook.wire.answers(counted(), say)
    notebook.run("%gemini one")
    shown = shown_by(notebook, capsys, "%gemini --retries 0 count")
    assert "'here' does not count tokens for gemini-x" in shown
    assert "had 1,025 tokens" in shown


def test_a_wrong_key_is_not_taken_for_a_gateway_that_does_not_count(notebook):
    notebook.wire.answers(counted(), error(401, "who are you"))
    notebook.run("%gemini one")
    with pytest.raises(AuthError):
        notebook.run("%gemini count")
