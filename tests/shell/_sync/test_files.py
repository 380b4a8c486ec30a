# Generated from tests/shell/_async/test_files.py; do not edit. To regenerate: python -m generator
"""Objects into files and back: whole or not at all, with progress, continued by later calls."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from objectstore_client import (
    Client,
    InvalidArgumentError,
    ObjectNotFound,
    Objectstore,
    Scope,
    Usecase,
)
from objectstore_client._sync import download
from objectstore_client.devserver import DevServer, Features
from objectstore_client.usecase import Compression, Frames

_RANDOM = random.Random(1)
DATA = b"".join(_RANDOM.randbytes(500) + bytes(500) for _ in range(9_000))
STORED: list[tuple[Compression, Frames]] = [
    ("none", "independent"),
    ("zstd", "independent"),
    ("zstd", "single"),
]


class StopError(Exception):
    """Raised by a callback."""


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Objects of a few MiB are large."""
    monkeypatch.setattr(download, "PARALLEL_BYTES", 1 << 20)
    monkeypatch.setattr(download, "STEP_BYTES", 1 << 20)


def names(folder: Path) -> list[str]:
    """What is in *folder*."""
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("connections", [1, 3])
@pytest.mark.parametrize("resume", [False, True])
@pytest.mark.parametrize(("compression", "frames"), STORED)
def test_an_object_becomes_a_file(
    client: Client,
    tmp_path: Path,
    compression: Compression,
    frames: Frames,
    resume: bool,
    connections: int,
) -> None:
    """Instead of an older one; progress grows up to the size, and nothing else is left."""
    key = client.put(DATA, compression=compression, frames=frames)
    path = tmp_path / "file"
    path.write_bytes(b"old")
    told: list[tuple[int, int | None]] = []
    metadata = client.download_to(
        key,
        path,
        connections=connections,
        resume=resume,
        on_progress=lambda done, total: told.append((done, total)),
    )
    assert path.read_bytes() == DATA
    assert metadata.compression == (None if compression == "none" else "zstd")
    assert names(tmp_path) == ["file"]
    done = [each for each, _ in told]
    assert done == sorted(set(done))
    assert done[-1] == len(DATA)
    assert {total for _, total in told} <= {len(DATA), None}
    assert (told[-1][1] is None) == (frames == "single")


def test_stored_bytes_become_a_file(client: Client, tmp_path: Path) -> None:
    """With `decompress=False`."""
    key = client.put(DATA)
    metadata = client.download_to(key, tmp_path / "file", decompress=False)
    assert (tmp_path / "file").stat().st_size == metadata.size


@pytest.mark.parametrize("contents", [b"", b"small"])
def test_small_objects_become_files(client: Client, tmp_path: Path, contents: bytes) -> None:
    """Even an empty one, compressed or not."""
    for compression in ("zstd", "none"):
        key = client.put(contents, compression=compression)
        for resume in (False, True):
            client.download_to(key, tmp_path / "file", resume=resume)
            assert (tmp_path / "file").read_bytes() == contents


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("connections", [1, 3])
def test_nothing_is_left_of_what_fails(client: Client, tmp_path: Path, connections: int) -> None:
    """And an older file stays."""
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(ObjectNotFound):
        client.download_to("absent", path, connections=connections)
    key = client.put(DATA)

    def stop(done: int, total: int | None) -> None:
        raise StopError

    with pytest.raises(StopError):
        client.download_to(key, path, connections=connections, on_progress=stop)
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["file"]
    with pytest.raises(FileNotFoundError):
        client.download_to(key, tmp_path / "absent" / "file", connections=connections)
    with pytest.raises(IsADirectoryError):
        client.download_to(key, tmp_path, connections=connections)
    assert names(tmp_path.parent) == sorted({*names(tmp_path.parent)} - {f".{tmp_path.name}.part"})
    assert names(tmp_path) == ["file"]


def test_bad_arguments_are_refused(client: Client, tmp_path: Path) -> None:
    """Before anything is sent."""
    for connections in (0, True, "4"):
        with pytest.raises(InvalidArgumentError, match="connections"):
            client.download_to(
                "absent",
                tmp_path / "file",
                connections=connections,  # type: ignore[arg-type]
            )
    with pytest.raises(InvalidArgumentError, match="path"):
        client.download_to("absent", 5)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgumentError, match="resumable"):
        client.put(b"x", resumable="yes")  # type: ignore[arg-type]
    with pytest.raises(InvalidArgumentError, match="resumable_threshold"):
        Usecase("testing", resumable_threshold=0)


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("connections", [1, 3])
@pytest.mark.parametrize("compression", ["none", "zstd"])
def test_a_download_is_continued(
    client: Client, tmp_path: Path, compression: Compression, connections: int
) -> None:
    """By a later call with `resume`; what has come is not fetched again."""
    key = client.put(DATA, compression=compression)
    path = tmp_path / "file"

    def stop(done: int, total: int | None) -> None:
        if done > 6_000_000:
            raise StopError

    with pytest.raises(StopError):
        client.download_to(key, path, resume=True, connections=connections, on_progress=stop)
    assert names(tmp_path) == [".file.part", ".file.part.journal"]
    told: list[int] = []
    client.download_to(
        key,
        path,
        resume=True,
        connections=connections,
        on_progress=lambda done, total: told.append(done),
    )
    assert told[0] >= 1 << 20, "it does not begin at the start"
    assert path.read_bytes() == DATA
    assert names(tmp_path) == ["file"]


