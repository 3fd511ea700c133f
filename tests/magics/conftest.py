"""A real IPython shell that raises, with our extension loaded and a gateway on this machine."""

from __future__ import annotations

import atexit
import builtins
import sys
from typing import TYPE_CHECKING, Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config
from wire_server import WireServer, answer

from gemini_magic import ledger
from gemini_magic.chat import KERNEL
from gemini_magic.connect import disconnect

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SHELL = Config({"HistoryManager": {"enabled": False}, "InteractiveShell": {"colors": "nocolor", "autocall": 0}})


class Notebook:
    """Runs cells as a notebook does, and remembers what the gateway got."""

    def __init__(self, shell: InteractiveShell, wire: WireServer, config: Path) -> None:
        self.shell = shell
        self.wire = wire
        self.config = config

    def run(self, source: str, **variables: Any) -> Any:
        """Run a cell; what it raises is raised here."""
        self.shell.push(variables)
        result = self.shell.run_cell(source)
        result.raise_error()
        return result.result

    def __getitem__(self, name: str) -> Any:
        """A variable of the notebook."""
        return self.shell.user_ns[name]

    def __contains__(self, name: str) -> bool:
        """Whether there is such a variable."""
        return name in self.shell.user_ns

    @property
    def body(self) -> Any:
        """The last request's body."""
        return self.wire.seen[-1].json()

    @property
    def prompts(self) -> list[str]:
        """The last question of each request."""
        return ["".join(part["text"] for part in seen.json()["contents"][-1]["parts"]) for seen in self.wire.seen]


@pytest.fixture(autouse=True)
def fresh_kernel() -> Iterator[None]:
    """What lives as long as a kernel lives as long as a test here."""
    _forget()  # other rooms' tests leave their usage behind
    yield
    _forget()


def _forget() -> None:
    disconnect()
    KERNEL.__init__()  # type: ignore[misc]
    ledger.KERNEL.clear()
    ledger.KERNEL.budget, ledger.KERNEL.prices = None, {}


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[InteractiveShell]:
    """A shell without history, in an empty folder."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.chdir(tmp_path)
    main, hooks = sys.modules["__main__"], (sys.displayhook, sys.excepthook)
    names = set(vars(builtins))
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance(config=SHELL)
    yield shell
    atexit.unregister(shell.atexit_operations)
    InteractiveShell.clear_instance()
    sys.modules["__main__"], (sys.displayhook, sys.excepthook) = main, hooks
    for name in set(vars(builtins)) - names:
        delattr(builtins, name)


@pytest.fixture
def notebook(shell: InteractiveShell, wire: WireServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Notebook:
    """A notebook whose gateway says "Yes." to everything."""
    config = tmp_path / "config.toml"
    config.write_text(
        f'profile = "here"\n[profiles.here]\nbase_url = "{wire.url}"\nauth = "none"\nmodel = "gemini-x"\n'
    )
    monkeypatch.setenv("GEMINI_MAGIC_CONFIG", str(config))
    wire.answers(answer("Yes", "."))
    notebook = Notebook(shell, wire, config)
    notebook.run("%load_ext gemini_magic")
    return notebook
