"""One side of the benchmark, in a process of its own: runs what it is told, and counts.

    python -I worker.py SIDE PORT FOLDER

Reads a job per line of standard input, writes a result per line, both JSON. A job names an
operation, how many threads or tasks run it, and for how many seconds (0: once). Operations:

    get NAME               read an object in pieces, and drop them
    read NAME              read it at once
    head NAME              describe it
    put NAME COMPRESSION   store the file FOLDER/NAME, which is in memory

Each side does that as its documents say. Of what it measures it imports only the public API.
"""

from __future__ import annotations

import asyncio
import importlib
import io
import json
import logging
import os
import socket
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from functools import cache
from pathlib import Path
from typing import Any, Protocol

ROOT = Path(__file__).resolve().parents[1]
PREFIX = "/v1/objects/bench/org=17;project=42/"
MIB = 1024 * 1024

Call = Callable[[], object]
"""Makes one request, and reads the answer."""


@cache
def contents(name: str) -> bytes:
    """What is put."""
    return (Path(sys.argv[3]) / name).read_bytes()


def skip(read: Callable[[int], bytes]) -> None:
    """Read to the end, 1 MiB at a time."""
    while read(MIB):
        pass


class Side(Protocol):
    """What runs operations."""

    def run(self, operation: str, concurrency: int, seconds: float) -> int:
        """Run an operation for some time; return how often."""


class Blocking:
    """A side that works in threads."""

    def call(self, verb: str, name: str, compression: str) -> Call:
        """What runs an operation once."""
        raise NotImplementedError

    def run(self, operation: str, concurrency: int, seconds: float) -> int:
        call = self.call(*[*operation.split(), ""][:3])
        return run_threads([call] * concurrency, seconds)


class Looping:
    """A side that works in tasks, all in one event loop as in a service."""

    def __init__(self) -> None:
        self.runner = asyncio.Runner()

    async def close(self) -> None:
        """Give back what it holds."""

    def call(self, verb: str, name: str, compression: str) -> Callable[[], Awaitable[object]]:
        """What runs an operation once."""
        raise NotImplementedError

    def run(self, operation: str, concurrency: int, seconds: float) -> int:
        call = self.call(*[*operation.split(), ""][:3])
        return self.runner.run(run_tasks(call, concurrency, seconds))


class Official(Blocking):
    """The official client; `pool` is its number of connections, 1 if nobody says otherwise."""

    def __init__(self, port: int, pool: int | None = None) -> None:
        # It drops connections that its pool has no room for, and warns each time. Nobody looks.
        logging.getLogger("urllib3").setLevel(logging.ERROR)
        official: Any = importlib.import_module("objectstore_client")
        assert not official.__file__.startswith(str(ROOT / "objectstore_client"))
        options = {} if pool is None else {"connection_kwargs": {"maxsize": pool}}
        client = official.Client(f"http://127.0.0.1:{port}", **options)
        self.sessions = {
            compression: client.session(
                official.Usecase("bench", compression, resumable_threshold_bytes="none"),
                org=17,
                project=42,
            )
            for compression in ("zstd", "none")
        }

    def call(self, verb: str, name: str, compression: str) -> Call:
        session = self.sessions[compression or "zstd"]
        if verb == "put":
            return lambda: session.put(contents(name), key="object")
        if verb == "head":
            return lambda: session.head(name)
        if verb == "read":
            return lambda: session.get(name).payload.read()
        return lambda: skip(session.get(name).payload.read)


class Ours(Blocking):
    """The client of this checkout, blocking."""

    def __init__(self, port: int) -> None:
        ours = import_ours()
        objectstore = ours.Objectstore(f"http://127.0.0.1:{port}")
        scope = ours.Scope(org=17, project=42)
        self.client = objectstore.get_client(ours.Usecase("bench"), scope)

    def call(self, verb: str, name: str, compression: str) -> Call:
        client = self.client
        if verb == "put":
            return lambda: client.put(contents(name), id="object", compression=compression)
        if verb == "head":
            return lambda: client.head(name)
        if verb == "read":
            return lambda: client.get(name).payload.read()

        def get() -> None:
            for _ in client.get(name).payload:
                pass

        return get


class OursAsync(Looping):
    """The client of this checkout, with asyncio."""

    def __init__(self, port: int) -> None:
        super().__init__()
        ours = import_ours()
        objectstore = ours.AsyncObjectstore(f"http://127.0.0.1:{port}", max_connections=256)
        scope = ours.Scope(org=17, project=42)
        self.client = objectstore.get_client(ours.Usecase("bench"), scope)

    def call(self, verb: str, name: str, compression: str) -> Callable[[], Awaitable[object]]:
        client = self.client
        if verb == "put":
            return lambda: client.put(contents(name), id="object", compression=compression)
        if verb == "head":
            return lambda: client.head(name)

        async def read() -> object:
            return await (await client.get(name)).payload.read()

        async def get() -> None:
            async for _ in (await client.get(name)).payload:
                pass

        return read if verb == "read" else get


class Urllib3(Blocking):
    """urllib3, on which the official client stands."""

    def __init__(self, port: int) -> None:
        urllib3: Any = importlib.import_module("urllib3")
        self.pool = urllib3.HTTPConnectionPool("127.0.0.1", port, maxsize=16)

    def call(self, verb: str, name: str, compression: str) -> Call:
        pool, url = self.pool, PREFIX + name
        if verb == "put":
            return lambda: pool.request("PUT", url, body=contents(name))
        if verb in ("head", "read"):
            method = "GET" if verb == "read" else "HEAD"
            return lambda: pool.request(method, url, decode_content=False).data

        def get() -> None:
            answer = pool.request("GET", url, preload_content=False)
            skip(lambda size: answer.read(size, decode_content=False))
            answer.release_conn()

        return get


