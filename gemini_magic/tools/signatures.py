"""The parameters of a function: their names, their types, and how a call gives each of them."""

from __future__ import annotations

import functools
import inspect
import types
import typing
from dataclasses import dataclass
from enum import Enum
from inspect import Parameter as Raw
from types import SimpleNamespace
from typing import TYPE_CHECKING, Annotated, Any, NotRequired, Required, Union, get_args, get_origin

from pydantic import Field, WithJsonSchema
from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python
from typing_extensions import ReadOnly, Unpack, is_typeddict

from gemini_magic.exceptions import InputError, SchemaError
from gemini_magic.parts.secrets import find_secret
from gemini_magic.schemas.paths import field, shown
from gemini_magic.tools import docstrings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from gemini_magic.tools.docstrings import Documented

_POSITIONAL = (Raw.POSITIONAL_ONLY, Raw.POSITIONAL_OR_KEYWORD)
_NAMED = (Raw.POSITIONAL_OR_KEYWORD, Raw.KEYWORD_ONLY)
_VARIADIC: Mapping[Any, str] = {Raw.VAR_POSITIONAL: "*", Raw.VAR_KEYWORD: "**"}
#: Defaults are not told where the name says that they are nobody's business.
_PRIVATE = ("key", "token", "secret", "password", "passwd", "credential")
#: A whole number as a default says little: a factor of 1 may become 1.5.
_NUMBER = Annotated[int | float, WithJsonSchema({"type": "number"})]


@dataclass(frozen=True)
class Parameter:
    """A parameter that a model may fill.

    Attributes:
        name: Its name in the signature.
        kind: Its type, with its description.
        how: How a call gives it.
        is_required: Whether it must be given.
    """

    name: str
    kind: Any
    how: Any
    is_required: bool


