"""From a request to its answer: what the two drivers have in common.

It is written as coroutines. In the blocking driver nothing ever suspends, so that `run` can do
without an event loop. What blocks or waits is in the methods that are left open here.
"""

from __future__ import annotations

import os
import socket
import ssl
import threading
import weakref
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Coroutine, Mapping, Sequence
from concurrent.futures import Future
from typing import ClassVar, Generic, TypeAlias, TypeVar, cast

import httpx

from objectstore_client.engine.body import Body
from objectstore_client.engine.connection import Connection
from objectstore_client.engine.exchange import Exchange
from objectstore_client.engine.facts import Facts, Progress, record
from objectstore_client.engine.heads import Head, head_of
from objectstore_client.engine.network import Address, Network, Origin, new_socket, origin_of
from objectstore_client.engine.patience import Patience, share
from objectstore_client.engine.pool import Pool, Turn

__all__ = ["Driver", "run"]

_Result = TypeVar("_Result")
_Addresses: TypeAlias = Sequence[tuple[int, Address]]
_Proxy: TypeAlias = httpx.HTTPTransport | httpx.AsyncHTTPTransport


def run(coroutine: Coroutine[object, None, _Result]) -> _Result:
    """Run a coroutine that never suspends."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return cast(_Result, end.value)
    coroutine.close()
    raise RuntimeError("this must not wait for an event loop")


_Connection = TypeVar("_Connection", bound=Connection)


class Driver(ABC, Generic[_Connection]):
    """The connections of a process, or of an event loop, and how requests get to them."""

    body_class: type[Body[_Connection]]
    turn_class: ClassVar[type[Turn]]
    proxy_class: ClassVar[type[_Proxy]]

    def __init__(self, network: Network) -> None:
        self.network = network
        self._start()
        _drivers.add(cast("Driver[Connection]", self))

    def _start(self) -> None:
        self._lock = threading.Lock()
        self.pool: Pool[_Connection] = Pool(self.network.max_connections, self.network.idle_expiry)
        self.proxies: dict[Origin, _Proxy | None] = {}
        self._abandoned: deque[_Connection] = deque()
        self._unfinished: set[socket.socket] = set()

    async def handle(self, request: httpx.Request, owner: object) -> httpx.Response:
        """Send *request* and return the answer, whose body keeps *owner* alive."""
        origin = origin_of(request.url)
        if origin is None:
            error = httpx.UnsupportedProtocol("the URL is not http:// or https://")
            raise record(error, Facts(Progress.NOT_SENT))
        if (proxy := self._proxy(origin)) is not None:
            return await self._pass_on(proxy, request)
        head, stream = head_of(request), request.stream
        body = await self.exchange(origin, head, stream, request.extensions, owner)
        stream = cast(httpx.SyncByteStream, body)
        return httpx.Response(body.status_code, headers=list(body.pairs), stream=stream)

    async def exchange(
        self,
        origin: Origin,
        head: Head,
        stream: object,
        extensions: Mapping[str, object],
        owner: object,
    ) -> Body[_Connection]:
        """Send a request to *origin* and return the answer, which keeps *owner* alive."""
        patience = Patience(extensions)
        exchange = Exchange(head, duplex=bool(extensions.get("duplex")))
        connection = await self._acquire(exchange, origin, patience)
        try:
            await connection.serve(exchange, stream, patience)
            if not exchange.all_sent and 200 <= exchange.status < 300:
                # A refusal may come early; who accepts what was not received is not to be trusted.
                problem = "the server accepted a request that it had not received yet"
                raise exchange.error(httpx.RemoteProtocolError, problem)
        except BaseException:
            self.release(connection, reusable=False)
            raise
        body = self.body_class(owner, self, connection, exchange, patience)
        if exchange.complete:
            body.release()
        else:
            connection.holds_payload = True
        return body

    def release(self, connection: _Connection, *, reusable: bool) -> None:
        """Give back a connection."""
        connection.begin(None)
        with self._lock:
            self._take_back(connection, reusable=reusable)
        self._settle()

    def abandon(self, connection: _Connection) -> None:
        """Give back a connection without waiting for the lock: for the garbage collector."""
        self._abandoned.append(connection)
        self._settle()

    def close(self) -> None:
        """Close the idle connections now, and those in use when they are given back."""
        with self._lock:
            self.pool.close()

    def leave_to_parent(self) -> None:
        """Start anew in a child process: the connections are the parent's."""
        old, sockets = self.pool, list(self._unfinished)
        _inherited.extend((old, self.proxies))
        self._start()
        self.pool.closed, old.closed = old.closed, True
        for connection in list(old.open):
            connection.inherited = True
            sockets.append(connection.sock)
        for sock in sockets:
            sock.close()  # and nothing else, for the rest is shared with the parent

    # ---- left open ----------------------------------------------------------------------------

    @abstractmethod
    async def looked_up(self, lookup: Future[_Addresses], seconds: float | None) -> _Addresses:
        """Return the result of *lookup*."""

    @abstractmethod
    async def connect(self, sock: socket.socket, address: Address, seconds: float | None) -> None:
        """Connect a socket."""

    @abstractmethod
    async def connection(
        self, sock: socket.socket, origin: Origin, tls: ssl.SSLContext | None, seconds: float | None
    ) -> _Connection:
        """Make a connection of a connected socket, which the caller closes if that fails."""

    # ---- in common ----------------------------------------------------------------------------

    def _take_back(self, connection: _Connection, *, reusable: bool) -> None:
        connection.holds_payload = False
        pool: Pool[_Connection] = connection.pool  # after a fork, that of the parent
        if reusable:
            pool.put(connection)
        else:
            connection.close()
        pool.leave()

    def _settle(self) -> None:
        """Take back what was abandoned. If the lock is taken, whoever has it does so later."""
        while self._abandoned and self._lock.acquire(blocking=False):
            try:
                while self._abandoned:
                    self._take_back(self._abandoned.popleft(), reusable=False)
            finally:
                self._lock.release()

    async def _acquire(self, exchange: Exchange, origin: Origin, patience: Patience) -> _Connection:
        with self._lock:
            entered = self.pool.enter()
        if not entered:
            await self._enter(exchange, patience)
        connection = None
        try:
            while True:
                with self._lock:
                    connection = self.pool.take(origin)
                if self._abandoned:
                    self._settle()
                if connection is None:
                    return await self._connect(exchange, origin, patience)
                if connection.is_quiet():
                    return connection
                connection.close()
        except BaseException:
            if connection is not None:
                connection.close()
            with self._lock:
                self.pool.leave()
            self._settle()
            raise

    async def _enter(self, exchange: Exchange, patience: Patience) -> None:
        """Get the right to use a connection; wait for it if need be."""
        with self._lock:
            if self.pool.enter():
                return
            if self.pool.closed:
                raise exchange.error(httpx.LocalProtocolError, "the transport is closed")
            turn = self.turn_class()
            self.pool.line_up(turn)
        try:
            self._settle()
            await turn.wait(patience.left(patience.pool))
        except BaseException:
            with self._lock:
                self.pool.give_up(turn)
            raise
        with self._lock:
            if turn.granted:
                return
            self.pool.give_up(turn)
            if self.pool.closed:
                raise exchange.error(httpx.LocalProtocolError, "the transport is closed")
            held = sum(connection.holds_payload for connection in list(self.pool.open))
        problem = f"all {self.pool.max_connections} connections are in use"
        if held:
            problem += (
                f", {held} of them by payloads that are still open; read payloads to the end or "
                "close them, or raise max_connections"
            )
        raise patience.late(exchange, httpx.PoolTimeout, problem, open_payloads=held)

    async def _connect(self, exchange: Exchange, origin: Origin, patience: Patience) -> _Connection:
        """Connect to the first address that lets us; each gets its share of the time."""
        ends = patience.ends(patience.connect)
        try:
            tls = self.network.tls(origin)
            addresses = await self.looked_up(self.network.resolve(origin), share(ends))
            for left in range(len(addresses), 0, -1):
                family, address = addresses[-left]
                sock = new_socket(family)
                self._unfinished.add(sock)
                try:
                    await self.connect(sock, address, share(ends, left))
                    return await self.connection(sock, origin, tls, share(ends, left))
                except BaseException as error:
                    sock.close()
                    if left == 1 or not isinstance(error, OSError):
                        raise
                finally:
                    self._unfinished.discard(sock)
            raise OSError("the name has no address")
        except TimeoutError as error:
            problem = f"no connection to {origin[1]} port {origin[2]} in time"
            raise patience.late(exchange, httpx.ConnectTimeout, problem) from error
        except (OSError, ValueError) as error:
            problem = f"no connection to {origin[1]} port {origin[2]}: {error}"
            raise exchange.error(httpx.ConnectError, problem) from error

    def _proxy(self, origin: Origin) -> _Proxy | None:
        """Return what leads to *origin* through the proxy that the environment asks for."""
        if origin not in self.proxies:
            url, network, proxy = self.network.proxy(origin), self.network, None
            try:
                if url is not None:
                    proxy = self.proxy_class(
                        proxy=url, verify=network.ssl_context or True, limits=network.limits()
                    )
            except (ImportError, ValueError) as error:
                problem = httpx.UnsupportedProtocol(f"proxy: {error}")
                raise record(problem, Facts(Progress.NOT_SENT)) from error
            self.proxies[origin] = proxy
        return self.proxies[origin]

    async def _pass_on(self, proxy: _Proxy, request: httpx.Request) -> httpx.Response:
        patience = Patience(request.extensions)
        request.extensions = {**request.extensions, "timeout": patience.as_timeout()}
        try:
            if isinstance(proxy, httpx.HTTPTransport):
                return proxy.handle_request(request)
            return await proxy.handle_async_request(request)
        except httpx.TimeoutException as error:
            if patience.left(None) == 0:  # for all we know it was sent
                late = type(error)("the deadline passed: beyond the proxy")
                raise record(late, Facts(Progress.MAYBE_SENT, past_deadline=True)) from error
            raise


_drivers: weakref.WeakSet[Driver[Connection]] = weakref.WeakSet()
_inherited: list[object] = []  # what a child process must neither use nor finalize


def _leave_to_parent() -> None:
    for driver in list(_drivers):
        driver.leave_to_parent()


os.register_at_fork(after_in_child=_leave_to_parent)
