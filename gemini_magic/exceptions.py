"""Everything that can go wrong, as one tree.

::

    GeminiMagicError
    ├── ConfigError                     settings, profile, key or base URL unusable
    ├── UsageError                      the magic's line or cell is not understood
    ├── InputError                      a value cannot be sent
    │   ├── UnboundName                 {{name}} is not defined in the notebook
    │   ├── UnsupportedValue            no way to turn this value into parts
    │   ├── ImageRejected               not an image we send, or too large
    │   ├── FileRejected                not a file we send, or too large
    │   └── SchemaError                 a schema that cannot be sent
    ├── TransportError                  no well-formed HTTP answer arrived
    │   ├── ConnectFailed               nobody listens, or the name is unknown
    │   ├── TLSFailed                   the encrypted channel could not be made
    │   ├── ConnectionLost              the connection broke before the answer began
    │   ├── Timeout                     one of the four limits passed
    │   ├── RedirectRefused             the server answered with a redirect
    │   ├── ProtocolError               bytes that are not Gemini's protocol
    │   └── ResponseTooLarge            more bytes than the limit
    ├── ApiError                        the server answered with an error
    │   ├── BadRequest                  400
    │   ├── AuthError                   401, or 400 with API_KEY_INVALID
    │   ├── PermissionDenied            402, 403
    │   ├── NotFound                    404
    │   ├── RateLimited                 429, worth waiting for
    │   │   └── QuotaExhausted          429, not before the quota is renewed
    │   ├── RequestTooLarge             413
    │   └── ServerUnavailable           408 and 5xx
    ├── BudgetExceeded                  the budget that was set is used up; nothing was sent
    ├── StreamTruncated                 the stream ended without a finish reason
    ├── Blocked                         the prompt or the answer was blocked
    ├── InvalidAnswer                   the answer is not what was asked for
    │   ├── InvalidJSON
    │   ├── SchemaMismatch
    │   └── AnswerTruncated
    ├── ToolError
    │   ├── UnknownTool
    │   ├── ToolDenied
    │   └── ToolLimit
    ├── StoreError
    │   ├── StoreLocked
    │   ├── StoreMismatch
    │   ├── StoreDiskFull
    │   └── ConversationFileError
    └── LocalServerError                the embedded model did not start, or died

Every error is made of plain values, so it survives a pickle on its way home from a worker, and
carries no request, no header and no key. In a notebook it shows as one line.
"""

from __future__ import annotations

from typing import Any, ClassVar


