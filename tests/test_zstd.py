"""The zstd codec: what it writes, what it reads, what it refuses, and what that may cost."""

from __future__ import annotations

import contextlib
import gc
import io
import itertools
import random
import shutil
import subprocess
import sys
import textwrap
import tracemalloc
import weakref
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from objectstore_client import usecase, zstd
from objectstore_client.errors import IntegrityError, InvalidArgumentError
from objectstore_client.zstd import (
    SMALL_SIZE,
    Compressor,
    Decoder,
    compress,
    contexts,
    decompress_small,
)
from objectstore_client.zstd import decoder as decoder_module

MAGIC = zstandard.FRAME_HEADER
KIB, MIB = 1024, 1024 * 1024
RAW, RLE, COMPRESSED, RESERVED = range(4)

TRUNCATED = "the zstd stream is truncated"
CORRUPT = "the zstd stream is corrupt"
NOT_ZSTD = "the data is not a zstd stream"
TRAILING_DATA = "the zstd stream is followed by other data"
WRONG_SIZE = "the zstd frame is not of the size that it declares"
WRONG_CHECKSUM = "the checksum of the zstd frame does not match"
NEEDS_DICTIONARY = "the zstd frame needs a dictionary"
TOO_LARGE = "the decoded payload is larger than max_decoded_size"
WINDOW_TOO_LARGE = "the zstd frame needs a larger window than max_window_size"
RESERVED_FEATURE = "the zstd frame uses a reserved feature"
SOURCE_SIZE = "the source is not of the size that was declared"


def json_lines(size: int) -> bytes:
    """*size* bytes that compress about as well as what is usually stored."""
    rng = random.Random(size)
    line = '{"id": %d, "user": "user-%d", "event": "%s", "value": %f}\n'
    out: list[str] = []
    length = 0
    while length < size:
        event = rng.choice(["click", "view", "error"])
        out.append(line % (len(out), rng.randrange(10**6), event, rng.random()))
        length += len(out[-1])
    return "".join(out).encode()[:size]


def pieces_of(decoder: Decoder) -> Iterator[bytes]:
    """Everything that the decoder gives without more input."""
    while (piece := decoder.read()) is not None:
        assert 1 <= len(piece) <= zstd.MAX_BLOCK_SIZE
        yield piece


def decode_chunks(decoder: Decoder, chunks: Iterable[zstd.Buffer]) -> bytes:
    """Run *decoder* over a whole stream."""
    out: list[bytes] = []
    for chunk in chunks:
        decoder.feed(chunk)
        out.extend(pieces_of(decoder))
    decoder.finish()
    return b"".join(out)


def decode(stream: bytes, decoder: Decoder | None = None) -> bytes:
    """Decode a stream that arrives in one piece."""
    return decode_chunks(decoder or Decoder(), [stream])


def split(stream: bytes, cuts: Iterable[int]) -> list[bytes]:
    """The stream in pieces, cut at the given places (modulo its length)."""
    places = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    return [stream[a:b] for a, b in itertools.pairwise(places)]


def block(kind: int, content: bytes, *, size: int | None = None, last: bool = False) -> bytes:
    """One block, made by hand."""
    head = last | kind << 1 | (len(content) if size is None else size) << 3
    return head.to_bytes(3, "little") + content


def frame(*blocks: bytes, flags: int = 0, fields: bytes = b"\x00") -> bytes:
    """One frame, made by hand; as it is: a window of 1 KiB, neither size nor checksum."""
    return MAGIC + bytes([flags]) + fields + b"".join(blocks)


def skippable(content: bytes, number: int = 0) -> bytes:
    return bytes([0x50 + number]) + b"\x2a\x4d\x18" + len(content).to_bytes(4, "little") + content


# Flags of a frame header: how long the declared size is (these without a window), and others.
SIZE_1, SIZE_2, SIZE_4, SIZE_8 = 0x20, 0x60, 0xA0, 0xE0
DICTIONARY_1, DICTIONARY_2, DICTIONARY_4 = 1, 2, 3
RESERVED_FLAG, UNUSED = 0x08, 0x10
EMPTY_FRAME = frame(block(RAW, b"", last=True))


# --- Writing ------------------------------------------------------------------------------------


@given(data=st.binary(max_size=5000), level=st.sampled_from([-5, 1, 3, 9, 19, 22]))
@settings(deadline=None, max_examples=50)
def test_compress_writes_one_frame_with_size_and_checksum(data: bytes, level: int) -> None:
    """Any data becomes one frame that declares its size, has a checksum, and reads back."""
    stream = compress(data, level=level)
    parameters = zstandard.get_frame_parameters(stream)
    assert parameters.content_size == len(data)
    assert parameters.has_checksum
    assert zstandard.ZstdDecompressor().decompress(stream) == data
    assert decode(stream) == data


