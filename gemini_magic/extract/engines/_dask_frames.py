"""Rows of a dask DataFrame or Series, read partition by partition, and results with the same partitions."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Self

import dask.dataframe as dd
from dask.base import compute

from gemini_magic.exceptions import InputError, UnsupportedValue
from gemini_magic.frames import Source, read_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gemini_magic.frames.source import Filled


@dataclass(frozen=True, eq=False)
class Piece:
    """A partition, or some of its rows.

    Attributes:
        part: The partition, not computed.
        length: How many rows these are.
        names: The selected columns.
        places: The positions of the rows within the partition; None for all.
        kept: The index, once it was read: as a source without columns.
    """

    part: Any
    length: int
    names: tuple[str, ...]
    places: tuple[int, ...] | None = None
    kept: list[Source] = field(default_factory=list)

    def read(self) -> Source:
        """The rows; the index is remembered, because the result needs it and a partition may be costly."""
        frame = self.part.compute()
        source = read_rows(frame)
        if len(frame) != self.length and self.places is None:
            raise InputError("A partition has other rows than before.", hint="Persist the data: data = data.persist().")
        if not self.kept:
            self.kept.append(self._taken(read_rows(_bare(frame))))
        return self._taken(source.select(self.names))

    @property
    def index(self) -> Source:
        """The index alone."""
        if not self.kept:
            self.kept.append(self._taken(read_rows(_bare(self.part.compute()))))
        return self.kept[0]

    def _taken(self, source: Source) -> Source:
        return source if self.places is None else source.take(self.places)


@dataclass(frozen=True, eq=False, kw_only=True)
class DaskSource(Source):
    """Rows of Dask.

    Attributes:
        pieces: The partitions.
        divisions: Of the frame; None when they are no longer known.
    """

    pieces: tuple[Piece, ...]
    divisions: tuple[Any, ...] | None = None

    @classmethod
    def of(cls, data: Any) -> Self:  # noqa: ANN401 - a frame of Dask
        """Read the rows of a DataFrame or Series of Dask; their number is counted at once.

        Raises:
            UnsupportedValue: It is neither.
            InputError: Two columns have one name.
        """
        if not isinstance(data, dd.DataFrame | dd.Series):
            raise UnsupportedValue(
                f"There is no way to read rows from a value of the type dask.{type(data).__name__}.",
                hint="Of Dask, DataFrames and Series are read; others have .to_dataframe().",
            )
        shape = read_rows(data._meta)  # noqa: SLF001 - Dask's own name for it
        parts = [data.partitions[number] for number in range(data.npartitions)]
        lengths = compute(*(part.map_partitions(len) for part in parts))  # type: ignore[no-untyped-call]
        pieces = tuple(Piece(part, int(sum(count)), shape.names) for part, count in zip(parts, lengths, strict=True))
        return cls(
            kind="dask",
            names=shape.names,
            length=sum(piece.length for piece in pieces),
            is_series=shape.is_series,
            pieces=pieces,
            divisions=data.divisions,
        )

    @property
    def index(self) -> Any:  # noqa: ANN401 - pandas is optional
        """The index of all rows."""
        first, *others = [piece.index.index for piece in self.pieces]
        return first.append(others) if others else first

    def labels(self) -> Sequence[Any]:
        """The labels of the index."""
        return [label for piece in self.pieces for label in piece.index.labels()]

    def rows(self) -> Iterator[dict[str, Any]]:
        """Every row as a dict of column to value, in order; one partition is in memory at a time."""
        for piece in self.pieces:
            yield from piece.read().rows()

    def select(self, names: Sequence[str]) -> Self:
        """The same rows with these columns only."""
        self.positions(names)
        chosen = tuple(names)
        return replace(self, names=chosen, pieces=tuple(replace(piece, names=chosen) for piece in self.pieces))

    def head(self, count: int) -> Source:
        """The first rows."""
        return self.take(range(min(count, self.length or 0)))

    def take(self, positions: Sequence[int]) -> Source:
        """These rows, as a source whose partitions are those that they are in."""
        ends = list(accumulate(piece.length for piece in self.pieces))
        chosen: list[tuple[int, list[int]]] = []
        for position in positions:
            number = bisect_right(ends, position)
            if not chosen or chosen[-1][0] != number:
                chosen.append((number, []))
            chosen[-1][1].append(position - ends[number] + self.pieces[number].length)
        pieces = tuple(_part_of(self.pieces[number], places) for number, places in chosen)
        return replace(self, pieces=pieces or (_part_of(self.pieces[0], []),), length=len(positions), divisions=None)

    def assemble(self, filled: Sequence[Filled], keep: Sequence[str]) -> Any:  # noqa: ANN401 - a frame of Dask
        """A dask DataFrame with the same partitions; its new columns are in memory already."""
        frames, start = [], 0
        for piece in self.pieces:
            cells = [_cells_of(column, start, start + piece.length) for column in filled]
            source = piece.read() if keep else piece.index
            frames.append(source.assemble(cells, keep))
            start += piece.length
        known = self.divisions is not None and None not in self.divisions
        divisions = self.divisions if known else None
        return dd.from_map(_itself, frames, meta=frames[0].iloc[:0], divisions=divisions)  # type: ignore[no-untyped-call]


def _cells_of(column: Filled, start: int, stop: int) -> Filled:
    """A column with some of its cells."""
    return column._replace(cells=column.cells[start:stop])


def _part_of(piece: Piece, places: Sequence[int]) -> Piece:
    before = piece.places
    chosen = tuple(places) if before is None else tuple(before[place] for place in places)
    return replace(piece, length=len(chosen), places=chosen, kept=[])


def _bare(frame: Any) -> Any:  # noqa: ANN401 - a frame or series of pandas
    """The index of a partition, as a frame without columns."""
    return (frame.to_frame() if frame.ndim == 1 else frame).iloc[:, :0]


def _itself(frame: Any) -> Any:  # noqa: ANN401 - a frame of pandas
    return frame
