"""Everything that can go wrong on a connection, byte for byte, and the errors that it becomes."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import ssl
import threading
import zlib
from contextlib import contextmanager, suppress

import pytest
from wire_server import Say, WireServer, answer, error, event, unary

from gemini_magic.client import AsyncClient
from gemini_magic.client.timing import SystemClock
from gemini_magic.exceptions import (
    ConfigError,
    ConnectFailed,
    ConnectionLost,
    GeminiMagicError,
    ProtocolError,
    RedirectRefused,
    RequestTooLarge,
    ResponseTooLarge,
    StreamTruncated,
    Timeout,
    TLSFailed,
)
from gemini_magic.ledger import Ledger
from gemini_magic.settings import Timeouts
from gemini_magic.wire import Part

BODY = json.dumps({"candidates": [{"content": {"parts": [{"text": "ok"}]}, "finishReason": "STOP"}]}).encode()
SHORT = Timeouts(connect=0.3, first_event=0.3, idle=0.3, total=30.0)


def _raw(*pieces: bytes, ending: str = "fin") -> Say:
    return Say(pieces, framing="raw", ending=ending)


def _head(*lines: bytes) -> bytes:
    return b"\r\n".join([b"HTTP/1.1 200 OK", *lines, b"", b""])


def _gzipped(body: bytes, encoding: str = "gzip") -> Say:
    return Say([body], headers={"content-encoding": encoding})


#: What the server does: the class of the error, and how many requests it takes to get there.
FAULTS: dict[str, tuple[Say, type[GeminiMagicError], int]] = {
    "closes at once": (Say(status=None, ending="fin"), ConnectionLost, 4),
    "resets at once": (Say(status=None, ending="rst"), ConnectionLost, 4),
    "half a status line": (_raw(b"HTTP/1.1 2"), ConnectionLost, 4),
    "half a head": (_raw(b"HTTP/1.1 200 OK\r\ncontent-le"), ConnectionLost, 4),
    "shorter than its length": (_raw(_head(b"content-length: 900"), BODY[:9]), ConnectionLost, 4),
    "fewer chunks than announced": (_raw(_head(b"transfer-encoding: chunked"), b"9\r\n" + BODY[:4]), ConnectionLost, 4),
    "binary noise": (_raw(b"\x00\xff\xfe\x01 noise \x7f\r\n\r\n"), ProtocolError, 1),
    "a page without a head": (_raw(b"<html><body>Please log in</body></html>\r\n\r\n"), ProtocolError, 1),
    "another protocol": (_raw(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), ProtocolError, 1),
    "a status that is no number": (_raw(b"HTTP/1.1 abc OK\r\n\r\n"), ProtocolError, 1),
    "two lengths": (_raw(_head(b"content-length: 5", b"content-length: 9"), BODY), ProtocolError, 1),
    "a length that is none": (_raw(_head(b"content-length: five"), BODY), ProtocolError, 1),
    "a header of 200 kB": (_raw(_head(b"x: " + b"y" * 200_000), BODY), ProtocolError, 1),
    "no content": (_raw(b"HTTP/1.1 204 No Content\r\n\r\n"), ProtocolError, 1),
    "no body": (Say([], framing="length"), ProtocolError, 1),
    "packed, but not": (_gzipped(BODY), ProtocolError, 1),
    "packed twice": (_gzipped(gzip.compress(gzip.compress(BODY)), "gzip, gzip"), ProtocolError, 1),
    "packed in a way not asked for": (_gzipped(BODY, "br"), ProtocolError, 1),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_of_a_server_is_an_error_of_ours(fault, way, driver, wire):
    said, kind, requests = FAULTS[fault]
    wire.answers(said)
    client = driver.client(wire.url)
    failure = driver.attempt(way, client).error
    assert type(failure) is kind
    assert (failure.attempts, len(wire.seen)) == (requests, requests)
    assert len(str(failure)) < 600
    assert "\n" not in str(failure)
    driver.close_client(client)
    assert wire.all_closed()


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "GZIP", "deflate"])
def test_a_packed_answer_is_unpacked_although_it_was_asked_for_plain(encoding, way, driver, wire):
    pack = zlib.compress if encoding == "deflate" else gzip.compress
    wire.answers(_gzipped(pack(BODY), encoding))
    assert driver.attempt(way, driver.client(wire.url)).text == "ok"
    assert wire.seen[0].header("accept-encoding") == "identity"


def test_a_packed_stream_is_unpacked_as_it_comes(driver, wire):
    packed = gzip.compress(b"".join([event("one "), event("two", "STOP")]))
    pieces = [packed[at : at + 5] for at in range(0, len(packed), 5)]
    wire.answers(Say(pieces, headers={"content-encoding": "gzip"}, framing="chunked"))
    assert driver.stream(driver.client(wire.url)).text == "one two"


def test_a_packed_answer_that_was_cut_is_no_answer(way, driver, wire):
    body = b"".join([*(event(f"{number} " * 9) for number in range(200)), event("end", "STOP")])
    packed = gzip.compress(body)
    wire.answers(Say([packed[: len(packed) // 2]], headers={"content-encoding": "gzip"}, framing="close"))
    assert isinstance(driver.attempt(way, driver.client(wire.url)).error, StreamTruncated)


def test_a_small_packed_body_may_not_become_a_huge_one(way, driver, wire):
    packer = zlib.compressobj(wbits=31)
    packed = packer.compress(b'{"candidates":[{"content":{"parts":[{"text":"')
    packed += b"".join(packer.compress(b"x" * 1_000_000) for _ in range(80)) + packer.flush()
    wire.answers(_gzipped(packed))
    assert type(driver.attempt(way, driver.client(wire.url)).error) is ResponseTooLarge
    with pytest.raises(ResponseTooLarge):
        driver.models(driver.client(wire.url))


def test_bytes_behind_the_end_do_not_reach_the_next_answer(driver, wire):
    first = _head(b"content-length: %d" % len(BODY)) + BODY + _head(b"content-length: 2") + b"{}"
    wire.answers(_raw(first, ending="keep"), unary("second"))
    client = driver.client(wire.url)
    assert driver.generate(client).text == "ok"
    assert driver.generate(client).text == "second"


def test_a_chunk_size_that_is_none_is_refused_or_waited_for_in_vain(way, driver, wire):
    wire.answers(_raw(_head(b"transfer-encoding: chunked"), b"zz\r\n", BODY))
    failure = driver.attempt(way, driver.client(wire.url, timeout=SHORT, retries=0)).error
    assert isinstance(failure, ProtocolError | Timeout)  # aiohttp forgets to tell who waits for the body


def test_many_headers_are_read_over_or_refused(way, driver, wire):
    wire.answers(_raw(_head(b"content-length: %d" % len(BODY), *[b"x: y"] * 20_000) + BODY))
    outcome = driver.attempt(way, driver.client(wire.url))
    assert outcome.text == "ok" or isinstance(outcome.error, ProtocolError)


def test_many_interim_answers_are_read_over_or_refused(way, driver, wire):
    wire.answers(_raw(b"HTTP/1.1 100 Continue\r\n\r\n" * 2000 + _head(b"content-length: %d" % len(BODY)) + BODY))
    outcome = driver.attempt(way, driver.client(wire.url))
    assert outcome.text == "ok" or isinstance(outcome.error, ProtocolError)


@pytest.mark.parametrize(
    "label", ["text/html; charset=iso-8859-1", "application/json; charset=nonsense", "", "image/png"]
)
def test_the_content_type_decides_nothing(label, way, driver, wire):
    body = BODY.replace(b"ok", "grün".encode())
    wire.answers(Say([body], headers={"content-type": label}))
    assert driver.attempt(way, driver.client(wire.url)).text == "grün"


def test_bytes_that_are_not_utf_8_are_shown_as_replaced(way, driver, wire):
    wire.answers(Say([BODY.replace(b"ok", b"gr\xfcn")]))
    reply = driver.attempt(way, driver.client(wire.url)).reply
    assert reply.text == "gr\ufffdn"
    assert "not UTF-8" in reply.warnings[0]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "location",
    [
        "{other}/v1beta/x?key=secret",
        "/elsewhere",
        "file:///etc/passwd",
        "http://user:secret@[bad",
        "",
        "//other.example/x",
    ],
)
def test_a_redirect_is_never_followed(status, location, way, driver, wire):
    other = WireServer()
    wire.answers(Say([BODY], status=status, headers={"location": location.format(other=other.url)}))
    failure = driver.attempt(way, driver.client(wire.url, api_key="k3y")).error
    other.close()
    assert type(failure) is RedirectRefused
    assert "secret" not in str(failure)
    assert (len(wire.seen), len(other.seen)) == (1, 0)


def test_a_redirect_names_the_host_it_leads_to(driver, wire):
    wire.answers(Say(status=308, headers={"location": "https://other.example/path?key=secret"}))
    assert "(308) to other.example;" in str(driver.try_generate(driver.client(wire.url)).error)


def test_nobody_listens(way, driver):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    failure = driver.attempt(way, driver.client(f"http://127.0.0.1:{port}")).error
    assert type(failure) is ConnectFailed
    assert f"127.0.0.1:{port}" in str(failure)
    assert failure.attempts == 4


def test_a_name_that_is_unknown(way, driver, monkeypatch):
    def unknown(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    failure = driver.attempt(way, driver.client("http://gateway.invalid")).error
    assert type(failure) is ConnectFailed
    assert "gateway.invalid:80" in str(failure)


def test_a_queue_that_is_full(way, driver):
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(listening.getsockname())
        limits = Timeouts(connect=0.3)
        client = driver.client(f"http://127.0.0.1:{listening.getsockname()[1]}", timeout=limits, retries=1)
        failure = driver.attempt(way, client).error
        for one in waiting:
            one.close()
    assert (type(failure), failure.phase, failure.attempts) == (Timeout, "connect", 2)


@contextmanager
def _listening(talk):
    """A server that lets `talk` have each connection."""

    def serve():
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection, suppress(OSError):
                talk(connection)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_an_encrypted_address_of_a_plain_server(way, driver):
    def plain(connection):
        connection.recv(9)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")
        connection.recv(999)

    with _listening(plain) as port:
        failure = driver.attempt(way, driver.client(f"https://127.0.0.1:{port}")).error
    assert type(failure) is TLSFailed
    assert failure.attempts == 1
    assert "https" in failure.hint


def test_an_encrypted_address_of_a_server_that_says_nothing(way, driver):
    with _listening(lambda connection: connection.recv(9999) and connection.recv(9999)) as port:
        failure = driver.attempt(way, driver.client(f"https://127.0.0.1:{port}", timeout=SHORT, retries=0)).error
    assert type(failure) is Timeout


def test_a_server_that_refuses_before_all_is_sent_is_heard():
    def refuse(connection):
        connection.recv(9999)
        connection.sendall(b"HTTP/1.1 413 Too Much\r\ncontent-length: 0\r\n\r\n")
        while connection.recv(999_999):
            pass

    async def ask(port):
        async with AsyncClient(f"http://127.0.0.1:{port}", model="m", retries=0, ledger=Ledger()) as client:
            await client.generate(Part.from_bytes(b"x" * 20_000_000, "image/png"))

    with _listening(refuse) as port, pytest.raises(RequestTooLarge):
        asyncio.run(ask(port))


def _certificate(folder, name):
    x509 = pytest.importorskip("cryptography.x509")
    import datetime as dt  # noqa: PLC0415 - beside the optional library

    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    builder = x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - dt.timedelta(1)).not_valid_after(now + dt.timedelta(1))
    signed = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    path = folder / "certificate.pem"
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(private + signed.sign(key, hashes.SHA256()).public_bytes(pem))
    return path


def test_a_certificate_that_nobody_vouches_for(way, driver, tmp_path):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_certificate(tmp_path, "localhost"))

    def greet(connection):
        with suppress(OSError), context.wrap_socket(connection, server_side=True) as encrypted:
            encrypted.recv(9999)

    with _listening(greet) as port:
        failure = driver.attempt(way, driver.client(f"https://127.0.0.1:{port}")).error
    assert type(failure) is TLSFailed
    assert failure.attempts == 1
    assert "certificate" in str(failure)
    assert "SSL_CERT_FILE" in failure.hint


@pytest.mark.parametrize(
    ("name", "value"),
    [("HTTPS_PROXY", "nonsense://x"), ("ALL_PROXY", "http://127.0.0.1:port"), ("SSL_CERT_FILE", "/no/such/file.pem")],
)
def test_a_broken_environment_is_a_config_error_that_names_it(name, value, way, driver, monkeypatch):
    from gemini_magic.client import http  # noqa: PLC0415 - what it has read is forgotten

    http._tls_context.cache_clear()
    monkeypatch.setenv(name, value)
    failure = driver.attempt(way, driver.client("https://gateway.example")).error
    assert type(failure) is ConfigError
    assert name in str(failure)
    assert failure.attempts <= 1


# -- limits of time ------------------------------------------------------------------------------------------------


def _client(driver, wire, **limits):
    return driver.client(wire.url, retries=0, clock=SystemClock(), timeout=Timeouts(**limits))


def _until_closed(wire):
    """Say the next piece after a moment, and hear meanwhile whether the client goes."""
    return lambda number: wire.closed_by_client.wait(0.04) if number else None


def test_silence_is_the_first_event_limit(way, driver, wire):
    wire.answers(Say(status=None, ending="hang"))
    failure = driver.attempt(way, _client(driver, wire, first_event=0.2)).error
    assert (type(failure), failure.phase, failure.seconds) == (Timeout, "first event", 0.2)
    assert wire.closed_by_client.wait(5)


def test_silence_in_the_middle_is_the_idle_limit(driver, wire):
    wire.answers(Say([event("some")], framing="chunked", ending="hang"))
    outcome = driver.try_stream(_client(driver, wire, idle=0.2))
    assert (type(outcome.error), outcome.error.phase, outcome.text) == (Timeout, "idle", "some")
    assert wire.closed_by_client.wait(5)


def test_comments_do_not_put_off_the_first_event_limit(driver, wire):
    wire.answers(Say([b": ping\n\n"] * 500, framing="chunked", before_piece=_until_closed(wire)))
    failure = driver.try_stream(_client(driver, wire, first_event=0.3, idle=0.2)).error
    assert (type(failure), failure.phase) == (Timeout, "first event")
    assert wire.closed_by_client.wait(5)


def test_comments_put_off_the_idle_limit_but_not_the_total(driver, wire):
    pieces = [event("some"), *[b": ping\n\n"] * 500]
    wire.answers(Say(pieces, framing="chunked", before_piece=_until_closed(wire)))
    outcome = driver.try_stream(_client(driver, wire, idle=0.2, total=0.6))
    assert (type(outcome.error), outcome.error.phase, outcome.text) == (Timeout, "total", "some")
    assert wire.closed_by_client.wait(5)


def test_events_for_ever_end_at_the_total_limit(driver, wire):
    wire.answers(Say([event("a")] * 500, framing="chunked", before_piece=_until_closed(wire)))
    outcome = driver.try_stream(_client(driver, wire, idle=0.3, total=0.5))
    assert (type(outcome.error), outcome.error.phase) == (Timeout, "total")
    assert set(outcome.text) == {"a"}


def test_a_head_that_drips_ends_at_a_limit(way, driver, wire):
    drip = [bytes([byte]) for byte in _head(b"content-length: %d" % len(BODY)) + BODY]
    wire.answers(Say(drip, framing="raw", before_piece=_until_closed(wire)))
    failure = driver.attempt(way, _client(driver, wire, first_event=0.3, idle=0.3)).error
    assert (type(failure), failure.phase) == (Timeout, "first event")


def test_the_total_limit_counts_all_attempts(way, driver, wire):
    wire.answers(error(503))
    driver.attempt(way, driver.client(wire.url, timeout=3.0, retries=20))
    assert sum(driver.clock.slept) < 3.0
    assert 2 <= len(wire.seen) < 20


def test_a_number_limits_the_whole_call(driver, wire):
    wire.answers(answer("a"))
    limits = driver.client(wire.url, timeout=30.0).profile.timeouts
    assert limits == Timeouts(connect=10.0, first_event=30.0, idle=30.0, total=30.0)
    assert driver.client(wire.url, timeout=1200).profile.timeouts == Timeouts(10.0, 1200, 60.0, 1200)
