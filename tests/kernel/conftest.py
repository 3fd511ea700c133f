"""A real kernel, spoken to as a notebook speaks to it, and the gateway it asks."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from jupyter_client.manager import KernelManager
from wire_server import WireServer, answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parent.parent.parent
KEY = "planted-key-0123456789-abcdefghijklmnop"
PATIENCE = 60.0  # far above anything that is expected; a test that needs it has failed
AT_ONCE = 10.0  # seconds, for a busy machine; a wait for the server would take until the idle limit of 60
_FORGOTTEN = ("KEY", "PROXY", "GEMINI_MAGIC", "XDG_", "JUPYTER", "IPYTHON")


@dataclass
class Cell:
    """One execution: what the kernel replied, and what it published for it."""

    reply: dict[str, Any]
    messages: list[dict[str, Any]] = field(default_factory=list)

    @property
    def status(self) -> str:
        return str(self.reply["content"]["status"])

    @property
    def error(self) -> str:
        """The error as a notebook shows it."""
        content = self.reply["content"]
        return "\n".join(content["traceback"]) if content["status"] == "error" else ""

    @property
    def kinds(self) -> list[str]:
        return [message["msg_type"] for message in self.messages]

    @property
    def outputs(self) -> list[dict[str, Any]]:
        """What is left below the cell in the end, as a notebook would save it."""
        shown: list[dict[str, Any]] = []
        clearing = False
        for message in self.messages:
            kind, content = message["msg_type"], message["content"]
            if kind == "clear_output":
                clearing = True
            elif kind == "update_display_data":
                same = [one for one in shown if _id(one) and _id(one) == _id(content)]
                for one in same:
                    one["data"] = content["data"]
            elif kind in {"display_data", "execute_result", "stream", "error"}:
                shown = [] if clearing else shown
                clearing = False
                shown.append(dict(content))
        return shown

    @property
    def text(self) -> str:
        """The outputs as plain text."""
        return "".join(one.get("text") or one.get("data", {}).get("text/plain", "") + "\n" for one in self.outputs)


def _id(content: dict[str, Any]) -> str:
    return str(content.get("transient", {}).get("display_id", ""))


class Kernel:
    """A kernel in an empty folder that is its home, with a gateway of ours as its profile."""

    def __init__(self, folder: Path, gateway: WireServer) -> None:
        self.folder = folder
        self.gateway = gateway
        self.said: list[str] = []
        self._waiting: dict[str, list[dict[str, Any]]] = {}
        config = folder / "config.toml"
        config.write_text(
            f'profile = "here"\n[profiles.here]\nbase_url = "{gateway.url}"\nkey_variable = "KEY_OF_TEST"\n'
            'model = "gemini-x"\n'
        )
        kept = {name: value for name, value in os.environ.items() if not any(word in name for word in _FORGOTTEN)}
        env = {**kept, "HOME": str(folder), "IPYTHONDIR": str(folder / ".ipython"), "PYTHONPATH": str(ROOT)}
        env |= {"GEMINI_MAGIC_CONFIG": str(config), "KEY_OF_TEST": KEY, "PYTHONDONTWRITEBYTECODE": "1"}
        self.manager = KernelManager(connection_file=str(folder / "kernel.json"))
        self.manager.start_kernel(env=env, cwd=str(folder), extra_arguments=["--HistoryManager.enabled=False"])
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=PATIENCE)

    @property
    def process(self) -> psutil.Process:
        return psutil.Process(self.manager.provisioner.pid)

    def sockets(self) -> list[str]:
        """States of the kernel's connections to the gateway."""
        every = self.process.net_connections(kind="tcp")
        return [one.status for one in every if one.raddr and one.raddr.port == self.gateway.port]

    def start(self, source: str, cell_id: str = "", *, typed: bool = False) -> str:
        """Send a cell, which may ask for typed input or not; returns the message's id."""
        content = {"code": source, "silent": False, "store_history": True, "user_expressions": {}}
        content |= {"allow_stdin": typed, "stop_on_error": True}
        message = self.client.session.msg("execute_request", content, metadata={"cellId": cell_id} if cell_id else {})
        self.client.shell_channel.send(message)
        return str(message["header"]["msg_id"])

    def finish(self, message_id: str, patience: float = PATIENCE) -> Cell:
        """Wait for the end of a cell and everything it published."""
        reply = self.client.get_shell_msg(timeout=patience)
        while reply["msg_type"] == "kernel_info_reply":  # late, when the machine was busy at the start
            reply = self.client.get_shell_msg(timeout=patience)
        assert reply["parent_header"]["msg_id"] == message_id
        cell = Cell(reply, [*self._waiting.pop(message_id, [])])
        if cell.status != "aborted":
            self._read(message_id, _is_idle, cell.messages)
        self.said.append(json.dumps([cell.reply, cell.messages], default=str))
        return cell

    def wait_for(self, message_id: str, words: str) -> None:
        """Wait until a running cell has shown these words."""
        seen = self._waiting.setdefault(message_id, [])
        self._read(message_id, lambda message: words in json.dumps(message["content"], ensure_ascii=False), seen)

    def prompted(self) -> str:
        """What a running cell asks to be typed, once it does."""
        message = self.client.get_stdin_msg(timeout=PATIENCE)
        assert message["msg_type"] == "input_request"
        return str(message["content"]["prompt"])

    def _read(self, message_id: str, enough: Callable[[dict[str, Any]], bool], into: list[dict[str, Any]]) -> None:
        while True:
            try:
                message = self.client.get_iopub_msg(timeout=PATIENCE)
            except Empty:
                raise AssertionError(f"the kernel said no more than {[one['msg_type'] for one in into]}") from None
            if message["parent_header"].get("msg_id") == message_id:
                into.append(message)
                if enough(message):
                    return

    def run(self, source: str, cell_id: str = "") -> Cell:
        """Run a cell to its end."""
        return self.finish(self.start(source, cell_id))

    def value(self, expression: str) -> Any:
        """The value of an expression, as JSON brings it over."""
        cell = self.run(f"import json as _json; print(_json.dumps({expression}))")
        assert cell.status == "ok", cell.error
        return json.loads(cell.text)

    def stop(self, message_id: str) -> Cell:
        """Interrupt a running cell, and wait for its end, which must come at once."""
        self.manager.interrupt_kernel()
        return self.finish(message_id, AT_ONCE)

    def close(self) -> None:
        self.client.stop_channels()
        if self.manager.has_kernel:
            self.manager.shutdown_kernel(now=True)
        self.manager.cleanup_resources()


