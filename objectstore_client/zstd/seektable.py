"""Where the frames of a stream are: the table at its end (the zstd seekable format, version 0.1.0).

A decoder skips it; who reads it first can fetch and decode any part of a payload alone. It is a
hint from whoever wrote the object: what a frame holds counts, not what the table says of it.
"""

from __future__ import annotations

import struct
from array import array
from bisect import bisect_left, bisect_right
from itertools import pairwise
from typing import NamedTuple, Self

from objectstore_client.zstd.frames import Buffer

__all__ = ["FramePlace", "SeekTable"]

_HEADER = struct.Struct("<II")  # magic number of a skippable frame, length of what follows
_MAGIC = 0x184D2A5E
_ENTRY = struct.Struct("<II")  # compressed and decoded size of a frame
_ENTRY_WITH_CHECKSUM = struct.Struct("<III")
_FOOTER = struct.Struct("<IBI")  # number of frames, descriptor, magic number
_FOOTER_MAGIC = 0x8F92EAB1
_CHECKSUM_FLAG, _RESERVED_FLAGS = 0x80, 0x7C


class FramePlace(NamedTuple):
    """Where a frame is among the stored bytes, and where what it holds is in the payload."""

    start: int
    size: int
    decoded_start: int
    decoded_size: int


class SeekTable:
    """The sizes of the frames of one stream, in order. Takes 16 bytes of memory for each."""

    FOOTER_SIZE = _FOOTER.size
    """Length of the end of a table, which tells how long all of it is."""

    MAX_FRAMES = 1024 * 1024
    """Frames that a table may list to be believed: 2 TiB of ours. Parsing one takes 12 MiB for
    its bytes and 16 MiB for the result at most."""

    def __init__(self) -> None:
        self._ends = array("Q", [0])
        self._decoded_ends = array("Q", [0])

    def add(self, size: int, decoded_size: int) -> None:
        """Append a frame."""
        self._ends.append(self._ends[-1] + size)
        self._decoded_ends.append(self._decoded_ends[-1] + decoded_size)

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __getitem__(self, number: int) -> FramePlace:
        if not 0 <= number < len(self):
            raise IndexError(number)
        start, end = self._ends[number : number + 2]
        decoded_start, decoded_end = self._decoded_ends[number : number + 2]
        return FramePlace(start, end - start, decoded_start, decoded_end - decoded_start)

    @property
    def size(self) -> int:
        """Bytes of all frames, the table not included."""
        return self._ends[-1]

    @property
    def decoded_size(self) -> int:
        """Bytes of the payload."""
        return self._decoded_ends[-1]

    def covering(self, start: int, end: int) -> list[FramePlace]:
        """The frames that together hold the bytes from *start* to before *end* of the payload.

        They follow each other without a gap; none if the range is empty or behind the end.
        """
        start, end = max(start, 0), min(end, self.decoded_size)
        if start >= end:
            return []
        first = bisect_right(self._decoded_ends, start) - 1
        last = bisect_left(self._decoded_ends, end)
        return [self[number] for number in range(first, last)]

    def encode(self) -> bytes:
        """The table as a skippable frame."""
        body = b"".join(
            _ENTRY.pack(end - start, decoded_end - decoded_start)
            for (start, end), (decoded_start, decoded_end) in zip(
                pairwise(self._ends), pairwise(self._decoded_ends), strict=True
            )
        )
        footer = _FOOTER.pack(len(self), 0, _FOOTER_MAGIC)
        return _HEADER.pack(_MAGIC, len(body) + len(footer)) + body + footer

    @classmethod
    def encoded_size(cls, tail: Buffer) -> int | None:
        """Length of the table that ends with *tail*, the last bytes of an object.

        Args:
            tail: At least the last `FOOTER_SIZE` bytes.

        Returns:
            How many bytes at the end of the object are the table; `None` if it has none, or one
            that is not to be believed.
        """
        if len(tail) < _FOOTER.size:
            return None
        frames, descriptor, magic = _FOOTER.unpack(tail[-_FOOTER.size :])
        if magic != _FOOTER_MAGIC or descriptor & _RESERVED_FLAGS or frames > cls.MAX_FRAMES:
            return None
        return _HEADER.size + int(frames) * _entry(descriptor).size + _FOOTER.size

    @classmethod
    def parse(cls, tail: Buffer, stored_size: int) -> Self | None:
        """Read the table at the end of an object of *stored_size* bytes.

        Args:
            tail: At least as many of its last bytes as `encoded_size` told.
            stored_size: Bytes of the whole object, which frames and table must add up to.

        Returns:
            The table, or `None` if there is none that fits the object.
        """
        size = cls.encoded_size(tail)
        if size is None or size > len(tail):
            return None
        encoded = memoryview(tail).cast("B")[-size:]
        if _HEADER.unpack_from(encoded) != (_MAGIC, size - _HEADER.size):
            return None
        table = cls()
        entries = encoded[_HEADER.size : -_FOOTER.size]
        for frame_size, decoded_size, *_ in _entry(encoded[-5]).iter_unpack(entries):
            table.add(frame_size, decoded_size)
        return table if table.size + size == stored_size else None


def _entry(descriptor: int) -> struct.Struct:
    return _ENTRY_WITH_CHECKSUM if descriptor & _CHECKSUM_FLAG else _ENTRY
