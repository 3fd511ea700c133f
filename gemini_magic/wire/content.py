"""Contents and their parts: what is said, by either side."""

from __future__ import annotations

import base64
import binascii
from typing import Any, Self

from gemini_magic.wire.base import WireModel
from gemini_magic.wire.values import Role

_URL_SAFE = str.maketrans("-_", "+/")


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        plain = "".join(text.translate(_URL_SAFE).split()).rstrip("=")
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)


class Blob(WireModel):
    """Bytes carried inside the message."""

    mime_type: str | None = None
    """Media type such as `image/png`."""

    data: str | None = None
    """The bytes in base64; requests as a whole are limited to 100 MB by Google, often to 20 MB or less by gateways."""

    display_name: str | None = None
    """Name by which text may refer to the bytes (Vertex, and function responses)."""

    def to_bytes(self) -> bytes:
        """The decoded bytes, empty when there are none.

        Raises:
            ValueError: The data is not base64, neither in the standard nor in the URL-safe alphabet.
        """
        return _decode(self.data or "")


class FileData(WireModel):
    """Bytes that the server fetches itself."""

    mime_type: str | None = None
    """Media type such as `video/mp4`."""

    file_uri: str | None = None
    """A Files API URI, a public YouTube address, `gs://…` (Vertex), or an https address (newer models)."""

    display_name: str | None = None
    """Name by which text may refer to the file (Vertex only)."""


class PartialArg(WireModel):
    """A piece of a function argument that is still being streamed (Vertex only)."""

    json_path: str | None = None
    """Where in the arguments the piece belongs, as in `$.city.names[0]`."""

    string_value: str | None = None
    """A piece of text; pieces for one path are joined."""

    number_value: float | None = None
    bool_value: bool | None = None
    null_value: str | None = None
    """`NULL_VALUE` when the value is null."""

    will_continue: bool | None = None
    """Whether another piece for the same path follows."""


class FunctionCall(WireModel):
    """The model's wish to have a function called."""

    id: str | None = None
    """To be repeated in the response, when it was given."""

    name: str | None = None
    """Name of the function; absent when streamed arguments go on."""

    args: dict[str, Any] | None = None
    """Arguments by name; absent, empty or null when there are none."""

    partial_args: list[PartialArg] | None = None
    """Pieces of the arguments, when they are streamed (Vertex only)."""

    will_continue: bool | None = None
    """Whether more of this call follows in later chunks (Vertex only)."""


class FunctionResponseBlob(Blob):
    """Bytes that a function returned."""


class FunctionResponseFileData(FileData):
    """A file that a function returned, to be fetched by the server (Vertex only)."""


class VideoMetadata(WireModel):
    """Which stretch of a video to look at, and how often."""

    start_offset: str | None = None
    """Start in seconds with the suffix `s`, as in `"12.5s"`."""

    end_offset: str | None = None
    """End in seconds with the suffix `s`."""

    fps: float | None = None
    """Frames per second to sample, above 0 up to 24; the server takes 1 when absent."""

    content_layers: list[str] | None = None
    """Which of `FRAMES`, `AUDIO`, `TRANSCRIPT` to read (newer Gemini API)."""


class AudioMetadata(WireModel):
    """Which stretch of a recording to listen to (newer Gemini API)."""

    start_offset: str | None = None
    """Start in seconds with the suffix `s`."""

    end_offset: str | None = None
    """End in seconds with the suffix `s`."""


class DocumentMetadata(WireModel):
    """Which pages of a document to read (newer Gemini API)."""

    start_page: int | None = None
    end_page: int | None = None
    content_layers: list[str] | None = None
    """Which of `PAGE_IMAGE`, `PAGE_TEXT` to read."""


class SpreadsheetMetadata(WireModel):
    """Which part of a workbook to read (newer Gemini API)."""

    sheet_index: int | None = None
    visible_cells: str | None = None
    """Range of cells."""

    content_layers: list[str] | None = None
    """Which of `DATA`, `FORMULAS`, `VISUAL` to read."""


class PartMediaResolution(WireModel):
    """How finely to look at one part (Gemini 3 and later)."""

    level: str | None = None
    """One of `MediaResolution`."""

    num_tokens: int | None = None
    """Tokens to spend on the part (newer Gemini API)."""


class FunctionResponsePart(WireModel):
    """A piece of media that a function returned beside its JSON."""

    inline_data: FunctionResponseBlob | None = None
    file_data: FunctionResponseFileData | None = None
    media_processing: str | None = None
    """`STATIC` or `AGENTIC` (newer Gemini API)."""

    media_resolution: PartMediaResolution | None = None
    video_metadata: VideoMetadata | None = None
    document_metadata: DocumentMetadata | None = None
    spreadsheet_metadata: SpreadsheetMetadata | None = None
    audio_metadata: AudioMetadata | None = None


