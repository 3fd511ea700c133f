"""What the model may use: functions of the caller, and tools of the server."""

from __future__ import annotations

from typing import Any

from gemini_magic.wire.base import WireModel
from gemini_magic.wire.schema import Schema


class FunctionDeclaration(WireModel):
    """A function of the caller's that the model may ask for."""

    name: str | None = None
    """Letters, digits, `_`, `.`, `:`, `-`; starts with a letter or `_`; 64 characters at most."""

    description: str | None = None
    """What it does, and when to use it."""

    parameters: Schema | None = None
    """Its arguments in Gemini's own language; excludes `parameters_json_schema`."""

    parameters_json_schema: Any = None
    """Its arguments in JSON Schema, sent as it is; excludes `parameters`."""

    response: Schema | None = None
    """What it returns in Gemini's own language; excludes `response_json_schema`."""

    response_json_schema: Any = None
    """What it returns in JSON Schema, sent as it is; excludes `response`."""

    behavior: str | None = None
    """`BLOCKING` or `NON_BLOCKING`; the latter for live sessions."""


class DynamicRetrievalConfig(WireModel):
    """When to search (1.5 models)."""

    mode: str | None = None
    """`MODE_DYNAMIC`."""

    dynamic_threshold: float | None = None
    """Search when it seems at least this useful, 0 to 1."""


class GoogleSearchRetrieval(WireModel):
    """Google Search for 1.5 models; later ones take `ToolGoogleSearch`."""

    dynamic_retrieval_config: DynamicRetrievalConfig | None = None


class Interval(WireModel):
    """A stretch of time."""

    start_time: str | None = None
    """RFC 3339, included."""

    end_time: str | None = None
    """RFC 3339, excluded."""


class WebSearch(WireModel):
    """Search for pages."""


class ImageSearch(WireModel):
    """Search for images."""


class SearchTypes(WireModel):
    """What to search for; pages alone when absent."""

    web_search: WebSearch | None = None
    image_search: ImageSearch | None = None


class ToolGoogleSearch(WireModel):
    """Google Search."""

    time_range_filter: Interval | None = None
    """Find only what appeared in this time (Gemini API only)."""

    search_types: SearchTypes | None = None
    blocking_confidence: str | None = None
    """How surely harmful a page must be to be left out, as in `BLOCK_LOW_AND_ABOVE` (Vertex only)."""

    exclude_domains: list[str] | None = None
    """Sites to leave out (Vertex only)."""


class EnterpriseWebSearch(WireModel):
    """Web search that meets rules of regulated trades (Vertex only)."""

    blocking_confidence: str | None = None
    """How surely harmful a page must be to be left out."""

    exclude_domains: list[str] | None = None


class CodeExecution(WireModel):
    """Python that the server runs."""


class UrlContext(WireModel):
    """Pages that the server fetches when their address is in the prompt."""


class ToolComputerUse(WireModel):
    """Predefined functions that work a screen."""

    environment: str | None = None
    """`ENVIRONMENT_BROWSER`, `ENVIRONMENT_MOBILE` or `ENVIRONMENT_DESKTOP`."""

    excluded_predefined_functions: list[str] | None = None
    """Functions to leave out."""

    enable_prompt_injection_detection: bool | None = None
    disabled_safety_policies: list[str] | None = None
    """Policies to drop, as in `ACCOUNT_CREATION`."""


class FileSearch(WireModel):
    """Search in stores of the caller's own files (Gemini API only)."""

    file_search_store_names: list[str] | None = None
    """As in `fileSearchStores/my-store`."""

    top_k: int | None = None
    """How many passages."""

    metadata_filter: str | None = None
    """Which documents, as in `author = "Kafka"`."""

    retrieval_resources: list[dict[str, Any]] | None = None
    """Older servers, as the field below."""

    retrieval_config: dict[str, Any] | None = None


class GoogleMapsPlaces(WireModel):
    """Answers about places."""


