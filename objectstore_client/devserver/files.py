"""Files and records of a directory storage: how they are written, read and named.

All files are reached through descriptors of their directories; symbolic links are never followed.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import uuid
from contextlib import suppress
from datetime import timedelta
from typing import NamedTuple

from objectstore_client.devserver.records import Address, Record
from objectstore_client.devserver.storage import StorageError
from objectstore_client.expiration import ExpirationPolicy, Manual, TimeToLive, parse_policy
from objectstore_client.timestamps import format_timestamp, parse_timestamp

_FORMAT = 1
_MAX_RECORD_BYTES = 1024 * 1024
# O_NONBLOCK, for a planted FIFO would block the opening thread for ever.
READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_APPEND = os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_PAYLOAD_NAME = re.compile(r"[0-9a-f]{64}\.[0-9a-f]{32}")


def read_file(directory: int, name: str) -> bytes | None:
    """Return the content of a small file; `None` if it is absent or not a regular file."""
    try:
        descriptor = os.open(name, READ, dir_fd=directory)
    except FileNotFoundError:
        return None
    except OSError:
        if is_regular(os.stat(name, dir_fd=directory, follow_symlinks=False)):
            raise
        return None
    try:
        if not is_regular(os.fstat(descriptor)):
            return None
        content = os.read(descriptor, _MAX_RECORD_BYTES)
    finally:
        os.close(descriptor)
    return content


def write_file(directory: int, name: str, content: bytes, *, sync: bool) -> None:
    """Create a small file; nothing of it is left if that fails."""
    descriptor = os.open(name, _CREATE, 0o600, dir_fd=directory)
    try:
        _write_all(descriptor, content)
        if sync:
            os.fsync(descriptor)
    except BaseException:
        remove_file(directory, name)
        raise
    finally:
        os.close(descriptor)


def remove_file(directory: int, name: str) -> None:
    """Remove a file; it need not exist."""
    with suppress(FileNotFoundError):
        os.unlink(name, dir_fd=directory)


class StagedFile:
    """A payload that is being received, in the file *name* of *directory*.

    Without a name it is a new file; with one, it goes on at the end of what is there.
    """

    def __init__(self, directory: int, name: str | None = None) -> None:
        self.name = name or uuid.uuid4().hex
        self.directory = directory
        flags = _CREATE if name is None else _APPEND
        self._descriptor: int | None = os.open(self.name, flags, 0o600, dir_fd=directory)
        status = os.fstat(self._descriptor)
        if not is_regular(status):
            self._close()
            raise StorageError("the payload of the upload is damaged")
        self.size = status.st_size

    def write(self, data: bytes) -> None:
        assert self._descriptor is not None
        _write_all(self._descriptor, data)
        self.size += len(data)

    def truncate(self, size: int) -> None:
        assert self._descriptor is not None
        os.ftruncate(self._descriptor, size)
        self.size = size

    def sync(self) -> None:
        """Make it durable; nothing can be written any more."""
        if self._descriptor is not None:
            os.fsync(self._descriptor)
            self._close()

    def discard(self) -> None:
        self._close()
        remove_file(self.directory, self.name)

    def _close(self) -> None:
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            os.close(descriptor)


class OpenFile:
    """A payload of *size* bytes, open for reading; it stays readable when its file goes."""

    def __init__(self, directory: int, name: str, size: int) -> None:
        self._descriptor: int | None = os.open(name, READ, dir_fd=directory)
        status = os.fstat(self._descriptor)
        if not is_regular(status) or status.st_size != size:
            self.close()
            raise StorageError("the payload of the object is damaged")

    def read(self, offset: int, size: int) -> bytes:
        assert self._descriptor is not None
        return os.pread(self._descriptor, size, offset)

    def close(self) -> None:
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            os.close(descriptor)


class Entry(NamedTuple):
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
            "created": record.created.isoformat(),
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
    def decode(cls, content: bytes) -> Entry:
        try:
            document = json.loads(content)
            if document.pop("format") != _FORMAT:
                raise StorageError("the record was written by another version of this server")
            address = Address(*(str(document.pop(name)) for name in Address._fields))
            payload = document.pop("payload")
            if not _PAYLOAD_NAME.fullmatch(payload) or not payload.startswith(digest_of(address)):
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


def digest_of(address: Address) -> str:
    # Neither use case nor scopes can hold a NUL, so different addresses never join alike.
    return hashlib.sha256("\0".join(address).encode()).hexdigest()


def is_regular(status: os.stat_result) -> bool:
    return stat.S_ISREG(status.st_mode)


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