def test_compress_takes_any_buffer() -> None:
    """Bytes, bytearrays and slices of memoryviews give the same frame."""
    data = json_lines(3000)
    expected = compress(data)
    assert compress(bytearray(data)) == expected
    assert compress(memoryview(b"xx" + data)[2:]) == expected


def test_compress_works_in_many_threads_at_once() -> None:
    """Threads do not share a compressor, and reuse does not leak one payload into the next."""
    payloads = [json_lines(10_000 + n) for n in range(40)]
    with ThreadPoolExecutor(4) as pool:
        for level in (1, 3):
            frames = pool.map(lambda data, level=level: compress(data, level=level), payloads)
            assert [decode(stream) for stream in frames] == payloads


@pytest.mark.parametrize("level", [23, 100])
def test_unknown_levels_are_refused(level: int) -> None:
    """A level above the highest is an argument error, in both writers."""
    with pytest.raises(InvalidArgumentError, match="level: must be at most 22"):
        compress(b"", level=level)
    with pytest.raises(InvalidArgumentError, match="level: must be at most 22"):
        Compressor(level=level)


@pytest.mark.parametrize("level", [19, 20])
def test_the_highest_levels_keep_to_the_window_of_the_content_coding(level: int) -> None:
    """No level writes frames with a window that readers of this content coding may refuse."""
    compressor = Compressor(level=level)
    stream = compressor.feed(b"x" * 300 * KIB) + compressor.finish()
    assert zstandard.get_frame_parameters(stream).window_size == zstd.DEFAULT_MAX_WINDOW_SIZE
    assert decode(stream) == b"x" * 300 * KIB


@given(
    pieces=st.lists(st.binary(max_size=3000), max_size=8),
    level=st.sampled_from([-1, 1, 3, 9]),
    sized=st.booleans(),
)
@settings(deadline=None, max_examples=100)
def test_compressor_writes_one_frame(pieces: list[bytes], level: int, sized: bool) -> None:
    """Any pieces become one frame with a checksum, and with the size if that was declared."""
    data = b"".join(pieces)
    compressor = Compressor(level=level, size=len(data) if sized else None)
    stream = b"".join([*map(compressor.feed, pieces), compressor.finish()])
    parameters = zstandard.get_frame_parameters(stream)
    assert parameters.has_checksum
    if sized:
        assert parameters.content_size == len(data)
    decoder = Decoder()
    assert decode(stream, decoder) == data
    assert decoder.frames == 1


def test_compressor_takes_any_buffer() -> None:
    """Bytearrays and memoryviews of any item size count in bytes."""
    numbers = memoryview(bytearray(800)).cast("Q")
    compressor = Compressor(size=803)
    stream = compressor.feed(numbers) + compressor.feed(bytearray(b"abc")) + compressor.finish()
    assert decode(stream) == bytes(800) + b"abc"


def test_compressor_holds_little_of_a_large_stream() -> None:
    """Fed in pieces of 1 MiB, what Python holds at once stays near the size of a piece."""
    rng = random.Random(1)
    compressor = Compressor(size=16 * MIB)
    tracemalloc.start()
    try:
        written = sum(len(compressor.feed(rng.randbytes(MIB))) for _ in range(16))
        written += len(compressor.finish())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert written > 16 * MIB
    assert peak < 4 * MIB


@pytest.mark.parametrize("size", [0, 9, 200_000])
def test_compressor_refuses_a_source_longer_than_declared(size: int) -> None:
    """The piece that goes beyond the declared size is refused, and the frame cannot be ended."""
    compressor = Compressor(size=size)
    compressor.feed(bytes(size))
    with pytest.raises(IntegrityError, match=SOURCE_SIZE) as caught:
        compressor.feed(b"x")
    assert caught.value.__notes__ == [f"it gave {size + 1} bytes so far, {size} were declared"]
    with pytest.raises(RuntimeError):
        compressor.finish()


@pytest.mark.parametrize("missing", [1, 10])
def test_compressor_refuses_a_source_shorter_than_declared(missing: int) -> None:
    """A frame that would lack some of the declared size is not ended."""
    compressor = Compressor(size=10)
    compressor.feed(bytes(10 - missing))
    with pytest.raises(IntegrityError, match=SOURCE_SIZE):
        compressor.finish()
    with pytest.raises(RuntimeError):
        compressor.feed(bytes(missing))


def test_compressor_is_for_one_frame() -> None:
    """After finish() there is nothing more to feed or to finish."""
    compressor = Compressor()
    compressor.finish()
    with pytest.raises(RuntimeError, match="has finished"):
        compressor.feed(b"x")
    with pytest.raises(RuntimeError, match="has finished"):
        compressor.finish()


def test_compressor_refuses_a_negative_size() -> None:
    """A negative size is an argument error, not "unknown"."""
    with pytest.raises(InvalidArgumentError, match="size: must not be negative, got -1"):
        Compressor(size=-1)


