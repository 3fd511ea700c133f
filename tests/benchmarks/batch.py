"""A batch against a server that takes 50 ms for each answer: 2,000 rows, 64 at a time.

``python -m tests.benchmarks.batch`` measures all cases, each in a fresh process, in turns; ``… CASE URL`` measures
one, ``… extract URL ROWS`` the whole of ``gm.extract``, and ``… serve`` is the server. The floor is a client that does
nothing but write bytes to 64 sockets of an event loop and read bytes from them.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[2]
CALLS, AT_ONCE, SECONDS = int(os.environ.get("CALLS", "2000")), 64, 0.05
KEY, MODEL = "benchmark-key-0123456789", "m"
#: Who is asked so answers at once; and the rows whose memory is compared.
AT_ONCE_MODEL, FEW, MANY = "now", 5_000, 25_000
ANSWER = '{"city": "Paris", "temperature": 21}'
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


# --- the server -----------------------------------------------------------------------------------------------


def _body() -> bytes:
    candidate = {"content": {"parts": [{"text": ANSWER}], "role": "model"}, "finishReason": "STOP", "index": 0}
    usage = {"promptTokenCount": 40, "candidatesTokenCount": 12, "totalTokenCount": 52}
    return json.dumps({"candidates": [candidate], "usageMetadata": usage, "modelVersion": MODEL}).encode()


def _said(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)


class Serving(asyncio.Protocol):
    """One connection."""

    connections = 0
    answer = _said(_body())

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        Serving.connections += 1
        self.transport: Any = transport
        self.buffer = b""

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while b"\r\n\r\n" in self.buffer:
            head, _, rest = self.buffer.partition(b"\r\n\r\n")
            length = _LENGTH.search(head)
            size = int(length[1]) if length else 0
            if len(rest) < size:
                return
            self.buffer = rest[size:]
            if b"/connections" in head[:40]:
                Serving.connections -= 1  # this one asks
                self.transport.write(_said(b"%d" % Serving.connections))
            elif b"/models/%b:" % AT_ONCE_MODEL.encode() in head[:80]:
                self._answer()
            else:
                asyncio.get_running_loop().call_later(SECONDS, self._answer)

    def _answer(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(self.answer)


async def serve() -> None:
    """Serve until the process ends."""
    server = await asyncio.get_running_loop().create_server(Serving, "127.0.0.1", 0, backlog=256)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


# --- the cases, each as a function that asks so many times, and returns the seconds it took ---------------------


def rows(count: int) -> list[str]:
    return [f"It is {number % 40} degrees in Paris, says reader {number}." for number in range(count)]


def case_floor(base: str) -> Callable[[int], None]:
    class Asking(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport: Any = transport
            self.size, self.waiting = 0, None

        def data_received(self, data: bytes) -> None:
            self.size += len(data)
            if self.size == len(Serving.answer):
                self.size = 0
                self.waiting.set_result(None)

    host, port = base.removeprefix("http://").split(":")

    async def ask(count: int) -> None:
        loop = asyncio.get_running_loop()
        left = iter(rows(count))

        async def work() -> None:
            transport, asking = await loop.create_connection(Asking, host, int(port))
            for row in left:
                body = json.dumps({"contents": [{"role": "user", "parts": [{"text": row}]}]}).encode()
                head = b"POST /v1beta/models/m:generateContent HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n"
                asking.waiting = loop.create_future()
                transport.write(head % len(body) + body)
                await asking.waiting
            transport.close()

        await asyncio.gather(*(work() for _ in range(AT_ONCE)))

    return lambda count: asyncio.run(ask(count))


def case_ours(base: str) -> Callable[[int], None]:
    from pydantic import BaseModel

    from gemini_magic.client import Client
    from gemini_magic.extract.engines import AsyncioEngine
    from gemini_magic.extract.job import Job
    from gemini_magic.schemas import schema_of
    from gemini_magic.wire import Part

    class Weather(BaseModel):
        city: str
        temperature: int

    client = Client(base, KEY, MODEL)
    job = Job(schema_of(Weather), "{{text}}", model=MODEL, origin=base)

    def ask(count: int) -> None:
        done = 0

        def emit(outcome: Any) -> None:
            nonlocal done
            done += outcome.ok

        tasks = (job.task((Part(text=row),), number) for number, row in enumerate(rows(count)))
        AsyncioEngine(client, workers=AT_ONCE).run(job, tasks, emit)
        assert done == count, done

    return ask


def case_genai(base: str) -> Callable[[int], None]:
    from google import genai
    from google.genai import types
    from pydantic import BaseModel

    class Weather(BaseModel):
        city: str
        temperature: int

    async def ask(count: int) -> None:
        client = genai.Client(api_key=KEY, http_options=types.HttpOptions(base_url=base)).aio
        config = types.GenerateContentConfig(response_mime_type="application/json", response_schema=Weather)
        left = iter(rows(count))

        async def work() -> None:
            for row in left:
                reply = await client.models.generate_content(model=MODEL, contents=row, config=config)
                assert reply.parsed.city == "Paris"

        await asyncio.gather(*(work() for _ in range(AT_ONCE)))
        await client.aclose()

    return lambda count: asyncio.run(ask(count))


CASES: dict[str, Callable[[str], Callable[[int], None]]] = {
    "batch floor": case_floor,
    "batch ours": case_ours,
    "batch google-genai": case_genai,
}


def measure(name: str, base: str) -> dict[str, float]:
    """One case in this process, after a warm-up."""
    ask = CASES[name](base)
    ask(2 * AT_ONCE)
    before, memory, began, spent = connections(base), peak_mb(), time.perf_counter(), time.process_time()
    ask(CALLS)
    seconds, spent = time.perf_counter() - began, time.process_time() - spent
    return {
        "per second": CALLS / seconds,
        "us": spent / CALLS * 1e6,
        "mb": peak_mb() - memory,
        "reconnects": connections(base) - before - AT_ONCE,
    }


def measure_extract(base: str, count: int) -> dict[str, float]:
    """The whole of ``gm.extract``: memory that it keeps beside its frame, and CPU of the same call once more."""
    import gc
    import tempfile

    import pandas as pd
    from pydantic import BaseModel

    import gemini_magic as gm
    from gemini_magic.client import Client

    class Weather(BaseModel):
        city: str
        temperature: int

    client = Client(base, KEY, AT_ONCE_MODEL)

    def ask(texts: list[str], folder: str) -> Any:
        data = pd.DataFrame({"text": texts})
        gc.collect()
        before, spent = resident_mb(), time.process_time()
        found = gm.extract(data, Weather, "{{text}}", client=client, workers=AT_ONCE, store=f"{folder}/store")
        spent = time.process_time() - spent
        gc.collect()
        grown = resident_mb() - before - found.memory_usage(deep=True).sum() / 2**20
        assert found.temperature.count() == len(texts)
        return grown, spent

    with tempfile.TemporaryDirectory() as warm, tempfile.TemporaryDirectory() as folder:
        ask(rows(2 * AT_ONCE), warm)
        grown, spent = ask(rows(count), folder)
        _, again = ask(rows(count), folder)
    return {"mb": grown, "us": spent / count * 1e6, "resume us": again / count * 1e6}


def extracted(base: str) -> dict[str, float]:
    """What ``gm.extract`` takes for each of many rows, and what memory grows by with 10,000 more."""
    command = [sys.executable, "-m", "tests.benchmarks.batch", "extract", base]
    shown = [subprocess.run([*command, str(n)], stdout=subprocess.PIPE, cwd=ROOT, check=True) for n in (FEW, MANY)]
    few, many = (json.loads(one.stdout) for one in shown)
    return {**many, "mb": (many["mb"] - few["mb"]) / (MANY - FEW) * 10_000}


def resident_mb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") / 2**20


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def connections(base: str) -> int:
    import urllib.request

    with urllib.request.urlopen(f"{base}/connections") as response:  # noqa: S310 - loopback
        return int(response.read())


# --- all of them, in turns ------------------------------------------------------------------------------------


@contextmanager
def serving() -> Iterator[str]:
    """The address of the server, in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.batch", "serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as server:
        try:
            assert server.stdout is not None
            yield f"http://127.0.0.1:{server.stdout.readline().strip()}"
        finally:
            server.kill()


