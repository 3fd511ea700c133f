"""The JSON in a model's answer, found without guessing.

Taken as they are: a byte order mark, a code fence around the JSON, words before and after it, line breaks inside
strings, several objects on lines of their own where an array is wanted. Refused, because the meaning is lost: JSON that
ends in the middle or is broken anywhere, NaN and infinities, a name that comes twice with different values, two
different answers in one text.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

from gemini_magic.exceptions import InvalidJSON

#: Arrays and objects within each other; far above what any schema asks for.
MAX_DEPTH = 100

_BLANK = " \t\r\n\ufeff"
_FENCE = re.compile(r"\A```[\w+-]*[ \t]*\r?\n?(.*?)(?:\r?\n?[ \t]*`{1,3})?\Z", re.DOTALL)
# What begins JSON and not a remark in brackets.
_START = re.compile(r"""\{(?=\s*["}])|\[(?=\s*(?:[\[{"\]\d-]|true\b|false\b|null\b))""")
_FOOTNOTE = re.compile(r"\[\s*[\d-]")
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")
_SURROGATE = re.compile("[\ud800-\udfff]")


def _constant(name: str) -> NoReturn:
    raise InvalidJSON(f"The answer is not JSON: it has {name} where a number belongs.")


def _float(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise InvalidJSON(f"The answer has a number that is too large: {text[:40]}.")
    return number


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        for name, value in pairs:
            if made[name] != value or type(made[name]) is not type(value):
                raise InvalidJSON(f"The answer names {name!r} twice in one object, with different values.")
    return made


_DECODER = json.JSONDecoder(parse_constant=_constant, parse_float=_float, object_pairs_hook=_object, strict=False)


def decode(text: str) -> Any:  # noqa: ANN401 - JSON
    """Read a text that is JSON and nothing else.

    Raises:
        InvalidJSON: It is not.
    """
    value, end = _decode_at(text, len(text) - len(text.lstrip(_BLANK)))
    if text[end:].strip(_BLANK):
        raise InvalidJSON(f"The answer goes on behind its JSON{_near(text, end)}.")
    return value


def find(text: str, wanted: str = "") -> Any:  # noqa: ANN401 - JSON
    """Find the JSON in an answer.

    Args:
        text: The answer.
        wanted: ``"object"``, ``"array"``, or nothing when either or a scalar will do.

    Returns:
        The value; several objects are a list where an array is wanted.

    Raises:
        InvalidJSON: There is none, it is cut or broken, or there are different ones.
    """
    text = unfenced(text)
    if not text:
        raise InvalidJSON("The answer is empty.")
    try:
        return decode(text)
    except InvalidJSON:
        if _START.search(text) is None:
            raise
    return _chosen(_values(text), wanted)


def unfenced(text: str) -> str:
    """A text without blanks and a code fence around it."""
    text = text.strip(_BLANK)
    fenced = _FENCE.match(text)
    return fenced[1].strip(_BLANK) if fenced else text


def _values(text: str) -> list[Any]:
    """Every array and object that stands in the text, but none from the inside of a broken one."""
    values, place = [], 0
    while match := _START.search(text, place):
        try:
            value, place = _decode_at(text, match.start())
        except InvalidJSON:
            if not _FOOTNOTE.match(text, match.start()):
                raise
            place = match.end()
        else:
            values.append(value)
    return values


def _chosen(values: list[Any], wanted: str) -> Any:  # noqa: ANN401 - JSON
    arrays = [value for value in values if isinstance(value, list)]
    objects = [value for value in values if isinstance(value, dict)]
    if wanted == "array" and objects and not _of_objects(arrays):
        return objects if len(objects) > 1 else objects[0]
    found = {"object": objects or arrays, "array": _of_objects(arrays) or arrays}.get(wanted, values)
    if not found:
        raise InvalidJSON("The answer holds no JSON.")
    if any(value != found[0] for value in found):
        raise InvalidJSON(f"The answer holds {len(found)} different JSON values; which one is meant is not clear.")
    return found[0]


def _of_objects(arrays: list[list[Any]]) -> list[list[Any]]:
    return [array for array in arrays if any(isinstance(item, dict) for item in array)]


def _decode_at(text: str, start: int) -> tuple[Any, int]:
    try:
        value, end = _DECODER.raw_decode(text, start)
    except json.JSONDecodeError as error:
        if not text[error.pos :].strip(_BLANK) or error.msg.startswith("Unterminated"):
            raise InvalidJSON(f"The answer ends in the middle of its JSON{_near(text, len(text))}.") from None
        raise InvalidJSON(f"The answer is not JSON: {_lower(error.msg)}{_near(text, error.pos)}.") from None
    except RecursionError:
        raise InvalidJSON("The answer is nested too deeply.") from None
    except ValueError:
        raise InvalidJSON("The answer has a number of too many digits.") from None
    if text.count("[") + text.count("{") > MAX_DEPTH and _depth_above(value, MAX_DEPTH):
        raise InvalidJSON(f"The answer is nested more than {MAX_DEPTH} levels deep.")
    return (_whole_characters(value) if _SURROGATE_ESCAPE.search(text) else value), end


def _lower(words: str) -> str:
    return words[:1].lower() + words[1:]


def _near(text: str, place: int) -> str:
    line, column = text.count("\n", 0, place) + 1, place - text.rfind("\n", 0, place)
    piece = " ".join(text[max(place - 20, 0) : place + 20].split())
    return f" (line {line}, column {column}, near '{piece}')"


def _depth_above(value: Any, limit: int) -> bool:  # noqa: ANN401 - JSON
    level = [value]
    for _ in range(limit + 1):
        inner = (item.values() if isinstance(item, dict) else item for item in level if isinstance(item, dict | list))
        level = [item for items in inner for item in items]
        if not level:
            return False
    return any(isinstance(item, dict | list) for item in level) or bool(level)


def _whole_characters(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Halves of characters, which no file and no request can hold, become the replacement character."""
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_whole_characters(item) for item in value]
    if isinstance(value, dict):
        return {_whole_characters(name): _whole_characters(item) for name, item in value.items()}
    return value
