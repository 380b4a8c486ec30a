"""Objects out of a batch: what their payloads are read from, instead of an answer of their own."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Self

from objectstore_client._runtime import iterate_async
from objectstore_client.errors import IntegrityError

if TYPE_CHECKING:
    from objectstore_client._async.client import AsyncGetResult
    from objectstore_client.metadata import Metadata

__all__ = ["AsyncHeldBody", "AsyncLateBody"]


class AsyncHeldBody:
    """A payload that came with the batch, as it is stored."""

    __slots__ = ("_body", "content_length", "x_sn_size")

    def __init__(self, body: bytes, size: int | None) -> None:
        self.content_length = len(body)
        self.x_sn_size = size
        self._body = body

    @property
    def headers(self) -> Self:
        """What is known of its length."""
        return self

    def at_hand(self) -> bytes:
        """The payload."""
        return self._body

    def aiter_raw(self) -> AsyncIterator[bytes]:
        """The payload, in one piece."""
        return iterate_async([self._body])

    async def aclose(self) -> None:
        """Nothing is open."""


class AsyncLateBody:
    """A payload too large to come with the batch: a request of its own gets it when it is read.

    Args:
        metadata: What the batch said of the object.
        get: Makes that request.
    """

    def __init__(self, metadata: Metadata, get: Callable[[], Awaitable[AsyncGetResult]]) -> None:
        self.content_length = None
        self.x_sn_size = metadata.size
        self._metadata = metadata
        self._get = get
        self._pieces: AsyncGenerator[bytes] | None = None

    @property
    def headers(self) -> Self:
        """What is known of its length."""
        return self

    def at_hand(self) -> None:
        """Nothing was asked for yet."""

    def aiter_raw(self) -> AsyncIterator[bytes]:
        """The payload, as it is stored."""
        self._pieces = self._read()
        return self._pieces

    async def aclose(self) -> None:
        """Give back the connection, if there is one."""
        if self._pieces is not None:
            await self._pieces.aclose()

    async def _read(self) -> AsyncGenerator[bytes]:
        async with await self._get() as result:
            now, then = result.metadata, self._metadata
            if (now.time_created, now.compression) != (then.time_created, then.compression):
                raise IntegrityError("the object was replaced after the batch had found it")
            async for piece in result.payload:
                yield piece
