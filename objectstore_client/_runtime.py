"""What has no mirror between the two worlds: each name here exists twice, async and sync.

The shell in `_async/` uses the first of each pair, its generated twin in `_sync/` the second.
"""

from __future__ import annotations

import inspect
import io
import os
import ssl
import threading
import time
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Generator,
    Iterable,
    Iterator,
)
from concurrent.futures import Future
from contextlib import closing
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from objectstore_client.sources import Piece, Source, SourceLateError, pieces_of, pieces_of_all

if TYPE_CHECKING:
    import asyncio

    import httpx

# asyncio, and the half of the engine that needs it, are imported where they are used: the sync
# client does without them.

__all__ = [
    "AsyncPayloadBase",
    "AsyncReaderBase",
    "AsyncTurns",
    "PayloadBase",
    "ReaderBase",
    "Turns",
    "ask",
    "ask_async",
    "each",
    "each_async",
    "iterate",
    "iterate_async",
    "new_transport",
    "new_transport_async",
    "pull",
    "pull_async",
    "read_source",
    "read_source_async",
    "result_of",
    "result_of_async",
    "run_blocking",
    "run_blocking_async",
    "run_cpu",
    "run_cpu_async",
    "sleep",
    "sleep_async",
]

_P = ParamSpec("_P")
_R = TypeVar("_R")

_INLINE_BYTES = 256 * 1024
"""Below this, the work costs about as little as handing it to a thread (50 µs against 1 ms)."""


async def run_cpu_async(
    size: int, function: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs
) -> _R:
    """Call *function*, which works on *size* bytes; in a thread if that would hold up the loop."""
    if size < _INLINE_BYTES:
        return function(*args, **kwargs)
    import asyncio

    return await asyncio.to_thread(function, *args, **kwargs)


def run_cpu(size: int, function: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs) -> _R:
    """Call *function*."""
    return function(*args, **kwargs)


async def run_blocking_async(function: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs) -> _R:
    """Call *function*, which may wait for a disk, in a thread; it runs to its end."""
    import asyncio

    call = asyncio.ensure_future(asyncio.to_thread(function, *args, **kwargs))
    try:
        return await asyncio.shield(call)
    except asyncio.CancelledError:
        await asyncio.wait([call])
        raise


def run_blocking(function: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs) -> _R:
    """Call *function*."""
    return function(*args, **kwargs)


async def result_of_async(future: Future[_R]) -> _R:
    """Wait for the result of work on a thread."""
    import asyncio

    return await asyncio.wrap_future(future)


def result_of(future: Future[_R]) -> _R:
    """Wait for the result of work on a thread."""
    return future.result()


async def iterate_async(items: Iterable[_R]) -> AsyncIterator[_R]:
    """Iterate over what is at hand."""
    for item in items:
        yield item


def iterate(items: Iterable[_R]) -> Iterator[_R]:
    """Iterate over what is at hand."""
    return iter(items)


def each_async(items: Iterable[_R] | AsyncIterable[_R]) -> Iterator[_R] | AsyncIterator[_R]:
    """Begin to iterate over what a caller passed."""
    return aiter(items) if isinstance(items, AsyncIterable) else iter(items)


def each(items: Iterable[_R]) -> Iterator[_R]:
    """Begin to iterate over what a caller passed."""
    return iter(items)


async def pull_async(items: Iterator[_R] | AsyncIterator[_R]) -> _R | None:
    """Return the next item, `None` at the end."""
    return await anext(items, None) if isinstance(items, AsyncIterator) else next(items, None)


def pull(items: Iterator[_R]) -> _R | None:
    """Return the next item, `None` at the end."""
    return next(items, None)


async def read_source_async(source: Source, deadline: float | None) -> AsyncGenerator[Piece]:
    """Yield the pieces of *source*; files and iterables are read in a thread, as they may block.

    Raises:
        SourceLateError: If the next piece is not there by *deadline* (`time.monotonic`). A thread
            that is held up by the source stays so until the source lets it go.
    """
    if source.async_items is not None:
        items = source.async_items()
        if isinstance(items, AsyncIterable):
            iterator = aiter(items)
            try:
                while True:
                    try:
                        data = await _in_time(anext(iterator), deadline)
                    except StopAsyncIteration:
                        break
                    for piece in pieces_of(data):
                        yield piece
            finally:
                if isinstance(iterator, AsyncGenerator):
                    await iterator.aclose()
            return
        pieces = pieces_of_all(items)
    else:
        assert source.pieces is not None
        pieces = source.pieces()
    if source.in_memory:
        for piece in pieces:
            yield piece
        return
    import asyncio

    loop = asyncio.get_running_loop()
    while True:
        # StopIteration can't travel out of a thread into a coroutine: hence the default.
        step = loop.run_in_executor(None, next, pieces, None)
        try:
            piece_or_end = await _in_time(asyncio.shield(step), deadline)
        except (asyncio.CancelledError, SourceLateError):
            # The thread is still inside the generator; it can be closed only when it is out.
            step.add_done_callback(lambda _: pieces.close())
            raise
        if piece_or_end is None:
            return
        try:
            yield piece_or_end
        except GeneratorExit:
            pieces.close()
            raise


