"""Rows of a dask DataFrame or Series, whose partitions are computed once, and results with the same partitions."""

from __future__ import annotations

from bisect import bisect_right
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple, Self, cast

import dask
import dask.dataframe as dd
from dask.optimization import cull

from gemini_magic.exceptions import InputError, UnsupportedValue
from gemini_magic.frames import Source, read_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager

    from gemini_magic.frames.source import Filled


class Piece(NamedTuple):
    """A partition by its number, or some of its rows by their positions in it; None for all."""

    number: int
    places: tuple[int, ...] | None = None


class Partitions:
    """The partitions of a frame; shared by all sources that are made of it.

    Where the number of rows is known without a computation, and none needs what another one needs, they are computed
    one after the other, while the rows of those before are asked. Otherwise all are computed at once, and each is held,
    on the cluster if there is one, until its rows are read. Indexes stay here: the result needs them.

    Args:
        data: A DataFrame or Series of Dask.
        names: Its columns.
        cluster: A client of Dask, or None: the data is computed as Dask does by itself.
    """

    def __init__(self, data: Any, names: tuple[str, ...], cluster: Any = None) -> None:  # noqa: ANN401 - Dask's
        self.count: int = data.npartitions
        self.known_length = _known_length(data)
        self._data = data
        self._names = names
        self._cluster = cluster
        self._parts: dict[tuple[str, ...], list[Any]] = {}
        self._held: dict[int, tuple[tuple[str, ...], Any]] = {}
        self._indexes: dict[int, Source] = {}
        self._mixed: dict[tuple[str, ...], bool] = {}
        self._latest: tuple[int, Source] = (-1, read_rows([]))
        self._begun = False

    def sources(self, numbers: Sequence[int], names: tuple[str, ...]) -> Iterator[Source]:
        """The rows of partitions, one after the other."""
        self._begun = True
        if self.known_length is None or self._are_mixed(names):  # such that one alone would take as long as all
            self._hold(numbers, names)
        following = iter(numbers[1:])
        for number in numbers:
            if self._cluster is not None and (after := next(following, None)) is not None:
                self._hold([after], names)  # it is computed while the rows of this one are asked
            yield self._read(number, names)

    def indexes(self, numbers: Sequence[int], names: tuple[str, ...]) -> list[Source]:
        """The rows of partitions without their columns; before any is read, partitions are held with these columns."""
        missing = [number for number in dict.fromkeys(numbers) if number not in self._indexes]
        if missing and not self._begun:
            self._hold(missing, names)
        bare = self._of(()) if any(number not in self._held for number in missing) else []
        parts = [self._held[number][1] if number in self._held else bare[number] for number in missing]
        for number, index in zip(missing, self._computed(*(part.index for part in parts)), strict=True):
            self._keep(number, index)
        return [self._indexes[number] for number in numbers]

    @property
    def is_known(self) -> bool:
        """Whether all indexes are here."""
        return len(self._indexes) == self.count

    def _read(self, number: int, names: tuple[str, ...]) -> Source:
        if self._is_latest(number, names):
            return self._latest[1].select(names)
        part = self._held.pop(number, None)
        if part is None or not set(names) <= set(part[0]):
            part = (names, self._of(names)[number])
        (frame,) = self._computed(part[1])
        self._keep(number, frame.index)
        self._latest = (number, read_rows(frame))
        return self._latest[1].select(names)

    def _is_latest(self, number: int, names: tuple[str, ...]) -> bool:
        """Whether this is what was read last; whoever looks at row after row reads it once."""
        return self._latest[0] == number and set(names) <= set(self._latest[1].names)

    def _keep(self, number: int, index: Any) -> None:  # noqa: ANN401 - an index of pandas
        known = self._indexes.get(number)
        if known is None:
            self._indexes[number] = read_rows(index.to_frame().iloc[:, :0])
        elif known.length != len(index):
            raise InputError("A partition has other rows than before.", hint="Persist the data: data = data.persist().")

    def _hold(self, numbers: Sequence[int], names: tuple[str, ...]) -> None:
        """Begin to compute partitions, or compute them where there is no cluster that does it meanwhile."""
        known = {*self._held, *(number for number in numbers if self._is_latest(number, names))}
        missing = [number for number in dict.fromkeys(numbers) if number not in known]
        if missing:
            parts = self._of(names)
            with self._at_cluster():
                held = dask.persist(*(parts[number] for number in missing))  # type: ignore[attr-defined,no-untyped-call]
            self._held.update((number, (names, part)) for number, part in zip(missing, held, strict=True))

    def _of(self, names: tuple[str, ...]) -> list[Any]:
        """The partitions with these columns, not computed: a reader of files reads no others."""
        if names not in self._parts:
            self._parts[names] = self._narrow(names)
        return self._parts[names]

    def _narrow(self, names: tuple[str, ...]) -> list[Any]:
        if self._data.ndim > 1 and names != self._names:
            with suppress(AttributeError, NotImplementedError):  # there are operations whose columns Dask cannot choose
                chosen = self._data.iloc[:, [self._names.index(name) for name in names]]
                return list(chosen.to_delayed())
        return list(self._data.to_delayed())

    def _are_mixed(self, names: tuple[str, ...]) -> bool:
        """Whether partitions need something in common, such as all of an input that was sorted."""
        if names not in self._mixed:
            self._mixed[names] = _are_mixed(self._of(names))
        return self._mixed[names]

    def _computed(self, *parts: Any) -> tuple[Any, ...]:  # noqa: ANN401 - Dask's, without types
        with self._at_cluster():
            return tuple(dask.compute(*parts))  # type: ignore[attr-defined,no-untyped-call]

    def _at_cluster(self) -> AbstractContextManager[object]:
        return nullcontext() if self._cluster is None else self._cluster.as_current()


