"""In which of its two fields a gateway takes a schema; what it has refused once is not tried on every row."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, TypeAlias

from gemini_magic.client.capabilities import Capabilities, capabilities_path, known, learn
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
_SEEN: dict[tuple[Path, str, str], tuple[int, Capabilities]] = {}
_NOTHING = Capabilities()


def form_for(profile: Profile) -> Form:
    """The form to begin with: the newer one, unless this gateway is known to refuse it."""
    return "openapi" if _known(profile).json_schema == "responseSchema" else "json"


def output_limit_of(profile: Profile, model: str) -> int | None:
    """The most tokens that a model can answer with, where the gateway has said so when it was tried."""
    found = _known(profile)
    words = found.limits.get("answer tokens", "").replace(",", "")
    same = found.model.removeprefix("models/") == model.removeprefix("models/")
    return int(words) if same and words.isdecimal() and int(words) else None


def _known(profile: Profile) -> Capabilities:
    """What is known of a gateway, read again when the file has changed."""
    path = capabilities_path()
    try:
        changed = path.stat().st_mtime_ns
    except OSError:
        return _NOTHING
    key = (path, profile.name, profile.origin)
    seen = _SEEN.get(key)
    if seen is None or seen[0] != changed:
        seen = _SEEN[key] = (changed, known(profile) or _NOTHING)
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
