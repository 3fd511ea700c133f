from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import polars as pl
import pytest
from wire_server import Say, error, unary

from gemini_magic.exceptions import (
    BudgetExceeded,
    ConfigError,
    GeminiMagicError,
    InputError,
    SchemaError,
    StoreError,
    StoreMismatch,
    UnboundName,
    UsageError,
)
from gemini_magic.extract import extract, run_of
from gemini_magic.schemas import schema_of

if TYPE_CHECKING:
    from pathlib import Path

    from gemini_magic.client import Client

SCHEMA = "city, temp int"
PROMPT = "Read: {{text}}"


def frame(*texts: Any, index: Any = None) -> pd.DataFrame:
    return pd.DataFrame({"text": list(texts), "other": range(len(texts))}, index=index)


def cities(count: int) -> list[str]:
    letters = "abcdefghijklmnopqrstuvwxyz"
    return [f"Town{letters[place // 26]}{letters[place % 26]} {place}" for place in range(count)]


def test_rows_become_typed_columns_on_the_same_index(gateway: Any, client: Client) -> None:
    data = frame("Oslo 3", "Rome 21", index=pd.Index(["b", "a"], name="key"))
    out = extract(data, SCHEMA, PROMPT, client=client)
    expected = pd.DataFrame(
        {"city": pd.array(["Oslo", "Rome"], dtype="string"), "temp": pd.array([3, 21], dtype="Int64")}, index=data.index
    )
    pd.testing.assert_frame_equal(out, expected)
    assert gateway.prompts.count("Read: Oslo 3") == 1


def test_a_series_needs_no_place_in_the_prompt(gateway: Any, client: Client) -> None:
    out = extract(pd.Series(["Oslo 3"], index=[7]), SCHEMA, "Read this.", client=client)
    assert out.loc[7].to_dict() == {"city": "Oslo", "temp": 3}
    assert gateway.prompts == ["Read this.\n\nOslo 3"]


def test_nulls_are_not_sent_and_stay_null(gateway: Any, client: Client) -> None:
    out = extract(frame("Oslo 3", None, float("nan"), " "), SCHEMA, PROMPT, client=client)
    assert gateway.requests == 1
    assert out["city"].isna().tolist() == [False, True, True, True]
    usage = run_of(out).usage
    assert (usage.rows, usage.done, usage.failed, usage.empty) == (4, 1, 0, 3)


def test_equal_rows_are_sent_once_and_all_filled(gateway: Any, client: Client) -> None:
    out = extract(frame("Oslo 3", "Rome 21", "Oslo 3", "Oslo 3"), SCHEMA, PROMPT, client=client)
    assert gateway.asked == {"Oslo": 1, "Rome": 1}
    assert out["city"].tolist() == ["Oslo", "Rome", "Oslo", "Oslo"]


def test_a_row_that_fails_is_null_and_listed(gateway: Any, client: Client) -> None:
    gateway.faults["Rome"] = [error(400, "bad row", "INVALID_ARGUMENT")]
    out = extract(frame("Oslo 3", "Rome 21", index=[10, 20]), SCHEMA, PROMPT, client=client)
    run = run_of(out)
    assert out["city"].isna().tolist() == [False, True]
    (row,) = run.errors.to_dict("records")
    assert (row["label"], row["status"], row["error_kind"], row["attempts"]) == (20, "failed", "BadRequest", 1)
    assert "bad row" in row["error"]
    assert run.usage.failed == 1


def test_a_transient_fault_is_retried(gateway: Any, client: Client) -> None:
    gateway.faults["Rome"] = [error(503), error(429)]
    out = extract(frame("Oslo 3", "Rome 21"), SCHEMA, PROMPT, client=client, details=True)
    assert out["temp"].tolist() == [3, 21]
    assert out["_attempts"].tolist() == [1, 3]


def test_details_are_columns_on_request(gateway: Any, client: Client) -> None:
    gateway.faults["Rome"] = [error(400, "bad row")]
    out = extract(frame("Oslo 3", "Rome 21", None), SCHEMA, PROMPT, client=client, details=True)
    assert list(out.columns) == ["city", "temp", "_status", "_error", "_attempts", "_tokens", "_seconds"]
    assert out["_status"].tolist()[:2] == ["ok", "failed"]
    assert pd.isna(out["_status"][2])
    assert out["_tokens"].tolist()[0] == 15
    assert "bad row" in out["_error"][1]


