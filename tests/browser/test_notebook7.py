"""The chat pane and one streaming cell in Notebook 7, whose page is another than JupyterLab's."""

from __future__ import annotations

import secrets
import subprocess
import sys
from contextlib import suppress

import pytest
from browser.conftest import _environment, _free_port, _wait_for
from browser.pane_page import IDLE, SHOW, ask, composer
from wire_server import Say, answer, event

pytestmark = pytest.mark.browser

RUN = """cell => {
    const {content} = jupyterapp.shell.currentWidget;
    content.activeCellIndex = cell;
    return jupyterapp.commands.execute('notebook:run-cell');
}"""
READY = """() => {
    const session = window.jupyterapp?.shell?.currentWidget?.sessionContext?.session;
    return session?.kernel?.connectionStatus === 'connected' && session.kernel.status === 'idle';
}"""
CELLS = "() => jupyterapp.shell.currentWidget.model.sharedModel.cells.map(cell => cell.getSource())"
CELL = """%load_ext gemini_magic
import os
os.environ["KEY_OF_TEST"] = "key-of-a-test-0123456789"
from pathlib import Path
Path("gemini.toml").write_text('''[profiles.here]
base_url = "{url}"
key_variable = "KEY_OF_TEST"
''')
os.environ["GEMINI_MAGIC_CONFIG"] = str(Path("gemini.toml").absolute())"""
ASK = "%%gemini --profile here -m gemini-x\nWhich colour has the sky?"
CODE = "Here:\n\n```python\nprint(40 + 2)\n```\n"


@pytest.fixture
def notebook7(lab, tmp_path):
    """A Notebook 7 on the folder of the notebooks: `open(name)` gives a page with one of them."""
    home = tmp_path / "home7"
    home.mkdir()
    port, token = _free_port(), secrets.token_hex(16)
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "jupyter", "notebook", "--no-browser", "--allow-root", "--ip=127.0.0.1"]
    command += [f"--port={port}", "--ServerApp.port_retries=0", f"--IdentityProvider.token={token}"]
    command += [f"--ServerApp.root_dir={lab.folder}", "--JupyterNotebookApp.expose_app_in_browser=True"]
    with (home / "notebook.log").open("wb") as log:
        server = subprocess.Popen(command, env=_environment(home), cwd=lab.folder, stdout=log, stderr=log)  # noqa: S603
    pages = []

    def opened(name: str):
        page = lab.context.new_page()
        pages.append(page)
        page.goto(f"{url}/notebooks/{name}?token={token}")
        page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
        page.wait_for_function(READY, timeout=60_000)
        return page

    try:
        _wait_for(server, f"{url}/api/status?token={token}", home / "notebook.log")
        yield opened
    finally:
        for page in pages:
            with suppress(Exception):
                page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.shutdown()")
            page.close()
        server.terminate()
        server.wait(20)


def test_a_pane_and_a_cell_work_in_notebook_7(lab, notebook7, wire):
    lab.write("seven.ipynb", [SHOW.format(url=wire.url, name="main"), CELL.format(url=wire.url), ASK])
    page = notebook7("seven.ipynb")
    page.evaluate(RUN, 0)
    page.wait_for_selector(IDLE, timeout=60_000)
    wire.answers(answer("Blue, ", "*mostly*."))
    ask(page, "Which colour?")
    assert page.locator(".gmc-answer-body").inner_text().strip() == "Blue, mostly."

    wire.answers(Say([event("It is "), event("so ")], framing="chunked", ending="hang"))
    composer(page).fill("Why?")
    composer(page).press("Enter")
    page.wait_for_selector("article.gmc-live:has-text('It is so')")
    page.locator(".gmc-send[data-mode=stop]").click()
    page.wait_for_selector("article.gmc-interrupted")
    assert wire.closed_by_client.wait(10)

    wire.answers(answer(CODE))
    ask(page, "And in Python?")
    page.locator(".gm-code [aria-label^=Insert]").click()
    page.wait_for_function(f"({CELLS})().length === 4")
    assert page.evaluate(CELLS)[1] == "print(40 + 2)"

    page.evaluate(RUN, 2)
    wire.answers(answer("The sky is ", "**blue**."))
    page.evaluate(RUN, 3)
    page.locator(".jp-Notebook .jp-Cell").nth(3).locator("section.gm strong", has_text="blue").wait_for()
