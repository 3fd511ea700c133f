from __future__ import annotations

import io
import json

import pytest

from gemini_magic.display.live_table import NotebookTable, QuietTable, TerminalTable, data_bundle, table_for
from gemini_magic.display.value_table import Field, ValueRecord, ValueTable, words_of

FIELDS = [Field("name"), Field("age", "int"), Field("tags", "object")]
ROWS = [
    {"name": "Ann", "age": 31, "tags": ["a", "b"]},
    {"name": "Béla", "age": None, "tags": {}},
    {"name": "<b>Cy</b>", "age": 7},
]


class Tty(io.StringIO):
    def isatty(self):
        return True


def people(count):
    return [{"name": f"Person {number}", "age": number, "tags": ["x"] * 3} for number in range(count)]


def feed(table, clock, rows, *, pause, pieces=10):
    """The rows as they close while their text comes in pieces."""
    received = 0
    table.restart()
    for row in rows:
        size = len(json.dumps(row))
        for piece in range(pieces):
            received += size // pieces
            table.add([row] if piece == pieces - 1 else [], received)
            clock.move(pause / pieces)


@pytest.fixture
def table(screen, hand_clock):
    return NotebookTable(screen, FIELDS, hand_clock)


def test_the_first_row_is_shown_when_it_closes(table, screen, hand_clock):
    feed(table, hand_clock, ROWS[:1], pause=1)
    assert ">Ann</td>" in screen.html
    assert "1 row so far" in screen.html


def test_rows_come_one_by_one(table, screen, hand_clock):
    seen = []
    table.restart()
    for number, row in enumerate(ROWS):
        table.add([row], 50 * number)
        hand_clock.move(1)
        seen.append(screen.html.count("<tr>") - 1)
    assert seen == [1, 2, 3]


def test_the_end_is_one_clean_output_with_a_text_that_says_the_same(table, screen, hand_clock, replies):
    feed(table, hand_clock, ROWS, pause=1)
    reply = replies.of(json.dumps(ROWS))
    table.close(ValueTable(FIELDS, ROWS), reply, metadata={"gemini_magic": {"turn": 1}})
    ((display_id, bundle),) = screen.outputs
    assert display_id is None
    assert sorted(bundle) == ["text/html", "text/plain"]
    assert [kind for kind, *_ in screen.messages[-2:]] == ["clear", "show"]
    assert screen.metadata == [{"gemini_magic": {"turn": 1}}]
    assert bundle["text/plain"].splitlines() == [
        "name       age  tags",
        "---------  ---  ----------",
        'Ann         31  ["a", "b"]',
        "Béla         –  {}",
        "<b>Cy</b>    7  –",
        "",
        "— test-model",
    ]


def test_numbers_stand_to_the_right_nested_values_are_json_and_nothing_is_a_dash(screen, table, replies):
    table.close(ValueTable(FIELDS, ROWS), replies.of("[]"))
    assert '<td class="gm-right">31</td>' in screen.html
    assert "<code>[&quot;a&quot;, &quot;b&quot;]</code>" in screen.html
    assert '<td class="gm-right"><span class="gm-note">–</span></td>' in screen.html
    assert "&lt;b&gt;Cy&lt;/b&gt;" in screen.html


def test_many_rows_cost_no_more_than_a_multiple_of_their_text(screen, hand_clock, replies):
    rows = people(400)
    text = json.dumps(rows)
    table = NotebookTable(screen, FIELDS, hand_clock)
    feed(table, hand_clock, rows, pause=0.05)
    live, count = screen.wire_bytes, len(screen.messages)
    table.close(ValueTable(FIELDS, rows), replies.of(text))
    assert 18_000 < len(text) < 30_000
    assert count <= 100
    assert live <= 8 * len(text)
    assert "… 200 more are not shown." in screen.html


def test_only_the_last_rows_are_sent_again_while_they_come(table, screen, hand_clock):
    feed(table, hand_clock, people(100), pause=10)
    assert screen.html.count("<tr>") == 1 + 1 + 10
    assert "… 90 rows before these" in screen.html
    assert "100 rows so far" in screen.html


def test_notes_stand_above_and_stay(table, screen, hand_clock, replies):
    table.note("The answer was repaired.")
    table.note("The answer was repaired.")
    feed(table, hand_clock, ROWS, pause=1)
    assert screen.html.count("The answer was repaired.") == 1
    table.close(ValueTable(FIELDS, ROWS), replies.of("[]"))
    ((_, bundle),) = screen.outputs
    assert bundle["text/plain"].startswith("[The answer was repaired.]")


def test_a_second_answer_starts_with_no_rows(table, screen, hand_clock):
    feed(table, hand_clock, people(5), pause=1)
    feed(table, hand_clock, people(2), pause=1)
    assert "2 rows so far" in screen.html
    assert len(screen.outputs) == 2


def test_in_a_cell_with_other_outputs_one_output_is_replaced(screen, hand_clock, replies):
    table = NotebookTable(screen, FIELDS, hand_clock, whole_cell=False)
    table.note("A note.")
    feed(table, hand_clock, ROWS, pause=1)
    table.close(ValueTable(FIELDS, ROWS), replies.of("[]"))
    assert len({key for _, _, key in screen.messages}) == 1
    assert "clear" not in [kind for kind, *_ in screen.messages]
    assert "A note." in screen.outputs[0][1]["text/html"]


def test_what_does_not_come_row_by_row_says_how_much_has_come(table, screen, hand_clock):
    table.restart()
    for received in range(0, 500, 50):
        table.add([], received)
        hand_clock.move(1)
    assert "450 characters so far" in screen.html


