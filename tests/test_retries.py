"""Retries: the table of all decisions, the waits, the budget, what servers and callers say."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from objectstore_client.engine.facts import Progress
from objectstore_client.errors import InvalidArgumentError
from objectstore_client.retries import (
    DEFAULT_RETRIES,
    Decision,
    Failure,
    Operation,
    RetryBudget,
    RetryPolicy,
    decide,
    failure_of_status,
    parse_retry_after,
    read_retries,
)

OPERATIONS: tuple[Operation, ...] = get_args(Operation)

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def decide_one(
    operation: Operation = "get",
    failure: Failure = Failure.BROKEN,
    progress: Progress = Progress.MAYBE_SENT,
    *,
    replayable: bool = True,
    attempt: int = 1,
    policy: RetryPolicy = DEFAULT_RETRIES,
    random: Callable[[], float] = lambda: 0.5,
    free_used: bool = False,
    remaining: float | None = None,
    retry_after: float | None = None,
) -> Decision:
    """Call `decide` where most of it is as usual."""
    return decide(
        operation=operation,
        failure=failure,
        progress=progress,
        replayable=replayable,
        attempt=attempt,
        policy=policy,
        random=random,
        free_used=free_used,
        remaining=remaining,
        retry_after=retry_after,
    )


# ---- the decision table -----------------------------------------------------------------------

COLUMNS: tuple[tuple[Operation, ...], ...] = (
    ("get", "head"),
    ("put", "delete", "extend_expiry"),
    ("post", "extend_expiry_after_now"),
)
"""Operations that are treated alike."""

# What is done after the first attempt, for contents that can be sent again and for others:
#
#   again   it is made again           at once   it is made again, without delay and free of charge
#   no      it is not; nothing happened on the server
#   ...?    the same, but the server may have acted on what was sent
#
# Some lines can't happen (an answer without a connection); the table has them all the same.
TABLE = """
                              sent again is possible         | contents can be read only once
                              get      put       post        | get   put    post
                              head     delete    ..._now     | head  delete ..._now
                                       extend                |       extend

CONNECT          NOT_SENT     again    again     again       | no    no     no
CONNECT          MAYBE_SENT   again    again     again       | no    no     no
CONNECT          ANSWERED     again    again     again       | no    no     no

POOL             NOT_SENT     no       no        no          | no    no     no
POOL             MAYBE_SENT   no       no        no          | no    no     no
POOL             ANSWERED     no       no        no          | no    no     no

STALE            NOT_SENT     at-once  at-once   at-once     | no    no     no
STALE            MAYBE_SENT   at-once  at-once?  no?         | no    no?    no?
STALE            ANSWERED     at-once  at-once?  no?         | no    no?    no?

BROKEN           NOT_SENT     again    again     again       | no    no     no
BROKEN           MAYBE_SENT   again    again?    no?         | no    no?    no?
BROKEN           ANSWERED     again    again?    no?         | no    no?    no?

TIMEOUT          NOT_SENT     again    again     again       | no    no     no
TIMEOUT          MAYBE_SENT   again    again?    no?         | no    no?    no?
TIMEOUT          ANSWERED     again    again?    no?         | no    no?    no?

REQUEST_TIMEOUT  NOT_SENT     again    again     again       | no    no     no
REQUEST_TIMEOUT  MAYBE_SENT   again    again?    no?         | no    no?    no?
REQUEST_TIMEOUT  ANSWERED     again    again?    no?         | no    no?    no?

THROTTLED        NOT_SENT     again    again     again       | no    no     no
THROTTLED        MAYBE_SENT   again    again     again       | no    no     no
THROTTLED        ANSWERED     again    again     again       | no    no     no

UNAVAILABLE      NOT_SENT     again    again     again       | no    no     no
UNAVAILABLE      MAYBE_SENT   again    again?    no?         | no    no?    no?
UNAVAILABLE      ANSWERED     again    again?    no?         | no    no?    no?

SERVER           NOT_SENT     again    again     again       | no    no     no
SERVER           MAYBE_SENT   again    again?    no?         | no    no?    no?
SERVER           ANSWERED     again    again?    no?         | no    no?    no?

PERMANENT        NOT_SENT     no       no        no          | no    no     no
PERMANENT        MAYBE_SENT   no       no        no          | no    no     no
PERMANENT        ANSWERED     no       no        no          | no    no     no

