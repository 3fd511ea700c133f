"""In which of its two fields a gateway takes a schema; what it has refused once is not tried on every row."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, TypeAlias

from gemini_magic.client.capabilities import learn, recalled
from gemini_magic.exceptions import BadRequest

if TYPE_CHECKING:
    from gemini_magic.exceptions import GeminiMagicError
    from gemini_magic.settings import Profile

#: ``json`` is ``responseJsonSchema``, ``openapi`` the older ``responseSchema``.
Form: TypeAlias = Literal["json", "openapi"]

_FIELD = re.compile(r"response_?json_?schema(?![\w.\[])", re.IGNORECASE)
_SHOWN = 200


def form_for(profile: Profile) -> Form:
    """The form to begin with: the newer one, unless this gateway is known to refuse it."""
    return "openapi" if recalled(profile).json_schema == "responseSchema" else "json"


def output_limit_of(profile: Profile, model: str) -> int | None:
    """The most tokens that a model can answer with, where the gateway has said so when it was tried."""
    found = recalled(profile)
    words = found.limits.get("answer tokens", "").replace(",", "")
    same = found.model.removeprefix("models/") == model.removeprefix("models/")
    return int(words) if same and words.isdecimal() and int(words) else None


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
