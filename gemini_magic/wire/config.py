"""How to answer: `GenerationConfig` and everything in it.

Nothing here has a default of ours: what is not set is not sent, and the model's own default holds.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from gemini_magic.wire.base import WireModel
from gemini_magic.wire.schema import Schema


class ThinkingConfig(WireModel):
    """How much to think, and whether to show it. A request may set a budget or a level, not both."""

    include_thoughts: bool | None = None
    """Whether to send summaries of the thinking."""

    thinking_budget: int | None = None
    """Tokens to think with (2.5 models): 0 turns it off where the model allows, -1 leaves it to the model."""

    thinking_level: str | None = None
    """One of `ThinkingLevel` (Gemini 3 and later)."""


class ImageConfigImageOutputOptions(WireModel):
    """File format of generated images (Vertex only)."""

    mime_type: str | None = None
    """`image/png` or `image/jpeg`."""

    compression_quality: int | None = None
    """Quality of a JPEG, 0 to 100."""


class ImageConfig(WireModel):
    """What generated images look like."""

    aspect_ratio: str | None = None
    """Width to height, as in `16:9`."""

    image_size: str | None = None
    """`512`, `1K`, `2K` or `4K`: pixels along a side, with a capital K."""

    person_generation: str | None = None
    """`ALLOW_ALL`, `ALLOW_ADULT` or `ALLOW_NONE`."""

    prominent_people: str | None = None
    """`ALLOW_PROMINENT_PEOPLE` or `BLOCK_PROMINENT_PEOPLE` (Vertex only)."""

    output_mime_type: str | None = None
    output_compression_quality: int | None = None
    """Quality of a JPEG, 0 to 100 (Vertex only)."""

    image_output_options: ImageConfigImageOutputOptions | None = None
    """Vertex only."""


class PrebuiltVoiceConfig(WireModel):
    """One of the voices that come with the model."""

    voice_name: str | None = None
    """For example `Kore`, `Puck`."""


class VoiceConsentSignature(WireModel):
    """Proof that a speaker agreed to have the voice imitated."""

    signature: str | None = None


class ReplicatedVoiceConfig(WireModel):
    """A voice imitated from a recording; for allow-listed customers."""

    mime_type: str | None = None
    """Media type of the recordings."""

    voice_sample_audio: str | None = None
    """The recording, in base64."""

    consent_audio: str | None = None
    """A recording of the speaker's consent, in base64."""

    voice_consent_signature: VoiceConsentSignature | None = None


class VoiceConfig(WireModel):
    """The voice that speaks, in one of three ways."""

    prebuilt_voice_config: PrebuiltVoiceConfig | None = None
    replicated_voice_config: ReplicatedVoiceConfig | None = None
    voice: str | None = None
    """Name of a voice (newer servers)."""


class SpeakerVoiceConfig(WireModel):
    """The voice of one speaker in a dialogue."""

    speaker: str | None = None
    """Name by which the text calls the speaker."""

    voice_config: VoiceConfig | None = None


class MultiSpeakerVoiceConfig(WireModel):
    """Voices of a dialogue, two at most so far."""

    speaker_voice_configs: list[SpeakerVoiceConfig] | None = None


class SpeechConfig(WireModel):
    """How generated speech sounds: one voice, or one for each speaker."""

    voice_config: VoiceConfig | None = None
    multi_speaker_voice_config: MultiSpeakerVoiceConfig | None = None
    language_code: str | None = None
    """BCP 47, as in `de-DE`; newer models find out themselves."""


class AudioResponseFormat(WireModel):
    """Sound as an answer."""

    mime_type: str | None = None
    """`AUDIO_MP3`, `AUDIO_OGG_OPUS`, `AUDIO_L16`, `AUDIO_WAV`, `AUDIO_ALAW` or `AUDIO_MULAW`."""

    sample_rate: int | None = None
    """Samples per second."""

    bit_rate: int | None = None
    """Bits per second, for compressed formats."""

    delivery: str | None = None
    """`INLINE` or `URI`."""


class ImageResponseFormat(WireModel):
    """Images as an answer."""

    mime_type: str | None = None
    """`IMAGE_JPEG`."""

    aspect_ratio: str | None = None
    """In words: `ASPECT_RATIO_SIXTEEN_BY_NINE`."""

    image_size: str | None = None
    """In words: `IMAGE_SIZE_FIVE_TWELVE`, `…_ONE_K`, `…_TWO_K`, `…_FOUR_K`."""

    delivery: str | None = None
    """`INLINE` or `URI`."""


class TextResponseFormat(WireModel):
    """Text as an answer, of any shape or of a given one."""

    mime_type: str | None = None
    """`APPLICATION_JSON` or `TEXT_PLAIN`."""

    json_schema: Any = None
    """JSON Schema of the answer, as the Gemini API calls it."""

    schema_: Any = Field(default=None, alias="schema")
    """JSON Schema of the answer, as Vertex calls it."""


class VideoResponseFormat(WireModel):
    """Video as an answer."""

    aspect_ratio: str | None = None
    """In words: `ASPECT_RATIO_SIXTEEN_BY_NINE`."""

    resolution: str | None = None
    """As in `720p`."""

    duration: str | None = None
    """Seconds with the suffix `s`."""

    delivery: str | None = None
    """`INLINE` or `URI`."""

    gcs_uri: str | None = None
    """Where in Cloud Storage to put it, as in `gs://bucket/folder`."""


