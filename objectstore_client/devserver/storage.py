"""What the service needs of a storage: versions that are replaced as a whole.

Every method may be called from any thread. Payloads are immutable: whoever has one open keeps
reading it, whatever happens to the object.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from objectstore_client.devserver.drafts import DraftStorage
from objectstore_client.devserver.records import Address, Record


class StorageError(Exception):
    """The storage can't do its work: what it holds is damaged, or in use by someone else."""


class Payload(Protocol):
    """The bytes of one version, open for reading."""

    def read(self, offset: int, size: int) -> bytes:
        """Return up to *size* bytes from *offset*; fewer only at the end."""
        ...

    def close(self) -> None:
        """Release it; harmless when repeated."""
        ...


class StagedPayload(Protocol):
    """A payload that is being received and that nobody can see yet. For one thread at a time."""

    @property
    def size(self) -> int:
        """Bytes written so far."""
        ...

    def write(self, data: bytes) -> None:
        """Append *data*."""
        ...

    def discard(self) -> None:
        """Forget it; harmless when repeated, and after publication."""
        ...


class Storage(Protocol):
    """Objects by address.

    Attributes:
        blocks: Whether its methods wait for a disk, and so have no place on an event loop.
    """

    blocks: bool

    @property
    def drafts(self) -> DraftStorage:
        """Where uploads in several requests are kept until they become objects."""
        ...

    def stage(self) -> StagedPayload:
        """Begin a payload."""
        ...

    def publish(self, address: Address, staged: StagedPayload, record: Record) -> None:
        """Make *staged* the object at *address*: durably, atomically, and instead of an older one.

        When it fails, the older object stays.
        """
        ...

    def load(self, address: Address) -> Record | None:
        """Return the metadata of the object, or `None` if there is none."""
        ...

    def open(self, address: Address) -> tuple[Record, Payload] | None:
        """Return metadata and payload of one version, or `None`. The caller closes the payload."""
        ...

    def update(self, address: Address, change: Callable[[Record], Record | None]) -> bool:
        """Replace the metadata with what *change* makes of it; `None` or the same leaves it alone.

        No other writer comes in between. The payload stays.

        Returns:
            Whether there is an object.
        """
        ...

    def delete(self, address: Address, only_if: Callable[[Record], bool] | None = None) -> None:
        """Remove the object, if there is one and *only_if* agrees."""
        ...

    def close(self) -> None:
        """Release everything. Nothing else may be called afterwards."""
        ...
