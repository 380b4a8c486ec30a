# Generated from tests/shell/_async/test_put_sources.py; do not edit. To regenerate: python -m generator
"""What `put` takes: every kind of contents, streamed, never closed, never half stored."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from objectstore_client import Client, IntegrityError, InvalidArgumentError, ObjectNotFound
from objectstore_client.sources import PIECE

SIZES = [0, 1, 1000, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 7]
BLOCK = os.urandom(4096)


def contents(size: int) -> bytes:
    """Bytes that compress, but not to nothing."""
    return (BLOCK + bytes(4096)) * (size // 8192) + BLOCK[: size % 8192]


def data(size: int) -> bytes:
    """Exactly *size* bytes."""
    return contents(size)[:size].ljust(size, b"x")


def read(client: Client, key: str) -> bytes:
    """The decoded payload of an object."""
    with client.get(key) as result:
        return result.payload.read()


def generate(payload: bytes) -> Iterator[bytes]:
    """Yield *payload* in chunks."""
    for start in range(0, len(payload), 70_000):
        yield payload[start : start + 70_000]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("compression", ["zstd", "none"])
def test_every_kind_of_contents(
    client: Client, tmp_path: Path, size: int, compression: str
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
            key = client.put(kind, compression=compression)  # type: ignore[arg-type]
            assert read(client, key) == payload, type(kind)
        assert not file.closed
    metadata = client.head(key)
    assert metadata.compression == (None if compression == "none" else "zstd")
    if compression == "none":
        assert metadata.size == size


def test_files_are_read_from_where_they_stand(client: Client) -> None:
    """And stay open, at their end."""
    file = io.BytesIO(b"skip this, store that")
    file.seek(11)
    assert read(client, client.put(file)) == b"store that"
    assert file.read() == b""
    assert not file.closed


def test_a_payload_can_be_put_again(client: Client) -> None:
    """What is read from one object can be streamed into another."""
    payload = data(2 * PIECE)
    key = client.put(payload)
    with client.get(key) as result:
        copy = client.put(piece for piece in result.payload)
    assert read(client, copy) == payload


def test_text_is_refused(client: Client) -> None:
    """The error says what to do; nothing is sent."""
    with pytest.raises(InvalidArgumentError, match="encode a text to bytes"):
        client.put("text", id="text")  # type: ignore[arg-type]
    assert not client.exists("text")


def test_missing_files_are_told(client: Client, tmp_path: Path) -> None:
    """As the OSError they are."""
    with pytest.raises(FileNotFoundError):
        client.put(tmp_path / "absent", id="absent")
    assert not client.exists("absent")


@pytest.mark.parametrize("compression", ["zstd", "none"])
def test_a_source_that_fails_stores_nothing(client: Client, compression: str) -> None:
    """The caller's own error comes out, and the former object stays."""

    def failing() -> Iterator[bytes]:
        yield data(2 * PIECE)
        raise ZeroDivisionError("the source failed")

    client.put(b"former", id="key")
    with pytest.raises(ZeroDivisionError, match="the source failed"):
        client.put(failing(), id="key", compression=compression)  # type: ignore[arg-type]
    assert read(client, "key") == b"former"
    with pytest.raises(ZeroDivisionError):
        client.put(failing(), id="other", compression=compression)  # type: ignore[arg-type]
    with pytest.raises(ObjectNotFound):
        client.get("other")


@pytest.mark.parametrize("compression", ["zstd", "none"])
@pytest.mark.parametrize("change", [-1, 1])
def test_a_file_that_changes_its_size_stores_nothing(
    client: Client, compression: str, change: int
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
        client.put(Changing(data(2 * PIECE)), id="key", compression=compression)  # type: ignore[arg-type]
    assert not client.exists("key")


def test_an_iterable_of_text_is_refused(client: Client) -> None:
    """What it yields is seen only on the way; still nothing is stored."""
    with pytest.raises(InvalidArgumentError, match="must yield bytes, got 'text'"):
        client.put(["text"], id="key")  # type: ignore[list-item]
    assert not client.exists("key")
