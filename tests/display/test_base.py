from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

from gemini_magic.display.base import QuietRenderer, renderer_for
from gemini_magic.display.notebook import NotebookRenderer
from gemini_magic.display.terminal import TerminalRenderer
from gemini_magic.events import TextDelta


def test_a_kernel_gets_a_notebook_and_everything_else_a_terminal():
    assert isinstance(renderer_for(SimpleNamespace(kernel=object())), NotebookRenderer)
    assert isinstance(renderer_for(SimpleNamespace()), TerminalRenderer)
    assert isinstance(renderer_for(None), TerminalRenderer)


def test_the_quiet_renderer_shows_nothing_and_keeps_notes(replies, capsys):
    renderer = QuietRenderer()
    renderer.begin("m")
    renderer.note("a note")
    renderer.handle(TextDelta("Hi"))
    renderer.finish(replies.of("Hi"), seconds=1)
    assert renderer.notes == ["a note"]
    assert capsys.readouterr() == ("", "")


def test_importing_the_protocol_is_light():
    heavy = {"IPython", "pydantic", "markdown_it", "nh3", "pygments", "httpx"}
    program = "import sys, gemini_magic.display.base; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)  # noqa: S603
    assert not heavy & set(loaded.stdout.split())
