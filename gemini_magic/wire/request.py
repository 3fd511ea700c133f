"""What a client asks. Only what was set is sent."""

from __future__ import annotations

from typing import Any

from gemini_magic.wire.base import WireModel
from gemini_magic.wire.config import GenerationConfig
from gemini_magic.wire.content import Content
from gemini_magic.wire.tools import Tool, ToolConfig


class SafetySetting(WireModel):
    """From which probability of one kind of harm on to block."""

    category: str | None = None
    """One of `HarmCategory`."""

    threshold: str | None = None
    """One of `HarmBlockThreshold`."""

    method: str | None = None
    """Whether to judge by `SEVERITY` too or by `PROBABILITY` alone (Vertex only)."""


class ModelArmorConfig(WireModel):
    """Model Armor templates, named in full (Vertex only)."""

    prompt_template_name: str | None = None
    response_template_name: str | None = None


class GenerationOutputConfig(WireModel):
    """Where to put generated files (Vertex only)."""

    output_uri_prefix: str | None = None
    """As in `gs://bucket/folder`."""


class GenerateContentRequest(WireModel):
    """A prompt, and how to answer it; the body of generateContent and of streamGenerateContent."""

    contents: list[Content] | None = None
    """The conversation, last turn last; the last one must not be the model's."""

    system_instruction: Content | None = None
    """What holds for the whole conversation; text parts only."""

    generation_config: GenerationConfig | None = None
    tools: list[Tool] | None = None
    tool_config: ToolConfig | None = None
    safety_settings: list[SafetySetting] | None = None
    """At most one for each category."""

    cached_content: str | None = None
    """Name of a cached beginning of the prompt, as in `cachedContents/abc`."""

    model: str | None = None
    """As in `models/gemini-2.5-pro`; the address names it, so only token counts and batches need it (Gemini API)."""

    labels: dict[str, str] | None = None
    """Names and values that show up in the bill."""

    service_tier: str | None = None
    """One of `ServiceTier` (Gemini API)."""

    store: bool | None = None
    """Whether the server may keep the request for its logs (Gemini API)."""

    continuation_token: str | None = None
    """Base64 from a candidate that ended with CONTINUATION; goes with the very same contents."""

    model_armor_config: ModelArmorConfig | None = None
    """Vertex only."""

    output_config: GenerationOutputConfig | None = None
    """Vertex only."""


class CountTokensRequest(WireModel):
    """A prompt to be counted: bare contents, or a whole request, which counts tools and instruction too."""

    contents: list[Content] | None = None
    """Excludes `generate_content_request`."""

    generate_content_request: GenerateContentRequest | None = None
    """Must name its `model` (Gemini API only)."""

    model: str | None = None
    generation_config: GenerationConfig | None = None
    """Vertex only, as the three below."""

    system_instruction: Content | None = None
    tools: list[Tool] | None = None
    instances: list[Any] | None = None


class CachedContentUsageMetadata(WireModel):
    """What is in a cache."""

    total_token_count: int | None = None
    text_count: int | None = None
    """Characters (Vertex only)."""

    image_count: int | None = None
    """Vertex only."""

    audio_duration_seconds: int | None = None
    """Vertex only."""

    video_duration_seconds: int | None = None
    """Vertex only."""


class CachedContent(WireModel):
    """The beginning of a prompt, kept by the server to be used again; both asked for and answered in this shape."""

    name: str | None = None
    """Given by the server, as in `cachedContents/abc`."""

    model: str | None = None
    """The only model that can use it, as in `models/gemini-2.5-pro`."""

    display_name: str | None = None
    """128 characters at most."""

    contents: list[Content] | None = None
    system_instruction: Content | None = None
    tools: list[Tool] | None = None
    tool_config: ToolConfig | None = None
    ttl: str | None = None
    """How long to keep it, in seconds with the suffix `s`; only ever sent, and excludes `expire_time`."""

    expire_time: str | None = None
    """Until when it is kept, RFC 3339."""

    create_time: str | None = None
    update_time: str | None = None
    usage_metadata: CachedContentUsageMetadata | None = None


class ListCachedContentsResponse(WireModel):
    """The caches of a project, page by page."""

    cached_contents: list[CachedContent] | None = None
    next_page_token: str | None = None
    """Absent on the last page."""