async def _in_time(awaitable: Awaitable[_R], deadline: float | None) -> _R:
    if deadline is None:
        return await awaitable
    import asyncio

    limit = asyncio.timeout(deadline - time.monotonic())
    try:
        async with limit:
            return await awaitable
    except TimeoutError:
        if limit.expired():
            raise SourceLateError from None
        raise  # it is the source's own


def read_source(source: Source, deadline: float | None) -> Generator[Piece]:
    """Yield the pieces of *source*.

    Raises:
        SourceLateError: If the next piece is not there by *deadline* (`time.monotonic`); found out
            when it is there, for nothing interrupts what the source does.
    """
    assert source.pieces is not None
    with closing(source.pieces()) as pieces:
        for piece in pieces:
            if deadline is not None and time.monotonic() >= deadline:
                raise SourceLateError
            yield piece


async def sleep_async(seconds: float) -> None:
    """Wait."""
    import asyncio

    await asyncio.sleep(seconds)


def sleep(seconds: float) -> None:
    """Wait."""
    time.sleep(seconds)


def new_transport_async(
    *,
    max_connections: int,
    ssl_context: ssl.SSLContext | None,
    unix_socket: str | os.PathLike[str] | None,
) -> httpx.AsyncBaseTransport:
    """What carries the requests of an `AsyncObjectstore` when the caller brings nothing."""
    from objectstore_client.engine.aio import AsyncSocketTransport

    return AsyncSocketTransport(
        max_connections=max_connections, ssl_context=ssl_context, unix_socket=unix_socket
    )


def new_transport(
    *,
    max_connections: int,
    ssl_context: ssl.SSLContext | None,
    unix_socket: str | os.PathLike[str] | None,
) -> httpx.BaseTransport:
    """What carries the requests of an `Objectstore` when the caller brings nothing."""
    from objectstore_client.engine.blocking import SocketTransport

    return SocketTransport(
        max_connections=max_connections, ssl_context=ssl_context, unix_socket=unix_socket
    )


class AsyncPayloadBase:
    """What an async payload is: not a file of `io`, whose methods can't be awaited."""

    closed: bool = False

    def _mark_closed(self) -> None:
        self.closed = True


class PayloadBase(io.BufferedIOBase):
    """What a sync payload is: a binary file, for everything that takes one."""

    def _mark_closed(self) -> None:
        super().close()


class AsyncReaderBase:
    """What an async reader is."""

    closed: bool = False

    def _mark_closed(self) -> None:
        self.closed = True


class ReaderBase(io.BufferedIOBase):
    """What a sync reader is: a binary file, for everything that takes one."""

    # Any: typing has no name for what can be written to before Python 3.12.
    def readinto(self, buffer: Any, /) -> int:
        """Read into *buffer* until it is full, or the end."""
        view = memoryview(buffer).cast("B")
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)

    def readinto1(self, buffer: Any, /) -> int:
        """Read what is at hand into *buffer*."""
        view = memoryview(buffer).cast("B")
        data = self.read1(len(view))
        view[: len(data)] = data
        return len(data)

    def _mark_closed(self) -> None:
        super().close()


async def ask_async(provider: Callable[[], object]) -> object:
    """What *provider* returns, or what that comes to if it has to be awaited."""
    answer = provider()
    return await answer if inspect.isawaitable(answer) else answer


def ask(provider: Callable[[], object]) -> object:
    """What *provider* returns."""
    answer = provider()
    if inspect.iscoroutine(answer):
        answer.close()  # nobody will await it
    return answer


class AsyncTurns:
    """A lock for whichever event loop runs."""

    def __init__(self) -> None:
        self._lock: tuple[asyncio.AbstractEventLoop, asyncio.Lock] | None = None

    def lock(self) -> asyncio.Lock:
        """The lock of the running loop."""
        import asyncio

        loop = asyncio.get_running_loop()
        if self._lock is None or self._lock[0] is not loop:
            self._lock = loop, asyncio.Lock()
        return self._lock[1]


class Turns:
    """A lock that a forked child finds free."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process = os.getpid()

    def lock(self) -> threading.Lock:
        """The lock of this process."""
        if self._process != os.getpid():
            self._lock, self._process = threading.Lock(), os.getpid()
        return self._lock
