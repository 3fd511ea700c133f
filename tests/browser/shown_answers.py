"""Answers to show in a notebook of a test: imported by the kernel, which has this folder on its path."""

from __future__ import annotations

import base64
import itertools
import json
import struct
import zlib
from pathlib import Path

from IPython.display import HTML, Markdown, display

from gemini_magic.display.base import MARKDOWN, View
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
LONG = 2_000
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


def stream(reply: Reply, *, pieces: int, whole_cell: bool = True, finish: bool = True, view: View = MARKDOWN) -> None:
    """Show a reply in the running cell as if it came in this many pieces of text, each of them drawn."""
    renderer = NotebookRenderer(clock=itertools.count().__next__, whole_cell=whole_cell, view=view)
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


def show_corpus_beside_the_text(host: str, begin: int, end: int) -> None:
    """Show some payloads in every place beside an answer's own text, as the candidates of one answer."""
    found = [payload for _, payload in payloads(host)[begin:end] if len(payload) < LONG]
    stream(reply_with([*map(hostile_candidate, found)]), pieces=1, whole_cell=False, view=View(logprobs=True))


def show_corpus_as_pages(host: str, begin: int, end: int) -> None:
    """Show some payloads as one page of HTML in its frame."""
    page = "\n".join(f"<div>{payload}</div>" for _, payload in payloads(host)[begin:end] if len(payload) < LONG)
    stream(reply_of({"text": page}), pieces=1, whole_cell=False, view=View("html"))


