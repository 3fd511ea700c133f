from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import psutil
import pytest

from gemini_magic.exceptions import LocalServerError
from gemini_magic.local.server import LocalServer

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
HELLO = {"contents": [{"parts": [{"text": "hello"}]}]}

#: A kernel in a few lines: starts the server, says where it is, and waits.
KERNEL = """
import os, sys, time
from gemini_magic.local.server import LocalServer
server = LocalServer().start()
server.wait_ready()
{then}
print(server.pid, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def own() -> Iterator[LocalServer]:
    server = LocalServer()
    yield server
    server.stop()


def kernel(then: str = "", **options) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603 - our own words
        [sys.executable, "-c", KERNEL.format(then=then)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        **options,
    )


def gone_within(process: psutil.Process, seconds: float) -> bool:
    return not psutil.wait_procs([process], timeout=seconds)[1]


def ask(server: LocalServer, **headers: str) -> httpx.Response:
    headers = {"authorization": f"Bearer {server.token}"} | headers
    with httpx.Client(base_url=server.base_url, headers=headers, trust_env=False) as client:
        return client.post("/v1beta/models/echo:generateContent", json=HELLO)


def test_a_started_server_answers(own: LocalServer) -> None:
    assert not own.running
    assert own.start() is own
    assert ask(own).json()["candidates"][0]["content"]["parts"] == [{"text": "hello"}]
    assert own.running
    assert own.token not in repr(own)


def test_starting_twice_is_starting_once(own: LocalServer) -> None:
    own.start()
    pid = own.pid
    assert own.start().pid == pid


def test_the_server_listens_on_loopback_alone(server: LocalServer) -> None:
    listening = [entry for entry in psutil.Process(server.pid).net_connections("inet") if entry.status == "LISTEN"]
    assert {entry.laddr.ip for entry in listening} == {"127.0.0.1"}
    assert int(server.base_url.rpartition(":")[2]) in {entry.laddr.port for entry in listening}


def test_the_token_is_needed_and_the_host_is_checked(server: LocalServer) -> None:
    assert ask(server).status_code == 200
    assert ask(server, authorization="Bearer no").status_code == 401
    assert ask(server, host="evil.example").status_code == 403
    assert ask(server, origin="https://evil.example").status_code == 403


def test_the_token_is_in_no_list_of_processes(server: LocalServer) -> None:
    child = psutil.Process(server.pid)
    assert server.token not in " ".join(child.cmdline())
    assert server.token not in " ".join(child.environ().values())


def test_the_child_gets_no_secrets(own: LocalServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GEMINI_API_KEY", "OTHER_API_KEY", "HF_TOKEN", "DB_PASSWORD", "client_secret"):
        monkeypatch.setenv(name, "do-not-tell")
    monkeypatch.setenv("PLAIN_SETTING", "tell")
    own.start().wait_ready()
    environment = psutil.Process(own.pid).environ()
    assert "do-not-tell" not in environment.values()
    assert environment["PLAIN_SETTING"] == "tell"


def test_each_server_has_its_own_port_and_token(own: LocalServer, server: LocalServer) -> None:
    own.start()
    assert own.base_url != server.base_url
    assert own.token != server.token
    assert ask(own, authorization=f"Bearer {server.token}").status_code == 401


def test_a_connection_is_kept_and_small_answers_come_at_once(wired: httpx.Client) -> None:
    ports = set()
    for _ in range(20):
        answer = wired.post("/v1/models/echo:generateContent", json=HELLO)
        ports.add(answer.extensions["network_stream"].get_extra_info("client_addr")[1])
    assert len(ports) == 1


def test_a_stream_arrives_while_it_is_made(wired: httpx.Client) -> None:
    body = {"contents": [{"parts": [{"text": "echo:pause 30"}]}]}
    with wired.stream("POST", "/v1/models/echo:streamGenerateContent?alt=sse", json=body) as answer:
        assert json.loads(next(answer.iter_lines()).removeprefix("data: "))["modelVersion"] == "echo"


def test_stop_ends_the_child(own: LocalServer) -> None:
    child = psutil.Process(own.start().pid)
    own.stop()
    assert gone_within(child, 0)
    assert not own.running
    own.stop()
    with pytest.raises(LocalServerError, match="not started"):
        own.wait_ready()


def test_a_stopped_server_can_be_started_again(own: LocalServer) -> None:
    own.start().wait_ready()
    own.stop()
    assert ask(own.start()).status_code == 200


def test_the_context_manager_starts_and_stops() -> None:
    with LocalServer() as server:
        assert ask(server).status_code == 200
    assert not server.running


def test_a_child_that_died_is_reported_with_its_log(own: LocalServer) -> None:
    own.start().wait_ready()
    assert own.check() is None
    os.kill(own.pid, signal.SIGKILL)
    own._process.wait(5)
    with pytest.raises(LocalServerError, match=r"has ended \(exit status -9\)"):
        own.check()
    assert ask(own.start()).status_code == 200


def test_a_child_that_cannot_start_says_why(tmp_path: Path) -> None:
    file = tmp_path / "weights.bin"
    file.write_bytes(b"\x80\x04pickle")
    server = LocalServer(file).start()
    with pytest.raises(LocalServerError, match="is not a GGUF file"):
        server.wait_ready()
    server.stop()


def test_last_words_are_in_the_error(own: LocalServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/sh")
    with pytest.raises(LocalServerError, match="Its last words"):
        own.start().wait_ready()


def test_a_waiter_that_is_out_of_patience_leaves_the_server_starting(own: LocalServer) -> None:
    own.start()
    with pytest.raises(LocalServerError, match="not ready within 0 s"):
        own.wait_ready(timeout=0)
    assert ask(own).status_code == 200


def test_an_interrupt_while_waiting_leaves_the_server_usable(own: LocalServer) -> None:
    own.start()
    os.kill(own.pid, signal.SIGSTOP)
    timer = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        own.wait_ready()
    timer.join()
    os.kill(own.pid, signal.SIGCONT)
    assert ask(own).status_code == 200


def test_the_child_dies_when_its_parent_is_killed() -> None:
    process = kernel()
    child = psutil.Process(int(process.stdout.readline()))
    process.kill()
    assert gone_within(child, 5)
    process.communicate()


def test_the_child_dies_when_its_parent_ends() -> None:
    process = kernel()
    child = psutil.Process(int(process.stdout.readline()))
    process.communicate()
    assert process.returncode == 0
    assert gone_within(child, 5)


def test_a_fork_that_outlives_the_parent_does_not_keep_the_child() -> None:
    process = kernel("if os.fork() == 0: time.sleep(60); os._exit(0)")
    parent = psutil.Process(process.pid)
    child = psutil.Process(int(process.stdout.readline()))
    forks = [one for one in parent.children() if one.pid != child.pid]
    process.kill()
    assert gone_within(child, 5)
    for fork in forks:
        fork.kill()
    process.communicate()


def test_a_fork_does_not_stop_the_server_of_its_parent() -> None:
    process = kernel("if os.fork() == 0: server.stop(); sys.exit(0)\nos.wait(); server.check()")
    child = psutil.Process(int(process.stdout.readline()))
    assert child.is_running()
    process.communicate()
    assert gone_within(child, 5)


def test_a_child_outlives_the_thread_that_started_it() -> None:
    process = kernel(
        "import threading; other = LocalServer(); starter = threading.Thread(target=other.start); "
        "starter.start(); starter.join(); other.wait_ready(); server.stop(); time.sleep(0.2); "
        "other.check(); server = other"
    )
    assert psutil.Process(int(process.stdout.readline())).is_running()
    process.communicate()


def test_an_interrupt_of_the_kernels_group_spares_the_child() -> None:
    process = kernel("import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)", start_new_session=True)
    child = psutil.Process(int(process.stdout.readline()))
    os.killpg(process.pid, signal.SIGINT)
    assert child.is_running()
    assert os.getpgid(child.pid) != process.pid
    process.communicate()


def test_ten_kernels_leave_no_orphan() -> None:
    children = []
    for _ in range(10):
        process = kernel()
        children.append(psutil.Process(int(process.stdout.readline())))
        process.kill()
        process.communicate()
    assert psutil.wait_procs(children, timeout=5)[1] == []


def test_a_file_named_like_a_module_in_the_users_folder_does_no_harm(
    own: LocalServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('shadowed')")
    monkeypatch.chdir(tmp_path)
    assert ask(own.start()).status_code == 200


def test_importing_the_server_imports_no_library() -> None:
    names = ("starlette", "uvicorn", "xllamacpp", "pydantic", "httpx")
    code = f"import sys, gemini_magic.local.server; print([name for name in {names} if name in sys.modules])"
    command = [sys.executable, "-c", code]
    answer = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)  # noqa: S603 - our own words
    assert answer.stdout.strip() == "[]"


def test_the_server_runs_by_hand() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "gemini_magic.local"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    base_url, token, models = (process.stdout.readline().split(maxsplit=1)[1] for _ in range(3))
    headers = {"x-goog-api-key": base_url and token.strip()}
    answer = httpx.post(
        f"{base_url.split()[-1]}/models/echo:generateContent", json=HELLO, headers=headers, trust_env=False
    )
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=10)
    assert answer.status_code == 200
    assert models.strip().endswith("echo")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--host", "192.0.2.1"], "Cannot listen on 192.0.2.1 port 0"),
        (["--model", "nothing.gguf"], "nothing.gguf is not a GGUF file"),
    ],
)
def test_a_wrong_setting_is_one_line(arguments: list[str], message: str) -> None:
    command = [sys.executable, "-m", "gemini_magic.local", *arguments]
    answer = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)  # noqa: S603 - our own words
    assert answer.returncode == 1
    assert message in answer.stderr
    assert answer.stderr.count("\n") == 1
