"""Threads for zstd: few, shared by the whole process, started when first needed.

The library releases the interpreter while it works, so that it can have several cores. A child
process starts with threads of its own.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from types import TracebackType
from typing import TYPE_CHECKING, Generic, ParamSpec, Self, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

__all__ = ["THREADS", "Ahead"]

_P = ParamSpec("_P")
_R = TypeVar("_R")

THREADS = min(
    len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1, 4
)
"""How many there are: one per core that this process may use, up to 4."""


class Ahead(Generic[_R]):
    """Work that is done on the threads before it is needed; results come in order of beginning.

    Whoever uses it takes a result whenever it is `due`, so that at most `THREADS` + 1 pieces of
    work are under way or waiting to be fetched. As a context manager it drops what was begun and
    is not needed any more; what runs then ends by itself, so it must not work on memory that
    others may change.

    Args:
        in_turn: Work goes on where the last piece left off: one thread does it, in the order of
            beginning. On another core its memory would have to be fetched into the cache again,
            and waking a thread takes as long as a lot of work. There are `THREADS` threads for all
            work of this kind.
    """

    def __init__(self, *, in_turn: bool = False) -> None:
        self._begun: deque[Future[_R]] = deque()
        self._in_turn = in_turn
        self._single: ThreadPoolExecutor | None = None

    def begin(self, function: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs) -> None:
        """Have *function* called."""
        self._begun.append(_submit(self._threads, function, *args, **kwargs))

    def _threads(self) -> ThreadPoolExecutor:
        if not self._in_turn:
            return _pool.shared()
        if self._single is None:
            self._single = _pool.single()
        return self._single

    def add(self, result: _R) -> None:
        """Put what needs no work in line."""
        future: Future[_R] = Future()
        future.set_result(result)
        self._begun.append(future)

    @property
    def due(self) -> bool:
        """Whether it is time to take a result: enough was begun, or nothing is under way."""
        return len(self._begun) > THREADS or (bool(self._begun) and self._begun[-1].done())

    def __len__(self) -> int:
        return len(self._begun)

    def next(self) -> Future[_R]:
        """Take what was begun first."""
        return self._begun.popleft()

    def drop(self) -> None:
        """Call off what was begun."""
        while self._begun:
            self._begun.pop().cancel()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.drop()


class _Pool:
    """The threads of this process."""

    def __init__(self) -> None:
        self.start_anew()

    def start_anew(self) -> None:
        self._lock = threading.Lock()
        self._shared: ThreadPoolExecutor | None = None
        self._singles: deque[ThreadPoolExecutor] = deque()

    def shared(self) -> ThreadPoolExecutor:
        """The threads for work in any order."""
        from concurrent.futures import ThreadPoolExecutor

        with self._lock:
            if self._shared is None:
                self._shared = ThreadPoolExecutor(THREADS, "objectstore-zstd")
            return self._shared

    def single(self) -> ThreadPoolExecutor:
        """The thread whose turn it is to get more work."""
        from concurrent.futures import ThreadPoolExecutor

        with self._lock:
            if len(self._singles) < THREADS:
                self._singles.append(ThreadPoolExecutor(1, "objectstore-zstd-lane"))
            else:
                self._singles.rotate()
            return self._singles[-1]


def _submit(
    threads: Callable[[], ThreadPoolExecutor],
    function: Callable[_P, _R],
    *args: _P.args,
    **kwargs: _P.kwargs,
) -> Future[_R]:
    try:
        return threads().submit(function, *args, **kwargs)
    except RuntimeError:  # the interpreter is about to end, and lets no more threads start
        future: Future[_R] = Future()
        future.set_result(function(*args, **kwargs))
        return future


_pool = _Pool()
os.register_at_fork(after_in_child=_pool.start_anew)
