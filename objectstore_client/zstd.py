"""Zstandard, in and out, with bounds on both: pure steps that other modules drive.

Nothing here does I/O, starts threads or waits. Writing: `compress` for what is in memory, and
`Compressor` for a stream. Reading: `Decoder`, which takes compressed bytes in pieces of any size
and gives decoded ones of at most 128 KiB.

Payloads come from whoever may write to the store, and may consist of several frames (protocol
section 6.3). None of the ready-made readers of `zstandard` copes with that:

* `ZstdDecompressor.decompress()` and `decompressobj()` stop after the first frame, without a word.
* `decompressobj()` also makes all the output of a piece of input at once: 4 KiB become 127 MiB.
* `stream_reader()` takes the end of a truncated stream for its end, also without a word; and it
  pulls its input, which an async caller cannot offer.

So `Decoder` reads the frame and block headers itself (RFC 8878) and hands the library one block at
a time. A block decodes to 128 KiB at most; so the output of a step is bounded, and frame ends,
truncation and garbage are seen, at the speed of the library.
"""

from __future__ import annotations

import threading
from collections.abc import Generator
from typing import NamedTuple, TypeAlias

import zstandard

from objectstore_client.errors import IntegrityError, InvalidArgumentError

__all__ = [
    "DEFAULT_LEVEL",
    "DEFAULT_MAX_WINDOW_SIZE",
    "MAX_PIECE_SIZE",
    "SMALL_SIZE",
    "Buffer",
    "Compressor",
    "Decoder",
    "compress",
    "decompress_small",
]

Buffer: TypeAlias = bytes | bytearray | memoryview

DEFAULT_LEVEL = 3
"""Compression level: the library's own default."""

DEFAULT_MAX_WINDOW_SIZE = 8 * 1024 * 1024
"""Bytes a frame may ask its reader to keep at hand: what RFC 9659 allows in `Content-Encoding`."""

MAX_PIECE_SIZE = 128 * 1024
"""Most bytes that `Decoder.read` returns at once: the largest block of the format."""

# RFC 9659 binds writers too: from level 20 on, the library would use windows of up to 128 MiB.
_WINDOW_LOG = 23
_FIRST_LEVEL_WITH_LARGER_WINDOW = 20

# Contexts are kept for reuse up to this size: it holds every one of level 3 (3.5 MiB).
_KEPT_CONTEXT_SIZE = 4 * 1024 * 1024

SMALL_SIZE = 1024 * 1024
"""Most bytes that `decompress_small` makes."""

_SKIPPABLE_MAGIC_TAIL = b"\x2a\x4d\x18"  # after any byte from 0x50 to 0x5f
_RLE, _COMPRESSED, _RESERVED = 1, 2, 3


class _Spare(threading.local):
    """Contexts of this thread that nobody uses now; making one costs more than a small object.

    Being plain memory of one thread, they survive a fork.
    """

    def __init__(self) -> None:
        self.compressors: dict[int, zstandard.ZstdCompressor] = {}
        self.decompressor: zstandard.ZstdDecompressor | None = None


_spare = _Spare()


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
    compressor = _spare.compressors.pop(level, None) or _new_compressor(level)
    frame = compressor.compress(data)
    if compressor.memory_size() <= _KEPT_CONTEXT_SIZE:
        _spare.compressors[level] = compressor
    return frame


