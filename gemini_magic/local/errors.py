"""Errors as Google writes them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from gemini_magic.exceptions import ApiError, BadRequest, GeminiMagicError

if TYPE_CHECKING:
    from pydantic import ValidationError

_STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    405: "UNIMPLEMENTED",
    408: "DEADLINE_EXCEEDED",
    413: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
}

#: At most this many wrong fields are listed in one answer.
_MOST_FIELDS = 10


def envelope(error: BaseException) -> tuple[int, bytes]:
    """HTTP status and body for whatever went wrong; an unforeseen error keeps its text out of the answer."""
    status = error.status if isinstance(error, ApiError) and error.status else 500
    message = error.message if isinstance(error, GeminiMagicError) else "The local server failed; its log says why."
    reason = (error.reason if isinstance(error, ApiError) else None) or _STATUS.get(status, "UNKNOWN")
    body: dict[str, Any] = {"code": status, "message": message, "status": reason}
    if isinstance(error, ApiError) and error.details:
        body["details"] = error.details
    return status, json.dumps({"error": body}, ensure_ascii=False).encode()


def invalid(message: str, field: str = "") -> BadRequest:
    """A 400 for one field."""
    return _bad_request([{"field": field, "description": message}] if field else [], message)


def invalid_body(error: ValidationError) -> BadRequest:
    """A 400 that names each field that is not what it should be, without repeating its value."""
    problems = error.errors(include_url=False, include_input=False, include_context=False)[:_MOST_FIELDS]
    violations = [{"field": _path(problem["loc"]), "description": problem["msg"]} for problem in problems]
    if any(problem["type"] == "json_invalid" for problem in problems):
        return invalid(f"Invalid JSON payload received. {problems[0]['msg']}")
    sentences = [f"Invalid value at '{item['field']}': {item['description']}" for item in violations]
    return _bad_request(violations, "\n".join(sentences))


def _bad_request(violations: list[dict[str, str]], message: str) -> BadRequest:
    details = [{"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": violations}]
    return BadRequest(message, status=400, reason="INVALID_ARGUMENT", details=details if violations else None)


def _path(steps: tuple[int | str, ...]) -> str:
    text = ""
    for step in steps:
        text += f"[{step}]" if isinstance(step, int) else f".{step}"
    return text.removeprefix(".") or "body"
