# Generated from tests/shell/_async/test_answers.py; do not edit. To regenerate: python -m generator
"""Answers of other servers: older, odd, broken and hostile ones. Each is played byte for byte."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from objectstore_client import (
    ApiError,
    AuthenticationError,
    BadRequestError,
    Client,
    ConnectionLostError,
    IntegrityError,
    InvalidResponseError,
    ObjectNotFound,
    Objectstore,
    ObjectstoreError,
    RateLimitedError,
    Scope,
    ServerError,
    TimeToIdle,
    TimeToLive,
    TransportTimeoutError,
    UnsupportedError,
    Usecase,
)
from objectstore_client.zstd import compress
from tests.support.rawserver import Exchange, Handler, RawServer, reply

JSON = ("Content-Type", "application/json")
ZSTD = ("Content-Encoding", "zstd")
PAYLOAD = bytes(range(256)) * 1000


@contextmanager
def connect(server: RawServer, timeout: float = 20) -> Iterator[Client]:
    """A client of a scripted server, that takes the first answer for the last."""
    with Objectstore(server.url, timeout=timeout, retries=0) as objectstore:
        yield objectstore.get_client(Usecase("testing"), Scope(org=17))


def play(data: bytes, *, close: bool = True) -> Handler:
    """Read the request, send exactly *data*, and close."""

    def handle(exchange: Exchange) -> None:
        exchange.read_body()
        exchange.send(data)
        if close:
            raise ConnectionError

    return handle


def stall(data: bytes = b"") -> Handler:
    """Read the request, send *data*, and then nothing."""

    def handle(exchange: Exchange) -> None:
        exchange.read_body()
        exchange.send(data)
        exchange.peer_closed()
        raise ConnectionError

    return handle


def test_an_old_server_is_understood() -> None:
    """HEAD answered 204, GET chunked without a length, long durations, six fractional digits."""
    head = (
        b"Content-Type: text/plain\r\n"
        b"x-sn-expiration: ttl:1month 13h 26m 24s\r\n"
        b"x-sn-time-created: 2026-07-23T12:00:00.123456Z\r\n"
        b"x-snme-note: 100% done\r\n"
    )
    chunked = head + b"Transfer-Encoding: chunked\r\n\r\n5\r\nHello\r\n8\r\n, world!\r\n0\r\n\r\n"
    with RawServer(
        play(b"HTTP/1.1 204 No Content\r\n" + head + b"\r\n", close=False),
        play(b"HTTP/1.1 200 OK\r\n" + chunked),
    ) as server:
        with connect(server) as client:
            metadata = client.head("key")
            assert metadata.expiration_policy == TimeToLive(timedelta(days=31))
            assert metadata.time_created == datetime(2026, 7, 23, 12, 0, 0, 123456, UTC)
            assert metadata.size is None
            assert metadata.custom == {"note": "100% done"}
            with client.get("key") as result:
                assert result.metadata == metadata
                assert result.payload.read() == b"Hello, world!"


def test_a_body_that_ends_with_the_connection() -> None:
    """Without a length and chunks, the end of the connection is the end of the body."""
    with RawServer(play(b"HTTP/1.1 200 OK\r\n\r\n" + PAYLOAD)) as server:
        with connect(server) as client, client.get("key") as result:
            assert result.payload.read() == PAYLOAD


@pytest.mark.parametrize("sent", [0, 1, 70_000, len(PAYLOAD) - 1])
def test_a_truncated_payload_is_not_the_end(sent: int) -> None:
    """Every further read fails too, so that no loop takes the break for the end."""
    data = f"HTTP/1.1 200 OK\r\nContent-Length: {len(PAYLOAD)}\r\n\r\n".encode() + PAYLOAD[:sent]
    with RawServer(play(data)) as server:
        with connect(server) as client, client.get("key") as result:
            with pytest.raises(ConnectionLostError) as caught:
                result.payload.read()
            assert (caught.value.operation, caught.value.key) == ("get", "key")
            assert (caught.value.attempts, caught.value.elapsed > 0) == (1, True)
            with pytest.raises(ConnectionLostError):
                result.payload.read(1)
            with pytest.raises(ConnectionLostError):
                _ = [piece for piece in result.payload]


def test_a_truncated_small_payload_is_told_by_get() -> None:
    """A payload that is read at once breaks at once."""
    with RawServer(play(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nHello")) as server:
        with connect(server) as client:
            with pytest.raises(ConnectionLostError):
                client.get("key")


@pytest.mark.parametrize("cut", [0, 3, 20, -1])
def test_a_truncated_frame_is_an_integrity_error(cut: int) -> None:
    """HTTP was content; only zstd can tell."""
    frame = compress(PAYLOAD)[: cut if cut >= 0 else len(compress(PAYLOAD)) + cut]
    with RawServer(reply(200, [ZSTD], frame)) as server:
        with connect(server) as client, client.get("key") as result:
            with pytest.raises(IntegrityError, match="truncated"):
                result.payload.read()
            with pytest.raises(IntegrityError):
                result.payload.read()


@pytest.mark.parametrize("body", [b"this is not zstd", compress(b"x") + b"garbage"])
def test_garbage_is_an_integrity_error(body: bytes) -> None:
    """Neither decoded nor passed on."""
    with RawServer(reply(200, [ZSTD], body)) as server:
        with connect(server) as client, client.get("key") as result:
            with pytest.raises(IntegrityError):
                result.payload.read()


def test_an_unknown_encoding_is_told() -> None:
    """With a hint, and readable as it is."""
    gzip = ("Content-Encoding", "gzip")
    with RawServer(reply(200, [gzip], b"x"), reply(200, [gzip], b"x")) as server:
        with connect(server) as client:
            with pytest.raises(
                InvalidResponseError, match="encoding that is not supported"
            ) as caught:
                client.get("key")
            assert "decompress=False" in caught.value.__notes__[0]
            with client.get("key", decompress=False) as result:
                assert result.payload.content_encoding == "gzip"
                assert result.payload.read() == b"x"


@pytest.mark.parametrize(
    ("status", "body", "error_type", "detail"),
    [
        (400, b'{"detail": "no", "causes": ["a", "b"]}', BadRequestError, "no"),
        (400, b"plain words", BadRequestError, "plain words"),
        (401, b'{"detail": null}', AuthenticationError, None),
        (403, b"", ApiError, None),
        (429, b"slow down", RateLimitedError, "slow down"),
        (500, b'{"detail": 7}', ServerError, '{"detail": 7}'),
        (501, b"[]", UnsupportedError, "[]"),
        (502, b"<html>\xff</html>", ServerError, "<html>�</html>"),
        (503, b"", ServerError, None),
        (599, b"", ServerError, None),
        (418, b"short and stout", ApiError, "short and stout"),
    ],
)
def test_every_error_answer_is_typed(
    status: int, body: bytes, error_type: type[ApiError], detail: str | None
) -> None:
    """JSON, plain text, markup or nothing; documented or not."""
    with RawServer(reply(status, body=body), reply(status, body=body)) as server:
        with connect(server) as client:
            with pytest.raises(error_type) as caught:
                client.put(b"x", id="key")
            assert (caught.value.status, caught.value.detail) == (status, detail)
            with pytest.raises(error_type):
                client.get("key")
            assert server.connections == 1, "the answer was read, and the connection kept"


def test_an_endless_error_body_is_bounded() -> None:
    """A piece of it is kept; the rest is not waited for."""

    def endless(exchange: Exchange) -> None:
        exchange.read_body()
        exchange.send(b"HTTP/1.1 500 X\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            exchange.send(b"1000\r\n" + b"x" * 4096 + b"\r\n")

    with RawServer(endless) as server:
        with pytest.raises(ServerError) as caught:
            with connect(server) as client:
                client.get("key")
        assert caught.value.detail is not None
        assert len(caught.value.detail) <= 4096


@pytest.mark.parametrize("status", [100, 202, 302, 304])
def test_other_statuses_break_the_protocol(status: int) -> None:
    """Above all, a redirect is not followed."""
    location = ("Location", "http://127.0.0.1:1/elsewhere")
    answers = [reply(status, [location])] if status > 199 else [stall(b"HTTP/1.1 100 X\r\n\r\n")]
    with RawServer(*answers) as server:
        error_type = InvalidResponseError if status > 199 else TransportTimeoutError
        with pytest.raises(error_type):
            with connect(server, timeout=20 if status > 199 else 0.2) as client:
                client.head("key")


@pytest.mark.parametrize(
    "header",
    [
        ("x-sn-size", "many"),
        ("x-sn-size", "-1"),
        ("x-sn-time-created", "yesterday"),
        ("x-sn-time-expires", "2026-13-01T00:00:00Z"),
        ("x-sn-expiration", "whenever"),
    ],
)
def test_unreadable_metadata_is_a_typed_error(header: tuple[str, str]) -> None:
    """Neither a crash nor a guess."""
    with RawServer(reply(200, [header]), reply(200, [header])) as server:
        with connect(server) as client:
            with pytest.raises(InvalidResponseError):
                client.get("key")
            with pytest.raises(InvalidResponseError):
                client.head("key")


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"{}", b'{"key": 7}', b'{"key": null}', b"\xff", b"[" * 100_000]
)
def test_a_wrong_answer_to_put_is_a_typed_error(body: bytes) -> None:
    """JSON of the wrong shape, or none."""
    with RawServer(reply(201, [JSON], body), reply(200, [JSON], body)) as server:
        with connect(server) as client:
            with pytest.raises(InvalidResponseError):
                client.put(b"x")
            with pytest.raises(InvalidResponseError):
                client.put(b"x", id="key")


def test_unknown_members_and_headers_are_ignored() -> None:
    """Newer servers may say more."""
    body = b'{"key": "key", "colour": "green"}'
    headers = [("x-sn-shelf-life", "long"), ("x-sn-expiration", "tti:7days")]
    with RawServer(reply(200, [JSON, *headers], body), reply(200, headers)) as server:
        with connect(server) as client:
            assert client.put(b"x", id="key") == "key"
            assert client.head("key").expiration_policy == TimeToIdle(timedelta(days=7))


def test_an_early_answer_is_delivered() -> None:
    """A server that refuses without reading the body is heard."""

    def refuse(exchange: Exchange) -> None:
        exchange.send(b"HTTP/1.1 403 X\r\nContent-Length: 4\r\nConnection: close\r\n\r\nstop")
        exchange.peer_closed()
        raise ConnectionError

    def much() -> Iterator[bytes]:
        for _ in range(30):
            yield bytes(100_000)

    with RawServer(refuse) as server:
        with pytest.raises(ApiError) as caught:
            with connect(server, timeout=5) as client:
                client.put(much(), id="key", compression="none")
        assert (caught.value.status, caught.value.detail) == (403, "stop")


@pytest.mark.parametrize(
    "data", [b"", b"HTTP/1.1 200 OK\r\n", b"SSH-2.0-OpenSSH_9\r\n", b"HTTP/1.1 abc\r\n\r\n"]
)
def test_what_is_no_http_is_a_lost_connection(data: bytes) -> None:
    """Closed at once, half way through the head, or another protocol."""
    with RawServer(play(data)) as server:
        with connect(server) as client:
            with pytest.raises(ConnectionLostError, match="the connection to the server broke"):
                client.get("key")


def test_a_silent_server_runs_into_the_time_out() -> None:
    """Both before the head and inside the payload."""
    started = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + bytes(10)
    with RawServer(stall(), stall(started)) as server:
        with connect(server, timeout=0.2) as client:
            with pytest.raises(TransportTimeoutError, match="the read time-out passed") as caught:
                client.get("key")
            assert isinstance(caught.value, TimeoutError)
            assert caught.value.phase == "read"
            with client.get("key") as result:
                with pytest.raises(TransportTimeoutError) as caught:
                    result.payload.read()
            assert (caught.value.operation, caught.value.key) == ("get", "key")


def test_a_call_can_have_its_own_time_out() -> None:
    """Instead of the client's."""
    with RawServer(stall()) as server, pytest.raises(TransportTimeoutError):
        with connect(server, timeout=600) as client:
            client.get("key", timeout=timedelta(milliseconds=200))