# --- Reading ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Part:
    """A part of a stream: how it was written, and what it decodes to."""

    encoded: bytes
    decoded: bytes
    frames: int


@st.composite
def parts(draw: st.DrawFn) -> Part:
    if draw(st.integers(0, 4)) == 0:
        content = draw(st.binary(max_size=40))
        return Part(skippable(content, draw(st.integers(0, 15))), b"", 0)
    data = draw(st.binary(max_size=300)) * draw(st.sampled_from([0, 1, 3, 1000]))
    compressor = zstandard.ZstdCompressor(
        level=draw(st.sampled_from([-20, 1, 3, 7, 12])),
        write_checksum=draw(st.booleans()),
        write_content_size=draw(st.booleans()),
    )
    if draw(st.booleans()):
        return Part(compressor.compress(data), data, 1)
    streaming = compressor.compressobj()
    middle = draw(st.integers(0, len(data)))
    encoded = streaming.compress(data[:middle])
    encoded += streaming.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
    encoded += streaming.compress(data[middle:])
    return Part(encoded + streaming.flush(), data, 1)


@given(
    stream_parts=st.lists(parts(), max_size=6).filter(lambda ps: any(p.frames for p in ps)),
    cuts=st.lists(st.integers(0, 100_000), max_size=20),
)
@settings(deadline=None, max_examples=300)
def test_any_frames_in_any_chunks_decode(stream_parts: list[Part], cuts: list[int]) -> None:
    """All frames of a stream are read, however they were written and however they arrive."""
    stream = b"".join(part.encoded for part in stream_parts)
    data = b"".join(part.decoded for part in stream_parts)
    decoder = Decoder(max_decoded_size=len(data))
    assert decoder.at_frame_boundary
    assert decode_chunks(decoder, split(stream, cuts)) == data
    assert decoder.decoded_bytes == len(data)
    assert decoder.frames == sum(part.frames for part in stream_parts)
    assert decoder.at_frame_boundary


def test_single_bytes_decode() -> None:
    """A stream of large and small blocks, frames and a skippable frame may come byte by byte."""
    data = json_lines(200_000)
    noise = random.Random(2).randbytes(2000)
    stream = compress(data) + skippable(b"x" * 300) + compress(noise) + compress(bytes(10**6))
    chunks = (stream[at : at + 1] for at in range(len(stream)))
    assert decode_chunks(Decoder(), chunks) == data + noise + bytes(10**6)


def test_large_payloads_decode_in_bounded_pieces() -> None:
    """Every piece of a large payload is at most one block, while the input came in one chunk."""
    data = json_lines(4 * MIB)
    decoder = Decoder()
    decoder.feed(compress(data))
    pieces = list(pieces_of(decoder))
    decoder.finish()
    assert b"".join(pieces) == data
    assert len(pieces) >= 4 * MIB // zstd.MAX_BLOCK_SIZE


@pytest.mark.parametrize("chunk_type", [bytearray, memoryview])
def test_decoder_takes_any_buffer(chunk_type: type[bytearray | memoryview]) -> None:
    """What was read from a socket into some buffer needs no conversion."""
    assert decode_chunks(Decoder(), [chunk_type(compress(b"hello"))]) == b"hello"


def test_decoder_counts_bytes_not_items() -> None:
    """A memoryview of larger items is as good as its bytes."""
    stream = compress(b"hello")
    stream += skippable(bytes(-len(stream) % 8))
    assert decode_chunks(Decoder(), [memoryview(stream).cast("Q")]) == b"hello"


def test_the_fed_buffer_is_free_after_read_returned_none() -> None:
    """Between chunks the decoder holds no buffer of the caller, not even within a block."""
    data = random.Random(3).randbytes(50_000)
    stream = compress(data)
    chunk, out, decoder = bytearray(), b"", Decoder()
    for part in split(stream, [7, 9, 500, 30_000, len(stream) - 4]):  # -4: the end of a block
        chunk += part
        decoder.feed(chunk)
        out += b"".join(pieces_of(decoder))
        chunk.clear()  # a BufferError, if there were still a view of it
    decoder.finish()
    assert out == data


def test_progress_is_visible_while_reading() -> None:
    """The counters follow what read() returned, and a boundary is one only when all was read."""
    first, second = compress(b"a" * 1000), compress(b"b" * 10)
    decoder = Decoder()
    decoder.feed(skippable(b"head"))
    assert decoder.read() is None
    assert (decoder.frames, decoder.at_frame_boundary) == (0, True)
    decoder.feed(first + second[:3])
    assert not decoder.at_frame_boundary
    assert decoder.read() == b"a" * 1000
    assert decoder.decoded_bytes == 1000
    assert decoder.read() is None
    assert (decoder.frames, decoder.at_frame_boundary) == (1, False)
    decoder.feed(second[3:])
    assert decoder.read() == b"b" * 10
    assert decoder.read() is None
    assert (decoder.frames, decoder.at_frame_boundary) == (2, True)


