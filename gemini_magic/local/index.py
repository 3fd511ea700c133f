"""The package index that pip would use, read directly."""

from __future__ import annotations

import configparser
import html
import json
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urldefrag, urljoin, urlsplit

import platformdirs

from gemini_magic.exceptions import ProtocolError

if TYPE_CHECKING:
    from gemini_magic.local.catalogue import Wheel
    from gemini_magic.local.download import Downloader

_PUBLIC = "https://pypi.org/simple"
_ACCEPT = "application/vnd.pypi.simple.v1+json, text/html;q=0.1"
_LINK = re.compile(r"<a\s[^>]*?href\s*=\s*[\"']([^\"']+)[\"']", re.IGNORECASE)
#: A project's page is some kilobytes; this much is no such page.
_PAGE_LIMIT = 32 * 1024 * 1024


@dataclass(frozen=True)
class PipSettings:
    """What pip is set to.

    Attributes:
        index: Address of the package index; it may hold a name and a password.
        certificates: File of certificates to trust; None for the usual ones.
    """

    index: str
    certificates: str | None


def pip_settings() -> PipSettings:
    """Read what pip would: its environment variables first, then its files, then the public index."""
    files = configparser.RawConfigParser(strict=False)
    for path in _pip_files():
        try:
            files.read(path, encoding="utf-8")
        except (OSError, UnicodeError, configparser.Error):
            continue  # pip will complain about it where it matters
    index = os.environ.get("PIP_INDEX_URL") or files.get("global", "index-url", fallback="") or _PUBLIC
    certificates = os.environ.get("PIP_CERT") or files.get("global", "cert", fallback=None)
    return PipSettings(index.strip(), certificates if certificates and Path(certificates).is_file() else None)


def _pip_files() -> list[Path]:
    """Where pip keeps its settings, the strongest last."""
    name = "pip.ini" if os.name == "nt" else "pip.conf"
    named = os.environ.get("PIP_CONFIG_FILE")
    if named == os.devnull:
        return []
    places = [
        *(Path(folder) / name for folder in platformdirs.site_config_dir("pip", multipath=True).split(os.pathsep)),
        Path("/etc") / name,
        Path.home() / ("pip" if os.name == "nt" else ".pip") / name,
        platformdirs.user_config_path("pip", appauthor=False, roaming=True) / name,
        Path(sys.prefix) / name,
    ]
    return [*places, Path(named)] if named else places


def find(wheel: Wheel, index: str, downloader: Downloader) -> str:
    """The address of a wheel on an index, recognised by its hash, or else by its file name.

    Raises:
        TransportError: The index did not answer, or does not have it.
    """
    page = f"{index.rstrip('/')}/{wheel.project}/"
    with downloader.open(page, {"Accept": _ACCEPT}) as answer:
        body = answer.read(_PAGE_LIMIT)
        kind = answer.headers.get_content_type()
        page = _with_login(answer.url, index)
    files = _json_files(body) if kind.endswith("json") else _html_files(body)
    start = f"{wheel.project.replace('-', '_')}-{wheel.version}-"
    for address, sha256 in files:
        name = urlsplit(address).path.rpartition("/")[2]
        if sha256 == wheel.sha256 or (sha256 is None and name.startswith(start) and name.endswith(".whl")):
            return _with_login(urljoin(page, address), index)
    raise ProtocolError(f"{urlsplit(index).hostname} does not have {wheel.project} {wheel.version}")


def _json_files(body: bytes) -> list[tuple[str, str | None]]:
    try:
        return [(file["url"], file.get("hashes", {}).get("sha256")) for file in json.loads(body)["files"]]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ProtocolError(f"The package index sent JSON that is no list of files: {error!r}") from None


def _html_files(body: bytes) -> list[tuple[str, str | None]]:
    links = [urldefrag(html.unescape(link)) for link in _LINK.findall(body.decode(errors="replace"))]
    return [(url, mark.removeprefix("sha256=") if mark.startswith("sha256=") else None) for url, mark in links]


def _with_login(url: str, index: str) -> str:
    """The address with the index's name and password when it is on the same host."""
    ours, theirs = urlsplit(index), urlsplit(url)
    if "@" not in ours.netloc or (ours.hostname, ours.port) != (theirs.hostname, theirs.port) or theirs.username:
        return url
    return theirs._replace(netloc=ours.netloc).geturl()
