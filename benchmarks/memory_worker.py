"""Peak memory of one transfer, in a process of its own.

    python memory_worker.py SIDE PORT put BYTES
    python memory_worker.py SIDE PORT get NAME

Puts from a generator, gets and drops, each with zstd. Prints by how many bytes the peak grew since
the client had done a small put and get.
"""

from __future__ import annotations

import asyncio
import importlib
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from samples import stream
from worker import import_ours, skip


class Reader(io.RawIOBase):
    """A file of what an iterator yields: the official client takes no iterators."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self.pieces = pieces
        self.rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self.rest:
            self.rest = next(self.pieces, b"")
        count = min(len(buffer), len(self.rest))
        buffer[:count], self.rest = self.rest[:count], self.rest[count:]
        return count


def peak() -> int:
    """Return the highest memory use so far, in bytes."""
    status = Path("/proc/self/status")
    if status.exists():  # ru_maxrss starts at the peak of the process that started this one
        line = next(each for each in status.read_text().splitlines() if each.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def official(port: int, verb: str, what: str) -> int:
    """Run one transfer with the official client."""
    package: Any = importlib.import_module("objectstore_client")
    usecase = package.Usecase("bench", resumable_threshold_bytes="none")
    session = package.Client(f"http://127.0.0.1:{port}").session(usecase, org=17, project=42)
    session.put(b"x", key="object")
    session.get("small.zst").payload.read()
    contents = io.BufferedReader(Reader(stream(int(what) if verb == "put" else 0)))
    start = peak()
    if verb == "put":
        session.put(contents, key="object")
    else:
        skip(session.get(what).payload.read)
    return peak() - start


def ours(port: int, verb: str, what: str) -> int:
    """Run one transfer with the blocking client of this checkout."""
    package = import_ours()
    objectstore = package.Objectstore(f"http://127.0.0.1:{port}")
    client = objectstore.get_client(package.Usecase("bench"), package.Scope(org=17, project=42))
    client.put(b"x", id="object")
    client.get("small.zst").payload.read()
    contents = stream(int(what) if verb == "put" else 0)
    start = peak()
    if verb == "put":
        client.put(contents, id="object")
    else:
        for _ in client.get(what).payload:
            pass
    return peak() - start


async def ours_async(port: int, verb: str, what: str) -> int:
    """Run one transfer with the async client of this checkout."""
    package = import_ours()
    async with package.AsyncObjectstore(f"http://127.0.0.1:{port}") as objectstore:
        client = objectstore.get_client(package.Usecase("bench"), package.Scope(org=17, project=42))
        await client.put(b"x", id="object")
        await (await client.get("small.zst")).payload.read()
        contents = stream(int(what) if verb == "put" else 0)
        start = peak()
        if verb == "put":
            await client.put(contents, id="object")
        else:
            async for _ in (await client.get(what)).payload:
                pass
        return peak() - start


def main(side: str, port: int, verb: str, what: str) -> None:
    """Run one transfer, print the growth."""
    if side == "ours, async":
        growth = asyncio.run(ours_async(port, verb, what))
    else:
        growth = (ours if side == "ours" else official)(port, verb, what)
    sys.stdout.write(f"{growth}\n")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:])
