"""Threads for compression: few, shared by the whole process, started when first needed.

The library releases the interpreter while it compresses, so that frames are worked on by several
cores. A child process starts with threads of its own.
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
    """

    def __init__(self) -> None:
        self._begun: deque[Future[_R]] = deque()

    def begin(self, function: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs) -> None:
        """Have *function* called."""
        self._begun.append(_pool.submit(function, *args, **kwargs))

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
        self._executor: ThreadPoolExecutor | None = None

    def submit(self, function: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs) -> Future[_R]:
        try:
            return self._threads().submit(function, *args, **kwargs)
        except RuntimeError:  # the interpreter is about to end, and lets no more threads start
            future: Future[_R] = Future()
            future.set_result(function(*args, **kwargs))
            return future

    def _threads(self) -> ThreadPoolExecutor:
        from concurrent.futures import ThreadPoolExecutor

        with self._lock:
            if self._executor is None:
                self._executor = ThreadPoolExecutor(THREADS, "objectstore-zstd")
            return self._executor


_pool = _Pool()
os.register_at_fork(after_in_child=_pool.start_anew)