DATA             NOT_SENT     no       no        no          | no    no     no
DATA             MAYBE_SENT   no       no?       no?         | no    no?    no?
DATA             ANSWERED     no       no?       no?         | no    no?    no?
"""

Case = tuple[Operation, Failure, Progress, bool]


def expected_verdicts() -> Iterator[tuple[Case, str]]:
    """Read `TABLE`."""
    for line in TABLE.splitlines()[5:]:
        if not line:
            continue
        failure, progress, *verdicts = line.replace("|", " ").split()
        for replayable, half in ((True, verdicts[:3]), (False, verdicts[3:])):
            for operations, verdict in zip(COLUMNS, half, strict=True):
                for operation in operations:
                    case = operation, Failure[failure], Progress[progress], replayable
                    yield case, verdict


EXPECTED = dict(expected_verdicts())


def verdict_on(decision: Decision) -> str:
    """Say in the words of `TABLE` what was decided."""
    if decision.delay is None:
        word = "no"
    else:
        word = "at-once" if decision.delay == decision.cost == 0 else "again"
    return word + "?" * decision.outcome_unknown


def test_the_table_is_complete() -> None:
    """Each operation, failure, progress and kind of body is met in the table once."""
    assert set(EXPECTED) == {
        (operation, failure, progress, replayable)
        for operation in OPERATIONS
        for failure in Failure
        for progress in Progress
        for replayable in (True, False)
    }
    assert len(EXPECTED) == len(list(expected_verdicts()))


@pytest.mark.parametrize("failure", Failure, ids=lambda failure: failure.name)
def test_decisions(failure: Failure) -> None:
    """What follows from a failure is what the table says."""
    found = {
        case: verdict_on(decide_one(*case[:3], replayable=case[3]))
        for case in EXPECTED
        if case[1] is failure
    }
    assert found == {case: verdict for case, verdict in EXPECTED.items() if case[1] is failure}


def test_without_retries_nothing_is_repeated() -> None:
    """`retries=0` means none, not even for free; what is known of the outcome stays the same."""
    for (operation, failure, progress, replayable), verdict in EXPECTED.items():
        decision = decide_one(
            operation, failure, progress, replayable=replayable, policy=read_retries(0)
        )
        assert (decision.delay, decision.cost) == (None, 0)
        assert decision.outcome_unknown == verdict.endswith("?")


def test_what_the_caller_may_try_again() -> None:
    """The caller may repeat what failed for a time, unless it could then be done twice."""
    assert decide_one("get", Failure.SERVER, Progress.ANSWERED, attempt=3).retryable
    assert decide_one("put", Failure.BROKEN, replayable=False).retryable
    assert decide_one("post", Failure.CONNECT, Progress.NOT_SENT, attempt=3).retryable
    assert decide_one("post", Failure.THROTTLED, Progress.ANSWERED, attempt=3).retryable
    assert decide_one("get", Failure.POOL, Progress.NOT_SENT).retryable
    assert not decide_one("post", Failure.BROKEN).retryable
    assert not decide_one("extend_expiry_after_now", Failure.UNAVAILABLE).retryable
    assert not decide_one("get", Failure.PERMANENT, Progress.ANSWERED).retryable
    assert not decide_one("put", Failure.DATA, Progress.ANSWERED).retryable


def test_one_free_attempt_only() -> None:
    """The second kept connection found dead is paid, waited for and counted like any failure."""
    again = decide_one("get", Failure.STALE, free_used=True)
    assert again.delay == DEFAULT_RETRIES.base * 0.5
    assert again.cost == RetryBudget.COST
    assert decide_one("get", Failure.STALE, free_used=True, attempt=3).delay is None
    assert decide_one("get", Failure.STALE, attempt=3).delay == 0


def test_the_reason_is_the_first_that_holds() -> None:
    """What stands in the error is what the caller can do something about."""

    def reason(**changes: object) -> str:
        return decide_one(**changes).reason  # type: ignore[arg-type]

    assert reason() == "the connection broke"
    assert reason(failure=Failure.POOL) == "another attempt would end the same way"
    assert reason(operation="post") == "it may have taken effect, and must not do so twice"
    assert reason(replayable=False) == "the contents can be read only once"
    assert reason(policy=read_retries(0)) == "retries are switched off"
    assert reason(attempt=3) == "no attempts are left"
    assert reason(retry_after=61) == "the server asks to wait longer than the policy allows"
    assert reason(remaining=0.01) == "the deadline would pass before the next attempt"


# ---- waiting ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("failure", "longest"),
    [
        (Failure.CONNECT, [0.05, 0.1, 0.2, 0.4]),
        (Failure.BROKEN, [0.05, 0.1, 0.2, 0.4]),
        (Failure.TIMEOUT, [0.05, 0.1, 0.2, 0.4]),
        (Failure.REQUEST_TIMEOUT, [0.05, 0.1, 0.2, 0.4]),
        (Failure.SERVER, [0.05, 0.1, 0.2, 0.4]),
        (Failure.THROTTLED, [1, 2, 4, 8, 16, 20, 20]),
        (Failure.UNAVAILABLE, [1, 2, 4, 8, 16, 20, 20]),
    ],
)
def test_waits_double_up_to_the_cap(failure: Failure, longest: list[float]) -> None:
    """A wait is a share, drawn at random, of a span that doubles; servers under load get more."""
    policy = RetryPolicy(attempts=100)
    for share in (0.0, 0.25, 1.0):
        waits = [
            decide_one("get", failure, attempt=attempt, policy=policy, random=lambda: share).delay  # noqa: B023
            for attempt in range(1, len(longest) + 1)
        ]
        assert waits == pytest.approx([share * span for span in longest])


def test_costs() -> None:
    """A retry costs 14 tokens, after 429 only 5: the server asked for it."""
    costs = {
        failure.name: decide_one("get", failure, free_used=True).cost
        for failure in Failure
        if decide_one("get", failure).delay is not None
    }
    assert costs == {name: 5 if name == "THROTTLED" else 14 for name in costs}


def test_retry_after_comes_before_the_wait_drawn() -> None:
    """Nobody comes earlier than the server asked, and not all at the same moment."""
    policy = RetryPolicy(retry_after_cap=60)
    for failure in (Failure.THROTTLED, Failure.UNAVAILABLE, Failure.SERVER):
        drawn = decide_one("get", failure, policy=policy).delay
        assert drawn is not None
        assert decide_one("get", failure, policy=policy, retry_after=0).delay == drawn
        assert decide_one("get", failure, policy=policy, retry_after=60).delay == drawn + 60
        assert decide_one("get", failure, policy=policy, retry_after=60.1).delay is None
        assert decide_one("get", failure, policy=policy, retry_after=math.inf).delay is None


policies = st.builds(
    RetryPolicy,
    attempts=st.integers(1, 10_000),
    base=st.floats(0, 1e300),
    throttled_base=st.floats(0, 1e300),
    cap=st.floats(0, 1e6),
    retry_after_cap=st.floats(0, 1e6),
)


@given(
    case=st.sampled_from(sorted(EXPECTED, key=str)),
    attempt=st.integers(1, 20_000),
    policy=policies,
    share=st.floats(0, 1, exclude_max=True),
    free_used=st.booleans(),
    remaining=st.none() | st.floats(-10, 1e6),
    retry_after=st.none() | st.floats(0, 1e7),
)
def test_bounds_of_every_decision(
    case: Case,
    attempt: int,
    policy: RetryPolicy,
    share: float,
    free_used: bool,
    remaining: float | None,
    retry_after: float | None,
) -> None:
    """Whatever the policy: no wait beyond the cap, the deadline or the attempts, none too early."""
    operation, failure, progress, replayable = case
    decision = decide_one(
        operation,
        failure,
        progress,
        replayable=replayable,
        attempt=attempt,
        policy=policy,
        random=lambda: share,
        free_used=free_used,
        remaining=remaining,
        retry_after=retry_after,
    )
    assert decision.outcome_unknown == EXPECTED[case].endswith("?")
    if decision.delay is None:
        assert decision.cost == 0
        return
    assert EXPECTED[case].startswith(("again", "at-once"))
    assert policy.attempts > 1
    assert remaining is None or decision.delay < remaining
    if decision.cost == 0:
        assert (failure, free_used, decision.delay) == (Failure.STALE, False, 0)
        return
    asked = retry_after or 0.0
    assert asked <= policy.retry_after_cap
    assert asked <= decision.delay <= asked + policy.cap
    assert attempt < policy.attempts


@given(
    case=st.sampled_from(sorted(EXPECTED, key=str)),
    attempt=st.integers(1, 100),
    policy=policies,
)
def test_what_may_have_taken_effect_is_not_done_twice(
    case: Case, attempt: int, policy: RetryPolicy
) -> None:
    """No policy repeats a POST, or an extension counted from now, of which something was sent."""
    operation, failure, progress, replayable = case
    decision = decide_one(
        operation, failure, progress, replayable=replayable, attempt=attempt, policy=policy
    )
    if operation in ("post", "extend_expiry_after_now") and decision.delay is not None:
        nothing_done = progress is Progress.NOT_SENT or failure in {
            Failure.CONNECT,
            Failure.THROTTLED,
        }
        assert nothing_done
        assert not decision.outcome_unknown


# ---- the budget -------------------------------------------------------------------------------


def test_an_outage_ends_the_retries() -> None:
    """Against a server that always fails, 35 retries are made in all; after 429 it is 100."""
    for failure, retries in ((Failure.SERVER, 35), (Failure.THROTTLED, 100)):
        budget = RetryBudget()
        decisions = [decide_one("get", failure).within(budget) for _ in range(200)]
        made = [decision for decision in decisions if decision.delay is not None]
        assert made == decisions[:retries]
        assert decisions[-1].reason == "the retry budget is used up"
        assert decisions[-1].cost == 0
        assert decisions[-1].retryable


def test_free_attempts_and_refusals_cost_nothing() -> None:
    """Only an attempt that is paid for touches the budget."""
    budget = RetryBudget()
    for failure in (Failure.STALE, Failure.PERMANENT):
        decision = decide_one("get", failure)
        assert decision.within(budget) is decision
    assert budget.tokens == RetryBudget.TOKENS
    while budget.take(1):
        pass
    assert decide_one("get", Failure.STALE).within(budget).delay == 0


def test_success_gives_back() -> None:
    """A retry that helped costs nothing in the end; a success without one gives one token."""
    budget = RetryBudget()
    assert budget.take(14)
    assert budget.take(14)
    assert budget.tokens == 472
    budget.succeed(14)
    assert budget.tokens == 486
    budget.succeed()
    assert budget.tokens == 487
    for _ in range(100):
        budget.succeed()
    assert budget.tokens == RetryBudget.TOKENS


@given(st.lists(st.integers(0, 60).map(lambda n: n - 30), max_size=200))
def test_the_budget_is_a_counter_between_its_bounds(steps: list[int]) -> None:
    """Never below nothing, never above full; a refusal takes nothing; successes refill it."""
    budget, expected = RetryBudget(), RetryBudget.TOKENS
    while budget.take(50):  # so that it soon runs dry
        expected -= 50
    for step in steps:
        if step < 0:
            budget.succeed(-step)
            expected = min(RetryBudget.TOKENS, expected - step)
        else:
            assert budget.take(step) == (expected >= step)
            expected -= step if expected >= step else 0
        assert budget.tokens == expected
    for _ in range(RetryBudget.TOKENS):
        budget.succeed()
    assert budget.tokens == RetryBudget.TOKENS


def test_threads_share_a_budget() -> None:
    """Eight threads together get what one would, and not a token more."""
    budget = RetryBudget()
    taken: list[int] = []
    start = threading.Barrier(8)

    def run() -> None:
        start.wait(timeout=30)
        count = 0
        for _ in range(200):
            count += budget.take(14)
        taken.append(count)

    threads = [threading.Thread(target=run) for _ in range(8)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=30)
    finally:
        sys.setswitchinterval(interval)
    # The tokens that no retry can be made of any more may be in the hands of several at once.
    assert 500 - 14 * sum(taken) == budget.tokens
    assert 0 <= budget.tokens < 8 * 14


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system can't fork")
def test_a_budget_survives_a_fork_at_any_moment() -> None:
    """Children forked while other threads use the budget can use it, and do not hang."""
    code = """
