"""From a base URL and a model name to the address of a call; nothing here does I/O."""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import SplitResult, quote, urlsplit

from gemini_magic.exceptions import ConfigError

MAX_URL = 2048
MAX_MODEL = 256
_VERSIONS = re.compile(r"(/v\d+((alpha|beta)\d*)?)+$")
_OWN_VERSION = re.compile(r"/v\d+(alpha|beta)\d*$")
_MODELS_TAIL = re.compile(r"/models(/[^/]*)?$")
_MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@+-]*(/[A-Za-z0-9][A-Za-z0-9._:@+-]*)*")
_METHOD = re.compile(r"[A-Za-z]+")
STREAM_METHOD = "streamGenerateContent"


def check_base_url(url: str) -> str:
    """Check a base URL and bring it into the form that the rest relies on.

    Args:
        url: Root of a server, or the same with ``/v1``, ``/v1beta``, ``/v1/v1beta`` or ``/models`` behind it.

    Returns:
        The URL without a slash, and without ``/models``, at its end.

    Raises:
        ConfigError: It is no http or https URL, or carries what an address must not carry.
    """
    text = url.strip(" ")
    _check_characters(text)
    try:
        parts = urlsplit(text)
        _check_parts(parts)
    except ValueError as error:
        raise ConfigError(f"The base_url cannot be read: {error}.") from None
    return origin(text) + _MODELS_TAIL.sub("", parts.path.rstrip("/")).rstrip("/")


def _check_characters(text: str) -> None:
    if not text:
        raise ConfigError("The base_url is empty.", hint="Give one such as https://generativelanguage.googleapis.com")
    if len(text) > MAX_URL:
        raise ConfigError(f"The base_url is longer than {MAX_URL:,} characters.")
    for position, character in enumerate(text, 1):
        if not "!" <= character <= "~" or character in '\\"<>^`{|}':
            raise ConfigError(
                f"The base_url has a character that is not allowed at place {position}.",
                hint="Write it in plain ASCII; a host with other letters is written as xn--….",
            )


def _check_parts(parts: SplitResult) -> None:
    if parts.scheme not in {"http", "https"}:
        raise ConfigError("The base_url does not start with https:// (or http:// for this machine).")
    if not parts.hostname or parts.port == 0:
        raise ConfigError("The base_url names no host, or port 0.")
    if "@" in parts.netloc:
        raise ConfigError("The base_url holds a user name or password.", hint="Give the key by its variable instead.")
    if parts.query or parts.fragment:
        raise ConfigError(
            "The base_url has something behind a ? or #.", hint="Leave it out; a key is never part of a URL."
        )
    if ".." in parts.path.split("/") or ":" in parts.path:
        raise ConfigError("The path of the base_url has a '..' or ':' in it.", hint="End it before /models/….")


def origin(url: str) -> str:
    """Scheme, host and port of a URL, with the default port left out."""
    parts = urlsplit(url)
    default = {"http": 80, "https": 443}.get(parts.scheme)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    port = f":{parts.port}" if parts.port not in {None, default} else ""
    return f"{parts.scheme}://{host}{port}"


def is_loopback(url: str) -> bool:
    """Whether a URL points to this machine."""
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def root_of(base_url: str) -> str:
    """A base URL without the API versions at its end."""
    return _VERSIONS.sub("", base_url)


def api_root(base_url: str, api_path: str = "/v1beta") -> str:
    """A base URL with the API version at its end, once."""
    if base_url.endswith(api_path) or _OWN_VERSION.search(base_url):
        return base_url
    return base_url + api_path


def check_model(name: str) -> str:
    """Check a model name.

    Args:
        name: ``gemini-2.5-flash``, ``models/…``, ``tunedModels/…`` or a gateway's own name.

    Returns:
        The name without ``models/`` in front.

    Raises:
        ConfigError: It has characters that model names do not have.
    """
    if not name:
        raise ConfigError("The model name is empty.", hint="`%gemini models` lists the names.")
    if len(name) > MAX_MODEL or not _MODEL.fullmatch(name) or ".." in name:
        raise ConfigError(
            f"{name[:80]!r} is not a model name.",
            hint="Allowed are letters, digits, . _ - : @ + and single slashes; `%gemini models` lists names.",
        )
    return name.removeprefix("models/")


def method_url(root: str, model: str, method: str, query: str = "") -> str:
    """The address of a method of a model.

    Args:
        root: What ``api_root`` gave.
        model: A model's name; it becomes exactly one segment of the path.
        method: Such as ``generateContent``.
        query: What comes behind the question mark, if anything.

    Returns:
        The URL.

    Raises:
        ConfigError: The model's or method's name is not one.
    """
    name = check_model(model)
    if not _METHOD.fullmatch(method):
        raise ConfigError(f"{method[:80]!r} is not a method of a model.")
    collection, slash, rest = name.partition("/")
    if slash and collection == "tunedModels":
        folder, name = collection, rest
    else:
        folder = "models"
    url = f"{root}/{folder}/{quote(name, safe='')}:{method}"
    return f"{url}?{query}" if query else url
