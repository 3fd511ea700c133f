"""Trying what a gateway can do: a handful of small requests, each for one question.

None of them depends on another's success, apart from the first: where nobody listens, nothing else is asked. What goes
wrong is told in words. Requests go through the client like any other, so they count for ledger and budget.
"""

from __future__ import annotations

import re
import struct
import zlib
from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple, cast
from urllib.parse import urlsplit

from gemini_magic.client.capabilities import Capabilities, remember
from gemini_magic.client.tap import Tap
from gemini_magic.client.tape import Replayer
from gemini_magic.exceptions import (
    AuthError,
    BadRequest,
    ConnectFailed,
    GeminiMagicError,
    NotFound,
    PermissionDenied,
    ProtocolError,
    ServerUnavailable,
    StoreError,
    TLSFailed,
    UsageError,
)
from gemini_magic.settings.urls import root_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gemini_magic.client.client import Client
    from gemini_magic.client.http import Connections
    from gemini_magic.reply import Reply
    from gemini_magic.settings import Profile

_QUESTION = "Answer with the word OK."
_SECONDS = 60
_TOKENS = 16
_SHOWN = 160
_SIDE = 16
_NOT_IMPLEMENTED = 501
_PREFIXES = ("/v1beta", "/v1", "/v1/v1beta", "")
_LIMIT = re.compile(r"(x-)?ratelimit-limit(-[a-z-]{1,40})?")
_VALUE = re.compile(r"[\w ,;=./\"-]{1,60}", re.ASCII)
_JSON_SCHEMA = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}
_SCHEMA = {"type": "OBJECT", "properties": {"ok": {"type": "BOOLEAN"}}, "required": ["ok"]}


class Finding(NamedTuple):
    """The answer to one question about a gateway.

    Attributes:
        check: What was tried, in a word.
        words: What came of it.
        fine: False when the gateway cannot be used like this.
    """

    check: str
    words: str
    fine: bool = True


class Probed(NamedTuple):
    """What a gateway can do, as data and in words."""

    capabilities: Capabilities
    findings: tuple[Finding, ...]

    @property
    def fine(self) -> bool:
        """Whether it answers."""
        return all(finding.fine for finding in self.findings)


def probe(client: Client) -> Probed:
    """Try what a gateway can do, with its client's model; nothing is raised for what it cannot do.

    Args:
        client: A client for the gateway. Its limits, retries, caches and tapes do not matter here.

    Raises:
        UsageError: It answers from a tape, so that there is no gateway to try.
    """
    if any(isinstance(shelf, Replayer) for shelf in client._shelves):  # noqa: SLF001 - the client's other half
        raise UsageError("A tape answers here, so there is no gateway to try.", hint="Try it without the tape.")
    return _Probe(client).run()


def kept(client: Client, probed: Probed) -> tuple[Finding, ...]:
    """Remember what was found out about a gateway that answers; returns what is to be said about that."""
    if not probed.fine:
        return ()
    try:
        remember(client.profile, probed.capabilities)
    except StoreError as error:
        return (Finding("memory", str(error), fine=False),)
    return (Finding("memory", "this is kept, for the requests to come"),)