def figures(rounds: int) -> Iterator[tuple[str, dict[str, float]]]:
    """The figures of each case in each round."""
    command = [sys.executable, "-m", "tests.benchmarks.batch"]
    with serving() as base:
        for number in range(rounds):
            for name in list(CASES)[:: -1 if number % 2 else 1]:
                shown = subprocess.run([*command, name, base], stdout=subprocess.PIPE, cwd=ROOT, check=True)
                yield name, json.loads(shown.stdout)


def main(rounds: int) -> None:
    """Measure and print."""
    found: dict[str, list[dict[str, float]]] = {name: [] for name in CASES}
    for name, case in figures(rounds):
        found[name].append(case)
    floor = [case["per second"] for case in found["batch floor"]]
    peer = [case["us"] for case in found["batch google-genai"]]
    for name, cases in found.items():
        ratio = statistics.median(case["per second"] / one for case, one in zip(cases, floor, strict=True))
        cpu = statistics.median(case["us"] / one for case, one in zip(cases, peer, strict=True))
        shown = {figure: statistics.median(case[figure] for case in cases) for figure in cases[0]}
        print(
            f"{name:<20} {shown['per second']:>6.0f}/s = {ratio:.3f}x floor   {shown['us']:>6.0f} us/call = {cpu:.3f}x "
            f"google-genai   {shown['mb']:+.1f} MB   {shown['reconnects']:.0f} reconnects"
        )
    with serving() as base:
        whole = extracted(base)
    print(
        f"{'gm.extract':<20} {whole['us']:>6.0f} us/row   {whole['resume us']:.0f} us/row from the store   "
        f"{whole['mb']:+.1f} MB for 10,000 rows, without the frame"
    )


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        asyncio.run(serve())
    elif sys.argv[1:2] == ["extract"]:
        sys.stdout.write(json.dumps(measure_extract(sys.argv[2], int(sys.argv[3]))) + "\n")
    elif len(sys.argv) == 3:  # a case and an address
        sys.stdout.write(json.dumps(measure(sys.argv[1], sys.argv[2])) + "\n")
    else:
        main(int(os.environ.get("ROUNDS", "5")))
