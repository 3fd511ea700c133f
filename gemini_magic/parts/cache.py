"""Each picture is encoded once per kernel, however many turns carry it.

A picture is known by the digest of its bytes or pixels, so one that was changed is a new one. The parts are kept up to
``MAX_BYTES`` of base64 in all; those used longest ago go first.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from gemini_magic import wire

MAX_BYTES = 256 * 1024 * 1024


class Made(NamedTuple):
    """Bytes as they are to be sent, what they are, and what was done to them, in words, if anything."""

    data: bytes
    mime_type: str
    note: str = ""


class _Entry(NamedTuple):
    part: wire.Part
    note: str
    size: int


class MediaCache:
    """Parts by what they were made of.

    Args:
        limit: Bytes of base64 to keep.
    """

    def __init__(self, limit: int = MAX_BYTES) -> None:
        #: How many media were encoded so far.
        self.encoded = 0
        self._limit = limit
        self._size = 0
        self._entries: OrderedDict[Hashable, _Entry] = OrderedDict()
        # Held while encoding, too: two threads with one picture encode it once.
        self._lock = threading.RLock()

    def part(self, key: Hashable, make: Callable[[], Made]) -> wire.Part:
        """The part of this key, which is made when there is none yet.

        Args:
            key: What the part is made of: the digest of it, and what was asked for.
            make: Makes the bytes to be sent.

        Returns:
            The same part each time.
        """
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                entry = self._entries[key] = self._encode(make())
                self._size += entry.size
            self._entries.move_to_end(key)
            while self._size > self._limit and len(self._entries) > 1:
                self._size -= self._entries.popitem(last=False)[1].size
            return entry.part

    def note(self, part: wire.Part) -> str:
        """What was done to the picture of a part, in words; empty when nothing, or when it is not known any more."""
        with self._lock:
            return next((entry.note for entry in self._entries.values() if entry.part is part), "")

    def clear(self) -> None:
        """Forget all parts."""
        with self._lock:
            self._entries.clear()
            self._size = 0

    def _encode(self, made: Made) -> _Entry:
        import pybase64  # noqa: PLC0415 - keeps the extension's loading light

        from gemini_magic import wire  # noqa: PLC0415 - as above

        text = pybase64.b64encode_as_string(made.data)
        self.encoded += 1
        return _Entry(wire.Part(inline_data=wire.Blob(mime_type=made.mime_type, data=text)), made.note, len(text))


KERNEL = MediaCache()
