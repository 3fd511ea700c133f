"""What kind of frame a value is, found without importing any library."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_FRAMES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "pandas": frozenset({"DataFrame", "Series", "Index"}),
        "polars": frozenset({"DataFrame", "LazyFrame", "Series"}),
        "pyarrow": frozenset({"Table", "RecordBatch", "ChunkedArray", "Array"}),
        "narwhals": frozenset({"DataFrame", "LazyFrame", "Series"}),
    }
)


def frame_kind(value: object) -> str:
    """Name a dataframe or series, such as ``"pandas DataFrame"``; an empty string for anything else.

    No dataframe library is imported to find out.
    """
    for cls in type(value).__mro__:
        library = cls.__module__.partition(".")[0]
        if cls.__name__ in _FRAMES.get(library, ()):
            return f"{library} {cls.__name__}"
    return ""


def is_frame(value: object) -> bool:
    """Whether a value is a dataframe or series of pandas, polars, pyarrow or narwhals."""
    return bool(frame_kind(value))
