"""The server of the first version, which clients have to tolerate (protocol section 17)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from objectstore_client import Metadata, Objectstore, Scope, TimeToLive, Usecase
from objectstore_client.devserver import DevServer, Features
from objectstore_client.devserver.old import human_duration
from tests.devserver.conftest import Clock
from tests.devserver.wire import Answer, ask
from tests.support.serve import serving

TARGET = "/v1/objects/test/_/o"


@pytest.fixture
def old(clock: Clock) -> Iterator[DevServer]:
    """A server of the first version."""
    with DevServer(clock=clock, features=Features(old=True)) as server:
        yield server


def put(server: DevServer, *headers: tuple[str, str | bytes], body: bytes = b"x") -> Answer:
    """Store an object."""
    return ask(server.url, "PUT", TARGET, headers, body)


def test_head_has_neither_size_nor_length(old: DevServer) -> None:
    """204."""
    put(old)
    answer = ask(old.url, "HEAD", TARGET)
    assert answer.status == 204
    assert "content-length" not in answer.headers
    assert "x-sn-size" not in answer.headers


def test_a_whole_object_comes_in_chunks(old: DevServer) -> None:
    """A part of it with its length."""
    put(old, body=b"hello")
    whole = ask(old.url, "GET", TARGET)
    assert (whole.body, whole.headers["transfer-encoding"]) == (b"hello", "chunked")
    assert "content-length" not in whole.headers
    part = ask(old.url, "GET", TARGET, [("range", "bytes=1-2")])
    assert (part.status, part.body, part.headers["content-length"]) == (206, b"el", "2")
    assert part.headers["content-range"] == "bytes 1-2/5"


def test_times_and_durations_are_long(old: DevServer, clock: Clock) -> None:
    """Six digits of a second, months and years."""
    put(old, ("x-sn-expiration", "ttl:31d"))
    clock.advance(days=400)
    headers = ask(old.url, "GET", TARGET).headers
    assert headers["x-sn-expiration"] == "ttl:1month 13h 26m 24s"
    assert headers["x-sn-time-created"] == "2026-01-01T00:00:00.250000Z"
    assert headers["x-sn-time-expires"] == "2026-02-01T00:00:00.250000Z"


@pytest.mark.parametrize(
    ("duration", "text"),
    [
        (timedelta(seconds=90), "1m 30s"),
        (timedelta(days=7), "7days"),
        (timedelta(days=90), "2months 29days 2h 52m 48s"),
        (timedelta(days=731), "2years 12h"),
        (timedelta(), "0s"),
    ],
)
def test_durations_are_written_in_words(duration: timedelta, text: str) -> None:
    """Those of the protocol's table, and a few more."""
    assert human_duration(duration) == text


def test_metadata_are_raw(old: DevServer) -> None:
    """A per cent sign means nothing, and other bytes than ASCII are refused."""
    put(old, ("x-snme-a", "100%41"), ("x-sn-filename", "a%20b"))
    headers = ask(old.url, "GET", TARGET).headers
    assert (headers["x-snme-a"], headers["x-sn-filename"]) == ("100%41", "a%20b")
    assert headers["content-disposition"] == 'attachment; filename="a%20b"'
    assert put(old, ("x-snme-a", "é".encode())).status == 400


def test_the_query_of_resumable_uploads_means_nothing(old: DevServer) -> None:
    """A put stores an empty object, a deletion deletes."""
    answer = ask(old.url, "PUT", f"{TARGET}?upload_type=resumable", [("upload-length", "5")])
    assert (answer.status, answer.json()) == (200, {"key": "o"})
    assert ask(old.url, "GET", TARGET).body == b""
    assert ask(old.url, "DELETE", f"{TARGET}?upload_type=resumable").status == 204
    assert ask(old.url, "GET", TARGET).status == 404


def test_deleting_what_is_absent_fails(old: DevServer) -> None:
    """500, as the old storage in files did."""
    assert ask(old.url, "DELETE", TARGET).shape == (500, "json")


def test_there_is_no_patch(old: DevServer) -> None:
    """405."""
    answer = ask(old.url, "PATCH", TARGET, [("content-type", "application/json")], b"{}")
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD, PUT, DELETE")


def test_any_usecase_will_do(old: DevServer) -> None:
    """Short, long, or with other characters."""
    for usecase in ("a", "b" * 100, "a%20b"):
        assert ask(old.url, "PUT", f"/v1/objects/{usecase}/_/o", body=b"x").status == 200


def test_batches_show_the_same(old: DevServer) -> None:
    """Neither size nor whole seconds."""
    put(old, ("x-sn-expiration", "ttl:31d"))
    with Objectstore(old.url) as objectstore:
        client = objectstore.get_client(Usecase("test"), Scope())
        (result,) = client.head_many(["o"])
        assert isinstance(result.value, Metadata)
        assert result.value.size is None
        assert result.value.expiration_policy == TimeToLive(timedelta(days=31))
        assert result.value.time_created is not None
        assert result.value.time_created.microsecond == 250_000


def test_the_command_starts_such_a_server() -> None:
    """With switches for everything."""
    with serving("--old-server") as url:
        ask(url, "PUT", TARGET, body=b"x")
        assert ask(url, "HEAD", TARGET).status == 204
    with serving("--resumable-granularity", "8") as url:
        opening = f"{TARGET}?upload_type=resumable"
        answer = ask(url, "PUT", opening, [("upload-length", "1")])
        assert answer.json()["granularity"] == 8
    with serving("--no-resumable") as url:
        assert ask(url, "PUT", opening, [("upload-length", "1")]).status == 501
