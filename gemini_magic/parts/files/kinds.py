"""Which kind a file is: by what it holds, and only then by its name."""

from __future__ import annotations

import mimetypes
import re
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import TYPE_CHECKING

from gemini_magic.exceptions import FileRejected
from gemini_magic.parts.media import mime_type, wire_mime

if TYPE_CHECKING:
    from collections.abc import Mapping

TEXT = "text/plain"
PDF = "application/pdf"

#: What Python's own table has under another name, or not at all.
_BY_SUFFIX: Mapping[str, str] = MappingProxyType(
    {
        ".3gp": "video/3gpp",
        ".aac": "audio/aac",
        ".avif": "image/avif",
        ".flac": "audio/flac",
        ".flv": "video/x-flv",
        ".heic": "image/heic",
        ".heif": "image/heif",
        ".jfif": "image/jpeg",
        ".m4a": "audio/mp4",
        ".m4v": "video/mp4",
        ".mkv": "video/x-matroska",
        ".mov": "video/quicktime",
        ".mp3": "audio/mpeg",
        ".mp4": "video/mp4",
        ".mpg": "video/mpeg",
        ".oga": "audio/ogg",
        ".ogg": "audio/ogg",
        ".opus": "audio/ogg",
        ".wav": "audio/wav",
        ".weba": "audio/webm",
        ".webm": "video/webm",
        ".webp": "image/webp",
        ".wmv": "video/wmv",
    }
)
_TEXT_TYPES = re.compile(
    r"application/(json|ld\+json|xml|javascript|ecmascript|sql|toml|yaml|rtf|x-(ipynb\+json|sh|csh|tex|latex|yaml|httpd-php"
    r"|python-code|subrip)|(\w|[.+-])+\+(xml|json))|image/svg\+xml|message/rfc822"
)
_TEXT_SUFFIXES = re.compile(
    r"\.(bib|c|cfg|conf|cpp|cs|go|h|hpp|ini|ipynb|java|jl|jsonl|jsx|kt|log|lua|md|ndjson|php|pl|properties|proto|ps1|py"
    r"|qmd|r|rb|rmd|rs|rst|scala|sh|sql|srt|swift|tex|toml|tsv?|tsx|txt|vtt|ya?ml)"
)
#: What an unknown file may look like by its first bytes, and what to do with it.
_LOOKS: tuple[tuple[bytes, str, str], ...] = (
    (b"PK\x03\x04", "a ZIP archive, as Word, Excel and PowerPoint files are", "Save a document as PDF; unpack others."),
    (b"\xd0\xcf\x11\xe0", "an old Word, Excel or PowerPoint file", "Save it as PDF."),
    (b"\x1f\x8b", "a gzip archive", "Unpack it first."),
    (b"PAR1", "a Parquet table", "Read it as a dataframe, and put that into the prompt."),
    (b"SQLite format 3", "an SQLite database", "Read a table of it as a dataframe, and put that into the prompt."),
    (b"\x89HDF", "an HDF5 file", "Read what you need of it, and put that into the prompt."),
    (b"\x93NUMPY", "a NumPy array", "Load it, and put it into the prompt."),
    (b"\x80\x04\x95", "a pickle", "Load it yourself if you trust it, and put what it holds into the prompt."),
    (b"\x7fELF", "a program", "Send its source."),
    (b"MZ", "a program", "Send its source."),
)
_SENT = "Pictures, PDF, audio, video and UTF-8 text are sent."


def by_suffix(name: str) -> str:
    """The kind that a name speaks of; an empty string when it speaks of none. All texts are of one kind."""
    found = wire_mime(declared(name))
    return TEXT if _is_text_type(found) else found


def declared(name: str) -> str:
    """The same as it is declared to a server that fetches the file itself, which tells HTML from other text."""
    suffix = PurePosixPath(name.replace("\\", "/")).suffix.lower()
    if _TEXT_SUFFIXES.fullmatch(suffix):
        return TEXT
    return _BY_SUFFIX.get(suffix) or mimetypes.guess_type(f"x{suffix}")[0] or ""


def _is_text_type(kind: str) -> bool:
    return kind.startswith("text/") or bool(_TEXT_TYPES.fullmatch(kind))


def kind_of(data: bytes, name: str, what: str) -> str:
    """Find out what a file is.

    Args:
        data: What it holds.
        name: Its name.
        what: What the user calls it, for messages.

    Returns:
        ``text/plain`` for every text, else the kind of a picture, a document, audio or video.

    Raises:
        FileRejected: It is nothing that can be sent, or not what its name says.
    """
    named, found = by_suffix(name), mime_type(data)
    is_text = b"\x00" not in data[:8192] and _is_utf8(data)
    if found and not (is_text and named == TEXT and found != PDF):
        # MP4, Ogg and WebM begin alike whether they hold a film or sound alone.
        both = {found.partition("/")[0], named.partition("/")[0]} == {"audio", "video"}
        return named if both else found
    is_medium = named.partition("/")[0] in {"image", "audio", "video"}
    if is_text:
        if is_medium or named == PDF:
            raise FileRejected(f"{what} is named as {named}, but holds text.", hint="Give the file that is meant.")
        return TEXT
    if is_medium:
        return named
    raise _unknown(data, named, what)


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return False
    return True


def _unknown(data: bytes, named: str, what: str) -> FileRejected:
    for start, look, hint in _LOOKS:
        if data.startswith(start):
            return FileRejected(f"{what} is {look}, which is not sent.", hint=f"{hint} {_SENT}")
    if named == TEXT:
        try:
            data.decode("utf-8-sig")
            reason = "it holds NUL bytes"
        except UnicodeDecodeError as error:
            reason = f"its byte {error.start:,} is not"
        return FileRejected(
            f"{what} is not UTF-8 text: {reason}.",
            hint="Read it with its own encoding, as Path(…).read_text('latin-1') does, and put that into the prompt.",
        )
    first = data[:8].hex(" ")
    return FileRejected(f"{what} is of no kind that is sent; its first bytes are {first}.", hint=_SENT)
