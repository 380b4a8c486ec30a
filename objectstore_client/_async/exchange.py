"""Attempts: an operation is tried until it succeeds or must not be tried again."""

from __future__ import annotations

import random
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from objectstore_client._async.tokens import AsyncAttemptHeaders
from objectstore_client._httpx import FAILURES, failure_of, translate
from objectstore_client._runtime import sleep_async
from objectstore_client.retries import Failure, Operation, decide
from objectstore_client.settings import Call, Settings

if TYPE_CHECKING:
    import objectstore_api as api

__all__ = ["run_attempts_async", "send_async"]

_R = TypeVar("_R")
_Body = TypeVar("_Body")
_Headers = TypeVar("_Headers")

_DEFINITE = (Failure.PERMANENT, Failure.DATA)  # nobody would expect another attempt


async def run_attempts_async(
    settings: Settings,
    call: Call,
    operation: Operation,
    attempt: Callable[[], Awaitable[_R]],
    headers: AsyncAttemptHeaders,
    replayable: Callable[[], bool] = lambda: True,
) -> _R:
    """Run *attempt*, again and again where `retries.decide` allows it, within the deadline.

    Args:
        settings: Whose retry budget is used.
        call: How often, and until when.
        operation: What is attempted, as `decide` knows it.
        attempt: Sends one request and reads its answer.
        headers: What *attempt* sends. If the server refuses its token and there is another one, the
            attempt is made again, and not counted.
        replayable: Whether the body of the request can be sent once more.

    Raises:
        ObjectstoreError: The last failure, with the facts of all attempts on it.
    """
    counted, free_used, replaced = 1, False, False
    cost, outcome_unknown = 0, False
    while True:
        try:
            result = await attempt()
        except FAILURES as cause:
            failed = failure_of(cause)
            if replayable() and await headers.replace(failed.status):
                replaced = True
                continue
            now = time.monotonic()
            decision = decide(
                operation=operation,
                failure=failed.failure,
                progress=failed.progress,
                replayable=replayable(),
                attempt=counted,
                policy=call.retries,
                random=random.random,
                free_used=free_used,
                remaining=None if call.deadline is None else call.deadline - now,
                retry_after=failed.retry_after,
            ).within(settings.budget)
            outcome_unknown |= decision.outcome_unknown
            if decision.delay is None:
                headers.conceal(cause)
                error = translate(cause, past_deadline=call.past_deadline)
                error.attempts = counted + free_used + replaced
                error.elapsed = now - call.started
                error.retryable, error.outcome_unknown = decision.retryable, outcome_unknown
                if failed.failure not in _DEFINITE:
                    error.add_note(f"attempts: {error.attempts}, given up: {decision.reason}")
                headers.explain(error)
                raise error from (error.__cause__ if error is cause else cause)
            await sleep_async(decision.delay)
            cost = decision.cost
            counted, free_used = counted + (cost > 0), free_used or cost == 0
        else:
            settings.budget.succeed(cost)
            return result


async def send_async(
    raw: api.AsyncClient,
    settings: Settings,
    call: Call,
    operation: Operation,
    headers: AsyncAttemptHeaders,
    request: Callable[..., api.RequestParts[_Body, _Headers]],
) -> api.Response[_Body, _Headers]:
    """Send what *request* makes, with the headers of each attempt, and read the answer."""

    async def attempt() -> api.Response[_Body, _Headers]:
        parts = request(extra_headers=await headers.next())
        return await raw.call(parts, extensions=call.extensions())

    return await run_attempts_async(settings, call, operation, attempt, headers)