def decompress_small(data: bytes) -> bytes | None:
    """Decode *data* at once, if it is what `put` makes of a small payload.

    That is one whole frame that tells its size, up to `SMALL_SIZE`. Anything else, broken frames
    included, is left to a `Decoder`: `None`. Costs a fifth of one.
    """
    decompressor = _spare.decompressor or _new_decompressor()
    try:
        # Of a frame that tells a size of 0, the library does not even look at the rest.
        if not 0 < zstandard.frame_content_size(data) <= SMALL_SIZE:
            return None
        # Without allow_extra_data, a second frame or garbage is an error.
        return decompressor.decompress(data, allow_extra_data=False)
    except zstandard.ZstdError:
        return None
    finally:
        if decompressor.memory_size() <= _KEPT_CONTEXT_SIZE:
            _spare.decompressor = decompressor


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
        self._stream: zstandard.ZstdCompressionObj | None = _new_compressor(level).compressobj(
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


class Decoder:
    """Decodes a stream of zstd frames in bounded steps.

    For every piece of input: `feed` it, then `read` until that returns `None`. After the last one:
    `finish`.

        for chunk in chunks:
            decoder.feed(chunk)
            while (piece := decoder.read()) is not None:
                use(piece)
        decoder.finish()

    All frames are read, and skippable ones skipped. What was read is known to be whole and right
    only when `finish` has returned: checksums stand at the end of frames. Two things are beyond
    it: frames missing at the end (their sender must have declared a length), and flipped bits in
    frames that have no checksum.

    Besides the piece that was fed, which is not copied, it holds the window of the frame (what the
    frame asks for, up to *max_window_size*, but not more than the frame has decoded to), one block
    and one piece of output: with the defaults below 9 MiB, whatever the stream contains. It is for
    one stream, and one thread at a time.

    Args:
        max_decoded_size: Bytes that all frames together may decode to; `None` for no limit. Where
            a frame declares its size, the limit acts before it is decoded.
        max_window_size: Largest window a frame may ask for, in bytes, checked before memory is
            taken. The default suits what may be sent with `Content-Encoding: zstd`. Frames written
            by `zstd --long` or `zstd --ultra` can need up to 128 MiB, and more with options.
    """

    def __init__(
        self,
        *,
        max_decoded_size: int | None = None,
        max_window_size: int = DEFAULT_MAX_WINDOW_SIZE,
    ) -> None:
        self._input = _Input()
        self._progress = _Progress()
        self._decompressor = _spare.decompressor or _new_decompressor()
        _spare.decompressor = None
        self._pieces = _decode_stream(
            self._input, self._progress, self._decompressor, max_decoded_size, max_window_size
        )
        self._failure: str | None = None
        self._finished = False

    @property
    def frames(self) -> int:
        """Frames that have been decoded to their end; skippable ones do not count."""
        return self._progress.frames

    @property
    def decoded_bytes(self) -> int:
        """Bytes that `read` has returned."""
        return self._progress.decoded

    @property
    def at_frame_boundary(self) -> bool:
        """Whether `read` returned `None` with no frame incomplete; true at the start, too."""
        return not self._input.pending and self._input.offset == self._progress.boundary

    def feed(self, data: Buffer) -> None:
        """Hand over the next piece of input, of any size.

        It is not copied, and must not change before `read` has returned `None`.

        Raises:
            IntegrityError: If the stream was found to be bad before.
            RuntimeError: If the piece before was not read to its end, or after `finish`.
        """
        self._check_usable()
        if self._input.pending:
            raise RuntimeError("read() must return None before more is fed")
        self._input.feed(data)

    def read(self) -> bytes | None:
        """Return the next decoded bytes, 1 to 128 Ki of them, or `None` if it takes more input.

        Raises:
            IntegrityError: If the stream is corrupt, goes on with something else than zstd, needs
                a dictionary, or is beyond one of the limits.
            RuntimeError: After `finish`, or after an interruption (such as `KeyboardInterrupt`).
        """
        self._check_usable()
        try:
            return next(self._pieces)
        except IntegrityError as error:
            self._note_failure(error)
            raise
        except StopIteration:
            raise RuntimeError("an exception interrupted this decoder before") from None

    def finish(self) -> None:
        """Declare that the stream ends here.

        Raises:
            IntegrityError: If it must not end here: within a frame, or before there was any.
            RuntimeError: If not all was read, or if it was called before.
        """
        self._check_usable()
        if self._input.pending:
            raise RuntimeError("read() must return everything before finish()")
        self.read()  # returns None: without input it can only end the frame of the last piece
        if not self.at_frame_boundary or not self.frames:
            error = IntegrityError("the zstd stream is truncated")
            self._note_failure(error)
            raise error
        self._finished = True
        self._pieces.close()
        if self._decompressor.memory_size() <= _KEPT_CONTEXT_SIZE:
            _spare.decompressor = self._decompressor
        del self._decompressor  # who keeps a decoder that is done need not keep its window

    def _check_usable(self) -> None:
        if self._failure is not None:
            raise IntegrityError(self._failure)
        if self._finished:
            raise RuntimeError("this decoder has finished")

    def _note_failure(self, error: IntegrityError) -> None:
        self._failure = str(error)
        self._input.drop()
        error.add_note(
            f"at byte {self._input.offset} of the compressed stream,"
            f" after {self.frames} complete frames and {self.decoded_bytes} decoded bytes"
        )


class _Input:
    """The piece of input that is being read, and how far the stream was read in all."""

    __slots__ = ("_at", "_view", "offset")

    def __init__(self) -> None:
        self._view = memoryview(b"")
        self._at = 0
        self.offset = 0

    @property
    def pending(self) -> bool:
        return self._at < len(self._view)

    def feed(self, data: Buffer) -> None:
        self._view = memoryview(data).cast("B")
        self._at = 0

    def drop(self) -> None:
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

    def exactly(self, count: int) -> Generator[None, None, bytes]:
        """Return *count* bytes, which should be few, after a `None` for every wait for more."""
        taken = bytes(self.take(count))
        while len(taken) < count:
            yield None
            taken += self.take(count - len(taken))
        return taken


class _Progress:
    """What a decoder tells about itself."""

    __slots__ = ("boundary", "decoded", "frames")

    def __init__(self) -> None:
        self.frames = 0
        self.decoded = 0
        self.boundary = 0  # offset of the end of the last frame


class _FrameHeader(NamedTuple):
    encoded: bytes
    content_size: int | None
    window_size: int
    has_checksum: bool


# Functions rather than methods: a generator that holds its decoder would make a reference cycle,
# and the window would stay in memory until the garbage collector comes. Each yields `None` for
# every time that it needs more input.


def _decode_stream(
    source: _Input,
    progress: _Progress,
    decompressor: zstandard.ZstdDecompressor,
    max_decoded_size: int | None,
    max_window_size: int,
) -> Generator[bytes | None, None, None]:
    """Yield the decoded bytes of all frames; never returns."""
    while True:
        magic = yield from source.exactly(4)
        if magic[0] & 0xF0 == 0x50 and magic[1:] == _SKIPPABLE_MAGIC_TAIL:
            yield from _skip_frame(source)
        elif magic == zstandard.FRAME_HEADER:
            header = yield from _read_frame_header(source)
            if header.content_size is not None:
                _check_decoded_size(progress.decoded + header.content_size, max_decoded_size)
            if header.window_size > max_window_size:
                error = IntegrityError("the zstd frame needs a larger window than max_window_size")
                error.add_note(f"it asks for {header.window_size} bytes of {max_window_size}")
                raise error
            frame = decompressor.decompressobj()
            yield from _decode_frame(source, progress, frame, header, max_decoded_size)
            progress.frames += 1
        elif progress.frames:
            raise IntegrityError("the zstd stream is followed by other data")
        else:
            raise IntegrityError("the data is not a zstd stream")
        progress.boundary = source.offset


def _skip_frame(source: _Input) -> Generator[None, None, None]:
    left = int.from_bytes((yield from source.exactly(4)), "little")
    while left:
        skipped = len(source.take(left))
        left -= skipped
        if not skipped:
            yield None


def _read_frame_header(source: _Input) -> Generator[None, None, _FrameHeader]:
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
    return _FrameHeader(
        encoded=zstandard.FRAME_HEADER + descriptor + fields,
        content_size=size if size_length else None,
        window_size=window_size,
        has_checksum=bool(flags >> 2 & 1),
    )


def _decode_frame(
    source: _Input,
    progress: _Progress,
    frame: zstandard.ZstdDecompressionObj,
    header: _FrameHeader,
    max_decoded_size: int | None,
) -> Generator[bytes | None, None, None]:
    """Yield the decoded bytes of one frame (RFC 8878, section 3.1.1.2)."""
    _decode(frame, header.encoded)
    max_block_size = min(header.window_size, MAX_PIECE_SIZE)
    start = progress.decoded
    last = False
    while not last:
        block = yield from source.exactly(3)
        bits = int.from_bytes(block, "little")
        last, kind, size = bool(bits & 1), bits >> 1 & 3, bits >> 3
        if kind == _RESERVED or size > max_block_size:
            raise IntegrityError("the zstd stream is corrupt")
        if kind != _COMPRESSED:  # what it decodes to is known before it is decoded
            _check_content_size(progress.decoded + size - start, header.content_size, last=last)
            _check_decoded_size(progress.decoded + size, max_decoded_size)
        _decode(frame, block)
        left = 1 if kind == _RLE else size
        while left:
            part = source.take(left)
            if not part:
                yield None
                continue
            left -= len(part)
            piece = _decode(frame, part)  # empty until a block is whole: the library keeps it
            del part  # or a waiting decoder would hold the caller's buffer
            if piece:
                decoded = progress.decoded + len(piece)
                _check_content_size(decoded - start, header.content_size, last=False)
                _check_decoded_size(decoded, max_decoded_size)
                progress.decoded = decoded
                yield piece
    _check_content_size(progress.decoded - start, header.content_size, last=True)
    if header.has_checksum:
        checksum = yield from source.exactly(4)
        _decode(frame, checksum, "the checksum of the zstd frame does not match")
    if not frame.eof:  # the library and this module do not agree: trust neither
        raise IntegrityError("the zstd stream is corrupt")


def _decode(
    frame: zstandard.ZstdDecompressionObj, data: Buffer, reason: str = "the zstd stream is corrupt"
) -> bytes:
    try:
        return frame.decompress(data)
    except zstandard.ZstdError as error:
        raise IntegrityError(reason) from error


def _check_content_size(produced: int, declared: int | None, *, last: bool) -> None:
    if declared is not None and (produced > declared or (last and produced < declared)):
        raise IntegrityError("the zstd frame is not of the size that it declares")


def _check_decoded_size(decoded: int, limit: int | None) -> None:
    if limit is not None and decoded > limit:
        error = IntegrityError("the decoded payload is larger than max_decoded_size")
        error.add_note(f"it has at least {decoded} bytes, the limit is {limit}")
        raise error


def _new_compressor(level: int) -> zstandard.ZstdCompressor:
    if level > zstandard.MAX_COMPRESSION_LEVEL:
        raise InvalidArgumentError(
            f"level: must be at most {zstandard.MAX_COMPRESSION_LEVEL}, got {level}"
        )
    if level < _FIRST_LEVEL_WITH_LARGER_WINDOW:
        return zstandard.ZstdCompressor(level=level, write_checksum=True)
    parameters = zstandard.ZstdCompressionParameters(
        compression_level=level,
        window_log=_WINDOW_LOG,
        write_checksum=True,
        write_content_size=True,
    )
    return zstandard.ZstdCompressor(compression_params=parameters)


def _new_decompressor() -> zstandard.ZstdDecompressor:
    # `Decoder` has its own, lower limit.
    return zstandard.ZstdDecompressor(max_window_size=1 << zstandard.WINDOWLOG_MAX)