def test_finish_may_follow_the_last_piece() -> None:
    """Who knows the size need not ask for the `None` after the last piece; cuts are still seen."""
    decoder = Decoder()
    decoder.feed(frame(block(RAW, b"abc", last=True)))
    assert decoder.read() == b"abc"
    decoder.finish()
    assert decoder.frames == 1
    decoder = Decoder()
    decoder.feed(compress(b"abc")[:-4])
    assert decoder.read() == b"abc"
    with pytest.raises(IntegrityError, match=TRUNCATED):
        decoder.finish()


def test_decoders_of_one_thread_do_not_disturb_each_other() -> None:
    """Streams may be read in turns, and new ones begun while contexts are handed on."""
    payloads = [json_lines(300_000 + n) for n in range(4)]
    decode(compress(b"leaves a spare context"))
    decoders = [Decoder() for _ in payloads]
    for decoder, data in zip(decoders, payloads, strict=True):
        decoder.feed(compress(data))
    outputs: list[list[bytes]] = [[] for _ in payloads]
    unfinished = list(range(len(payloads)))
    while unfinished:
        for n in list(unfinished):
            piece = decoders[n].read()
            if piece is not None:
                outputs[n].append(piece)
            else:
                decoders[n].finish()
                unfinished.remove(n)
                assert decode(compress(b"in between")) == b"in between"
    assert [b"".join(output) for output in outputs] == payloads


@pytest.mark.parametrize(
    ("stream", "decoded"),
    [
        (EMPTY_FRAME, b""),
        (frame(block(RAW, b"abc"), block(RAW, b"", last=True)), b"abc"),
        (frame(block(RLE, b"x", size=1024, last=True)), b"x" * 1024),
        (frame(block(RLE, b"x", size=0), block(RAW, b"y", last=True)), b"y"),
        (frame(block(RAW, b"ab", last=True), flags=SIZE_1, fields=b"\x02"), b"ab"),
        (frame(block(RAW, b"", last=True), flags=SIZE_1, fields=b"\x00"), b""),
        (frame(block(RLE, b"x", size=300, last=True), flags=SIZE_2, fields=b"\x2c\0"), b"x" * 300),
        (frame(block(RAW, b"abc", last=True), flags=SIZE_8, fields=b"\x03" + bytes(7)), b"abc"),
        (frame(block(RAW, b"abc", last=True), flags=0xC0, fields=b"\7\3" + bytes(7)), b"abc"),
        (frame(block(RAW, b"a", last=True), flags=UNUSED), b"a"),
        (frame(block(RAW, b"a", last=True), flags=DICTIONARY_4, fields=bytes(5)), b"a"),
    ],
)
def test_every_form_of_frame_decodes(stream: bytes, decoded: bytes) -> None:
    """Frames that this library's writer never makes are read as the format's own decoder does."""
    assert zstandard.ZstdDecompressor().stream_reader(stream).read() == decoded
    assert decode_chunks(Decoder(), split(stream, range(len(stream)))) == decoded


# --- Refusing -----------------------------------------------------------------------------------

TEXT = b"to be or not to be, that is the question; " * 8
CHECKED = compress(TEXT)
UNCHECKED = zstandard.ZstdCompressor(write_checksum=False).compress(TEXT)


def test_truncation_is_seen_at_every_byte() -> None:
    """A stream that was cut anywhere but between frames raises, and what came before is right."""
    unsized = zstandard.ZstdCompressor(write_content_size=False).compress(b"z" * 5000)
    stream_parts = [skippable(b"head"), CHECKED, UNCHECKED, skippable(b"table"), unsized]
    stream = b"".join(stream_parts)
    data = decode(stream)
    assert data == TEXT + TEXT + b"z" * 5000
    ends = [len(b"".join(stream_parts[: n + 1])) for n in range(len(stream_parts))]
    for cut in range(len(stream)):
        decoder = Decoder()
        decoder.feed(stream[:cut])
        assert data.startswith(b"".join(pieces_of(decoder)))
        if cut in ends[1:]:
            decoder.finish()
        else:
            with pytest.raises(IntegrityError, match=TRUNCATED):
                decoder.finish()


