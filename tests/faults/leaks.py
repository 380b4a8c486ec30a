"""What a test leaves behind: descriptors, threads, tasks, and complaints that nobody would see.

with no_leaks():
    ...  # open, use and close things
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

SETTLE_SECONDS = 10
"""How long threads and servers may take to end after they were told to."""


_KEPT = "objectstore-zstd"


class LeakError(AssertionError):
    """Something was left behind."""


@dataclass(frozen=True)
class Snapshot:
    """What a process holds.

    Attributes:
        descriptors: Open files and sockets, in the words of the kernel.
        threads: Threads that run, but for those that compress: the process keeps them.
    """

    descriptors: frozenset[str]
    threads: frozenset[threading.Thread]

    @classmethod
    def take(cls) -> Self:
        """What this process holds now."""
        threads = [t for t in threading.enumerate() if not t.name.startswith(_KEPT)]
        return cls(frozenset(descriptors()), frozenset(threads))

    def leaks(self) -> list[str]:
        """What there is now and was not then."""
        now = Snapshot.take()
        files = sorted(now.descriptors - self.descriptors)
        threads = sorted(thread.name for thread in now.threads - self.threads)
        return files + [f"thread {name}" for name in threads]


def descriptors() -> list[str]:
    """The open descriptors of this process, such as `12 socket:[3456]`."""
    found = []
    for entry in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # that of the directory is closed by now
            found.append(f"{entry.name} {entry.readlink()}")
    return [line for line in found if f"/proc/{os.getpid()}/fd" not in line]


def settle(leaks: Callable[[], list[str]], seconds: float = SETTLE_SECONDS) -> list[str]:
    """Wait until there are no leaks; return those that stay."""
    deadline = time.monotonic() + seconds
    while (found := leaks()) and time.monotonic() < deadline:
        time.sleep(0.005)
    return found


async def leaked_tasks(seconds: float = SETTLE_SECONDS) -> list[str]:
    """The tasks of this loop besides the one that asks, when they had time to end."""
    deadline = time.monotonic() + seconds
    while True:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        if not tasks or time.monotonic() > deadline:
            return [f"task {task!r}" for task in tasks]
        await asyncio.sleep(0.005)


@contextmanager
def complaints() -> Iterator[list[str]]:
    """Collect what would only be printed: errors of threads and finalizers, unclosed resources."""
    found: list[str] = []

    def on_unraisable(fault: sys.UnraisableHookArgs) -> None:
        found.append(f"in {fault.object!r}: {fault.exc_value!r}")

    def on_thread(fault: threading.ExceptHookArgs) -> None:
        found.append(f"in {fault.thread!r}: {fault.exc_value!r}")

    hooks = sys.unraisablehook, threading.excepthook
    sys.unraisablehook, threading.excepthook = on_unraisable, on_thread
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            yield found
    finally:
        sys.unraisablehook, threading.excepthook = hooks


@contextmanager
def no_leaks() -> Iterator[None]:
    """Raise `LeakError` if something is left behind or complains.

    The check comes before garbage collection: what only that would close counts as left behind.
    """
    before = Snapshot.take()
    with complaints() as found:
        yield
        found += settle(before.leaks)
    if found:
        raise LeakError("; ".join(found))
