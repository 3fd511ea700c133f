"""Takes the key out of whatever comes back from a server, before anything is shown, kept or logged; no I/O.

Servers and the proxies before them repeat keys: in errors, in headers, in names, even in answers.
"""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json, to_json

from gemini_magic.exceptions import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable

    from gemini_magic.exceptions import GeminiMagicError
    from gemini_magic.settings import ApiKey
    from gemini_magic.wire import GenerateContentResponse

#: What is shorter may stand in an answer by chance, or be part of its JSON.
_SHORTEST = 8
_LOGGERS = ("httpx", *(f"httpcore.{name}" for name in ("connection", "http11", "http2", "proxy", "socks")))


class Mask:
    """Puts a mask in the place of a key; without a key, everything stays as it is."""

    def __init__(self, key: ApiKey | None) -> None:
        self._key = key
        self._in_answers = key if key is not None and len(key.reveal()) >= _SHORTEST else None
        #: Whether a document has anything to be looked at more closely; asked for every chunk of every answer.
        self.concerns = _watch(self._in_answers)
        if self._in_answers is not None:
            _keep_out_of_logs(self._in_answers)

    def in_bytes(self, data: bytes) -> bytes:
        """Bytes of a server."""
        return data if self._in_answers is None else bytes(self._in_answers.hidden_in(data))

    def in_json(self, data: bytes) -> bytes:
        """A whole document; the key may be written with JSON's escapes."""
        data = self.in_bytes(data)
        if self._in_answers is not None and _has_escapes(data):
            with contextlib.suppress(ValueError):  # no JSON: whoever reads it will say so
                document = from_json(data)
                hidden = self._in_answers.hidden_in(document)
                return data if hidden == document else to_json(hidden)
        return data

    def in_chunk(self, chunk: dict[str, Any], data: bytes) -> dict[str, Any]:
        """What was read from a document, in which the key may have been written with JSON's escapes."""
        if self._in_answers is None or not _has_escapes(data):
            return chunk
        hidden: dict[str, Any] = self._in_answers.hidden_in(chunk)
        return hidden

    def in_response(self, response: GenerateContentResponse) -> bool:
        """A merged answer; tells whether the key was in it, which means that it had come in pieces."""
        if self._in_answers is None:
            return False
        found = False
        for candidate in response.candidates or ():
            parts = candidate.content.parts if candidate.content is not None else None
            for number, part in enumerate(parts or ()):
                if parts and part.text and self._in_answers.is_in(part.text):
                    parts[number] = part.model_copy(update={"text": self._in_answers.hidden_in(part.text)})
                    found = True
        return found

    def in_error(self, error: GeminiMagicError) -> None:
        """An error: its words, those of the errors beneath it, and the frames that they went through."""
        if self._key is None:
            return
        hidden = self._key.hidden_in
        error.message, error.hint = hidden(error.message), hidden(error.hint)
        error.args = (error.message,)
        if isinstance(error, ApiError):
            error.reason, error.details = hidden(error.reason), hidden(error.details)
        _forget_beneath(error, self._key)


def _watch(key: ApiKey | None) -> Callable[[bytes], bool]:
    if key is None:
        return lambda _: False
    needle = key.reveal().encode()  # in a closure, where no report of an object or of a frame shows it
    return lambda data: needle in data or _has_escapes(data)


def _has_escapes(data: bytes) -> bool:
    """Whether JSON may spell the characters of a key otherwise than they are."""
    return b"\\u" in data or b"\\/" in data


def _forget_beneath(error: BaseException, key: ApiKey) -> None:
    """The frames of a failed request hold its headers and the server's bytes; reports of crashes copy them."""
    error.__traceback__ = None
    while (cause := error.__cause__ or error.__context__) is not None:
        if key.is_in(f"{cause} {cause.args!r} {vars(cause)!r}"):
            error.__cause__ = error.__context__ = None
            return
        cause.__traceback__ = None
        error = cause


class _MaskingFilter(logging.Filter):
    """Masks the keys of this process in what libraries log of a server's headers."""

    def __init__(self) -> None:
        super().__init__()
        self.keys: set[ApiKey] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        words = record.getMessage()
        for key in tuple(self.keys):
            if key.is_in(words):
                words = str(key.hidden_in(words))
                record.msg, record.args = words, ()
        return True


_FILTER = _MaskingFilter()


def _keep_out_of_logs(key: ApiKey) -> None:
    _FILTER.keys.add(key)
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_FILTER)  # the same one is added once