@pytest.mark.parametrize("stream", [CHECKED, skippable(b"12") + compress(b"ab") + compress(b"ab")])
def test_flipped_bits_in_checksummed_frames_never_change_the_data(stream: bytes) -> None:
    """A flipped bit either raises, or is in a place that means nothing (as in skippable frames)."""
    data = decode(stream)
    for bit in range(len(stream) * 8):
        flipped = bytearray(stream)
        flipped[bit // 8] ^= 1 << bit % 8
        try:
            assert decode(bytes(flipped)) == data, f"bit {bit}"
        except IntegrityError:
            continue


def test_flipped_bits_in_frames_without_checksum_raise_nothing_but_integrity_errors() -> None:
    """Without a checksum a flipped bit can pass, but never as an error of the library's own."""
    refused = 0
    for bit in range(len(UNCHECKED) * 8):
        flipped = bytearray(UNCHECKED)
        flipped[bit // 8] ^= 1 << bit % 8
        try:
            assert len(decode(bytes(flipped))) == len(TEXT), f"bit {bit}"
        except IntegrityError:
            refused += 1
    assert refused >= 8 * len(MAGIC)


@given(
    tail=st.binary(max_size=200),
    descriptor=st.integers(0, 255),
    window=st.integers(0, 255),
    cuts=st.lists(st.integers(0, 300), max_size=5),
)
@settings(deadline=None, max_examples=300)
def test_arbitrary_bytes_raise_nothing_but_integrity_errors(
    tail: bytes, descriptor: int, window: int, cuts: list[int]
) -> None:
    """Whatever follows a magic number, the outcome is decoded bytes or an IntegrityError."""
    stream = MAGIC + bytes([descriptor, window]) + tail
    with contextlib.suppress(IntegrityError):
        decode_chunks(Decoder(max_decoded_size=4 * MIB), split(stream, cuts))


@given(tail=st.binary(min_size=1, max_size=50))
@settings(deadline=None)
def test_garbage_after_the_last_frame_raises(tail: bytes) -> None:
    """Bytes after a whole stream that do not begin a frame are never passed over."""
    if tail[:4] not in (MAGIC, *(bytes([0x50 + n]) + b"\x2a\x4d\x18" for n in range(16))):
        with pytest.raises(IntegrityError, match=TRAILING_DATA if len(tail) > 3 else TRUNCATED):
            decode(CHECKED + tail)


def with_wrong_checksum() -> bytes:
    return CHECKED[:-1] + bytes([CHECKED[-1] ^ 1])


def with_declared_size(size: int) -> bytes:
    """A frame of 348 text bytes whose header declares *size* (in the field of two bytes)."""
    assert UNCHECKED[4] == 0x60
    return UNCHECKED[:5] + (size - 256).to_bytes(2, "little") + UNCHECKED[7:]


@pytest.mark.parametrize(
    ("stream", "message"),
    [
        (b"", TRUNCATED),
        (skippable(b"nothing else"), TRUNCATED),
        (b"\x1f\x8b\x08\x00\x00\x00\x00\x00", NOT_ZSTD),
        (b"hello, world", NOT_ZSTD),
        (b"\x27\xb5\x2f\xfd\x00\x00\x01\x00\x00", NOT_ZSTD),
        (skippable(b"head") + b"hello", NOT_ZSTD),
        (CHECKED + bytes(8), TRAILING_DATA),
        (CHECKED + b"hello", TRAILING_DATA),
        (frame(flags=RESERVED_FLAG), RESERVED_FEATURE),
        (frame(block(RESERVED, b"abc", last=True)), CORRUPT),
        (frame(block(RAW, bytes(1025), last=True)), CORRUPT),
        (frame(block(RLE, b"", size=1025)), CORRUPT),
        (frame(block(RLE, b"", size=128 * KIB + 1), fields=b"\x68"), CORRUPT),
        (frame(block(COMPRESSED, bytes(1000), last=True)), CORRUPT),
        (frame(block(COMPRESSED, b"x", last=True)), CORRUPT),
        (with_wrong_checksum(), WRONG_CHECKSUM),
        (frame(flags=DICTIONARY_1, fields=b"\x00\x05"), NEEDS_DICTIONARY),
        (frame(flags=DICTIONARY_2, fields=b"\x00\x00\x05"), NEEDS_DICTIONARY),
        (frame(flags=DICTIONARY_4, fields=b"\x00\x00\x00\x00\x80"), NEEDS_DICTIONARY),
        (frame(block(RAW, b"abc", last=True), flags=SIZE_1, fields=b"\x04"), WRONG_SIZE),
        (frame(block(RAW, b"abc"), flags=SIZE_1, fields=b"\x03") + b"\x01\0\0", None),
        (frame(block(RAW, b"ab"), block(RAW, b"c"), flags=SIZE_1, fields=b"\2"), WRONG_SIZE),
        (frame(block(RLE, b"x", size=9, last=True), flags=SIZE_1, fields=b"\x0a"), WRONG_SIZE),
        (frame(block(RLE, b"x", size=2, last=True), flags=SIZE_4, fields=b"\3\0\0\0"), WRONG_SIZE),
        (frame(block(COMPRESSED, b"", last=True), flags=SIZE_1, fields=b"\x04"), WRONG_SIZE),
        (with_declared_size(len(TEXT)), None),
        (with_declared_size(len(TEXT) + 1), CORRUPT),
        (with_declared_size(len(TEXT) - 1), CORRUPT),
        (frame(fields=b"\x69"), WINDOW_TOO_LARGE),
        (frame(fields=b"\xff"), WINDOW_TOO_LARGE),
        (frame(flags=SIZE_4, fields=(8 * MIB + 1).to_bytes(4, "little")), WINDOW_TOO_LARGE),
        (frame(flags=SIZE_8, fields=b"\xff" * 8), WINDOW_TOO_LARGE),
    ],
)
def test_malformed_streams_raise_with_stable_messages(stream: bytes, message: str | None) -> None:
    """Each kind of damage has one message, at any chunking; `None` marks sound neighbours."""
    for chunks in ([stream], split(stream, range(len(stream)))):
        if message is None:
            decode_chunks(Decoder(), chunks)
            continue
        with pytest.raises(IntegrityError) as caught:
            decode_chunks(Decoder(), chunks)
        assert str(caught.value) == message
        assert caught.value.__notes__[-1].startswith("at byte ")


def test_a_frame_never_yields_more_than_it_declares() -> None:
    """Callers who trust a declared size get no byte beyond it, even from blocks before the last."""
    # A window far below the declared size: else the library's buffer is the bound.
    parameters = zstandard.ZstdCompressionParameters(window_log=17, write_content_size=0)
    stream = zstandard.ZstdCompressor(compression_params=parameters).compress(json_lines(MIB))
    assert stream[:6] == MAGIC + b"\x00\x38"
    declared = 600_000
    decoder = Decoder(max_decoded_size=declared)
    decoder.feed(MAGIC + b"\x80\x38" + declared.to_bytes(4, "little") + stream[6:])
    with pytest.raises(IntegrityError, match=WRONG_SIZE):
        for _ in pieces_of(decoder):
            pass
    assert 0 < decoder.decoded_bytes <= declared


def test_dictionary_frames_of_the_library_are_refused() -> None:
    """A frame that the library compressed with a trained dictionary is refused by name."""
    dictionary = zstandard.train_dictionary(2048, [json_lines(200 + n) for n in range(300)])
    stream = zstandard.ZstdCompressor(dict_data=dictionary).compress(json_lines(500))
    with pytest.raises(IntegrityError, match=NEEDS_DICTIONARY):
        decode(stream)


def test_a_failed_decoder_stays_failed() -> None:
    """Every call after a failure repeats it, so no caller can mistake the rest for an end."""
    decoder = Decoder()
    decoder.feed(with_wrong_checksum())
    assert decoder.read() == TEXT
    for _ in range(2):
        with pytest.raises(IntegrityError, match=WRONG_CHECKSUM):
            decoder.read()
    with pytest.raises(IntegrityError, match=WRONG_CHECKSUM):
        decoder.feed(CHECKED)
    with pytest.raises(IntegrityError, match=WRONG_CHECKSUM):
        decoder.finish()


def test_a_failed_decoder_holds_no_input() -> None:
    """After a failure the caller's buffer is free, too."""
    chunk = bytearray(b"garbage and more of it")
    decoder = Decoder()
    decoder.feed(chunk)
    with pytest.raises(IntegrityError, match=NOT_ZSTD):
        decoder.read()
    chunk.clear()


def test_failures_tell_where_they_are() -> None:
    """The traceback of a failure says how far into the stream it is."""
    with pytest.raises(IntegrityError) as caught:
        decode(compress(b"one") + compress(b"three") + b"garbage")
    size = len(compress(b"one") + compress(b"three"))
    assert caught.value.__notes__ == [
        f"at byte {size + 4} of the compressed stream, after 2 complete frames and 8 decoded bytes"
    ]


def test_misuse_is_not_taken_for_bad_data() -> None:
    """Feeding or finishing before all was read, and use after the end, are RuntimeErrors."""
    decoder = Decoder()
    decoder.feed(CHECKED)
    with pytest.raises(RuntimeError, match=r"read\(\) must return None before more is fed"):
        decoder.feed(CHECKED)
    with pytest.raises(RuntimeError, match=r"read\(\) must return everything before finish"):
        decoder.finish()
    assert b"".join(pieces_of(decoder)) == TEXT
    decoder.finish()
    for call in (decoder.read, decoder.finish, lambda: decoder.feed(b"")):
        with pytest.raises(RuntimeError, match="has finished"):
            call()


def test_an_interrupted_decoder_does_not_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """When something else than bad data broke a step, the stream cannot be resumed by mistake."""

    def interrupt(*_: object) -> bytes:
        raise KeyboardInterrupt

    decoder = Decoder()
    decoder.feed(CHECKED)
    with monkeypatch.context() as patch:
        patch.setattr(decoder_module, "_decode", interrupt)
        with pytest.raises(KeyboardInterrupt):
            decoder.read()
    with pytest.raises(RuntimeError, match="interrupted"):
        decoder.read()


# --- Bounds -------------------------------------------------------------------------------------


def bomb(window_field: int) -> bytes:
    """About 4 KiB that decode to 127 MiB: one repeated byte per largest block."""
    bulk = block(RLE, b"\0", size=128 * KIB)
    return frame(bulk * 1020, block(RAW, b"", last=True), fields=bytes([window_field]))


def test_a_bomb_costs_little_memory() -> None:
    """4 KiB that inflate 30 000-fold stay below 16 MiB of the process, at the largest window."""
    script = """
        import resource, sys
        from objectstore_client.zstd import Decoder, compress
        def decode(stream):
            decoder, size = Decoder(), 0
            decoder.feed(stream)
            while (piece := decoder.read()) is not None:
                size += len(piece)
            decoder.finish()
            return size
        unit = 1 if sys.platform == "darwin" else 1024
        stream = sys.stdin.buffer.read()
        decode(compress(b"warm up"))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
        size = decode(stream)
        print(size, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit - before)
    """
    stream = bomb(0x68)
    assert len(stream) < 4.1 * KIB
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        input=stream,
        capture_output=True,
        check=True,
    )
    size, growth = map(int, result.stdout.split())
    assert size == 1020 * 128 * KIB
    assert growth < 16 * MIB


def test_input_is_not_buffered() -> None:
    """Neither a skippable frame nor a block that is on its way is collected in Python's memory."""
    chunk = bytes(64 * KIB)
    header = b"\x50\x2a\x4d\x18" + (256 * len(chunk)).to_bytes(4, "little")
    raw = block(RAW, b"", size=128 * KIB)
    decoder = Decoder()
    tracemalloc.start()
    try:
        decoder.feed(header)
        assert decoder.read() is None
        for _ in range(256):
            decoder.feed(chunk)
            assert decoder.read() is None
        _, skipping = tracemalloc.get_traced_memory()
        decoder.feed(frame(fields=b"\x68"))
        assert decoder.read() is None
        for _ in range(50):
            decoder.feed(raw)
            assert decoder.read() is None
            for _ in range(2):
                decoder.feed(chunk)
                assert sum(len(piece) for piece in pieces_of(decoder)) == len(chunk)
        _, decoding = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert skipping < 32 * KIB
    assert decoding < 512 * KIB


def test_a_decoder_is_freed_without_the_garbage_collector() -> None:
    """An abandoned decoder gives back its window at once: nothing in it refers to itself."""
    decoder = Decoder()
    decoder.feed(compress(json_lines(300_000)))
    assert decoder.read()
    reference = weakref.ref(decoder)
    context = weakref.ref(decoder._pieces)
    gc.disable()
    try:
        del decoder
        assert reference() is None
        assert context() is None
    finally:
        gc.enable()


def test_only_small_contexts_are_kept_for_reuse() -> None:
    """What a thread keeps between payloads stays small, whatever levels and windows it has seen."""
    data = json_lines(MIB)
    for level in (3, 9):
        assert decode(compress(data, level=level)) == data
    assert 3 in contexts.spare.compressors
    assert 9 not in contexts.spare.compressors
    assert contexts.spare.decompressor is not None
    assert len(decode(bomb(0x68))) == 1020 * 128 * KIB
    assert contexts.spare.decompressor is None


@pytest.mark.parametrize("excess", [0, 1])
@pytest.mark.parametrize("sized", [True, False])
def test_max_decoded_size_is_exact(sized: bool, excess: int) -> None:
    """A payload of just the limit is read, and one byte more is not, over all frames together."""
    compressor = zstandard.ZstdCompressor(write_content_size=sized)
    data = json_lines(300_000)
    stream = compressor.compress(data) * 2
    decoder = Decoder(max_decoded_size=600_000 - excess)
    if not excess:
        assert decode(stream, decoder) == data * 2
        return
    with pytest.raises(IntegrityError, match=TOO_LARGE) as caught:
        decode(stream, decoder)
    assert any("the limit is 599999" in note for note in caught.value.__notes__)
    # A declared size is enough to refuse; else all blocks that are within the limit come out.
    assert decoder.decoded_bytes == 300_000 if sized else decoder.decoded_bytes > 300_000


@pytest.mark.parametrize(
    "stream",
    [
        frame(flags=SIZE_1, fields=b"\x65"),
        frame(block(RLE, b"", size=101)),
        frame(block(RAW, b"", size=101)),
        frame(block(RAW, bytes(100)), block(RLE, b"", size=1)),
    ],
    ids=["declared", "rle", "raw", "second-block"],
)
def test_max_decoded_size_acts_on_announcements(stream: bytes) -> None:
    """What announces its size is refused before its content has even arrived."""
    decoder = Decoder(max_decoded_size=100)
    decoder.feed(stream)
    with pytest.raises(IntegrityError, match=TOO_LARGE):
        for _ in pieces_of(decoder):
            pass


def test_a_limit_of_zero_allows_empty_payloads() -> None:
    """Zero is a limit, not its absence."""
    assert decode(compress(b""), Decoder(max_decoded_size=0)) == b""
    with pytest.raises(IntegrityError, match=TOO_LARGE):
        decode(compress(b"x"), Decoder(max_decoded_size=0))


def test_windows_beyond_the_limit_are_refused_at_the_header() -> None:
    """A window is refused at the header, before any block; a higher limit allows it."""
    parameters = zstandard.ZstdCompressionParameters(window_log=24, write_content_size=0)
    data = random.Random(4).randbytes(50_000) * 3
    stream = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    encoded = stream.compress(data) + stream.flush()
    decoder = Decoder()
    decoder.feed(encoded[:6])
    with pytest.raises(IntegrityError, match=WINDOW_TOO_LARGE) as caught:
        decoder.read()
    assert caught.value.__notes__[0] == "it asks for 16777216 bytes of 8388608"
    assert decode(encoded, Decoder(max_window_size=16 * MIB)) == data


# --- Other readers and writers ------------------------------------------------------------------


def test_plain_readers_read_what_is_written_here() -> None:
    """Frames of both writers, one after another, are one payload to the library's own reader."""
    data = json_lines(500_000)
    compressor = Compressor()
    stream = compress(data) + compressor.feed(data) + compressor.finish()
    reader = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(stream), read_across_frames=True)
    assert reader.read() == data * 2


