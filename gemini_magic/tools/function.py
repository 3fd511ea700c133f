"""A function that a model may call: what it is told, how its arguments are checked, and how it may run."""

from __future__ import annotations

import contextlib
import inspect
import math
import re
import sys
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, Self, overload

from gemini_magic.exceptions import InputError
from gemini_magic.tools.approval import APPROVE
from gemini_magic.tools.declare import declared
from gemini_magic.tools.signatures import documented, name_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gemini_magic.tools.approval import Approve
    from gemini_magic.tools.declare import Declared
    from gemini_magic.wire import FunctionDeclaration

#: What the protocol takes as the name of a function.
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,63}")
_WORN = ("__module__", "__name__", "__qualname__", "__doc__", "__annotations__")


class BoundCall(NamedTuple):
    """What to call a function with."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]


@dataclass(frozen=True, repr=False)
class Tool:
    """A function that a model may call; it is called by hand like the function itself. Made by `tool`.

    Attributes:
        name: What the model calls it.
        description: What the model is told that it does.
        function: The function.
        read_only: Whether it changes nothing, so that nobody is asked before it runs.
        approve: Whether leave is asked for, when this function has a rule of its own.
        seconds: How long it may run; None for as long as it likes, on the thread that asks.
        max_bytes: How much of its result is sent, at most.
    """

    name: str
    description: str
    function: Callable[..., Any]
    read_only: bool = False
    approve: Approve | None = None
    seconds: float | None = 30.0
    max_bytes: int = 65536

    def __post_init__(self) -> None:
        """Check the values, and wear the function's name and place."""
        check_name(self.name)
        _check_settings(self.approve, self.seconds, self.max_bytes)
        for attribute in _WORN:
            # From Python 3.14, annotations are read when they are asked for.
            with contextlib.suppress(AttributeError, NameError):
                self.__dict__[attribute] = getattr(self.function, attribute)
        self.__dict__["__wrapped__"] = self.function

    @classmethod
    def of(cls, function: object) -> Self:
        """A function as a tool; a tool stays as it is.

        Raises:
            InputError: It cannot be called, or has no name that a model could call it by.
        """
        if isinstance(function, cls):
            return function
        if inspect.ismethod(function) and isinstance(function.__func__, cls):
            bound: Self = function.__func__.__get__(function.__self__)
            return bound
        plain = checked_function(function)
        return cls(name_of(plain), documented(plain).description, plain)

    @property
    def declaration(self) -> FunctionDeclaration:
        """What the model is told.

        Raises:
            SchemaError: A parameter cannot be declared; the message names function and parameter.
        """
        return self.declared.declaration

    @cached_property
    def declared(self) -> Declared:
        """The function as a model may call it."""
        return declared(self.function, self.name, self.description)

    def bind(self, args: Mapping[str, Any]) -> BoundCall:
        """Check what a model gives, and make of it what to call the function with.

        Args:
            args: Arguments as JSON.

        Raises:
            ToolError: They do not fit; the message is for the model and names every fault.
        """
        return BoundCall(*self.declared.parameters.call(self.declared.values(args)))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - whatever the function takes and returns
        """Call the function."""
        return self.function(*args, **kwargs)

    def __get__(self, instance: object, owner: type | None = None) -> Self:
        """In a class, the tool of an object is bound to it, as a function would be."""
        bind = getattr(self.function, "__get__", None)
        if bind is None or (instance is None and inspect.isfunction(self.function)):
            return self
        return replace(self, function=bind(instance, owner))

    def __hash__(self) -> int:
        """By name: what can be called need not have a hash."""
        return hash(self.name)

    def __repr__(self) -> str:
        """The name, and how it may run where that is not the usual."""
        marks = [*(["read only"] if self.read_only else []), *([f"approve={self.approve}"] if self.approve else [])]
        return f"<Tool {self.name}{': ' if marks else ''}{', '.join(marks)}>"

    def __reduce__(self) -> str | tuple[Any, ...]:
        """By its import path where that leads to it, and by its function otherwise."""
        named = _named(self.function)
        if named is self:
            return str(self.function.__qualname__)
        settings = (self.read_only, self.approve, self.seconds, self.max_bytes)
        # A decorated function has the import path of its tool, and can be found only through it.
        return (_rebuilt, (named or self.function, self.name, self.description, *settings))


