"""Public names of a package that are imported when they are first used, so that nobody loads what he does not need."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence


def by_home(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """A module's ``__getattr__``, where it is known in which module each name is.

    Args:
        package: The package's ``__name__``.
        homes: Public names, and the modules in the package that have them.
    """

    def find(name: str) -> Any:  # noqa: ANN401 - any public name
        if name not in homes:
            raise _unknown(package, name)
        return _kept(package, name, getattr(import_module(f"{package}.{homes[name]}"), name))

    return find


def by_search(package: str, names: Collection[str], modules: Sequence[str]) -> Callable[[str], Any]:
    """A module's ``__getattr__``, where names are many.

    Args:
        package: The package's ``__name__``.
        names: The public names.
        modules: The modules in the package, in the order in which they are looked through.
    """

    def find(name: str) -> Any:  # noqa: ANN401 - any public name
        for module in modules if name in names else ():
            found = getattr(import_module(f"{package}.{module}"), name, None)
            if found is not None:
                return _kept(package, name, found)
        raise _unknown(package, name)

    return find


def _kept(package: str, name: str, value: object) -> object:
    vars(sys.modules[package])[name] = value
    return value


def _unknown(package: str, name: str) -> AttributeError:
    return AttributeError(f"module {package!r} has no attribute {name!r}")
