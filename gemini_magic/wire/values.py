"""Known values of the protocol's enums.

The protocol's enums grow without notice, so fields hold plain strings and nothing is refused. These
names spare their users the spelling.
"""

from __future__ import annotations

from typing import Final


class Role:
    """Who speaks in a `Content`."""

    USER: Final = "user"
    MODEL: Final = "model"


class FinishReason:
    """Why a candidate ended."""

    UNSPECIFIED: Final = "FINISH_REASON_UNSPECIFIED"
    STOP: Final = "STOP"
    MAX_TOKENS: Final = "MAX_TOKENS"
    CONTINUATION: Final = "CONTINUATION"
    SAFETY: Final = "SAFETY"
    RECITATION: Final = "RECITATION"
    LANGUAGE: Final = "LANGUAGE"
    BLOCKLIST: Final = "BLOCKLIST"
    PROHIBITED_CONTENT: Final = "PROHIBITED_CONTENT"
    SPII: Final = "SPII"
    MODEL_ARMOR: Final = "MODEL_ARMOR"
    ESCALATION: Final = "ESCALATION"
    PUP_LIMITED_DISABLED: Final = "PUP_LIMITED_DISABLED"
    IMAGE_SAFETY: Final = "IMAGE_SAFETY"
    IMAGE_PROHIBITED_CONTENT: Final = "IMAGE_PROHIBITED_CONTENT"
    IMAGE_RECITATION: Final = "IMAGE_RECITATION"
    IMAGE_OTHER: Final = "IMAGE_OTHER"
    NO_IMAGE: Final = "NO_IMAGE"
    OTHER: Final = "OTHER"
    MALFORMED_FUNCTION_CALL: Final = "MALFORMED_FUNCTION_CALL"
    MALFORMED_RESPONSE: Final = "MALFORMED_RESPONSE"
    UNEXPECTED_TOOL_CALL: Final = "UNEXPECTED_TOOL_CALL"
    TOO_MANY_TOOL_CALLS: Final = "TOO_MANY_TOOL_CALLS"
    MISSING_THOUGHT_SIGNATURE: Final = "MISSING_THOUGHT_SIGNATURE"

    TRUNCATED: Final = frozenset({MAX_TOKENS, CONTINUATION})
    """The answer is good as far as it goes, and goes on."""

    BLOCKED: Final = frozenset(
        {
            SAFETY,
            RECITATION,
            LANGUAGE,
            BLOCKLIST,
            PROHIBITED_CONTENT,
            SPII,
            MODEL_ARMOR,
            ESCALATION,
            PUP_LIMITED_DISABLED,
            IMAGE_SAFETY,
            IMAGE_PROHIBITED_CONTENT,
            IMAGE_RECITATION,
        }
    )
    """A filter stopped the answer; the same request will likely be stopped again."""

    FAILED: Final = frozenset(
        {
            MALFORMED_FUNCTION_CALL,
            MALFORMED_RESPONSE,
            UNEXPECTED_TOOL_CALL,
            TOO_MANY_TOOL_CALLS,
            MISSING_THOUGHT_SIGNATURE,
            OTHER,
            IMAGE_OTHER,
            NO_IMAGE,
        }
    )
    """The answer is unusable; all but MISSING_THOUGHT_SIGNATURE may go away with another try."""


class BlockReason:
    """Why a prompt was refused."""

    UNSPECIFIED: Final = "BLOCK_REASON_UNSPECIFIED"
    SAFETY: Final = "SAFETY"
    OTHER: Final = "OTHER"
    BLOCKLIST: Final = "BLOCKLIST"
    PROHIBITED_CONTENT: Final = "PROHIBITED_CONTENT"
    IMAGE_SAFETY: Final = "IMAGE_SAFETY"
    MODEL_ARMOR: Final = "MODEL_ARMOR"
    JAILBREAK: Final = "JAILBREAK"


