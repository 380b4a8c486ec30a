"""Time-outs: what callers may pass, and what is assumed when they pass nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Protocol, TypeAlias

from objectstore_client.errors import InvalidArgumentError, shorten

__all__ = ["DEFAULT_TIMEOUT", "Timeout", "TimeoutLike", "read_timeout"]


def _check(argument: str, value: object) -> None:
    if value is None:
        return
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise InvalidArgumentError(
            f"{argument}: must be seconds as a number, or None, got {shorten(value)}"
        )
    if not (value > 0 and math.isfinite(value)):
        raise InvalidArgumentError(f"{argument}: must be more than 0 and finite, got {value!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeout:
    """Time-outs of one exchange, in seconds; `None` waits for ever.

    Attributes:
        connect: To make a connection, TLS included.
        read: Between two pieces of the answer, and from the end of the request to its first byte.
        write: For each piece of the request to be taken by the network.
        pool: To wait for a free connection.
    """

    connect: float | None = 5.0
    read: float | None = 60.0
    write: float | None = 30.0
    pool: float | None = 10.0
    _extensions: Mapping[str, object] = field(init=False, repr=False, compare=False)

    @property
    def extensions(self) -> Mapping[str, object]:
        """What tells transports of httpx; made once, as every request needs it."""
        return self._extensions

    def as_dict(self) -> dict[str, float | None]:
        """By phase, as httpx transports take them."""
        return {
            "connect": self.connect,
            "read": self.read,
            "write": self.write,
            "pool": self.pool,
        }

    def __post_init__(self) -> None:
        for phase in ("connect", "read", "write", "pool"):
            _check(f"timeout.{phase}", getattr(self, phase))
        object.__setattr__(self, "_extensions", {"timeout": self.as_dict(), "deadline": None})


DEFAULT_TIMEOUT = Timeout()
"""What holds when nothing is passed: connect 5 s, read 60 s, write 30 s, pool 10 s."""


class FourPhases(Protocol):
    """An `httpx.Timeout`."""

    @property
    def connect(self) -> float | None: ...
    @property
    def read(self) -> float | None: ...
    @property
    def write(self) -> float | None: ...
    @property
    def pool(self) -> float | None: ...


class TwoPhases(Protocol):
    """A `urllib3.Timeout`, whose `read_timeout` raises while only a total is set."""

    @property
    def connect_timeout(self) -> object: ...
    @property
    def read_timeout(self) -> object: ...


TimeoutLike: TypeAlias = "float | timedelta | Timeout | FourPhases | TwoPhases"
"""Seconds or a `timedelta` for each phase; a `Timeout`; or an `httpx.Timeout` or `urllib3.Timeout`.
"""


def read_timeout(value: TimeoutLike | None, default: Timeout = DEFAULT_TIMEOUT) -> Timeout:
    """Turn whatever a caller passed into a `Timeout`.

    Phases that *value* does not speak of (write and pool of a `urllib3.Timeout`) come from
    *default*; so does everything when *value* is `None`.

    Raises:
        InvalidArgumentError: If *value* is none of the accepted types, zero, negative or not a
            number.
    """
    if value is None:
        return default
    if isinstance(value, Timeout):
        return value
    if isinstance(value, timedelta):
        value = value.total_seconds()
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return Timeout(connect=value, read=value, write=value, pool=value)
    if all(hasattr(value, phase) for phase in ("connect", "read", "write", "pool")):
        return Timeout(
            connect=value.connect,  # type: ignore[union-attr]
            read=value.read,  # type: ignore[union-attr]
            write=value.write,  # type: ignore[union-attr]
            pool=value.pool,  # type: ignore[union-attr]
        )
    # Looked up on the class: reading the property would raise where only a total is set.
    if hasattr(type(value), "connect_timeout") and hasattr(type(value), "read_timeout"):
        return _from_urllib3(value, default)
    raise InvalidArgumentError(
        "timeout: must be seconds, a timedelta, or a Timeout of this package, httpx or urllib3, "
        f"got {shorten(value)}"
    )


def _from_urllib3(value: object, default: Timeout) -> Timeout:
    phases: dict[str, float | None] = {}
    total = _seconds(getattr(value, "total", None))
    for phase in ("connect", "read"):
        try:
            phases[phase] = _seconds(getattr(value, f"{phase}_timeout"))
        except Exception:
            # urllib3 counts a total from the start of a request, which this object never saw.
            phases[phase] = total
    return replace(default, connect=phases["connect"], read=phases["read"])


def _seconds(value: object) -> float | None:
    # urllib3 has a sentinel for "the system's default", which for sockets is to wait for ever.
    return float(value) if isinstance(value, (int, float)) else None
