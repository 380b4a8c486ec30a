"""A connection while it serves: how a request goes out, in whichever world."""

from __future__ import annotations

import socket
from abc import ABC, abstractmethod
from typing import Any, cast

import httpx

from objectstore_client.engine.exchange import Exchange
from objectstore_client.engine.network import Origin
from objectstore_client.engine.patience import Patience
from objectstore_client.engine.pool import Pool

__all__ = ["Connection"]


class Connection(ABC):
    """A connection, which serves one exchange after the other."""

    def __init__(self, sock: socket.socket, origin: Origin, pool: Pool[Any]) -> None:
        self.sock = sock
        self.origin = origin
        self.pool = pool
        self.idle_since = 0.0
        self.holds_payload = False  # an answer was handed out that is not read to its end
        self.inherited = False  # it is the parent process's
        self._served = False

    async def serve(self, exchange: Exchange, stream: object, patience: Patience) -> None:
        """Send the request, with *stream* as its body, and receive the head of the answer."""
        exchange.reused, self._served = self._served, True
        self.begin(exchange)
        exchange.all_sent = await self._send_request(exchange, stream, patience)
        while not exchange.status:
            await self.receive(exchange, patience)

    async def _send_request(self, exchange: Exchange, stream: object, patience: Patience) -> bool:
        """Send all; false if the answer came first, for then nobody wants the rest."""
        if stream is None:
            return await self.send(exchange, exchange.finish(), patience)
        if isinstance(stream, httpx.SyncByteStream):
            # Also in an event loop: what serves both worlds is in memory, and costs less this way.
            pieces = iter(stream)
            try:
                for piece in pieces:
                    for data in exchange.frame(piece):
                        if not await self.send(exchange, data, patience):
                            return False
            finally:
                if (close := getattr(pieces, "close", None)) is not None:
                    close()
        else:
            async_pieces = aiter(cast(httpx.AsyncByteStream, stream))
            try:
                async for piece in async_pieces:
                    for data in exchange.frame(piece):
                        if not await self.send(exchange, data, patience):
                            return False
            finally:
                if (aclose := getattr(async_pieces, "aclose", None)) is not None:
                    await aclose()
        data = exchange.finish()
        return not data or await self.send(exchange, data, patience)

    @abstractmethod
    def is_quiet(self) -> bool:
        """Whether it is still open, and nothing came that nobody asked for."""

    @abstractmethod
    def begin(self, exchange: Exchange | None) -> None:
        """From now on, what is received belongs to *exchange*, or to nobody."""

    @abstractmethod
    async def send(self, exchange: Exchange, data: bytes, patience: Patience) -> bool:
        """Send *data*; false if the answer came first."""

    @abstractmethod
    async def receive(self, exchange: Exchange, patience: Patience) -> None:
        """Hand over to *exchange* what comes from the server; wait until there is something."""

    @abstractmethod
    def close(self) -> None:
        """Close it now, without waiting for anything."""