class _Probe:
    """One gateway, and what has been found so far."""

    def __init__(self, client: Client) -> None:
        self._profile = replace(client.profile, fallback=())
        self._tap = Tap(client._connections)  # noqa: SLF001 - the client's other half
        self._client = _like(client, self._profile, self._tap)
        self._found: dict[str, Any] = {"model": client.model, "checked": f"{datetime.now(UTC):%Y-%m-%d}"}
        self._reasons: dict[str, str] = {}
        self._limits: dict[str, str] = {}
        self._findings: list[Finding] = []

    def run(self) -> Probed:
        """Try everything."""
        if self._answers():
            checks: dict[str, tuple[str, Callable[[], str], object]] = {
                "stream": ("stream", self._stream, "none"),
                "models": ("models", self._models, "none"),
                "tokens": ("count_tokens", self._count, False),
                "schema": ("json_schema", self._schema, "none"),
                "functions": ("function_schema", self._functions, "none"),
                "pictures": ("inline_images", self._picture, False),
            }
            for check, (name, run, absent) in checks.items():
                self._try(check, name, run, absent)
            self._tell_limits()
        capabilities = Capabilities(**self._found, limits=self._limits, reasons=self._reasons)
        return Probed(capabilities, tuple(self._findings))

    def _try(self, check: str, name: str, run: Callable[[], str], absent: object) -> None:
        """One question; what the answer `absent` stands for is told from what could not be found out."""
        try:
            words = run()
        except GeminiMagicError as error:
            words = _words(error)
            self._reasons[name] = words
            if _is_refusal(error):
                self._found[name] = absent
                words = f"no: {words}"
            else:
                words = f"not found out: {words}"
        self._tell(check, words)

    def _tell(self, check: str, words: str, *, fine: bool = True) -> None:
        self._findings.append(Finding(check, words, fine))

    def _tell_limits(self) -> None:
        stated = {name: value for name, value in self._tap.headers.items() if _LIMIT.fullmatch(name)}
        self._limits |= {
            name: value
            for name, value in stated.items()
            if _VALUE.fullmatch(value) and not self._client.holds_key(value)
        }
        self._tell("limits", "; ".join(f"{name}: {value}" for name, value in self._limits.items()) or "none stated")

    # Whether anybody answers, at which path and with which header

    def _answers(self) -> bool:
        """Whether it is worth asking on: somebody is there, even if this question was not answered."""
        try:
            reply = self._first_answer()
        except GeminiMagicError as error:
            self._reasons["path"] = _words(error)
            self._tell("answer", _words(error), fine=False)
            if isinstance(error, (ConnectFailed, TLSFailed)):
                self._tell("the rest", "not tried, because there is no connection", fine=False)
                return False
            return True
        said = self._hidden(" ".join(reply.text.split()))[:_SHOWN]
        words = f"says {said!r}" if said else f"answers without text ({reply.finish_reason or reply.block_reason})"
        self._tell("answer", f"{self._hidden(reply.model)[:_SHOWN]} {words} after {reply.seconds:.1f} s")
        self._found |= {"path": _prefix(self._client.profile), "auth": self._auth()}
        self._tell("path", self._path_words())
        self._tell("header", self._auth_words())
        return True

    def _hidden(self, text: str) -> str:
        """The text without the key: there are servers that repeat it."""
        key = self._client._key  # noqa: SLF001 - as above
        return text if key is None else str(key.hidden_in(text))

    def _first_answer(self) -> Reply:
        """The first answer; where the profile's own way leads nowhere, the others are tried."""
        try:
            return self._ask(self._client)
        except (NotFound, ProtocolError) as error:
            others, first = self._other_paths(), cast("GeminiMagicError", error)
        except (AuthError, PermissionDenied) as error:
            others, first = self._other_auths(), error
        for profile in others:
            other = _like(self._client, profile, self._tap)
            try:
                reply = self._ask(other)
            except GeminiMagicError:
                continue
            self._client = other
            return reply
        raise first

    def _other_paths(self) -> list[Profile]:
        root, usual = root_of(self._profile.base_url), _prefix(self._profile)
        profiles = [replace(self._profile, base_url=root, api_path=prefix) for prefix in _PREFIXES]
        return [profile for profile in profiles if _prefix(profile) != usual]

    def _other_auths(self) -> list[Profile]:
        if self._profile.auth == "none" or self._client._key is None:  # noqa: SLF001 - as above
            return []
        return [replace(self._profile, auth="bearer" if self._profile.auth == "x-goog-api-key" else "x-goog-api-key")]

    def _auth(self) -> str:
        return "none" if self._client._key is None else self._client.profile.auth  # noqa: SLF001 - as above

    def _path_words(self) -> str:
        now, usual = _prefix(self._client.profile), _prefix(self._profile)
        if now == usual:
            return f"{now}/models/…"
        changes = [
            f"{name} = {value!r}"
            for name in ("base_url", "api_path")
            if (value := getattr(self._client.profile, name)) != getattr(self._profile, name)
        ]
        return f"{now}/models/… and not {usual}/models/…: set {' and '.join(changes)} in this profile"

    def _auth_words(self) -> str:
        auth, usual = self._auth(), self._profile.auth
        words = {"bearer": "taken as Authorization: Bearer", "x-goog-api-key": "taken as x-goog-api-key"}
        if auth not in words:
            return "none is sent"
        return (
            words[auth] if auth == usual else f"{words[auth]}, and not otherwise: set auth = {auth!r} in this profile"
        )

    # What it can do

    def _ask(self, client: Client, contents: object = _QUESTION, **config: Any) -> Reply:  # noqa: ANN401 - any JSON
        return client.generate(contents, config={"maxOutputTokens": _TOKENS, **config})

    def _stream(self) -> str:
        with self._client.stream(_QUESTION, config={"maxOutputTokens": _TOKENS}) as events:
            for _ in events:
                pass
        self._found["stream"] = spelling = self._tap.spelling
        return f"{spelling}, in {self._tap.reads} piece{'' if self._tap.reads == 1 else 's'}"

    def _models(self) -> str:
        models = self._client.models()
        shape = "Google" if re.search(rb'"models"\s*:', self._tap.head) else "OpenAI"
        self._found |= {"models": shape, "model_count": len(models)}
        names = {(model.name or "").removeprefix("models/"): model for model in models}
        ours = names.get(self._client.model)
        if ours is not None:
            limits = {"prompt tokens": ours.input_token_limit, "answer tokens": ours.output_token_limit}
            self._limits |= {name: f"{limit:,}" for name, limit in limits.items() if limit is not None}
        there = "" if ours is not None else f"; {self._client.model} is not among them"
        return f"{len(models)} in {shape}'s shape{there}"

    def _count(self) -> str:
        total = self._client.count_tokens(_QUESTION).total_tokens
        self._found["count_tokens"] = total is not None
        return "counted" if total is not None else "no: the answer holds no number"

    def _schema(self) -> str:
        """The field for the schema of an answer."""

        def ask(field: str, schema: object) -> str:
            reply = self._ask(self._client, responseMimeType="application/json", **{field: schema})
            return "the answer is no JSON" if reply.text and not reply.text.lstrip().startswith("{") else ""

        return self._field("json_schema", {"responseJsonSchema": _JSON_SCHEMA, "responseSchema": _SCHEMA}, ask)

    def _functions(self) -> str:
        """The field for the parameters of a function; the model has to call this one."""

        def ask(field: str, schema: object) -> str:
            reply = self._client.generate(
                _QUESTION,
                config={"maxOutputTokens": _TOKENS},
                tools=[{"name": "answer", "description": "Give the answer.", field: schema}],
                tool_config={"functionCallingConfig": {"mode": "ANY"}},
            )
            return "the answer is no call" if reply.text and not reply.function_calls else ""

        return self._field("function_schema", {"parametersJsonSchema": _JSON_SCHEMA, "parameters": _SCHEMA}, ask)

    def _field(self, name: str, fields: Mapping[str, object], ask: Callable[[str, object], str]) -> str:
        """The newer field, then the older one; a gateway that passes over a field does not have it."""
        refused: list[str] = []
        for field, schema in fields.items():
            try:
                passed_over = ask(field, schema)
            except GeminiMagicError as error:
                if not _is_refusal(error):
                    raise
                refused.append(f"{field} is refused ({_words(error)})")
                continue
            if not passed_over:
                self._found[name] = field
                return "; ".join([f"{field} is taken", *refused])
            refused.append(f"{field} is passed over: {passed_over}")
        self._found[name] = "none"
        self._reasons[name] = "; ".join(refused)
        return f"no: {self._reasons[name]}"

    def _picture(self) -> str:
        blob = {"mimeType": "image/png", "data": b64encode(_png()).decode()}
        self._ask(self._client, [{"inlineData": blob}, _QUESTION])
        self._found["inline_images"] = True
        return "taken"


