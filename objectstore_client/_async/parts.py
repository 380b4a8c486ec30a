"""One version of an object, of which any part can be read."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from objectstore_api.api.objects import head_object

from objectstore_client import zstd
from objectstore_client._async.exchange import run_attempts_async
from objectstore_client._async.payload import AsyncPayload
from objectstore_client._async.stored import AsyncStoredBytes
from objectstore_client._httpx import FAILURES, status_of
from objectstore_client.errors import IntegrityError, ObjectChanged
from objectstore_client.ranges import ByteRange, Span, span_of
from objectstore_client.requests import check_id, is_decodable, metadata_of

if TYPE_CHECKING:
    from datetime import datetime

    import objectstore_api as api

    from objectstore_client._async.tokens import AsyncAttemptHeaders
    from objectstore_client.metadata import Metadata
    from objectstore_client.place import Place
    from objectstore_client.progress import OnProgress
    from objectstore_client.settings import Call, Settings

__all__ = ["AsyncParts"]

_TAIL_BYTES: Final = 16 * 1024
"""What is read of the end first: holds the table of 2 000 frames, 4 GiB of ours."""


class AsyncParts:
    """Finds the parts of an object's payload among its stored bytes.

    Decoded parts of a compressed object are found by its seek table; without one, decoding begins
    at the start of the object, and what lies before the part is thrown away.

    Attributes:
        metadata: What the server knows of the object, its size included.
        size: Bytes of the payload; `None` if only reading it to its end would tell.
        direct: Whether parts can be read without what lies before them.
    """

    metadata: Metadata
    size: int | None
    direct: bool

    def __init__(
        self,
        raw: api.AsyncClient,
        settings: Settings,
        prefix: str,
        place: Place,
        new_headers: Callable[[], AsyncAttemptHeaders],
        *,
        decode: bool,
        max_decoded_size: int,
    ) -> None:
        self.place = place
        self._raw = raw
        self._settings = settings
        self._prefix = prefix
        self._key = check_id(place.key or "")
        self._new_headers = new_headers
        self._decode = decode
        self._max_decoded_size = max_decoded_size
        self._compressed = False
        self._table: zstd.SeekTable | None = None
        self._created: datetime | None = None

    async def begin(self, call: Call) -> None:
        """Learn what the object is, by one request for its end, or two.

        Raises:
            ObjectNotFound: If it does not exist.
        """
        tail = await self._tail(call, _TAIL_BYTES)
        total = self.metadata.size or 0
        self._compressed = self._decode and is_decodable(self.metadata)
        self.size, self.direct = total, True
        if self._compressed and total:
            table_size = zstd.SeekTable.encoded_size(tail)
            if table_size is not None and len(tail) < table_size <= total:
                tail = await self._tail(call, table_size)
            self._table = zstd.SeekTable.parse(tail, total)
            self.direct = self._table is not None
            self.size = self._table.decoded_size if self._table is not None else None

    async def span(self, call: Call, byte_range: ByteRange) -> Span:
        """Where *byte_range* lies in the payload, which may have to be read for it to its end.

        Raises:
            RangeNotSatisfiable: If no byte lies in it.
        """
        if self.size is None and byte_range.first >= 0:
            end = None if byte_range.last is None else byte_range.last + 1
            return Span(byte_range.first, end)
        return span_of(byte_range, await self.measure(call))

    async def measure(self, call: Call) -> int:
        """The size of the payload, even if that means to read it."""
        if self.size is None:
            self.size = 0
            payload = await self.open(call, Span(0, None))
            try:
                while piece := await payload.read1():
                    self.size += len(piece)
            finally:
                await payload.aclose()
        return self.size

    async def open(
        self, call: Call, span: Span, on_progress: OnProgress | None = None
    ) -> AsyncPayload:
        """Open a part of the payload.

        Raises:
            ObjectChanged: If the object is not what it was at the beginning.
        """
        stored_range, window = self._place(span)
        headers, attempts = self._new_headers(), 0

        async def attempt() -> AsyncPayload:
            nonlocal attempts
            attempts += 1
            stored = self._stored(call, headers, attempts)
            try:
                await stored.open(stored_range)
                self._check(stored)
                payload = AsyncPayload(
                    stored,
                    self.place,
                    call,
                    decode=self._compressed,
                    content_encoding=None if self._decode else self.metadata.compression,
                    max_decoded_size=self._max_decoded_size,
                    on_progress=on_progress,
                    window=window,
                    exact=self._table is not None,
                )
                await payload.begin()
            except BaseException as error:
                await stored.aclose()
                if isinstance(error, FAILURES) and status_of(error) == 404:
                    raise ObjectChanged.because("it was deleted") from error
                raise
            return payload

        return await run_attempts_async(self._settings, call, "get", attempt, headers)

    def cuts(self, step: int) -> list[Span]:
        """Cut the payload into parts of about *step* bytes that can be read by themselves."""
        if not self.size or not self.direct:
            return [Span(0, self.size)]
        if self._table is None:
            starts = list(range(0, self.size, step))
        else:
            starts, due = [], 0
            for number in range(len(self._table)):
                start = self._table[number].decoded_start
                if start >= due:
                    starts.append(start)
                    due = start + step
        return [
            Span(start, end) for start, end in zip(starts, [*starts[1:], self.size], strict=True)
        ]

    def _place(self, span: Span) -> tuple[ByteRange | None, Span | None]:
        """Which stored bytes hold a part, and which of what they decode to are the part."""
        end = self.size if span.end is None else span.end
        if not self._compressed:
            if end is None or (span.start == 0 and end == self.size):
                return None, None
            return ByteRange(span.start, end - 1), None
        if self._table is None:
            return None, span
        assert end is not None
        frames = self._table.covering(span.start, end)
        if not frames:
            raise IntegrityError("the seek table of the object does not match its payload")
        first, last = frames[0], frames[-1]
        start = first.decoded_start
        return ByteRange(first.start, last.start + last.size - 1), Span(
            span.start - start, end - start
        )

    async def _tail(self, call: Call, size: int) -> bytes:
        """The last *size* stored bytes, and all that is to be known of the object."""

        headers = self._new_headers()

        async def attempt() -> bytes:
            stored = self._stored(call, headers)
            try:
                await stored.open(ByteRange.suffix(size))
                tail = stored.at_hand()
                if tail is None:
                    tail = b"".join([chunk async for chunk in stored])
                if self._created is None:
                    self.metadata = metadata_of(stored.headers, size=stored.total)
                    self._created = self.metadata.time_created
                self._check(stored)
            except FAILURES as error:
                if status_of(error) != 416:
                    raise
                # There is no byte at all.
                parts = head_object.build_request_at(
                    self._prefix, self._key, extra_headers=await headers.next()
                )
                answer = await self._raw.call(parts, extensions=call.extensions())
                self.metadata = metadata_of(answer.headers, size=0)
                self._created = self.metadata.time_created
                return b""
            finally:
                await stored.aclose()
            return tail

        return await run_attempts_async(self._settings, call, "get", attempt, headers)

    def _stored(
        self, call: Call, headers: AsyncAttemptHeaders, attempts: int = 1
    ) -> AsyncStoredBytes:
        return AsyncStoredBytes(
            self._raw, self._settings, call, self._prefix, self._key, headers, attempts
        )

    def _check(self, stored: AsyncStoredBytes) -> None:
        if stored.headers.x_sn_time_created != self._created:
            raise ObjectChanged.because("it was replaced")
        if stored.total is not None and stored.total != self.metadata.size:
            raise ObjectChanged.because("its size is another")
