"""Batches while everything goes wrong: each operation has one result, and that result is true."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count, islice
from typing import Any

import pytest

from objectstore_client import (
    Client,
    Delete,
    Get,
    Head,
    InvalidArgumentError,
    ObjectNotFound,
    Objectstore,
    ObjectstoreError,
    OperationResult,
    Put,
    RetryPolicy,
    Scope,
    Usecase,
)
from objectstore_client.batch.operations import Operation
from objectstore_client.devserver import DevServer, app
from objectstore_client.devserver.batch import Asked, Done
from objectstore_client.devserver.replies import Refusal, json_error, text
from tests.faults.operations import noise
from tests.faults.proxy import FINE, Action, Cut, Plan, Proxy, Reset, Stall
from tests.faults.worlds import WORLDS, World, entered, pause, value

USECASE = Usecase("batches")
SCOPE = Scope(test="batch")
QUICK = RetryPolicy(attempts=6, base=0.001, throttled_base=0.001)
COUNT = 60
PATIENCE_SECONDS = 40


@dataclass
class Trouble:
    """What goes wrong inside of the server, and how often."""

    random: random.Random
    share: float
    refused: int = 0

    def strikes(self) -> bool:
        """Whether it does now."""
        struck = self.random.random() < self.share
        self.refused += struck
        return struck


@contextmanager
def troubled(monkeypatch: pytest.MonkeyPatch, trouble: Trouble) -> Iterator[str]:
    """A server that refuses requests and operations: before it does something, or after."""
    perform, batch = app.App._perform, app.App._batch_objects

    async def bad_perform(self: app.App, request: Any, asked: Asked) -> Done:
        if trouble.strikes():
            raise Refusal(json_error(trouble.random.choice([429, 500, 503]), "before"))
        done = await perform(self, request, asked)
        if trouble.strikes():
            done.close()
            raise Refusal(json_error(trouble.random.choice([500, 503]), "after"))
        return done

    async def bad_batch(self: app.App, request: Any) -> None:
        if trouble.strikes():
            raise Refusal(text(trouble.random.choice([429, 503]), "the whole request"))
        await batch(self, request)

    with monkeypatch.context() as patch:
        patch.setattr(app.App, "_perform", bad_perform)
        patch.setattr(app.App, "_batch_objects", bad_batch)
        with DevServer() as server:
            yield server.url


def plans(seed: random.Random, share: float) -> Iterator[Plan]:
    """For each connection: cut or reset somewhere on the way up or down, or, later, fine."""
    for number in count():
        if number and seed.random() >= share:
            yield FINE
            continue
        kind: type[Action] = seed.choice([Cut, Reset])
        action = kind(heads=seed.choice([0, 1]), offset=seed.randrange(1, 10_000))
        yield Plan(up=action) if seed.random() < 0.5 else Plan(down=action)


def contents(name: str) -> bytes:
    """What is stored under a name."""
    return noise(name, 700)


def operations() -> list[Operation]:
    """All kinds, each on an object of its own."""
    return [
        operation
        for number in range(COUNT)
        for operation in (
            Put(contents(f"put {number}"), id=f"put {number}"),
            Put(contents(f"post {number}"), metadata={"number": f"{number}"}),
            Get(f"get {number}"),
            Head(f"get {number}"),
            Delete(f"delete {number}"),
        )
    ]


def prepare(direct: Client) -> None:
    """Store what is to be read and deleted."""
    for kind in ("get", "delete"):
        for number in range(COUNT):
            direct.put(contents(f"{kind} {number}"), id=f"{kind} {number}")


def stored(direct: Client, key: str) -> bytes | None:
    """What is stored under a key."""
    try:
        with direct.get(key) as result:
            return result.payload.read()
    except ObjectNotFound:
        return None


async def check(direct: Client, result: OperationResult[Any]) -> None:
    """Hold a result against what is there."""
    operation, error = result.operation, result.error
    if error is not None:
        assert isinstance(error, ObjectstoreError)
        assert error.attempts == result.attempts
        assert (error.key, error.scope) == (operation.id, SCOPE.path)
    untouched = error is not None and not error.outcome_unknown
    match operation:
        case Put(id=str(key)):
            if untouched:
                assert stored(direct, key) is None
            elif result.ok:
                assert result.value == key
                assert stored(direct, key) == operation.contents
        case Put():
            if result.ok:
                assert stored(direct, result.value) == operation.contents
        case Delete(key):
            if untouched:
                assert stored(direct, key) == contents(key)
            elif result.ok:
                assert stored(direct, key) is None
        case Get(key):
            assert result.ok or not error.outcome_unknown  # type: ignore[union-attr]
            if result.ok:
                assert await value(result.value.payload.read()) == contents(key)
        case Head():
            assert result.ok or not error.outcome_unknown  # type: ignore[union-attr]
            if result.ok:
                assert result.value.compression == "zstd"


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.name)
@pytest.mark.parametrize("seed", range(6))
def test_what_results_say_is_true(world: World, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under refusals of requests and operations, and cuts, at random: one result for each, ok means
    stored, and an error without `outcome_unknown` means that nothing happened.
    """
    trouble = Trouble(random.Random(seed), 0.0)
    draws = random.Random(seed)
    with troubled(monkeypatch, trouble) as url, Objectstore(url) as store:
        direct = store.get_client(USECASE, SCOPE)
        prepare(direct)
        trouble.share = (0.02, 0.1, 0.3)[seed % 3]
        asked = operations()

        async def scenario(url: str) -> list[OperationResult[Any]]:
            async with entered(world.objectstore(url, retries=QUICK, timeout=20)) as objectstore:
                client = objectstore.get_client(USECASE, SCOPE)
                # Shorter than a batch, so that there are many of them.
                found = []
                for start in range(0, len(asked), 50):
                    some = asked[start : start + 50]
                    found += await value(client.put_many(some))  # type: ignore[arg-type]
                return found

        with Proxy(url, *islice(plans(draws, 0.7), 40)) as proxy:
            results = world.run(scenario(proxy.url))
            assert proxy.fired
        assert trouble.refused
        trouble.share = 0.0

        assert [result.operation for result in results] == asked
        world.run(check_all(direct, results))
        keys = [result.key for result in results if result.ok and isinstance(result.operation, Put)]
        assert len(keys) == len(set(keys))
        assert sum(result.ok for result in results) > len(results) // 2


