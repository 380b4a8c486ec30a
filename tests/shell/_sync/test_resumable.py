# Generated from tests/shell/_async/test_resumable.py; do not edit. To regenerate: python -m generator
"""Puts by resumable sessions: when they are used, and how they get over what goes wrong."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from objectstore_client import (
    Client,
    ConnectionLostError,
    InvalidResponseError,
    Objectstore,
    PermissionDeniedError,
    RetryPolicy,
    Scope,
    Usecase,
)
from objectstore_client.devserver import DevServer, Features
from objectstore_client.usecase import Compression
from tests.support.rawserver import Exchange, Handler, RawServer, reply

_RANDOM = random.Random(1)
DATA = b"".join(_RANDOM.randbytes(500) + bytes(500) for _ in range(1_000))
QUICK = RetryPolicy(base=0.001, throttled_base=0.001)
SIZE = 100_000
BODY = DATA[:SIZE]

PROBED = reply(400)
ABSENT = reply(404)
OPENED = reply(200, body=json.dumps({"key": "key", "session": "c2VjcmV0"}).encode())
STORED = reply(201, body=b'{"key": "key"}')


def at(offset: int, status: int = 204) -> Handler:
    """The upload stands at *offset*."""
    return reply(status, [("upload-offset", str(offset))])


def lost(exchange: Exchange) -> None:
    """Read the request, and hang up."""
    exchange.read_body()
    raise ConnectionError


def created(second: int, size: int = SIZE) -> Handler:
    """An object of *size* bytes, created at a time of its own."""
    headers = [("x-sn-time-created", f"2026-01-01T00:00:{second:02}Z"), ("x-sn-size", str(size))]
    return reply(200, headers, content_length=size)


@contextmanager
def connect(
    server: RawServer | DevServer,
    retries: RetryPolicy | int = QUICK,
    spool_dir: Path | None = None,
) -> Iterator[Client]:
    """A client of a scripted server, or of a real one."""
    with Objectstore(server.url, timeout=20, retries=retries, spool_dir=spool_dir) as objectstore:
        yield objectstore.get_client(
            Usecase("testing", compression="none", resumable_threshold=SIZE), Scope(org=17)
        )


def told(server: RawServer) -> list[tuple[str, str, str | None]]:
    """Method, query, and offset of each request."""
    return [
        (
            request.method,
            request.target.partition("?")[2],
            request.headers.get("upload-offset"),
        )
        for request in server.requests
    ]


PROBE = ("DELETE", "upload_type=resumable", None)
HEAD = ("HEAD", "", None)
OPEN = ("PUT", "upload_type=resumable", None)


def step(offset: int | None) -> tuple[str, str, str]:
    """A chunk, or a question."""
    return ("PUT", "session=c2VjcmV0", "*" if offset is None else str(offset))


CANCEL = ("DELETE", "session=c2VjcmV0", None)


def test_the_threshold_decides() -> None:
    """From it on by a session, below it by one request, and as the call says."""
    session = [PROBED, ABSENT, OPENED, STORED]
    plain = reply(200, body=b'{"key": "key"}')
    for contents, resumable, handlers in (
        (BODY, None, session),
        (BODY[1:], None, [plain]),
        (BODY, False, [plain]),
        (BODY[1:], True, session),
        (b"", True, [plain]),
    ):
        with RawServer(*handlers) as server:
            with connect(server) as client:
                assert client.put(contents, id="key", resumable=resumable) == "key"
        assert len(server.requests) == len(handlers)
        assert server.requests[-1].body == contents


def test_metadata_travel_with_the_opening() -> None:
    """And with it the length; the body of it is empty."""
    with RawServer(PROBED, ABSENT, OPENED, STORED) as server:
        with connect(server) as client:
            client.put(BODY, id="key", metadata={"a": "1"}, content_type="text/plain")
    probe, _, opening, chunk = server.requests
    assert opening.headers["upload-length"] == str(SIZE)
    assert opening.headers["x-snme-a"] == "1"
    assert opening.headers["content-type"] == "text/plain"
    assert (opening.body, opening.headers["content-length"]) == (b"", "0")
    assert chunk.headers["content-length"] == str(SIZE)
    assert probe.target.partition("?")[0] != opening.target.partition("?")[0]


def test_a_server_is_asked_once() -> None:
    """Whether it takes such uploads; the next one knows."""
    with RawServer(PROBED, ABSENT, OPENED, STORED, ABSENT, OPENED, STORED) as server:
        with connect(server) as client:
            client.put(BODY, id="key")
            client.put(BODY, id="key")
    assert told(server) == [PROBE, HEAD, OPEN, step(0), HEAD, OPEN, step(0)]


@pytest.mark.parametrize("status", [204, 403, 404, 405])
def test_servers_that_do_not_know_it_get_a_plain_put(status: int) -> None:
    """They would store an empty object in place of opening a session."""
    with RawServer(reply(status), reply(200, body=b'{"key": "key"}')) as server:
        with connect(server) as client:
            client.put(BODY, id="key")
    assert told(server) == [PROBE, ("PUT", "", None)]
    assert server.requests[1].body == BODY


@pytest.mark.parametrize("declined", [reply(501), reply(409)])
def test_a_declined_session_is_followed_by_a_plain_put(declined: Handler) -> None:
    """501, or 409 of the draft."""
    with RawServer(PROBED, ABSENT, declined, reply(200, body=b'{"key": "key"}')) as server:
        with connect(server) as client:
            client.put(BODY, id="key")
    assert server.requests[-1].body == BODY


def test_an_answer_without_a_session_is_none() -> None:
    """The server has stored an empty object: it is replaced, or removed if it has its own key."""
    nothing = reply(200, body=b'{"key": "key"}')
    with RawServer(PROBED, ABSENT, nothing, nothing) as server:
        with connect(server) as client:
            client.put(BODY, id="key")
    assert told(server)[-1] == ("PUT", "", None)
    stray, stored = reply(201, body=b'{"key": "stray"}'), reply(201, body=b'{"key": "key"}')
    with RawServer(PROBED, stray, reply(204), stored) as server:
        with connect(server) as client:
            assert client.put(BODY) == "key"
    assert (server.requests[2].method, server.requests[2].target[-6:]) == ("DELETE", "/stray")
    assert server.requests[3].body == BODY


def test_a_refused_session_is_an_error() -> None:
    """Any other refusal."""
    with RawServer(PROBED, ABSENT, reply(403)) as server:
        with connect(server) as client:
            with pytest.raises(PermissionDeniedError):
                client.put(BODY, id="key")


def test_the_server_says_where_to_go_on() -> None:
    """After a loss it is asked; after a 409 it has said so."""
    handlers = [PROBED, ABSENT, OPENED, lost, at(40_000), at(50_000, 409), at(70_000), STORED]
    with RawServer(*handlers) as server:
        with connect(server) as client:
            assert client.put(BODY, id="key") == "key"
    steps = [step(0), step(None), step(40_000), step(50_000), step(70_000)]
    assert told(server) == [PROBE, HEAD, OPEN, *steps]
    assert server.requests[-1].body == BODY[70_000:]


@pytest.mark.parametrize("failure", [reply(408), reply(429), reply(500), reply(503)])
def test_failures_that_may_pass_are_waited_for(failure: Handler) -> None:
    """Then the server is asked."""
    with RawServer(PROBED, ABSENT, OPENED, failure, at(10), STORED) as server:
        with connect(server) as client:
            client.put(BODY, id="key")
    assert told(server)[3:] == [step(0), step(None), step(10)]


@pytest.mark.parametrize("gone", [404, 410])
def test_a_vanished_session_is_replaced(gone: int) -> None:
    """While data are missing, the object can't be there."""
    last = len(BODY * 200) - 10
    handlers = [
        PROBED,
        ABSENT,
        OPENED,
        at(10),
        lost,
        at(20),
        reply(gone),
        ABSENT,
        OPENED,
        at(last),
        STORED,
    ]
    with RawServer(*handlers) as server:
        with connect(server) as client:
            assert client.put(BODY * 200, id="key") == "key"
    assert told(server)[-4:] == [HEAD, OPEN, step(0), step(last)]