class GoogleMapsRouting(WireModel):
    """Answers about ways."""


class GoogleMapsGroundingTypes(WireModel):
    """What to use Google Maps for (Vertex only)."""

    places: GoogleMapsPlaces | None = None
    routing: GoogleMapsRouting | None = None


class GoogleMaps(WireModel):
    """Google Maps."""

    enable_widget: bool | None = None
    """Whether to send a token for the Maps widget (deprecated)."""

    auth_config: dict[str, Any] | None = None
    """Vertex only, as the field below."""

    grounding_types: GoogleMapsGroundingTypes | None = None


class Retrieval(WireModel):
    """Search in the caller's own data (Vertex only)."""

    vertex_ai_search: dict[str, Any] | None = None
    vertex_rag_store: dict[str, Any] | None = None
    external_api: dict[str, Any] | None = None
    disable_attribution: bool | None = None
    """Deprecated."""


class ToolParallelAiSearch(WireModel):
    """Search by Parallel (Vertex only)."""

    api_key: str | None = None
    custom_configs: dict[str, Any] | None = None
    enable_zero_data_retention: bool | None = None
    enable_data_retention: bool | None = None
    """Deprecated."""


class ToolExaAiSearch(WireModel):
    """Search by Exa (Vertex only)."""

    api_key: str | None = None
    custom_configs: dict[str, Any] | None = None


class StreamableHttpTransport(WireModel):
    """How the server reaches an MCP server."""

    url: str | None = None
    headers: dict[str, str] | None = None
    timeout: str | None = None
    """Seconds with the suffix `s`."""

    sse_read_timeout: str | None = None
    """Seconds with the suffix `s`."""

    terminate_on_close: bool | None = None


class McpServer(WireModel):
    """An MCP server whose tools the model may use (Gemini API only)."""

    name: str | None = None
    streamable_http_transport: StreamableHttpTransport | None = None


class Tool(WireModel):
    """A set of things the model may use; mostly one field is set."""

    function_declarations: list[FunctionDeclaration] | None = None
    """Functions of the caller's."""

    google_search: ToolGoogleSearch | None = None
    google_search_retrieval: GoogleSearchRetrieval | None = None
    code_execution: CodeExecution | None = None
    url_context: UrlContext | None = None
    computer_use: ToolComputerUse | None = None
    google_maps: GoogleMaps | None = None
    file_search: FileSearch | None = None
    """Gemini API only."""

    mcp_servers: list[McpServer] | None = None
    """Gemini API only."""

    retrieval: Retrieval | None = None
    """Vertex only, as the three below."""

    enterprise_web_search: EnterpriseWebSearch | None = None
    parallel_ai_search: ToolParallelAiSearch | None = None
    exa_ai_search: ToolExaAiSearch | None = None


class FunctionCallingConfig(WireModel):
    """Whether, and which, functions the model calls."""

    mode: str | None = None
    """One of `FunctionCallingMode`; servers take AUTO when absent."""

    allowed_function_names: list[str] | None = None
    """The only ones to call, with the modes ANY and VALIDATED."""

    stream_function_call_arguments: bool | None = None
    """Whether to send arguments piece by piece (Vertex only)."""


class LatLng(WireModel):
    """A place on earth."""

    latitude: float | None = None
    """Degrees, -90 to 90."""

    longitude: float | None = None
    """Degrees, -180 to 180."""


class RetrievalConfig(WireModel):
    """For whom the server's tools search."""

    lat_lng: LatLng | None = None
    """Where the user is."""

    language_code: str | None = None
    """The user's language, BCP 47."""


class ToolConfig(WireModel):
    """How to use the tools of a request."""

    function_calling_config: FunctionCallingConfig | None = None
    retrieval_config: RetrievalConfig | None = None
    include_server_side_tool_invocations: bool | None = None
    """Whether to send `ToolCall` and `ToolResponse` parts, needed to mix functions with the server's tools (Gemini API
    only, Gemini 3 and later)."""