@pytest.mark.usefixtures("small_parts")
def test_another_version_is_not_continued(client: Client, tmp_path: Path) -> None:
    """It is fetched from its start."""
    key = client.put(DATA, compression="none")
    path = tmp_path / "file"

    def stop(done: int, total: int | None) -> None:
        if done > 3_000_000:
            raise StopError

    with pytest.raises(StopError):
        client.download_to(key, path, resume=True, on_progress=stop)
    client.put(DATA[::-1][:-1], id=key, compression="none")
    client.download_to(key, path, resume=True)
    assert path.read_bytes() == DATA[::-1][:-1]


# ---- up ------------------------------------------------------------------------------------


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A file."""
    path = tmp_path / "source"
    path.write_bytes(DATA)
    return path


@pytest.mark.parametrize("resume", [False, True])
@pytest.mark.parametrize("compression", ["none", "zstd", "auto"])
def test_a_file_becomes_an_object(
    server_url: str, scope: Scope, source: Path, compression: Compression, resume: bool
) -> None:
    """As `put` would make it; nothing is left beside."""
    spool = source.parent / "spool"
    spool.mkdir()
    told: list[tuple[int, int | None]] = []
    with Objectstore(server_url, spool_dir=spool) as objectstore:
        client = objectstore.get_client(Usecase("testing", compression=compression), scope)
        key = client.upload_from(
            source,
            id="key",
            resume=resume,
            metadata={"a": "1"},
            content_type="text/plain",
            on_progress=lambda done, total: told.append((done, total)),
        )
        assert key == "key"
        result = client.get(key)
        assert result.payload.read() == DATA
        assert result.metadata.custom == {"a": "1"}
        assert result.metadata.content_type == "text/plain"
        assert result.metadata.compression == (None if compression == "none" else "zstd")
    assert told[-1] == (len(DATA), len(DATA))
    assert told == sorted(set(told))
    assert names(spool) == []


@pytest.mark.parametrize("compression", ["none", "zstd"])
def test_an_upload_is_continued(
    server_url: str, scope: Scope, source: Path, compression: Compression
) -> None:
    """By a later call with `resume`, also of a client of its own."""
    spool = source.parent / "spool"
    spool.mkdir()

    def stop(done: int, total: int | None) -> None:
        if done > 3_000_000:
            raise StopError

    usecase = Usecase("testing", compression=compression)
    with Objectstore(server_url, spool_dir=spool, retries=0) as objectstore:
        client = objectstore.get_client(usecase, scope)
        with pytest.raises(StopError):
            client.upload_from(source, resume=True, on_progress=stop)
    assert [name.partition(".")[2] for name in names(spool)] == (
        ["journal"] if compression == "none" else ["journal", "spool"]
    )
    with Objectstore(server_url, spool_dir=spool) as objectstore:
        client = objectstore.get_client(usecase, scope)
        key = client.upload_from(source, resume=True)
        assert client.get(key).payload.read() == DATA
    assert names(spool) == []


def test_a_changed_file_is_sent_anew(server_url: str, scope: Scope, source: Path) -> None:
    """Parts of two versions are never joined."""
    spool = source.parent / "spool"
    spool.mkdir()

    def stop(done: int, total: int | None) -> None:
        raise StopError

    with Objectstore(server_url, spool_dir=spool) as objectstore:
        client = objectstore.get_client(Usecase("testing", compression="none"), scope)
        with pytest.raises(StopError):
            client.upload_from(source, resume=True, on_progress=stop)
        source.write_bytes(DATA[::-1])
        key = client.upload_from(source, resume=True)
        assert client.get(key).payload.read() == DATA[::-1]
    assert names(spool) == []


def test_an_upload_is_abandoned(scope: Scope, source: Path, tmp_path: Path) -> None:
    """Nothing is left of it, here or there."""
    spool = source.parent / "spool"
    spool.mkdir()

    def stop(done: int, total: int | None) -> None:
        raise StopError

    with DevServer(data_dir=tmp_path / "data") as server:
        with Objectstore(server.url, spool_dir=spool) as objectstore:
            client = objectstore.get_client(Usecase("testing"), scope)
            with pytest.raises(StopError):
                client.upload_from(source, id="key", resume=True, on_progress=stop)
            assert len(names(tmp_path / "data" / "drafts")) == 2
            client.abandon_upload(source)
            assert len(names(spool)) == 2, "it is another one"
            client.abandon_upload(source, id="key")
            assert names(spool) == []
            assert names(tmp_path / "data" / "drafts") == []
            assert not client.exists("key")


def test_without_resume_nothing_is_left_of_a_failed_upload(
    scope: Scope, source: Path, tmp_path: Path
) -> None:
    """The session is cancelled, the spool has no name."""

    def stop(done: int, total: int | None) -> None:
        raise StopError

    spool = source.parent / "spool"
    spool.mkdir()
    with DevServer(data_dir=tmp_path / "data") as server:
        with Objectstore(server.url, spool_dir=spool) as objectstore:
            client = objectstore.get_client(Usecase("testing", resumable_threshold=1), scope)
            with pytest.raises(StopError):
                client.upload_from(source, on_progress=stop)
    assert names(spool) == []
    assert names(tmp_path / "data" / "drafts") == []


def test_an_old_server_takes_files_too(source: Path, scope: Scope, tmp_path: Path) -> None:
    """Plainly, without a moment in which the key holds an empty object; and gives them back."""
    with DevServer(features=Features(old=True)) as server:
        with Objectstore(server.url) as objectstore:
            for compression in ("none", "zstd"):
                usecase = Usecase("testing", compression=compression, resumable_threshold=1)
                client = objectstore.get_client(usecase, scope)
                key = client.upload_from(source, id="key", resume=True)
                assert key == "key"
                for resume in (False, True):
                    client.download_to(key, tmp_path / "copy", resume=resume)
                    assert (tmp_path / "copy").read_bytes() == DATA
                with client.open(key) as reader:
                    reader.seek(-5, 2)
                    assert reader.read() == DATA[-5:]
