"""An answer: its head, and its body as a stream that holds a connection."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Generic, TypeVar

import httpx

from objectstore_client.engine.connection import Connection
from objectstore_client.engine.exchange import Exchange
from objectstore_client.engine.patience import Patience

if TYPE_CHECKING:
    from objectstore_client.engine.driver import Driver

__all__ = ["Body"]

_Connection = TypeVar("_Connection", bound=Connection)


class Body(Generic[_Connection]):
    """Gives the connection back at the end, when it is closed, and when nobody has it any more.

    Attributes:
        status_code: The status of the answer.
        pairs: Its headers, names in lower case.
    """

    def __init__(
        self,
        owner: object,
        driver: Driver[_Connection],
        connection: _Connection,
        exchange: Exchange,
        patience: Patience,
    ) -> None:
        self._owner = owner  # held, for it closes the connections when it goes
        self._driver = driver
        self._connection: _Connection | None = connection
        self._exchange = exchange
        self._patience = patience
        self.status_code = exchange.status
        self.pairs = exchange.headers

    def at_hand(self) -> bytes | None:
        """Return the whole body if it is all there and nothing of it was taken, else `None`."""
        exchange = self._exchange
        if not exchange.complete or exchange.taken:
            return None
        exchange.taken = True
        pieces = exchange.body
        if len(pieces) == 1:
            return pieces.popleft()
        data = b"".join(pieces)
        pieces.clear()
        return data

    async def next_piece(self) -> bytes | None:
        """Return the next piece, `None` at the end."""
        exchange = self._exchange
        while not exchange.body:
            if exchange.complete:
                return None
            if self._connection is None:
                raise httpx.StreamClosed
            if self._connection.inherited:
                # Nothing that another attempt could mend: the parent reads it.
                problem = "the payload belongs to the parent process, which reads it"
                raise exchange.error(httpx.LocalProtocolError, problem)
            try:
                await self._connection.receive(exchange, self._patience)
            except BaseException:
                self.release()
                raise
            if exchange.complete:
                self.release()
        exchange.taken = True
        return exchange.body.popleft()

    def release(self) -> None:
        """Give the connection back; what was not read is lost."""
        connection, self._connection = self._connection, None
        if connection is not None:
            self._driver.release(connection, reusable=self._exchange.reusable)

    def __del__(self) -> None:
        if self._connection is not None:
            with suppress(Exception):  # at the end of the interpreter all may be gone already
                self._driver.abandon(self._connection)
