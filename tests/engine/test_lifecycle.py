"""Forks, threads, event loops, cancellation, Ctrl-C: afterwards all is as if nothing had been."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import random
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from objectstore_client.engine.aio import AsyncSocketTransport
from objectstore_client.engine.blocking import SocketTransport
from objectstore_client.engine.driver import run
from objectstore_client.engine.pool import Pool
from tests.engine.peers import answering, client_tls, peer, read_head, server_tls
from tests.engine.worlds import AsyncPieces, Pieces, make_request
from tests.support.rawserver import answer

LARGE = bytes(1_000_000)


def numbered(connection: socket.socket) -> None:
    """Answer each request with its own target, so that a mix-up shows."""
    while head := read_head(connection):
        target = head.split(b" ")[1]
        connection.sendall(answer(200, body=target * (1 + 2000 * (b"large" in target))))


def check(answer: httpx.Response, target: str) -> None:
    """Fail if the answer belongs to another request."""
    times = 1 + 2000 * ("large" in target)
    assert answer.content == target.encode() * times


def pool_of(transport: AsyncSocketTransport) -> Pool[Any]:
    """The bookkeeping for the running loop."""
    return transport._drivers[asyncio.get_running_loop()][0].pool


# ---- threads --------------------------------------------------------------------------------


def test_sixteen_threads() -> None:
    """Each gets its own answers, on few connections."""
    with peer(numbered) as url, SocketTransport(max_connections=6) as transport:

        def work(number: int) -> None:
            for count in range(100):
                target = f"/{number}/{count}/{'large' if count % 10 == 0 else 'small'}"
                response = transport.handle_request(make_request("GET", url + target))
                response.read()
                check(response, target)

        with ThreadPoolExecutor(16) as executor:
            for done in [executor.submit(work, number) for number in range(16)]:
                done.result()
        assert not transport._driver.pool.in_use
        assert len(transport._driver.pool.idle) <= 6


def test_loops_in_threads() -> None:
    """One async transport serves several event loops at the same time."""
    transport = AsyncSocketTransport(max_connections=2)

    async def work(number: int) -> None:
        async def ask(count: int) -> None:
            target = f"/{number}/{count}"
            response = await transport.handle_async_request(make_request("GET", url + target))
            await response.aread()
            check(response, target)

        await asyncio.gather(*(ask(count) for count in range(50)))
        assert len(pool_of(transport).open) <= 2

    with peer(numbered) as url, ThreadPoolExecutor(4) as executor:
        for done in [executor.submit(asyncio.run, work(number)) for number in range(8)]:
            done.result()


# ---- event loops ----------------------------------------------------------------------------


@pytest.mark.parametrize("tls", [False, True])
def test_one_loop_after_the_other(tls: bool) -> None:
    """A transport in a global variable serves one `asyncio.run` after the other, never closed."""
    transport = AsyncSocketTransport(ssl_context=client_tls())

    async def use() -> None:
        for count in range(3):
            response = await transport.handle_async_request(make_request("GET", f"{url}/{count}"))
            await response.aread()
            check(response, f"/{count}")
        assert len(pool_of(transport).open) == 1

    with peer(numbered, tls=server_tls() if tls else None) as url:
        for _ in range(3):
            asyncio.run(use())
        assert len(transport._drivers) <= 1
        asyncio.run(transport.aclose())


def test_an_answer_that_outlives_its_loop() -> None:
    """Its connection went with the loop: reading is an error, closing and forgetting are not."""
    transport = AsyncSocketTransport()

    async def begin() -> httpx.Response:
        return await transport.handle_async_request(make_request("GET", url))

    with peer(answering(answer(200, body=LARGE * 10))) as url:
        first, second, third = (asyncio.run(begin()) for _ in range(3))
        with pytest.raises(httpx.ReadError, match="closed"):
            asyncio.run(first.aread())
        asyncio.run(second.aclose())
        del third
        gc.collect()


@pytest.mark.parametrize("tls", [False, True])
async def test_the_end_of_a_loop_waits_for_its_sockets(tls: bool) -> None:
    """When the loop has closed its generators, all sockets are closed, not only about to be."""
    with peer(numbered, tls=server_tls() if tls else None) as url:
        transport = AsyncSocketTransport(ssl_context=client_tls())
        large = "/large" + "x" * 3000
        response = await transport.handle_async_request(make_request("GET", url + large))
        await (await transport.handle_async_request(make_request("GET", url + "/x"))).aread()
        pool = pool_of(transport)
        assert len(pool.open) == 2
        _, watch = transport._drivers[asyncio.get_running_loop()]
        await watch.aclose()
        assert not {connection.sock.fileno() for connection in pool.open} - {-1}
        await response.aclose()
        await transport.aclose()


def test_closing_from_another_loop() -> None:
    """It closes what belongs to a loop that runs elsewhere, and minds none that has ended."""
    transport = AsyncSocketTransport()
    used, closed = threading.Event(), threading.Event()

    async def use() -> None:
        response = await transport.handle_async_request(make_request("GET", url + "/x"))
        await response.aread()

    async def stay() -> None:
        await use()
        assert len(pool_of(transport).open) == 1
        used.set()
        await asyncio.to_thread(closed.wait, 10)
        await asyncio.sleep(0.02)
        assert not pool_of(transport).open

    with peer(numbered) as url:
        asyncio.run(use())
        with ThreadPoolExecutor(1) as executor:
            staying = executor.submit(asyncio.run, stay())
            used.wait(10)
            asyncio.run(transport.aclose())
            closed.set()
            staying.result()


async def test_a_forgotten_async_transport_closes_its_connections() -> None:
    """Nobody closed it, the loop runs on: its sockets go, but not those still in use."""
    with peer(answering(answer(200, body=LARGE))) as url:
        transport = AsyncSocketTransport()
        response = await transport.handle_async_request(make_request("GET", url))
        await (await transport.handle_async_request(make_request("GET", url))).aread()
        pool = pool_of(transport)
        assert len(pool.open) == 2
        del transport
        await asyncio.sleep(0.01)
        assert await response.aread() == LARGE
        del response
        for _ in range(10):
            await asyncio.sleep(0)
        assert not pool.open


def test_a_forgotten_transport_closes_its_connections() -> None:
    """The sync one does so at once; an answer in use is not harmed."""
    with peer(answering(answer(200, body=LARGE))) as url:
        transport = SocketTransport()
        response = transport.handle_request(make_request("GET", url))
        transport.handle_request(make_request("GET", url)).read()
        pool = transport._driver.pool
        assert len(pool.open) == 2
        del transport
        assert response.read() == LARGE
        del response
        assert not pool.open


def test_a_blocking_transport_never_waits_for_a_loop() -> None:
    """`run` tells at once if something would have to."""

    async def suspend() -> None:
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="event loop"):
        run(suspend())


# ---- cancellation ---------------------------------------------------------------------------


@pytest.mark.parametrize("tls", [False, True])
async def test_cancellation_storm(tls: bool) -> None:
    """Cancelled at any moment, a request leaves neither a place taken nor a socket open."""
    rng = random.Random(7)

    def play(connection: socket.socket) -> None:
        while head := read_head(connection):
            left = 10 if b"PUT" in head else 0
            while left:
                left -= len(connection.recv(left)) or left
            time.sleep(rng.choice([0, 0, 0.002]))
            connection.sendall(answer(200, body=rng.choice([b"", b"small", LARGE])))

    async def ask(url: str) -> None:
        target = url.replace("127.0.0.1", rng.choice(["127.0.0.1", "localhost"]))
        if rng.random() < 0.5:
            request = make_request("GET", target)
        else:
            body = AsyncPieces([b"x"] * 10)
            request = make_request("PUT", target, [("Content-Length", "10")], body)
        response = await transport.handle_async_request(request)
        try:
            await response.aread()
        finally:
            await response.aclose()

    with peer(play, tls=server_tls() if tls else None) as url:
        async with AsyncSocketTransport(
            max_connections=4, ssl_context=client_tls(), idle_expiry=0.05
        ) as transport:
            cancelled = 0
            for _ in range(40):
                tasks = [asyncio.create_task(ask(url)) for _ in range(8)]
                for task in tasks:
                    for _ in range(rng.randrange(12)):
                        await asyncio.sleep(0)
                    if rng.random() < 0.3:
                        await asyncio.sleep(rng.random() * 0.005)
                    if rng.random() < 0.7:
                        task.cancel()
                results = await asyncio.gather(*tasks, return_exceptions=True)
                for result in results:
                    if result is not None:
                        assert isinstance(result, asyncio.CancelledError), result
                        cancelled += 1
            pool = pool_of(transport)
            assert cancelled > 20
            assert not pool.in_use
            driver, _ = transport._drivers[asyncio.get_running_loop()]
            await driver.until_closed(but=len(pool.idle))
            assert pool.open == set(pool.idle)
            await ask(url)


async def test_cancelled_uploads_close_their_body() -> None:
    """The body's iterator learns that nobody wants more of it."""
    started = asyncio.Event()

    class Slow(httpx.AsyncByteStream):
        closed = False

        async def __aiter__(self) -> Any:
            try:
                yield b"x"
                started.set()
                await asyncio.sleep(60)
            finally:
                self.closed = True

    def play(connection: socket.socket) -> None:
        while connection.recv(1000):
            pass

    with peer(play) as url:
        async with AsyncSocketTransport() as transport:
            body = Slow()
            headers = [("Transfer-Encoding", "chunked")]
            request = make_request("PUT", url, headers, body)
            task = asyncio.create_task(transport.handle_async_request(request))
            await started.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert body.closed
            assert not pool_of(transport).in_use


