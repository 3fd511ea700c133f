"""Connections: kept, given back, never shared with a child, never through a proxy that would see a key."""

from __future__ import annotations

import asyncio
import base64
import copy
import gc
import os
import pickle
import subprocess
import sys
import threading
import traceback

import psutil
import pytest
from wire_server import Say, WireServer, answer, error, event, unary

from gemini_magic.client import AsyncClient, Client
from gemini_magic.exceptions import ConfigError, ConnectFailed, StreamTruncated
from gemini_magic.ledger import Ledger
from gemini_magic.wire import Part


def _said_by(seen):
    """A request, without the order and the case of its headers."""
    return seen.method, seen.target, sorted((name.lower(), value) for name, value in seen.headers), seen.body


@pytest.mark.parametrize("size", [10, 3_000_000])
def test_both_clients_say_the_same_to_the_server(size, wire):
    wire.answers(lambda seen: unary("ok") if seen.body else Say([b'{"models": []}']))
    given = (f"{wire.url}/team%2Fone", "k3y", "own/a@b:c+d")
    parts = ["look", Part.from_bytes(b"x" * size, "image/png")]
    with Client(*given, headers={"x-team": "blue"}, ledger=Ledger()) as client:
        client.generate(parts)
        client.models()

    async def ask():
        async with AsyncClient(*given, headers={"x-team": "blue"}, ledger=Ledger()) as client:
            await client.generate(parts)
            await client.models()

    asyncio.run(ask())
    waited, awaited = wire.seen[:2], wire.seen[2:]
    assert [_said_by(seen) for seen in awaited] == [_said_by(seen) for seen in waited]
    assert awaited[0].target == "/team%2Fone/v1beta/models/own%2Fa%40b%3Ac%2Bd:generateContent"
    assert awaited[0].header("host") == f"127.0.0.1:{wire.port}"
    assert awaited[0].header("transfer-encoding") is None


def _echo(seen):
    """Answers with the text it was sent."""
    return unary(seen.json()["contents"][-1]["parts"][0]["text"])


def test_150_calls_use_one_connection(driver, wire):
    client = driver.client(wire.url)
    wire.answers(lambda seen: answer("a", "b") if "stream" in seen.target else unary("ab"))
    for number in range(150):
        assert driver.attempt("stream" if number % 2 else "generate", client).text == "ab"
    assert wire.connections == 1


def test_a_connection_that_the_server_closed_is_replaced_without_a_word(driver, wire, way):
    client = driver.client(wire.url)
    good = answer("ok") if way == "stream" else unary("ok")
    good.ending = "fin"
    wire.answers(good)
    for _ in range(5):
        assert driver.attempt(way, client).text == "ok"
    assert len(wire.seen) == wire.connections == 5


def test_a_stream_that_is_left_frees_its_connection(driver, wire):
    wire.answers(Say([event("a")] * 3, framing="chunked", ending="hang"))
    with driver.opened(driver.client(wire.url)) as stream:
        assert stream.read().text == "a"
    assert wire.closed_by_client.wait(5)
    assert (stream.reply.status, stream.reply.text[:1]) == ("interrupted", "a")


def test_an_exception_in_the_readers_code_frees_the_connection_and_comes_out(driver, wire):
    wire.answers(Say([event("a")] * 3, framing="chunked", ending="hang"))

    def read_and_stop():
        with driver.opened(driver.client(wire.url)) as stream:
            stream.read()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        read_and_stop()
    assert wire.closed_by_client.wait(5)


def test_a_hundred_streams_that_were_left_do_not_hinder_a_good_call(driver, wire):
    client = driver.client(wire.url)
    wire.answers(Say([event("a")] * 3, framing="chunked", ending="hang"))
    for _ in range(100):
        with driver.opened(client) as stream:
            stream.read()
    wire.answers(unary("good"))
    assert driver.generate(client).text == "good"
    driver.close_client(client)
    assert wire.all_closed()


def test_a_cancelled_task_frees_its_connection(wire):
    wire.answers(Say([event("a")], framing="chunked", ending="hang"))

    async def cancelled():
        async with AsyncClient(wire.url) as client:
            begun = asyncio.Event()

            async def read():
                async with client.stream("hi") as events:
                    async for _ in events:
                        begun.set()

            task = asyncio.create_task(read())
            await begun.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            wire.answers(unary("good"))
            return (await client.generate("hi")).text

    assert asyncio.run(cancelled()) == "good"
    assert wire.closed_by_client.wait(5)


def test_a_stream_is_read_to_its_end_behind_the_finish_reason(driver, wire):
    wire.answers(answer("a", "b"))
    client = driver.client(wire.url)
    for _ in range(3):
        with driver.opened(client) as stream:
            while stream.read() is not None:
                pass
        assert stream.reply.status == "ok"
    assert wire.connections == 1


