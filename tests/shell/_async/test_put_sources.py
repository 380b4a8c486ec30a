"""What `put` takes: every kind of contents, streamed, never closed, never half stored."""

from __future__ import annotations

import io
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from objectstore_client import AsyncClient, IntegrityError, InvalidArgumentError, ObjectNotFound
from objectstore_client.sources import PIECE

SIZES = [0, 1, 1000, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 7]
BLOCK = os.urandom(4096)


def contents(size: int) -> bytes:
    """Bytes that compress, but not to nothing."""
    return (BLOCK + bytes(4096)) * (size // 8192) + BLOCK[: size % 8192]


def data(size: int) -> bytes:
    """Exactly *size* bytes."""
    return contents(size)[:size].ljust(size, b"x")


async def read(client: AsyncClient, key: str) -> bytes:
    """The decoded payload of an object."""
    async with await client.get(key) as result:
        return await result.payload.read()


async def generate(payload: bytes) -> AsyncIterator[bytes]:
    """Yield *payload* in chunks."""
    for start in range(0, len(payload), 70_000):
        yield payload[start : start + 70_000]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("compression", ["zstd", "none"])
async def test_every_kind_of_contents(
    client: AsyncClient, tmp_path: Path, size: int, compression: str
) -> None:
    """Whatever the kind and size, what comes back is what went in."""
    payload = data(size)
    path = tmp_path / "data.bin"
    path.write_bytes(payload)
    with path.open("rb") as file:
        kinds = [
            payload,
            bytearray(payload),
            memoryview(payload),
            io.BytesIO(payload),
            path,
            file,
            generate(payload),
            [payload[:100], b"", payload[100:]],
            iter([payload]),
        ]
        for kind in kinds:
            key = await client.put(kind, compression=compression)  # type: ignore[arg-type]
            assert await read(client, key) == payload, type(kind)
        assert not file.closed
    metadata = await client.head(key)
    assert metadata.compression == (None if compression == "none" else "zstd")
    if compression == "none":
        assert metadata.size == size


async def test_files_are_read_from_where_they_stand(client: AsyncClient) -> None:
    """And stay open, at their end."""
    file = io.BytesIO(b"skip this, store that")
    file.seek(11)
    assert await read(client, await client.put(file)) == b"store that"
    assert file.read() == b""
    assert not file.closed


async def test_a_payload_can_be_put_again(client: AsyncClient) -> None:
    """What is read from one object can be streamed into another."""
    payload = data(2 * PIECE)
    key = await client.put(payload)
    async with await client.get(key) as result:
        copy = await client.put(piece async for piece in result.payload)
    assert await read(client, copy) == payload


async def test_text_is_refused(client: AsyncClient) -> None:
    """The error says what to do; nothing is sent."""
    with pytest.raises(InvalidArgumentError, match="encode a text to bytes"):
        await client.put("text", id="text")  # type: ignore[arg-type]
    assert not await client.exists("text")


async def test_missing_files_are_told(client: AsyncClient, tmp_path: Path) -> None:
    """As the OSError they are."""
    with pytest.raises(FileNotFoundError):
        await client.put(tmp_path / "absent", id="absent")
    assert not await client.exists("absent")


@pytest.mark.parametrize("compression", ["zstd", "none"])
async def test_a_source_that_fails_stores_nothing(client: AsyncClient, compression: str) -> None:
    """The caller's own error comes out, and the former object stays."""

    async def failing() -> AsyncIterator[bytes]:
        yield data(2 * PIECE)
        raise ZeroDivisionError("the source failed")

    await client.put(b"former", id="key")
    with pytest.raises(ZeroDivisionError, match="the source failed"):
        await client.put(failing(), id="key", compression=compression)  # type: ignore[arg-type]
    assert await read(client, "key") == b"former"
    with pytest.raises(ZeroDivisionError):
        await client.put(failing(), id="other", compression=compression)  # type: ignore[arg-type]
    with pytest.raises(ObjectNotFound):
        await client.get("other")


@pytest.mark.parametrize("compression", ["zstd", "none"])
@pytest.mark.parametrize("change", [-1, 1])
async def test_a_file_that_changes_its_size_stores_nothing(
    client: AsyncClient, compression: str, change: int
) -> None:
    """A file that grows or shrinks while it is read is not stored as something in between."""

    class Changing(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if size == PIECE and self.tell() == 0:
                self.truncate(2 * PIECE + change)
                self.seek(0, os.SEEK_END)
                self.write(bytes(max(2 * PIECE + change - self.tell(), 0)))
                self.seek(0)
            return super().read(size)

    with pytest.raises(IntegrityError, match="changed their size"):
        await client.put(Changing(data(2 * PIECE)), id="key", compression=compression)  # type: ignore[arg-type]
    assert not await client.exists("key")


async def test_an_iterable_of_text_is_refused(client: AsyncClient) -> None:
    """What it yields is seen only on the way; still nothing is stored."""
    with pytest.raises(InvalidArgumentError, match="must yield bytes, got 'text'"):
        await client.put(["text"], id="key")  # type: ignore[list-item]
    assert not await client.exists("key")