def test_errors_keep_their_cause() -> None:
    """`raise … from`: what the layer below said stays reachable."""
    with RawServer(play(b"")) as server:
        with pytest.raises(ObjectstoreError) as caught:
            with connect(server) as client:
                client.head("key")
        assert caught.value.__cause__ is not None
    with RawServer(reply(404)) as server:
        with pytest.raises(ObjectNotFound) as absent:
            with connect(server) as client:
                client.head("key")
        assert absent.value.__cause__ is not None


def test_a_success_before_the_body_was_sent_is_none() -> None:
    """Who accepts what was not received is not believed; who refuses it is."""

    def accept(exchange: Exchange) -> None:
        exchange.send(b'HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{"key":"key"}')
        exchange.peer_closed()
        raise ConnectionError

    with RawServer(accept) as server:
        with connect(server) as client:
            with pytest.raises(ConnectionLostError) as caught:
                client.put(bytes(50_000_000), id="key", compression="none")
        assert caught.value.outcome_unknown


def test_a_surplus_answer_is_never_that_of_the_next_request() -> None:
    """It waits on a kept connection; that one is given up, and the request made on another."""
    surplus = b'HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n{"key":"poison"}'
    taken = threading.Event()

    def answer_twice(exchange: Exchange) -> None:
        exchange.send(b"HTTP/1.1 404 X\r\nContent-Length: 0\r\n\r\n")
        taken.wait(20)
        exchange.send(surplus)
        exchange.peer_closed()
        raise ConnectionError

    def slow() -> Iterator[bytes]:
        taken.set()
        for _ in range(20):
            yield bytes(1000)

    with RawServer(answer_twice, reply(200, [JSON], b'{"key": "key"}')) as server:
        with Objectstore(server.url, timeout=20) as objectstore:
            client = objectstore.get_client(Usecase("testing"), Scope(org=17))
            assert not client.exists("key")
            try:
                assert client.put(slow(), id="key") == "key"
            except ObjectstoreError as error:
                assert error.operation == "put"  # an iterator can't always be sent again


