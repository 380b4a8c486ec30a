"""The engine over asyncio: `AsyncSocketTransport`."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import Self, TypeAlias, cast

import httpx

from objectstore_client.engine.body import Body
from objectstore_client.engine.driver import Driver
from objectstore_client.engine.heads import Head, check_head
from objectstore_client.engine.network import Address, Network, Origin
from objectstore_client.engine.pool import Turn
from objectstore_client.engine.protocol import AioConnection

__all__ = ["AsyncSocketTransport"]


class _Body(Body[AioConnection], httpx.AsyncByteStream):
    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        piece = await self.next_piece()
        if piece is None:
            raise StopAsyncIteration
        return piece

    async def aclose(self) -> None:
        self.release()


class _Turn(Turn):
    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._end = self._loop.create_future()

    def end(self) -> None:
        if not self._end.done():
            self._end.set_result(None)

    async def wait(self, seconds: float | None) -> None:
        if seconds is None:
            await self._end
            return
        timer = self._loop.call_later(seconds, self.end)  # a third of what asyncio.timeout costs
        try:
            await self._end
        finally:
            timer.cancel()


class _Driver(Driver[AioConnection]):
    """The connections of one event loop."""

    body_class = _Body
    proxy_class = httpx.AsyncHTTPTransport
    turn_class = _Turn

    def __init__(self, network: Network) -> None:
        super().__init__(network)
        self.loop = asyncio.get_running_loop()

    def abandon(self, connection: AioConnection) -> None:
        # The garbage collector runs in any thread, and also after the end of the loop.
        self.loop.call_soon_threadsafe(super().abandon, connection)

    async def looked_up(
        self, lookup: Future[Sequence[tuple[int, Address]]], seconds: float | None
    ) -> Sequence[tuple[int, Address]]:
        if lookup.done():
            return lookup.result()
        async with asyncio.timeout(seconds):
            return await asyncio.wrap_future(lookup)

    async def connect(self, sock: socket.socket, address: Address, seconds: float | None) -> None:
        sock.setblocking(False)
        async with asyncio.timeout(seconds):
            await self.loop.sock_connect(sock, address)

    async def connection(
        self, sock: socket.socket, origin: Origin, tls: ssl.SSLContext | None, seconds: float | None
    ) -> AioConnection:
        connection = AioConnection(sock, origin, self.pool)
        try:
            async with asyncio.timeout(seconds):
                await self.loop.create_connection(
                    lambda: connection,
                    sock=sock,
                    ssl=tls,
                    server_hostname=None if tls is None else origin[1],
                )
        except BaseException:
            connection.close()
            raise
        return connection

    async def until_closed(self, but: int = 0) -> None:
        """Wait until all sockets are closed *but* so many."""
        for _ in range(100):  # as asyncio takes a few rounds for it
            if len(self.pool.open) <= but:
                return
            await asyncio.sleep(0)

    async def watch(self) -> AsyncGenerator[None]:
        """Stand still until the end of the event loop, then close everything while it still runs.

        At their end, event loops close the asynchronous generators they know of, as this one. It is
        closed as well when nobody holds it any more.
        """
        try:
            yield
        finally:
            self.close()
            for connection in list(self.pool.open):
                connection.close()
            await self.until_closed()
            for proxy in self.proxies.values():
                if isinstance(proxy, httpx.AsyncHTTPTransport):
                    await proxy.aclose()


_Direct: TypeAlias = Callable[
    [str, bytes, int | None, httpx.AsyncByteStream | None, Mapping[str, object]], Awaitable[_Body]
]


class AsyncSocketTransport(httpx.AsyncBaseTransport):
    """Carries requests over HTTP/1.1 connections of its own, which it keeps and reuses.

    Serves any number of event loops, each with its own connections; they are closed at the end of
    the loop, if not before. After a fork the child makes its own connections. Where the
    environment asks for a proxy, `httpx.AsyncHTTPTransport` does the work instead.

    Args:
        max_connections: The most connections of a loop at a time; one more request has to wait.
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
        self._network = Network(max_connections, idle_expiry, ssl_context, unix_socket)
        self._drivers: dict[asyncio.AbstractEventLoop, tuple[_Driver, AsyncGenerator[None]]] = {}
        self._closed = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send *request* and return the answer, whose body is a stream.

        Time-outs come from `request.extensions["timeout"]`, a deadline for everything, up to the
        last byte of the body, from `request.extensions["deadline"]` (`time.monotonic`). With
        `request.extensions["duplex"]` a success may begin before the request has ended; what comes
        meanwhile is held.
        """
        if not isinstance(request.stream, httpx.AsyncByteStream):
            raise TypeError("the body of the request is for a blocking transport")
        known = self._drivers.get(asyncio.get_running_loop())
        driver = await self._new_driver() if known is None else known[0]
        return await driver.handle(request, self)

    def direct(self, origin: Origin) -> _Direct | None:
        """Return what sends requests to *origin* without httpx's objects, and so in less time.

        It takes a method, a whole head as it is to be sent, the length of the body (`None` if it
        is chunked), the body if there is one, and the extensions. It fails like
        `handle_async_request`. `None` where a proxy has to do the work.
        """
        if self._network.proxy(origin) is not None:
            return None

        async def send(
            method: str,
            head: bytes,
            length: int | None,
            stream: httpx.AsyncByteStream | None,
            extensions: Mapping[str, object],
        ) -> _Body:
            checked = check_head(Head(method, head, length))
            known = self._drivers.get(asyncio.get_running_loop())
            driver = await self._new_driver() if known is None else known[0]
            return cast(_Body, await driver.exchange(origin, checked, stream, extensions, self))

        return send

    async def aclose(self) -> None:
        """Close the idle connections of all loops, and those in use when they are given back."""
        self._closed = True
        running = asyncio.get_running_loop()
        for loop, (driver, watch) in list(self._drivers.items()):
            if loop is running:
                driver.close()
                await driver.until_closed(but=driver.pool.in_use)
                if not driver.pool.in_use:
                    del self._drivers[loop]
                    await watch.aclose()
            else:
                with suppress(RuntimeError):  # its end has come, and that of its connections
                    loop.call_soon_threadsafe(driver.close)

    async def _new_driver(self) -> _Driver:
        for loop in list(self._drivers):
            if loop.is_closed():
                self._drivers.pop(loop, None)
        driver = _Driver(self._network)
        driver.pool.closed = self._closed
        watch = driver.watch()
        self._drivers[driver.loop] = driver, watch
        await anext(watch)
        return driver
