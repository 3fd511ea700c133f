r"""A prompt for rows: ``{{name}}`` is the value of a column, and nothing in the braces is run.

* What stands in the braces is a path, as in a template: a column, attributes of its value that do not start with
  ``_``, and literal indexes. ``\{{`` is ``{{`` as text, and braces that hold no Python expression are text.
* ``{{row["two words"]}}`` is the column of any name, and ``{{row}}`` the whole row; a column that is itself called
  ``row`` goes before that.
* A prompt without such a place has the values behind it: that of one column as it is, several as JSON in one line.
* Where a row has no value, the word ``null`` stands, as in JSON; rows without any value are not sent at all.
* A picture, a file or another part goes in where its column is named, and behind the JSON where none is.

Values are never read again, whatever braces they hold.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Self

from gemini_magic.exceptions import InputError, UnboundName
from gemini_magic.frames import is_null
from gemini_magic.parts import MAX_TEXT, Pictures, check_text, is_media, table_text, to_parts, to_text
from gemini_magic.parts.braces import split
from gemini_magic.parts.paths import Path, follow, read_path
from gemini_magic.settings import did_you_mean
from gemini_magic.wire import Part

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from gemini_magic.parts.braces import Expression

#: What stands for the whole row in a path.
ROW = "row"
NULL = "null"
_WHERE = "The prompt"
_WAY_OUT = r'Name a column, as in {{name}} or {{row["two words"]}}; \{{ is two braces as they stand.'
_BRACES = re.compile(r"(?<!\\)\{\{([^{}]*)\}\}")
_SHOWN_NAMES = 10
_AS_THEY_ARE = Pictures()


class Place(NamedTuple):
    """Where a value goes.

    Attributes:
        shown: As the user wrote it, for messages.
        path: The path to it; its name is a column, or `ROW` for the whole row.
        rows: How many rows of a table to show, if that was said.
        whole: Whether it is the row itself.
    """

    shown: str
    path: Path
    rows: int | None = None
    whole: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether it is a column and no more."""
        return not (self.whole or self.path.steps or self.rows is not None)


@dataclass(frozen=True)
class Template:
    """A prompt whose places are known; it can be pickled.

    Attributes:
        names: The columns that it reads, in the order in which they first stand in it.
        pieces: Texts and places in turn; none when the values go behind the prompt.
        prompt: The prompt as it was written.
    """

    names: tuple[str, ...]
    pieces: tuple[str | Place, ...]
    prompt: str = ""

    @classmethod
    def of(cls, text: str, names: Iterable[str]) -> Self:
        """Read a prompt.

        Args:
            text: The prompt.
            names: The columns that there are.

        Raises:
            UnboundName: It names a column that is not there.
            InputError: What stands in its braces is no path.
        """
        known = tuple(names)
        pieces = tuple(
            _checked_text(piece, known) if isinstance(piece, str) else _place(piece, known)
            for piece in split(text, lambda path: path.partition(".")[0] in known)
        )
        places = [piece for piece in pieces if isinstance(piece, Place)]
        if not places:
            return cls(known, (), "".join(piece for piece in pieces if isinstance(piece, str)))
        used = [name for place in places for name in (known if place.whole else (place.path.name,))]
        return cls(tuple(dict.fromkeys(used)), pieces, text)

    def fill(
        self, values: Mapping[str, object], pictures: Pictures | None = None, *, limit: int = MAX_TEXT
    ) -> tuple[Part, ...]:
        """The parts of a request for a row.

        Args:
            values: The row: its values by column.
            pictures: What was asked for pictures.
            limit: Characters of text at most.

        Returns:
            Text and other parts in order; neighbouring texts are one.

        Raises:
            InputError: A value cannot be sent, or the text is too long.
        """
        return self.parts(self.read(values, pictures), limit=limit)

    def read(self, values: Mapping[str, object], pictures: Pictures | None = None) -> list[str | Part]:
        """What a row says, as texts and other parts that were not looked at yet; neighbouring texts are one.

        Args:
            values: The row: its values by column.
            pictures: What was asked for pictures.

        Raises:
            InputError: A value cannot be sent.
        """
        asked = pictures or _AS_THEY_ARE
        return _joined(self._filled(values, asked) if self.pieces else self._appended(values, asked))

    @staticmethod
    def parts(read: Iterable[str | Part], *, limit: int = MAX_TEXT) -> tuple[Part, ...]:
        """The parts of a request for what a row says.

        Args:
            read: What `read` has given.
            limit: Characters of text at most.

        Raises:
            InputError: The text is too long, or cannot be sent.
        """
        found = list(read)
        characters = sum(len(piece) for piece in found if isinstance(piece, str))
        if characters > limit:
            raise InputError(
                f"The text of this row is {characters:,} characters long; the limit is {limit:,}.",
                hint="Cut it, or split it into several rows.",
            )
        return tuple(
            Part(text=check_text(piece, "The text of this row", limit)) if isinstance(piece, str) else piece
            for piece in found
        )

    def _filled(self, values: Mapping[str, object], pictures: Pictures) -> Iterator[str | Part]:
        for piece in self.pieces:
            if isinstance(piece, str):
                yield piece
            elif piece.is_plain and type(value := values[piece.path.name]) is str:
                yield value  # as nearly all are; the long way would come to the same
            elif piece.whole:
                yield from _together({name: values[name] for name in self.names}, pictures)
            elif is_null(values[piece.path.name]):
                yield NULL
            else:
                yield from _pieces_of(follow(piece.path, values, piece.shown, _WAY_OUT), piece, pictures)

    def _appended(self, values: Mapping[str, object], pictures: Pictures) -> Iterator[str | Part]:
        if self.prompt.strip():
            yield f"{self.prompt.rstrip()}\n\n"
        if len(self.names) == 1:
            (name,) = self.names
            yield from _pieces_of(values[name], Place(name, Path(name)), pictures)
        else:
            yield from _together({name: values[name] for name in self.names}, pictures)


