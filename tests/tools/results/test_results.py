from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import enum
import io
import json
import uuid
from collections import OrderedDict, deque
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from pydantic import BaseModel

import gemini_magic as gm
from gemini_magic.events import ToolRun
from gemini_magic.reply import Reply
from gemini_magic.tools.results import MAX_BYTES, failed, given, results
from gemini_magic.wire import FunctionResponseBlob, FunctionResponsePart, GenerateContentResponse, Part


class Colour(enum.Enum):
    RED = "red"


class Point(NamedTuple):
    x: int
    y: float


@dataclasses.dataclass
class City:
    name: str
    founded: dt.date


class Order(BaseModel):
    number: int
    city: City | None = None


class Quiet:
    pass


class Loud:
    def __str__(self):
        return "five euros"


class Displayed(Quiet):
    asked = 0

    def _repr_html_(self):
        type(self).asked += 1
        return "<b>secret</b>"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None):
        del include, exclude
        type(self).asked += 1
        return {"text/html": "<b>secret</b>"}


class Broken:
    def __str__(self):
        raise ValueError("no text today")


def response(value, **how):
    made = given(value, **how)
    assert made.size == len(json.dumps(made.response, ensure_ascii=False, separators=(",", ":")).encode())
    json.loads(json.dumps(made.response, allow_nan=False))
    return made.response


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (7, 7),
        (2.5, 2.5),
        ("Oslo", "Oslo"),
        (float("nan"), None),
        (float("-inf"), None),
        ([1, float("nan"), "x"], [1, None, "x"]),
        ((1, 2), [1, 2]),
        ({3, 1, 2}, [1, 2, 3]),
        (deque([1]), [1]),
        (range(3), [0, 1, 2]),
        ({"a": 1}.keys(), ["a"]),
        (Colour.RED, "red"),
        (dt.date(2026, 3, 1), "2026-03-01"),
        (dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC), "2026-03-01T12:00:00+00:00"),
        (dt.timedelta(minutes=3), "0:03:00"),
        (decimal.Decimal("1.10"), "1.10"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (Path("/etc/passwd"), "/etc/passwd"),
        (b"abc", "abc"),
        (b"\x00\xff", "[2 bytes]"),
        (1 + 2j, "complex: (1+2j)"),
        (Loud(), "Loud: five euros"),
        (Quiet(), "[Quiet, which has no text of its own]"),
        (Broken(), "[Broken, which cannot be written: ValueError: no text today]"),
        (json, "[module json]"),
        (print, "[builtin_function_or_method print]"),
        (Quiet, "[type Quiet]"),
        (ValueError("no"), "ValueError: no"),
        ("\ud83d\ude00 \ud800", "😀 �"),
    ],
)
def test_a_value_that_is_no_object_goes_under_result(value, expected):
    assert response(value) == {"result": expected}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"a": 1}, {"a": 1}),
        ({}, {}),
        ({"error": "closed on Mondays"}, {"error": "closed on Mondays"}),
        (OrderedDict(b=2), {"b": 2}),
        (Point(1, 2.5), {"x": 1, "y": 2.5}),
        (City("Oslo", dt.date(1048, 1, 1)), {"name": "Oslo", "founded": "1048-01-01"}),
        (Order(number=1, city=City("Oslo", dt.date(1048, 1, 1))), {
            "number": 1, "city": {"name": "Oslo", "founded": "1048-01-01"},
        }),
        ({1: "a", Colour.RED: "b", (1, 2): "c", None: "d"}, {"1": "a", "red": "b", "1/2": "c", "None": "d"}),
        ({1: "a", "1": "b"}, {"1": "a", "1 (str)": "b"}),
    ],
)  # fmt: skip
def test_an_object_goes_as_it_is_with_texts_as_keys(value, expected):
    assert response(value) == expected


def test_whole_numbers_that_readers_would_round_go_as_text():
    assert response([2**53, 2**53 + 1, -(10**20)]) == {"result": [2**53, "9007199254740993", "-100000000000000000000"]}
    assert response(10**5000) == {"result": "[a number of 16,610 bits]"}


def test_numbers_and_arrays_of_numpy_are_numbers():
    numpy = pytest.importorskip("numpy")
    assert response({"a": numpy.int64(3), "b": numpy.float32("nan"), "c": numpy.bool_(1)}) == {
        "a": 3,
        "b": None,
        "c": True,
    }
    assert response(numpy.array([[1, 2], [3, 4]])) == {"result": [[1, 2], [3, 4]]}
    assert response(numpy.array(["2026-01-01"], "datetime64[D]")) == {"result": ["2026-01-01"]}
    assert response(numpy.datetime64("NaT")) == {"result": None}


def test_a_large_array_says_its_shape_and_gives_its_first_values():
    numpy = pytest.importorskip("numpy")
    made = response(numpy.zeros((1000, 1000)), max_bytes=2000)
    assert made["array"] == "float64, 1,000 × 1,000"
    assert made["first"][:2] == [0.0, 0.0]
    shown = len(made["first"]) - 1
    assert made["first"][-1] == f"… ({1_000_000 - shown:,} more items)"


