# Generated from tests/shell/_async/test_reader.py; do not edit. To regenerate: python -m generator
"""Objects as seekable files."""

from __future__ import annotations

import random

import pytest

from objectstore_client import (
    Client,
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
def test_any_place_can_be_read(client: Client, compression: Compression, frames: Frames) -> None:
    """In any order, in any size, to the end and beyond."""
    key = client.put(DATA, compression=compression, frames=frames)
    dice = random.Random(2)
    with client.open(key) as reader:
        for _ in range(12):
            place, size = dice.randrange(len(DATA) + 10), dice.choice([0, 1, 100, 300_000])
            assert reader.seek(place) == place
            assert reader.read(size) == DATA[place : place + size]
            assert reader.tell() == place + len(DATA[place : place + size])
        assert reader.seek(-10, 2) == len(DATA) - 10
        assert reader.read() == DATA[-10:]
        assert reader.read() == b""
        assert reader.seek(-5, 1) == len(DATA) - 5
        assert reader.read1(2) == DATA[-5:-3]
        assert reader.size() == len(DATA)
        reader.seek(0)
        assert reader.read() == DATA
        assert reader.name == key


def test_stored_bytes_can_be_read_as_well(client: Client) -> None:
    """With `decompress=False`."""
    key = client.put(DATA)
    stored = client.get(key, decompress=False).payload.read()
    with client.open(key, decompress=False) as reader:
        reader.seek(-100, 2)
        assert reader.read() == stored[-100:]
        assert reader.metadata.size == len(stored)


@pytest.mark.parametrize("contents", [b"", b"small"])
@pytest.mark.parametrize("compression", ["none", "zstd"])
def test_small_objects_are_files_too(
    client: Client, contents: bytes, compression: Compression
) -> None:
    """Even an empty one."""
    key = client.put(contents, compression=compression)
    with client.open(key) as reader:
        assert reader.read() == contents
        assert reader.seek(0, 2) == len(contents)


def test_reading_in_order_asks_for_more_and_more(client: Client) -> None:
    """Few requests for many small reads."""
    key = client.put(DATA, compression="none")
    with client.open(key) as reader:
        pieces = []
        while piece := reader.read(10_000):
            pieces.append(piece)
        assert b"".join(pieces) == DATA


def test_a_reader_keeps_to_its_version(client: Client) -> None:
    """It never mixes what it opened with what came later."""
    key = client.put(DATA, compression="none")
    with client.open(key) as reader:
        reader.read(10)
        client.put(DATA[:-1], id=key, compression="none")
        reader.seek(-10, 2)
        with pytest.raises(ObjectChanged):
            reader.read()
        client.delete(key)
        with pytest.raises(ObjectChanged):
            reader.read()


def test_mistakes_are_refused(client: Client) -> None:
    """An absent object, a place before the start, a use after the end."""
    with pytest.raises(ObjectNotFound):
        client.open("absent")
    reader = client.open(client.put(b"x"))
    for offset, whence in ((-1, 0), (0, 3)):
        with pytest.raises(InvalidArgumentError):
            reader.seek(offset, whence)
    reader.close()
    reader.close()
    with pytest.raises(ClosedError):
        reader.read(1)
    with pytest.raises(ClosedError):
        reader.seek(0)
