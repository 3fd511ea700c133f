"""An engine with a gateway on this machine, and somebody who writes down what it says."""

from __future__ import annotations

import json
import threading
import time
from types import SimpleNamespace

import pytest
from widget.calling import Weather

from gemini_magic import tools
from gemini_magic.chat import Conversation, Registry
from gemini_magic.client import Client
from gemini_magic.ledger import Ledger
from gemini_magic.widget.engine import Engine
from gemini_magic.widget.notebook import Notebook

PATIENCE = 20.0  # far above anything that is expected; a test that needs it has failed
ENVELOPE = 650  # bytes around a comm message on its way to the browser


class Pane:
    """A browser's side of an engine: sends messages, and keeps all that come."""

    def __init__(self, chat, **options):
        self.came = []
        self.buffers = []
        self._news = threading.Condition()
        self._asked = 0
        self.engine = Engine(chat, self._take, **options)

    def _take(self, message, buffers):
        with self._news:
            self.came.append(json.loads(json.dumps(message)))
            self.buffers.append(buffers)
            self._news.notify_all()

    def tell(self, kind, *buffers, **fields):
        self.engine.receive({"type": kind, **fields}, list(buffers))

    def ask(self, kind, *buffers, **fields):
        """Send a request, and wait for its reply."""
        self._asked += 1
        name = f"r{self._asked}"
        self.tell(kind, *buffers, id=name, **fields)
        return self.wait(lambda message: message.get("to") == name)

    def wait(self, fits, after=0):
        """The first message that fits, from a place on, when it has come."""
        with self._news:
            found = self._news.wait_for(lambda: [one for one in self.came[after:] if fits(one)], PATIENCE)
        assert found, f"only {[one['type'] for one in self.came[after:]]} came"
        return found[0]

    def wait_for(self, kind, after=0, **fields):
        return self.wait(
            lambda one: one["type"] == kind and all(one.get(name) == value for name, value in fields.items()), after
        )

    def send(self, text, *files):
        """Ask a question, and wait until the answer is over; returns what came of it."""
        begin = len(self.came)
        listed = [
            {"name": name, "mime": "", "size": len(data), "buffer": place} for place, (name, data) in enumerate(files)
        ]
        reply = self.ask("send", *(memoryview(data) for _, data in files), text=text, attachments=listed)
        assert reply.get("ok"), reply
        self.idle(begin)
        return next((one["view"] for one in self.came[begin:] if one["type"] == "done"), None)

    def idle(self, after=0):
        self.wait_for("status", after, state="idle")

    def kinds(self, begin=0):
        return [one["type"] for one in self.came[begin:]]

    def of(self, kind, begin=0):
        return [one for one in self.came[begin:] if one["type"] == kind]

    @property
    def state(self):
        """What a view is told that says hello now."""
        begin = len(self.came)
        self.tell("hello", view="v", binary=True, locale="en")
        return self.wait_for("snapshot", begin)["state"]

    def weight(self, begin=0):
        """Bytes on the way to the browser."""
        whole = [{"method": "custom", "content": one} for one in self.came[begin:]]
        return sum(len(json.dumps(one, ensure_ascii=False).encode()) + ENVELOPE for one in whole)

    def close(self):
        self.engine.close()


@pytest.fixture(autouse=True)
def own_notebook(monkeypatch, tmp_path):
    """No pane finds what the developer's own notebooks have saved."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("JPY_SESSION_NAME", str(tmp_path / "mine.ipynb"))


@pytest.fixture
def threads_end():
    """Whether all threads of panes have ended, after waiting for it."""

    def wait():
        until = time.monotonic() + PATIENCE
        while ours := [thread.name for thread in threading.enumerate() if thread.name.startswith("gemini-magic-")]:
            assert time.monotonic() < until, ours
            time.sleep(0.01)
        return True

    return wait


@pytest.fixture
def ledger():
    return Ledger()


@pytest.fixture
def client(wire, ledger):
    with Client(wire.url, model="gemini-x", auth="none", retries=0, ledger=ledger) as client:
        yield client


@pytest.fixture
def chat(client):
    return Conversation(client, name="main")


@pytest.fixture
def weather():
    return Weather()


@pytest.fixture
def get_weather(weather):
    return tools.tool(weather, name="get_weather", description="Looks out of the window.")


@pytest.fixture
def shell():
    """As much of an IPython shell as a pane asks for."""
    return SimpleNamespace(user_ns={}, user_ns_hidden={}, configurables=[])


@pytest.fixture
def registry():
    return Registry()


@pytest.fixture
def new_pane(shell):
    """Makes panes, and closes them in the end."""
    panes = []

    def make(chat, **options):
        panes.append(Pane(chat, **{"notebook": Notebook(shell), **options}))
        return panes[-1]

    yield make
    for pane in panes:
        pane.close()


@pytest.fixture
def pane(new_pane, chat):
    return new_pane(chat)
