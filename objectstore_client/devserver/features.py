"""What a server offers, as far as it is not the same for all: mostly for tests of clients."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """What a server offers.

    Attributes:
        resumable: Whether it takes resumable uploads; otherwise they are declined with 501.
        granularity: Of a resumable upload, only whole multiples of so many bytes are kept; 0 for
            every byte.
        old: Whether it behaves as servers did before those uploads existed (protocol section 17):
            see `OldApp`.
    """

    resumable: bool = True
    granularity: int = 0
    old: bool = False
