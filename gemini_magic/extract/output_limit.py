"""The limit on an answer's tokens: where a job sets it, where a request says it, and how a gateway refuses it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gemini_magic.exceptions import BadRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gemini_magic.exceptions import GeminiMagicError
    from gemini_magic.extract.job import Job

#: Its name on the wire.
LIMIT = "maxOutputTokens"
_CONFIG = "generationConfig"


def limit_of(job: Job) -> int | None:
    """The limit that a job sets, or None."""
    over = job.extra.get(_CONFIG) if job.extra else None
    limit = over.get(LIMIT) if isinstance(over, dict) else None
    limit = job.wire_config.get(LIMIT) if limit is None else limit
    return limit if isinstance(limit, int) and limit > 0 else None


def with_limit(extra: Mapping[str, Any], limit: int | None) -> dict[str, Any]:
    """The extra fields, which are laid over all others, with the limit where they have one."""
    config = extra.get(_CONFIG)
    has_limit = isinstance(config, dict) and LIMIT in config
    return {**extra, _CONFIG: {**config, LIMIT: limit}} if has_limit else dict(extra)  # type: ignore[dict-item]


def minds_limit(error: GeminiMagicError) -> bool:
    """Whether an error says that the raised limit is too high."""
    words = str(error).lower().replace("_", "").replace(" ", "")
    return isinstance(error, BadRequest) and "outputtoken" in words