def test_an_unknown_session_may_be_a_bad_request() -> None:
    """As on early servers: in answer to a question, which can't be malformed."""
    last = len(BODY * 200) - 10
    handlers = [PROBED, ABSENT, OPENED, at(10), lost, reply(400), ABSENT, OPENED, at(last), STORED]
    with RawServer(*handlers) as server:
        with connect(server) as client:
            assert client.put(BODY * 200, id="key") == "key"
    assert told(server)[-4:] == [HEAD, OPEN, step(0), step(last)]


def test_a_completed_session_may_say_so_again() -> None:
    """As on cloud storage."""
    with RawServer(PROBED, ABSENT, OPENED, lost, STORED) as server:
        with connect(server) as client:
            assert client.put(BODY, id="key") == "key"
    assert told(server)[3:] == [step(0), step(None)]


def test_sessions_that_keep_vanishing_end_it() -> None:
    """After a few."""
    again = [reply(410), ABSENT, OPENED]
    with RawServer(PROBED, ABSENT, OPENED, *again, *again, *again, reply(204)) as server:
        with connect(server) as client:
            with pytest.raises(InvalidResponseError, match="forgets"):
                client.put(BODY * 200, id="key")


def test_a_lost_last_answer_is_looked_after() -> None:
    """The object is there if it has the length and another time than the one before."""
    with RawServer(PROBED, created(1), OPENED, lost, reply(404), created(2)) as server:
        with connect(server) as client:
            assert client.put(BODY, id="key") == "key"
    assert told(server)[3:] == [step(0), step(None), HEAD]


