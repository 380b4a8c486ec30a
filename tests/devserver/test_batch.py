"""The batch endpoint, byte by byte (protocol section 9)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from objectstore_client.batch.framing import (
    MAX_PAYLOAD_BYTES,
    Part,
    PartReader,
    read_boundary,
    read_headers,
)
from objectstore_client.devserver import DevServer
from tests.devserver.wire import Answer, ask, connect, head

TARGET = "/v1/objects:batch/testing/org=17/"
TYPE = ("content-type", "multipart/form-data; boundary=BOUNDARY")


def part(kind: str, key: str | None = None, body: bytes = b"", *lines: str) -> bytes:
    """One operation."""
    own = ['Content-Disposition: form-data; name="part"', f"X-SN-Batch-Operation-Kind: {kind}"]
    if key is not None:
        own.append(f"x-sn-batch-operation-key: {key}")
    text = "\r\n".join([*own, *lines])
    return b"--BOUNDARY\r\n" + text.encode("latin-1") + b"\r\n\r\n" + body + b"\r\n"


def batch(*parts: bytes) -> bytes:
    """The body of a request."""
    return b"".join(parts) + b"--BOUNDARY--\r\n"


def read(answer: Answer) -> dict[int, tuple[dict[str, str], Part]]:
    """The parts of an answer by index; it has to be whole, and each index there once."""
    assert answer.status == 200
    boundary = read_boundary(answer.headers["content-type"])
    assert boundary is not None
    assert answer.body.endswith(b"--" + boundary + b"--")
    assert answer.body.startswith(b"--" + boundary)
    reader = PartReader(boundary, max_body=1 << 30)
    found: dict[int, tuple[dict[str, str], Part]] = {}
    for each in reader.feed(answer.body):
        headers = read_headers(each.head)
        assert headers["content-disposition"] == "form-data; name=part"
        index = int(headers.pop("x-sn-batch-operation-index"))
        assert index not in found
        found[index] = headers, each
    reader.finish()
    return found


def status(headers: dict[str, str]) -> int:
    """What a part says, without the reason."""
    return int(headers["x-sn-batch-operation-status"].partition(" ")[0])


def statuses(answer: Answer) -> list[int]:
    """The status of each operation, in the order of the request."""
    found = read(answer)
    return [status(found[index][0]) for index in range(len(found))]


def is_error(headers: dict[str, str], found: Part) -> bool:
    """Whether it looks as parts of errors do."""
    document: dict[str, Any] = json.loads(found.body)
    assert isinstance(document["detail"], str)
    return not {"content-type", "x-sn-batch-operation-key", "x-sn-batch-operation-kind"} & set(
        headers
    )


@pytest.fixture(params=["memory", "directory"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A server with either storage."""
    data_dir = tmp_path / "data" if request.param == "directory" else None
    with DevServer(data_dir=data_dir) as server:
        yield server.url


def post(url: str, body: bytes, target: str = TARGET) -> Answer:
    """Send a batch."""
    return ask(url, "POST", target, [TYPE], body)


def test_all_kinds(url: str) -> None:
    """Each does what its request by itself does, and is answered as the protocol says."""
    stored = ["content-type: text/plain", "x-sn-expiration: ttl:7d", "x-snme-source: d%C3%A9mo"]
    answer = post(url, batch(part("insert", "a%2Fone%20%C3%BC", b"payload", *stored)))
    assert re.fullmatch(
        r'multipart/form-data; boundary="os-boundary-[0-9a-f]{32}"',
        answer.headers["content-type"],
    )
    ((headers, found),) = read(answer).values()
    assert headers == {
        "x-sn-batch-operation-key": "a/one %C3%BC",
        "x-sn-batch-operation-kind": "insert",
        "x-sn-batch-operation-status": "201 Created",
        "content-disposition": "form-data; name=part",
    }
    assert not found.body

    key = "a%2Fone%20%C3%BC"
    read_back = read(post(url, batch(part("GET", key), part("Head", key, b"ignored"))))
    for index, expected, body in ((0, "200 OK", b"payload"), (1, "204 No Content", b"")):
        headers, found = read_back[index]
        assert headers["x-sn-batch-operation-status"] == expected
        assert headers["content-type"] == "text/plain"
        assert headers["x-sn-expiration"] == "ttl:7d"
        assert headers["x-snme-source"] == "d%C3%A9mo"
        assert headers["x-sn-size"] == "7"
        assert found.body == body
    single = ask(url, "GET", "/v1/objects/testing/org=17/a/one%20%C3%BC")
    assert single.body == b"payload"
    assert single.headers["x-sn-time-created"] == headers["x-sn-time-created"]

    deleted = post(url, batch(part("delete", key), part("delete", "never-there")))
    assert statuses(deleted) == [204] * 2
    assert ask(url, "GET", "/v1/objects/testing/org=17/a/one%20%C3%BC").status == 404


