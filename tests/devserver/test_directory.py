"""The storage in a directory: what is on the disk, and what others may have put there."""

from __future__ import annotations

import asyncio
import errno
import http.client
import json
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from objectstore_client.devserver import DevServer
from objectstore_client.devserver.app import App
from objectstore_client.devserver.directory import DirectoryStorage
from objectstore_client.devserver.metadata import read_record
from objectstore_client.devserver.records import Address, Record
from objectstore_client.devserver.storage import StorageError
from tests.devserver.conftest import START
from tests.devserver.wire import ask

HERE = Address("test", "_", "o")
METADATA = [
    (b"content-type", b"text/plain"),
    (b"content-encoding", b"zstd"),
    (b"x-sn-expiration", b"tti:1500ms"),
    (b"x-sn-origin", b"o"),
    (b"x-sn-filename", b"%C3%A9%00"),
    (b"x-snme-k", b"v"),
]


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[DirectoryStorage]:
    """A storage in an empty directory."""
    storage = DirectoryStorage(tmp_path)
    yield storage
    storage.close()


def put(storage: DirectoryStorage, address: Address, payload: bytes) -> Record:
    """Store *payload* with much metadata, and return the record."""
    staged = storage.stage()
    staged.write(payload)
    record = replace(read_record(METADATA, START), size=len(payload))
    storage.publish(address, staged, record)
    return record


def get(storage: DirectoryStorage, address: Address) -> bytes | None:
    """Read a payload."""
    found = storage.open(address)
    if found is None:
        return None
    record, payload = found
    try:
        return payload.read(0, record.size)
    finally:
        payload.close()


def the_record(path: Path) -> Path:
    """The only record of the storage in *path*."""
    (found,) = (path / "objects").glob("*.json")
    return found


def the_payload(path: Path) -> Path:
    """The only payload of the storage in *path*."""
    record = the_record(path)
    (found,) = (file for file in (path / "objects").iterdir() if file != record)
    return found


def test_objects_survive_a_restart(tmp_path: Path) -> None:
    """With everything that is known about them."""
    first = DirectoryStorage(tmp_path)
    record = put(first, HERE, b"hello")
    first.close()
    second = DirectoryStorage(tmp_path)
    assert second.load(HERE) == record
    assert get(second, HERE) == b"hello"
    second.close()


def test_a_replaced_payload_is_removed(tmp_path: Path, storage: DirectoryStorage) -> None:
    """One record and one payload are all that there is."""
    for payload in (b"one", b"two", b"three"):
        put(storage, HERE, payload)
    assert get(storage, HERE) == b"three"
    assert len(list((tmp_path / "objects").iterdir())) == 2
    assert list((tmp_path / "staging").iterdir()) == []
    storage.delete(HERE)
    assert list((tmp_path / "objects").iterdir()) == []
    assert list((tmp_path / "staging").iterdir()) == []


def test_an_update_touches_the_record_only(tmp_path: Path, storage: DirectoryStorage) -> None:
    """The payload stays the very same file."""
    put(storage, HERE, b"hello")
    before = the_payload(tmp_path)
    inode = before.stat().st_ino
    later = START.replace(year=2030, microsecond=0)

    def change(record: Record) -> Record:
        return Record(created=record.created, expires=later, size=record.size)

    assert storage.update(HERE, change)
    assert the_payload(tmp_path) == before
    assert before.stat().st_ino == inode
    found = storage.load(HERE)
    assert found is not None and found.expires == later
    assert list((tmp_path / "staging").iterdir()) == []
    assert not storage.update(Address("test", "_", "absent"), change)


def test_an_open_payload_outlives_its_object(storage: DirectoryStorage) -> None:
    """Whoever reads an older version reads it to the end."""
    for end in (lambda: put(storage, HERE, b"newer"), lambda: storage.delete(HERE)):
        put(storage, HERE, b"hello")
        found = storage.open(HERE)
        assert found is not None
        _, payload = found
        end()
        assert payload.read(0, 5) == b"hello"
        payload.close()


def test_a_reader_follows_a_writer(
    storage: DirectoryStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the payload goes between reading the record and opening it, the newer one is opened."""
    put(storage, HERE, b"old")
    original = os.open
    replaced: list[str] = []

    def intrude(path: str, *args: int, **kwargs: int) -> int:
        if not replaced and "." in path and not path.endswith(".json"):
            replaced.append(path)
            put(storage, HERE, b"new")
        return original(path, *args, **kwargs)

    monkeypatch.setattr(os, "open", intrude)
    assert get(storage, HERE) == b"new"
    assert replaced


def test_a_directory_is_used_by_one_server_only(tmp_path: Path, storage: DirectoryStorage) -> None:
    """A second one is refused, even in the same process, until the first one ends."""
    with pytest.raises(StorageError, match="in use by another server"):
        DirectoryStorage(tmp_path)
    with pytest.raises(StorageError, match="in use"):
        DevServer(data_dir=tmp_path).start()
    storage.close()
    DirectoryStorage(tmp_path).close()


def test_a_file_is_no_directory(tmp_path: Path) -> None:
    """What can't be a data directory is refused with its name."""
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="file"):
        DirectoryStorage(tmp_path / "file")


