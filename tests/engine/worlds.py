"""Both transports behind one blocking interface, so that each test is written once.

with blocking_world() as world:
    transport = world.transport()
    answer = world.ask(transport, "GET", url)
"""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

import httpx

from objectstore_client.engine.aio import AsyncSocketTransport
from objectstore_client.engine.blocking import SocketTransport
from objectstore_client.engine.pool import Pool

Transport: TypeAlias = SocketTransport | AsyncSocketTransport

TIMEOUT = {"connect": 10.0, "read": 10.0, "write": 10.0, "pool": 10.0}
"""Seconds that no test should ever need, each of which ends a test that hangs."""


@dataclass(frozen=True)
class Answer:
    """An answer that was read to its end."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


class Pieces(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body that comes in pieces, and remembers what became of it."""

    def __init__(self, pieces: Iterable[Any]) -> None:
        self._pieces = pieces
        self.taken = 0
        self.closed = False

    def __iter__(self) -> Iterator[bytes]:
        try:
            for piece in self._pieces:
                self.taken += 1
                yield piece
        finally:
            self.closed = True

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self:
            yield piece


class AsyncPieces(httpx.AsyncByteStream):
    """The same for asyncio alone."""

    def __init__(self, pieces: Iterable[Any]) -> None:
        self._pieces = pieces
        self.taken = 0
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            for piece in self._pieces:
                self.taken += 1
                yield piece
                await asyncio.sleep(0)
        finally:
            self.closed = True


def make_request(
    method: str,
    url: str,
    headers: Iterable[tuple[str, str]] = (),
    body: bytes | httpx.SyncByteStream | httpx.AsyncByteStream = b"",
    *,
    seconds: float | None = None,
    deadline: float | None = None,
    **timeouts: float | None,
) -> httpx.Request:
    """Make a request with exactly these headers, after Host and those that frame the body."""
    target = httpx.URL(url)
    fields = [("Host", target.netloc.decode()), *headers]
    if isinstance(body, bytes):
        if body or method in {"POST", "PUT"}:
            fields.append(("Content-Length", str(len(body))))
        body = Pieces([body])
    limits = TIMEOUT if seconds is None else dict.fromkeys(TIMEOUT, seconds)
    extensions: dict[str, object] = {"timeout": {**limits, **timeouts}}
    if deadline is not None:
        extensions["deadline"] = time.monotonic() + deadline
    return httpx.Request(method, target, headers=fields, stream=body, extensions=extensions)


class World(ABC):
    """One of the two worlds."""

    name: str
    pieces: type[Pieces | AsyncPieces]

    def __init__(self) -> None:
        self._transports: list[Any] = []

    def transport(self, **options: Any) -> Any:
        """Make a transport, which is closed with this world."""
        made = self.make(**options)
        self._transports.append(made)
        return made

    def ask(self, transport: Any, *arguments: Any, **options: Any) -> Answer:
        """Send a request and read the whole answer."""
        response = self.open(transport, make_request(*arguments, **options))
        body = self.read(response)
        return Answer(response.status_code, response.headers.raw, body)

    @abstractmethod
    def make(self, **options: Any) -> Transport: ...

    @abstractmethod
    def open(self, transport: Any, request: httpx.Request) -> httpx.Response:
        """Send a request; the body of the answer is left unread."""

    @abstractmethod
    def chunks(self, response: httpx.Response) -> list[bytes]:
        """Read the body to its end."""

    def read(self, response: httpx.Response) -> bytes:
        """Read the body to its end."""
        return b"".join(self.chunks(response))

    @abstractmethod
    def close_response(self, response: httpx.Response) -> None: ...

    @abstractmethod
    def close(self, transport: Any) -> None: ...

    @abstractmethod
    def pool(self, transport: Any) -> Pool[Any]:
        """The bookkeeping of a transport that was used."""

    @abstractmethod
    def settle(self) -> None:
        """Let happen what is about to happen."""

    def end(self) -> None:
        """Close all transports."""
        for transport in self._transports:
            self.close(transport)


class Blocking(World):
    name = "blocking"
    pieces = Pieces

    def make(self, **options: Any) -> SocketTransport:
        return SocketTransport(**options)

    def open(self, transport: Any, request: httpx.Request) -> httpx.Response:
        response: httpx.Response = transport.handle_request(request)
        return response

    def chunks(self, response: httpx.Response) -> list[bytes]:
        return list(response.iter_raw())

    def close_response(self, response: httpx.Response) -> None:
        response.close()

    def close(self, transport: Any) -> None:
        transport.close()

    def pool(self, transport: Any) -> Pool[Any]:
        pool: Pool[Any] = transport._driver.pool
        return pool

    def settle(self) -> None:
        pass


class Aio(World):
    name = "asyncio"
    pieces = AsyncPieces

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()

    def make(self, **options: Any) -> AsyncSocketTransport:
        return AsyncSocketTransport(**options)

    def open(self, transport: Any, request: httpx.Request) -> httpx.Response:
        response: httpx.Response = self.runner.run(transport.handle_async_request(request))
        return response

    def chunks(self, response: httpx.Response) -> list[bytes]:
        async def read() -> list[bytes]:
            return [chunk async for chunk in response.aiter_raw()]

        return self.runner.run(read())

    def close_response(self, response: httpx.Response) -> None:
        self.runner.run(response.aclose())

    def close(self, transport: Any) -> None:
        self.runner.run(transport.aclose())

    def pool(self, transport: Any) -> Pool[Any]:
        driver, _ = transport._drivers[self.runner.get_loop()]
        pool: Pool[Any] = driver.pool
        return pool

    def settle(self) -> None:
        self.runner.run(asyncio.sleep(0.01))

    def end(self) -> None:
        super().end()
        assert not asyncio.all_tasks(self.runner.get_loop())
        self.runner.close()


WORLDS: list[Callable[[], World]] = [Blocking, Aio]


@contextmanager
def entered(make: Callable[[], World]) -> Iterator[World]:
    """A world, ended at the end."""
    world = make()
    try:
        yield world
    finally:
        world.end()
