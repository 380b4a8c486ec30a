# Generated from tests/shell/_async/test_payload.py; do not edit. To regenerate: python -m generator
"""Payloads: read in any way, bounded, and never holding what they do not need."""

from __future__ import annotations

import os

import pytest

from objectstore_client import Client, ClosedError, Objectstore, Scope, Usecase

LARGE = b"".join(b'{"line": %d, "text": "some words that repeat"}\n' % n for n in range(60_000))
RANDOM = os.urandom(300_000)


@pytest.fixture(params=["zstd", "none"])
def large(client: Client, request: pytest.FixtureRequest) -> str:
    """The key of an object that does not fit into one piece."""
    return client.put(LARGE, compression=request.param)


def test_read_all(client: Client, large: str) -> None:
    """Without a size, everything; then nothing."""
    with client.get(large) as result:
        assert result.payload.read() == LARGE
        assert result.payload.read() == b""
        assert result.payload.read(10) == b""


@pytest.mark.parametrize("size", [1000, 65_536, 131_072, 1_000_000, 10_000_000])
def test_read_in_steps(client: Client, large: str, size: int) -> None:
    """Each step is as long as asked for, but the last."""
    steps = []
    with client.get(large) as result:
        while step := result.payload.read(size):
            steps.append(step)
    assert b"".join(steps) == LARGE
    assert all(len(step) == size for step in steps[:-1])


def test_other_ways_to_read(client: Client, large: str) -> None:
    """read(0), read(None), read1 and peek do what they do for files."""
    with client.get(large) as result:
        payload = result.payload
        assert payload.read(0) == b""
        ahead = payload.peek()
        assert ahead
        assert LARGE.startswith(ahead)
        first = payload.read1(10)
        assert first == LARGE[:10]
        second = payload.read1()
        assert 0 < len(second) <= 262_144
        assert payload.read(None) == LARGE[10 + len(second) :]
        assert payload.read1() == b""
        assert payload.peek() == b""


def test_iteration_yields_bounded_pieces(client: Client, large: str) -> None:
    """Not lines: pieces, none of them empty or larger than 512 KiB."""
    with client.get(large) as result:
        pieces = [piece for piece in result.payload]
    assert b"".join(pieces) == LARGE
    assert len(pieces) > 5
    assert all(0 < len(piece) <= 524_288 for piece in pieces)


def test_a_closed_payload_can_not_be_read(client: Client, large: str) -> None:
    """Also when it is small, and closing twice does no harm."""
    for key in (large, client.put(b"small")):
        result = client.get(key)
        result.payload.close()
        result.payload.close()
        assert result.payload.closed
        with pytest.raises(ClosedError, match="the payload is closed"):
            result.payload.read()
        assert "closed" in repr(result.payload)


def test_empty_objects(client: Client) -> None:
    """Nothing can be stored, compressed or not, and read in every way."""
    for compression in ("zstd", "none"):
        key = client.put(b"", compression=compression)
        assert client.get(key).payload.read() == b""
        assert [piece for piece in client.get(key).payload] == []
        assert client.head(key).size is not None


def test_small_payloads_hold_no_connection(server_url: str, scope: Scope) -> None:
    """More forgotten payloads than connections: the next call still gets one."""
    with Objectstore(server_url, timeout=5) as objectstore:
        client = objectstore.get_client(Usecase("testing"), scope)
        key = client.put(b"x" * 60_000, compression="none")
        forgotten = [client.get(key) for _ in range(70)]
        assert client.exists(key)
        assert forgotten[0].payload.read() == b"x" * 60_000


def test_the_end_gives_the_connection_back(server_url: str, scope: Scope) -> None:
    """More payloads than connections, read to the end but not closed."""
    with Objectstore(server_url, timeout=5) as objectstore:
        client = objectstore.get_client(Usecase("testing"), scope)
        key = client.put(RANDOM)
        payloads = []
        for _ in range(40):
            result = client.get(key)
            assert result.payload.read() == RANDOM
            payloads.append(result.payload)
        assert client.exists(key)
        assert "at the end" in repr(payloads[0])


def test_closing_gives_the_connection_back(server_url: str, scope: Scope) -> None:
    """More payloads than connections, closed half way."""
    with Objectstore(server_url, timeout=5) as objectstore:
        client = objectstore.get_client(Usecase("testing"), scope)
        key = client.put(RANDOM)
        for _ in range(40):
            with client.get(key) as result:
                assert result.payload.read(10) == RANDOM[:10]
        assert client.exists(key)


def test_an_error_in_the_block_gives_the_connection_back(server_url: str, scope: Scope) -> None:
    """The context manager closes on every way out."""
    with Objectstore(server_url, timeout=5) as objectstore:
        client = objectstore.get_client(Usecase("testing"), scope)
        key = client.put(RANDOM)
        for _ in range(40):
            with pytest.raises(ZeroDivisionError):
                with client.get(key):
                    raise ZeroDivisionError
        assert client.exists(key)
