"""Errors as the server words them, Google's and the likes that gateways make."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import Field, ValidationError

from gemini_magic.wire.base import WireModel


class ErrorDetail(WireModel):
    """What all details of a `Status` have."""

    type_url: str | None = Field(default=None, alias="@type")
    """As in `type.googleapis.com/google.rpc.RetryInfo`."""


class ErrorInfo(ErrorDetail):
    """The cause, for programs."""

    reason: str | None = None
    """As in `API_KEY_INVALID`, `SERVICE_DISABLED`."""

    domain: str | None = None
    """Whose reason it is, as in `googleapis.com`."""

    metadata: dict[str, Any] | None = None
    """More about the cause, strings by name."""


class RetryInfo(ErrorDetail):
    """When to try again."""

    retry_delay: str | None = None
    """Seconds with the suffix `s`, as in `53.016s`."""


class QuotaFailureViolation(WireModel):
    """One limit that was passed."""

    subject: str | None = None
    description: str | None = None
    api_service: str | None = None
    quota_metric: str | None = None
    quota_id: str | None = None
    """As in `GenerateRequestsPerDayPerProjectPerModel-FreeTier`: tells limits per day from limits per minute."""

    quota_value: str | None = None
    """The limit, a number."""

    quota_dimensions: dict[str, Any] | None = None
    """Model and location, for example."""


class QuotaFailure(ErrorDetail):
    """Which limits were passed."""

    violations: list[QuotaFailureViolation] | None = None


class FieldViolation(WireModel):
    """One field that the server did not accept."""

    field: str | None = None
    """Its path, as in `contents[0].parts[1]`; the server may use snake_case."""

    description: str | None = None
    reason: str | None = None


class BadRequest(ErrorDetail):
    """Which fields the server did not accept."""

    field_violations: list[FieldViolation] | None = None


class HelpLink(WireModel):
    """A page to read."""

    description: str | None = None
    url: str | None = None


class Help(ErrorDetail):
    """Where to read more."""

    links: list[HelpLink] | None = None


class LocalizedMessage(ErrorDetail):
    """The message in the user's language."""

    locale: str | None = None
    message: str | None = None


class DebugInfo(ErrorDetail):
    """What the server's developers want to know."""

    stack_entries: list[str] | None = None
    detail: str | None = None


Detail = TypeVar("Detail", bound=ErrorDetail)


class Status(WireModel):
    """An error, in Google's shape or in OpenAI's."""

    code: int | str | None = None
    """Google: the HTTP status. OpenAI: a word such as `invalid_api_key`."""

    message: str | None = None
    """The error in words; some gateways put the JSON of another error here."""

    status: str | None = None
    """Google's name of the error, as in `RESOURCE_EXHAUSTED`."""

    type_: str | None = Field(default=None, alias="type")
    """OpenAI's name of the error, as in `rate_limit_error`."""

    details: Any = None
    """Google: a list of objects, each with its kind under `@type`. See `detail`."""

    def detail(self, kind: type[Detail]) -> Detail | None:
        """The first detail of a kind, as in `status.detail(RetryInfo)`, or None."""
        for raw in self.details if isinstance(self.details, list) else ():
            if isinstance(raw, dict) and str(raw.get("@type")).endswith(f".{kind.__name__}"):
                try:
                    return kind.model_validate(raw)
                except ValidationError:
                    continue
        return None


class ErrorEnvelope(WireModel):
    """The body of an answer that is an error."""

    error: Status | str | None = None
    """Some gateways send plain text."""
