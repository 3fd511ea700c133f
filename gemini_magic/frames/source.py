"""What rows are read from, whatever held them, and what a result is given back as."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from gemini_magic.exceptions import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Self

#: The name of the only column where there is none, as in a list of texts.
TEXT = "text"
#: How many rows are taken from a frame at a time.
PIECE = 1_000


class Filled(NamedTuple):
    """A new column: its name, its kind, and a value or None for each row."""

    name: str
    kind: str
    cells: list[Any]


@dataclass(frozen=True, eq=False, kw_only=True)
class Source(ABC):
    """Rows, read from a frame, a series, a list or an iterator.

    Nothing is copied: rows are taken piece by piece, as they are asked for, and only the columns that were selected.

    Attributes:
        kind: The library or the kind of container: ``"pandas"``, ``"polars"``, ``"pyarrow"``, ``"list"``, ``"dict"``,
            ``"numpy"`` or ``"iterator"``.
        names: The names of the columns as texts. Where there is no name, as in a list of texts, it is ``"text"``.
        length: How many rows there are; None for an iterator.
        is_series: Whether it is a single column without a table around it.
        wrapped: Whether it came as a frame of narwhals, so that the result has to be one.
    """

    kind: str
    names: tuple[str, ...]
    length: int | None
    is_series: bool = False
    wrapped: bool = False

    @property
    def index(self) -> Any:  # noqa: ANN401 - pandas is optional
        """The index of a pandas frame, which is that of every result; None for all others."""
        return None

    @abstractmethod
    def rows(self) -> Iterator[dict[str, Any]]:
        """Every row as a dict of column to value, in order."""

    @abstractmethod
    def select(self, names: Sequence[str]) -> Self:
        """The same rows with these columns only, in this order.

        Raises:
            InputError: A name is not there.
        """

    @abstractmethod
    def head(self, count: int) -> Source:
        """The first rows; an iterator still gives them again to ``rows()``."""

    @abstractmethod
    def take(self, positions: Sequence[int]) -> Source:
        """The rows at these positions, in this order; a position may come several times."""

    @abstractmethod
    def assemble(self, filled: Sequence[Filled], keep: Sequence[str]) -> Any:  # noqa: ANN401 - any library's frame
        """A result of the same library on the same rows: kept columns first, then the new ones."""

    def labels(self) -> Sequence[Any]:
        """The label of every row: that of the index in pandas, the position elsewhere."""
        return range(self.length or 0)

    def find(self, label: object) -> list[int]:
        """The positions of the rows with this label, of which there may be none or several."""
        try:
            return [self.labels().index(label)]
        except ValueError:
            return []

    def positions(self, names: Sequence[str]) -> list[int]:
        """Where columns stand among all.

        Raises:
            InputError: A name is not there.
        """
        missing = [name for name in names if name not in self.names]
        if missing:
            raise InputError(f"There is no column {words(missing)}.", hint=f"There are: {words(self.names) or 'none'}.")
        return [self.names.index(name) for name in names]


class Columnar(Source):
    """A source that holds its values column by column."""

    @abstractmethod
    def readers(self) -> list[Reader]:
        """One reader for each column, in the order of the names."""

    def rows(self) -> Iterator[dict[str, Any]]:
        """Every row as a dict of column to value, in order."""
        readers, length = self.readers(), self.length or 0
        for start in range(0, length, PIECE):
            stop = min(start + PIECE, length)
            columns = [reader(start, stop) for reader in readers]
            if not columns:
                yield from ({} for _ in range(start, stop))
            for cells in zip(*columns, strict=True):
                yield dict(zip(self.names, cells, strict=True))


if TYPE_CHECKING:
    from collections.abc import Callable

    Reader = Callable[[int, int], Sequence[Any]]


def check_names(names: Sequence[str]) -> tuple[str, ...]:
    """Names as a tuple; two columns of one name could not be told apart.

    Raises:
        InputError: A name is there twice.
    """
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise InputError(
            f"More than one column is called {words(twice)}.",
            hint="Rename them, or hand over only the columns that are needed, such as df[['text', 'date']].",
        )
    return tuple(names)


def words(names: Sequence[str]) -> str:
    """Names in quotes, the first ten of them."""
    shown = ", ".join(repr(name) for name in names[:10])
    return f"{shown} and {len(names) - 10:,} more" if len(names) > 10 else shown  # noqa: PLR2004 - as it says
