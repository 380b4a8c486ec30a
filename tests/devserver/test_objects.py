"""Single objects: what goes in comes out (protocol section 6)."""

from __future__ import annotations

import re

import pytest

from objectstore_client.devserver import DevServer
from tests.devserver.conftest import CREATED, Ask, Clock
from tests.devserver.wire import ask, chunked, connect, head, receive

UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
PAYLOADS = {
    "empty": b"",
    "small": b"hello",
    "all bytes": bytes(range(256)),
    "one piece": b"a" * 512 * 1024,
    "several pieces": bytes(range(251)) * 10_000,
}
CHUNKED = [("transfer-encoding", "chunked")]


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
@pytest.mark.parametrize("framing", ["length", "chunks"])
def test_a_payload_comes_back_byte_for_byte(call: Ask, payload: bytes, framing: str) -> None:
    """Whatever its size, and however it is framed on the way in."""
    if framing == "length":
        stored = call("PUT", body=payload)
    else:
        stored = call("PUT", headers=CHUNKED, body=chunked(payload))
    assert (stored.status, stored.json()) == (200, {"key": "o"})

    found = call("GET")
    assert found.status == 200
    assert found.body == payload
    assert found.headers["content-length"] == str(len(payload))
    assert found.headers["x-sn-size"] == str(len(payload))


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_post_chooses_the_key(call: Ask, slash: str) -> None:
    """A lower-case UUID of version 4, with and without the slash after the collection."""
    created = call("POST", slash, body=b"hello")
    assert created.status == 201
    key = created.json()["key"]
    assert UUID4.fullmatch(key)
    assert call("GET", f"/{key}").body == b"hello"
    assert call("POST", slash, body=b"hello").json()["key"] != key


def test_a_request_without_a_body_stores_an_empty_object(call: Ask) -> None:
    """No `Content-Length` is as good as zero."""
    assert call("PUT").status == 200
    assert call("GET").headers["x-sn-size"] == "0"


def test_a_plain_object_has_these_headers_and_no_others(call: Ask) -> None:
    """What does not apply is missing: no encoding, no expiration, no names."""
    call("PUT", body=b"hello")
    found = call("GET")
    del found.headers["date"], found.headers["server"]
    assert found.headers == {
        "content-type": "application/octet-stream",
        "content-length": "5",
        "accept-ranges": "bytes",
        "x-sn-time-created": CREATED,
        "x-sn-size": "5",
    }


def test_all_metadata_comes_back(call: Ask) -> None:
    """Names in lower case, values as they were or in the form that the protocol prescribes."""
    call(
        "PUT",
        headers=[
            ("Content-Type", 'text/plain;charset="utf-8"'),
            ("Content-Encoding", "zstd"),
            ("X-SN-Expiration", "ttl:7days"),
            ("x-sn-origin", "203.0.113.42"),
            ("x-sn-filename", "r%c3%a9port.pdf"),
            ("x-snme-BuildId", "7 %25 done"),
            ("x-snme-empty", ""),
        ],
        body=b"hello",
    )
    found = call("GET")
    del found.headers["date"], found.headers["server"]
    assert found.headers == {
        "content-type": 'text/plain;charset="utf-8"',
        "content-encoding": "zstd",
        "content-length": "5",
        "accept-ranges": "bytes",
        "content-disposition": (
            "attachment; filename=\"r_port.pdf\"; filename*=UTF-8''r%C3%A9port.pdf"
        ),
        "x-sn-expiration": "ttl:7d",
        "x-sn-origin": "203.0.113.42",
        "x-sn-filename": "r%C3%A9port.pdf",
        "x-sn-time-created": CREATED,
        "x-sn-time-expires": "2026-01-08T00:00:01Z",
        "x-sn-size": "5",
        "x-snme-buildid": "7 %25 done",
        "x-snme-empty": "",
    }


def test_a_head_has_the_headers_of_a_get(call: Ask) -> None:
    """And the length of the whole object, but no body; a range is ignored."""
    call("PUT", headers=[("x-sn-filename", "a"), ("x-snme-k", "v")], body=b"hello")
    found, described = call("GET"), call("HEAD", headers=[("range", "bytes=0-0")])
    assert (described.status, described.body) == (200, b"")
    for headers in (found.headers, described.headers):
        del headers["date"]
    assert described.headers == found.headers


