"""Help, versions, gateways and settings."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from traitlets import TraitError

from gemini_magic.display.cards import Table, models_table, without_empty
from gemini_magic.exceptions import UsageError
from gemini_magic.magics.arguments import OPTIONS
from gemini_magic.magics.completion.suggestions import remember_models
from gemini_magic.magics.help import help_on
from gemini_magic.magics.subcommands.profiles import profile_command
from gemini_magic.settings import choose_profile, config_path, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gemini_magic.magics.command import Command
    from gemini_magic.magics.subcommands.base import Run, Session


def _help(session: Session, command: Command) -> object:  # noqa: ARG001 - all have the same form
    return help_on(command.args[0] if command.args else "")


def _models(session: Session, command: Command) -> object:
    client, _ = session.client(command.options)
    rows = [
        {
            "model": (model.name or "").removeprefix("models/"),
            "name": model.display_name,
            "prompt tokens": model.input_token_limit,
            "answer tokens": model.output_token_limit,
        }
        for model in client.models()
    ]
    remember_models(client.profile.name, [str(row["model"]) for row in rows])
    return models_table([without_empty(rows, row) for row in rows], client.profile.name)


def _version(session: Session, command: Command) -> object:  # noqa: ARG001
    print(f"gemini_magic {version('gemini-magic')}")  # noqa: T201
    return None


def _config(session: Session, command: Command) -> object:
    magics = session.magics
    settings: dict[str, Any] = dict(sorted(magics.traits(config=True).items()))
    if not command.args:
        return _settings_table(magics, settings)
    key, *words = command.args
    if key not in settings:
        hint = did_you_mean(key, settings) or f"There are: {', '.join(settings)}."
        raise UsageError(f"There is no setting {key[:40]!r}.", hint=f"{hint} A prompt that starts so goes behind --.")
    if words:
        _set(magics, key, settings[key], " ".join(words))
        print(f"{key} = {getattr(magics, key)!r} in this notebook. {_how_to_keep(key, getattr(magics, key))}")  # noqa: T201
    else:
        print(f"{key} = {getattr(magics, key)!r}    {settings[key].help}")  # noqa: T201
    return None


def _settings_table(magics: Any, settings: Mapping[str, Any]) -> Table:  # noqa: ANN401 - objects with traits
    rows = []
    for key, trait in settings.items():
        value, default = getattr(magics, key), magics.trait_defaults(key)
        differs = "" if value == default else "changed"
        rows.append(
            {"setting": key, "value": _short(value), "default": _short(default), "": differs, "what": trait.help}
        )
    return Table(rows, "Settings of this notebook; %gemini config SETTING VALUE sets one")


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"


def _set(magics: Any, key: str, trait: Any, text: str) -> None:  # noqa: ANN401 - traitlets' own
    default = magics.trait_defaults(key)
    try:
        is_default = text == "default" or text == str(default)
        setattr(magics, key, default if is_default else _from_text(trait, key, text))
    except (TraitError, ValueError, SyntaxError):
        wanted = _KINDS.get(type(trait).__name__, "a value of another kind")
        raise UsageError(f"{key} takes {wanted}; {text[:40]!r} is not that.", hint=trait.help) from None


def _from_text(trait: Any, key: str, text: str) -> object:  # noqa: ANN401 - traitlets' own
    """A value by the rules of the option of the same name, where there is one."""
    option = next((option for option in OPTIONS if option.dest == key and option.read is not None), None)
    if key == "profile":
        return choose_profile(text)[0].name
    if option is None or option.read is None:
        return trait.from_string(text)
    value = option.read(text, key)
    return list(value) if isinstance(value, tuple) else value


def _how_to_keep(key: str, value: object) -> str:
    if key in {"profile", "model"} and value:
        return f'To keep it, write {key} = "{value}" into {config_path()}.'
    return (
        f"To keep it, write c.GeminiMagics.{key} = {value!r} into ipython_config.py (made by `ipython profile create`)."
    )


_LONGEST_VALUE = 60
_KINDS = {"Unicode": "text", "Bool": "true or false", "Float": "a number", "Int": "a whole number"}
RUN: dict[str, Run] = {
    "config": _config,
    "help": _help,
    "models": _models,
    "profile": profile_command,
    "version": _version,
}
