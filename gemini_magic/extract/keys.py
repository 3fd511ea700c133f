"""Keys of tasks that are text, and most are: digested without making the parts that would be sent."""

from __future__ import annotations

import hashlib
from json.encoder import encode_basestring
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gemini_magic.extract.job import Job

#: As in `Job.key_of`, which must give the same.
_FORMAT = b"1"


class TextKeys:
    """The keys of tasks of one text each.

    Args:
        job: What is the same for all.
        before: Texts that stand before every one, as parts of their own.
    """

    def __init__(self, job: Job, before: Iterable[str] = ()) -> None:
        self._begun = hashlib.sha256(_FORMAT)
        for piece in (job.digest, *map(_part, before)):
            self._begun.update(_measured(piece))

    def of(self, text: str) -> str:
        """The key of the task with this text, as ``job.key_of`` gives it for a part that is this text."""
        digest = self._begun.copy()
        digest.update(_measured(_part(text)))
        return digest.hexdigest()


def _part(text: str) -> str:
    """A part as JSON; that of ``json.dumps`` without its setting up."""
    return f'{{"text":{encode_basestring(text)}}}'


def _measured(piece: str) -> bytes:
    data = piece.encode("utf-8", "surrogatepass")
    return b"%d:%b" % (len(data), data)
