"""What is sent again, and what is said of the rest."""

from __future__ import annotations

import httpx
import pytest

from objectstore_client import (
    ConnectionLostError,
    Delete,
    Get,
    InvalidResponseError,
    Put,
    RetryPolicy,
    ServerError,
    TransportTimeoutError,
)
from objectstore_client.batch.attempts import Miss, Verdict, judge, missed
from objectstore_client.batch.encode import Entry
from objectstore_client.batch.framing import FramingError
from objectstore_client.batch.operations import Operation
from objectstore_client.engine.facts import Facts, Progress, record
from objectstore_client.retries import Failure, RetryBudget
from objectstore_client.settings import Call
from objectstore_client.timeouts import DEFAULT_TIMEOUT

POST, PUT, GET, DELETE = Put(b""), Put(b"", id="a"), Get("b"), Delete("c")


def entry(operation: Operation) -> Entry:
    """An operation that was part of one request."""
    made = Entry(0, operation)
    made.attempts = 1
    return made


def miss(operation: Operation, failure: Failure, progress: Progress = Progress.ANSWERED) -> Miss:
    """An operation that failed."""
    return Miss(entry(operation), ServerError("failed", status=500), failure, progress)


def judged(
    *misses: Miss,
    attempt: int = 1,
    policy: RetryPolicy | None = None,
    budget: RetryBudget | None = None,
    remaining: float | None = None,
) -> Verdict:
    """What follows, at time 100 of a call that began at 90."""
    deadline = None if remaining is None else 100 + remaining
    return judge(
        misses,
        attempt=attempt,
        free_used=False,
        call=Call(policy or RetryPolicy(), 90, deadline, DEFAULT_TIMEOUT),
        now=100,
        budget=budget or RetryBudget(),
        draw=0.5,
    )


def test_what_can_be_repeated_is_sent_again() -> None:
    """After a broken connection all but puts whose key the server chooses."""
    misses = [miss(each, Failure.BROKEN) for each in (POST, PUT, GET, DELETE)]
    verdict = judged(*misses)
    assert verdict.again == [each.entry for each in misses[1:]]
    assert verdict.lost == misses[:1]
    error = misses[0].error
    assert (error.attempts, error.elapsed) == (1, 10)
    assert error.outcome_unknown
    assert not error.retryable
    assert any("must not do so twice" in note for note in error.__notes__)


@pytest.mark.parametrize(
    ("failure", "progress"),
    [(Failure.BROKEN, Progress.NOT_SENT), (Failure.THROTTLED, Progress.ANSWERED)],
)
def test_what_never_ran_is_sent_again(failure: Failure, progress: Progress) -> None:
    """Also puts whose key the server chooses."""
    verdict = judged(miss(POST, failure, progress))
    assert len(verdict.again) == 1
    assert not verdict.lost


def test_what_is_refused_is_not_sent_again() -> None:
    """The next answer would be the same; and it is said without a word on attempts."""
    verdict = judged(miss(GET, Failure.PERMANENT), miss(PUT, Failure.DATA))
    assert not verdict.again
    assert verdict.cost == verdict.delay == 0
    assert [each.error.outcome_unknown for each in verdict.lost] == [False, True]
    assert not any(hasattr(each.error, "__notes__") for each in verdict.lost)


def test_one_wait_and_one_price_for_all() -> None:
    """What goes out together waits for the longest, and is paid for once."""
    budget = RetryBudget()
    misses = [miss(GET, Failure.SERVER) for _ in range(100)]
    verdict = judged(*misses, miss(PUT, Failure.THROTTLED), budget=budget)
    assert len(verdict.again) == 101
    assert verdict.delay == 0.5 * RetryPolicy().throttled_base
    assert verdict.cost == RetryBudget.COST
    assert budget.tokens == RetryBudget.TOKENS - RetryBudget.COST
    assert verdict.throttled


def test_an_empty_budget_pays_for_nothing() -> None:
    """Then all that failed has failed."""
    budget = RetryBudget()
    budget.take(RetryBudget.TOKENS)
    verdict = judged(miss(GET, Failure.SERVER), miss(PUT, Failure.SERVER), budget=budget)
    assert not verdict.again
    assert verdict.cost == verdict.delay == 0
    for lost in verdict.lost:
        assert lost.error.retryable
        assert any("the retry budget is used up" in note for note in lost.error.__notes__)
    assert [lost.error.outcome_unknown for lost in verdict.lost] == [False, True]


def test_attempts_and_deadline_hold() -> None:
    """As for single requests."""
    assert not judged(miss(GET, Failure.SERVER), attempt=3).again
    assert not judged(miss(GET, Failure.SERVER), policy=RetryPolicy(attempts=1)).again
    assert not judged(miss(GET, Failure.SERVER), remaining=0.001).again
    assert judged(miss(GET, Failure.SERVER), remaining=10).again


def test_an_unknown_outcome_stays_unknown() -> None:
    """Whatever the next attempt says, an earlier one may have taken effect."""
    first = miss(PUT, Failure.BROKEN)
    assert judged(first).again == [first.entry]
    second = Miss(first.entry, ServerError("x", status=500), Failure.THROTTLED, Progress.ANSWERED)
    judged(second, attempt=3)
    assert second.error.outcome_unknown


def test_a_broken_connection() -> None:
    """What was sent may have run, the rest has not."""
    cause = record(httpx.ReadError("broken"), Facts(Progress.ANSWERED, False, False, None))
    for sent, progress in ((True, Progress.ANSWERED), (False, Progress.NOT_SENT)):
        found = missed(entry(PUT), cause, sent=sent, past_deadline=False)
        assert isinstance(found.error, ConnectionLostError)
        assert (found.failure, found.progress) == (Failure.BROKEN, progress)


def test_a_deadline() -> None:
    """It is what ended the wait, if it has passed."""
    cause = record(httpx.ReadTimeout("late"), Facts(Progress.MAYBE_SENT, False, False, None))
    found = missed(entry(GET), cause, sent=True, past_deadline=True)
    assert isinstance(found.error, TransportTimeoutError)
    assert found.error.phase == "deadline"


@pytest.mark.parametrize(
    ("cause", "error", "failure"),
    [
        (None, InvalidResponseError, Failure.BROKEN),
        (FramingError("no parts"), InvalidResponseError, Failure.DATA),
        (InvalidResponseError("twice"), InvalidResponseError, Failure.DATA),
        (ConnectionLostError("cut"), ConnectionLostError, Failure.BROKEN),
    ],
)
def test_an_answer_that_leaves_out_operations(
    cause: Exception | None, error: type[Exception], failure: Failure
) -> None:
    """Nobody knows what became of them: cut off, broken, or simply not there."""
    found = missed(entry(PUT), cause, sent=True, past_deadline=False)
    assert type(found.error) is error
    assert (found.failure, found.progress) == (failure, Progress.ANSWERED)
    judged(found, attempt=3)
    assert found.error.outcome_unknown


def test_each_operation_has_an_error_of_its_own() -> None:
    """They are located later, each at its key."""
    cause = InvalidResponseError("twice")
    one = missed(entry(PUT), cause, sent=True, past_deadline=False)
    other = missed(entry(PUT), cause, sent=True, past_deadline=False)
    assert one.error is not other.error is not cause