# ---- leftovers of crashes -------------------------------------------------------------------


class Killed(BaseException):
    """What stands for the end of the process."""


CALLS = ("open", "write", "fsync", "rename", "unlink")


def _kill_at(monkeypatch: pytest.MonkeyPatch, call: int) -> None:
    """Let system call number *call* from now, and all that follow, never happen."""
    left = [call]

    def mortal(function: Callable[..., object]) -> Callable[..., object]:
        def wrapper(*args: object, **kwargs: object) -> object:
            left[0] -= 1
            if left[0] < 0:
                raise Killed
            return function(*args, **kwargs)

        return wrapper

    for name in CALLS:
        monkeypatch.setattr(os, name, mortal(getattr(os, name)))


@pytest.mark.parametrize("action", ["create", "replace", "update", "delete"])
def test_a_crash_at_any_call_leaves_a_whole_object_and_no_litter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    """Old or new, and after the next start there are no files but its own."""
    steps = 0
    finished = False
    while not finished:
        root = tmp_path / str(steps)
        storage = DirectoryStorage(root)
        before = None if action == "create" else put(storage, HERE, b"old")
        with monkeypatch.context() as patch:
            _kill_at(patch, steps)
            try:
                if action == "update":
                    storage.update(HERE, lambda _: Record(created=START, size=3))
                elif action == "delete":
                    storage.delete(HERE)
                else:
                    put(storage, HERE, b"new payload")
                finished = True
            except Killed:
                pass
        for descriptor in storage._descriptors:
            os.close(descriptor)  # as the end of a process does
        storage = DirectoryStorage(root)
        found = storage.load(HERE)
        payload = get(storage, HERE)
        storage.close()

        old = (None, None) if before is None else (b"old", before)
        if action == "update":
            assert payload == b"old"
        elif action == "delete":
            assert (payload, found) in (old, (None, None))
        elif payload != b"new payload":
            assert (payload, found) == old
            assert not finished
        assert len(list((root / "objects").iterdir())) == (0 if payload is None else 2)
        assert list((root / "staging").iterdir()) == []
        steps += 1
    assert steps > 5


# ---- what others have put there -------------------------------------------------------------


def test_a_planted_link_is_never_followed(tmp_path: Path) -> None:
    """Neither for reading nor for writing; storing an object removes it."""
    secret = tmp_path / "secret"
    secret.write_text("secret")
    data = tmp_path / "data"
    target = "/v1/objects/test/_/o"
    with DevServer(data_dir=data) as server:
        ask(server.url, "PUT", target, body=b"hello!")
        record, payload = the_record(data), the_payload(data)

        payload.unlink()
        payload.symlink_to(secret)
        assert ask(server.url, "GET", target).shape == (500, "json")

        record.unlink()
        record.symlink_to(secret)
        assert ask(server.url, "GET", target).shape == (404, "empty")

        assert ask(server.url, "PUT", target, body=b"again").status == 200
        assert ask(server.url, "GET", target).body == b"again"
        assert not record.is_symlink()

        record.unlink()
        record.symlink_to(secret)
        assert ask(server.url, "DELETE", target).status == 204
        assert not record.is_symlink()
    assert secret.read_text() == "secret"


@pytest.mark.parametrize("name", ["objects", "staging", "drafts", "lock"])
def test_a_planted_directory_link_is_refused(tmp_path: Path, name: str) -> None:
    """The server does not start, and nothing is written on the other side."""
    outside, data = tmp_path / "outside", tmp_path / "data"
    outside.mkdir()
    data.mkdir()
    (data / name).symlink_to(outside)
    with pytest.raises(StorageError):
        DirectoryStorage(data)
    assert list(outside.iterdir()) == []


def test_directories_that_are_replaced_later_are_not_followed(tmp_path: Path) -> None:
    """A running server keeps the directories it has opened."""
    outside, data = tmp_path / "outside", tmp_path / "data"
    outside.mkdir()
    with DevServer(data_dir=data) as server:
        for name in ("objects", "staging"):
            (data / name).rename(data / f"{name}.moved")
            (data / name).symlink_to(outside)
        assert ask(server.url, "PUT", "/v1/objects/test/_/o", body=b"x").status == 200
        assert ask(server.url, "GET", "/v1/objects/test/_/o").body == b"x"
    assert list(outside.iterdir()) == []


