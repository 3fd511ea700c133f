"""Answers to show in a notebook of a test: imported by the kernel, which has this folder on its path."""

from __future__ import annotations

import base64
import itertools
import json
import struct
import zlib
from pathlib import Path

from IPython.display import HTML, Markdown, display

from gemini_magic.display.cards import ErrorLine, RequestCard, reply_bundle, usage_table
from gemini_magic.display.notebook import NotebookRenderer
from gemini_magic.events import Event, PartReceived, TextDelta, ThoughtDelta
from gemini_magic.exceptions import ConfigError
from gemini_magic.reply import Reply
from gemini_magic.wire import GenerateContentResponse

CORPUS = Path(__file__).parent.parent / "data" / "xss.jsonl"
CONTEXTS = (
    "{0}",
    "- {0}",
    "| a |\n|---|\n| {0} |",
    "> {0}",
    "```html\n{0}\n```",
    "# {0}",
    "[{0}](https://ok.example/)",
)
THOUGHTS = "**Weighing the two ways**\n\nFirst I look at the sum, then at its limit."
ANSWER = r"""## A sum that has a limit

The series $\sum_{n=1}^{\infty} \frac{1}{n^2}$ converges, and **Euler** found where:

$$
\sum_{n=1}^{\infty} \frac{1}{n^2} = \frac{\pi^2}{6} \approx 1.6449
$$

Two ways to see it, at about $5 and $10 of effort:

1. compare with the integral of `1/x**2`, or
2. let Python add up, as below; see [the handbook](https://example.org/series) for more.

```python
def partial_sum(count: int) -> float:
    # Adding small terms first keeps the error small.
    return sum(1 / n**2 for n in range(count, 0, -1))


print(f"{partial_sum(10_000):.4f}")
```

| terms | partial sum | error |
|------:|------------:|:-----:|
| 10 | 1.5498 | 6 % |
| 1,000 | 1.6439 | 0.06 % |
| 100,000 | 1.6449 | < 0.001 % |

### What to take away

> Slowly convergent series reward patience, or a better method.

- The error falls like $1/n$.
- ~~Adding more terms~~ *Extrapolation* gets there faster.
"""


def picture(width: int = 320, height: int = 90) -> str:
    """A PNG with a gradient, in base64."""
    rows = b"".join(
        b"\0" + bytes(channel for x in range(width) for channel in (60 + x // 3, 90 + y, 200 - x // 4))
        for y in range(height)
    )
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    framed = (
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"".join(framed)).decode()


def payloads(host: str) -> list[tuple[int, str]]:
    """The corpus with its placeholders filled: a call with the payload's number, and the listener's address."""
    lines = map(json.loads, CORPUS.read_text().splitlines())
    return [(number, filled(line["payload"], number, host)) for number, line in enumerate(lines)]


def filled(payload: str, number: int, host: str) -> str:
    """One payload with its placeholders filled."""
    port = host.rpartition(":")[2]
    return payload.replace("@RUN@", f"__fired({number})").replace("@HOST@", host).replace("@PORT@", port)


def in_contexts(payload: str) -> str:
    """A payload in every place of a Markdown document."""
    return "\n\n".join(context.format(payload) for context in CONTEXTS)


def reply_of(*parts: dict[str, object], thoughts: int = 0, reason: str | None = "STOP") -> Reply:
    """A reply of these parts."""
    usage = {"promptTokenCount": 42, "candidatesTokenCount": 318, "thoughtsTokenCount": thoughts}
    body = {
        "candidates": [{"content": {"role": "model", "parts": list(parts)}, "finishReason": reason}],
        "usageMetadata": usage,
        "modelVersion": "gemini-3-flash",
    }
    return Reply.from_response(GenerateContentResponse.model_validate(body), model="gemini-3-flash")


def stream(reply: Reply, *, pieces: int, whole_cell: bool = True, finish: bool = True) -> None:
    """Show a reply in the running cell as if it came in this many pieces of text, each of them drawn."""
    renderer = NotebookRenderer(clock=itertools.count().__next__, whole_cell=whole_cell)
    renderer.begin(reply.model)
    for event in events_of(reply, pieces):
        renderer.handle(event)
    if finish:
        renderer.finish(reply, seconds=3.2)


def events_of(reply: Reply, pieces: int) -> list[Event]:
    """The events of a reply whose texts arrive in this many pieces."""
    events: list[Event] = []
    for part in reply.parts:
        if part.text is None:
            events.append(PartReceived(part))
            continue
        kind = ThoughtDelta if part.thought else TextDelta
        size = max(1, len(part.text) // pieces)
        events += [kind(part.text[begin : begin + size]) for begin in range(0, len(part.text), size)]
    return events


def show_example(*, finish: bool = True) -> None:
    """Show the example answer: thoughts, headings, code, a table, formulas and an image."""
    image = {"inlineData": {"mimeType": "image/png", "data": picture()}}
    reply = reply_of({"text": THOUGHTS, "thought": True}, {"text": ANSWER}, image, thoughts=87)
    stream(reply, pieces=40, finish=finish)


def show_cards() -> None:
    """Show the small cards, and answers that ended otherwise than they should."""
    rows = [
        {"conversation": "default", "model": "gemini-3-flash", "calls": 12, "in": 18_204, "out": 3_977},
        {"conversation": "plots", "model": "gemini-3-pro", "calls": 3, "in": 912, "out": 1_310},
    ]
    body = {
        "contents": [{"role": "user", "parts": [{"text": "What is this?"}, {"inlineData": {"data": "A" * 132_040}}]}],
        "generationConfig": {"temperature": 0.2},
    }
    headers = {"x-goog-api-key": "secret", "content-type": "application/json"}
    cut = reply_of({"text": "The three largest lakes are **Baikal**, Tanganyika and"}, reason="MAX_TOKENS")
    call = reply_of({"functionCall": {"name": "weather", "args": {"city": "Oslo", "days": 3}}})
    display(
        usage_table(rows, {"conversation": "all", "calls": 15, "in": 19_116, "out": 5_287}),
        RequestCard("POST", "/v1beta/models/gemini-3-flash:generateContent", body, headers),
        ErrorLine(ConfigError("No key for profile google.", hint="Set GEMINI_API_KEY, or use --profile local.")),
    )
    display(reply_bundle(cut), raw=True)
    display(reply_bundle(call), raw=True)


def show_corpus(host: str, begin: int, end: int) -> None:
    """Show some payloads in every context, each answer as its own output, drawn several times while it arrives."""
    for _, payload in payloads(host)[begin:end]:
        stream(reply_of({"text": in_contexts(payload)}), pieces=2, whole_cell=False)


def show_corpus_as_one(host: str) -> None:
    """Show all payloads as one long answer, in blocks, with the same text as thoughts."""
    text = "\n\n".join(payload for _, payload in payloads(host))
    stream(reply_of({"text": text, "thought": True}, {"text": text}), pieces=40)


def show_raw(host: str, numbers: list[int]) -> None:
    """Show some payloads the way nobody should: as HTML and as Markdown that the page makes of them."""
    found = dict(payloads(host))
    for number in numbers:
        display(HTML(found[number]), Markdown(found[number]))
