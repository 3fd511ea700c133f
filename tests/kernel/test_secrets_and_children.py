"""What must not come out of a kernel, and what must not outlive it."""

from __future__ import annotations

import threading

import psutil
import pytest
from wire_server import Say, answer, error, event

pytestmark = pytest.mark.kernel

KEY = "planted-key-0123456789-abcdefghijklmnop"
MODES = ("Plain", "Context", "Verbose", "Minimal", "Docs")


def interrupt(kernel, source):
    asked = threading.Event()

    def answering(seen):
        del seen
        asked.set()
        return Say(status=None, ending="hang")

    kernel.gateway.answers(answering)
    message_id = kernel.start(source)
    assert asked.wait(60)
    return kernel.stop(message_id)


@pytest.mark.parametrize("mode", MODES)
def test_the_key_is_in_no_output_whatever_goes_wrong(kernel, mode):
    kernel.run(f"%xmode {mode}\n%config Application.log_level = 10")
    for said in (
        error(401, "Wrong key."),
        error(429, "Slow down.", "RESOURCE_EXHAUSTED"),
        Say([b"<html>"]),
        Say([event("Half")], framing="close"),
        Say([event("Half", "SAFETY")], framing="chunked"),
        Say(status=302, headers={"location": "http://127.0.0.1:9/"}),
        answer("Yes."),
    ):
        kernel.gateway.answers(said)
        for line in (
            "--retries 0 why",
            "--no-stream --retries 0 why",
            "{{undefined_name}}",
            "last request",
            "last raw",
        ):
            kernel.run(f"%gemini {line}")
            kernel.run("%tb")
        kernel.run("%gemini last request\n_gemini, vars(_gemini)")
    for source in ("%%gemini\nwhy", "%gemini models", "%gemini --no-stream why"):
        interrupt(kernel, source)
        kernel.run("%tb")
    kernel.run("import gemini_magic as gm\nclient = gm.connect()\nclient, vars(client), client.profile, gm.connect")
    kernel.run("%gemini help keys\n%gemini usage\n%config GeminiMagics\n%who_ls")
    assert any(seen.header("authorization") == f"Bearer {KEY}" for seen in kernel.gateway.seen)
    assert [words for words in kernel.said if KEY in words] == []


@pytest.mark.parametrize("ending", ["kill", "shutdown"])
def test_the_embedded_server_dies_with_its_kernel(new_kernel, ending):
    kernel = new_kernel()
    cell = kernel.run("%load_ext gemini_magic\n%gemini --profile local -m echo one two")
    assert "one two" in cell.text
    kernel.run("from gemini_magic.connect import local_server")
    child = psutil.Process(kernel.value("local_server().pid"))
    assert child.is_running()
    if ending == "kill":
        kernel.process.kill()
    kernel.close()
    gone, alive = psutil.wait_procs([child], timeout=30)
    assert (gone, alive) == ([child], [])
