"""Writing zstd: what is in memory at once, streams as one frame or as many."""

from __future__ import annotations

from collections.abc import Iterator

import zstandard

from objectstore_client.errors import IntegrityError, InvalidArgumentError
from objectstore_client.zstd.contexts import (
    DEFAULT_LEVEL,
    KEPT_CONTEXT_SIZE,
    new_compressor,
    spare,
)
from objectstore_client.zstd.frames import Buffer
from objectstore_client.zstd.seektable import SeekTable

__all__ = ["Compressor", "IndependentFrames", "compress", "shrinks"]

_WORTH_IT = 0.95
"""What compresses to more than this share of its size is not worth compressing."""


def compress(data: Buffer, *, level: int = DEFAULT_LEVEL) -> bytes:
    """Compress *data* into one frame with its size and a checksum.

    Needs memory for the result (in the worst case 0.4 % more than *data*) and the compressor's
    state, of which up to 4 MiB per thread and level stay for the next call.

    Args:
        data: Anything in one contiguous buffer; it is not copied.
        level: Up to 22; negative levels are faster than 1.

    Raises:
        InvalidArgumentError: If there is no such level.
    """
    compressor = spare.compressors.pop(level, None) or new_compressor(level)
    frame = compressor.compress(data)
    if compressor.memory_size() <= KEPT_CONTEXT_SIZE:
        spare.compressors[level] = compressor
    return frame


def shrinks(size: int, compressed_size: int) -> bool:
    """Whether compression made enough of a difference: by 5 % at least."""
    return compressed_size <= _WORTH_IT * size


class IndependentFrames:
    """Cuts a stream into blocks that become frames of their own, and describes the result.

    Frames that know nothing of each other can be compressed, and decoded, on several cores; a seek
    table at the end tells where each is. Every frame has its size and a checksum, as `compress`
    makes them:

        for piece in pieces:
            for block in frames.feed(piece):
                send(frames.note(compress(block)))
        if (block := frames.finish()) is not None:
            send(frames.note(compress(block)))
        send(frames.seek_table())

    Blocks may be compressed elsewhere and later, as long as their frames are noted in their order:
    a block refers to the caller's memory only if that is immutable. Holds less than one block, and
    16 bytes per frame.

    Args:
        block_size: Bytes in each block but the last.
    """

    def __init__(self, block_size: int) -> None:
        self._block_size = block_size
        self._pending = bytearray()
        self._blocks = 0
        self._table = SeekTable()

    def feed(self, piece: Buffer) -> Iterator[Buffer]:
        """Take the next piece and yield the blocks that are complete."""
        view = memoryview(piece).cast("B")
        while len(self._pending) + len(view) >= self._block_size:
            part = view[: self._block_size - len(self._pending)]
            view = view[len(part) :]
            self._blocks += 1
            if not self._pending and isinstance(part.obj, bytes):
                yield part
            else:
                block, self._pending = self._pending, bytearray()
                block += part
                yield block
        self._pending += view

    def finish(self) -> Buffer | None:
        """Return the last block; of an empty stream an empty one, `None` if none is left."""
        if self._blocks and not self._pending:
            return None
        self._blocks += 1
        block, self._pending = self._pending, bytearray()
        return block

    @property
    def alone(self) -> bool:
        """Whether there is one block and no more."""
        return self._blocks == 1

    def note(self, frame: bytes) -> bytes:
        """Take note of the next frame, for the seek table, and return it."""
        self._table.add(len(frame), zstandard.frame_content_size(frame))
        return frame

    def seek_table(self) -> bytes:
        """Return what ends the stream: nothing, if it is one frame."""
        return self._table.encode() if len(self._table) > 1 else b""


class Compressor:
    """Compresses a stream into one frame with a checksum: `feed` it all, then `finish`.

    Holds the state of its level (level 3: 3.5 MiB, 9: 15, 19: 90, 22: 650) and less than 128 KiB of
    input; so memory stays bounded if the pieces do: feed at most 1 MiB at once. It is for one
    stream, and one thread at a time.

    Args:
        level: Up to 22; negative levels are faster than 1.
        size: Bytes that will be fed, if that is known. The frame then tells it to its readers.

    Raises:
        InvalidArgumentError: If there is no such level, or *size* is negative.
    """

    def __init__(self, *, level: int = DEFAULT_LEVEL, size: int | None = None) -> None:
        if size is not None and size < 0:
            raise InvalidArgumentError(f"size: must not be negative, got {size}")
        self._size = size
        self._fed = 0
        self._stream: zstandard.ZstdCompressionObj | None = new_compressor(level).compressobj(
            size=-1 if size is None else size
        )

    def feed(self, data: Buffer) -> bytes:
        """Take the next piece, and return what is ready: often nothing, at most about its length.

        Raises:
            IntegrityError: If this is more than the declared size.
            RuntimeError: After `finish`, or after an error.
        """
        stream = self._open_stream()
        self._fed += len(data) if isinstance(data, bytes) else memoryview(data).nbytes
        if self._size is not None and self._fed > self._size:
            raise self._wrong_size()
        return stream.compress(data)

    def finish(self) -> bytes:
        """End the frame, and return the rest of it.

        Raises:
            IntegrityError: If less than the declared size was fed.
            RuntimeError: If it was called before, or after an error.
        """
        stream = self._open_stream()
        if self._size is not None and self._fed < self._size:
            raise self._wrong_size()
        self._stream = None
        return stream.flush()

    def _open_stream(self) -> zstandard.ZstdCompressionObj:
        if self._stream is None:
            raise RuntimeError("this compressor has finished")
        return self._stream

    def _wrong_size(self) -> IntegrityError:
        self._stream = None
        error = IntegrityError("the source is not of the size that was declared")
        error.add_note(f"it gave {self._fed} bytes so far, {self._size} were declared")
        return error
