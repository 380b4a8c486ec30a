"""Both transports over real sockets: exchanges that work, and those that break."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from itertools import repeat
from typing import Any

import httpx
import pytest

from objectstore_client.engine.aio import AsyncSocketTransport
from objectstore_client.engine.blocking import SocketTransport
from objectstore_client.engine.exchange import PIECE_BYTES, Exchange
from objectstore_client.engine.facts import Facts, Progress, facts_of
from objectstore_client.engine.heads import head_of
from objectstore_client.engine.patience import Patience
from objectstore_client.engine.pool import Pool
from objectstore_client.engine.protocol import AioConnection
from tests.engine.peers import answering, peer, read_head
from tests.engine.worlds import AsyncPieces, Pieces, World, make_request
from tests.support.rawserver import Exchange as Served
from tests.support.rawserver import Handler, RawServer, answer, reply

KIB = 1024
MIB = 1024 * KIB
LARGE = bytes(range(256)) * 8 * KIB  # 2 MiB
OK = b"HTTP/1.1 200 OK\r\n"


def raw(data: bytes) -> Handler:
    """Read the request, answer with these bytes, and close the connection."""

    def handle(exchange: Served) -> None:
        exchange.read_body()
        exchange.send(data)
        raise ConnectionError

    return handle


def until(condition: Callable[[], object]) -> None:
    """Wait for what is about to happen in another thread."""
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


# ---- what works -----------------------------------------------------------------------------


def test_the_request_is_on_the_wire_as_it_was_made(world: World) -> None:
    """Target, headers, order and body arrive byte by byte, and nothing else."""
    with RawServer(reply(200, body=b"hi")) as server:
        target = "/v1/objects/u/a=1;b=2/k%20k//x?q=%3D"
        headers = [("X-b", "2"), ("x-A", "1"), ("Accept", "*/*")]
        got = world.ask(world.transport(), "PUT", server.url + target, headers, b"abc")
    assert (got.status, got.body) == (200, b"hi")
    (seen,) = server.requests
    assert seen.head.decode() == (
        f"PUT {target} HTTP/1.1\r\nHost: {server.host}\r\nX-b: 2\r\nx-A: 1\r\nAccept: */*\r\n"
        "Content-Length: 3\r\n\r\n"
    )
    assert seen.body == b"abc"


def test_a_small_request_is_one_send(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Head and body leave together: on a real network a second packet may cost a round trip."""
    sends: list[int] = []
    plain = socket.socket.send

    def send(self: socket.socket, data: Any, *arguments: Any) -> int:
        if threading.current_thread() is threading.main_thread() and len(data) > 1:
            sends.append(len(data))
        return plain(self, data, *arguments)

    with RawServer(reply(200)) as server:
        transport = world.transport()
        monkeypatch.setattr(socket.socket, "send", send)
        world.ask(transport, "PUT", server.url, (), bytes(1000))
    assert len(sends) == 1
    assert sends[0] > 1000


def test_connections_are_kept(world: World) -> None:
    """One connection serves one request after the other, whatever the answers are like."""
    script = [reply(200, body=b"x"), reply(404, body=LARGE), reply(204)]
    with RawServer(*script, reply(200, [("Connection", "close")]), reply(200)) as server:
        transport = world.transport()
        statuses = [world.ask(transport, "GET", server.url).status for _ in range(5)]
    assert statuses == [200, 404, 204, 200, 200]
    assert server.connections == 2


@pytest.mark.parametrize("size", [0, 1, 64 * KIB, 64 * KIB + 1, 2 * MIB])
@pytest.mark.parametrize("chunked", [False, True])
def test_bodies_there_and_back(world: World, size: int, chunked: bool) -> None:
    """Bodies of any size and framing arrive whole in both directions, in bounded pieces."""

    def handle(exchange: Served) -> None:
        exchange.read_body()
        data = exchange.body
        if chunked:
            exchange.send(OK + b"Transfer-Encoding: chunked\r\n\r\n")
            for start in range(0, len(data), 300_000):
                piece = data[start : start + 300_000]
                exchange.send(b"%x\r\n%b\r\n" % (len(piece), piece))
            exchange.send(b"0\r\n\r\n")
        else:
            exchange.send(answer(200, body=data))

    data = LARGE[:size]
    pieces = [memoryview(data)[start : start + MIB] for start in range(0, size, MIB)]
    headers = ("Transfer-Encoding", "chunked") if chunked else ("Content-Length", str(size))
    with RawServer(handle, handle) as server:
        transport = world.transport()
        for kind in (Pieces, world.pieces):
            request = make_request("PUT", server.url, [headers], kind(pieces))
            chunks = world.chunks(world.open(transport, request))
            assert b"".join(chunks) == data
            assert all(len(chunk) <= PIECE_BYTES for chunk in chunks)
    assert server.connections == 1