@pytest.mark.parametrize("there", [created(1), created(2, 5), ABSENT])
def test_what_is_there_may_be_another_object(there: Handler) -> None:
    """The older one, one of another length, or none: then everything is sent once more."""
    handlers = [PROBED, created(1), OPENED, lost, reply(404), there, created(1), OPENED, STORED]
    with RawServer(*handlers) as server:
        with connect(server) as client:
            assert client.put(BODY, id="key") == "key"
    assert server.requests[-1].body == BODY


def test_attempts_without_progress_are_bounded() -> None:
    """Then the session is cancelled, and the last failure is raised with its facts."""
    with RawServer(PROBED, ABSENT, OPENED, lost, lost, lost, reply(204)) as server:
        with connect(server) as client:
            with pytest.raises(ConnectionLostError) as caught:
                client.put(BODY, id="key")
    assert (caught.value.attempts, caught.value.outcome_unknown) == (3, True)
    assert told(server)[3:] == [step(0), step(None), step(None), CANCEL]
    assert "c2VjcmV0" not in repr(caught.value) + str(caught.value.__notes__)


def test_a_server_that_keeps_nothing_ends_it() -> None:
    """It answers politely, and the upload stands still."""
    with RawServer(PROBED, ABSENT, OPENED, *[at(0)] * 5, reply(204)) as server:
        with connect(server) as client:
            with pytest.raises(InvalidResponseError):
                client.put(BODY, id="key")


def test_without_retries_a_loss_is_an_error() -> None:
    """One request is one request."""
    with RawServer(PROBED, ABSENT, OPENED, lost, reply(204)) as server:
        with connect(server, retries=0) as client:
            with pytest.raises(ConnectionLostError):
                client.put(BODY, id="key")


@pytest.mark.parametrize("granularity", [0, 1000, 262_144, 5 << 20])
@pytest.mark.parametrize("compression", ["none", "zstd", "auto"])
def test_a_real_server_takes_what_it_demands(
    granularity: int, compression: Compression, tmp_path: Path
) -> None:
    """From memory, from a file, from an iterator of unknown length."""
    path = tmp_path / "file"
    path.write_bytes(DATA)
    with DevServer(features=Features(granularity=granularity)) as server:
        with connect(server) as client:
            with path.open("rb") as file:
                for contents in (DATA, path, file, iter([DATA[:10], DATA[10:]])):
                    key = client.put(contents, compression=compression, resumable=True)
                    result = client.get(key)
                    assert result.payload.read() == DATA


def test_a_spool_without_room_means_a_plain_put(
    scope: Scope, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Unless a session was asked for: then the error names directory and numbers."""

    def no_room(directory: Path, size: int) -> None:
        raise OSError(28, f"{size} bytes are needed, 0 are free", str(directory))

    monkeypatch.setattr("objectstore_client._sync.large.check_space", no_room)
    with DevServer() as server:
        with connect(server, spool_dir=tmp_path) as client:
            key = client.put(DATA, compression="zstd")
            assert client.get(key).payload.read() == DATA
            with pytest.raises(OSError, match="bytes are needed") as caught:
                client.put(DATA, compression="zstd", resumable=True)
            assert caught.value.filename == str(tmp_path)


def test_a_declining_server_takes_what_was_spooled(scope: Scope) -> None:
    """Also contents that could not be read again."""
    with DevServer(features=Features(resumable=False)) as server:
        with connect(server) as client:
            for compression in ("none", "zstd"):
                contents = iter([DATA, DATA])
                key = client.put(contents, compression=compression, resumable=True)
                assert client.get(key).payload.read() == DATA + DATA