@dataclass(frozen=True, eq=False, kw_only=True)
class DaskSource(Source):
    """Rows of Dask.

    Attributes:
        partitions: What they are in.
        pieces: Which partitions, and which of their rows.
        divisions: Of the frame; None when they are no longer known.
        length: How many rows there are. Where that is not known without it, the partitions are computed, and held
            until they are read.
    """

    partitions: Partitions
    pieces: tuple[Piece, ...]
    divisions: tuple[Any, ...] | None = None
    length: int | None = field(init=False, repr=False, default=cast("Any", property(lambda self: self._length())))

    @classmethod
    def of(cls, data: Any, cluster: Any = None) -> Self:  # noqa: ANN401 - a frame and a client of Dask
        """Read the rows of a DataFrame or Series of Dask; nothing is computed yet.

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
        return cls(
            kind="dask",
            names=shape.names,
            is_series=shape.is_series,
            partitions=Partitions(data, shape.names, cluster),
            pieces=tuple(Piece(number) for number in range(data.npartitions)),
            divisions=data.divisions,
        )

    def _length(self) -> int:
        partitions = self.partitions
        if partitions.known_length is not None and self._is_whole and not partitions.is_known:
            return partitions.known_length
        return sum(self._lengths())

    @property
    def _is_whole(self) -> bool:
        return len(self.pieces) == self.partitions.count and all(piece.places is None for piece in self.pieces)

    def _lengths(self) -> list[int]:
        """How many rows each piece has."""
        return [index.length or 0 for index in self._indexes()]

    def _indexes(self) -> list[Source]:
        """The rows of each piece, without columns."""
        found = self.partitions.indexes([piece.number for piece in self.pieces], self.names)
        return [_taken(index, piece) for index, piece in zip(found, self.pieces, strict=True)]

    def _read(self, names: tuple[str, ...]) -> Iterator[Source]:
        """The rows of each piece, one after the other."""
        found = self.partitions.sources([piece.number for piece in self.pieces], names)
        return (_taken(source, piece) for source, piece in zip(found, self.pieces, strict=True))

    @property
    def index(self) -> Any:  # noqa: ANN401 - pandas is optional
        """The index of all rows."""
        first, *others = [piece.index for piece in self._indexes()]
        return first.append(others) if others else first

    def labels(self) -> Sequence[Any]:
        """The labels of the index."""
        return [label for piece in self._indexes() for label in piece.labels()]

    def rows(self) -> Iterator[dict[str, Any]]:
        """Every row as a dict of column to value, in order."""
        for source in self._read(self.names):
            yield from source.rows()

    def select(self, names: Sequence[str]) -> Self:
        """The same rows with these columns only; the others are not computed."""
        self.positions(names)
        return replace(self, names=tuple(names))

    def head(self, count: int) -> Source:
        """The first rows, of as many partitions as have them."""
        pieces: list[Piece] = []
        for piece in self.pieces:
            (index,) = self.partitions.indexes([piece.number], self.names)
            length = _taken(index, piece).length or 0
            pieces.append(_part_of(piece, range(min(length, count))))
            count -= length
            if count <= 0:
                break
        return replace(self, pieces=tuple(pieces), divisions=None)

    def take(self, positions: Sequence[int]) -> Source:
        """These rows, as a source whose partitions are those that they are in."""
        lengths = self._lengths()
        starts = [0, *accumulate(lengths)]
        chosen: list[tuple[int, list[int]]] = []
        for position in positions:
            number = bisect_right(starts, position) - 1
            if not chosen or chosen[-1][0] != number:
                chosen.append((number, []))
            chosen[-1][1].append(position - starts[number])
        pieces = tuple(_part_of(self.pieces[number], places) for number, places in chosen)
        return replace(self, pieces=pieces or (_part_of(self.pieces[0], ()),), divisions=None)

    def assemble(self, filled: Sequence[Filled], keep: Sequence[str]) -> Any:  # noqa: ANN401 - a frame of Dask
        """A dask DataFrame with the same partitions; its new columns are in memory already."""
        frames, start = [], 0
        for source in self._read(tuple(keep)) if keep else self._indexes():
            stop = start + (source.length or 0)
            cells = [column._replace(cells=column.cells[start:stop]) for column in filled]
            frames.append(source.assemble(cells, keep))
            start = stop
        known = self.divisions is not None and None not in self.divisions
        divisions = self.divisions if known else None
        return dd.from_map(_itself, frames, meta=frames[0].iloc[:0], divisions=divisions)  # type: ignore[no-untyped-call]


def _known_length(data: Any) -> int | None:  # noqa: ANN401 - a frame of Dask
    """How many rows there are, where readers of files or frames in memory know."""
    if data.ndim > 1 and not len(data.columns):
        return None
    with suppress(AttributeError, NotImplementedError):  # as above
        size = (data.iloc[:, 0] if data.ndim > 1 else data).size.optimize(fuse=False)
        return int(size.compute()) if len(size.__dask_graph__()) == 1 else None
    return None


def _are_mixed(parts: Sequence[Any]) -> bool:
    """Whether two of them need the same."""
    graph, seen = dict(parts[0].__dask_graph__()), set[Any]()
    for part in parts:
        own = cull(graph, [part.key])[0]  # type: ignore[no-untyped-call]
        if not seen.isdisjoint(own):
            return True
        seen.update(own)
    return False


def _taken(source: Source, piece: Piece) -> Source:
    return source if piece.places is None else source.take(piece.places)


def _part_of(piece: Piece, places: Sequence[int]) -> Piece:
    before = piece.places
    return Piece(piece.number, tuple(places) if before is None else tuple(before[place] for place in places))


def _itself(frame: Any) -> Any:  # noqa: ANN401 - a frame of pandas
    return frame