@overload
def tool(
    function: Callable[..., Any],
    *,
    name: str | None = None,
    description: str | None = None,
    read_only: bool = False,
    approve: Approve | None = None,
    seconds: float | None = 30.0,
    max_bytes: int = 65536,
) -> Tool: ...
@overload
def tool(
    function: None = None,
    *,
    name: str | None = None,
    description: str | None = None,
    read_only: bool = False,
    approve: Approve | None = None,
    seconds: float | None = 30.0,
    max_bytes: int = 65536,
) -> Callable[[Callable[..., Any]], Tool]: ...
def tool(
    function: Callable[..., Any] | None = None,
    *,
    name: str | None = None,
    description: str | None = None,
    read_only: bool = False,
    approve: Approve | None = None,
    seconds: float | None = 30.0,
    max_bytes: int = 65536,
) -> Tool | Callable[[Callable[..., Any]], Tool]:
    """Make a function one that a model may call, where it is offered.

    It stays what it was for its caller. Used as a decorator, with or without parentheses, or as a function.

    Args:
        function: The function; plain or async, a method, a partial, or an object that can be called.
        name: What the model calls it; the function's own name when None.
        description: What the model is told that it does; its docstring when None.
        read_only: Whether it changes nothing, so that nobody is asked before it runs.
        approve: ``"ask"``, ``"always"`` or ``"never"``: a rule of its own for leave to run.
        seconds: How long it may run. With None there is no limit, and it runs on the thread that asks, so that it may
            use what belongs to that thread.
        max_bytes: How much of its result is sent, at most.

    Raises:
        InputError: It cannot be called, or one of the values is not possible.
    """
    _check_settings(approve, seconds, max_bytes)
    if name is not None:
        check_name(name)
    if description is not None and not isinstance(description, str):
        raise InputError(f"description={description!r:.40} is no text.")

    def made(function: Callable[..., Any]) -> Tool:
        given = function if isinstance(function, Tool) else None
        plain = checked_function(function if given is None else given.function)
        called = name or (name_of(plain) if given is None else given.name)
        words = (
            description if description is not None else given.description if given else documented(plain).description
        )
        return Tool(called, words, plain, bool(read_only), approve, seconds, max_bytes)

    return made if function is None else made(function)


def check_name(name: object) -> None:
    """Refuse what the protocol does not take as a name.

    Raises:
        InputError: With the name.
    """
    if name == "<lambda>":
        raise InputError(
            "A lambda has no name that a model could call.", hint='Give it one: gm.tool(name="…")(lambda …).'
        )
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise InputError(
            f"{name!r:.80} is no name for a function that a model calls.",
            hint="It takes up to 64 letters from a to z, digits and _ . : -, and starts with a letter or _; "
            'gm.tool(name="…") gives another.',
        )


def checked_function(function: object) -> Callable[..., Any]:
    """What can be called, and is no class.

    Raises:
        InputError: It is something else.
    """
    if isinstance(function, type):
        raise InputError(
            f"{function.__name__} is a class, and a model calls functions.",
            hint="Give a function that makes one, or a method of an object.",
        )
    if not callable(function) and not isinstance(function, classmethod):
        raise InputError(f"{function!r:.80} is no function; a tool is one, such as def look_up(name: str): …")
    made: Callable[..., Any] = function  # type: ignore[assignment] # a classmethod can be called once its class is there
    return made


def _check_settings(approve: object, seconds: object, max_bytes: object) -> None:
    if approve is not None and approve not in APPROVE:
        raise InputError(f"approve={approve!r:.40} is not known; it takes 'ask', 'always', 'never' or None.")
    is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if seconds is not None and not (is_number and seconds > 0 and math.isfinite(seconds)):  # type: ignore[operator,arg-type]
        raise InputError(f"seconds={seconds!r:.40} is no time; it takes a number above 0, or None for no limit.")
    if isinstance(max_bytes, bool) or not isinstance(max_bytes, int) or max_bytes < 1:
        raise InputError(f"max_bytes={max_bytes!r:.40} is no size; it takes a whole number above 0.")


def _named(function: Any) -> Tool | None:  # noqa: ANN401 - anything that can be called
    """The tool of a function that has taken its import path, as a decorator does."""
    module, path = getattr(function, "__module__", None), getattr(function, "__qualname__", None)
    if not isinstance(path, str) or module in {None, "__main__", "__mp_main__"}:
        return None
    found: Any = sys.modules.get(module)
    for name in path.split("."):
        found = getattr(found, name, None)
    return found if isinstance(found, Tool) and found.function is function else None


def _rebuilt(function: Any, name: str, description: str, *settings: Any) -> Tool:  # noqa: ANN401
    return Tool(name, description, function.function if isinstance(function, Tool) else function, *settings)
