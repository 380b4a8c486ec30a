"""The rules of the contract for single objects, on a storage; no HTTP, no clock, no waiting.

Each request has one point in time, *now*, that all its decisions share.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from objectstore_client.devserver.extension import Target, extended
from objectstore_client.devserver.ranges import ByteRange
from objectstore_client.devserver.records import Address, Record
from objectstore_client.devserver.replies import Refusal, empty
from objectstore_client.devserver.storage import Payload, StagedPayload, Storage, StorageError

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reading:
    """An open payload and what to send of it: *length* bytes from *offset*."""

    record: Record
    payload: Payload
    offset: int
    length: int


class Upload:
    """A put in progress: nobody sees any of it before `commit`. For one thread at a time."""

    def __init__(self, storage: Storage, address: Address, record: Record) -> None:
        self._storage = storage
        self._address = address
        self._record = record
        self._staged: StagedPayload | None = None

    def write(self, pieces: Iterable[bytes]) -> None:
        """Append *pieces* to the payload."""
        if self._staged is None:
            self._staged = self._storage.stage()
        for piece in pieces:
            self._staged.write(piece)

    def commit(self) -> None:
        """Make it the object, instead of an older one."""
        self.write(())
        assert self._staged is not None
        record = replace(self._record, size=self._staged.size)
        self._storage.publish(self._address, self._staged, record)
        self._staged = None

    def discard(self) -> None:
        """Leave nothing behind of an upload that was not committed."""
        if self._staged is not None:
            self._staged.discard()
            self._staged = None


class Service:
    """Single objects as clients see them. Its methods may be called from any thread."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def upload(self, address: Address, record: Record) -> Upload:
        """Begin to create or replace an object; *record* still lacks its size."""
        return Upload(self._storage, address, record)

    def stage(self) -> StagedPayload:
        """Begin a payload that will be a part of an object."""
        return self._storage.stage()

    def publish(self, address: Address, staged: StagedPayload, record: Record) -> None:
        """Make what was received elsewhere the object, instead of an older one."""
        self._storage.publish(address, staged, replace(record, size=staged.size))

    def read(self, address: Address, byte_range: ByteRange | None, now: datetime) -> Reading:
        """Open an object, which counts as an access. The caller closes the payload.

        Raises:
            Refusal: 404 if it is absent or expired, 416 if the range lies outside of it.
        """
        found = self._storage.open(address)
        if found is None:
            raise _absent()
        record, payload = found
        try:
            self._access(address, record, now)
            if byte_range is None:
                return Reading(record, payload, 0, record.size)
            first, last = byte_range.resolve(record.size)
        except BaseException:
            payload.close()
            raise
        return Reading(record, payload, first, last + 1 - first)

    def describe(self, address: Address, now: datetime) -> Record:
        """Return the metadata of an object, which counts as an access.

        Raises:
            Refusal: 404 if it is absent or expired.
        """
        record = self._storage.load(address)
        if record is None:
            raise _absent()
        self._access(address, record, now)
        return record

    def delete(self, address: Address) -> None:
        """Remove an object; it need not exist."""
        self._storage.delete(address)

    def extend(
        self,
        address: Address,
        target: Target,
        now: datetime,
        check: Callable[[datetime], None] | None = None,
    ) -> None:
        """Make an object live at least as long as *target* says, if *check* has nothing against
        that deadline.

        Raises:
            Refusal: 404 if it is absent or expired, 409 if it never expires, 400 if the deadline
                is out of range.
        """

        def change(record: Record) -> Record:
            if record.is_expired(now):
                raise _absent()
            return extended(record, target, now, check)

        if not self._storage.update(address, change):
            raise _absent()

    def _access(self, address: Address, record: Record, now: datetime) -> None:
        """Refuse an expired object, and renew the deadline of one with a time to idle.

        The caller goes on with the record it has, and so shows the deadline from before.
        """
        if record.is_expired(now):
            self._attempt(self._storage.delete, address, lambda found: found.is_expired(now))
            raise _absent()
        if record.renewed(now) is not None:
            # Someone may have changed the object meanwhile: the storage asks again.
            self._attempt(
                self._storage.update,
                address,
                lambda found: None if found.is_expired(now) else found.renewed(now),
            )

    @staticmethod
    def _attempt(operation: Callable[..., object], *arguments: object) -> None:
        """Run what a reader needs not wait for, and should not fail for."""
        try:
            operation(*arguments)
        except (StorageError, OSError):
            _log.warning("could not update an object while reading it", exc_info=True)


def _absent() -> Refusal:
    return Refusal(empty(404))
