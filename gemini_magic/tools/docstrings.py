"""What a docstring says of a function and its parameters, in Google's, NumPy's or Sphinx's style."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from docstring_parser import Docstring

#: What a type is called in docstrings, by its first word.
_TYPES: Mapping[str, Any] = {
    "bool": bool,
    "boolean": bool,
    "dict": dict,
    "float": float,
    "int": int,
    "integer": int,
    "list": list,
    "number": float,
    "str": str,
    "string": str,
    "text": str,
}
_WORD = re.compile(r"[a-z]+")
_SECTIONS = re.compile(r"\n\s*\n\s*(?:Args|Arguments|Parameters|Params|Returns|Raises|Yields):?[ \t]*\n", re.IGNORECASE)


@dataclass(frozen=True)
class Documented:
    """What a docstring says.

    Attributes:
        description: What the function does, and what it returns.
        parameters: What parameters are for, by name.
        types: The types that it gives for parameters, as far as they are known words.
    """

    description: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    types: Mapping[str, Any] = field(default_factory=dict)


def read(text: str | None) -> Documented:
    """Read a docstring; one in no known style is a description as a whole."""
    if not text or not text.strip():
        return Documented()
    # Not for functions that have none.
    from docstring_parser import ParseError, parse  # noqa: PLC0415

    text = inspect.cleandoc(text)
    try:
        parsed = parse(text)
    except (ParseError, ValueError, IndexError):
        return Documented(_SECTIONS.split(text, maxsplit=1)[0].strip())
    if not parsed.meta:
        return Documented(text.strip())
    return Documented(
        _description(parsed),
        {name: words for name, words, _ in _parameters(parsed) if words},
        {name: kind for name, _, kind in _parameters(parsed) if kind is not None},
    )


def _description(parsed: Docstring) -> str:
    returned = _line(parsed.returns.description) if parsed.returns is not None else ""
    paragraphs = [parsed.description or "", f"Returns: {returned}" if returned else ""]
    return "\n\n".join(paragraph.strip() for paragraph in paragraphs if paragraph.strip())


def _parameters(parsed: Docstring) -> Iterator[tuple[str, str, Any]]:
    for parameter in parsed.params:
        if parameter.args[:1] == ["attribute"]:
            continue
        # NumPy's style describes several at once.
        for name in parameter.arg_name.split(","):
            yield name.strip().lstrip("*\\"), _line(parameter.description), _type(parameter.type_name)


def _line(text: str | None) -> str:
    return " ".join((text or "").split())


def _type(words: str | None) -> Any:  # noqa: ANN401 - any type expression
    found = _WORD.match((words or "").strip().lower())
    return _TYPES.get(found.group()) if found else None