def test_a_body_may_end_with_the_connection(world: World) -> None:
    """Without any framing, the body is what comes until the server closes."""
    with RawServer(raw(OK + b"\r\n" + LARGE), reply(200)) as server:
        transport = world.transport()
        assert world.ask(transport, "GET", server.url).body == LARGE
        assert world.ask(transport, "GET", server.url).status == 200
    assert server.connections == 2


def test_answers_without_a_body(world: World) -> None:
    """HEAD, 204 and 304 end with their head, and the connection serves on."""
    data = b"Content-Length: 5\r\n\r\n"
    script = [OK + data, b"HTTP/1.1 204 N\r\n" + data, b"HTTP/1.1 304 N\r\n" + data]
    with RawServer(*(lambda exchange, d=d: exchange.send(d) for d in script), reply(200)) as server:
        transport = world.transport()
        for method in ("HEAD", "GET", "GET", "GET"):
            assert world.ask(transport, method, server.url).body == b""
    assert server.connections == 1


def test_interim_answers(world: World) -> None:
    """Interim answers before or while the body goes out are no answers."""

    def handle(exchange: Served) -> None:
        exchange.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        exchange.read_body()
        exchange.send(b"HTTP/1.1 102 Processing\r\n\r\n" * 3 + answer(200, body=b"x"))

    with RawServer(handle, handle) as server:
        transport = world.transport()
        assert world.ask(transport, "PUT", server.url, (), LARGE).body == b"x"
        headers = [("Transfer-Encoding", "chunked")]
        body = world.pieces([LARGE] * 4)
        assert world.ask(transport, "PUT", server.url, headers, body).body == b"x"
        assert [exchange.body for exchange in server.requests] == [LARGE, LARGE * 4]
    assert server.connections == 1


def test_under_the_clients_of_httpx(world: World, server_url: str) -> None:
    """They are transports like any other: httpx's own clients work on top of them."""
    if isinstance(world.make(), SocketTransport):
        with httpx.Client(transport=SocketTransport(), base_url=server_url) as client:
            assert client.get("/health").text == "OK"
            assert client.post("/v1/objects/test/_/", content=b"x").status_code == 201
        return

    async def use() -> None:
        async with httpx.AsyncClient(
            transport=AsyncSocketTransport(), base_url=server_url
        ) as client:
            assert (await client.get("/health")).text == "OK"
            assert (await client.post("/v1/objects/test/_/", content=b"x")).status_code == 201

    world.runner.run(use())  # type: ignore[attr-defined]


# ---- early answers --------------------------------------------------------------------------


def early(data: bytes, *, done: threading.Event, then_close: bool = False) -> Handler:
    """Answer without reading the body; leave the connection open until *done*."""

    def handle(exchange: Served) -> None:
        exchange.send(data)
        if not then_close:
            done.wait(30)
        raise ConnectionError

    return handle


@pytest.mark.parametrize(
    "framing", [("Content-Length", str(1 << 40)), ("Transfer-Encoding", "chunked")]
)
@pytest.mark.parametrize("then_close", [False, True])
def test_an_early_answer_is_seen(world: World, framing: tuple[str, str], then_close: bool) -> None:
    """An answer ends the request: the rest of an endless body is neither made nor sent."""
    done = threading.Event()
    for kind in (Pieces, world.pieces):
        refusal = early(answer(413, body=b"too large"), done=done, then_close=then_close)
        with RawServer(refusal, reply(200)) as server:
            transport = world.transport()
            body = kind(repeat(bytes(MIB)))
            response = world.open(transport, make_request("PUT", server.url, [framing], body))
            assert response.status_code == 413
            assert body.closed
            assert world.read(response) == b"too large"
            assert world.ask(transport, "GET", server.url).status == 200
            assert server.connections == 2
            done.set()


