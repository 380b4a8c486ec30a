# Generated from tests/shell/_async/test_parts.py; do not edit. To regenerate: python -m generator
"""Parts of objects, and reading that goes on where a connection broke off."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from objectstore_client import (
    ByteRange,
    Client,
    ConnectionLostError,
    IntegrityError,
    InvalidArgumentError,
    InvalidResponseError,
    ObjectChanged,
    Objectstore,
    RangeNotSatisfiable,
    RetryPolicy,
    Scope,
    Usecase,
)
from objectstore_client.usecase import Compression, Frames
from tests.support.rawserver import Exchange, Handler, RawServer, reply

_RANDOM = random.Random(1)
DATA = b"".join(_RANDOM.randbytes(500) + bytes(500) for _ in range(7_000))
QUICK = RetryPolicy(base=0.001, throttled_base=0.001)
CREATED = ("x-sn-time-created", "2026-01-01T00:00:00Z")
RANGES = (
    ByteRange(0),
    ByteRange(0, 0),
    ByteRange(5_000_000, 5_000_099),
    ByteRange(2_000_000, 4_500_000),
    ByteRange(6_999_990),
    ByteRange(6_999_990, 99_999_999),
    ByteRange.suffix(1),
    ByteRange.suffix(77),
    ByteRange.suffix(99_999_999),
)


def selected(byte_range: ByteRange, data: bytes = DATA) -> bytes:
    """What a range selects."""
    end = None if byte_range.last is None else byte_range.last + 1
    return data[byte_range.first : end]


@contextmanager
def connect(server: RawServer, retries: RetryPolicy | int = QUICK) -> Iterator[Client]:
    """A client of a scripted server."""
    with Objectstore(server.url, timeout=20, retries=retries) as objectstore:
        yield objectstore.get_client(Usecase("testing"), Scope(org=17))


@pytest.mark.parametrize(
    ("compression", "frames"),
    [("none", "independent"), ("zstd", "independent"), ("zstd", "single")],
)
def test_a_range_selects_bytes_of_the_payload(
    client: Client, compression: Compression, frames: Frames
) -> None:
    """The same bytes, however the object is stored."""
    key = client.put(DATA, compression=compression, frames=frames)
    for byte_range in RANGES:
        with client.get(key, byte_range=byte_range) as result:
            assert result.payload.read() == selected(byte_range), byte_range
            assert result.metadata.size is not None


def test_a_range_selects_stored_bytes_of_what_is_not_decoded(client: Client) -> None:
    """Which may be compressed."""
    key = client.put(DATA)
    stored = client.get(key, decompress=False).payload.read()
    for byte_range in (ByteRange(4, 9), ByteRange(1_000_000), ByteRange.suffix(5)):
        with client.get(key, byte_range=byte_range, decompress=False) as result:
            assert result.payload.read() == selected(byte_range, stored)
            assert result.payload.content_encoding == "zstd"
            assert result.metadata.size == len(stored)


@pytest.mark.parametrize("compression", ["none", "zstd"])
def test_a_range_outside_is_refused(client: Client, compression: Compression) -> None:
    """The error tells the size of what was asked for."""
    key = client.put(DATA, compression=compression)
    with pytest.raises(RangeNotSatisfiable) as caught:
        client.get(key, byte_range=ByteRange(len(DATA)))
    assert (caught.value.size, caught.value.status) == (len(DATA), 416)
    assert (caught.value.operation, caught.value.key) == ("get", key)


def test_an_empty_object_has_no_part(client: Client) -> None:
    """Whether it is asked for stored bytes or others."""
    key = client.put(b"", compression="none")
    for decompress in (True, False):
        with pytest.raises(RangeNotSatisfiable) as caught:
            client.get(key, byte_range=ByteRange(0), decompress=decompress)
        assert caught.value.size == 0


def test_what_is_no_range_is_refused(client: Client) -> None:
    """Before anything is sent."""
    with pytest.raises(InvalidArgumentError, match="ByteRange"):
        client.get("key", byte_range=(0, 9))  # type: ignore[arg-type]


@pytest.mark.parametrize("byte_range", [ByteRange(3, 5), ByteRange(3), ByteRange.suffix(4)])
def test_the_whole_may_be_the_answer_to_a_range(byte_range: ByteRange) -> None:
    """200: the part is cut out of it here."""
    with RawServer(reply(200, [CREATED], b"0123456789")) as server:
        with connect(server) as client:
            result = client.get("key", byte_range=byte_range, decompress=False)
            assert result.payload.read() == selected(byte_range, b"0123456789")


@pytest.mark.parametrize("content_range", [None, "bytes 0-2/10", "bytes */10", "nonsense"])
def test_another_part_breaks_the_protocol(content_range: str | None) -> None:
    """Bytes are never taken for others."""
    headers = [CREATED] if content_range is None else [CREATED, ("content-range", content_range)]
    with RawServer(reply(206, headers, b"345")) as server:
        with connect(server) as client:
            with pytest.raises(InvalidResponseError):
                client.get("key", byte_range=ByteRange(3, 5), decompress=False)


# ---- going on ----------------------------------------------------------------------------

BODY = DATA[:400_000]


def broken(
    body: bytes = BODY[:150_000], headers: Sequence[tuple[str, str]] = (CREATED,)
) -> Handler:
    """The object, whose connection breaks after *body*."""

    def handle(exchange: Exchange) -> None:
        reply(200, headers, body, content_length=len(BODY))(exchange)
        raise ConnectionError

    return handle


def rest(
    start: int,
    headers: Sequence[tuple[str, str]] = (CREATED,),
    *,
    total: int = len(BODY),
    body: bytes | None = None,
) -> Handler:
    """The part from *start* on, of which *body* comes."""
    content_range = ("content-range", f"bytes {start}-{total - 1}/{total}")
    answer = reply(
        206,
        [*headers, content_range],
        BODY[start:] if body is None else body,
        content_length=total - start,
    )

    def handle(exchange: Exchange) -> None:
        answer(exchange)
        if body is not None:
            raise ConnectionError

    return handle


def test_reading_goes_on_where_a_connection_broke_off() -> None:
    """As often as it takes, while there is progress; each byte is asked for once."""
    pieces = (150_000, 250_000, 350_000)
    handlers = [
        broken(),
        rest(150_000, body=BODY[150_000:250_000]),
        rest(250_000, body=BODY[250_000:350_000]),
        rest(350_000),
    ]
    with RawServer(*handlers) as server:
        with connect(server) as client, client.get("key") as result:
            assert result.payload.read() == BODY
    assert [request.headers.get("range") for request in server.requests] == [
        None,
        *(f"bytes={piece}-{len(BODY) - 1}" for piece in pieces),
    ]


def test_a_part_goes_on_as_well() -> None:
    """Up to its own end."""
    part = reply(
        206,
        [CREATED, ("content-range", f"bytes 100000-299999/{len(BODY)}")],
        BODY[100_000:200_000],
        content_length=200_000,
    )

    def handle(exchange: Exchange) -> None:
        part(exchange)
        raise ConnectionError

    last = reply(
        206, [CREATED, ("content-range", f"bytes 200000-299999/{len(BODY)}")], BODY[200_000:300_000]
    )
    with RawServer(handle, last) as server:
        with connect(server) as client:
            wanted = ByteRange(100_000, 299_999)
            with client.get("key", byte_range=wanted, decompress=False) as result:
                assert result.payload.read() == BODY[100_000:300_000]
    assert server.requests[1].headers["range"] == "bytes=200000-299999"


def test_what_has_no_length_goes_on_too() -> None:
    """As old servers send objects; the answer to the range tells it."""

    def handle(exchange: Exchange) -> None:
        exchange.read_body()
        exchange.send(
            b"HTTP/1.1 200 OK\r\nx-sn-time-created: 2026-01-01T00:00:00Z\r\n"
            b"transfer-encoding: chunked\r\n\r\n%x\r\n%b\r\n" % (150_000, BODY[:150_000])
        )
        raise ConnectionError

    with RawServer(handle, rest(150_000)) as server:
        with connect(server) as client, client.get("key") as result:
            assert result.payload.read() == BODY


def test_the_whole_may_be_the_answer_here_as_well() -> None:
    """What is there already is left out."""
    with RawServer(broken(), reply(200, [CREATED], BODY)) as server:
        with connect(server) as client, client.get("key") as result:
            assert result.payload.read() == BODY


OTHER = ("x-sn-time-created", "2026-01-01T00:00:01Z")


@pytest.mark.parametrize(
    "second",
    [
        rest(150_000, [OTHER]),
        rest(150_000, total=500_000, body=b""),
        reply(200, [OTHER], BODY),
        reply(404),
        reply(416, [("content-range", "bytes */9")]),
    ],
    ids=["replaced", "longer", "replaced whole", "deleted", "shorter"],
)
def test_versions_are_never_mixed(second: Handler) -> None:
    """What goes on must be what began; reading once more raises the same."""
    with RawServer(broken(), second) as server:
        with connect(server) as client, client.get("key") as result:
            for _ in range(2):
                with pytest.raises(ObjectChanged):
                    result.payload.read()


def test_a_version_that_can_not_be_told_does_not_go_on() -> None:
    """Without a time of creation there is nothing to compare."""
    with RawServer(broken(headers=())) as server:
        with connect(server) as client, client.get("key") as result:
            with pytest.raises(ConnectionLostError):
                result.payload.read()


def test_without_retries_nothing_goes_on() -> None:
    """One request is one request."""
    with RawServer(broken()) as server:
        with connect(server, retries=0) as client, client.get("key") as result:
            with pytest.raises(ConnectionLostError):
                result.payload.read()


def test_attempts_without_progress_are_bounded() -> None:
    """By the retry policy; then the last failure is raised."""
    nothing = rest(150_000, body=b"")
    with RawServer(broken(), nothing, nothing) as server:
        with connect(server) as client, client.get("key") as result:
            with pytest.raises(ConnectionLostError):
                result.payload.read()
    assert len(server.requests) == 3


def test_a_refused_token_is_replaced_on_the_way() -> None:
    """As it is before the first byte: the one that began may have expired meanwhile."""
    tokens = iter(["first", "second"])
    with RawServer(broken(), reply(401), rest(150_000)) as server:
        with Objectstore(
            server.url, timeout=20, retries=QUICK, token=lambda: next(tokens)
        ) as objectstore:
            client = objectstore.get_client(Usecase("testing"), Scope())
            with client.get("key") as result:
                assert result.payload.read() == BODY
    assert [request.headers["x-os-auth"] for request in server.requests] == [
        "Bearer first",
        "Bearer first",
        "Bearer second",
    ]


def test_a_lost_end_is_no_loss() -> None:
    """If every byte of the object is there, and only the end of the answer is not."""

    def handle(exchange: Exchange) -> None:
        exchange.read_body()
        exchange.send(
            b"HTTP/1.1 200 OK\r\nx-sn-time-created: 2026-01-01T00:00:00Z\r\nx-sn-size: %d\r\n"
            b"transfer-encoding: chunked\r\n\r\n%x\r\n%b\r\n" % (len(BODY), len(BODY), BODY)
        )
        raise ConnectionError

    with RawServer(handle) as server:
        with connect(server) as client, client.get("key") as result:
            assert result.payload.read() == BODY


def test_a_table_that_lies_is_found_out(client: Client) -> None:
    """Bytes are never made up: decoded frames count, not what a table says of them."""
    key = client.put(DATA)
    stored = bytearray(client.get(key, decompress=False).payload.read())
    stored[-13:-9] = (1 << 20).to_bytes(4, "little")  # the last frame's decoded size
    key = client.put(bytes(stored), precompressed="zstd")
    with pytest.raises(IntegrityError):
        with client.get(key, byte_range=ByteRange.suffix(10)) as result:
            result.payload.read()
