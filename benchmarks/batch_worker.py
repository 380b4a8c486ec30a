"""One side of `batch.py`, in a process of its own: runs what it is told, and counts.

    python -I batch_worker.py SIDE PORT

Reads a job per line of standard input, writes a result per line, both JSON. A job with 0 seconds
runs once.
"""

from __future__ import annotations

import asyncio
import importlib
import itertools
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from memory_worker import peak
from samples import json_lines
from worker import import_ours

PAYLOAD = json_lines(1024)

BATCH = 10_000
"""Objects of one job."""

STREAM, STREAM_BYTES = 100_000, 10 * 1024
"""Objects out of an endless generator, and their size."""

KEYS = [f"object-{number}" for number in range(BATCH)]


def operations(ours: Any, operation: str) -> Iterator[Any]:
    """What `many` is given."""
    if operation == "put":
        return (ours.Put(PAYLOAD, id=key) for key in KEYS)
    if operation == "get":
        return (ours.Get(key) for key in KEYS)
    noise = Random(1).randbytes(1024 * 1024)
    starts = itertools.cycle(range(0, len(noise) - STREAM_BYTES, 4099))
    return (
        ours.Put(noise[start : start + STREAM_BYTES], id=f"object-{number}")
        for number, start in enumerate(starts)
    )


class Ours:
    """The client of this checkout, blocking."""

    def __init__(self, port: int) -> None:
        self.ours = import_ours()
        objectstore = self.ours.Objectstore(f"http://127.0.0.1:{port}")
        scope = self.ours.Scope(org=17, project=42)
        self.client = objectstore.get_client(self.ours.Usecase("bench"), scope)

    def run(self, operation: str) -> int:
        """Run a job; return how many operations succeeded."""
        done = 0
        for result in self.client.many(operations(self.ours, operation)):
            if operation == "get":
                assert len(result.value.payload.read()) == len(PAYLOAD)
            done += result.ok
            if operation == "stream" and done == STREAM:
                break
        return done


class OursAsync:
    """The client of this checkout, with asyncio."""

    def __init__(self, port: int) -> None:
        self.ours = import_ours()
        objectstore = self.ours.AsyncObjectstore(f"http://127.0.0.1:{port}")
        scope = self.ours.Scope(org=17, project=42)
        self.client = objectstore.get_client(self.ours.Usecase("bench"), scope)
        self.runner = asyncio.Runner()

    def run(self, operation: str) -> int:
        """Run a job; return how many operations succeeded."""
        return self.runner.run(self._run(operation))

    async def _run(self, operation: str) -> int:
        done = 0
        async for result in self.client.many(operations(self.ours, operation)):
            if operation == "get":
                assert len(await result.value.payload.read()) == len(PAYLOAD)
            done += result.ok
            if operation == "stream" and done == STREAM:
                break
        return done


class Sequential:
    """The official client, which has no batches: one request after the other."""

    def __init__(self, port: int) -> None:
        official: Any = importlib.import_module("objectstore_client")
        usecase = official.Usecase("bench")
        self.session = official.Client(f"http://127.0.0.1:{port}").session(usecase, org=17)

    def run(self, operation: str) -> int:
        """Run a job, on fewer objects; return how many there were."""
        keys = KEYS[: BATCH // 10]
        for key in keys:
            if operation == "put":
                self.session.put(PAYLOAD, key=key)
            else:
                assert len(self.session.get(key).payload.read()) == len(PAYLOAD)
        return len(keys)


SIDES: dict[str, Callable[[int], Ours | OursAsync | Sequential]] = {
    "ours": Ours,
    "ours, async": OursAsync,
    "official": Sequential,
}


def main(side: str, port: int) -> None:
    """Do jobs until there are no more."""
    worker = SIDES[side](port)
    for line in sys.stdin:
        job = json.loads(line)
        before, wall, cpu = peak(), time.perf_counter(), time.process_time()
        done = worker.run(job["operation"])
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        result = {"done": done, "wall": wall, "cpu": cpu, "grown": peak() - before}
        sys.stdout.write(json.dumps(result) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
