from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from pydantic import BaseModel
from wire_server import error, unary

from gemini_magic.exceptions import BudgetExceeded
from gemini_magic.extract import extract, run_of

if TYPE_CHECKING:
    from gemini_magic.client import Client

SCHEMA = "city, temp int"
TEXTS = ["Oslo 3", "Rome 21", "Bern 7", "Kyiv 9", "Lima 18"]


def run(client: Client, texts: list[str] | None = None, **options: Any) -> Any:
    data = pd.Series(texts or TEXTS, name="text")
    return run_of(extract(data, SCHEMA, "Read: {{text}}", client=client, pack=3, details=True, **options))


def test_several_rows_share_a_request(gateway: Any, client: Client) -> None:
    found = run(client)
    assert found.frame["temp"].tolist() == [3, 21, 7, 9, 18]
    assert gateway.requests == 2
    assert found.usage.requests == 2
    assert found.usage.total_tokens == 30
    assert found.frame["_tokens"].tolist() == [5, 5, 5, 8, 7]


def test_a_row_that_is_left_over_is_asked_alone(gateway: Any, client: Client) -> None:
    assert run(client, TEXTS[:4]).frame["temp"].tolist() == [3, 21, 7, 9]
    assert "<item" not in gateway.prompts[-1]


def test_a_row_whose_number_is_missing_is_asked_alone(gateway: Any, client: Client) -> None:
    gateway.pack = lambda rows: [row for row in rows if row["answer"]["city"] != "Rome"]
    found = run(client)
    assert found.frame["temp"].tolist() == [3, 21, 7, 9, 18]
    assert gateway.asked == {"Oslo": 1, "Rome": 2, "Bern": 1, "Kyiv": 1, "Lima": 1}
    assert found.frame["_attempts"].tolist() == [1, 2, 1, 1, 1]
    assert found.usage.total_tokens == 45 == found.frame["_tokens"].sum()


def test_a_number_that_is_there_twice_brings_both_rows_back(gateway: Any, client: Client) -> None:
    def doubled(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [rows[0], *rows[:-1]] if len(rows) == 3 else rows

    gateway.pack = doubled
    assert run(client).frame["temp"].tolist() == [3, 21, 7, 9, 18]
    assert gateway.asked == {"Oslo": 2, "Rome": 1, "Bern": 2, "Kyiv": 1, "Lima": 1}


def test_answers_in_another_order_reach_their_rows(gateway: Any, client: Client) -> None:
    gateway.pack = lambda rows: rows[::-1]
    assert run(client).frame["temp"].tolist() == [3, 21, 7, 9, 18]
    assert gateway.requests == 2


@pytest.mark.parametrize("number", [True, "1", 1.5, 99])
def test_a_strange_number_is_no_number(gateway: Any, client: Client, number: object) -> None:
    gateway.pack = lambda rows: [{**rows[0], "id": number}, *rows[1:]]
    assert run(client).frame["temp"].tolist() == [3, 21, 7, 9, 18]


def test_a_bad_answer_costs_no_other_row(gateway: Any, client: Client) -> None:
    def bad(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{**rows[0], "answer": {"city": 5}}, *rows[1:]]

    gateway.pack = bad
    assert run(client).frame["temp"].tolist() == [3, 21, 7, 9, 18]
    assert gateway.asked == {"Oslo": 2, "Rome": 1, "Bern": 1, "Kyiv": 2, "Lima": 1}


def test_a_request_that_brings_nothing_is_asked_row_by_row(gateway: Any, client: Client) -> None:
    gateway.pack = lambda _: "nonsense"
    assert run(client, TEXTS[:3]).frame["temp"].tolist() == [3, 21, 7]
    assert gateway.requests == 2 + 3


def test_a_refused_request_fails_its_rows(gateway: Any, client: Client) -> None:
    gateway.wire.answers(unary("[]"), error(400, "no"))
    found = run(client, TEXTS[:3])
    assert found.frame["_status"].tolist()[0] in {"failed", "invalid"}


def test_packed_rows_resume_one_by_one(gateway: Any, client: Client) -> None:
    run(client)
    found = run(client, [*TEXTS, "Nice 15"])
    assert gateway.requests == 3
    assert found.usage.reused == 5


def test_the_budget_holds_for_both_passes(gateway: Any, client: Client) -> None:
    gateway.pack = lambda _: []
    with pytest.raises(BudgetExceeded):
        run(client, TEXTS[:3], budget=15)
    assert gateway.requests == 1


class Place(BaseModel):
    name: str


class Weather(BaseModel):
    place: Place
    temp: int


def test_definitions_of_a_nested_schema_are_found_in_a_list(gateway: Any, client: Client) -> None:
    gateway.answer = lambda text: {"place": {"name": text.split()[-2]}, "temp": int(text.split()[-1])}
    out = extract(pd.Series(TEXTS), Weather, client=client, pack=5, flatten=True)
    assert out["place.name"].tolist() == ["Oslo", "Rome", "Bern", "Kyiv", "Lima"]
    assert gateway.requests == 1
