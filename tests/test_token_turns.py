"""Tokens under concurrency: threads, tasks, loops and forks share what one of them obtained."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from objectstore_client import AsyncObjectstore, Objectstore, Scope, TokenProviderError, Usecase
from objectstore_client.tokens import make_token

USECASE, SCOPE = Usecase("testing"), Scope(org=17)
CROWD = 16


def fresh(number: int, seconds: float) -> str:
    """A token that is valid for so long, unlike those of other numbers."""
    return make_token("kid", lambda _: b"%d" % number, {}, [], int(time.time() + seconds))


class Held:
    """A provider that waits inside until it is let go."""

    def __init__(self) -> None:
        self.calls = 0
        self.inside = threading.Event()
        self.go = threading.Event()

    def __call__(self) -> str:
        """Returns a token of an hour."""
        self.calls += 1
        self.inside.set()
        assert self.go.wait(30)
        return fresh(self.calls, 3600)


def test_threads_do_not_stampede() -> None:
    """While one obtains the first token, the others wait for it."""
    provider = Held()
    with (
        Objectstore("http://localhost", token=provider) as store,
        ThreadPoolExecutor(CROWD) as pool,
    ):
        asked = [pool.submit(store._tokens.get, USECASE, SCOPE) for _ in range(CROWD)]
        assert provider.inside.wait(30)
        provider.go.set()
        assert len({id(each.result(30)) for each in asked}) == 1
    assert provider.calls == 1


def test_threads_go_on_with_a_valid_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """While one renews it."""
    provider = Held()
    provider.go.set()
    with Objectstore("http://localhost", token=provider) as store, ThreadPoolExecutor(1) as pool:
        first = store._tokens.get(USECASE, SCOPE)
        provider.go.clear()
        provider.inside.clear()
        later = time.time() + 3000
        monkeypatch.setattr("time.time", lambda: later)
        renewing = pool.submit(store._tokens.get, USECASE, SCOPE)
        assert provider.inside.wait(30)
        assert store._tokens.get(USECASE, SCOPE) is first
        provider.go.set()
        assert renewing.result(30) != first
    assert provider.calls == 2


def test_a_refusal_of_all_threads_is_one_renewal() -> None:
    """Whose token was refused takes the one that somebody else got meanwhile."""
    provider = Held()
    provider.go.set()
    with (
        Objectstore("http://localhost", token=provider) as store,
        ThreadPoolExecutor(CROWD) as pool,
    ):
        first = store._tokens.get(USECASE, SCOPE)
        replaced = pool.map(
            lambda _: store._tokens.replaced(first, USECASE, SCOPE), range(CROWD), timeout=30
        )
        assert all(replaced)
    assert provider.calls == 2


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_fork_does_not_inherit_a_turn() -> None:
    """A child that is made while a thread renews the token can get one of its own."""
    provider = Held()
    with Objectstore("http://localhost", token=provider) as store, ThreadPoolExecutor(1) as pool:
        renewing = pool.submit(store._tokens.get, USECASE, SCOPE)
        assert provider.inside.wait(30)
        child = os.fork()
        if not child:
            code = 1
            try:
                provider.go = threading.Event()  # that of the parent may be locked
                provider.go.set()
                store._tokens.get(USECASE, SCOPE)
                code = 0
            finally:
                os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        provider.go.set()
        renewing.result(30)


async def test_tasks_do_not_stampede() -> None:
    """While one obtains a token, the others wait for it; who is cancelled leaves it to the next."""
    calls, inside, go = 0, asyncio.Event(), asyncio.Event()

    async def provider() -> str:
        nonlocal calls
        calls += 1
        inside.set()
        await go.wait()
        return fresh(calls, 3600)

    async with AsyncObjectstore("http://localhost", token=provider) as store:
        asked = [asyncio.create_task(store._tokens.get(USECASE, SCOPE)) for _ in range(CROWD)]
        await inside.wait()
        asked[0].cancel()
        go.set()
        results = await asyncio.gather(*asked, return_exceptions=True)
    assert isinstance(results[0], asyncio.CancelledError)
    assert len({id(each) for each in results[1:]}) == 1
    assert calls == 2


def test_one_loop_after_the_other() -> None:
    """A store that lives longer than a loop renews its tokens in the next one."""
    calls = 0

    async def provider() -> str:
        nonlocal calls
        calls += 1
        await asyncio.sleep(0)
        return fresh(calls, -1)

    store = AsyncObjectstore("http://localhost", token=provider)

    async def crowd() -> None:
        first = await store._tokens.get(USECASE, SCOPE)
        assert all(
            await asyncio.gather(
                *(store._tokens.replaced(first, USECASE, SCOPE) for _ in range(CROWD))
            )
        )
        await store.aclose()

    asyncio.run(crowd())
    asyncio.run(crowd())


def test_the_sync_client_does_not_await() -> None:
    """An async provider is an error there, which leaves no coroutine behind."""

    async def provider() -> str:
        return "token"

    with (
        Objectstore("http://localhost", token=provider) as store,  # type: ignore[arg-type]
        pytest.raises(TokenProviderError, match="must be a string, got coroutine"),
    ):
        store.get_client(USECASE, SCOPE).head("key")