def test_an_early_answer_to_a_body_that_waits(world: World) -> None:
    """Between two pieces of a slow body the answer is seen as well."""
    answered = threading.Event()

    def handle(exchange: Served) -> None:
        exchange.send(answer(503))
        answered.set()
        assert exchange.peer_closed()
        raise ConnectionError

    def pieces() -> Iterator[bytes]:
        yield b"first"
        answered.wait(10)
        time.sleep(0.05)  # the answer is on its way through the loopback
        yield b"second"
        raise AssertionError("nobody wants a third")

    with RawServer(handle) as server:
        body = world.pieces(pieces())
        headers = [("Transfer-Encoding", "chunked")]
        assert world.ask(world.transport(), "PUT", server.url, headers, body).status == 503
    assert body.closed


async def test_an_answer_before_a_reset_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """asyncio finds out by writing that the connection is gone; the answer is there still."""
    reset = threading.Event()

    def play(connection: socket.socket) -> None:
        read_head(connection)
        connection.sendall(answer(413, body=b"too large"))
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        connection.close()
        reset.set()

    class Blind:
        def register(self, *arguments: object) -> None: ...

        def poll(self, *arguments: object) -> list[object]:
            return []

    def pieces() -> Iterator[bytes]:
        yield b"first"
        reset.wait(10)
        while True:
            time.sleep(0.01)  # the loop does not get a chance to read
            yield b"more"

    monkeypatch.setattr("objectstore_client.engine.protocol.select.poll", Blind)
    with peer(play) as url:
        async with AsyncSocketTransport() as transport:
            headers = [("Transfer-Encoding", "chunked")]
            request = make_request("PUT", url, headers, Pieces(pieces()))
            response = await transport.handle_async_request(request)
            assert response.status_code == 413
            assert await response.aread() == b"too large"


def test_an_early_success_is_not_believed(world: World) -> None:
    """Who accepts a body that he has not received can't have stored it."""
    done = threading.Event()
    for kind in (Pieces, world.pieces):
        with RawServer(early(answer(200), done=done)) as server:
            headers = [("Content-Length", str(1 << 40))]
            body = kind(repeat(bytes(MIB)))
            with pytest.raises(httpx.RemoteProtocolError, match="accepted"):
                world.ask(world.transport(), "PUT", server.url, headers, body)
            assert body.closed
            done.set()


def duplex(world: World, url: str, body: bytes, *framing: tuple[str, str]) -> httpx.Request:
    """A request whose answer may begin before it has ended."""
    cut = [body[start : start + 100_000] for start in range(0, len(body), 100_000)]
    request = make_request("POST", url, framing, world.pieces(cut))
    request.extensions = {**request.extensions, "duplex": True}
    return request


CHUNKED = ("Transfer-Encoding", "chunked")


def test_a_duplex_answer_begins_early(world: World) -> None:
    """Both sides may send more than the network holds before either has read anything."""
    body = LARGE * 4

    def handle(exchange: Served) -> None:
        exchange.send(answer(200, content_length=2 * len(body)))
        exchange.send(body)
        exchange.read_body()
        exchange.send(body)

    with RawServer(handle, reply(200)) as server:
        transport = world.transport()
        response = world.open(transport, duplex(world, server.url, body, CHUNKED))
        assert world.read(response) == 2 * body
        assert server.requests[0].body == body
        assert world.ask(transport, "GET", server.url).status == 200
        assert server.connections == 1


def test_a_duplex_request_can_be_refused(world: World) -> None:
    """An early answer that is no success ends it like any other."""
    done = threading.Event()
    with RawServer(early(answer(429), done=done)) as server:
        request = duplex(world, server.url, LARGE * 8, CHUNKED)
        assert world.open(world.transport(), request).status_code == 429
        done.set()


