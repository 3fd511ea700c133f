"""A request, or an answer, as it stands on the wire: to be looked at, saved, and written as curl or Python."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gemini_magic.display.card import Card
from gemini_magic.display.request_code import Call, is_secret
from gemini_magic.display.sanitize import code, element, picture
from gemini_magic.display.thumbnails import MOST, Medium, media
from gemini_magic.display.visible import visible
from gemini_magic.exceptions import StoreError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gemini_magic.display.sanitize import Safe

_MASK = "••••"
_SECRET_QUERY = re.compile(r"([?&](?:key|api_key|access_token|token)=)[^&#\s]+", re.IGNORECASE)
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{200,}={0,2}")
_LONGEST_STRING = 4_000
_LONGEST_CARD = 60_000
_SHORTEST_SECRET = 6


@dataclass(frozen=True, repr=False)
class RequestCard(Card):
    """A request as it was, or would be, sent: long base64 is counted, pictures are small, and no key is shown.

    Attributes:
        method: Such as ``POST``; empty for an answer.
        path: Path or whole URL; for an answer, the model.
        body: What is sent: parsed, where it was given as the bytes or text of JSON; None when nothing is.
        headers: Headers worth showing; the values of those that carry keys are masked.
        secrets: Texts that must not appear anywhere, such as the key.
        title: What stands above: ``Request``, ``Response``, ``Would be sent``.
        key_variable: The environment variable from which `curl` and `python` read the key.
        tokens: How many tokens the gateway counts in it, where it does.
        price: What its tokens cost, in words, where that is known.
        notes: Lines to show below.
        data: The body's exact bytes, where they were given.
    """

    method: str
    path: str
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    secrets: Sequence[str] = ()
    title: str = "Request"
    key_variable: str = ""
    tokens: int | None = None
    price: str = ""
    notes: Sequence[str] = ()
    data: bytes | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        """Parse a body that came as bytes or text, and keep the bytes."""
        if isinstance(self.body, str | bytes | bytearray | memoryview):
            data = self.body.encode(errors="replace") if isinstance(self.body, str) else bytes(self.body)
            object.__setattr__(self, "data", data)
            object.__setattr__(self, "body", _parsed(data))

    @property
    def text(self) -> str:
        """What the card says, in plain text."""
        return str(self)

    @property
    def curl(self) -> str:
        """The request as a command for a shell; the key is read from an environment variable."""
        return self._masked(self._call().curl())

    @property
    def python(self) -> str:
        """The request as a Python script that needs httpx only; the key is read from an environment variable."""
        return self._masked(self._call().python())

    def save(self, path: str | Path) -> Path:
        """Write the body to a file, byte for byte as it is sent.

        Args:
            path: Where to; what is there already is written over.

        Returns:
            The path.

        Raises:
            UsageError: There is no body.
            StoreError: It cannot be written.
        """
        if self.body is None:
            raise UsageError("This request has no body to save.")
        data = self.data if self.data is not None else json.dumps(self.body, ensure_ascii=False).encode()
        target = Path(path).expanduser()
        try:
            target.write_bytes(data)
        except OSError as error:
            raise StoreError(f"{target} cannot be written: {error.strerror}.") from None
        return target

    def __str__(self) -> str:
        """The request line, the headers, the body, and what is known about it."""
        title = "" if self.title == "Request" else f"{self.title}:"
        blocks = ["\n".join((*filter(None, (title,)), self._first_line(), *self._header_lines())), self._body()]
        blocks += ["\n".join(filter(None, (*self._media_lines(), self._facts(), *self._note_lines())))]
        return visible("\n\n".join(filter(None, blocks)))

    __repr__ = __str__

    def _html(self) -> Safe:
        head = "\n".join((self._first_line(), *self._header_lines()))
        parts = [element("div", self.title, class_="gm-caption"), element("pre", head)]
        if facts := self._facts():
            parts.append(element("p", element("b", facts)))
        parts += [element("p", note, class_="gm-note") for note in self._note_lines()]
        parts += self._pictures()
        if body := self._body():
            parts.append(code(body, "json"))
        parts += self._code_blocks()
        return element("figure", *parts, class_="gm-part", label=self.title)

    def _code_blocks(self) -> Iterator[Safe]:
        if not self._is_sendable():
            return
        for title, source, language in (("As curl", self.curl, "bash"), ("As Python", self.python, "python")):
            yield element("details", element("summary", title), code(source, language), class_="gm-copy")

    def _pictures(self) -> Iterator[Safe]:
        """A line for each medium, with a small picture where it is one."""
        left = MOST
        for medium, line in zip(self._media, self._media_lines(), strict=True):
            small = medium.thumbnail() if left else None
            if small is not None:
                left -= 1
                yield element("div", picture(small, line), class_="gm-thumb")
            yield element("p", line)

    @cached_property
    def _media(self) -> tuple[Medium, ...]:
        return tuple(media(self.body))

    def _media_lines(self) -> list[str]:
        several = len(self._media) > 1
        return [
            self._masked(f"{number}. {medium}" if several else str(medium))
            for number, medium in enumerate(self._media, 1)
        ]

    def _facts(self) -> str:
        """Bytes, tokens and price, as far as they are known."""
        words = [f"{len(self.data):,} bytes"] if self.data is not None and self.method else []
        if self.tokens is not None:
            words.append(f"{self.tokens:,} tokens")
        if self.price:
            words.append(self.price)
        return " · ".join(words)

    def _note_lines(self) -> list[str]:
        return [self._masked(note) for note in self.notes]

    def _is_sendable(self) -> bool:
        return bool(self.method) and self.path.startswith(("http://", "https://"))

    def _call(self) -> Call:
        if not self._is_sendable():
            raise UsageError(f"A {self.title.lower()} is not written as code.", hint="`%gemini last request` can be.")
        return Call(self.method, self._url(), self.headers, self.body, self.key_variable)

    def _url(self) -> str:
        return _SECRET_QUERY.sub(rf"\g<1>{_MASK}", self.path)

    def _first_line(self) -> str:
        return self._masked(f"{self.method} {self._url()}".strip())

    def _header_lines(self) -> list[str]:
        shown = ((name, _MASK if is_secret(name) else value) for name, value in self.headers.items())
        return [self._masked(f"{name}: {value}") for name, value in shown]

    def _body(self) -> str:
        if self.body is None:
            return ""
        short = shortened(self.body)
        text = short if isinstance(short, str) else json.dumps(short, ensure_ascii=False, indent=2, default=str)
        if len(text) > _LONGEST_CARD:
            text = f"{text[:_LONGEST_CARD]}\n… {len(text) - _LONGEST_CARD:,} more characters"
        return self._masked(text)

    def _masked(self, text: str) -> str:
        for secret in self.secrets:
            if len(secret) >= _SHORTEST_SECRET:
                text = text.replace(secret, _MASK)
        return text


def shortened(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """A JSON value whose long base64 strings are counted instead of shown, and long texts cut."""
    if isinstance(value, str):
        return _short_string(value)
    if isinstance(value, Mapping):
        return {key: shortened(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return [shortened(item) for item in value]
    return value


def _short_string(value: str) -> str:
    if _BASE64.fullmatch(value):
        return f"<{len(value):,} base64 characters>"
    if len(value) > _LONGEST_STRING:
        return f"{value[:_LONGEST_STRING]}… <{len(value) - _LONGEST_STRING:,} more characters>"
    return value


def _parsed(data: bytes) -> Any:  # noqa: ANN401 - any JSON
    text = data.decode(errors="replace")
    try:
        return json.loads(text)
    except ValueError:
        return text
