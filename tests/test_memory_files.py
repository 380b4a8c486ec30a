"""Memory does not grow with files that go up and down: measured in a process of its own."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.serve import serving

MIB = 1024 * 1024

CLIENT = """
import asyncio, json, sys
from objectstore_client import AsyncObjectstore, Objectstore, Scope, Usecase

url, world, compression, folder = sys.argv[1:5]
usecase = Usecase("memory", compression=compression, resumable_threshold=16 << 20)

def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))

def sync():
    with Objectstore(url, spool_dir=folder) as objectstore:
        client = objectstore.get_client(usecase, Scope())
        client.upload_from(f"{folder}/small", id="small")
        client.download_to("small", f"{folder}/copy")
        start = peak()
        client.upload_from(f"{folder}/large", id="large", resume=True)
        up = peak() - start
        client.download_to("large", f"{folder}/copy")
        return up, peak() - start

async def async_():
    async with AsyncObjectstore(url, spool_dir=folder) as objectstore:
        client = objectstore.get_client(usecase, Scope())
        await client.upload_from(f"{folder}/small", id="small")
        await client.download_to("small", f"{folder}/copy")
        start = peak()
        await client.upload_from(f"{folder}/large", id="large", resume=True)
        up = peak() - start
        await client.download_to("large", f"{folder}/copy")
        return up, peak() - start

up, both = sync() if world == "sync" else asyncio.run(async_())
print(json.dumps({"up": up, "both": both}))
"""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server whose own memory does not count."""
    with serving("--data", str(tmp_path_factory.mktemp("data"))) as url:
        yield url


def growth(url: str, world: str, compression: str, size: int, folder: Path) -> int:
    """How much the peak memory of a client grows over a file of *size* bytes, up and down."""
    (folder / "small").write_bytes(b"x")
    noise = random.Random(1).randbytes(MIB // 2)
    with (folder / "large").open("wb") as file:
        for number in range(size // MIB):
            file.write(number.to_bytes(4, "big") + noise[4:] + bytes(MIB // 2))
    command = [sys.executable, "-c", CLIENT, url, world, compression, str(folder)]
    result = subprocess.run(command, check=True, capture_output=True, text=True, timeout=900)
    grown: dict[str, int] = json.loads(result.stdout)
    assert (folder / "copy").stat().st_size == size
    for name in ("large", "copy"):
        (folder / name).unlink()
    print(f"\n{world} {compression} {size // MIB} MiB:", end="")
    print(f" {grown['up'] / MIB:.1f} up, {grown['both'] / MIB:.1f} MiB both", end="")
    return grown["both"]


@pytest.mark.parametrize(("world", "compression"), [("sync", "zstd"), ("async", "none")])
def test_memory_does_not_grow_with_the_file(
    url: str, world: str, compression: str, tmp_path: Path
) -> None:
    """128 MiB up and down, with half of it at most."""
    assert growth(url, world, compression, 128 * MIB, tmp_path) < 64 * MIB


@pytest.mark.long
@pytest.mark.parametrize("compression", ["zstd", "none"])
@pytest.mark.parametrize("world", ["sync", "async"])
def test_memory_is_the_same_for_all_sizes(
    url: str, world: str, compression: str, tmp_path: Path
) -> None:
    """64 MiB, 1 GiB and 4 GiB: no more than 16 MiB lie between them."""
    grown = [growth(url, world, compression, size * MIB, tmp_path) for size in (64, 1024, 4 * 1024)]
    assert max(grown) - min(grown) < 16 * MIB