def test_absent_objects(url: str) -> None:
    """They are no errors: key and kind are there, and the body is empty."""
    for kind in ("get", "head"):
        ((headers, found),) = read(post(url, batch(part(kind, "absent")))).values()
        assert headers["x-sn-batch-operation-status"] == "404 Not Found"
        assert headers["x-sn-batch-operation-key"] == "absent"
        assert headers["x-sn-batch-operation-kind"] == kind
        assert not found.body


def test_the_server_chooses_a_key(url: str) -> None:
    """A UUID, for an insert without one."""
    ((headers, _),) = read(post(url, batch(part("insert", None, b"x")))).values()
    key = headers["x-sn-batch-operation-key"]
    assert re.fullmatch(r"[0-9a-f-]{36}", key)
    assert ask(url, "GET", f"/v1/objects/testing/org=17/{key}").body == b"x"


@pytest.mark.parametrize(
    "bad",
    [
        part("copy", "k"),
        part("", "k"),
        b"--BOUNDARY\r\nx-sn-batch-operation-key: k\r\n\r\n\r\n",
        b"--BOUNDARY\r\n\r\n\r\n",
        part("get"),
        part("delete", ""),
        part("insert", ""),
        part("get", "%FF"),
        part("get", "\xe9"),
        part("insert", "a/../b"),
        part("insert", "k", b"", "x-sn-expiration: soon"),
        part("insert", "k", b"", "content-encoding: gzip"),
        part("insert", "k", b"", "x-snme-a b: c"),
        part("insert", "k", b"", "no header"),
        part("insert", "k", b"", *[f"x-{number}: x" for number in range(130)]),
    ],
)
def test_a_bad_operation_fails_alone(url: str, bad: bytes) -> None:
    """It is answered with 400, and those around it are carried out."""
    found = read(post(url, batch(part("insert", "before", b"1"), bad, part("insert", "after"))))
    headers, error = found[1]
    assert headers["x-sn-batch-operation-status"] == "400 Bad Request"
    assert is_error(headers, error)
    for index in (0, 2):
        assert found[index][0]["x-sn-batch-operation-status"] == "201 Created"
    assert len(found) == 3


def test_the_limit_of_an_insert(url: str) -> None:
    """1 MiB is fine, a byte more is not; for other kinds the body does not count."""
    large = bytes(MAX_PAYLOAD_BYTES + 1)
    answer = post(
        url,
        batch(
            part("insert", "fits", large[1:]),
            part("insert", "large", large),
            part("get", "absent", large),
        ),
    )
    assert statuses(answer) == [201, 413, 404]
    assert is_error(*read(answer)[1])
    assert ask(url, "HEAD", "/v1/objects/testing/org=17/large").status == 404


def test_the_limit_of_a_batch(url: str) -> None:
    """The first thousand operations run, and each of the others is refused."""
    parts = [part("insert", f"{number}", b"x") for number in range(1002)]
    found = statuses(post(url, batch(*parts)))
    assert found == [201] * 1000 + [413] * 2
    assert ask(url, "GET", "/v1/objects/testing/org=17/999").status == 200
    assert ask(url, "GET", "/v1/objects/testing/org=17/1000").status == 404


