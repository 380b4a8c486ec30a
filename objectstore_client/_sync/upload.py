# Generated from objectstore_client/_async/upload.py; do not edit. To regenerate: python -m generator
"""The payload of a `put` on its way out: read, compressed, counted."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager

from objectstore_client import zstd
from objectstore_client._runtime import read_source, run_cpu
from objectstore_client.errors import IntegrityError
from objectstore_client.sources import PIECE, Piece, Source, SourceError

__all__ = ["Upload"]


class Upload:
    """One payload, for one request and its repetitions.

    Contents in memory of up to `PIECE` bytes are compressed whole. All others pass through in
    pieces of at most `PIECE` bytes; besides one of them, the compressor's state (about 4 MiB at
    the default level) and its output for that piece are held, whatever the size.

    Attributes:
        size: Bytes that were read from the source so far.
        sent: Bytes that were handed to the transport so far.
        started: Whether anything was taken from the source.
        failure: What the source raised, if it failed.
    """

    def __init__(self, source: Source, *, compress: bool) -> None:
        self.size = 0
        self.sent = 0
        self.started = False
        self.failure: Exception | None = None
        self._source = source
        self._compress = compress
        self._small: Piece | None = None
        self._read_before = 0
        self._open: Generator[Piece] | None = None

    def can_start(self) -> bool:
        """Whether the body can be sent, from its beginning."""
        return self._source.replayable or not self.started

    def start(self) -> Piece | Generator[Piece]:
        """What to hand to the transport, from the beginning: bytes, or a stream of them."""
        self._read_before = max(self._read_before, self.size)
        self.size = self.sent = 0
        size = self._source.size
        if not self._source.in_memory or size is None or size > PIECE:
            self._open = self._stream()
            return self._open
        if self._small is None:
            assert self._source.pieces is not None
            self._small = next(self._source.pieces(), b"")
            if self._compress:
                self._small = run_cpu(size, zstd.compress, self._small)
        self.size, self.sent = size, len(self._small)
        return self._small

    def stop(self) -> None:
        """Close what `start` opened, wherever the transport left off."""
        if self._open is not None:
            self._open.close()
            self._open = None

    @contextmanager
    def own_errors(self) -> Iterator[None]:
        """Raise what the source raised, whatever the transport makes of it."""
        try:
            yield
        except Exception:
            if self.failure is not None:
                raise SourceError(self.failure) from None
            raise

    @property
    def content_length(self) -> int | None:
        """Length of the body, where it is known beforehand."""
        return None if self._compress else self._source.size

    def _stream(self) -> Generator[Piece]:
        with closing(self._read()) as pieces:
            if not self._compress:
                for piece in pieces:
                    self.sent += len(piece)
                    yield piece
                return
            compressor = zstd.Compressor(size=self._source.size)
            for piece in pieces:
                block = run_cpu(len(piece), compressor.feed, piece)
                if block:
                    self.sent += len(block)
                    yield block
            block = run_cpu(PIECE, compressor.finish)
            self.sent += len(block)
            yield block

    def _read(self) -> Generator[Piece]:
        """The pieces of the source, held to the size that it was said to have."""
        self.started = True
        try:
            with closing(read_source(self._source)) as pieces:
                for piece in pieces:
                    self.size += len(piece)
                    self._check_size(at_end=False)
                    yield piece
            self._check_size(at_end=True)
            if self.size < self._read_before:
                # A function that returns the same iterator each time, say: the rest is lost.
                raise IntegrityError("the contents can't be read a second time")
        except Exception as failure:
            self.failure = failure
            raise

    def _check_size(self, *, at_end: bool) -> None:
        declared = self._source.size
        if declared is None or self.size == declared or (self.size < declared and not at_end):
            return
        change = IntegrityError("the contents changed their size while they were read")
        change.add_note(
            f"{declared} bytes at the start, {self.size} {'in all' if at_end else 'so far'}"
        )
        raise change