def test_a_stream_cannot_be_read_before_it_is_opened(driver, wire):
    stream = driver.client(wire.url).stream("hi")
    with pytest.raises(ConfigError, match="The stream is not open"):
        _ = stream.reply
    assert wire.seen == []


def test_a_closed_client_opens_again(driver, wire):
    wire.answers(unary("ok"))
    client = driver.client(wire.url)
    for _ in range(3):
        assert driver.generate(client).text == "ok"
        driver.close_client(client)
    assert wire.connections == 3


def test_one_client_serves_many_threads(wire):
    wire.answers(_echo)
    wrong = []
    with Client(wire.url) as client:

        def ask(number):
            for turn in range(20):
                text = f"{number}/{turn}"
                if client.generate(text).text != text:
                    wrong.append(text)

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert wrong == []
    assert wire.connections <= 8


def test_one_client_serves_many_tasks(wire):
    wire.answers(_echo)

    async def ask_all():
        async with AsyncClient(wire.url) as client:
            replies = await asyncio.gather(*(client.generate(f"n{number}") for number in range(64)))
            return [reply.text for reply in replies]

    assert asyncio.run(ask_all()) == [f"n{number}" for number in range(64)]


def test_an_async_client_may_be_used_in_one_loop_after_another(wire):
    wire.answers(unary("ok"))
    client = AsyncClient(wire.url)
    for _ in range(4):
        assert asyncio.run(client.generate("hi")).text == "ok"
    asyncio.run(client.aclose())
    del client
    gc.collect()


def _in_a_child(act) -> int:
    """Fork, let the child act, and return its exit code."""
    child = os.fork()
    if child == 0:
        code = 99
        try:
            code = act()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_forked_child_and_its_parent_get_their_own_answers(wire):
    wire.answers(_echo)
    client = Client(wire.url)

    def wrong(name):
        return sum(client.generate(f"{name} {number}").text != f"{name} {number}" for number in range(50))

    assert wrong("before") == 0
    assert _in_a_child(lambda: wrong("child")) == 0
    assert wrong("parent") == 0
    client.close()


def test_a_forked_child_and_its_parent_get_their_own_answers_async(wire):
    wire.answers(_echo)
    client = AsyncClient(wire.url)

    async def wrong(name):
        texts = [f"{name} {number}" for number in range(50)]
        return sum([(await client.generate(text)).text != text for text in texts])

    with asyncio.Runner() as runner:
        assert runner.run(wrong("before")) == 0
        assert _in_a_child(lambda: asyncio.run(wrong("child"))) == 0
        assert runner.run(wrong("parent")) == 0
        runner.run(client.aclose())


def test_child_and_parent_at_the_same_time(wire):
    wire.answers(_echo)
    client = Client(wire.url)
    client.generate("warm")
    child = os.fork()
    name = "parent" if child else "child"
    bad = sum(client.generate(f"{name} {number}").text != f"{name} {number}" for number in range(100))
    if child == 0:
        os._exit(bad)
    assert bad == 0
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    client.close()


PROXIES = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize("name", PROXIES)
def test_this_machine_is_never_reached_through_a_proxy(name, host, driver, wire, monkeypatch):
    proxy = WireServer()
    monkeypatch.setenv(name, proxy.url)
    wire.answers(unary("ok"))
    assert driver.generate(driver.client(f"http://{host}:{wire.port}", api_key="k3y")).text == "ok"
    proxy.close()
    assert proxy.connections == 0


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_another_machine_is_reached_through_the_proxy_of_the_environment(name, driver, wire, way, monkeypatch):
    monkeypatch.setenv(name, wire.url)
    wire.answers(answer("ok") if way == "stream" else unary("ok"))
    assert driver.attempt(way, driver.client("http://gateway.example")).text == "ok"
    assert wire.seen[0].target.startswith("http://gateway.example/v1beta/models/")


