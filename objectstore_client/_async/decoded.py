"""What a compressed payload decodes to, decoded ahead of whoever reads it."""

from __future__ import annotations

import os
from collections import deque
from typing import TypeAlias

from objectstore_client import zstd
from objectstore_client._async.body import AsyncBody, receive
from objectstore_client._runtime import result_of_async
from objectstore_client.errors import ConnectionLostError
from objectstore_client.workers import THREADS, Ahead

__all__ = ["AsyncDecoded"]

LARGE_BYTES = 1024 * 1024
"""Stored bytes from which on threads decode."""

_FAST_BYTES = 64 * 1024
"""Who receives less at a time waits for the network, and gains nothing from a thread."""

_STEPS = 3
"""Steps of a thread that are under way: the next is in line when one is done."""

_Part: TypeAlias = "bytes | zstd.WholeFrame"


class AsyncDecoded:
    """Decodes a stream of zstd frames piece by piece.

    Independent frames are decoded on several cores. A frame that is too large for that is decoded
    on a thread, up to 4.5 MiB ahead, while the network brings more and the caller uses what it has.
    Both from 1 MiB of stored bytes up only.

    Args:
        stored: Where the frames come from.
        max_decoded_size: Bytes that they may decode to.

    Attributes:
        size: Bytes that they decode to, once all was received and understood.
    """

    def __init__(self, stored: AsyncBody, max_decoded_size: int) -> None:
        self.size: int | None = None
        self._stored = stored
        self._large = (stored.length or stored.total or 0) >= LARGE_BYTES
        self._decoder = zstd.Decoder(max_decoded_size=max_decoded_size, large=self._large)
        self._frames: Ahead[bytes] = Ahead()
        self._chunks: deque[bytes] = deque()  # received, for the decoder
        self._all_received = self._fast = self._in_pieces = False
        self._steps: Ahead[_Part | None] = Ahead(in_turn=True)  # they have the decoder
        self._process = os.getpid()

    async def next(self) -> bytes | None:
        """Return the next decoded bytes, `None` at the end."""
        if self._large and self._process != os.getpid():  # the threads are not here
            error = ConnectionLostError("reading the payload was interrupted")
            error.add_note("the payload belongs to the parent process, which reads it")
            raise error
        while not self._frames.due and (part := await self._advance()) is not None:
            if isinstance(part, zstd.WholeFrame):
                self._frames.begin(part.decode)
            elif self._frames:
                self._frames.add(part)
            else:
                return part
        if not self._frames:
            return None
        decoded = self._frames.next()
        return await result_of_async(decoded)

    def drop(self) -> None:
        """Forget what was not taken."""
        self._frames.drop()
        self._steps.drop()

    async def _advance(self) -> _Part | None:
        """Return what comes next, decoded if it is not a whole frame; `None` at the end."""
        while self.size is None:
            threaded = self._in_pieces and self._fast and self._large and THREADS > 1
            while threaded and len(self._steps) < _STEPS and await self._has_input():
                self._steps.begin(_step, self._decoder, self._chunks)
            if self._steps:
                part = await result_of_async(self._steps.next())
            elif await self._has_input():
                part = _step(self._decoder, self._chunks)
            else:
                self._decoder.finish()
                self.size = self._decoder.decoded_bytes
                break
            if part is not None:
                self._in_pieces = isinstance(part, bytes)
                return part
        return None

    async def _has_input(self) -> bool:
        """Whether there is something to decode; receives if not."""
        if not self._chunks and not self._all_received and (self._steps or self._decoder.hungry):
            chunk = await receive(self._stored)
            if chunk is None:
                self._all_received = True
            else:
                self._chunks.append(chunk)
                self._fast = len(chunk) >= _FAST_BYTES
        return bool(self._chunks) or not (self._steps or self._decoder.hungry)


def _step(decoder: zstd.Decoder, chunks: deque[bytes]) -> _Part | None:
    """Decode the next bytes; `None` if there are no more."""
    while (part := decoder.advance()) is None and chunks:
        decoder.feed(chunks.popleft())
    return part
