"""The sync payload is a binary file, for everything that takes one."""

from __future__ import annotations

import csv
import gc
import hashlib
import io
import json
import pickle
import shutil
import tarfile
from collections.abc import Iterator

import pytest

from objectstore_client import Client, Objectstore, Payload, Scope, Usecase

LINES = b"".join(b"%d,some text,%d\n" % (n, n * n) for n in range(50_000))


@pytest.fixture
def client(server_url: str, scope: Scope) -> Iterator[Client]:
    """A client of the embedded server."""
    with Objectstore(server_url) as objectstore:
        yield objectstore.get_client(Usecase("testing"), scope)


@pytest.fixture
def payload(client: Client) -> Iterator[Payload]:
    """The payload of an object of many lines."""
    with client.get(client.put(LINES)) as result:
        yield result.payload


def test_it_is_a_binary_file(payload: Payload) -> None:
    """By type and by its answers; it can't be sought or written."""
    assert isinstance(payload, io.BufferedIOBase)
    assert payload.readable()
    assert not payload.seekable()
    assert not payload.writable()
    assert not payload.closed
    with pytest.raises(io.UnsupportedOperation):
        payload.seek(0)
    with pytest.raises(io.UnsupportedOperation):
        payload.write(b"x")


def test_copyfileobj(payload: Payload) -> None:
    """The standard way to copy."""
    target = io.BytesIO()
    shutil.copyfileobj(payload, target)
    assert target.getvalue() == LINES


def test_readinto(payload: Payload) -> None:
    """Into a buffer of the caller, to the end."""
    buffer = bytearray(100_000)
    received = b""
    while count := payload.readinto(buffer):
        received += buffer[:count]
    assert received == LINES


def test_lines_and_text(payload: Payload) -> None:
    """readline works, and text wrappers for everything else."""
    assert payload.readline() == b"0,some text,0\n"
    assert payload.readline(5) == b"1,som"
    assert payload.readline() == b"e text,1\n"
    with io.TextIOWrapper(payload, "ascii", newline="") as text:
        rows = list(csv.reader(text))
    assert rows[0] == ["2", "some text", "4"]
    assert len(rows) == 49_998
    assert payload.closed


def test_buffered_reader(client: Client) -> None:
    """For those who read many small pieces."""
    with client.get(client.put(LINES)) as result:
        reader = io.BufferedReader(result.payload)
        assert list(reader)[-1] == b"49999,some text,2499900001\n"


def test_hashing(payload: Payload) -> None:
    """hashlib reads it to the end."""
    assert hashlib.file_digest(payload, "sha256").digest() == hashlib.sha256(LINES).digest()


def test_parsers(client: Client) -> None:
    """json, pickle and tarfile take it as it is."""
    document = {"numbers": list(range(10_000))}
    assert json.load(client.get(client.put(json.dumps(document).encode())).payload) == document
    assert pickle.load(client.get(client.put(pickle.dumps(document))).payload) == document
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        member = tarfile.TarInfo("lines.csv")
        member.size = len(LINES)
        tar.addfile(member, io.BytesIO(LINES))
    with (
        client.get(client.put(archive.getvalue())) as result,
        tarfile.open(fileobj=result.payload, mode="r|") as tar,
    ):
        names = []
        for entry in tar:
            names.append(entry.name)
            extracted = tar.extractfile(entry)
            assert extracted is not None
            assert extracted.read() == LINES
    assert names == ["lines.csv"]


def test_closed_files_raise_value_errors(payload: Payload) -> None:
    """As any file does."""
    payload.close()
    with pytest.raises(ValueError, match="closed"):
        payload.read()
    with pytest.raises(ValueError, match="closed"):
        payload.readline()
    with pytest.raises(ValueError, match="closed"):
        next(payload)


def test_a_forgotten_payload_gives_its_connection_back(server_url: str, scope: Scope) -> None:
    """More large payloads than connections, dropped without a word."""
    with Objectstore(server_url, timeout=5) as objectstore:
        client = objectstore.get_client(Usecase("testing"), scope)
        key = client.put(bytes(500_000), compression="none")
        for _ in range(40):
            client.get(key)
        gc.collect()
        assert client.exists(key)
