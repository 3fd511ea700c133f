"""Files that are never sent, even when they are named: they hold keys, passwords or other people's way in."""

from __future__ import annotations

import os
import re
from fnmatch import fnmatchcase
from pathlib import Path

_KEYS = "a file of keys"
_SETTINGS = "a file of passwords and tokens"
_JUPYTER = "a file with the keys of a running Jupyter"

#: Names, in lower case, and what such a file is.
_NAMES: tuple[tuple[str, str], ...] = (
    *((name, _KEYS) for name in ("id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*", "*.pem", "*.key", "*.p12", "*.pfx")),
    *((name, _KEYS) for name in ("*.ppk", "*.jks", "*.keystore", "*.kdbx", "application_default_credentials.json")),
    *((name, _SETTINGS) for name in (".env*", ".netrc", "_netrc", ".pgpass", ".pypirc")),
    *((name, _SETTINGS) for name in (".git-credentials", ".npmrc", ".htpasswd", ".my.cnf", ".boto")),
    *((name, _JUPYTER) for name in ("*-connection.json", "jpserver-*.json", "nbserver-*.json")),
    *((name, _JUPYTER) for name in ("*cookie_secret", "jupyter_server_config.json", "jupyter_notebook_config.json")),
)
#: Folders, in lower case, with everything below them.
_FOLDERS: tuple[tuple[tuple[str, ...], str], ...] = (
    *(((name,), _KEYS) for name in (".ssh", ".gnupg", ".password-store", "keyrings")),
    *(((name,), _SETTINGS) for name in (".aws", ".azure", ".kube", ".docker")),
    ((".config", "gcloud"), _SETTINGS),
    ((".config", "gh"), _SETTINGS),
)
_KERNEL = re.compile(r"kernel-[0-9a-f-]+\.json")
_OWN_VARIABLE = "GEMINI_MAGIC_CONFIG"


def why_secret(path: Path) -> str:
    """Say what a file is that must not be sent; an empty string for every other file.

    Args:
        path: An absolute path; both what was typed and what it leads to are to be asked about.
    """
    steps = tuple(step.lower() for step in path.parts)
    if not steps:
        return ""
    for folder, what in _FOLDERS:
        if any(steps[start : start + len(folder)] == folder for start in range(len(steps) - len(folder))):
            return what
    for name, what in _NAMES:
        if fnmatchcase(steps[-1], name):
            return what
    if fnmatchcase(steps[-1], "kernel-*.json") and (_KERNEL.fullmatch(steps[-1]) or "runtime" in steps[:-1]):
        return _JUPYTER
    return _own(path, steps)


def _own(path: Path, steps: tuple[str, ...]) -> str:
    named = os.environ.get(_OWN_VARIABLE, "")
    is_named = bool(named) and Path(named).expanduser().resolve() == path.resolve()
    return "gemini_magic's own config file" if is_named or steps[-2:] == ("gemini_magic", "config.toml") else ""
