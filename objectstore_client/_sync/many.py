# Generated from objectstore_client/_async/many.py; do not edit. To regenerate: python -m generator
"""Many operations in few requests: in batches, and alone what does not fit into one."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from objectstore_client._httpx import own_error
from objectstore_client._lanes import Lanes
from objectstore_client._runtime import each, pull
from objectstore_client._sync.batch import Batches, Lot
from objectstore_client.batch.encode import Entry, Preparer, check_operation
from objectstore_client.batch.operations import Operation, OperationResult, Put
from objectstore_client.batch.plan import Planner, Tempo
from objectstore_client.errors import InvalidArgumentError, ObjectstoreError, shorten

if TYPE_CHECKING:
    from objectstore_client._sync.client import Client, GetResult
    from objectstore_client._sync.payload import Payload
    from objectstore_client.metadata import Metadata

__all__ = ["Many"]

_LOTS_PER_REQUEST = 4
"""How many lots of results may wait for their reader: each came in one piece of an answer."""

_Ended = bool
"""Handed over when a request has ended: whether the server had too much to do."""


class Many:
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
        client: Client,
        get_result: Callable[[Metadata, Payload], GetResult],
        options: Mapping[str, Any],
        concurrency: int,
    ) -> None:
        if type(concurrency) is not int or concurrency < 1:
            raise InvalidArgumentError(
                f"concurrency: must be a whole number from 1, got {shorten(concurrency)}"
            )
        self._client = client
        self._options = options
        self._lanes: Lanes[Lot | _Ended] = Lanes(
            most=concurrency, room=_LOTS_PER_REQUEST * concurrency
        )
        self._batches = Batches(client, get_result, options, self._lanes)
        self._preparer = Preparer(client.usecase)
        self._planner = Planner()
        self._tempo = Tempo(concurrency)

    def results(self, operations: Iterable[Operation]) -> Generator[OperationResult[Any]]:
        """Run *operations*, and yield the result of each when it is there."""
        with closing(self._run(operations, check_operation)) as results:
            for _, result in results:
                yield result

    def all(
        self,
        items: Iterable[Any],
        operation: Callable[[Any], Operation] = check_operation,
    ) -> list[OperationResult[Any]]:
        """Run the *operation* of each item, and return all results in their order."""
        if isinstance(items, str):
            raise InvalidArgumentError(f"ids: must be many keys, got one: {shorten(items)}")
        with closing(self._run(items, operation)) as results:
            found = {number: result for number, result in results}
        return [found[number] for number in range(len(found))]

    def _run(
        self,
        items: Iterable[Any],
        make: Callable[[Any], Operation],
    ) -> Generator[tuple[int, OperationResult[Any]]]:
        source = each(items)
        running, number, exhausted = 0, 0, False
        with self._lanes:
            while True:
                while running < self._tempo.allowed:
                    starved = exhausted or not self._planner.has_room
                    if entries := self._planner.next(flush=starved):
                        self._lanes.start(partial(self._job, entries))
                        running += 1
                    elif starved:
                        break
                    elif (item := pull(source)) is None:
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
                came = self._lanes.take()
                if isinstance(came, _Ended):
                    running -= 1
                    self._tempo.note(throttled=came)
                    continue
                for entry, _ in came:
                    self._planner.done(entry)
                for entry, result in came:
                    yield entry.number, result

    def _job(self, entries: list[Entry]) -> None:
        throttled = False
        try:
            if entries[0].alone:
                self._put_alone(entries[0])
            else:
                throttled = self._batches.run(entries)
        except Exception as error:
            if (own := own_error(error)) is error:
                raise
            raise own from error
        self._lanes.hand_over(throttled)

    def _put_alone(self, entry: Entry) -> None:
        put = entry.operation
        assert isinstance(put, Put)
        try:
            entry.attempts = 1
            contents = cast(Any, put.contents)  # async ones are refused by the sync client
            key = self._client.put(contents, id=put.id, **put.options(), **self._options)
        except Exception as error:
            if isinstance(error, ObjectstoreError):
                entry.attempts = error.attempts
            result = self._batches.failed(entry, error)
        else:
            result = OperationResult(put, key, entry.attempts, key)
        self._lanes.hand_over([(entry, result)])
