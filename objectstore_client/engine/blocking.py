"""The engine over blocking calls: `SocketTransport`."""

from __future__ import annotations

import os
import select
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import TypeAlias, cast

import httpx

from objectstore_client.engine.body import Body
from objectstore_client.engine.connection import Connection
from objectstore_client.engine.driver import Driver, run
from objectstore_client.engine.exchange import Exchange
from objectstore_client.engine.heads import Head, check_head
from objectstore_client.engine.network import Address, Network, Origin
from objectstore_client.engine.patience import Patience
from objectstore_client.engine.pool import Pool, Turn

__all__ = ["SocketTransport"]

_NOT_NOW = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
_TIMEVAL = struct.Struct("ll")  # seconds and microseconds, as the system takes them


class _Connection(Connection):
    """A socket that blocks in one place only: to receive, where the system itself limits the wait.

    That saves every request a system call, and threads a fight for the interpreter. With TLS it
    never blocks by itself: to wait is to poll then, as it is where both directions matter.
    """

    def __init__(self, sock: socket.socket, origin: Origin, pool: Pool[_Connection]) -> None:
        super().__init__(sock, origin, pool)
        pool.open.add(self)
        self._tls = isinstance(sock, ssl.SSLSocket)
        self._now = 0 if self._tls else socket.MSG_DONTWAIT  # a flag that sockets of TLS refuse
        self._limit: float | None = None  # on the wait of the system
        self._poll = select.poll()
        self._poll.register(sock, select.POLLIN)

    def close(self) -> None:
        self.sock.close()
        self.pool.open.discard(self)

    def is_quiet(self) -> bool:
        if self._tls and cast(ssl.SSLSocket, self.sock).pending():
            return False
        if not self._poll.poll(0):
            return True
        try:
            self.sock.recv(1, self._now)
        except _NOT_NOW:  # TLS talks to itself
            return True
        except OSError:
            pass
        return False

    def begin(self, exchange: Exchange | None) -> None:
        pass  # nothing is received unless somebody asks

    async def send(self, exchange: Exchange, data: bytes, patience: Patience) -> bool:
        if exchange.sent and self._poll.poll(0) and self._answered(exchange):
            return False
        rest: bytes | memoryview = data
        while True:
            seconds = patience.left(patience.write)
            try:
                sent = self.sock.send(rest, self._now) if seconds != 0 else 0
            except _NOT_NOW:
                events = self._wait(select.POLLOUT | select.POLLIN, seconds)
                if events & ~select.POLLOUT and self._answered(exchange):
                    return False
                if events:
                    continue
                sent = 0
            except OSError as error:
                # A server that refuses may have said why before it closed the connection.
                if self._answered(exchange):
                    return False
                raise exchange.error(httpx.WriteError, str(error), died=True) from error
            if not sent:
                problem = "the network took nothing in time"
                raise patience.late(exchange, httpx.WriteTimeout, problem)
            exchange.sent = True
            if sent == len(rest):
                return True
            rest = memoryview(rest)[sent:]

    async def receive(self, exchange: Exchange, patience: Patience) -> None:
        if not self._received(exchange, patience):
            problem = "the server sent nothing in time"
            raise patience.late(exchange, httpx.ReadTimeout, problem)

    def _received(self, exchange: Exchange, patience: Patience) -> bool:
        seconds = patience.left(patience.read)
        if not self._tls:
            if seconds != self._limit:
                self._set_limit(seconds)
            return seconds != 0 and self._receive(exchange)
        # TLS has a buffer of its own, and things to say to itself.
        while seconds != 0:
            if self._receive(exchange):
                return True
            if not self._wait(select.POLLIN, seconds):
                return False
            seconds = patience.left(patience.read)
        return False

    def _set_limit(self, seconds: float | None) -> None:
        """Limit how long the system lets us wait to receive."""
        whole, part = divmod(seconds or 0.0, 1.0)
        limit = _TIMEVAL.pack(int(whole), int(part * 1e6) or int(not whole and seconds is not None))
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
        self._limit = seconds

    def _receive(self, exchange: Exchange, flags: int = 0) -> bool:
        """Take in what comes; false if nothing does."""
        try:
            data = self.sock.recv(exchange.wanted, flags)
        except _NOT_NOW:
            return False
        except OSError as error:
            raise exchange.error(httpx.ReadError, str(error), died=True) from error
        if data:
            exchange.receive(data)
        else:
            exchange.receive_eof()
        return True

    def _answered(self, exchange: Exchange) -> bool:
        """Take in what has come already; true if the rest of the request is not wanted then."""
        while not exchange.unwanted and self._receive(exchange, self._now):
            pass
        return exchange.unwanted

    def _wait(self, events: int, seconds: float | None) -> int:
        """Wait until one of *events* is there and return which; 0 if none came in time."""
        limit = None if seconds is None else seconds * 1000
        if events == select.POLLIN:
            found = self._poll.poll(limit)
        else:
            self._poll.modify(self.sock, events)
            try:
                found = self._poll.poll(limit)
            finally:
                self._poll.modify(self.sock, select.POLLIN)
        return found[0][1] if found else 0


