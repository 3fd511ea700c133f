"""``gemini-magic doctor``: what is installed, who would answer, and whether the embedded model starts."""

from __future__ import annotations

import os
import platform
import time
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from gemini_magic.cli.models import need_runtime
from gemini_magic.cli.terminal import Terminal
from gemini_magic.client.probe import Finding, kept, probe
from gemini_magic.connect import connect, disconnect
from gemini_magic.display.visible import visible
from gemini_magic.exceptions import ConfigError, GeminiMagicError
from gemini_magic.local.catalogue import CATALOGUE, DEFAULT
from gemini_magic.settings import LOCAL, Profile, choose_profile, load_config, resolve_key
from gemini_magic.settings.choose import PROFILE_VARIABLE

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

_PACKAGES = ("ipython", "ipykernel", "ipywidgets", "httpx", "pydantic", "xllamacpp", "pandas", "polars", "pillow")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the command."""
    parser.add_argument(
        "--ask",
        action="store_true",
        help="send a few small requests to the profile that would answer, and remember what it can do",
    )


def run(options: argparse.Namespace) -> int:
    """Print one line per finding; the exit status says whether all is well."""
    checks: dict[str, Callable[[], str]] = {
        "versions": _versions,
        "profile": _profile,
        "key": _key,
        "embedded": _embedded,
    }
    terminal = Terminal()
    try:
        fine = [_check(terminal, name, check) for name, check in checks.items()]
        if options.ask:
            fine += [_tell(terminal, *finding) for finding in _asked()]
    finally:
        disconnect()
    return 0 if all(fine) else 1


def _check(terminal: Terminal, name: str, check: Callable[[], str]) -> bool:
    try:
        words, fine = check(), True
    except GeminiMagicError as error:
        words, fine = str(error), False
    return _tell(terminal, name, words, fine)


def _tell(terminal: Terminal, name: str, words: str, fine: bool) -> bool:
    head = terminal.styled(f"{name:<10}", "bold")
    terminal.line(f"{head}{visible(words) if fine else terminal.styled(f'problem: {visible(words)}', 'red')}")
    return fine


def _versions() -> str:
    ours = _version("gemini-magic") or "(not installed)"
    found = [f"{name} {number}" for name in _PACKAGES if (number := _version(name))]
    missing = [name for name in _PACKAGES if not _version(name)]
    words = f"gemini-magic {ours}, Python {platform.python_version()}, {', '.join(found)}"
    return f"{words}; not installed: {', '.join(missing)}" if missing else words


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _profile() -> str:
    profile, _ = choose_profile()
    address = "on this machine" if profile.name == LOCAL else profile.base_url
    return f"{profile.name} ({profile.default_model}, {address}), because {_reason(profile)}"


def _reason(profile: Profile) -> str:
    config = load_config()
    if os.environ.get(PROFILE_VARIABLE, "").strip():
        return f"{PROFILE_VARIABLE} says so"
    if config.profile:
        return f"{config.path} says so"
    return "no key is set" if profile.name == LOCAL else "its key is set"


def _key() -> str:
    key, source = resolve_key(choose_profile()[0])
    return source if key is None else f"from {source}, sent to {key.origin} only"


def _embedded() -> str:
    """Have the default model answer with one token: that needs every part of it."""
    need_runtime()
    if not CATALOGUE[DEFAULT].present:
        raise ConfigError(f"{DEFAULT} is not on this machine.", hint="Run `gemini-magic local pull`.")
    begun = time.monotonic()
    connect(LOCAL, model=DEFAULT).generate("Hello", config={"maxOutputTokens": 1})
    return f"{DEFAULT} is here and answers {time.monotonic() - begun:.1f} s after a cold start"


def _asked() -> Iterator[Finding]:
    """Everything that can be found out by asking; it is kept for the notebooks to come."""
    try:
        client = connect(choose_profile()[0].name)
        probed = probe(client)
        yield from probed.findings
        yield from kept(client, probed)
    except GeminiMagicError as error:
        yield Finding("answer", str(error), fine=False)
