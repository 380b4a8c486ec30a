# Generated from tests/shell/_async/test_attempts.py; do not edit. To regenerate: python -m generator
"""Failed requests are repeated where that is right, and the errors tell what was done."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from objectstore_client import (
    Client,
    ConnectError,
    ConnectionLostError,
    IntegrityError,
    InvalidArgumentError,
    Objectstore,
    RateLimitedError,
    RetryPolicy,
    Scope,
    ServerError,
    TransportTimeoutError,
    Usecase,
)
from tests.support.rawserver import Exchange, Handler, RawServer, reply

QUICK = RetryPolicy(base=0.001, throttled_base=0.001)
STORED = b'{"key": "key"}'
LARGE = os.urandom(2_000_000)


@contextmanager
def connect(
    server: RawServer, retries: RetryPolicy | int = QUICK, deadline: float | None = None
) -> Iterator[Client]:
    """A client of a scripted server."""
    with Objectstore(server.url, timeout=20, retries=retries, deadline=deadline) as objectstore:
        yield objectstore.get_client(Usecase("testing"), Scope(org=17))


def hang_up(exchange: Exchange) -> None:
    """Read the request and close without an answer."""
    exchange.read_body()
    raise ConnectionError


def stall(exchange: Exchange) -> None:
    """Read the request and say nothing."""
    exchange.read_body()
    exchange.peer_closed()
    raise ConnectionError


def half(exchange: Exchange) -> None:
    """Answer half of what was promised."""
    exchange.read_body()
    exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nHello")
    raise ConnectionError


TEMPORARY = [reply(500), reply(502), reply(503), reply(504), reply(429), reply(408), hang_up, half]


@pytest.mark.parametrize("failure", TEMPORARY)
def test_reads_are_repeated(failure: Handler) -> None:
    """Whatever went wrong on the way, a read does no harm twice; also while it reads its answer."""
    with RawServer(failure, reply(200, body=b"Hello")) as server:
        with connect(server) as client:
            assert client.get("key").payload.read() == b"Hello"
        assert len(server.requests) == 2


@pytest.mark.parametrize("failure", TEMPORARY)
def test_a_put_with_a_key_is_repeated_whole(failure: Handler) -> None:
    """The second request has the same body as the first."""
    with RawServer(failure, reply(200, body=STORED)) as server:
        with connect(server) as client:
            assert client.put(b"Hello", id="key") == "key"
        first, second = server.requests
        assert first.body == second.body != b""


@pytest.mark.parametrize("failure", [reply(500), reply(503), hang_up])
def test_a_put_without_a_key_is_not_repeated(failure: Handler) -> None:
    """It may have been stored, under a key that nobody knows."""
    with RawServer(failure) as server:
        with connect(server) as client:
            with pytest.raises((ServerError, ConnectionLostError)) as caught:
                client.put(b"Hello")
        assert len(server.requests) == 1
        error = caught.value
        assert error.outcome_unknown
        assert not error.retryable
        assert error.attempts == 1
        assert any("must not do so twice" in note for note in error.__notes__)


def test_a_put_without_a_key_is_repeated_where_nothing_was_stored() -> None:
    """429 is said before anything is stored."""
    with RawServer(reply(429), reply(201, body=STORED)) as server:
        with connect(server) as client:
            assert client.put(b"Hello") == "key"


def test_the_attempts_end() -> None:
    """After three of them the last failure comes out, with the facts of all."""
    with RawServer(hang_up, reply(500), reply(503, body=b"full")) as server:
        with connect(server) as client:
            with pytest.raises(ServerError) as caught:
                client.put(b"Hello", id="key")
        error = caught.value
        assert (error.status, error.detail) == (503, "full")
        assert error.attempts == len(server.requests) == 3
        assert error.elapsed > 0
        assert error.retryable
        assert error.outcome_unknown


def test_zero_retries_means_one_request() -> None:
    """For the client, or for one call."""
    for_client, for_call = RawServer(reply(503)), RawServer(reply(503))
    with for_client as server:
        with connect(server, retries=0) as client:
            with pytest.raises(ServerError):
                client.head("key")
    with for_call as server:
        with connect(server) as client:
            with pytest.raises(ServerError):
                client.head("key", retries=0)


def test_definite_answers_are_not_repeated() -> None:
    """A refusal will be one the next time too."""
    for status in (400, 401, 403, 404, 409, 413, 418, 501):
        with RawServer(reply(status)) as server:
            with connect(server) as client:
                with pytest.raises(
                    Exception, match=r"the server answered|does not exist"
                ) as caught:
                    client.head("key")
            assert not caught.value.retryable  # type: ignore[attr-defined]


def contents_that_replay(path: Path) -> list[object]:
    """Everything that can be read again, of the same bytes."""
    file = io.BytesIO(b"skipped" + LARGE)
    file.seek(7)
    return [LARGE, bytearray(LARGE), path, file, [LARGE], lambda: iter([LARGE])]


@pytest.mark.parametrize("compression", ["zstd", "none"])
def test_bodies_replay_from_their_start(tmp_path: Path, compression: str) -> None:
    """Memory, paths, files from where they stood, collections, functions: the same bytes again."""
    path = tmp_path / "large"
    path.write_bytes(LARGE)
    for contents in contents_that_replay(path):
        with RawServer(reply(500), reply(200, body=STORED)) as server:
            with connect(server) as client:
                client.put(contents, id="key", compression=compression)  # type: ignore[arg-type]
            first, second = server.requests
            assert first.body == second.body
            assert len(first.body) >= len(LARGE)


def test_an_iterator_is_not_sent_again() -> None:
    """It would be an empty body, and the object lost."""
    with RawServer(reply(500)) as server:
        with connect(server) as client:
            with pytest.raises(ServerError) as caught:
                client.put(iter([LARGE]), id="key")
        assert any("can be read only once" in note for note in caught.value.__notes__)


def test_contents_that_only_seem_to_replay_are_found_out() -> None:
    """An iterable or a function that gives the same, used up iterator would store nothing."""
    used = iter([LARGE])

    class Once:
        def __iter__(self) -> Iterator[bytes]:
            return used

    same = iter([LARGE])
    for contents in (Once(), lambda: same):
        with RawServer(reply(500), reply(200, body=STORED)) as server:
            with connect(server) as client:
                with pytest.raises((ServerError, IntegrityError)):
                    client.put(contents, id="key")


def test_an_iterator_that_was_not_touched_is_sent() -> None:
    """No connection, no harm: the first item is still there."""
    taken = 0

    def items() -> Iterator[bytes]:
        nonlocal taken
        taken += 1
        yield LARGE

    with Objectstore("http://127.0.0.1:1", retries=QUICK) as objectstore:
        client = objectstore.get_client(Usecase("testing"), Scope())
        with pytest.raises(ConnectError) as caught:
            client.put(items(), id="key")
    assert (caught.value.attempts, taken) == (3, 0)
    assert caught.value.retryable
    assert not caught.value.outcome_unknown


def test_the_server_may_ask_to_wait() -> None:
    """Up to the cap it is obeyed; beyond it the error tells how long."""
    soon, late = ("Retry-After", "0"), ("Retry-After", "3600")
    with RawServer(reply(429, [soon]), reply(204)) as server:
        with connect(server) as client:
            client.delete("key")
    with RawServer(reply(429, [late])) as server:
        with connect(server) as client:
            with pytest.raises(RateLimitedError) as caught:
                client.delete("key")
        assert caught.value.retry_after == 3600
        assert caught.value.retryable


@pytest.mark.parametrize("call", [True, False])
def test_the_deadline_ends_everything(call: bool) -> None:
    """Read time-outs are 20 s and there are attempts left, but the deadline is sooner."""
    with RawServer(stall) as server:
        with connect(server, deadline=None if call else 0.3) as client:
            with pytest.raises(TransportTimeoutError, match="the deadline passed") as caught:
                client.head("key", deadline=timedelta(seconds=0.3) if call else None)
        assert caught.value.phase == "deadline"
        assert caught.value.attempts == 1


def test_the_deadline_ends_waiting() -> None:
    """A wait that would end after the deadline is not begun."""
    with RawServer(reply(503, [("Retry-After", "30")])) as server:
        with connect(server, deadline=10) as client:
            with pytest.raises(ServerError) as caught:
                client.head("key")
        assert any("the deadline would pass" in note for note in caught.value.__notes__)


def test_the_deadline_ends_reading_the_payload() -> None:
    """Also when it drips: each read would be in time."""

    def drip(exchange: Exchange) -> None:
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        while True:
            exchange.send(b"x")

    with RawServer(drip) as server:
        with connect(server) as client:
            payload = client.get("key", deadline=0.3).payload
            with pytest.raises(TransportTimeoutError, match="the deadline passed"):
                while payload.read1():
                    pass


@pytest.mark.parametrize("deadline", [0, -1, "5", True, float("nan")])
def test_bad_deadlines_are_refused(deadline: float) -> None:
    """For the client and for a call."""
    with pytest.raises(InvalidArgumentError, match="deadline: must be seconds"):
        Objectstore("http://localhost", deadline=deadline)
    with RawServer() as server:
        with connect(server) as client:
            with pytest.raises(InvalidArgumentError, match="deadline: must be seconds"):
                client.head("key", deadline=deadline)


def test_the_budget_ends_hammering() -> None:
    """500 tokens buy 35 retries; then each failure is the last of its call, until some succeed."""
    failing: list[Callable[[Exchange], None]] = [reply(500)] * 200
    with RawServer(*failing) as server:
        with connect(server) as client:
            for _ in range(30):
                with pytest.raises(ServerError) as caught:
                    client.head("key")
            assert any("the retry budget is used up" in note for note in caught.value.__notes__)
        assert len(server.requests) == 30 + 500 // 14
