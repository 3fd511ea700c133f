from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pandas as pd
import polars as pl
import pytest

from gemini_magic.exceptions import InputError
from gemini_magic.extract import Locks, extract, run_of

if TYPE_CHECKING:
    from gemini_magic.client import Client

SCHEMA = "city, temp int"
PROMPT = "Read: {{text}}"


def series(*texts: str, index: Any = None) -> pd.Series[Any]:
    return pd.Series(texts, index=index, name="text")


DATA = series("Oslo 3", "Rome 21", "Bern 7", index=["a", "b", "c"])


def corrected(client: Client) -> pd.DataFrame:
    out: pd.DataFrame = extract(DATA, SCHEMA, PROMPT, client=client)
    out.loc["b", "city"] = "Roma"
    return out


def test_corrected_cells_stay_and_show_the_model_what_is_wanted(gateway: Any, client: Client) -> None:
    out = extract(DATA, SCHEMA, PROMPT, client=client, locks=corrected(client), details=True)
    assert out["city"].tolist() == ["Oslo", "Roma", "Bern"]
    assert out["temp"].tolist() == [3, 21, 7]
    assert out["_status"].tolist() == ["ok", "locked", "ok"]
    assert gateway.requests == 3 + 2
    for prompt in gateway.prompts[3:]:
        assert 'Rome 21\nAnswer:\n{"city": "Roma", "temp": 21}' in prompt
        assert prompt.endswith(("Read: Oslo 3", "Read: Bern 7"))


def test_quiet_locks_send_nothing_again(gateway: Any, client: Client) -> None:
    out = corrected(client)
    again = extract(DATA, SCHEMA, PROMPT, client=client, locks=run_of(out).locks.quiet)
    assert again["city"].tolist() == ["Oslo", "Roma", "Bern"]
    assert gateway.requests == 3


def test_locks_hold_with_another_prompt_and_in_the_same_store(gateway: Any, client: Client, tmp_path: Any) -> None:
    store = tmp_path / "s.sqlite3"
    out = extract(DATA, SCHEMA, PROMPT, client=client, store=store)
    out.loc["b", "temp"] = 22
    extract(DATA, SCHEMA, PROMPT, client=client, store=store, locks=out)
    other = extract(DATA, SCHEMA, "Read it: {{text}}", client=client, locks=out)
    assert other["temp"].tolist() == [3, 22, 7]
    assert gateway.asked["Rome"] == 1


@pytest.mark.usefixtures("gateway")
def test_locks_follow_their_rows_when_others_come_between(client: Client) -> None:
    locks = run_of(corrected(client)).locks
    data = series("Kyiv 9", "Bern 7", "Rome 21", index=["x", "b", "y"])
    out = extract(data, SCHEMA, PROMPT, client=client, locks=locks)
    assert out["city"].tolist() == ["Kyiv", "Bern", "Roma"]


def test_of_equal_rows_only_the_corrected_one_is_locked(gateway: Any, client: Client) -> None:
    data = series("Rome 21", "Rome 21", index=["a", "b"])
    out = extract(data, SCHEMA, PROMPT, client=client)
    out.loc["b", "city"] = "Roma"
    again = extract(data, SCHEMA, PROMPT, client=client, locks=run_of(out).locks.quiet)
    assert again["city"].tolist() == ["Rome", "Roma"]
    assert gateway.requests == 1


@pytest.mark.usefixtures("gateway")
def test_a_copy_through_a_file_is_compared_with_the_run(client: Client) -> None:
    out = extract(DATA, SCHEMA, PROMPT, client=client)
    copy = pd.read_csv(io.StringIO(out.to_csv()), index_col=0)
    assert len(run_of(out).corrections(copy)) == 0
    copy.loc["c", "temp"] = 8
    locks = run_of(out).corrections(copy)
    assert repr(locks) == "Locks(1 cells of 1 rows, 1 as examples)"
    assert extract(DATA, SCHEMA, PROMPT, client=client, locks=locks.quiet)["temp"].tolist() == [3, 21, 8]


def test_locks_of_locks_are_kept(gateway: Any, client: Client) -> None:
    once = extract(DATA, SCHEMA, PROMPT, client=client, locks=run_of(corrected(client)).locks.quiet)
    once.loc["c", "city"] = "Berne"
    twice = extract(DATA, SCHEMA, PROMPT, client=client, locks=run_of(once).locks.quiet)
    assert twice["city"].tolist() == ["Oslo", "Roma", "Berne"]
    assert gateway.requests == 3


def test_a_cell_that_was_emptied_stays_empty(gateway: Any, client: Client) -> None:
    out = extract(DATA, SCHEMA, PROMPT, client=client)
    out.loc["a", "temp"] = pd.NA
    again = extract(DATA, SCHEMA, PROMPT, client=client, locks=out)
    assert again["temp"].isna().tolist() == [True, False, False]
    assert "A person" not in gateway.prompts[-1], "an answer that is none of the schema is no example"


def test_no_more_than_eight_rows_are_examples(gateway: Any, client: Client) -> None:
    data = series(*(f"Town{letter} {place}" for place, letter in enumerate("abcdefghijkl")))
    out = extract(data, SCHEMA, PROMPT, client=client)
    out.loc[:10, "city"] = "same"
    extract(data, SCHEMA, PROMPT, client=client, locks=out)
    assert gateway.prompts[-1].count("Question:") == 8
    assert gateway.requests == 13


def test_flattened_cells_can_be_corrected(gateway: Any, client: Client) -> None:
    schema = {
        "type": "object",
        "properties": {"place": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}},
        "required": ["place"],
    }
    gateway.answer = lambda text: {"place": {"name": text.split()[-2]}}
    out = extract(DATA, schema, PROMPT, client=client, flatten=True)
    out.loc["b", "place.name"] = "Roma"
    again = extract(DATA, schema, PROMPT, client=client, flatten=True, locks=out)
    assert again["place.name"].tolist() == ["Oslo", "Roma", "Bern"]
    assert '{"place": {"name": "Roma"}}' in gateway.prompts[-1]


def test_polars_frames_are_matched_by_position(gateway: Any, client: Client) -> None:
    data = pl.Series("text", list(DATA))
    out = extract(data, SCHEMA, PROMPT, client=client)
    fixed = out.with_columns(city=pl.Series(["Oslo", "Roma", "Bern"]))
    again = extract(data, SCHEMA, PROMPT, client=client, locks=run_of(out).corrections(fixed).quiet)
    assert again["city"].to_list() == ["Oslo", "Roma", "Bern"]
    assert gateway.requests == 3


@pytest.mark.usefixtures("gateway")
def test_a_frame_without_the_result_s_columns_is_refused(client: Client) -> None:
    out = extract(DATA, SCHEMA, PROMPT, client=client)
    with pytest.raises(InputError, match="none of the result's columns"):
        run_of(out).corrections(pd.DataFrame({"town": ["x"] * 3}))
    with pytest.raises(InputError, match="rows"):
        run_of(out).corrections(pd.DataFrame({"city": ["x"] * 2}))
    assert len(Locks()) == 0
