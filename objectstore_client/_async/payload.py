"""The payload of a `get`: read as a stream, decoded on the way, the connection given back at the
end.
"""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Self

from objectstore_client import zstd
from objectstore_client._runtime import AsyncPayloadBase, iterate_async
from objectstore_client.errors import (
    ClosedError,
    ConnectionLostError,
    IntegrityError,
    ObjectstoreError,
)

if TYPE_CHECKING:
    import objectstore_api as api
    from objectstore_api.api.objects.get_object import GetObjectHeaders

    from objectstore_client.place import Place
    from objectstore_client.settings import Call

__all__ = ["AsyncPayload"]

SMALL_BYTES = 64 * 1024
"""Answers of known length up to this are read at once."""


class AsyncPayload(AsyncPayloadBase):
    """The bytes of an object, read once, from front to back.

    A context manager; iterating yields bounded pieces (at most 256 KiB), not lines. The connection
    is given back when the end was read or on `close`, whichever comes first; answers of known
    length up to 64 KiB were read already and hold none.

    Memory: at most one piece of the network (256 KiB) and one decoded piece (128 KiB, plus the
    window of the zstd frame, 8 MiB at most), whatever the object's size;
    `read()` without a size holds all that it returns.

    Attributes:
        content_encoding: Encoding of the bytes that are read: `None` when they are decoded or were
            never encoded, `"zstd"` when compressed bytes are passed through.

    Reading raises `IntegrityError` if the payload ends early or does not decode,
    `ConnectionLostError` or `TransportTimeoutError` if the connection fails, and
    `ClosedError` after `close`.
    """

    def __init__(
        self,
        raw: api.AsyncClient,
        answer: api.StreamedResponse[GetObjectHeaders],
        place: Place,
        call: Call,
        *,
        decode: bool,
        content_encoding: str | None,
    ) -> None:
        self.content_encoding = content_encoding
        self._raw = raw  # held, so that its connections live as long as this payload
        self._answer = answer
        self._place = place
        self._call = call
        self._decode = decode
        self._decoder: zstd.Decoder | None = None
        self._chunks = answer.aiter_raw()
        self._length = answer.headers.content_length
        self._received = 0
        self._piece, self._position = b"", 0
        self._ended = False
        self._failure: ObjectstoreError | None = None

    async def begin(self) -> None:
        """Read a small answer of known length now, so that it holds no connection."""
        if self._length is not None and self._length <= SMALL_BYTES:
            at_hand = self._answer.at_hand()
            data = b"".join([chunk async for chunk in self._chunks]) if at_hand is None else at_hand
            await self._answer.aclose()
            whole = zstd.decompress_small(data) if self._decode else data
            if whole is not None:
                self._received = len(data)
                self._check_length()
                self._piece, self._ended = whole, True
                return
            self._chunks = iterate_async([data])
        if self._decode:
            self._decoder = zstd.Decoder()

    async def read(self, size: int | None = -1, /) -> bytes:
        """Read up to *size* bytes, all that is left if it is negative or `None`.

        Fewer than *size* bytes are returned at the end only.
        """
        left = None if size is None or size < 0 else size
        parts: list[bytes | memoryview] = []
        while left != 0 and await self._fill():
            part = self._take(left)
            left = left and left - len(part)
            parts.append(part)
        return b"".join(parts)

    async def read1(self, size: int = -1, /) -> bytes:
        """Read what is at hand, at most one piece and *size* bytes; `b""` at the end only."""
        if size == 0 or not await self._fill():
            return b""
        return bytes(self._take(None if size < 0 else size))

    async def peek(self, size: int = 0, /) -> bytes:
        """Return the bytes at hand, at least one before the end, without moving on."""
        await self._fill()
        return self._piece[self._position :]

    @property
    def name(self) -> str:
        """Key of the object, as files have the name of their path."""
        return self._place.key or ""

    def readable(self) -> bool:
        """Always true."""
        return True

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        if piece := await self.read1():
            return piece
        raise StopAsyncIteration

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Give the connection back; what was not read is lost. Closing twice does no harm."""
        if not self.closed:
            self._mark_closed()
            self._piece, self._position = b"", 0
            await self._answer.aclose()

    def __repr__(self) -> str:
        state = "closed" if self.closed else "at the end" if self._ended else "open"
        return f"<{type(self).__name__} {state}>"

    async def _fill(self) -> bool:
        """Have at least one byte at hand; false at the end."""
        if self.closed:
            raise ClosedError("the payload is closed")
        if self._failure is not None:
            raise self._failure
        try:
            while self._position == len(self._piece) and not self._ended:
                self._call.check_deadline()
                self._piece, self._position = await self._next(), 0
        except BaseException as error:
            # A read after this one must not take the break for the end of the data.
            failure = self._place.located(error)
            if isinstance(failure, ObjectstoreError):
                self._failure = failure
            else:
                self._failure = ConnectionLostError("reading the payload was interrupted")
            await self._answer.aclose()
            if failure is error:
                raise
            raise failure from error
        return self._position < len(self._piece)

    def _take(self, limit: int | None) -> bytes | memoryview:
        """Up to *limit* of the bytes at hand; a whole piece without a copy."""
        start, end = self._position, len(self._piece)
        if limit is not None:
            end = min(end, start + limit)
        self._position = end
        if (start, end) == (0, len(self._piece)):
            return self._piece
        return memoryview(self._piece)[start:end]

    async def _next(self) -> bytes:
        """The next piece, decoded; may be empty, not only at the end."""
        if self._decoder is not None and (decoded := self._decoder.read()):
            return decoded
        async for chunk in self._chunks:
            self._received += len(chunk)
            if self._decoder is None:
                return chunk
            self._decoder.feed(chunk)
            if decoded := self._decoder.read():
                return decoded
        self._check_length()
        if self._decoder is not None:
            self._decoder.finish()
        self._ended = True
        await self._answer.aclose()
        return b""

    def _check_length(self) -> None:
        for declared in (self._length, self._answer.headers.x_sn_size):
            if declared is not None and self._received != declared:
                error = IntegrityError("the payload is not as long as the server said")
                error.add_note(f"{declared} bytes were declared, {self._received} arrived")
                raise error
