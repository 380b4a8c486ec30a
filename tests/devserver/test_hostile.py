"""Clients that are slow, lie, vanish or send garbage."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from objectstore_client.devserver import DevServer
from objectstore_client.devserver.protocol import Limits
from tests.devserver.conftest import Ask
from tests.devserver.wire import ask, chunked, closed, connect, head, receive

MIB = 1024 * 1024
PUT = b"PUT /v1/objects/test/_/o HTTP/1.1\r\nhost: x\r\n"
SHORT = Limits(head=0.3, stall=0.3, idle=1, grace=0.3)


@pytest.fixture(scope="module")
def impatient() -> Iterator[DevServer]:
    """A server that gives up soon."""
    with DevServer(limits=SHORT) as server:
        yield server


# ---- slow clients ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sent",
    [b"", b"G", b"GET /health HTTP/1.1\r\n", b"GET /health HTTP/1.1\r\nhost: test\r\nx: "],
)
def test_half_a_head_is_cut(impatient: DevServer, sent: bytes) -> None:
    """Or none at all: the connection ends without an answer."""
    with connect(impatient.url) as connection:
        connection.sendall(sent)
        assert closed(connection) == b""


def test_a_dripping_head_is_cut(impatient: DevServer) -> None:
    """The deadline is for the whole head, so that single bytes do not keep it open."""
    with connect(impatient.url) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nx: ")
        connection.settimeout(0.02)
        while True:
            try:
                connection.sendall(b"y")
                assert connection.recv(1) == b""
            except TimeoutError:
                continue
            except (BrokenPipeError, ConnectionResetError):
                pass
            return


def test_half_a_second_head_is_cut(impatient: DevServer) -> None:
    """Also on a connection that has been of use before."""
    with connect(impatient.url) as connection:
        for _ in range(2):
            connection.sendall(head("GET", "/health"))
            assert receive(connection).status == 200
        connection.sendall(b"GET /hea")
        assert closed(connection) == b""


def test_an_idle_connection_is_closed(impatient: DevServer) -> None:
    """After a while of its own, not the one for heads."""
    with connect(impatient.url) as connection:
        connection.sendall(head("GET", "/health"))
        assert receive(connection).status == 200
        assert closed(connection) == b""


@pytest.mark.parametrize("framing", ["length", "chunks"])
def test_a_stalled_body_is_cut(impatient: DevServer, framing: str) -> None:
    """And nothing of it is published."""
    target = f"/v1/objects/test/_/stalled-{framing}"
    headers = (
        [("content-length", "9")] if framing == "length" else [("transfer-encoding", "chunked")]
    )
    with connect(impatient.url) as connection:
        connection.sendall(head("PUT", target, headers) + b"5\r\nhell")
        assert closed(connection) == b""
    assert ask(impatient.url, "GET", target).status == 404


def test_a_reader_that_does_not_read_is_cut(impatient: DevServer) -> None:
    """While the answer is stuck; otherwise it would hold the object open for ever."""
    ask(impatient.url, "PUT", "/v1/objects/test/_/large", body=bytes(32 * MIB))
    with connect(impatient.url) as connection:
        connection.sendall(head("GET", "/v1/objects/test/_/large"))
        # Nothing is read until the server has nothing in flight any more.
        _wait_until_idle(impatient)
        assert len(closed(connection)) < 32 * MIB


def test_a_slow_but_steady_body_is_not_cut(impatient: DevServer) -> None:
    """The limit is for standing still: here the whole takes longer than it."""
    event = threading.Event()
    with connect(impatient.url) as connection:
        connection.sendall(head("PUT", "/v1/objects/test/_/slow", [("content-length", "8")]))
        for _ in range(8):
            event.wait(0.1)
            connection.sendall(b"x")
        assert receive(connection).status == 200


def _wait_until_idle(server: DevServer) -> None:
    while b"\nobjectstore_requests_in_flight 0\n" not in ask(server.url, "GET", "/keda").body:
        threading.Event().wait(0.01)


# ---- bodies that end early ------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["close", "half-close", "reset"])
@pytest.mark.parametrize("framing", ["length", "chunks"])
@pytest.mark.parametrize("size", [0, 5, 3 * MIB])
def test_a_truncated_body_is_not_published(
    server: DevServer, call: Ask, prefix: str, ending: str, framing: str, size: int
) -> None:
    """Neither a new object nor the replacement of one comes of it."""
    call("PUT", "/old", body=b"old")
    for key in ("new", "old"):
        if framing == "length":
            body, headers = bytes(size), [("content-length", str(size + 1))]
        else:
            body, headers = chunked(bytes(size))[:-5], [("transfer-encoding", "chunked")]
        with connect(server.url) as connection:
            connection.sendall(head("PUT", f"{prefix}/{key}", headers) + body)
            if ending == "half-close":
                connection.shutdown(socket.SHUT_WR)
                assert closed(connection) == b""
            elif ending == "reset":
                linger = struct.pack("ii", 1, 0)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        _wait_until_idle(server)
    assert call("GET", "/new").status == 404
    assert call("GET", "/old").body == b"old"


def test_a_failed_upload_leaves_no_file(tmp_path: Path) -> None:
    """Not even in the staging directory."""
    with DevServer(data_dir=tmp_path) as server:
        with connect(server.url) as connection:
            headers = [("content-length", str(4 * MIB))]
            connection.sendall(head("PUT", "/v1/objects/test/_/o", headers) + bytes(3 * MIB))
        _wait_until_idle(server)
        assert list((tmp_path / "staging").iterdir()) == []
        assert list((tmp_path / "objects").iterdir()) == []


@pytest.mark.parametrize(
    "body",
    [b"zz\r\n", b"-5\r\nhello", b"5\r\nhelloworld\r\n", b"f" * 30 + b"\r\n", b"5" + b" " * 100_000],
)
def test_malformed_chunks_are_refused(
    call: Ask, server: DevServer, prefix: str, body: bytes
) -> None:
    """As 400, or by the end of the connection; nothing is stored."""
    with connect(server.url) as connection:
        connection.sendall(head("PUT", f"{prefix}/o", [("transfer-encoding", "chunked")]) + body)
        assert closed(connection).startswith(b"HTTP/1.1 400 ")
    assert call("GET").status == 404


def test_a_reader_that_goes_away_does_no_harm(server: DevServer, call: Ask, prefix: str) -> None:
    """The server stops sending, and goes on with others."""
    call("PUT", body=bytes(16 * MIB))
    for _ in range(3):
        with connect(server.url) as connection:
            connection.sendall(head("GET", f"{prefix}/o"))
            connection.recv(1000)
    _wait_until_idle(server)
    assert len(call("GET").body) == 16 * MIB


# ---- answers before the body ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "key", "headers", "status"),
    [
        ("PUT", "/o", [("content-encoding", "gzip")], 400),
        ("PUT", "/..", [], 400),
        ("PUT", "/o?session=AAAA", [("upload-offset", "0")], 404),
        ("PUT", "", [], 405),
        ("GET", "/absent", [], 404),
        ("DELETE", "/o", [], 204),
        ("PATCH", "/o", [("content-type", "text/plain")], 415),
    ],
)
@pytest.mark.parametrize("size", [5, 12 * MIB])
def test_an_early_answer_reaches_a_client_that_sends_on(
    call: Ask, method: str, key: str, headers: list[tuple[str, str]], status: int, size: int
) -> None:
    """Although nobody reads the body; the connection ends after it."""
    answer = call(method, key, headers, bytes(size))
    assert answer.status == status
    assert answer.headers["connection"] == "close"


def test_an_early_answer_comes_before_the_body(server: DevServer, prefix: str) -> None:
    """A client that waits for it need not send anything."""
    headers = [("content-length", "5"), ("expect", "100-continue"), ("content-type", "?")]
    with connect(server.url) as connection:
        connection.sendall(head("PUT", f"{prefix}/o", headers))
        refused = receive(connection)
        assert (refused.status, refused.headers["connection"]) == (400, "close")


def test_an_endless_body_is_cut_after_an_early_answer(server: DevServer, prefix: str) -> None:
    """What is read for nothing has a bound."""
    headers = [("content-length", str(2**50)), ("content-type", "?")]
    sent = 0
    with connect(server.url) as connection:
        connection.sendall(head("PUT", f"{prefix}/o", headers))
        with pytest.raises(OSError):
            while sent < 1024 * MIB:
                sent += connection.send(bytes(MIB))
    assert sent < 64 * MIB


# ---- heads ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "request_head",
    [
        head("GET", "/" + "a" * 70_000),
        head("GET", "/health", [("x", "a" * 70_000)]),
        head("GET", "/health", [("x", "a" * 300_000)]),
        head("GET", "/health", [(f"x{n}", "a") for n in range(100)]),
        head("GET", "/health", [(f"x{n}", "a" * 700) for n in range(95)]),
    ],
    ids=["target", "header", "larger header", "many headers", "all together"],
)
def test_a_large_head_is_refused(server: DevServer, request_head: bytes) -> None:
    """More than 64 KiB or 100 fields."""
    with connect(server.url) as connection:
        try:
            connection.sendall(request_head)
            assert receive(connection).status in (400, 431)
        except (ConnectionResetError, BrokenPipeError):
            pass  # cut in the middle of it
    assert ask(server.url, "GET", "/health").status == 200


def test_an_endless_head_is_cut(server: DevServer) -> None:
    """Long before it costs memory."""
    sent = 0
    with connect(server.url) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nx: ")
        with pytest.raises(OSError):
            while sent < 64 * MIB:
                sent += connection.send(b"a" * 65_536)
    assert sent < 32 * MIB


def test_a_head_within_the_limits_is_accepted(server: DevServer) -> None:
    """A hundred fields, 60 KB."""
    fields = [(f"x{n}", "a" * 600) for n in range(98)]
    assert ask(server.url, "GET", "/health", fields).status == 200


@pytest.mark.parametrize(
    "garbage",
    [
        b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /health\r\n\r\n",
        b"GET /health HTTP/9.9\r\n\r\n",
        b"GET /h\xc3\xa9 HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET /health HTTP/1.1\r\n\r\n",
        b"GET /health HTTP/1.1\r\nhost: x\r\nhost: y\r\n\r\n",
        b"GET /health HTTP/1.1\r\nhost: x\r\nbad header: y\r\n\r\n",
        b"GET /health HTTP/1.1\r\nhost: x\r\nno colon\r\n\r\n",
        b"GET /health HTTP/1.1\r\nhost: x\r\na: \x00\r\n\r\n",
        PUT + b"content-length: -1\r\n\r\n",
        PUT + b"content-length: 1e3\r\n\r\n",
        PUT + b"content-length: 1\r\ncontent-length: 2\r\n\r\n",
        PUT + b"content-length: " + b"9" * 500 + b"\r\n\r\n",
        PUT + b"transfer-encoding: gzip\r\n\r\n",
        PUT + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
)
def test_garbage_is_refused(server: DevServer, garbage: bytes) -> None:
    """As 400, and by the end of the connection."""
    with connect(server.url) as connection:
        connection.sendall(garbage)
        answer = closed(connection)
    assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 505 "))
    assert ask(server.url, "GET", "/health").status == 200


def test_garbage_after_a_request_does_no_harm(server: DevServer) -> None:
    """The request is answered, then the connection ends."""
    with connect(server.url) as connection:
        connection.sendall(head("GET", "/health") + b"\x00garbage\r\n\r\n")
        assert closed(connection).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("upgrade", ["websocket", "h2c"])
def test_an_upgrade_is_ignored(server: DevServer, upgrade: str) -> None:
    """The request is answered as it is, and the connection stays of use."""
    with connect(server.url) as connection:
        for _ in range(2):
            headers = [("connection", "upgrade"), ("upgrade", upgrade)]
            connection.sendall(head("GET", "/health", headers))
            assert receive(connection).status == 200


def test_a_proxy_request_is_not_understood(server: DevServer) -> None:
    """There is nothing to connect to."""
    assert ask(server.url, "CONNECT", "example.org:443").status == 404
