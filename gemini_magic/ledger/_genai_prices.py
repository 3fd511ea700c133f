"""Google's list prices, from the data that comes with genai-prices; nothing is fetched."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import cache, lru_cache
from time import time as now
from typing import TYPE_CHECKING, Any

from gemini_magic._optional import require
from gemini_magic.exceptions import ConfigError

if TYPE_CHECKING:
    from decimal import Decimal
    from types import ModuleType

    from gemini_magic.wire import UsageMetadata

_PROVIDER = "google"
_STANDARD = frozenset({"", "unspecified", "service_tier_unspecified", "standard"})
#: Costs that are remembered: to look one up takes longer than all else that is done for an exchange.
_REMEMBERED = 4_096
_HOUR = 3_600


@cache
def _library() -> ModuleType | ConfigError:
    """The library, or the sentence that says how to get it."""
    try:
        return require("genai_prices", extra="cost", why="know Google's prices")
    except ConfigError as error:
        return error


def missing() -> str:
    """How to get the library, or an empty string when it is there."""
    library = _library()
    return str(library) if isinstance(library, ConfigError) else ""


def knows(model: str) -> bool:
    """Whether the list has this model."""
    return _calculated(model, {"promptTokenCount": 0, "totalTokenCount": 0}, None, {}) is not None


def cost(model: str, usage: UsageMetadata, time: float | None = None) -> Decimal | None:
    """What an exchange cost in dollars, or None where that is not certain.

    Fees for searches and for keeping a cache are not in it: the answer does not say them.

    Args:
        model: The model's name.
        usage: Its token counts.
        time: When it was, in seconds since the epoch; now when None.
    """
    hour = int((now() if time is None else time) // _HOUR)
    try:
        counts = usage.model_dump_json(by_alias=True, exclude_none=True)
    except ValueError:  # what is no JSON came from no gateway
        return None
    return _cost(model, counts, hour)


@lru_cache(_REMEMBERED)
def _cost(model: str, usage: str, hour: int) -> Decimal | None:
    """The cost of such an exchange; many exchanges of a batch are alike, and the list changes by the day."""
    counts = json.loads(usage)
    _fill_cache_details(counts)
    tier = str(counts.get("serviceTier") or "").lower()
    context = {} if tier in _STANDARD else {"service_tier": tier}
    found = _calculated(model, counts, hour * _HOUR, context)
    if found is None or _is_ambiguous(found, counts, context):
        return None
    total: Decimal = found.total_price
    return total


def _calculated(model: str, counts: dict[str, Any], time: float | None, context: dict[str, str]) -> Any:  # noqa: ANN401
    library = _library()
    if isinstance(library, ConfigError):
        return None
    body = {"modelVersion": model.removeprefix("models/"), "usageMetadata": counts}
    when = None if time is None else datetime.fromtimestamp(time, UTC)
    try:
        found = library.extract_usage(body, provider_id=_PROVIDER)
        return found.calc_price(genai_request_timestamp=when, price_context=context or None)
    except (LookupError, ValueError):  # no such model, or counts that contradict each other
        return None


def _fill_cache_details(counts: dict[str, Any]) -> None:
    """Kinds of content that a full account of the cached tokens does not name had none."""
    details = counts.get("cacheTokensDetails")
    if details and sum(one.get("tokenCount", 0) for one in details) == counts.get("cachedContentTokenCount"):
        named = {one.get("modality") for one in details}
        absent = [kind for kind in ("TEXT", "AUDIO", "IMAGE", "VIDEO") if kind not in named]
        counts["cacheTokensDetails"] = [*details, *({"modality": kind, "tokenCount": 0} for kind in absent)]


def _is_ambiguous(found: Any, counts: dict[str, Any], context: dict[str, str]) -> bool:  # noqa: ANN401 - the library's
    """Whether the list has another price for what these counts may mean."""
    prices = vars(found.model_price)
    kinds = any(prices.get(f"output_{kind}_mtok") is not None for kind in ("image", "audio", "video"))
    if kinds and counts.get("candidatesTokenCount") and not counts.get("candidatesTokensDetails"):
        return True
    variants = found.model.price_variants or []
    return bool(context) and not any(variant.when.items() <= context.items() for variant in variants)
