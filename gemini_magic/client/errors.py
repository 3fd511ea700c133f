"""From an error answer to an exception of our tree.

Reads the error bodies of Google, of gateways and of proxies: Google's envelope, alone or in an array;
OpenAI's, whose ``code`` is a word; a plain string; ``message``, ``detail`` or ``msg`` at the top; JSON
packed as text into a message; HTML; plain text; nothing at all.
"""

from __future__ import annotations

import email.utils
import json
import math
import re
import time
from datetime import UTC
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

from gemini_magic.client.framing import EventSplitter
from gemini_magic.exceptions import (
    ApiError,
    AuthError,
    BadRequest,
    NotFound,
    PermissionDenied,
    QuotaExhausted,
    RateLimited,
    RequestTooLarge,
    ServerUnavailable,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

_SHOWN = 500
_LEAST_ERROR = 400
_BY_STATUS: dict[int, type[ApiError]] = {
    400: BadRequest,
    401: AuthError,
    402: PermissionDenied,
    403: PermissionDenied,
    404: NotFound,
    408: ServerUnavailable,
    413: RequestTooLarge,
    429: RateLimited,
}
# https://cloud.google.com/apis/design/errors: the HTTP status of each google.rpc.Code
_BY_REASON = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "RESOURCE_EXHAUSTED": 429,
    "CANCELLED": 499,
    "INTERNAL": 500,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
    "invalid_api_key": 401,
    "model_not_found": 404,
    "rate_limit_exceeded": 429,
    "insufficient_quota": 429,
}
_WAYS_OUT = (
    (
        re.compile(r"thought[_ ]?signature", re.IGNORECASE),
        "Try `%gemini repair` (or chat.repair_signatures()): signatures of another route, model or key are not taken.",
    ),
    (
        re.compile(r"function (?:call|response) (?:parts?|turn)\b", re.IGNORECASE),
        "The history must match: right behind the calls of a turn stand as many results, in the same order.",
    ),
)


def error_from(status: int, headers: Mapping[str, str], body: bytes | str) -> ApiError:
    """The exception for an error answer.

    Args:
        status: The HTTP status; 200 for an error inside a stream or a body that should have been an answer.
        headers: The response's headers; ``retry-after`` and ``date`` are read.
        body: The body, or the piece of a stream that holds the error.
    """
    fields = _read_body(body)
    code = _status_of(status, fields)
    reason = fields.reason
    delay = _delay(headers, fields)
    kind = _class_of(code, fields)
    hint = ""
    if kind is BadRequest:
        hint = " ".join(filter(None, ["; ".join(_field_violations(fields.details)), _way_out(fields.message)]))
    elif kind is QuotaExhausted:
        hint = _quota(fields.details)
    return kind(
        fields.message or _words_for(code),
        status=code,
        reason=reason,
        details=fields.details,
        retry_delay=delay,
        hint=hint,
    )


def _way_out(message: str) -> str:
    """What helps against refusals of a history with calls; the server's words about them are hard to read."""
    return next((hint for words, hint in _WAYS_OUT if words.search(message)), "")


class _Fields:
    """What an error body says, whichever shape it has."""

    def __init__(self, message: str = "", code: Any = None, reason: str | None = None, details: Any = None) -> None:  # noqa: ANN401 - any JSON
        self.message = message
        self.code = code
        self.reason = reason
        self.details: list[Any] = details if isinstance(details, list) else []

    @property
    def info_reasons(self) -> set[str]:
        return {str(detail["reason"]) for detail in self.details if isinstance(detail, dict) and detail.get("reason")}


def _read_body(body: bytes | str) -> _Fields:
    text = body if isinstance(body, str) else body.decode("utf-8-sig", errors="replace")
    for document in (text, _event_data(text)):
        try:
            return read_error(json.loads(document))
        except (ValueError, RecursionError):
            continue
    return _Fields(_plain(text))


def _event_data(text: str) -> str:
    """What the first event says; gateways write errors as events, too, when a stream was asked for."""
    if not re.match(r"(data|event|id|retry)?:", text):
        return ""
    splitter = EventSplitter()
    frames = splitter.feed(text.encode()) + splitter.close()
    return next((frame.data.decode() for frame in frames if not frame.stray), "")


def read_error(value: Any) -> _Fields:  # noqa: ANN401 - any JSON
    """What a parsed error body says."""
    while isinstance(value, list):
        value = value[0] if value else {}
    if isinstance(value, dict) and value.get("error") is not None:
        value = value["error"]
    if isinstance(value, dict):
        return _unpacked(_from_object(value))
    return _Fields(_plain(value) if isinstance(value, str) else "")


def _from_object(error: dict[str, Any]) -> _Fields:
    message = next((str(error[key]) for key in ("message", "detail", "msg", "error_description") if error.get(key)), "")
    code = error.get("code")
    status = error.get("status")
    words = (status, code, error.get("type"))
    reason = next(
        (_plain(word) for word in words if isinstance(word, str) and _plain(word) and not word.isdigit()), None
    )
    return _Fields(message, code, reason, error.get("details"))