class ResponseFormat(WireModel):
    """One accepted form of the answer; the newer way to ask for JSON, images and sound."""

    text: TextResponseFormat | None = None
    image: ImageResponseFormat | None = None
    audio: AudioResponseFormat | None = None
    video: VideoResponseFormat | None = None


class TranslationConfig(WireModel):
    """Live translation of speech."""

    target_language_code: str | None = None
    """BCP 47."""

    echo_target_language: bool | None = None
    """Whether to repeat what already is in the target language."""


class LanguageAuto(WireModel):
    """The language is found out by the server (deprecated)."""


class LanguageHints(WireModel):
    """Languages that may be spoken (deprecated)."""

    language_codes: list[str] | None = None


class AudioTranscriptionConfig(WireModel):
    """How to transcribe speech."""

    language_codes: list[str] | None = None
    """Languages that may be spoken, BCP 47."""

    custom_vocabulary: list[str] | None = None
    """Names and terms to expect."""

    word_timestamp: bool | None = None
    """Whether to time every word."""

    diarization: bool | None = None
    """Whether to tell speakers apart."""

    mode: str | None = None
    """`VERBATIM` or `SMART`."""

    source_text: str | None = None
    language_auto: LanguageAuto | None = None
    """Deprecated, as the two below."""

    language_hints: LanguageHints | None = None
    adaptation_phrases: list[str] | None = None


class ModelSelectionConfig(WireModel):
    """What to prefer where the server chooses a model."""

    feature_selection_preference: str | None = None
    """`PRIORITIZE_QUALITY`, `BALANCED` or `PRIORITIZE_COST`."""


class GenerationConfigRoutingConfigAutoRoutingMode(WireModel):
    """The server chooses the model (Vertex only)."""

    model_routing_preference: str | None = None
    """`PRIORITIZE_QUALITY`, `BALANCED` or `PRIORITIZE_COST`."""


class GenerationConfigRoutingConfigManualRoutingMode(WireModel):
    """The caller names the model (Vertex only)."""

    model_name: str | None = None


class GenerationConfigRoutingConfig(WireModel):
    """Which model answers (Vertex only)."""

    auto_mode: GenerationConfigRoutingConfigAutoRoutingMode | None = None
    manual_mode: GenerationConfigRoutingConfigManualRoutingMode | None = None


class GenerationConfig(WireModel):
    """How to write the answer."""

    temperature: float | None = None
    """Randomness, 0 to 2; higher is more varied. Gemini 3.5 and later ignore it."""

    top_p: float | None = None
    """Choose among the likeliest tokens that together have this probability, 0 to 1. Gemini 3.5 and later ignore it."""

    top_k: int | None = None
    """Choose among this many likeliest tokens. Gemini 3.5 and later ignore it."""

    candidate_count: int | None = None
    """How many answers, 1 to 8; many models and every stream give one."""

    max_output_tokens: int | None = None
    """Most tokens of the answer, thoughts included."""

    stop_sequences: list[str] | None = None
    """Up to 5 texts that end the answer where they would appear."""

    seed: int | None = None
    """Makes equal requests answer alike, as far as the model can; 32 bits, signed."""

    presence_penalty: float | None = None
    """-2 to below 2; above 0 discourages words already used. An error with Gemini 3.5 and later."""

    frequency_penalty: float | None = None
    """-2 to below 2; above 0 discourages words the more they were used. An error with Gemini 3.5 and later."""

    response_mime_type: str | None = None
    """`text/plain`, `application/json`, or `text/x.enum` for one of a schema's values."""

    response_schema: Schema | None = None
    """Shape of a JSON answer in Gemini's own language; excludes `response_json_schema`."""

    response_json_schema: Any = None
    """Shape of a JSON answer in JSON Schema, sent as it is; excludes `response_schema`."""

    response_format: list[ResponseFormat] | None = None
    """Accepted forms of the answer; meant to replace the three fields above and `image_config` (newer servers)."""

    response_modalities: list[str] | None = None
    """What the answer is made of, from `Modality`: all of them, no others."""

    response_logprobs: bool | None = None
    """Whether to send the probabilities of the answer's tokens."""

    logprobs: int | None = None
    """How many likeliest tokens to send for each place, 0 to 20; needs `response_logprobs`."""

    thinking_config: ThinkingConfig | None = None
    image_config: ImageConfig | None = None
    speech_config: SpeechConfig | None = None
    media_resolution: str | None = None
    """How finely to look at all media of the prompt, from `MediaResolution`, up to HIGH."""

    audio_timestamp: bool | None = None
    """Whether to understand times in sound without video (Vertex only)."""

    enable_enhanced_civic_answers: bool | None = None
    """Gemini API only, some models."""

    enable_affective_dialog: bool | None = None
    """Whether to hear and answer moods in speech."""

    translation_config: TranslationConfig | None = None
    audio_transcription_config: AudioTranscriptionConfig | None = None
    routing_config: GenerationConfigRoutingConfig | None = None
    """Vertex only."""

    model_selection_config: ModelSelectionConfig | None = None
    model_config_: ModelSelectionConfig | None = Field(default=None, alias="modelConfig")
    """Vertex only, the older name of `model_selection_config`."""
