"""Jobs beside each other, on tasks and on threads: the same contract for both."""

from __future__ import annotations

import asyncio
import contextvars
import threading
import time
from collections.abc import Awaitable, Callable

import pytest

from objectstore_client._lanes import AsyncLanes, Lanes

_context: contextvars.ContextVar[str] = contextvars.ContextVar("context", default="none")


def threads() -> list[threading.Thread]:
    """Those that belong to lanes."""
    return [each for each in threading.enumerate() if each.name == "objectstore-batch"]


async def test_tasks_hand_over_in_order_of_arrival() -> None:
    """From all of them, and what one raises comes out as well."""
    async with AsyncLanes[str](most=2, room=1) as lanes:

        async def job() -> None:
            for item in "abc":
                await lanes.hand_over(item)
            raise ZeroDivisionError

        lanes.start(job)
        assert [await lanes.take() for _ in range(3)] == ["a", "b", "c"]
        with pytest.raises(ZeroDivisionError):
            await lanes.take()


async def test_tasks_are_stopped() -> None:
    """Wherever they wait: to hand over, to go on, for something else."""
    before = asyncio.all_tasks()
    async with AsyncLanes[str](most=3, room=1) as lanes:

        async def hands_over() -> None:
            while True:
                await lanes.hand_over("x")

        async def waits(pause: Callable[[float], Awaitable[None]]) -> None:
            await pause(1000)

        lanes.start(hands_over)
        lanes.start(lambda: waits(lanes.pause))
        lanes.start(lambda: waits(asyncio.sleep))
        assert await lanes.take() == "x"
    assert asyncio.all_tasks() == before


def test_threads_hand_over_in_order_of_arrival() -> None:
    """From all of them, and what one raises comes out as well."""
    with Lanes[str](most=2, room=1) as lanes:

        def job() -> None:
            for item in "abc":
                lanes.hand_over(item)
            raise ZeroDivisionError

        lanes.start(job)
        assert [lanes.take() for _ in range(3)] == ["a", "b", "c"]
        with pytest.raises(ZeroDivisionError):
            lanes.take()
    assert not threads()


def test_threads_are_stopped() -> None:
    """Where they hand over, and where they pause."""
    with Lanes[str](most=2, room=1) as lanes:

        def hands_over() -> None:
            while True:
                lanes.hand_over("x")

        lanes.start(hands_over)
        lanes.start(lambda: lanes.pause(1000))
        assert lanes.take() == "x"
        assert len(threads()) == 2
    assert not threads()


def test_threads_are_kept_for_the_next_job() -> None:
    """A job that follows another needs no thread of its own."""
    with Lanes[threading.Thread](most=3, room=10) as lanes:
        lanes.start(lambda: lanes.hand_over(threading.current_thread()))
        used = {lanes.take()}
        for _ in range(50):
            lanes.start(lambda: lanes.hand_over(threading.current_thread()))
            used.add(lanes.take())
        assert len(used) <= 3
    assert not threads()


def test_threads_run_beside_each_other() -> None:
    """As many as there are jobs, up to the most that was asked for."""
    barrier = threading.Barrier(3)
    with Lanes[int](most=3, room=10) as lanes:
        for _ in range(3):
            lanes.start(lambda: lanes.hand_over(barrier.wait(20)))
        assert sorted(lanes.take() for _ in range(3)) == [0, 1, 2]


def test_jobs_see_the_context_of_their_caller() -> None:
    """The trace of the caller, for instance, which propagation asks for."""
    with Lanes[str](most=1, room=1) as lanes:
        for value in ("one", "two"):
            _context.set(value)
            lanes.start(lambda: lanes.hand_over(_context.get()))
            assert lanes.take() == value


def test_a_thread_that_hangs_does_not_hang_its_caller() -> None:
    """A silent server may hold it until its time-out passes, but nobody else."""
    release = threading.Event()
    with Lanes[str](most=1, room=1) as lanes:

        def hangs() -> None:
            lanes.hand_over("begun")
            release.wait()

        lanes.start(hangs)
        assert lanes.take() == "begun"
        started = time.monotonic()
    (left,) = threads()
    assert time.monotonic() - started < 20
    assert left.daemon
    release.set()
    left.join(20)
    assert not threads()
