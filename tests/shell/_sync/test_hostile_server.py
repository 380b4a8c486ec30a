# Generated from tests/shell/_async/test_hostile_server.py; do not edit. To regenerate: python -m generator
"""Servers that are up to no good: nothing is followed, believed, or waited for without end."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from datetime import timedelta

import pytest

from objectstore_client import (
    Client,
    ConnectError,
    ConnectionLostError,
    IntegrityError,
    InvalidResponseError,
    Objectstore,
    Put,
    Scope,
    TransportTimeoutError,
    UploadedPart,
    Usecase,
)
from objectstore_client.zstd import compress
from tests.engine.peers import client_tls, peer, read_head, server_tls
from tests.support.rawserver import Exchange, Handler, RawServer, answer, reply

JSON = ("Content-Type", "application/json")
OK = b"HTTP/1.1 200 OK\r\n"


def bound(objectstore: Objectstore) -> Client:
    """A client of it."""
    return objectstore.get_client(Usecase("testing"), Scope(org=17))


def put(client: Client) -> None:
    client.put(b"contents", id="key", metadata={"secret": "metadata"})


def post(client: Client) -> None:
    client.put(b"contents")


def get(client: Client) -> None:
    with client.get("key") as result:
        result.payload.read()


def head(client: Client) -> None:
    client.head("key")


def delete(client: Client) -> None:
    client.delete("key")


def extend(client: Client) -> None:
    client.extend_expiry("key", after=timedelta(days=1))


OPERATIONS = (put, post, get, head, delete, extend)
Operate = Callable[[Client], None]


# ---- other servers ------------------------------------------------------------------------------


@pytest.mark.parametrize("operate", OPERATIONS)
@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 305, 307, 308, 399])
def test_a_redirect_is_an_error(operate: Operate, status: int) -> None:
    """Neither the token nor anything else goes where the server points to, or is sent again."""
    with RawServer() as elsewhere:
        places = (f"{elsewhere.url}/v1/objects/testing/org=17/key", "/elsewhere", None)
        locations = [[("Location", place)] if place else [] for place in places]
        with RawServer(*(reply(status, location) for location in locations)) as server:
            with Objectstore(server.url, token="secret") as objectstore:
                for _ in places:
                    with pytest.raises(InvalidResponseError) as caught:
                        operate(bound(objectstore))
                    assert caught.value.status == status
            assert len(server.requests) == len(places)
        assert elsewhere.connections == 0


@pytest.mark.parametrize("operate", OPERATIONS)
def test_no_cookie_is_kept(operate: Operate) -> None:
    """Nor anything else that would tell one request from another."""
    cookies = [("Set-Cookie", "id=1"), ("Alt-Svc", 'h3=":1"'), ("Refresh", "0; url=http://x")]
    with RawServer(reply(404, cookies), reply(404, cookies)) as server:
        with Objectstore(server.url) as objectstore:
            for _ in range(2):
                try:
                    operate(bound(objectstore))
                except Exception as error:
                    assert getattr(error, "status", None) == 404
        first, second = server.requests
        assert first.headers == second.headers
        assert "cookie" not in second.headers


# ---- TLS ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("operate", OPERATIONS)
def test_certificates_are_checked(operate: Operate) -> None:
    """By default, and before a byte of the request is sent; nothing is tried without."""
    received: list[bytes] = []
    handshakes = []

    def play(connection: socket.socket) -> None:
        handshakes.append(True)
        received.append(connection.recv(1))

    with peer(play, tls=server_tls()) as url:
        with Objectstore(url, token="secret") as objectstore:
            with pytest.raises(ConnectError) as caught:
                operate(bound(objectstore))
        assert "CERTIFICATE_VERIFY_FAILED" in "".join(caught.value.__notes__)
        assert not caught.value.outcome_unknown
        assert caught.value.attempts == 1
    assert not any(received)

    def answer(connection: socket.socket) -> None:
        assert read_head(connection)
        connection.sendall(b"HTTP/1.1 418 X\r\nContent-Length: 0\r\n\r\n")

    with peer(answer, tls=server_tls()) as url:
        with Objectstore(url, ssl_context=client_tls()) as objectstore:
            with pytest.raises(Exception, match="418"):
                operate(bound(objectstore))


# ---- what it says -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b'{"key": "other", "key": "key"}',
        b'{"key": "key", "more": {"a": 1, "a": 2}}',
        b'{"key": "key", "more": NaN}',
        b'{"key": "key", "more": -Infinity}',
        b'{"key": "key", "more": ' + b"9" * 5000 + b"}",
        b'{"key": "key", "more": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"key": "key", "more": "' + b"x" * 3_000_000 + b'"}',
        b'{"key": "key"}\0',
        b'{"Key": "key"}',
        b'["key"]',
        b'"key"',
        b"7",
        b"null",
        '{"key": "key"}'.encode("utf-16"),
    ],
)
def test_json_is_taken_by_the_letter(body: bytes) -> None:
    """What other readers could understand otherwise is an error, and so is what is too large."""
    with RawServer(rest=reply(200, [JSON], body)) as server:
        with Objectstore(server.url, retries=0) as objectstore:
            with pytest.raises(InvalidResponseError):
                put(bound(objectstore))
    with RawServer(rest=reply(201, [JSON], body)) as server:
        with Objectstore(server.url, retries=0) as objectstore:
            with pytest.raises(InvalidResponseError) as caught:
                post(bound(objectstore))
            assert len("".join([str(caught.value), *caught.value.__notes__])) < 1500


@pytest.mark.parametrize("key", ["other", "Key", "key ", "ke\u0301y", ""])
def test_another_key_is_an_error(key: str) -> None:
    """An object that was stored elsewhere was not stored here."""
    body = json.dumps({"key": key}).encode()
    with RawServer(reply(200, [JSON], body)) as server:
        with Objectstore(server.url) as objectstore:
            with pytest.raises(InvalidResponseError, match="another key"):
                put(bound(objectstore))


@pytest.mark.parametrize("key", ["", "..", "../other", "a/./b", "\ud800", "a" * 20_000])
def test_a_chosen_key_must_be_one(key: str) -> None:
    """What the server chooses can be asked for, and does no harm where it is used as a name."""
    body = json.dumps({"key": key}).encode()
    with RawServer(reply(201, [JSON], body)) as server:
        with Objectstore(server.url) as objectstore:
            with pytest.raises(InvalidResponseError, match="chose a key that is none"):
                post(bound(objectstore))


@pytest.mark.parametrize("key", ["..", "../other", "a/./b", "a" * 20_000])
def test_a_key_chosen_in_a_batch_must_be_one(key: str) -> None:
    """The same."""
    part = (
        "--B\r\nx-sn-batch-operation-index: 0\r\nx-sn-batch-operation-status: 201 Created\r\n"
        f"x-sn-batch-operation-key: {key}\r\n\r\n\r\n--B--"
    )
    content_type = ("Content-Type", "multipart/form-data; boundary=B")
    with RawServer(reply(200, [content_type], part.encode())) as server:
        with Objectstore(server.url) as objectstore:
            (result,) = bound(objectstore).put_many([Put(b"contents")])
    assert isinstance(result.error, InvalidResponseError)
    assert result.key is None


@pytest.mark.parametrize("size", ["0", "4", "6", "99999999999999999999"])
@pytest.mark.parametrize("encoded", [False, True])
def test_a_size_that_is_a_lie_is_an_integrity_error(size: str, encoded: bool) -> None:
    """Nobody takes a part for the whole, or makes room for what is promised."""
    body = compress(b"hello") if encoded else b"hello"
    headers = [("x-sn-size", size), *([("Content-Encoding", "zstd")] if encoded else [])]
    with RawServer(reply(200, headers, body)) as server:
        with Objectstore(server.url) as objectstore:
            with pytest.raises(IntegrityError, match="not as long as the server said"):
                get(bound(objectstore))


@pytest.mark.parametrize("length", ["6", str(2**63), str(2**64 - 1), str(2**64), "-1", "5,6"])
def test_a_length_that_is_a_lie_is_a_lost_connection(length: str) -> None:
    """More than comes, more than there can be, or no length at all."""
    data = OK + f"Content-Length: {length}\r\n\r\nhello".encode()

    def play(exchange: Exchange) -> None:
        exchange.send(data)
        raise ConnectionError

    with RawServer(play) as server:
        with Objectstore(server.url, retries=0) as objectstore:
            with pytest.raises(ConnectionLostError):
                get(bound(objectstore))


@pytest.mark.parametrize(
    "header",
    [
        ("x-sn-size", "9" * 5000),
        ("x-sn-size", "\xb2"),
        ("x-sn-expiration", "ttl:" + "9" * 20 + "y"),
        ("x-sn-expiration", "ttl:" + " " * 60_000),
        ("x-sn-time-created", "9999-12-31T23:59:60Z"),
        ("x-sn-time-expires", "0001-01-01T00:00:00+23:59"),
        ("Content-Encoding", "zstd, zstd"),
    ],
)
def test_metadata_beyond_all_bounds_is_a_typed_error(header: tuple[str, str]) -> None:
    """Numbers, times and durations that Python could not hold, or would take long for."""
    with RawServer(reply(200, [header], b"hello")) as server:
        with Objectstore(server.url) as objectstore:
            with pytest.raises(InvalidResponseError):
                get(bound(objectstore))


def test_names_of_the_server_are_data() -> None:
    """What looks like a path or a line is handed over as it is, and nothing is done with it."""
    headers = [("x-sn-filename", "../../etc/passwd%00"), ("x-snme-note", "a%0D%0Ab: c")]
    with RawServer(reply(200, headers)) as server:
        with Objectstore(server.url) as objectstore:
            metadata = bound(objectstore).head("key")
    assert metadata.filename == "../../etc/passwd\0"
    assert metadata.custom == {"note": "a\r\nb: c"}


# ---- time ---------------------------------------------------------------------------------------


def drip(start: bytes, drop: bytes) -> Handler:
    """Read the request, send *start*, and then *drop* again and again, always in time."""

    def handle(exchange: Exchange) -> None:
        exchange.read_body()
        exchange.send(start)
        pause = threading.Event()
        while True:
            exchange.send(drop)
            pause.wait(0.01)

    return handle


@pytest.mark.parametrize(
    ("start", "drop"),
    [
        (b"", b"HTTP/1.1 200 OK\r\n"[:1]),
        (OK, b"x"),
        (OK + b"x: ", b"y"),
        (OK + b"Content-Length: 100000\r\n\r\n", b"x"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n1;", b"x"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n{\r\n"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n0\r\n", b"x: y\r\n"),
        (OK + b"Content-Type: application/json\r\n\r\n", b" "),
        (OK + b"Content-Encoding: zstd\r\n\r\n", b"\x50\x2a\x4d\x18\x01\0\0\0x"),
        (b"HTTP/1.1 503 X\r\nContent-Length: 60000\r\n\r\n", b"x"),
        (b"HTTP/1.1 404 X\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    ],
)
@pytest.mark.parametrize("operate", [put, get])
def test_dripping_ends_at_the_deadline(operate: Operate, start: bytes, drop: bytes) -> None:
    """Heads, bodies, framing and error bodies: no time-out strikes, but all of it has an end."""
    with RawServer(rest=drip(start, drop)) as server:
        with Objectstore(server.url, deadline=0.1) as objectstore:
            with pytest.raises((TransportTimeoutError, ConnectionLostError)) as caught:
                operate(bound(objectstore))
            if isinstance(caught.value, TransportTimeoutError):
                assert caught.value.phase == "deadline"


def test_the_server_sets_no_time() -> None:
    """`Retry-After` beyond what the policy allows ends the operation instead of holding it."""
    answers = ("9" * 300, "99999999999", "Fri, 31 Dec 9999 23:59:59 GMT", "3600")
    with RawServer(*(reply(503, [("Retry-After", wait)]) for wait in answers)) as server:
        with Objectstore(server.url) as objectstore:
            for _ in answers:
                with pytest.raises(Exception, match="503"):
                    get(bound(objectstore))
        assert len(server.requests) == len(answers)


# ---- uploads in several requests ----------------------------------------------------------------


def upload_of(opened: dict[str, object], *answers: Handler) -> list[Handler]:
    """What a server plays that knows sessions: it opens one, and answers what follows."""
    session = {"key": "key", "session": "AAAA", "granularity": 0, **opened}
    opening = reply(200, [JSON], json.dumps(session).encode())
    return [reply(400), reply(404), opening, *answers]


@pytest.mark.parametrize(
    "opened",
    [
        {"key": "other"},
        {"key": ""},
        {"key": ".."},
        {"session": ""},
        {"session": "\ud800"},
        {"session": 7},
        {"granularity": -1},
        {"granularity": 1.5},
    ],
)
def test_a_session_that_makes_no_sense_is_an_error(opened: dict[str, object]) -> None:
    """One of another object above all: nothing is sent by it."""
    with RawServer(*upload_of(opened)) as server:
        with Objectstore(server.url, retries=0) as objectstore:
            with pytest.raises(InvalidResponseError):
                bound(objectstore).put(b"contents", id="key", resumable=True)
        assert len(server.requests) == 3


@pytest.mark.parametrize(
    "answer",
    [
        reply(201, [JSON], b'{"key": "other"}'),
        reply(201, [JSON], b"{}"),
        reply(200, [JSON], b'{"key": "key"}'),
        reply(204),
        reply(204, [("upload-offset", "9" * 5000)]),
        reply(204, [("upload-offset", "-1")]),
        reply(409, [("upload-offset", "9" * 5000)]),
        reply(409, [("upload-offset", "\xb2")]),
        reply(308, [("Location", "http://127.0.0.1:1/"), ("upload-offset", "1")]),
    ],
)
def test_an_end_that_is_none_is_an_error(answer: Handler) -> None:
    """Of another object, of an old server that took the chunk for one, or at no place at all."""
    with RawServer(*upload_of({}, answer), rest=reply(204)) as server:
        with Objectstore(server.url, retries=0) as objectstore:
            with pytest.raises(InvalidResponseError):
                bound(objectstore).put(
                    b"contents" * 1000, id="key", resumable=True, compression="none"
                )


def test_a_part_of_an_upload_is_not_the_whole() -> None:
    """Whoever says that all is stored before all was sent is not believed."""
    answers = reply(204, [("upload-offset", "10")]), reply(201, [JSON], b'{"key": "key"}')
    with RawServer(*upload_of({"granularity": 1}, *answers), rest=reply(204)) as server:
        with Objectstore(server.url, retries=0) as objectstore:
            with pytest.raises(InvalidResponseError, match="before everything was sent"):
                bound(objectstore).put(
                    bytes(20 * 1024 * 1024), id="key", resumable=True, compression="none"
                )


@pytest.mark.parametrize("key", ["other", "", "..", "key "])
def test_parts_go_to_no_other_object(key: str) -> None:
    """Neither at the beginning of an upload nor at its end."""
    begun = {"key": "key", "upload_id": "AAAA"}
    wrong = {**begun, "key": key}
    answers = [json.dumps(each).encode() for each in (wrong, begun, {"key": key})]
    with RawServer(*(reply(200, [JSON], body) for body in answers)) as server:
        with Objectstore(server.url, retries=0) as objectstore:
            with pytest.raises(InvalidResponseError):
                bound(objectstore).begin_multipart(id="key")
            upload = bound(objectstore).begin_multipart(id="key")
            with pytest.raises(InvalidResponseError):
                upload.complete([UploadedPart(1, '"x"', 1)])


@pytest.mark.parametrize("parts", [0, 3000])
def test_a_list_of_parts_has_an_end(parts: int) -> None:
    """Pages without end are not collected, nor are they asked for, with parts or without."""
    one = {"part_number": 1, "etag": "x", "size": 1, "last_modified": "2026-01-01T00:00:00Z"}
    number = 0

    def page(exchange: Exchange) -> None:
        nonlocal number
        number += 4000
        document = {"parts": [one] * parts, "is_truncated": True}
        body = json.dumps({**document, "next_part_number_marker": number}).encode()
        exchange.send(answer(200, [JSON], body))

    begun = reply(200, [JSON], b'{"key": "key", "upload_id": "AAAA"}')
    with RawServer(begun, rest=page) as server:
        with Objectstore(server.url, retries=0) as objectstore:
            upload = bound(objectstore).begin_multipart(id="key")
            with pytest.raises(InvalidResponseError):
                upload.list_parts()
        assert len(server.requests) <= 5
