"""What every model refuses: requests that are not of the protocol's form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gemini_magic.local.errors import invalid
from gemini_magic.wire import Role

if TYPE_CHECKING:
    from gemini_magic.wire import Content, GenerateContentRequest, GenerationConfig, Part

#: Roles that are taken; ``function`` is the older name of a user turn with function responses.
_ROLES = {None, "", "function", Role.MODEL, Role.USER}
_RANGES: dict[str, tuple[float, float]] = {
    "candidate_count": (1, 8),
    "frequency_penalty": (-2, 2),
    "max_output_tokens": (1, 2**31 - 1),
    "presence_penalty": (-2, 2),
    "temperature": (0, 2),
    "top_k": (0, 2**31 - 1),
    "top_p": (0, 1),
}
_MOST_STOPS = 5


def check(request: GenerateContentRequest) -> None:
    """Refuse what no Gemini model takes, as Google's own server does.

    Raises:
        BadRequest: Says which field, and why.
    """
    if not request.contents:
        raise invalid("GenerateContentRequest.contents: contents is not specified", "contents")
    if request.cached_content:
        raise invalid("The local server keeps no cached contents: send the contents themselves.", "cachedContent")
    for number, content in enumerate(request.contents):
        _check_content(content, f"contents[{number}]")
    _check_function_turns(request.contents)
    if request.generation_config is not None:
        _check_config(request.generation_config)


def _check_content(content: Content, field: str) -> None:
    if content.role not in _ROLES:
        raise invalid(f"Please use a valid role: user, model. Got '{content.role}'.", f"{field}.role")
    if not content.parts:
        raise invalid(f"{field}.parts must not be empty", f"{field}.parts")
    for number, part in enumerate(content.parts):
        _check_part(part, f"{field}.parts[{number}]")


def _check_part(part: Part, field: str) -> None:
    if not any(value is not None for value in part.model_dump(exclude_unset=True).values()):
        raise invalid(f"{field}.data: required oneof field 'data' must have one initialized field", field)
    if part.inline_data is None:
        return
    if not part.inline_data.mime_type:
        raise invalid(f"{field}.inlineData.mimeType must be set", f"{field}.inlineData.mimeType")
    try:
        part.inline_data.to_bytes()
    except ValueError:
        place = f"{field}.inlineData.data"
        raise invalid(f"Invalid value at '{place}': Base64 decoding failed", place) from None


def _check_function_turns(contents: list[Content]) -> None:
    for number, content in enumerate(contents):
        answers = sum(part.function_response is not None for part in content.parts or [])
        before = contents[number - 1].parts or [] if number else []
        calls = sum(part.function_call is not None for part in before)
        if answers and answers != calls:
            raise invalid(
                "Please ensure that the number of function response parts is equal to the number of function call "
                f"parts of the function call turn: {answers} response(s), {calls} call(s).",
                f"contents[{number}]",
            )


def _check_config(config: GenerationConfig) -> None:
    for name, (low, high) in _RANGES.items():
        value = getattr(config, name)
        if value is not None and not low <= value <= high:
            raise invalid(f"generation_config.{name} must be from {low:g} to {high:g}, got {value:g}", name)
    if len(config.stop_sequences or []) > _MOST_STOPS:
        raise invalid(f"generation_config.stop_sequences: {_MOST_STOPS} at most", "stop_sequences")
    if config.response_schema is not None and config.response_json_schema is not None:
        raise invalid("Only one of response_schema and response_json_schema may be set", "generation_config")
