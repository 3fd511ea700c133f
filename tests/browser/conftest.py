"""A real JupyterLab in private folders, a real Chromium, and a listener that must not be reached."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
import pytest
from browser.chat_pane import CONFIG, KEY, SETUP, ChatNotebook, Pane
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from wire_server import WireServer, answer

from gemini_magic.local.catalogue import models_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parent.parent.parent
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
FLAGS += ["--disable-component-update", "--disable-sync"]
SETTINGS = {
    "@jupyterlab/apputils-extension/notification.jupyterlab-settings": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": True,
    },
    "@jupyterlab/apputils-extension/themes.jupyterlab-settings": {"theme": "JupyterLab Light"},
}
READY = """() => {
    const session = window.jupyterapp?.shell?.currentWidget?.sessionContext?.session;
    return session?.kernel?.connectionStatus === 'connected' && session.kernel.status === 'idle';
}"""
RUN_ALL = "() => jupyterapp.commands.execute('notebook:run-all-cells')"
SAVE = "() => jupyterapp.commands.execute('docmanager:save')"
CLOSE = "() => jupyterapp?.shell?.currentWidget?.sessionContext?.shutdown?.()"
OUTPUTS = """() => jupyterapp.shell.currentWidget.model.sharedModel.toJSON().cells.map(cell => cell.outputs ?? [])"""


class Listener:
    """A loopback server that notes every path it is asked for."""

    def __init__(self) -> None:
        paths = self.paths = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                paths.append(self.path)
                self.send_response(204)
                self.end_headers()

            do_POST = do_GET  # noqa: N815 - the base class looks for this name

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Lab:
    """One running JupyterLab and one browser window on it."""

    def __init__(self, url: str, token: str, folder: Path, context: BrowserContext) -> None:
        self.url = url
        self.token = token
        self.folder = folder
        self.context = context
        self.fired: list[float] = []
        self.requests: list[str] = []
        self.console: list[str] = []
        context.on("console", lambda said: self.console.append(f"{said.type}: {said.text}"))
        context.on("weberror", lambda error: self.console.append(f"thrown: {error.error.stack}"))
        context.expose_function("__fired", self._fire)
        context.on("request", lambda request: self.requests.append(request.url))

    def _fire(self, number: float) -> None:
        self.fired.append(number)

    def foreign(self) -> list[str]:
        """Every request that left for anywhere but this JupyterLab."""
        inside = (self.url, self.url.replace("http", "ws", 1), "data:", "blob:", "about:")
        return [url for url in self.requests if not url.startswith(inside)]

    def forget(self) -> None:
        """Begin to watch anew."""
        self.fired.clear()
        self.requests.clear()
        self.console.clear()

    def write(self, name: str, cells: list[str]) -> Path:
        """Put a notebook of code cells into the served folder."""
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
        notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
        path = self.folder / name
        nbformat.write(notebook, path)
        return path

    def open(self, name: str, *, theme: str = "JupyterLab Light") -> Page:
        """Open a notebook of the served folder in a page of its own, its kernel ready."""
        page = self.context.new_page()
        page.goto(f"{self.url}/lab/tree/{name}?token={self.token}&reset")
        self.wait_for(page)
        self.change_theme(page, theme)
        return page

    def wait_for(self, page: Page) -> None:
        """Wait until a notebook is there, its kernel ready."""
        page.wait_for_selector("#jupyterlab-splash", state="detached", timeout=60_000)
        page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=30_000)
        page.wait_for_function(READY, timeout=60_000)

    def change_theme(self, page: Page, theme: str) -> None:
        """Switch to another theme and wait until it is there."""
        page.evaluate("theme => jupyterapp.commands.execute('apputils:change-theme', {theme})", theme)
        page.wait_for_selector(f"body[data-jp-theme-name='{theme}']", state="attached")
        page.wait_for_timeout(300)

    def run_all(self, page: Page, *, timeout: float = 60) -> list[list[dict[str, Any]]]:
        """Run every cell, wait until the page has settled, and return the outputs cell by cell."""
        page.evaluate(RUN_ALL)
        page.wait_for_function(READY, timeout=timeout * 1000)
        self.settle(page)
        return page.evaluate(OUTPUTS)

    def settle(self, page: Page) -> None:
        """Wait until the page has drawn what it has got, formulas included."""
        page.evaluate("() => new Promise(done => requestIdleCallback(() => setTimeout(done, 300), {timeout: 5000}))")

    def save(self, page: Page) -> None:
        """Save the notebook on a page."""
        page.evaluate(SAVE)

    def close(self, page: Page) -> None:
        """Close a page and its kernel."""
        with suppress(Exception):
            page.evaluate(CLOSE)
        page.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _environment(home: Path) -> dict[str, str]:
    unwanted = re.compile("proxy|jupyter", re.IGNORECASE)
    environment = {key: value for key, value in os.environ.items() if not unwanted.search(key)}
    folders = {
        "HOME": "home",
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "IPYTHONDIR": "ipython",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
    }
    for name, folder in folders.items():
        (home / folder).mkdir()
        environment[name] = str(home / folder)
    environment["GEMINI_MAGIC_MODELS"] = str(models_folder())  # the embedded models stay where they are
    environment["PYTHONPATH"] = os.pathsep.join((str(ROOT), str(Path(__file__).parent)))
    return environment


def _start_server(home: Path, notebooks: Path, port: int, token: str) -> subprocess.Popen[bytes]:
    environment = _environment(home)
    for name, values in SETTINGS.items():
        path = home / "settings" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values))
    command = [sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root", "--ip=127.0.0.1"]
    command += [f"--port={port}", "--ServerApp.port_retries=0", f"--IdentityProvider.token={token}"]
    command += [f"--ServerApp.root_dir={notebooks}", "--LabApp.expose_app_in_browser=True"]
    with (home / "lab.log").open("wb") as log:
        return subprocess.Popen(command, env=environment, cwd=notebooks, stdout=log, stderr=log)  # noqa: S603 - ours


def _wait_for(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    for _ in range(300):
        if server.poll() is not None:
            break
        with suppress(OSError), urllib.request.urlopen(url, timeout=5):  # noqa: S310 - ours
            return
        time.sleep(0.1)
    pytest.fail(f"JupyterLab did not start:\n{log.read_text(errors='replace')[-3000:]}")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A Chromium of the machine, or Playwright's own."""
    path = next(filter(None, map(shutil.which, CHROMIUM)), None)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def lab(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A JupyterLab that knows nothing of the developer's settings."""
    home, notebooks = tmp_path_factory.mktemp("lab"), tmp_path_factory.mktemp("notebooks")
    port, token = _free_port(), secrets.token_hex(16)
    server = _start_server(home, notebooks, port, token)
    url = f"http://127.0.0.1:{port}"
    context = browser.new_context(viewport={"width": 1100, "height": 1400})
    try:
        _wait_for(server, f"{url}/api/status?token={token}", home / "lab.log")
        yield Lab(url, token, notebooks, context)
    finally:
        context.close()
        server.terminate()
        server.wait(20)


@pytest.fixture(scope="session")
def listener() -> Iterator[Listener]:
    server = Listener()
    yield server
    server.close()


@pytest.fixture
def open_notebook(lab: Lab, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., Page]]:
    """Write and open a notebook; its page and kernel are closed, and photographed if the test failed."""
    pages: list[Page] = []

    def opened(cells: list[str], *, name: str = "", theme: str = "JupyterLab Light") -> Page:
        name = name or f"{request.node.name.partition('[')[0]}.ipynb"
        lab.write(name, cells)
        pages.append(lab.open(name, theme=theme))
        return pages[-1]

    lab.forget()
    yield opened
    for number, page in enumerate(pages):
        if getattr(request.node, "failed", False):
            page.screenshot(path=_screenshots(tmp_path) / f"failed-{request.node.name}-{number}.png")
        lab.close(page)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    item.failed = getattr(item, "failed", False) or report.get_result().failed  # type: ignore[attr-defined]


