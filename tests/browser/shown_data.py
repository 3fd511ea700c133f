"""Tables and progress to show in a notebook of a test: imported by the kernel, which has this folder on its path."""

from __future__ import annotations

import json
from typing import Any

from IPython.display import display

from gemini_magic.display.live_table import NotebookTable
from gemini_magic.display.notebook import CellScreen
from gemini_magic.display.progress import NotebookProgress
from gemini_magic.display.row_card import inspection_bundle
from gemini_magic.display.value_table import Field, ValueRecord, ValueTable
from gemini_magic.extract.made import Inspection
from gemini_magic.reply import Reply
from gemini_magic.wire import GenerateContentResponse

FIELDS = [
    Field("city"),
    Field("temp", "float"),
    Field("people", "int"),
    Field("coast", "bool"),
    Field("tags", "object"),
]
ROWS: list[dict[str, Any]] = [
    {"city": "Berlin", "temp": 21.5, "people": 3_677_472, "coast": False, "tags": ["capital", "rivers"]},
    {"city": "Reykjavík", "temp": -2, "people": None, "coast": True, "tags": []},
    {"city": "São Paulo <b>x</b>", "temp": 27.25, "people": 11_451_999, "coast": None, "tags": {"rank": 1}},
]
NOTE = "An answer that did not fit the schema was sent back to be repaired: [3].temp: not a number."


class Clock:
    """A clock that is moved by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def many(count: int) -> list[dict[str, Any]]:
    """The same three rows again and again, with numbers."""
    return [{**ROWS[number % 3], "city": f"{ROWS[number % 3]['city']} {number}"} for number in range(count)]


def reply(**more: Any) -> Reply:
    """The answer that the rows came in."""
    usage = {"promptTokenCount": 412, "candidatesTokenCount": 1_233, "totalTokenCount": 1_645}
    candidate = {"content": {"role": "model", "parts": [{"text": json.dumps(ROWS)}]}, "finishReason": "STOP"}
    body = {"candidates": [candidate | more], "usageMetadata": usage, "modelVersion": "gemini-3-flash"}
    return Reply(GenerateContentResponse.model_validate(body), seconds=4.2)


def show_live(count: int, *, finish: bool) -> None:
    """A table while its rows come, or when it is whole."""
    clock, rows = Clock(), many(count)
    table = NotebookTable(CellScreen(), FIELDS, clock)
    table.note(NOTE)
    table.restart()
    for number, row in enumerate(rows):
        table.add([row], 110 * number)
        clock.now += 10
    if finish:
        table.close(ValueTable(FIELDS, rows, "cities: a dataframe", range(count), kinds=True), reply())


def show_record() -> None:
    """One object."""
    NotebookTable(CellScreen(), FIELDS).close(ValueRecord(FIELDS, ROWS[0]), reply())


def show_cut() -> None:
    """Rows of an answer that stopped at the token limit."""
    words = "The answer stopped at the token limit of 80 tokens. The 2 rows that came whole are kept."
    table = NotebookTable(CellScreen(), FIELDS)
    table.close(ValueTable(FIELDS, ROWS[:2]), reply(finishReason="MAX_TOKENS"), error=words)


def show_progress(*, finish: bool) -> None:
    """A batch half way, or at its end."""
    clock = Clock()
    progress = NotebookProgress(CellScreen(), clock)
    progress.begin(2_000)
    progress.advance(1, 0, 300, 0)
    clock.now += 20
    progress.advance(840, 3, 251_330, 12)
    if finish:
        progress.finish("1,997 rows done, 3 failed, 2,012 requests, 601,330 tokens, 48.1 s")


def show_row() -> None:
    """A row of an extraction, looked at."""
    source = {"text": "Berlin was warm on Sunday, with 21.5 degrees.\nTwo rivers, no coast.", "lang": "en"}
    good = Inspection("b", 1, "ok", source, ROWS[0], json.dumps(ROWS[0]), attempts=2)
    for row in (good, Inspection(7, 7, "invalid", source, None, "no JSON", "The answer is not JSON.", "InvalidJSON")):
        display(Shown(row))


class Shown:
    """Shows an inspection as the extension's formatter does."""

    def __init__(self, row: Inspection) -> None:
        self._row = row

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        return inspection_bundle(self._row)
