"""Processes that are killed while they write: what was acknowledged is there, and the file is sound."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

CHILD = Path(__file__).parent / "store_child.py"


#: Where files cost no time of a disk; to a process that is killed it is all the same.
MEMORY = next((one for one in ("/dev/shm",) if os.access(one, os.W_OK)), None)  # noqa: S108 - a folder is made in it


def test_a_hundred_kills_lose_nothing_that_was_acknowledged():
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        done = subprocess.run(  # noqa: S603 - ourselves
            [sys.executable, CHILD, "kills", Path(folder) / "a.sqlite3", "100", "22"],
            capture_output=True,
            check=True,
            text=True,
            timeout=120,
        )
    said = json.loads(done.stdout)
    assert done.stderr == ""
    assert (said["rounds"], said["missing"], said["unsound"], said["right"]) == (100, 0, 0, True)
    assert said["acknowledged"] > 2_000
