"""A TCP proxy that breaks connections as it is told.

    with Proxy(server.url, Plan(down=Reset(offset=20))) as proxy:
        ...  # proxy.url: the first connection is reset after 20 bytes of the answer, others work

Each direction of a connection may have one `Action`, which is due at a given byte. What happens
depends on the bytes that pass and on nothing else, so a plan does the same each time.
"""

from __future__ import annotations

import asyncio
import math
import re
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from tests.faults.doors import Door

_PATIENCE_SECONDS = 30
_PIECE = 64 * 1024
_TICK_SECONDS = 0.02
_REQUEST_LINE = re.compile(rb"((?:GET|HEAD|PUT|POST|DELETE|PATCH) \S+) HTTP/1\.1\r\n")


@dataclass(frozen=True, kw_only=True)
class Action:
    """What happens at one byte of one direction.

    Attributes:
        heads: Blank lines that pass before the count begins: 1 is the body of the first message,
            or the second message if the first has no body.
        offset: Bytes that pass after them.
        eager: Act when those have passed; else when there is a byte to follow them.
    """

    heads: int = 0
    offset: int = 0
    eager: bool = False


class Cut(Action):
    """End the connection properly (FIN), as a server that shuts down; still read what comes."""


class Reset(Action):
    """Reset the connection (RST), as a server that crashes."""


class Stall(Action):
    """Pass nothing on in this direction any more, and do not read either."""


@dataclass(frozen=True, kw_only=True)
class Flip(Action):
    """Change one bit (0 to 7) of the byte."""

    bit: int = 0


@dataclass(frozen=True, kw_only=True)
class Insert(Action):
    """Send *data* to the client instead of what follows, and end the connection."""

    data: bytes


@dataclass(frozen=True, kw_only=True)
class Delay(Action):
    """Wait once."""

    seconds: float


@dataclass(frozen=True, kw_only=True)
class Throttle(Action):
    """Pass on no more than *rate* bytes a second."""

    rate: int


@dataclass(frozen=True, kw_only=True)
class Drip(Action):
    """Pass on single bytes with a pause after each: *count* of them, or all."""

    pause: float
    count: int | None = None


@dataclass(frozen=True)
class Plan:
    """What happens to one connection: *up* to the server, *down* to the client."""

    up: Action | None = None
    down: Action | None = None


FINE = Plan()
"""Nothing happens."""


@dataclass
class Traffic:
    """What passed through a proxy.

    Attributes:
        connections: How many were accepted.
        up, down: Bytes that came from clients and from the server.
        asked: Method and target of each request that a client began.
        served: Those of them whose first line was passed on to the server.
        fired: How many actions were carried out.
        healed: No more of them are.
    """

    connections: int = 0
    up: int = 0
    down: int = 0
    asked: list[str] = field(default_factory=list)
    served: list[str] = field(default_factory=list)
    fired: int = 0
    healed: bool = False


class Proxy:
    """Passes connections on to *upstream*, on a thread of its own.

    Leaving the context closes everything and raises what went wrong inside.

    Args:
        upstream: URL of the server.
        plans: For the first connections, one each.
        rest: For all connections after them.
        door: Where to listen; by default an open one.

    Attributes:
        url: Where clients find the proxy.
        traffic: What passed through it so far.
    """

    def __init__(
        self, upstream: str, *plans: Plan, rest: Plan = FINE, door: Door | None = None
    ) -> None:
        self.traffic = Traffic()
        self._door = door or Door()
        self.url = f"http://127.0.0.1:{self._door.port}"
        address = urlsplit(upstream)
        self._upstream = (address.hostname, address.port)
        self._plans = iter(plans)
        self._rest = rest
        self._failures: list[BaseException] = []
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fault-proxy", daemon=True)

    @property
    def asked(self) -> list[str]:
        """Method and target of each request that a client began."""
        return self.traffic.asked

    @property
    def served(self) -> list[str]:
        """Those of them that the server heard of."""
        return self.traffic.served

    @property
    def fired(self) -> int:
        """How many faults there were."""
        return self.traffic.fired + self._door.turned_away

    def heal(self) -> None:
        """Do no more harm from now on; what is stalled stays so."""
        self.traffic.healed = True
        self._plans, self._rest = iter(()), FINE
        self._door.open()

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._started.wait(_PATIENCE_SECONDS)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with suppress(RuntimeError):  # its loop is closed: it has failed before
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(_PATIENCE_SECONDS)
        assert not self._thread.is_alive()
        if self._failures and error is None:
            raise self._failures[0]

    # ---- the thread ---------------------------------------------------------------------

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            self._failures.append(error)
            self._started.set()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        opened = asyncio.Event()
        self._door.on_open = lambda: self._loop.call_soon_threadsafe(opened.set)
        if self._door.is_open:
            opened.set()
        with self._door:
            accepting = asyncio.create_task(self._accept(opened))
            stop = asyncio.create_task(self._stop.wait())
            self._started.set()
            await asyncio.wait({accepting, stop}, return_when=asyncio.FIRST_COMPLETED)
            stop.cancel()
            accepting.cancel()
            with suppress(asyncio.CancelledError):
                await accepting

    async def _accept(self, opened: asyncio.Event) -> None:
        await opened.wait()
        self._door.listener.setblocking(False)
        async with asyncio.TaskGroup() as connections:
            while True:
                client, _ = await self._loop.sock_accept(self._door.listener)
                self.traffic.connections += 1
                plan = next(self._plans, self._rest)
                connections.create_task(self._connect(client, plan))

    async def _connect(self, client: socket.socket, plan: Plan) -> None:
        """Serve one connection to its end."""
        with client, socket.socket() as upstream:
            for end in (client, upstream):
                end.setblocking(False)
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await self._loop.sock_connect(upstream, self._upstream)
            asked, served = _Lines(self.asked), _Lines(self.served)

            def on_up(data: bytes) -> None:
                self.traffic.up += len(data)
                asked.see(data)

            def on_down(data: bytes) -> None:
                self.traffic.down += len(data)

            up = _Pump(client, upstream, plan.up, self.traffic, on_up, served.see)
            down = _Pump(upstream, client, plan.down, self.traffic, on_down)
            try:
                async with asyncio.TaskGroup() as pumps:
                    pumps.create_task(up.run())
                    pumps.create_task(down.run())
            except* _Reset:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                client.close()
                self.traffic.fired += 1
            except* _Cut as cuts:
                upstream.close()
                with suppress(OSError):  # the client was faster
                    await self._loop.sock_sendall(client, cuts.exceptions[0].args[0])
                    client.shutdown(socket.SHUT_WR)
                self.traffic.fired += 1
                # To close while there is unread data would reset the connection.
                with suppress(OSError):
                    while await self._loop.sock_recv(client, _PIECE):
                        pass
            except* ConnectionError:
                pass  # the client was faster


