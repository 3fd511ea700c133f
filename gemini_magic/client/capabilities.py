"""What is known of each gateway, found by trying it or learned in passing; kept in a file from kernel to kernel.

The file holds no key, no prompt and no answer. A file that is damaged, of another version or not to be read counts as
an empty one: whatever was in it can be found again.
"""

from __future__ import annotations

import json
import os
import tempfile
import threading
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from platformdirs import user_state_path

from gemini_magic.exceptions import StoreError
from gemini_magic.settings import LOCAL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gemini_magic.settings import Profile

STATE_VARIABLE = "GEMINI_MAGIC_STATE"
_VERSION = 1
_MAX_BYTES = 1_000_000
_MAX_GATEWAYS = 200
_LOCK = threading.Lock()
_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a gateway can do; None wherever that is not known.

    Attributes:
        model: The model it was tried with.
        checked: The day on which it was tried, such as ``2026-01-31``.
        path: What stands in its URLs before ``/models``.
        auth: How it takes the key: ``bearer``, ``x-goog-api-key`` or ``none``.
        stream: How its streams are spelled: ``SSE``, ``JSON array``, ``JSON lines``, ``one JSON object`` or ``none``.
        models: The shape of its model list: ``Google``, ``OpenAI`` or ``none``.
        model_count: How many models it lists.
        count_tokens: Whether it counts tokens.
        json_schema: The field in which it takes a schema: ``responseJsonSchema``, ``responseSchema`` or ``none``.
        function_schema: The field in which it takes a function's: ``parametersJsonSchema``, ``parameters`` or ``none``.
        function_ids: Whether the result of a call may name the call's id.
        inline_images: Whether it takes pictures.
        limits: Limits that it states, by name.
        reasons: Why something is not to be had, or not known, by the name of the attribute.
    """

    model: str = ""
    checked: str = ""
    path: str | None = None
    auth: str | None = None
    stream: str | None = None
    models: str | None = None
    model_count: int | None = None
    count_tokens: bool | None = None
    json_schema: str | None = None
    function_schema: str | None = None
    function_ids: bool | None = None
    inline_images: bool | None = None
    limits: Mapping[str, str] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """What is known, as JSON."""
        return {name: value for name, value in asdict(self).items() if value not in (None, "", {})}

    @classmethod
    def from_dict(cls, data: object) -> Self:
        """Read what `to_dict` gave; whatever is not as it should be is left out."""
        given = data if isinstance(data, dict) else {}
        names = {each.name for each in fields(cls)} & given.keys()
        return cls(**{name: given[name] for name in names if _fits(name, given[name])})


def _fits(name: str, value: object) -> bool:
    if name in {"limits", "reasons"}:
        return isinstance(value, dict) and all(isinstance(item, str) for item in value.values())
    if name in {"count_tokens", "function_ids", "inline_images"}:
        return isinstance(value, bool)
    if name == "model_count":
        return isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return isinstance(value, str)


_NOTHING = Capabilities()
#: What the file said when it was last changed, so that it is not read for every request.
_SEEN: dict[tuple[Path, str, str], tuple[int, Capabilities]] = {}


def capabilities_path() -> Path:
    """Where the file is: in the folder that ``GEMINI_MAGIC_STATE`` names, or in the user's folder for such things."""
    named = os.environ.get(STATE_VARIABLE, "")
    folder = Path(named).expanduser() if named else user_state_path("gemini_magic")
    return folder / "capabilities.json"


def known(profile: Profile) -> Capabilities | None:
    """What is known of a gateway, or None."""
    found = _read(capabilities_path()).get(_name(profile))
    return None if found is None else Capabilities.from_dict(found)


def recalled(profile: Profile) -> Capabilities:
    """What is known of a gateway, if only that nothing is; the file is read again when it has changed."""
    path = capabilities_path()
    try:
        changed = path.stat().st_mtime_ns
    except OSError:
        return _NOTHING
    key = (path, profile.name, profile.origin)
    seen = _SEEN.get(key)
    if seen is None or seen[0] != changed:
        seen = _SEEN[key] = (changed, known(profile) or _NOTHING)
    return seen[1]


def remember(profile: Profile, capabilities: Capabilities) -> None:
    """Keep what was found out about a gateway, in place of what was known of it before.

    Raises:
        StoreError: The file cannot be written.
    """
    path = capabilities_path()
    with _LOCK:
        gateways = _read(path)
        gateways.pop(_name(profile), None)
        newest = {**gateways, _name(profile): capabilities.to_dict()}
        kept = dict(list(newest.items())[-_MAX_GATEWAYS:])
        try:
            _write(path, {"version": _VERSION, "gateways": kept})
        except OSError as error:
            raise StoreError(f"{path} cannot be written: {error.strerror}.") from None


def learn(profile: Profile, *, reason: str = "", **found: Any) -> None:  # noqa: ANN401 - fields of `Capabilities`
    """Keep single things that a gateway has shown, such as that it refused a field; never fails for want of a file.

    Args:
        profile: The gateway's profile.
        reason: Why, in the gateway's words; the beginning of them is kept.
        **found: Fields of `Capabilities`.
    """
    before = known(profile) or Capabilities()
    reasons = {name: words for name, words in before.reasons.items() if name not in found}
    if words := " ".join(reason.split())[:_SHOWN]:
        reasons |= dict.fromkeys(found, words)
    after = replace(before, **found, reasons=reasons)
    if after != before:
        with suppress(StoreError):
            remember(profile, after)


def _name(profile: Profile) -> str:
    """Profile and origin; the embedded server has another port at each start."""
    return LOCAL if profile.name == LOCAL else f"{profile.name} {profile.origin}"


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _MAX_BYTES:
            return {}
        whole = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    gateways = whole.get("gateways") if isinstance(whole, dict) and whole.get("version") == _VERSION else None
    return gateways if isinstance(gateways, dict) else {}


def _write(path: Path, whole: Mapping[str, Any]) -> None:
    """Write beside it and put it in its place, so that nobody reads half a file; only its owner can."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(whole, file, indent=1)
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise
