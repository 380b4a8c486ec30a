"""The fault kit itself: faults happen where and how they are told to, and nothing is left of them.

The client here is a bare socket, so that nothing is tested by what it is meant to test.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable

import pytest

from objectstore_client.devserver import DevServer
from tests.faults.doors import Door
from tests.faults.leaks import LeakError, Snapshot, complaints, no_leaks
from tests.faults.liars import Answer, Liar, Misdeed, lie, refuse, refuse_early
from tests.faults.proxy import Cut, Delay, Drip, Flip, Insert, Plan, Proxy, Reset, Stall, Throttle
from tests.support.rawserver import Exchange, RawServer, answer

BODY = bytes(range(256)) * 400
REQUEST = b"PUT /object HTTP/1.1\r\nHost: here\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY
ANSWER = answer(200, body=b"hello")
BODY_AT = len(ANSWER) - 5


def dial(url: str) -> socket.socket:
    """A connection to what listens at *url*."""
    return socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), 0.3)


def converse(url: str, request: bytes = REQUEST) -> tuple[bytes, str]:
    """Send a request and read what comes; then `end`, `reset` or `silence`."""
    received = b""
    with dial(url) as client:
        try:
            client.sendall(request)
            while data := client.recv(1 << 16):
                received += data
        except ConnectionError:
            return received, "reset"
        except TimeoutError:
            return received, "silence"
    return received, "end"


def greet(exchange: Exchange) -> None:
    """The server behind: says hello and hangs up."""
    exchange.read_body()
    exchange.send(ANSWER)
    raise ConnectionError


@pytest.mark.parametrize(
    ("plan", "received", "ending"),
    [
        (Plan(up=Cut(eager=True)), b"", "end"),
        (Plan(up=Reset(eager=True)), b"", "reset"),
        (Plan(up=Stall(eager=True)), b"", "silence"),
        (Plan(up=Cut(heads=1, offset=50_000)), b"", "end"),
        (Plan(up=Reset(heads=1, offset=50_000)), b"", "reset"),
        (Plan(up=Stall(heads=1, offset=50_000)), b"", "silence"),
        (Plan(down=Cut(offset=7)), ANSWER[:7], "end"),
        (Plan(down=Reset(offset=7)), ANSWER[:7], "reset"),
        (Plan(down=Stall(offset=7)), ANSWER[:7], "silence"),
        (Plan(down=Cut(heads=1, offset=2)), ANSWER[: BODY_AT + 2], "end"),
        (Plan(down=Flip(heads=1, bit=5)), ANSWER[:BODY_AT] + b"Hello", "end"),
        (Plan(down=Insert(offset=9, data=b"???")), ANSWER[:9] + b"???", "end"),
        (Plan(down=Insert(heads=1, eager=True, data=b"!")), ANSWER[:BODY_AT] + b"!", "end"),
        (Plan(up=Delay(seconds=0.01), down=Delay(seconds=0.01)), ANSWER, "end"),
        (Plan(up=Throttle(rate=4_000_000)), ANSWER, "end"),
        (Plan(up=Drip(pause=0, count=30), down=Drip(pause=0)), ANSWER, "end"),
    ],
)
def test_a_plan_is_carried_out_once(plan: Plan, received: bytes, ending: str) -> None:
    """At the very byte that it names, and on no other connection."""
    with no_leaks(), RawServer(rest=greet) as server, Proxy(server.url, plan) as proxy:
        assert converse(proxy.url) == (received, ending)
        assert converse(proxy.url) == (ANSWER, "end")
        assert proxy.fired == (plan.up is not None) + (plan.down is not None)
        assert proxy.traffic.connections == 2
        assert proxy.asked[-1:] == proxy.served[-1:] == ["PUT /object"]
        assert proxy.traffic.up >= len(REQUEST)


def test_a_plan_can_hold_for_all_connections_until_it_is_healed() -> None:
    """`rest` is for those that have no plan of their own."""
    with RawServer(rest=greet) as server, Proxy(server.url, rest=Plan(down=Cut())) as proxy:
        assert [converse(proxy.url) for _ in range(3)] == [(b"", "end")] * 3
        proxy.heal()
        assert converse(proxy.url) == (ANSWER, "end")


@pytest.mark.parametrize(
    ("door", "error"),
    [
        (lambda: Door(refusals=2), ConnectionRefusedError),
        (lambda: Door(ignored=2), TimeoutError),
    ],
)
def test_a_door_is_closed_for_so_many(door: Callable[[], Door], error: type[OSError]) -> None:
    """Then it opens by itself."""
    with no_leaks(), RawServer(rest=greet) as server, Proxy(server.url, door=door()) as proxy:
        for _ in range(2):
            with pytest.raises(error):
                dial(proxy.url)
        assert converse(proxy.url) == (ANSWER, "end")
        assert proxy.fired == 2


def test_the_proxy_tells_what_went_wrong_inside() -> None:
    """Here: there is no server."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    with pytest.raises(ExceptionGroup) as caught, Proxy(url) as proxy:
        converse(proxy.url)
    assert caught.group_contains(ConnectionRefusedError)


def shout(reply: Answer) -> bytes:
    """A lie that is easy to tell from the truth."""
    return reply.wire("Content-Length: 4", body=b"LIES")


@pytest.mark.parametrize(
    ("misdeed", "head", "body", "served"),
    [
        (refuse(503), b"HTTP/1.1 503 ", b"not now", 1),
        (refuse(429, "1"), b"HTTP/1.1 429 Spoken\r\nRetry-After: 1\r\n", b"not now", 1),
        (refuse(408, close=True), b"HTTP/1.1 408 ", b"not now", 1),
        (refuse_early(413, "deaf"), b"HTTP/1.1 413 ", b"too large", 1),
        (refuse_early(413, "open"), b"HTTP/1.1 413 ", b"too large", 1),
        (refuse_early(413, "end"), b"HTTP/1.1 413 ", b"too large", 1),
        (lie(shout), b"HTTP/1.1 200 ", b"LIES", 2),
    ],
)
def test_a_liar_lies_once_then_the_real_server_answers(
    server_url: str, misdeed: Misdeed, head: bytes, body: bytes, served: int
) -> None:
    """It counts what the real server got; what was refused is not among it."""
    request = REQUEST.replace(b"/object", b"/v1/objects/testing/_/liar")
    with no_leaks(), Liar(server_url, misdeed) as liar:
        received, _ = converse(liar.url, request)
        assert received.startswith(head)
        assert received.endswith(b"\r\n\r\n" + body)
        received, _ = converse(liar.url, request)
        assert received.startswith(b"HTTP/1.1 200 ")
        assert received.endswith(b'{"key":"liar"}')
        assert liar.asked == ["PUT /v1/objects/testing/_/liar"] * 2
        assert (len(liar.served), liar.fired) == (served, 1)


def test_leaks_are_found() -> None:
    """A descriptor, a thread, and an error that nobody sees."""
    leak, gate = socket.socket(), threading.Event()
    before = Snapshot.take()
    with socket.socket():
        assert len(before.leaks()) == 1
        with complaints() as found:
            threading.Thread(target=gate.wait, name="left behind").start()
            assert "thread left behind" in before.leaks()
            gate.set()
            failing = threading.Thread(target=int, args=("seven",))
            failing.start()
            failing.join()
        assert "ValueError" in found[0]
    leak.close()
    with pytest.raises(LeakError, match="ValueError"), no_leaks():
        failing = threading.Thread(target=int, args=("seven",))
        failing.start()
        failing.join()


def test_a_server_leaves_nothing_behind() -> None:
    """Neither does the embedded server that all this stands on."""
    request = b"GET /health HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n"
    with no_leaks(), DevServer() as server:
        assert converse(server.url, request)[1] == "end"
