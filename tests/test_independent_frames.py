"""Streams of many frames: cut, described, and read back whole or frame by frame."""

from __future__ import annotations

import io
import shutil
import subprocess
import tracemalloc
from collections.abc import Iterable, Iterator

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from objectstore_client.errors import IntegrityError
from objectstore_client.zstd import (
    Buffer,
    Decoder,
    IndependentFrames,
    SeekTable,
    WholeFrame,
    compress,
)

KIB = 1024


def lines(size: int) -> bytes:
    """*size* bytes that compress."""
    text = b"".join(b'{"line": %d, "square": %d}\n' % (n, n * n) for n in range(size // 20 + 1))
    return text[:size]


def encode(pieces: Iterable[Buffer], block_size: int) -> bytes:
    """What goes out for *pieces*."""
    frames = IndependentFrames(block_size)
    sent = [frames.note(compress(block)) for piece in pieces for block in frames.feed(piece)]
    if (block := frames.finish()) is not None:
        sent.append(frames.note(compress(block)))
    return b"".join([*sent, frames.seek_table()])


def parts(stream: bytes, chunk: int) -> Iterator[bytes | WholeFrame]:
    """What a decoder that leaves whole frames to others makes of *stream*."""
    decoder = Decoder(large=True)
    for start in range(0, len(stream), chunk):
        decoder.feed(stream[start : start + chunk])
        while (part := decoder.advance()) is not None:
            yield part
    decoder.finish()


def decode(stream: bytes, chunk: int) -> bytes:
    """The payload, some of it through whole frames."""
    return b"".join(
        part.decode() if isinstance(part, WholeFrame) else part for part in parts(stream, chunk)
    )


@given(
    st.lists(st.binary(max_size=40).flatmap(lambda b: st.sampled_from([b, bytearray(b)]))),
    st.integers(1, 50),
    st.integers(1, 64),
)
def test_any_pieces_in_any_blocks_come_back(
    pieces: list[Buffer], block_size: int, chunk: int
) -> None:
    """With exact sizes in every frame, and a seek table that agrees if there are several."""
    data = b"".join(pieces)
    stream = encode(pieces, block_size)
    assert decode(stream, chunk) == data
    table = SeekTable.parse(stream, len(stream))
    blocks = max(-(-len(data) // block_size), 1)
    if blocks == 1:
        assert table is None
        assert zstandard.frame_content_size(stream) == len(data)
        return
    assert table is not None
    assert (len(table), table.decoded_size) == (blocks, len(data))
    for number in range(blocks):
        place = table[number]
        frame = stream[place.start : place.start + place.size]
        decoded = zstandard.ZstdDecompressor().decompress(frame, allow_extra_data=False)
        assert decoded == data[number * block_size : (number + 1) * block_size]
        assert zstandard.get_frame_parameters(frame).has_checksum


def test_every_truncation_point_is_seen() -> None:
    """But the one before the seek table, which only the length of the whole can tell."""
    stream = encode([bytes(100)], 30)
    table_size = SeekTable.encoded_size(stream)
    assert table_size
    for end in range(len(stream)):
        if end == len(stream) - table_size or frame_ends(stream, end):
            continue
        with pytest.raises(IntegrityError):
            decode(stream[:end], 7)


def frame_ends(stream: bytes, end: int) -> bool:
    """Whether a frame ends there."""
    table = SeekTable.parse(stream, len(stream))
    assert table
    return end in {place.start + place.size for place in map(table.__getitem__, range(len(table)))}


def test_only_what_can_change_is_copied() -> None:
    """Blocks of immutable memory are views of it; of other memory they are copies."""
    data = bytes(range(200))
    view = memoryview(data)
    blocks = list(IndependentFrames(50).feed(view[20:140]))
    assert blocks == [data[20:70], data[70:120]]
    assert all(isinstance(block, memoryview) and block.obj is data for block in blocks)
    mutable = bytearray(data)
    (block,) = IndependentFrames(200).feed(mutable)
    mutable[:] = bytes(200)
    assert block == data


def test_plain_readers_read_it() -> None:
    """The library across frames, the table included."""
    data = lines(300_000)
    stream = encode([data], 64 * KIB)
    reader = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(stream), read_across_frames=True)
    assert reader.read() == data


# ---- whole frames -----------------------------------------------------------------------------


@pytest.mark.parametrize("chunk", [1000, 64 * KIB, 10_000_000])
def test_whole_frames_are_left_to_the_caller(chunk: int) -> None:
    """Those that declare a suitable size; small ones are decoded at once, in their place."""
    data = lines(400_000)
    stream = encode([data], 128 * KIB) + compress(data[:100])
    found = list(parts(stream, chunk))
    assert [part.content_size for part in found if isinstance(part, WholeFrame)] == [
        *[128 * KIB] * 3
    ]
    assert decode(stream, chunk) == data + data[:100]


@pytest.mark.parametrize("size", [64 * KIB - 1, 4 * KIB * KIB + 1])
def test_frames_of_other_sizes_are_decoded_in_pieces(size: int) -> None:
    """Too small for a thread, or too large to be held."""
    stream = compress(bytes(size))
    assert all(isinstance(part, bytes) for part in parts(stream, 1000))
    assert decode(stream, 1000) == bytes(size)


def test_an_endless_frame_is_not_collected() -> None:
    """One of a modest size that never ends, in empty blocks, is read on piece by piece."""
    size = 64 * KIB
    stream = zstandard.ZstdCompressor(level=1).compress(bytes(size))
    header = zstandard.frame_header_size(stream)
    empty_blocks = bytes(3) * 100_000
    padded = stream[:header] + empty_blocks + stream[header:]
    assert all(isinstance(part, bytes) for part in parts(padded, 1000))
    assert decode(padded, 70_000) == bytes(size)
    decoder = Decoder(large=True)
    tracemalloc.start()
    try:
        decoder.feed(stream[:header])
        for _ in range(20):
            assert decoder.advance() is None
            decoder.feed(empty_blocks[: 30 * KIB])
        assert tracemalloc.get_traced_memory()[1] < 2048 * KIB
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("position", [-1, 50_000])
def test_damage_in_a_whole_frame_is_told_as_ever(position: int) -> None:
    """By the one who decodes it, with the words of the decoder."""
    noise = bytearray(compress(bytes(range(256)) * 1000))
    frame = bytearray(compress(lines(200_000)))
    frame[position % len(frame)] ^= 0x10
    with pytest.raises(IntegrityError) as whole:
        decode(bytes(noise + frame), 10_000)
    decoder = Decoder()
    decoder.feed(noise + frame)
    with pytest.raises(IntegrityError) as pieces:
        b"".join(iter(decoder.read, None))
    assert str(whole.value) == str(pieces.value)


def test_limits_hold_for_whole_frames() -> None:
    """They act on the announcement, before anything is collected."""
    decoder = Decoder(large=True, max_decoded_size=150_000)
    decoder.feed(compress(bytes(100_000)) * 2)
    assert isinstance(decoder.advance(), WholeFrame)
    with pytest.raises(IntegrityError, match="max_decoded_size"):
        decoder.advance()


@pytest.mark.skipif(shutil.which("zstd") is None, reason="there is no zstd command")
def test_the_zstd_command_reads_it() -> None:
    """All frames, and past the table."""
    data = lines(300_000)
    stream = encode([data], 64 * KIB)
    run = subprocess.run(["zstd", "-q", "-d", "-c"], input=stream, capture_output=True, check=True)
    assert run.stdout == data
