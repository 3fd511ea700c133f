"""Replies to show, a screen that remembers, and a clock that is moved by hand."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import html5lib
import pytest

from gemini_magic.events import Event, TextDelta
from gemini_magic.reply import Reply
from gemini_magic.wire import GenerateContentResponse

if TYPE_CHECKING:
    from collections.abc import Mapping

ENVELOPE = 700
ANSWERS = Path(__file__).parent.parent / "data" / "answers"
CORPUS = Path(__file__).parent.parent / "data" / "xss.jsonl"


class RecordingScreen:
    """What a notebook would show, and what went over the wire to get there."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, dict[str, str], str | None]] = []
        self.outputs: list[tuple[str | None, dict[str, str]]] = []
        self.metadata: list[Mapping[str, Any]] = []
        self._clear = False

    def show(
        self, bundle: Mapping[str, str], display_id: str | None = None, metadata: Mapping[str, Any] | None = None
    ) -> None:
        self.metadata += [metadata] if metadata else []
        if self._clear:
            self.outputs, self._clear = [], False
        self.messages.append(("show", dict(bundle), display_id))
        self.outputs.append((display_id, dict(bundle)))

    def update(self, bundle: Mapping[str, str], display_id: str, metadata: Mapping[str, Any] | None = None) -> None:
        self.metadata += [metadata] if metadata else []
        self.messages.append(("update", dict(bundle), display_id))
        self.outputs = [(key, dict(bundle) if key == display_id else shown) for key, shown in self.outputs]

    def clear(self) -> None:
        self.messages.append(("clear", {}, None))
        self._clear = True

    @property
    def html(self) -> str:
        return "".join(bundle.get("text/html", "") for _, bundle in self.outputs)

    @property
    def wire_bytes(self) -> int:
        sizes = (len(json.dumps(bundle, ensure_ascii=False).encode()) for _, bundle, _ in self.messages)
        return sum(size + ENVELOPE for size in sizes)


class HandClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def move(self, seconds: float) -> None:
        self.now += seconds


class Replies:
    """Makes replies as a server would send them."""

    @staticmethod
    def of(*parts: dict[str, Any] | str, reason: str | None = "STOP", **more: Any) -> Reply:
        contents = [{"text": part} if isinstance(part, str) else part for part in parts]
        candidate = {"content": {"role": "model", "parts": contents}, "finishReason": reason}
        if reason is None:
            del candidate["finishReason"]
        return Replies.raw({"candidates": [candidate], "modelVersion": "test-model", **more})

    @staticmethod
    def raw(body: dict[str, Any], **more: Any) -> Reply:
        return Reply(GenerateContentResponse.model_validate(body), **more)

    @staticmethod
    def pieces(text: str, size: int) -> list[Event]:
        return [TextDelta(text[begin : begin + size]) for begin in range(0, len(text), size)]


TAGS = set("a blockquote br code div em h1 h2 h3 h4 h5 h6 hr li ol p pre s span strong table".split())  # noqa: SIM905
TAGS |= {"tbody", "td", "th", "thead", "tr", "ul"}
OURS = TAGS | {"b", "caption", "details", "figure", "section", "summary", "sup", "audio", "iframe", "img"}
ATTRIBUTES = {
    "a": {"href", "target", "rel", "title"},
    "ol": {"start"},
    "audio": {"controls", "preload", "src", "aria-label"},
    "img": {"alt", "src"},
    "iframe": {"class", "title", "sandbox", "referrerpolicy", "loading", "srcdoc"},
    "span": {"class", "title"},
    "section": {"class", "aria-label"},
    "figure": {"class", "aria-label"},
    "div": {"class", "role", "tabindex", "aria-label"},
    "th": {"class", "scope"},
    "details": {"class", "open", "aria-label"},
}
PLAIN = {"class", "role"}
CARRIED = re.compile(r"data:(image/(png|jpeg|webp|gif)|audio/[a-z0-9]+);base64,[A-Za-z0-9+/=]*")
FRAMED_ADDRESS = re.compile(r"(https?://|data:image/(png|jpeg|gif|webp);base64,)")
FORBIDDEN_IN_FRAMES = {"script", "iframe", "object", "embed", "form", "link", "base", "input", "template", "portal"}


def assert_ours(html: str) -> None:
    """Parse a whole answer as a browser would, and look at every element, also of the pages in its frames."""
    html = re.sub(r"^<style>.*?</style>", "", html, flags=re.DOTALL)
    for node in html5lib.parseFragment(html, namespaceHTMLElements=False).iter():
        if node.tag == "DOCUMENT_FRAGMENT":
            continue
        assert node.tag in OURS, node.tag
        assert set(node.attrib) <= ATTRIBUTES.get(node.tag, set()) | PLAIN, (node.tag, node.attrib)
        if "href" in node.attrib:
            assert re.match(r"(https?://[A-Za-z0-9\\[]|mailto:)", node.attrib["href"]), node.attrib["href"]
            assert (node.attrib["rel"], node.attrib["target"]) == ("noopener noreferrer nofollow", "_blank")
        if "src" in node.attrib:
            assert CARRIED.fullmatch(node.attrib["src"])
        if node.tag == "iframe":
            assert node.attrib["sandbox"] == "allow-popups allow-popups-to-escape-sandbox"
            assert_framed(node.attrib["srcdoc"])


def assert_framed(page: str) -> None:
    """Look at the page in a frame: it may look like anything, and neither run nor fetch."""
    assert page.startswith(
        '<!DOCTYPE html><html><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy"'
    )
    document = html5lib.parse(page, namespaceHTMLElements=False)
    assert "default-src 'none'" in document.findall(".//meta")[1].attrib["content"]
    for node in document.find("body").iter():
        tag = node.tag.rpartition("}")[2] if isinstance(node.tag, str) else "comment"
        assert tag not in FORBIDDEN_IN_FRAMES | {"meta", "comment"}, tag
        for name, value in node.attrib.items():
            assert not str(name).lower().startswith("on"), name
            if str(name).rpartition("}")[2] in {"href", "src", "action", "formaction", "data", "srcset", "ping"}:
                assert FRAMED_ADDRESS.match(value), (name, value)


@pytest.fixture(scope="session")
def ours():
    """Check that a whole answer consists of what answers may consist of."""
    return assert_ours


@pytest.fixture(scope="session")
def framed_page():
    """Check that a page in a frame neither runs nor fetches."""
    return assert_framed


@pytest.fixture(scope="session")
def own_answers() -> dict[str, Reply]:
    """Our own small bodies, by the name of the kind of answer they are."""
    files = sorted(ANSWERS.glob("*.json"))
    return {path.stem: Replies.raw(json.loads(path.read_text())) for path in files}


@pytest.fixture
def screen() -> RecordingScreen:
    return RecordingScreen()


@pytest.fixture
def hand_clock() -> HandClock:
    return HandClock()


@pytest.fixture
def replies() -> type[Replies]:
    return Replies


@pytest.fixture(scope="session")
def payloads() -> list[str]:
    """The corpus of hostile texts with its placeholders filled."""
    lines = map(json.loads, CORPUS.read_text().splitlines())
    return [
        line["payload"].replace("@RUN@", "run()").replace("@HOST@", "http://127.0.0.1:9").replace("@PORT@", "9")
        for line in lines
    ]