class _Cut(Exception):  # noqa: N818 - it is planned
    """End the connection properly, after some last bytes."""


class _Reset(Exception):  # noqa: N818 - it is planned
    """Reset the connection."""


class _Pump:
    """One direction of a connection."""

    def __init__(
        self,
        source: socket.socket,
        target: socket.socket,
        action: Action | None,
        traffic: Traffic,
        on_read: Callable[[bytes], None],
        on_write: Callable[[bytes], None] = lambda data: None,
    ) -> None:
        self._source, self._target = source, target
        self._finder = _Finder(action) if action else None
        self._traffic = traffic
        self._on_read, self._on_write = on_read, on_write
        self._rate: int | None = None
        self._pause, self._drips = 0.0, 0.0
        self._loop = asyncio.get_running_loop()

    async def run(self) -> None:
        """Pass on what comes until it ends, and act when it is time."""
        data = b""
        while True:
            if (
                self._finder
                and not self._traffic.healed
                and (index := self._finder.find(data)) is not None
            ):
                action, self._finder = self._finder.action, None
                await self._pass_on(data[:index])
                data = await self._perform(action, data[index:])
            await self._pass_on(data)
            data = await self._loop.sock_recv(self._source, _PIECE)
            if not data:
                break
            self._on_read(data)
        with suppress(OSError):  # it is gone already
            self._target.shutdown(socket.SHUT_WR)

    async def _perform(self, action: Action, data: bytes) -> bytes:
        """Do what was planned; *data* follow, and come back as they are to be passed on."""
        match action:
            case Cut():
                raise _Cut(b"")
            case Insert():
                raise _Cut(action.data)
            case Reset():
                raise _Reset
        self._traffic.fired += 1
        match action:
            case Stall():
                await self._loop.create_future()
            case Delay():
                await asyncio.sleep(action.seconds)
            case Flip():
                data = bytes([data[0] ^ 1 << action.bit]) + data[1:]
            case Throttle():
                self._rate = action.rate
            case Drip():
                self._pause = action.pause
                self._drips = math.inf if action.count is None else action.count
        return data

    async def _pass_on(self, data: bytes) -> None:
        while data:
            size, pause = len(data), 0.0
            if self._drips:
                self._drips -= 1
                size, pause = 1, self._pause
            elif self._rate:
                size = min(size, max(1, int(self._rate * _TICK_SECONDS)))
                pause = size / self._rate
            self._on_write(data[:size])
            await self._loop.sock_sendall(self._target, data[:size])
            data = data[size:]
            await asyncio.sleep(pause)


class _Finder:
    """Finds the byte at which *action* is due."""

    def __init__(self, action: Action) -> None:
        self.action = action
        self._heads, self._offset = action.heads, action.offset
        self._tail = b""

    def find(self, data: bytes) -> int | None:
        """The index of that byte in *data*, which follow those of the last call."""
        start = 0
        while self._heads:
            window = self._tail + data[start:]
            end = window.find(b"\r\n\r\n")
            if end < 0:
                self._tail = window[-3:]
                return None
            start += end + 4 - len(self._tail)
            self._heads, self._tail = self._heads - 1, b""
        left = len(data) - start
        if self._offset < left or (self.action.eager and self._offset == left):
            return start + self._offset
        self._offset -= left
        return None


class _Lines:
    """Finds the first lines of requests in a stream."""

    def __init__(self, found: list[str]) -> None:
        self._found = found
        self._tail = b""

    def see(self, data: bytes) -> None:
        """Look at the bytes that follow."""
        window = self._tail + data
        end = 0
        for match in _REQUEST_LINE.finditer(window):
            self._found.append(match[1].decode("latin-1"))
            end = match.end()
        self._tail = window[end:][-4096:]
