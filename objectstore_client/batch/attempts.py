"""What follows when operations of a batch fail: which are sent again, after how long.

The rules are those for single requests (`retries.decide`), asked for each kind of operation and
failure. What is sent again goes out together, so it waits as long as the one that waits longest,
and takes tokens of the budget once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from objectstore_client._httpx import FAILURES, failure_of, translate
from objectstore_client.batch.encode import Entry
from objectstore_client.batch.framing import FramingError
from objectstore_client.engine.facts import Progress
from objectstore_client.errors import (
    ConnectionLostError,
    InvalidResponseError,
    ObjectstoreError,
    TokenProviderError,
)
from objectstore_client.retries import Decision, Failure, RetryBudget, decide
from objectstore_client.settings import Call

__all__ = ["BREAKS", "Miss", "Verdict", "judge", "missed", "without_token"]

BREAKS = (*FAILURES, FramingError, ConnectionLostError)
"""What ends a request before all of its operations were answered."""


_DEFINITE = (Failure.PERMANENT, Failure.DATA)  # nobody would expect another attempt
_OVERLOADED = (Failure.THROTTLED, Failure.UNAVAILABLE)


class Miss(NamedTuple):
    """An operation that failed in one request.

    Attributes:
        entry: The operation.
        error: What its result says, if it is not tried again.
        failure: What went wrong.
        progress: How far it had come.
        retry_after: Seconds that the server asks to wait.
    """

    entry: Entry
    error: ObjectstoreError
    failure: Failure
    progress: Progress
    retry_after: float | None = None


def missed(entry: Entry, cause: Exception | None, *, sent: bool, past_deadline: bool) -> Miss:
    """What is to be said of an operation that was not answered.

    Args:
        entry: The operation.
        cause: What ended the request, one of `BREAKS`; `None` if it ended as it should.
        sent: Whether its part may have left.
        past_deadline: The deadline of the call has passed.
    """
    failure, progress, retry_after = Failure.BROKEN, Progress.ANSWERED, None
    error: ObjectstoreError
    if cause is None:
        error = InvalidResponseError("the server's answer to a batch leaves out operations")
    elif isinstance(cause, ConnectionLostError):
        error = ConnectionLostError(*cause.args)
    elif isinstance(cause, (FramingError, InvalidResponseError)):
        error = InvalidResponseError("the server's answer to a batch breaks the protocol")
        for note in getattr(cause, "__notes__", [str(cause)]):
            error.add_note(note)
        failure = Failure.DATA
    else:
        failed = failure_of(cause)
        error = translate(cause, past_deadline=past_deadline)
        failure, progress, retry_after = failed.failure, failed.progress, failed.retry_after
    if not sent:
        progress = Progress.NOT_SENT
    return Miss(entry, error, failure, progress, retry_after)


def without_token(entry: Entry, cause: TokenProviderError) -> TokenProviderError:
    """What is to be said of an operation that can't be sent, for want of a token."""
    error = TokenProviderError(*cause.args)
    error.__cause__ = cause.__cause__
    error.attempts, error.outcome_unknown = entry.attempts, entry.outcome_unknown
    return error


@dataclass(slots=True)
class Verdict:
    """What follows.

    Attributes:
        again: What is to be sent again.
        lost: What is not; the errors are complete.
        delay: Seconds to wait before.
        cost: Tokens that were taken from the budget.
        throttled: The server said that it was too much.
    """

    again: list[Entry] = field(default_factory=list)
    lost: list[Miss] = field(default_factory=list)
    delay: float = 0.0
    cost: int = 0
    throttled: bool = False


def judge(
    misses: Iterable[Miss],
    *,
    attempt: int,
    free_used: bool,
    call: Call,
    now: float,
    budget: RetryBudget,
    draw: float,
) -> Verdict:
    """Decide about the operations that failed in one request.

    Args:
        misses: Those operations.
        attempt: How many requests were made for them, from 1; a free one not counted.
        free_used: The free one was made before.
        call: How often, and until when.
        now: By the monotonic clock.
        budget: Pays for the next request.
        draw: Drawn at random from 0 (included) to 1.
    """
    verdict = Verdict()
    decisions: dict[tuple[object, ...], Decision] = {}
    again: list[tuple[Miss, Decision]] = []
    for miss in misses:
        same = (miss.entry.kind, miss.failure, miss.progress, miss.retry_after)
        decision = decisions.get(same)
        if decision is None:
            decision = decisions[same] = decide(
                operation=miss.entry.kind,
                failure=miss.failure,
                progress=miss.progress,
                replayable=True,  # what can be read only once is never part of a batch
                attempt=attempt,
                policy=call.retries,
                random=lambda: draw,
                free_used=free_used,
                remaining=None if call.deadline is None else call.deadline - now,
                retry_after=miss.retry_after,
            )
        miss.entry.outcome_unknown |= decision.outcome_unknown
        verdict.throttled |= miss.failure in _OVERLOADED
        if decision.delay is None:
            _complete(miss, decision, now - call.started)
            verdict.lost.append(miss)
        else:
            again.append((miss, decision))
            verdict.delay = max(verdict.delay, decision.delay)
            verdict.cost = max(verdict.cost, decision.cost)
    if again:
        payer = replace(again[0][1], cost=verdict.cost).within(budget)
        if payer.delay is None:
            for miss, decision in again:
                _complete(miss, replace(decision, reason=payer.reason), now - call.started)
                verdict.lost.append(miss)
            again, verdict.cost, verdict.delay = [], 0, 0.0
    verdict.again = [miss.entry for miss, _ in again]
    return verdict


def _complete(miss: Miss, decision: Decision, elapsed: float) -> None:
    error, entry = miss.error, miss.entry
    error.attempts, error.elapsed = entry.attempts, elapsed
    error.retryable, error.outcome_unknown = decision.retryable, entry.outcome_unknown
    if miss.failure not in _DEFINITE:
        error.add_note(f"attempts: {entry.attempts}, given up: {decision.reason}")
