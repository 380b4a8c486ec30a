"""Threads for compression: ordered, bounded, their process's own, and never in the way."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading

import pytest

from objectstore_client.workers import THREADS, Ahead


def test_results_come_in_order() -> None:
    """Whichever is ready first, and what needed no work keeps its place."""
    first = threading.Event()
    with Ahead[int]() as ahead:
        ahead.begin(lambda: first.wait(30) and 1)
        assert not ahead.due
        ahead.add(2)
        first.set()
        assert [ahead.next().result(30), ahead.next().result(30)] == [1, 2]


def test_results_are_due_when_enough_is_under_way_or_nothing() -> None:
    """So that threads have work as long as there is some, and nothing waits without need."""
    gate = threading.Event()
    with Ahead[bool]() as ahead:
        assert not ahead.due
        for _ in range(THREADS):
            ahead.begin(gate.wait, 30)
            assert not ahead.due
        ahead.begin(gate.wait, 30)
        assert ahead.due
        gate.set()
        while ahead:
            assert ahead.next().result(30)
        ahead.add(True)
        assert ahead.due


def test_no_more_threads_than_cores() -> None:
    """However much is begun."""
    names: set[str] = set()
    with Ahead[None]() as ahead:
        for _ in range(50):
            ahead.begin(lambda: names.add(threading.current_thread().name))
        while ahead:
            ahead.next().result(30)
    assert 1 <= len(names) <= THREADS <= 4


def test_what_was_not_begun_yet_is_dropped() -> None:
    """Leaving calls off what waits; what runs ends by itself."""
    gate, ran = threading.Event(), threading.Event()
    with Ahead[object]() as ahead:
        for _ in range(THREADS):
            ahead.begin(gate.wait, 30)
        running = ahead.next()
        ahead.begin(ran.set)
    gate.set()
    assert running.result(30)
    assert not ran.is_set()
    assert len(ahead) == 0


def test_errors_come_with_their_result() -> None:
    """Where it is fetched, not before."""
    with Ahead[float]() as ahead:
        ahead.begin(lambda: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            ahead.next().result(30)


def test_work_in_turn_has_one_thread() -> None:
    """It keeps the order, an error does not stop it, and there are no more threads than cores."""
    done: list[int] = []
    threads = set()
    for _ in range(20):
        with Ahead[object](in_turn=True) as ahead:
            ahead.begin(threading.get_ident)
            ahead.begin(lambda: 1 / 0)
            for number in range(10):
                ahead.begin(done.append, number)
            ahead.begin(threading.get_ident)
            first, failed, *_, last = (ahead.next() for _ in range(len(ahead)))
            with pytest.raises(ZeroDivisionError):
                failed.result(30)
            assert first.result(30) == last.result(30)
            threads.add(first.result(30))
    assert done == list(range(10)) * 20
    assert len(threads) == THREADS


SCRIPT = """
    import atexit, os, sys, threading
    from objectstore_client.workers import Ahead

    def work():
        with Ahead(in_turn=True) as ahead:
            ahead.begin(os.getpid)
            assert ahead.next().result(30) == os.getpid()
        with Ahead() as ahead:
            ahead.begin(os.getpid)
            return ahead.next().result(30)

    {body}
"""


def run(body: str) -> str:
    """The output of a Python process."""
    script = textwrap.dedent(SCRIPT).format(body=textwrap.dedent(body))
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    ).stdout


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_child_process_starts_anew() -> None:
    """The threads did not come along."""
    body = """
    assert work() == os.getpid()
    import warnings; warnings.simplefilter("ignore", DeprecationWarning)  # of threads and fork
    if (child := os.fork()) == 0:
        assert work() == os.getpid()
        print("child", flush=True)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    print("parent")
    """
    assert run(body) == "child\nparent\n"


def test_importing_starts_no_thread() -> None:
    """They come with the first work."""
    assert run('print(threading.active_count()); work(); print("more")') == "1\nmore\n"


def test_work_is_done_while_the_interpreter_ends() -> None:
    """Where no thread may start any more, in the caller's own."""
    body = 'atexit.register(lambda: print(work() == os.getpid())); print("end")'
    assert run(body) == "end\nTrue\n"
