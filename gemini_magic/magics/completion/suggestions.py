"""What fits where the cursor stands: options, their values, subcommands, variables, files.

Nothing here asks a gateway, evaluates code, or imports what the notebook has not used yet.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

from gemini_magic.exceptions import GeminiMagicError
from gemini_magic.magics.arguments import APPROVE, FORMATS, OPTIONS
from gemini_magic.magics.completion.file_paths import paths
from gemini_magic.magics.completion.notebook_names import attributes, frames, rows, tools, variables
from gemini_magic.magics.values import CALLING
from gemini_magic.magics.vocabulary import SUBCOMMANDS, TOPICS
from gemini_magic.settings import PROFILES, choose_profile, load_config

if TYPE_CHECKING:
    from gemini_magic.magics.completion.places import Place
    from gemini_magic.settings import Profile

#: Profile → the models that it listed last.
_LISTED: dict[str, tuple[str, ...]] = {}
_LEVELS = ("minimal", "low", "medium", "high", "off")
_TABLE = re.compile(r"(?P<path>[^\W\d]\w*):(?P<rows>\d*)\Z")
_PATH = re.compile(r"(?:(?P<path>[^\W\d]\w*(?:\.[^\W\d]\w*)*)\.)?(?P<name>(?:[^\W\d]\w*)?)\Z")


@dataclass(frozen=True, slots=True)
class Suggestions:
    """What fits.

    Attributes:
        fragment: What the texts replace, up to the cursor.
        texts: What fits, best first.
        kind: What they are, for the front end.
    """

    fragment: str
    texts: list[str]
    kind: str


@dataclass(frozen=True, slots=True)
class Around:
    """What surrounds the cursor.

    Attributes:
        place: Where it stands.
        shell: The IPython shell.
        magics: The magics, with their traits.
    """

    place: Place
    shell: Any
    magics: Any

    @property
    def profile(self) -> Profile | None:
        """The profile that would be asked; None when the settings cannot be read."""
        name = self.place.given.get("profile") or getattr(self.magics, "profile", "") or None
        try:
            return choose_profile(name)[0]
        except GeminiMagicError:
            return None


Names: TypeAlias = Callable[[Around], Iterable[str]]


def suggest(place: Place, shell: Any, magics: Any) -> Suggestions | None:  # noqa: ANN401 - IPython's shells differ
    """Say what fits at a place.

    Args:
        place: Where the cursor stands.
        shell: The IPython shell.
        magics: The magics, with their traits.

    Returns:
        What fits, which may be nothing; None where IPython should go on by itself.
    """
    return _KINDS[place.kind](Around(place, shell, magics))


def remember_models(profile: str, names: Iterable[str]) -> None:
    """Keep the models that a gateway listed, to complete from: completion itself asks nobody."""
    _LISTED[profile] = tuple(names)


def _option(around: Around) -> Suggestions:
    place = around.place
    free = [option for option in OPTIONS if option.repeat or option.dest not in place.given]
    flags = sorted(flag for option in free for flag in option.flags)
    return _fitting(place.fragment, flags, "magic option")


def _value(around: Around) -> Suggestions | None:
    place = around.place
    assert place.option is not None  # noqa: S101 - a value has its option
    dest, fragment = place.option.dest, place.fragment
    if dest in _PATHS or (dest in _AT_FILES and fragment.startswith("@")):
        return _files(place, "@" if dest in _AT_FILES else "", around)
    if dest in _WITH_COMMAS:
        fragment = fragment.rpartition(",")[2].lstrip()
    names = _VALUES.get(dest)
    return _fitting(fragment, names(around) if names else (), "value")


def _files(place: Place, mark: str, around: Around) -> Suggestions:
    fragment = place.fragment.removeprefix(mark)
    found = list(paths(fragment, quote=place.quote))
    if place.option is not None and place.option.dest == "image":
        found = [name for name in variables(around.shell) if name.startswith(fragment)] + found
    return Suggestions(fragment, found, "path")


def _word(around: Around) -> Suggestions | None:
    place = around.place
    if place.is_cell:
        return _without_word(around)
    if not place.words:
        if not place.fragment and place.given:
            return _without_word(around)
        return _unless_empty(_fitting(place.fragment, SUBCOMMANDS, "subcommand"))
    name, *words = place.words
    if words == [] and name in {"save", "load"}:
        return _files(place, "", around)
    names = _WORDS.get(" ".join(place.words))
    return _unless_empty(_fitting(place.fragment, names(around), "value")) if names else None


def _without_word(around: Around) -> Suggestions | None:
    """Options, where nothing is typed and nothing better fits."""
    return _option(around) if not around.place.fragment and not around.place.words else None


def _expression(around: Around) -> Suggestions | None:
    inside = around.place.fragment
    if table := _TABLE.search(inside.lstrip()):
        return _fitting(table["rows"], rows(around.shell, table["path"]), "rows")
    found = _PATH.search(inside)
    if found is None:
        return None
    if found["path"] is not None:
        return _unless_empty(_fitting(found["name"], attributes(around.shell, found["path"]), "attribute"))
    if inside[: found.start()].rstrip().endswith((".", ")", "]")):
        return None
    return _unless_empty(_fitting(found["name"], variables(around.shell), "variable"))


def _fitting(fragment: str, names: Iterable[str], kind: str) -> Suggestions:
    return Suggestions(fragment, [name for name in names if name.startswith(fragment)], kind)


def _unless_empty(found: Suggestions) -> Suggestions | None:
    return found if found.texts else None


def _models(around: Around) -> list[str]:
    """The models known so far: of the profile, of its last list, and of what was asked in this kernel."""
    profile = around.profile
    named = [getattr(around.magics, "model", "") or ""]
    if profile is not None:
        named += [profile.default_model, *profile.models, *profile.fallback, *_LISTED.get(profile.name, ())]
    ledger = sys.modules.get("gemini_magic.ledger")
    named += [entry.model for entry in ledger.KERNEL.account] if ledger is not None else []
    return list(dict.fromkeys(name for name in named if name))


def _profiles(around: Around) -> list[str]:  # noqa: ARG001 - all have the same form
    try:
        return list(load_config().profiles)
    except GeminiMagicError:
        return list(PROFILES)


def _chats(around: Around) -> list[str]:  # noqa: ARG001
    registry = sys.modules.get("gemini_magic.chat.registry")
    return list(registry.KERNEL.names) if registry is not None else []


def _templates(around: Around) -> list[str]:  # noqa: ARG001
    from gemini_magic.magics.prompts.template_files import names  # noqa: PLC0415 - few complete a template

    return names()


def _variables(around: Around) -> list[str]:
    return variables(around.shell)


def _configs(around: Around) -> list[str]:
    """Variables that ``--config`` takes; all of them where there is none."""
    found = variables(around.shell, lambda value: isinstance(value, Mapping) or hasattr(type(value), "model_dump"))
    return found or variables(around.shell)


def _schemas(around: Around) -> list[str]:
    """Classes of the notebook, and dicts that may be JSON Schema."""
    return variables(around.shell, lambda value: isinstance(value, type | Mapping))


def _frames(around: Around) -> list[str]:
    return frames(around.shell, around.place.fragment)


def _tools(around: Around) -> list[str]:
    """Functions and toolboxes that are not named yet."""
    *named, last = around.place.fragment.split(",")
    return [name for name in tools(around.shell, last.strip()) if name not in named]


def _calling(around: Around) -> list[str]:
    """Ways to say whether the model has to call, and the functions that the line names."""
    *typed, _ = around.place.fragment.split(",")
    named = [path.strip().rpartition(".")[2] for path in around.place.given.get("tools", "").split(",")]
    return [*(() if typed else CALLING), *(name for name in named if name and name not in typed)]


def _system(around: Around) -> list[str]:
    return [f"${name}" for name in variables(around.shell)] if around.place.fragment.startswith("$") else []


def _settings(around: Around) -> list[str]:
    return sorted(around.magics.trait_names(config=True)) if hasattr(around.magics, "trait_names") else []


def _topics(around: Around) -> list[str]:  # noqa: ARG001
    flags = [flag for option in OPTIONS for flag in option.flags]
    return [*sorted({*TOPICS, *SUBCOMMANDS}), *flags]


def _just(*words: str) -> Names:
    return lambda _: words


#: Settings that are on or off.
_SWITCHES = ("autosave", "cache", "check_secrets", "stream")
#: Options whose value is a path.
_PATHS = frozenset({"image", "file", "record", "replay", "store"})
#: Options whose value may be several, with commas between.
_WITH_COMMAS = frozenset({"fallback", "tool_mode", "tools"})
#: Options whose value is a path when it starts with ``@``.
_AT_FILES = frozenset({"system", "schema"})
#: Option → what its value may be.
_VALUES: Mapping[str, Names] = MappingProxyType(
    {
        "model": _models,
        "fallback": _models,
        "profile": _profiles,
        "chat": _chats,
        "use": _templates,
        "format": _just(*FORMATS),
        "context": _just("above", "error"),
        "think": _just(*_LEVELS),
        "out": _variables,
        "df": _variables,
        "schema": _schemas,
        "each": _frames,
        "config": _configs,
        "system": _system,
        "tools": _tools,
        "tool_mode": _calling,
        "approve": _just(*APPROVE),
    }
)
#: The words typed so far → what the next one may be.
_WORDS: Mapping[str, Names] = MappingProxyType(
    {
        **dict.fromkeys(("chat", "history", "repair", "replay", "reset", "fork", "branch"), _chats),
        "help": _topics,
        "last": _just("raw", "request", "curl", "python"),
        "usage": _just("plot"),
        "budget": _just("off"),
        "config": _settings,
        "config profile": _profiles,
        "config model": _models,
        "config format": _just(*FORMATS),
        "config approve": _just(*APPROVE),
        **dict.fromkeys((f"config {name}" for name in _SWITCHES), _just("True", "False")),
        "profile": _just("list", "test", "use", "add"),
        "profile use": _profiles,
        "profile test": _profiles,
        "doctor": _profiles,
        "template": _just("list", "show", "save", "remove"),
        "template show": _templates,
        "template save": _templates,
        "template remove": _templates,
    }
)
_KINDS: Mapping[str, Callable[[Around], Suggestions | None]] = MappingProxyType(
    {"option": _option, "value": _value, "word": _word, "expression": _expression}
)