def test_nulls_of_pandas_are_null_and_its_times_iso():
    pandas = pytest.importorskip("pandas")
    assert response([pandas.NA, pandas.NaT, pandas.Timestamp("2026-01-01")]) == {
        "result": [None, None, "2026-01-01T00:00:00"]
    }


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_a_frame_is_a_compact_table_with_its_shape(library):
    frame = pytest.importorskip(library).DataFrame({"city": ["Oslo", "Bergen"], "people": [709_000, 291_000]})
    text = response(frame)["result"]
    assert text.startswith(f"{library} DataFrame, 2 rows, 2 columns\n")
    assert "| Oslo | 709000 |" in text
    assert "| Oslo | 709000 |" in response({"cities": frame})["cities"]


def test_a_series_and_an_arrow_table_are_tables():
    pandas, pyarrow = pytest.importorskip("pandas"), pytest.importorskip("pyarrow")
    assert response(pandas.Series([1, 2], name="n"))["result"].startswith("pandas Series, 2 rows")
    assert response(pyarrow.table({"n": [1]}))["result"].startswith("pyarrow Table, 1 row")


def test_a_long_frame_is_cut_to_its_ends_and_says_so():
    pandas = pytest.importorskip("pandas")
    made = given(pandas.DataFrame({"n": range(100_000)}))
    text = made.response["result"]
    assert "100,000 rows, 1 column; shown: the first 95 and the last 5" in text
    assert made.size <= MAX_BYTES


def test_a_wide_frame_is_within_the_size():
    pandas = pytest.importorskip("pandas")
    made = given(pandas.DataFrame({f"column {n}": ["x" * 150] * 200 for n in range(60)}), max_bytes=4_000)
    assert made.size <= 4_000
    assert "200 rows" in made.response["result"]


def test_an_endless_generator_is_read_up_to_a_limit():
    taken = response(count())["result"]
    assert taken[:1000] == list(range(1000))
    assert taken[1000:] == ["… (more items, which were not read)"]
    assert response(n for n in range(3)) == {"result": [0, 1, 2]}


def test_a_file_object_is_not_read():
    stream = io.StringIO("secret")
    assert response(stream) == {"result": "[StringIO, which has no text of its own]"}
    assert stream.tell() == 0


def test_a_path_is_its_text_and_its_file_is_not_read(tmp_path):
    picture = tmp_path / "photo.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n")
    made = given(picture, media=True)
    assert made.response == {"result": str(picture)}
    assert given(str(picture), media=True).response == {"result": str(picture)}
    assert made.media == ()


def test_nothing_is_displayed_to_find_out_what_a_value_is():
    assert response(Displayed(), media=True) == {"result": "[Displayed, which has no text of its own]"}
    assert Displayed.asked == 0


def test_what_contains_itself_is_described():
    own: list[Any] = [1]
    own.append(own)
    both: dict[str, Any] = {}
    both["again"] = {"again": both}
    assert response(own) == {"result": [1, "[list that contains itself]"]}
    assert response(both) == {"again": {"again": "[dict that contains itself]"}}
    shared = [1]
    assert response([shared, shared]) == {"result": [[1], [1]]}


def test_what_is_nested_too_deeply_is_described():
    deep: Any = 0
    for _ in range(5_000):
        deep = [deep]
    assert "nested more than 100 levels deep" in json.dumps(response(deep))


def test_a_text_is_cut_and_says_how_much_is_missing():
    made = given("x" * 200_000)
    assert 0.97 * MAX_BYTES <= made.size <= MAX_BYTES
    kept = made.response["result"].count("x")
    assert made.response["result"].endswith(f"x… ({200_000 - kept:,} more characters)")


def test_escapes_and_wide_characters_count_as_the_bytes_that_they_are():
    for text in ('"\n' * 50_000, "😀" * 50_000, "\x01" * 50_000):
        made = given({"a": text, "b": [text] * 3})
        assert MAX_BYTES * 0.9 < made.size <= MAX_BYTES


def test_a_list_is_cut_and_says_how_many_are_missing():
    made = response(list(range(100_000)))["result"]
    assert made[-1] == f"… ({100_000 - (len(made) - 1):,} more items)"
    assert made[:3] == [0, 1, 2]


def test_short_fields_beside_a_long_one_are_kept():
    made = response({"rows": list(range(1_000_000)), "total": 7, "text": "y" * 200_000})
    assert made["total"] == 7
    assert made["rows"][-1].endswith("more items)")
    assert made["text"].endswith("more characters)")


def test_an_object_with_many_fields_is_cut_and_says_how_many_are_missing():
    made = response({f"field {n}": n for n in range(100_000)}, max_bytes=5_000)
    assert made["…"] == f"{100_000 - (len(made) - 1):,} more"


