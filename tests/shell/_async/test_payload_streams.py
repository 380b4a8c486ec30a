"""Reading large payloads: on several cores, in order, within limits, and with progress told."""

from __future__ import annotations

import os

import pytest
import zstandard

from objectstore_client import (
    AsyncClient,
    AsyncObjectstore,
    ClosedError,
    ConnectionLostError,
    IntegrityError,
    InvalidArgumentError,
    Scope,
    Usecase,
)
from objectstore_client.zstd import compress
from tests.support.rawserver import Exchange, RawServer, answer

NOISE = os.urandom(3_000_000)
TEXT = b"".join(b'{"line": %d, "text": "some words that repeat"}\n' % n for n in range(130_000))
MIXED = NOISE + TEXT
MIB = 1024 * 1024


def frames(payload: bytes, *sizes: int) -> bytes:
    """Frames of these sizes, the last of what is left."""
    parts, start = [], 0
    for size in sizes:
        parts.append(compress(payload[start : start + size]))
        start += size
    return b"".join([*parts, compress(payload[start:])])


def single(payload: bytes) -> bytes:
    """One frame that does not tell its size, as other clients write it."""
    stream = zstandard.ZstdCompressor().compressobj()
    return stream.compress(payload) + stream.flush()


STREAMS = {
    "single": single(MIXED),
    "ours": frames(MIXED, 2 * MIB, 2 * MIB),
    "large": frames(MIXED, 4 * MIB + 1, 100),
    "small": frames(MIXED, *[10_000] * 300),
    "alternating": frames(MIXED, *[200_000, 1000, 500_000] * 8),
    "mixed": frames(MIXED[:MIB], 100_000)
    + b"\x5a\x2a\x4d\x18\x03\x00\x00\x00abc"
    + single(MIXED[MIB : 5 * MIB])
    + compress(b"")
    + frames(MIXED[5 * MIB :], 1 * MIB),
}
assert all(len(stream) >= MIB for stream in STREAMS.values())


@pytest.mark.parametrize("name", STREAMS)
async def test_every_kind_of_frames_is_read_in_order(client: AsyncClient, name: str) -> None:
    """At once, in steps, and by iterating."""
    key = await client.put(STREAMS[name], precompressed="zstd")
    async with await client.get(key) as result:
        assert await result.payload.read() == MIXED
        assert await result.payload.read() == b""
    async with await client.get(key) as result:
        steps = []
        while step := await result.payload.read(777_777):
            steps.append(step)
        assert b"".join(steps) == MIXED
        assert {len(step) for step in steps[:-1]} == {777_777}
    async with await client.get(key) as result:
        assert b"".join([piece async for piece in result.payload]) == MIXED


async def test_what_is_put_in_frames_is_got(client: AsyncClient) -> None:
    """Whatever the frames, level and compression, at sizes around those of frames."""
    for size in (2 * MIB - 1, 2 * MIB, 2 * MIB + 1, 4 * MIB, len(MIXED)):
        for options in (
            {},
            {"frames": "single"},
            {"compression": "auto"},
            {"compression_level": 1},
        ):
            key = await client.put([MIXED[:size]], **options)
            async with await client.get(key) as result:
                assert await result.payload.read() == MIXED[:size]


@pytest.mark.parametrize("name", ["ours", "large"])
@pytest.mark.parametrize("position", [0.1, 0.5, 0.99])
async def test_damage_is_seen(client: AsyncClient, position: float, name: str) -> None:
    """In whichever frame it is, and reading on does not take it for the end."""
    stream = bytearray(STREAMS[name])
    stream[int(len(stream) * position)] ^= 0xFF
    key = await client.put(stream, precompressed="zstd")
    async with await client.get(key) as result:
        for _ in range(2):
            with pytest.raises(IntegrityError):
                await result.payload.read()


@pytest.mark.parametrize("name", ["single", "ours"])
@pytest.mark.parametrize("cut", [1, 100_000, 2_000_000])
async def test_truncation_is_seen(client: AsyncClient, cut: int, name: str) -> None:
    """Where a frame misses its end."""
    key = await client.put(STREAMS[name][:-cut], precompressed="zstd")
    async with await client.get(key) as result:
        with pytest.raises(IntegrityError, match="the zstd stream is truncated"):
            await result.payload.read()


