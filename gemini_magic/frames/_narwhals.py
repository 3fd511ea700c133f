"""Any library's frame as one of narwhals, which is imported when the first frame comes by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gemini_magic.frames.kinds import frame_kind

if TYPE_CHECKING:
    import narwhals as nw

    Frame = nw.DataFrame[Any] | nw.LazyFrame[Any]

# Behind the name of a column that is there twice; cut off again when it is written.
_MARK = "\x00"


def as_narwhals(value: object) -> Frame:
    import narwhals as nw  # noqa: PLC0415 - only when a frame comes by

    plain = _plain_frame(value)
    try:
        frame = nw.from_native(plain, allow_series=True)
    except nw.exceptions.DuplicateError:
        frame = nw.from_native(_with_unique_names(plain))
    return frame.to_frame() if isinstance(frame, nw.Series) else frame


def _plain_frame(value: Any) -> Any:  # noqa: ANN401 - any library's frame
    """What narwhals does not know, as the frame nearest to it; no data is copied."""
    kind = frame_kind(value)
    if kind == "pandas Index":
        return value.to_frame(index=False)
    if kind == "pandas Series":
        return value.to_frame("value" if value.name is None else value.name)
    if kind in {"pyarrow RecordBatch", "pyarrow Array"}:
        import pyarrow as pa  # noqa: PLC0415 - it is loaded, or there would be no such value

        return pa.Table.from_batches([value]) if kind == "pyarrow RecordBatch" else pa.table({"value": value})
    return value


def _with_unique_names(value: Any) -> Any:  # noqa: ANN401 - any library's frame
    names = [column_name(name) for name in (value.columns if hasattr(value, "iloc") else value.column_names)]
    seen: dict[str, int] = {}
    unique = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        unique.append(name if seen[name] == 1 else f"{name}{_MARK}{seen[name]}")
    if not hasattr(value, "iloc"):
        return value.rename_columns(unique)
    renamed = value.copy(deep=False)
    renamed.columns = unique
    return renamed


def column_name(name: object) -> str:
    """The name of a column as a text; those of several levels are joined with slashes."""
    if isinstance(name, tuple):
        return "/".join(map(str, name))
    return str(name).partition(_MARK)[0]
