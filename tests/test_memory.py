"""Memory stays bounded while large objects pass: measured in a client process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.support.serve import serving

MIB = 1024 * 1024

CLIENT = """
import asyncio, itertools, json, random, sys
from objectstore_client import AsyncObjectstore, Objectstore, Scope, Usecase

url, world, compression, size = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
noise = random.Random(1).randbytes(1 << 20)
# Half of it does not compress: both sides have something to do.
pieces = [noise[: 1 << 19] + bytes([n]) * (1 << 19) for n in range(16)]
usecase = Usecase("memory", compression=compression)

def contents():
    yield from itertools.islice(itertools.cycle(pieces), size >> 20)

def peak():
    # Not ru_maxrss, which starts at the peak of the process that started this one.
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))

def sync():
    with Objectstore(url) as objectstore:
        client = objectstore.get_client(usecase, Scope())
        client.put(b"x", id="warm-up")
        client.get("warm-up").payload.read()
        start = peak()
        client.put(contents(), id="large")
        put = peak() - start
        with client.get("large") as result:
            total = sum(len(piece) for piece in result.payload)
        return put, peak() - start, total

async def async_():
    async with AsyncObjectstore(url) as objectstore:
        client = objectstore.get_client(usecase, Scope())
        await client.put(b"x", id="warm-up")
        await (await client.get("warm-up")).payload.read()
        start = peak()
        await client.put(contents(), id="large")
        put = peak() - start
        total = 0
        async with await client.get("large") as result:
            async for piece in result.payload:
                total += len(piece)
        return put, peak() - start, total

put, both, total = sync() if world == "sync" else asyncio.run(async_())
assert total == size, total
print(json.dumps({"put": put, "both": both}))
"""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server whose own memory does not count."""
    with serving("--data", str(tmp_path_factory.mktemp("data"))) as url:
        yield url


def measure(url: str, world: str, compression: str, size: int) -> dict[str, int]:
    """Growth of the peak memory of a client that puts and gets *size* bytes."""
    command = [sys.executable, "-c", CLIENT, url, world, compression, str(size)]
    result = subprocess.run(command, check=True, capture_output=True, text=True, timeout=550)
    growth: dict[str, int] = json.loads(result.stdout)
    print(f"\n{world} {compression} {size // MIB} MiB: {growth['both'] / MIB:.1f} MiB", end="")
    return growth


@pytest.mark.parametrize("compression", ["zstd", "none"])
@pytest.mark.parametrize("world", ["sync", "async"])
def test_memory_does_not_grow_with_the_object(url: str, world: str, compression: str) -> None:
    """128 MiB up and down, with a quarter of it at most."""
    assert measure(url, world, compression, 128 * MIB)["both"] < 32 * MIB


BOMB_CLIENT = """
import sys
from objectstore_client import Objectstore, Scope, Usecase

url, frames, blocks, limit = sys.argv[1], *map(int, sys.argv[2:])
MIB = 1024 * 1024

def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))

def block(last):  # of a repeated byte: 4 bytes that decode to 128 KiB
    return (131_072 << 3 | 2 | last).to_bytes(3, "little") + b"x"

header = bytes.fromhex("28b52ffd 80 58") + (blocks * 131_072).to_bytes(4, "little")
bomb = (header + block(0) * (blocks - 1) + block(1)) * frames
with Objectstore(url) as objectstore:
    client = objectstore.get_client(Usecase("memory"), Scope())
    client.put(bomb, id="bomb", precompressed="zstd")
    client.put(b"x", id="warm-up")
    client.get("warm-up").payload.read()
    start, total = peak(), 0
    with client.get("bomb") as result:
        while total < limit * MIB and (piece := result.payload.read1()):
            total += len(piece)
    assert total >= limit * MIB, total
print(peak() - start)
"""


@pytest.mark.parametrize(
    ("frames", "blocks", "size", "bound"),
    [(1, 1020, 127, 16), (10, 1020, 1270, 16), (8192, 32, 2048, 32), (40, 8000, 2048, 32)],
    ids=["4 KiB", "40 KiB", "1 MiB", "1 MiB of large frames"],
)
def test_bombs_cost_little_memory(
    url: str, frames: int, blocks: int, size: int, bound: int
) -> None:
    """What decodes to 128 MiB, to 1 GiB, and to more than 32 GiB, decoded ahead."""
    command = [sys.executable, "-c", BOMB_CLIENT, url, str(frames), str(blocks), str(size)]
    result = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    assert int(result.stdout) < bound * MIB


@pytest.mark.long
@pytest.mark.parametrize("compression", ["zstd", "none"])
@pytest.mark.parametrize("world", ["sync", "async"])
def test_memory_of_one_gibibyte(url: str, world: str, compression: str) -> None:
    """1 GiB up and down adds less than 64 MiB."""
    assert measure(url, world, compression, 1024 * MIB)["both"] < 64 * MIB
