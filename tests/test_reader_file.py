"""The sync reader is a file for everything that takes one."""

from __future__ import annotations

import io
import random
import shutil
import zipfile
from collections.abc import Iterator

import pytest

from objectstore_client import Client, Objectstore, Scope, Usecase
from objectstore_client.usecase import Compression


@pytest.fixture
def client(server_url: str, scope: Scope) -> Iterator[Client]:
    """A sync client."""
    with Objectstore(server_url) as objectstore:
        yield objectstore.get_client(Usecase("testing"), scope)


def archive() -> bytes:
    """A zip file with some members."""
    noise, buffer = random.Random(1), io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for number in range(20):
            file.writestr(f"{number}", noise.randbytes(100_000) + bytes(50_000))
    return buffer.getvalue()


@pytest.mark.parametrize("compression", ["none", "zstd"])
def test_zipfile_and_shutil_read_it(client: Client, compression: Compression) -> None:
    """Without knowing what it is."""
    data = archive()
    key = client.put(data, compression=compression)
    with client.open(key) as reader:
        with zipfile.ZipFile(reader) as file:
            assert len(file.namelist()) == 20
            assert file.testzip() is None
        copy = io.BytesIO()
        reader.seek(0)
        shutil.copyfileobj(reader, copy)
        assert copy.getvalue() == data
        buffer = bytearray(10)
        reader.seek(-4, io.SEEK_END)
        assert reader.readinto(buffer) == 4
        reader.seek(0)
        assert reader.readinto1(buffer) == 10
        assert bytes(buffer) == data[:10]
        with pytest.raises(io.UnsupportedOperation):
            reader.write(b"")
        assert isinstance(io.BufferedReader(reader), io.BufferedReader)


def test_pyarrow_reads_it(client: Client) -> None:
    """Where it is installed."""
    pyarrow = pytest.importorskip("pyarrow")
    key = client.put(archive())
    with client.open(key) as reader:
        file = pyarrow.PythonFile(reader, mode="r")
        assert file.size() == reader.size()
        assert file.read_at(4, 0) == b"PK\x03\x04"
