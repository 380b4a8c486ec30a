"""Many operations in few requests: in batches, and alone what does not fit into one."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable, Mapping
from contextlib import aclosing
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from objectstore_client._async.batch import AsyncBatches, Lot
from objectstore_client._httpx import own_error
from objectstore_client._lanes import AsyncLanes
from objectstore_client._runtime import each_async, pull_async
from objectstore_client.batch.encode import Entry, Preparer, check_operation
from objectstore_client.batch.operations import Operation, OperationResult, Put
from objectstore_client.batch.plan import Planner, Tempo
from objectstore_client.errors import InvalidArgumentError, ObjectstoreError, shorten

if TYPE_CHECKING:
    from objectstore_client._async.client import AsyncClient, AsyncGetResult
    from objectstore_client._async.payload import AsyncPayload
    from objectstore_client.metadata import Metadata

__all__ = ["AsyncMany"]

_LOTS_PER_REQUEST = 4
"""How many lots of results may wait for their reader: each came in one piece of an answer."""

_Ended = bool
"""Handed over when a request has ended: whether the server had too much to do."""


class AsyncMany:
    """One call of `many`.

    Args:
        client: Whose objects it is about.
        get_result: Makes the result of a get.
        options: Time-outs, deadline and retries, as all methods of the client take them.
        concurrency: How many requests are in flight at most.

    Raises:
        InvalidArgumentError: If *concurrency* is not a whole number from 1.
    """

    def __init__(
        self,
        client: AsyncClient,
        get_result: Callable[[Metadata, AsyncPayload], AsyncGetResult],
        options: Mapping[str, Any],
        concurrency: int,
    ) -> None:
        if type(concurrency) is not int or concurrency < 1:
            raise InvalidArgumentError(
                f"concurrency: must be a whole number from 1, got {shorten(concurrency)}"
            )
        self._client = client
        self._options = options
        self._lanes: AsyncLanes[Lot | _Ended] = AsyncLanes(
            most=concurrency, room=_LOTS_PER_REQUEST * concurrency
        )
        self._batches = AsyncBatches(client, get_result, options, self._lanes)
        self._preparer = Preparer(client.usecase)
        self._planner = Planner()
        self._tempo = Tempo(concurrency)

    async def results(
        self, operations: Iterable[Operation] | AsyncIterable[Operation]
    ) -> AsyncGenerator[OperationResult[Any]]:
        """Run *operations*, and yield the result of each when it is there."""
        async with aclosing(self._run(operations, check_operation)) as results:
            async for _, result in results:
                yield result

    async def all(
        self,
        items: Iterable[Any] | AsyncIterable[Any],
        operation: Callable[[Any], Operation] = check_operation,
    ) -> list[OperationResult[Any]]:
        """Run the *operation* of each item, and return all results in their order."""
        if isinstance(items, str):
            raise InvalidArgumentError(f"ids: must be many keys, got one: {shorten(items)}")
        async with aclosing(self._run(items, operation)) as results:
            found = {number: result async for number, result in results}
        return [found[number] for number in range(len(found))]

    async def _run(
        self,
        items: Iterable[Any] | AsyncIterable[Any],
        make: Callable[[Any], Operation],
    ) -> AsyncGenerator[tuple[int, OperationResult[Any]]]:
        source = each_async(items)
        running, number, exhausted = 0, 0, False
        async with self._lanes:
            while True:
                while running < self._tempo.allowed:
                    starved = exhausted or not self._planner.has_room
                    if entries := self._planner.next(flush=starved):
                        self._lanes.start(partial(self._job, entries))
                        running += 1
                    elif starved:
                        break
                    elif (item := await pull_async(source)) is None:
                        exhausted = True
                    else:
                        entry = Entry(number, make(item))
                        number += 1
                        try:
                            self._preparer.prepare(entry)
                        except (ValueError, OSError) as error:
                            yield entry.number, self._batches.failed(entry, error)
                        else:
                            self._planner.add(entry)
                if not running:
                    return
                came = await self._lanes.take()
                if isinstance(came, _Ended):
                    running -= 1
                    self._tempo.note(throttled=came)
                    continue
                for entry, _ in came:
                    self._planner.done(entry)
                for entry, result in came:
                    yield entry.number, result

    async def _job(self, entries: list[Entry]) -> None:
        throttled = False
        try:
            if entries[0].alone:
                await self._put_alone(entries[0])
            else:
                throttled = await self._batches.run(entries)
        except Exception as error:
            if (own := own_error(error)) is error:
                raise
            raise own from error
        await self._lanes.hand_over(throttled)

    async def _put_alone(self, entry: Entry) -> None:
        put = entry.operation
        assert isinstance(put, Put)
        try:
            entry.attempts = 1
            contents = cast(Any, put.contents)  # async ones are refused by the sync client
            key = await self._client.put(contents, id=put.id, **put.options(), **self._options)
        except Exception as error:
            if isinstance(error, ObjectstoreError):
                entry.attempts = error.attempts
            result = self._batches.failed(entry, error)
        else:
            result = OperationResult(put, key, entry.attempts, key)
        await self._lanes.hand_over([(entry, result)])
