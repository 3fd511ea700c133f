"""The error tree: every error survives a pickle and a copy, and shows as one line."""

from __future__ import annotations

import copy
import inspect
import pickle

import pytest

from gemini_magic import exceptions
from gemini_magic.exceptions import ApiError, Blocked, GeminiMagicError, RateLimited, StreamTruncated, Timeout
from gemini_magic.reply import Reply
from gemini_magic.wire import GenerateContentResponse

CLASSES = [
    value for value in vars(exceptions).values() if inspect.isclass(value) and issubclass(value, GeminiMagicError)
]


def _pickled(value, protocol=None):
    return pickle.loads(pickle.dumps(value, protocol=protocol))  # noqa: S301 - our own


AGAIN = {
    "pickle": _pickled,
    "pickle protocol 2": lambda error: _pickled(error, 2),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}


def _example(kind: type[GeminiMagicError]) -> GeminiMagicError:
    fields: dict[str, object] = {"hint": "Do that."}
    if issubclass(kind, ApiError):
        fields |= {"status": 429, "reason": "R", "details": [{"a": [1]}], "retry_delay": 2.5}
    elif kind is Timeout:
        fields |= {"phase": "idle", "seconds": 60.0}
    elif kind is Blocked:
        fields |= {"reason": "SAFETY"}
    error = kind("It broke at 'x'.", **fields)
    error.attempts = 3
    error.partial = Reply(
        GenerateContentResponse.model_validate({"candidates": [{"content": {"parts": [{"text": "a"}]}}]})
    )
    return error


@pytest.mark.parametrize("way", AGAIN)
@pytest.mark.parametrize("kind", CLASSES)
def test_every_error_survives_with_all_it_has(kind, way):
    error = _example(kind)
    again = AGAIN[way](error)
    assert type(again) is kind
    assert (str(again), again.args) == (str(error), error.args)
    assert again.partial.text == "a"
    plain = {name: value for name, value in error.__dict__.items() if name != "partial"}
    assert {name: again.__dict__[name] for name in plain} == plain


@pytest.mark.parametrize("kind", CLASSES)
def test_every_error_can_be_made_of_nothing(kind):
    error = kind()
    assert (error.attempts, error.partial, error.args) == (0, None, ("",))
    assert _pickled(error).__dict__ == error.__dict__


@pytest.mark.parametrize("kind", CLASSES)
def test_every_error_shows_as_one_line_with_its_way_out(kind):
    (line,) = _example(kind)._render_traceback_()
    assert line.startswith(f"{kind.__name__}: ")
    assert "It broke at 'x'." in line
    assert line.endswith("Do that.")
    assert "\n" not in line


@pytest.mark.parametrize("kind", CLASSES)
def test_every_class_says_what_it_is_for(kind):
    assert kind.__doc__
    assert kind.__name__ in exceptions.__doc__
    assert not kind.__name__.endswith("Exception")


def test_a_status_and_a_reason_come_first():
    assert str(RateLimited("slow down", status=429, reason="RESOURCE_EXHAUSTED", hint="Wait.")) == (
        "429 RESOURCE_EXHAUSTED: slow down Wait."
    )
    assert str(RateLimited("slow down")) == "slow down"


def test_details_are_not_shared_between_errors():
    first = ApiError("a")
    first.details.append(1)
    assert ApiError("b").details == []


@pytest.mark.parametrize("message", ["two\nlines", "three\r\nlines\u2028here", "\x1b[31mred\x1b[0m"])
def test_a_message_of_a_server_cannot_break_the_line(message):
    (line,) = ApiError(message, status=400)._render_traceback_()
    assert len(line.splitlines()) == 1
    assert "\x1b" not in line


def test_an_error_keeps_its_cause_beside_it():
    gone = OSError("gone")
    with pytest.raises(StreamTruncated) as raised:
        raise StreamTruncated("cut") from gone
    assert raised.value.__cause__ is gone
