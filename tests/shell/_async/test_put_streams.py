"""How payloads go out: in which frames, compressed or not, and who is told of it."""

from __future__ import annotations

import io
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import zstandard

from objectstore_client import (
    AsyncClient,
    AsyncObjectstore,
    BadRequestError,
    ConnectError,
    IntegrityError,
    InvalidArgumentError,
    RetryPolicy,
    Scope,
    Usecase,
)
from objectstore_client.sources import PIECE
from objectstore_client.zstd import SeekTable
from tests.support.rawserver import Exchange, RawServer, answer, reply

TEXT = b"".join(b'{"line": %d, "text": "some words that repeat"}\n' % n for n in range(130_000))
NOISE = os.urandom(2 * PIECE + 1000)
MIXED = NOISE[:PIECE] + TEXT


async def generate(payload: bytes, size: int = 70_000) -> AsyncIterator[bytes]:
    """Yield *payload* in chunks."""
    for start in range(0, len(payload), size):
        yield payload[start : start + size]


async def stored(client: AsyncClient, key: str) -> tuple[str | None, bytes]:
    """Encoding and bytes of an object as they are stored."""
    async with await client.get(key, decompress=False) as result:
        return result.metadata.compression, await result.payload.read()


def decoded(stream: bytes) -> bytes:
    """What the library's own reader makes of *stream*."""
    reader = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(stream), read_across_frames=True)
    return reader.read()


@pytest.mark.parametrize("size", [2 * PIECE, 2 * PIECE + 1, 5_000_000])
async def test_large_payloads_are_independent_frames(
    client: AsyncClient, tmp_path: Path, size: int
) -> None:
    """Of 2 MiB each, with size and checksum, whatever they come from, and a table of them."""
    payload = TEXT[:size]
    path = tmp_path / "payload"
    path.write_bytes(payload)
    for contents in (payload, bytearray(payload), path, generate(payload), generate(payload, size)):
        _, stream = await stored(client, await client.put(contents))
        assert decoded(stream) == payload
        table = SeekTable.parse(stream, len(stream))
        assert table is not None
        assert (len(table), table.decoded_size) == (-(-size // PIECE), size)
        for number in range(len(table)):
            place = table[number]
            assert place.decoded_size == min(PIECE, size - number * PIECE)
            frame = zstandard.get_frame_parameters(stream[place.start :])
            assert (frame.content_size, frame.has_checksum) == (place.decoded_size, True)


@pytest.mark.parametrize("size", [0, 1, 100_000, PIECE])
async def test_small_payloads_are_one_frame(client: AsyncClient, size: int) -> None:
    """With their size and no table, whatever they come from."""
    for contents in (TEXT[:size], generate(TEXT[:size]), io.BytesIO(TEXT[:size])):
        _, stream = await stored(client, await client.put(contents))
        assert (
            zstandard.ZstdDecompressor().decompress(stream, allow_extra_data=False) == TEXT[:size]
        )


async def test_frames_can_be_single(objectstore: AsyncObjectstore, client: AsyncClient) -> None:
    """For the usecase or the call, so that readers of one frame get it all."""
    single = objectstore.get_client(Usecase("single", frames="single"), client.scope)
    for key in (await single.put(TEXT), await single.put(generate(TEXT))):
        _, stream = await stored(single, key)
        assert zstandard.ZstdDecompressor().decompressobj().decompress(stream) == TEXT
    _, stream = await stored(client, await client.put(TEXT, frames="single"))
    assert zstandard.ZstdDecompressor().decompressobj().decompress(stream) == TEXT
    _, stream = await stored(single, await single.put(TEXT, frames="independent"))
    assert SeekTable.parse(stream, len(stream))


async def test_the_level_is_used(objectstore: AsyncObjectstore, client: AsyncClient) -> None:
    """That of the usecase, or of the call, for every kind of payload."""
    fast = objectstore.get_client(Usecase("fast", compression_level=1), client.scope)
    for contents in (TEXT[:100_000], TEXT):
        sizes = [
            len((await stored(fast, await fast.put(contents)))[1]),
            len((await stored(fast, await fast.put(contents, compression_level=3)))[1]),
            len((await stored(client, await client.put(contents)))[1]),
            len((await stored(client, await client.put(contents, frames="single")))[1]),
        ]
        assert sizes[0] != sizes[1] == sizes[2]
    _, stream = await stored(client, await client.put(TEXT, frames="single", compression_level=-5))
    assert len(stream) > sizes[3]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"compression_level": 23}, "compression_level: must be a whole number from -100 to 22"),
        ({"compression_level": True}, "compression_level: must be a whole number"),
        ({"compression_level": "3"}, "compression_level: must be a whole number"),
        ({"frames": "many"}, "frames: must be 'independent' or 'single', got 'many'"),
        ({"compression": "auto", "precompressed": "zstd"}, "compression: must not be 'auto'"),
    ],
)
async def test_bad_encodings_are_refused(
    client: AsyncClient, arguments: dict[str, object], message: str
) -> None:
    """By `put`, and by `Usecase` what it knows."""
    with pytest.raises(InvalidArgumentError, match=message):
        await client.put(b"x", **arguments)  # type: ignore[arg-type]
    if "precompressed" not in arguments:
        with pytest.raises(InvalidArgumentError, match=message):
            Usecase("testing", **arguments)  # type: ignore[arg-type]


