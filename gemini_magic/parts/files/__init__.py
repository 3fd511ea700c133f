"""Files that the user named: ``gm.file("report.pdf")``, ``gm.image("photo.png")`` and ``pathlib.Path``.

A plain text is never a file, whatever it says. What a file holds goes in at the place where it is named: a picture,
PDF, audio or video as inlineData, text as text under its name. An address goes to the server as fileData; we fetch
none.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from gemini_magic.exceptions import FileRejected, ImageRejected, InputError
from gemini_magic.parts.files.kinds import TEXT, by_suffix, declared, kind_of
from gemini_magic.parts.files.names import plain_name, shown_name, size_text
from gemini_magic.parts.files.opening import read_file
from gemini_magic.parts.files.uris import YOUTUBE_TYPE, check_uri, is_upload, is_upload_address, is_uri, is_youtube
from gemini_magic.parts.media import drawing_kind, mime_type
from gemini_magic.parts.pictures import picture_parts
from gemini_magic.parts.pictures.image import bytes_parts, is_picture_type
from gemini_magic.parts.text import check_text

if TYPE_CHECKING:
    from gemini_magic import wire
    from gemini_magic.parts.media import Pictures

_MIME = re.compile(r"[A-Za-z0-9][\w.+-]*/[\w.+-]+(\s*;\s*[\w.+-]+=[\w.+-]+)*", re.ASCII)
_TICKS = re.compile(r"`{3,}")


@dataclass(frozen=True, repr=False)
class File:
    """A file or an address that stands in a prompt; it is read when it is sent, not before.

    Args:
        path: Where the file is; empty for an address.
        uri: What the server is to fetch; empty for a file of this computer.
        mime_type: What it is, when its content and name should not be asked.
        picture: Whether it has to be a picture.
    """

    path: str = ""
    uri: str = ""
    mime_type: str = ""
    picture: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be sent from wherever it lies."""
        if bool(self.path) == bool(self.uri):
            raise FileRejected("A file needs a path or an address.", hint='Write it like gm.file("report.pdf").')
        if self.mime_type and not _MIME.fullmatch(self.mime_type):
            raise FileRejected(f"{shown_name(self.mime_type)} is no MIME type.", hint="Write it like application/pdf.")
        if self.uri and not is_upload(self.uri):
            check_uri(self.uri, self.words())

    def words(self, name: str = "") -> str:
        """What it is called in messages.

        Args:
            name: What the user calls it.
        """
        words = f"{'address' if self.uri else 'file'} {shown_name(self.uri or self.path)}"
        return f"{name} (the {words})" if name else f"The {words}"

    @property
    def kind(self) -> str:
        """What it is by its name, or by what was said; empty when neither tells."""
        if self.mime_type:
            return self.mime_type
        return _uri_type(self.uri) if self.uri else by_suffix(self.path)

    def __repr__(self) -> str:
        """Where it is, what it is and how large; the file is not opened for that."""
        words = [shown_name(self.uri or self.path), *filter(None, [self.kind])]
        if self.path:
            try:
                words.append(size_text(Path(self.path).expanduser().stat().st_size))
            except (OSError, ValueError, RuntimeError):
                words.append("not there")
        return f"File({', '.join(words)})"


@dataclass(frozen=True, repr=False)
class AsPicture:
    """A value that is to be sent as a picture, whatever else it could be sent as."""

    value: object

    def __repr__(self) -> str:
        """The kind of value; the value itself may be large."""
        return f"AsPicture({type(self.value).__name__})"


def file(source: str | os.PathLike[str], *, mime_type: str = "") -> File:
    """Name a file to be sent with a prompt.

    ``{{gm.file("report.pdf")}}`` puts it where it stands. Besides files of this computer it takes what the server
    fetches itself: an upload to the Files API (its address, or ``files/…``), ``gs://`` and ``https://`` addresses,
    and videos on YouTube. Nothing is fetched from here.

    Args:
        source: A path or an address.
        mime_type: What it is, when its content and name should not be asked.

    Returns:
        A reference; the file is read each time it is sent.

    Raises:
        InputError: It can be neither a path nor an address, or it is an address that is not sent on.
    """
    return _file(source, mime_type, picture=False)


