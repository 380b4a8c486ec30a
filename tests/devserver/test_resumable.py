"""Resumable uploads, rule by rule (protocol section 11)."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TypeAlias

import pytest

from objectstore_client.devserver import DevServer, Features
from objectstore_client.devserver.drafts import LIFETIME
from tests.devserver.conftest import Ask, Clock
from tests.devserver.wire import Answer, ask, chunked, connect, head

PREFIX = "/v1/objects/test/_"
DATA = bytes(itertools.islice(itertools.cycle(range(251)), 1000))

Upload: TypeAlias = tuple[str, str]
"""Key and session."""


def begin(call: Ask, *headers: tuple[str, str]) -> str:
    """Open a session and return what to append to the key."""
    answer = call("PUT", "/o?upload_type=resumable", [("upload-length", str(len(DATA))), *headers])
    assert answer.status == 200
    assert answer.json()["key"] == "o"
    return f"/o?session={answer.json()['session']}"


def chunk(call: Ask, target: str, offset: int, data: bytes) -> Answer:
    """Send a chunk."""
    return call("PUT", target, [("upload-offset", str(offset))], data)


def query(call: Ask, target: str) -> Answer:
    """Ask for the offset."""
    return call("PUT", target, [("upload-offset", "*")])


def test_the_last_chunk_makes_the_object(call: Ask) -> None:
    """Until then the older one is there; metadata are those of the beginning."""
    call("PUT", body=b"old")
    target = begin(call, ("x-snme-a", "1"), ("content-encoding", "zstd"))
    answer = chunk(call, target, 0, DATA[:600])
    assert (answer.status, answer.body, answer.headers["upload-offset"]) == (204, b"", "600")
    assert call("GET").body == b"old"
    answer = chunk(call, target, 600, DATA[600:])
    assert (answer.status, answer.json()) == (201, {"key": "o"})
    assert "upload-offset" not in answer.headers
    got = call("GET")
    assert (got.body, got.headers["x-snme-a"]) == (DATA, "1")
    assert got.headers["content-encoding"] == "zstd"
    assert query(call, target).shape == (404, "json")


def test_the_server_chooses_a_key_for_a_post(call: Ask) -> None:
    """And says so when the session is opened."""
    opened = call("POST", "/?upload_type=resumable", [("upload-length", "3")]).json()
    answer = chunk(call, f"/{opened['key']}?session={opened['session']}", 0, b"abc")
    assert answer.json() == {"key": opened["key"]}
    assert call("GET", f"/{opened['key']}").body == b"abc"


def test_creation_counts_for_the_times(call: Ask, clock: Clock) -> None:
    """An upload that takes a day makes an object that is a day old."""
    target = begin(call, ("x-sn-expiration", "ttl:2d"))
    clock.advance(days=1)
    chunk(call, target, 0, DATA)
    assert call("GET").headers["x-sn-time-expires"] == "2026-01-03T00:00:01Z"


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("upload-length", "")],
        [("upload-length", "-1")],
        [("upload-length", "+1")],
        [("upload-length", "1.0")],
        [("upload-length", "0")],
        [("upload-length", str(2**64))],
        [("upload-length", "1"), ("upload-length", "1")],
    ],
)
def test_a_length_is_required(call: Ask, headers: list[tuple[str, str]]) -> None:
    """Exactly one, of digits, not 0."""
    assert call("PUT", "/o?upload_type=resumable", headers).shape == (400, "text")


def test_the_body_of_an_opening_is_empty(call: Ask) -> None:
    """Any byte is refused, however it is framed."""
    headers = [("upload-length", "1")]
    assert call("PUT", "/o?upload_type=resumable", headers, b"x").shape == (400, "json")
    headers += [("transfer-encoding", "chunked")]
    assert call("PUT", "/o?upload_type=resumable", headers, chunked(b"x")).shape == (400, "json")
    assert call("PUT", "/o?upload_type=resumable", headers, chunked(b"")).status == 200


def test_bad_metadata_are_refused_at_the_beginning(call: Ask) -> None:
    """As for a plain put."""
    headers = [("upload-length", "1"), ("content-encoding", "gzip")]
    assert call("PUT", "/o?upload_type=resumable", headers).shape == (400, "json")


@pytest.mark.parametrize("offset", ["", "-1", "x", "**", "1 ", str(2**64)])
def test_a_malformed_offset_is_refused(call: Ask, offset: str) -> None:
    """Digits, or a star."""
    if offset == "1 ":
        offset = "1 1"
    target = begin(call)
    assert call("PUT", target, [("upload-offset", offset)], b"x").shape == (400, "text")
    assert call("PUT", target, [("upload-offset", "0")] * 2, b"x").shape == (400, "text")


def test_a_chunk_needs_a_length(call: Ask) -> None:
    """A chunked one is refused."""
    target = begin(call)
    headers = [("upload-offset", "0"), ("transfer-encoding", "chunked")]
    assert call("PUT", target, headers, chunked(b"x")).shape == (400, "json")
    assert query(call, target).headers["upload-offset"] == "0"


def test_a_chunk_out_of_step_is_told_the_offset(call: Ask) -> None:
    """409 for one that begins before or behind it; nothing changes."""
    target = begin(call)
    chunk(call, target, 0, DATA[:100])
    for offset in (0, 99, 101):
        answer = chunk(call, target, offset, b"x")
        assert answer.shape == (409, "json")
        assert answer.headers["upload-offset"] == "100"
    assert chunk(call, target, 100, DATA[100:]).status == 201
    assert call("GET").body == DATA


def test_a_chunk_beyond_the_end_is_refused(call: Ask) -> None:
    """400, whatever its offset."""
    target = begin(call)
    assert chunk(call, target, 0, DATA + b"x").shape == (400, "json")
    assert chunk(call, target, 1001, b"").shape == (400, "json")
    assert chunk(call, target, 1000, b"").status == 204, "an empty chunk only asks"


def test_a_query_has_no_body(call: Ask) -> None:
    """Any byte is refused."""
    target = begin(call)
    assert call("PUT", target, [("upload-offset", "*")], b"x").shape == (400, "json")


@pytest.mark.parametrize("token", ["", "A", "AAA=", "AB", "A+AA", "A/AA", "A%20AA", "%C3%A9"])
def test_a_session_in_another_encoding_is_refused(call: Ask, token: str) -> None:
    """Only base64url without padding and stray bits."""
    assert query(call, f"/o?session={token}").shape == (400, "json")
    assert call("DELETE", f"/o?session={token}").shape == (400, "json")


def test_a_session_is_bound_to_its_key(call: Ask) -> None:
    """Elsewhere it is unknown."""
    target = begin(call)
    other = target.replace("/o?", "/p?")
    assert query(call, other).shape == (404, "json")
    assert call("DELETE", other).shape == (404, "json")
    assert query(call, target).status == 204


def test_a_cancelled_session_is_unknown(call: Ask) -> None:
    """For everything, a second cancellation included."""
    target = begin(call)
    chunk(call, target, 0, DATA[:10])
    assert call("DELETE", target).status == 204
    assert call("DELETE", target).shape == (404, "json")
    assert chunk(call, target, 10, b"x").shape == (404, "json")
    assert call("GET").status == 404


def test_sessions_of_one_key_coexist(call: Ask) -> None:
    """The last one to be completed wins."""
    first, second = begin(call), begin(call)
    chunk(call, second, 0, b"2" * len(DATA))
    chunk(call, first, 0, b"1" * len(DATA))
    assert call("GET").body == b"1" * len(DATA)


def test_a_session_dies_of_age(call: Ask, clock: Clock) -> None:
    """After a week it is unknown."""
    target = begin(call)
    clock.now += LIFETIME + timedelta(seconds=2)
    assert query(call, target).shape == (404, "json")


def test_what_came_of_a_broken_chunk_is_kept(server: DevServer, call: Ask, prefix: str) -> None:
    """The next one goes on from there."""
    target = begin(call)
    headers = [("upload-offset", "0"), ("content-length", "1000")]
    with connect(server.url) as connection:
        connection.sendall(head("PUT", prefix + target, headers) + DATA[:300])
    kept = int(query(call, target).headers["upload-offset"])
    assert 0 <= kept <= 300
    assert chunk(call, target, kept, DATA[kept:]).status == 201
    assert call("GET").body == DATA


@pytest.fixture(params=["memory", "directory"])
def data_dir(request: pytest.FixtureRequest, tmp_path: Path) -> Path | None:
    """Where a server keeps its data."""
    return tmp_path / "data" if request.param == "directory" else None


def test_only_whole_multiples_of_the_granularity_are_kept(data_dir: Path | None) -> None:
    """But for the last chunk; a smaller one makes no progress."""
    with DevServer(data_dir=data_dir, features=Features(granularity=256)) as server:
        call = caller(server)
        opened = call("PUT", "/o?upload_type=resumable", [("upload-length", "1000")]).json()
        assert opened["granularity"] == 256
        target = f"/o?session={opened['session']}"
        assert chunk(call, target, 0, DATA[:255]).headers["upload-offset"] == "0"
        assert chunk(call, target, 0, DATA[:600]).headers["upload-offset"] == "512"
        assert chunk(call, target, 512, DATA[512:]).status == 201
        assert call("GET", "/o").body == DATA


def test_a_server_may_decline(data_dir: Path | None) -> None:
    """With 501, after it has looked at the request."""
    with DevServer(data_dir=data_dir, features=Features(resumable=False)) as server:
        call = caller(server)
        declined = call("PUT", "/o?upload_type=resumable", [("upload-length", "1")])
        assert declined.shape == (501, "json")
        assert call("PUT", "/o?upload_type=resumable").shape == (400, "text")
        assert call("PUT", "/o?session=AAAA", [("upload-offset", "*")]).shape == (501, "json")


def test_sessions_survive_a_restart(tmp_path: Path) -> None:
    """With what was received of them; what belongs to none is removed."""
    with DevServer(data_dir=tmp_path) as server:
        call = caller(server)
        target, cancelled = begin(call), begin(call)
        chunk(call, target, 0, DATA[:400])
        call("DELETE", cancelled)
    (tmp_path / "drafts" / ("0" * 32)).write_bytes(b"stray")
    (tmp_path / "drafts" / ("1" * 32 + ".json")).write_bytes(b"garbage")
    (tmp_path / "drafts" / "unrelated").write_bytes(b"")
    with DevServer(data_dir=tmp_path) as server:
        call = caller(server)
        assert query(call, target).headers["upload-offset"] == "400"
        assert query(call, cancelled).status == 404
        assert chunk(call, target, 400, DATA[400:]).status == 201
        assert call("GET", "/o").body == DATA
    assert [path.name for path in (tmp_path / "drafts").iterdir()] == ["unrelated"]


def test_a_session_whose_bytes_are_gone_says_so(tmp_path: Path) -> None:
    """410."""
    with DevServer(data_dir=tmp_path) as server:
        call = caller(server)
        target = begin(call)
        for path in (tmp_path / "drafts").iterdir():
            if path.suffix != ".json":
                path.unlink()
        assert query(call, target).shape == (410, "json")


def test_the_number_of_drafts_is_bounded(
    data_dir: Path | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oldest goes for a new one."""
    monkeypatch.setattr("objectstore_client.devserver.drafts.MAX_DRAFTS", 2)
    with DevServer(data_dir=data_dir) as server:
        call = caller(server)
        targets = [begin(call) for _ in range(3)]
        assert [query(call, target).status for target in targets] == [404, 204, 204]
    if data_dir is not None:
        assert len(list((data_dir / "drafts").glob("*.json"))) == 2


def caller(server: DevServer) -> Callable[..., Answer]:
    """Like the fixture `call`, for *server*."""

    def call(
        method: str,
        key: str,
        headers: list[tuple[str, str]] | tuple[()] = (),
        body: bytes | None = None,
    ) -> Answer:
        return ask(server.url, method, PREFIX + key, headers, body)

    return call