def test_planted_links_in_staging_are_removed_and_not_followed(tmp_path: Path) -> None:
    """Cleaning up touches nothing but the directory itself."""
    secret = tmp_path / "secret"
    secret.write_text("secret")
    DirectoryStorage(tmp_path / "data").close()
    staging = tmp_path / "data" / "staging"
    for name in ("a", "b.json"):
        (staging / name).symlink_to(secret)
    (staging / "c.json").write_text("[" * 100_000)
    (staging / "d.json").write_text(json.dumps({"format": 1, "payload": "../../secret"}))
    os.mkfifo(staging / "e.json")
    (staging / "directory").mkdir()
    DirectoryStorage(tmp_path / "data").close()
    assert [file.name for file in staging.iterdir()] == ["directory"]
    assert secret.read_text() == "secret"


@pytest.mark.parametrize(
    "damage",
    [
        "",
        "{",
        "[]",
        '"text"',
        "{}",
        '{"format": 2}',
        '{"format": 1}',
        "\xff",
        "[" * 100_000,
    ],
)
def test_a_damaged_record_is_an_error(tmp_path: Path, damage: str) -> None:
    """500 with JSON for readers; whoever stores or deletes the object repairs it."""
    target = "/v1/objects/test/_/o"
    with DevServer(data_dir=tmp_path) as server:
        for repair, status in (("PUT", 200), ("DELETE", 404)):
            ask(server.url, "PUT", target, body=b"hello")
            the_record(tmp_path).write_text(damage, "latin-1")
            for method in ("GET", "HEAD"):
                assert ask(server.url, method, target).status == 500
            assert ask(server.url, "GET", target).shape == (500, "json")
            assert ask(server.url, repair, target).status in (200, 204)
            assert ask(server.url, "GET", target).status == status
            for file in (tmp_path / "objects").iterdir():
                file.unlink()


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("payload", "../../../../etc/passwd"),
        ("payload", "/etc/passwd"),
        ("payload", None),
        ("payload", "0" * 64 + "." + "0" * 32),
        ("key", "another"),
        ("usecase", 7),
        ("size", 4),
        ("size", "5"),
        ("created", "yesterday"),
        ("policy", "sometimes"),
        ("unknown", 1),
    ],
)
def test_a_forged_record_is_an_error(tmp_path: Path, member: str, value: object) -> None:
    """Nothing in it leads to another file, or is taken for another object's."""
    target = "/v1/objects/test/_/o"
    with DevServer(data_dir=tmp_path) as server:
        ask(server.url, "PUT", target, body=b"hello")
        record = the_record(tmp_path)
        record.write_text(json.dumps(json.loads(record.read_text()) | {member: value}))
        assert ask(server.url, "GET", target).shape == (500, "json")


def test_a_record_under_the_name_of_another_object_is_an_error(tmp_path: Path) -> None:
    """The record holds the whole address, so that it can't be mistaken."""
    with DevServer(data_dir=tmp_path) as server:
        ask(server.url, "PUT", "/v1/objects/test/_/a", body=b"hello")
        first = the_record(tmp_path)
        content = first.read_bytes()
        first.unlink()
        ask(server.url, "PUT", "/v1/objects/test/_/b", body=b"hello")
        the_record(tmp_path).write_bytes(content)
        assert ask(server.url, "GET", "/v1/objects/test/_/b").shape == (500, "json")


def test_a_truncated_payload_is_an_error(tmp_path: Path) -> None:
    """Before anything of it is sent."""
    target = "/v1/objects/test/_/o"
    with DevServer(data_dir=tmp_path) as server:
        ask(server.url, "PUT", target, body=b"hello")
        os.truncate(the_payload(tmp_path), 4)
        assert ask(server.url, "GET", target).shape == (500, "json")
        the_payload(tmp_path).unlink()
        assert ask(server.url, "GET", target).shape == (500, "json")


def test_a_pipe_does_not_block_the_server(tmp_path: Path) -> None:
    """A planted FIFO is no file, and opening it waits for nobody."""
    target = "/v1/objects/test/_/o"
    with DevServer(data_dir=tmp_path) as server:
        ask(server.url, "PUT", target, body=b"")
        record, payload = the_record(tmp_path), the_payload(tmp_path)
        payload.unlink()
        os.mkfifo(payload)
        assert ask(server.url, "GET", target).shape == (500, "json")
        record.unlink()
        os.mkfifo(record)
        assert ask(server.url, "GET", target).shape == (404, "empty")


