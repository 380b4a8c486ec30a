"""Uploads in several requests: what is kept of them until they become objects.

A draft is either a resumable session, whose bytes come in order and whose length is declared
beforehand, or a multipart upload, whose parts come in any order. Nobody sees it among the objects.
"""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from objectstore_client.devserver.records import Address, Record

if TYPE_CHECKING:
    from objectstore_client.devserver.storage import Payload, StagedPayload

MAX_DRAFTS = 1000
"""More are not kept: the oldest goes for a new one."""

LIFETIME = timedelta(days=7)
"""How long a draft is kept, counted from its beginning."""


@dataclass(frozen=True, slots=True)
class Draft:
    """An upload in several requests.

    Attributes:
        id: 32 hexadecimal digits.
        record: The metadata of the object, which still lacks its size.
        length: The size of the object; `None` for a multipart upload.
    """

    id: str
    address: Address
    record: Record
    length: int | None


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a multipart upload; *modified* is in nanoseconds since 1970."""

    number: int
    etag: str
    modified: int
    size: int


class KeptPayload(Protocol):
    """The payload of a resumable session, open to be continued. For one thread at a time."""

    @property
    def size(self) -> int:
        """Bytes that are kept."""
        ...

    def write(self, data: bytes) -> None:
        """Append *data*."""
        ...

    def truncate(self, size: int) -> None:
        """Keep the first *size* bytes only."""
        ...

    def sync(self) -> None:
        """Make it durable; nothing can be written any more."""
        ...

    def discard(self) -> None:
        """Forget it."""
        ...


class DraftStorage(Protocol):
    """Keeps drafts, and what was received of them."""

    def load(self) -> list[Draft]:
        """Return the drafts of an earlier run."""
        ...

    def add(self, draft: Draft) -> None:
        """Begin a draft, durably."""
        ...

    def remove(self, draft: Draft) -> None:
        """Forget a draft and all that was received of it; harmless when repeated."""
        ...

    def resume(self, draft: Draft) -> KeptPayload | None:
        """Return the payload of a session, or `None` if it is gone."""
        ...

    def keep_part(self, draft: Draft, number: int, staged: StagedPayload) -> Part | None:
        """Make *staged* the part *number*, instead of an older one.

        `None` if the draft was removed meanwhile.
        """
        ...

    def parts(self, draft: Draft) -> list[Part]:
        """Return the parts in ascending order."""
        ...

    def open_part(self, draft: Draft, part: Part) -> Payload | None:
        """Return the bytes of *part*, or `None` if it was replaced. The caller closes them."""
        ...


@dataclass(slots=True)
class OpenDraft:
    """A draft that can be continued.

    Attributes:
        turn: Held by the request that works on it: one at a time.
    """

    draft: Draft
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class Drafts:
    """The drafts of a server. For its event loop only; what blocks is for the caller to run.

    Bounded by number and age, so that what clients abandon does not pile up.
    """

    def __init__(self, storage: DraftStorage) -> None:
        self.storage = storage
        found = sorted(storage.load(), key=lambda draft: draft.record.created)
        self._open = {draft.id: OpenDraft(draft) for draft in found}

    def begin(
        self, address: Address, record: Record, length: int | None
    ) -> tuple[Draft, list[Draft]]:
        """Begin a draft; also returns the drafts that have to be removed for it."""
        removed = self._drop_old(record.created)
        draft = Draft(uuid.uuid4().hex, address, record, length)
        self._open[draft.id] = OpenDraft(draft)
        return draft, removed

    def find(self, id: str, address: Address, now: datetime) -> OpenDraft | None:
        """Return the draft *id*, if it is one for *address* and still kept."""
        found = self._open.get(id)
        if found is None or found.draft.address != address or _is_old(found, now):
            return None
        return found

    def is_open(self, draft: Draft) -> bool:
        """Whether *draft* was not ended."""
        return draft.id in self._open

    def end(self, draft: Draft) -> None:
        """Take *draft* out; its bytes are for the caller to remove."""
        self._open.pop(draft.id, None)

    def _drop_old(self, now: datetime) -> list[Draft]:
        """Take out what is too old, and the oldest of what is too much."""
        idle = [each for each in self._open.values() if not each.turn.locked()]
        surplus = max(len(self._open) + 1 - MAX_DRAFTS, 0)
        dropped = [
            each.draft for index, each in enumerate(idle) if index < surplus or _is_old(each, now)
        ]
        for draft in dropped:
            self.end(draft)
        return dropped


def _is_old(found: OpenDraft, now: datetime) -> bool:
    return now > found.draft.record.created + LIFETIME