# ---- Ctrl-C ---------------------------------------------------------------------------------


class Interrupted(BaseException):
    """Stands for KeyboardInterrupt, which would end the test run if it went astray."""


@contextlib.contextmanager
def interrupting_after(seconds: float) -> Iterator[None]:
    """Raise `Interrupted` in the main thread while it waits."""

    def interrupt(*_: object) -> None:
        raise Interrupted

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def never(connection: socket.socket) -> None:
    """Take nothing and say nothing."""
    with contextlib.suppress(OSError):
        connection.settimeout(30)
        connection.recv(1, socket.MSG_PEEK)
        threading.Event().wait(0.5)


@pytest.mark.parametrize("phase", ["read", "write", "body", "pool", "tls"])
def test_ctrl_c(phase: str) -> None:
    """Interrupted in any blocking call, a request gives back its place and closes its socket."""
    play: Callable[[socket.socket], None] = never
    if phase in {"body", "pool"}:
        play = answering(answer(200, body=b"x", content_length=1_000_000))
    with peer(play) as url, SocketTransport(max_connections=1) as transport:
        pool = transport._driver.pool
        held = None
        if phase in {"body", "pool"}:
            held = transport.handle_request(make_request("GET", url))
        with pytest.raises(Interrupted), interrupting_after(0.1):
            if phase == "write":
                body = Pieces(iter(lambda: LARGE, b""))
                headers = [("Content-Length", str(1 << 40))]
                transport.handle_request(make_request("PUT", url, headers, body))
            elif phase == "body":
                assert held is not None
                held.read()
            else:
                target = url.replace("http:", "https:") if phase == "tls" else url
                transport.handle_request(make_request("GET", target))
        if phase == "pool":
            assert held is not None
            assert pool.in_use == 1
            assert not pool._line
            held.close()
        assert not pool.in_use
        assert not pool.open


