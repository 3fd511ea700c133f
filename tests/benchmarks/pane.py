"""The chat pane in a real JupyterLab in a real Chromium: how smoothly a fast answer is drawn, and what it takes.

``python -m tests.benchmarks.pane URL`` measures against the stub, with the folder of the tests on the path.
"""

from __future__ import annotations

import json
import secrets
import shutil
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

ROOT = Path(__file__).parents[2]
ROUNDS = 3
SECONDS = 5.0
MODEL = "c2500x20p500"  # 50 kB at 500 chunks a second
#: Asks, and notes the time between frames until the answer is there; a second more, in which the transcript comes.
ASK = """async () => {
    const pane = document.querySelector('.gm-chat');
    const area = pane.querySelector('.gmc-composer textarea');
    const gaps = [];
    let last = performance.now();
    let watching = true;
    const frame = () => {
        const now = performance.now();
        gaps.push(now - last);
        last = now;
        if (watching) requestAnimationFrame(frame);
    };
    const over = () => !pane.classList.contains('gmc-busy') && pane.querySelector('.gmc-send').dataset.mode === 'send';
    const wait = ms => new Promise(done => setTimeout(done, ms));
    const answers = pane.querySelectorAll('article.gmc-answer').length;
    area.value = 'Go.';
    area.dispatchEvent(new Event('input', {bubbles: true}));
    area.dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', bubbles: true, cancelable: true}));
    const begun = performance.now();
    requestAnimationFrame(frame);
    while (pane.querySelectorAll('article.gmc-answer:not(.gmc-live)').length === answers || !over()) await wait(5);
    const took = (performance.now() - begun) / 1000;
    const shown = gaps.length;
    await wait(1500);
    watching = false;
    return {took, long: gaps.slice(0, shown).filter(gap => gap > 50).length,
        worst: Math.max(...gaps.slice(0, shown)), after: Math.max(...gaps.slice(shown))};
}"""


def measure(base: str) -> dict[str, float]:
    """The median of some answers: ``took`` in seconds, ``long`` frames, the ``worst`` and the worst ``after`` it."""
    command = [sys.executable, "-m", "tests.benchmarks.pane", base]
    shown = subprocess.run(command, stdout=subprocess.PIPE, cwd=ROOT, check=True)
    found: dict[str, float] = json.loads(shown.stdout)
    return found


def rows(base: str) -> list[tuple[str, str, str, str]]:
    """What is measured, ours, its ratio, and the goal."""
    found = measure(base)
    return [
        (
            "50 kB at 500 chunks/s in a pane, wall, to ideal",
            f"{found['took']:.2f} s",
            f"{found['took'] / SECONDS:.2f}×",
            "≤ 1.3×",
        ),
        ("the same, frames above 50 ms", f"{found['long']:.0f}", "", "≤ 4"),
        ("the same, longest frame", f"{found['worst']:.0f} ms", "", ""),
        ("the same, longest frame after it, transcript drawn", f"{found['after']:.0f} ms", "", ""),
    ]


def measured(base: str) -> dict[str, float]:
    """Each answer in a conversation of its own, so that all of them begin alike."""
    found = []
    with _opened(base) as page:
        for _ in range(ROUNDS + 1):  # the first one warms up
            found.append(page.evaluate(ASK))
            page.locator(".gm-chat [aria-haspopup=menu]").click()
            page.locator("[role=menuitem]").last.click()
            page.locator(".gm-chat .gmc-danger").click()
            page.wait_for_timeout(1000)
    return {name: statistics.median(one[name] for one in found[1:]) for name in found[0]}


@contextmanager
def _opened(base: str) -> Iterator[Page]:
    """A notebook in JupyterLab whose first cell shows a pane."""
    sys.path.insert(0, str(ROOT / "tests"))  # as pytest has it
    from browser import conftest, pane_page
    from playwright.sync_api import sync_playwright

    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
        (notebooks := home / "notebooks").mkdir()
        port, token = conftest._free_port(), secrets.token_hex(16)
        server = conftest._start_server(home, notebooks, port, token)
        stack.callback(server.wait, 20)
        stack.callback(server.terminate)
        playwright = stack.enter_context(sync_playwright())
        path = next(filter(None, map(shutil.which, conftest.CHROMIUM)), None)
        browser = stack.enter_context(playwright.chromium.launch(executable_path=path, args=conftest.FLAGS))
        url = f"http://127.0.0.1:{port}"
        conftest._wait_for(server, f"{url}/api/status?token={token}", home / "lab.log")
        lab = conftest.Lab(url, token, notebooks, browser.new_context(viewport={"width": 1100, "height": 1400}))
        lab.write("pane.ipynb", [pane_page.SHOW.format(url=base, name="main").replace("gemini-x", MODEL)])
        page = lab.open("pane.ipynb")
        stack.callback(lab.close, page)
        page.evaluate(conftest.RUN_ALL)
        page.wait_for_selector(pane_page.IDLE, timeout=60_000)
        page.wait_for_selector(".gmc-welcome h3", timeout=60_000)
        yield page


if __name__ == "__main__":
    sys.stdout.write(json.dumps(measured(sys.argv[1])) + "\n")
