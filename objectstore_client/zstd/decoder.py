"""Reading zstd: a decoder with bounds on memory, on output and on what it believes.

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

from collections.abc import Generator
from typing import IO, NamedTuple, cast

import zstandard

from objectstore_client.errors import IntegrityError
from objectstore_client.zstd.contexts import KEPT_CONTEXT_SIZE, new_decompressor, spare
from objectstore_client.zstd.frames import (
    MAX_BLOCK_SIZE,
    Buffer,
    FrameHeader,
    Input,
    is_skippable,
    read_block_header,
    read_frame_header,
    skip_frame,
    take_blocks,
)

__all__ = [
    "DEFAULT_MAX_DECODED_SIZE",
    "DEFAULT_MAX_WINDOW_SIZE",
    "SMALL_SIZE",
    "Decoder",
    "WholeFrame",
    "decompress_small",
]

DEFAULT_MAX_WINDOW_SIZE = 8 * 1024 * 1024
"""Bytes a frame may ask its reader to keep at hand: what RFC 9659 allows in `Content-Encoding`."""

DEFAULT_MAX_DECODED_SIZE = 64 * 1024**3
"""Bytes a payload may decode to when nobody says otherwise: 64 GiB. It ends what would never end;
it can't be a ratio, for what compresses best, zeros, is no attack."""

SMALL_SIZE = 1024 * 1024
"""Most bytes that `decompress_small` makes."""

_SMALLEST_WHOLE, _LARGEST_WHOLE = 64 * 1024, 4 * 1024 * 1024
"""Decoded sizes of the frames that are worth a thread, and that may be in memory as a whole."""

_BLOCKS_AT_ONCE = 12
"""Blocks that a large step decodes: the interpreter is let go, and taken again, once for all."""


def decompress_small(data: bytes) -> bytes | None:
    """Decode *data* at once, if it is what `put` makes of a small payload.

    That is one whole frame that tells its size, up to `SMALL_SIZE`. Anything else, broken frames
    included, is left to a `Decoder`: `None`. Costs a fifth of one.
    """
    decompressor = spare.decompressor or new_decompressor()
    try:
        # Of a frame that tells a size of 0, the library does not even look at the rest.
        if not 0 < zstandard.frame_content_size(data) <= SMALL_SIZE:
            return None
        # Without allow_extra_data, a second frame or garbage is an error.
        return decompressor.decompress(data, allow_extra_data=False)
    except zstandard.ZstdError:
        return None
    finally:
        if decompressor.memory_size() <= KEPT_CONTEXT_SIZE:
            spare.decompressor = decompressor


class WholeFrame(NamedTuple):
    """A frame that was not decoded yet: its `decode` is for any thread.

    Attributes:
        data: All of it, at most an eighth and 64 KiB more than *content_size*.
        content_size: What it decodes to, in bytes: 64 KiB to 4 MiB.
    """

    data: bytearray
    content_size: int

    def decode(self) -> bytes:
        """Decode it at once, and check its size and its checksum, if it has one.

        Raises:
            IntegrityError: If the frame is corrupt.
        """
        decompressor = spare.decompressor or new_decompressor()
        spare.decompressor = None
        try:
            decoded = decompressor.decompress(self.data, allow_extra_data=False)
        except zstandard.ZstdError:
            decoder = Decoder()  # slower, and knows what is wrong
            decoder.feed(self.data)
            decoded = b"".join(iter(decoder.read, None))
            decoder.finish()
        if decompressor.memory_size() <= KEPT_CONTEXT_SIZE:
            spare.decompressor = decompressor
        return decoded


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
        large: Have `advance` go in larger steps, for speed: up to 1.5 MiB at once, which is held
            in addition; and frames of 64 KiB to 4 MiB, if they declare that size, as `WholeFrame`s,
            for others to decode. One such frame is held in addition.
    """

    def __init__(
        self,
        *,
        max_decoded_size: int | None = None,
        max_window_size: int = DEFAULT_MAX_WINDOW_SIZE,
        large: bool = False,
    ) -> None:
        self._input = Input()
        self._progress = _Progress()
        self._decompressor = spare.decompressor or new_decompressor()
        spare.decompressor = None
        self._pieces = _decode_stream(
            self._input,
            self._progress,
            self._decompressor,
            max_decoded_size,
            max_window_size,
            large,
        )
        self._failure: str | None = None
        self._finished = False

    @property
    def frames(self) -> int:
        """Frames that were read to their end; skippable ones do not count."""
        return self._progress.frames

    @property
    def decoded_bytes(self) -> int:
        """Bytes that `read` has returned, or that the frames decode to that `advance` has."""
        return self._progress.decoded

    @property
    def hungry(self) -> bool:
        """Whether all that was fed was read, so that it takes more, or the end."""
        return not self._input.pending

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

        Where `large` was asked for, up to 1.5 Mi, or a frame of up to 4 Mi.

        Raises:
            IntegrityError: If the stream is corrupt, goes on with something else than zstd, needs
                a dictionary, or is beyond one of the limits.
            RuntimeError: After `finish`, or after an interruption (such as `KeyboardInterrupt`).
        """
        part = self.advance()
        return part.decode() if isinstance(part, WholeFrame) else part

    def advance(self) -> bytes | WholeFrame | None:
        """Like `read`, but leaves whole frames to the caller, if `large` was asked for."""
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
        if self._decompressor.memory_size() <= KEPT_CONTEXT_SIZE:
            spare.decompressor = self._decompressor
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


class _Progress:
    """What a decoder tells about itself."""

    __slots__ = ("boundary", "decoded", "frames")

    def __init__(self) -> None:
        self.frames = 0
        self.decoded = 0
        self.boundary = 0  # offset of the end of the last frame


