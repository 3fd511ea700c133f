"""What all tests share: a loopback server that answers byte for byte as it is told, and a clean environment."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings
from wire_server import FakeClock, WireServer

from gemini_magic.client.retry import KERNEL_BUDGET

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
KEYS = ("GEMINI_API_KEY", "GOOGLE_API_KEY", "GOGOGOTOKEN_API_KEY", "THETURBO_API_KEY", "UNIGATEWAY_API_KEY")
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


settings.register_profile("suite", derandomize=True, deadline=None)
settings.load_profile("suite")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests come last: Playwright's event loop stays with the process, and others want to run their own."""
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test sees the developer's keys, proxies, profiles or configuration."""
    for name in (*KEYS, *PROXIES, *(name.lower() for name in PROXIES), "GEMINI_MAGIC_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GEMINI_MAGIC_CONFIG", str(tmp_path / "no-config.toml"))
    monkeypatch.setenv("GEMINI_MAGIC_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("GEMINI_MAGIC_DATA", str(tmp_path / "data"))


@pytest.fixture(autouse=True)
def full_retry_budget() -> None:
    """No test pays for the retries of another."""
    KERNEL_BUDGET.__init__()  # type: ignore[misc]


@pytest.fixture(autouse=True)
def only_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection to anywhere but this machine fails the test."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family in {socket.AF_INET, socket.AF_INET6} and address[0] not in {"127.0.0.1", "::1", "localhost"}:
            raise AssertionError(f"a test tried to reach {address!r}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture
def wire() -> Iterator[WireServer]:
    server = WireServer()
    yield server
    server.close()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(scope="session")
def recordings() -> Path:
    """The folder of public recordings; tests that need it are skipped, in one line, where it is absent."""
    folder = Path(os.environ.get("GEMINI_MAGIC_RECORDINGS", ROOT.parent / "shared" / "wire" / "responses"))
    if not folder.is_dir():
        pytest.skip(f"no recordings at {folder}")
    return folder
