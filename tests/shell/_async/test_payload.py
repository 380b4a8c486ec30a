"""Payloads: read in any way, bounded, and never holding what they do not need."""

from __future__ import annotations

import os

import pytest

from objectstore_client import AsyncClient, AsyncObjectstore, ClosedError, Scope, Usecase

LARGE = b"".join(b'{"line": %d, "text": "some words that repeat"}\n' % n for n in range(60_000))
RANDOM = os.urandom(300_000)


@pytest.fixture(params=["zstd", "none"])
async def large(client: AsyncClient, request: pytest.FixtureRequest) -> str:
    """The key of an object that does not fit into one piece."""
    return await client.put(LARGE, compression=request.param)


async def test_read_all(client: AsyncClient, large: str) -> None:
    """Without a size, everything; then nothing."""
    async with await client.get(large) as result:
        assert await result.payload.read() == LARGE
        assert await result.payload.read() == b""
        assert await result.payload.read(10) == b""


@pytest.mark.parametrize("size", [1000, 65_536, 131_072, 1_000_000, 10_000_000])
async def test_read_in_steps(client: AsyncClient, large: str, size: int) -> None:
    """Each step is as long as asked for, but the last."""
    steps = []
    async with await client.get(large) as result:
        while step := await result.payload.read(size):
            steps.append(step)
    assert b"".join(steps) == LARGE
    assert all(len(step) == size for step in steps[:-1])


async def test_other_ways_to_read(client: AsyncClient, large: str) -> None:
    """read(0), read(None), read1 and peek do what they do for files."""
    async with await client.get(large) as result:
        payload = result.payload
        assert await payload.read(0) == b""
        ahead = await payload.peek()
        assert ahead
        assert LARGE.startswith(ahead)
        first = await payload.read1(10)
        assert first == LARGE[:10]
        second = await payload.read1()
        assert 0 < len(second) <= 262_144
        assert await payload.read(None) == LARGE[10 + len(second) :]
        assert await payload.read1() == b""
        assert await payload.peek() == b""


async def test_iteration_yields_bounded_pieces(client: AsyncClient, large: str) -> None:
    """Not lines: pieces, none of them empty or larger than 512 KiB."""
    async with await client.get(large) as result:
        pieces = [piece async for piece in result.payload]
    assert b"".join(pieces) == LARGE
    assert len(pieces) > 5
    assert all(0 < len(piece) <= 524_288 for piece in pieces)


async def test_a_closed_payload_can_not_be_read(client: AsyncClient, large: str) -> None:
    """Also when it is small, and closing twice does no harm."""
    for key in (large, await client.put(b"small")):
        result = await client.get(key)
        await result.payload.aclose()
        await result.payload.aclose()
        assert result.payload.closed
        with pytest.raises(ClosedError, match="the payload is closed"):
            await result.payload.read()
        assert "closed" in repr(result.payload)


async def test_empty_objects(client: AsyncClient) -> None:
    """Nothing can be stored, compressed or not, and read in every way."""
    for compression in ("zstd", "none"):
        key = await client.put(b"", compression=compression)
        assert await (await client.get(key)).payload.read() == b""
        assert [piece async for piece in (await client.get(key)).payload] == []
        assert (await client.head(key)).size is not None


async def test_small_payloads_hold_no_connection(server_url: str, scope: Scope) -> None:
    """More forgotten payloads than connections: the next call still gets one."""
    async with AsyncObjectstore(server_url, timeout=5) as objectstore:
        client = objectstore.get_client(Usecase("testing"), scope)
        key = await client.put(b"x" * 60_000, compression="none")
        forgotten = [await client.get(key) for _ in range(70)]
        assert await client.exists(key)
        assert await forgotten[0].payload.read() == b"x" * 60_000


async def test_the_end_gives_the_connection_back(server_url: str, scope: Scope) -> None:
    """More payloads than connections, read to the end but not closed."""
    async with AsyncObjectstore(server_url, timeout=5) as objectstore:
        client = objectstore.get_client(Usecase("testing"), scope)
        key = await client.put(RANDOM)
        payloads = []
        for _ in range(40):
            result = await client.get(key)
            assert await result.payload.read() == RANDOM
            payloads.append(result.payload)
        assert await client.exists(key)
        assert "at the end" in repr(payloads[0])


async def test_closing_gives_the_connection_back(server_url: str, scope: Scope) -> None:
    """More payloads than connections, closed half way."""
    async with AsyncObjectstore(server_url, timeout=5) as objectstore:
        client = objectstore.get_client(Usecase("testing"), scope)
        key = await client.put(RANDOM)
        for _ in range(40):
            async with await client.get(key) as result:
                assert await result.payload.read(10) == RANDOM[:10]
        assert await client.exists(key)


async def test_an_error_in_the_block_gives_the_connection_back(
    server_url: str, scope: Scope
) -> None:
    """The context manager closes on every way out."""
    async with AsyncObjectstore(server_url, timeout=5) as objectstore:
        client = objectstore.get_client(Usecase("testing"), scope)
        key = await client.put(RANDOM)
        for _ in range(40):
            with pytest.raises(ZeroDivisionError):
                async with await client.get(key):
                    raise ZeroDivisionError
        assert await client.exists(key)
