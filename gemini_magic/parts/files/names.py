"""Names of files as they are shown: in one line, and without characters that hide something."""

from __future__ import annotations

_LONGEST = 120


def shown_name(name: str) -> str:
    """Write a name in quotes; line breaks, bidi marks, bytes that are no text and the like show as escapes."""
    text = plain_name(name)
    if len(text) > _LONGEST:
        text = f"{text[: _LONGEST // 2]}…{text[-_LONGEST // 2 :]}"
    return f'"{text}"' if "'" in text else f"'{text}'"


def plain_name(name: str) -> str:
    """The same without quotes, however long it is."""
    return "".join(character if character.isprintable() else _escape(character) for character in name)


def _escape(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # noqa: PLR2004 - how Python writes a byte that is no UTF-8 into a name
        return f"\\x{code - 0xDC00:02x}"
    return character.encode("unicode_escape").decode("ascii")


def size_text(size: int) -> str:
    """A number of bytes as people say it."""
    if size < 1000:  # noqa: PLR2004 - bytes in a kilobyte
        return f"{size} bytes"
    units = ((1000, "kB"), (1000**2, "MB"), (1000**3, "GB"))
    # What rounds to 1,000 is one of the next unit.
    amount, name = next(((size / unit, name) for unit, name in units if size < 999.5 * unit), (size / 1e9, "GB"))
    return f"{amount:.1f} {name}" if amount < 9.95 else f"{amount:,.0f} {name}"  # noqa: PLR2004 - two digits will do
