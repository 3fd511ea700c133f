from __future__ import annotations

import base64

import pytest

from gemini_magic.wire import Blob, Content, Part

EVERY_BYTE = bytes(range(256))


def dump(model):
    return model.model_dump(by_alias=True, exclude_unset=True)


def test_a_text_part_holds_its_text_alone():
    assert dump(Part.from_text("hi")) == {"text": "hi"}


def test_a_bytes_part_holds_standard_base64_and_the_type():
    data = base64.b64encode(EVERY_BYTE).decode()
    assert dump(Part.from_bytes(EVERY_BYTE, "image/png")) == {"inlineData": {"mimeType": "image/png", "data": data}}


def test_turns_are_made_of_strings_and_parts():
    image = Part.from_bytes(b"x", "image/png")
    assert dump(Content.user("what?", image)) == {"parts": [{"text": "what?"}, dump(image)], "role": "user"}
    assert dump(Content.model("that")) == {"parts": [{"text": "that"}], "role": "model"}


def test_a_part_given_to_a_turn_is_not_copied():
    part = Part.from_text("x")
    assert Content.user(part).parts[0] is part


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@pytest.mark.parametrize("data", [b"", b"a", b"ab", b"abc", b"\xfb\xff\xfe", EVERY_BYTE])
def test_either_base64_is_decoded_with_and_without_padding(encode, data):
    text = encode(data).decode()
    assert Blob(data=text).to_bytes() == data
    assert Blob(data=text.rstrip("=")).to_bytes() == data


def test_base64_in_lines_is_decoded():
    assert Blob(data=base64.encodebytes(EVERY_BYTE).decode()).to_bytes() == EVERY_BYTE


def test_a_blob_without_data_has_no_bytes():
    assert Blob().to_bytes() == b""


@pytest.mark.parametrize("text", ["a", "a*bc", "ümläut", "YQ==YQ=="])
def test_what_is_no_base64_is_a_value_error(text):
    with pytest.raises(ValueError, match=r"."):
        Blob(data=text).to_bytes()


def test_base64_is_kept_as_the_server_spelled_it():
    assert dump(Blob.model_validate_json('{"data": "-_-_"}')) == {"data": "-_-_"}
