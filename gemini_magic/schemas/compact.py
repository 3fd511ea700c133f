"""Schemas in one line: ``name, age int, tags[], city {name, zip?}, mood (good|bad), when date``.

The grammar, in which spaces are free and a comma or a line break parts fields::

    schema   =  fields  |  choice                   a choice alone is a schema without names
    fields   =  field { ("," | line break) field }
    field    =  name [ "[]" ] [ "?" ] [ type ] [ "[]" ] [ "?" ] [ remark ]
    name     =  letters, digits, "_", "-" and "."  |  "in quotes"
    type     =  word  |  choice  |  "{" fields "}"      a field without a type is a text
    word     =  str text string  int integer  float number  bool boolean  date datetime time  any
    choice   =  "(" value { "|" value } ")"         value: words, or in quotes; whole numbers alone are numbers
    remark   =  "in quotes"  |  ":" all up to a comma, a line break or a closing brace

``[]`` makes a list, ``?`` lets the value be missing or null. A remark tells the model what is meant:
``price float "in euros, without tax"``, or ``price float: in euros``.
"""

from __future__ import annotations

import difflib
import re
from typing import Any, NamedTuple, NoReturn

from gemini_magic.exceptions import SchemaError
from gemini_magic.schemas.tree import MAX_DEPTH, Json

_TYPES: dict[str, Json] = {
    "any": {},
    "bool": {"type": "boolean"},
    "boolean": {"type": "boolean"},
    "date": {"type": "string", "format": "date"},
    "datetime": {"type": "string", "format": "date-time"},
    "float": {"type": "number"},
    "int": {"type": "integer"},
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "str": {"type": "string"},
    "string": {"type": "string"},
    "text": {"type": "string"},
    "time": {"type": "string", "format": "time"},
}
_TOKEN = re.compile(
    r"""(?P<blank>[^\S\n]+)
      | (?P<quoted>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
      | (?P<list>\[[^\S\n]*\])
      | (?P<mark>[,\n{}()|?:])
      | (?P<word>[^\s,{}()|?:\[\]"']+)""",
    re.VERBOSE,
)
_REMARK = re.compile(r"[^,\n}]*")
_WHOLE = re.compile(r"0|-?[1-9][0-9]{0,17}")
_ESCAPE = re.compile(r"\\(.)")
_PARTING = {",", "\n"}


class _Token(NamedTuple):
    kind: str
    text: str
    place: int