def test_the_same_call_again_sends_nothing(gateway: Any, client: Client) -> None:
    first = extract(frame("Oslo 3", "Rome 21"), SCHEMA, PROMPT, client=client)
    again = extract(frame("Rome 21", "Oslo 3", "Rome 21"), SCHEMA, PROMPT, client=client)
    assert gateway.requests == 2
    assert again["city"].tolist() == ["Rome", "Oslo", "Rome"]
    assert run_of(again).usage.requests == 0
    assert run_of(again).usage.reused == 2
    assert first["temp"].dtype == again["temp"].dtype


@pytest.mark.parametrize(
    "changes",
    [{"model": "n"}, {"system": "be brief"}, {"config": {"temperature": 0.5}}, {"prompt": "Read it: {{text}}"}],
)
def test_another_job_is_refused_by_the_same_store_and_says_what_changed(
    gateway: Any, client: Client, tmp_path: Path, changes: dict[str, Any]
) -> None:
    store = tmp_path / "store.sqlite3"
    extract(frame("Oslo 3"), SCHEMA, PROMPT, client=client, store=store)
    (name,) = changes
    with pytest.raises(StoreMismatch, match=name):
        extract(frame("Oslo 3"), SCHEMA, **{"prompt": PROMPT, **changes}, client=client, store=store)
    assert gateway.requests == 1


def test_workers_and_limits_are_no_part_of_the_job(gateway: Any, client: Client, tmp_path: Path) -> None:
    store = tmp_path / "store.sqlite3"
    extract(frame("Oslo 3"), SCHEMA, PROMPT, client=client, store=store)
    extract(frame("Oslo 3"), SCHEMA, PROMPT, client=client, store=store, workers=2, rpm=1000, details=True)
    assert gateway.requests == 1


def test_resume_false_begins_anew(gateway: Any, client: Client) -> None:
    extract(frame("Oslo 3"), SCHEMA, PROMPT, client=client)
    extract(frame("Oslo 3"), SCHEMA, PROMPT, client=client, resume=False)
    assert gateway.requests == 2


def test_a_failed_row_is_asked_again_and_the_others_are_not(gateway: Any, client: Client) -> None:
    gateway.faults["Rome"] = [error(400, "bad row")]
    run = run_of(extract(frame("Oslo 3", "Rome 21"), SCHEMA, PROMPT, client=client))
    again = run.retry_failed()
    assert gateway.asked == {"Oslo": 1, "Rome": 2}
    assert again.frame["temp"].tolist() == [3, 21]
    assert len(again.errors) == 0
    assert run_of(again.frame) is again


def test_an_invalid_answer_is_asked_again_only_when_wanted(gateway: Any, client: Client) -> None:
    gateway.faults["Rome"] = [unary('{"city": 1}'), unary('{"city": 2}')]
    data = frame("Oslo 3", "Rome 21")
    run = run_of(extract(data, SCHEMA, PROMPT, client=client))
    assert run.errors["status"].tolist() == ["invalid"]
    extract(data, SCHEMA, PROMPT, client=client)
    assert gateway.requests == 3
    assert run.retry_failed().frame["temp"].tolist() == [3, 21]


@pytest.mark.usefixtures("gateway")
def test_inspect_shows_what_went_in_and_what_came_out(client: Client) -> None:
    run = run_of(extract(frame("Oslo 3", index=["x"]), SCHEMA, PROMPT, client=client))
    seen = run.inspect("x")
    assert seen.source["text"] == "Oslo 3"
    assert seen.raw == '{"city": "Oslo", "temp": 3}'
    assert (seen.status, seen.attempts, seen.total_tokens, seen.value) == ("ok", 1, 15, {"city": "Oslo", "temp": 3})
    assert "Oslo 3" in str(seen)


@pytest.mark.usefixtures("gateway")
def test_inspect_says_which_rows_share_a_label(client: Client) -> None:
    run = run_of(extract(frame("Oslo 3", "Rome 21", index=["x", "x"]), SCHEMA, PROMPT, client=client))
    with pytest.raises(UsageError, match="0, 1"):
        run.inspect("x")
    assert run.inspect(position=1).value["city"] == "Rome"
    with pytest.raises(UsageError, match="No row"):
        run.inspect("y")


def test_limit_and_where_leave_the_other_rows_null(gateway: Any, client: Client) -> None:
    data = frame("Oslo 3", "Rome 21", "Bern 7", "Kyiv 9")
    out = extract(data, SCHEMA, PROMPT, client=client, where=data["other"] > 0, limit=2)
    assert out["city"].isna().tolist() == [True, False, False, True]
    out = extract(data, SCHEMA, PROMPT, client=client, where=lambda row: row["text"].startswith("K"))
    assert out["city"].dropna().tolist() == ["Kyiv"]
    assert gateway.requests == 3


