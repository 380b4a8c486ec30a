"""Who may use a connection, and which. Bookkeeping only: drivers add locks, waiting and sockets."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from time import monotonic
from typing import Generic, Protocol, TypeVar

from objectstore_client.engine.network import Origin

__all__ = ["Pool", "Turn"]


class Pooled(Protocol):
    """What the pool knows of a connection."""

    origin: Origin
    idle_since: float

    def close(self) -> None:
        """Close it now, without waiting for anything."""
        ...


_Connection = TypeVar("_Connection", bound=Pooled)


class Turn(ABC):
    """The wait of somebody in the line."""

    granted = False

    @abstractmethod
    def end(self) -> None:
        """End the wait, or have it end at once if it has not begun."""

    @abstractmethod
    async def wait(self, seconds: float | None) -> None:
        """Wait for the end, but no longer than *seconds*."""


class Pool(Generic[_Connection]):
    """At most *max_connections* in use, served in order of arrival, and idle ones for reuse.

    The most recently used connection is reused first, so that a pool that was too large for a
    while shrinks: those idle for *idle_expiry* seconds are closed. There is no thread that
    watches them; whoever comes next cleans up.
    """

    def __init__(self, max_connections: int, idle_expiry: float) -> None:
        self.max_connections = max_connections
        self.idle_expiry = idle_expiry
        self.in_use = 0
        self.open: set[_Connection] = set()  # all with an open socket, whoever has them
        self.idle: list[_Connection] = []  # the most recently used one last
        self.closed = False
        self._line: deque[Turn] = deque()

    def enter(self) -> bool:
        """Get the right to use a connection, which ends with `leave`; false if there is none."""
        if self.closed or self.in_use >= self.max_connections:
            return False
        self.in_use += 1
        return True

    def leave(self) -> None:
        """Pass on the right to use a connection to the first in the line."""
        if self._line:
            turn = self._line.popleft()
            turn.granted = True
            turn.end()
        else:
            self.in_use -= 1

    def line_up(self, turn: Turn) -> None:
        """Wait for what `enter` gives: the turn ends with it, or when the pool is closed."""
        self._line.append(turn)

    def give_up(self, turn: Turn) -> None:
        """Leave the line; if it is too late for that, what was granted goes to the next."""
        if turn.granted:
            self.leave()
        elif turn in self._line:
            self._line.remove(turn)

    def take(self, origin: Origin) -> _Connection | None:
        """Take an idle connection to *origin*; if there is none, there is room to make one."""
        self._expire()
        for index in range(len(self.idle) - 1, -1, -1):
            if self.idle[index].origin == origin:
                return self.idle.pop(index)
        while self.idle and len(self.idle) + self.in_use > self.max_connections:
            self.idle.pop(0).close()  # they lead elsewhere
        return None

    def put(self, connection: _Connection) -> None:
        """Keep a connection for reuse."""
        if self.closed:
            connection.close()
        else:
            connection.idle_since = monotonic()
            self.idle.append(connection)
        self._expire()

    def close(self) -> None:
        """Close the idle connections, keep no more of them, and let nobody in."""
        self.closed = True
        while self.idle:
            self.idle.pop().close()
        while self._line:
            self._line.popleft().end()

    def _expire(self) -> None:
        if self.idle:
            longest_ago = monotonic() - self.idle_expiry
            while self.idle and self.idle[0].idle_since <= longest_ago:
                self.idle.pop(0).close()
