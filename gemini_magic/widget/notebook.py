"""What a pane takes from the notebook around it: variables, and the settings of the magics where they are loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gemini_magic.chat.autosave import latest
from gemini_magic.chat.files import safe_name
from gemini_magic.chat.notebooks import notebook_name
from gemini_magic.parts import Pictures
from gemini_magic.settings import known_keys

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gemini_magic.settings import ApiKey

_MAGICS = "GeminiMagics"


class Notebook:
    """The notebook's side of a pane.

    Args:
        shell: The IPython shell, or None outside of IPython.
    """

    def __init__(self, shell: Any = None) -> None:  # noqa: ANN401 - IPython's shells differ
        self._shell = shell

    @property
    def variables(self) -> Mapping[str, Any]:
        """The notebook's variables, as they are now; a running cell may change them meanwhile."""
        return dict(getattr(self._shell, "user_ns", {}))

    @property
    def names(self) -> list[str]:
        """The variables that the user has made."""
        hidden = getattr(self._shell, "user_ns_hidden", {})
        return sorted(
            name for name in self.variables if isinstance(name, str) and not name.startswith("_") and name not in hidden
        )

    def _set(self, name: str, usual: Any) -> Any:  # noqa: ANN401 - the value of a trait
        """A setting of the magics."""
        every = getattr(self._shell, "configurables", ())
        magics = next((one for one in every if type(one).__name__ == _MAGICS), None)
        return getattr(magics, name, usual)

    @property
    def system(self) -> str | None:
        """The system instruction of new conversations."""
        return self._set("system", "") or None

    @property
    def pictures(self) -> Pictures:
        """What is asked for pictures."""
        return Pictures(self._set("max_side", None), self._set("quality", None))

    @property
    def keys(self) -> tuple[ApiKey, ...] | None:
        """Keys that must not be sent to a model; None when texts are not to be looked through."""
        return tuple(known_keys()) if self._set("check_secrets", True) else None

    @property
    def saves_for(self) -> str:
        """The notebook for whose next kernel conversations are saved; empty when they are not."""
        return notebook_name(self._shell) if self._set("autosave", False) else ""

    def saved(self, name: str) -> Path | None:
        """What an earlier kernel has saved of a conversation, or None."""
        files = latest(notebook_name(self._shell))
        return next((path for path in files if path.stem == safe_name(name)), None)