class GeminiMagicError(Exception):
    """Base of every error that gemini_magic raises.

    Args:
        message: What happened, with the value that caused it, and the way out.
        hint: An extra sentence that says what to do, shown after the message.
    """

    def __init__(self, message: str = "", *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        #: A ``Reply`` with what had arrived when the error came, or None.
        self.partial: Any = None
        #: How many requests were sent, this one included; 0 when none was.
        self.attempts = 0

    def __str__(self) -> str:
        """The message, then the hint."""
        return f"{self.message} {self.hint}".strip()

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle as class, message and plain attributes."""
        return (_rebuild, (type(self), self.message, self.__dict__.copy()))

    def _render_traceback_(self) -> list[str]:
        """One line instead of a traceback; IPython calls this."""
        # A server's words may hold line breaks, and commands for the terminal.
        shown = "".join(character if character.isprintable() else " " for character in str(self))
        return [f"{type(self).__name__}: {' '.join(shown.split())}"]


def _rebuild(cls: type[GeminiMagicError], message: str, state: dict[str, Any]) -> GeminiMagicError:
    error = cls.__new__(cls, message)
    Exception.__init__(error, message)
    error.__dict__.update(state)
    return error


class ConfigError(GeminiMagicError):
    """A setting, profile, key or base URL cannot be used."""


class UsageError(GeminiMagicError):
    """The line or the cell of a magic is not understood."""


class InputError(GeminiMagicError):
    """A value cannot be sent to a model."""


class UnboundName(InputError):
    """A name inside ``{{…}}`` is not defined in the notebook."""


class UnsupportedValue(InputError):
    """There is no way to turn this value into parts."""


class ImageRejected(InputError):
    """Not an image that can be sent, or one above the limits."""


class FileRejected(InputError):
    """Not a file that can be sent, or one above the limits."""


class SchemaError(InputError):
    """A schema that cannot be sent."""


class TransportError(GeminiMagicError):
    """No well-formed HTTP answer arrived."""


class ConnectFailed(TransportError):
    """Nobody listens at that address, or its name is unknown."""


class TLSFailed(TransportError):
    """The encrypted channel could not be made."""


class ConnectionLost(TransportError):
    """The connection broke before the answer began."""


class Timeout(TransportError):
    """One of the four limits passed.

    Args:
        message: What happened.
        phase: ``"connect"``, ``"first event"``, ``"idle"`` or ``"total"``.
        seconds: The limit that passed, in seconds.
    """

    def __init__(self, message: str = "", *, phase: str = "total", seconds: float = 0.0, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.phase = phase
        self.seconds = seconds


class RedirectRefused(TransportError):
    """The server answered with a redirect; a prompt and its key are never sent on."""


class ProtocolError(TransportError):
    """The bytes that came are not Gemini's protocol."""


class ResponseTooLarge(TransportError):
    """The answer is larger than the limit."""


class ApiError(GeminiMagicError):
    """The server answered with an error.

    Args:
        message: The server's own words.
        status: HTTP status, or the code in the body when an error came inside a 200.
        reason: Google's status string, such as ``RESOURCE_EXHAUSTED``, or a gateway's own code.
        details: The ``details`` list of the error body, as it came.
        retry_delay: Seconds the server asked to wait, or None.
    """

    #: What to tell the user when the server's text alone does not help.
    way_out: ClassVar[str] = ""

    def __init__(
        self,
        message: str = "",
        *,
        status: int = 0,
        reason: str | None = None,
        details: list[Any] | None = None,
        retry_delay: float | None = None,
        hint: str = "",
    ) -> None:
        super().__init__(message, hint=hint or self.way_out)
        self.status = status
        self.reason = reason
        self.details = details or []
        self.retry_delay = retry_delay

    def __str__(self) -> str:
        """Status and reason first, then the server's words and the way out."""
        head = " ".join(str(word) for word in (self.status or "", self.reason or "") if word)
        text = super().__str__()
        return f"{head}: {text}" if head else text


class BadRequest(ApiError):
    """400: the server does not accept the request."""


class AuthError(ApiError):
    """401, or 400 with API_KEY_INVALID: the key is missing or wrong."""

    way_out = "Check the key of this profile; `%gemini help keys` says where it is read from."


class PermissionDenied(ApiError):
    """402 or 403: the key may not do this, or the balance is empty."""


class NotFound(ApiError):
    """404: no such model, or the base URL's path is wrong."""

    way_out = "`%gemini models` lists the models this gateway offers."


class RateLimited(ApiError):
    """429: too many requests; waiting helps."""


class QuotaExhausted(RateLimited):
    """429: a quota is used up; waiting a moment does not help."""


class RequestTooLarge(ApiError):
    """413: the request is larger than the server takes."""


class ServerUnavailable(ApiError):
    """408 or 5xx: the server, or one behind it, is failing."""


class BudgetExceeded(GeminiMagicError):
    """The budget of this kernel is used up; nothing was sent."""


class StreamTruncated(GeminiMagicError):
    """The stream ended without a finish reason; ``.partial`` holds what had come."""


class Blocked(GeminiMagicError):
    """The prompt or the answer was blocked; ``.partial`` holds what had come.

    Args:
        message: What was blocked, in words.
        reason: The finish reason or block reason, as the server gave it.
    """

    def __init__(self, message: str = "", *, reason: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.reason = reason


class InvalidAnswer(GeminiMagicError):
    """The answer is not what was asked for."""


class InvalidJSON(InvalidAnswer):
    """The answer is not JSON."""


class SchemaMismatch(InvalidAnswer):
    """The answer is JSON, but not of the schema."""


class AnswerTruncated(InvalidAnswer):
    """The answer stopped at the token limit."""


class ToolError(GeminiMagicError):
    """A function call cannot be carried out."""


class UnknownTool(ToolError):
    """The model asked for a function that was not offered."""


class ToolDenied(ToolError):
    """The function was not allowed to run."""


class ToolLimit(ToolError):
    """Too many rounds, calls, seconds or bytes."""


class StoreError(GeminiMagicError):
    """A file of ours cannot be read or written."""


class StoreLocked(StoreError):
    """Another kernel is writing to it."""


class StoreMismatch(StoreError):
    """It belongs to a different job."""


class StoreDiskFull(StoreError):
    """No space is left."""


class ConversationFileError(StoreError):
    """Not a conversation file, or a damaged one."""


class LocalServerError(GeminiMagicError):
    """The embedded model did not start, or died."""
