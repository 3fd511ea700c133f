"""``make bench``: ratios against other clients, measured interleaved in one run.

Every case runs in several rounds, each in a fresh process; the order of the cases turns round with every round, so
that a busy neighbour hits all of them alike. A ratio is the median of the rounds' ratios, a figure the median of the
rounds' figures. Goals are ratios; absolute times only tell the machine.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks import batch, notebook, pane
from tests.benchmarks.cases import CASES

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
ROUNDS = int(os.environ.get("ROUNDS", "5"))
Figures = dict[str, dict[str, list[float]]]


def main() -> None:
    """Measure everything and print the table."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.stub"], stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as stub:
        try:
            assert stub.stdout is not None
            base = f"http://127.0.0.1:{stub.stdout.readline().strip()}"
            table = [*rows(measure(base), notebook.measure(base)), *pane.rows(base)]
        finally:
            stub.kill()
    print_table([*table, *batches()])


def measure(base: str) -> Figures:
    """Each figure of each case, round by round."""
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for number in range(ROUNDS):
        names = list(CASES)[:: -1 if number % 2 else 1]
        for name in names:
            print(f"\rround {number + 1} of {ROUNDS}: {name:<30}", end="", file=sys.stderr, flush=True)
            for figure, value in run(name, base).items():
                found[name][figure].append(value)
    print("\r" + " " * 60, end="\r", file=sys.stderr)
    return {name: dict(case) for name, case in found.items()}


def run(name: str, base: str) -> dict[str, float]:
    """One case in a fresh process; its own figures, and the CPU of the whole process."""
    command = [sys.executable, "-m", "tests.benchmarks.cases", name, base]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT)
    assert process.stdout is not None
    output = process.stdout.read()
    process.stdout.close()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{name} failed with exit status {process.returncode}")
    return {**json.loads(output), "process": usage.ru_utime + usage.ru_stime}


def rows(figures: Figures, shown: dict[str, tuple[int, float]]) -> list[tuple[str, str, str, str]]:
    """What is measured, ours, its ratio, and the goal."""

    def value(case: str, figure: str) -> float:
        return statistics.median(figures[case][figure])

    def ratio(figure: str, ours: str, theirs: str, less: str = "") -> str:
        """Ours to theirs, round by round; both without what the third case costs."""
        base = figures[less][figure] if less else [0.0] * ROUNDS
        rounds = zip(figures[ours][figure], figures[theirs][figure], base, strict=True)
        return f"{statistics.median((mine - rest) / (other - rest) for mine, other, rest in rounds):.3f}×"

    answer = value("answer ours", "process") - value("nothing", "process")
    load, chunk, first, turn = (
        value("load_ext", "cpu"),
        value("chunks ours", "us"),
        value("first ours", "us"),
        value("turn ours", "ms"),
    )
    table = [
        (
            "%load_ext, CPU, to import google-genai",
            f"{load * 1e3:.1f} ms",
            ratio("cpu", "load_ext", "import google-genai"),
            "≤ 0.03×",
        ),
        (
            "process start to first answer, CPU, to google-genai",
            f"{answer * 1e3:.0f} ms",
            ratio("process", "answer ours", "answer google-genai", "nothing"),
            "≤ 0.35×",
        ),
        (
            "chunk, CPU, to httpx-sse + json",
            f"{chunk:.1f} µs",
            ratio("us", "chunks ours", "chunks httpx-sse+json"),
            "≤ 0.85×",
        ),
        (
            "chunk, CPU, to google-genai",
            f"{chunk:.1f} µs",
            ratio("us", "chunks ours", "chunks google-genai"),
            "≤ 0.083×",
        ),
        (
            "chunk, CPU, to httpx + pydantic_core",
            f"{chunk:.1f} µs",
            ratio("us", "chunks ours", "chunks httpx+core"),
            "",
        ),
        ("20,000 chunks, memory grown", f"{value('chunks ours', 'mb'):.1f} MB", "", "≤ 3.8 MB"),
        (
            "first token, wall, to httpx + pydantic_core",
            f"{first:.0f} µs",
            ratio("us", "first ours", "first httpx+core"),
            "≤ 1.15×",
        ),
        (
            "first token, wall, to google-genai",
            f"{first:.0f} µs",
            ratio("us", "first ours", "first google-genai"),
            "",
        ),
        ("reconnects in 150 calls", f"{value('first ours', 'reconnects'):.0f}", "", "0"),
        (
            "turn 500 with images, CPU, to cached bytes",
            f"{turn:.1f} ms",
            ratio("ms", "turn ours", "turn cached"),
            "≤ 1.3×",
        ),
        (
            "turn 500 with images, CPU, to google-genai",
            f"{turn:.1f} ms",
            ratio("ms", "turn ours", "turn google-genai"),
            "",
        ),
    ]
    table += [
        ("500 turns with 50 images: encodings of each", f"{value('turn ours', 'encodings'):.0f}", "", "1"),
        *pictures(value, ratio),
    ]
    goals = {"20 KB": "≤ 120, ≤ 8×", "200 KB": "≤ 3×"}
    table += [
        (f"{name} answer: iopub messages, bytes to text", f"{count}", f"{times:.2f}×", goals[name])
        for name, (count, times) in shown.items()
    ]
    return table


