"""Where an answer comes from: citations, search results, maps, fetched pages."""

from __future__ import annotations

from typing import Any

from gemini_magic.wire.base import WireModel
from gemini_magic.wire.content import Content


class GoogleTypeDate(WireModel):
    """A date whose month and day may be unknown (0)."""

    year: int | None = None
    month: int | None = None
    day: int | None = None


class CitationSource(WireModel):
    """A source that part of the answer repeats."""

    start_index: int | None = None
    """First byte of the cited stretch of the answer, counted in UTF-8."""

    end_index: int | None = None
    """The byte after the cited stretch."""

    uri: str | None = None
    title: str | None = None
    """Vertex only."""

    license: str | None = None
    publication_date: GoogleTypeDate | None = None
    """Vertex only."""


class CitationMetadata(WireModel):
    """Sources of one candidate."""

    citation_sources: list[CitationSource] | None = None
    """What the Gemini API calls them."""

    citations: list[CitationSource] | None = None
    """What Vertex calls them."""


class AttributionSourceId(WireModel):
    """Which passage a `GroundingAttribution` is about (Gemini API only)."""

    grounding_passage: dict[str, Any] | None = None
    semantic_retriever_chunk: dict[str, Any] | None = None


class GroundingAttribution(WireModel):
    """A passage that an answer over given passages used (Gemini API only)."""

    source_id: AttributionSourceId | None = None
    content: Content | None = None


class SearchEntryPoint(WireModel):
    """What must be shown beside an answer that used Google Search."""

    rendered_content: str | None = None
    """HTML of search suggestions."""

    sdk_blob: str | None = None
    """Base64 of JSON pairs of search term and address."""


class GroundingChunkWeb(WireModel):
    """A page of the web."""

    uri: str | None = None
    title: str | None = None
    domain: str | None = None
    """Vertex only."""


class GroundingChunkImage(WireModel):
    """An image of the web and the page that shows it."""

    source_uri: str | None = None
    image_uri: str | None = None
    title: str | None = None
    domain: str | None = None


class GroundingChunkStringList(WireModel):
    """Several strings as one value."""

    values: list[str] | None = None


class GroundingChunkCustomMetadata(WireModel):
    """A value that the owner of a document stored with it."""

    key: str | None = None
    string_value: str | None = None
    numeric_value: float | None = None
    string_list_value: GroundingChunkStringList | None = None


class GroundingChunkRetrievedContext(WireModel):
    """A passage of the user's own documents."""

    uri: str | None = None
    title: str | None = None
    text: str | None = None
    document_name: str | None = None
    """Vertex only."""

    rag_chunk: dict[str, Any] | None = None
    """Vertex only."""

    custom_metadata: list[GroundingChunkCustomMetadata] | None = None
    """Gemini API only, as the three fields below."""

    file_search_store: str | None = None
    page_number: int | None = None
    media_id: str | None = None


class GroundingChunkMapsPlaceAnswerSourcesAuthorAttribution(WireModel):
    """Who wrote a review."""

    display_name: str | None = None
    photo_uri: str | None = None
    uri: str | None = None


class GroundingChunkMapsPlaceAnswerSourcesReviewSnippet(WireModel):
    """A piece of a review of a place."""

    review: str | None = None
    review_id: str | None = None
    title: str | None = None
    google_maps_uri: str | None = None
    flag_content_uri: str | None = None
    relative_publish_time_description: str | None = None
    author_attribution: GroundingChunkMapsPlaceAnswerSourcesAuthorAttribution | None = None


class GroundingChunkMapsPlaceAnswerSources(WireModel):
    """Reviews that an answer about a place used."""

    review_snippets: list[GroundingChunkMapsPlaceAnswerSourcesReviewSnippet] | None = None
    review_snippet: list[GroundingChunkMapsPlaceAnswerSourcesReviewSnippet] | None = None
    """An older spelling of the same."""

    flag_content_uri: str | None = None


class GroundingChunkMapsRoute(WireModel):
    """A way between places."""

    distance_meters: int | None = None
    duration: str | None = None
    """Seconds with the suffix `s`."""

    encoded_polyline: str | None = None


class GroundingChunkMaps(WireModel):
    """A place on Google Maps."""

    uri: str | None = None
    title: str | None = None
    text: str | None = None
    place_id: str | None = None
    place_answer_sources: GroundingChunkMapsPlaceAnswerSources | None = None
    route: GroundingChunkMapsRoute | None = None


class GroundingChunk(WireModel):
    """One source of an answer, of one of four kinds."""

    web: GroundingChunkWeb | None = None
    retrieved_context: GroundingChunkRetrievedContext | None = None
    maps: GroundingChunkMaps | None = None
    image: GroundingChunkImage | None = None


class Segment(WireModel):
    """A stretch of the answer."""

    part_index: int | None = None
    start_index: int | None = None
    """First byte within the part, counted in UTF-8, not in characters; absent means 0."""

    end_index: int | None = None
    """The byte after the stretch."""

    text: str | None = None


class GroundingSupport(WireModel):
    """Which sources bear out a stretch of the answer."""

    segment: Segment | None = None
    grounding_chunk_indices: list[int] | None = None
    """Places in `GroundingMetadata.grounding_chunks`."""

    confidence_scores: list[float] | None = None
    """0 to 1, one for each source; newer models send none."""

    rendered_parts: list[int] | None = None


class RetrievalMetadata(WireModel):
    """How useful a search was thought to be."""

    google_search_dynamic_retrieval_score: float | None = None
    """0 to 1."""


class GroundingMetadataSourceFlaggingUri(WireModel):
    """Where to report a source (Vertex only)."""

    source_id: str | None = None
    flag_content_uri: str | None = None


class GroundingMetadata(WireModel):
    """Sources of an answer, mostly in the last chunk, sometimes empty."""

    grounding_chunks: list[GroundingChunk] | None = None
    grounding_supports: list[GroundingSupport] | None = None
    web_search_queries: list[str] | None = None
    image_search_queries: list[str] | None = None
    retrieval_queries: list[str] | None = None
    """Vertex only."""

    search_entry_point: SearchEntryPoint | None = None
    retrieval_metadata: RetrievalMetadata | None = None
    google_maps_widget_context_token: str | None = None
    source_flagging_uris: list[GroundingMetadataSourceFlaggingUri] | None = None
    """Vertex only."""


class UrlMetadata(WireModel):
    """What came of fetching one address."""

    retrieved_url: str | None = None
    url_retrieval_status: str | None = None
    """`URL_RETRIEVAL_STATUS_SUCCESS`, `…_ERROR`, `…_PAYWALL` or `…_UNSAFE`."""


class UrlContextMetadata(WireModel):
    """Addresses that the server fetched for the answer."""

    url_metadata: list[UrlMetadata] | None = None