def test_a_duplex_answer_that_ends_early_is_not_believed(world: World) -> None:
    """A complete answer to half of a request says nothing of the other half."""
    done = threading.Event()
    with RawServer(early(answer(200, body=b"done"), done=done)) as server:
        request = duplex(world, server.url, LARGE * 8, CHUNKED)
        with pytest.raises(httpx.RemoteProtocolError, match="accepted"):
            world.open(world.transport(), request)
        done.set()


# ---- answers that break ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        OK + b"Content-Length: 4000000\r\n\r\n" + LARGE,
        OK + b"Transfer-Encoding: chunked\r\n\r\n3d0900\r\n" + LARGE,
        OK + b"Content-Length: 5\r\n\r\nhell",
        OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    ],
    ids=["length", "chunked", "small length", "small chunked"],
)
def test_a_truncated_body_is_never_an_end(world: World, data: bytes) -> None:
    """Reading raises, and goes on raising; the connection is gone, its place free."""
    with RawServer(raw(data), reply(200)) as server:
        transport = world.transport(max_connections=1)
        with pytest.raises(httpx.RemoteProtocolError) as caught:
            world.ask(transport, "GET", server.url)
        assert facts_of(caught.value) == Facts(Progress.ANSWERED)
        assert world.ask(transport, "GET", server.url).status == 200


def test_a_broken_stream_does_not_end_when_read_again(world: World) -> None:
    """Who reads on after the error must not take what he gets for the end."""
    with RawServer(raw(OK + b"Content-Length: 100000\r\n\r\nx")) as server:
        response = world.open(world.transport(), make_request("GET", server.url))
        stream = response.stream
        with pytest.raises(httpx.RemoteProtocolError):
            world.read(response)
        again = httpx.Response(200, stream=stream)
        with pytest.raises(httpx.StreamClosed):
            world.read(again)


@pytest.mark.parametrize("data", [b"", b"HTTP/1.1 200", b"HTTP/1.1 100 C\r\n\r\n"])
def test_no_answer(world: World, data: bytes) -> None:
    """A server that hangs up is an error that tells how far it came."""
    with RawServer(raw(data)) as server:
        with pytest.raises(httpx.RemoteProtocolError) as caught:
            world.ask(world.transport(), "GET", server.url)
        progress = Progress.ANSWERED if data else Progress.MAYBE_SENT
        assert facts_of(caught.value) == Facts(progress)


def test_garbage(world: World) -> None:
    """What is not HTTP is an error at once, also if the server then just waits."""
    done = threading.Event()
    with RawServer(early(b"220 ready\r\n", done=done)) as server:
        with pytest.raises(httpx.RemoteProtocolError, match="not valid"):
            world.ask(world.transport(), "GET", server.url)
        done.set()


def test_reset(world: World) -> None:
    """A reset in the middle of an answer is an error of the way."""

    def play(connection: socket.socket) -> None:
        read_head(connection)
        connection.sendall(OK + b"Content-Length: 100\r\n\r\nx")
        time.sleep(0.05)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        connection.close()

    with peer(play) as url:
        transport = world.transport()
        with pytest.raises(httpx.ReadError) as caught:
            world.ask(transport, "GET", url)
        assert facts_of(caught.value) == Facts(Progress.ANSWERED)
        assert world.pool(transport).in_use == 0


# ---- kept connections -----------------------------------------------------------------------


def test_a_connection_that_was_closed_is_not_used(world: World) -> None:
    """The server closes an idle connection: the next request notices before it is sent."""
    closed = threading.Event()

    def play(connection: socket.socket) -> None:
        read_head(connection)
        connection.sendall(answer(200))
        if not closed.is_set():
            connection.shutdown(socket.SHUT_RDWR)
            closed.set()
        else:
            read_head(connection)

    with peer(play) as url:
        transport = world.transport()
        assert world.ask(transport, "GET", url).status == 200
        closed.wait(10)
        assert world.ask(transport, "POST", url, (), b"once").status == 200


