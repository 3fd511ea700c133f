"""The rows of whatever holds rows, which of them have nothing to say, and which hold a key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gemini_magic.exceptions import InputError
from gemini_magic.extract.prompts import check_columns_named
from gemini_magic.frames import is_null, read_rows
from gemini_magic.parts.secrets import check_secret

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from gemini_magic.parts.secrets import Key
    from gemini_magic.wire import Part

#: Texts that are remembered as clean, so that what many rows say is read once; more would only take memory.
_MAX_REMEMBERED = 10_000


@dataclass(frozen=True)
class Row:
    """A row.

    Attributes:
        number: Its position, from 0.
        values: Its values by column.
    """

    number: int
    values: Mapping[str, object]


def rows_of(data: object, names: Sequence[str] | None = None) -> Iterator[Row]:
    """The rows of a frame, a series, a list, an iterator or a `Source`, one by one.

    Args:
        data: What holds the rows.
        names: The columns to read; all when None.

    Raises:
        UnboundName: A column is not there; nothing was read.
        InputError: There is no way to read rows from it.
    """
    source = read_rows(data)
    if names is not None and tuple(names) != source.names:
        check_columns_named(names, source.names, "The data")
        source = source.select(names)
    return (Row(number, values) for number, values in enumerate(source.rows()))


def is_empty(values: Mapping[str, object], names: Iterable[str] | None = None) -> bool:
    """Whether a row has nothing to say, so that it is not sent.

    Args:
        values: Its values by column.
        names: The columns that count; all when None.

    Returns:
        Whether each of them is no value (None, NaN, NaT, NA) or a text of nothing but white space.
    """
    for name in values if names is None else names:
        value = values[name]
        if not (is_null(value) if not isinstance(value, str) else not value or value.isspace()):
            return False
    return True


class Guard:
    """Stops rows that hold a key; each text is looked at once, however many rows say it.

    Args:
        keys: The configured keys.
    """

    def __init__(self, keys: Iterable[Key] = ()) -> None:
        self._keys = tuple(keys)
        self._clean: set[int] = set()

    def check(self, parts: Iterable[Part], what: str) -> None:
        """Check what is about to be sent.

        Args:
            parts: The parts of a row.
            what: What the user calls the row, such as ``Row 17``, for the message.

        Raises:
            InputError: It holds a key or a token; the message names its kind, and never shows it.
        """
        for part in parts:
            text = part.text
            if text and hash(text) not in self._clean:
                self._look_at(text, what)

    def _look_at(self, text: str, what: str) -> None:
        try:
            check_secret(text, what, keys=self._keys)
        except InputError as error:
            hint = "Mask it; or, if it may be sent, switch the check for keys off."
            raise InputError(error.message, hint=hint) from None
        if len(self._clean) < _MAX_REMEMBERED:
            self._clean.add(hash(text))
