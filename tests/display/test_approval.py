from __future__ import annotations

import threading
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from IPython.core.displaypub import CapturingDisplayPublisher
from ipywidgets.widgets import widget as ipywidgets_widget
from traitlets.config import Config

from gemini_magic.display.approval import PATIENCE, CellApprover
from gemini_magic.display.base import approver_for
from gemini_magic.display.leave_card import LeaveCard, shown

VIEW = "application/vnd.jupyter.widget-view+json"


class Nobody(Exception):
    """Nobody answers."""


@dataclass
class Pending:
    name: str = "get_weather"
    args: dict[str, Any] = field(default_factory=lambda: {"city": "Oslo"})
    description: str = "The weather of a city."
    number: int = 0
    behind: int = 0


class Typed:
    """Answers by keyboard."""

    def __init__(self, leave: str = "run") -> None:
        self.leave, self.asked = leave, []

    def ask(self, pending: Pending) -> str:
        self.asked.append(pending)
        return self.leave


class Page:
    """A front end: gets outputs, and does with a card what its person does."""

    def __init__(self, *messages: object) -> None:
        self.messages = messages
        self.outputs: dict[str | None, dict[str, Any]] = {}
        self.cards: list[LeaveCard] = []
        self.threads: list[threading.Thread] = []

    def show(self, bundle, display_id=None, metadata=None) -> None:  # noqa: ARG002
        self.outputs[display_id] = bundle
        card = ipywidgets_widget._instances[bundle[VIEW]["model_id"]]
        self.cards.append(card)
        self.threads.append(threading.Thread(target=self._speak, args=(card,)))
        self.threads[-1].start()

    def update(self, bundle, display_id, metadata=None) -> None:  # noqa: ARG002
        self.outputs[display_id] = bundle

    def clear(self) -> None: ...

    def _speak(self, card: LeaveCard) -> None:
        for message in self.messages:
            tell(card, message)


def tell(card: LeaveCard, message: object) -> None:
    """What comes from the browser."""
    card._handle_msg({"content": {"data": {"method": "custom", "content": message}}, "buffers": []})


def kernel_shell(*, stdin: bool = True, subshells: bool = True, display_pub: object = None) -> Any:
    thread = threading.current_thread() if subshells else None
    kernel = SimpleNamespace(_allow_stdin=stdin, shell_channel_thread=thread)
    return SimpleNamespace(kernel=kernel, display_pub=display_pub)


def approver(page: Page, typed: Typed, **given: Any) -> CellApprover:
    shell = given.pop("shell", None) or kernel_shell()
    return CellApprover(shell, typed, nobody=Nobody, screen=page, **given)


HELLO = {"type": "hello"}


@pytest.mark.parametrize("leave", ["run", "all", "deny"])
def test_the_button_that_is_pressed_is_the_answer_and_the_card_goes_away(leave):
    page, typed = Page(HELLO, {"type": "leave", "leave": leave}), Typed()
    assert approver(page, typed).ask(Pending()) == leave
    assert typed.asked == []
    assert list(page.outputs.values()) == [{"text/plain": ""}]
    (card,) = page.cards
    assert card.comm is None


def test_no_widget_is_left_behind():
    before = set(ipywidgets_widget._instances)
    approver(Page(HELLO, {"type": "leave", "leave": "run"}), Typed()).ask(Pending())
    assert set(ipywidgets_widget._instances) == before


@pytest.mark.parametrize("strange", ["", "hello", None, 7, {}, {"type": "leave"}, {"type": "leave", "leave": "always"}])
def test_only_the_three_answers_are_answers(strange):
    page = Page(HELLO, strange, {"type": "leave", "leave": "deny"}, {"type": "leave", "leave": "run"})
    assert approver(page, Typed()).ask(Pending()) == "deny"


def test_a_front_end_that_is_not_heard_gets_a_typed_prompt_and_is_not_waited_for_again(hand_clock):
    class Passing:
        def __call__(self) -> float:
            hand_clock.move(PATIENCE)
            return hand_clock()

    page, typed = Page(), Typed("all")
    asking = approver(page, typed, clock=Passing())
    assert asking.ask(Pending()) == "all"
    assert list(page.outputs.values()) == [{"text/plain": ""}]
    assert asking.ask(Pending()) == "all"
    assert len(page.outputs) == 1
    assert len(typed.asked) == 2


def test_a_kernel_that_hears_nothing_while_a_cell_runs_asks_by_typed_prompt_at_once():
    page, typed = Page(), Typed("deny")
    assert approver(page, typed, shell=kernel_shell(subshells=False)).ask(Pending()) == "deny"
    assert page.outputs == {}