@pytest.mark.parametrize("most", [200, 1_000, 65_536])
@pytest.mark.parametrize(
    "value",
    [
        {f"{n}": {f"{m}": "z" * 50 for m in range(50)} for n in range(50)},
        [[["x" * 100] * 20] * 20] * 20,
        {"k" * 100_000: "v"},
        [{"a": None, "b": [1.5] * 500}] * 500,
    ],
)
def test_whatever_is_cut_stays_an_object_within_the_size(value, most):
    made = given(value, max_bytes=most)
    assert made.size <= most
    assert isinstance(made.response, dict)


def test_a_picture_goes_beside_the_response_where_the_model_takes_it():
    image = pytest.importorskip("PIL.Image").new("RGB", (64, 48))
    made = given({"chart": image, "n": 1}, media=True)
    assert made.response["chart"].startswith("[image: PNG, 64 × 48 pixels, ")
    assert made.response["chart"].endswith(" bytes; attachment 1]")
    assert made.response["n"] == 1
    (part,) = made.media
    assert part.inline_data is not None
    assert part.inline_data.mime_type == "image/png"
    assert part.inline_data.to_bytes().startswith(b"\x89PNG")


def test_a_picture_is_described_where_the_model_takes_none():
    image = pytest.importorskip("PIL.Image").new("RGB", (640, 480))
    made = given(image)
    assert made.response["result"].startswith("[image: PNG, 640 × 480 pixels, ")
    assert made.response["result"].endswith(" bytes; this model takes no pictures from functions]")
    assert made.media == ()


def test_figures_bytes_parts_and_marked_values_are_media():
    figure = pytest.importorskip("matplotlib.figure").Figure()
    pdf = b"%PDF-1.4\n" + b"0" * 20
    wav = b"RIFF\x00\x00\x00\x00WAVEfmt "
    marked = gm.image(pytest.importorskip("numpy").zeros((8, 8), "uint8"))
    made = given([figure, pdf, Part.from_bytes(pdf, "application/pdf"), wav, marked], media=True)
    assert [part.inline_data.mime_type for part in made.media if part.inline_data] == [
        "image/png",
        "application/pdf",
        "application/pdf",
        "image/png",
    ]
    assert made.response["result"][1] == "[document: PDF, 29 bytes; attachment 2]"
    assert made.response["result"][3] == "[recording: WAV, 16 bytes; models take no WAV from functions]"
    assert made.response["result"][4].endswith("attachment 4]")


def test_an_array_that_looks_like_a_picture_is_data_where_the_model_takes_none():
    mask = pytest.importorskip("numpy").zeros((8, 8), "bool")
    assert given(mask).response["result"][0] == [False] * 8
    assert len(given(mask, media=True).media) == 1


def test_an_image_of_the_notebook_is_sent_without_being_displayed():
    png = given(pytest.importorskip("PIL.Image").new("L", (8, 8)), media=True).media[0].inline_data
    assert png is not None
    shown = pytest.importorskip("IPython.display").Image(data=png.to_bytes())
    assert len(given(shown, media=True).media) == 1


def test_a_damaged_picture_is_said_to_be_one():
    text = given(b"\x89PNG\r\n\x1a\n" + b"0" * 30, media=True).response["result"]
    assert text.startswith("[bytes, which cannot be written: ImageRejected:")


def test_there_are_not_more_attachments_than_a_few():
    image = pytest.importorskip("PIL.Image").new("L", (8, 8))
    made = given([image] * 20, media=True)
    assert len(made.media) == 16
    assert "left out" in made.response["result"][-1]


def test_a_model_with_what_pydantic_cannot_write_goes_field_by_field():
    class Holder(BaseModel, arbitrary_types_allowed=True):
        n: int
        loud: Loud

    assert response(Holder(n=1, loud=Loud())) == {"n": 1, "loud": "Loud: five euros"}


def test_an_answer_of_a_model_is_its_text():
    chunk = {"candidates": [{"content": {"role": "model", "parts": [{"text": "hello"}]}, "finishReason": "STOP"}]}
    reply = Reply(GenerateContentResponse.model_validate(chunk))
    assert response(reply) == {"result": "hello"}


def test_results_are_one_content_in_the_order_of_the_calls_with_ids_only_where_given():
    picture = FunctionResponsePart(inline_data=FunctionResponseBlob(mime_type="image/png", data="AA=="))
    runs = [
        ToolRun("b", {}, "2", response={"result": 2}),
        ToolRun("a", {}, None, response={"error": "no"}),
        ToolRun("a", {}, "", response={"result": "[image]"}, media=(picture,)),
    ]
    content = results(runs)
    assert content.model_dump(by_alias=True, exclude_unset=True) == {
        "role": "user",
        "parts": [
            {"functionResponse": {"id": "2", "name": "b", "response": {"result": 2}}},
            {"functionResponse": {"name": "a", "response": {"error": "no"}}},
            {
                "functionResponse": {
                    "id": "",
                    "name": "a",
                    "response": {"result": "[image]"},
                    "parts": [{"inlineData": {"mimeType": "image/png", "data": "AA=="}}],
                }
            },
        ],
    }


def test_a_failure_is_an_object_too():
    assert failed("no such city") == ({"error": "no such city"}, (), 24)
