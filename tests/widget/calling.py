"""A function for a model to call, answers that ask for calls, and a person who decides on them."""

from __future__ import annotations

import json

from wire_server import Say

from gemini_magic.widget.messages import joined


class Weather:
    """A function, and what it was called with."""

    def __init__(self):
        self.cities = []

    def __call__(self, city: str) -> str:
        self.cities.append(city)
        if city == "Atlantis":
            raise LookupError("It has sunk.")
        return f"12 degrees in {city}"


def says(*parts, finish="STOP", **rest):
    """An answer with each part in an event of its own."""
    events = [{"candidates": [{"content": {"role": "model", "parts": [part]}}]} for part in parts]
    events[-1]["candidates"][0] |= {"finishReason": finish}
    events[-1] |= rest
    return Say([b"data: " + json.dumps(one).encode() + b"\r\n\r\n" for one in events], framing="chunked")


def call(city="Oslo", name="get_weather"):
    return {"functionCall": {"name": name, "args": {"city": city}}}


def go(pane, text="How warm?"):
    """Ask; returns where the messages of this question begin."""
    begin = len(pane.came)
    pane.tell("send", id=f"x{begin}", text=text, attachments=[])
    return begin


def asked(pane, after=0):
    """The next question for leave."""
    return pane.wait(lambda one: one["type"] == "approval" and "leave" not in one, after)


def decide(pane, question, leave):
    pane.tell("decide", turn=question["turn"], number=question["number"], leave=leave)


def decided(pane, begin, *leaves):
    """Answer questions for leave as they come; returns them, and the answer as it stays."""
    questions, after = [], begin
    for leave in leaves:
        questions.append(asked(pane, after))
        after = pane.came.index(questions[-1]) + 1
        decide(pane, questions[-1], leave)
    pane.idle(begin)
    return questions, pane.of("done", begin)[0]["view"]


def runs_in(view):
    return [part for part in view["answer"] if part["kind"] == "run"]


def streamed(pane, begin=0):
    parts = []
    for one in pane.of("delta", begin):
        joined(parts, one["parts"])
    return parts


def results_in(seen):
    contents = [content for content in seen.json()["contents"] if content["role"] == "user"]
    return [part["functionResponse"]["response"] for part in contents[-1]["parts"]]
