"""Unpacks a body that was packed although we asked for it plain; no I/O."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from gemini_magic.exceptions import ProtocolError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: Bytes handed on at once, so that a small packed body cannot become one huge piece of memory.
_AT_ONCE = 1024 * 1024


class Inflater:
    """Unpacks gzip and zlib, piece by piece.

    A body that ends early is not reported here: whoever reads the answer sees that it is not whole.
    """

    def __init__(self) -> None:
        self._unpacker = zlib.decompressobj(zlib.MAX_WBITS | 32)

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Take packed bytes in; yields what was in them.

        Raises:
            ProtocolError: They are not packed as the headers say.
        """
        while True:
            try:
                piece = self._unpacker.decompress(data, _AT_ONCE)
            except zlib.error as error:
                raise ProtocolError(f"The server's answer is not packed as its headers say: {error}.") from None
            if piece:
                yield piece
            data = self._unpacker.unconsumed_tail
            # A full piece may have left output behind although all input is used up.
            if not data and len(piece) < _AT_ONCE:
                return


def inflater(headers: Mapping[str, str]) -> Inflater | None:
    """How to unpack a body; None when it is not packed, as we ask.

    Raises:
        ProtocolError: It is packed in a way, or more than once, that is not read here.
    """
    encoding = headers.get("content-encoding", "").strip().lower()
    if encoding in {"", "identity"}:
        return None
    if encoding not in {"gzip", "x-gzip", "deflate"}:
        raise ProtocolError(f"The server packed its answer as {encoding[:40]!r}, although it was asked not to.")
    return Inflater()