def test_large_objects_are_streamed(url: str) -> None:
    """A get in a batch has no limit."""
    contents = bytes(range(256)) * 4096 * 3
    assert ask(url, "PUT", "/v1/objects/testing/org=17/large", [], contents).status == 200
    found = read(post(url, batch(*[part("get", "large")] * 3)))
    assert [each.body == contents for _, each in found.values()] == [True] * 3


@pytest.mark.parametrize(
    ("cut", "done"),
    [
        (b"", 0),
        (b"preamble only", 0),
        (part("insert", "a", b"1"), 0),
        (part("insert", "a", b"1") + part("insert", "b", b"2"), 1),
        (part("insert", "a", b"1") + b"--BOUNDARY nonsense", 1),
        (part("insert", "a", b"1") + b"--BOUNDARY\r\nx: " + bytes(70_000), 1),
    ],
)
def test_a_broken_body_has_one_error(url: str, cut: bytes, done: int) -> None:
    """What was complete is carried out; then one part says what is wrong, and no more follow."""
    found = read(post(url, cut))
    assert sorted(found) == list(range(done + 1))
    headers, error = found[done]
    assert headers["x-sn-batch-operation-status"] == "400 Bad Request"
    assert is_error(headers, error)


def test_an_empty_batch(url: str) -> None:
    """No operations, no parts."""
    assert read(post(url, b"--BOUNDARY--")) == {}


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "multipart/form-data",
        "multipart/mixed; boundary=BOUNDARY",
        "application/json",
        f"multipart/form-data; boundary={'x' * 71}",
    ],
)
def test_what_is_no_batch(url: str, content_type: str | None) -> None:
    """It is refused as a whole, in plain text."""
    headers = [] if content_type is None else [("content-type", content_type)]
    answer = ask(url, "POST", TARGET, headers, batch(part("insert", "a")))
    assert answer.status == 400
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.body


def test_the_path(url: str) -> None:
    """Only with the slash at its end, and only for POST."""
    assert post(url, batch(), TARGET[:-1]).status == 404
    assert post(url, batch(), f"{TARGET}key").status in (404, 405)
    answer = ask(url, "GET", TARGET)
    assert answer.status == 405
    assert answer.headers["allow"] == "POST"
    assert post(url, batch(), "/v1/objects:batch/no/org=17/").status == 400


def test_one_time_for_all(url: str) -> None:
    """All objects of a batch were created at the time of the request."""
    parts = [part("insert", f"{number}") for number in range(100)]
    post(url, batch(*parts))
    found = read(post(url, batch(*[part("head", f"{number}") for number in range(100)])))
    assert len({headers["x-sn-time-created"] for headers, _ in found.values()}) == 1


def test_operations_are_answered_while_others_are_received(url: str) -> None:
    """The answer begins before the request has ended."""
    with connect(url) as connection:
        connection.sendall(head("POST", TARGET, [TYPE, ("transfer-encoding", "chunked")]))
        received = b""
        for number in range(3):
            # The delimiter that follows is what completes a part.
            piece = part("insert", f"{number}", b"x") + b"--BOUNDARY"
            piece = piece[len(b"--BOUNDARY") * bool(number) :]
            connection.sendall(b"%x\r\n%b\r\n" % (len(piece), piece))
            while received.count(b"201 Created") <= number:
                received += connection.recv(65_536)
        connection.sendall(b"2\r\n--\r\n0\r\n\r\n")
        while not received.endswith(b"\r\n0\r\n\r\n"):
            received += connection.recv(65_536)


def test_a_client_that_goes_away_leaves_what_was_complete(url: str) -> None:
    """What was received was carried out, what was cut was not."""
    with connect(url) as connection:
        body = part("insert", "done", b"x") + part("insert", "cut", b"x")
        connection.sendall(head("POST", TARGET, [TYPE, ("content-length", "9999")]) + body)
        received = b""
        while b"201 Created" not in received:
            received += connection.recv(65_536)
    assert ask(url, "GET", "/v1/objects/testing/org=17/done").status == 200
    assert ask(url, "GET", "/v1/objects/testing/org=17/cut").status == 404