class Httpx(Blocking):
    """`httpx.Client`."""

    def __init__(self, port: int) -> None:
        httpx: Any = importlib.import_module("httpx")
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60)

    def call(self, verb: str, name: str, compression: str) -> Call:
        client, url = self.client, PREFIX + name
        if verb == "put":
            return lambda: client.put(url, content=contents(name))
        if verb == "head":
            return lambda: client.head(url)
        if verb == "read":
            return lambda: client.get(url).content

        def get() -> None:
            with client.stream("GET", url) as answer:
                for _ in answer.iter_raw():
                    pass

        return get


class HttpxAsync(Looping):
    """`httpx.AsyncClient`."""

    def __init__(self, port: int) -> None:
        super().__init__()
        httpx: Any = importlib.import_module("httpx")
        self.client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60)

    def call(self, verb: str, name: str, compression: str) -> Callable[[], Awaitable[object]]:
        client, url = self.client, PREFIX + name
        if verb == "put":
            return lambda: client.put(url, content=contents(name))
        return lambda: client.get(url)


class Aiohttp(Looping):
    """aiohttp."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self.aiohttp: Any = importlib.import_module("aiohttp")
        self.base = f"http://127.0.0.1:{port}"
        self.session: Any = None

    async def close(self) -> None:
        if self.session is not None:
            await self.session.close()

    def call(self, verb: str, name: str, compression: str) -> Callable[[], Awaitable[object]]:
        url = self.base + PREFIX + name

        async def call() -> object:
            if self.session is None:  # it must be made in the loop
                connector = self.aiohttp.TCPConnector(limit=256)
                self.session = self.aiohttp.ClientSession(
                    connector=connector, auto_decompress=False
                )
            if verb == "put":
                body = io.BytesIO(contents(name))
                async with self.session.put(url, data=body) as answer:
                    return await answer.read()
            if verb == "head":
                async with self.session.head(url) as answer:
                    return answer.status
            async with self.session.get(url) as answer:
                if verb == "read":
                    return await answer.read()
                async for _ in answer.content.iter_any():
                    pass
                return None

        return call


class Raw:
    """Sockets and nothing else: what the machine and the server could do at most.

    Of small objects it asks on all connections, then reads from all, so that the server is never
    left waiting.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.sockets: list[socket.socket] = []
        self.scratch = bytearray(256 * 1024)  # larger ones leave the cache

    def run(self, operation: str, concurrency: int, seconds: float) -> int:
        verb, name = operation.split()[:2]
        while len(self.sockets) < concurrency:
            connection = socket.create_connection(("127.0.0.1", self.port))
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.sockets.append(connection)
        connections, done = self.sockets[:concurrency], 0
        if not seconds:
            self.put(name) if verb == "put" else self.get(name)
            return 1
        request = self.request("GET", name)
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            for connection in connections:
                connection.send(request)
            for connection in connections:
                connection.recv(65_536)
            done += concurrency
        return done

    def request(self, method: str, name: str, headers: str = "") -> bytes:
        return f"{method} {PREFIX}{name} HTTP/1.1\r\nhost: 127.0.0.1\r\n{headers}\r\n".encode()

    def put(self, name: str) -> None:
        data = memoryview(contents(name))
        self.sockets[0].sendall(self.request("PUT", name, f"content-length: {len(data)}\r\n"))
        for start in range(0, len(data), MIB):
            self.sockets[0].sendall(data[start : start + MIB])
        self.sockets[0].recv_into(self.scratch)

    def get(self, name: str) -> None:
        self.sockets[0].sendall(self.request("GET", name))
        count = self.sockets[0].recv_into(self.scratch)
        head, _, body = bytes(self.scratch[:count]).partition(b"\r\n\r\n")
        left = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]) - len(body)
        while left:
            left -= self.sockets[0].recv_into(self.scratch)


class Cores:
    """zstd itself, with as many threads as cores, from memory to memory: the limit of a put."""

    def run(self, operation: str, concurrency: int, seconds: float) -> int:
        zstandard: Any = importlib.import_module("zstandard")
        threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else -1
        zstandard.ZstdCompressor(level=3, threads=threads).compress(contents(operation.split()[1]))
        return 1


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
            while not done or time.perf_counter() < end:
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
        while not done or time.perf_counter() < end:
            await call()
            done += 1
        return done

    return sum(await asyncio.gather(*(run() for _ in range(concurrency))))


SIDES: dict[str, Callable[[int], Side]] = {
    "official": Official,
    "official, pool 16": lambda port: Official(port, pool=16),
    "ours": Ours,
    "ours, async": OursAsync,
    "urllib3": Urllib3,
    "httpx": Httpx,
    "httpx, async": HttpxAsync,
    "aiohttp": Aiohttp,
    "raw socket": Raw,
    "zstd on all cores": lambda port: Cores(),
}


def main(side: str, port: int) -> None:
    """Do jobs until there are no more."""
    worker = SIDES[side](port)
    for line in sys.stdin:
        job = json.loads(line)
        if job["operation"].startswith("put"):
            contents(job["operation"].split()[1])  # read the file before the clock starts
        wall, cpu = time.perf_counter(), time.process_time()
        done = worker.run(job["operation"], job["concurrency"], job["seconds"])
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        sys.stdout.write(json.dumps({"done": done, "wall": wall, "cpu": cpu}) + "\n")
        sys.stdout.flush()
    if isinstance(worker, Looping):
        worker.runner.run(worker.close())
        worker.runner.close()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
