"""The notebook's settings, as the session knows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


class Defaults(Protocol):
    """The magics, as far as a session knows them: the shell, and what ``%config`` sets."""

    @property
    def shell(self) -> Any: ...  # noqa: ANN401, D102 - IPython's shells differ
    @property
    def profile(self) -> str: ...  # noqa: D102 - the traits' help says what they are for
    @property
    def model(self) -> str: ...  # noqa: D102
    @property
    def system(self) -> str: ...  # noqa: D102
    @property
    def stream(self) -> bool: ...  # noqa: D102
    @property
    def timeout(self) -> float | None: ...  # noqa: D102
    @property
    def retries(self) -> int | None: ...  # noqa: D102
    @property
    def fallback(self) -> Sequence[str]: ...  # noqa: D102
    @property
    def format(self) -> str: ...  # noqa: D102
    @property
    def max_side(self) -> int | None: ...  # noqa: D102
    @property
    def quality(self) -> int | None: ...  # noqa: D102
    @property
    def record(self) -> str: ...  # noqa: D102
    @property
    def replay(self) -> str: ...  # noqa: D102
    @property
    def cache(self) -> bool: ...  # noqa: D102
    @property
    def autosave(self) -> bool: ...  # noqa: D102
    @property
    def check_secrets(self) -> bool: ...  # noqa: D102
    @property
    def approve(self) -> str: ...  # noqa: D102
    @property
    def max_steps(self) -> int | None: ...  # noqa: D102