class _Body(Body[_Connection], httpx.SyncByteStream):
    def __iter__(self) -> Iterator[bytes]:
        while (piece := run(self.next_piece())) is not None:
            yield piece

    def close(self) -> None:
        self.release()


class _Turn(Turn):
    def __init__(self) -> None:
        self._event = threading.Event()

    def end(self) -> None:
        self._event.set()

    async def wait(self, seconds: float | None) -> None:
        self._event.wait(seconds)


class _Driver(Driver[_Connection]):
    body_class = _Body
    proxy_class = httpx.HTTPTransport
    turn_class = _Turn

    async def looked_up(
        self, lookup: Future[Sequence[tuple[int, Address]]], seconds: float | None
    ) -> Sequence[tuple[int, Address]]:
        try:
            return lookup.result(seconds)
        finally:
            lookup.cancel()

    async def connect(self, sock: socket.socket, address: Address, seconds: float | None) -> None:
        sock.settimeout(seconds)
        sock.connect(address)

    async def connection(
        self, sock: socket.socket, origin: Origin, tls: ssl.SSLContext | None, seconds: float | None
    ) -> _Connection:
        if tls is not None:
            # The end of the stream must be the one that TLS protects.
            sock = tls.wrap_socket(
                sock,
                server_hostname=origin[1],
                do_handshake_on_connect=False,
                suppress_ragged_eofs=False,
            )
        connection = _Connection(sock, origin, self.pool)
        try:
            if isinstance(sock, ssl.SSLSocket):
                sock.settimeout(seconds)
                sock.do_handshake()
            sock.setblocking(tls is None)
        except BaseException:
            connection.close()
            raise
        return connection


_Direct: TypeAlias = Callable[
    [str, bytes, int | None, httpx.SyncByteStream | None, Mapping[str, object]], _Body
]


class SocketTransport(httpx.BaseTransport):
    """Carries requests over HTTP/1.1 connections of its own, which it keeps and reuses.

    Safe to use from any number of threads. After a fork the child makes its own connections.
    Where the environment asks for a proxy, `httpx.HTTPTransport` does the work instead.

    Args:
        max_connections: The most connections at a time; one more request has to wait.
        idle_expiry: Seconds after which an unused connection is not reused.
        ssl_context: How to do TLS; by default with the certificates that httpx trusts.
        unix_socket: Path of a socket to connect to, whatever the URL says.

    Raises only httpx's exceptions, with `Facts`, and what the body of a request raises.
    """

    def __init__(
        self,
        *,
        max_connections: int = 32,
        idle_expiry: float = 30.0,
        ssl_context: ssl.SSLContext | None = None,
        unix_socket: str | os.PathLike[str] | None = None,
    ) -> None:
        self._driver = _Driver(Network(max_connections, idle_expiry, ssl_context, unix_socket))

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send *request* and return the answer, whose body is a stream.

        Time-outs come from `request.extensions["timeout"]`, a deadline for everything, up to the
        last byte of the body, from `request.extensions["deadline"]` (`time.monotonic`). With
        `request.extensions["duplex"]` a success may begin before the request has ended; what comes
        meanwhile is held.
        """
        if not isinstance(request.stream, httpx.SyncByteStream):
            raise TypeError("the body of the request is for an async transport")
        return run(self._driver.handle(request, self))

    def direct(self, origin: Origin) -> _Direct | None:
        """Return what sends requests to *origin* without httpx's objects, and so in less time.

        It takes a method, a whole head as it is to be sent, the length of the body (`None` if it
        is chunked), the body if there is one, and the extensions. It fails as `handle_request`
        does. `None` where a proxy has to do the work.
        """
        driver = self._driver
        if driver.network.proxy(origin) is not None:
            return None

        def send(
            method: str,
            head: bytes,
            length: int | None,
            stream: httpx.SyncByteStream | None,
            extensions: Mapping[str, object],
        ) -> _Body:
            checked = check_head(Head(method, head, length))
            return cast(_Body, run(driver.exchange(origin, checked, stream, extensions, self)))

        return send

    def close(self) -> None:
        """Close the idle connections now, and those in use when they are given back."""
        self._driver.close()
        for proxy in self._driver.proxies.values():
            if isinstance(proxy, httpx.HTTPTransport):
                proxy.close()

    def __del__(self) -> None:
        with suppress(Exception):  # at the end of the interpreter all may be gone already
            self.close()
