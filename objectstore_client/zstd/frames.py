"""The outer form of a zstd stream (RFC 8878): frames, their headers, and how to walk over them."""

from __future__ import annotations

from collections.abc import Generator
from typing import NamedTuple, TypeAlias

import zstandard

from objectstore_client.errors import IntegrityError

__all__ = [
    "MAX_BLOCK_SIZE",
    "BlockHeader",
    "Buffer",
    "FrameHeader",
    "Input",
    "is_skippable",
    "read_block_header",
    "read_frame_header",
    "skip_frame",
    "take_blocks",
]

Buffer: TypeAlias = bytes | bytearray | memoryview

MAX_BLOCK_SIZE = 128 * 1024
"""Most bytes that one block decodes to."""

_BLOCK_HEADER_SIZE = 3
_RLE, _COMPRESSED, _RESERVED = 1, 2, 3

_SKIPPABLE_MAGIC_TAIL = b"\x2a\x4d\x18"  # after any byte from 0x50 to 0x5f


class FrameHeader(NamedTuple):
    """What a frame says of itself."""

    encoded: bytes
    content_size: int | None
    window_size: int
    has_checksum: bool


class BlockHeader(NamedTuple):
    """What a block says of itself."""

    encoded: bytes
    last: bool
    stored_size: int
    """Bytes that follow the header."""
    content_size: int | None
    """Bytes that it decodes to; `None` if that shows only then."""


class Blocks(NamedTuple):
    """Some blocks of a frame, as a whole."""

    data: memoryview
    number: int
    content_size: int
    """Bytes that they decode to, as far as that is known before."""
    exact: bool
    """Whether it is known of all."""
    last: bool
    """Whether the frame ends with them."""


class Input:
    """The piece of input that is being read, and how far the stream was read in all."""

    __slots__ = ("_at", "_view", "offset")

    def __init__(self) -> None:
        self._view = memoryview(b"")
        self._at = 0
        self.offset = 0

    @property
    def pending(self) -> bool:
        """Whether some of the piece was not read yet."""
        return self._at < len(self._view)

    def feed(self, data: Buffer) -> None:
        """Take the next piece, which is not copied."""
        self._view = memoryview(data).cast("B")
        self._at = 0

    def give_back(self, data: bytearray) -> None:
        """Have *data*, the last that was read, read again."""
        rest = self._view[self._at :]
        self.offset -= len(data)
        self.feed(data + rest)

    def drop(self) -> None:
        """Let go of the caller's buffer."""
        self._view = memoryview(b"")
        self._at = 0

    def take(self, limit: int) -> memoryview:
        """Return what is there, up to *limit* bytes."""
        part = self._view[self._at : self._at + limit]
        self._at += len(part)
        self.offset += len(part)
        if self._at == len(self._view):
            self.drop()  # the caller's buffer is free again as soon as it was read
        return part

    def at_hand(self) -> memoryview:
        """Return what is there, without moving on."""
        return self._view[self._at :]

    def exactly(self, count: int) -> Generator[None, None, bytes]:
        """Return *count* bytes, which should be few, after a `None` for every wait for more."""
        taken = bytes(self.take(count))
        while len(taken) < count:
            yield None
            taken += self.take(count - len(taken))
        return taken


def is_skippable(magic: bytes) -> bool:
    """Whether four bytes begin a frame that is not for decoders."""
    return magic[0] & 0xF0 == 0x50 and magic[1:] == _SKIPPABLE_MAGIC_TAIL


def skip_frame(source: Input) -> Generator[None, None, None]:
    """Read past a skippable frame, of which the magic number has been read."""
    left = int.from_bytes((yield from source.exactly(4)), "little")
    while left:
        skipped = len(source.take(left))
        left -= skipped
        if not skipped:
            yield None


def read_frame_header(source: Input) -> Generator[None, None, FrameHeader]:
    """Read what follows the magic number (RFC 8878, section 3.1.1.1)."""
    descriptor = yield from source.exactly(1)
    flags = descriptor[0]
    single_segment = flags >> 5 & 1
    if flags >> 3 & 1:
        raise IntegrityError("the zstd frame uses a reserved feature")
    window_length = 1 - single_segment
    dictionary_length = (0, 1, 2, 4)[flags & 3]
    size_length = (single_segment, 2, 4, 8)[flags >> 6]
    fields = yield from source.exactly(window_length + dictionary_length + size_length)

    if any(fields[window_length : window_length + dictionary_length]):
        raise IntegrityError("the zstd frame needs a dictionary")
    size = int.from_bytes(fields[window_length + dictionary_length :], "little")
    size += 256 if size_length == 2 else 0
    if single_segment:
        window_size = size
    else:
        base = 1 << 10 + (fields[0] >> 3)
        window_size = base + (base >> 3) * (fields[0] & 7)
    return FrameHeader(
        encoded=zstandard.FRAME_HEADER + descriptor + fields,
        content_size=size if size_length else None,
        window_size=window_size,
        has_checksum=bool(flags >> 2 & 1),
    )


def take_blocks(source: Input, frame: FrameHeader, count: int) -> Blocks | None:
    """Take the blocks that are at hand as a whole, up to *count*, if there is one: the usual case.

    Ends with the last block of the frame.
    """
    data = source.at_hand()
    taken = number = known_size = 0
    last, exact = False, True
    while number < count and not last and len(data) - taken >= _BLOCK_HEADER_SIZE:
        block = _block_header(bytes(data[taken : taken + _BLOCK_HEADER_SIZE]), frame)
        end = taken + _BLOCK_HEADER_SIZE + block.stored_size
        if end > len(data):
            break
        taken, number, last = end, number + 1, block.last
        known_size += block.content_size or 0
        exact = exact and block.content_size is not None
    return Blocks(source.take(taken), number, known_size, exact, last) if number else None


def read_block_header(source: Input, frame: FrameHeader) -> Generator[None, None, BlockHeader]:
    """Read what precedes each block of a frame."""
    return _block_header((yield from source.exactly(_BLOCK_HEADER_SIZE)), frame)


def _block_header(encoded: bytes, frame: FrameHeader) -> BlockHeader:
    """Understand what precedes each block (RFC 8878, section 3.1.1.2)."""
    bits = int.from_bytes(encoded, "little")
    last, kind, size = bool(bits & 1), bits >> 1 & 3, bits >> 3
    if kind == _RESERVED or size > min(frame.window_size, MAX_BLOCK_SIZE):
        raise IntegrityError("the zstd stream is corrupt")
    return BlockHeader(
        encoded,
        last,
        stored_size=1 if kind == _RLE else size,
        content_size=None if kind == _COMPRESSED else size,
    )