def test_a_mask_of_another_length_is_refused(gateway: Any, client: Client) -> None:
    with pytest.raises(InputError, match="3 values"):
        extract(frame("Oslo 3"), SCHEMA, PROMPT, client=client, where=[True, False, True])
    with pytest.raises(InputError, match="neither True nor False"):
        extract(frame("Oslo 3"), SCHEMA, PROMPT, client=client, where=["yes"])
    with pytest.raises(InputError, match="no text"):
        extract(frame("Oslo 3"), SCHEMA, PROMPT, client=client, where="other > 0")
    assert gateway.requests == 0


@pytest.mark.parametrize(
    ("options", "kind", "words"),
    [
        ({"schema": 5}, SchemaError, "5"),
        ({"prompt": "Read {{txt}}"}, UnboundName, "text"),
        ({"columns": ["nothing"]}, UnboundName, "nothing"),
        ({"schema": "city, _status", "details": True}, InputError, "_status"),
        ({"explode": True}, InputError, "explode"),
        ({"explode": "nothing"}, InputError, "nothing"),
        ({"pack": 0}, UsageError, "pack"),
        ({"limit": -1}, UsageError, "limit"),
        ({"workers": 0}, ConfigError, "workers"),
        ({"budget": "lots"}, UsageError, "budget"),
        ({"budget": "$1"}, ConfigError, "tokens"),
        ({"engine": "threads"}, UsageError, "engine"),
        ({"locks": 5}, UsageError, "locks"),
        ({"profile": "google"}, UsageError, "client"),
    ],
)
def test_nothing_is_sent_when_something_is_wrong(
    gateway: Any, client: Client, options: dict[str, Any], kind: type[GeminiMagicError], words: str
) -> None:
    with pytest.raises(kind, match=words):
        extract(frame("Oslo 3"), **{"schema": SCHEMA, "prompt": PROMPT, "client": client, **options})
    assert gateway.requests == 0


def test_a_row_that_cannot_be_sent_fails_alone(gateway: Any, client: Client) -> None:
    out = extract(
        pd.Series(["Oslo 3", "bad \ud800 row", "Rome 21"], dtype=object, name="text"), SCHEMA, PROMPT, client=client
    )
    run = run_of(out)
    assert out["temp"].isna().tolist() == [False, True, False]
    assert run.errors["error_kind"].tolist() == ["InputError"]
    assert gateway.requests == 2


def test_a_row_with_a_key_in_it_is_not_sent(gateway: Any, client: Client) -> None:
    key = "AIza" + "SyA1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q"
    run = run_of(extract(frame("Oslo 3", f"Rome 21 {key}"), SCHEMA, PROMPT, client=client))
    assert gateway.requests == 1
    assert key not in run.errors["error"].iloc[0]


def test_a_budget_stops_cleanly_and_the_run_goes_on_later(gateway: Any, client: Client) -> None:
    data = frame(*cities(40))
    with pytest.raises(BudgetExceeded) as caught:
        extract(data, SCHEMA, PROMPT, client=client, budget=150, workers=2)
    done = int(caught.value.partial["city"].notna().sum())
    assert 10 <= done <= 12
    assert gateway.requests == done
    assert "resume()" in str(caught.value)
    out = extract(data, SCHEMA, PROMPT, client=client)
    assert out["temp"].tolist() == list(range(40))
    assert gateway.requests == 40


def test_a_key_that_is_refused_ends_the_run_at_once(gateway: Any, client: Client) -> None:
    gateway.wire.answers(error(401, "no", "UNAUTHENTICATED"))
    with pytest.raises(GeminiMagicError) as caught:
        extract(frame(*cities(40)), SCHEMA, PROMPT, client=client, workers=4)
    assert len(gateway.wire.seen) <= 4
    assert caught.value.partial["city"].isna().all()


def test_an_interrupt_keeps_what_is_done_and_says_how_to_go_on(gateway: Any, client: Client) -> None:
    data = frame(*cities(40))

    class Stopping:
        def begin(self, total: int | None) -> None:
            assert total == 40

        def advance(self, done: int, failed: int, tokens: int, retried: int) -> None:
            assert failed == retried == 0
            assert tokens == 15 * done
            if done == 12:
                raise KeyboardInterrupt

        def finish(self, summary: object) -> None:
            self.summary = str(summary)

    progress = Stopping()
    with pytest.raises(KeyboardInterrupt) as caught:
        extract(data, SCHEMA, PROMPT, client=client, workers=4, progress=progress)
    done = int(caught.value.partial["city"].notna().sum())
    assert done >= 12
    assert f"{done} of 40 rows" in caught.value.message
    assert "store=" in caught.value.message
    assert progress.summary.startswith(f"{done} rows done")
    out = extract(data, SCHEMA, PROMPT, client=client)
    assert out["temp"].tolist() == list(range(40))
    assert gateway.requests <= 40 + 4


