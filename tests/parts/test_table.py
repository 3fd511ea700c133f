from __future__ import annotations

import pytest

from gemini_magic.exceptions import InputError
from gemini_magic.parts.table import table_text

pd = pytest.importorskip("pandas")


def test_rows_are_named_for_a_table():
    assert len(table_text(pd.DataFrame({"a": range(50)}), "df", 40).splitlines()) == 3 + 40 + 1


def test_too_many_rows_name_the_variable():
    with pytest.raises(InputError, match=r"^df: 1,000,000 rows"):
        table_text(pd.DataFrame({"a": range(1_000_000)}), "df", 1_000_000)


def test_rows_of_something_else_are_refused():
    with pytest.raises(InputError, match="items is not a table"):
        table_text([1, 2], "items", 5)
