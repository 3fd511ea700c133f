"""Executing a notebook with nbclient, message by message."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError

from gemini_magic.exceptions import LocalServerError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from nbformat import NotebookNode

    from gemini_magic.cli.screen import NotebookScreen

_LONGEST_CELL = 600


class _Watched(NotebookClient):
    """Shows every message to a screen before the notebook takes it."""

    screen: NotebookScreen

    def process_message(self, msg: dict[str, Any], cell: NotebookNode, cell_index: int) -> NotebookNode | None:
        """Take a message of the kernel."""
        self.screen.message(msg)
        return super().process_message(msg, cell, cell_index)


def execute(
    notebook: NotebookNode, screen: NotebookScreen, *, folder: Path, private: Path, env: Mapping[str, str]
) -> bool:
    """Run all cells in a kernel of this Python, and put their outputs into the notebook.

    Args:
        notebook: The notebook; it is changed.
        screen: Is told of every cell and message.
        folder: Where the kernel runs.
        private: A folder for what the kernel needs while it runs.
        env: The kernel's environment.

    Returns:
        Whether every cell went well; the first that does not is the last.

    Raises:
        LocalServerError: The kernel ended before the notebook did.
    """
    # Without folders of its own, the specification is that of the running Python's ipykernel.
    specs = KernelSpecManager(kernel_dirs=[])
    manager = AsyncKernelManager(kernel_name="python3", kernel_spec_manager=specs)
    if os.name == "posix":
        manager.transport = "ipc"
        manager.connection_file = str(private / "kernel")
    client = _Watched(
        notebook,
        km=manager,
        timeout=_LONGEST_CELL,
        on_cell_start=lambda cell, cell_index: screen.start(cell),  # noqa: ARG005 - nbclient names them
        on_cell_executed=lambda **_: screen.end(),
    )
    client.screen = screen
    try:
        client.execute(env=dict(env), cwd=str(folder), cleanup_kc=True)
    except CellExecutionError:
        return False
    except DeadKernelError:
        raise LocalServerError("The kernel ended before the notebook did.") from None
    return True
