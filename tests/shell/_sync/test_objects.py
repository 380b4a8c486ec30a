# Generated from tests/shell/_async/test_objects.py; do not edit. To regenerate: python -m generator
"""The operations on objects, against the embedded server."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote
from uuid import UUID

import pytest

from objectstore_client import (
    BadRequestError,
    Client,
    ConflictError,
    InvalidArgumentError,
    Manual,
    NoOpMetricsBackend,
    ObjectNotFound,
    Objectstore,
    Scope,
    TimeToIdle,
    TimeToLive,
    Usecase,
)
from objectstore_client.zstd import compress

ODD_KEYS = [
    "a/b/c.txt",
    "/leading",
    "trailing/",
    "a//b",
    "looks%20encoded",
    "%2e%2e/x",
    "...",
    "a b?c#d",
    "ключ/日本/😀",
    ";=@:!$&'()*+,~",
    '"<>[]\\^`{|}',
    "\x00\x01\n\r\t\x7f",
    "k" * 2000,
]


def read(client: Client, key: str) -> bytes:
    """The decoded payload of an object."""
    with client.get(key) as result:
        return result.payload.read()


def test_an_object_lives_from_put_to_delete(client: Client) -> None:
    """Put, described, read, deleted, gone."""
    key = client.put(b"Hello, world!", metadata={"key": "value"})
    assert UUID(key).version == 4
    assert client.exists(key)
    with client.get(key) as result:
        assert result.payload.read() == b"Hello, world!"
        assert result.metadata.custom == {"key": "value"}
    client.delete(key)
    assert not client.exists(key)
    with pytest.raises(ObjectNotFound):
        client.get(key)
    with pytest.raises(ObjectNotFound):
        client.head(key)
    client.delete(key)


def test_a_put_replaces_contents_and_metadata(client: Client) -> None:
    """Nothing of the former object stays."""
    client.put(b"one", id="hello", metadata={"a": "1"}, filename="one.txt")
    assert client.put(b"two", id="hello", content_type="text/plain") == "hello"
    with client.get("hello") as result:
        assert result.payload.read() == b"two"
        assert result.metadata.custom == {}
        assert result.metadata.filename is None
        assert result.metadata.content_type == "text/plain"


@pytest.mark.parametrize("key", ODD_KEYS)
def test_any_key_is_literal(client: Client, key: str) -> None:
    """What looks special in a URL is part of the name, and of that name only."""
    contents = repr(key).encode()
    assert client.put(contents, id=key) == key
    assert read(client, key) == contents
    for other in (f"{key}x", f"x{key}", quote(key, safe="") + "x"):
        assert not client.exists(other)
    client.delete(key)
    assert not client.exists(key)


@pytest.mark.parametrize("key", ["", ".", "..", "a/../b", "../x", "a/.", "x\ud800"])
def test_impossible_keys_are_refused(client: Client, key: str) -> None:
    """Before anything is sent, by every operation."""
    for operation in (client.get, client.head, client.exists, client.delete):
        with pytest.raises(InvalidArgumentError, match="id: "):
            operation(key)
    with pytest.raises(InvalidArgumentError, match="id: "):
        client.put(b"", id=key)
    with pytest.raises(InvalidArgumentError, match="id: "):
        client.extend_expiry(key, after=timedelta(1))


def test_all_metadata_travels(client: Client) -> None:
    """What was given comes back from get and head alike."""
    custom = {"source": "demo", "odd": " 100% \r\n é ", "empty": ""}
    before = datetime.now(UTC)
    key = client.put(
        b"x" * 1000,
        metadata=custom,
        expiration_policy=TimeToLive(timedelta(days=7)),
        content_type="text/plain; charset=utf-8",
        filename="résumé 100%.txt",
        origin="203.0.113.42",
    )
    with client.get(key) as result:
        assert result.metadata == client.head(key)
    metadata = result.metadata
    assert metadata.custom == custom
    assert metadata.expiration_policy == TimeToLive(timedelta(days=7))
    assert metadata.content_type == "text/plain; charset=utf-8"
    assert metadata.filename == "résumé 100%.txt"
    assert metadata.origin == "203.0.113.42"
    assert metadata.compression == "zstd"
    assert metadata.size is not None
    assert metadata.size < 100, "size is that of the stored, compressed bytes"
    assert metadata.time_created is not None
    assert abs(metadata.time_created - before) < timedelta(seconds=60)
    assert metadata.time_expires == metadata.time_created + timedelta(days=7)


def test_scopes_and_usecases_are_apart(objectstore: Objectstore, scope: Scope) -> None:
    """The same key in another scope or usecase is another object."""
    usecase, name = Usecase("testing"), scope.items[0][1]
    places = [
        (usecase, Scope(a=name, b=1)),
        (usecase, Scope(b=1, a=name)),
        (usecase, Scope(a=name)),
        (Usecase("testing2"), Scope(a=name)),
    ]
    clients = [objectstore.get_client(*place) for place in places]
    for number, client in enumerate(clients):
        assert not client.exists("key")
        client.put(str(number).encode(), id="key")
    for number, client in enumerate(clients):
        assert read(client, "key") == str(number).encode()


def test_the_empty_scope(objectstore: Objectstore) -> None:
    """An object needs no scope."""
    client = objectstore.get_client(Usecase("testing"), Scope())
    key = client.put(b"x")
    assert read(client, key) == b"x"
    client.delete(key)


def test_usecase_defaults_and_overrides(objectstore: Objectstore, scope: Scope) -> None:
    """The defaults hold where a put says nothing."""
    usecase = Usecase(
        "testing", compression="none", expiration_policy=TimeToIdle(timedelta(days=30))
    )
    client = objectstore.get_client(usecase, scope)
    plain = client.head(client.put(b"x" * 100))
    assert plain.compression is None
    assert plain.size == 100
    assert plain.expiration_policy == TimeToIdle(timedelta(days=30))
    key = client.put(b"x" * 100, compression="zstd", expiration_policy=Manual())
    other = client.head(key)
    assert other.compression == "zstd"
    assert other.expiration_policy == Manual()
    assert other.time_expires is None


def test_expired_objects_are_gone(client: Client) -> None:
    """A time to live of nothing ends within the next second."""
    key = client.put(b"x", expiration_policy=TimeToLive(timedelta(0)))
    deadline = datetime.now(UTC) + timedelta(seconds=20)
    while client.exists(key):
        assert datetime.now(UTC) < deadline
    with pytest.raises(ObjectNotFound):
        client.get(key)


def test_extend_expiry(client: Client) -> None:
    """The deadline moves by each of the three ways, never back."""
    key = client.put(b"x", expiration_policy=TimeToLive(timedelta(hours=1)))
    created = client.head(key).time_created
    assert created is not None
    client.extend_expiry(key, from_creation=timedelta(hours=2))
    metadata = client.head(key)
    assert metadata.time_expires == created + timedelta(hours=2)
    assert metadata.expiration_policy == TimeToLive(timedelta(hours=2))
    client.extend_expiry(key, at=created + timedelta(minutes=5))
    assert client.head(key).time_expires == created + timedelta(hours=2)
    client.extend_expiry(key, at=created + timedelta(hours=3))
    assert client.head(key).time_expires == created + timedelta(hours=3)
    client.extend_expiry(key, after=timedelta(days=1))
    expires = client.head(key).time_expires
    assert expires is not None
    assert expires >= created + timedelta(days=1) - timedelta(seconds=2)


def test_extend_expiry_of_what_can_not_be_extended(client: Client) -> None:
    """Absent objects and objects that never expire are errors of their own."""
    with pytest.raises(ObjectNotFound):
        client.extend_expiry("absent", after=timedelta(1))
    key = client.put(b"x")
    with pytest.raises(ConflictError) as caught:
        client.extend_expiry(key, after=timedelta(1))
    assert caught.value.status == 409
    assert caught.value.detail


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"after": timedelta(1), "from_creation": timedelta(1)},
        {"at": datetime(2100, 1, 1)},
        {"at": "2100-01-01"},
        {"after": timedelta(-1)},
        {"from_creation": 30},
    ],
)
def test_bad_deadlines_are_refused(client: Client, arguments: Mapping[str, object]) -> None:
    """Exactly one deadline, of the right type."""
    with pytest.raises(InvalidArgumentError, match=r"exactly one of|must be a"):
        client.extend_expiry("key", **arguments)  # type: ignore[arg-type]


def test_bad_arguments_of_put_are_refused(client: Client) -> None:
    """The error names argument, value and rule."""
    refusals: list[tuple[str, dict[str, object]]] = [
        ("id: must be a string that is not empty, got 7", {"id": 7}),
        ("metadata: the key 'A'", {"metadata": {"A": "x"}}),
        ("expiration_policy: must be", {"expiration_policy": timedelta(1)}),
        ("compression: must be 'zstd', 'none' or 'auto', got 'gzip'", {"compression": "gzip"}),
        ("precompressed: must be 'zstd' or None", {"precompressed": "gzip"}),
        ("leave one out", {"precompressed": "zstd", "compression": "zstd"}),
        ("content_type: must be a media type", {"content_type": "text/plain\r\nx: y"}),
        ("filename: must be a string", {"filename": Path("x")}),
        ("origin: must be a string", {"origin": 1}),
        ("timeout.connect: must be more than 0", {"timeout": 0}),
        ("metadata: .* bytes once encoded", {"filename": "x" * 20_000}),
    ]
    for message, arguments in refusals:
        with pytest.raises(InvalidArgumentError, match=message):
            client.put(b"x", **arguments)  # type: ignore[arg-type]


def test_errors_tell_where(client: Client) -> None:
    """Operation, usecase, scope and key are attributes, and stand in the traceback."""
    with pytest.raises(ObjectNotFound, match="the object does not exist") as caught:
        client.get("absent")
    error = caught.value
    assert (error.operation, error.usecase, error.key) == ("get", "testing", "absent")
    assert error.scope == client.scope.path
    assert error.status == 404
    assert any("key: 'absent'" in note for note in error.__notes__)


def test_precompressed_bytes_go_as_they_are(client: Client) -> None:
    """They are declared, stored untouched, and decoded when read."""
    frames = compress(b"one ") + compress(b"two")
    key = client.put(frames, precompressed="zstd")
    assert read(client, key) == b"one two"
    with client.get(key, decompress=False) as result:
        assert result.payload.read() == frames
        assert result.payload.content_encoding == "zstd"


@pytest.mark.parametrize(
    ("accept_encoding", "passed"),
    [
        (None, False),
        ("zstd", True),
        ("gzip, ZSTD;q=0.5", True),
        ("*", True),
        ("gzip, br", False),
        ("*, zstd;q=0", False),
        (["br", "zstd"], True),
        ([], False),
    ],
)
def test_compressed_bytes_are_passed_through_on_request(
    client: Client, accept_encoding: str | list[str] | None, passed: bool
) -> None:
    """A caller that can decode zstd gets what is stored, and is told so."""
    key = client.put(b"x" * 100)
    with client.get(key, accept_encoding=accept_encoding) as result:
        payload = result.payload.read()
        assert result.metadata.compression == "zstd"
        if passed:
            assert result.payload.content_encoding == "zstd"
            assert payload == compress(b"x" * 100)
        else:
            assert result.payload.content_encoding is None
            assert payload == b"x" * 100


def test_the_content_type_can_be_guessed(client: Client) -> None:
    """By the file name, else the key, else the first bytes."""
    guesses = [
        ({"filename": "a.json", "id": "b.txt"}, b"", "application/json"),
        ({"id": "b.txt"}, b"", "text/plain"),
        ({}, b"%PDF-1.7", "application/pdf"),
        ({}, b"nothing", "application/octet-stream"),
        ({"filename": "a.tar.gz"}, b"\x1f\x8b\x08", "application/gzip"),
    ]
    for names, contents, expected in guesses:
        key = client.put(contents, content_type="guess", **names)  # type: ignore[arg-type]
        assert client.head(key).content_type == expected


def test_the_server_has_the_last_word(client: Client) -> None:
    """What only the server can know to be wrong is a typed error with its words."""
    policy = TimeToLive(timedelta(days=365 * 20_000))
    with pytest.raises(BadRequestError) as caught:
        client.put(b"x", expiration_policy=policy)
    assert caught.value.detail
    assert any(note.startswith("the server says: ") for note in caught.value.__notes__)


class Recorder(NoOpMetricsBackend):
    """Keeps the distributions it is told."""

    def __init__(self) -> None:
        self.seen: dict[tuple[str, str | None], float] = {}

    def distribution(
        self,
        name: str,
        value: float,
        tags: Mapping[str, str] | None = None,
        unit: str | None = None,
    ) -> None:
        """Keep it."""
        assert tags is not None
        assert tags["usecase"] == "testing"
        self.seen[name, tags.get("compression")] = value


def test_metrics(server_url: str, scope: Scope) -> None:
    """Each operation reports its latency; a put its sizes too."""
    recorder = Recorder()
    with Objectstore(server_url, metrics_backend=recorder) as objectstore:
        client = objectstore.get_client(Usecase("testing"), scope)
        policy = TimeToLive(timedelta(1))
        key = client.put(b"x" * 1000, expiration_policy=policy)
        client.get(key).metadata  # noqa: B018 - a small payload holds nothing
        client.head(key)
        client.extend_expiry(key, after=timedelta(2))
        client.delete(key)
        latencies = {name for name, _ in recorder.seen if name.endswith("latency")}
        assert latencies == {
            f"storage.{operation}.latency"
            for operation in ("put", "get", "head", "extend_expiry", "delete")
        }
        assert recorder.seen["storage.put.size", "none"] == 1000
        assert 0 < recorder.seen["storage.put.size", "zstd"] < 100
        assert 0 < recorder.seen["storage.put.compression_ratio", "zstd"] < 0.1
        recorder.seen.clear()
        client.put(b"x" * 1000, compression="none")
        assert recorder.seen["storage.put.size", "none"] == 1000
        assert ("storage.put.size", "zstd") not in recorder.seen
        recorder.seen.clear()
        client.put(compress(b"x"), precompressed="zstd")
        assert ("storage.put.size", "none") not in recorder.seen
        assert recorder.seen["storage.put.size", "zstd"] == len(compress(b"x"))


def test_json_in_and_out(client: Client) -> None:
    """The commonest use: a document."""
    document = {"hello": ["world", 1, None]}
    key = client.put(json.dumps(document).encode(), content_type="application/json")
    assert json.loads(read(client, key)) == document