def test_files_belong_to_their_owner(tmp_path: Path) -> None:
    """Nobody else may read them."""
    with DevServer(data_dir=tmp_path / "data") as server:
        ask(server.url, "PUT", "/v1/objects/test/_/o", body=b"hello")
        for path in [tmp_path / "data", *(tmp_path / "data").rglob("*")]:
            assert path.stat().st_mode & 0o077 == 0, path


@pytest.mark.parametrize("successful_writes", range(3))
def test_a_full_disk_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, successful_writes: int
) -> None:
    """500 with the cause; the older object stays and no file is left behind."""
    target = "/v1/objects/test/_/o"
    with DevServer(data_dir=tmp_path) as server:
        ask(server.url, "PUT", target, body=b"old")
        original, left = os.write, iter(range(successful_writes))

        def write(descriptor: int, data: bytes) -> int:
            # The payload, the new record, a copy of the old one.
            if next(left, None) is None:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return original(descriptor, data)

        with monkeypatch.context() as patch:
            patch.setattr(os, "write", write)
            failed = ask(server.url, "PUT", target, body=b"new")
        assert failed.shape == (500, "json")
        assert failed.json()["causes"] == ["No space left on device"]
        assert ask(server.url, "GET", target).body == b"old"
        assert list((tmp_path / "staging").iterdir()) == []
        assert len(list((tmp_path / "objects").iterdir())) == 2


def test_the_server_stays_responsive_while_the_disk_is_busy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What waits for the disk waits on a thread, and others are served meanwhile."""
    release, entered = threading.Event(), threading.Event()
    original = os.fsync

    def slow(descriptor: int) -> None:
        entered.set()
        assert release.wait(30)
        original(descriptor)

    with DevServer(data_dir=tmp_path) as server:
        monkeypatch.setattr(os, "fsync", slow)
        writer = threading.Thread(
            target=ask, args=(server.url, "PUT", "/v1/objects/test/_/o"), kwargs={"body": b"x"}
        )
        writer.start()
        assert entered.wait(30)
        assert ask(server.url, "GET", "/health").status == 200
        assert ask(server.url, "GET", "/v1/objects/test/_/o").status == 404
        release.set()
        writer.join()
        assert ask(server.url, "GET", "/v1/objects/test/_/o").body == b"x"


def test_a_payload_that_shrinks_while_it_is_sent_cuts_the_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is no other way left to tell."""
    target = "/v1/objects/test/_/o"
    with DevServer(data_dir=tmp_path) as server:
        ask(server.url, "PUT", target, body=bytes(2_000_000))
        original, left = os.pread, iter([True])

        def pread(descriptor: int, size: int, offset: int) -> bytes:
            return original(descriptor, size if next(left, False) else 10, offset)

        with monkeypatch.context() as patch:
            patch.setattr(os, "pread", pread)
            with pytest.raises(http.client.IncompleteRead):
                ask(server.url, "GET", target)
        assert len(ask(server.url, "GET", target).body) == 2_000_000


def test_a_renewal_that_fails_does_not_fail_the_reader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading works on a disk that can't be written to."""
    target = "/v1/objects/test/_/o"
    now = [START]
    with DevServer(data_dir=tmp_path, clock=lambda: now[0]) as server:
        ask(server.url, "PUT", target, [("x-sn-expiration", "tti:1d")], b"x")
        now[0] += timedelta(hours=12)

        def write(descriptor: int, data: bytes) -> int:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))

        with monkeypatch.context() as patch:
            patch.setattr(os, "write", write)
            before = ask(server.url, "GET", target)
        assert before.body == b"x"
        after = [ask(server.url, "HEAD", target).headers["x-sn-time-expires"] for _ in range(2)]
        assert before.headers["x-sn-time-expires"] == after[0] < after[1]


async def test_a_cancelled_request_ends_with_its_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the storage has begun it completes, and nobody touches its files meanwhile."""
    release, entered = threading.Event(), threading.Event()
    original = os.fsync

    def slow(descriptor: int) -> None:
        entered.set()
        assert release.wait(30)
        original(descriptor)

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"hello", "more_body": False}

    async def send(_: object) -> None:
        raise AssertionError("nobody waits for an answer any more")

    scope: dict[str, object] = {"type": "http", "http_version": "1.1", "method": "PUT"}
    scope |= {"raw_path": b"/v1/objects/test/_/o", "query_string": b""}
    scope |= {"headers": [(b"content-length", b"5")]}
    app = App(DirectoryStorage(tmp_path))
    monkeypatch.setattr(os, "fsync", slow)
    task = asyncio.create_task(app(scope, receive, send))
    assert await asyncio.to_thread(entered.wait, 30)
    task.cancel()
    await asyncio.sleep(0)
    release.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    app.close()
    storage = DirectoryStorage(tmp_path)
    assert get(storage, HERE) == b"hello"
    storage.close()
    assert list((tmp_path / "staging").iterdir()) == []
