"""How long each step of an exchange may take."""

from __future__ import annotations

from collections.abc import Mapping
from time import monotonic
from typing import TypeVar

import httpx

from objectstore_client.engine.exchange import Exchange

__all__ = ["Patience", "share"]

_LONGEST = 1_000_000.0  # seconds; system calls can't count much further

_Late = TypeVar("_Late", bound=httpx.TimeoutException)


def share(ends: float | None, among: int = 1) -> float | None:
    """Return the seconds up to *ends*, divided *among* so many attempts; never 0."""
    return None if ends is None else max(0.001, (ends - monotonic()) / among)


class Patience:
    """The time-outs of a request in seconds, and its deadline, all from its extensions.

    Attributes:
        connect: To make a connection, name resolution and TLS included; `None` is for ever.
        read: Until the next byte of the answer.
        write: Until the network takes the next byte of the request.
        pool: To wait for a free connection.
        deadline: When all must be over, on the clock of `time.monotonic`.
    """

    def __init__(self, extensions: Mapping[str, object]) -> None:
        given = extensions.get("timeout")
        timeout: Mapping[str, float | None] = given if isinstance(given, dict) else {}
        self.connect = timeout.get("connect")
        self.read = timeout.get("read")
        self.write = timeout.get("write")
        self.pool = timeout.get("pool")
        deadline = extensions.get("deadline")
        self.deadline = deadline if isinstance(deadline, (int, float)) else None

    def left(self, limit: float | None) -> float | None:
        """Return how many seconds a step may take that is limited to *limit*; 0 if it is late."""
        if self.deadline is not None:
            rest = max(0.0, self.deadline - monotonic())
            limit = rest if limit is None else min(rest, limit)
        return limit if limit is None or limit < _LONGEST else _LONGEST

    def ends(self, limit: float | None) -> float | None:
        """Return when something ends that begins now and is limited to *limit*."""
        left = self.left(limit)
        return None if left is None else monotonic() + left

    def as_timeout(self) -> dict[str, float | None]:
        """Return what is left now for each step, as httpx writes it."""
        steps = ("connect", "read", "write", "pool")
        return {step: self.left(getattr(self, step)) for step in steps}

    def late(
        self, exchange: Exchange, kind: type[_Late], problem: str, open_payloads: int | None = None
    ) -> _Late:
        """Make the error for a step that took too long."""
        passed = self.left(None) == 0
        if passed:
            problem = f"the deadline passed: {problem}"
        return exchange.error(kind, problem, past_deadline=passed, open_payloads=open_payloads)
