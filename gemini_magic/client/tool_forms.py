"""How a gateway takes functions and their results; what it has refused once is not tried again."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from gemini_magic.client.capabilities import learn, recalled
from gemini_magic.exceptions import BadRequest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sized

    from gemini_magic.exceptions import GeminiMagicError
    from gemini_magic.settings import Profile

#: ``json`` is ``parametersJsonSchema``, ``openapi`` the older ``parameters``.
ToolForm: TypeAlias = Literal["json", "openapi"]
#: What of a request a gateway has refused: the language of parameters, ids in results, the telling of its own tools.
Refused: TypeAlias = Literal["form", "ids", "invocations"]


class Sayable(Protocol):
    """A way to an answer, as far as it can be said in more ways than one; see `tools.loop.Loop`."""

    form: str
    ids: bool
    invocations: bool

    @property
    def contents(self) -> Sized: ...  # noqa: D102 - what has been said of calls so far
    def without_ids(self) -> None: ...  # noqa: D102


_SCHEMA = r"parameters_?json_?schema"
_INVOCATIONS = r"include_?server_?side_?tool_?invocations"
#: Google's words, which name the field; others say the same in more ways than one.
_NAMED = re.compile(r"""unknown name "(\w+)\"""", re.IGNORECASE)
_BEFORE = r"\b(?:unknown|unrecogni[sz]ed|unexpected|unsupported)\b[^.;]{0,40}?"
_BEHIND = r"[^.;]{0,40}?\b(?:unknown|unsupported|not (?:supported|permitted|allowed|recogni[sz]ed))\b"
_ID = re.compile(r"""unknown name "id" at [^,;:\s]*function_?response(?![\w.\[])""", re.IGNORECASE)


def tool_form(profile: Profile) -> ToolForm:
    """The form of declarations to begin with: the newer one, unless this gateway is known to refuse it."""
    return "openapi" if recalled(profile).function_schema == "parameters" else "json"


def learn_tool_form(profile: Profile, reason: str) -> None:
    """Keep that a gateway takes the older form only, with the words in which it refused the newer one."""
    if tool_form(profile) == "json":
        learn(profile, function_schema="parameters", reason=reason)


def takes_ids(profile: Profile) -> bool:
    """Whether the result of a call may name the call's id, as far as is known."""
    return recalled(profile).function_ids is not False


def learn_no_ids(profile: Profile, reason: str) -> None:
    """Keep that a gateway takes no ids, with the words in which it refused one."""
    if takes_ids(profile):
        learn(profile, function_ids=False, reason=reason)


def refuses_tool_schema(error: GeminiMagicError) -> bool:
    """Whether a gateway does not know the newer field for the parameters of a function."""
    return _refuses(error, _SCHEMA)


def refuses_response_id(error: GeminiMagicError) -> bool:
    """Whether a gateway does not know the field for the id of the call that a result belongs to."""
    return isinstance(error, BadRequest) and _ID.search(str(error)) is not None


def refuses_server_invocations(error: GeminiMagicError) -> bool:
    """Whether a gateway does not know the field by which the server's own tools are combined with functions."""
    return _refuses(error, _INVOCATIONS)


def _refuses(error: GeminiMagicError, field: str) -> bool:
    """Whether a server does not know a field; that something in it is wrong, or that it is missing, is not the same."""
    if not isinstance(error, BadRequest):
        return False
    words = " ".join(str(error).split())
    if named := _NAMED.findall(words):
        return any(re.fullmatch(field, name, re.IGNORECASE) for name in named)
    name = rf"(?<![a-z_]){field}(?![\w.\[])"
    return re.search(f"{_BEFORE}{name}|{name}{_BEHIND}", words, re.IGNORECASE) is not None


def said_otherwise(way: Sayable, error: GeminiMagicError) -> Refused | None:
    """Take the other way of saying what a gateway has refused, from now on; None where there is no other."""
    if way.form == "json" and refuses_tool_schema(error):
        way.form = "openapi"
        return "form"
    if way.ids and way.contents and refuses_response_id(error):
        way.without_ids()
        return "ids"
    if way.invocations and refuses_server_invocations(error):
        way.invocations = False
        return "invocations"
    return None


def learn_refusals(profile: Profile, refused: Mapping[Refused, str]) -> None:
    """Keep what a gateway has refused, and in which words, so that it is not tried again."""
    if "form" in refused:
        learn_tool_form(profile, refused["form"])
    if "ids" in refused:
        learn_no_ids(profile, refused["ids"])