# Functions rather than methods: a generator that holds its decoder would make a reference cycle,
# and the window would stay in memory until the garbage collector comes. Each yields `None` for
# every time that it needs more input.


def _decode_stream(
    source: Input,
    progress: _Progress,
    decompressor: zstandard.ZstdDecompressor,
    max_decoded_size: int | None,
    max_window_size: int,
    large: bool,
) -> Generator[bytes | WholeFrame | None, None, None]:
    """Yield the decoded bytes of all frames, or frames; never returns."""
    while True:
        magic = yield from source.exactly(4)
        if is_skippable(magic):
            yield from skip_frame(source)
        elif magic == zstandard.FRAME_HEADER:
            header = yield from read_frame_header(source)
            if header.content_size is not None:
                _check_decoded_size(progress.decoded + header.content_size, max_decoded_size)
            if header.window_size > max_window_size:
                error = IntegrityError("the zstd frame needs a larger window than max_window_size")
                error.add_note(f"it asks for {header.window_size} bytes of {max_window_size}")
                raise error
            whole = (yield from _collect_frame(source, header)) if large else None
            if whole is not None:
                progress.decoded += whole.content_size
                progress.frames, progress.boundary = progress.frames + 1, source.offset
                yield whole
                continue
            frame = _Frame(decompressor)
            at_once = _BLOCKS_AT_ONCE if large else 1
            yield from _decode_frame(source, progress, frame, header, max_decoded_size, at_once)
            progress.frames += 1
        elif progress.frames:
            raise IntegrityError("the zstd stream is followed by other data")
        else:
            raise IntegrityError("the data is not a zstd stream")
        progress.boundary = source.offset


def _collect_frame(source: Input, header: FrameHeader) -> Generator[None, None, WholeFrame | None]:
    """Return the frame, or `None` and all as it was if its size is not declared or not suitable."""
    size = header.content_size
    if size is None or not _SMALLEST_WHOLE <= size <= _LARGEST_WHOLE:
        return None
    data = bytearray(header.encoded)
    last = False
    while not last:
        if (blocks := take_blocks(source, header, _BLOCKS_AT_ONCE)) is not None:
            last, left = blocks.last, 0
            data += blocks.data
            del blocks  # or a waiting decoder would hold the caller's buffer
        else:
            block = yield from read_block_header(source, header)
            last, left = block.last, block.stored_size
            data += block.encoded
        while left:
            part = source.take(left)
            if not part:
                yield None
                continue
            left -= len(part)
            data += part
            del part  # or a waiting decoder would hold the caller's buffer
        if len(data) > size + size // 8 + _SMALLEST_WHOLE:  # no encoder makes that much of it
            source.give_back(data[len(header.encoded) :])
            return None
    if header.has_checksum:
        data += yield from source.exactly(4)
    return WholeFrame(data, size)


def _decode_frame(
    source: Input,
    progress: _Progress,
    frame: _Frame,
    header: FrameHeader,
    max_decoded_size: int | None,
    blocks_at_once: int,
) -> Generator[bytes | None, None, None]:
    """Yield the decoded bytes of one frame (RFC 8878, section 3.1.1.2)."""
    _decode(frame, header.encoded)
    start = progress.decoded
    last = False
    while not last:
        part: Buffer
        if (blocks := take_blocks(source, header, blocks_at_once)) is not None:
            part, number, known_size, exact, last = blocks
            left = 0
            del blocks
        else:
            block = yield from read_block_header(source, header)
            part, number, last = block.encoded, 1, block.last
            known_size, exact = block.content_size or 0, block.content_size is not None
            left = block.stored_size
        decoded = progress.decoded + known_size
        _check_content_size(decoded - start, header.content_size, last=last and exact)
        _check_decoded_size(decoded, max_decoded_size)
        while True:
            # Empty until a block is whole: the library keeps it.
            piece = _decode(frame, part, number)
            del part  # or a waiting decoder would hold the caller's buffer
            if piece:
                decoded = progress.decoded + len(piece)
                _check_content_size(decoded - start, header.content_size, last=False)
                _check_decoded_size(decoded, max_decoded_size)
                progress.decoded = decoded
                yield piece
            if not left:
                break
            while not (part := source.take(left)):
                yield None
            left -= len(part)
    _check_content_size(progress.decoded - start, header.content_size, last=True)
    if header.has_checksum:
        checksum = yield from source.exactly(4)
        _decode(frame, checksum, reason="the checksum of the zstd frame does not match")


class _Frame:
    """Has the library decode one frame, block by block.

    Its own push interface, `decompressobj`, copies everything once more. So its file reader is
    used: it asks for input when it needs some, and then there is either the next block or an error
    that leaves it as it was.
    """

    def __init__(self, decompressor: zstandard.ZstdDecompressor) -> None:
        self._input = _NextInput()
        self._read = decompressor.stream_reader(cast(IO[bytes], self._input)).read1

    def decompress(self, data: Buffer, blocks: int) -> bytes:
        """Take some blocks, or a part of one, and return all that they decode to."""
        self._input.data = data
        try:
            # With less room the library would keep some of it, and not give it out when asked.
            return self._read(blocks * MAX_BLOCK_SIZE)
        except _StarvedError:
            return b""


class _NextInput:
    """The file that the library reads: what there is now, and no end."""

    __slots__ = ("data",)

    data: Buffer

    def read(self, _size: int) -> Buffer:
        data, self.data = self.data, b""
        if not data:
            raise _StarvedError
        return data


class _StarvedError(Exception):
    """More input is needed."""


def _decode(
    frame: _Frame, data: Buffer, blocks: int = 1, reason: str = "the zstd stream is corrupt"
) -> bytes:
    try:
        return frame.decompress(data, blocks)
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