def _is_idle(message: dict[str, Any]) -> bool:
    return message["msg_type"] == "status" and message["content"]["execution_state"] == "idle"


@pytest.fixture(scope="module")
def gateway() -> Iterator[WireServer]:
    """One gateway for all kernels of a module."""
    server = WireServer()
    yield server
    server.close()


@pytest.fixture(autouse=True)
def quiet_gateway(gateway: WireServer) -> None:
    """A gateway that has seen nothing yet, and says "Yes." to everything."""
    gateway.seen.clear()
    gateway.closed_by_client.clear()
    gateway.answers(answer("Yes", "."))


@pytest.fixture(scope="module")
def new_kernel(tmp_path_factory: pytest.TempPathFactory, gateway: WireServer) -> Iterator[Callable[[], Kernel]]:
    """Starts kernels, and ends them with the module."""
    kernels: list[Kernel] = []

    def start() -> Kernel:
        kernels.append(Kernel(tmp_path_factory.mktemp("home"), gateway))
        return kernels[-1]

    yield start
    for kernel in kernels:
        kernel.close()


@pytest.fixture(scope="module")
def kernel(new_kernel: Callable[[], Kernel]) -> Kernel:
    """One kernel for all tests of a module, with our extension loaded."""
    kernel = new_kernel()
    assert kernel.run("%load_ext gemini_magic").status == "ok"
    return kernel