def test_a_proxy_may_be_named_without_a_scheme(driver, wire, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", wire.url.removeprefix("http://"))
    wire.answers(unary("ok"))
    assert driver.generate(driver.client("http://gateway.example")).text == "ok"


def test_a_proxy_is_asked_for_a_tunnel_to_an_encrypted_address(driver, wire, way, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", wire.url)
    wire.answers(error(407))
    failure = driver.attempt(way, driver.client("https://gateway.example", api_key="k3y", retries=0)).error
    assert (wire.seen[0].method, wire.seen[0].target) == ("CONNECT", "gateway.example:443")
    assert "k3y" not in str(wire.seen[0].headers) + str(failure)


def _asks_for_a_name(wire, monkeypatch):
    """A proxy that lets in whoever says this name and password."""
    monkeypatch.setenv("HTTP_PROXY", address := wire.url.replace("//", "//ann:pass%40w0rd@"))
    monkeypatch.setenv("HTTPS_PROXY", address)
    return "Basic " + base64.b64encode(b"ann:pass@w0rd").decode()


def test_a_proxy_hears_the_name_and_password_of_its_address(driver, wire, monkeypatch):
    word = _asks_for_a_name(wire, monkeypatch)
    wire.answers(unary("ok"))
    assert driver.generate(driver.client("http://gateway.example")).text == "ok"
    assert wire.seen[0].header("proxy-authorization") == word


def test_a_proxy_of_a_tunnel_hears_them_too_and_no_error_repeats_them(driver, wire, monkeypatch):
    word = _asks_for_a_name(wire, monkeypatch)
    wire.answers(error(403))
    failure = driver.try_generate(driver.client("https://gateway.example", retries=0)).error
    assert type(failure) is ConnectFailed
    assert (wire.seen[0].method, wire.seen[0].header("proxy-authorization")) == ("CONNECT", word)
    assert "w0rd" not in "".join(traceback.format_exception(failure))


def test_a_proxy_that_is_not_there_is_a_failure_without_its_password(driver, wire, monkeypatch):
    _asks_for_a_name(wire, monkeypatch)
    wire.close()
    for url in ("http://gateway.example", "https://gateway.example"):
        failure = driver.try_generate(driver.client(url, retries=0)).error
        assert type(failure) is ConnectFailed
        assert "w0rd" not in "".join(traceback.format_exception(failure)) + repr(failure.__cause__)


def test_no_proxy_is_heard(driver, wire, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", wire.url)
    monkeypatch.setenv("NO_PROXY", "gateway.example")
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: (_ for _ in ()).throw(OSError("no name")))
    driver.try_generate(driver.client("http://gateway.example", retries=0))
    assert wire.connections == 0


@pytest.mark.parametrize("way_out", [pickle.dumps, copy.deepcopy])
def test_a_client_does_not_go_into_a_file(way_out, driver, wire):
    with pytest.raises(TypeError, match="cannot be pickled"):
        way_out(driver.client(wire.url, api_key="k3y"))


def test_a_key_is_not_sent_in_clear_to_another_machine(driver):
    with pytest.raises(ConfigError, match="without encryption"):
        driver.client("http://gateway.example", api_key="k3y")


@pytest.mark.parametrize("headers", [{"x-team": "blü"}, {"x-team": "a\r\nb: c"}, {"x team": "a"}, {"x": ""}, {"": "a"}])
def test_a_header_that_cannot_be_sent_is_refused_without_its_value(headers, driver, wire):
    with pytest.raises(ConfigError) as raised:
        driver.client(wire.url, headers=headers)
    assert "blü" not in str(raised.value)


def test_a_client_needs_an_address(driver):
    with pytest.raises(ConfigError, match="base_url"):
        driver.client()


def test_hundreds_of_calls_leave_nothing_open(driver, wire):
    good, bad, cut = unary("ok"), error(400), Say([event("a")], framing="close")
    wire.answers(lambda seen: bad if len(wire.seen) % 10 == 0 else cut if "stream" in seen.target else good)
    client = driver.client(wire.url, retries=0)
    process = psutil.Process()

    def many(count):
        for number in range(count):
            driver.attempt("stream" if number % 3 == 0 else "generate", client)
        gc.collect()

    many(30)
    threads, files = threading.active_count(), process.num_fds()
    many(400)
    driver.close_client(client)
    assert wire.all_closed()
    assert threading.active_count() <= threads
    assert process.num_fds() <= files + 2


def test_a_broken_stream_frees_its_connection(driver, wire):
    wire.answers(Say([event("a"), b"data: {broken}\n\n"], framing="chunked", ending="hang"))
    assert isinstance(driver.try_stream(driver.client(wire.url)).error, StreamTruncated)
    assert wire.closed_by_client.wait(5)


def test_an_awaited_client_takes_nothing_in_place_of_the_network(wire):
    with pytest.raises(ConfigError, match="takes no transport"):
        AsyncClient(wire.url, transport=object())


def test_who_waits_loads_nothing_for_those_who_await():
    code = (
        "import sys, gemini_magic as gm; gm.Client('http://127.0.0.1:1', model='m');"
        "print([name for name in ('asyncio', 'aiohttp', 'click', 'rich', 'sqlite3') if name in sys.modules]);"
        "from gemini_magic.client import AsyncClient; import httpx, httpx._main; print(callable(httpx.main))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    assert found.stdout.split("\n") == ["[]", "True", ""]