def test_an_error_stands_below_the_rows_that_came(table, screen, replies):
    table.close(ValueTable(FIELDS, ROWS[:1]), replies.of("[{", reason="MAX_TOKENS"), error="It stopped. 1 row is kept.")
    ((_, bundle),) = screen.outputs
    assert '<p class="gm-status" role="status">It stopped. 1 row is kept.</p>' in bundle["text/html"]
    assert "[It stopped. 1 row is kept.]" in bundle["text/plain"]


def test_a_table_as_renderer_shows_the_answers_own_json(table, screen, replies):
    table.begin("test-model")
    table.finish(replies.of(json.dumps(ROWS)), seconds=1)
    assert "Béla" in screen.html
    table.finish(replies.of("no JSON"), seconds=1)


def test_hostile_values_are_text_in_every_place(screen, hand_clock, payloads, replies, ours):
    table = NotebookTable(screen, FIELDS, hand_clock)
    for payload in payloads:
        row = {"name": payload, "age": payload, "tags": {payload: [payload]}}
        fields = [*FIELDS, Field(payload)]
        for shown in (ValueTable(fields, [row], payload, [payload], kinds=True), ValueRecord(fields, row, payload)):
            ours(data_bundle(shown, replies.of("[]"), notes=[payload], error=payload)["text/html"])
    feed(table, hand_clock, [{"name": payload, payload: payload} for payload in payloads], pause=1)
    for _, bundle in screen.outputs:
        ours(bundle["text/html"])


def test_no_value_reaches_a_terminal_as_a_command(payloads, replies):
    stream = Tty()
    table = TerminalTable(FIELDS, stream)
    table.add([{"name": payload + "\x1b[2J\r", "age": 1} for payload in payloads], 10)
    table.close(ValueTable(FIELDS, []), replies.of("[]"))
    assert "\x1b" not in stream.getvalue().replace("\x1b[2m", "").replace("\x1b[0m", "")
    assert "\r" not in stream.getvalue()


def test_a_terminal_gets_each_row_when_it_closes_and_no_row_twice(replies):
    stream = io.StringIO()
    table = TerminalTable(FIELDS, stream, width=80)
    table.restart()
    table.add([], 10)
    assert stream.getvalue() == ""
    table.add(ROWS[:1], 50)
    assert stream.getvalue().splitlines()[2].split() == ["Ann", "31", '["a",', '"b"]']
    table.add(ROWS[1:], 90)
    table.close(ValueTable(FIELDS, ROWS), replies.of(json.dumps(ROWS)))
    lines = stream.getvalue().splitlines()
    assert sum("Ann" in line for line in lines) == 1
    assert lines[-1] == "— test-model"
    assert len(lines) == 2 + 3 + 1


def test_rows_of_a_terminal_fit_into_its_lines(replies):
    stream = io.StringIO()
    fields = [Field("title"), Field("summary"), Field("count", "int")]
    rows = [{"title": "word " * 20, "summary": "more words " * 30, "count": 12_345}] * 3
    table = TerminalTable(fields, stream, width=60)
    table.add(rows, 10)
    table.close(ValueTable(fields, rows), replies.of("[]"))
    lines = stream.getvalue().splitlines()
    assert max(map(len, lines[:5])) <= 60
    assert "[Long values are cut here; the reply has them whole.]" in lines


def test_a_record_is_a_line_for_each_field(replies):
    stream = io.StringIO()
    table = TerminalTable(FIELDS, stream, rows=False)
    table.add([], 20)
    table.close(ValueRecord(FIELDS, ROWS[0]), replies.of("{}"))
    assert stream.getvalue().splitlines() == ["name  Ann", "age   31", 'tags  ["a", "b"]', "— test-model"]


def test_no_rows_are_a_table_of_none(table, screen, replies):
    table.close(ValueTable(FIELDS, []), replies.of("[]"))
    assert screen.html.count("<th ") == 3
    stream = io.StringIO()
    TerminalTable(FIELDS, stream).close(ValueTable(FIELDS, []), replies.of("[]"))
    assert stream.getvalue().splitlines()[0] == "name  age  tags"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "–"),
        (float("nan"), "–"),
        (True, "true"),
        (1969, "1969"),
        (0.1 + 0.2, "0.3"),
        (1e21, "1e+21"),
        ("", ""),
        ("–", "–"),
        ({"a": [1, None]}, '{"a": [1, null]}'),
        ([], "[]"),
    ],
)
def test_values_in_words(value, words):
    assert words_of(value) == words


def test_a_long_value_is_cut_in_the_table_and_said_to_be():
    shown = ValueTable([Field("text")], [{"text": "x" * 5_000}])
    assert "x" * 299 + "…" in shown._repr_mimebundle_()["text/html"]
    assert "x" * 39 + "…" in str(shown)


def test_a_frame_has_labels_and_kinds():
    shown = ValueTable(FIELDS, ROWS, "people: a dataframe", range(3), kinds=True)
    page = shown._repr_mimebundle_()["text/html"]
    assert '<th scope="row">2</th>' in page
    assert '<span class="gm-note">int</span>' in page
    assert str(shown).splitlines()[3].startswith("0  Ann")


def test_where_the_code_runs_decides():
    class Shell:
        kernel = object()

    assert isinstance(table_for(Shell(), FIELDS), NotebookTable)
    assert isinstance(table_for(None, FIELDS), TerminalTable)
    quiet = QuietTable()
    quiet.restart()
    quiet.add(ROWS, 3)
    quiet.note("kept")
    assert quiet.notes == ["kept"]
