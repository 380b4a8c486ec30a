"""What an error of a transport tells besides its type. Whether to repeat a request rests on it."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TypeVar

import httpx

__all__ = ["Facts", "Progress", "facts_of", "record"]

_ATTRIBUTE = "_engine_facts"

# Raised by transports before the first byte of a request is written.
_BEFORE_SENDING = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
)


class Progress(enum.IntEnum):
    """How far an exchange had come when it failed."""

    NOT_SENT = 0
    """No byte of the request left: the server can't have acted on it."""
    MAYBE_SENT = 1
    """Some or all of it left, and nothing came back: the server may have acted on it."""
    ANSWERED = 2
    """At least one byte of an answer came back."""


@dataclass(frozen=True, slots=True)
class Facts:
    """The circumstances of a failure.

    Attributes:
        progress: How far the exchange had come.
        reused: The connection had served before and died before one byte of an answer came: most
            likely the server had given it up already.
        past_deadline: The deadline of the request passed, not just the time-out of a step.
        open_payloads: How many connections were held by answers that nobody had read to the end
            or closed; known when none was left for the request.
    """

    progress: Progress
    reused: bool = False
    past_deadline: bool = False
    open_payloads: int | None = None


_Error = TypeVar("_Error", bound=BaseException)


def record(error: _Error, facts: Facts) -> _Error:
    """Note *facts* on *error*, and return it."""
    setattr(error, _ATTRIBUTE, facts)
    return error


def facts_of(error: BaseException) -> Facts:
    """The recorded facts; for errors of other transports what is certain from their type."""
    facts = getattr(error, _ATTRIBUTE, None)
    if isinstance(facts, Facts):
        return facts
    if isinstance(error, _BEFORE_SENDING):
        return Facts(Progress.NOT_SENT)
    return Facts(Progress.MAYBE_SENT)