def test_where_outputs_are_captured_nobody_would_see_a_card():
    page, typed = Page(), Typed("run")
    shell = kernel_shell(display_pub=CapturingDisplayPublisher(config=Config()))
    assert approver(page, typed, shell=shell).ask(Pending()) == "run"
    assert page.outputs == {}


def test_where_programs_run_notebooks_the_typed_prompt_says_that_nobody_is_there():
    class NoKeyboard(Typed):
        def ask(self, pending: Pending) -> str:
            raise Nobody(pending.name)

    page = Page()
    with pytest.raises(Nobody):
        approver(page, NoKeyboard(), shell=kernel_shell(stdin=False)).ask(Pending())
    assert page.outputs == {}


def test_a_job_in_the_background_of_such_a_notebook_is_refused():
    page, typed = Page(), Typed()
    asking = approver(page, typed, shell=kernel_shell(stdin=False), background=True)
    with pytest.raises(Nobody, match="get_weather needs leave to run, and there is nobody here"):
        asking.ask(Pending())
    assert page.outputs == {}
    assert typed.asked == []


def test_a_job_in_the_background_waits_for_a_page_that_is_not_heard_yet_and_needs_no_subshells(hand_clock):
    waiting = threading.Event()

    def clock() -> float:
        hand_clock.move(PATIENCE)
        return hand_clock()

    def stopped() -> bool:
        waiting.set()
        return False

    page, typed = Page(), Typed()
    shell = kernel_shell(subshells=False)
    asking = approver(page, typed, shell=shell, background=True, clock=clock, stopped=stopped)
    answers: list[str] = []
    thread = threading.Thread(target=lambda: answers.append(asking.ask(Pending())))
    thread.start()
    assert waiting.wait(30)
    (card,) = page.cards
    tell(card, HELLO)
    tell(card, {"type": "leave", "leave": "run"})
    thread.join(30)
    assert answers == ["run"]
    assert typed.asked == []


def test_a_job_that_is_stopped_waits_no_longer():
    page = Page(HELLO)
    asking = approver(page, Typed(), background=True, stopped=lambda: True)
    with pytest.raises(KeyboardInterrupt):
        asking.ask(Pending())
    assert list(page.outputs.values()) == [{"text/plain": ""}]


def test_the_card_shows_the_whole_call_and_how_many_wait():
    call = shown(Pending(behind=2))
    assert "".join(call["question"]) == "May the model run get_weather?"
    assert "".join(text for _, text in call["code"]) == 'get_weather(city="Oslo")'
    assert call["about"] == "The weather of a city."
    assert call["behind"] == "2 more calls wait behind this one."
    assert shown(Pending(behind=1))["behind"] == "1 more call waits behind this one."
    assert shown(Pending())["behind"] == ""
    (_, *all_of_it) = call["buttons"][1]
    assert all_of_it == ["Run all", "Run this and every further call of get_weather for this question"]


def test_a_long_call_has_a_line_for_each_argument():
    call = shown(Pending(args={"text": "x" * 70, "now": True}))
    source = "".join(text for _, text in call["code"])
    assert source == 'get_weather(\n    text="' + "x" * 70 + '",\n    now=true,\n)'


def test_nothing_hides_in_a_call(payloads):
    for payload in payloads:
        call = shown(Pending(args={payload: payload}, description=payload))
        words = "".join([call["about"], *(text for _, text in call["code"])])
        assert not set(words) & set("\x1b\x9b\u202e\u2066\u200b")


def test_the_card_carries_text_and_no_page():
    card = LeaveCard(Pending())
    assert "innerHTML" not in card._esm
    assert set(card.bundle) == {VIEW, "text/plain"}
    assert card.bundle["text/plain"] == 'Waiting for leave to run get_weather(city="Oslo") …'
    assert "get_weather" in repr(card)
    card.close()


def test_the_files_of_the_card_fetch_nothing():
    card = LeaveCard(Pending())
    for source in (card._esm, card._css):
        assert "http" not in source
        assert "import" not in source
        assert "url(" not in source
    card.close()


def test_outside_of_a_kernel_there_is_the_typed_prompt_alone():
    assert approver_for(None, Typed(), nobody=Nobody) is None
    assert approver_for(SimpleNamespace(kernel=None), Typed(), nobody=Nobody) is None
    assert isinstance(approver_for(kernel_shell(), Typed(), nobody=Nobody), CellApprover)
