"""Which client answers: the gateway's, or a tape, or the gateway's with a memory before it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gemini_magic.connect import connect_with_notice
from gemini_magic.exceptions import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gemini_magic.client import Client
    from gemini_magic.client.cache import AnswerCache
    from gemini_magic.client.tape import Tape
    from gemini_magic.magics.defaults import Defaults


@dataclass
class Clients:
    """Makes the client that a line's options, and the notebook's settings, ask for."""

    magics: Defaults
    _told: set[str] = field(default_factory=set)
    _tapes: dict[Path, Tape] = field(default_factory=dict)
    _replaying: dict[Path, Client] = field(default_factory=dict)
    _cache: AnswerCache | None = None

    def client(self, options: Mapping[str, Any]) -> tuple[Client, str | None]:
        """The client, and what the user should be told about it, once."""
        magics = self.magics
        record, replay = self._tape_names(options)
        if replay:
            client, notice = self._replayer(replay), None
        else:
            client, notice = connect_with_notice(options.get("profile") or magics.profile or None)
        client = client.with_options(
            model=magics.model or None,
            timeout=options.get("timeout", magics.timeout),
            retries=options.get("retries", magics.retries),
            fallback=options.get("fallback", magics.fallback),
        )
        if record:
            client = self._recorded(client, record)
        if not replay and ("cache" in options or magics.cache):
            client = self._remembering(client)
        return client, self._once(notice)

    def _tape_names(self, options: Mapping[str, Any]) -> tuple[str, str]:
        """The tapes to record and to replay; an option in the line wins over the settings."""
        if "record" in options and "replay" in options:
            raise UsageError("--record and --replay exclude each other.", hint="Record a tape first, then replay it.")
        if "record" in options or "replay" in options:
            return options.get("record", ""), options.get("replay", "")
        return ("", self.magics.replay) if self.magics.replay else (self.magics.record, "")

    def _tape(self, name: str) -> Tape:
        from gemini_magic.client.tape import Tape  # noqa: PLC0415 - most notebooks have none

        path = _whole(name)
        return self._tapes.setdefault(path, Tape(path))

    def _recorded(self, client: Client, name: str) -> Client:
        from gemini_magic.client.tape import Recorder  # noqa: PLC0415 - as above

        return client.with_shelf(Recorder(self._tape(name)))

    def _replayer(self, name: str) -> Client:
        from gemini_magic.client.tape import replaying_client  # noqa: PLC0415 - as above

        path = _whole(name)
        if path not in self._replaying:
            self._replaying[path] = replaying_client(self._tape(name))
        return self._replaying[path]

    def _remembering(self, client: Client) -> Client:
        from gemini_magic.client.cache import AnswerCache  # noqa: PLC0415 - as above

        self._cache = self._cache or AnswerCache()
        return client.with_shelf(self._cache)

    def _once(self, notice: str | None) -> str | None:
        if notice is None or notice in self._told:
            return None
        self._told.add(notice)
        return notice


def _whole(name: str) -> Path:
    """The path as it is meant here and now; a later change of folder does not change it."""
    return Path(name).expanduser().absolute()
