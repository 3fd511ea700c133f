"""Libraries that only some users have."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from gemini_magic.exceptions import ConfigError

if TYPE_CHECKING:
    from types import ModuleType


def require(module: str, *, extra: str, why: str) -> ModuleType:
    """Import an optional library, or say in one sentence how to get it.

    Args:
        module: Name of the module, such as ``"PIL.Image"``.
        extra: Name of the extra that installs it.
        why: What it is needed for, as it reads after "to": ``"send images"``.

    Raises:
        ConfigError: The library is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        missing = error.name or module
        if missing.partition(".")[0] != module.partition(".")[0]:
            raise  # the library is there, and one of its own needs is not
        message = f"{missing.partition('.')[0]} is not installed, and it is needed to {why}:"
        raise ConfigError(f'{message} run `pip install "gemini-magic[{extra}]"`.') from None