class FunctionResponse(WireModel):
    """What a function returned. Every call of a turn needs one, in the order of the calls."""

    id: str | None = None
    """The id of the call, when it had one."""

    name: str | None = None
    """Name of the function."""

    response: dict[str, Any] | None = None
    """The result, always an object: by custom under `result`, or under `error` when the call failed."""

    parts: list[FunctionResponsePart] | None = None
    """Media that belongs to the result."""

    will_continue: bool | None = None
    """Whether more results follow, for functions that do not block (Gemini API only)."""

    scheduling: str | None = None
    """`SILENT`, `WHEN_IDLE` or `INTERRUPT`, for functions that do not block."""


class ExecutableCode(WireModel):
    """Code that the model wrote for the server to run."""

    id: str | None = None
    language: str | None = None
    """`PYTHON` so far."""

    code: str | None = None


class CodeExecutionResult(WireModel):
    """What came of running an `ExecutableCode`."""

    id: str | None = None
    """The id of the code, when it had one."""

    outcome: str | None = None
    """One of `Outcome`."""

    output: str | None = None
    """Standard output, or the error."""


class ToolCall(WireModel):
    """A call of one of the server's own tools, to be sent back unchanged in later turns (Gemini API only)."""

    id: str | None = None
    tool_type: str | None = None
    """For example `GOOGLE_SEARCH_WEB`, `URL_CONTEXT`, `FILE_SEARCH`."""

    args: dict[str, Any] | None = None
    tool_name: str | None = None
    """Name of the tool (Vertex only)."""

    tool_input: str | None = None
    """Input of the tool (Vertex only)."""


class ToolResponse(WireModel):
    """What one of the server's own tools answered, to be sent back unchanged (Gemini API only)."""

    id: str | None = None
    tool_type: str | None = None
    response: dict[str, Any] | None = None


class WordInfo(WireModel):
    """One transcribed word and its time."""

    word: str | None = None
    start_offset: str | None = None
    end_offset: str | None = None


class Transcription(WireModel):
    """What was said in a recording (newer models)."""

    text: str | None = None
    finished: bool | None = None
    language_code: str | None = None
    speaker_label: str | None = None
    words: list[WordInfo] | None = None
    start_offset: str | None = None
    end_offset: str | None = None


class SpeechMetadata(WireModel):
    """Who speaks a text, and how, when it becomes speech (newer models)."""

    speaker: str | None = None
    style: str | None = None


class Part(WireModel):
    """One piece of a content. One field says what it is; the others say something about it.

    A part that came from the server goes back as it came: never merged, split or rebuilt.
    """

    text: str | None = None
    inline_data: Blob | None = None
    function_call: FunctionCall | None = None
    function_response: FunctionResponse | None = None
    file_data: FileData | None = None
    executable_code: ExecutableCode | None = None
    code_execution_result: CodeExecutionResult | None = None
    tool_call: ToolCall | None = None
    tool_response: ToolResponse | None = None
    thought: bool | None = None
    """Whether this is a summary of the model's thinking and no part of the answer."""

    thought_signature: str | None = None
    """Opaque base64 that must go back with this very part."""

    video_metadata: VideoMetadata | None = None
    """Which stretch of a video in this part to look at."""

    media_resolution: PartMediaResolution | None = None
    """How finely to look at this part."""

    media_processing: str | None = None
    """`STATIC` or `AGENTIC`."""

    part_metadata: dict[str, Any] | None = None
    """Whatever the sender wants to keep with the part (Gemini API only)."""

    audio_transcription: Transcription | None = None
    speech_metadata: SpeechMetadata | None = None
    document_metadata: DocumentMetadata | None = None
    spreadsheet_metadata: SpreadsheetMetadata | None = None
    audio_metadata: AudioMetadata | None = None

    @classmethod
    def from_text(cls, text: str) -> Self:
        """A part that is text."""
        return cls(text=text)

    @classmethod
    def from_bytes(cls, data: bytes, mime_type: str) -> Self:
        """A part that carries bytes, such as an image, inside the message."""
        return cls(inline_data=Blob(mime_type=mime_type, data=_encode(data)))


class Content(WireModel):
    """One turn of a conversation, or the system instruction."""

    parts: list[Part] | None = None
    role: str | None = None
    """`user`, which function responses go under too, or `model`; none for the system instruction."""

    @classmethod
    def user(cls, *parts: Part | str) -> Self:
        """A turn of the user."""
        return cls(parts=_as_parts(parts), role=Role.USER)

    @classmethod
    def model(cls, *parts: Part | str) -> Self:
        """A turn of the model."""
        return cls(parts=_as_parts(parts), role=Role.MODEL)


def _as_parts(parts: tuple[Part | str, ...]) -> list[Part]:
    return [Part.from_text(part) if isinstance(part, str) else part for part in parts]
