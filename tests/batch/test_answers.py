"""The parts of an answer, and which operations they are for."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from objectstore_client import (
    BadRequestError,
    Get,
    Head,
    InvalidResponseError,
    ObjectNotFound,
    ObjectstoreError,
    PermissionDeniedError,
    Put,
    RateLimitedError,
    ServerError,
    TimeToLive,
)
from objectstore_client.batch.answers import Answer, Correlation
from objectstore_client.batch.encode import Entry
from objectstore_client.batch.framing import Part

GET, HEAD, PUT = Entry(0, Get("key")), Entry(1, Head("key")), Entry(2, Put(b"", id="key"))


def answer(status: str, body: bytes = b"", *lines: str, index: str = "0") -> Answer:
    """A part, with some more header lines."""
    own = (f"x-sn-batch-operation-index: {index}", f"x-sn-batch-operation-status: {status}")
    return Answer(Part("\r\n".join([*own, *lines]).encode("latin-1"), body, len(body)))


def test_a_success() -> None:
    """Index, status and key; the key may be escaped as much as a server likes."""
    for encoded in ("a%2Db%20%C3%BC", "a-b %C3%BC", "%61-b%20%c3%bc"):
        found = answer("201 Created", b"", f"X-SN-Batch-Operation-Key: {encoded}", index="17")
        assert (found.index, found.status) == (17, 201)
        assert found.key(Entry(0, Put(b""))) == found.key(Entry(0, Put(b"", id="a-b ü"))) == "a-b ü"


def test_the_reason_of_a_status_may_be_missing() -> None:
    """Only the number counts."""
    assert answer("204").status == answer("204 ").status == answer("204 Whatever it is").status


@pytest.mark.parametrize(
    "head",
    [
        "",
        "x-sn-batch-operation-status: 200 OK",
        "x-sn-batch-operation-index: 1",
        "x-sn-batch-operation-index: -1\r\nx-sn-batch-operation-status: 200",
        "x-sn-batch-operation-index: 1\r\nx-sn-batch-operation-status: OK",
        "x-sn-batch-operation-index: ²\r\nx-sn-batch-operation-status: 200",
        f"x-sn-batch-operation-index: {'1' * 21}\r\nx-sn-batch-operation-status: 200",
        "x-sn-batch-operation-index: 1\r\nx-sn-batch-operation-status: 200\r\nno header",
    ],
)
def test_a_part_that_says_nothing(head: str) -> None:
    """Nobody can know what it is for."""
    with pytest.raises(InvalidResponseError):
        Answer(Part(head.encode("latin-1"), b"", 0))


@given(st.binary(max_size=300))
def test_any_head_is_read_or_refused(head: bytes) -> None:
    """Whatever stands there, nothing but an InvalidResponseError comes of it."""
    with suppress(InvalidResponseError):
        Answer(Part(head, b"", 0))


@given(st.binary(max_size=300))
def test_any_error_body_is_bearable(body: bytes) -> None:
    """JSON or not, an error is made of it."""
    assert isinstance(answer("500", body).error(GET), ServerError)


def test_metadata() -> None:
    """Those of a get and head, as their own answers have them; the disposition of a part is not."""
    found = answer(
        "200 OK",
        b"hello",
        "content-type: text/plain",
        "content-encoding: zstd",
        "content-disposition: form-data; name=part",
        "x-sn-time-created: 2026-10-01T12:00:01Z",
        "x-sn-time-expires: 2026-10-08T12:00:01Z",
        "x-sn-expiration: ttl:7d",
        "x-sn-size: 5",
        "x-sn-filename: r%C3%A9port.pdf",
        "x-snme-source: demo",
    ).metadata()
    created = datetime(2026, 10, 1, 12, 0, 1, tzinfo=UTC)
    assert (found.time_created, found.time_expires) == (created, created + timedelta(days=7))
    assert found.expiration_policy == TimeToLive(timedelta(days=7))
    assert (found.content_type, found.compression, found.size) == ("text/plain", "zstd", 5)
    assert (found.filename, found.custom) == ("réport.pdf", {"source": "demo"})


@pytest.mark.parametrize(
    "line", ["x-sn-size: five", "x-sn-time-created: now", "x-sn-expiration: soon"]
)
def test_metadata_that_can_not_be_read(line: str) -> None:
    """It is the answer that is wrong."""
    with pytest.raises(InvalidResponseError):
        answer("200 OK", b"", line).metadata()


@pytest.mark.parametrize(
    ("status", "entry", "kind"),
    [
        ("404 Not Found", GET, ObjectNotFound),
        ("404 Not Found", HEAD, ObjectNotFound),
        ("400 Bad Request", PUT, BadRequestError),
        ("413 Payload Too Large", PUT, BadRequestError),
        ("403 Forbidden", GET, PermissionDeniedError),
        ("429 Too Many Requests", PUT, RateLimitedError),
        ("500 Internal Server Error", GET, ServerError),
        ("503 Service Unavailable", HEAD, ServerError),
    ],
)
def test_errors(status: str, entry: Entry, kind: type[ObjectstoreError]) -> None:
    """Those that the operation by itself raises, with the words of the server."""
    document = {"detail": "words", "causes": ["why", "deeper"]}
    error = answer(status, json.dumps(document).encode()).error(entry)
    assert type(error) is kind
    assert getattr(error, "detail", None) == "words"
    assert getattr(error, "causes", None) == ("why", "deeper")


@pytest.mark.parametrize(
    ("body", "detail"),
    [(b"", None), (b"plain\n", "plain"), (b"[]", None), (b'{"detail": null}', None)],
)
def test_errors_without_a_document(body: bytes, detail: str | None) -> None:
    """Absent, plain or odd words do no harm."""
    assert getattr(answer("500", body).error(PUT), "detail", "") == detail


@pytest.mark.parametrize(
    ("entry", "status", "fine"),
    [
        (GET, "200", True),
        (GET, "204", False),
        (GET, "206", False),
        (HEAD, "200", True),
        (HEAD, "204", True),
        (PUT, "201", True),
        (PUT, "200", True),
        (PUT, "202", False),
        (PUT, "302", False),
    ],
)
def test_successes(entry: Entry, status: str, fine: bool) -> None:
    """Only what the protocol knows for the operation is one."""
    found = answer(status)
    if fine:
        found.check_success(entry)
        return
    with pytest.raises(InvalidResponseError) as caught:
        found.check_success(entry)
    assert caught.value.status == int(status)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "x-sn-batch-operation-key:",
        "x-sn-batch-operation-key: b",
        "x-sn-batch-operation-key: %FF",
        "x-sn-batch-operation-key: \xe9",
    ],
)
def test_a_key_that_is_not_the_one(line: str) -> None:
    """Who stored something must say under which key, and it must be that which was asked for."""
    with pytest.raises(InvalidResponseError):
        answer("201", b"", *([line] if line else [])).key(PUT)


def test_answers_belong_to_operations_by_their_index() -> None:
    """In whatever order they come, each once."""
    entries = [GET, HEAD, PUT]
    correlation = Correlation(entries)
    assert correlation.entry(answer("200", index="2")) is PUT
    assert correlation.entry(answer("200", index="0")) is GET
    assert correlation.unanswered == [HEAD]


@pytest.mark.parametrize("index", ["0", "1", "1000000"])
def test_more_answers_than_operations_are_refused(index: str) -> None:
    """Twice the same, or beyond the last: so an endless answer ends."""
    correlation = Correlation([GET])
    correlation.entry(answer("200", index="0"))
    with pytest.raises(InvalidResponseError):
        correlation.entry(answer("400", index=index))
