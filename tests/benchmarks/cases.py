"""What is measured: each case runs in a fresh process and prints one JSON object.

``python -m tests.benchmarks.cases NAME BASE_URL``. Peers are used as their documentation shows. CPU is that of
the client's process alone.
"""

from __future__ import annotations

import base64
import json
import resource
import statistics
import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = "benchmark-key-0123456789"
TURNS, IMAGE_BYTES, IMAGE_EVERY = 500, 100_000, 10
PICTURES, PICTURE_BYTES = 10, 2 * 1024 * 1024
CALLS = 150
LONG, SHORT = "c20000x20", "c100x20"


def cpu() -> float:
    return time.process_time()


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


# --- clients, each as a function that streams a model's answer and returns its text ---------------------------


def ours(base: str) -> Callable[[str], str]:
    from gemini_magic.client import Client
    from gemini_magic.events import TextDelta

    client = Client(base, KEY, "none")

    def stream(model: str) -> str:
        with client.stream("hello", model=model) as events:
            return "".join([event.text for event in events if type(event) is TextDelta])

    return stream


def genai(base: str) -> Callable[[str], str]:
    client = genai_client(base)

    def stream(model: str) -> str:
        return "".join(part.text or "" for part in client.models.generate_content_stream(model=model, contents="hello"))

    return stream


def genai_client(base: str) -> Any:
    from google import genai as google
    from google.genai import types

    return google.Client(api_key=KEY, http_options=types.HttpOptions(base_url=base))


def httpx_sse_json(base: str) -> Callable[[str], str]:
    import httpx
    import httpx_sse

    client = httpx.Client()

    def stream(model: str) -> str:
        with httpx_sse.connect_sse(client, "POST", address(base, model), json=question()) as source:
            return "".join(text_of(json.loads(event.data)) for event in source.iter_sse())

    return stream


def httpx_core(base: str) -> Callable[[str], str]:
    import httpx
    import pydantic_core

    client = httpx.Client()

    def stream(model: str) -> str:
        texts, rest = [], b""
        with client.stream("POST", address(base, model), json=question()) as response:
            for data in response.iter_bytes():
                *events, rest = (rest + data).split(b"\r\n\r\n")
                texts += [text_of(pydantic_core.from_json(event[6:])) for event in events]
        return "".join(texts)

    return stream


def address(base: str, model: str) -> str:
    return f"{base}/v1beta/models/{model}:streamGenerateContent?alt=sse"


def question() -> dict[str, Any]:
    return {"contents": [{"role": "user", "parts": [{"text": "hello"}]}]}


def text_of(chunk: dict[str, Any]) -> str:
    return "".join(part.get("text", "") for part in chunk["candidates"][0]["content"]["parts"])


STREAMERS = {"ours": ours, "google-genai": genai, "httpx-sse+json": httpx_sse_json, "httpx+core": httpx_core}


# --- cases ----------------------------------------------------------------------------------------------------


def case_nothing(base: str) -> dict[str, float]:
    return {}


def case_import_genai(base: str) -> dict[str, float]:
    began = cpu()
    import google.genai
    import google.genai.types  # noqa: F401

    return {"cpu": cpu() - began}


def case_load_ext(base: str) -> dict[str, float]:
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    shell = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
    modules = len(sys.modules)
    began = cpu()
    shell.run_line_magic("load_ext", "gemini_magic")
    return {"cpu": cpu() - began, "modules": len(sys.modules) - modules}


def case_answer_ours(base: str) -> dict[str, float]:
    import gemini_magic as gm

    assert gm.Client(base, KEY, "c1x20").generate("hello").text
    return {}


def case_answer_genai(base: str) -> dict[str, float]:
    client = genai_client(base)  # it closes its connections when nobody holds it
    assert client.models.generate_content(model="c1x20", contents="hello").text
    return {}


def chunks(name: str) -> Callable[[str], dict[str, float]]:
    def case(base: str) -> dict[str, float]:
        stream = STREAMERS[name](base)
        stream(SHORT)
        memory, spent = peak_mb(), []
        for _ in range(3):  # the best of them: a shared machine changes its speed from second to second
            began = cpu()
            text = stream(LONG)
            spent.append(cpu() - began)
            assert len(text) == 400_000, len(text)
        return {"us": min(spent) / 20_000 * 1e6, "mb": peak_mb() - memory}

    return case


