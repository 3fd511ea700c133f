"""Addresses of files that the server fetches itself; we never fetch one.

What is sent on is a place in Google's storage, an upload to the Files API, a video on YouTube, or a public ``https``
address. Whatever leads into somebody's own network is refused, in whichever spelling: the server would fetch it.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from urllib.parse import SplitResult, urlsplit

from gemini_magic.exceptions import FileRejected
from gemini_magic.parts.files.names import shown_name

#: The kind of a video on YouTube; the server finds out for itself, but some gateways want to be told.
YOUTUBE_TYPE = "video/mp4"

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
_UPLOAD = re.compile(r"files/[a-z0-9][a-z0-9-]{2,62}")
_UPLOAD_ADDRESS = re.compile(r"/v[0-9][a-z0-9]*/files/[a-z0-9-]+")
_YOUTUBE = frozenset({"youtube.com", "www.youtube.com", "m.youtube.com", "music.youtube.com", "youtu.be"})
_PRIVATE_NAMES = ("localhost", "internal", "local", "lan", "home.arpa", "metadata")
_WAYS_OUT = {
    "data": "Decode it, such as with base64.b64decode, and put the bytes into a variable: {{picture}}.",
    "file": "Give the path alone, without file:.",
    "ftp": "Download it, and give the path of the file.",
    "http": "Give an https address, or download it and give the path of the file.",
}


def is_uri(text: str) -> bool:
    """Whether a text is an address and no path; ``C:`` is a drive."""
    return bool(_SCHEME.match(text))


def is_upload(text: str) -> bool:
    """Whether a text may be the name of an upload to the Files API, such as ``files/abc-123``."""
    return bool(_UPLOAD.fullmatch(text))


def check_uri(uri: str, what: str) -> None:
    """Check that an address can be sent on.

    Args:
        uri: The address.
        what: What the user calls it, for messages.

    Raises:
        FileRejected: It is of a kind that is not sent on, or leads into a private network.
    """
    if not uri.isprintable() or any(map(str.isspace, uri)) or "\\" in uri:
        raise FileRejected(f"{what} is no address: it holds a space or another character that addresses do not have.")
    try:
        parts = urlsplit(uri)
        host = parts.hostname or ""
    except ValueError:
        raise FileRejected(f"{what} is no address that can be understood.", hint="Check its host.") from None
    scheme = parts.scheme.lower()
    if scheme == "gs":
        if not host or len(parts.path) <= 1:
            raise FileRejected(f"{what} names no file in a bucket.", hint="Write it like gs://bucket/folder/file.pdf.")
        return
    if scheme != "https":
        hint = _WAYS_OUT.get(scheme, "Addresses with https: and gs: are sent on; everything else is given as a path.")
        raise FileRejected(f"{what} is an address with {scheme}:, which is not sent on.", hint=hint)
    _check_host(parts, host, what)


def _check_host(parts: SplitResult, host: str, what: str) -> None:
    if parts.username or parts.password:
        raise FileRejected(f"{what} has a user name or password in it, which is not sent on.", hint="Leave it out.")
    name = host.rstrip(".").lower()
    if not name:
        raise FileRejected(f"{what} has no host.", hint="Write it like https://host/file.pdf.")
    address = _address(name)
    is_private = not address.is_global if address else _is_private_name(name)
    if is_private:
        raise FileRejected(
            f"{what} leads into a private network ({shown_name(host)}), which a server must not be sent to.",
            hint="Download it yourself, and give the path of the file.",
        )


def _is_private_name(name: str) -> bool:
    return "." not in name or any(name.endswith(f".{ending}") for ending in _PRIVATE_NAMES)


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address that a host is, however it is spelled; nothing is looked up."""
    try:
        found = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        pass
    else:
        inner = getattr(found, "ipv4_mapped", None) or getattr(found, "sixtofour", None)
        return inner or found
    try:
        return ipaddress.IPv4Address(socket.inet_aton(name))  # reads decimal, octal and hexadecimal spellings, too
    except OSError:
        return None


def is_youtube(uri: str) -> bool:
    """Whether an address is that of a video on YouTube."""
    parts = urlsplit(uri)
    if parts.scheme.lower() != "https" or (parts.hostname or "").lower() not in _YOUTUBE:
        return False
    path = parts.path
    if (parts.hostname or "").lower() == "youtu.be":
        return len(path) > 1
    return (path == "/watch" and "v=" in parts.query) or path.startswith(("/shorts/", "/live/", "/embed/"))


def is_upload_address(uri: str) -> bool:
    """Whether an address is that of an upload to the Files API; its kind is known where it lies."""
    return bool(_UPLOAD_ADDRESS.fullmatch(urlsplit(uri).path))