def test_a_store_that_fails_ends_the_run(gateway: Any, client: Client, tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    with pytest.raises(StoreError):
        extract(frame("Oslo 3"), SCHEMA, PROMPT, client=client, store=tmp_path / "store")
    assert gateway.requests == 0


def test_polars_lists_and_iterators_come_back_as_what_they_were(gateway: Any, client: Client) -> None:
    texts = ["Oslo 3", "Rome 21"]
    out = extract(pl.DataFrame({"text": texts}), SCHEMA, PROMPT, client=client)
    assert out.to_dicts() == [{"city": "Oslo", "temp": 3}, {"city": "Rome", "temp": 21}]
    assert run_of(out).usage.done == 2
    listed = extract(texts, SCHEMA, "Read: {{text}}", client=client)
    assert listed == out.to_dicts()
    assert run_of(listed).usage.reused == 2
    assert extract(iter(texts), SCHEMA, PROMPT, client=client) == out.to_dicts()
    assert gateway.requests == 2


@pytest.mark.parametrize("data", [frame(), pl.DataFrame({"text": pl.Series([], dtype=pl.String)}), []])
def test_no_rows_are_no_rows(gateway: Any, client: Client, data: Any) -> None:
    out = extract(data, SCHEMA, "Read it", client=client)
    assert len(out) == 0
    assert gateway.requests == 0


def test_the_accessor_of_a_frame_extracts(gateway: Any, client: Client) -> None:
    extract(frame("Oslo 3"), SCHEMA, PROMPT, client=client)
    out = frame("Oslo 3").gemini.extract(SCHEMA, PROMPT, client=client)
    assert out["temp"].tolist() == [3]
    assert frame("Oslo 3")["text"].gemini.extract(SCHEMA, PROMPT, client=client)["temp"].tolist() == [3]
    assert gateway.requests == 1


def test_a_list_schema_is_a_column_of_lists_or_a_row_for_each_item(gateway: Any, client: Client) -> None:
    gateway.answer = lambda text: [{"city": word, "temp": 1} for word in text.removeprefix("Read: ").split()]
    data = frame("Oslo Rome", "Bern", index=["x", "y"])
    several = schema_of(SCHEMA, is_list=True)
    out = extract(data, several, PROMPT, client=client)
    assert [len(items) for items in out["items"]] == [2, 1]
    rows = extract(data, several, PROMPT, client=client, explode=True)
    assert rows.index.tolist() == ["x", "x", "y"]
    assert rows["city"].tolist() == ["Oslo", "Rome", "Bern"]
    assert gateway.requests == 2


@pytest.mark.usefixtures("gateway")
def test_a_run_tells_what_it_was_in_one_line(client: Client) -> None:
    run = run_of(extract(frame("Oslo 3", None), SCHEMA, PROMPT, client=client))
    assert "1 row done, 1 not asked, 1 request, 15 tokens" in repr(run)


@pytest.mark.usefixtures("gateway")
def test_a_copy_of_the_frame_knows_no_run(client: Client) -> None:
    out = extract(frame("Oslo 3"), SCHEMA, PROMPT, client=client)
    with pytest.raises(UsageError, match="copy"):
        run_of(out.copy())


def test_a_silent_gateway_cannot_keep_a_budget(gateway: Any, client: Client) -> None:
    gateway.faults["Oslo"] = [
        Say(
            [
                b'{"candidates":[{"content":{"parts":[{"text":"{\\"city\\":\\"a\\",\\"temp\\":1}"}]},"finishReason":"STOP"}]}'
            ]
        )
    ]
    with pytest.raises(BudgetExceeded, match="does not say"):
        extract(frame("Oslo 3", *cities(20)), SCHEMA, PROMPT, client=client, budget=10_000, workers=1)


def test_a_dask_frame_comes_back_as_one_without_a_cluster_too(gateway: Any, client: Client) -> None:
    dask = pytest.importorskip("dask.dataframe")
    data = dask.from_pandas(frame("Oslo 3", "Rome 21", index=["a", "b"]), npartitions=2)
    out = extract(data, SCHEMA, PROMPT, client=client)
    assert (type(out).__module__.partition(".")[0], out.npartitions) == ("dask", 2)
    assert out.compute()["temp"].to_dict() == {"a": 3, "b": 21}
    assert gateway.requests == 2
