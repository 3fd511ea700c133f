"""Replies that used so many tokens, and a config file with prices."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from gemini_magic.reply import Reply
from gemini_magic.wire import GenerateContentResponse

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def answered() -> Callable[..., Reply]:
    """Makes a reply of a model that used so many tokens; with ``status``, one that ended so."""

    def make(model: str = "gemini-x", prompt: int | None = None, answer: int | None = None, **usage: Any) -> Reply:
        version, broken = usage.pop("version", None), usage.pop("broken", False)
        counts = {"promptTokenCount": prompt, "candidatesTokenCount": answer, **usage}
        given = {name: count for name, count in counts.items() if count is not None}
        body = {"usageMetadata": given, "modelVersion": version} if given else {"modelVersion": version}
        return Reply(GenerateContentResponse.model_validate(body), model, broken=broken)

    return make


@pytest.fixture
def write_prices(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """Writes the config file; each time it is a later one."""
    path = tmp_path / "prices.toml"
    times = iter(range(1_000_000_000, 2_000_000_000, 10))
    monkeypatch.setenv("GEMINI_MAGIC_CONFIG", str(path))

    def write(text: str) -> None:
        path.write_text(text)
        now = next(times)
        os.utime(path, (now, now))

    return write