# ---- fork -----------------------------------------------------------------------------------

FORK = """
import os, sys, threading
import asyncio
import httpx
from objectstore_client.engine.aio import AsyncSocketTransport
from objectstore_client.engine.blocking import SocketTransport
from tests.engine.worlds import make_request

url = sys.argv[1]
transport = SocketTransport(max_connections=4)
aio = AsyncSocketTransport()
busy = threading.Event()
ready = threading.Barrier(4)

def ask(target):
    response = transport.handle_request(make_request("GET", url + target))
    assert response.read() == target.encode() * (1 + 2000 * ("large" in target)), target

async def ask_async(target):
    response = await aio.handle_async_request(make_request("GET", url + target))
    assert await response.aread() == target.encode() * (1 + 2000 * ("large" in target)), target

def load(number):
    count = 0
    while not busy.is_set():
        ask(f"/{number}/{count}/" + ("large" if count % 3 == 0 else "small"))
        count += 1
        if count == 2:
            ready.wait()  # from now on all connections are made

def child(number):
    assert not transport._driver.pool.open, "connections of the parent"
    try:
        held.read()
    except httpx.LocalProtocolError:
        pass
    else:
        raise AssertionError("an answer of the parent was read")
    for count in range(50):
        ask(f"/child/{number}/{count}/" + ("large" if count % 3 == 0 else "small"))
    asyncio.run(ask_async(f"/child/{number}/async"))
    sockets = [fd for fd in os.listdir("/proc/self/fd") if "socket:" in link(fd)]
    assert len(sockets) == 1, sockets

def link(fd):
    try:
        return os.readlink(f"/proc/self/fd/{fd}")
    except OSError:
        return ""

ask("/before")
asyncio.run(ask_async("/before"))
held = transport.handle_request(make_request("GET", url + "/held/large" + "x" * 3000))
threads = [threading.Thread(target=load, args=(number,)) for number in range(3)]
for thread in threads:
    thread.start()
ready.wait()
children = []
for number in range(4):
    pid = os.fork()
    if not pid:
        try:
            child(number)
            os._exit(0)
        except BaseException:
            import traceback
            traceback.print_exc()
            os._exit(1)
    children.append(pid)
codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children]
busy.set()
for thread in threads:
    thread.join()
assert held.read() == ("/held/large" + "x" * 3000).encode() * 2001
ask("/after")
asyncio.run(ask_async("/after"))
asyncio.run(aio.aclose())
transport.close()
assert codes == [0] * 4, codes
print("fine")
"""


