"""Rows and dataframes; the only home of narwhals, pandas, polars and pyarrow.

What writes and recognises frames is light and imported with the package. What reads rows and gives results back is
imported when it is first used, and each library when a value of it comes by.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gemini_magic._lazy import by_home
from gemini_magic.frames.build import build_frame
from gemini_magic.frames.kinds import frame_kind, is_frame
from gemini_magic.frames.nulls import is_null
from gemini_magic.frames.text import DEFAULT_ROWS, DEFAULT_TOKENS, MAX_CELL, NAMED_ROWS_TOKENS, frame_text

if TYPE_CHECKING:
    from gemini_magic.frames.accessors import register_accessor, unregister_accessor
    from gemini_magic.frames.dtypes import dtypes_of
    from gemini_magic.frames.nested import flatten
    from gemini_magic.frames.reading import read_rows
    from gemini_magic.frames.results import build_like, check_columns, explode_like
    from gemini_magic.frames.source import Source

_HOMES = {
    "Source": "source",
    "build_like": "results",
    "check_columns": "results",
    "dtypes_of": "dtypes",
    "explode_like": "results",
    "flatten": "nested",
    "read_rows": "reading",
    "register_accessor": "accessors",
    "unregister_accessor": "accessors",
}

__all__ = [
    "DEFAULT_ROWS",
    "DEFAULT_TOKENS",
    "MAX_CELL",
    "NAMED_ROWS_TOKENS",
    "Source",
    "build_frame",
    "build_like",
    "check_columns",
    "dtypes_of",
    "explode_like",
    "flatten",
    "frame_kind",
    "frame_text",
    "is_frame",
    "is_null",
    "read_rows",
    "register_accessor",
    "unregister_accessor",
]


__getattr__ = by_home(__name__, _HOMES)
