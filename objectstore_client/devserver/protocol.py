"""uvicorn's h11 protocol, with deadlines for clients that keep a connection busy without using it.

Instead of a timer for each request, the server asks every connection a few times a second whether
it has moved (`give_up`), so that a request that behaves costs next to nothing.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import h11
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

_READ_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a client may take, in seconds.

    Attributes:
        head: From the connection, or the first byte of a later request, to the end of its head.
        stall: Without any progress, while the server waits for a body or to get rid of an answer.
        idle: Between two requests on one connection.
        grace: For requests to finish once the server has been told to stop.
    """

    head: float = 10
    stall: float = 60
    idle: int = 75
    grace: float = 5


class Protocol(H11Protocol, asyncio.BufferedProtocol):  # pyright: ignore[reportIncompatibleMethodOverride]
    """One connection.

    It reads into a buffer of its own: the pieces of 256 KiB that asyncio allocates otherwise cost
    half of the throughput, as the C library maps and unmaps each of them.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        # It would show queries, which hold secrets. Switching it off in the configuration would
        # change the logging of the whole process.
        self.access_log = False
        self._buffer = memoryview(bytearray(_READ_BYTES))
        self._received = 0
        self._resumed = 0
        # What the peer is being waited for, its progress at that, and since when there is none.
        self._waiting: tuple[object, ...] | None = None
        self._since = 0.0

    def give_up(self, now: float, limits: Limits) -> None:
        """Cut the connection if its client has exceeded a limit at *now*, in loop time."""
        waiting = self._awaited()
        if waiting != self._waiting:
            self._waiting, self._since = waiting, now
        elif waiting is not None:
            allowed = limits.head if waiting[0] == "head" else limits.stall
            if now - self._since > allowed:
                self.transport.abort()

    def _awaited(self) -> tuple[object, ...] | None:
        cycle = self.cycle
        if unsent := self.transport.get_write_buffer_size():
            return "write", self._resumed, unsent
        if cycle is None or cycle.response_complete:
            if self.conn.their_state is h11.SEND_BODY:
                return "rest", self._received
            # Bytes that trickle in are no progress here. An idle connection has another timer.
            if cycle is None or self.conn.trailing_data[0]:
                return "head", id(cycle)
            return None
        if cycle.more_body and not cycle.body and not self.flow.read_paused:
            return "body", self._received
        return None

    # ---- asyncio's methods --------------------------------------------------------------

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        self._received += nbytes
        self.data_received(bytes(self._buffer[:nbytes]))

    def resume_writing(self) -> None:
        self._resumed += 1
        super().resume_writing()

    def eof_received(self) -> bool | None:  # type: ignore[override]
        # A client that closes its half after the request still wants the answer.
        if self.cycle is None or self.cycle.response_complete or self.cycle.more_body:
            return None
        self.cycle.keep_alive = False
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._unset_keepalive_if_required()

    # ---- uvicorn's methods --------------------------------------------------------------

    def send_400_response(self, msg: str) -> None:
        # Not every state allows an answer: the malformed bytes may come after one. And there is
        # none but this: what the application still has to say is dropped.
        if self.cycle is not None:
            self.cycle.disconnected = True
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            super().send_400_response(msg)
        else:
            self.transport.close()

    def shutdown(self) -> None:
        try:
            super().shutdown()
        except h11.LocalProtocolError:
            self.transport.close()

    def _unsupported_upgrade_warning(self) -> None:
        """Say nothing: ignoring an upgrade is all that a server has to do."""