def pictures(value: Callable[[str, str], float], ratio: Callable[..., str]) -> list[tuple[str, str, str, str]]:
    """Ten large pictures in one question, for each of our clients."""
    table = []
    for words, ours in (("", "pictures ours"), (", awaited", "pictures ours, awaited")):
        taken = f"{value(ours, 'ms'):.0f} ms"
        table += [
            (f"10 × 2 MiB{words}, CPU, to httpx + json", taken, ratio("ms", ours, "pictures httpx+json"), "≤ 0.45×"),
            (f"10 × 2 MiB{words}, CPU, to google-genai", taken, ratio("ms", ours, "pictures google-genai"), ""),
            (f"10 × 2 MiB{words}, peak memory, to raw bytes", "", f"{value(ours, 'peak'):.2f}×", "≤ 1.5×"),
        ]
    peaks = {name: value(f"pictures {name}", "peak") for name in ("httpx+json", "google-genai")}
    table += [(f"the same, {name}", "", f"{peak:.2f}×", "") for name, peak in peaks.items()]
    return table


def batches() -> list[tuple[str, str, str, str]]:
    """A batch of structured answers, and what Dask adds to it."""
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for name, case in batch.figures(ROUNDS):
        print(f"\rbatch: {name:<40}", end="", file=sys.stderr, flush=True)
        for figure, value in case.items():
            found[name][figure].append(value)
    print("\r" + " " * 60, end="\r", file=sys.stderr)
    dask = over_dask()
    with batch.serving() as base:
        whole = batch.extracted(base)

    def ratio(figure: str, ours: str, theirs: str) -> float:
        pairs = zip(found[ours][figure], found[theirs][figure], strict=True)
        return statistics.median(mine / other for mine, other in pairs)

    ours = {figure: statistics.median(values) for figure, values in found["batch ours"].items()}
    speed = ratio("per second", "batch ours", "batch floor")
    work = ratio("us", "batch ours", "batch google-genai")
    size = f"{batch.CALLS:,} × {batch.SECONDS * 1e3:.0f} ms at {batch.AT_ONCE}"
    return [
        (f"{size}, rows a second, to sockets alone", f"{ours['per second']:.0f}", f"{speed:.3f}×", "≥ 0.92×"),
        ("the same, CPU a row, to google-genai", f"{ours['us']:.0f} µs", f"{work:.3f}×", "≤ 0.25×"),
        ("the same, reconnects after warm-up", f"{ours['reconnects']:.0f}", "", "0"),
        ("the same, memory grown", f"{ours['mb']:.1f} MB", "", ""),
        ("gm.extract, CPU a row, server at once", f"{whole['us']:.0f} µs", "", ""),
        ("gm.extract, CPU a row that is in the store", f"{whole['resume us']:.0f} µs", "", "≤ 30 µs"),
        ("gm.extract, memory for 10,000 rows beside the frame", f"{whole['mb']:.1f} MB", "", "≤ 5 MB"),
        ("a row over Dask, CPU beyond that of asyncio", f"{dask['ms']:.1f} ms", f"{dask['times']:.1f}×", ""),
        (
            "a row over Dask, wall, to asyncio",
            f"{dask['wall']:.1f} ms",
            f"{dask['wall'] / dask['wall alone']:.1f}×",
            "",
        ),
    ]


def over_dask() -> dict[str, float]:
    """What a row takes over Dask, against the server of the batch."""
    with batch.serving() as base:
        shown = subprocess.run(
            [sys.executable, "-m", "tests.benchmarks.cluster", base], stdout=subprocess.PIPE, cwd=ROOT, check=True
        )
        found: dict[str, float] = json.loads(shown.stdout)
        return found


def print_table(table: list[tuple[str, str, str, str]]) -> None:
    """The table, in columns."""
    lines = [("measured", "ours", "ratio", "goal"), *table]
    widths = [max(len(line[column]) for line in lines) for column in range(4)]
    for line in lines:
        print("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())


if __name__ == "__main__":
    main()
