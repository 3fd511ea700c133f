"""Pictures, sounds and files of a conversation, by names that the browser asks for them with."""

from __future__ import annotations

import base64
import binascii
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from gemini_magic.display.images import image_type
from gemini_magic.display.sounds import audio_type
from gemini_magic.exceptions import InputError
from gemini_magic.reply import InlineData, audio_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gemini_magic.widget.messages import PartView
    from gemini_magic.wire import Part

_HEAD = 64  # characters of base64 in which every signature stands
_URL_SAFE = str.maketrans("-_", "+/")
_OTHER = "application/octet-stream"
#: What a browser might run or read as a page.
_PAGES = ("text/html", "text/xml", "application/xhtml", "application/xml", "image/svg")


class _Known(NamedTuple):
    """What a name stands for: one part, or bare samples in several that become one sound."""

    parts: tuple[Part, ...]
    mime: str
    is_samples: bool = False


class Blobs:
    """Remembers which parts a name stands for; the bytes stay where they are, in the conversation."""

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}

    def view(self, part: Part, name: str = "") -> PartView:
        """A part with bytes as the pane shows it: by what its bytes are, not by what they are called."""
        data, said = _data(part), _said(part)
        seen = _seen(data)
        kind = seen.partition("/")[0] if seen else "file"
        if kind == "audio" and not said.startswith("audio/"):
            kind = "file"  # a film begins like sound
        mime = seen if kind != "file" else _OTHER if said.startswith(_PAGES) else said
        shown: PartView = {"kind": kind, "blob": self._name(data, _Known((part,), mime)), "mime": mime}
        shown["bytes"] = len(data.rstrip("=")) * 3 // 4
        return {**shown, "name": name} if name else shown

    def sound(self, parts: Sequence[Part]) -> list[PartView]:
        """Parts with sound that follow one another; bare samples become one sound that can be played."""
        if any(_seen(_data(part)) for part in parts) or len(sounds := list(audio_of(parts))) != 1:
            return [self.view(part) for part in parts]
        mime, size = sounds[0].mime_type, len(sounds[0].data)
        name = self._name("".join(map(_data, parts)), _Known(tuple(parts), mime, is_samples=True))
        return [{"kind": "audio", "blob": name, "mime": mime, "bytes": size}]

    def _name(self, data: str, known: _Known) -> str:
        name = sha256(data.encode("utf-8", "replace")).hexdigest()[:20]
        self._known[name] = known
        return name

    def find(self, name: str) -> InlineData:
        """The bytes of a name.

        Raises:
            InputError: It is not known, or its data are no base64.
        """
        known = self._known.get(name)
        if known is None:
            raise InputError("This file is no longer part of the conversation.")
        if known.is_samples:
            return next(iter(audio_of(known.parts)))
        blob = known.parts[0].inline_data
        try:
            return InlineData(blob.to_bytes() if blob is not None else b"", known.mime)
        except ValueError:
            raise InputError("This file came damaged: its data are not base64.") from None

    def keep(self, names: set[str]) -> None:
        """Forget all others."""
        self._known = {name: known for name, known in self._known.items() if name in names}

    def __len__(self) -> int:
        """How many are known."""
        return len(self._known)


def _data(part: Part) -> str:
    return (part.inline_data.data or "") if part.inline_data is not None else ""


def _said(part: Part) -> str:
    """The type that a part says it has."""
    return ((part.inline_data.mime_type if part.inline_data is not None else "") or _OTHER).lower()


def _seen(data: str) -> str:
    """The type that the first bytes show, of pictures and sounds that browsers know; else empty."""
    try:
        head = base64.b64decode(data[:_HEAD].translate(_URL_SAFE), validate=True)
    except (binascii.Error, ValueError):
        return ""
    return image_type(head) or audio_type(head) or ""
