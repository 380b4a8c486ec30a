"""Jobs that run beside each other and hand over results: tasks in one world, threads in the other.

    async with AsyncLanes(most=3, room=8) as lanes:
        lanes.start(job)             # which calls lanes.hand_over(item) as often as it likes
        item = await lanes.take()    # in order of arrival; raises what a job raised

Leaving the context stops all jobs. Of threads, which can't be stopped from outside, each stops when
it next hands over or pauses; leaving waits for that, but not for long: a thread that waits for a
silent server ends by itself when its time-out passes.
"""

from __future__ import annotations

import contextvars
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import nullcontext, suppress
from types import TracebackType
from typing import TYPE_CHECKING, Generic, Self, TypeVar

if TYPE_CHECKING:
    import asyncio

# asyncio is imported where it is used: the sync client does without.

__all__ = ["AsyncLanes", "Lanes", "StoppedError"]

_T = TypeVar("_T")

_PATIENCE_SECONDS = 1.0


class StoppedError(BaseException):
    """Nobody wants the results of this thread any more; not for anyone to handle."""


class AsyncLanes(Generic[_T]):
    """Tasks of one event loop.

    Args:
        most: How many jobs run at once at most; the caller sees to that.
        room: How many items may wait to be taken; then `hand_over` waits.

    Attributes:
        turn: To be held for work on many small things; needs no waiting here.
    """

    def __init__(self, *, most: int, room: int) -> None:
        import asyncio

        self.turn = nullcontext()
        self._items: asyncio.Queue[_T | BaseException] = asyncio.Queue(room)
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, job: Callable[[], Awaitable[None]]) -> None:
        """Run *job* beside the others."""
        import asyncio

        task = asyncio.create_task(self._run(job))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def hand_over(self, item: _T) -> None:
        """From a job: let *item* be taken."""
        await self._items.put(item)

    async def pause(self, seconds: float) -> None:
        """From a job: wait."""
        import asyncio

        await asyncio.sleep(seconds)

    async def take(self) -> _T:
        """The next item; raises what a job raised."""
        item = await self._items.get()
        if isinstance(item, BaseException):
            raise item
        return item

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        import asyncio

        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, job: Callable[[], Awaitable[None]]) -> None:
        try:
            await job()
        except Exception as error:
            await self._items.put(error)


class Lanes(Generic[_T]):
    """Threads, which are kept for the next job.

    Args:
        most: How many jobs run at once at most; the caller sees to that.
        room: How many items may wait to be taken; then `hand_over` waits.

    Attributes:
        turn: To be held for work on many small things. The zstd library lets go of the interpreter
            for each; threads that contend for it then cost more than the work.
    """

    def __init__(self, *, most: int, room: int) -> None:
        self.turn = threading.Lock()
        self._most = most
        self._room = room
        self._changed = threading.Condition()
        self._items: deque[_T | BaseException] = deque()
        self._jobs: deque[Callable[[], None]] = deque()
        self._idle = 0
        self._threads: list[threading.Thread] = []
        self._stopped = False

    def start(self, job: Callable[[], None]) -> None:
        """Run *job* beside the others, in a copy of the caller's context."""
        context = contextvars.copy_context()
        with self._changed:
            self._jobs.append(lambda: context.run(job))
            # A thread whose job has just ended may not be idle yet: hence the second condition.
            if self._idle < len(self._jobs) and len(self._threads) < self._most:
                thread = threading.Thread(target=self._work, name="objectstore-batch", daemon=True)
                self._threads.append(thread)
                thread.start()
            self._changed.notify_all()

    def hand_over(self, item: _T) -> None:
        """From a job: let *item* be taken."""
        self._put(item)

    def pause(self, seconds: float) -> None:
        """From a job: wait."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopped, seconds)
            self._check()

    def take(self) -> _T:
        """The next item; raises what a job raised."""
        with self._changed:
            self._changed.wait_for(lambda: self._items)
            item = self._items.popleft()
            self._changed.notify_all()
        if isinstance(item, BaseException):
            raise item
        return item

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        end = time.monotonic() + _PATIENCE_SECONDS
        for thread in self._threads:
            thread.join(max(end - time.monotonic(), 0.0))

    def _work(self) -> None:
        with suppress(StoppedError):
            while True:
                with self._changed:
                    self._idle += 1
                    self._changed.wait_for(lambda: self._stopped or self._jobs)
                    self._idle -= 1
                    self._check()
                    job = self._jobs.popleft()
                try:
                    job()
                except Exception as error:
                    self._put(error)
                del job  # and all that it holds

    def _put(self, item: _T | BaseException) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or len(self._items) < self._room)
            self._check()
            self._items.append(item)
            self._changed.notify_all()

    def _check(self) -> None:
        if self._stopped:
            raise StoppedError
