"""The pool: order, bounds, waiting, expiry, and what becomes of answers that nobody reads."""

from __future__ import annotations

import asyncio
import gc
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from objectstore_client.engine.aio import AsyncSocketTransport
from objectstore_client.engine.blocking import SocketTransport
from objectstore_client.engine.facts import Facts, Progress, facts_of
from objectstore_client.engine.network import Origin
from objectstore_client.engine.pool import Pool, Turn
from tests.engine.peers import answering, peer, read_head
from tests.engine.worlds import World, make_request
from tests.support.rawserver import RawServer, answer, reply

LARGE = bytes(1_000_000)
HERE: Origin = ("http", "here", 80)
THERE: Origin = ("http", "there", 80)


class Fake:
    """A connection without a network."""

    def __init__(self, origin: Origin, pool: Pool[Fake]) -> None:
        self.origin = origin
        self.idle_since = 0.0
        self.pool = pool
        pool.open.add(self)

    def close(self) -> None:
        self.pool.open.discard(self)


class FakeTurn(Turn):
    """A turn that nobody waits for."""

    ended = False

    def end(self) -> None:
        self.ended = True

    async def wait(self, seconds: float | None) -> None:
        raise NotImplementedError


def idle(pool: Pool[Fake], origin: Origin) -> Fake:
    """Use a new connection and give it back."""
    assert pool.enter()
    assert pool.take(origin) is None
    connection = Fake(origin, pool)
    pool.put(connection)
    pool.leave()
    return connection


# ---- the bookkeeping ------------------------------------------------------------------------


def test_the_last_one_used_is_the_first_one_reused() -> None:
    """So that the others can expire."""
    pool: Pool[Fake] = Pool(3, 30)
    for _ in range(3):
        assert pool.enter()
    connections = [Fake(HERE, pool) for _ in range(3)]
    for connection in connections:
        pool.put(connection)
        pool.leave()
    for connection in reversed(connections):
        assert pool.enter()
        assert pool.take(HERE) is connection


def test_connections_elsewhere_make_room() -> None:
    """Idle ones of another origin are not reused, and closed only if there are too many."""
    pool: Pool[Fake] = Pool(2, 30)
    first = idle(pool, THERE)
    second = idle(pool, HERE)
    assert pool.open == {first, second}
    third = idle(pool, ("https", "here", 443))
    assert pool.open == {second, third}
    assert pool.enter()
    assert pool.take(HERE) is second