def read_compact(text: str) -> Json:
    """The JSON Schema of a compact text.

    Raises:
        SchemaError: The text is not understood; the message says where.
    """
    return _Reader(text).whole()


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._place = 0
        self._depth = 0
        self._now = self._next()

    def whole(self) -> Json:
        self._skip_lines()
        made = self._choice() if self._now.text == "(" else self._fields()
        self._skip_lines()
        if self._now.kind != "end":
            self._fail(f"{self._now.text!r} stands where a field should end")
        return made

    def _next(self) -> _Token:
        while self._place < len(self._text):
            match = _TOKEN.match(self._text, self._place)
            if match is None:
                self._now = _Token("stray", self._text[self._place], self._place)
                self._fail(f"{self._now.text!r} is not expected here")
            place, self._place = self._place, match.end()
            if match.lastgroup != "blank":
                return _Token(str(match.lastgroup), match[0], place)
        return _Token("end", "", len(self._text))

    def _take(self) -> _Token:
        taken, self._now = self._now, self._next()
        return taken

    def _accept(self, *texts: str) -> bool:
        found = self._now.kind in {"mark", "list"} and self._now.text.replace(" ", "") in texts
        if found:
            self._take()
        return found

    def _skip_lines(self) -> None:
        while self._now.text == "\n":
            self._take()

    def _fail(self, what: str, hint: str = "") -> NoReturn:
        shown = self._text if len(self._text) <= 120 else self._text[:119] + "…"  # noqa: PLR2004 - fits in a line
        raise SchemaError(
            f"The schema {shown!r} is not understood at character {self._now.place + 1}: {what}.", hint=hint
        )

    def _fields(self) -> Json:
        properties: Json = {}
        required: list[str] = []
        while True:
            self._skip_lines()
            if self._now.kind == "end" or self._now.text == "}":
                break
            self._field(properties, required)
            if self._now.kind != "end" and self._now.text != "}" and not self._accept(*_PARTING):
                self._fail(f"{self._now.text!r} stands where a comma should")
        if not properties:
            self._fail("there is no field")
        return {"type": "object", "properties": properties, "required": required}

    def _field(self, properties: Json, required: list[str]) -> None:
        if self._now.kind not in {"word", "quoted"}:
            self._fail(f"a name should stand here, not {self._now.text!r}")
        named = self._now
        name = self._string()
        if name in properties:
            self._now = named
            self._fail(f"the name {name!r} stands here for the second time")
        is_list, optional = self._marks()
        shape = self._type()
        more_list, more_optional = self._marks()
        remark = self._remark()
        if is_list or more_list:
            shape = {"type": "array", "items": shape}
        if optional or more_optional:
            shape = _or_null(shape)
        else:
            required.append(name)
        properties[name] = {**shape, "description": remark} if remark else shape

    def _marks(self) -> tuple[bool, bool]:
        is_list = optional = False
        while self._now.kind in {"mark", "list"}:
            if self._accept("[]"):
                is_list = True
            elif self._accept("?"):
                optional = True
            else:
                break
        return is_list, optional

    def _type(self) -> Json:
        if self._now.text == "(":
            return self._choice()
        if self._accept("{"):
            return self._inner()
        if self._now.kind != "word":
            return {"type": "string"}
        word = self._now
        if word.text.lower() not in _TYPES:
            near = difflib.get_close_matches(word.text.lower(), _TYPES, 1)
            hint = f"Did you mean '{near[0]}'?" if near else "Fields are parted by commas; a remark stands in quotes."
            self._fail(f"{word.text!r} is no type", hint)
        return dict(_TYPES[self._take().text.lower()])

    def _inner(self) -> Json:
        self._depth += 1
        if self._depth > MAX_DEPTH // 4:
            self._fail("the braces are nested too deeply")
        made = self._fields()
        if not self._accept("}"):
            self._fail("a closing '}' is missing")
        self._depth -= 1
        return made

    def _choice(self) -> Json:
        self._accept("(")
        values: list[str] = []
        numbers = True
        while True:
            numbers = numbers and bool(_WHOLE.fullmatch(self._now.text))
            words = [self._string()] if self._now.kind in {"word", "quoted"} else []
            while words and self._now.kind == "word":
                words.append(self._take().text)
            if not words:
                self._fail("a value should stand here")
            values.append(" ".join(words))
            if not self._accept("|", ","):
                break
        if not self._accept(")"):
            self._fail("a closing ')' is missing")
        unique = list(dict.fromkeys(values))
        return {"type": "integer", "enum": list(map(int, unique))} if numbers else {"type": "string", "enum": unique}

    def _string(self) -> str:
        token = self._take()
        return _ESCAPE.sub(r"\1", token.text[1:-1]) if token.kind == "quoted" else token.text

    def _remark(self) -> str:
        if self._now.kind == "quoted":
            return self._string()
        if self._now.text != ":" or self._now.kind != "mark":
            return ""
        match = _REMARK.match(self._text, self._now.place + 1)
        self._place = match.end() if match else self._place
        self._now = self._next()
        return match[0].strip() if match else ""


def _or_null(shape: Json) -> Json:
    made: dict[str, Any] = dict(shape)
    if "type" in made:
        made["type"] = [made["type"], "null"]
    if "enum" in made:
        made["enum"] = [*made["enum"], None]
    return made