def _like(client: Client, profile: Profile, tap: Tap) -> Client:
    """The same client with another profile, behind the tap; every question is asked once."""
    other = client.with_options(retries=0, timeout=_SECONDS)
    other.profile = replace(profile, timeouts=other.profile.timeouts)
    other._shelves = ()  # noqa: SLF001 - what a cache remembers, or a tape is for, is not what the gateway does now
    other._urls = {}  # noqa: SLF001 - the client's other half; addresses are the profile's
    other._connections = cast("Connections", tap)  # noqa: SLF001 - as above
    return other


def _prefix(profile: Profile) -> str:
    """What stands in a URL before the models."""
    return urlsplit(profile.model_url("m", "generateContent")).path.partition("/models/")[0]


def _is_refusal(error: GeminiMagicError) -> bool:
    """Whether an error says that something is not to be had, not only that it was not to be had just now."""
    if isinstance(error, ServerUnavailable):
        return error.status == _NOT_IMPLEMENTED
    return isinstance(error, (BadRequest, NotFound, PermissionDenied, ProtocolError))


def _words(error: GeminiMagicError) -> str:
    words = " ".join(str(error).split())
    return words if len(words) <= _SHOWN else words[: _SHOWN - 1] + "…"


def _png() -> bytes:
    """A small white square."""
    rows = zlib.compress((b"\0" + b"\xff" * _SIDE) * _SIDE)
    chunks = ((b"IHDR", struct.pack(">IIBBBBB", _SIDE, _SIDE, 8, 0, 0, 0, 0)), (b"IDAT", rows), (b"IEND", b""))
    written = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(written)