def test_a_put_replaces_everything(call: Ask, clock: Clock) -> None:
    """Payload, metadata and time of creation; nothing of the older object shines through."""
    call("PUT", headers=[("x-snme-old", "1"), ("x-sn-expiration", "tti:1d")], body=b"old, long")
    clock.advance(hours=1)
    assert call("PUT", headers=[("x-snme-new", "2")], body=b"new").status == 200
    found = call("GET")
    assert found.body == b"new"
    assert found.headers["x-snme-new"] == "2"
    assert "x-snme-old" not in found.headers
    assert "x-sn-expiration" not in found.headers
    assert found.headers["x-sn-time-created"] == "2026-01-01T01:00:01Z"


def test_a_deletion_is_idempotent(call: Ask) -> None:
    """204 without a body, whether or not there was an object."""
    call("PUT", body=b"hello")
    assert call("DELETE").shape == (204, "empty")
    assert call("GET").status == 404
    assert call("DELETE").shape == (204, "empty")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_an_absent_object_is_404_and_nothing_else(call: Ask, method: str) -> None:
    """No body, and no headers of ranges either."""
    absent = call(method)
    assert absent.shape == (404, "empty")
    assert absent.headers["content-length"] == "0"
    assert "accept-ranges" not in absent.headers


def test_namespaces_are_separate(server: DevServer, prefix: str) -> None:
    """The same key in another use case, other scopes, or their other order is another object."""
    family, _, scope = prefix.rpartition("/")
    places = (
        f"{family}/{scope};a=1;b=2/o",
        f"{family}/{scope};b=2;a=1/o",
        f"{family}/{scope};a=1/o",
        f"/v1/objects/other/{scope};a=1;b=2/o",
    )
    for place in places:
        assert ask(server.url, "PUT", place, body=place.encode()).status == 200
    for place in places:
        assert ask(server.url, "GET", place).body == place.encode()


def test_requests_share_a_connection(server: DevServer, prefix: str) -> None:
    """Errors and absent objects do not end it, as long as the request has been read."""
    with connect(server.url) as connection:
        for method, target, body, status in (
            ("PUT", "/o", b"hello", 200),
            ("GET", "/o", b"", 200),
            ("HEAD", "/o", b"", 200),
            ("GET", "/absent", b"", 404),
            ("GET", "/..", b"", 400),
            ("DELETE", "/o", b"", 204),
            ("POST", "/o", b"", 405),
            ("GET", "/o", b"", 404),
        ):
            headers = [("content-length", str(len(body)))] if body else []
            connection.sendall(head(method, prefix + target, headers) + body)
            assert receive(connection, method).status == status


def test_pipelined_requests_are_answered_in_order(server: DevServer, prefix: str) -> None:
    """Even when they arrive in one packet."""
    with connect(server.url) as connection:
        put = head("PUT", f"{prefix}/o", [("content-length", "5")]) + b"hello"
        connection.sendall(put + head("GET", f"{prefix}/o", [("connection", "close")]))
        received = b""
        while piece := connection.recv(65536):
            received += piece
    first, second = received.split(b"HTTP/1.1 ")[1:]
    assert first.startswith(b"200 OK") and first.endswith(b'{"key":"o"}')
    assert second.startswith(b"200 OK") and second.endswith(b"hello")


def test_expect_continue_is_answered_before_the_body(server: DevServer, prefix: str) -> None:
    """A client that waits for a go-ahead gets it."""
    headers = [("expect", "100-continue"), ("content-length", "5")]
    with connect(server.url) as connection:
        connection.sendall(head("PUT", f"{prefix}/o", headers))
        assert connection.recv(65536).startswith(b"HTTP/1.1 100 ")
        connection.sendall(b"hello")
        assert receive(connection).status == 200


def test_a_client_may_close_its_half_after_the_request(server: DevServer, prefix: str) -> None:
    """The answer still comes."""
    with connect(server.url) as connection:
        connection.sendall(head("PUT", f"{prefix}/o", [("content-length", "5")]) + b"hello")
        connection.shutdown(1)
        assert receive(connection).status == 200


def test_an_old_client_gets_its_answer(server: DevServer, prefix: str) -> None:
    """HTTP/1.0 without a host: the answer has a length, and the connection ends."""
    ask(server.url, "PUT", f"{prefix}/o", body=b"hello")
    with connect(server.url) as connection:
        connection.sendall(f"GET {prefix}/o HTTP/1.0\r\n\r\n".encode())
        assert receive(connection).body == b"hello"
        assert connection.recv(1) == b""