# ---- compression="auto" -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("payload", "encoding"),
    [
        (b"", None),
        (b"short", None),
        (TEXT[:10_000], "zstd"),
        (TEXT, "zstd"),
        (NOISE[:10_000], None),
        (NOISE, None),
        (MIXED, None),
        (TEXT[:PIECE] + NOISE, "zstd"),
    ],
    ids=["empty", "short", "small text", "text", "small noise", "noise", "noise first", "then"],
)
async def test_auto_compresses_what_shrinks(
    client: AsyncClient, tmp_path: Path, payload: bytes, encoding: str | None
) -> None:
    """By its first 2 MiB, whatever it comes from; what comes back is what went in."""
    path = tmp_path / "payload"
    path.write_bytes(payload)
    kinds = (payload, path, io.BytesIO(payload), generate(payload), iter([payload]), [payload])
    for contents in kinds:
        key = await client.put(contents, compression="auto")
        found, stream = await stored(client, key)
        assert found == encoding, type(contents)
        assert (decoded(stream) if encoding else stream) == payload


async def test_an_iterator_that_was_tried_can_still_be_sent() -> None:
    """What was read to see whether it shrinks is not lost when there is no connection at first."""
    with RawServer(reply(503), reply(200, body=b'{"key": "key"}')) as server:
        async with AsyncObjectstore(server.url, retries=RetryPolicy(base=0.001)) as objectstore:
            client = objectstore.get_client(Usecase("testing", compression="auto"), Scope())
            await client.put([TEXT, NOISE], id="key")
    assert decoded(server.requests[1].body) == TEXT + NOISE


@pytest.mark.parametrize("compression", ["auto", "zstd", "none"])
async def test_sources_are_closed(client: AsyncClient, compression: str) -> None:
    """When they are used up, when they fail, and when the server did not want them."""
    closed = []

    async def source(fails_at: int) -> AsyncIterator[bytes]:
        try:
            for number in range(8):
                if number == fails_at:
                    raise ZeroDivisionError
                yield TEXT[: PIECE // 2]
        finally:
            closed.append(fails_at)

    await client.put(source(9), compression=compression)  # type: ignore[arg-type]
    for fails_at in (0, 2, 7):
        with pytest.raises(ZeroDivisionError):
            await client.put(source(fails_at), compression=compression)  # type: ignore[arg-type]
    assert closed == [9, 0, 2, 7]
    refused = Usecase("testing", compression=compression)  # type: ignore[arg-type]
    async with AsyncObjectstore("http://127.0.0.1:9", retries=0) as objectstore:
        with pytest.raises(ConnectError):
            await objectstore.get_client(refused, Scope()).put(source(9))
    assert closed[4:] in ([], [9]), "one that was never begun needs no closing"


# ---- progress ---------------------------------------------------------------------------------


@pytest.mark.parametrize("compression", ["zstd", "auto", "none"])
async def test_progress_of_a_put(client: AsyncClient, tmp_path: Path, compression: str) -> None:
    """Ever more bytes of the contents, up to all of them; with the total where it is known."""
    path = tmp_path / "payload"
    path.write_bytes(TEXT)
    small = TEXT[:1000]
    for contents, size, total in (
        (TEXT, len(TEXT), len(TEXT)),
        (path, len(TEXT), len(TEXT)),
        (generate(TEXT), len(TEXT), None),
        (small, len(small), len(small)),
    ):
        calls: list[tuple[int, int | None]] = []
        await client.put(
            contents,
            compression=compression,  # type: ignore[arg-type]
            on_progress=lambda done, of, calls=calls: calls.append((done, of)),  # type: ignore[misc]
        )
        done = [call[0] for call in calls]
        assert done == sorted(set(done))
        assert done[-1] == size
        assert {call[1] for call in calls} == {total}
        assert size < PIECE or len(calls) >= 3


async def test_progress_does_not_go_back() -> None:
    """When a request is repeated, only what is news is told."""
    with RawServer(reply(503), reply(200, body=b'{"key": "key"}')) as server:
        async with AsyncObjectstore(server.url, retries=RetryPolicy(base=0.001)) as objectstore:
            client = objectstore.get_client(Usecase("testing"), Scope())
            calls: list[int] = []
            await client.put(TEXT, id="key", on_progress=lambda done, _: calls.append(done))
    assert len(server.requests) == 2
    assert calls == sorted(set(calls))
    assert calls[-1] == len(TEXT)


@pytest.mark.parametrize("error", [ZeroDivisionError, IntegrityError, ConnectionError])
@pytest.mark.parametrize("contents", [b"small", TEXT], ids=["small", "large"])
async def test_an_error_in_progress_ends_the_put(
    client: AsyncClient, contents: bytes, error: type[Exception]
) -> None:
    """It comes out as it is, once, and nothing is stored."""
    calls = []

    def fail(done: int, _: int | None) -> None:
        calls.append(done)
        raise error("enough")

    with pytest.raises(error, match="enough"):
        await client.put(contents, id="key", on_progress=fail)
    assert len(calls) == 1
    assert not await client.exists("key")


async def test_an_early_refusal_ends_a_large_put() -> None:
    """The frames that were under way are dropped, and the source is closed."""
    closed = []

    async def source() -> AsyncIterator[bytes]:
        try:
            while True:
                yield NOISE
        finally:
            closed.append(True)

    def refuse(exchange: Exchange) -> None:
        next(exchange.chunks())
        exchange.send(answer(413))
        exchange.peer_closed()

    with RawServer(refuse) as server:
        async with AsyncObjectstore(server.url, retries=0) as objectstore:
            client = objectstore.get_client(Usecase("testing"), Scope())
            with pytest.raises(BadRequestError):
                await client.put(source())
    assert closed == [True]
