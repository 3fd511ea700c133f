from __future__ import annotations

import pytest

from gemini_magic import wire


def known(kind):
    return {value for name, value in vars(kind).items() if name.isupper() and isinstance(value, str)}


def test_every_finish_reason_is_sorted_into_one_drawer():
    drawers = [wire.FinishReason.TRUNCATED, wire.FinishReason.BLOCKED, wire.FinishReason.FAILED]
    sorted_in = [reason for drawer in drawers for reason in drawer]
    assert len(sorted_in) == len(set(sorted_in))
    assert known(wire.FinishReason) - set(sorted_in) == {"STOP", "FINISH_REASON_UNSPECIFIED"}


def test_an_unknown_finish_reason_is_in_no_drawer():
    drawers = wire.FinishReason.TRUNCATED | wire.FinishReason.BLOCKED | wire.FinishReason.FAILED
    assert "TIRED" not in drawers
    assert None not in drawers


@pytest.mark.parametrize(
    ("kind", "some"),
    [
        (wire.BlockReason, {"SAFETY", "MODEL_ARMOR"}),
        (wire.FunctionCallingMode, {"AUTO", "ANY", "NONE", "VALIDATED"}),
        (wire.HarmBlockThreshold, {"OFF", "BLOCK_NONE"}),
        (wire.HarmCategory, {"HARM_CATEGORY_HARASSMENT"}),
        (wire.HarmProbability, {"NEGLIGIBLE"}),
        (wire.MediaResolution, {"MEDIA_RESOLUTION_LOW"}),
        (wire.Modality, {"TEXT", "IMAGE"}),
        (wire.Outcome, {"OUTCOME_OK"}),
        (wire.Role, {"user", "model"}),
        (wire.SchemaType, {"OBJECT", "ARRAY"}),
        (wire.ServiceTier, {"flex"}),
        (wire.ThinkingLevel, {"MINIMAL", "XHIGH"}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_values_are_spelled_as_on_the_wire(kind, some):
    assert some <= known(kind)
