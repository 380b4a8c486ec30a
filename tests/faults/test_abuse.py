"""What applications do to a client: fork, interrupt, cancel, forget. It must take all of it.

Much of it happens in processes of its own (`abuse`).
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import random
import re
import signal
import subprocess
import sys
from collections.abc import Coroutine, Generator
from pathlib import Path
from typing import Any

import pytest

from objectstore_client import (
    AsyncClient,
    AsyncObjectstore,
    Objectstore,
    Scope,
    Timeout,
    TransportTimeoutError,
    Usecase,
)
from tests.faults.abuse import LARGE, PATIENCE_SECONDS
from tests.faults.leaks import leaked_tasks, no_leaks, settle
from tests.faults.operations import OPERATIONS, SMALL, Case, Operation
from tests.faults.proxy import Plan, Proxy, Stall
from tests.faults.worlds import ASYNC, WORLDS, World, entered, get, value

ROOT = Path(__file__).parents[2]
USECASE = Usecase("abuse", compression="none")


def start(*arguments: str) -> subprocess.Popen[str]:
    """Start one of the programs in `abuse`."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.faults.abuse", *arguments],
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def finish(process: subprocess.Popen[str]) -> str:
    """Wait for a program to end well; what it printed."""
    with process:
        output, errors = process.communicate(timeout=PATIENCE_SECONDS + 20)
        assert process.returncode == 0, errors
    return output


# ---- processes ------------------------------------------------------------------------------


@pytest.mark.parametrize("program", ["fork", "fork_async"])
def test_a_used_client_survives_fork(server_url: str, program: str) -> None:
    """Parent and children go on with it at once, and nobody gets the answer of somebody else."""
    finish(start(program, server_url))


@pytest.mark.parametrize("program", ["inherit", "inherit_async"])
def test_a_payload_stays_with_its_process(server_url: str, program: str) -> None:
    """Who reads it in a child learns so at once, and does the parent no harm."""
    finish(start(program, server_url))


def test_a_client_serves_one_loop_after_the_other(server_url: str) -> None:
    """As a module global does in a program that calls `asyncio.run` again and again."""
    with no_leaks():
        store = AsyncObjectstore(server_url)
        client = store.get_client(USECASE, Scope(loops=1))

        async def use(who: str) -> None:
            await client.put(LARGE, id=who)
            async with await client.get(who) as result:
                assert await result.payload.read() == LARGE

        async def crowd(run: int) -> None:
            await asyncio.gather(*(use(f"{run}-{n}") for n in range(8)))

        async def last() -> None:
            await crowd(3)
            await store.aclose()

        asyncio.run(crowd(1))
        asyncio.run(crowd(2))
        asyncio.run(last())
        gc.collect()  # what was left to the garbage collector would complain


# ---- payloads that nobody reads -------------------------------------------------------------


@pytest.mark.parametrize("program", ["abandon", "abandon_async"])
@pytest.mark.parametrize("count", ["500", pytest.param("10000", marks=pytest.mark.long)])
def test_abandoned_payloads_hold_nothing(server_url: str, program: str, count: str) -> None:
    """Thousands of them, large and unread: the connections of the pool are all there is."""
    growth = int(finish(start(program, server_url, count)))
    assert growth <= 33


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.name)
def test_more_unread_payloads_than_connections(server_url: str, world: World) -> None:
    """Who waits for a connection in vain learns what holds them."""

    async def scenario() -> None:
        options = {"timeout": Timeout(pool=0.2), "retries": 0}
        async with entered(world.objectstore(server_url, **options)) as store:
            client = store.get_client(USECASE, Scope(unread=1))
            await value(client.put(LARGE, id="large"))
            opened = [await get(client, "large") for _ in range(32)]
            for _ in range(8):
                with pytest.raises(TransportTimeoutError) as caught:
                    await get(client, "large")
                assert caught.value.phase == "pool"
                assert not caught.value.outcome_unknown
                text = " ".join([str(caught.value), *caught.value.__notes__])
                assert re.search(r"\b32\b.*payload", text), text
            for result in opened:
                async with entered(result):
                    assert await value(result.payload.read()) == LARGE

    with no_leaks():
        world.run(scenario())


