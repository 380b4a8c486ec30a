"""How far a transfer is, for whoever wants to show it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

__all__ = ["OnProgress", "Progress"]

OnProgress: TypeAlias = Callable[[int, int | None], object]
"""Called with the bytes done so far and the bytes in all, `None` while that is unknown."""


class Progress:
    """Calls back when a transfer gets further; one that is repeated is not reported twice."""

    __slots__ = ("_done", "_on_progress", "total")

    def __init__(self, on_progress: OnProgress, total: int | None) -> None:
        self.total = total
        self._done = 0
        self._on_progress = on_progress

    def reach(self, done: int) -> None:
        """Tell that *done* bytes are done, if that is news."""
        if done > self._done:
            self._done = done
            self._on_progress(done, self.total)
