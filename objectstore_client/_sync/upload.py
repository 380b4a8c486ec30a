# Generated from objectstore_client/_async/upload.py; do not edit. To regenerate: python -m generator
"""The payload of a `put` on its way out: read, compressed, counted."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager

from objectstore_client import zstd
from objectstore_client._httpx import late_contents
from objectstore_client._runtime import read_source, result_of, run_cpu
from objectstore_client.errors import IntegrityError
from objectstore_client.progress import OnProgress, Progress
from objectstore_client.sources import PIECE, Piece, Source, SourceError, SourceLateError, pieces_of
from objectstore_client.uploads import UploadPlan
from objectstore_client.workers import Ahead

__all__ = ["Upload"]

_TRIAL_LEVEL = 1
"""How the first piece is compressed to see whether it shrinks."""


class Upload:
    """One payload, for one request and its repetitions.

    Contents in memory of up to `PIECE` bytes are compressed whole. All others pass through in
    pieces of at most `PIECE` bytes. What is held besides the piece that is read, whatever the size:

    * as independent frames: `THREADS` + 1 pieces with their frames, one that is being put together,
      and per thread the compressor's state, 3.5 MiB at the default level. With 2 threads 21 MiB at
      most (if nothing shrinks), with 4 threads 36 MiB; pieces of immutable memory are not copied;
    * as a single frame: the compressor's state and its output for a piece;
    * uncompressed: nothing.

    Attributes:
        plan: What is done with the payload, and told about it.
        size: Bytes that were read from the source so far.
        sent: Bytes that were handed to the transport so far.
        started: Whether anything was taken from the source and is gone.
        failure: What the source raised, if it failed.
    """

    def __init__(
        self,
        source: Source,
        plan: UploadPlan,
        on_progress: OnProgress | None = None,
        deadline: float | None = None,
    ) -> None:
        self.plan = plan
        self.size = 0
        self.sent = 0
        self.started = False
        self.failure: Exception | None = None
        self._source = source
        self._deadline = deadline
        self._progress = None if on_progress is None else Progress(on_progress, source.size)
        self._small: Piece | None = None
        self._read_before = 0
        self._open: Generator[Piece] | None = None
        # What was read ahead to see whether it shrinks, and where that goes on.
        self._head = b""
        self._rest: Generator[Piece] | None = None

    def can_start(self) -> bool:
        """Whether the body can be sent, from its beginning."""
        return self._source.replayable or not self.started

    def start(self) -> Piece | Generator[Piece]:
        """What to hand to the transport, from the beginning: bytes, or a stream of them.

        May be what settles whether the payload is compressed, and so change `plan`.
        """
        self._read_before = max(self._read_before, self.size)
        self.size = self.sent = 0
        size = self._source.size
        if not self._source.in_memory or size is None or size > PIECE:
            if self.plan.compress is None:
                self._try_compression()
            self._open = self._stream()
            return self._open
        if self._small is None:
            assert self._source.pieces is not None
            self._small = next(self._source.pieces(), b"")
            if self.plan.compress is not False:
                frame = run_cpu(size, zstd.compress, self._small, level=self.plan.level)
                if self.plan.compress is None:
                    self.plan = self.plan.settled(compress=zstd.shrinks(size, len(frame)))
                self._small = frame if self.plan.compress else self._small
        self.size, self.sent = size, len(self._small)
        if self._progress is not None:
            with self._noting_failures():
                self._progress.reach(size)
        return self._small

    def stop(self) -> None:
        """Close what `start` opened, wherever the transport left off."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def close(self) -> None:
        """Close the source, if it was opened and then not read."""
        if self._rest is not None:
            self._rest.close()
            self._rest = None

    @contextmanager
    def own_errors(self) -> Iterator[None]:
        """Raise what the source raised, whatever the transport makes of it."""
        try:
            yield
        except Exception:
            if isinstance(self.failure, SourceLateError):
                raise late_contents(sent=self.sent > 0) from None
            if self.failure is not None:
                raise SourceError(self.failure) from None
            raise

    @property
    def content_length(self) -> int | None:
        """Length of the body, where it is known beforehand."""
        return None if self.plan.compress else self._source.size

    def _try_compression(self) -> None:
        """Settle whether the payload is compressed by what becomes of its beginning."""
        head, self._rest = bytearray(), read_source(self._source, self._deadline)
        with self._noting_failures():
            for piece in self._rest:
                head += piece
                if len(head) >= PIECE:
                    break
        self._head = bytes(head)
        trial = run_cpu(len(head), zstd.compress, self._head, level=_TRIAL_LEVEL)
        self.plan = self.plan.settled(compress=zstd.shrinks(len(head), len(trial)))

    def _stream(self) -> Generator[Piece]:
        with closing(self._read()) as pieces, closing(self._encode(pieces)) as encoded:
            for piece in encoded:
                self.sent += len(piece)
                yield piece

    def _encode(self, pieces: Generator[Piece]) -> Generator[Piece]:
        if not self.plan.compress:
            return pieces
        return self._frame(pieces) if self.plan.frames == "single" else self._frames(pieces)

    def _frame(self, pieces: Generator[Piece]) -> Generator[Piece]:
        """One frame of all *pieces*."""
        compressor = zstd.Compressor(level=self.plan.level, size=self._source.size)
        for piece in pieces:
            if block := run_cpu(len(piece), compressor.feed, piece):
                yield block
        yield run_cpu(PIECE, compressor.finish)

    def _frames(self, pieces: Generator[Piece]) -> Generator[Piece]:
        """Independent frames of `PIECE` bytes each, and a table of them."""
        frames, level = zstd.IndependentFrames(PIECE), self.plan.level
        with Ahead[bytes]() as ahead:
            for piece in pieces:
                for block in frames.feed(piece):
                    ahead.begin(zstd.compress, block, level=level)
                    while ahead.due:
                        yield frames.note(result_of(ahead.next()))
            block_or_end = frames.finish()
            if block_or_end is not None and frames.alone:
                size = len(block_or_end)
                yield run_cpu(size, zstd.compress, block_or_end, level=level)
                return
            if block_or_end is not None:
                ahead.begin(zstd.compress, block_or_end, level=level)
            while ahead:
                yield frames.note(result_of(ahead.next()))
        if table := frames.seek_table():
            yield table

    def _read(self) -> Generator[Piece]:
        """The pieces of the source, held to the size that it was said to have."""
        self.started = True
        head, self._head = self._head, b""
        rest, self._rest = self._rest, None
        with self._noting_failures():
            with closing(rest or read_source(self._source, self._deadline)) as pieces:
                for piece in pieces_of(head):
                    self._count(piece)
                    yield piece
                for piece in pieces:
                    self._count(piece)
                    yield piece
            self._check_size(at_end=True)
            if self.size < self._read_before:
                # A function that returns the same iterator each time, say: the rest is lost.
                raise IntegrityError("the contents can't be read a second time")

    @contextmanager
    def _noting_failures(self) -> Iterator[None]:
        try:
            yield
        except Exception as failure:
            self.failure = failure
            raise

    def _count(self, piece: Piece) -> None:
        self.size += len(piece)
        self._check_size(at_end=False)
        if self._progress is not None:
            self._progress.reach(self.size)

    def _check_size(self, *, at_end: bool) -> None:
        declared = self._source.size
        if declared is None or self.size == declared or (self.size < declared and not at_end):
            return
        change = IntegrityError("the contents changed their size while they were read")
        change.add_note(
            f"{declared} bytes at the start, {self.size} {'in all' if at_end else 'so far'}"
        )
        raise change
