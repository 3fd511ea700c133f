"""A look at a request: one that was sent, or one that would be."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from gemini_magic import ledger
from gemini_magic.client.capabilities import known
from gemini_magic.display.request_card import RequestCard
from gemini_magic.exceptions import ApiError, GeminiMagicError, TransportError
from gemini_magic.settings import LOCAL
from gemini_magic.settings.keys import MASK
from gemini_magic.wire import UsageMetadata

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gemini_magic.client import Client
    from gemini_magic.magics.question import Exchange, Question
    from gemini_magic.settings import Profile
    from gemini_magic.wire import CountTokensResponse

#: Headers that carry the key; a card is an object that people can look into.
_KEY_HEADERS = frozenset({"authorization", "x-goog-api-key"})
_ONLY_COUNTING = "Nothing was sent but a request to count tokens, and nothing was added to the conversation"
_NOTHING_SENT = "Nothing was sent, and nothing was added to the conversation."
_LOCAL_KEY = "The embedded server makes its key anew at each start; `gemini-magic serve` starts one that shows its own."


def request_card(exchange: Exchange, **facts: Any) -> RequestCard:  # noqa: ANN401 - fields of the card
    """An exchange's request, as the bytes that go over the wire.

    Args:
        exchange: What was, or would be, sent.
        **facts: Further fields of `RequestCard`.
    """
    client, plan = exchange.client, exchange.plan()
    outgoing = client.outgoing(plan, plan.models[0])
    headers = {name: MASK if name in _KEY_HEADERS else value for name, value in outgoing.headers.items()}
    card = RequestCard(
        outgoing.method,
        outgoing.url,
        bytes(plan.body) if plan.body is not None else None,
        headers,
        key_variable=_key_variable(client.profile),
        **facts,
    )
    if client.holds_key((card.data or b"").decode(errors="replace")):
        return RequestCard(card.method, card.path, without_key(card.body, client), headers, **facts)
    return card


def without_key(value: Any, client: Client) -> Any:  # noqa: ANN401 - any JSON
    """The same JSON with a mask in the place of every text that holds the client's key."""
    if isinstance(value, str):
        return MASK if client.holds_key(value) else value
    if isinstance(value, dict):
        return {without_key(name, client): without_key(item, client) for name, item in value.items()}
    return [without_key(item, client) for item in value] if isinstance(value, list) else value


def _key_variable(profile: Profile) -> str:
    """The variable that holds the key of this profile, or should."""
    names = profile.key_variables
    return next((name for name in names if os.environ.get(name, "").strip()), names[0] if names else "")


def dry_run(
    question: Question, *, count: bool = True, method: str = "streamGenerateContent", notes: Sequence[str] = ()
) -> RequestCard:
    """What would be sent, with its tokens where the gateway counts, and their price where it is known.

    Args:
        question: What would be asked.
        count: Whether to have the gateway count; that is the only thing that is ever sent.
        method: ``streamGenerateContent`` or ``generateContent``.
        notes: Lines about the prompt, such as that it is large.
    """
    exchange = question.exchange(method)
    client = exchange.client
    counted, note = _counted(exchange) if count else (None, _NOTHING_SENT)
    notes = (*notes, note, _LOCAL_KEY) if client.profile.name == LOCAL else (*notes, note)
    tokens = counted.total_tokens if counted is not None else None
    return request_card(
        exchange, title="Would be sent", tokens=tokens, price=_price(client, question.model, counted), notes=notes
    )


def _counted(exchange: Exchange) -> tuple[CountTokensResponse | None, str]:
    """The tokens, and what is to be said about how they were found."""
    client = exchange.client
    capabilities = known(client.profile)
    if capabilities is not None and capabilities.count_tokens is False:
        return None, f"Tokens are not known: `%gemini doctor` found that this gateway does not count. {_NOTHING_SENT}"
    contents, fields = exchange.request()
    try:
        counted = client.with_options(retries=0).count_tokens(contents, **fields)
    except GeminiMagicError as error:
        if not isinstance(error, (ApiError, TransportError)):
            return None, f"Tokens are not known: {error} {_NOTHING_SENT}"
        return None, f"Tokens are not known. {_ONLY_COUNTING}; it failed: {error}"
    if counted.total_tokens is None:
        return None, f"Tokens are not known. {_ONLY_COUNTING}; its answer has no number."
    return counted, f"{_ONLY_COUNTING}."


def _price(client: Client, model: str, counted: CountTokensResponse | None) -> str:
    """What the prompt costs, in words; what the answer will cost nobody knows."""
    if counted is None or counted.total_tokens is None:
        return ""
    counts = {"promptTokenCount": counted.total_tokens, "totalTokenCount": counted.total_tokens}
    if counted.cached_content_token_count:
        counts["cachedContentTokenCount"] = counted.cached_content_token_count
    usage = UsageMetadata.model_validate(counts)
    money = ledger.KERNEL.price_of(model, usage, prices=client.profile.prices)
    return f"{ledger.money_text(money)} without the answer" if money is not None else ""