import os, threading
from objectstore_client.retries import RetryBudget

budget = RetryBudget()
stop = threading.Event()

def hammer():
    while not stop.is_set():
        if budget.take(14):
            budget.succeed(14)

threads = [threading.Thread(target=hammer) for _ in range(4)]
for thread in threads:
    thread.start()
codes = []
for _ in range(20):
    child = os.fork()
    if not child:
        budget.succeed(500)
        os._exit(0 if budget.take(14) and budget.tokens == 486 else 1)
    codes.append(os.waitpid(child, 0)[1])
stop.set()
for thread in threads:
    thread.join()
print(codes == [0] * 20)
"""
    run = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (run.stdout, run.stderr, run.returncode) == ("True\n", "", 0)


# ---- what servers say -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("failure", "statuses"),
    [
        (Failure.REQUEST_TIMEOUT, [408]),
        (Failure.THROTTLED, [429]),
        (Failure.UNAVAILABLE, [503]),
        (Failure.SERVER, [500, 502, 504, 507, 520, 599]),
        (Failure.PERMANENT, [400, 401, 403, 404, 405, 409, 410, 413, 415, 416, 422, 425]),
        (Failure.PERMANENT, [301, 307, 501, 505]),
    ],
)
def test_statuses(failure: Failure, statuses: list[int]) -> None:
    """Each error status has one meaning; a 5xx that nobody knows is as good as 500."""
    assert {status: failure_of_status(status) for status in statuses} == dict.fromkeys(
        statuses, failure
    )


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("120", 120),
        (" 7 ", 7),
        ("1.5", 1.5),
        ("9" * 5000, math.inf),
        ("Sun, 22 Nov 2026 12:01:30 GMT", 90),
        ("Sunday, 22-Nov-26 12:01:30 GMT", 90),
        ("Sun Nov 22 12:01:30 2026", 90),
        ("Sun, 22 Nov 2026 12:01:30 -0000", 90),
        ("Sun, 22 Nov 2026 13:01:30 +0100", 90),
        ("Sun, 22 Nov 2026 11:00:00 GMT", 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", (datetime(9999, 12, 31) - datetime(2026, 11, 22)).days),
    ],
)
def test_retry_after(text: str, seconds: float) -> None:
    """Seconds, and dates in the three forms of HTTP; what has passed is no wait at all."""
    found = parse_retry_after(text, NOW)
    if text.startswith("Fri"):
        assert found is not None
        found = round(found / 86_400)
    assert found == seconds


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "soon",
        "-1",
        "+1",
        "1e3",
        "1,5",
        "0x10",
        "١٢",
        "nan",
        "inf",
        "Sun, 99 Nov 2026 12:00:00 GMT",
        "Sun, 22 Foo 2026 12:00:00 GMT",
        "Sun, 22 Nov 99999 12:00:00 GMT",
        "Sun, 22 Nov 2026 12:00:00 +9999",
    ],
)
def test_retry_after_garbage(text: str | None) -> None:
    """What is neither seconds nor a date is as if nothing had been said."""
    assert parse_retry_after(text, NOW) is None


@given(st.text(max_size=60) | st.text("0123456789 ,:+-GMTNovSun.", max_size=40))
def test_retry_after_takes_any_text(text: str) -> None:
    """A header never breaks anything: it gives a wait of 0 or more, or none."""
    found = parse_retry_after(text, NOW)
    assert found is None or found >= 0


@given(st.timedeltas(timedelta(0), timedelta(days=3650)))
def test_retry_after_dates_round_trip(wait: timedelta) -> None:
    """A date in the form of HTTP is read to the second."""
    wait -= timedelta(microseconds=wait.microseconds)
    assert parse_retry_after(format_datetime(NOW + wait, usegmt=True), NOW) == wait.total_seconds()


# ---- what callers say -------------------------------------------------------------------------


def test_what_retries_takes() -> None:
    """A number is that of retries, a policy is taken as it is, nothing means the default."""
    own = RetryPolicy(attempts=7, base=1)
    assert read_retries(None) is DEFAULT_RETRIES
    assert read_retries(None, own) is own
    assert read_retries(own) is own
    assert read_retries(0).attempts == 1
    assert read_retries(5) == RetryPolicy(attempts=6)
    assert read_retries(2, own) == RetryPolicy(attempts=3, base=1)


@pytest.mark.parametrize("value", [-1, 1.0, True, "3", object()])
def test_what_retries_refuses(value: object) -> None:
    """The error names the argument, the rule and the value."""
    with pytest.raises(InvalidArgumentError, match=r"^retries: must be .*, got "):
        read_retries(value)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["base", "throttled_base", "cap", "retry_after_cap"])
@pytest.mark.parametrize("value", [-0.1, math.nan, math.inf, True, "1", None])
def test_policies_refuse_wrong_times(name: str, value: object) -> None:
    """Each time is checked, and named."""
    with pytest.raises(InvalidArgumentError, match=rf"^retries\.{name}: must be finite seconds"):
        RetryPolicy(**{name: value})  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [0, -3, 2.0, True, "3", None])
def test_policies_refuse_wrong_attempts(value: object) -> None:
    """There is always a first attempt."""
    with pytest.raises(InvalidArgumentError, match=r"^retries\.attempts: must be a whole number"):
        RetryPolicy(attempts=value)  # type: ignore[arg-type]