def test_fork_under_load() -> None:
    """Four children of a busy process start without connections and locks of their parent."""
    with peer(numbered) as url:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", textwrap.dedent(FORK), url],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([".", *sys.path])},
        )
    assert (done.stdout, done.stderr) == ("fine\n", "")


def test_fork_while_connecting() -> None:
    """A socket that is not connected yet is the parent's as well."""
    transport = SocketTransport()
    with socket.socket() as sock:
        transport._driver._unfinished.add(sock)
        transport._driver.leave_to_parent()
        assert sock.fileno() == -1


EXIT = """
import asyncio, sys
from objectstore_client.engine.aio import AsyncSocketTransport
from objectstore_client.engine.blocking import SocketTransport
from tests.engine.worlds import make_request

url = sys.argv[1]
transport, aio = SocketTransport(), AsyncSocketTransport()
held = transport.handle_request(make_request("GET", url + "/large"))
cycle = [transport.handle_request(make_request("GET", url + "/large"))]
cycle.append(cycle)

async def use():
    global other
    other = await aio.handle_async_request(make_request("GET", url + "/large" + "x" * 3000))

asyncio.run(use())
"""


def test_the_end_of_the_interpreter() -> None:
    """A program that closes nothing ends quietly, with all warnings on."""
    with peer(numbered) as url:
        done = subprocess.run(
            [sys.executable, "-X", "dev", "-W", "error", "-c", EXIT, url],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([".", *sys.path])},
        )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_asyncio_in_debug_mode() -> None:
    """asyncio's own checks find nothing."""

    async def use() -> None:
        async with AsyncSocketTransport() as transport:
            response = await transport.handle_async_request(make_request("GET", url + "/x"))
            assert await response.aread() == b"/x"

    with peer(numbered) as url:
        asyncio.run(use(), debug=True)