def test_idle_connections_expire(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are closed by whoever comes next, also if he takes or gives back another one."""
    now = 100.0
    monkeypatch.setattr("objectstore_client.engine.pool.monotonic", lambda: now)
    pool: Pool[Fake] = Pool(3, 30)
    old = idle(pool, THERE)
    now = 129.0
    assert pool.enter()
    assert pool.take(THERE) is old
    pool.put(old)
    pool.leave()
    now = 150.0
    young = idle(pool, HERE)
    now = 159.0
    assert pool.enter()
    assert pool.take(THERE) is None
    assert pool.open == {young}
    now = 181.0
    pool.put(last := Fake(THERE, pool))
    assert pool.open == {last}


def test_who_waits_is_served_in_order() -> None:
    """First come, first served, and who gives up is passed over."""
    pool: Pool[Fake] = Pool(1, 30)
    assert pool.enter()
    turns = [FakeTurn() for _ in range(3)]
    for turn in turns:
        assert not pool.enter()
        pool.line_up(turn)
    pool.give_up(turns[1])
    pool.leave()
    assert [turn.granted for turn in turns] == [True, False, False]
    assert not pool.enter()
    pool.give_up(turns[0])  # too late: it goes to the next
    assert turns[2].granted
    assert turns[2].ended
    pool.leave()
    assert pool.in_use == 0


def test_closing_ends_all_waits() -> None:
    """Those in line wake up with nothing; what is given back later is closed."""
    pool: Pool[Fake] = Pool(1, 30)
    assert pool.enter()
    pool.line_up(turn := FakeTurn())
    connection = Fake(HERE, pool)
    pool.close()
    assert turn.ended
    assert not turn.granted
    pool.put(connection)
    pool.leave()
    assert not pool.open
    assert not pool.enter()


class PoolMachine(RuleBasedStateMachine):
    """Anything that drivers may do to a pool, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.pool: Pool[Fake] = Pool(3, 30)
        self.holders: list[Fake | None] = []
        self.turns: list[FakeTurn] = []

    def entered(self, origin: Origin) -> None:
        self.holders.append(self.pool.take(origin) or Fake(origin, self.pool))

    @rule(origin=st.sampled_from([HERE, THERE]))
    def use(self, origin: Origin) -> None:
        if self.pool.enter():
            self.entered(origin)
        else:
            self.turns.append(FakeTurn())
            self.pool.line_up(self.turns[-1])

    @rule(index=st.integers(0, 10), reusable=st.booleans())
    @precondition(lambda self: self.holders)
    def finish(self, index: int, reusable: bool) -> None:
        connection = self.holders.pop(index % len(self.holders))
        assert connection is not None
        if reusable:
            self.pool.put(connection)
        else:
            connection.close()
        self.pool.leave()

    @rule(index=st.integers(0, 10))
    @precondition(lambda self: self.turns)
    def give_up(self, index: int) -> None:
        self.pool.give_up(self.turns.pop(index % len(self.turns)))

    @rule()
    def wake(self) -> None:
        for turn in [turn for turn in self.turns if turn.granted]:
            self.turns.remove(turn)
            self.entered(HERE)

    @invariant()
    def bounded(self) -> None:
        granted = sum(turn.granted for turn in self.turns)
        assert self.pool.in_use == len(self.holders) + granted <= 3
        assert len(self.pool.open) <= 3 + granted
        assert self.pool.open == set(self.holders) | set(self.pool.idle)
        assert [turn.granted for turn in self.turns] == [True] * granted + [False] * (
            len(self.turns) - granted
        )


TestPoolMachine = PoolMachine.TestCase
TestPoolMachine.settings = settings(max_examples=50, stateful_step_count=30, deadline=None)


# ---- with connections -----------------------------------------------------------------------


def test_the_pool_is_bounded(world: World) -> None:
    """Unread payloads use up the pool; the error counts them and says what to do."""
    with peer(answering(answer(200, body=LARGE))) as url:
        transport = world.transport(max_connections=3)
        responses = [world.open(transport, make_request("GET", url)) for _ in range(3)]
        with pytest.raises(httpx.PoolTimeout) as caught:
            world.ask(transport, "GET", url, pool=0.05)
        assert str(caught.value) == (
            "all 3 connections are in use, 3 of them by payloads that are still open; "
            "read payloads to the end or close them, or raise max_connections"
        )
        assert facts_of(caught.value) == Facts(Progress.NOT_SENT, open_payloads=3)
        assert world.read(responses[0]) == LARGE
        assert world.ask(transport, "GET", url).body == LARGE
        world.close_response(responses[1])
        assert world.ask(transport, "GET", url).body == LARGE
        assert world.pool(transport).in_use == 1
        world.close_response(responses[2])
        world.close_response(responses[2])
        assert world.pool(transport).in_use == 0


def test_forty_unread_payloads(world: World) -> None:
    """On the default of 32 connections, the thirty-third gets a clear error, in time."""
    with peer(answering(answer(200, body=LARGE))) as url:
        transport = world.transport()
        responses, errors = [], []
        for _ in range(40):
            try:
                responses.append(world.open(transport, make_request("GET", url, pool=0.01)))
            except httpx.PoolTimeout as error:
                errors.append(error)
        assert (len(responses), len(errors)) == (32, 8)
        assert all("32 of them by payloads" in str(error) for error in errors)
        for response in responses:
            world.close_response(response)


def test_the_deadline_holds_in_the_line(world: World) -> None:
    """Waiting for a connection is bounded by the deadline as well."""
    with peer(answering(answer(200, body=LARGE))) as url:
        transport = world.transport(max_connections=1)
        response = world.open(transport, make_request("GET", url))
        with pytest.raises(httpx.PoolTimeout, match="deadline") as caught:
            world.ask(transport, "GET", url, deadline=0.05)
        assert facts_of(caught.value).past_deadline
        world.close_response(response)


def test_small_answers_hold_no_connection(world: World) -> None:
    """What came whole with its head is given back before anybody reads it."""
    with RawServer(*(reply(200, body=b"x" * 1000) for _ in range(5))) as server:
        transport = world.transport(max_connections=1)
        request = make_request("GET", server.url, pool=1)
        responses = [world.open(transport, request) for _ in range(5)]
        assert [world.read(response) for response in responses] == [b"x" * 1000] * 5
    assert server.connections == 1


def test_abandoned_answers_give_their_connection_back(world: World) -> None:
    """Nobody read or closed them: they do so themselves when they go."""
    with peer(answering(answer(200, body=LARGE))) as url:
        transport = world.transport(max_connections=1)
        for _ in range(3):
            response = world.open(transport, make_request("GET", url))
            del response
            world.settle()
        assert not world.pool(transport).in_use
        assert not world.pool(transport).open


@contextmanager
def never_ending_answers() -> Iterator[str]:
    """A server that is quick to begin an answer and never ends it."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    closing = threading.Event()

    def serve() -> None:
        recent: deque[socket.socket] = deque(maxlen=200)
        while not closing.is_set():
            connection, _ = listener.accept()
            if len(recent) == recent.maxlen:
                recent.popleft().close()
            recent.append(connection)
            if connection.recv(1000):
                connection.sendall(answer(200, body=b"x", content_length=100_000))
        for connection in recent:
            connection.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        closing.set()
        socket.create_connection(listener.getsockname()).close()
        thread.join(20)
        listener.close()


def test_ten_thousand_abandoned_answers() -> None:
    """No descriptor stays behind, however many answers are forgotten."""
    with never_ending_answers() as url, SocketTransport(max_connections=4) as transport:
        request = make_request("GET", url)
        most = 0
        for _ in range(10_000):
            transport.handle_request(request)
            most = max(most, len(transport._driver.pool.open))
        assert most <= 1
        assert not transport._driver.pool.in_use


async def test_ten_thousand_abandoned_async_answers() -> None:
    """The same in an event loop, where sockets take a moment to close."""
    with never_ending_answers() as url:
        async with AsyncSocketTransport(max_connections=4) as transport:
            request = make_request("GET", url)
            most = 0
            for _ in range(10_000):
                await transport.handle_async_request(request)
                most = max(most, len(transport._drivers[asyncio.get_running_loop()][0].pool.open))
            assert most <= 8


def test_garbage_may_be_collected_anywhere() -> None:
    """Answers in cycles are given back by the collector, in any thread and under any lock."""
    with never_ending_answers() as url, SocketTransport(max_connections=200) as transport:
        request = make_request("GET", url)

        def abandon() -> None:
            for _ in range(20):
                cycle: list[object] = [transport.handle_request(request)]
                cycle.append(cycle)

        threshold = gc.get_threshold()
        gc.set_threshold(3, 1, 1)
        try:
            with ThreadPoolExecutor(8) as executor:
                for _ in range(5):
                    for done in [executor.submit(abandon) for _ in range(8)]:
                        done.result()
                    gc.collect()
        finally:
            gc.set_threshold(*threshold)
        assert not transport._driver.pool.in_use
        assert not transport._driver.pool.open


def test_the_collector_never_waits_for_a_lock() -> None:
    """What is abandoned while the lock is taken is given back by the one who has it."""
    with never_ending_answers() as url, SocketTransport(max_connections=1) as transport:
        driver = transport._driver
        response = transport.handle_request(make_request("GET", url))
        with driver._lock:
            collector = threading.Thread(target=response.stream.__del__)  # type: ignore[union-attr]
            collector.start()
            collector.join(10)
            assert not collector.is_alive()
            assert driver.pool.in_use == 1
        driver._settle()
        assert driver.pool.in_use == 0
        vars(response.stream)["_connection"] = None


def test_idle_connections_are_closed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """After their time they are not reused, without a thread or a timer."""
    ended = threading.Semaphore(0)

    def play(connection: object) -> None:
        answering(answer(200))(connection)  # type: ignore[arg-type]
        ended.release()

    with peer(play) as first, peer(play) as second:
        transport = world.transport(idle_expiry=0.02)
        world.ask(transport, "GET", first)
        time.sleep(0.03)
        world.ask(transport, "GET", second)
        assert ended.acquire(timeout=10)
        assert len(world.pool(transport).idle) == 1


def test_waiting_threads_are_served_in_order() -> None:
    """No thread overtakes another one."""
    order: list[int] = []
    with peer(answering(answer(200, body=LARGE))) as url:  # noqa: SIM117
        with SocketTransport(max_connections=1) as transport:
            first = transport.handle_request(make_request("GET", url))
            line = transport._driver.pool._line

            def wait(number: int) -> None:
                response = transport.handle_request(make_request("GET", url))
                order.append(number)
                response.read()

            with ThreadPoolExecutor(5) as executor:
                for number in range(5):
                    executor.submit(wait, number)
                    while len(line) <= number:
                        time.sleep(0.001)
                first.close()
    assert order == [0, 1, 2, 3, 4]


async def test_waiting_tasks_are_served_in_order() -> None:
    """No task overtakes another one, not even one that comes when a connection is just free."""
    order: list[int] = []
    with peer(answering(answer(200, body=LARGE))) as url:
        async with AsyncSocketTransport(max_connections=1) as transport:
            first = await transport.handle_async_request(make_request("GET", url))

            async def wait(number: int) -> None:
                response = await transport.handle_async_request(make_request("GET", url))
                order.append(number)
                await response.aread()

            tasks = [asyncio.create_task(wait(number)) for number in range(5)]
            await asyncio.sleep(0.05)
            await first.aclose()
            tasks.append(asyncio.create_task(wait(5)))
            await asyncio.gather(*tasks)
    assert order == [0, 1, 2, 3, 4, 5]


def test_closing_the_transport_wakes_who_waits() -> None:
    """Those in line get an error, not a connection."""
    with peer(answering(answer(200, body=LARGE))) as url:
        transport = SocketTransport(max_connections=1)
        response = transport.handle_request(make_request("GET", url))
        with ThreadPoolExecutor(1) as executor:
            waiting = executor.submit(transport.handle_request, make_request("GET", url))
            while not transport._driver.pool._line:
                time.sleep(0.001)
            transport.close()
            with pytest.raises(httpx.LocalProtocolError, match="closed"):
                waiting.result()
        response.close()


async def test_closing_the_async_transport_wakes_who_waits() -> None:
    """The same among tasks."""
    with peer(answering(answer(200, body=LARGE))) as url:
        transport = AsyncSocketTransport(max_connections=1)
        response = await transport.handle_async_request(make_request("GET", url))
        waiting = asyncio.create_task(transport.handle_async_request(make_request("GET", url)))
        await asyncio.sleep(0.02)
        await transport.aclose()
        with pytest.raises(httpx.LocalProtocolError, match="closed"):
            await waiting
        await response.aclose()


def test_a_failed_connection_frees_its_place(world: World) -> None:
    """Also when nobody listens, the next one gets his chance."""
    transport = world.transport(max_connections=1)
    for _ in range(3):
        with pytest.raises(httpx.ConnectError) as caught:
            world.ask(transport, "GET", "http://127.0.0.1:1")
        assert facts_of(caught.value) == Facts(Progress.NOT_SENT)
    assert not world.pool(transport).in_use


def test_connections_of_several_origins(world: World) -> None:
    """Each origin has its own connections, all together are bounded."""
    seen: list[int] = []

    def counting(number: int) -> Callable[[object], None]:
        def play(connection: object) -> None:
            seen.append(number)
            while read_head(connection):  # type: ignore[arg-type]
                connection.sendall(answer(200, body=b"%d" % number))  # type: ignore[attr-defined]

        return play

    with peer(counting(1)) as first, peer(counting(2)) as second, peer(counting(3)) as third:
        transport = world.transport(max_connections=2)
        for _ in range(2):
            assert world.ask(transport, "GET", first).body == b"1"
            assert world.ask(transport, "GET", second).body == b"2"
        assert sorted(seen) == [1, 2]
        assert world.ask(transport, "GET", third).body == b"3"
        world.settle()
        assert len(world.pool(transport).open) == 2
        assert world.ask(transport, "GET", first).body == b"1"
