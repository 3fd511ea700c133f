"""Files that were attached in the pane: what their bytes are decides, and every bad one is named."""

from __future__ import annotations

import base64
import binascii
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

from gemini_magic.exceptions import FileRejected, GeminiMagicError, InputError
from gemini_magic.parts import Medium
from gemini_magic.parts.files import content_parts
from gemini_magic.parts.files.names import plain_name, shown_name, size_text
from gemini_magic.parts.files.opening import MAX_FILE
from gemini_magic.parts.files.secret_files import why_secret
from gemini_magic.parts.secrets import check_secret

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gemini_magic.parts import Pictures
    from gemini_magic.settings import ApiKey

#: How many files a question may have.
MOST = 100
#: Bytes in one message from the browser: Jupyter's server ends the connection above 10 MiB, words included.
LIMIT, LIMIT_BASE64 = 10_000_000, 7_500_000


class Attachment(NamedTuple):
    """A file as the browser sent it."""

    name: str
    data: bytes


def attachments_of(listed: object, buffers: Sequence[Any]) -> list[Attachment]:
    """The files of a message: their bytes stand in its buffers, or in itself as base64.

    Raises:
        InputError: The message is not as it should be.
    """
    if not isinstance(listed, list):
        raise InputError("The attachments of this message cannot be read.")
    if len(listed) > MOST:
        raise InputError(f"{len(listed):,} files are attached; at most {MOST} can be sent at once.")
    return [_attachment(entry, buffers) for entry in listed]


def _attachment(entry: object, buffers: Sequence[Any]) -> Attachment:
    given: Mapping[str, Any] = entry if isinstance(entry, dict) else {}
    name = plain_name(PurePosixPath(str(given.get("name") or "").replace("\\", "/")).name or "file")
    return Attachment(name, data_of(given, buffers, f"The attachment {shown_name(name)}"))


def data_of(given: Mapping[str, Any], buffers: Sequence[Any], what: str) -> bytes:
    """The bytes that a message carries.

    Raises:
        InputError: They did not come whole.
    """
    number, text, size = given.get("buffer"), given.get("data"), given.get("size")
    data: bytes | None = None
    if isinstance(number, int) and 0 <= number < len(buffers):
        data = bytes(buffers[number])
    elif isinstance(text, str):
        try:
            data = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            data = None
    if data is None or (isinstance(size, int) and size != len(data)):
        raise InputError(f"{what} did not arrive whole.", hint="Attach it again.")
    return data


def media_of(
    attachments: Sequence[Attachment], *, pictures: Pictures, keys: Sequence[ApiKey] | None
) -> tuple[list[Medium], dict[int, str]]:
    """Make parts of files.

    Args:
        attachments: The files.
        pictures: What is asked for pictures.
        keys: Keys that must not be sent to a model; None to send whatever there is.

    Returns:
        The parts, and what is wrong with the files that cannot be sent, by their numbers from 0.
    """
    found: list[Medium] = []
    bad: dict[int, str] = {}
    for number, attachment in enumerate(attachments):
        try:
            found += _media(attachment, pictures, keys)
        except GeminiMagicError as error:
            bad[number] = str(error)
    return found, bad


def _media(attachment: Attachment, pictures: Pictures, keys: Sequence[ApiKey] | None) -> list[Medium]:
    name, data = attachment
    what = f"The file {shown_name(name)}"
    if why := why_secret(Path("/attached") / name):
        raise FileRejected(
            f"{what} is {why}, which is never sent.", hint="If you mean it, paste what is to be sent as text."
        )
    if not data:
        raise FileRejected(f"{what} is empty.", hint="Write something into it, or leave it out.")
    if len(data) > MAX_FILE:
        raise FileRejected(f"{what} is {size_text(len(data))}; the limit is {size_text(MAX_FILE)}.")
    parts = content_parts(data, name, what, pictures)
    if keys is not None:
        for part in parts:
            check_secret(part.text or "", what, keys=keys)
    return [Medium(name, part) for part in parts]
