"""Storage in a directory that survives crashes.

    DIR/lock                        held while a server uses the directory
    DIR/objects/<digest>.json       the record of an object, naming its payload
    DIR/objects/<digest>.<id>       a payload; written once, never changed
    DIR/staging/<id>                a payload that is being received
    DIR/staging/<id>.json           a record on its way into or out of `objects`

`<digest>` is a hash of use case, scopes and key, so that no key can lead anywhere else. An object
is published by renaming its record into `objects`, after everything it stands for has been
synced; one that is replaced or deleted has its record in `staging` until its payload is gone. So
after a crash every leftover lies in, or is named by, `staging`, and the next start removes it
without looking at the objects.

All files are reached through descriptors of the two directories, and symbolic links are never
followed.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import stat
import threading
import uuid
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from objectstore_client.devserver.records import Address, Record
from objectstore_client.devserver.storage import Payload, StagedPayload, StorageError
from objectstore_client.expiration import ExpirationPolicy, Manual, TimeToLive, parse_policy
from objectstore_client.timestamps import format_timestamp, parse_timestamp

_FORMAT = 1
_MAX_RECORD_BYTES = 1024 * 1024
_LOCKS = 64
# O_NONBLOCK, for a planted FIFO would block the opening thread for ever.
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_PAYLOAD_NAME = re.compile(r"[0-9a-f]{64}\.[0-9a-f]{32}")


class DirectoryStorage:
    """Keeps objects below *root*, which is created if it does not exist.

    Payloads pass through in the pieces in which they come; nothing is held in memory.

    Raises:
        StorageError: If another server uses the directory, or it is not usable as one.
    """

    blocks = True

    def __init__(self, root: Path) -> None:
        self._locks = [threading.Lock() for _ in range(_LOCKS)]
        self._descriptors: list[int] = []
        try:
            root.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._root = self._keep(os.open(root, _DIRECTORY))
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            lock = self._keep(os.open("lock", flags, 0o600, dir_fd=self._root))
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._objects = self._subdirectory("objects")
            self._staging = self._subdirectory("staging")
            self._clean_up()
        except BlockingIOError:
            self.close()
            raise StorageError(f"the directory is in use by another server: {root}") from None
        except OSError as error:
            self.close()
            raise StorageError(f"can't use the directory: {root} ({error.strerror})") from error

    def stage(self) -> StagedPayload:
        return _Staged(self._staging)

    def publish(self, address: Address, staged: StagedPayload, record: Record) -> None:
        assert isinstance(staged, _Staged)
        digest = _digest(address)
        payload = f"{digest}.{staged.name}"
        staged.sync()
        moving = [self._write_record(_Entry(address, payload, record))]
        try:
            with self._lock(digest):
                os.rename(staged.name, payload, src_dir_fd=self._staging, dst_dir_fd=self._objects)
                moving += self._retire_copy(f"{digest}.json")
                self._publish_record(moving[0], digest)
        finally:
            # Whichever of the payloads is not the published one goes, the new one on failure.
            for name in moving:
                self._drop(name)

    def load(self, address: Address) -> Record | None:
        entry = self._read_entry(_digest(address), address)
        return None if entry is None else entry.record

    def open(self, address: Address) -> tuple[Record, Payload] | None:
        digest = _digest(address)
        missing = None
        while entry := self._read_entry(digest, address):
            try:
                return entry.record, _OpenPayload(self._objects, entry)
            except FileNotFoundError:
                # A writer came in between; then the record names another payload by now.
                if entry.payload == missing:
                    raise StorageError("the payload of the object is missing") from None
                missing = entry.payload
        return None

    def update(self, address: Address, change: Callable[[Record], Record | None]) -> bool:
        digest = _digest(address)
        with self._lock(digest):
            entry = self._read_entry(digest, address)
            if entry is None:
                return False
            record = change(entry.record)
            if record is not None and record != entry.record:
                incoming = self._write_record(entry._replace(record=record))
                try:
                    self._publish_record(incoming, digest)
                finally:
                    self._drop(incoming)
            return True

    def delete(self, address: Address, only_if: Callable[[Record], bool] | None = None) -> None:
        digest = _digest(address)
        retired = f"{uuid.uuid4().hex}.json"
        with self._lock(digest):
            if only_if is not None:
                entry = self._read_entry(digest, address)
                if entry is None or not only_if(entry.record):
                    return
            try:
                os.rename(
                    f"{digest}.json", retired, src_dir_fd=self._objects, dst_dir_fd=self._staging
                )
            except FileNotFoundError:
                return
            os.fsync(self._objects)
        self._drop(retired)

    def close(self) -> None:
        while self._descriptors:
            os.close(self._descriptors.pop())

    # ---- directories --------------------------------------------------------------------

    def _keep(self, descriptor: int) -> int:
        self._descriptors.append(descriptor)
        return descriptor

    def _subdirectory(self, name: str) -> int:
        with suppress(FileExistsError):
            os.mkdir(name, 0o700, dir_fd=self._root)
            os.fsync(self._root)
        return self._keep(os.open(name, _DIRECTORY | os.O_NOFOLLOW, dir_fd=self._root))

    def _lock(self, digest: str) -> threading.Lock:
        return self._locks[int(digest[:8], 16) % _LOCKS]

    def _clean_up(self) -> None:
        """Remove what a crash has left behind."""
        with os.scandir(self._staging) as entries:
            names = [entry.name for entry in entries]
        for name in names:
            with suppress(OSError):  # such as a directory that is not ours
                self._drop(name) if name.endswith(".json") else self._unlink(self._staging, name)

    # ---- records ------------------------------------------------------------------------

    def _read_entry(self, digest: str, address: Address) -> _Entry | None:
        content = self._read(self._objects, f"{digest}.json")
        if content is None:
            return None
        entry = _Entry.decode(content)
        if entry.address != address:
            raise StorageError("the record belongs to another object")
        return entry

    def _write_record(self, entry: _Entry) -> str:
        """Write a record durably into `staging` and return its name."""
        name = f"{uuid.uuid4().hex}.json"
        self._write(name, entry.encode(), sync=True)
        return name

    def _publish_record(self, name: str, digest: str) -> None:
        os.rename(name, f"{digest}.json", src_dir_fd=self._staging, dst_dir_fd=self._objects)
        os.fsync(self._objects)

    def _retire_copy(self, name: str) -> list[str]:
        """Copy the published record *name*, if there is one, into `staging`.

        So a crash can't hide its payload. It is no hard link, as not every file system has these.
        """
        content = self._read(self._objects, name)
        if content is None:
            return []
        copy = f"{uuid.uuid4().hex}.json"
        self._write(copy, content, sync=False)
        return [copy]

    def _drop(self, name: str) -> None:
        """Remove the record *name*, if it is still in `staging`, and the payload it names.

        Unless a published record names that payload too.
        """
        with suppress(StorageError):
            content = self._read(self._staging, name)
            entry = None if content is None else _Entry.decode(content)
            if entry is not None:
                digest = _digest(entry.address)
                published = self._read(self._objects, f"{digest}.json")
                if published is None or _Entry.decode(published).payload != entry.payload:
                    self._unlink(self._objects, entry.payload)
        self._unlink(self._staging, name)

    # ---- files --------------------------------------------------------------------------

    def _read(self, directory: int, name: str) -> bytes | None:
        """Return the content of a small file; `None` if it is absent or not a regular file."""
        try:
            descriptor = os.open(name, _READ, dir_fd=directory)
        except FileNotFoundError:
            return None
        except OSError:
            if _is_regular(os.stat(name, dir_fd=directory, follow_symlinks=False)):
                raise
            return None
        try:
            if not _is_regular(os.fstat(descriptor)):
                return None
            content = os.read(descriptor, _MAX_RECORD_BYTES)
        finally:
            os.close(descriptor)
        return content

    def _write(self, name: str, content: bytes, *, sync: bool) -> None:
        descriptor = os.open(name, _CREATE, 0o600, dir_fd=self._staging)
        try:
            _write_all(descriptor, content)
            if sync:
                os.fsync(descriptor)
        except BaseException:
            self._unlink(self._staging, name)
            raise
        finally:
            os.close(descriptor)

    @staticmethod
    def _unlink(directory: int, name: str) -> None:
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=directory)


class _Staged:
    """A payload in `staging`."""

    def __init__(self, directory: int) -> None:
        self.name = uuid.uuid4().hex
        self.size = 0
        self._directory = directory
        self._descriptor: int | None = os.open(self.name, _CREATE, 0o600, dir_fd=directory)

    def write(self, data: bytes) -> None:
        assert self._descriptor is not None
        _write_all(self._descriptor, data)
        self.size += len(data)

    def sync(self) -> None:
        """Make it durable; nothing can be written any more."""
        assert self._descriptor is not None
        os.fsync(self._descriptor)
        self._close()

    def discard(self) -> None:
        self._close()
        with suppress(FileNotFoundError):
            os.unlink(self.name, dir_fd=self._directory)

    def _close(self) -> None:
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            os.close(descriptor)


class _OpenPayload:
    """A published payload, open for reading; it stays readable when the object goes."""

    def __init__(self, directory: int, entry: _Entry) -> None:
        self._descriptor: int | None = os.open(entry.payload, _READ, dir_fd=directory)
        status = os.fstat(self._descriptor)
        if not _is_regular(status) or status.st_size != entry.record.size:
            self.close()
            raise StorageError("the payload of the object is damaged")

    def read(self, offset: int, size: int) -> bytes:
        assert self._descriptor is not None
        return os.pread(self._descriptor, size, offset)

    def close(self) -> None:
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            os.close(descriptor)


class _Entry(NamedTuple):
    """The content of a record file."""

    address: Address
    payload: str
    record: Record

    def encode(self) -> bytes:
        record = self.record
        document = {
            "format": _FORMAT,
            **self.address._asdict(),
            "payload": self.payload,
            "size": record.size,
            "created": format_timestamp(record.created),
            "expires": record.expires and format_timestamp(record.expires),
            "policy": _exact_policy(record.policy),
            "content_type": record.content_type,
            "content_encoding": record.content_encoding,
            "filename": record.filename,
            "origin": record.origin,
            "custom": dict(record.custom),
        }
        return json.dumps(document, indent=1).encode("ascii")

    @classmethod
    def decode(cls, content: bytes) -> _Entry:
        try:
            document = json.loads(content)
            if document.pop("format") != _FORMAT:
                raise StorageError("the record was written by another version of this server")
            address = Address(*(str(document.pop(name)) for name in Address._fields))
            payload = document.pop("payload")
            if not _PAYLOAD_NAME.fullmatch(payload) or not payload.startswith(_digest(address)):
                raise ValueError("not the name of its payload")
            expires = document.pop("expires")
            record = Record(
                created=parse_timestamp(document.pop("created")),
                expires=expires and parse_timestamp(expires),
                policy=parse_policy(document.pop("policy")),
                **document,
            )
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise StorageError("the record of the object is damaged") from error
        return cls(address, payload, record)


def _exact_policy(policy: ExpirationPolicy) -> str:
    """Write *policy* without cutting fractions of a second, as its canonical form does."""
    if isinstance(policy, Manual):
        return "manual"
    prefix = "ttl" if isinstance(policy, TimeToLive) else "tti"
    return f"{prefix}:{policy.duration // timedelta(microseconds=1)}us"


def _digest(address: Address) -> str:
    # Neither use case nor scopes can hold a NUL, so different addresses never join alike.
    return hashlib.sha256("\0".join(address).encode()).hexdigest()


def _is_regular(status: os.stat_result) -> bool:
    return stat.S_ISREG(status.st_mode)


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
