"""`docs/reliability.md` and the code say the same."""

from __future__ import annotations

import dataclasses
import inspect
import re
from pathlib import Path
from typing import get_args

import pytest

from objectstore_client import AsyncClient, AsyncObjectstore, Client, Objectstore
from objectstore_client.engine.aio import AsyncSocketTransport
from objectstore_client.engine.blocking import SocketTransport
from objectstore_client.engine.facts import Progress
from objectstore_client.errors import ObjectstoreError
from objectstore_client.retries import (
    DEFAULT_RETRIES,
    Decision,
    Failure,
    Operation,
    RetryBudget,
    decide,
    read_retries,
)
from objectstore_client.timeouts import DEFAULT_TIMEOUT

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "reliability.md").read_text()


def table(heading: str) -> list[list[str]]:
    """Return the rows of the table whose first column has *heading*, markup taken off."""
    start = PAGE.index(f"\n| {heading} |") + 1
    lines = PAGE[start : PAGE.index("\n\n", start)].splitlines()
    rows = [re.sub(r"[`*]", "", line).strip("|").split("|") for line in lines]
    return [[cell.strip() for cell in row] for row in rows[2:]]


def default(function: object, name: str) -> object:
    """Return the default of a parameter."""
    return inspect.signature(function).parameters[name].default  # type: ignore[arg-type]


# ---- defaults ---------------------------------------------------------------------------------


def test_times() -> None:
    """Each time-out of the code, and each bound of the connections, has its value on the page."""
    page = {row[0]: row[1] for row in table("what")}
    code = {
        f"timeout.{field.name}": f"{getattr(DEFAULT_TIMEOUT, field.name):g} s"
        for field in dataclasses.fields(DEFAULT_TIMEOUT)
        if field.init
    }
    for objectstore, transport in (
        (Objectstore, SocketTransport),
        (AsyncObjectstore, AsyncSocketTransport),
    ):
        assert default(objectstore, "deadline") is default(objectstore, "timeout") is None
        connections = default(objectstore, "max_connections")
        assert connections == default(transport, "max_connections")
        code |= {
            "deadline": "none",
            "max_connections": str(connections),
            "idle connections": f"{default(transport, 'idle_expiry'):g} s",
        }
        assert page == code


@pytest.mark.parametrize("client", [Client, AsyncClient])
def test_every_operation_takes_them(client: type) -> None:
    """Time-outs, deadline and retries can be given to each call; by default the client's hold."""
    for name in ("put", "get", "head", "exists", "delete", "extend_expiry"):
        for argument in ("timeout", "deadline", "retries"):
            assert default(getattr(client, name), argument) is None


def test_policy() -> None:
    """Each field of the policy has its default on the page, times in seconds."""
    assert {row[0]: row[1] for row in table("`RetryPolicy`")} == {
        name: f"{value:g}" + " s" * (name != "attempts")
        for name, value in dataclasses.asdict(DEFAULT_RETRIES).items()
    }


def test_budget() -> None:
    """The budget has the size and the costs that the page gives."""
    tokens = {row[0]: row[1] for row in table("budget")}
    assert int(tokens["full"]) == RetryBudget().tokens
    assert int(tokens["a retry takes"]) == RetryBudget.COST
    assert int(tokens["a retry after 429 takes"]) == RetryBudget.THROTTLED_COST
    budget = RetryBudget()
    assert budget.take(100)
    budget.succeed()
    assert budget.tokens - 400 == int(tokens["success without a retry gives"])
    assert f"asked again {RetryBudget.TOKENS // RetryBudget.COST} times" in PAGE


# ---- decisions --------------------------------------------------------------------------------

COLUMNS: tuple[tuple[Operation, ...], ...] = (
    ("get", "head"),
    ("put", "delete", "extend_expiry"),
    ("post", "extend_expiry_after_now"),
)
SENT = {"nothing": [Progress.NOT_SENT], "something": [Progress.MAYBE_SENT, Progress.ANSWERED]}


def decide_for(
    operation: Operation, failure: Failure, progress: Progress, *, attempt: int = 1
) -> Decision:
    """Decide as for a caller who set nothing, and contents that can be sent again."""
    return decide(
        operation=operation,
        failure=failure,
        progress=progress,
        replayable=True,
        attempt=attempt,
        policy=DEFAULT_RETRIES,
        random=lambda: 0.5,
    )


def word_for(decision: Decision) -> str:
    """Say in the words of the page what was decided."""
    if decision.delay is None:
        return "unknown" if decision.outcome_unknown else "no"
    return "again" if decision.cost else "at once"


def test_decisions() -> None:
    """Each cell is what is decided, for each operation of its column, however much was sent."""
    for went_wrong, sent, *words, _why in table("what went wrong"):
        for operations, word in zip(COLUMNS, words, strict=True):
            found = {
                (operation, progress): word_for(
                    decide_for(operation, Failure(went_wrong), progress)
                )
                for operation in operations
                for progress in SENT[sent]
            }
            assert found == dict.fromkeys(found, word), went_wrong


def test_decisions_are_complete() -> None:
    """No operation and no failure is missing; what can happen before and after sending has both."""
    assert sorted(sum(COLUMNS, ())) == sorted(get_args(Operation))
    rows = [(Failure(went_wrong), sent) for went_wrong, sent, *_ in table("what went wrong")]
    either = [Failure.STALE, Failure.BROKEN, Failure.TIMEOUT]
    before = [Failure.CONNECT, Failure.POOL, *either]
    after = [failure for failure in Failure if failure not in before]
    assert sorted(rows, key=str) == sorted(
        [
            *((failure, "nothing") for failure in before),
            *((failure, "something") for failure in (*either, *after)),
        ],
        key=str,
    )


def test_no_retries() -> None:
    """`retries=0` means what the page says: none, not even at once."""
    assert "`retries=0` means none" in PAGE
    assert read_retries(0).attempts == 1


def test_facts_of_errors() -> None:
    """The attributes that the page promises are there on every error."""
    for name in ("attempts", "elapsed", "retryable", "outcome_unknown"):
        assert f"`{name}`" in PAGE
        assert hasattr(ObjectstoreError, name)


def test_the_outcome_stays_unknown_when_attempts_run_out() -> None:
    """Idempotent changes whose last attempt failed may have taken effect as well."""
    for operation in COLUMNS[1]:
        last = decide_for(operation, Failure.BROKEN, Progress.MAYBE_SENT, attempt=3)
        assert last.delay is None
        assert last.outcome_unknown
        assert last.retryable


def test_the_page_is_short() -> None:
    """Tables rather than prose: whoever looks something up finds it."""
    assert len(PAGE.splitlines()) <= 150
