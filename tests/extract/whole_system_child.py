"""A process that extracts as long as it lives."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from gemini_magic.client import Client
from gemini_magic.extract import extract, run_of


def main(url: str, rows: str, store: str, result: str) -> None:
    with Client(url, "k" * 20, "m") as client:
        texts = json.loads(Path(rows).read_text())
        out = extract(texts, "number int", "Read: {{text}}", client=client, store=store, workers=16)
        errors = run_of(out).usage.failed
    Path(result).write_text(json.dumps({"values": [row and row["number"] for row in out], "failed": errors}))


if __name__ == "__main__":
    main(*sys.argv[1:])
