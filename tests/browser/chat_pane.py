"""A chat pane in a real notebook page, and the gateway that its kernel asks."""

from __future__ import annotations

import itertools
import json
import re
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from playwright.sync_api import Locator, Page, expect
from wire_server import Say

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from wire_server import WireServer

PATIENCE = 15_000  # milliseconds, far above anything that is expected
ONE_SECOND = 1_000
KEY = "planted-key-0123456789-abcdefghijklmnop"
USAGE = {"promptTokenCount": 12, "candidatesTokenCount": 30, "totalTokenCount": 42}
CONFIG = 'profile = "here"\n[profiles.here]\nbase_url = "{url}"\nkey_variable = "KEY_OF_TEST"\nmodel = "gemini-x"\n'
SETUP = """
import os
os.environ["GEMINI_MAGIC_CONFIG"] = {config!r}
os.environ["KEY_OF_TEST"] = {key!r}
%load_ext gemini_magic
import gemini_magic as gm
"""
BUSY = """
import pathlib, time
while not pathlib.Path({flag!r}).exists():
    time.sleep(0.01)
"""
RUN = """async ([cell, source]) => {
    const {content} = jupyterapp.shell.currentWidget;
    content.activeCellIndex = cell;
    content.widgets[cell].model.sharedModel.setSource(source);
    const late = (_, fail) => setTimeout(() => fail(new Error('the cell does not end')), 30000);
    await Promise.race([jupyterapp.commands.execute('notebook:run-cell'), new Promise(late)]);
}"""
START = RUN.replace("await Promise", "Promise")
SOURCES = "() => jupyterapp.shell.currentWidget.model.sharedModel.cells.map(cell => cell.getSource())"
DELETE = "cell => jupyterapp.shell.currentWidget.model.sharedModel.deleteCell(cell)"
# A change of the theme by JupyterLab's own command takes the focus away, and with it menus and lists.
DARKEN = """async () => {
    const theme = document.createElement('link');
    Object.assign(theme, {id: 'darkened', rel: 'stylesheet'});
    theme.href = '/lab/api/themes/@jupyterlab/theme-dark-extension/index.css';
    await new Promise(done => { theme.onload = done; document.body.append(theme) });
    document.body.dataset.jpThemeLight = 'false';
}"""
LIGHTEN = """() => {
    document.getElementById('darkened').remove();
    document.body.dataset.jpThemeLight = 'true';
}"""
FRAME = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"

expect.set_options(timeout=PATIENCE)


def said(*parts: dict[str, Any], finish: str | None = None, **candidate: Any) -> bytes:
    """One server-sent event with these parts."""
    ended = {"finishReason": finish} if finish else {}
    whole = {"content": {"role": "model", "parts": list(parts)}, "index": 0, **ended, **candidate}
    return b"data: " + json.dumps({"candidates": [whole], "usageMetadata": USAGE}).encode() + b"\r\n\r\n"


class Gated:
    """An answer whose pieces the server holds back until they are let out."""

    def __init__(self, *pieces: bytes) -> None:
        self._open = [threading.Event() for _ in pieces]
        self.say = Say(list(pieces), framing="chunked", before_piece=lambda number: self._open[number].wait(60))

    def let_out(self, *numbers: int) -> None:
        """Let these pieces out, or all."""
        for number in numbers or range(len(self._open)):
            self._open[number].set()


