"""Which links a model may set, and what the reader sees of them."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

_WEB = re.compile(r"https?://([a-z0-9._-]+|\[[0-9a-f:.]+\])(:\d{1,5})?(?:[/?#][^\s\\\x00-\x1f\x7f]*)?", re.IGNORECASE)
_MAIL = re.compile(r"mailto:([^\s\\?,;:@<>\"']+@[a-z0-9.-]+)(?:\?.*)?", re.IGNORECASE | re.DOTALL)
_SCHEME = re.compile(r"\s*([a-z][a-z0-9+.-]{0,20}):", re.IGNORECASE)
_LONGEST = 4_000


def safe_target(target: str) -> str | None:
    """The address a link may lead to, or None when it may lead nowhere.

    Only whole ``http``, ``https`` and ``mailto`` addresses pass: no relative ones, no user names before
    the host, no backslashes, and host names in ASCII (the Markdown parser spells international ones so).
    Of a mail address the recipient alone is left.
    """
    if len(target) > _LONGEST:
        return None
    if mail := _MAIL.fullmatch(target):
        return f"mailto:{mail[1]}"
    return target if _WEB.fullmatch(target) else None


def place(target: str) -> str:
    """Where an address leads, in a few characters: its host, its mail address, or its scheme."""
    if mail := _MAIL.fullmatch(target):
        return unquote(mail[1])
    try:
        host = urlsplit(target.replace("\\", "/")).netloc
    except ValueError:
        host = ""
    if host:
        return host
    scheme = _SCHEME.match(target)
    return f"{scheme[1].lower()}:" if scheme else "this notebook's server"


def names_place(label: str, target: str) -> bool:
    """Whether a link's text already begins with the place it leads to."""
    seen = label.strip().lower().removeprefix("https://").removeprefix("http://").removeprefix("mailto:")
    where = place(target).lower()
    rest = seen[len(where) :]
    return seen.startswith(where) and rest[:1] in ("", "/", "?", "#")