@dataclass(frozen=True)
class Parameters:
    """The parameters of a function.

    Attributes:
        declared: Those that a model may fill.
        positional: All that can be given by their place, in order.
        taken: The names that ``**more`` cannot have, because parameters or a partial have them.
    """

    declared: tuple[Parameter, ...]
    positional: tuple[Raw, ...]
    taken: frozenset[str] = frozenset()

    def faults(self, values: Mapping[str, Any]) -> list[str]:
        """What is wrong with values that are each of its type."""
        more = [each.name for each in self.declared if each.how is Raw.VAR_KEYWORD]
        return [
            f"{field(name, key)} is a name that is taken"
            for name in more
            for key in values.get(name, ())
            if key in self.taken
        ]

    def call(self, values: Mapping[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """What to call the function with.

        Args:
            values: Checked values by the parameters' names.
        """
        rest = dict(values)
        spread: list[Any] = []
        for parameter in self.declared:
            if parameter.how is Raw.VAR_POSITIONAL:
                spread += rest.pop(parameter.name, ())
            elif parameter.how is Raw.VAR_KEYWORD:
                rest |= rest.pop(parameter.name, {})
        # What stands before a value that is given by its place must be given, too.
        needed = [number for number, raw in enumerate(self.positional, 1) if self._by_place(raw, rest, spread)]
        placed = self.positional[: max(needed, default=0)]
        return (*(rest.pop(raw.name, raw.default) for raw in placed), *spread), rest

    @staticmethod
    def _by_place(raw: Raw, values: Mapping[str, Any], spread: list[Any]) -> bool:
        return bool(spread) or (raw.kind is Raw.POSITIONAL_ONLY and raw.name in values)


def name_of(function: Callable[..., Any]) -> str:
    """What to call a function: its name; for an object that can be called, the name of its class."""
    plain = function.func if isinstance(function, functools.partial) else function
    return str(getattr(plain, "__name__", type(plain).__name__))


def documented(function: Callable[..., Any]) -> Documented:
    """What the docstring of a function says."""
    inner = function.func if isinstance(function, functools.partial) else function
    text = inspect.getdoc(_behind(inner))
    if not text and not inspect.isroutine(inner) and not hasattr(inner, "__wrapped__"):
        text = type(inner).__doc__
    return docstrings.read(text)


def parameters_of(function: Callable[..., Any], name: str) -> Parameters:
    """The parameters of a function.

    Args:
        function: Anything that can be called.
        name: What to call it in messages.

    Raises:
        SchemaError: It says too little of a parameter to be called by a model; the message names both.
    """
    signature = _signature(function, name)
    reader = _Reader(function, name)
    declared: dict[str, Parameter] = {}
    for raw in signature.parameters.values():
        for parameter in reader.read(raw):
            if parameter.name in declared:
                raise SchemaError(f"{name}() has two parameters called {parameter.name!r}; a call can name only one.")
            declared[parameter.name] = parameter
    positional = tuple(raw for raw in signature.parameters.values() if raw.kind in _POSITIONAL)
    named = {raw.name for raw in signature.parameters.values() if raw.kind in _NAMED}
    return Parameters(tuple(declared.values()), positional, frozenset({*named, *_fixed(function)}))


def _signature(function: Callable[..., Any], name: str) -> inspect.Signature:
    try:
        signature = inspect.signature(function)
    except NameError as error:
        # From Python 3.14, annotations are read when they are asked for.
        raise SchemaError(f"A type in the signature of {name}() does not resolve: {error}.") from None
    except (TypeError, ValueError):
        raise InputError(
            f"{name}() does not say which parameters it has.", hint="Wrap it in a function with types of its own."
        ) from None
    first = next(iter(signature.parameters.values()), None)
    if first is not None and first.name in {"self", "cls"} and first.annotation is Raw.empty:
        raise InputError(
            f"{name}() is a method, and its {first.name!r} is not known.", hint=f"Give it of an object: thing.{name}."
        )
    return signature


def _fixed(function: Callable[..., Any]) -> Mapping[str, Any]:
    """The arguments that a partial gives by name; they are not the model's business."""
    return function.keywords if isinstance(function, functools.partial) else {}


def _behind(function: Any) -> Any:  # noqa: ANN401 - anything that can be called
    """The plain function that runs in the end; it has the docstring, and the names that annotations use."""
    for _ in range(_DEEPEST):
        if isinstance(function, functools.partial):
            function = function.func
        elif inspect.ismethod(function):
            function = function.__func__
        elif hasattr(function, "__wrapped__"):
            function = function.__wrapped__
        elif inspect.isroutine(function) or isinstance(function, type):
            break
        else:
            function = type(function).__call__
    return function


_DEEPEST = 50


def _names(function: Callable[..., Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The names that annotations of a function may use: those of its module, and those around it."""
    plain = _behind(function)
    around: dict[str, Any] = {kind.__name__: kind for kind in getattr(plain, "__type_params__", ())}
    code, cells = getattr(plain, "__code__", None), getattr(plain, "__closure__", None) or ()
    for name, cell in zip(code.co_freevars if code is not None else (), cells, strict=False):
        try:
            around[name] = cell.cell_contents
        except ValueError:  # not filled yet
            continue
    return getattr(plain, "__globals__", {}), around


class _Reader:
    def __init__(self, function: Callable[..., Any], name: str) -> None:
        self._name = name
        self._documented = documented(function)
        self._globals, self._around = _names(function)
        self._fixed = _fixed(function)

    def read(self, raw: Raw) -> Iterator[Parameter]:
        """The parameter as a model may fill it; several for ``**options: Unpack[…]``, none for one that is private."""
        if raw.kind in _VARIADIC:
            yield from self._variadic(raw)
            return
        optional = raw.default is not Raw.empty
        if raw.name in self._fixed or (optional and raw.name.startswith("_")):
            return
        yield self._made(raw.name, self._kind(raw), raw.kind, raw.default)

    def _kind(self, raw: Raw) -> Any:  # noqa: ANN401 - any type expression
        if raw.annotation is not Raw.empty:
            return self._resolved(raw.name, raw.annotation)
        found = self._documented.types.get(raw.name)
        return found if found is not None else _kind_of_default(raw.default)

    def _variadic(self, raw: Raw) -> Iterator[Parameter]:
        if raw.annotation is Raw.empty:
            shape = "str" if raw.kind is Raw.VAR_POSITIONAL else "Unpack[SomeTypedDict]"
            raise SchemaError(
                f"{self._name}() takes {_VARIADIC[raw.kind]}{raw.name}, of which nothing is known.",
                hint=f"Name the parameters, or write {_VARIADIC[raw.kind]}{raw.name}: {shape}.",
            )
        kind = self._resolved(raw.name, raw.annotation)
        inner: Any = get_args(kind)[0] if get_origin(kind) in _UNPACK else None
        if getattr(kind, "__unpacked__", False):
            inner = tuple[get_args(kind)]  # type: ignore[misc]
        if raw.kind is Raw.VAR_KEYWORD and inner is not None and is_typeddict(inner):
            for name, part in self._hints(raw.name, inner).items():
                # A class of a module with postponed annotations does not know itself which names it requires.
                is_required = _REQUIRED.get(get_origin(part), name in inner.__required_keys__)
                yield self._made(name, _bare(part), Raw.KEYWORD_ONLY, Raw.empty if is_required else ...)
            return
        whole: Any = dict[str, kind] if raw.kind is Raw.VAR_KEYWORD else inner or list[kind]  # type: ignore[valid-type]
        yield self._made(raw.name, whole, raw.kind, ...)

    def _resolved(self, parameter: str, annotation: Any) -> Any:  # noqa: ANN401 - any type expression
        kind = self._hints(parameter, SimpleNamespace(__annotations__={parameter: annotation}))[parameter]
        if isinstance(kind, _NO_TYPES):
            raise SchemaError(
                f"The type of the parameter {parameter!r} of {self._name}() is {kind!r:.60}, which is no type.",
                hint="A list of texts is list[str], a choice is Literal['a', 'b'].",
            )
        return kind

    def _hints(self, parameter: str, holder: Any) -> dict[str, Any]:  # noqa: ANN401 - what has annotations
        # A class knows the names of its own module.
        scope: tuple[Any, Any] = (self._globals, self._around) if isinstance(holder, SimpleNamespace) else (None, None)
        try:
            return typing.get_type_hints(holder, scope[0], scope[1], include_extras=True)
        except Exception as error:  # noqa: BLE001 - annotations are anybody's code
            words = f"{type(error).__name__}: {error}".partition("\n")[0]
            raise SchemaError(
                f"The type of the parameter {parameter!r} of {self._name}() does not resolve: {words}.",
                hint="Define it at the top level, before the function is used; words belong in Annotated[…, 'words'].",
            ) from None

    def _made(self, name: str, kind: Any, how: Any, default: Any) -> Parameter:  # noqa: ANN401
        words = _words_in(kind)
        if isinstance(default, FieldInfo):
            words = default.description or words
            kind, default = Annotated[kind, default], Raw.empty if default.is_required() else default.default
        elif (info := _field_in(kind)) is not None and not info.is_required():
            default = info.default if default is Raw.empty else default
        if default is None and not _takes_none(kind):
            kind = _or_none(kind)
        words = words or self._documented.parameters.get(name, "")
        text = _sentences(words, _any_value(kind), _default_words(name, default))
        return Parameter(name, Annotated[kind, Field(description=text)] if text else kind, how, default is Raw.empty)


_REQUIRED: Mapping[Any, bool] = {Required: True, NotRequired: False}
_UNPACK = frozenset({Unpack, typing.Unpack})
_NO_TYPES = (bool, int, float, bytes, list, dict, tuple, set)


def _bare(kind: Any) -> Any:  # noqa: ANN401 - any type expression
    """The type of a TypedDict's field without what it says of the field."""
    return _bare(get_args(kind)[0]) if get_origin(kind) in {*_REQUIRED, ReadOnly} else kind


def _kind_of_default(default: Any) -> Any:  # noqa: ANN401 - anything may be a default
    """The type of a parameter of which nothing is known but its default."""
    if default is Raw.empty or default is None or type(default) is object or isinstance(default, FieldInfo):
        return Any
    if isinstance(default, Enum):
        return type(default)
    for kind in (bool, int, float, str):
        if isinstance(default, kind):
            return _NUMBER if kind is int else kind
    return type(default)


def _words_in(kind: Any) -> str:  # noqa: ANN401 - any type expression
    """The description within a type: ``Annotated[T, "words"]``, or of a pydantic field."""
    if get_origin(kind) in {Union, types.UnionType}:
        return next((words for part in get_args(kind) if (words := _words_in(part))), "")
    found = ""
    for note in getattr(kind, "__metadata__", ()):
        told: Any = note if isinstance(note, str) else getattr(note, "description", None)
        told = getattr(note, "documentation", None) if told is None else told
        found = told if isinstance(told, str) else found
    return found


def _field_in(kind: Any) -> FieldInfo | None:  # noqa: ANN401 - any type expression
    notes = [note for note in getattr(kind, "__metadata__", ()) if isinstance(note, FieldInfo)]
    return next((note for note in notes if not note.is_required()), None)


def _sentences(*texts: str) -> str:
    """Texts after each other, each ended before the next."""
    made = ""
    for text in filter(None, map(str.strip, texts)):
        made += f"{'' if not made or made[-1] in '.!?:' else '.'} {text}"
    return made.strip()


def _takes_none(kind: Any) -> bool:  # noqa: ANN401 - any type expression
    if get_origin(kind) is Annotated:
        return _takes_none(get_args(kind)[0])
    if get_origin(kind) in {Union, types.UnionType}:
        return any(map(_takes_none, get_args(kind)))
    return kind is Any or kind is object or kind is None or kind is type(None)


def _or_none(kind: Any) -> Any:  # noqa: ANN401 - any type expression
    """The type or None; what is said of a field stays at the outside, where it means something."""
    if get_origin(kind) is Annotated:
        return Annotated[(_or_none(get_args(kind)[0]), *kind.__metadata__)]
    return Union[kind, None]  # noqa: UP007 - made at run time


def _any_value(kind: Any) -> str:  # noqa: ANN401 - any type expression
    bare = get_args(kind)[0] if get_origin(kind) is Annotated else kind
    return "Any JSON value." if bare is Any or bare is object else ""


def _default_words(name: str, default: Any) -> str:  # noqa: ANN401 - anything may be a default
    """The default in words; models take no keyword for it, and secrets are not told."""
    if default is None or default is Raw.empty or default is ... or hasattr(default, "__next__"):
        return ""
    if any(word in name.lower() for word in _PRIVATE):
        return ""
    try:
        text = shown(to_jsonable_python(default))
    except Exception:  # noqa: BLE001 - anybody's object
        return ""
    return "" if find_secret(text) or "*****" in text else f"Default: {text}."
