"""What all small things to look at have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod

from gemini_magic.display.sanitize import Safe, element, join, style


class Card(ABC):
    """Something that notebooks show as HTML and everything else as text."""

    @abstractmethod
    def _html(self) -> Safe:
        """What stands inside the card."""

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        return {"text/html": str(join(style(), element("section", self._html(), class_="gm"))), "text/plain": str(self)}
