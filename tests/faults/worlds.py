"""Both clients behind one interface, so that a scenario is written once.

    async def scenario(world: World) -> None:
        async with entered(world.objectstore(url)) as objectstore:
            client = objectstore.get_client(usecase, scope)
            await value(client.put(b"x", id="key"))

    for world in WORLDS:
        world.run(scenario(world))

In the sync world no `await` ever waits: the coroutine runs through in one go.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import AsyncIterator, Awaitable, Coroutine, Iterable
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar, cast

from objectstore_client import (
    AsyncClient,
    AsyncGetResult,
    AsyncObjectstore,
    Client,
    GetResult,
    Objectstore,
)

AnyClient: TypeAlias = Client | AsyncClient
AnyObjectstore: TypeAlias = Objectstore | AsyncObjectstore
T = TypeVar("T")


async def value(result: T | Awaitable[T]) -> T:
    """What a method of either client comes to."""
    if inspect.isawaitable(result):
        return cast("T", await result)
    return result


async def get(
    client: AnyClient, key: str, *, timeout: float | None = None, retries: int | None = None
) -> GetResult | AsyncGetResult:
    """What `get` of either client comes to; its two results are of unlike types."""
    if isinstance(client, AsyncClient):
        return await client.get(key, timeout=timeout, retries=retries)
    return client.get(key, timeout=timeout, retries=retries)


@asynccontextmanager
async def entered(thing: T) -> AsyncIterator[T]:
    """Use a store or result of either client, and close it."""
    if isinstance(thing, AbstractAsyncContextManager):
        async with thing:
            yield thing
    else:
        assert isinstance(thing, AbstractContextManager)
        with thing:
            yield thing


async def pause(world: World) -> None:
    """Wait a little."""
    if world is SYNC:
        time.sleep(0.005)  # noqa: ASYNC251 - in this world nothing else waits
    else:
        await asyncio.sleep(0.005)


@dataclass(frozen=True)
class World:
    """One of the two clients.

    Attributes:
        name: `sync` or `async`.
    """

    name: str

    def objectstore(self, url: str, **options: object) -> AnyObjectstore:
        """A store of this world."""
        kind: type[AnyObjectstore] = Objectstore if self.name == "sync" else AsyncObjectstore
        return kind(url, **options)  # type: ignore[arg-type]

    def contents(self, pieces: Iterable[bytes]) -> Any:
        """The pieces as something that this world can put, and that can be read only once."""
        return iter(list(pieces)) if self.name == "sync" else _async_iterator(pieces)

    def run(self, scenario: Coroutine[Any, Any, T]) -> T:
        """Run a scenario to its end."""
        if self.name == "async":
            return asyncio.run(scenario)
        try:
            scenario.send(None)
        except StopIteration as end:
            return cast("T", end.value)
        finally:
            scenario.close()
        raise RuntimeError("the sync client made its caller wait in an await")


SYNC, ASYNC = World("sync"), World("async")
WORLDS = (SYNC, ASYNC)


async def _async_iterator(pieces: Iterable[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece
