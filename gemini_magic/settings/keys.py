"""An API key that does not slip out, and the checks that a key has to pass."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NoReturn

from gemini_magic.exceptions import ConfigError
from gemini_magic.settings.urls import origin

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

MASK = "********"
MAX_KEY = 8192
_NOT_IN_KEYS = "\"'`\\<>"
_PLACEHOLDER = re.compile(
    r"(your|my|insert|replace|paste|enter|add)[-_ ]?.*(key|token|here)|<.*>|[x*.?]+|(sk|aiza)[-_]?[x*.]*|\$\{?\w+\}?"
    r"|change[-_]?me|placeholder|none|null|undefined|api[-_]?key|secret|\w+_api_key",
    re.IGNORECASE,
)


class ApiKey:
    """A key that shows itself only when asked, and never in a repr, pickle or copy.

    Args:
        value: The key.
        origin: Scheme, host and port it may be sent to; empty when it is not bound yet.
    """

    __slots__ = ("_read", "origin")
    _read: Callable[[], str]
    origin: str

    def __init__(self, value: str, origin: str = "") -> None:
        # A closure, because tools that dump local variables or slots print strings.
        object.__setattr__(self, "_read", lambda: value)
        object.__setattr__(self, "origin", origin)

    def reveal(self) -> str:
        """The key itself."""
        return self._read()

    def reveal_for(self, url: str) -> str:
        """The key itself, when the URL belongs to the origin the key was set for.

        Raises:
            ConfigError: The key was set for another origin.
        """
        if self.origin and origin(url) != self.origin:
            raise ConfigError(
                f"The key was set for {self.origin} and is not sent to {origin(url)}.",
                hint="Set a key for that address.",
            )
        return self.reveal()

    def bound_to(self, url: str) -> ApiKey:
        """The same key, to be sent to this URL's origin only."""
        return ApiKey(self.reveal_for(url), origin(url))

    def hidden_in(self, value: Any) -> Any:  # noqa: ANN401 - any JSON
        """The same text, bytes or JSON with a mask wherever the key stood."""
        if isinstance(value, str):
            return value.replace(self.reveal(), MASK)
        if isinstance(value, bytes):
            return value.replace(self.reveal().encode(), MASK.encode())
        if isinstance(value, dict):
            return {self.hidden_in(name): self.hidden_in(item) for name, item in value.items()}
        return [self.hidden_in(item) for item in value] if isinstance(value, list) else value

    def is_in(self, text: str) -> bool:
        """Whether the text holds the key."""
        return self.reveal() in text

    def __setattr__(self, name: str, value: object) -> NoReturn:
        """Refuse: a key does not change."""
        raise AttributeError(f"An ApiKey is read-only; {name} cannot be set.")

    def __repr__(self) -> str:
        """Never the key."""
        return f"ApiKey('{MASK}')"

    def __str__(self) -> str:
        """Never the key."""
        return MASK

    def __eq__(self, other: object) -> bool:
        """Equal when key and origin are; whoever compares holds both already, so time tells nothing."""
        if not isinstance(other, ApiKey):
            return NotImplemented
        return self.reveal() == other.reveal() and self.origin == other.origin

    def __hash__(self) -> int:
        """Consistent with equality."""
        return hash((self.reveal(), self.origin))

    def __copy__(self) -> Self:
        """A key is immutable, so a copy is itself."""
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        """A key is immutable, so a copy is itself."""
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        """Refuse to be pickled."""
        raise TypeError("An API key is not pickled: pass the name of its environment variable instead.")


def clean_key(value: str, source: str) -> str:
    """Trim a key and refuse what cannot be one, without printing it.

    Args:
        value: The key as it was found.
        source: Where it was found, for the message.

    Returns:
        The key without the white space around it.

    Raises:
        ConfigError: The key is empty, a placeholder, or holds a character that keys do not have.
    """
    key = value.strip(" \t\r\n")
    if not key:
        raise ConfigError(f"The key in {source} is empty.")
    if key.lower().startswith("bearer "):
        raise ConfigError(f"The key in {source} starts with the word Bearer.", hint="Leave the word out.")
    if len(key) > MAX_KEY:
        raise ConfigError(f"The key in {source} is longer than {MAX_KEY:,} characters.", hint="Is it a key?")
    if _PLACEHOLDER.fullmatch(key):
        raise ConfigError(f"The key in {source} is a placeholder.", hint="Put your own key there.")
    for position, character in enumerate(key, 1):
        if not "!" <= character <= "~" or character in _NOT_IN_KEYS:
            raise ConfigError(
                f"The key in {source} cannot be one: its character {position} is not allowed.",
                hint="Copy the key again, without quotes, spaces or line breaks.",
            )
    return key