@pytest.mark.parametrize("stray", [b"x", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong"])
@pytest.mark.parametrize("later", [False, True])
def test_stray_data_is_nobodys_answer(world: World, stray: bytes, later: bool) -> None:
    """What comes after an answer costs the connection; the next request gets its own answer."""
    strayed = threading.Event()

    def handle(exchange: Served) -> None:
        if later:
            exchange.send(answer(200, body=b"right"))
            exchange.send(stray)
        else:
            exchange.send(answer(200, body=b"right") + stray)
        strayed.set()
        exchange.peer_closed()

    with RawServer(handle, reply(200, body=b"right too")) as server:
        transport = world.transport()
        assert world.ask(transport, "GET", server.url).body == b"right"
        strayed.wait(10)
        assert world.ask(transport, "GET", server.url).body == b"right too"
    assert server.connections == 2


@pytest.mark.parametrize("first", [True, False])
def test_a_kept_connection_that_dies_says_so(world: World, first: bool) -> None:
    """Closed without a byte of an answer: harmless if the connection had served before."""
    script = [raw(b"")] if first else [reply(200), raw(b"")]
    with RawServer(*script) as server:
        transport = world.transport()
        if not first:
            world.ask(transport, "GET", server.url)
        with pytest.raises(httpx.RemoteProtocolError, match="without an answer") as caught:
            world.ask(transport, "GET", server.url)
        assert facts_of(caught.value) == Facts(Progress.MAYBE_SENT, reused=not first)


# ---- requests that break --------------------------------------------------------------------


class OwnError(Exception):
    """An error of the application."""


@pytest.mark.parametrize("error", [OwnError("mine"), OSError("disk"), httpx.ReadError("theirs")])
def test_errors_of_the_body_pass_unchanged(world: World, error: Exception) -> None:
    """What the body raises is the caller's; the half-sent request costs the connection."""

    def pieces() -> Iterator[bytes]:
        yield b"x"
        raise error

    def broken(exchange: Served) -> None:
        exchange.read_body()

    with RawServer(broken, reply(200)) as server:
        transport = world.transport(max_connections=1)
        headers = [("Content-Length", "2")]
        with pytest.raises(type(error)) as caught:
            world.ask(transport, "PUT", server.url, headers, world.pieces(pieces()))
        assert caught.value is error
        until(lambda: server.requests)
        assert world.ask(transport, "GET", server.url).status == 200


@pytest.mark.parametrize("pieces", [[b"a"], [b"a", b"bcd"]])
def test_bodies_of_another_length(world: World, pieces: list[bytes]) -> None:
    """The request stays incomplete, so the server does not act on it."""

    def handle(exchange: Served) -> None:
        with pytest.raises(ConnectionError):
            exchange.read_body()
        raise ConnectionError

    with RawServer(handle) as server:
        headers = [("Content-Length", "3")]
        with pytest.raises(httpx.LocalProtocolError, match="Content-Length"):
            world.ask(world.transport(), "PUT", server.url, headers, world.pieces(pieces))


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/", "/nowhere", "http:///x", "unix:/x"])
def test_urls_that_lead_nowhere(world: World, url: str) -> None:
    """Only http and https, and only with a host."""
    request = make_request("GET", "http://h/")
    request.url = httpx.URL(url)
    with pytest.raises(httpx.UnsupportedProtocol) as caught:
        world.open(world.transport(), request)
    assert facts_of(caught.value) == Facts(Progress.NOT_SENT)


def test_bodies_of_the_other_world(world: World) -> None:
    """A body that would block the loop, or need one, is refused."""

    class SyncOnly(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            raise AssertionError

    body = AsyncPieces([]) if world.name == "blocking" else SyncOnly()
    with pytest.raises(TypeError, match="body"):
        world.open(world.transport(), make_request("GET", "http://h/", (), body))


# ---- time -----------------------------------------------------------------------------------


def dripping(data: bytes) -> Callable[[socket.socket], None]:
    """Answer byte by byte, slowly, until the client has enough."""

    def play(connection: socket.socket) -> None:
        read_head(connection)
        for byte in data:
            connection.sendall(bytes([byte]))
            time.sleep(0.02)

    return play


def silent(connection: socket.socket) -> None:
    """Take the request and say nothing."""
    read_head(connection)
    connection.recv(1)


def test_read_timeout(world: World) -> None:
    """A server that says nothing for too long is given up, and its connection with it."""
    with peer(silent) as url:
        transport = world.transport(max_connections=1)
        for _ in range(2):
            with pytest.raises(httpx.ReadTimeout) as caught:
                world.ask(transport, "GET", url, read=0.05)
            assert facts_of(caught.value) == Facts(Progress.MAYBE_SENT)
        assert not world.pool(transport).in_use


@pytest.mark.parametrize(
    "data", [OK + b"X: " + b"y" * 500, OK + b"Content-Length: 500\r\n\r\n" + b"y" * 500]
)
def test_the_deadline_holds_against_dripping(world: World, data: bytes) -> None:
    """Each byte comes in time, and yet it ends: in the head and in the body."""
    with peer(dripping(data)) as url:
        started = time.monotonic()
        with pytest.raises(httpx.ReadTimeout, match="deadline") as caught:
            world.ask(world.transport(), "GET", url, deadline=0.3)
        assert facts_of(caught.value).past_deadline
        assert time.monotonic() - started >= 0.3


def test_dripping_alone_is_in_time(world: World) -> None:
    """The read time-out is for the next byte, not for all of them."""
    with peer(dripping(answer(200, body=b"y" * 10))) as url:
        started = time.monotonic()
        assert world.ask(world.transport(), "GET", url, read=0.5).body == b"y" * 10
        assert time.monotonic() - started > 0.5


def test_the_deadline_holds_against_a_flood(world: World) -> None:
    """Data that never stops coming does not keep a request alive either."""

    def play(connection: socket.socket) -> None:
        read_head(connection)
        connection.sendall(OK + b"\r\n")
        while True:
            connection.sendall(bytes(MIB))

    with peer(play) as url:
        with pytest.raises(httpx.ReadTimeout) as caught:
            world.ask(world.transport(), "GET", url, deadline=0.2)
        assert facts_of(caught.value) == Facts(Progress.ANSWERED, past_deadline=True)


@pytest.mark.parametrize("deadline", [None, 0.2])
def test_write_timeout(world: World, deadline: float | None) -> None:
    """A server that takes nothing is given up."""
    done = threading.Event()

    def play(connection: socket.socket) -> None:
        done.wait(30)

    with peer(play) as url:
        headers = [("Content-Length", str(1 << 40))]
        for kind in (Pieces, world.pieces):
            body = kind(repeat(bytes(MIB)))
            options = {"write": 0.1} if deadline is None else {"deadline": deadline}
            with pytest.raises(httpx.WriteTimeout) as caught:
                world.ask(world.transport(), "PUT", url, headers, body, **options)
            assert body.closed
            assert facts_of(caught.value) == Facts(
                Progress.MAYBE_SENT, past_deadline=deadline is not None
            )
        done.set()


def test_slow_writing_is_in_time(world: World) -> None:
    """The write time-out is for the next byte that the network takes, not for a whole piece."""
    total = 24 * MIB

    def play(connection: socket.socket) -> None:
        read_head(connection)
        left = total
        while left:
            left -= len(connection.recv(min(left, MIB)))
            time.sleep(0.03)
        connection.sendall(answer(200))

    with peer(play) as url:
        started = time.monotonic()
        headers = [("Content-Length", str(total))]
        body = Pieces([bytes(total)])
        got = world.ask(world.transport(), "PUT", url, headers, body, write=0.5)
        assert got.status == 200
        assert time.monotonic() - started > 0.5


async def test_time_outs_of_the_past_do_not_come_back() -> None:
    """The timer of a wait that is over neither ends a later one nor keeps running."""
    with peer(answering(answer(200))) as url:
        async with AsyncSocketTransport() as transport:
            await transport.handle_async_request(make_request("GET", url, read=0.02))
            driver, _ = transport._drivers[asyncio.get_running_loop()]
            (connection,) = driver.pool.idle
            assert connection._timer is not None
            await asyncio.sleep(0.05)
            assert connection._timer is None
            for limit in (0.5, 0.3, None):
                await transport.handle_async_request(make_request("GET", url, read=limit))
            assert connection._timer is not None


async def test_a_shorter_time_out_follows_a_longer_one() -> None:
    """The timer of an earlier wait does not stand in the way."""
    answers = iter([answer(200)])

    def play(connection: socket.socket) -> None:
        while read_head(connection):
            connection.sendall(next(answers, b""))

    with peer(play) as url:
        async with AsyncSocketTransport() as transport, asyncio.timeout(20):
            await transport.handle_async_request(make_request("GET", url, read=300))
            with pytest.raises(httpx.ReadTimeout):
                await transport.handle_async_request(make_request("GET", url, read=0.02))


async def test_progress_within_a_piece_is_in_time() -> None:
    """As long as what waits to be sent gets less, the write time-out does not end the wait."""
    left = 5

    class Slow:
        """A transport that the system takes a little from, now and then."""

        def write(self, data: bytes) -> None:
            connection.pause_writing()

        def get_write_buffer_size(self) -> int:
            nonlocal left
            left = max(0, left - 1)
            return left

        def is_closing(self) -> bool:
            return False

    with socket.socket() as sock:
        connection = AioConnection(sock, ("http", "h", 80), Pool(1, 1))
        connection._transport = Slow()  # type: ignore[assignment]
        request = make_request("PUT", "http://h", (), b"x", write=0.01)
        exchange = Exchange(head_of(request))
        connection.begin(exchange)
        with pytest.raises(httpx.WriteTimeout):
            await connection.send(exchange, b"x", Patience(request.extensions))
        assert left == 0
        connection.close()


def test_a_reader_that_is_slow_slows_the_server_down(world: World) -> None:
    """What nobody takes is not collected in memory."""
    sent = 0

    def play(connection: socket.socket) -> None:
        nonlocal sent
        read_head(connection)
        connection.sendall(OK + b"Content-Length: %d\r\n\r\n" % (64 * MIB))
        for _ in range(64):
            connection.sendall(bytes(MIB))
            sent += 1

    with peer(play) as url:
        response = world.open(world.transport(), make_request("GET", url))
        for _ in range(20):
            world.settle()
        body: Any = response.stream
        assert sum(map(len, body._exchange.body)) <= 768 * KIB
        assert sent < 64
        assert len(world.read(response)) == 64 * MIB


def test_a_deadline_that_has_passed(world: World) -> None:
    """Nothing is sent when it is too late already."""
    with RawServer() as server:
        transport = world.transport()
        with pytest.raises(httpx.TimeoutException) as caught:
            world.ask(transport, "GET", server.url, deadline=-1)
        assert facts_of(caught.value) == Facts(Progress.NOT_SENT, past_deadline=True)
        assert not server.requests


def test_no_limits(world: World) -> None:
    """Without time-outs, or with endless ones, it waits as long as it takes."""
    with RawServer(reply(200), reply(200), reply(200)) as server:
        transport = world.transport()
        for limit in (None, 1e30, float("inf")):
            limits = dict.fromkeys(("connect", "read", "write", "pool"), limit)
            assert world.ask(transport, "GET", server.url, **limits).status == 200
        request = make_request("GET", server.url)
    with RawServer(reply(200)) as server:
        request.url = httpx.URL(server.url)
        request.extensions = {}
        world.read(world.open(transport, request))


# ---- the end --------------------------------------------------------------------------------


def test_a_closed_transport(world: World) -> None:
    """It sends nothing any more; what is open can still be read, and is closed then."""
    with peer(answering(answer(200, body=LARGE))) as url:
        transport = world.transport()
        response = world.open(transport, make_request("GET", url))
        world.close(transport)
        world.close(transport)
        with pytest.raises(httpx.LocalProtocolError, match="closed") as caught:
            world.ask(transport, "GET", url, pool=None)
        assert facts_of(caught.value) == Facts(Progress.NOT_SENT)
        assert world.read(response) == LARGE
        world.settle()
        assert not world.pool(transport).open
        world.close(transport)


def test_a_transport_closed_before_use(world: World) -> None:
    """The same, if there was no connection yet."""
    transport = world.transport()
    world.close(transport)
    with pytest.raises(httpx.LocalProtocolError, match="closed"):
        world.ask(transport, "GET", "http://127.0.0.1:1")