def _unpacked(fields: _Fields) -> _Fields:
    """A whole error body packed as text into the message replaces it; once is enough."""
    if not fields.message.lstrip().startswith("{"):
        return fields
    try:
        inner = json.loads(fields.message)
    except (ValueError, RecursionError):
        return fields
    if not isinstance(inner, dict) or not isinstance(inner.get("error"), dict):
        return fields
    unpacked = _from_object(inner["error"])
    return _Fields(
        unpacked.message or fields.message,
        unpacked.code if unpacked.code is not None else fields.code,
        unpacked.reason or fields.reason,
        unpacked.details or fields.details,
    )


def _status_of(status: int, fields: _Fields) -> int:
    """The HTTP status decides; inside a 200, the body's code, if it is one."""
    if status >= _LEAST_ERROR:
        return status
    code = fields.code
    if isinstance(code, str) and code.isascii() and code.isdigit():
        code = int(code)
    if isinstance(code, int) and _LEAST_ERROR <= code < 600:  # noqa: PLR2004 - HTTP's range
        return code
    return _BY_REASON.get(fields.reason or "", status)


def _class_of(status: int, fields: _Fields) -> type[ApiError]:
    if fields.info_reasons & {"API_KEY_INVALID", "API_KEY_EXPIRED"}:
        return AuthError
    if status == 429 and _is_spent(fields):  # noqa: PLR2004 - HTTP status
        return QuotaExhausted
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if _LEAST_ERROR <= status < 500:  # noqa: PLR2004 - HTTP's range
        return ApiError if status == 499 else BadRequest  # noqa: PLR2004 - nginx's "client closed request"
    return ServerUnavailable


def _is_spent(fields: _Fields) -> bool:
    """A quota for the day, or one of zero: waiting a minute does not help."""
    daily = any("PerDay" in str(violation.get("quotaId", "")) for violation in _violations(fields.details))
    return daily or fields.reason == "insufficient_quota" or re.search(r"\blimit: 0\b", fields.message) is not None


def _violations(details: list[Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for detail in details:
        listed = detail.get("violations") if isinstance(detail, dict) else None
        if isinstance(listed, list):
            found += [violation for violation in listed if isinstance(violation, dict)]
    return found


def _quota(details: list[Any]) -> str:
    ids = [str(violation["quotaId"]) for violation in _violations(details) if violation.get("quotaId")]
    return f"Used up: {', '.join(ids)}." if ids else "It is renewed by the provider, not by waiting a moment."


def _field_violations(details: list[Any]) -> list[str]:
    lines: list[str] = []
    for detail in details:
        listed = detail.get("fieldViolations") if isinstance(detail, dict) else None
        listed = listed if isinstance(listed, list) else []
        found = [violation for violation in listed if isinstance(violation, dict) and violation.get("field")]
        lines += [f"{violation['field']}: {violation.get('description', '')}".rstrip(": ") for violation in found]
    return lines


def _delay(headers: Mapping[str, str], fields: _Fields) -> float | None:
    """Seconds the server asks to wait: its details, else its header, else its words."""
    for detail in fields.details:
        if isinstance(detail, dict) and "retryDelay" in detail:
            seconds = _seconds(str(detail["retryDelay"]).removesuffix("s"))
            if seconds is not None:
                return seconds
    seconds = retry_after(headers.get("retry-after", ""), headers.get("date", ""))
    if seconds is not None:
        return seconds
    match = re.search(r"retry in ([0-9.]+) ?s", fields.message, re.IGNORECASE)
    return _seconds(match[1].rstrip(".")) if match else None


def retry_after(value: str, server_date: str = "") -> float | None:
    """Seconds of a ``Retry-After`` header, or None when it names none that can be waited for.

    A date is compared with the server's own ``Date`` where it gives one, since the clock here may be wrong.
    """
    value = value.strip()
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]+)?", value, re.ASCII):
        return _seconds(value)
    when = _date(value)
    if when is None:
        return None
    seconds = when - (_date(server_date) or time.time())
    return seconds if seconds > 0 else None


def _date(value: str) -> float | None:
    try:
        when = email.utils.parsedate_to_datetime(value)
        return (when if when.tzinfo is not None else when.replace(tzinfo=UTC)).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None


def _seconds(value: str) -> float | None:
    try:
        seconds = float(value)
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds > 0 else None


class _TextOfPage(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self._hidden = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - the base's signature
        self._hidden = tag in {"script", "style"}

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002 - the base's signature
        self._hidden = False

    def handle_data(self, data: str) -> None:
        if not self._hidden and data.strip():
            self.words.append(data.strip())


def _plain(text: str) -> str:
    """The beginning of a body that is not JSON, as one line of printable text."""
    text = text[: 20 * _SHOWN]
    if re.match(r"\s*<(!doctype|html|head|body|\?xml)", text, re.IGNORECASE):
        page = _TextOfPage()
        page.feed(text)
        text = " ".join(page.words)
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= _SHOWN else line[: _SHOWN - 1] + "…"


def _words_for(status: int) -> str:
    return {401: "No valid key.", 404: "Not found.", 429: "Too many requests."}.get(
        status, "The server answered with an error and no words."
    )
