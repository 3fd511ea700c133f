"""``%gemini profile``: the gateways there are, and which one is asked."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from gemini_magic.display.usage import Report
from gemini_magic.exceptions import ConfigError, UsageError
from gemini_magic.magics.line import refuse_key
from gemini_magic.settings import (
    LOCAL,
    choose_profile,
    choose_with_reason,
    config_path,
    did_you_mean,
    key_place,
    known_keys,
    load_config,
)
from gemini_magic.settings.choose import PROFILE_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gemini_magic.magics.command import Command
    from gemini_magic.magics.subcommands.base import Session
    from gemini_magic.settings import Profile

_TEST_PROMPT = "Answer with the word OK."
_KEY_HINT = "Treat it as known and make a new one; name its environment variable with key_variable=…."
_TEST_CONFIG = {"maxOutputTokens": 32}


def profile_command(session: Session, command: Command) -> object:
    """Carry out ``%gemini profile``."""
    what, *args = command.args
    match what:
        case "list":
            return _list(session, command)
        case "test":
            _test(session, command, args[0] if args else "")
        case "use":
            _use(session, args[0])
        case _:
            _add(args[0], args[1], args[2:])
    return None


def _list(session: Session, command: Command) -> Report:
    config = load_config()
    asked = command.options.get("profile")
    chosen, reason = choose_with_reason(asked or session.magics.profile or None, config=config)
    if session.magics.profile and not asked:
        reason = "`%gemini profile use`, `%config` or IPython's configuration names it"
    rows = [
        {
            "in force": "yes" if name == chosen.name else "",
            "profile": name,
            "host": _host(profile),
            "model": choose_profile(name, config=config)[0].default_model,
            "key": _key(profile),
            "from": str(config.path) if name in config.own else "built in",
        }
        for name, profile in config.profiles.items()
    ]
    return Report(rows, "Profiles", notes=[f"{chosen.name} is in force, because {reason}."])


def _host(profile: Profile) -> str:
    return "this machine" if profile.name == LOCAL else urlsplit(profile.base_url).netloc


def _key(profile: Profile) -> str:
    """Whether there is a key, and where; never the key."""
    if profile.auth == "none" or profile.name == LOCAL:
        return "none needed"
    place = key_place(profile)
    if place:
        return f"set ({place})"
    return f"not set ({' or '.join(profile.key_variables) or 'no variable is named for it'})"


def _test(session: Session, command: Command, name: str) -> None:
    options = {**command.options, **({"profile": name} if name else {})}
    client, _ = session.client(options)
    model = command.options.get("model")
    reply = client.generate(_TEST_PROMPT, model=model, config=_TEST_CONFIG)
    usage = reply.usage.total_token_count if reply.usage is not None else None
    tokens = "it does not say how many tokens" if usage is None else f"{usage:,} tokens"
    outcome = "" if reply.status == "ok" else f" (the answer was {reply.status})"
    print(f"{client.profile.name}: {reply.model} answered in {reply.seconds:.2f} s, {tokens}{outcome}.")  # noqa: T201


def _use(session: Session, name: str) -> None:
    profile, _ = choose_profile(name)
    session.magics.profile = name
    model = session.magics.model or profile.default_model
    words = [f"This notebook asks {name} now ({_host(profile)}, {model})."]
    if session.magics.model:
        words.append(f"The model is this notebook's setting; `%gemini config model default` takes {name}'s own.")
    if profile.auth != "none" and name != LOCAL and not key_place(profile):
        words.append(f"Its key is {_key(profile)}; `%gemini help keys` says where keys are read from.")
    words.append(f'To keep it, write profile = "{name}" into {config_path()}, or set {PROFILE_VARIABLE}.')
    print(" ".join(words))  # noqa: T201


def _add(name: str, url: str, words: Sequence[str]) -> None:
    if any(key.is_in(word) for key in known_keys() for word in (name, url, *words)):
        raise UsageError("One of your keys stands in this line, which ends up in the history.", hint=_KEY_HINT)
    from gemini_magic.settings.edit import add_profile  # noqa: PLC0415 - its TOML library is needed for this alone

    fields = _fields(words)
    replace = _is_yes(fields.pop("replace", "no"))
    path = config_path()
    try:
        add_profile(path, name, {"base_url": url, **fields}, replace=replace)
    except ConfigError as error:
        raise UsageError(error.message, hint=error.hint) from None
    profile = load_config().profiles[name]
    print(f"{name} stands in {path} now. `%gemini profile test {name}` tries it, `%gemini profile use {name}` asks it.")  # noqa: T201
    if profile.auth != "none" and not profile.key_variables:
        hint = (
            "Its key goes into an environment variable; name that with key_variable=… behind the line and replace=yes."
        )
        print(hint)  # noqa: T201
    elif profile.auth != "none" and not key_place(profile, os.environ):
        print(f"Its key is read from {profile.key_variables[0]}, which is not set.")  # noqa: T201


def _fields(words: Sequence[str]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for word in words:
        name, _, value = word.partition("=")
        refuse_key(name)
        if name in fields or name == "base_url":
            raise UsageError(f"{name} is given twice.", hint="Give it once.")
        fields[name] = value
    return fields


def _is_yes(text: str) -> bool:
    if text not in {"yes", "no"}:
        raise UsageError("replace takes yes or no.", hint=did_you_mean(text, ("yes", "no")))
    return text == "yes"
