"""What is stored beside a payload, and how time changes it (protocol section 5).

All times are whole seconds, rounded up, so that what a client is shown is what is enforced.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from objectstore_client.expiration import ExpirationPolicy, Manual, TimeToIdle

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
_MAX_DEBOUNCE = timedelta(hours=24)


class Address(NamedTuple):
    """Where an object lives: its use case, its scopes in wire form, and its key."""

    usecase: str
    scopes: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """The metadata of one version of an object.

    Attributes:
        created: When it was created or replaced.
        expires: The present deadline; `None` if it never expires by itself.
        size: Bytes of the payload.
    """

    created: datetime
    expires: datetime | None = None
    policy: ExpirationPolicy = field(default_factory=Manual)
    content_type: str = "application/octet-stream"
    content_encoding: str | None = None
    filename: str | None = None
    origin: str | None = None
    custom: Mapping[str, str] = field(default_factory=dict)
    size: int = 0

    def is_expired(self, now: datetime) -> bool:
        """Whether the object reads as absent; an access exactly at the deadline still works."""
        return self.expires is not None and now > self.expires

    def renewed(self, now: datetime) -> Record | None:
        """Return the record after an access at *now*, or `None` if that changes nothing.

        A deadline is only moved when it is older than the full one by more than the debounce, so
        that reading an object often does not mean writing often.
        """
        if not isinstance(self.policy, TimeToIdle) or self.expires is None:
            return None
        idle = self.policy.duration
        full = deadline(now, idle) or LATEST
        if self.expires >= full - min(idle / 4, _MAX_DEBOUNCE):
            return None
        return replace(self, expires=full)


def deadline(start: datetime, duration: timedelta) -> datetime | None:
    """Return *start* plus *duration* in whole seconds, or `None` if that is out of range."""
    try:
        return whole_seconds(start + duration)
    except OverflowError:
        return None


def whole_seconds(instant: datetime) -> datetime:
    """Round *instant* up.

    Raises:
        OverflowError: If that leaves the calendar.
    """
    if not instant.microsecond:
        return instant
    return instant.replace(microsecond=0) + timedelta(seconds=1)
