"""One side of `small.py`, in a process of its own: runs what it is told, and counts.

    python -I small_worker.py SIDE PORT

Reads a job per line of standard input, writes a result per line, both JSON. Imports of the
distribution that it measures only the public API.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import logging
import socket
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]

PAYLOAD = "".join(
    f'{{"id": {n}, "level": "info", "logger": "worker.{n % 3}", "message": "job {n * 7919}"}}\n'
    for n in range(20)
).encode()[:1024]
"""What is put, and what is got."""

Call = Callable[[], object]
"""Makes one request, and reads the answer."""


class Official:
    """The official client; `pool` is its number of connections, 1 if nobody says otherwise."""

    def __init__(self, port: int, pool: int | None = None) -> None:
        # It drops connections that its pool has no room for, and warns each time. Nobody looks.
        logging.getLogger("urllib3").setLevel(logging.ERROR)
        official: Any = importlib.import_module("objectstore_client")
        assert not official.__file__.startswith(str(ROOT / "objectstore_client"))
        options = {} if pool is None else {"connection_kwargs": {"maxsize": pool}}
        client = official.Client(f"http://127.0.0.1:{port}", **options)
        self.session = client.session(official.Usecase("bench"), org=17, project=42)

    def call(self, operation: str) -> Call:
        session = self.session
        if operation == "put":
            return lambda: session.put(PAYLOAD, key="object")
        key = operation.removeprefix("get-")
        return lambda: session.get(key).payload.read()

    def run(self, operation: str, concurrency: int, seconds: float) -> int:
        return run_threads([self.call(operation)] * concurrency, seconds)


class Ours:
    """The client of this checkout, blocking."""

    def __init__(self, port: int) -> None:
        ours = import_ours()
        objectstore = ours.Objectstore(f"http://127.0.0.1:{port}")
        scope = ours.Scope(org=17, project=42)
        self.client = objectstore.get_client(ours.Usecase("bench"), scope)

    def call(self, operation: str) -> Call:
        client = self.client
        if operation == "put":
            return lambda: client.put(PAYLOAD, id="object")
        key = operation.removeprefix("get-")
        return lambda: client.get(key).payload.read()

    def run(self, operation: str, concurrency: int, seconds: float) -> int:
        return run_threads([self.call(operation)] * concurrency, seconds)


class OursAsync:
    """The client of this checkout, with asyncio."""

    def __init__(self, port: int) -> None:
        ours = import_ours()
        objectstore = ours.AsyncObjectstore(f"http://127.0.0.1:{port}")
        scope = ours.Scope(org=17, project=42)
        self.client = objectstore.get_client(ours.Usecase("bench"), scope)
        self.runner = asyncio.Runner()  # one event loop for all jobs, as in a service

    def call(self, operation: str) -> Callable[[], Awaitable[object]]:
        client = self.client
        if operation == "put":
            return lambda: client.put(PAYLOAD, id="object")
        key = operation.removeprefix("get-")

        async def get() -> object:
            return await (await client.get(key)).payload.read()

        return get

    def run(self, operation: str, concurrency: int, seconds: float) -> int:
        return self.runner.run(run_tasks(self.call(operation), concurrency, seconds))


class Raw:
    """Sockets and nothing else: what the machine and the server could do at most.

    It asks on all connections, then reads from all, so the server is never left waiting.
    """

    REQUEST = b"GET /v1/objects/bench/org=17;project=42/%s HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"

    def __init__(self, port: int) -> None:
        self.port = port
        self.sockets: list[socket.socket] = []

    def run(self, operation: str, concurrency: int, seconds: float) -> int:
        request = self.REQUEST % operation.removeprefix("get-").encode()
        while len(self.sockets) < concurrency:
            connection = socket.create_connection(("127.0.0.1", self.port))
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.sockets.append(connection)
        connections, done = self.sockets[:concurrency], 0
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            for connection in connections:
                connection.send(request)
            for connection in connections:
                connection.recv(65_536)
            done += concurrency
        return done


def import_ours() -> Any:
    """Import the package of this checkout, whatever is installed."""
    sys.path[:0] = [str(ROOT), str(ROOT / "generated")]
    package = importlib.import_module("objectstore_client")
    assert package.__file__
    assert package.__file__.startswith(str(ROOT))
    return package


def run_threads(calls: list[Call], seconds: float) -> int:
    """Make each call over and over, each in a thread of its own; count them all."""
    counts: list[int] = []
    errors: list[BaseException] = []
    ready = threading.Barrier(len(calls))

    def run(call: Call) -> None:
        done = 0
        try:
            ready.wait()
            end = time.perf_counter() + seconds
            while time.perf_counter() < end:
                call()
                done += 1
        except BaseException as error:
            errors.append(error)
        counts.append(done)

    if len(calls) == 1:
        run(calls[0])
    else:
        threads = [threading.Thread(target=run, args=(call,)) for call in calls]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    if errors:
        raise errors[0]
    return sum(counts)


async def run_tasks(call: Callable[[], Awaitable[object]], concurrency: int, seconds: float) -> int:
    """Make the call over and over in each of *concurrency* tasks; count them all."""
    end = time.perf_counter() + seconds

    async def run() -> int:
        done = 0
        while time.perf_counter() < end:
            await call()
            done += 1
        return done

    return sum(await asyncio.gather(*(run() for _ in range(concurrency))))


SIDES: dict[str, Callable[[int], Official | Ours | OursAsync | Raw]] = {
    "official": Official,
    "official, pool 16": lambda port: Official(port, pool=16),
    "ours": Ours,
    "ours, async": OursAsync,
    "raw sockets": Raw,
}


def main(side: str, port: int) -> None:
    """Do jobs until there are no more."""
    worker = SIDES[side](port)
    if isinstance(worker, (Official, Ours)):
        assert worker.call("get-zstd")() == worker.call("get-plain")() == PAYLOAD
    for line in sys.stdin:
        job = json.loads(line)
        wall, cpu = time.perf_counter(), time.process_time()
        done = worker.run(job["operation"], job["concurrency"], job["seconds"])
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        sys.stdout.write(json.dumps({"done": done, "wall": wall, "cpu": cpu}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
