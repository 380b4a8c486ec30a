# Generated from tests/shell/_async/test_many.py; do not edit. To regenerate: python -m generator
"""Many operations in few requests."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from objectstore_client import (
    AuthenticationError,
    BadRequestError,
    Client,
    ClosedError,
    ConnectError,
    ConnectionLostError,
    Delete,
    Get,
    Head,
    IntegrityError,
    InvalidArgumentError,
    InvalidResponseError,
    NoOpMetricsBackend,
    ObjectNotFound,
    Objectstore,
    OperationResult,
    Put,
    RateLimitedError,
    RetryPolicy,
    Scope,
    ServerError,
    TokenProviderError,
    UnsupportedError,
    Usecase,
)
from objectstore_client.batch.framing import MAX_PAYLOAD_BYTES
from objectstore_client.batch.operations import Operation
from objectstore_client.devserver import DevServer
from tests.support.rawserver import Exchange, Handler, RawServer, reply

QUICK = RetryPolicy(base=0.001, throttled_base=0.001)
MIB = 1024 * 1024


@contextmanager
def connect(
    url: str, scope: Scope | None = None, retries: RetryPolicy | int = QUICK
) -> Iterator[Client]:
    """A client of a server."""
    with Objectstore(url, timeout=20, retries=retries) as objectstore:
        yield objectstore.get_client(Usecase("testing"), scope or Scope(org=17))


def kinds(results: Sequence[OperationResult[object]]) -> list[object]:
    """What became of each."""
    return [None if result.ok else type(result.error) for result in results]


class Recorder(NoOpMetricsBackend):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.recorded: list[tuple[str, float]] = []

    def distribution(
        self,
        name: str,
        value: float,
        tags: Mapping[str, str] | None = None,
        unit: str | None = None,
    ) -> None:
        self.recorded.append((name, value))


# ---- against the embedded server ------------------------------------------------------------


def test_the_plain_forms(server_url: str, scope: Scope) -> None:
    """Results come in the order of what was asked for, with what single calls return."""
    contents = {f"key/{number}": f"contents {number}".encode() * 9 for number in range(2500)}
    with connect(server_url, scope) as client:
        puts = client.put_many(contents)
        assert [result.value for result in puts] == list(contents)
        assert all(result.ok and result.attempts == 1 for result in puts)
        gets = client.get_many([*reversed(contents), "absent"])
        assert [result.key for result in gets] == [*reversed(contents), "absent"]
        for result in gets[:-1]:
            assert result.key is not None
            assert result.value.payload.read() == contents[result.key]
            assert result.value.metadata.compression == "zstd"
        assert isinstance(gets[-1].error, ObjectNotFound)
        heads = client.head_many(["absent", "key/7"])
        assert kinds(heads) == [ObjectNotFound, None]
        assert heads[1].value == client.head("key/7") == gets[-9].value.metadata
        assert kinds(client.delete_many(iter(["key/7", "absent"]))) == [None, None]
        assert not client.exists("key/7")
        assert client.exists("key/8")


def test_nothing_asks_for_nothing(server_url: str) -> None:
    """No operations, no request."""
    with connect("http://127.0.0.1:1") as client:
        assert client.put_many({}) == []
        assert [result for result in client.many([])] == []


def test_the_server_chooses_keys(server_url: str, scope: Scope) -> None:
    """A put without an id has its key in the result, and all options of a put by itself."""
    with connect(server_url, scope) as client:
        puts = [Put(b"a", metadata={"n": "1"}), Put(b"b", content_type="text/plain", filename="f")]
        first, second = client.put_many(puts)
        assert first.key == first.value != second.value
        one, other = client.head_many([first.value, second.value])
        assert one.value.custom == {"n": "1"}
        assert (other.value.content_type, other.value.filename) == ("text/plain", "f")


def test_operations_of_all_kinds(server_url: str, scope: Scope, tmp_path: Path) -> None:
    """Each has exactly one result; those on one key happen in the order given."""
    (tmp_path / "file").write_bytes(b"file" * 1000)
    large = os.urandom(3 * MIB)
    operations: list[Operation] = [
        Put(b"1", id="a"),
        Get("a"),
        Put(b"2", id="a"),
        Get("a"),
        Delete("a"),
        Get("a"),
        Put(tmp_path / "file", id="file"),
        Get("file"),
        Put(io.BytesIO(b"memory"), id="memory"),
        Get("memory"),
        Put(iter([b"pie", b"ces"]), id="pieces"),
        Get("pieces"),
        Put(large, id="large"),
        Head("large"),
        Get("large"),
    ]
    done, read = [], []
    with connect(server_url, scope) as client:
        for result in client.many(operations):
            done.append(operations.index(result.operation))
            if isinstance(result.operation, Get):
                contents = result.value.payload.read() if result.ok else None
                read.append((result.key, contents))
    # `Get("a")` stands there three times.
    assert sorted(done) == sorted(map(operations.index, operations))
    assert [contents for key, contents in read if key == "a"] == [b"1", b"2", None]
    assert {key: contents for key, contents in read if key != "a"} == {
        "file": b"file" * 1000,
        "memory": b"memory",
        "pieces": b"pieces",
        "large": large,
    }


def test_operations_on_one_key_keep_their_order(server_url: str, scope: Scope) -> None:
    """Whatever is in flight besides, and whether it fits into a batch or not."""
    operations: list[Operation] = []
    for number in range(20):
        contents = b"%d" % number
        operations += [
            Put([contents] if number % 3 == 0 else contents, id="same"),
            Get("same"),
            Put(contents, id=f"other {number}"),
        ]
    with connect(server_url, scope) as client:
        read = [
            result.value.payload.read()
            for result in client.many(operations)
            if isinstance(result.operation, Get)
        ]
    assert read == [b"%d" % number for number in range(20)]


def test_bad_operations_do_not_stop_the_others(
    server_url: str, scope: Scope, tmp_path: Path
) -> None:
    """What is refused before it is sent has a result like all others, with no attempt."""
    operations = [
        Put(b"", id="a/../b"),
        Put(b"", id="x", metadata={"Upper": "x"}),
        Put(tmp_path / "absent", id="y"),
        Get(""),
        Put(b"fine", id="fine"),
    ]
    with connect(server_url, scope) as client:
        results = client.put_many(operations)  # type: ignore[arg-type]
        assert kinds(results) == [
            *[InvalidArgumentError] * 2,
            FileNotFoundError,
            InvalidArgumentError,
            None,
        ]
        assert [result.attempts for result in results] == [0, 0, 0, 0, 1]
        error = results[1].error
        assert isinstance(error, InvalidArgumentError)
        assert (error.operation, error.key) == ("put", "x")
        with pytest.raises(FileNotFoundError):
            results[2].raise_if_failed()


def test_arguments(server_url: str) -> None:
    """Bad ones are refused by the call itself, before anything is sent."""
    with connect(server_url) as client:
        with pytest.raises(InvalidArgumentError, match="concurrency"):
            client.many([], concurrency=0)
        with pytest.raises(InvalidArgumentError, match="deadline"):
            client.many([], deadline=-1)
        with pytest.raises(InvalidArgumentError, match="ids"):
            client.get_many("one key")
        with pytest.raises(InvalidArgumentError, match="operations"):
            client.put_many([b"contents"])  # type: ignore[list-item]


def test_operations_are_read_as_they_are_needed(server_url: str, scope: Scope) -> None:
    """An endless source is fine; leaving early closes everything."""
    taken = 0

    def endless() -> Iterator[Put]:
        nonlocal taken
        while True:
            taken += 1
            yield Put(b"x" * 100, id=f"{taken}")

    seen = 0
    with connect(server_url, scope) as client:
        results = client.many(endless(), concurrency=2)
        for result in results:
            assert result.ok
            seen += 1
            if seen == 1500:
                break
        results.close()
        assert taken <= 1500 + 3 * 1000
        assert client.exists("1")


def test_a_closed_store_is_told_at_once(server_url: str, scope: Scope) -> None:
    """Not once for each of what may be endless operations."""
    with connect(server_url, scope) as client:
        pass
    with pytest.raises(ClosedError):
        client.put_many({"a": b"1"})


def test_what_the_source_raises_comes_out(server_url: str, scope: Scope) -> None:
    """And ends the iteration."""

    def broken() -> Iterator[Put]:
        yield Put(b"x", id="a")
        raise ZeroDivisionError

    with connect(server_url, scope) as client:
        with pytest.raises(ZeroDivisionError):
            client.put_many(broken())


def test_large_payloads_are_got_when_they_are_read(server_url: str, scope: Scope) -> None:
    """Up to 1 MiB comes with the batch; more holds no connection until it is read."""
    sizes = {"fits": MAX_PAYLOAD_BYTES, "large": MAX_PAYLOAD_BYTES + 1}
    contents = {key: os.urandom(size) for key, size in sizes.items()}
    with connect(server_url, scope) as client:
        for key in contents:
            client.put(contents[key], id=key, compression="none")
        fits, large, gone, replaced = client.get_many(["fits", "large", "large", "large"])
        assert fits.value.metadata.size == MAX_PAYLOAD_BYTES
        assert large.value.metadata.size == MAX_PAYLOAD_BYTES + 1
        assert fits.value.payload.read() == contents["fits"]
        assert large.value.payload.read(10) == contents["large"][:10]
        assert large.value.payload.read() == contents["large"][10:]
        client.put(b"another", id="large")
        with pytest.raises(IntegrityError):
            replaced.value.payload.read()
        client.delete("large")
        with pytest.raises(ObjectNotFound):
            gone.value.payload.read()
        fits.value.close()
        with pytest.raises(ClosedError):
            fits.value.payload.read()


def test_metrics_are_those_of_requests(server_url: str, scope: Scope) -> None:
    """One latency per batch, and the bytes that were put with it."""
    recorder = Recorder()
    with Objectstore(server_url, metrics_backend=recorder) as objectstore:
        client = objectstore.get_client(Usecase("testing"), scope)
        client.put_many({"a": b"12345", "b": b"678"})
    assert [name for name, _ in recorder.recorded].count("storage.batch.latency") == 1
    assert ("storage.batch.size", 8) in recorder.recorded


# ---- against scripted servers ---------------------------------------------------------------


def part(index: int, status: str, *lines: str, body: bytes = b"") -> bytes:
    """One part of an answer."""
    head = "\r\n".join(
        [
            f"x-sn-batch-operation-index: {index}",
            f"x-sn-batch-operation-status: {status}",
            *lines,
        ]
    )
    return b"--B\r\n" + head.encode() + b"\r\n\r\n" + body + b"\r\n"


def stored(index: int, key: str) -> bytes:
    """The part for a put that succeeded."""
    return part(index, "201 Created", f"x-sn-batch-operation-key: {key}")


def answered(*parts: bytes, end: bytes = b"--B--") -> Handler:
    """Answer with these parts."""
    headers = [("Content-Type", 'multipart/form-data; boundary="B"')]
    return reply(200, headers, b"".join(parts) + end)


def cut(*parts: bytes) -> Handler:
    """Answer with these parts, and close the connection in the middle."""

    def handle(exchange: Exchange) -> None:
        exchange.read_body()
        head = b"HTTP/1.1 200 OK\r\nContent-Type: multipart/form-data; boundary=B\r\n"
        exchange.send(head + b"Content-Length: 9999\r\n\r\n" + b"".join(parts) + b"--B\r\n")
        raise ConnectionError

    return handle


def sent_keys(exchange: Exchange) -> list[str]:
    """The keys of the operations in a request."""
    lines = exchange.body.decode("latin-1").split("\r\n")
    prefix = "x-sn-batch-operation-key: "
    return [line.removeprefix(prefix) for line in lines if line.startswith(prefix)]


def test_only_what_failed_is_sent_again() -> None:
    """After errors of parts and after cuts; results tell how many requests there were."""
    with RawServer(
        answered(stored(2, "c"), part(0, "429 Too Many Requests"), part(1, "500 Internal")),
        cut(stored(1, "b")),
        answered(stored(0, "a")),
    ) as server:
        with connect(server.url) as client:
            results = client.put_many({"a": b"1", "b": b"2", "c": b"3"})
        assert [sent_keys(request) for request in server.requests] == [
            ["a", "b", "c"],
            ["a", "b"],
            ["a"],
        ]
    assert [result.value for result in results] == ["a", "b", "c"]
    assert [result.attempts for result in results] == [3, 2, 1]


@pytest.mark.parametrize("failure", [reply(429), reply(503), reply(500), cut()])
def test_a_request_that_fails_is_made_again(failure: Handler) -> None:
    """As a whole, where nothing of it was answered."""
    with RawServer(failure, answered(stored(0, "a"), stored(1, "b"))) as server:
        with connect(server.url) as client:
            results = client.put_many({"a": b"1", "b": b"2"})
        assert len(server.requests) == 2
    assert [result.attempts for result in results] == [2, 2]


def test_a_put_without_a_key_is_not_made_twice() -> None:
    """Unless it is known that it was not made once."""
    refused = part(0, "429 Too Many Requests"), part(1, "429 Too Many Requests")
    with RawServer(answered(*refused), cut(stored(1, "k"))) as server:
        with connect(server.url) as client:
            lost, fine = client.put_many([Put(b"1"), Put(b"2")])
        assert len(server.requests) == 2
    assert fine.value == "k"
    assert isinstance(lost.error, ConnectionLostError)
    assert (lost.key, lost.error.operation) == (None, "put")
    assert lost.error.outcome_unknown
    assert not lost.error.retryable
    assert lost.attempts == lost.error.attempts == 2


def test_the_attempts_end() -> None:
    """After three of them each operation has the error of its last."""
    with RawServer(rest=answered(part(0, "503 Busy", body=b'{"detail": "full"}'))) as server:
        with connect(server.url) as client:
            (result,) = client.put_many({"a": b"1"})
        assert len(server.requests) == 3
    assert isinstance(result.error, ServerError)
    assert (result.error.status, result.error.detail) == (503, "full")
    assert (result.error.key, result.error.attempts) == ("a", 3)
    assert result.error.outcome_unknown
    assert result.error.retryable


def test_retries_can_be_switched_off() -> None:
    """For a call, as everywhere."""
    with RawServer(answered(part(0, "429 Too Many Requests"))) as server:
        with connect(server.url) as client:
            (result,) = client.get_many(["a"], retries=0)
    assert isinstance(result.error, RateLimitedError)


def test_no_connection_fails_each_operation() -> None:
    """Nothing was sent, and every operation says so."""
    with connect("http://127.0.0.1:1") as client:
        results = client.put_many([Put(b"1", id="a"), Put(b"2")])
    assert kinds(results) == [ConnectError, ConnectError]
    for result in results:
        assert isinstance(result.error, ConnectError)
        assert result.error.retryable
        assert not result.error.outcome_unknown


@pytest.mark.parametrize(
    ("handler", "kind"),
    [
        (reply(400), BadRequestError),
        (reply(405), UnsupportedError),
        (reply(200, [("Content-Type", "text/plain")], b"hello"), InvalidResponseError),
        (answered(end=b"--B, not the end"), InvalidResponseError),
        (answered(part(0, "200 OK"), part(0, "200 OK")), InvalidResponseError),
        (answered(part(7, "200 OK")), InvalidResponseError),
        (answered(part(0, "nonsense")), InvalidResponseError),
        (answered(b"--B\r\nno header\r\n\r\n\r\n"), InvalidResponseError),
    ],
)
def test_an_answer_to_all_that_makes_no_sense(handler: Handler, kind: type[Exception]) -> None:
    """Is not asked for again, and fails what it does not answer."""
    with RawServer(handler) as server:
        with connect(server.url) as client:
            results = client.delete_many(["a", "b"])
        assert len(server.requests) == 1
    assert isinstance(results[1].error, kind)


@pytest.mark.parametrize("end", [b"--B\r\n", b"--B--"])
def test_operations_that_are_not_answered_may_have_run(end: bytes) -> None:
    """Whether the answer ends as it should or in between: the outcome is unknown."""
    with RawServer(rest=answered(stored(0, "a"), end=end)) as server:
        with connect(server.url, retries=0) as client:
            fine, lost = client.put_many({"a": b"1", "b": b"2"})
    assert fine.ok
    assert isinstance(lost.error, (InvalidResponseError, ConnectionLostError))
    assert lost.error.outcome_unknown
    assert lost.error.retryable


def test_an_answer_without_end_is_cut() -> None:
    """More parts than operations are refused, and not read for ever."""

    def handle(exchange: Exchange) -> None:
        exchange.read_body()
        head = b"HTTP/1.1 200 OK\r\nContent-Type: multipart/form-data; boundary=B\r\n\r\n"
        exchange.send(head + stored(0, "a"))
        index = 1
        while True:  # until the client has had enough
            exchange.send(part(index, "400 Bad Request", body=b"broken"))
            index += 1

    with RawServer(handle) as server:
        with connect(server.url) as client:
            (result,) = client.put_many({"a": b"1"})
    assert result.value == "a"


def test_broken_answers_to_single_operations() -> None:
    """They fail that operation, and no other."""
    got = "x-sn-batch-operation-kind: get"
    with RawServer(
        answered(
            part(0, "200 OK", got, "content-encoding: zstd", body=b"no zstd"),
            part(1, "200 OK", got, "content-encoding: br", body=b"x"),
            part(2, "200 OK", got, "x-sn-size: 2", body=b"x"),
            part(3, "200 OK", got, "x-sn-expiration: soon", body=b"x"),
            part(4, "302 Found", got),
            part(5, "200 OK", got, body=b"fine"),
        )
    ) as server:
        with connect(server.url) as client:
            results = client.get_many("abcdef"[number] for number in range(6))
    with pytest.raises(IntegrityError):
        results[0].value.payload.read()
    assert kinds(results[1:]) == [
        InvalidResponseError,
        IntegrityError,
        InvalidResponseError,
        InvalidResponseError,
        None,
    ]
    assert results[5].value.payload.read() == b"fine"


def test_the_length_of_a_small_batch_is_told() -> None:
    """What is encoded at once has its length; a larger batch goes out in pieces."""
    with RawServer(rest=answered(part(0, "204"))) as server:
        with connect(server.url, retries=0) as client:
            client.put_many({"small": b"x"})
            client.put_many({f"{number}": os.urandom(MIB // 2) for number in range(7)}, timeout=20)
        small, large = server.requests
    assert int(small.headers["content-length"]) == len(small.body)
    assert large.headers["transfer-encoding"] == "chunked"
    assert len(large.body) > 3 * MIB


def test_a_batch_is_answered_while_it_is_sent() -> None:
    """Servers begin to answer before they have received all."""
    contents = {f"{number}": os.urandom(MIB // 2) for number in range(7)}

    def handle(exchange: Exchange) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Type: multipart/form-data; boundary=B\r\n"
        exchange.send(head + b"Connection: close\r\n\r\n" + stored(0, "0"))
        exchange.read_body()
        exchange.send(b"".join(stored(number, f"{number}") for number in range(1, 7)) + b"--B--")
        raise ConnectionError

    with RawServer(handle) as server:
        with connect(server.url) as client:
            results = client.put_many(contents)
    assert all(result.ok for result in results)


def test_a_token_per_request() -> None:
    """Each request has the token, and one that is refused is replaced once."""
    tokens = iter(["first", "second", "third"])
    with RawServer(
        answered(stored(0, "a")), reply(401), answered(stored(0, "b")), rest=reply(401)
    ) as server:
        with Objectstore(server.url, token=lambda: next(tokens)) as objectstore:
            client = objectstore.get_client(Usecase("testing"), Scope(org=17))
            (before,) = client.put_many({"a": b"1"})
            (replaced,) = client.put_many({"b": b"1"})
            (refused,) = client.put_many({"c": b"1"})
        sent = [request.headers["x-os-auth"] for request in server.requests]
    assert sent == [f"Bearer {name}" for name in ("first", "first", "second", "second", "third")]
    assert (before.value, before.attempts) == ("a", 1)
    assert (replaced.value, replaced.attempts) == ("b", 2)
    assert isinstance(refused.error, AuthenticationError)
    assert refused.error.key == "c"


def test_no_token_to_be_had() -> None:
    """Nothing is sent, and each operation says so."""

    def fail() -> str:
        raise ZeroDivisionError

    with Objectstore("http://127.0.0.1:1", token=fail) as objectstore:
        client = objectstore.get_client(Usecase("testing"), Scope(org=17))
        results = client.delete_many(["a", "b"])
    for result in results:
        assert isinstance(result.error, TokenProviderError)
        assert isinstance(result.error.__cause__, ZeroDivisionError)
        assert (result.error.key, result.attempts) == (result.key, 0)


def test_the_embedded_server_by_directory(tmp_path: Path) -> None:
    """What a batch puts survives the server that took it."""
    contents = {f"{number}": b"%d" % number for number in range(100)}
    for round_ in range(2):
        with DevServer(data_dir=tmp_path) as server:
            with connect(server.url) as client:
                if not round_:
                    assert all(result.ok for result in client.put_many(contents))
                for result in client.get_many(contents):
                    assert result.value.payload.read() == contents[str(result.key)]
