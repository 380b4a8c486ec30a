"""Objects as seekable files."""

from __future__ import annotations

import random

import pytest

from objectstore_client import (
    AsyncClient,
    ClosedError,
    InvalidArgumentError,
    ObjectChanged,
    ObjectNotFound,
)
from objectstore_client.usecase import Compression, Frames

_RANDOM = random.Random(1)
DATA = b"".join(_RANDOM.randbytes(500) + bytes(500) for _ in range(5_000))
STORED: list[tuple[Compression, Frames]] = [
    ("none", "independent"),
    ("zstd", "independent"),
    ("zstd", "single"),
]


@pytest.mark.parametrize(("compression", "frames"), STORED)
async def test_any_place_can_be_read(
    client: AsyncClient, compression: Compression, frames: Frames
) -> None:
    """In any order, in any size, to the end and beyond."""
    key = await client.put(DATA, compression=compression, frames=frames)
    dice = random.Random(2)
    async with await client.open(key) as reader:
        for _ in range(12):
            place, size = dice.randrange(len(DATA) + 10), dice.choice([0, 1, 100, 300_000])
            assert await reader.seek(place) == place
            assert await reader.read(size) == DATA[place : place + size]
            assert reader.tell() == place + len(DATA[place : place + size])
        assert await reader.seek(-10, 2) == len(DATA) - 10
        assert await reader.read() == DATA[-10:]
        assert await reader.read() == b""
        assert await reader.seek(-5, 1) == len(DATA) - 5
        assert await reader.read1(2) == DATA[-5:-3]
        assert await reader.size() == len(DATA)
        await reader.seek(0)
        assert await reader.read() == DATA
        assert reader.name == key


async def test_stored_bytes_can_be_read_as_well(client: AsyncClient) -> None:
    """With `decompress=False`."""
    key = await client.put(DATA)
    stored = await (await client.get(key, decompress=False)).payload.read()
    async with await client.open(key, decompress=False) as reader:
        await reader.seek(-100, 2)
        assert await reader.read() == stored[-100:]
        assert reader.metadata.size == len(stored)


@pytest.mark.parametrize("contents", [b"", b"small"])
@pytest.mark.parametrize("compression", ["none", "zstd"])
async def test_small_objects_are_files_too(
    client: AsyncClient, contents: bytes, compression: Compression
) -> None:
    """Even an empty one."""
    key = await client.put(contents, compression=compression)
    async with await client.open(key) as reader:
        assert await reader.read() == contents
        assert await reader.seek(0, 2) == len(contents)


async def test_reading_in_order_asks_for_more_and_more(client: AsyncClient) -> None:
    """Few requests for many small reads."""
    key = await client.put(DATA, compression="none")
    async with await client.open(key) as reader:
        pieces = []
        while piece := await reader.read(10_000):
            pieces.append(piece)
        assert b"".join(pieces) == DATA


async def test_a_reader_keeps_to_its_version(client: AsyncClient) -> None:
    """It never mixes what it opened with what came later."""
    key = await client.put(DATA, compression="none")
    async with await client.open(key) as reader:
        await reader.read(10)
        await client.put(DATA[:-1], id=key, compression="none")
        await reader.seek(-10, 2)
        with pytest.raises(ObjectChanged):
            await reader.read()
        await client.delete(key)
        with pytest.raises(ObjectChanged):
            await reader.read()


async def test_mistakes_are_refused(client: AsyncClient) -> None:
    """An absent object, a place before the start, a use after the end."""
    with pytest.raises(ObjectNotFound):
        await client.open("absent")
    reader = await client.open(await client.put(b"x"))
    for offset, whence in ((-1, 0), (0, 3)):
        with pytest.raises(InvalidArgumentError):
            await reader.seek(offset, whence)
    await reader.aclose()
    await reader.aclose()
    with pytest.raises(ClosedError):
        await reader.read(1)
    with pytest.raises(ClosedError):
        await reader.seek(0)