def hostile_candidate(payload: str) -> dict[str, object]:
    """A candidate with a payload in titles, addresses, suggestions, code, results, names and ratings."""
    pages = [{"web": {"uri": payload, "title": payload}}, {"web": {"uri": "https://ok.example/", "title": payload}}]
    grounding = {
        "groundingChunks": pages,
        "groundingSupports": [support("Well known. Really.", "Well known.", 0, 1)],
        "webSearchQueries": [payload],
        "searchEntryPoint": {"renderedContent": payload},
    }
    parts = [
        {"text": "Well known. Really."},
        {"executableCode": {"code": payload}},
        {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": payload}},
        {"inlineData": {"mimeType": payload, "data": "AAAA", "displayName": payload}},
        {"fileData": {"fileUri": payload, "mimeType": payload}},
        {"functionCall": {"name": payload, "args": {"x": payload}}},
        {"toolCall": {"toolType": payload, "args": {"x": payload}}},
    ]
    more = {
        "groundingMetadata": grounding,
        "citationMetadata": {"citationSources": [{"endIndex": 4, "uri": payload, "license": payload}]},
        "urlContextMetadata": {"urlMetadata": [{"retrievedUrl": payload, "urlRetrievalStatus": payload}]},
        "safetyRatings": [{"category": payload, "probability": "HIGH"}],
        "logprobsResult": {"chosenCandidates": [{"token": payload, "logProbability": -1}]},
        "finishReason": "SAFETY",
        "finishMessage": payload,
    }
    return candidate(*parts, **more)


def show_corpus_as_one(host: str) -> None:
    """Show all payloads as one long answer, in blocks, with the same text as thoughts."""
    text = "\n\n".join(payload for _, payload in payloads(host))
    stream(reply_of({"text": text, "thought": True}, {"text": text}), pieces=40)


def show_raw(host: str, numbers: list[int]) -> None:
    """Show some payloads the way nobody should: as HTML and as Markdown that the page makes of them."""
    found = dict(payloads(host))
    for number in numbers:
        display(HTML(found[number]), Markdown(found[number]))


def show_pieces() -> None:
    """Show the pieces that come with other than plain answers: marks, sources, code with its plot, sound."""
    for reply in (grounded_answer(), plotted_answer(), spoken_answer()):
        stream(reply, pieces=3, whole_cell=False)


def show_views() -> None:
    """Show the other views: several candidates, probabilities, JSON, code, a page, plain text."""
    stream(several_answers(), pieces=3, whole_cell=False)
    stream(measured_answer(), pieces=1, whole_cell=False, view=View(logprobs=True))
    record = 'Here it is:\n\n```json\n{"city": "Oslo", "sights": ["Vigeland", "the Opera"], "rain": true}\n```\n'
    stream(reply_of({"text": record}), pieces=3, whole_cell=False, view=View("json"))
    stream(reply_of({"text": ANSWER}), pieces=3, whole_cell=False, view=View("code"))
    stream(reply_of({"text": PAGE}), pieces=3, whole_cell=False, view=View("html"))
    stream(reply_of({"text": "A *plain* text,\n  as it $is$."}), pieces=3, whole_cell=False, view=View("text"))


PAGE = """```html
<!DOCTYPE html><html><head><title>x</title><style>body { font-family: serif } .card { border: 2px solid teal;
padding: 1em; border-radius: 1em; max-width: 20em }</style></head>
<body><h1>A page</h1><div class="card"><p>It has a style, and no script runs: <b id="b">still bold</b>.</p>
<script>document.getElementById('b').textContent = 'SCRIPT RAN'</script>
<a href="https://example.org/">a link</a></div></body></html>
```"""
ENTRY = """<style>.container { display: flex; align-items: center; background: #fafafa; border-radius: 8px;
padding: 8px 12px;
font-family: sans-serif; font-size: 14px; box-shadow: 0 0 0 1px #0000000f } .chip { border: 1px solid #d2d2d2;
border-radius: 16px; color: #5e5e5e; margin: 0 8px; padding: 5px 16px; text-decoration: none }</style>
<div class="container">
<svg width="18" height="18" viewBox="0 0 18 18"><circle cx="9" cy="9" r="8" fill="#4285F4"/></svg>
<a class="chip" href="https://www.google.com/search?q=tokyo+tower">tokyo tower height</a>
<a class="chip" href="https://www.google.com/search?q=skytree">skytree opening year</a></div>"""
GROUNDED = """The **Tokyo Tower** is 333 m high; 東京スカイツリーの高さは634メートルです。 Both are landmarks.

| tower | height |
|-------|-------:|
| Tokyo Tower | 333 m |
| Skytree | 634 m |

```python
difference = 634 - 333
```

So Skytree wins by $301\\,\\mathrm{m}$.
"""


def grounded_answer() -> Reply:
    """An answer with sources, in two scripts."""
    pages = [
        {"web": {"uri": "https://en.example.org/tokyo-tower", "title": "Tokyo Tower – an encyclopedia"}},
        {"web": {"uri": "https://skytree.example/about", "title": "skytree.example"}},
        {"retrievedContext": {"text": "Heights of towers, from our own notes.", "title": "towers.pdf"}},
    ]
    supports = [
        support(GROUNDED, "The **Tokyo Tower** is 333 m high", 0),
        support(GROUNDED, "東京スカイツリーの高さは634メートルです。", 1, 2),
        support(GROUNDED, "| Skytree | 634 m |", 1),
        support(GROUNDED, "difference = 634", 2),
        support(GROUNDED, "$301\\,", 0, 1),
    ]
    grounding = {
        "groundingChunks": pages,
        "groundingSupports": supports,
        "webSearchQueries": ["tokyo tower height", "skytree opening year"],
        "searchEntryPoint": {"renderedContent": ENTRY},
    }
    repeated = {"citationSources": [{"startIndex": 0, "endIndex": 37, "uri": "https://x.example/a", "license": "mit"}]}
    fetched = [
        {"retrievedUrl": "https://en.example.org/tokyo-tower", "urlRetrievalStatus": "URL_RETRIEVAL_STATUS_SUCCESS"},
        {"retrievedUrl": "https://paid.example/", "urlRetrievalStatus": "URL_RETRIEVAL_STATUS_PAYWALL"},
    ]
    more = {
        "groundingMetadata": grounding,
        "citationMetadata": repeated,
        "urlContextMetadata": {"urlMetadata": fetched},
        "safetyRatings": [{"category": "HARM_CATEGORY_HARASSMENT", "probability": "MEDIUM"}],
    }
    return reply_with([candidate({"text": GROUNDED}, **more)])


def support(text: str, words: str, *sources: int) -> dict[str, object]:
    """What a server says of the words that sources bear out: their place counted in bytes."""
    begin = text.encode().index(words.encode())
    segment = {"startIndex": begin, "endIndex": begin + len(words.encode()), "text": words}
    return {"segment": segment, "groundingChunkIndices": list(sources)}


def plotted_answer() -> Reply:
    """An answer for which the model ran code that drew a plot."""
    code = (
        "import matplotlib.pyplot as plt\n\nvalues = [n**2 for n in range(10)]\nplt.plot(values)\nprint(sum(values))\n"
    )
    return reply_with(
        [
            candidate(
                {"text": "Think of squares.", "thought": True},
                {"text": "I add up the squares:"},
                {"executableCode": {"language": "PYTHON", "code": code}},
                {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "285\n"}},
                {"inlineData": {"mimeType": "image/png", "data": picture()}},
                {"text": "The sum is **285**."},
                {"functionCall": {"name": "remember", "args": {"sum": 285}}},
                {"fileData": {"fileUri": "https://files.example/squares.pdf", "mimeType": "application/pdf"}},
                {"toolCall": {"toolType": "GOOGLE_SEARCH_WEB", "args": {"queries": ["squares"]}}},
            )
        ],
        thoughts=1_234,
    )