def _screenshots(fallback: Path) -> Path:
    folder = Path(os.environ.get("GEMINI_MAGIC_SCREENSHOTS", fallback))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def screenshots(tmp_path: Path) -> Path:
    """Where screenshots go: the folder named by GEMINI_MAGIC_SCREENSHOTS, or one that is thrown away."""
    return _screenshots(tmp_path)


@pytest.fixture
def watched(lab: Lab, request: pytest.FixtureRequest, screenshots: Path) -> Iterator[None]:
    """When the test fails, it leaves a photograph of every page, what the console said, and Playwright's trace."""
    lab.forget()
    lab.context.tracing.start(snapshots=True)
    yield
    if not getattr(request.node, "failed", False):
        lab.context.tracing.stop()
        return
    left = screenshots / f"failed-{request.node.name}"
    lab.context.tracing.stop(path=f"{left}.zip")
    Path(f"{left}.txt").write_text("\n".join(lab.console), encoding="utf-8")
    for number, page in enumerate(lab.context.pages):
        page.screenshot(path=f"{left}-{number}.png")


@pytest.fixture(scope="module")
def gateway() -> Iterator[WireServer]:
    """The gateway that the kernel of a module's chat panes asks."""
    server = WireServer()
    yield server
    server.close()


@pytest.fixture(scope="module")
def chats(
    lab: Lab, gateway: WireServer, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ChatNotebook]:
    """One notebook for all chat panes of a module, each of which has a conversation of its own."""
    config = tmp_path_factory.mktemp("config") / "config.toml"
    config.write_text(CONFIG.format(url=gateway.url))
    name = f"{request.module.__name__.rpartition('.')[2]}.ipynb"
    lab.write(name, [SETUP.format(config=str(config), key=KEY), "", "", ""])
    lab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = lab.open(name)
    notebook = ChatNotebook(page, gateway)
    notebook.run(notebook.sources()[0], 0)
    yield notebook
    lab.close(page)


@pytest.fixture
def show(lab: Lab, chats: ChatNotebook, watched: None) -> Iterator[Callable[..., Pane]]:  # noqa: ARG001 - for its end
    """Shows a pane with a conversation of the test's own; in the end, nothing has been asked of anybody else."""
    chats.gateway.seen.clear()
    chats.gateway.closed_by_client.clear()
    chats.gateway.answers(answer("Yes", "."))
    name = f"talk-{next(chats.numbers)}"

    def shown(*arguments: str) -> Pane:
        return chats.show(f"ui = gm.ChatWidget({', '.join([f'name={name!r}', *arguments])})\nui")

    yield shown
    assert lab.foreign() == []
    assert [said for said in lab.console if said.startswith("thrown") and "blob:" in said] == []  # where panes are from


@pytest.fixture
def photograph(screenshots: Path) -> Callable[[Pane, str], None]:
    """Takes a pane as it is now: light, narrow, and dark; only where the photographs are kept."""
    if "GEMINI_MAGIC_SCREENSHOTS" not in os.environ:
        return lambda pane, name: None  # noqa: ARG005
    return lambda pane, name: pane.photograph(screenshots, name)
