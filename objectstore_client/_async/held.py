"""Objects out of a batch: what their payloads are read from, instead of an answer of their own."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TYPE_CHECKING, Self

from objectstore_client.errors import IntegrityError

if TYPE_CHECKING:
    from objectstore_client._async.client import AsyncGetResult
    from objectstore_client.metadata import Metadata

__all__ = ["AsyncHeldBody", "AsyncLateBody"]


class AsyncHeldBody:
    """A payload that came with the batch, as it is stored."""

    __slots__ = ("_body", "attempts", "length", "received", "total")

    def __init__(self, body: bytes, size: int | None, attempts: int) -> None:
        self.attempts = attempts
        self.length = len(body) if size is None else size
        self.total = size
        self.received = 0
        self._body = body

    def at_hand(self) -> bytes:
        """The payload."""
        self.received = len(self._body)
        return self._body

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        if self.received == len(self._body):
            raise StopAsyncIteration
        return self.at_hand()

    async def aclose(self) -> None:
        """Nothing is open."""


class AsyncLateBody:
    """A payload too large to come with the batch: a request of its own gets it when it is read.

    Args:
        metadata: What the batch said of the object.
        get: Makes that request.
    """

    length = None

    def __init__(
        self,
        metadata: Metadata,
        get: Callable[[], Awaitable[AsyncGetResult]],
        attempts: int,
    ) -> None:
        self.attempts = attempts
        self.total = metadata.size
        self.received = 0
        self._metadata = metadata
        self._get = get
        self._pieces = self._read()

    def at_hand(self) -> None:
        """Nothing was asked for yet."""

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        async for piece in self._pieces:
            self.received += len(piece)
            return piece
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """Give back the connection, if there is one."""
        await self._pieces.aclose()

    async def _read(self) -> AsyncGenerator[bytes]:
        async with await self._get() as result:
            now, then = result.metadata, self._metadata
            if (now.time_created, now.compression) != (then.time_created, then.compression):
                raise IntegrityError("the object was replaced after the batch had found it")
            async for piece in result.payload:
                yield piece
