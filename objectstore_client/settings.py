"""What an `Objectstore` is configured with, and what of it holds for one call."""

from __future__ import annotations

import inspect
import platform
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TypeAlias

from objectstore_client._version import __version__
from objectstore_client.errors import InvalidArgumentError, TransportTimeoutError, shorten
from objectstore_client.metrics import MetricsBackend
from objectstore_client.resumable import Support
from objectstore_client.retries import RetryBudget, RetryPolicy, read_retries
from objectstore_client.timeouts import Timeout, TimeoutLike, read_timeout

__all__ = [
    "Call",
    "DeadlineLike",
    "Settings",
    "client_headers",
    "read_deadline",
    "read_max_decoded_size",
    "refuse_unknown",
]

USER_AGENT = f"objectstore-client/{__version__} python/{platform.python_version()}"

_SERVICE_NAME = re.compile(r"[\x20-\x7e]{1,256}")

DeadlineLike: TypeAlias = "float | timedelta"
"""Seconds, or a `timedelta`, from the start of a call to the end of reading its answer."""


def refuse_unknown(kind: type, unknown: Mapping[str, object]) -> None:
    """Refuse keyword arguments that *kind* does not know, listing those that it does."""
    if unknown:
        parameters = inspect.signature(kind).parameters.values()
        known = [each.name for each in parameters if each.kind is each.KEYWORD_ONLY]
        raise TypeError(
            f"{kind.__name__}() got unknown arguments: {', '.join(sorted(unknown))}; "
            f"it knows: base_url, {', '.join(sorted(known))}"
        )


def client_headers(downstream_service: str | None) -> dict[str, str]:
    """The headers that every request of an `Objectstore` has.

    Raises:
        InvalidArgumentError: If *downstream_service* can't be sent.
    """
    headers = {"user-agent": USER_AGENT}
    if downstream_service is not None:
        if not isinstance(downstream_service, str) or not _SERVICE_NAME.fullmatch(
            downstream_service
        ):
            raise InvalidArgumentError(
                "downstream_service: must be 1 to 256 visible ASCII characters and spaces, "
                f"got {shorten(downstream_service)}"
            )
        headers["x-downstream-service"] = downstream_service
    return headers


def read_deadline(value: DeadlineLike | None) -> float | None:
    """The seconds that a caller passed as a deadline.

    Raises:
        InvalidArgumentError: If it is neither a number nor a timedelta, or not above 0.
    """
    if value is None:
        return None
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not seconds > 0:
        raise InvalidArgumentError(
            f"deadline: must be seconds or a timedelta above 0, got {shorten(value)}"
        )
    return seconds


def read_max_decoded_size(value: int | None, default: int) -> int:
    """The bytes that a payload may decode to; `None` is *default*.

    Raises:
        InvalidArgumentError: If it is not a whole number, or negative.
    """
    if value is None:
        return default
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise InvalidArgumentError(
            f"max_decoded_size: must be a number of bytes from 0 up, got {shorten(value)}"
        )
    return value


@dataclass(slots=True)
class Call:
    """What holds for one call.

    Attributes:
        retries: When a failed request is repeated.
        started: When the call began, by the monotonic clock.
        deadline: When all of it has to be over, by the same clock; `None` for never.
        timeout: Of each attempt.
    """

    retries: RetryPolicy
    started: float
    deadline: float | None
    timeout: Timeout

    def extensions(self) -> Mapping[str, object]:
        """The time-outs and the deadline of an attempt that begins now, as transports take them.

        Time-outs end with the deadline, for transports that know of no deadline.
        """
        if self.deadline is None:
            return self.timeout.extensions
        left = max(self.deadline - time.monotonic(), 0.001)
        phases = {name: min(left, limit or left) for name, limit in self.timeout.as_dict().items()}
        return {"timeout": phases, "deadline": self.deadline}

    @property
    def past_deadline(self) -> bool:
        """Whether the deadline has passed."""
        return self.deadline is not None and time.monotonic() >= self.deadline

    def check_deadline(self) -> None:
        """Raise if the deadline has passed."""
        if self.past_deadline:
            error = TransportTimeoutError("the deadline passed")
            error.phase = "deadline"
            raise error


@dataclass(frozen=True, slots=True)
class Settings:
    """What holds for all clients of one `Objectstore`."""

    base_url: str
    timeout: Timeout
    deadline: float | None
    retries: RetryPolicy
    budget: RetryBudget
    metrics_backend: MetricsBackend
    propagate_traces: bool
    max_decoded_size: int
    spool_dir: Path | None = None
    resumable: Support = field(default_factory=Support)

    def call(
        self,
        timeout: TimeoutLike | None,
        deadline: DeadlineLike | None,
        retries: RetryPolicy | int | None,
    ) -> Call:
        """Begin a call whose arguments take precedence over the settings.

        Raises:
            InvalidArgumentError: If one of them is not valid.
        """
        started = time.monotonic()
        if timeout is deadline is retries is self.deadline is None:
            return Call(self.retries, started, None, self.timeout)  # the usual case
        seconds = self.deadline if deadline is None else read_deadline(deadline)
        ends = None if seconds is None else started + seconds
        return Call(
            read_retries(retries, self.retries), started, ends, read_timeout(timeout, self.timeout)
        )