@pytest.mark.skipif(shutil.which("zstd") is None, reason="there is no zstd command")
@pytest.mark.parametrize("options", [["-3"], ["-1", "--no-check"], ["-19", "-T2"], ["--long=24"]])
def test_the_zstd_command_and_this_module_read_each_other(options: list[str]) -> None:
    """`zstd -d` reads both writers' frames, and this decoder reads what `zstd` wrote."""

    def run(*arguments: str, data: bytes) -> bytes:
        command = ["zstd", "-q", "-c", *arguments]
        return subprocess.run(command, input=data, capture_output=True, check=True).stdout

    data = json_lines(300_000)
    compressor = Compressor(size=len(data))
    stream = compress(data) + compressor.feed(data) + compressor.finish()
    assert run("-d", data=stream) == data * 2
    written = run(*options, data=data)
    assert decode(written + stream, Decoder(max_window_size=16 * MIB)) == data * 3


@given(st.binary(min_size=1, max_size=2000), st.sampled_from([-5, 3, 19]))
def test_small_frames_decode_at_once(data: bytes, level: int) -> None:
    """What `compress` makes comes back without a decoder."""
    assert decompress_small(compress(data, level=level)) == data


def test_only_whole_small_frames_decode_at_once() -> None:
    """Everything else is left to the decoder, which tells what is wrong with it."""
    frame = compress(b"some bytes that repeat, some bytes that repeat")
    assert all(decompress_small(frame[:end]) is None for end in range(len(frame)))
    assert decompress_small(frame + b"x") is None
    assert decompress_small(compress(b"")) is None
    assert decompress_small(compress(b"") + frame) is None, "an empty frame hides nothing"
    assert decompress_small(frame + frame) is None
    assert decompress_small(frame[:-1] + bytes([frame[-1] ^ 1])) is None
    unsized = zstandard.ZstdCompressor(write_content_size=False).compress(b"x" * 100)
    assert decompress_small(unsized) is None
    assert decompress_small(compress(bytes(SMALL_SIZE))) == bytes(SMALL_SIZE)
    assert decompress_small(compress(bytes(SMALL_SIZE + 1))) is None


def test_a_small_frame_with_a_huge_window_costs_nothing() -> None:
    """The window is bounded by the size that the frame tells."""
    parameters = zstandard.ZstdCompressionParameters(window_log=27, write_content_size=True)
    stream = zstandard.ZstdCompressor(compression_params=parameters).compressobj(size=500_000)
    frame = stream.compress(bytes(500_000)) + stream.flush()
    tracemalloc.start()
    try:
        assert decompress_small(frame) == bytes(500_000)
        assert tracemalloc.get_traced_memory()[1] < 8 * 1024 * 1024
    finally:
        tracemalloc.stop()
    assert (
        contexts.spare.decompressor is None or contexts.spare.decompressor.memory_size() < 4 << 20
    )


def test_the_levels_of_usecases_are_those_of_the_library() -> None:
    """They stand there by value, so that a usecase does not need the library."""
    assert (usecase.DEFAULT_LEVEL, usecase.HIGHEST_LEVEL) == (
        zstd.DEFAULT_LEVEL,
        zstandard.MAX_COMPRESSION_LEVEL,
    )
    assert decode(compress(TEXT, level=usecase.LOWEST_LEVEL)) == TEXT