@pytest.mark.parametrize("name", ["single", "ours"])
async def test_a_large_payload_can_be_left(client: AsyncClient, name: str) -> None:
    """Closed half way, with work under way; and the next call works."""
    key = await client.put(STREAMS[name], precompressed="zstd")
    for _ in range(3):
        async with await client.get(key) as result:
            assert await result.payload.read(10) == MIXED[:10]
        with pytest.raises(ClosedError):
            await result.payload.read()
    assert await client.exists(key)


@pytest.mark.parametrize("name", ["single", "ours"])
async def test_a_payload_that_nobody_has_any_more(server_url: str, scope: Scope, name: str) -> None:
    """Work that is under way does not keep its connection, which is the only one."""
    async with AsyncObjectstore(server_url, max_connections=1, timeout=20) as objectstore:
        client = objectstore.get_client(Usecase("testing"), scope)
        key = await client.put(STREAMS[name], precompressed="zstd")
        for _ in range(5):
            result = await client.get(key)
            assert await result.payload.read(1_000_000) == MIXED[:1_000_000]
            del result


# ---- limits -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["small payload", *STREAMS])
async def test_max_decoded_size(server_url: str, scope: Scope, name: str) -> None:
    """Of the client or the call; exact, for every kind of frames."""
    payload = MIXED if name in STREAMS else b"small" * 100
    async with AsyncObjectstore(server_url, max_decoded_size=len(payload) - 1) as objectstore:
        client = objectstore.get_client(Usecase("testing"), scope)
        key = await client.put(STREAMS.get(name) or compress(payload), precompressed="zstd")
        with pytest.raises(IntegrityError, match="larger than max_decoded_size"):
            await (await client.get(key)).payload.read()
        async with await client.get(key, max_decoded_size=len(payload)) as result:
            assert await result.payload.read() == payload
        async with await client.get(key, decompress=False) as result:
            assert await result.payload.read() != payload
        plain = await client.put(payload, compression="none")
        async with await client.get(plain) as result:
            assert await result.payload.read() == payload


@pytest.mark.parametrize("value", [-1, True, "1", 1.5])
async def test_bad_limits_are_refused(client: AsyncClient, value: int) -> None:
    """By the client and by the call."""
    with pytest.raises(InvalidArgumentError, match="max_decoded_size: must be a number of bytes"):
        await client.get("key", max_decoded_size=value)
    with pytest.raises(InvalidArgumentError, match="max_decoded_size"):
        AsyncObjectstore("http://localhost", max_decoded_size=value)


# ---- progress ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["none", "tiny", *STREAMS])
async def test_progress_of_reading(client: AsyncClient, name: str) -> None:
    """Ever more bytes that were handed out, and the total as soon as it is known."""
    payload = b"tiny" if name == "tiny" else MIXED
    if name in STREAMS:
        key = await client.put(STREAMS[name], precompressed="zstd")
    else:
        key = await client.put(payload, compression="none")
    calls: list[tuple[int, int | None]] = []
    async with await client.get(
        key, on_progress=lambda done, total: calls.append((done, total))
    ) as result:
        handed_out = 0
        while step := await result.payload.read(1_000_000):
            handed_out += len(step)
            assert calls[-1][0] == handed_out
    done = [call[0] for call in calls]
    assert done == sorted(set(done))
    totals = {call[1] for call in calls}
    assert totals <= ({None, len(payload)} if name in STREAMS else {len(payload)})


async def test_an_error_in_progress_ends_reading(client: AsyncClient) -> None:
    """It comes out as it is, and the payload is closed."""
    key = await client.put(MIXED)

    def fail(done: int, total: int | None) -> None:
        raise ZeroDivisionError

    for _ in range(40):  # more than there are connections
        result = await client.get(key, on_progress=fail)
        with pytest.raises(ZeroDivisionError):
            await result.payload.read()
        assert result.payload.closed


@pytest.mark.parametrize("name", ["single", "ours"])
async def test_a_connection_that_breaks_ends_reading(name: str) -> None:
    """While work is under way; no later read takes it for the end of the data."""
    stream = STREAMS[name]
    encoding = [("content-encoding", "zstd")]
    half = answer(200, encoding, stream[: len(stream) // 2], content_length=len(stream))

    def hang_up(exchange: Exchange) -> None:
        exchange.send(half)
        exchange.end()

    with RawServer(hang_up) as server:
        async with AsyncObjectstore(server.url, timeout=20, retries=0) as objectstore:
            client = objectstore.get_client(Usecase("testing"), Scope())
            result = await client.get("key")
            for _ in range(2):
                with pytest.raises(ConnectionLostError):
                    await result.payload.read()