def image(source: object) -> File | AsPicture:
    """Name something to be sent as a picture.

    Args:
        source: A path or address of a picture, or a value such as an array, a figure or the bytes of a picture.

    Returns:
        A reference to a file, or the value marked as a picture.

    Raises:
        InputError: It is an address that is not sent on, or not that of a picture.
    """
    if not isinstance(source, str | os.PathLike):
        return source if isinstance(source, AsPicture) else AsPicture(source)
    found = _file(source, "", picture=True)
    if found.uri and found.kind and not is_picture_type(found.kind):
        raise ImageRejected(f"{found.words()} is {found.kind}, not a picture.", hint="Use gm.file(…) for it.")
    return found


def _file(source: object, mime_type: str, *, picture: bool) -> File:
    if isinstance(source, os.PathLike):
        path = os.fspath(source)
        return File(path=path if isinstance(path, str) else os.fsdecode(path), mime_type=mime_type, picture=picture)
    if not isinstance(source, str):
        hint = "Bytes and other values go into the prompt as they are: {{data}}."
        raise InputError(f"gm.file takes a path or an address, not {type(source).__name__}.", hint=hint)
    text = source.strip() if is_uri(source.strip()) else source
    if is_uri(text) or (is_upload(text) and not Path(text).exists()):
        return File(uri=text, mime_type=mime_type, picture=picture)
    return File(path=text, mime_type=mime_type, picture=picture)


def is_file(value: object) -> bool:
    """Whether a value names a file, or is marked as a picture."""
    return isinstance(value, File | AsPicture | Path)


def file_parts(value: object, name: str, pictures: Pictures) -> list[wire.Part]:
    """Read what a value names, and make parts of it.

    Args:
        value: A ``File``, a ``pathlib.Path``, or a value marked as a picture.
        name: What the user calls it, for messages; may be empty.
        pictures: What was asked for pictures.

    Returns:
        The parts: fileData for an address, text for a text, inlineData for everything else.

    Raises:
        InputError: It cannot be sent.
    """
    from gemini_magic import wire  # noqa: PLC0415 - keeps the extension's loading light

    if isinstance(value, AsPicture):
        return picture_parts(value.value, name, pictures)
    found = value if isinstance(value, File) else File(path=str(value))
    what = found.words(name)
    if found.uri:
        return [wire.Part(file_data=wire.FileData(mime_type=found.kind or None, file_uri=found.uri))]
    data = read_file(found.path, what)
    return content_parts(data, _label(found.path), what, pictures, as_type=found.mime_type, picture=found.picture)


def content_parts(
    data: bytes, label: str, what: str, pictures: Pictures, *, as_type: str = "", picture: bool = False
) -> list[wire.Part]:
    """Make parts of what a file holds.

    Args:
        data: What it holds.
        label: Its name, as the model gets to know it.
        what: What the user calls it, for messages.
        pictures: What was asked for pictures.
        as_type: What it is, when its content and name should not be asked.
        picture: Whether it has to be a picture.

    Raises:
        InputError: It cannot be sent.
    """
    from gemini_magic import wire  # noqa: PLC0415 - keeps the extension's loading light

    known = mime_type(data)
    if picture and drawing_kind(data):
        return picture_parts(data, what, pictures)  # which says what to do with it
    kind = as_type or kind_of(data, label, what)
    if is_picture_type(kind):
        return picture_parts(data, what, pictures)
    if picture:
        raise ImageRejected(f"{what} is {kind}, not a picture.", hint="Use -f or gm.file(…) for it.")
    if kind == TEXT and not as_type:
        return [wire.Part(text=fenced(data.decode("utf-8-sig"), label, what))]
    return bytes_parts(data, what, pictures) if kind == known else [wire.Part.from_bytes(data, kind)]


def fenced(text: str, label: str, what: str) -> str:
    """Write the text of a file so that the model sees where it starts and ends.

    Args:
        text: The text.
        label: The file's name.
        what: What the user calls it, for the message when it is too long.
    """
    ticks = "`" * (1 + max([2, *(len(run) for run in _TICKS.findall(text))]))
    end = "" if text.endswith("\n") else "\n"
    return f"File {plain_name(label)}:\n{ticks}\n{check_text(text, what)}{end}{ticks}\n"


def _label(path: str) -> str:
    """A file's name for the model: as it was typed, without the folders of this computer around it."""
    pure = Path(path)
    return pure.name if pure.is_absolute() or {"..", "~"} & {part[:2] for part in pure.parts} else str(pure)


def _uri_type(uri: str) -> str:
    if is_upload(uri) or is_upload_address(uri):
        return ""  # the server knows
    return YOUTUBE_TYPE if is_youtube(uri) else declared(urlsplit(uri).path)
