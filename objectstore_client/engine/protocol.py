"""A connection over asyncio, as a protocol: no task of its own, one future per wait."""

from __future__ import annotations

import asyncio
import select
import socket
import ssl
from contextlib import suppress
from math import inf
from typing import cast

import httpx

from objectstore_client.engine.connection import Connection
from objectstore_client.engine.exchange import PIECE_BYTES, Exchange
from objectstore_client.engine.network import Origin
from objectstore_client.engine.patience import Patience
from objectstore_client.engine.pool import Pool

__all__ = ["AioConnection"]

_MOST_UNREAD = 512 * 1024  # bytes of a body that nobody takes, after which we stop reading


class AioConnection(Connection, asyncio.Protocol):
    """A connection of one event loop, with at most one task that waits for it."""

    _transport: asyncio.Transport
    _tls: ssl.SSLObject | None

    def __init__(self, sock: socket.socket, origin: Origin, pool: Pool[AioConnection]) -> None:
        super().__init__(sock, origin, pool)
        self._loop = asyncio.get_running_loop()
        self._poll = select.poll()
        self._poll.register(sock, select.POLLIN)
        self._exchange: Exchange | None = None
        self._failure: httpx.TransportError | None = None
        self._waiter: asyncio.Future[bool] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._expires = inf
        self._paused_reading = self._paused_writing = False

    def is_quiet(self) -> bool:
        return not self._transport.is_closing() and not self._poll.poll(0)

    def begin(self, exchange: Exchange | None) -> None:
        self._exchange, self._failure = exchange, None
        self._go_on_reading()

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self in self.pool.open:
            self._transport.abort()

    # ---- called by asyncio --------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._tls = transport.get_extra_info("ssl_object")
        # Writing is paused as long as there is something that the system has not taken.
        self._transport.set_write_buffer_limits(high=1, low=0)
        self.pool.open.add(self)

    def data_received(self, data: bytes) -> None:
        self._take_in(data)

    def eof_received(self) -> None:
        exchange = self._exchange
        if exchange is not None and not exchange.complete and not self._is_proper_end():
            self._failure = exchange.error(httpx.ReadError, "TLS was cut off", died=True)
        self._take_in(b"")

    def _is_proper_end(self) -> bool:
        """Whether it was the server who ended the stream, as far as that can be known."""
        try:
            return self._tls is None or not self._tls.read(1)
        except ssl.SSLError as error:
            return isinstance(error, ssl.SSLZeroReturnError)

    def _take_in(self, data: bytes) -> None:
        exchange = self._exchange
        if exchange is None:
            self.close()  # nobody asked for this
            return
        try:
            if data and not exchange.sent and self._failure is None:
                # A surplus answer to an earlier request, most likely; not one to this.
                problem = "the server sent something before it was asked"
                raise exchange.error(httpx.RemoteProtocolError, problem, died=True)
            if self._failure is None and data:
                exchange.receive(data)
            elif self._failure is None:
                exchange.receive_eof()
        except httpx.TransportError as error:
            self._failure = error
        pieces = len(exchange.body)
        if exchange.duplex and not exchange.all_sent:
            # To read no more would block a server that can't go on reading before it has written.
            pieces = 0
        if pieces > 1 and (pieces > 64 or sum(map(len, exchange.body)) > _MOST_UNREAD):
            self._paused_reading = True
            self._transport.pause_reading()
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        exchange = self._exchange
        if exchange is not None and exc is not None and self._tls is None:
            # A server that refuses may have said why before it closed the connection.
            with suppress(OSError):
                while not exchange.complete and (data := self.sock.recv(exchange.wanted)):
                    self._take_in(data)
        if exchange is not None and not exchange.complete and self._failure is None:
            kind = httpx.ReadError if exchange.all_sent else httpx.WriteError
            self._failure = exchange.error(kind, str(exc or "connection closed"), died=True)
        self.pool.open.discard(self)
        self.close()
        self._wake()

    def pause_writing(self) -> None:
        self._paused_writing = True

    def resume_writing(self) -> None:
        self._paused_writing = False
        self._wake()

    # ---- called by the task that it serves ----------------------------------------------------

    async def send(self, exchange: Exchange, data: bytes, patience: Patience) -> bool:
        if len(data) <= PIECE_BYTES:
            return await self._write(exchange, data, patience)
        view = memoryview(data)
        for start in range(0, len(view), PIECE_BYTES):
            if not await self._write(exchange, view[start : start + PIECE_BYTES], patience):
                return False
            await asyncio.sleep(0)  # others want to live
        return True

    async def receive(self, exchange: Exchange, patience: Patience) -> None:
        if self._failure is not None:
            raise self._failure
        self._go_on_reading()
        if not await self._event(patience.left(patience.read)):
            raise patience.late(exchange, httpx.ReadTimeout, "the server sent nothing in time")

    async def _write(
        self, exchange: Exchange, data: bytes | memoryview, patience: Patience
    ) -> bool:
        late = patience.left(patience.write) == 0
        if exchange.sent and not self.is_quiet():
            await asyncio.sleep(0)  # asyncio finds out that there may be an answer,
            await asyncio.sleep(0)  # and hands it over
        if not late and self._wanted(exchange):
            self._transport.write(data)
            exchange.sent = True
        while not late and self._paused_writing and self._wanted(exchange):
            unsent = self._transport.get_write_buffer_size()
            in_time = await self._event(patience.left(patience.write))
            late = not in_time and self._transport.get_write_buffer_size() == unsent
        if late:
            problem = "the network took nothing in time"
            raise patience.late(exchange, httpx.WriteTimeout, problem)
        return self._wanted(exchange)

    def _wanted(self, exchange: Exchange) -> bool:
        """Whether somebody waits for the rest of the request."""
        return not exchange.unwanted and self._failure is None

    def _go_on_reading(self) -> None:
        if self._paused_reading:
            self._paused_reading = False
            self._transport.resume_reading()

    async def _event(self, seconds: float | None) -> bool:
        """Wait until something happens; false if nothing does in time."""
        if seconds == 0:
            return False
        self._expires = inf if seconds is None else self._loop.time() + seconds
        # The timer outlives the wait: the next one most likely needs a later one anyway.
        if self._timer is not None and self._timer.when() > self._expires:
            self._timer.cancel()
            self._timer = None
        if self._timer is None:
            self._expire()
        self._waiter = self._loop.create_future()
        try:
            return await self._waiter
        finally:
            self._waiter = None

    def _expire(self) -> None:
        self._timer = None
        if self._loop.time() >= self._expires:
            self._wake(in_time=False)
        elif self._expires < inf:
            self._timer = self._loop.call_at(self._expires, self._expire)

    def _wake(self, *, in_time: bool = True) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(in_time)
