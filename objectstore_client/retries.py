"""Whether a failed request is made again, and after how long. Decides only: no I/O, no clock.

`decide` says what follows from one failure; `RetryBudget` keeps everyone's second attempts from
hammering a server that struggles. `docs/reliability.md` has the same as tables, kept true by tests.
"""

from __future__ import annotations

import enum
import math
import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import repeat
from typing import Final, Literal, TypeAlias

from objectstore_client.engine.facts import Progress
from objectstore_client.errors import InvalidArgumentError, shorten

__all__ = [
    "DEFAULT_RETRIES",
    "Decision",
    "Failure",
    "Operation",
    "RetryBudget",
    "RetryPolicy",
    "decide",
    "failure_of_status",
    "parse_retry_after",
    "read_retries",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often a failed request is made again, and how long to wait before.

    The wait before retry n is drawn at random between nothing and `base` x 2^(n-1), at most `cap`.

    Attributes:
        attempts: How often a request is made at most, the first time included.
        base: Seconds, while the server does not say that it is overloaded.
        throttled_base: Seconds, instead of `base` after 429 and 503.
        cap: Seconds; the longest wait drawn.
        retry_after_cap: Seconds; up to this, the wait that the server asks for (`Retry-After`)
            comes before the one drawn. If it asks for more, the request is not made again.
    """

    attempts: int = 3
    base: float = 0.05
    throttled_base: float = 1.0
    cap: float = 20.0
    retry_after_cap: float = 60.0

    def __post_init__(self) -> None:
        if type(self.attempts) is not int or self.attempts < 1:
            raise InvalidArgumentError(
                f"retries.attempts: must be a whole number from 1, got {shorten(self.attempts)}"
            )
        for name in ("base", "throttled_base", "cap", "retry_after_cap"):
            value = getattr(self, name)
            if type(value) not in (int, float) or not 0 <= value < math.inf:
                raise InvalidArgumentError(
                    f"retries.{name}: must be finite seconds, 0 or more, got {shorten(value)}"
                )


DEFAULT_RETRIES: Final = RetryPolicy()
"""What holds when nothing is passed: 3 attempts."""


def read_retries(
    value: RetryPolicy | int | None, default: RetryPolicy = DEFAULT_RETRIES
) -> RetryPolicy:
    """Turn what a caller passed into a policy: a number is that of retries, so 0 means none.

    Raises:
        InvalidArgumentError: If *value* is neither a policy nor a whole number from 0.
    """
    if value is None:
        return default
    if isinstance(value, RetryPolicy):
        return value
    if type(value) is not int or value < 0:
        raise InvalidArgumentError(
            f"retries: must be a RetryPolicy or a whole number from 0, got {shorten(value)}"
        )
    return replace(default, attempts=value + 1)


class RetryBudget:
    """What all retries against one server may cost together: 500 tokens.

    Success gives back what its last retry took, or one token if there was none; so while most
    requests fail, soon none is repeated. Safe to share between threads, and across a fork.
    """

    TOKENS: Final = 500
    COST: Final = 14
    THROTTLED_COST: Final = 5
    """After 429: the server itself says that a later attempt is welcome."""

    def __init__(self) -> None:
        # Instead of a lock, which a fork may copy while it is held: pop and append are atomic, an
        # empty deque refuses, a full one drops.
        self._tokens = deque(repeat(None, self.TOKENS), maxlen=self.TOKENS)

    @property
    def tokens(self) -> int:
        """How many are left."""
        return len(self._tokens)

    def take(self, cost: int) -> bool:
        """Take *cost* tokens; if there are fewer, take none and return False."""
        taken = 0
        try:
            while taken < cost:
                self._tokens.pop()
                taken += 1
        except IndexError:
            self._tokens.extend(repeat(None, taken))
            return False
        return True

    def succeed(self, cost: int = 0) -> None:
        """Note a success, whose last retry took *cost* tokens."""
        self._tokens.extend(repeat(None, max(cost, 1)))


Operation: TypeAlias = Literal[
    "get", "head", "put", "post", "delete", "extend_expiry", "extend_expiry_after_now"
]
"""What is asked for, as far as repeating it goes: `post` is a put whose key the server chooses;
`extend_expiry_after_now` counts from the moment of the request, so each one moves the deadline."""

_READS: Final = frozenset[Operation]({"get", "head"})
_ONCE_ONLY: Final = frozenset[Operation]({"post", "extend_expiry_after_now"})
"""Done twice, they leave something else than done once."""


class Failure(enum.Enum):
    """What went wrong with one attempt, in the words of `docs/reliability.md`."""

    CONNECT = "no connection could be made"
    POOL = "no connection became free"
    STALE = "a kept connection was dead"  # it had served before, and not one byte came back
    BROKEN = "the connection broke"
    TIMEOUT = "a read or write time-out passed"
    REQUEST_TIMEOUT = "408"
    THROTTLED = "429"
    UNAVAILABLE = "503"
    SERVER = "500, 502, 504, other 5xx"
    PERMANENT = "any other status"  # also what never leaves: a bad URL, unreadable contents
    DATA = "an answer that breaks the protocol"  # complete, but unreadable or corrupted


_LASTING: Final = frozenset({Failure.POOL, Failure.PERMANENT, Failure.DATA})
"""The next attempt would end like this one. POOL: to wait once more is to have a longer time-out;
payloads that nobody closes do not close meanwhile."""

_NO_EFFECT: Final = frozenset({Failure.CONNECT, Failure.POOL, Failure.THROTTLED, Failure.PERMANENT})
"""The server did nothing, whatever was sent.

429 is here: the service raises it before it turns to the back end (protocol 12.3), newer ones also
when the back end itself refuses; what that may leave behind bears no key that anyone knows. 503 is
not: it stands for a full server, but also for a back end that did not answer in time. Nor is 408,
which only something between us and the service sends, after forwarding who knows what."""

_OVERLOADED: Final = frozenset({Failure.THROTTLED, Failure.UNAVAILABLE})


def failure_of_status(status: int) -> Failure:
    """Say what an error status means; unknown 5xx count as 500 (RFC 9110 section 15)."""
    match status:
        case 408:
            return Failure.REQUEST_TIMEOUT
        case 429:
            return Failure.THROTTLED
        case 503:
            return Failure.UNAVAILABLE
        case 501 | 505:  # not supported: neither now nor later
            return Failure.PERMANENT
    return Failure.SERVER if status >= 500 else Failure.PERMANENT


def parse_retry_after(text: str | None, now: datetime) -> float | None:
    """Read a `Retry-After` header, seconds or an HTTP date, as seconds from *now* (aware).

    A date that has passed is 0, anything else `None`.
    """
    text = (text or "").strip()
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", text):
        return float(text)
    try:
        date = parsedate_to_datetime(text)
        date = date if date.tzinfo else date.replace(tzinfo=UTC)  # naive is what "-0000" gives
        return max((date - now).total_seconds(), 0.0)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows from a failed attempt.

    Attributes:
        delay: Seconds to wait before the next attempt; `None` if there is none.
        cost: Tokens of the budget that the next attempt takes; one for nothing is not counted as
            an attempt either.
        outcome_unknown: This attempt may have changed something on the server all the same. That
            stays true of the operation until a later attempt succeeds.
        retryable: The caller may make the same call again, and it can end better.
        reason: Why, in words for people.
    """

    delay: float | None
    cost: int
    outcome_unknown: bool
    retryable: bool
    reason: str

    def within(self, budget: RetryBudget) -> Decision:
        """Pay for the next attempt out of *budget*; if it can't, there is none."""
        if self.delay is None or budget.take(self.cost):
            return self
        return replace(self, delay=None, cost=0, reason="the retry budget is used up")


def decide(
    *,
    operation: Operation,
    failure: Failure,
    progress: Progress,
    replayable: bool,
    attempt: int,
    policy: RetryPolicy,
    random: Callable[[], float],
    free_used: bool = False,
    remaining: float | None = None,
    retry_after: float | None = None,
) -> Decision:
    """Decide what follows from a failure, before anything of an answer was handed to the caller.

    Args:
        operation: What was asked for.
        failure: What went wrong.
        progress: How far the attempt had come.
        replayable: The body can be sent from its start again (or there is none).
        attempt: How many attempts were made, from 1; a free one not counted.
        policy: What the caller wants.
        random: Draws from 0 (included) to 1.
        free_used: The free attempt was made before.
        remaining: Seconds left until the deadline, if there is one.
        retry_after: Seconds that the server asks to wait, if it does.
    """
    sent = progress > Progress.NOT_SENT
    unknown = sent and operation not in _READS and failure not in _NO_EFFECT
    safe = not (unknown and operation in _ONCE_ONLY)
    retryable = safe and (failure not in _LASTING or failure is Failure.POOL)

    def give_up(reason: str) -> Decision:
        return Decision(None, 0, unknown, retryable, reason)

    if failure in _LASTING:
        return give_up("another attempt would end the same way")
    if not safe:
        return give_up("it may have taken effect, and must not do so twice")
    if not replayable:
        return give_up("the contents can be read only once")
    if policy.attempts == 1:
        return give_up("retries are switched off")
    free = failure is Failure.STALE and not free_used
    if not free and attempt >= policy.attempts:
        return give_up("no attempts are left")
    if retry_after is not None and retry_after > policy.retry_after_cap:
        return give_up("the server asks to wait longer than the policy allows")
    delay, cost = 0.0, 0
    if not free:
        delay = random() * _longest_wait(failure, attempt, policy) + (retry_after or 0.0)
        cost = RetryBudget.THROTTLED_COST if failure is Failure.THROTTLED else RetryBudget.COST
    if remaining is not None and delay >= remaining:
        return give_up("the deadline would pass before the next attempt")
    return Decision(delay, cost, unknown, retryable, failure.value)


def _longest_wait(failure: Failure, attempt: int, policy: RetryPolicy) -> float:
    base = policy.throttled_base if failure in _OVERLOADED else policy.base
    return min(policy.cap, base * 2.0 ** min(attempt - 1, 64))