def check_columns_named(wanted: Sequence[str], known: Sequence[str], where: str) -> None:
    """Check that columns are there.

    Raises:
        UnboundName: One is not; the message says which is the nearest.
    """
    for name in wanted:
        if name not in known:
            raise _unknown(name, known, where)


def _unknown(name: str, known: Sequence[str], where: str) -> UnboundName:
    shown = ", ".join(map(repr, known[:_SHOWN_NAMES])) + (", …" if len(known) > _SHOWN_NAMES else "")
    there = f"The only column is {shown}." if len(known) == 1 else f"The columns are {shown or 'none'}."
    near = did_you_mean(name, known)
    return UnboundName(f"{where}: there is no column {name!r}.", hint=f"{near} {there}".strip())


def _checked_text(text: str, names: Sequence[str]) -> str:
    """A text between places; a column whose name is no Python would silently be sent as it stands."""
    for found in _BRACES.finditer(text):
        name = found[1].strip()
        # What could be a place and stands in a text was escaped.
        if name in names and len(split(found[0], lambda _: True)) == 1:
            raise _no_identifier(found[0], name)
    return text


def _no_identifier(shown: str, name: str) -> InputError:
    return InputError(
        f"{_WHERE}: {shown} is not understood, because the column's name is no word.",
        hint=f"Write {{{{row[{json.dumps(name, ensure_ascii=False)}]}}}}.",
    )


def _place(expression: Expression, names: Sequence[str]) -> Place:
    inside = expression.typed[2:-2].strip()
    try:
        path = read_path(expression, _WHERE, _WAY_OUT)
    except InputError:
        if inside in names:
            raise _no_identifier(expression.shown, inside) from None
        raise
    whole = path.name == ROW and ROW not in names
    if whole and path.steps:
        path, whole = _column(path), False
    if not whole and path.name not in names:
        raise _unknown(path.name, names, f"{_WHERE}, {expression.shown}")
    return Place(expression.shown, path, expression.rows, whole)


def _column(path: Path) -> Path:
    """``row["name"]`` is the column of that name; one that is called by a number has that number as text."""
    step = path.steps[0]
    return Path(step if isinstance(step, str) else str(step[0]), path.steps[1:])


def _pieces_of(value: object, place: Place, pictures: Pictures) -> Iterator[str | Part]:
    """What a value puts into the prompt."""
    if place.rows is not None:
        yield table_text(value, f"{place.shown} ({type(value).__name__})", place.rows)
    elif type(value) is str:
        yield value
    elif is_null(value):
        yield NULL
    elif not is_media(value):
        yield to_text(value, name=place.shown)
    else:
        for part in to_parts(value, name=place.shown, pictures=pictures):
            # A part that is no more than text is text of the prompt; one with a signature is not.
            yield (part.text or "") if part.model_fields_set == {"text"} else part


def _together(values: Mapping[str, object], pictures: Pictures) -> Iterator[str | Part]:
    """Several values: JSON of what is text, and behind it the rest, by name where there are several."""
    media = {name: value for name, value in values.items() if not is_null(value) and is_media(value)}
    plain = {name: None if is_null(value) else value for name, value in values.items() if name not in media}
    if plain:
        yield _json(plain)
    for name, value in media.items():
        named = len(media) > 1
        yield (f"\n\n{name}:\n" if named else "\n\n") if plain or named else ""
        yield from _pieces_of(value, Place(name, Path(name)), pictures)


def _json(values: Mapping[str, object]) -> str:
    if all(_is_json(value) for value in values.values()):
        return json.dumps(values, ensure_ascii=False)
    return to_text(dict(values), name=ROW)


def _is_json(value: object) -> bool:
    return type(value) in {str, int, bool, type(None)} or (type(value) is float and math.isfinite(value))


def _joined(pieces: Iterable[str | Part]) -> list[str | Part]:
    """The pieces with neighbouring texts made one, and without empty ones."""
    found: list[str | Part] = []
    run: list[str] = []
    for piece in pieces:
        if isinstance(piece, str):
            run.append(piece)
            continue
        if text := "".join(run):
            found.append(text)
        run = []
        found.append(piece)
    if text := "".join(run):
        found.append(text)
    return found
