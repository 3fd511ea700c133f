"""In which of its two fields a gateway takes a schema; what it has refused once is not tried on every row."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, TypeAlias

from gemini_magic.client.capabilities import capabilities_path, known, learn
from gemini_magic.exceptions import BadRequest

if TYPE_CHECKING:
    from pathlib import Path

    from gemini_magic.exceptions import GeminiMagicError
    from gemini_magic.settings import Profile

#: ``json`` is ``responseJsonSchema``, ``openapi`` the older ``responseSchema``.
Form: TypeAlias = Literal["json", "openapi"]

_FIELD = re.compile(r"response_?json_?schema(?![\w.\[])", re.IGNORECASE)
_SHOWN = 200
#: What the file said when it was last changed, so that it is not read for every row.
_SEEN: dict[tuple[Path, str, str], tuple[int, Form]] = {}


def form_for(profile: Profile) -> Form:
    """The form to begin with: the newer one, unless this gateway is known to refuse it."""
    path = capabilities_path()
    try:
        changed = path.stat().st_mtime_ns
    except OSError:
        return "json"
    key = (path, profile.name, profile.origin)
    seen = _SEEN.get(key)
    if seen is None or seen[0] != changed:
        found = known(profile)
        older = found is not None and found.json_schema == "responseSchema"
        seen = _SEEN[key] = (changed, "openapi" if older else "json")
    return seen[1]


def learn_form(profile: Profile, reason: str) -> None:
    """Keep that a gateway takes the older form only, with the words in which it refused the newer one."""
    if form_for(profile) == "json":
        learn(profile, json_schema="responseSchema", reason=reason)


def refuses_schema(error: GeminiMagicError) -> bool:
    """Whether an error is about the schema or its field, so that the other form may be taken."""
    return isinstance(error, BadRequest) and "schema" in str(error).lower()


def refused_field(error: GeminiMagicError) -> str:
    """The words with which a gateway said that it does not know the field; empty when it minds what is in it."""
    words = " ".join(str(error).split())
    return words[:_SHOWN] if _FIELD.search(words) else ""
