"""Where calls run that wait for a disk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

_THREADS = 16

_P = ParamSpec("_P")
_T = TypeVar("_T")


class Threads:
    """Runs functions on threads if they may block, else at once."""

    def __init__(self, *, blocks: bool) -> None:
        self._pool = ThreadPoolExecutor(_THREADS, "objectstore-disk") if blocks else None

    async def run(self, function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Call *function*; it always runs to its end, even when cancelled."""
        if self._pool is None:
            return function(*args, **kwargs)
        loop = asyncio.get_running_loop()
        future = loop.run_in_executor(self._pool, partial(function, *args, **kwargs))
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            await asyncio.wait([future])
            raise

    def close(self) -> None:
        """Wait for what runs."""
        if self._pool is not None:
            self._pool.shutdown()
