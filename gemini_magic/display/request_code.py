"""A request as a curl command and as a Python script: both run as they stand, and hold no key.

The key is read from an environment variable. A large body is not written out; both read it from a file then.
"""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: Characters of a body that are written out; a larger one is read from a file.
LARGEST_BODY = 20_000
BODY_FILE = "request.json"
_KEY_VARIABLE = "GEMINI_API_KEY"
_SECRET = re.compile(r"authorization|cookie|token|secret|key", re.IGNORECASE)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LEFT_OUT = frozenset({"accept-encoding", "content-length", "host", "user-agent"})
_SAVE = f"""\
# The body is large, so it comes from a file. In the notebook:
#     card = %gemini last request
#     card.save("{BODY_FILE}")
"""
_SHOW_PARTS = """\
def show(chunk):
    for candidate in chunk.get("candidates", []):
        for part in candidate.get("content", {}).get("parts", []):
            print(part.get("text", part), end="")
"""
_UNARY = """\
response = httpx.post(url, headers=headers, json=body, timeout=600)
if response.is_error:
    raise SystemExit(response.text)
show(response.json())
"""
_EVENTS = """\
with httpx.stream("POST", url, headers=headers, json=body, timeout=600) as response:
    if response.is_error:
        raise SystemExit(response.read().decode())
    for line in response.iter_lines():
        if line.startswith("data:") and line != "data: [DONE]":
            show(json.loads(line.removeprefix("data:")))
"""
_EITHER = """\
response = httpx.post(url, headers=headers, json=body, timeout=600)
if response.is_error:
    raise SystemExit(response.text)
if response.text.lstrip().startswith("["):
    chunks = response.json()
else:
    lines = (line.removeprefix("data:").strip() for line in response.text.splitlines())
    chunks = [json.loads(line) for line in lines if line.startswith("{")]
for chunk in chunks:
    show(chunk)
"""
_GET = """\
print(httpx.get(url, headers=headers, timeout=60).text)
"""


def is_secret(header: str) -> bool:
    """Whether a header of this name may carry a key."""
    return _SECRET.search(header) is not None


@dataclass(frozen=True)
class Call:
    """A request that is to be written as code.

    Attributes:
        method: ``GET`` or ``POST``.
        url: The whole URL.
        headers: Its headers; what those that carry keys say is never read.
        body: What is sent, parsed; None when nothing is.
        variable: The environment variable that holds the key.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: Any = None
    variable: str = ""

    def curl(self) -> str:
        """The call as a command for a POSIX shell."""
        body = [] if self.body is None else [f"  --data @{BODY_FILE}"]
        options = [f"  -H {_shell_header(header)}" for header in self._headers()]
        unbuffered = " -N" if ":stream" in self.url else ""
        command = " \\\n".join([f"curl{unbuffered} {shlex.quote(self.url)}", *options, *body])
        return f"{self._shell_body()}{command}\n"

    def _shell_body(self) -> str:
        if self.body is None:
            return ""
        return _SAVE if self._is_large else f"cat > {BODY_FILE} <<'JSON'\n{json_text(self.body)}\nJSON\n"

    @cached_property
    def _is_large(self) -> bool:
        return any(size > LARGEST_BODY for size in accumulate(_sizes(self.body)))

    def python(self) -> str:
        """The call as a Python script; it needs httpx and nothing else."""
        headers = [f"    {_literal(name)}: {value},\n" for name, value in map(_python_header, self._headers())]
        pieces = [
            self._imports(),
            f"url = {_literal(self.url)}\nheaders = {{\n{''.join(headers)}}}\n",
            self._python_body(),
        ]
        return "".join(pieces) + (f"\n\n{_SHOW_PARTS}\n\n{self._sending()}" if self.body is not None else f"\n{_GET}")

    def _imports(self) -> str:
        names = ["json"] if self._is_large or (":stream" in self.url and self.body is not None) else []
        names += ["os"] if any(variable for _, _, variable in self._headers()) else []
        standard = "".join(f"import {name}\n" for name in names) + (
            "from pathlib import Path\n" if self._is_large else ""
        )
        return f"{standard}\nimport httpx\n\n" if standard else "import httpx\n\n"

    def _python_body(self) -> str:
        if self.body is None:
            return ""
        if self._is_large:
            return f'{_SAVE}body = json.loads(Path("{BODY_FILE}").read_text("utf-8"))\n'
        return f"body = {_literal(self.body)}\n"

    def _sending(self) -> str:
        if ":stream" not in self.url:
            return _UNARY
        return _EVENTS if "alt=sse" in self.url else _EITHER

    def _headers(self) -> Iterator[tuple[str, str, str]]:
        """Name, text, and the environment variable whose value comes behind the text, if any."""
        for name, value in self.headers.items():
            lower = name.lower()
            if lower in _LEFT_OUT:
                continue
            if lower == "authorization":
                yield name, "Bearer ", self._key_variable()
            elif lower == "x-goog-api-key":
                yield name, "", self._key_variable()
            elif is_secret(name):
                yield name, "", re.sub(r"\W", "_", name).upper()
            else:
                yield name, value, ""

    def _key_variable(self) -> str:
        return self.variable if _VARIABLE.fullmatch(self.variable) else _KEY_VARIABLE


def _sizes(value: Any) -> Iterator[int]:  # noqa: ANN401 - any JSON
    """Characters of everything in a value, about."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield len(name)
            yield from _sizes(item)
    elif isinstance(value, list):
        for item in value:
            yield from _sizes(item)
    else:
        yield len(value) if isinstance(value, str) else 1


def json_text(value: Any) -> str:  # noqa: ANN401 - any JSON
    """JSON to be read by people; characters that cannot be seen are written as escapes."""
    text = json.dumps(value, ensure_ascii=False, indent=2, default=str)
    return text if text.replace("\n", "").isprintable() else "".join(map(_shown, text))


def _shown(character: str) -> str:
    return character if character.isprintable() or character == "\n" else json.dumps(character)[1:-1]


def _shell_header(header: tuple[str, str, str]) -> str:
    name, text, variable = header
    return f'"{name}: {text}${variable}"' if variable else shlex.quote(f"{name}: {text}")


def _python_header(header: tuple[str, str, str]) -> tuple[str, str]:
    name, text, variable = header
    if not variable:
        return name, _literal(text)
    value = f'os.environ["{variable}"]'
    return name, f'"{text}" + {value}' if text else value


def _literal(value: Any, indent: str = "") -> str:  # noqa: ANN401 - any JSON
    """A JSON value as Python writes it."""
    inner = indent + "    "
    if isinstance(value, dict) and value:
        rows = (f"{inner}{_literal(str(key))}: {_literal(item, inner)},\n" for key, item in value.items())
        return f"{{\n{''.join(rows)}{indent}}}"
    if isinstance(value, list) and value:
        return f"[\n{''.join(f'{inner}{_literal(item, inner)},{chr(10)}' for item in value)}{indent}]"
    if isinstance(value, str):
        quoted = json.dumps(value, ensure_ascii=False)
        return quoted if quoted.isprintable() else repr(value)
    return repr(value)