async def check_all(direct: Client, results: list[OperationResult[Any]]) -> None:
    """Check each."""
    for result in results:
        await check(direct, result)


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.name)
def test_leaving_early_does_not_wait_for_a_silent_server(world: World, server_url: str) -> None:
    """Whoever has enough of the results goes on; what is in flight is dropped."""
    asked: list[Operation] = [*[Get(f"{number}") for number in range(1000)], Get("")]

    async def scenario(proxy: Proxy) -> None:
        async with entered(world.objectstore(proxy.url, timeout=PATIENCE_SECONDS)) as objectstore:
            results = objectstore.get_client(USECASE, SCOPE).many(asked)
            if isinstance(results, AsyncGenerator):
                refused = await anext(results)
            else:
                refused = next(results)
            assert isinstance(refused.error, InvalidArgumentError)
            while not proxy.served:
                await pause(world)
            if isinstance(results, AsyncGenerator):
                await results.aclose()
            else:
                results.close()

    with Proxy(server_url, rest=Plan(down=Stall(eager=True))) as proxy:
        started = time.monotonic()
        world.run(scenario(proxy))
        assert time.monotonic() - started < PATIENCE_SECONDS / 2
    for thread in threading.enumerate():
        if thread.name == "objectstore-batch":
            thread.join(PATIENCE_SECONDS)
            assert not thread.is_alive()