def first_token(name: str) -> Callable[[str], dict[str, float]]:
    def case(base: str) -> dict[str, float]:
        first = FIRST[name](base)
        for _ in range(10):
            first()
        before = connections(base)
        times = [first() for _ in range(CALLS)]
        return {"us": statistics.median(times) * 1e6, "reconnects": connections(base) - before - 1}

    return case


def connections(base: str) -> int:
    import urllib.request

    with urllib.request.urlopen(f"{base}/connections") as response:  # noqa: S310 - loopback
        return int(response.read())


def first_ours(base: str) -> Callable[[], float]:
    from gemini_magic.client import Client

    client = Client(base, KEY, "c5x20")

    def first() -> float:
        began = time.perf_counter()
        with client.stream("hello") as events:
            iterator = iter(events)
            next(iterator)
            took = time.perf_counter() - began
            for _ in iterator:
                pass
        return took

    return first


def first_genai(base: str) -> Callable[[], float]:
    client = genai_client(base)

    def first() -> float:
        began = time.perf_counter()
        iterator = iter(client.models.generate_content_stream(model="c5x20", contents="hello"))
        next(iterator)
        took = time.perf_counter() - began
        for _ in iterator:
            pass
        return took

    return first


def first_core(base: str) -> Callable[[], float]:
    import httpx
    import pydantic_core

    client = httpx.Client()

    def first() -> float:
        began, took, rest = time.perf_counter(), 0.0, b""
        with client.stream("POST", address(base, "c5x20"), json=question()) as response:
            for data in response.iter_bytes():
                *events, rest = (rest + data).split(b"\r\n\r\n")
                for event in events:
                    text_of(pydantic_core.from_json(event[6:]))
                    took = took or time.perf_counter() - began
        return took

    return first


FIRST = {"ours": first_ours, "google-genai": first_genai, "httpx+core": first_core}