# ---- Ctrl-C ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "plan"),
    [
        ("put", Plan(up=Stall(heads=1, offset=100_000))),
        ("put of pieces", Plan(up=Stall(heads=1, offset=100_000))),
        ("get", Plan(down=Stall())),
        ("read", Plan(down=Stall(heads=1, offset=100_000))),
    ],
)
def test_an_interrupted_client_works(server_url: str, operation: str, plan: Plan) -> None:
    """Ctrl-C ends a wait at once, and costs the connection it was for, but nothing else."""
    with Objectstore(server_url) as store:
        store.get_client(USECASE, Scope()).put(LARGE, id="large")
    with Proxy(server_url, plan) as proxy:
        process = start("interrupt", proxy.url, operation)
        settle(lambda: [] if proxy.fired or process.poll() is not None else ["it does not wait"])
        process.send_signal(signal.SIGINT)
        finish(process)


# ---- cancellation ---------------------------------------------------------------------------


class CancelledAt:
    """Awaits *coroutine*, and cancels the task the *step*-th time that it has to wait."""

    def __init__(self, coroutine: Coroutine[Any, Any, None], step: int) -> None:
        self.reached = False
        self._coroutine = coroutine
        self._step = step

    def __await__(self) -> Generator[Any, Any, None]:
        iterator = self._coroutine.__await__()
        try:
            waiting = next(iterator)
            for step in itertools.count():
                if step == self._step:
                    self.reached = True
                    task = asyncio.current_task()
                    assert task
                    task.cancel()
                try:
                    sent = yield waiting
                except BaseException as error:
                    waiting = iterator.throw(error)
                else:
                    waiting = iterator.send(sent)
        except StopIteration:
            return


async def crowd(store: AsyncObjectstore) -> None:
    """As many at once as there may be connections, several times: a lost one would be missed."""
    client = store.get_client(USECASE, Scope(cancelled="crowd"))

    async def use(who: str) -> None:
        await client.put(SMALL, id=who)
        result = await client.get(who)
        assert await result.payload.read() == SMALL

    await asyncio.gather(*(use(str(n)) for n in range(8)))


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_an_operation_can_be_cancelled_wherever_it_waits(
    server_url: str, tmp_path: Path, operation: Operation
) -> None:
    """It ends with that, the object is whole, and the pool has all its connections."""
    scope = Scope(cancelled=operation.name.replace(" ", "-"))

    async def cancel_at(step: int) -> bool:
        async with AsyncObjectstore(server_url, max_connections=2, timeout=5) as store:
            case = Case(ASYNC, store.get_client(USECASE, scope), tmp_path, [])
            awaiting = CancelledAt(operation.run(case), step)
            task = asyncio.ensure_future(awaiting)
            await asyncio.wait([task])
            if awaiting.reached:
                # Where it waits for what has happened already, it may end as if nothing was.
                assert task.cancelled() or task.exception() is None
            else:
                task.result()
            await crowd(store)
        assert not await leaked_tasks()
        return awaiting.reached

    with Objectstore(server_url) as store:
        direct = store.get_client(USECASE, scope)
        for step in itertools.count():
            operation.prepare(direct)
            with no_leaks():
                reached = asyncio.run(cancel_at(step))
            assert operation.stored(direct) in (("old", "new") if operation.changes else ("old",))
            if not reached:
                break
        assert step > 0


def test_operations_can_be_cancelled_at_any_time(server_url: str) -> None:
    """Many at once, also while they do not wait for the network."""
    chosen = random.Random(1)

    async def use(client: AsyncClient, who: str) -> None:
        await client.put(LARGE, id=who)
        async with await client.get(who) as result:
            assert await result.payload.read() == LARGE

    async def run() -> None:
        async with AsyncObjectstore(server_url, max_connections=4, timeout=5) as store:
            client = store.get_client(USECASE, Scope(cancelled="at-random"))
            loop = asyncio.get_running_loop()
            for _ in range(30):
                tasks = [asyncio.create_task(use(client, str(n))) for n in range(12)]
                for task in tasks:
                    loop.call_later(chosen.uniform(0, 0.1), task.cancel)
                await asyncio.wait(tasks)
                assert not [task for task in tasks if not task.cancelled() and task.exception()]
            await crowd(store)
        assert not await leaked_tasks()

    with no_leaks():
        asyncio.run(run())