def test_an_endless_answer_to_a_put_is_bounded() -> None:
    """No key is megabytes long."""

    def endless(exchange: Exchange) -> None:
        exchange.read_body()
        exchange.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            exchange.send(b"10000\r\n" + b" " * 65536 + b"\r\n")

    with RawServer(endless) as server:
        with connect(server) as client:
            with pytest.raises(InvalidResponseError):
                client.put(b"x", id="key")


def test_another_key_than_the_chosen_one_is_an_error() -> None:
    """The object is not where the caller will look for it."""
    with RawServer(reply(200, [JSON], b'{"key": "other"}')) as server:
        with connect(server) as client:
            with pytest.raises(InvalidResponseError, match="under another key") as caught:
                client.put(b"x", id="key")
            assert caught.value.outcome_unknown
            assert (caught.value.attempts, caught.value.elapsed > 0) == (1, True)


def test_a_part_is_not_the_whole() -> None:
    """Neither by its status, nor by its length against that of the object."""
    part = ("Content-Range", "bytes 0-4/1000")
    with RawServer(
        reply(206, [part], b"short"), reply(200, [("x-sn-size", "1000")], b"short")
    ) as server:
        with connect(server) as client:
            with pytest.raises(InvalidResponseError, match="a part of the object"):
                client.get("key")
            with pytest.raises(IntegrityError, match="not as long"):
                client.get("key")


def test_an_empty_frame_hides_nothing() -> None:
    """What follows it is read, or found to be broken."""
    empty = compress(b"")
    with RawServer(
        reply(200, [ZSTD], empty + compress(b"more")), reply(200, [ZSTD], empty + b"junk")
    ) as server:
        with connect(server) as client:
            assert client.get("key").payload.read() == b"more"
            with pytest.raises(IntegrityError):
                client.get("key").payload.read()
