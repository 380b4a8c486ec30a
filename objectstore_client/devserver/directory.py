"""Storage in a directory that survives crashes.

    DIR/lock                        held while a server uses the directory
    DIR/objects/<digest>.json       the record of an object, naming its payload
    DIR/objects/<digest>.<id>       a payload; written once, never changed
    DIR/staging/<id>                a payload that is being received
    DIR/staging/<id>.json           a record on its way into or out of `objects`
    DIR/drafts/                     uploads in several requests: `DirectoryDrafts`

`<digest>` is a hash of use case, scopes and key, so that no key can lead anywhere else. An object
is published by renaming its record into `objects`, after everything it stands for has been
synced; one that is replaced or deleted has its record in `staging` until its payload is gone. So
after a crash every leftover lies in, or is named by, `staging`, and the next start removes it
without looking at the objects.
"""

from __future__ import annotations

import fcntl
import os
import threading
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from objectstore_client.devserver.directory_drafts import DirectoryDrafts
from objectstore_client.devserver.files import (
    Entry,
    OpenFile,
    StagedFile,
    digest_of,
    read_file,
    remove_file,
    write_file,
)
from objectstore_client.devserver.records import Address, Record
from objectstore_client.devserver.storage import Payload, StagedPayload, StorageError

_LOCKS = 64
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


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
            self.drafts = DirectoryDrafts(self._subdirectory("drafts"), self._staging)
            self._clean_up()
        except BlockingIOError:
            self.close()
            raise StorageError(f"the directory is in use by another server: {root}") from None
        except OSError as error:
            self.close()
            raise StorageError(f"can't use the directory: {root} ({error.strerror})") from error

    def stage(self) -> StagedPayload:
        return StagedFile(self._staging)

    def publish(self, address: Address, staged: StagedPayload, record: Record) -> None:
        assert isinstance(staged, StagedFile)
        digest = digest_of(address)
        payload = f"{digest}.{staged.name}"
        staged.sync()
        moving = [self._write_record(Entry(address, payload, record))]
        try:
            with self._lock(digest):
                os.rename(
                    staged.name,
                    payload,
                    src_dir_fd=staged.directory,
                    dst_dir_fd=self._objects,
                )
                moving += self._retire_copy(f"{digest}.json")
                self._publish_record(moving[0], digest)
        finally:
            # Whichever of the payloads is not the published one goes, the new one on failure.
            for name in moving:
                self._drop(name)

    def load(self, address: Address) -> Record | None:
        entry = self._read_entry(digest_of(address), address)
        return None if entry is None else entry.record

    def open(self, address: Address) -> tuple[Record, Payload] | None:
        digest = digest_of(address)
        missing = None
        while entry := self._read_entry(digest, address):
            try:
                return entry.record, OpenFile(self._objects, entry.payload, entry.record.size)
            except FileNotFoundError:
                # A writer came in between; then the record names another payload by now.
                if entry.payload == missing:
                    raise StorageError("the payload of the object is missing") from None
                missing = entry.payload
        return None

    def update(self, address: Address, change: Callable[[Record], Record | None]) -> bool:
        digest = digest_of(address)
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
        digest = digest_of(address)
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
                self._drop(name) if name.endswith(".json") else remove_file(self._staging, name)

    # ---- records ------------------------------------------------------------------------

    def _read_entry(self, digest: str, address: Address) -> Entry | None:
        content = read_file(self._objects, f"{digest}.json")
        if content is None:
            return None
        entry = Entry.decode(content)
        if entry.address != address:
            raise StorageError("the record belongs to another object")
        return entry

    def _write_record(self, entry: Entry) -> str:
        """Write a record durably into `staging` and return its name."""
        name = f"{uuid.uuid4().hex}.json"
        write_file(self._staging, name, entry.encode(), sync=True)
        return name

    def _publish_record(self, name: str, digest: str) -> None:
        os.rename(name, f"{digest}.json", src_dir_fd=self._staging, dst_dir_fd=self._objects)
        os.fsync(self._objects)

    def _retire_copy(self, name: str) -> list[str]:
        """Copy the published record *name*, if there is one, into `staging`.

        So a crash can't hide its payload. It is no hard link, as not every file system has these.
        """
        content = read_file(self._objects, name)
        if content is None:
            return []
        copy = f"{uuid.uuid4().hex}.json"
        write_file(self._staging, copy, content, sync=False)
        return [copy]

    def _drop(self, name: str) -> None:
        """Remove the record *name*, if it is still in `staging`, and the payload it names.

        Unless a published record names that payload too.
        """
        with suppress(StorageError):
            content = read_file(self._staging, name)
            entry = None if content is None else Entry.decode(content)
            if entry is not None:
                digest = digest_of(entry.address)
                published = read_file(self._objects, f"{digest}.json")
                if published is None or Entry.decode(published).payload != entry.payload:
                    remove_file(self._objects, entry.payload)
        remove_file(self._staging, name)