class Pane:
    """One view of a conversation, as a person has it before them."""

    def __init__(self, root: Locator) -> None:
        self.root = root
        self.page: Page = root.page
        self.name = root.locator(".gmc-name")
        self.area = root.locator(".gmc-composer textarea")
        self.send = root.locator(".gmc-send")
        self.questions = root.locator("article.gmc-question")
        self.answers = root.locator("article.gmc-answer")
        self.live = root.locator("article.gmc-live")
        self.notices = root.locator(".gmc-notice-lines .gmc-notice")
        self.chips = root.locator(".gmc-tray .gmc-chip")
        self.aloud = root.locator("[role=status].gmc-aloud")

    def ready(self) -> Pane:
        """Wait until the kernel has told it everything."""
        expect(self.root).to_have_count(1)
        expect(self.button("Attach files")).to_be_enabled()
        return self

    def button(self, name: str | re.Pattern[str]) -> Locator:
        """The buttons of this name."""
        return self.root.get_by_role("button", name=name, exact=isinstance(name, str))

    def ask(self, text: str) -> None:
        """Write a question and send it by Enter."""
        self.area.fill(text)
        self.area.press("Enter")

    def asked(self, text: str, said: str | re.Pattern[str] = "Yes.") -> None:
        """Ask, and wait for the whole answer."""
        self.ask(text)
        expect(self.questions.last.locator(".gmc-plain")).to_have_text(text)
        self.says(said)

    def says(self, said: str | re.Pattern[str]) -> None:
        """Wait until the last answer is complete and says this."""
        expect(self.answers.last.locator(".gmc-answer-body")).to_contain_text(said)
        self.is_idle()

    def is_idle(self) -> None:
        """Wait until nothing is being answered."""
        expect(self.root).not_to_have_class(re.compile("gmc-busy"))
        expect(self.live).to_have_count(0)

    def texts(self) -> list[str]:
        """Questions and answers in their order."""
        shown = ".gmc-turns > article :is(.gmc-bubble, .gmc-answer-body)"
        return self.root.locator(shown).all_inner_texts()

    def menu(self, entry: str) -> None:
        """Choose an entry of the menu."""
        self.button("More").click()
        self.root.get_by_role("menuitem", name=entry, exact=True).click()

    @contextmanager
    def width(self, pixels: int) -> Iterator[None]:
        """As narrow as this for a while."""
        self.root.evaluate("(root, width) => { root.parentElement.style.width = width }", f"{pixels}px")
        self.page.evaluate(FRAME)
        yield
        self.root.evaluate("root => { root.parentElement.style.width = '' }")

    def photograph(self, folder: Path, name: str) -> None:
        """Take it as it is now: light, narrow, and dark."""
        self.root.screenshot(path=folder / f"pane-{name}-light.png")
        with self.width(300):
            self.root.screenshot(path=folder / f"pane-{name}-narrow.png")
        self.page.evaluate(DARKEN)
        self.root.screenshot(path=folder / f"pane-{name}-dark.png")
        self.page.evaluate(LIGHTEN)


class ChatNotebook:
    """A notebook page whose cells are run one at a time.

    The first cell is the setup's, the second is for panes, the others are for what else there is to run.
    """

    def __init__(self, page: Page, gateway: WireServer) -> None:
        self.page = page
        self.gateway = gateway
        self.numbers = itertools.count(1)

    def run(self, source: str, cell: int = 2) -> None:
        """Run this in a cell, and wait for its end."""
        self.page.evaluate(RUN, [cell, source])

    @contextmanager
    def busy(self, folder: Path) -> Iterator[None]:
        """Keep the kernel busy with a cell for a while."""
        prompt, flag = self.page.locator(".jp-InputPrompt").nth(2), folder / "go"
        self.page.evaluate(START, [2, BUSY.format(flag=str(flag))])
        expect(prompt).to_have_text("[*]:")
        try:
            yield
            expect(prompt).to_have_text("[*]:")
        finally:
            flag.touch()
            expect(prompt).not_to_have_text("[*]:")

    def show(self, source: str, cell: int = 1) -> Pane:
        """Run a cell that shows a pane."""
        self.run(source, cell)
        return self.pane(cell).ready()

    def pane(self, cell: int = 1) -> Pane:
        """The pane below a cell."""
        return Pane(self.page.locator(".jp-Notebook .jp-Cell").nth(cell).locator(".gm-chat"))

    def sources(self) -> list[str]:
        """What stands in the cells."""
        return self.page.evaluate(SOURCES)

    def delete(self, cell: int) -> None:
        """Take a cell away."""
        self.page.evaluate(DELETE, cell)

    def clear(self, *cells: int) -> None:
        """Empty these cells, and what is below them."""
        for cell in cells:
            self.run("", cell)

    def request(self, number: int = -1) -> Any:
        """The body of a request that the gateway has got."""
        return [seen for seen in self.gateway.seen if seen.method == "POST"][number].json()

    def asked(self, number: int = -1) -> list[str]:
        """The texts of a request, one for each of its turns."""
        contents = self.request(number)["contents"]
        return ["".join(part.get("text", "") for part in content["parts"]) for content in contents]
