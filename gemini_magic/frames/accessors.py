"""``df.gemini`` and ``series.gemini`` of pandas and polars."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

# The classes that got an accessor from here, by library, class and name; others' accessors are left alone.
_OURS: set[tuple[str, str, str]] = set()
_CLASSES = ("DataFrame", "Series")


def register_accessor(name: str, factory: Callable[[Any], Any]) -> tuple[str, ...]:
    """Give the frames and series of pandas and polars an attribute, as far as these libraries are imported already.

    It may be called any number of times: a library that has come since gets it then, and a new factory replaces the
    old one. An attribute of that name that somebody else has made stays.

    Args:
        name: The name of the attribute.
        factory: Called with the frame or series; what it returns is the attribute.

    Returns:
        The libraries that have it now.
    """
    done = []
    for library in ("pandas", "polars"):
        module = sys.modules.get(library)
        if module is not None and _register_both(module, name, factory):
            done.append(library)
    return tuple(done)


def unregister_accessor(name: str) -> None:
    """Take the attribute away again, where ``register_accessor`` has made it."""
    for library, cls, known in sorted(_OURS):
        if known == name:
            _remove(sys.modules[library], cls, name)


def _register_both(module: ModuleType, name: str, factory: Callable[[Any], Any]) -> bool:
    done = [_register(module, cls, name, factory) for cls in _CLASSES]
    return all(done)


def _register(module: ModuleType, cls: str, name: str, factory: Callable[[Any], Any]) -> bool:
    owner = getattr(module, cls, None)
    if owner is None:
        return False  # the library is in the middle of its own import
    if (module.__name__, cls, name) in _OURS:
        _remove(module, cls, name)
    elif hasattr(owner, name):
        return False
    _registrar(module, cls)(name)(factory)
    _OURS.add((module.__name__, cls, name))
    return True


def _registrar(module: ModuleType, cls: str) -> Callable[[str], Callable[[Any], Any]]:
    home, word = (module.api.extensions, "accessor") if module.__name__ == "pandas" else (module.api, "namespace")
    found: Callable[[str], Callable[[Any], Any]] = getattr(home, f"register_{cls.lower()}_{word}")
    return found


def _remove(module: ModuleType, cls: str, name: str) -> None:
    owner = getattr(module, cls)
    if name in vars(owner):
        delattr(owner, name)
    # The list of names that both libraries offer to completion.
    getattr(owner, "_accessors", set()).discard(name)
    _OURS.discard((module.__name__, cls, name))