def image(number: int = 0) -> bytes:
    return number.to_bytes(4, "big") + bytes(range(256)) * (IMAGE_BYTES // 256)


def has_image(turn: int) -> bool:
    return turn % IMAGE_EVERY == 0


def case_turn_ours(base: str) -> dict[str, float]:
    from gemini_magic.chat import Conversation
    from gemini_magic.client import Client
    from gemini_magic.wire import Part

    encodings = counted(base64, "b64encode")
    client = Client(base, KEY, "c1x200")
    chat = Conversation(client)
    times = []
    for turn in range(TURNS):
        pictures = [Part.from_bytes(image(turn), "image/png")] if has_image(turn) else []
        began = cpu()
        chat.ask(f"question {turn}", *pictures)
        times.append(cpu() - began)
    body = client.plan(chat.contents_for("more"), "generateContent").body
    assert body is not None
    sent = [segment for segment in body.segments if isinstance(segment, str)]
    held = [part.inline_data for content in chat.history for part in content.parts or [] if part.inline_data]
    assert all(one is blob.data for one, blob in zip(sent, held, strict=True))  # the string itself, no copy
    return {"ms": statistics.median(times[-9:-1]) * 1e3, "encodings": len(encodings) / len(sent)}


def counted(module: Any, name: str) -> list[None]:
    """One entry for every call of a function from now on."""
    function, calls = getattr(module, name), []

    def counting(*args: Any, **named: Any) -> Any:
        calls.append(None)
        return function(*args, **named)

    setattr(module, name, counting)
    return calls


def case_turn_genai(base: str) -> dict[str, float]:
    from google.genai import types

    client = genai_client(base)
    picture = types.Part.from_bytes(data=image(), mime_type="image/png")
    answer = types.Content(role="model", parts=[types.Part(text="x" * 200)])
    history = []
    for turn in range(TURNS):
        parts = [types.Part(text=f"question {turn}"), *([picture] if has_image(turn) else [])]
        history += [types.Content(role="user", parts=parts), answer]
    times = []
    for _ in range(5):
        began = cpu()
        client.models.generate_content(model="c1x200", contents=history[:-1])
        times.append(cpu() - began)
    return {"ms": statistics.median(times) * 1e3}


def case_turn_cached(base: str) -> dict[str, float]:
    import httpx

    client = httpx.Client()
    picture = {"inlineData": {"mimeType": "image/png", "data": base64.b64encode(image()).decode()}}
    segments = [b'{"contents":[']
    for turn in range(TURNS):
        parts = [{"text": f"question {turn}"}, *([picture] if has_image(turn) else [])]
        segments.append(json.dumps({"role": "user", "parts": parts}).encode() + b",")
        segments.append(json.dumps({"role": "model", "parts": [{"text": "x" * 200}]}).encode() + b",")
    segments[-1] = segments[-1][:-1]
    segments.append(b"]}")
    headers = {"content-type": "application/json", "content-length": str(sum(map(len, segments)))}
    url = f"{base}/v1beta/models/c1x200:generateContent"
    times = []
    for _ in range(9):
        began = cpu()
        response = client.post(url, content=iter(segments), headers=headers)
        assert response.json()["candidates"]
        times.append(cpu() - began)
    return {"ms": statistics.median(times) * 1e3}


def pictures(name: str) -> Callable[[str], dict[str, float]]:
    """One question with ten large pictures: CPU, then in a second call what memory it takes beside the raw bytes."""

    def case(base: str) -> dict[str, float]:
        import tracemalloc

        raw = [bytes([number]) * PICTURE_BYTES for number in range(PICTURES)]
        ask = ASK_PICTURES[name](base)
        ask([b"x"])
        began = cpu()
        ask(raw)  # the first large question of a process: later ones find memory that the allocator has kept
        spent = cpu() - began
        tracemalloc.start()
        ask(raw)
        _, peak = tracemalloc.get_traced_memory()
        return {"ms": spent * 1e3, "peak": peak / (PICTURES * PICTURE_BYTES)}

    return case


def pictures_ours(base: str) -> Callable[[list[bytes]], object]:
    from gemini_magic.client import Client
    from gemini_magic.wire import Part

    client = Client(base, KEY, "c1x20")
    return lambda raw: client.generate(["compare", *(Part.from_bytes(data, "image/png") for data in raw)]).text


def pictures_async(base: str) -> Callable[[list[bytes]], object]:
    import asyncio

    from gemini_magic.client import AsyncClient
    from gemini_magic.wire import Part

    client, runner = AsyncClient(base, KEY, "c1x20"), asyncio.Runner()

    def ask(raw: list[bytes]) -> object:
        return runner.run(client.generate(["compare", *(Part.from_bytes(data, "image/png") for data in raw)])).text

    return ask


def pictures_genai(base: str) -> Callable[[list[bytes]], object]:
    from google.genai import types

    client = genai_client(base)

    def ask(raw: list[bytes]) -> object:
        parts = [types.Part.from_bytes(data=data, mime_type="image/png") for data in raw]
        return client.models.generate_content(model="c1x20", contents=["compare", *parts]).text

    return ask


def pictures_naive(base: str) -> Callable[[list[bytes]], object]:
    import httpx

    client = httpx.Client()

    def ask(raw: list[bytes]) -> object:
        blobs = [{"mimeType": "image/png", "data": base64.b64encode(data).decode()} for data in raw]
        parts = [{"text": "compare"}, *({"inlineData": blob} for blob in blobs)]
        body = {"contents": [{"role": "user", "parts": parts}]}
        return text_of(client.post(f"{base}/v1beta/models/c1x20:generateContent", json=body).json())

    return ask


ASK_PICTURES = {
    "ours": pictures_ours,
    "ours, awaited": pictures_async,
    "httpx+json": pictures_naive,
    "google-genai": pictures_genai,
}


CASES: dict[str, Callable[[str], dict[str, float]]] = {
    "nothing": case_nothing,
    "import google-genai": case_import_genai,
    "load_ext": case_load_ext,
    "answer ours": case_answer_ours,
    "answer google-genai": case_answer_genai,
    "turn ours": case_turn_ours,
    "turn google-genai": case_turn_genai,
    "turn cached": case_turn_cached,
    **{f"pictures {name}": pictures(name) for name in ASK_PICTURES},
    **{f"chunks {name}": chunks(name) for name in STREAMERS},
    **{f"first {name}": first_token(name) for name in FIRST},
}

if __name__ == "__main__":
    sys.stdout.write(json.dumps(CASES[sys.argv[1]](sys.argv[2])) + "\n")