class HarmCategory:
    """What a safety setting or rating is about; the IMAGE ones and JAILBREAK are Vertex only."""

    UNSPECIFIED: Final = "HARM_CATEGORY_UNSPECIFIED"
    HARASSMENT: Final = "HARM_CATEGORY_HARASSMENT"
    HATE_SPEECH: Final = "HARM_CATEGORY_HATE_SPEECH"
    SEXUALLY_EXPLICIT: Final = "HARM_CATEGORY_SEXUALLY_EXPLICIT"
    DANGEROUS_CONTENT: Final = "HARM_CATEGORY_DANGEROUS_CONTENT"
    CIVIC_INTEGRITY: Final = "HARM_CATEGORY_CIVIC_INTEGRITY"
    JAILBREAK: Final = "HARM_CATEGORY_JAILBREAK"
    IMAGE_HATE: Final = "HARM_CATEGORY_IMAGE_HATE"
    IMAGE_DANGEROUS_CONTENT: Final = "HARM_CATEGORY_IMAGE_DANGEROUS_CONTENT"
    IMAGE_HARASSMENT: Final = "HARM_CATEGORY_IMAGE_HARASSMENT"
    IMAGE_SEXUALLY_EXPLICIT: Final = "HARM_CATEGORY_IMAGE_SEXUALLY_EXPLICIT"


class HarmBlockThreshold:
    """From which probability of harm on to block."""

    UNSPECIFIED: Final = "HARM_BLOCK_THRESHOLD_UNSPECIFIED"
    BLOCK_LOW_AND_ABOVE: Final = "BLOCK_LOW_AND_ABOVE"
    BLOCK_MEDIUM_AND_ABOVE: Final = "BLOCK_MEDIUM_AND_ABOVE"
    BLOCK_ONLY_HIGH: Final = "BLOCK_ONLY_HIGH"
    BLOCK_NONE: Final = "BLOCK_NONE"
    OFF: Final = "OFF"


class HarmProbability:
    """How likely harm was found to be."""

    UNSPECIFIED: Final = "HARM_PROBABILITY_UNSPECIFIED"
    NEGLIGIBLE: Final = "NEGLIGIBLE"
    LOW: Final = "LOW"
    MEDIUM: Final = "MEDIUM"
    HIGH: Final = "HIGH"


class FunctionCallingMode:
    """Whether the model may, must or must not call functions."""

    UNSPECIFIED: Final = "MODE_UNSPECIFIED"
    AUTO: Final = "AUTO"
    ANY: Final = "ANY"
    NONE: Final = "NONE"
    VALIDATED: Final = "VALIDATED"


class ThinkingLevel:
    """How much to think before answering (Gemini 3 and later)."""

    UNSPECIFIED: Final = "THINKING_LEVEL_UNSPECIFIED"
    MINIMAL: Final = "MINIMAL"
    LOW: Final = "LOW"
    MEDIUM: Final = "MEDIUM"
    HIGH: Final = "HIGH"
    XHIGH: Final = "XHIGH"


class Modality:
    """Kind of content, in responses and in token counts."""

    UNSPECIFIED: Final = "MODALITY_UNSPECIFIED"
    TEXT: Final = "TEXT"
    IMAGE: Final = "IMAGE"
    AUDIO: Final = "AUDIO"
    VIDEO: Final = "VIDEO"
    DOCUMENT: Final = "DOCUMENT"


class MediaResolution:
    """How many tokens to spend on an image, a page or a video frame; ULTRA_HIGH for single parts only."""

    UNSPECIFIED: Final = "MEDIA_RESOLUTION_UNSPECIFIED"
    LOW: Final = "MEDIA_RESOLUTION_LOW"
    MEDIUM: Final = "MEDIA_RESOLUTION_MEDIUM"
    HIGH: Final = "MEDIA_RESOLUTION_HIGH"
    ULTRA_HIGH: Final = "MEDIA_RESOLUTION_ULTRA_HIGH"


class ServiceTier:
    """Price and priority of a request; the only enum written in lower case."""

    UNSPECIFIED: Final = "unspecified"
    STANDARD: Final = "standard"
    FLEX: Final = "flex"
    PRIORITY: Final = "priority"


class Outcome:
    """How code that the server ran ended."""

    UNSPECIFIED: Final = "OUTCOME_UNSPECIFIED"
    OK: Final = "OUTCOME_OK"
    FAILED: Final = "OUTCOME_FAILED"
    DEADLINE_EXCEEDED: Final = "OUTCOME_DEADLINE_EXCEEDED"


class SchemaType:
    """Types of a `Schema`."""

    UNSPECIFIED: Final = "TYPE_UNSPECIFIED"
    STRING: Final = "STRING"
    NUMBER: Final = "NUMBER"
    INTEGER: Final = "INTEGER"
    BOOLEAN: Final = "BOOLEAN"
    ARRAY: Final = "ARRAY"
    OBJECT: Final = "OBJECT"
    NULL: Final = "NULL"