def spoken_answer() -> Reply:
    """An answer in sound, as bare samples."""
    samples = b"".join(struct.pack("<h", int(9_000 * ((n // 55) % 2) - 4_500)) for n in range(24_000))
    sound = {"mimeType": "audio/L16;codec=pcm;rate=24000", "data": base64.b64encode(samples).decode()}
    return reply_with([candidate({"inlineData": sound})])


def several_answers() -> Reply:
    """Three candidates; the second has sources of its own, the third was blocked."""
    grounding = {
        "groundingChunks": [{"web": {"uri": "https://puns.example/", "title": "puns.example"}}],
        "groundingSupports": [support("Why? To get to the *other* side.", "Why?", 0)],
    }
    return reply_with(
        [
            candidate({"text": "A **first** try, with a list:\n\n- one\n- two\n\nand some more words behind it."}),
            candidate({"text": "Why? To get to the *other* side."}, index=1, groundingMetadata=grounding),
            candidate({"text": "The third"}, index=2, finishReason="SAFETY"),
        ]
    )


def measured_answer() -> Reply:
    """An answer with the probabilities of its tokens."""
    tokens = [("Paris", -0.02), (" is", -0.4), ("\n", -1.3)]
    others = [[("Paris", -0.02), ("The", -4.1)], [(" is", -0.4), (",", -1.2)], [("\n", -1.3), (".", -0.5)]]
    result = {
        "chosenCandidates": [{"token": token, "logProbability": chance} for token, chance in tokens],
        "topCandidates": [
            {"candidates": [{"token": token, "logProbability": chance} for token, chance in row]} for row in others
        ],
    }
    return reply_with([candidate({"text": "Paris is\n"}, logprobsResult=result)])


def candidate(*parts: dict[str, object], **more: object) -> dict[str, object]:
    """A candidate as a server sends it."""
    return {"content": {"role": "model", "parts": list(parts)}, "finishReason": "STOP", **more}


def reply_with(candidates: list[dict[str, object]], *, thoughts: int = 0) -> Reply:
    """A reply of these candidates."""
    usage = {"promptTokenCount": 42, "candidatesTokenCount": 318, "thoughtsTokenCount": thoughts}
    body = {"candidates": candidates, "usageMetadata": usage, "modelVersion": "gemini-3-flash"}
    return Reply.from_response(GenerateContentResponse.model_validate(body), model="gemini-3-flash")
