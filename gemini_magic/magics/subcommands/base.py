"""What every subcommand gets."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gemini_magic.chat import Conversation
    from gemini_magic.client import Client
    from gemini_magic.magics.command import Command
    from gemini_magic.magics.question import Exchange
    from gemini_magic.reply import Reply


class Session(Protocol):
    """What a subcommand needs to know of the notebook's session."""

    #: The conversation that cells go on with when they name none.
    chat_name: str
    #: The last prompt as it was typed.
    last_prompt: str

    @property
    def last(self) -> Exchange | None:
        """The last exchange."""

    @property
    def magics(self) -> Any:  # noqa: ANN401 - the magics, with their traits
        """The magics, whose traits are the settings."""

    @property
    def shell(self) -> Any:  # noqa: ANN401 - IPython's shells differ
        """The IPython shell."""

    def client(self, options: Mapping[str, Any]) -> tuple[Client, str | None]:
        """The client that options ask for, and a note about it."""

    def chat(self, options: Mapping[str, Any], name: str = "") -> Conversation:
        """The conversation of that name, or the current one, with its client; made if there is none."""

    def show(self, found: object) -> None:
        """Show something below the cell, as if it stood last in it."""

    def ask_prompt(self, text: str, options: Mapping[str, Any]) -> Reply:
        """Ask a text as it stands, outside of any conversation, and show the answer."""

    def ask_again(self, chat: Conversation, number: int) -> object:
        """Ask the question of a turn again in its place, shown as any answer; returns the reply."""


Run: TypeAlias = Callable[[Session, "Command"], object]
