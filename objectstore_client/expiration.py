"""When objects expire (protocol section 5)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import TypeAlias

from objectstore_client.durations import format_duration, parse_duration
from objectstore_client.errors import InvalidArgumentError

__all__ = [
    "ExpirationPolicy",
    "Manual",
    "TimeToIdle",
    "TimeToLive",
    "format_policy",
    "parse_policy",
]


@dataclass(frozen=True, slots=True)
class TimeToLive:
    """Expires *duration* after its creation or last replacement (protocol section 5.1, `ttl`).

    Raises:
        InvalidArgumentError: If *duration* is not a `timedelta`, or is negative.
    """

    duration: timedelta

    def __post_init__(self) -> None:
        _check_duration(self)


@dataclass(frozen=True, slots=True)
class TimeToIdle:
    """Expires *duration* after the last access (protocol section 5.1, `tti`).

    Servers renew the deadline only now and then: what is guaranteed is *duration* less the smaller
    of a quarter of it and 24 hours (section 5.5).

    Raises:
        InvalidArgumentError: If *duration* is not a `timedelta`, or is negative.
    """

    duration: timedelta

    def __post_init__(self) -> None:
        _check_duration(self)


@dataclass(frozen=True, slots=True)
class Manual:
    """Never expires by itself (protocol section 5.1, `manual`).

    As an argument of `put` it overrides a usecase's default, which leaving the argument out does
    not.
    """


ExpirationPolicy: TypeAlias = TimeToLive | TimeToIdle | Manual

_BY_PREFIX: dict[str, type[TimeToLive | TimeToIdle]] = {"ttl": TimeToLive, "tti": TimeToIdle}


def format_policy(policy: ExpirationPolicy) -> str:
    """Write *policy* in its wire form: `manual`, `ttl:7d` or `tti:1d 12h`."""
    if isinstance(policy, Manual):
        return "manual"
    prefix = "ttl" if isinstance(policy, TimeToLive) else "tti"
    return f"{prefix}:{format_duration(policy.duration)}"


@lru_cache(maxsize=256)  # each answer has one, and there are few of them
def parse_policy(text: str) -> ExpirationPolicy:
    """Read a policy from its wire form.

    Raises:
        ValueError: If *text* is not a policy.
    """
    if text == "manual":
        return Manual()
    prefix, colon, duration = text.partition(":")
    if not colon or prefix not in _BY_PREFIX:
        raise ValueError(
            f"not an expiration policy: {text[:100]!r} (expected 'manual', 'ttl:…' or 'tti:…')"
        )
    return _BY_PREFIX[prefix](parse_duration(duration))


def _check_duration(policy: TimeToLive | TimeToIdle) -> None:
    name, value = type(policy).__name__, policy.duration
    if not isinstance(value, timedelta):
        raise InvalidArgumentError(f"{name}: duration must be a timedelta, got {value!r}")
    if value < timedelta(0):
        raise InvalidArgumentError(f"{name}: duration must not be negative, got {value!r}")
