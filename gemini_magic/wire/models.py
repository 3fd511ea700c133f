"""Lists of models, in Google's shape and in the one that gateways borrowed from OpenAI."""

from __future__ import annotations

from gemini_magic.wire.base import WireModel


class Model(WireModel):
    """A model, as Google describes it."""

    name: str | None = None
    """As in `models/gemini-2.5-pro`."""

    base_model_id: str | None = None
    version: str | None = None
    display_name: str | None = None
    description: str | None = None
    input_token_limit: int | None = None
    """Most tokens of a prompt."""

    output_token_limit: int | None = None
    """Most tokens of an answer."""

    supported_generation_methods: list[str] | None = None
    """As in `generateContent`, `countTokens`, `embedContent`."""

    thinking: bool | None = None
    """Whether it can think."""

    temperature: float | None = None
    """What holds when a request sets none, as for the two below."""

    max_temperature: float | None = None
    """Highest temperature a request may set."""

    top_p: float | None = None
    top_k: int | None = None


class ListModelsResponse(WireModel):
    """Google's list, page by page."""

    models: list[Model] | None = None
    next_page_token: str | None = None
    """Absent on the last page."""


class ModelCard(WireModel, alias_generator=None):
    """A model, as OpenAI's API describes it; this shape alone is snake_case on the wire."""

    id: str | None = None
    """The model's name, without a prefix."""

    object: str | None = None
    """`model`."""

    created: int | None = None
    """Seconds since 1970."""

    owned_by: str | None = None


class ModelList(WireModel, alias_generator=None):
    """OpenAI's list, as gateways give it at `/v1/models`."""

    object: str | None = None
    """`list`."""

    data: list[ModelCard] | None = None
