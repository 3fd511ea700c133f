"""What a streamed answer costs between kernel and front end: messages and bytes on the iopub channel."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

from jupyter_client.manager import start_new_kernel

ANSWERS = {"20 KB": ("c1000x20p100", 20_000), "200 KB": ("c2000x100p100", 200_000)}
_CONFIG = '[profiles.stub]\nbase_url = "{base}"\nauth = "none"\n'


def measure(base: str) -> dict[str, tuple[int, float]]:
    """For each answer: display messages, and their bytes as a multiple of the text."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "config.toml")
        config.write_text(_CONFIG.format(base=base))
        manager, client = start_new_kernel(env={**os.environ, "GEMINI_MAGIC_CONFIG": str(config)})
        try:
            client.execute_interactive("%load_ext gemini_magic")
            return {name: _one(client, model, size) for name, (model, size) in ANSWERS.items()}
        finally:
            client.stop_channels()
            manager.shutdown_kernel(now=True)


def _one(client: object, model: str, size: int) -> tuple[int, float]:
    counted: list[int] = []

    def count(message: dict[str, object]) -> None:
        if message["msg_type"] not in {"status", "execute_input"}:
            parts = (message["header"], message["parent_header"], message["metadata"], message["content"])
            counted.append(sum(len(json.dumps(part, default=str)) for part in parts))

    cell = f"%%gemini --profile stub -m {model}\nhello"
    reply = client.execute_interactive(cell, output_hook=count, timeout=120)  # type: ignore[attr-defined]
    assert reply["content"]["status"] == "ok", reply["content"]
    return len(counted), sum(counted) / size
